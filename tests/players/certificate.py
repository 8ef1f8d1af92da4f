"""Files of certificates that fail as `opsctl.faults.certificate` says."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = (
    "expires_in > 14d",
    "expires_in > 0s",
    "begun == true",
    "count == 1",
    'names contains "localhost"',
    'subject == "CN=localhost"',
    'issuer == "CN=opsctl test CA"',
)
WITH_A_KEY = (*LENSES, "key_matches == true")
_PAIRS = {"expired": "expired", "other-name": "wrong_host"}


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    known = {"healthy", "missing", "unreadable", "garbage", "not-begun", "other-key", *_PAIRS}
    return _files(stage, fault.name) if fault.name in known else None


@contextmanager
def _files(stage: Stage, name: str) -> Iterator[Mapping[str, Any]]:
    pair = getattr(stage.certificates, _PAIRS.get(name, "good"))
    path, key = stage.folder / "own.pem", stage.certificates.chained.key if name == "other-key" else pair.key
    if name != "missing":
        path.write_bytes(pair.certificate.read_bytes())
    if name == "garbage":
        path.write_text("all is well\n")
    if name == "unreadable":
        path.chmod(0)
    if name == "not-begun":
        path.write_bytes(_beginning_tomorrow(path, key))
    yield {"path": str(path), **({"key": str(key)} if "key" in stage.fields else {})}


def _beginning_tomorrow(path: Path, key: Path) -> bytes:
    """The same certificate, but for when it begins, and who has signed it."""
    same = x509.load_pem_x509_certificate(path.read_bytes())
    private = load_pem_private_key(key.read_bytes(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder(
        same.issuer,
        same.subject,
        same.public_key(),
        same.serial_number,
        dt.datetime.now(dt.UTC) + dt.timedelta(days=1),
        same.not_valid_after_utc,
        [*same.extensions],
    )
    return builder.sign(private, SHA256()).public_bytes(Encoding.PEM)
