"""Everything that a workspace claims, with the proof of each, as it was known at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.clocks import review_due
from opsctl.due import times
from opsctl.errors import OpsctlError
from opsctl.freshness import fresh
from opsctl.item_proofs import Spoken, looks_by_item, proof_of_item
from opsctl.knowledge import documents, standing
from opsctl.ledger.incident import SEVERITIES
from opsctl.maintaining import maintained_now
from opsctl.outcome import State as Health
from opsctl.policies import policies, targets
from opsctl.prose import line
from opsctl.scoring import Claim, Proof
from opsctl.store.as_of import records_at, seen_at
from opsctl.store.slots import since

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from opsctl.definitions import CheckDefinition, Workspace
    from opsctl.ledger.incident import Incident
    from opsctl.ledger.review import Review
    from opsctl.ledger.run import Run
    from opsctl.ledger.slot import Slot
    from opsctl.ledger.waiver import Waiver
    from opsctl.routines import Routine
    from opsctl.runbooks import Runbook
    from opsctl.scoring import State
    from opsctl.store.as_of import Seen

_DAY = 86400.0
# One missed run, and another, are forgiven, and whoever checks by hand does so once a day.
_RUNS = 3
_KEPT = ("RUN", "GATE", "SGN", "WVR", "RTN", "DOC", "INC", "PIR")
# How long to look ahead for the next time of a routine, step by step.
_AHEAD = (2 * _DAY, 40 * _DAY, 400 * _DAY, 40_000 * _DAY)


class Then(NamedTuple):
    """What was known at a time (`at`, UTC epoch seconds): records by kind and subject, checks by name.

    With `present`, the files of the workspace count as they are; of the past no record tells how they were.
    """

    workspace: Workspace
    db: sqlite3.Connection
    at: float
    present: bool
    records: Mapping[str, Mapping[str, Any]]
    seen: Mapping[str, Seen]

    def of(self, prefix: str) -> Sequence[Any]:
        """The records of one kind, in the order of their numbers."""
        return sorted(self.records[prefix].values(), key=lambda one: one.number)


def claims_at(
    db: sqlite3.Connection, workspace: Workspace, moments: Sequence[float], now: float
) -> Iterator[list[Claim]]:
    """What the workspace claims today, with the proof of each at each of the moments, in ascending order.

    Moments and `now` are UTC epoch seconds; all that is recorded counts for those that are not before now.
    """
    reached = [at if at < now else float("inf") for at in moments]
    read = documents(workspace)
    for at, until, records in zip(moments, reached, records_at(db, _KEPT, reached), strict=True):
        then = Then(workspace, db, at, at >= now, records, seen_at(db, until))
        found: list[Claim] = []
        for kind in (_checks, _items, _runbooks, _routines, partial(_documents, read), _reviews, _waivers):
            found.extend(kind(then))
        yield found


def _checks(then: Then) -> Iterator[Claim]:
    maintained = maintained_now(then.workspace, then.db, then.at)
    for name, (service, check) in then.workspace.checks().items():
        proof = _check(check, then.seen.get(name), then.at)
        if proof.state != "proven" and name in maintained:
            one = maintained[name]
            words = f"in maintenance: {line(one.reason)}"
            proof = Proof("excused", words, one.window, one.since, one.until)
        yield Claim("check", name, service.owner, (service.id,), service.tags, proof, service.tier)


def _check(check: CheckDefinition, seen: Seen | None, now: float) -> Proof:
    if seen is None:
        return Proof("never", "never checked")
    lasts = max(_RUNS * check.every, _DAY)
    words = str(seen.state) if seen.state is Health.UP else f"{seen.state}: {line(seen.message)}"
    record = None if seen.result is None else f"result {seen.result}"
    until = None if seen.at is None else seen.at + lasts
    if seen.state is Health.UNKNOWN:
        return Proof("stale", words, record, seen.at, until)
    if seen.state is not Health.UP:
        return Proof("failed", words, record, seen.at, until)
    if until is not None and now > until:
        return Proof("stale", f"too old; {words}", record, seen.at, until)
    return Proof("proven", words, record, seen.at, until)


def _items(then: Then) -> Iterator[Claim]:
    gates = _by(then.of("GATE"), lambda one: one.checklist)
    words, excuses = (
        _by(then.of(prefix), lambda one: (one.checklist, one.item)) for prefix in ("SGN", "WVR")
    )
    for name, checklist in then.workspace.checklists.items():
        looks = looks_by_item(reversed(gates.get(name, [])))
        for identity, item in checklist.items.items():
            # What is only tried out claims nothing yet.
            if item.terms.shadow:
                continue
            spoken = Spoken(
                identity,
                item,
                looks.get(identity, ()),
                words.get((name, identity), ()),
                excuses.get((name, identity), ()),
                then.at,
                then.present,
            )
            owner = item.terms.owner or checklist.owner
            proof = proof_of_item(then.workspace, spoken)
            yield Claim("item", f"{name}/{identity}", owner, (), checklist.tags, proof)


def _by(records: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    """The records by what they are of, in their order."""
    found: dict[Any, list[Any]] = {}
    for one in records:
        found.setdefault(key(one), []).append(one)
    return found


def _runbooks(then: Then) -> Iterator[Claim]:
    runs = _by(then.of("RUN"), lambda one: one.runbook)
    for name, runbook in then.workspace.runbooks.items():
        procedure = runbook.procedure
        proof = _runbook(then, runbook, runs.get(name, []))
        naming = (one.id for one in then.workspace.services.values() if _names(one, name))
        services = tuple(dict.fromkeys((*procedure.services, *naming)))
        yield Claim("runbook", name, procedure.owner, services, procedure.tags, proof)


def _names(service: Any, runbook: str) -> bool:
    return runbook in {service.runbook, *(one.runbook for one in service.checks)}


def _runbook(then: Then, runbook: Runbook, runs: Sequence[Run]) -> Proof:
    # A remedy that is limited to some steps shows nothing of the others.
    whole = [one for one in runs if not (one.only and one.state == "done")]
    told = [one for one in whole if one.state in {"done", "failed", "recovered"}]
    if told and told[-1].state != "done":
        last = told[-1]
        return Proof("failed", f"{last.state}: {line(last.reason)}", last.subject, last.ended or last.started)
    found = fresh(then.workspace, runbook, whole, then.at)
    if found.last is None or found.last.ended is None:
        return Proof("never", "never run to its end")
    every, ended = runbook.procedure.drill_every, found.last.ended
    until = None if every is None else ended + every
    words = f"{'drilled' if found.last.drill else 'run'} by {line(found.last.by)}"
    changed = found.state == "changed" and then.present
    late = until is not None and then.at > until
    why = "it was changed since; " if changed else "too old; " if late else ""
    return Proof("stale" if why else "proven", f"{why}{words}", found.last.subject, ended, until)


def _routines(then: Then) -> Iterator[Claim]:
    slots = _by(then.of("RTN"), lambda one: one.routine)
    counted = since(then.db)
    for name, routine in then.workspace.routines.items():
        plan = routine.plan
        digest, begun = counted.get(name, ("", 0.0))
        # Where the schedule is another since then, no time of it before that was ever due.
        begin = begun if digest == routine.when and begun <= then.at else 0.0
        yield Claim(
            "routine", name, plan.owner, (), plan.tags, _routine(then, routine, slots.get(name, []), begin)
        )


def _routine(then: Then, routine: Routine, slots: Sequence[Slot], begin: float) -> Proof:
    # A time that was left out ahead hides none that has come.
    slots = [one for one in slots if one.due <= then.at]
    if not slots:
        return Proof("never", "never run")
    scheduled = [one for one in slots if one.scheduled] or slots
    last = max(scheduled, key=lambda one: one.due)
    try:
        late = (
            last.due
            if last.state == "open" and then.at > last.due + routine.plan.grace
            else _overdue(then, routine, max(begin, last.due))
        )
    except OpsctlError as error:
        return Proof("stale", line(str(error)), last.subject, last.ended)
    ended = sorted((one for one in slots if one.state != "open"), key=lambda one: (one.due, one.number))
    return _slots(ended, late)


def _slots(ended: Sequence[Slot], late: float | None) -> Proof:
    """What the newest slot that has ended shows; `late` is the time that is overdue since."""
    telling = [one for one in ended if one.state != "missed"]
    if not telling:
        return Proof("never", "missed" if ended else "never done", ended[-1].subject if ended else None)
    one = telling[-1]
    if one.state == "failed":
        return Proof("failed", _trouble(one), one.subject, one.ended)
    words = "done" if one.state == "done" else f"skipped: {line(one.reason)}"
    if late is not None or one is not ended[-1]:
        return Proof("stale", f"overdue; {words}", one.subject, one.ended, late)
    state: State = "proven" if one.state == "done" else "excused"
    return Proof(state, words, one.subject, one.ended)


def _trouble(slot: Slot) -> str:
    failed = next((one for one in slot.did if one.outcome not in {"ok", "waiting"}), None)
    return f"{line(failed.step)} {failed.outcome}: {line(failed.message)}" if failed else "failed"


def _overdue(then: Then, routine: Routine, begin: float) -> float | None:
    """The first time after `begin` that is overdue; raises UsageError where its holidays cannot be read."""
    end = then.at - routine.plan.grace
    for ahead in _AHEAD:
        until = min(end, begin + ahead)
        found = times(then.workspace, then.db, routine, begin, until) if begin < until else []
        if found or until == end:
            return found[0] if found and found[0] < end else None
    return None


def _documents(read: Sequence[Any], then: Then) -> Iterator[Claim]:
    reviews = {one.path: one for one in then.of("DOC")}
    for document in read:
        last = reviews.get(line(document.path))
        if last is not None and not then.present:
            last = last._replace(sha256=document.sha256)
        known = standing(document, last, then.at)
        if last is None:
            proof = Proof("never", "never reviewed")
        else:
            said = f"reviewed by {line(last.by)}"
            why = {"changed": "its text was changed since; ", "stale": "too old; "}.get(known.state, "")
            until = known.due if known.review_every is not None else None
            proof = Proof("stale" if why else "proven", f"{why}{said}", last.subject, last.at, until)
        yield Claim("document", line(document.path), document.owner, (), document.tags, proof)


def _reviews(then: Then) -> Iterator[Claim]:
    """The reviews that are owed; one that was written is owed no more."""
    policy = policies(then.workspace)
    asking = {name for name in SEVERITIES if targets(policy.incidents, name).review is not None}
    for incident in then.of("INC"):
        review: Review | None = then.records["PIR"].get(f"PIR-{incident.number}")
        if (review is not None and review.state != "draft") or not (review or _asks(incident, asking)):
            continue
        words = "not begun" if review is None else "draft"
        begun = None if review is None else review.started
        due = review_due(incident, policy, then.workspace.timezone)
        proof = Proof("never", words, incident.subject, begun, due)
        owner = review.owner if review else None
        yield Claim("review", f"PIR-{incident.number}", owner, incident.services, incident.tags, proof)


def _asks(incident: Incident, severities: set[Any]) -> bool:
    over = incident.state in {"resolved", "closed"} and incident.resolved is not None
    return over and not incident.false_alarm and incident.peak in severities


def _waivers(then: Then) -> Iterator[Claim]:
    open_: list[Waiver] = [one for one in then.of("WVR") if one.ended is None]
    for one in open_:
        checklist = then.workspace.checklists.get(one.checklist)
        over = one.expires <= then.at
        words = f"{one.checklist}/{one.item}: {line(one.reason)}"
        state: State = "stale" if over else "excused"
        proof = Proof(state, f"expired; {words}" if over else words, one.subject, one.given, one.expires)
        yield Claim("waiver", one.subject, one.owner, (), checklist.tags if checklist else (), proof)
