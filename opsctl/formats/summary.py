"""What a run comes to: which checks count as what, in which order and words every format shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.outcome import State
from opsctl.prose import count, line, safe, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.errors import ExitCode
    from opsctl.formats import Output
    from opsctl.outcome import Value
    from opsctl.records import Checked, CheckRun, Happening, Passed

_LONGEST_SAID = 200
_RANK = {State.UP: 0, State.DEGRADED: 1, State.UNKNOWN: 2, State.DOWN: 3}


class Counts(NamedTuple):
    """How many checks stand in each state; `explained` are those that a root cause explains."""

    up: int
    degraded: int
    down: int
    unknown: int
    explained: int

    @property
    def total(self) -> int:
        """All checks of the run."""
        return self.up + self.degraded + self.down + self.unknown


def counts(run: CheckRun) -> Counts:
    """Count the checks of a run by what stands."""
    states = [one.standing.state for one in run.checked]
    return Counts(
        up=states.count(State.UP),
        degraded=states.count(State.DEGRADED),
        down=states.count(State.DOWN),
        unknown=states.count(State.UNKNOWN),
        explained=sum(one.explained_by is not None for one in run.checked),
    )


def ordered(run: CheckRun) -> list[Checked]:
    """The checks as the workspace has them, the worse ones after the better ones."""
    return sorted(run.checked, key=lambda one: _RANK[one.standing.state])


def worst_first(run: CheckRun) -> list[Checked]:
    """The checks that are not up, root causes before what they explain, what is degraded last."""
    bad = [one for one in run.checked if one.standing.state is not State.UP]
    return sorted(
        bad,
        key=lambda one: (one.standing.state.good, one.explained_by is not None, -_RANK[one.standing.state]),
    )


def not_well(run: CheckRun) -> list[Checked]:
    """The checks that count as down or unknown, roots before what they explain, the worst last."""
    bad = [one for one in ordered(run) if not one.standing.state.good]
    return [one for one in bad if one.explained_by] + [one for one in bad if not one.explained_by]


def sentence(run: CheckRun) -> str:
    """The run in one line: `12 checks: 10 up, 2 down (1 root cause, 1 explained by it)`."""
    numbers = counts(run)
    parts = [
        f"{number} {state}"
        for state, number in (
            ("up", numbers.up),
            ("degraded", numbers.degraded),
            ("unknown", numbers.unknown),
            ("down", numbers.down),
        )
        if number
    ]
    bad = numbers.down + numbers.unknown
    roots = (
        f" ({count('root cause', bad - numbers.explained)}, {numbers.explained} explained)"
        if numbers.explained
        else ""
    )
    passed = f"; {len(run.maintenance)} in maintenance" if run.maintenance else ""
    unrecorded = "" if run.recorded else "; not recorded"
    found = ", ".join(parts) or "nothing was checked"
    return f"{count('check', numbers.total)}: {found}{roots}{passed}{unrecorded}"


def happening(one: Happening) -> str:
    """What came of a run for an incident, in one line: `opened INC-7 sev1: api/health is down`."""
    return line(f"{one.action} {one.incident} {one.severity}: {one.text}")


def passed_over(one: Passed, timezone: str = "UTC") -> str:
    """A check in maintenance in one line: until when, by which window, and why."""
    return line(f"until {short_moment(one.until, timezone)} ({one.window}): {one.reason}")


def as_passed(one: Passed) -> dict[str, Value]:
    """A check in maintenance as JSON."""
    return {
        "check": one.check,
        "state": "maintenance",
        "window": one.window,
        "reason": clean(one.reason),
        "until": moment(one.until),
    }


def words(one: Checked) -> str:
    """What was found, in one line, with what of it does not count yet."""
    notes = []
    result, standing = one.result, one.standing
    if standing.state.good and not result.state.good:
        notes.append(f"{result.state}, {standing.streak} of {one.fail_after} before it counts")
    elif not standing.state.good and result.state.good:
        notes.append(f"{result.state} again, {standing.streak} of {one.ok_after} before the outage ends")
    if result.attempts > 1:
        passed = "passed on" if result.state.good else "after"
        notes.append(f"{passed} attempt {result.attempts}")
    if one.explained_by:
        notes.append(f"explained by {one.explained_by}")
    return line(result.message) + (f" [{'; '.join(notes)}]" if notes else "")


def moment(at: float) -> str:
    """A UTC time as ISO 8601, to the millisecond."""
    import time

    milliseconds = round(at * 1000)
    return (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000)) + f".{milliseconds % 1000:03d}Z"
    )


def short_moment(at: float, timezone: str = "UTC") -> str:
    """A time for people in the zone `timezone` (IANA), to the second."""
    if timezone == "UTC":
        return moment(at)[:19].replace("T", " ") + " UTC"
    return zoned(at, timezone, seconds=True)


def zoned(at: float, timezone: str, *, seconds: bool = False) -> str:
    """A time for people in the zone `timezone` (IANA): `2026-11-21 14:54 CET`."""
    from datetime import datetime

    from opsctl.zones import zone_named

    when = datetime.fromtimestamp(at, zone_named(timezone))
    return when.strftime("%Y-%m-%d %H:%M:%S %Z" if seconds else "%Y-%m-%d %H:%M %Z")


def next_steps(one: Checked) -> list[str]:
    """What to do about a check that is not well, the runbook first."""
    steps = [f"runbook: {one.procedure}"] if one.procedure else []
    if one.owner:
        steps.append(f"owner: {line(one.owner)}")
    return [*steps, f"look: opsctl check {one.result.check} --explain"]


def said(one: Checked) -> str:
    """The first line of what a job or a command said of its failure; empty where that is no news."""
    texts = (one.result.evidence.get(name) for name in ("message", "stderr", "stdout"))
    lines = (part for text in texts if isinstance(text, str) for part in text.splitlines() if part.strip())
    text = line(next(lines, ""))
    return "" if text in line(one.result.message) else shorten(text, _LONGEST_SAID)


def clean(value: Value) -> Value:
    """A value as strict JSON: numbers that are not finite and characters that are none are replaced."""
    if isinstance(value, float):
        return value if -1e308 < value < 1e308 else None
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, list):
        return [clean(member) for member in value]
    if isinstance(value, dict):
        return {safe(str(key)): clean(member) for key, member in value.items()}
    return value


def as_data(one: Checked) -> Mapping[str, Value]:
    """Everything known of a check, ready for JSON."""
    result, standing = one.result, one.standing
    evidence: dict[str, Value] = dict(result.evidence)
    judged: list[Value] = [
        {"text": judged.text, "verdict": _verdict(judged.verdict), "found": judged.found, "warn": judged.warn}
        for judged in result.judged
    ]
    phases: dict[str, Value] = dict(result.phases)
    data: dict[str, Value] = {
        "check": result.check,
        "service": one.service,
        "title": one.title,
        "owner": one.owner,
        "tier": one.tier,
        "tags": list(one.tags),
        "target": one.target,
        "runbook": one.runbook,
        "state": str(standing.state),
        "since": moment(standing.since),
        "seen": str(result.state),
        "streak": standing.streak,
        "at": moment(result.at),
        "cause": str(result.cause) if result.cause else None,
        "message": result.message,
        "latency": result.latency,
        "attempts": result.attempts,
        "explained_by": one.explained_by,
        "expectations": judged,
        "phases": phases,
        "evidence": evidence,
    }
    return {name: clean(value) for name, value in data.items()}


def as_incident(one: Happening) -> Mapping[str, Value]:
    """What came of the run for an incident, ready for JSON."""
    return {name: clean(value) for name, value in one._asdict().items()}


def head(run: CheckRun) -> Mapping[str, Value]:
    """What every JSON answer starts with."""
    return {
        "format_version": "1.0",
        "workspace": clean(run.workspace),
        "started": moment(run.started),
        "finished": moment(run.finished),
        "recorded": run.recorded,
    }


def answer(run: CheckRun, out: Output) -> ExitCode:
    """What the command answers; where that is not said, what stands decides."""
    from opsctl.outages import exit_code

    if out.exit_code is not None:
        return out.exit_code
    return exit_code({one.result.check: one.standing for one in run.checked})


def tail(run: CheckRun, out: Output) -> Mapping[str, Value]:
    """The counts and the exit code."""
    numbers = counts(run)
    return {
        "total": numbers.total,
        "up": numbers.up,
        "degraded": numbers.degraded,
        "down": numbers.down,
        "unknown": numbers.unknown,
        "explained": numbers.explained,
        "exit_code": int(answer(run, out)),
    }


def compared(run: CheckRun) -> dict[str, Value]:
    """How the run compares with a baseline, as JSON; nothing where it was compared with none."""
    found = run.comparison
    if found is None:
        return {}
    names = {"new": found.new, "still": found.still, "fixed": found.fixed}
    lists: dict[str, Value] = {word: list(checks) for word, checks in names.items()}
    return {"baseline": {"name": clean(found.baseline), "at": moment(found.at), **lists}}


def _verdict(verdict: bool | None) -> str:
    return {True: "pass", False: "fail", None: "unknown"}[verdict]


def services(run: CheckRun) -> Mapping[str, Sequence[Checked]]:
    """The checks by service, in order."""
    grouped: dict[str, list[Checked]] = {}
    for one in run.checked:
        grouped.setdefault(one.service, []).append(one)
    return grouped
