"""Results of several places put together: take them along, take them in, and ask for a quorum."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from opsctl.errors import ExitCode, OpsctlError, UsageError, worst
from opsctl.moments import moment
from opsctl.outcome import Cause, State
from opsctl.place_lines import AHEAD, PlaceResult, Read, place_name, read_line, write_line
from opsctl.prose import line, shorten
from opsctl.quorum import agree
from opsctl.records import Passed
from opsctl.selecting import select

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import TextIO

    from opsctl.definitions import CheckDefinition, Workspace

_LARGEST = 200_000_000


class Note(NamedTuple):
    """What is to be said of a line of a file; `refused` where nothing of it was kept."""

    line: int
    text: str
    refused: bool


class Taken(NamedTuple):
    """What came of a file: how many results were new, known, or said otherwise than what was known."""

    file: str
    new: int
    known: int
    contradicted: int
    notes: tuple[Note, ...]

    @property
    def whole(self) -> bool:
        """Whether every line of it is kept."""
        return not self.contradicted and not any(one.refused for one in self.notes)


class Pooled(NamedTuple):
    """A check as its places see it: what each said lately, and who is silent on it.

    `away` are places whose latest result is of a time in maintenance, which speaks neither for nor against.
    """

    check: str
    state: State
    votes: tuple[PlaceResult, ...]
    silent: tuple[str, ...]
    away: tuple[str, ...]


class Pool(NamedTuple):
    """Checks as all places together see them at a time, where `quorum` places must agree on an outage.

    `maintenance` are checks that are neither up nor down now, whatever places say.
    """

    workspace: str
    at: float
    quorum: int
    checks: tuple[Pooled, ...]
    maintenance: tuple[Passed, ...]

    @property
    def exit_code(self) -> ExitCode:
        """As of `opsctl check`: 1 where one is down, 3 where one is unknown or all are in maintenance."""
        if not self.checks:
            return ExitCode.UNKNOWN
        codes = {State.DOWN: ExitCode.NO, State.UNKNOWN: ExitCode.UNKNOWN}
        return worst([codes[one.state] for one in self.checks if one.state in codes])


def this_place(name: str | None) -> str:
    """What this machine's results are known by: the name that was given, or the host's."""
    try:
        return place_name(os.uname().nodename if name is None else name)
    except ValueError as error:
        raise UsageError(f"--place: {error}") from error


def exported(workspace: Workspace, since: str, place: str, now: float) -> Iterator[str]:
    """This machine's results since a time as lines for other places, oldest first.

    OpsctlError where there is none: a machine that checks nothing is no place that has nothing to say.
    """
    from opsctl.store.opening import open_store
    from opsctl.store.upkeep import export

    start = moment(since, now, workspace.timezone, "--since")
    with open_store(workspace.store, write=False) as store:
        rows = cast("Iterator[dict[str, Any]]", export(store))
        none = True
        for row in rows:
            if row["at"] >= start:
                none = False
                yield write_line(_result(place, row))
    if none:
        words = "run `opsctl check`, or go back further with `--since`"
        raise OpsctlError(f"no result was recorded since `{line(since)}`; {words}")


def _result(place: str, row: dict[str, Any]) -> PlaceResult:
    cause = Cause(row["cause"]) if row["cause"] else None
    state = State(row["state"])
    return PlaceResult(place, row["check"], row["at"], state, cause, row["latency"], row["message"])


def take_in(workspace: Workspace, path: Path, stdin: TextIO, now: float) -> Taken:
    """Keep the results in a file (`-` for `stdin`) that another place wrote, all at once; twice is as once.

    What is older than passes are kept is refused, and forgotten where it was kept before. UsageError where
    the file cannot be read.
    """
    from opsctl.store.opening import open_store
    from opsctl.store.place_results import add, forget

    oldest = now - workspace.retention.passes
    results, notes = _read(_text(path, stdin), workspace, now, oldest)
    with open_store(workspace.store, write=True) as store, store.writing() as db:
        forget(db, oldest)
        added = add(db, results)
    return Taken(line(str(path)), *added, tuple(notes))


def pool(
    workspace: Workspace, selectors: Sequence[str], quorum: int, since: str, place: str, now: float
) -> Pool:
    """What the places say of the selected checks; a result speaks for twice its check's `every`.

    `place` is this machine's; places that were heard of since `since` and say nothing of a check are silent
    on it.
    """
    from opsctl.maintaining import by_check, maintained_between, maintained_now
    from opsctl.store.opening import open_store

    known = workspace.checks()
    names = select(known, selectors)
    start = moment(since, now, workspace.timezone, "--since")
    longest = max((check.lapse for _, check in known.values()), default=0.0)
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        found = _by_check(_seen(db, list(known), place, now))
        passed = maintained_now(workspace, db, now)
        away = maintained_between(workspace, db, now - longest, now + AHEAD)
    heard = {one.place for seen in found.values() for one in seen.values() if one.at >= start}
    checks = (
        _pooled(known[name][1], found[name], heard, away[name], quorum, now)
        for name in names
        if name not in passed
    )
    maintenance = (Passed(one.check, one.window, one.reason, one.until) for one in by_check(passed, names))
    return Pool(workspace.name, now, quorum, tuple(checks), tuple(maintenance))


def _pooled(
    check: CheckDefinition,
    seen: dict[str, PlaceResult],
    heard: set[str],
    away: Sequence[tuple[float, float]],
    quorum: int,
    now: float,
) -> Pooled:
    fresh = [seen[place] for place in sorted(seen) if round(now - seen[place].at, 3) <= check.lapse]
    votes = tuple(one for one in fresh if not any(begin <= one.at < end for begin, end in away))
    silent = heard - {one.place for one in fresh}
    passed = [one.place for one in fresh if one not in votes]
    state = agree([one.state for one in votes], quorum, len(silent) + len(passed))
    return Pooled(check.name, state, votes, tuple(sorted(silent)), tuple(passed))


def _by_check(results: Iterable[PlaceResult]) -> defaultdict[str, dict[str, PlaceResult]]:
    found = defaultdict[str, dict[str, PlaceResult]](dict)
    for one in sorted(results, key=lambda one: one.at):
        found[one.check][one.place] = one
    return found


def _seen(db: sqlite3.Connection, names: list[str], place: str, now: float) -> Iterator[PlaceResult]:
    """The latest result of each check at each place, this machine's own too."""
    from opsctl.store.latest import standings_in
    from opsctl.store.place_results import latest

    yield from latest(db, names, now + AHEAD)
    for name, one in standings_in(db).items():
        if one.at <= now + AHEAD:
            yield PlaceResult(place, name, one.at, one.seen, one.cause, None, one.message)


def _read(text: str, workspace: Workspace, now: float, oldest: float) -> tuple[list[PlaceResult], list[Note]]:
    known = workspace.checks()
    results, notes = list[PlaceResult](), list[Note]()
    for number, written in enumerate(text.split("\n"), start=1):
        if not written.strip():
            continue
        read = _meant(read_line(written, now), known, oldest)
        if read.result is not None:
            results.append(read.result)
        if read.note:
            notes.append(Note(number, read.note, read.result is None))
    return results, notes


def _meant(read: Read, known: Collection[str], oldest: float) -> Read:
    """What was read, unless there is no use for it."""
    if read.result is None:
        return read
    if read.result.check not in known:
        return Read(None, f"refused: the workspace has no check `{shorten(read.result.check, 60)}`")
    if read.result.at < oldest:
        return Read(None, "refused: it is older than results are kept (`retention: passes`)")
    return read


def _text(path: Path, stdin: TextIO) -> str:
    try:
        if str(path) == "-":
            text = stdin.read(_LARGEST + 1)
        else:
            with path.open(encoding="utf-8", errors="replace", newline="") as file:
                text = file.read(_LARGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{line(str(path))} cannot be read: {why}") from error
    if len(text) > _LARGEST:
        raise UsageError(f"{line(str(path))} is larger than 200 MB; export less with `--since`")
    # As some editors begin a file.
    return text.removeprefix("\ufeff")
