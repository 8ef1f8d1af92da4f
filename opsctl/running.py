"""Run a runbook: every step is kept before and after, so that a run can be left, resumed and undone."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.acting import actor_of
from opsctl.attesting import may
from opsctl.errors import ExitCode, RefusedError, Terminated, UsageError
from opsctl.ledger.run import OVER
from opsctl.parameters import values_of
from opsctl.performing import Performer, hidden_in
from opsctl.step_kinds import Answer, Done
from opsctl.store.ledger import Ledger, deciding, get
from opsctl.store.locks import run_lock
from opsctl.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsctl.definitions import Workspace
    from opsctl.ledger.run import Ran, Run
    from opsctl.runbooks import Runbook, Step
    from opsctl.store.opening import Store
    from opsctl.world import World

_DONE = frozenset({"ok", "skipped"})
CODES = {
    "done": ExitCode.YES,
    "waiting": ExitCode.WAITING,
    "unknown": ExitCode.UNKNOWN,
    "failed": ExitCode.NO,
    "recovered": ExitCode.NO,
    "aborted": ExitCode.NO,
}


class Start(NamedTuple):
    """What a run is begun with."""

    values: Mapping[str, str]
    environment: str | None = None
    incident: str | None = None
    drill: bool = False
    remedy_of: str | None = None
    only: tuple[str, ...] = ()


class People(NamedTuple):
    """Who is there: `ask` puts a question and answers None where nobody is; `show` tells what goes on."""

    ask: Callable[[str], str | None]
    show: Callable[[str, str], None]
    emit: Callable[[bytes], None]


class _Stopped(Exception):  # noqa: N818 - it ends a run for now, and is no error
    """The run goes no further now: it waits, failed, or nobody knows."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state, self.reason = state, reason


def begin(workspace: Workspace, world: World, runbook: Runbook, start: Start, people: People) -> Run:
    """Begin a run and go on until it is over or has to stop; UsageError for parameters that do not fit."""
    values = values_of(runbook.procedure, start.values)
    if runbook.procedure.environments and start.environment not in runbook.procedure.environments:
        named = ", ".join(runbook.procedure.environments)
        raise UsageError(f"{runbook.id} runs in {named} only; say where with --env")
    hidden = hidden_in(runbook)
    with open_store(workspace.store, write=True) as store:
        with deciding(store, actor_of(world), world.now) as ledger:
            name = ledger.name("RUN")
            if start.incident is not None and ledger.get(start.incident) is None:
                raise UsageError(f"there is no {start.incident}; `opsctl incident list` shows what is on")
            body = {
                "runbook": runbook.id,
                "digest": runbook.digest,
                "parameters": {key: value for key, value in values.items() if key not in hidden},
                "environment": start.environment,
                "incident": start.incident,
                "drill": start.drill,
                "remedy_of": start.remedy_of,
                "only": list(start.only),
            }
            ledger.append("run.started", name, body)
            _tell(ledger, ledger.get(name), f"runbook {runbook.id} was begun ({name})")
        return _Going(workspace, world, runbook, store, name, values, people).go()


def resume(
    workspace: Workspace,
    world: World,
    runbook: Runbook,
    run: Run,
    said: Mapping[str, str],
    people: People,
    *,
    changed: bool,
) -> Run:
    """Go on with a run exactly where it stopped.

    Raises RefusedError where it is over, where another process is on it, and where the runbook was changed
    since and `changed` does not allow that.
    """
    if run.state in OVER:
        raise RefusedError(f"{run.subject} is {run.state}; begin a new one: opsctl runbook run {run.runbook}")
    if run.digest != runbook.digest and not changed:
        raise RefusedError(
            f"{runbook.id} was changed since {run.subject} stopped; look at it, then add `--changed` to go on"
        )
    hidden = hidden_in(runbook)
    missing = [name for name in hidden if name not in said and runbook.procedure.parameters[name].required]
    if missing:
        raise UsageError(f"secrets are not kept; give them again: --set {missing[0]}=VALUE")
    values = values_of(runbook.procedure, {**run.parameters, **said})
    with open_store(workspace.store, write=True) as store:
        going = _Going(workspace, world, runbook, store, run.subject, values, people)
        return going.go(resumed={"digest": runbook.digest})


def _hidden(runbook: Runbook) -> frozenset[str]:
    return frozenset(name for name, one in runbook.procedure.parameters.items() if one.secret)


def _tell(ledger: Ledger, run: Run, text: str) -> None:
    """The incident that a run belongs to hears of it."""
    if run.incident is not None and not run.drill and ledger.get(run.incident) is not None:
        body = {"what": "run", "subject": run.subject, "text": text}
        ledger.append("incident.attached", run.incident, body)


class _Going:
    """A run that goes on: the store is asked before each step and told after it."""

    def __init__(
        self,
        workspace: Workspace,
        world: World,
        runbook: Runbook,
        store: Store,
        name: str,
        values: Mapping[str, str],
        people: People,
    ) -> None:
        self.workspace, self.world, self.runbook = workspace, world, runbook
        self.store, self.name, self.people, self.actor = store, name, people, actor_of(world)
        self.began = time.monotonic()
        # While the lock is held nobody else changes the run, so that it need not be read again and again.
        self._run: Run = get(store.db, name)
        self._reading: Mapping[str, Any] | None = None
        self.performer = Performer(workspace, world, runbook, self.run(), values, people.emit)

    def go(self, resumed: Mapping[str, Any] | None = None) -> Run:
        """Do every step that is not done, until the end or until something stops it."""
        with ExitStack() as stack:
            if not stack.enter_context(run_lock(self.workspace.store, self.name.lower())):
                raise RefusedError(f"another process is on {self.name}; wait for it")
            self._run = get(self.store.db, self.name)
            if self.run().state in OVER:
                raise RefusedError(f"{self.name} is {self.run().state} since")
            if resumed is not None:
                self._keep("resumed", resumed)
            try:
                passed_over = [step.id for step in self.runbook.procedure.steps if not self._step(step)]
            except _Stopped as stopped:
                self._conclude(stopped.state, stopped.reason)
            except KeyboardInterrupt:
                self._interrupted(asking=True)
                raise
            except Terminated:
                self._interrupted(asking=False)
                raise
            else:
                reason = f"{', '.join(passed_over)} failed and was passed over" if passed_over else ""
                self._conclude("failed" if passed_over else "done", reason)
        return self.run()

    def run(self) -> Run:
        """The run as it is kept."""
        return self._run

    def _step(self, step: Step) -> bool:
        """Do one step where it is not done; False where it failed and the run goes on all the same."""
        known = self.run().ran(step.id)
        if known is not None and known.outcome in _DONE:
            return True
        if known is not None and _passed_over(step, known):
            return False
        halfway = known is not None and known.outcome in {None, "unknown"} and step.effect == "change"
        if halfway and self._settle(step):
            return True
        only = self.run().only
        why = "it is no part of the remedy" if only and step.id not in only else self.performer.spared(step)
        if why:
            self._begin(step, 1, effect="read")
            self._end(step, Done("skipped", why))
            return True
        self._approve(step, known)
        return self._perform(step)

    def _perform(self, step: Step) -> bool:
        attempts = 1 + step.terms.retries
        for attempt in range(1, attempts + 1):
            self.people.show("begin", f"{step.id}: {self.performer.describe(step)}")
            answer = self._answer(step)
            self._begin(step, attempt)
            done = self.performer.perform(step, answer)
            if done.outcome == "waiting":
                self._ask(step, done.question)
                done = self.performer.perform(step, self._answer(step))
            if done.outcome != "failed" or attempt == attempts:
                break
            self._end(step, done._replace(message=f"attempt {attempt} of {attempts}: {done.message}"))
            time.sleep(step.terms.retry_delay)
        self._end(step, done)
        return self._after(step, done)

    def _after(self, step: Step, done: Done) -> bool:
        if done.outcome in _DONE:
            return True
        if done.outcome == "unknown":
            raise _Stopped("unknown", f"nobody knows what became of {step.id}: {done.message}")
        way: str = step.terms.on_failure
        if way == "ask":
            said = self.people.ask(f"{step.id} failed: {done.message} [retry/continue/rollback/stop]")
            way = "stop" if said is None else said.strip().lower()
        if way == "retry":
            return self._perform(step)
        if way == "continue":
            return False
        if way == "rollback":
            raise _Stopped(*self._roll_back(step.id))
        raise _Stopped("failed", f"{step.id}: {done.message}")

    def _roll_back(self, because: str) -> tuple[str, str]:
        """Undo what was really done, the last first; `recovered` where all of it worked, never more."""
        steps = {step.id: step for step in self.runbook.procedure.steps}
        left = []
        for ran in reversed(self.run().steps):
            step = steps.get(ran.step)
            if step is None or ran.outcome != "ok" or ran.effect != "change" or ran.undone == "ok":
                continue
            if step.terms.undo is None:
                left.append(f"{ran.step} has no undo")
                continue
            self.people.show("undo", f"{ran.step}: {self.performer.describe(step.terms.undo)}")
            done = self.performer.inner(step.terms.undo, f"{step.id}/undo", self.performer.values)
            message = self.performer.secrets.mask(done.message)
            self._keep("step_undone", {"step": step.id, "outcome": done.outcome, "message": message})
            if done.outcome not in _DONE:
                left.append(f"{ran.step}: {message}")
        if left:
            return "failed", f"after {because} not all was undone: {'; '.join(left)}"
        return "recovered", f"{because} failed, and what was done before was undone"

    def _settle(self, step: Step) -> bool:
        """What became of a change that never ended: its `verify` says so, else a person; never a guess."""
        if step.terms.verify is not None:
            shown = self.performer.inner(step.terms.verify, f"{step.id}/verify", self.performer.values)
            if shown.outcome == "ok":
                self._keep("settled", _settled(step, f"verified: {shown.message}"))
            return shown.outcome == "ok"
        said = self.people.ask(f"nobody knows whether {step.id} was done; was it? [yes/no]")
        if said is None or said.strip().lower() not in {"yes", "no", "y", "n"}:
            self._end(step, Done("unknown", "it was interrupted halfway"))
            way = f"opsctl runbook settle {self.name} {step.id} done"
            raise _Stopped("unknown", f"nobody knows whether {step.id} was done; say so: {way}")
        done = said.strip().lower() in {"yes", "y"}
        if done:
            self._keep("settled", _settled(step, "a person saw that it was done"))
        return done

    def _approve(self, step: Step, known: Ran | None) -> None:
        """Somebody else than who runs it has to approve, where that is asked."""
        needs, run = step.terms.needs, self.run()
        if needs is None:
            return
        people = known.approved_by if known else ()
        if any(who != run.by and may(self.workspace, who, needs) for who in people):
            return
        self._question(step, f"approve {step.id}: {self.performer.describe(step)}")
        raise _Stopped("waiting", f"{needs} has to approve: opsctl runbook approve {self.name} {step.id}")

    def _ask(self, step: Step, question: str) -> None:
        """Put a step's question; without an answer the run waits for one."""
        self._question(step, question)
        said = self.people.ask(question)
        if said is None:
            way = f"opsctl runbook answer {self.name} {step.id} VALUE"
            raise _Stopped("waiting", f"it waits for an answer: {way}")
        self._keep("answered", {"step": step.id, "value": said})

    def _question(self, step: Step, question: str) -> None:
        body = {"step": step.id, "question": question, "digest": _mark(step), "effect": step.effect}
        self._keep("asked", body)

    def _answer(self, step: Step) -> Answer | None:
        known = self.run().ran(step.id)
        if not step.kind.ASKS or known is None or known.answer is None or known.outcome == "failed":
            return None
        return Answer(known.answered_by or "", self._now(), known.answer)

    def _begin(self, step: Step, attempt: int, effect: str | None = None) -> None:
        body = {"step": step.id, "digest": _mark(step), "effect": effect or step.effect, "attempt": attempt}
        # A step that only reads is kept when it has ended: else it is read again.
        self._reading = body if body["effect"] == "read" else None
        if self._reading is None:
            self._keep("step_begun", body)

    def _end(self, step: Step, done: Done) -> None:
        kept = {name: str(value) for name, value in done.captured.items() if name != "stdout"}
        self.performer.values |= kept
        mask = self.performer.secrets.mask
        body: dict[str, Any] = {
            "step": step.id,
            "outcome": done.outcome,
            "message": mask(done.message),
            "exit_code": done.exit_code,
            "captured": {name: mask(value) for name, value in kept.items()},
            "head": done.head,
            "tail": done.tail,
            "left_out": done.left_out,
        }
        if self._reading is None:
            self._keep("step_ended", body)
        else:
            self._keep("step_read", {**self._reading, **body})
            self._reading = None
        self.people.show(done.outcome, f"{step.id}: {mask(done.message)}")

    def _interrupted(self, *, asking: bool) -> None:
        """A signal: children end, and what was halfway is not known; who pressed Ctrl-C may undo the rest."""
        from opsctl.processes import stop_all

        stop_all()
        halfway = [ran.step for ran in self.run().steps if ran.outcome is None]
        words = f"interrupted in {', '.join(halfway)}" if halfway else "interrupted"
        said = (
            self.people.ask(f"{words}; stop here, or undo what was done? [stop/rollback]") if asking else None
        )
        if said == "rollback" and not halfway:
            self._conclude(*self._roll_back(words))
        else:
            self._conclude("unknown" if halfway else "failed", words)

    def _conclude(self, state: str, reason: str) -> None:
        self._keep("ended" if state in OVER else "stopped", {"state": state, "reason": reason})

    def _keep(self, deed: str, body: Mapping[str, Any]) -> None:
        with deciding(self.store, self.actor, self._now()) as ledger:
            ledger.append(f"run.{deed}", self.name, body)
            run = self._run = ledger.get(self.name)
            if deed in {"step_ended", "step_read", "settled"}:
                _tell(ledger, run, f"{run.runbook} {body['step']}: {body['outcome']} ({self.name})")
            elif deed in {"stopped", "ended"}:
                _tell(ledger, run, f"{run.runbook} is {body['state']} ({self.name}) {body['reason']}".strip())

    def _now(self) -> float:
        return self.world.now + time.monotonic() - self.began


def _mark(step: Step) -> str:
    """Enough of a step's digest to tell whether it was changed; a run of many steps keeps one of each."""
    return step.digest[:16]


def _passed_over(step: Step, known: Ran) -> bool:
    """Whether a step failed before and the run goes on all the same, unless the step was changed."""
    return known.outcome == "failed" and step.terms.on_failure == "continue" and known.digest == _mark(step)


def _settled(step: Step, message: str) -> dict[str, str]:
    return {"step": step.id, "outcome": "ok", "message": message}
