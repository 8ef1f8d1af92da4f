"""What other schedulers are told to run: one entry for all routines, or one for each at its own times."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from opsctl.due import zone_of
from opsctl.errors import UsageError
from opsctl.prose import line
from opsctl.schedule_rules import ALL_DAYS, DAYS, After, Schedule, Weekdays, cron_of
from opsctl.schedules import Calendar, describe, occurrences, parse
from opsctl.translating import Terms, cron_lines, on_calendar, wider

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

    from opsctl.definitions import Workspace
    from opsctl.routines import Routine

Target = Literal["crontab", "systemd", "github", "gitlab", "kubernetes"]
TARGETS: tuple[Target, ...] = ("crontab", "systemd", "github", "gitlab", "kubernetes")
_YEAR = 366 * 86_400.0
_FIVE = "*/5 * * * *"
_OFTEN = Schedule(Weekdays(ALL_DAYS), tuple(range(0, 1440, 5)))
# What says when something is run, or what; other lines of a file are its owner's.
_OURS = re.compile(r"routine run|cron:|OnCalendar=|schedule:|timeZone:|suspend:|glab schedule")
_LIMITS: Mapping[Target, tuple[str, ...]] = {
    "github": (
        "GitHub begins late when it is busy, leaves times out, and stops after 60 days without activity",
        "each job keeps a store of its own in GitHub's cache, which drops what nobody read for 7 days",
    ),
    "gitlab": (
        "GitLab keeps schedules outside of the file; make them with the commands in the comments",
        "GitLab begins when the instance looks for schedules, by default every ten minutes",
    ),
    "kubernetes": ("the workspace and its store are expected on the volume claim `opsctl`",),
}
_ZONES: Mapping[Target, str] = {
    "crontab": "the cron of Debian and Ubuntu does not read CRON_TZ, and goes by the machine's zone",
    "github": "GitHub knows UTC only: other zones have the times of summer and winter, and count only if due",
}
_ALONE = (
    "run `opsctl routine run --due` once: a routine counts from when it was first seen",
    "what waits for people is looked at again when its routine is run again, and not before",
)


class Entry(NamedTuple):
    """What a scheduler runs, and when: cron lines in `zone`, or for systemd values of `OnCalendar=`.

    `name` is the routine's, and empty for all of them; `title` and `when` say it to people.
    """

    name: str
    title: str
    when: str
    zone: str
    times: tuple[str, ...]

    @property
    def arguments(self) -> tuple[str, ...]:
        """What `opsctl` is run with."""
        return ("routine", "run", *filter(None, [self.name]), "--due", "--quiet")


def entries_of(
    workspace: Workspace, target: Target, now: float, program: str, *, each: bool
) -> tuple[list[Entry], list[str]]:
    """What to run, and what is worth knowing of it; UsageError for `each` routine where there is none."""
    if not each:
        times = "*-*-* *:00/5:00 UTC" if target == "systemd" else _FIVE
        found = [Entry("", f"Routines of {workspace.name}", "every five minutes", "UTC", (times,))]
        return found, [*_known(target, program)]
    if not workspace.routines:
        raise UsageError("the workspace has no routines; `--each` has nothing to write")
    found, notes = [], [*_known(target, program), *_ALONE]
    for routine in workspace.routines.values():
        entry, more = _entry(workspace, routine, target, now)
        found.append(entry)
        notes += [f"{routine.id}: {one}" for one in more]
    abroad = any(zone_of(workspace, one) is not UTC for one in workspace.routines.values())
    return found, [*notes, *([_ZONES[target]] if abroad and target in _ZONES else [])]


def _known(target: Target, program: str) -> Iterator[str]:
    """What a scheduler is known for."""
    if target == "crontab" and not program.startswith("/"):
        yield "cron looks for programs in /usr/bin and /bin only; name it in full with `--program`"
    yield from _LIMITS.get(target, ())


def _entry(workspace: Workspace, routine: Routine, target: Target, now: float) -> tuple[Entry, list[str]]:
    plan = routine.plan
    terms = Terms(_calendar(workspace, routine), now, plan.holidays is not None)
    times, notes = dict[str, None](), list[str]()
    for schedule in map(parse, plan.schedule):
        said, why = _said(schedule, terms, target)
        times |= dict.fromkeys(said)
        notes += [f"`{describe(schedule)}` {one}" for one in why]
    zone = str(terms.calendar.zone)
    when = f"{', '.join(plan.schedule)} {zone}"
    return Entry(routine.id, plan.title, when, "UTC" if target == "github" else zone, tuple(times)), notes


def differences(place: Path, files: Mapping[str, str], stdin: TextIO, command: str) -> list[str]:
    """What the files at a place lack, and what they run that they should not, as lines of a diff.

    A place is a file, `-` for `stdin`, or the folder of files with names. Lines that say neither what is run
    nor when are their owner's. Raises UsageError where there is nothing to read.
    """
    if any(files) and not place.is_dir():
        raise UsageError(f"{line(str(place))} is no folder; name the one that has the units")
    found = [one for name, text in files.items() for one in _drift(place, name, text, stdin, command)]
    return found + [f"{name} is of no routine; remove it" for name in _strays(place, files)]


def _drift(place: Path, name: str, expected: str, stdin: TextIO, command: str) -> list[str]:
    path = place / name if name else place
    found = stdin.read() if str(path) == "-" else _read(path, missing="" if name else None)
    lines = [
        line(one)
        for one in difflib.unified_diff(_lines(found), _lines(expected), n=0, lineterm="")
        if not one.startswith(("---", "+++", "@@")) and (one.startswith("+") or _OURS.search(one))
    ]
    return [f"--- {line(str(path))}", f"+++ {command}", *lines] if lines else []


def _read(path: Path, missing: str | None) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        if missing is None:
            raise UsageError(f"{line(str(path))} is not there; write it with `--out`") from None
        return missing
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{line(str(path))} cannot be read: {why}") from error


def _strays(place: Path, files: Mapping[str, str]) -> list[str]:
    """Units of routines that no routine has any more."""
    there = sorted(place.glob("opsctl-routine*")) if any(files) else []
    return [one.name for one in there if one.suffix in {".service", ".timer"} and one.name not in files]


def _lines(text: str) -> list[str]:
    """The lines that count; of comments those that make schedules."""
    lines = (one.rstrip() for one in text.splitlines())
    return [one for one in lines if one and (not one.lstrip().startswith("#") or "glab schedule" in one)]


def _calendar(workspace: Workspace, routine: Routine) -> Calendar:
    plan = routine.plan
    return Calendar(
        zone_of(workspace, routine),
        frozenset(DAYS.index(day) for day in plan.working_days),
        frozenset(),
        plan.on_holiday,
        plan.gap,
        plan.overlap,
        date.fromisoformat(plan.starts or "1970-01-05"),
    )


def _said(schedule: Schedule | After, terms: Terms, target: Target) -> tuple[tuple[str, ...], list[str]]:
    """The times of a schedule, exact or wider, and what is to be said of them."""
    if isinstance(schedule, After):
        often = _times(_OFTEN, terms, target)
        return often, ["follows what happens; it is looked for every five minutes"]
    try:
        times, notes = _times(schedule, terms, target), []
    except ValueError as error:
        times = _times(wider(schedule, terms), terms, target)
        notes = [f"cannot be said there: {error}; it is run at `{'`, `'.join(times)}`, and then only if due"]
    if target == "github" and any(map(_too_often, times)):
        return (_FIVE,), ["is more often than GitHub allows; it is run every five minutes"]
    if target != "github" and (day := _changed(schedule, terms, target)):
        notes.append(f"comes late on {day}, when the clocks change at its time")
    return times, notes


def _times(schedule: Schedule, terms: Terms, target: Target) -> tuple[str, ...]:
    if target == "systemd":
        return on_calendar(schedule, terms)
    return cron_lines(schedule, terms, utc=target == "github")


def _too_often(cron: str) -> bool:
    minutes: list[int] = sorted(cron_of(cron).minutes)
    return any(after - before < 5 for before, after in pairwise([*minutes, minutes[0] + 60]))


def _changed(schedule: Schedule, terms: Terms, target: Target) -> date | None:
    """The first day of a year on which the clocks change at a time of the schedule, and nothing is run then.

    Cron runs what is skipped right after, others do not; all run what comes twice the first time.
    """
    calendar, until = terms.calendar, terms.at + _YEAR
    gap: Literal["after", "skip"] = "after" if target == "crontab" else "skip"
    run = set(occurrences(schedule, calendar._replace(gap=gap, overlap="first"), terms.at, until))
    late = (one for one in occurrences(schedule, calendar, terms.at, until) if one not in run)
    first = next(late, None)
    return None if first is None else datetime.fromtimestamp(first, calendar.zone).date()
