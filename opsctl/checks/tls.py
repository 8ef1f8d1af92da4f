"""The `tls` check: the certificate of a port, valid or not, and how long it still is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from opsctl.connecting import ConnectError, Family, connect, failure_of, parse_address
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value

if TYPE_CHECKING:
    import ssl

    from opsctl.checks import Ask

# OpenSSL's verification codes (x509_vfy.h).
_EXPIRED = 10
_NOT_YET = 9
_WRONG_HOST = 62
_WRONG_ADDRESS = 64


@dataclass(frozen=True, kw_only=True)
class TlsCheck:
    """Make a TLS handshake and read the certificate."""

    address: Annotated[str, NotEmpty(), Doc("Where to connect: `host:port`.")]
    server_name: Annotated[str | None, Doc("The name to ask for and to verify; by default the host.")] = None
    ca: Annotated[str | None, Doc("A file of trusted certificates (PEM) in place of the system's.")] = None
    certificate: Annotated[str | None, Doc("A client certificate (PEM).")] = None
    key: Annotated[str | None, Doc("The client certificate's private key (PEM).")] = None
    family: Annotated[Family, Doc("The address family to connect by.")] = "any"

    SHORTHAND: ClassVar[str] = "address"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "valid": Subject(Kind.BOOLEAN, "Whether chain, dates and host name are all right.", Cause.TLS),
        "trusted": Subject(
            Kind.BOOLEAN, "Whether the chain leads to a trusted root; dates aside.", Cause.TLS
        ),
        "host_matches": Subject(Kind.BOOLEAN, "Whether the certificate is for this host.", Cause.TLS),
        "expires_in": Subject(Kind.DURATION, "Until it expires; negative once it has.", Cause.EXPIRY),
        "version": Subject(Kind.TEXT, 'The protocol, as "TLSv1.3".', Cause.TLS),
        "cipher": Subject(Kind.TEXT, "The cipher suite.", Cause.TLS),
        "issuer": Subject(Kind.TEXT, "The issuer's name.", Cause.TLS),
        "subject": Subject(Kind.TEXT, "The subject's name.", Cause.TLS),
        "names": Subject(Kind.LIST, "The host names and addresses it is for.", Cause.TLS),
        "serial": Subject(Kind.TEXT, "The serial number, in hexadecimal.", Cause.TLS),
        "fingerprint": Subject(Kind.TEXT, "The SHA-256 of the certificate, in hexadecimal.", Cause.TLS),
        "latency": Subject(Kind.DURATION, "From the start to the end of the handshake.", Cause.SLOW),
        "latency.dns": Subject(Kind.DURATION, "Resolving the name.", Cause.SLOW),
        "latency.connect": Subject(Kind.DURATION, "Connecting, once the name is resolved.", Cause.SLOW),
        "latency.tls": Subject(Kind.DURATION, "The handshake.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("valid == true", "expires_in > 14d")

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        try:
            parse_address(self.address)
        except ValueError as error:
            yield "address", str(error)
        if self.key and not self.certificate:
            yield "key", "`key` needs its `certificate`; name both"

    def target(self) -> str:
        """The address."""
        return self.address

    def probe(self, ask: Ask) -> Observation:
        """Make a verified handshake; where that fails, an unverified one, to read the certificate."""
        import ssl

        started = time.monotonic()
        try:
            context = self._context(ask)
        except (OSError, ssl.SSLError) as error:
            words = f"a certificate file cannot be read: {error}; correct `ca`, `certificate` or `key`"
            return Observation(failure=Failure(Cause.PERMISSION, words))
        observed = self._handshake(context, ask, started)
        if not isinstance(observed, ssl.SSLCertVerificationError):
            return observed
        why = observed
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        again = self._handshake(context, ask, started)
        if isinstance(again, ssl.SSLCertVerificationError) or again.failure is not None:
            return Observation(failure=Failure(Cause.TLS, why.verify_message or str(why)))
        values = {**again.values, **_invalid(why)}
        return again._replace(
            values=values, evidence={**_mapping(again), "why": _words(why, values, self._name())}
        )

    def _name(self) -> str:
        return self.server_name or parse_address(self.address).host

    def _context(self, ask: Ask) -> ssl.SSLContext:
        import ssl

        from opsctl.exchange import trusted_certificates

        file = str(ask.root / self.ca) if self.ca else trusted_certificates()
        context = ssl.create_default_context(cafile=file)
        if self.certificate:
            key = str(ask.root / self.key) if self.key else None
            context.load_cert_chain(str(ask.root / self.certificate), key)
        return context

    def _handshake(
        self, context: ssl.SSLContext, ask: Ask, started: float
    ) -> Observation | ssl.SSLCertVerificationError:
        import ssl

        try:
            connection = connect(
                parse_address(self.address), self.family, ask.timeout - (time.monotonic() - started)
            )
        except ConnectError as error:
            return Observation(failure=error.failure, evidence={"address": self.address})
        phases = {"dns": connection.resolving, "connect": connection.connecting}
        begun = time.monotonic()
        try:
            with connection.socket as plain:
                plain.settimeout(max(0.001, ask.timeout - (begun - started)))
                secure = context.wrap_socket(
                    plain, server_hostname=self._name(), do_handshake_on_connect=False
                )
                with secure:
                    _shake_hands(secure, ask.timeout - (begun - started))
                    phases["tls"] = time.monotonic() - begun
                    return _observe(secure, ask.now, phases, connection.peer)
        except ssl.SSLCertVerificationError as error:
            return error
        except ssl.SSLError as error:
            words = f"the handshake failed: {error.reason or error}".lower().replace("_", " ")
            return Observation(failure=Failure(Cause.TLS, words), phases=phases)
        except OSError as error:
            return Observation(failure=failure_of(error, ask.timeout), phases=phases)


def _shake_hands(secure: ssl.SSLSocket, seconds: float) -> None:
    """The handshake within `seconds` in all: a socket's own timeout would start anew with every byte."""
    import select
    import ssl

    deadline = time.monotonic() + seconds
    secure.setblocking(False)
    while True:
        try:
            secure.do_handshake()
        except ssl.SSLWantReadError:
            waiting: tuple[list[Any], list[Any]] = ([secure], [])
        except ssl.SSLWantWriteError:
            waiting = ([], [secure])
        else:
            return
        left = deadline - time.monotonic()
        if left <= 0 or not any(select.select(*waiting, [], left)):
            raise TimeoutError


def _observe(secure: ssl.SSLSocket, now: float, phases: dict[str, float], peer: str) -> Observation:
    import hashlib

    encoded = secure.getpeercert(binary_form=True) or b""
    values: dict[str, Value] = {
        "valid": True,
        "trusted": True,
        "host_matches": True,
        "version": secure.version(),
        "fingerprint": hashlib.sha256(encoded).hexdigest(),
        "latency": sum(phases.values()),
        **{f"latency.{name}": seconds for name, seconds in phases.items()},
    }
    cipher = secure.cipher()
    if cipher:
        values["cipher"] = cipher[0]
    values.update(_certificate(encoded, now))
    shown = ("subject", "issuer", "names", "serial", "version", "cipher")
    evidence = {"address": peer, **{name: values[name] for name in shown if name in values}}
    return Observation(values, None, evidence, phases)


def _certificate(encoded: bytes, now: float) -> Mapping[str, Value]:
    """What a certificate says, whether or not it was verified."""
    from cryptography import x509
    from cryptography.x509.oid import ExtensionOID

    certificate = x509.load_der_x509_certificate(encoded)
    values: dict[str, Value] = {
        "expires_in": certificate.not_valid_after_utc.timestamp() - now,
        "issuer": certificate.issuer.rfc4514_string(),
        "subject": certificate.subject.rfc4514_string(),
        "serial": f"{certificate.serial_number:x}",
        "names": [],
    }
    try:
        names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return values
    if isinstance(names, x509.SubjectAlternativeName):
        values["names"] = [
            *names.get_values_for_type(x509.DNSName),
            *(str(address) for address in names.get_values_for_type(x509.IPAddress)),
        ]
    return values


def _invalid(why: ssl.SSLCertVerificationError) -> Mapping[str, Value]:
    """What the failed verification shows; OpenSSL stops at the first fault, so the rest is not known."""
    values: dict[str, Value] = {"valid": False}
    if why.verify_code in {_WRONG_HOST, _WRONG_ADDRESS}:
        return {**values, "host_matches": False, "trusted": True}
    return {**values, "trusted": why.verify_code in {_EXPIRED, _NOT_YET}, "host_matches": None}


def _words(why: ssl.SSLCertVerificationError, values: Mapping[str, Value], name: str) -> str:
    if why.verify_code == _EXPIRED:
        return "the certificate has expired"
    if why.verify_code == _NOT_YET:
        return "the certificate is not valid yet"
    if why.verify_code in {_WRONG_HOST, _WRONG_ADDRESS}:
        names = values.get("names")
        shown = ", ".join(map(str, names)) if isinstance(names, list) else "another host"
        return f"the certificate is for {shown}, not {name}"
    return f"the certificate is not trusted: {why.verify_message}"


def _mapping(observation: Observation) -> Mapping[str, Value]:
    return observation.evidence() if callable(observation.evidence) else observation.evidence
