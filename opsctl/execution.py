"""Execute the steps of a run: each is kept before and after, until the end or until something stops it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.attesting import may
from opsctl.errors import RefusedError, Terminated
from opsctl.journal import Journal
from opsctl.ledger.run import OVER
from opsctl.pausing import pause
from opsctl.performing import Performer
from opsctl.rolling_back import RollBack, began, roll_back
from opsctl.step_kinds import Answer, Done
from opsctl.store.locks import run_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsctl.definitions import Workspace
    from opsctl.ledger.run import Ran, Run
    from opsctl.runbooks import Runbook, Step
    from opsctl.store.opening import Store
    from opsctl.world import World

_DONE = frozenset({"ok", "skipped"})
# How often a question is put where what is typed is no answer to it.
_PUT = 3


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


class Execution:
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
        self.workspace, self.runbook, self.people = workspace, runbook, people
        self.journal = Journal(store, world, name, people.show)
        self._reading: Mapping[str, Any] | None = None
        self.performer = Performer(
            workspace, world, runbook, self.journal.last, values, people.emit, self.journal.run
        )

    def go(self, resumed: Mapping[str, Any] | None = None) -> Run:
        """Do every step that is not done, until the end or until something stops it."""
        with ExitStack() as stack:
            name = self.journal.name
            if not stack.enter_context(run_lock(self.workspace.store, name.lower())):
                raise RefusedError(f"another process is on {name}; wait for it")
            self.journal.reread()
            if self.journal.last.state in OVER:
                raise RefusedError(f"{name} is {self.journal.last.state} since")
            if resumed is not None:
                self.journal.keep("resumed", resumed)
            try:
                self._go_back_on()
                passed_over = [step.id for step in self.runbook.procedure.steps if not self._step(step)]
                self._miss_what_is_gone()
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
        return self.journal.run()

    def _go_back_on(self) -> None:
        """Where something was undone already, the rest is."""
        run = self.journal.run()
        if began(run):
            failed = next((ran.step for ran in run.steps if ran.outcome == "failed"), "it")
            raise _Stopped(*self._roll_back(failed))

    def _miss_what_is_gone(self) -> None:
        """A change that was interrupted is not over because the runbook does not have it any more."""
        for ran in self.journal.run().steps:
            if ran.effect == "change" and ran.outcome in {None, "unknown"}:
                way = f"opsctl runbook settle {self.journal.name} {ran.step} done"
                raise _Stopped("unknown", f"nobody knows whether {ran.step} was done; say so: {way}")

    def _step(self, step: Step) -> bool:
        """Do one step where it is not done; False where it failed and the run goes on all the same."""
        # What is yet to be kept is of the step before.
        known = self.journal.last.ran(step.id)
        if known is not None and known.outcome in _DONE:
            return True
        if known is not None and _passed_over(step, known):
            return False
        halfway = known is not None and known.outcome in {None, "unknown"} and step.effect == "change"
        if halfway and self._settle(step):
            return True
        only = self.journal.last.only
        left_out = Done("skipped", "it is no part of the remedy") if only and step.id not in only else None
        spared = left_out or self.performer.spared(step)
        if spared is not None:
            self._begin(step, 1, effect="read")
            self._end(step, spared)
            return self._after(step, spared)
        self._approve(step, known)
        return self._perform(step)

    def _perform(self, step: Step) -> bool:
        attempts = 1 + step.terms.retries
        for attempt in range(1, attempts + 1):
            answer = self._answer(step)
            self._begin(step, attempt)
            self.journal.run()
            self.people.show("begin", f"{step.id}: {self.performer.describe(step)}")
            done = self.performer.perform(step, answer)
            if done.outcome == "waiting":
                self._ask(step, done.question)
                done = self.performer.perform(step, self._answer(step))
            if done.outcome != "failed" or attempt == attempts:
                break
            self._end(step, done._replace(message=f"attempt {attempt} of {attempts}: {done.message}"))
            self.journal.run()
            pause(step.terms.retry_delay)
        self._end(step, done)
        return self._after(step, done)

    def _after(self, step: Step, done: Done) -> bool:
        if done.outcome in _DONE:
            return True
        if done.outcome == "unknown":
            raise _Stopped("unknown", f"nobody knows what became of {step.id}: {done.message}")
        way: str = step.terms.on_failure
        if way == "ask":
            said = self._asked(f"{step.id} failed: {done.message} [retry/continue/rollback/stop]")
            way = "stop" if said is None else said.strip().lower()
        if way == "retry":
            return self._step(step)
        if way == "continue":
            return False
        if way == "rollback":
            raise _Stopped(*self._roll_back(step.id))
        raise _Stopped("failed", f"{step.id}: {done.message}")

    def _roll_back(self, because: str) -> tuple[str, str]:
        return roll_back(RollBack(self.runbook, self.performer, self.journal, self.people.show), because)

    def _settle(self, step: Step) -> bool:
        """What became of a change that never ended: its `verify` says so, else a person; never a guess."""
        verified, why = self._verified(step)
        if verified is not None:
            return verified
        said = self._asked(f"nobody knows whether {step.id} was done{why}; was it? [yes/no]")
        if said is None or said.strip().lower() not in {"yes", "no", "y", "n"}:
            self._end(step, Done("unknown", f"it was interrupted halfway{why}"))
            way = f"opsctl runbook settle {self.journal.name} {step.id} done"
            raise _Stopped("unknown", f"nobody knows whether {step.id} was done{why}; say so: {way}")
        done = said.strip().lower() in {"yes", "y"}
        if done:
            self.journal.keep("settled", _settled(step, "a person saw that it was done"))
        return done

    def _verified(self, step: Step) -> tuple[bool | None, str]:
        """Whether its `verify` saw that it was done; None and why where that has not looked."""
        if step.terms.verify is None:
            return None, ""
        shown = self.performer.inner(step.terms.verify, f"{step.id}/verify", self.performer.values)
        if shown.outcome == "ok":
            self.journal.keep("settled", _settled(step, f"verified: {shown.message}"))
            return True, ""
        if shown.outcome == "failed" and shown.sure:
            return False, ""
        return None, f" (its verify cannot tell: {self.performer.secrets.mask(shown.message)})"

    def _approve(self, step: Step, known: Ran | None) -> None:
        """Somebody else than who runs it has to approve the step as it is now, where that is asked."""
        needs, run = step.terms.needs, self.journal.last
        if needs is None:
            return
        people = known.approved_by if known and known.digest == _mark(step) else ()
        if any(who != run.by and may(self.workspace, who, needs) for who in people):
            return
        self._question(step, f"approve {step.id}: {self.performer.describe(step)}")
        way = f"opsctl runbook approve {run.subject} {step.id}"
        raise _Stopped("waiting", f"{needs} has to approve: {way}")

    def _ask(self, step: Step, question: str) -> None:
        """Put a step's question; without an answer the run waits for one."""
        self._question(step, question)
        said = self._said(step, question)
        if said is None:
            way = f"opsctl runbook answer {self.journal.name} {step.id} VALUE"
            raise _Stopped("waiting", f"it waits for an answer: {way}")
        self.journal.keep("answered", {"step": step.id, "value": said})

    def _said(self, step: Step, question: str) -> str | None:
        """What somebody answers; None where nobody does, or nothing that is an answer."""
        kind: Any = step.kind
        for _ in range(_PUT):
            said = self._asked(question)
            wrong = "" if said is None else kind.wrong(said)
            if not wrong:
                return said
            self.people.show("waiting", wrong)
        return None

    def _asked(self, question: str) -> str | None:
        self.journal.run()
        return self.people.ask(question)

    def _question(self, step: Step, question: str) -> None:
        body = {"step": step.id, "question": question, "digest": _mark(step), "effect": step.effect}
        self.journal.keep("asked", body)

    def _answer(self, step: Step) -> Answer | None:
        known = self.journal.run().ran(step.id) if step.kind.ASKS else None
        if known is None or known.answer is None or known.outcome == "failed" or known.digest != _mark(step):
            return None
        return Answer(known.answered_by or "", self.journal.now(), known.answer)

    def _begin(self, step: Step, attempt: int, effect: str | None = None) -> None:
        kind = effect or step.effect
        body = {"step": step.id, "digest": _mark(step), "effect": kind, "attempt": attempt}
        # A step that only reads is kept when it has ended: else it is read again.
        self._reading = {**body, "began": self._since(step)} if kind == "read" else None
        if self._reading is None:
            self.journal.keep("step_begun", body)

    def _since(self, step: Step) -> float:
        """When a step that only reads began: with its question, where it waited for an answer."""
        known = self.journal.run().ran(step.id) if step.kind.ASKS else None
        waited = known is not None and known.outcome == "waiting" and known.digest == _mark(step)
        return known.began if known and waited else self.journal.now()

    def _end(self, step: Step, done: Done) -> None:
        kept = {name: str(value) for name, value in done.captured.items() if name != "stdout"}
        self.performer.values |= kept
        mask = self.performer.secrets.mask
        body: dict[str, Any] = {
            "step": step.id,
            "outcome": done.outcome,
            "message": mask(done.message),
            "exit_code": done.exit_code,
            # A secret is not kept: where the run is left, what needs it fails and does not get `***`.
            "captured": {name: value for name, value in kept.items() if mask(value) == value},
            "head": done.head,
            "tail": done.tail,
            "left_out": done.left_out,
            **({"acted": True} if done.acted else {}),
        }
        shown = done.outcome, f"{step.id}: {mask(done.message)}"
        if self._reading is None:
            self.journal.keep("step_ended", body, shown)
        else:
            self.journal.keep("step_read", {**self._reading, **body}, shown)
            self._reading = None

    def _interrupted(self, *, asking: bool) -> None:
        """A signal: children end, and what was halfway is not known; who pressed Ctrl-C may undo the rest."""
        from opsctl.processes import stop_all

        stop_all()
        halfway = [
            ran.step for ran in self.journal.run().steps if ran.outcome is None or ran.undone == "begun"
        ]
        words = f"interrupted in {', '.join(halfway)}" if halfway else "interrupted"
        said = self._asked(f"{words}; stop here, or undo what was done? [stop/rollback]") if asking else None
        if said == "rollback" and not halfway:
            self._conclude(*self._roll_back(words))
        else:
            self._conclude("unknown" if halfway else "failed", words)

    def _conclude(self, state: str, reason: str) -> None:
        self.journal.keep("ended" if state in OVER else "stopped", {"state": state, "reason": reason})
        self.journal.run()


def _mark(step: Step) -> str:
    """Enough of a step's digest to tell whether it was changed; a run of many steps keeps one of each."""
    return step.digest[:16]


def _passed_over(step: Step, known: Ran) -> bool:
    """Whether a step failed before and the run goes on all the same, unless the step was changed."""
    return known.outcome == "failed" and step.terms.on_failure == "continue" and known.digest == _mark(step)


def _settled(step: Step, message: str) -> dict[str, str]:
    return {"step": step.id, "outcome": "ok", "message": message}
