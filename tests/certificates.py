"""Certificates for the tests' TLS servers: a CA of their own, one good certificate, and each way to be bad."""

from __future__ import annotations

import datetime as dt
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
PAST = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
FAR = dt.datetime(2099, 12, 31, tzinfo=dt.UTC)
HERE = ("localhost", "127.0.0.1")


class Pair(NamedTuple):
    """A certificate with whatever a server sends along, and its key, as PEM files."""

    certificate: Path
    key: Path


class Certificates(NamedTuple):
    """`ca` is what clients trust; all but `self_signed` and `untrusted` descend from it.

    All are for localhost and 127.0.0.1, but for `wrong_host`, and are valid from 2020 to 2099, but for `expired`
    (ended with 2020) and `soon` (ends five days from when it was made); so does what is above `chain_soon`.
    """

    ca: Path
    good: Pair
    chained: Pair
    chain_soon: Pair
    incomplete: Pair
    expired: Pair
    soon: Pair
    wrong_host: Pair
    self_signed: Pair
    untrusted: Pair
    client: Pair


class _Issuer(NamedTuple):
    name: x509.Name
    key: ec.EllipticCurvePrivateKey


class _Made(NamedTuple):
    certificate: x509.Certificate
    issuer: _Issuer


def make(folder: Path) -> Certificates:
    """Write all of them to `folder`."""
    ca = _authority("opsctl test CA", None)
    middle = _authority("opsctl test intermediate CA", ca.issuer)
    stranger = _authority("unknown CA", None)
    leaf = _leaf(middle.issuer)
    own = _own_issuer()
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(days=5)
    ending = _authority("opsctl test ending CA", ca.issuer, soon)
    return Certificates(
        ca=_write(folder, "ca", ca).certificate,
        good=_write(folder, "good", _leaf(ca.issuer)),
        chained=_write(folder, "chained", leaf, middle),
        chain_soon=_write(folder, "chain_soon", _leaf(ending.issuer), ending),
        incomplete=_write(folder, "incomplete", leaf),
        expired=_write(folder, "expired", _leaf(ca.issuer, until=PAST)),
        soon=_write(folder, "soon", _leaf(ca.issuer, until=soon)),
        wrong_host=_write(folder, "wrong_host", _leaf(ca.issuer, names=("other.example.test",))),
        self_signed=_write(folder, "self_signed", _leaf(own, key=own.key)),
        untrusted=_write(folder, "untrusted", _leaf(stranger.issuer)),
        client=_write(folder, "client", _leaf(ca.issuer, names=("client.example.test",))),
    )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


def _own_issuer() -> _Issuer:
    return _Issuer(_name("localhost"), ec.generate_private_key(ec.SECP256R1()))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _authority(common: str, issuer: _Issuer | None, until: dt.datetime = FAR) -> _Made:
    own = _Issuer(_name(common), ec.generate_private_key(ec.SECP256R1()))
    above = issuer or own
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _begun(own, above, until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(above.key, hashes.SHA256())
    )
    return _Made(certificate, own)


def _leaf(
    issuer: _Issuer,
    *,
    names: tuple[str, ...] = HERE,
    until: dt.datetime = FAR,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> _Made:
    own = _Issuer(_name(names[0]), key or ec.generate_private_key(ec.SECP256R1()))
    alternatives = [
        x509.IPAddress(IPv4Address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
    ]
    certificate = (
        _begun(own, issuer, until)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(issuer.key, hashes.SHA256())
    )
    return _Made(certificate, own)


def _begun(own: _Issuer, issuer: _Issuer, until: dt.datetime) -> x509.CertificateBuilder:
    # Python 3.13 verifies strictly: without the two key identifiers no certificate is good.
    return (
        x509.CertificateBuilder()
        .subject_name(own.name)
        .issuer_name(issuer.name)
        .public_key(own.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(LONG_AGO)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
    )


def _write(folder: Path, name: str, *chain: _Made) -> Pair:
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    pem = serialization.Encoding.PEM
    pair.certificate.write_bytes(b"".join(made.certificate.public_bytes(pem) for made in chain))
    key = chain[0].issuer.key
    pair.key.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pair
