"""The `domain` check: until when a domain is registered, and whether it is still ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from opsctl.answer_cache import Remembered, forget, keep, recall
from opsctl.checks.http import ANSWER, HttpCheck, ask_for_json
from opsctl.limits import Between, Doc, Matching, NotEmpty, Seconds
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.prose import line, shorten
from opsctl.secrets import Template

if TYPE_CHECKING:
    from opsctl.checks import Ask

_REDIRECTS = 5
_BOOTSTRAP = Template("https://rdap.org")
_HOUR = 3600.0
# How old an answer may be where the registry cannot be asked.
_OLDEST = 7 * 24 * _HOUR
# Letters that the codec replaces or drops (IDNA 2003), while registries register them (RFC 5892).
_CHANGED = re.compile("[\u00df\u1e9e\u03c2\u200c\u200d]")
# What is read of an answer, and so is kept of it.
_READ = ("objectClassName", "ldhName", "events", "status", "secureDNS", "nameservers", "entities")
# Registries write what they will in the rest, and some of them write it twice.
_KEYS = frozenset({*_READ, "eventAction", "eventDate", "delegationSigned", "roles", "vcardArray"})
# What RFC 8056 calls the states that keep a domain from being moved to somebody else.
_LOCKS = frozenset({"client transfer prohibited", "server transfer prohibited"})


@dataclass(frozen=True, kw_only=True)
class DomainCheck:
    """Ask a domain's registry by RDAP (RFC 9083), a few times a day at most, as registries want it."""

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
    cache: Annotated[
        Seconds,
        Between(0.0, _OLDEST),
        Doc("How long an answer is used; where nobody can be asked then, up to 7 days. `0s` keeps none."),
    ] = 12 * _HOUR

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
        "cached": Subject(Kind.DURATION, "Since the registry told this; `0s` where it was now.", Cause.STALE),
        "latency": Subject(
            Kind.DURATION, "From the start to the last byte of the answer, when it was asked for.", Cause.SLOW
        ),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("expires_in > 30d",)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        try:
            _ascii(self.name)
        except UnicodeError:
            yield "name", f"`{self.name[:80]}` is not a domain's name; write it as `example.com`"
            return
        if _CHANGED.search(self.name):
            names = f"`{self.name[:80]}` is `{_ascii(self.name)[:80]}` to old software"
            yield "name", f"{names}; write `{_punycode(self.name)[:80]}`"
            return
        yield from (("server", words) for field, words in self._request().problems() if field == "url")

    def target(self) -> str:
        """The domain."""
        return self.name

    def probe(self, ask: Ask) -> Observation:
        """Ask within `ask.timeout` seconds in all, unless what was told before still does."""
        folder, question = (ask.answers if self.cache else None), self._request().url.text
        kept = recall(folder, question) if folder else None
        if kept and not 0 <= ask.now - kept.at <= _OLDEST:
            kept = None
        if kept and ask.now - kept.at < self.cache:
            return Observation(_values(kept, ask.now), None, _asked_at(kept))
        seen = self._ask(ask)
        if seen.failure is None:
            answer = _answer(seen, ask.now)
            if folder:
                keep(folder, question, answer)
            return seen._replace(values=_values(answer, ask.now))
        if kept and _out_of_reach(seen.failure.cause):
            evidence: dict[str, Value] = {**_asked_at(kept), "stale": seen.failure.message}
            return Observation(_values(kept, ask.now), None, evidence)
        if folder and not seen.failure.cause.ours:
            # What is contradicted now must not come back when nobody answers.
            forget(folder, question)
        return seen

    def _ask(self, ask: Ask) -> Observation:
        """The values `json` and `latency` of an answer about this domain, or a failure."""
        missing = "it is not registered, or its registry does not speak RDAP"
        seen = ask_for_json(self._request(), ask, missing, _KEYS)
        if seen.failure:
            return seen
        told = seen.values["json"]
        if not isinstance(told, dict) or told.get("objectClassName") != "domain":
            return Observation(failure=Failure(Cause.BODY, "the answer is not RDAP's of a domain"))
        name = str(told.get("ldhName")).removesuffix(".").lower()
        if name != _ascii(self.name):
            words = f"the answer is about {shorten(line(name), 100)}, and not about {self.name}"
            return Observation(failure=Failure(Cause.BODY, words))
        return seen

    def _request(self) -> HttpCheck:
        return HttpCheck(
            url=Template(f"{self.server.text.rstrip('/')}/domain/{_ascii(self.name)}"),
            headers={"Accept": Template("application/rdap+json")},
            redirects=_REDIRECTS,
            max_body=ANSWER,
        )


def _ascii(name: str) -> str:
    """The name as DNS has it; UnicodeError where it cannot be one."""
    return name.removesuffix(".").lower().encode("idna").decode()


def _punycode(name: str) -> str:
    """The name as newer rules have it in DNS, which keep each letter (RFC 5891)."""
    labels = name.lower().split(".")
    return ".".join(
        label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels
    )


def _out_of_reach(cause: Cause) -> bool:
    """Whether nothing was said of the domain: nobody answered, or refused to, as who is asked too often."""
    return cause.transport or cause is Cause.STATUS


def _answer(seen: Observation, now: float) -> Remembered:
    told, took = seen.values["json"], seen.values["latency"]
    read = {name: told[name] for name in _READ if name in told} if isinstance(told, dict) else {}
    return Remembered(read, took if isinstance(took, float) else 0.0, float(now))


def _asked_at(kept: Remembered) -> dict[str, Value]:
    return {"asked": datetime.fromtimestamp(kept.at, UTC).isoformat(timespec="seconds")}


def _values(answer: Remembered, now: float) -> dict[str, Value]:
    """What an answer comes to at `now` (UTC epoch seconds), whenever it was given."""
    dates, facts = _dates(answer.told, now), _facts(answer.told)
    return {**dates, **facts, "cached": now - answer.at, "latency": answer.took}


def _dates(told: Mapping[str, Any], now: float) -> dict[str, Value]:
    """The seconds from and to `now` (UTC epoch seconds), of the events that are told."""
    at: dict[str, float] = {}
    for event in _entries(told, "events"):
        try:
            moment = datetime.fromisoformat(str(event.get("eventDate")))
        except ValueError:
            continue
        action = str(event.get("eventAction"))
        told_at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        # Of two ends the first is to be feared; of two other moments the last is what was told last.
        at[action] = min(told_at, at.get(action, told_at)) if action == "expiration" else told_at
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
