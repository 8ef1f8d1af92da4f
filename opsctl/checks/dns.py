"""The `dns` check: all answers for a name, from a resolver of one's choice or as programs here see it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.connecting import Address, ConnectError, Deadline, failure_of, parse_address, resolve, within
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value

if TYPE_CHECKING:
    import socket

    import dns.message
    import dns.rdata

    from opsctl.checks import Ask

SYSTEM = "system"
_FAMILIES: Mapping[str, Literal["ipv4", "ipv6"]] = {"A": "ipv4", "AAAA": "ipv6"}
_PORT = 53
# Only these codes say what there is of the name; after any other nothing is known of it.
_TELLING = frozenset({"NOERROR", "NXDOMAIN"})


@dataclass(frozen=True, kw_only=True)
class DnsCheck:
    """Ask for the records of a name."""

    name: Annotated[str, NotEmpty(), Doc("The name to ask for; for PTR, an IP address does too.")]
    type: Annotated[
        Literal["A", "AAAA", "CNAME", "MX", "NS", "TXT", "SRV", "CAA", "PTR", "SOA"],
        Doc("The type of record."),
    ] = "A"
    resolver: Annotated[
        str | None,
        Doc(
            "Whom to ask: `address[:port]`, or `system` for what programs here see; "
            "by default the first of /etc/resolv.conf."
        ),
    ] = None
    transport: Annotated[
        Literal["udp", "tcp"], Doc("How to ask; a cut answer over UDP is asked for by TCP.")
    ] = "udp"

    SHORTHAND: ClassVar[str] = "name"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "rcode": Subject(Kind.TEXT, 'The answer\'s code: "NOERROR", "NXDOMAIN" ...', Cause.DNS),
        "answers": Subject(Kind.LIST, "Every record of the type, sorted."),
        "count": Subject(Kind.NUMBER, "How many records there are.", Cause.MISSING),
        "ttl": Subject(Kind.DURATION, "The shortest time to live on the way to the records."),
        "authoritative": Subject(Kind.BOOLEAN, "Whether who answers has authority over the name."),
        "latency": Subject(Kind.DURATION, "From the question to the answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ('rcode == "NOERROR"', "count > 0")

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The system's resolver does not tell a code."""
        return (("count > 0",) if self.resolver == SYSTEM else self.EXPECT), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        labels = self.name.removesuffix(".").split(".")
        if self.name != "." and not all(0 < len(label) < 64 for label in labels):
            yield "name", f"`{self.name[:80]}` is not a name; write it as `www.example.com`"
        if self.resolver == SYSTEM and self.type not in _FAMILIES:
            yield "type", f"the system's resolver only knows addresses, not {self.type}; name a `resolver`"
        elif self.resolver and self.resolver != SYSTEM and _resolver(self.resolver) is None:
            words = (
                f"`{self.resolver[:80]}` is not a resolver; write an IP address, `address:port` or `system`"
            )
            yield "resolver", words

    def target(self) -> str:
        """The type, the name and whom we ask."""
        return f"{self.type} {self.name}" + (f" @{self.resolver}" if self.resolver else "")

    def probe(self, ask: Ask) -> Observation:
        """Ask once, and once more by TCP where the answer was cut, within `ask.timeout` seconds in all."""
        deadline = within(ask.timeout)
        if self.resolver == SYSTEM:
            return self._system(deadline)
        resolver = _resolver(self.resolver) if self.resolver else _first_resolver()
        if resolver is None:
            words = "no resolver in /etc/resolv.conf; name one with `resolver`, or write `resolver: system`"
            return Observation(failure=Failure(Cause.UNSUPPORTED, words))
        return self._ask(resolver, deadline)

    def _system(self, deadline: Deadline) -> Observation:
        started = time.monotonic()
        try:
            found = resolve(Address(self.name, 0), _FAMILIES[self.type], deadline)
        except ConnectError as error:
            return Observation(failure=error.failure)
        took = time.monotonic() - started
        answers: list[Value] = [*sorted({str(peer[0]) for _, peer in found})]
        values: dict[str, Value] = {"answers": answers, "count": len(answers), "latency": took}
        return Observation(values, None, {"answers": answers}, {"wait": took})

    def _ask(self, resolver: Address, deadline: Deadline) -> Observation:
        import dns.exception

        try:
            question = _question(self.name, self.type)
        except (dns.exception.DNSException, ValueError) as error:
            words = f"`{self.name}` cannot be asked for: {error}; correct `name`"
            return Observation(failure=Failure(Cause.UNSUPPORTED, words))
        asked = f"{resolver.host}:{resolver.port}"
        evidence: dict[str, Value] = {"resolver": asked, "question": question.question[0].to_text()}
        started = time.monotonic()
        try:
            answer = self._exchange(question, resolver, deadline)
            took = time.monotonic() - started
            values = _values(answer)
        except (dns.exception.Timeout, TimeoutError):
            words = f"no answer from {asked} within {deadline.seconds:g} s"
            return Observation({}, Failure(Cause.TIMEOUT, words), evidence)
        except (EOFError, OSError) as error:
            return Observation({}, _unreachable(error, asked, deadline), evidence)
        except (dns.exception.DNSException, ValueError) as error:
            words = f"no valid answer from {asked}: {str(error) or type(error).__name__}"
            return Observation({}, Failure(Cause.PROTOCOL, words), evidence)
        failure = _refusal(str(values["rcode"]), self.name, asked)
        records: list[Value] = [
            text for group in answer.answer for text in sorted(group.to_text().splitlines())
        ]
        evidence |= {"answer": records, "rcode": values["rcode"]}
        return Observation({**values, "latency": took}, failure, evidence, {"wait": took})

    def _exchange(
        self, question: dns.message.QueryMessage, resolver: Address, deadline: Deadline
    ) -> dns.message.Message:
        import dns.message
        import dns.query

        if self.transport == "udp":
            try:
                with _datagrams(resolver) as sock:
                    return dns.query.udp(
                        question,
                        resolver.host,
                        deadline.left(),
                        resolver.port,
                        ignore_unexpected=True,
                        raise_on_truncation=True,
                        sock=sock,
                    )
            except dns.message.Truncated:
                pass
        return dns.query.tcp(question, resolver.host, deadline.left(), resolver.port)


def _question(name: str, type_: str) -> dns.message.QueryMessage:
    import dns.message
    import dns.reversename

    if type_ == "PTR" and _resolver(name):
        return dns.message.make_query(dns.reversename.from_address(name), type_)
    return dns.message.make_query(name, type_)


def _datagrams(resolver: Address) -> socket.socket:
    """A UDP socket connected to the resolver, as only a connected one is told that nobody listens there."""
    import socket

    family = socket.AF_INET6 if ":" in resolver.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect((resolver.host, resolver.port))
    except BaseException:
        sock.close()
        raise
    return sock


def _values(answer: dns.message.Message) -> dict[str, Value]:
    """What the answer says. Raises DNSException or ValueError where it contradicts itself."""
    import dns.flags
    import dns.message
    import dns.rcode

    rcode = dns.rcode.to_text(answer.rcode())
    values: dict[str, Value] = {"rcode": rcode, "authoritative": bool(answer.flags & dns.flags.AA)}
    if rcode not in _TELLING or not isinstance(answer, dns.message.QueryMessage):
        return values
    # Only the records that the name leads to, by aliases if need be, count.
    chain = answer.resolve_chaining()
    answers: list[Value] = [*sorted(_text(record) for record in chain.answer or ())]
    if chain.answer is not None:
        values["ttl"] = float(chain.minimum_ttl)
    return {**values, "answers": answers, "count": len(answers)}


def _text(record: dns.rdata.Rdata) -> str:
    """A record as people write it: names without the final dot, a TXT record's strings joined, unquoted."""
    import re

    if hasattr(record, "strings"):
        return b"".join(record.strings).decode("utf-8", "backslashreplace")
    text = record.to_text()
    return text if '"' in text else re.sub(r"(?<=[^\s.])\.(?=\s|$)", "", text)


def _refusal(rcode: str, name: str, asked: str) -> Failure | None:
    if rcode == "NOERROR":
        return None
    if rcode == "NXDOMAIN":
        return Failure(Cause.DNS, f"`{name}` does not exist (NXDOMAIN from {asked})")
    return Failure(Cause.DNS, f"{asked} did not answer for `{name}` ({rcode})")


def _unreachable(error: EOFError | OSError, asked: str, deadline: Deadline) -> Failure:
    if isinstance(error, EOFError):
        return Failure(Cause.RESET, f"{asked} closed the connection without a whole answer")
    failure = failure_of(error, deadline.seconds)
    return failure._replace(message=f"{asked}: {failure.message}")


def _resolver(text: str) -> Address | None:
    """A resolver by its IP address, with or without a port."""
    import ipaddress

    try:
        return Address(str(ipaddress.ip_address(text)), _PORT)
    except ValueError:
        pass
    try:
        address = parse_address(text)
        ipaddress.ip_address(address.host)
    except ValueError:
        return None
    return address


def _first_resolver() -> Address | None:
    from pathlib import Path

    try:
        lines = Path("/etc/resolv.conf").read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    words = [line.split() for line in lines]
    named = (word[1].partition("%")[0] for word in words if len(word) > 1 and word[0] == "nameserver")
    return next((address for name in named if (address := _resolver(name))), None)
