"""What a certificate says: until when it is valid, and for whom."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509


class Certificate(NamedTuple):
    """What a certificate says; times are epoch seconds."""

    begins: float
    ends: float
    issuer: str
    subject: str
    serial: str
    names: Sequence[str]


def matches(names: Sequence[str], host: str) -> bool:
    """Whether a certificate with these names is for `host`; `*` is one whole first label (RFC 9525, 6.3)."""
    host = host.removesuffix(".").lower()
    if not host.isascii():
        host = host.encode("idna").decode()
    first, _, rest = host.partition(".")
    wanted = {host} if _is_address(host) or not first or not rest else {host, f"*.{rest}"}
    return any(name.lower() in wanted for name in names)


def _is_address(host: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def read_certificate(encoded: bytes) -> Certificate:
    """A certificate in DER; ValueError where it is none."""
    import warnings

    from cryptography import x509
    from cryptography.utils import CryptographyDeprecationWarning

    # What it will refuse one day, as a serial number below 0, is no matter for whoever looks at a server.
    warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning)
    try:
        return _read(x509.load_der_x509_certificate(encoded))
    except Exception as error:  # of a dozen classes, for what any server may put into one
        raise ValueError(str(error)) from error


def _read(read: x509.Certificate) -> Certificate:
    from cryptography import x509

    try:
        found = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [
            *found.get_values_for_type(x509.DNSName),
            *(str(address) for address in found.get_values_for_type(x509.IPAddress)),
        ]
    except x509.ExtensionNotFound:
        names = []
    return Certificate(
        read.not_valid_before_utc.timestamp(),
        read.not_valid_after_utc.timestamp(),
        read.issuer.rfc4514_string(),
        read.subject.rfc4514_string(),
        f"{read.serial_number:x}",
        names,
    )


def earliest_expiry(chain: Sequence[Sequence[tuple[str, str]]]) -> float | None:
    """When the first certificate of a libcurl CERTINFO chain to expire does (epoch seconds), if known."""
    ends = (_epoch(value) for certificate in chain for name, value in certificate if name == "Expire date")
    return min((end for end in ends if end is not None), default=None)


def _epoch(text: str) -> float | None:
    import calendar

    for form in ("%b %d %H:%M:%S %Y GMT", "%Y-%m-%d %H:%M:%S GMT"):
        try:
            return float(calendar.timegm(time.strptime(text.strip(), form)))
        except ValueError:
            continue
    return None
