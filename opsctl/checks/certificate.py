"""The `certificate` check: certificates in a file, before a server shows them to anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.checks import Ask

_MOST = 10_000_000


@dataclass(frozen=True, kw_only=True)
class CertificateCheck:
    """Read certificates (PEM), and the key that belongs to the first of them."""

    path: Annotated[str, NotEmpty(), Doc("The file; the workspace's folder is the base of a relative path.")]
    key: Annotated[str | None, NotEmpty(), Doc("The file of its private key (PEM), without a password.")] = (
        None
    )

    SHORTHAND: ClassVar[str] = "path"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "expires_in": Subject(Kind.DURATION, "Until the first of them expires.", Cause.EXPIRY),
        "begun": Subject(Kind.BOOLEAN, "Whether all of them are valid already.", Cause.EXPIRY),
        "key_matches": Subject(Kind.BOOLEAN, "Whether `key` is the first one's.", Cause.TLS),
        "count": Subject(Kind.NUMBER, "How many certificates there are."),
        "subject": Subject(Kind.TEXT, 'The first one\'s name, as "CN=example.com".', Cause.TLS),
        "issuer": Subject(Kind.TEXT, "The name of who issued it.", Cause.TLS),
        "names": Subject(Kind.LIST, "The host names and addresses it is for.", Cause.TLS),
        "fingerprint": Subject(Kind.TEXT, "The SHA-256 of the first one, in hexadecimal.", Cause.TLS),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("expires_in > 14d", "begun == true")

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """A key has to be the right one."""
        return (*self.EXPECT, *(("key_matches == true",) if self.key else ())), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        for name in ("path", "key"):
            if "\0" in (getattr(self, name) or ""):
                yield name, "a path cannot hold a NUL character"

    def target(self) -> str:
        """The path as it is written."""
        return self.path

    def probe(self, ask: Ask) -> Observation:
        """Read the files."""
        try:
            pem = _content(ask.root / self.path)
            key = _content(ask.root / self.key) if self.key else None
        except FileNotFoundError as error:
            return Observation(failure=Failure(Cause.MISSING, f"{error.filename} does not exist"))
        except OSError as error:
            words = f"{error.filename} cannot be read: {(error.strerror or str(error)).lower()}"
            return Observation(failure=Failure(Cause.PERMISSION, words))
        try:
            return Observation(_values(pem, key, ask.now))
        except ValueError as error:
            return Observation(failure=Failure(Cause.BODY, f"{self.path}: {error}"))


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST)


def _values(pem: bytes, key: bytes | None, now: float) -> dict[str, Value]:
    """What the certificates say at `now` (UTC epoch seconds); ValueError where they are none."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    from opsctl.certificate import read_certificate

    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ValueError("it holds no certificate that can be read") from error
    first = found[0]
    said = read_certificate(first.public_bytes(Encoding.DER))
    values: dict[str, Value] = {
        "expires_in": min(one.not_valid_after_utc.timestamp() for one in found) - now,
        "begun": all(one.not_valid_before_utc.timestamp() <= now for one in found),
        "count": len(found),
        "subject": said.subject,
        "issuer": said.issuer,
        "names": [*sorted(said.names)],
        "fingerprint": first.fingerprint(SHA256()).hex(),
    }
    if key is not None:
        values["key_matches"] = _fits(key, first)
    return values


def _fits(key: bytes, certificate: object) -> bool:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        raise ValueError("its key cannot be read; it has to be PEM without a password") from error
    forms = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    public = certificate.public_key()  # type: ignore[attr-defined]  # a certificate has one
    return bool(private.public_key().public_bytes(*forms) == public.public_bytes(*forms))
