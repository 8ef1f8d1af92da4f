"""What people say to a routine: a task is done, with what proves it, or a time is skipped, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.acting import text_of
from opsctl.agenda import next_times, tasks
from opsctl.attesting import may
from opsctl.due import seen_until
from opsctl.errors import RefusedError, UsageError
from opsctl.prose import line, listed, shorten
from opsctl.routine_running import head_of
from opsctl.store.slots import last_slot, open_slots, since, taken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from opsctl.definitions import Workspace
    from opsctl.ledger.slot import Slot
    from opsctl.routines import Duty, Routine
    from opsctl.store.ledger import Ledger

_LARGEST = 50_000_000


class Proof(NamedTuple):
    """What shows that a task was done."""

    note: str = ""
    url: str | None = None
    file: Path | None = None
    attendees: tuple[str, ...] = ()
    failed: bool = False


def waiting_for(ledger: Ledger, routine: Routine, steps: Sequence[str] = ()) -> Slot:
    """The slot of a routine in which steps, or any, wait for people; RefusedError where it waits for nobody.

    One of its times comes before one that was begun by hand, and a newer one before an older.
    """
    waiting = [one for one in open_slots(ledger.db) if one.routine == routine.id]
    waiting.sort(key=lambda one: (_waits(routine, one, steps), one.scheduled, one.due))
    slot = waiting[-1] if waiting else last_slot(ledger.db, routine.id, ledger.recorded)
    if slot is None or slot.state != "open":
        how = "was never run" if slot is None else f"is {slot.state}"
        raise RefusedError(f"{routine.id} waits for nobody: it {how}; `opsctl routine due` shows what does")
    return slot


def answer(
    ledger: Ledger, workspace: Workspace, routine: Routine, steps: Sequence[str], proof: Proof
) -> Slot:
    """Say that tasks of a routine were done, all that people answer by default; or that they were not.

    Raises RefusedError for who may not and for what does not wait, UsageError where the proof that a task
    asks for is missing.
    """
    slot = waiting_for(ledger, routine, steps)
    duties = [_duty(routine, slot, step) for step in steps] or list(_open(routine, slot))
    if not duties:
        raise RefusedError(f"nothing of {routine.id} waits for an answer; `opsctl routine show {routine.id}`")
    for duty in duties:
        _require(ledger, workspace, duty, proof)
    for duty in duties:
        ledger.append("routine.did", slot.subject, _body(duty, proof))
    answered: Slot = ledger.get(slot.subject)
    return answered


def skip(ledger: Ledger, workspace: Workspace, routine: Routine, reason: str, now: float) -> Slot:
    """Leave a time of a routine out: the one that waits, or else the next."""
    said = text_of(reason, "--reason")
    slot = last_slot(ledger.db, routine.id, now)
    if slot is not None and slot.state == "open":
        ledger.append("routine.skipped", slot.subject, {"reason": said})
        skipped: Slot = ledger.get(slot.subject)
        return skipped
    counts = since(ledger.db).get(routine.id, ("", now))[1]
    # A time that has come and that nobody ran is before the next.
    begin = seen_until(ledger.db, routine, counts, now)
    gone = taken(ledger.db, routine.id, begin)
    ahead = next_times(workspace, ledger.db, routine, begin, len(gone) + 1)
    upcoming = [one for one in ahead if one not in gone]
    if not upcoming:
        raise RefusedError(f"{routine.id} has no time within the year that could be skipped")
    name = ledger.name("RTN")
    ledger.append("routine.skipped", name, {"slot": head_of(routine, upcoming[0]), "reason": said})
    made: Slot = ledger.get(name)
    return made


def _waits(routine: Routine, slot: Slot, steps: Sequence[str]) -> bool:
    there = {one.id for one in _open(routine, slot)}
    return bool(there) and there.issuperset(steps)


def _duty(routine: Routine, slot: Slot, step: str) -> Duty:
    duty = routine.duty(step)
    if duty is None or step not in slot.steps:
        known = listed([one.id for one in _open(routine, slot)]) or "nothing"
        raise UsageError(f"{routine.id} has no step `{line(shorten(step, 60))}`; what waits is {known}")
    if not duty.kind.ANSWERED:
        raise RefusedError(f"{step} is done by opsctl, not by a word: {_why(routine, slot, step)}")
    did = slot.of(step)
    if did is not None and did.outcome != "waiting":
        raise RefusedError(f"{step} is {did.outcome} since {line(did.by)} said so")
    return duty


def _why(routine: Routine, slot: Slot, step: str) -> str:
    found = {task.step: task.message for task in tasks(routine, slot)}
    return line(found.get(step, "it is done"))


def _open(routine: Routine, slot: Slot) -> Iterator[Duty]:
    waiting = {task.step for task in tasks(routine, slot)}
    yield from (one for one in routine.plan.steps if one.id in waiting and one.kind.ANSWERED)


def _require(ledger: Ledger, workspace: Workspace, duty: Duty, proof: Proof) -> None:
    kind: Any = duty.kind
    who = ledger.actor.name
    if not may(workspace, who, kind.role):
        there = listed([line(one) for one in workspace.roles[kind.role]])
        raise RefusedError(f"{line(who)} is not {kind.role}; who is: {there}")
    if proof.failed:
        text_of(proof.note, "--note")
        return
    if getattr(kind, "evidence", False) and not (proof.note or proof.url or proof.file):
        raise UsageError(f"{duty.id} needs evidence: add --note, --url or --file")
    if getattr(kind, "attendees", False) and not proof.attendees:
        raise UsageError(f"{duty.id} needs who was there: add --attendees alice,bob")
    if getattr(kind, "minutes", False) and proof.file is None:
        raise UsageError(f"{duty.id} needs its minutes: add --file FILE")


def _body(duty: Duty, proof: Proof) -> dict[str, Any]:
    file, digest = (str(proof.file), _digest(proof.file)) if proof.file else (None, None)
    return {
        "step": duty.id,
        "outcome": "failed" if proof.failed else "ok",
        "message": duty.terms.text or duty.id,
        "note": line(proof.note),
        "url": proof.url,
        "file": file,
        "sha256": digest,
        "attendees": [line(one) for one in proof.attendees],
    }


def _digest(path: Path) -> str:
    from hashlib import sha256

    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"--file {path} is larger than 50 MB; name what matters of it")
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"--file {path} cannot be read: {error.strerror}") from error
