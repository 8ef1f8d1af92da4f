"""Routines as text or JSON: what is due and whose it is, what was run, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean, moment, zoned
from opsctl.formats.table import table
from opsctl.outcome import Kind
from opsctl.prose import count, line
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opsctl.agenda import Point
    from opsctl.formats import Output
    from opsctl.ledger.slot import Did, Slot
    from opsctl.routine_linting import Finding
    from opsctl.routine_running import Ran
    from opsctl.routines import Duty, Routine

_QUIET = frozenset({"open", "upcoming", "done", "skipped"})


def write_list(
    routines: Mapping[str, Routine],
    upcoming: Mapping[str, float | None],
    timezone: str,
    output: str,
    out: Output,
) -> str:
    """The routines with their times and when each is due next; `output` is text or json."""
    if output == "json":
        rows = [{**_head(one), "next": _moment(upcoming[name])} for name, one in routines.items()]
        return json_text({"routines": rows})
    lines = [
        (name, _times(one), _next(upcoming[name], timezone), line(one.plan.title))
        for name, one in routines.items()
    ]
    return table(lines, out)


def write_agenda(points: Sequence[Point], now: float, timezone: str, output: str, *, everything: bool) -> str:
    """What is due, overdue or waits, the worst last; with `everything` also what is well; text or json."""
    if output == "json":
        return json_text({"at": moment(now), "routines": [point_data(one) for one in points]})
    shown = [one for one in reversed(points) if everything or one.state not in _QUIET]
    text = "".join(f"{part}\n" for one in shown for part in point_lines(one, now, timezone))
    return text or ("nothing is due\n" if points else "the workspace has no routines\n")


def write_ran(found: Sequence[Ran], timezone: str, output: str, *, quiet: bool = False) -> str:
    """What was run now; with `quiet` only what did not go well; what failed comes last."""
    if output == "json":
        return json_text({"ran": [_ran(one) for one in found]})
    shown = [one for one in found if not quiet or troubled(one)]
    shown.sort(key=troubled)
    text = "".join(f"{part}\n" for one in shown for part in _ran_lines(one, timezone))
    return text or ("" if quiet else "nothing is due\n")


def troubled(ran: Ran) -> bool:
    """Whether something did not go well, or was missed."""
    bad = any(came.outcome in {"failed", "unknown"} for _, came in ran.news)
    slot = ran.slot
    return (
        bool(ran.trouble)
        or bad
        or (slot is not None and (slot.state in {"failed", "missed"} or slot.missed > 0))
    )


def write_slot(slot: Slot, timezone: str, output: str) -> str:
    """A slot as it stands now; `output` is text or json."""
    if output == "json":
        return json_text(slot_data(slot))
    return "".join(f"{part}\n" for part in _slot_lines(slot, timezone))


def write_history(slots: Sequence[Slot], timezone: str, output: str, out: Output) -> str:
    """Slots, the newest first; `output` is text or json."""
    if output == "json":
        return json_text({"slots": [slot_data(one) for one in slots]})
    return table([_past(one, timezone) for one in slots], out)


def write_times(found: Mapping[str, Sequence[float]], timezone: str, output: str) -> str:
    """The next times of routines, in their order; `output` is text or json."""
    if output == "json":
        return json_text({"next": {name: [moment(at) for at in times] for name, times in found.items()}})
    rows = sorted((at, name) for name, times in found.items() for at in times)
    return "".join(f"{zoned(at, timezone)}\t{name}\n" for at, name in rows)


def write_routine(point: Point, upcoming: float | None, timezone: str, now: float, output: str) -> str:
    """A routine with its steps, its next time and how it stands; `output` is text or json."""
    routine = point.routine
    if output == "json":
        return json_text({**point_data(point), "next": _moment(upcoming)})
    plan = routine.plan
    head = [
        f"{routine.id}  {line(plan.title)}",
        f"  {'; '.join(map(line, plan.schedule))} ({plan.timezone or timezone})",
        f"  next: {_next(upcoming, timezone)}",
    ]
    head += [f"  {line(plan.text)}"] if plan.text else []
    head += [f"  owner: {line(plan.owner)}"] if plan.owner else []
    width = max(len(one.id) for one in plan.steps)
    steps = [f"  {one.id:<{width}}  {one.type:<9}  {_about(one)}".rstrip() for one in plan.steps]
    return "".join(f"{part}\n" for part in (*head, *steps, *point_lines(point, now, timezone)))


def _about(duty: Duty) -> str:
    """What a step does, by its kind's most telling field, and what it is for."""
    value = getattr(duty.kind, duty.kind.SHORTHAND) if duty.kind.SHORTHAND else ""
    parts = value if isinstance(value, tuple) else (value,)
    what = line(" ".join(str(getattr(one, "text", one)) for one in parts))
    return f"{what}: {line(duty.terms.text)}" if duty.terms.text else what


def write_findings(found: Sequence[Finding], output: str) -> str:
    """What lint found; `output` is text or json."""
    if output == "json":
        return json_text(
            {
                "findings": [
                    {"routine": one.routine, "rule": one.rule, "message": one.message} for one in found
                ]
            }
        )
    return (
        "".join(f"{one.routine}: {line(one.message)} ({one.rule})\n" for one in found)
        or "nothing to complain of\n"
    )


def slot_data(slot: Slot) -> dict[str, Any]:
    """A slot as JSON."""
    return {
        "slot": slot.subject,
        "routine": slot.routine,
        "due": moment(slot.due),
        "state": slot.state,
        "scheduled": slot.scheduled,
        "missed": slot.missed,
        "missed_since": _moment(slot.missed_since),
        "reason": clean(slot.reason),
        "ended": _moment(slot.ended),
        "steps": [_did(slot.of(step), step) for step in slot.steps],
    }


def _did(did: Did | None, step: str) -> dict[str, Any]:
    if did is None:
        return {"step": step, "outcome": None}
    return {
        "step": step,
        "outcome": did.outcome,
        "message": clean(did.message),
        "by": clean(did.by),
        "at": moment(did.at),
        "link": None if did.link is None else clean(did.link),
        "note": clean(did.note),
        "url": None if did.url is None else clean(did.url),
        "file": None if did.file is None else clean(did.file),
        "sha256": did.sha256,
        "attendees": [clean(one) for one in did.attendees],
    }


def _head(routine: Routine) -> dict[str, Any]:
    plan = routine.plan
    return {
        "routine": routine.id,
        "title": clean(plan.title),
        "owner": None if plan.owner is None else clean(plan.owner),
        "schedule": [clean(text) for text in plan.schedule],
        "priority": plan.priority,
        "steps": [one.id for one in plan.steps],
    }


def point_data(point: Point) -> dict[str, Any]:
    """A routine and how it stands, as JSON."""
    tasks = [
        {"step": one.step, "text": clean(one.text), "who": clean(one.who), "message": clean(one.message)}
        for one in point.tasks
    ]
    return {
        **_head(point.routine),
        "state": point.state,
        "due": _moment(point.due),
        "missed": point.missed,
        "tasks": tasks,
        "last": None if point.slot is None else slot_data(point.slot),
        "trouble": clean(point.trouble),
    }


def point_lines(point: Point, now: float, timezone: str) -> Iterator[str]:
    """How a routine stands: what is due, whose it is, and what to do next."""
    routine, due = point.routine, point.due
    since = "" if due is None else f"\tdue {zoned(due, timezone)}"
    if point.state == "overdue" and due is not None:
        late = due + routine.plan.grace
        since += f", overdue since {zoned(late, timezone)} ({brief(Kind.DURATION, now - late)})"
    missed = f", {count('run', point.missed)} missed before" if point.missed else ""
    whose = f" ({line(routine.plan.owner)})" if routine.plan.owner else ""
    yield f"{point.state}\t{routine.id}{since}{missed}\t{line(routine.plan.title)}{whose}"
    for task in point.tasks:
        words = line(task.text) or line(task.message) or "not done yet"
        yield f"  {task.step}: {words} ({line(task.who)})"
    if point.state == "failed" and point.slot is not None:
        for did in point.slot.did:
            if did.outcome != "ok":
                yield f"  {did.step}: {did.outcome}: {line(did.message)}"
    if point.trouble:
        yield f"  {line(point.trouble)}"
    yield from _ways(point)


def _ways(point: Point) -> Iterator[str]:
    """What to do next, in one command."""
    name = point.routine.id
    if point.state == "unseen" or (point.state in {"due", "overdue"} and not point.tasks):
        yield "  do: opsctl routine run --due"
    elif point.tasks:
        yield f"  do: opsctl routine done {name}"
    elif point.state == "failed":
        yield f"  do: opsctl routine run {name}"


def _ran(ran: Ran) -> dict[str, Any]:
    news = [
        {"step": step, "outcome": came.outcome, "message": clean(came.message)} for step, came in ran.news
    ]
    slot = None if ran.slot is None else slot_data(ran.slot)
    return {"routine": ran.routine, "trouble": clean(ran.trouble), "news": news, "slot": slot}


def _ran_lines(ran: Ran, timezone: str) -> Iterator[str]:
    if ran.slot is None:
        yield f"{ran.routine}: {line(ran.trouble)}"
        return
    words = f": {line(_summary(ran))}" if _summary(ran) else ""
    yield f"{ran.routine} of {zoned(ran.slot.due, timezone)} is {ran.slot.state} ({ran.slot.subject}){words}"
    for step, came in sorted(ran.news, key=lambda one: one[1].outcome in {"failed", "unknown"}):
        yield f"  {step}: {came.outcome}: {line(came.message)}"


def _slot_lines(slot: Slot, timezone: str) -> Iterator[str]:
    reason = f": {line(slot.reason)}" if slot.reason else ""
    yield f"{slot.routine} of {zoned(slot.due, timezone)} is {slot.state} ({slot.subject}){reason}"
    for step in slot.steps:
        did = slot.of(step)
        yield f"  {step}: " + (f"{did.outcome}: {line(did.message)}" if did else "not done yet")


def _times(routine: Routine) -> str:
    return "; ".join(line(text) for text in routine.plan.schedule)


def _past(slot: Slot, timezone: str) -> tuple[str, ...]:
    missed = f", {slot.missed} missed before" if slot.missed else ""
    by = ", ".join(dict.fromkeys(line(one.by) for one in slot.did if one.outcome != "waiting"))
    state = f"{slot.state}{missed}"
    return slot.subject, slot.routine, zoned(slot.due, timezone), state, by, line(slot.reason)


def _next(at: float | None, timezone: str) -> str:
    return "no time in sight" if at is None else zoned(at, timezone)


def _moment(at: float | None) -> str | None:
    return None if at is None else moment(at)


def _summary(ran: Ran) -> str:
    """What is said of a routine that was seen to, in a few words."""
    if ran.slot is None:
        return ran.trouble
    number = ran.slot.missed
    was = "was" if number == 1 else "were"
    missed = f"{count('time', number)} before it {was} missed" if number else ""
    return "; ".join(part for part in (ran.slot.reason, missed) if part)
