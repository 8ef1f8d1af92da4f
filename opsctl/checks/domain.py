"""The `domain` check: until when a domain is registered, and whether it is still ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from opsctl.checks.http import HttpCheck, ask_for_json
from opsctl.limits import Doc, Matching, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.prose import line, shorten
from opsctl.secrets import Template

if TYPE_CHECKING:
    from opsctl.checks import Ask

_REDIRECTS = 5
_BOOTSTRAP = Template("https://rdap.org")
# What RFC 8056 calls the states that keep a domain from being moved to somebody else.
_LOCKS = frozenset({"client transfer prohibited", "server transfer prohibited"})


@dataclass(frozen=True, kw_only=True)
class DomainCheck:
    """Ask a domain's registry by RDAP (RFC 9083). Registries want to be asked a few times a day at most."""

    name: Annotated[
        str,
        Matching(r"[^\s/?#@:.]+(\.[^\s/?#@:.]+)+\.?", "a domain's name, as `example.com`"),
        Doc("The domain as it was registered, without `www`."),
    ]
    server: Annotated[
        Template,
        NotEmpty(),
        Doc("Where to ask: an address that sends on to the registry's, or a registry's own."),
    ] = _BOOTSTRAP

    SHORTHAND: ClassVar[str] = "name"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "expires_in": Subject(
            Kind.DURATION, "Until the registration ends; some registries do not tell.", Cause.EXPIRY
        ),
        "age": Subject(Kind.DURATION, "Since it was registered."),
        "changed": Subject(Kind.DURATION, "Since its registration was last changed."),
        "status": Subject(
            Kind.LIST, 'Its states, as "active" or "client transfer prohibited".', Cause.STATUS
        ),
        "locked": Subject(Kind.BOOLEAN, "Whether it cannot be moved to another registrar.", Cause.STATUS),
        "signed": Subject(Kind.BOOLEAN, "Whether its delegation is signed (DNSSEC)."),
        "registrar": Subject(Kind.TEXT, "The registrar's name."),
        "nameservers": Subject(Kind.LIST, "The names of its name servers."),
        "latency": Subject(Kind.DURATION, "From the start to the last byte of the answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("expires_in > 30d",)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        try:
            _ascii(self.name)
        except UnicodeError:
            yield "name", f"`{self.name[:80]}` is not a domain's name; write it as `example.com`"
            return
        yield from (("server", words) for field, words in self._request().problems() if field == "url")

    def target(self) -> str:
        """The domain."""
        return self.name

    def probe(self, ask: Ask) -> Observation:
        """Ask within `ask.timeout` seconds in all."""
        missing = "it is not registered, or its registry does not speak RDAP"
        seen = ask_for_json(self._request(), ask, missing)
        if seen.failure:
            return seen
        told = seen.values["json"]
        if not isinstance(told, dict) or told.get("objectClassName") != "domain":
            return Observation(failure=Failure(Cause.BODY, "the answer is not RDAP's of a domain"))
        name = str(told.get("ldhName")).removesuffix(".").lower()
        if name != _ascii(self.name):
            words = f"the answer is about {shorten(line(name), 100)}, and not about {self.name}"
            return Observation(failure=Failure(Cause.BODY, words))
        values = {**_dates(told, ask.now), **_facts(told), "latency": seen.values["latency"]}
        return Observation(values, None, seen.evidence, seen.phases)

    def _request(self) -> HttpCheck:
        return HttpCheck(
            url=Template(f"{self.server.text.rstrip('/')}/domain/{_ascii(self.name)}"),
            headers={"Accept": Template("application/rdap+json")},
            redirects=_REDIRECTS,
        )


def _ascii(name: str) -> str:
    """The name as DNS has it; UnicodeError where it cannot be one."""
    return name.removesuffix(".").lower().encode("idna").decode()


def _dates(told: Mapping[str, Any], now: float) -> dict[str, Value]:
    """The seconds from and to `now` (UTC epoch seconds), of the events that are told."""
    at: dict[str, float] = {}
    for event in _entries(told, "events"):
        try:
            moment = datetime.fromisoformat(str(event.get("eventDate")))
        except ValueError:
            continue
        at[str(event.get("eventAction"))] = (
            moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        ).timestamp()
    values: dict[str, Value] = {"expires_in": at["expiration"] - now} if "expiration" in at else {}
    for subject, action in (("age", "registration"), ("changed", "last changed")):
        if action in at:
            values[subject] = now - at[action]
    return values


def _facts(told: Mapping[str, Any]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    if isinstance(told.get("status"), list):
        states = {str(state).lower() for state in told["status"]}
        values |= {"status": [*sorted(states)], "locked": bool(states & _LOCKS)}
    dnssec = told.get("secureDNS")
    if isinstance(dnssec, dict) and isinstance(dnssec.get("delegationSigned"), bool):
        values["signed"] = dnssec["delegationSigned"]
    if isinstance(told.get("nameservers"), list):
        told_names = (server.get("ldhName") for server in _entries(told, "nameservers"))
        names = {name.removesuffix(".").lower() for name in told_names if isinstance(name, str)}
        values["nameservers"] = [*sorted(names)]
    for entity in _entries(told, "entities"):
        roles = entity.get("roles")
        if isinstance(roles, list) and "registrar" in roles and (name := _full_name(entity)):
            values["registrar"] = name
    return values


def _full_name(entity: Mapping[str, Any]) -> str:
    """The name in a jCard (RFC 7095): `["vcard", [["fn", {}, "text", "Example Inc."], ...]]`."""
    card = entity.get("vcardArray")
    rows = card[1] if isinstance(card, list) and len(card) > 1 and isinstance(card[1], list) else []
    named = (row[3] for row in rows if isinstance(row, list) and len(row) > 3 and row[0] == "fn")
    return next((name for name in named if isinstance(name, str)), "")


def _entries(told: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    found = told.get(key)
    yield from (entry for entry in found if isinstance(entry, dict)) if isinstance(found, list) else ()
