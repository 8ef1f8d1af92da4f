"""The `dns` check: all answers for a name, from a resolver of one's choice or as programs here see it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.connecting import Address, ConnectError, failure_of, parse_address, resolve
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value

if TYPE_CHECKING:
    import dns.message
    import dns.rdatatype

    from opsctl.checks import Ask

SYSTEM = "system"
_FAMILIES = {"A": "ipv4", "AAAA": "ipv6"}


@dataclass(frozen=True, kw_only=True)
class DnsCheck:
    """Ask for the records of a name."""

    name: Annotated[str, NotEmpty(), Doc("The name to ask for.")]
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
        "answers": Subject(Kind.LIST, "Every record of the type, sorted.", Cause.VALUE),
        "count": Subject(Kind.NUMBER, "How many records there are.", Cause.MISSING),
        "ttl": Subject(Kind.DURATION, "The shortest time to live.", Cause.VALUE),
        "authoritative": Subject(Kind.BOOLEAN, "Whether the answer is from an authority.", Cause.VALUE),
        "latency": Subject(Kind.DURATION, "From the question to the answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ('rcode == "NOERROR"', "count > 0")

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The system's resolver does not tell a code."""
        return (("count > 0",) if self.resolver == SYSTEM else self.EXPECT), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        if self.resolver == SYSTEM and self.type not in _FAMILIES:
            yield "type", f"the system's resolver only knows addresses, not {self.type}; name a `resolver`"
        elif self.resolver and self.resolver != SYSTEM and _resolver(self.resolver) is None:
            yield (
                "resolver",
                f"`{self.resolver}` is not a resolver; write an IP address, `address:port` or `system`",
            )

    def target(self) -> str:
        """The type, the name and whom we ask."""
        return f"{self.type} {self.name}" + (f" @{self.resolver}" if self.resolver else "")

    def probe(self, ask: Ask) -> Observation:
        """Ask once, and once more by TCP where the answer was cut, within `ask.timeout` seconds in all."""
        return self._system(ask) if self.resolver == SYSTEM else self._ask(ask)

    def _system(self, ask: Ask) -> Observation:
        started = time.monotonic()
        family: Literal["ipv4", "ipv6"] = "ipv4" if self.type == "A" else "ipv6"
        try:
            found = resolve(Address(self.name, 0), family, ask.timeout)
        except ConnectError as error:
            return Observation(failure=error.failure)
        answers: list[Value] = [*sorted({str(peer[0]) for _, peer in found})]
        values: dict[str, Value] = {
            "answers": answers,
            "count": len(answers),
            "latency": time.monotonic() - started,
        }
        return Observation(values, evidence={"answers": answers})

    def _ask(self, ask: Ask) -> Observation:
        import dns.exception
        import dns.message
        import dns.query
        import dns.rcode

        started = time.monotonic()
        resolver = _resolver(self.resolver) if self.resolver else _first_resolver()
        if resolver is None:
            words = "no resolver in /etc/resolv.conf; name one with `resolver`, or write `resolver: system`"
            return Observation(failure=Failure(Cause.UNSUPPORTED, words))
        try:
            question = dns.message.make_query(self.name, self.type)
            answer = self._exchange(question, resolver, ask.timeout)
        except dns.exception.Timeout:
            return Observation(
                failure=Failure(Cause.TIMEOUT, f"no answer from {resolver.host} within {ask.timeout:g} s")
            )
        except OSError as error:
            return Observation(failure=failure_of(error, ask.timeout))
        except dns.exception.DNSException as error:
            return Observation(
                failure=Failure(Cause.PROTOCOL, f"no valid answer from {resolver.host}: {error}")
            )
        values = {**_records(answer, self.type), "latency": time.monotonic() - started}
        evidence = {
            "resolver": f"{resolver.host}:{resolver.port}",
            "rcode": values["rcode"],
            "answers": values["answers"],
        }
        return Observation(values, None, evidence, {"wait": time.monotonic() - started})

    def _exchange(
        self, question: dns.message.QueryMessage, resolver: Address, timeout: float
    ) -> dns.message.Message:
        import dns.flags
        import dns.query

        started = time.monotonic()
        if self.transport == "udp":
            answer = dns.query.udp(question, resolver.host, timeout, resolver.port, ignore_unexpected=True)
            if not answer.flags & dns.flags.TC:
                return answer
        left = max(0.001, timeout - (time.monotonic() - started))
        return dns.query.tcp(question, resolver.host, left, resolver.port)


def _records(answer: dns.message.Message, type_: str) -> dict[str, Value]:
    import dns.flags
    import dns.rcode
    import dns.rdatatype

    wanted = [group for group in answer.answer if group.rdtype == dns.rdatatype.from_text(type_)]
    answers: list[Value] = [*sorted(record.to_text() for group in wanted for record in group)]
    values: dict[str, Value] = {
        "rcode": dns.rcode.to_text(answer.rcode()),
        "answers": answers,
        "count": len(answers),
        "authoritative": bool(answer.flags & dns.flags.AA),
    }
    if wanted:
        values["ttl"] = float(min(group.ttl for group in wanted))
    return values


def _resolver(text: str) -> Address | None:
    """A resolver by its IP address, with or without a port."""
    import ipaddress

    try:
        return Address(str(ipaddress.ip_address(text)), 53)
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
