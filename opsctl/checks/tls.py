"""The `tls` check: the certificate of a port, valid or not, and how long it still is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from opsctl.certificate import Certificate, earliest_expiry, matches, read_certificate
from opsctl.connecting import (
    ConnectError,
    Deadline,
    Family,
    address_problems,
    connect,
    failure_of,
    parse_address,
    within,
)
from opsctl.dialogue import DialogueError
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.prose import listed, safe, shorten
from opsctl.starttls import begin
from opsctl.trust import Files, UnusableFileError, handshake_context, reason_of

if TYPE_CHECKING:
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
    starttls: Annotated[
        Literal["smtp", "imap", "pop3", "ldap", "postgres", "mysql"] | None,
        Doc("The protocol that is spoken before TLS begins; without it, TLS comes first."),
    ] = None
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
            Kind.DURATION,
            "Until the first certificate that the server sends expires; not seen with `starttls`.",
            Cause.EXPIRY,
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
        yield from address_problems(self.address, self.server_name)
        if self.key and not self.certificate:
            yield "key", "`key` needs its `certificate`; name both"

    def target(self) -> str:
        """The address, and what is spoken there first."""
        return f"{self.address} ({self.starttls})" if self.starttls else self.address

    def probe(self, ask: Ask) -> Observation:
        """Verify; where that fails, find out what is wrong by handshakes that verify less."""
        deadline = within(ask.timeout)
        files = Files(
            *(str(ask.root / file) if file else None for file in (self.ca, self.certificate, self.key))
        )
        try:
            first = self._shake(files, deadline)
            chain = self._shake(files, deadline, host=False) if first.code in _OTHER_HOST else first
            seen = self._shake(files, deadline, host=False, chain=False) if first.code else first
        except UnusableFileError as error:
            return Observation(failure=Failure(Cause.PERMISSION, str(error)))
        if seen.failure or not seen.encoded:
            return _unread(first, seen)
        try:
            certificate = read_certificate(seen.encoded)
        except ValueError as error:
            unreadable = Failure(Cause.TLS, f"the certificate cannot be read: {error}")
            return Observation({}, unreadable, {"address": seen.peer}, seen.phases)
        faults = _Faults(self._name(), first, chain, certificate, ask.now)
        values = {**_plain(seen, certificate, ask.now), **faults.values()}
        # libcurl knows no other way to begin than by TLS itself.
        if "chain_expires_in" in ask.wanted and not self.starttls:
            end = self._chain_end(files, seen.peer, deadline)
            values |= {} if end is None else {"chain_expires_in": end - ask.now}
        words = "; ".join(faults.words())
        failure = Failure(Cause.TLS, words) if words and self.verify else None
        return Observation(values, failure, _evidence(seen.peer, values), seen.phases)

    def _name(self) -> str:
        return self.server_name or parse_address(self.address).host

    def _shake(self, files: Files, deadline: Deadline, *, host: bool = True, chain: bool = True) -> _Seen:
        """One handshake; `host` and `chain` say what of the certificate is verified."""
        import ssl

        context = handshake_context(files, host=host, chain=chain)
        phases: dict[str, float] = {}
        try:
            connection = connect(parse_address(self.address), self.family, deadline)
            phases |= {"dns": connection.resolving, "connect": connection.connecting}
            begun = time.monotonic()
            with connection.socket as plain:
                if self.starttls:
                    begin(plain, self.starttls, deadline)
                # This bounds the whole handshake, which wrapping makes, and not each read in it.
                plain.settimeout(deadline.left())
                with context.wrap_socket(plain, server_hostname=self._name()) as secure:
                    phases["tls"] = time.monotonic() - begun
                    encoded, cipher = secure.getpeercert(binary_form=True), secure.cipher()
                    return _Seen(connection.peer, phases, encoded, secure.version(), cipher and cipher[0])
        except ConnectError as error:
            phases |= {} if error.resolving is None else {"dns": error.resolving}
            return _Seen("", phases, failure=error.failure)
        except DialogueError as error:
            return _Seen("", phases, failure=error.failure)
        except ssl.SSLCertVerificationError as error:
            return _Seen(connection.peer, phases, code=error.verify_code, words=error.verify_message)
        except ssl.SSLError as error:
            words = f"the handshake failed: {reason_of(error)}"
            return _Seen("", phases, failure=Failure(Cause.TLS, words))
        except OSError as error:
            return _Seen("", phases, failure=failure_of(error, deadline.seconds, "no handshake"))
        except ValueError as error:
            words = f"`{self._name()}` is not a name that can be asked for: {error}"
            return _Seen("", phases, failure=Failure(Cause.UNSUPPORTED, words))

    def _chain_end(self, files: Files, peer: str, deadline: Deadline) -> float | None:
        """When the first certificate of those the server sends expires (epoch seconds), if known.

        Before Python 3.13, `ssl` shows the server's own only, so libcurl makes one more handshake.
        """
        import pycurl

        bracketed = [f"[{host}]" if ":" in host else host for host in (self._name(), peer)]
        port = parse_address(self.address).port
        handle = pycurl.Curl()
        try:
            handle.setopt(pycurl.URL, f"https://{bracketed[0]}:{port}")
            handle.setopt(pycurl.CONNECT_TO, [f"::{bracketed[1]}:{port}"])
            handle.setopt(pycurl.CONNECT_ONLY, 1)
            handle.setopt(pycurl.OPT_CERTINFO, 1)
            handle.setopt(pycurl.SSL_VERIFYPEER, 0)
            handle.setopt(pycurl.SSL_VERIFYHOST, 0)
            handle.setopt(pycurl.NOSIGNAL, 1)
            handle.setopt(pycurl.NOPROXY, "*")
            handle.setopt(pycurl.TIMEOUT_MS, max(1, int(deadline.left() * 1000)))
            if files.certificate:
                handle.setopt(pycurl.SSLCERT, files.certificate)
                handle.setopt(pycurl.SSLKEY, files.key or files.certificate)
            handle.perform()
            return earliest_expiry(handle.getinfo(pycurl.INFO_CERTINFO))
        except (pycurl.error, TimeoutError, UnicodeError):
            return None
        finally:
            handle.close()


class _Seen(NamedTuple):
    """What one handshake showed; `code` and `words` are OpenSSL's where the certificate did not pass."""

    peer: str
    phases: Mapping[str, float]
    encoded: bytes | None = None
    version: str | None = None
    cipher: str | None = None
    code: int = _OK
    words: str = ""
    failure: Failure | None = None


class _Faults(NamedTuple):
    """What there is to say against a certificate, from a handshake that verifies all and one of the chain."""

    host: str
    first: _Seen
    chain: _Seen
    certificate: Certificate
    now: float

    def values(self) -> dict[str, Value]:
        """The subjects that pass judgement."""
        values: dict[str, Value] = {
            "valid": self.first.code == _OK and self._current(),
            "host_matches": self._for_host(),
        }
        if self.chain.failure is None:
            values["trusted"] = self._trusted()
        return values

    def words(self) -> Iterator[str]:
        """Each fault for people."""
        ends, now = self.certificate.ends, self.now
        if self.chain.failure is None and not self._trusted():
            if self.chain.code in _DATES:
                yield "a certificate above the server's has expired or is not valid yet"
            elif self.chain.code in _SELF_SIGNED:
                yield "the certificate's issuer is not trusted (self-signed)"
            else:
                yield f"the certificate's issuer is not trusted ({self.chain.words})"
        if not self._for_host():
            names = listed([safe(name) for name in self.certificate.names[:5]]) or "no host"
            yield f"the certificate is for {shorten(names, 200)}, not {self.host}"
        if ends < now:
            yield f"the certificate expired {_days(now - ends)} ago ({_date(ends)})"
        elif not self._current():
            yield f"the certificate is not valid before {_date(self.certificate.begins)}"

    def _current(self) -> bool:
        return self.certificate.begins <= self.now <= self.certificate.ends

    def _trusted(self) -> bool:
        return self.chain.code == _OK or (self.chain.code in _DATES and not self._current())

    def _for_host(self) -> bool:
        if self.first.code == _OK or self.first.code in _OTHER_HOST:
            return self.first.code == _OK
        # OpenSSL stops at the first fault, which need not be the only one.
        return matches(self.certificate.names, self.host)


def _plain(seen: _Seen, certificate: Certificate, now: float) -> dict[str, Value]:
    """The subjects that a handshake and its certificate just show."""
    import hashlib

    return {
        "expires_in": certificate.ends - now,
        "version": seen.version,
        "cipher": seen.cipher,
        "issuer": certificate.issuer,
        "subject": certificate.subject,
        "names": [*certificate.names],
        "serial": certificate.serial,
        "fingerprint": hashlib.sha256(seen.encoded or b"").hexdigest(),
        "latency": sum(seen.phases.values()),
        **{f"latency.{name}": seconds for name, seconds in seen.phases.items()},
    }


def _evidence(peer: str, values: Mapping[str, Value]) -> Mapping[str, Value]:
    shown = ("subject", "issuer", "names", "serial", "fingerprint", "version", "cipher")
    return {"address": peer, **{name: values[name] for name in shown}}


def _unread(first: _Seen, seen: _Seen) -> Observation:
    """No certificate to look at, be it that no handshake came about or that only a refused one did."""
    if first.failure:
        return Observation({}, first.failure, {}, first.phases)
    if not first.code:
        return Observation({}, Failure(Cause.TLS, "the server showed no certificate"), {}, first.phases)
    words = f"the certificate is not valid: {first.words}"
    return Observation({"valid": False}, Failure(Cause.TLS, words), {"address": first.peer}, seen.phases)


def _days(seconds: float) -> str:
    from opsctl.prose import count
    from opsctl.units import brief

    return count("day", int(seconds // _DAY)) if seconds >= _DAY else brief(Kind.DURATION, seconds)


def _date(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))
