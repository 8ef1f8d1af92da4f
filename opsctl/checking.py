"""`opsctl check` from a selection to an exit code: select, probe, record, show."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import ExitCode, OpsctlError, StoreError, Terminated
from opsctl.finding import procedure
from opsctl.outcome import State
from opsctl.probing import Conditions, probe_all
from opsctl.recording import recorded, unrecorded
from opsctl.records import Checked, CheckRun, Passed
from opsctl.rooting import root_causes
from opsctl.secrets import Secrets
from opsctl.selecting import select
from opsctl.signals import signals_held

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.checks import Heartbeat, Past
    from opsctl.definitions import CheckDefinition, Service, Workspace
    from opsctl.formats.progress import Progress
    from opsctl.maintaining import Maintained
    from opsctl.recording import Settled
    from opsctl.records import Result, Standing
    from opsctl.world import World

_LOCK = "check"
_MOST_JOBS = 500


class Options(NamedTuple):
    """How to run the checks. `record` keeps the results; `quiet` ones give way to another, as for cron."""

    selectors: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    failed: bool = False
    jobs: int = _MOST_JOBS
    timeout: float | None = None
    record: bool = True
    explain: bool = False
    quiet: bool = False


class Outcome(NamedTuple):
    """What a run found, with what kept it from being whole: a faulty store, or a signal."""

    run: CheckRun
    fault: StoreError | None
    signal: ExitCode | None


class OverlapError(OpsctlError):
    """Another run that gives way to none has not ended yet."""

    exit_code = ExitCode.UNKNOWN


def selected(workspace: Workspace, options: Options) -> list[str]:
    """The names of the checks that the options mean; UsageError where they mean none."""
    known = workspace.checks()
    names = select(known, options.selectors, options.exclude)
    if not options.failed:
        return names
    from opsctl.store.latest import standings
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store:
        stand = standings(store)
    # What was never checked was not shown to be up either.
    return [name for name in names if name not in stand or not _well(stand[name])]


def check(
    workspace: Workspace, names: Sequence[str], options: Options, world: World, progress: Progress
) -> Outcome:
    """Run the checks called `names`, with the members of groups among them, and record what they found.

    Where the store fails, the checks are run all the same, and the fault is in the answer. A
    signal ends the run early; what was found until then is recorded.
    """
    known = workspace.checks()
    with ExitStack() as stack:
        fault = _enter(workspace, options, stack)
        wanted = _with_members(known, names)
        maintained = _maintained(workspace, wanted, options, world.now)
        passed = {one.check for one in maintained}
        definitions = [_bounded(known[name][1], options.timeout) for name in wanted if name not in passed]
        # From the first answer to the end of recording, a signal at no moment loses what was found.
        with signals_held() as late:
            results, signal = _probe(workspace, definitions, options, world, progress)
            settled = _settle(workspace, definitions, results, options, world, fault)
            if late:
                # By the shells' convention; what was found is kept, and the caller ends.
                signal = ExitCode(128 + late.pop())
                late.clear()
    run = CheckRun(
        workspace=workspace.name,
        started=world.now,
        finished=world.now + progress.elapsed(),
        checked=_checked(workspace, definitions, results, settled.standings),
        recorded=settled.recorded,
        incidents=tuple(settled.incidents),
        maintenance=tuple(Passed(one.check, one.window, one.reason, one.until) for one in maintained),
        timezone=workspace.timezone,
    )
    return Outcome(run, settled.fault, signal)


def _maintained(
    workspace: Workspace, names: Sequence[str], options: Options, now: float
) -> tuple[Maintained, ...]:
    """Those of the checks that are in maintenance, which is kept; where the store fails, what is declared."""
    from opsctl.store.maintained import any_by_hand, promised
    from opsctl.store.opening import open_store

    try:
        with open_store(workspace.store, write=False) as store, store.reading() as db:
            before = promised(db, now)
            if not workspace.maintenance and not before and not any_by_hand(db):
                return ()
            from opsctl.maintaining import by_check, maintained_now

            everything = maintained_now(workspace, db, now)
        found = by_check(everything, names)
        withdrawn = before - {(one.check, one.window) for one in everything.values()}
        if (found or withdrawn) and options.record:
            from opsctl.store.maintained import note, withdraw

            with open_store(workspace.store, write=True) as store, store.writing() as db:
                withdraw(db, withdrawn, now)
                note(db, found)
    except StoreError:
        # What is wrong with the store is told when the results are to be kept.
        return _declared(workspace, names, now)
    return found


def _declared(workspace: Workspace, names: Sequence[str], now: float) -> tuple[Maintained, ...]:
    if not workspace.maintenance:
        return ()
    from opsctl.maintaining import by_check, declared

    return by_check(declared(workspace, now), names)


def probe(workspace: Workspace, names: Sequence[str], world: World, secrets: Secrets) -> Mapping[str, Result]:
    """What each check finds now, by its name; nothing is recorded, and nothing is retold to anybody."""
    known = workspace.checks()
    definitions = [known[name][1] for name in _with_members(known, names)]
    conditions = _conditions(workspace, world, secrets)
    return {result.check: result for result in probe_all(definitions, conditions)}


def _conditions(
    workspace: Workspace, world: World, secrets: Secrets, *, jobs: int = _MOST_JOBS, explain: bool = False
) -> Conditions:
    known = workspace.checks()
    return Conditions(
        secrets=secrets,
        environ=world.environ,
        root=workspace.root,
        now=world.now,
        heartbeat=partial(_heartbeat, workspace),
        select=partial(select, known),
        jobs=jobs,
        explain=explain,
        past=partial(_past, workspace),
        # Beside the store, which is where this machine may write; `shop.db` has `shop.cache`.
        answers=workspace.store.with_suffix(".cache"),
    )


def _well(standing: Standing) -> bool:
    return standing.state is State.UP and standing.seen is State.UP


def _theirs(standing: Standing) -> bool:
    """Whether the target is at fault; what keeps opsctl itself from looking is explained by no dependency."""
    return not standing.state.good and not (standing.cause is not None and standing.cause.ours)


def _bounded(check: CheckDefinition, timeout: float | None) -> CheckDefinition:
    return check if timeout is None else check._replace(timeout=timeout)


def _with_members(known: Mapping[str, tuple[Service, CheckDefinition]], names: Sequence[str]) -> list[str]:
    """The names and, as a group is judged by them, the members of the groups among them."""
    chosen = set(names)
    for name in names:
        check = known[name][1]
        if check.type == "group":
            chosen.update(select(known, check.kind.members))  # type: ignore[attr-defined]  # a group has members
    return [name for name in known if name in chosen]


def _enter(workspace: Workspace, options: Options, stack: ExitStack) -> StoreError | None:
    """Make the store where there is none, and take the lock that keeps runs from piling up; or the fault."""
    if options.record and not workspace.store.exists():
        from opsctl.store.opening import open_store

        try:
            with open_store(workspace.store, write=True):
                pass
        except StoreError as error:
            return error
    if not (options.quiet and options.record):
        return None
    from opsctl.store.locks import holder, run_lock

    try:
        if stack.enter_context(run_lock(workspace.store, _LOCK)):
            return None
    except StoreError as error:
        return error
    process = holder(workspace.store, _LOCK)
    raise OverlapError(
        f"the last run has not ended yet (process {process or 'unknown'}), so nothing was checked; "
        "if it is stuck, end it, or give the checks shorter timeouts"
    )


def _probe(
    workspace: Workspace,
    definitions: Sequence[CheckDefinition],
    options: Options,
    world: World,
    progress: Progress,
) -> tuple[list[Result], ExitCode | None]:
    secrets = Secrets(world.environ, workspace.root)
    conditions = _conditions(workspace, world, secrets, jobs=options.jobs, explain=options.explain)
    results: list[Result] = []
    try:
        for result in probe_all(definitions, conditions):
            results.append(result)
            progress.note(result)
    except KeyboardInterrupt:
        _stop_children()
        return results, ExitCode.INTERRUPTED
    except Terminated:
        _stop_children()
        return results, ExitCode.TERMINATED
    finally:
        progress.close()
    return results, None


def _stop_children() -> None:
    """End the commands that checks are running: each has a session of its own, which no signal reaches."""
    from opsctl.processes import stop_all

    with signals_held() as more:
        stop_all()
        # Who says it twice means the same, and what was found is still to be recorded.
        more.clear()


def _heartbeat(workspace: Workspace, name: str) -> Heartbeat | None:
    from opsctl.store.beats import heartbeat
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store:
        return heartbeat(store, name)


def _past(workspace: Workspace, check: str, since: float | None, last: int | None) -> Past:
    from opsctl.store.opening import open_store
    from opsctl.store.past_results import past_results

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        past = past_results(db, check, since, last)
    return past._replace(lapse=workspace.checks()[check][1].lapse)


def _settle(
    workspace: Workspace,
    definitions: Sequence[CheckDefinition],
    results: Sequence[Result],
    options: Options,
    world: World,
    fault: StoreError | None,
) -> Settled:
    if not (options.record and results) or fault is not None:
        return unrecorded(definitions, results, recorded=options.record and fault is None, fault=fault)
    selector = " ".join((*options.selectors, *(f"-x {one}" for one in options.exclude))) or "all"
    return recorded(workspace, definitions, results, world, selector)


def _checked(
    workspace: Workspace,
    definitions: Sequence[CheckDefinition],
    results: Sequence[Result],
    standings: Mapping[str, Standing],
) -> tuple[Checked, ...]:
    found = {result.check: result for result in results}
    bad = [one.name for one in definitions if one.name in found and _theirs(standings[one.name])]
    roots = root_causes(workspace.services, bad)
    return tuple(
        _with_context(
            workspace.services[one.name.partition("/")[0]],
            one,
            found[one.name],
            standings[one.name],
            roots.get(one.name),
            None if standings[one.name].state.good else procedure(workspace.root, one.runbook),
        )
        for one in definitions
        if one.name in found
    )


def _with_context(
    service: Service,
    check: CheckDefinition,
    result: Result,
    standing: Standing,
    explained_by: str | None,
    way: str | None,
) -> Checked:
    return Checked(
        result=result,
        standing=standing,
        service=service.id,
        title=check.title or service.title,
        owner=service.owner,
        tier=service.tier,
        tags=service.tags,
        runbook=check.runbook,
        target=check.kind.target(),
        fail_after=check.fail_after,
        ok_after=check.ok_after,
        explained_by=explained_by,
        procedure=way,
    )
