"""The `statuspage` check: what a vendor says of itself on a status page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from opsctl.checks.http import ANSWER, HttpCheck, ask_for_json
from opsctl.limits import Doc, NotEmpty, OneOrMore
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.prose import line, shorten, suggestion
from opsctl.secrets import Template

if TYPE_CHECKING:
    from opsctl.checks import Ask

_SUMMARY = "/api/v2/summary.json"
_REDIRECTS = 3
# From the best to the worst; a state that is not among them is worse than all.
_STATES = ("operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage")
_OVER = frozenset({"resolved", "postmortem", "completed"})
_AT_IT = frozenset({"in_progress", "verifying"})
_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class StatuspageCheck:
    """Read a status page that speaks Atlassian Statuspage's API, as those of GitHub and Cloudflare do."""

    url: Annotated[
        Template,
        NotEmpty(),
        Doc("As `https://www.githubstatus.com`, or all of its summary.json's or status.json's address."),
    ]
    components: Annotated[
        tuple[str, ...],
        OneOrMore(),
        Doc("The names or ids of what we use of it; all have to be there."),
    ] = ()

    SHORTHAND: ClassVar[str] = "url"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "indicator": Subject(
            Kind.TEXT, '"none", "maintenance", "minor", "major" or "critical".', Cause.STATUS
        ),
        "description": Subject(Kind.TEXT, 'The same in words, as "All Systems Operational".', Cause.STATUS),
        "incidents": Subject(Kind.NUMBER, "How many incidents are open.", Cause.STATUS),
        "maintenances": Subject(Kind.NUMBER, "How many maintenances are going on."),
        "component": Subject(
            Kind.TEXT, f"The worst state of `components`: {', '.join(_STATES)}.", Cause.STATUS
        ),
        "latency": Subject(Kind.DURATION, "From the start to the last byte of the answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ('indicator == "none"',)

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Where components are named, the others do not matter."""
        return (('component == "operational"',) if self.components else self.EXPECT), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        yield from ((field, words) for field, words in self._request().problems() if field == "url")
        if not all(self.components):
            yield "components", "an empty name is no component's; take it away"
        if self.components and self.url.text.endswith("/status.json"):
            yield "components", "status.json tells of no components; take summary.json"

    def target(self) -> str:
        """The address, and the components."""
        return self.url.text + (f" ({', '.join(self.components)})" if self.components else "")

    def probe(self, ask: Ask) -> Observation:
        """Read the page within `ask.timeout` seconds in all."""
        seen = ask_for_json(self._request(), ask)
        if seen.failure:
            return seen
        page = seen.values["json"]
        if not isinstance(page, dict) or not _text(page.get("status"), "indicator"):
            return Observation(failure=Failure(Cause.BODY, "the answer is no status page's"))
        states = {name: _states(page, name) for name in self.components}
        evidence: dict[str, Value] = {
            "incidents": [*_names(page, "incidents", _open)],
            "components": {**states},
        }
        missing = next((name for name, found in states.items() if not found), None)
        if missing is not None:
            return Observation(failure=_missing(missing, page), evidence=evidence)
        values = {"latency": seen.values["latency"], **_values(page)}
        if states:
            values["component"] = max((str(one) for found in states.values() for one in found), key=_badness)
        return Observation(values, None, evidence, seen.phases)

    def _request(self) -> HttpCheck:
        address = self.url.text.rstrip("/")
        whole = address if address.endswith(".json") else address + _SUMMARY
        return HttpCheck(url=Template(whole), redirects=_REDIRECTS, max_body=ANSWER)


def _values(page: Mapping[str, Any]) -> dict[str, Value]:
    """What the page says of all, as far as it does."""
    texts = {name: _text(page["status"], name) for name in ("indicator", "description")}
    values: dict[str, Value] = {name: text for name, text in texts.items() if text}
    for name, key, wanted in (
        ("incidents", "incidents", _open),
        ("maintenances", "scheduled_maintenances", _going_on),
    ):
        if isinstance(page.get(key), list):
            values[name] = len([*_names(page, key, wanted)])
    return values


def _text(entry: object, key: str) -> str:
    found = entry.get(key) if isinstance(entry, dict) else None
    return found if isinstance(found, str) else ""


def _entries(page: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    found = page.get(key)
    yield from (entry for entry in found if isinstance(entry, dict)) if isinstance(found, list) else ()


def _states(page: Mapping[str, Any], name: str) -> list[Value]:
    """The states of all components of that name, as several groups may have one; empty where none has."""
    return [
        _text(entry, "status") or "unknown"
        for entry in _entries(page, "components")
        if name in {_text(entry, "name"), _text(entry, "id")}
    ]


def _badness(state: str) -> int:
    return _STATES.index(state) if state in _STATES else len(_STATES)


def _open(status: str) -> bool:
    return status not in _OVER


def _going_on(status: str) -> bool:
    return status in _AT_IT


def _names(page: Mapping[str, Any], key: str, wanted: Callable[[str], bool]) -> Iterator[Value]:
    """The names of the entries whose status is wanted."""
    yield from (_text(entry, "name") for entry in _entries(page, key) if wanted(_text(entry, "status")))


def _missing(name: str, page: Mapping[str, Any]) -> Failure:
    known = [shorten(line(_text(entry, "name")), 60) for entry in _entries(page, "components")]
    if not known:
        return Failure(Cause.MISSING, f"the page tells of no components, so of no `{name}`")
    near = suggestion(name, known) or f"; there are {', '.join(known[:_SHOWN])}"
    return Failure(Cause.MISSING, f"the page has no component `{name}`{near}")
