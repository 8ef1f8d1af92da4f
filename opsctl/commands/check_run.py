"""`opsctl check` from what was asked to an exit code: check, again where wished, or judge offline."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from opsctl.commands.check_answer import Shown, awaited, baseline_of, heal, keep, newly, show, show_none
from opsctl.commands.console import emit, one_of, open_workspace, reader_of
from opsctl.prose import count, line, ticked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from opsctl.checking import Options, Outcome
    from opsctl.definitions import Workspace
    from opsctl.errors import OpsctlError
    from opsctl.world import World


class Asked(NamedTuple):
    """What was asked on the command line, as it was typed; `check --help` says what each means."""

    selectors: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    failed: bool = False
    output: str = "text"
    out: Path | None = None
    quiet: bool = False
    explain: bool = False
    dry_run: bool = False
    record: bool = True
    jobs: int = 500
    timeout: str | None = None
    fail_on: str = "down"
    exit_style: str = "opsctl"
    wait: str | None = None
    every: str | None = None
    watch: bool = False
    since_baseline: str | None = None
    save_baseline: str | None = None
    prove: bool = False
    replay: bool = False
    since: str | None = None
    where: Path | None = None


def answer(asked: Asked) -> int:
    """Do what was asked, and answer the exit code."""
    from opsctl.checking import Options
    from opsctl.errors import OpsctlError
    from opsctl.formats import FORMATS

    one_of("--output", asked.output, FORMATS)
    one_of("--fail-on", asked.fail_on, ("down", "degraded"))
    one_of("--exit-style", asked.exit_style, ("opsctl", "nagios"))
    options = Options(
        asked.selectors,
        asked.exclude,
        asked.failed,
        asked.jobs,
        _seconds(asked.timeout),
        asked.record,
        asked.explain,
        asked.quiet,
    )
    _joined(asked)
    if asked.prove or asked.replay:
        ways = ("prove", "replay", "wait", "watch")
        _alone({f"--{way}": getattr(asked, way) for way in ways})
    if asked.prove:
        return _prove(options, asked.where, asked.output, asked.out)
    if asked.replay:
        return _replay(options, asked.where, asked.since or "30d", asked.output, asked.out)
    again = _again(asked.wait, asked.every, watch=asked.watch)
    shown = Shown(
        asked.output, asked.out, asked.fail_on, asked.exit_style, asked.since_baseline, asked.save_baseline
    )
    try:
        return _check(options, asked.where, shown, again, dry_run=asked.dry_run)
    except OpsctlError as error:
        if asked.exit_style != "nagios":
            raise
        return _unknown(error)


def _joined(asked: Asked) -> None:
    """UsageError for an option that would be passed over, as what it belongs to is not asked for."""
    from opsctl.errors import UsageError

    if asked.since is not None and not asked.replay:
        raise UsageError("`--since` goes with `--replay`; `opsctl history --since TIME` shows what was found")
    if asked.every is not None and asked.wait is None and not asked.watch:
        raise UsageError("`--every` is the pause of `--wait` and `--watch`; add one of them")
    if asked.save_baseline is not None and not asked.save_baseline.strip():
        raise UsageError("`--save-baseline` needs a name; write one such as `monday`")
    if asked.dry_run:
        one_of("--output", asked.output, ("text", "json"))


def _alone(ways: Mapping[str, object]) -> None:
    from opsctl.errors import UsageError

    given = [flag for flag, value in ways.items() if value]
    if len(given) > 1:
        raise UsageError(f"{ticked(given, 'and')} exclude each other; use one of them")


class Again(NamedTuple):
    """How often checks are made: `watch` for ever, else until all are up for `wait` seconds at most."""

    wait: float
    every: float
    watch: bool


def _again(wait: str | None, every: str | None, *, watch: bool) -> Again:
    from opsctl.errors import UsageError

    if wait is not None and watch:
        raise UsageError("`--wait` ends when all are up, and `--watch` never does; use one of them")
    pause = 10.0 if every is None else _seconds(every, "--every", 86_400) or 10.0
    return Again(_seconds(wait, "--wait", 86_400) or 0.0, pause, watch)


def _check(options: Options, where: Path | None, shown: Shown, again: Again, *, dry_run: bool) -> int:
    from opsctl.checking import selected
    from opsctl.world import this_world

    world = this_world()
    workspace = open_workspace(where, world.environ, light=True)
    names = selected(workspace, options)
    if dry_run:
        from opsctl.formats.listing import listing

        reader = reader_of(world, to_file=shown.out is not None)
        emit(world, listing(workspace, names, shown.output, reader), shown.out)
        return 0
    if not names:
        return show_none(workspace, shown, options, world)
    before = baseline_of(workspace, shown)
    code, once = 0, True
    while once or again.watch:
        outcome = _until_up(workspace, names, options, world, again)
        answer = awaited(outcome) if again.wait else outcome
        counted = {one.result.check: one.standing for one in answer.run.checked}
        if before is not None and outcome.signal is None:
            answer, counted = newly(answer, counted, before, shown)
        code = show(answer, counted, shown, options, world)
        heal(workspace, where, outcome, options, world)
        keep(workspace, outcome, shown, world)
        once = False
        if again.watch:
            if outcome.signal is not None:
                break
            _pause(again.every, world, workspace.timezone)
            world = replace(world, now=this_world().now)
    return code


def _pause(length: float, world: World, timezone: str) -> None:
    """Wait between two runs; at a terminal it is said when the one before was made."""
    from opsctl.formats.summary import short_moment
    from opsctl.pausing import pause

    if world.stderr.isatty():
        world.stderr.write(
            f"-- {short_moment(world.now, timezone)}, again in {length:g} s; Ctrl-C ends this\n\n"
        )
    pause(length)


def _prove(options: Options, where: Path | None, output: str, out: Path | None) -> int:
    """Judge the checks by synthetic failures; 1 where one of them would be missed."""
    from opsctl.checking import selected
    from opsctl.formats.proving import write
    from opsctl.proving import prove
    from opsctl.world import this_world

    one_of("--output", output, ("text", "json"))
    world = this_world()
    workspace = open_workspace(where, world.environ, light=True)
    proofs = prove(workspace, selected(workspace, options))
    emit(world, write(proofs, output), out)
    return 1 if any(one.blind for one in proofs) else 0


def _replay(options: Options, where: Path | None, since: str, output: str, out: Path | None) -> int:
    """Judge recorded results; 1 where what lay in an incident would now be up, 3 where it cannot be told."""
    from opsctl.checking import selected
    from opsctl.formats.replay import write
    from opsctl.replaying import replay
    from opsctl.world import this_world

    one_of("--output", output, ("text", "json"))
    world = this_world()
    workspace = open_workspace(where, world.environ, light=True)
    found = replay(workspace, selected(workspace, options), since, world.now)
    emit(world, write(found, output, reader_of(world, to_file=out is not None)), out)
    return found.exit_code


def _until_up(
    workspace: Workspace, names: list[str], options: Options, world: World, again: Again
) -> Outcome:
    """The outcome of the first run in which all is up, or of the last one in time."""
    from opsctl.pausing import pause

    began = time.monotonic()
    while True:
        now = world.now + time.monotonic() - began
        outcome = _run(workspace, names, options, replace(world, now=now))
        bad = [one for one in outcome.run.checked if not (one.standing.state.good and one.result.state.good)]
        left = began + again.wait - time.monotonic()
        if not bad or outcome.signal is not None or left <= 0:
            return outcome
        if world.stderr.isatty():
            world.stderr.write(f"{count('check', len(bad))} not up; looking again for {left:.0f} s\n")
        pause(min(again.every, left))


def _unknown(error: OpsctlError) -> int:
    """A monitoring system reads one line and 3 for whatever kept us from checking."""
    from opsctl.world import this_world

    emit(this_world(), f"OPSCTL UNKNOWN - {line(str(error)).replace('|', '/')}\n")
    return 3


def _seconds(text: str | None, option: str = "--timeout", most: float = 3600) -> float | None:
    from opsctl.errors import UsageError
    from opsctl.outcome import Kind
    from opsctl.units import brief, parse

    if text is None:
        return None
    try:
        seconds = parse(Kind.DURATION, text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
    if not 0 < seconds <= most:
        raise UsageError(f"{option} must be more than 0s and at most {brief(Kind.DURATION, most)}")
    return seconds


def _run(workspace: Workspace, names: list[str], options: Options, world: World) -> Outcome:
    from opsctl.checking import check as run
    from opsctl.formats.progress import Progress

    live = world.stderr.isatty() and not options.quiet and world.environ.get("TERM") != "dumb"
    return run(workspace, names, options, world, Progress(len(names), world.stderr if live else None))
