"""A measure of an improvement: what is looked at before and after, and what the two come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from opsctl.errors import UsageError
from opsctl.metrics import Figure, compare
from opsctl.outcome import Kind
from opsctl.prose import line, shorten, suggestion, ticked
from opsctl.units import brief
from opsctl.units import parse as parse_quantity

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from opsctl.definitions import Workspace
    from opsctl.ledger.incident import Incident

Outcome = Literal["improved", "unchanged", "worse", "not enough data"]
FORMS = (
    "availability SERVICE 28d",
    "p95 SERVICE/CHECK 7d",
    "incidents tag:TAG 28d",
    "time-to-recover service:SERVICE 90d",
    'manual less "tickets a week"',
)
_MONTH = 28 * 86400.0
_TIMES = ("detect", "acknowledge", "mitigate", "recover", "resolve")


class Measure(NamedTuple):
    """What is measured. `window` is in seconds; `better` says which way is good, for what people count."""

    kind: str
    target: str = ""
    window: float = _MONTH
    better: Literal["less", "more"] = "more"


class Verdict(NamedTuple):
    """What before and after come to, and why in words."""

    outcome: Outcome
    words: str


def parse(text: str) -> Measure:
    """The measure that a text says; UsageError with the forms there are for any other."""
    words = text.split()
    if not words:
        raise UsageError(f"a measure is empty; write one of {ticked(FORMS)}")
    kind, rest = words[0].lower(), words[1:]
    if kind == "manual":
        return _manual(text, rest)
    window = _MONTH
    if rest and rest[-1][0].isdigit():
        window = _window(rest.pop())
    if kind == "incidents" or kind.removeprefix("time-to-") in _TIMES:
        if any(not word.startswith(("tag:", "service:", "sev")) for word in rest):
            raise UsageError(f"`{line(shorten(text, 60))}` selects by `tag:T`, `service:S` or `sev1`")
        return Measure(kind, " ".join(rest), window, "less")
    if kind == "availability" or (kind[0] == "p" and kind[1:].replace(".", "", 1).isdigit()):
        if len(rest) != 1:
            raise UsageError(f"`{line(shorten(text, 60))}` names no target; write `{kind} api 28d`")
        return Measure(kind, rest[0], window, "more" if kind == "availability" else "less")
    known = ("availability", "p95", "incidents", "manual", *(f"time-to-{what}" for what in _TIMES))
    hint = suggestion(kind, known) or f"; write one of {ticked(FORMS)}"
    raise UsageError(f"`{line(shorten(kind, 40))}` is no measure{hint}")


def take(measure: Measure, db: sqlite3.Connection, workspace: Workspace, now: float) -> dict[str, Any]:
    """The measure over its window before `now` (UTC epoch seconds), as it is stored with an item.

    Raises UsageError where its target is not in the workspace.
    """
    figure = _figure(measure, db, workspace, now)
    names = ("definition", "value", "low", "high", "unit", "n", "coverage", "reason")
    return {**{name: getattr(figure, name) for name in names}, "since": now - measure.window, "until": now}


def counted_by_hand(value: float, now: float) -> dict[str, Any]:
    """A figure that a person counted, as it is stored."""
    return {
        "definition": "manual/1", "value": value, "low": None, "high": None, "unit": "count", "n": 1,
        "coverage": None, "reason": "", "since": now, "until": now,
    }  # fmt: skip


def judge(
    measure: Measure, before: Mapping[str, Any] | None, after: Mapping[str, Any], finished: float
) -> Verdict:
    """Whether it got better; never claimed where the bounds overlap or the window reaches back too far.

    `finished` is when the work was done (UTC epoch seconds).
    """
    if before is None or before["value"] is None:
        why = before["reason"] if before else "no baseline was taken at the start"
        return Verdict("not enough data", f"before: {why}")
    if after["value"] is None:
        return Verdict("not enough data", f"after: {after['reason']}")
    if measure.kind == "manual":
        return _by_hand(measure, before["value"], after["value"])
    if after["since"] < finished:
        left = brief(Kind.DURATION, finished - after["since"])
        return Verdict("not enough data", f"the window still holds {left} from before it was done")
    change = compare(_known(before), _known(after))
    if change.better is not None:
        return Verdict("improved" if change.better else "worse", change.words)
    overlap = "the bounds overlap" in change.words or change.arrow == "="
    return Verdict("unchanged" if overlap else "not enough data", change.words)


def _manual(text: str, rest: list[str]) -> Measure:
    if len(rest) < 2 or rest[0].lower() not in {"less", "more"}:
        raise UsageError(f"`{line(shorten(text, 60))}` does not say which way is good; write `{FORMS[-1]}`")
    better: Literal["less", "more"] = "less" if rest[0].lower() == "less" else "more"
    return Measure("manual", " ".join(rest[1:]).strip("\"'"), 0.0, better)


def _window(text: str) -> float:
    try:
        return parse_quantity(Kind.DURATION, text)
    except ValueError as error:
        raise UsageError(f"{error}, as the window of a measure") from error


def _figure(measure: Measure, db: sqlite3.Connection, workspace: Workspace, now: float) -> Figure:
    from opsctl import figures

    since = now - measure.window
    if measure.kind == "availability":
        return figures.availability(db, workspace, measure.target, since, now)
    if measure.kind[0] == "p":
        return figures.latency(db, workspace, measure.target, float(measure.kind[1:]) / 100, since, now)
    begun = [one for one in figures.incidents(db, workspace, since, now) if _meant(measure.target, one)]
    if measure.kind == "incidents":
        return figures.frequency_of(begun)
    return figures.times_of(begun, measure.kind.removeprefix("time-to-"))


def _meant(target: str, incident: Incident) -> bool:
    for word in target.split():
        kind, _, name = word.partition(":")
        if kind == "tag" and name not in incident.tags:
            return False
        if kind == "service" and name not in incident.services:
            return False
        if kind.startswith("sev") and kind != incident.peak:
            return False
    return True


def _known(stored: Mapping[str, Any]) -> Figure:
    names = ("definition", "value", "low", "high", "unit", "n", "coverage")
    return Figure(*(stored[name] for name in names))


def _by_hand(measure: Measure, before: float, after: float) -> Verdict:
    words = f"{before:g} before, {after:g} after, counted once each, so nothing is known of the spread"
    if before == after:
        return Verdict("unchanged", words)
    better = (after < before) is (measure.better == "less")
    return Verdict("improved" if better else "worse", words)
