"""The `tls` check: the certificate of a port, valid or not, and how long it still is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

from opsctl.connecting import ConnectError, Deadline, Family, connect, failure_of, parse_address, within
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.prose import listed, safe, shorten

if TYPE_CHECKING:
    import ssl

    from opsctl.checks import Ask

# OpenSSL's verification codes (x509_vfy.h).
_OK = 0
_DATES = frozenset({9, 10})
_OTHER_HOST = frozenset({62, 64})
_SELF_SIGNED = frozenset({18, 19})
_DAY = 86400


@dataclass(frozen=True, kw_only=True)
class TlsCheck:
    """Make a TLS handshake and read the certificate, also one that is not valid."""

    address: Annotated[str, NotEmpty(), Doc("Where to connect: `host:port`, or `[::1]:port`.")]
    server_name: Annotated[
        str | None, NotEmpty(), Doc("The name to ask for and to verify; by default the host.")
    ] = None
    verify: Annotated[bool, Doc("Whether a certificate that is not valid is a failure.")] = True
    ca: Annotated[
        str | None, NotEmpty(), Doc("A file of trusted certificates (PEM) in place of the system's.")
    ] = None
    certificate: Annotated[str | None, NotEmpty(), Doc("A client certificate (PEM).")] = None
    key: Annotated[str | None, NotEmpty(), Doc("The client certificate's private key (PEM).")] = None
    family: Annotated[Family, Doc("The address family to connect by.")] = "any"

    SHORTHAND: ClassVar[str] = "address"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "valid": Subject(Kind.BOOLEAN, "Whether chain, dates and host name are all right.", Cause.TLS),
        "trusted": Subject(
            Kind.BOOLEAN, "Whether the chain leads to a trusted certificate, its own dates aside.", Cause.TLS
        ),
        "host_matches": Subject(Kind.BOOLEAN, "Whether the certificate is for this host.", Cause.TLS),
        "expires_in": Subject(
            Kind.DURATION, "Until the certificate expires; negative once it has.", Cause.EXPIRY
        ),
        "chain_expires_in": Subject(
            Kind.DURATION, "Until the first certificate that the server sends expires.", Cause.EXPIRY
        ),
        "version": Subject(Kind.TEXT, 'The protocol, as "TLSv1.3".', Cause.TLS),
        "cipher": Subject(Kind.TEXT, "The cipher suite.", Cause.TLS),
        "issuer": Subject(Kind.TEXT, 'The issuer\'s name, as "CN=Example CA,O=Example".', Cause.TLS),
        "subject": Subject(Kind.TEXT, "The subject's name, written as the issuer's.", Cause.TLS),
        "names": Subject(Kind.LIST, "The host names and addresses it is for.", Cause.TLS),
        "serial": Subject(Kind.TEXT, "The serial number, in hexadecimal.", Cause.TLS),
        "fingerprint": Subject(Kind.TEXT, "The SHA-256 of the certificate, in hexadecimal.", Cause.TLS),
        "latency": Subject(Kind.DURATION, "From the start to the end of the first handshake.", Cause.SLOW),
        "latency.dns": Subject(Kind.DURATION, "Resolving the name.", Cause.SLOW),
        "latency.connect": Subject(Kind.DURATION, "Connecting, once the name is resolved.", Cause.SLOW),
        "latency.tls": Subject(Kind.DURATION, "The handshake.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("valid == true", "expires_in > 14d")

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is expected, and what is wished, of a check that names neither."""
        return (self.EXPECT if self.verify else ("expires_in > 14d",)), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        try:
            parse_address(self.address)
        except ValueError as error:
            yield "address", str(error)
        if self.server_name and self.server_name.startswith("."):
            yield "server_name", f"`{self.server_name[:80]}` is not a host name; write it without the dot"
        if self.key and not self.certificate:
            yield "key", "`key` needs its `certificate`; name both"

    def target(self) -> str:
        """The address."""
        return self.address

    def probe(self, ask: Ask) -> Observation:
        """Verify; where that fails, find out what is wrong by handshakes that verify less."""
        deadline = within(ask.timeout)
        try:
            verifying = _Trust(
                str(ask.root / self.ca) if self.ca else None,
                str(ask.root / self.certificate) if self.certificate else None,
                str(ask.root / (self.key or self.certificate)) if self.certificate else None,
            )
            return self._look(verifying, ask, deadline)
        except _UnusableFileError as error:
            return Observation(failure=Failure(Cause.PERMISSION, str(error)))

    def _look(self, trust: _Trust, ask: Ask, deadline: Deadline) -> Observation:
        first = seen = self._shake(trust.context(), deadline)
        other_host = seen.code in _OTHER_HOST
        if other_host:
            seen = self._shake(trust.context(host=False), deadline)
        code = seen.code
        if code != _OK:
            seen = self._shake(trust.context(host=False, chain=False), deadline)
        return Observation()

    def _name(self) -> str:
        return self.server_name or parse_address(self.address).host
