"""What people do about a backlog item: each is checked against what stands, and kept as events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from opsctl import measures
from opsctl.acting import text_of, title_of
from opsctl.errors import ExitCode, RefusedError, UsageError
from opsctl.ledger.item import ALLOWED, PRIORITIES
from opsctl.ledger.names import subject_named
from opsctl.prose import line, listed, shorten, suggestion, ticked
from opsctl.selecting import known_services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.definitions import Workspace
    from opsctl.ledger.item import Item
    from opsctl.ledger.iteration import Iteration
    from opsctl.store.ledger import Ledger

_DONE = {
    "edit": "edited", "prioritise": "prioritised", "plan": "planned", "start": "started",
    "verify": "verified", "reject": "rejected", "done": "done",
}  # fmt: skip
IMPACTS = ("high", "low")
CLEARABLE = ("text", "impact", "effort", "owner", "due", "tags", "services", "source", "measure")
# What a field holds when it is empty; None where it is not named.
_EMPTY: Mapping[str, Any] = {"text": "", "tags": [], "services": []}


class Fields(NamedTuple):
    """What is known of an item, or changes; None leaves a field as it is. `effort` is in hours, `due` UTC.

    `clear` are fields that are to be empty again.
    """

    title: str | None = None
    text: str | None = None
    priority: str | None = None
    impact: str | None = None
    effort: float | None = None
    owner: str | None = None
    due: float | None = None
    tags: tuple[str, ...] | None = None
    services: tuple[str, ...] | None = None
    source: str | None = None
    measure: str | None = None
    clear: tuple[str, ...] = ()


def found(ledger: Ledger, name: str) -> Item:
    """The item that a name means; UsageError where there is none."""
    subject = subject_named(name, "OPS")
    item = ledger.get(subject)
    if item is None:
        raise UsageError(f"there is no {subject}; `opsctl backlog list --all` shows what there is")
    return cast("Item", item)


def add(ledger: Ledger, workspace: Workspace, fields: Fields) -> Item:
    """Keep an improvement that somebody proposes."""
    body = checked(ledger, workspace, fields._replace(title=fields.title or ""))
    subject = ledger.name("OPS")
    links = _source_links(ledger, subject, fields.source)
    ledger.append("item.added", subject, {**body, **links})
    return found(ledger, subject)


def edit(ledger: Ledger, workspace: Workspace, item: Item, fields: Fields) -> Item:
    """Correct what is known of an item."""
    _allow(item, "edit")
    changes = checked(ledger, workspace, fields)
    changes |= {name: _EMPTY.get(name) for name in fields.clear}
    if not changes:
        raise UsageError("nothing to edit; say what changes (see --help)")
    if "measure" in changes and item.started is not None:
        raise RefusedError(
            f"{item.subject} was started, so its baseline belongs to its measure; "
            "add a new item to measure something else"
        )
    return _keep(ledger, item, "changed", {"changes": changes})


def prioritise(ledger: Ledger, item: Item, fields: Fields, reason: str | None) -> Item:
    """Decide how much an item matters: its priority, its impact, its effort."""
    _allow(item, "prioritise")
    changes = {name: value for name, value in fields._asdict().items() if value not in (None, ())}
    if not changes:
        raise UsageError("nothing to decide; name a priority, `--impact` or `--effort`")
    return _keep(ledger, item, "changed", {"changes": _checked_words(changes), "reason": reason})


def plan(ledger: Ledger, item: Item, iteration: Iteration | None) -> Item:
    """Take an item into an iteration, or out of the one it is in."""
    _allow(item, "plan")
    return _keep(ledger, item, "planned", {"iteration": iteration.subject if iteration else None})


def start(ledger: Ledger, workspace: Workspace, item: Item, counted: float | None) -> Item:
    """Begin with an item: what its measure says now is kept, `counted` where people count it themselves."""
    _allow(item, "start")
    return _keep(
        ledger, item, "started", {"baseline": _measured(ledger, workspace, item, counted, "--baseline")}
    )


def finish(ledger: Ledger, item: Item, at: float | None, spent: float | None, text: str | None) -> Item:
    """It is done, in `spent` hours; whether it helped is shown later, by `verify`."""
    _allow(item, "done")
    body: dict[str, Any] = {} if spent is None else {"spent": spent}
    if text is not None:
        body["text"] = text_of(text, "the text")
    if at is not None and (at > ledger.recorded or at < (item.started or item.added)):
        raise UsageError("--at is in the future or before it was started; say when it was done")
    ledger.append("item.done", item.subject, body, at)
    return found(ledger, item.subject)


def verify(
    ledger: Ledger, workspace: Workspace, item: Item, counted: float | None
) -> tuple[Item, measures.Verdict]:
    """Measure again and compare; kept only where there is enough to say something."""
    _allow(item, "verify")
    if item.measure is None:
        raise RefusedError(
            f"{item.subject} names no measure, so nothing can show that it helped; "
            "give the next one a `--measure` before it starts"
        )
    after = _measured(ledger, workspace, item, counted, "--value")
    finished = item.finished if item.finished is not None else ledger.recorded
    verdict = measures.judge(measures.parse(item.measure), item.baseline, after or {}, finished)
    if verdict.outcome == "not enough data":
        return item, verdict
    body = {"verdict": {"outcome": verdict.outcome, "words": verdict.words, "after": after}}
    return _keep(ledger, item, "verified", body), verdict


def exit_code(verdict: measures.Verdict) -> ExitCode:
    """0 where it improved, 1 where it did not, 3 where there is not enough to say."""
    if verdict.outcome == "not enough data":
        return ExitCode.UNKNOWN
    return ExitCode.YES if verdict.outcome == "improved" else ExitCode.NO


def reject(ledger: Ledger, item: Item, reason: str) -> Item:
    """Decide against an item, and say why."""
    _allow(item, "reject")
    return _keep(ledger, item, "rejected", {"reason": text_of(reason, "--reason")})


def checked(ledger: Ledger, workspace: Workspace, fields: Fields) -> dict[str, Any]:
    """The fields that are given, each as it is kept; UsageError for what makes no sense."""
    given = {name: value for name, value in fields._asdict().items() if value is not None and name != "clear"}
    if "title" in given:
        given["title"] = title_of(given["title"], "say the rest with --text")
    if "text" in given:
        given["text"] = text_of(given["text"], "--text")
    if "owner" in given:
        given["owner"] = line(text_of(given["owner"], "--owner"))
    for name in ("tags", "services"):
        if name in given:
            given[name] = list(dict.fromkeys(given[name]))
    for tag in given.get("tags", ()):
        if not tag or "," in tag or len(tag.split()) != 1 or tag != line(tag):
            raise UsageError(
                f"`{line(shorten(tag, 40))}` is no tag; write one word, and repeat --tag for more"
            )
    known_services(workspace.services, given.get("services", ()))
    if "measure" in given:
        _measurable(ledger, workspace, given["measure"])
    return _checked_words(given)


def _checked_words(given: dict[str, Any]) -> dict[str, Any]:
    for name, allowed in (("priority", PRIORITIES), ("impact", IMPACTS)):
        if name in given and given[name] not in allowed:
            said = line(shorten(str(given[name]), 40))
            hint = suggestion(said, allowed) or f"; write {ticked(allowed)}"
            raise UsageError(f"`{said}` is no {name}{hint}")
    return given


def _measurable(ledger: Ledger, workspace: Workspace, text: str) -> None:
    """What cannot be measured today is no promise to measure it later."""
    measure = measures.parse(text)
    if measure.kind != "manual":
        measures.take(measure, ledger.db, workspace, ledger.recorded)


def _measured(
    ledger: Ledger, workspace: Workspace, item: Item, counted: float | None, option: str
) -> Mapping[str, Any] | None:
    if item.measure is None:
        if counted is not None:
            raise UsageError(f"{item.subject} names no measure that {option} could be a value of")
        return None
    measure = measures.parse(item.measure)
    if measure.kind == "manual":
        if counted is None:
            raise UsageError(f"{item.subject} is measured by hand: {measure.target}; add {option} NUMBER")
        return measures.counted_by_hand(counted, ledger.recorded)
    if counted is not None:
        raise UsageError(f"{item.subject} is measured by opsctl ({item.measure}); leave {option} out")
    return measures.take(measure, ledger.db, workspace, ledger.recorded)


def _source_links(ledger: Ledger, subject: str, source: str | None) -> dict[str, Any]:
    """The link to where it came from, and the one back, where that is an incident."""
    if source is None or not source.startswith(("INC-", "PIR-")):
        return {}
    incident = source.replace("PIR-", "INC-")
    if ledger.get(incident) is None:
        raise UsageError(
            f"there is no {source}; name an incident or review that is there, or say it in a word"
        )
    ledger.append("incident.linked", incident, {"relation": "improved by", "other": subject})
    return {"links": [["from", incident]]}


def _allow(item: Item, verb: str) -> None:
    allowed = ALLOWED[item.state]
    if verb not in allowed:
        can = f"what can be done: {listed(allowed, 'or')}" if allowed else "add a new one"
        raise RefusedError(f"{item.subject} is {item.state}, so it cannot be {_DONE[verb]}; {can}")


def _keep(ledger: Ledger, item: Item, deed: str, body: Mapping[str, Any]) -> Item:
    ledger.append(f"item.{deed}", item.subject, body)
    return found(ledger, item.subject)
