"""Perform one step of a run: nothing of it is kept here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.capturing import captured
from opsctl.expectations import ExpectationError, parse
from opsctl.filling import fill
from opsctl.judging import judge
from opsctl.outcome import Kind, Subject
from opsctl.parameters import hidden_in
from opsctl.pausing import pause
from opsctl.prose import line
from opsctl.secrets import Secrets
from opsctl.step_kinds import Done, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsctl.definitions import Workspace
    from opsctl.ledger.run import Run
    from opsctl.runbooks import Runbook, Step
    from opsctl.step_kinds import Answer
    from opsctl.world import World


class Performer:
    """What performs the steps of one run; `values` grows with what they capture."""

    def __init__(
        self,
        workspace: Workspace,
        world: World,
        runbook: Runbook,
        run: Run,
        values: Mapping[str, str],
        emit: Callable[[bytes], None],
        before: Callable[[], object],
    ) -> None:
        """`emit` is given the output as it comes, with secrets masked; `before` is called before any deed."""
        self._before = before
        self.workspace, self.world, self.run, self._emit = workspace, world, run, emit
        self.hidden = hidden_in(runbook)
        self.secrets = Secrets(world.environ, workspace.root)
        for name in self.hidden:
            self.secrets.hide(values.get(name, ""))
        self.values = {**values, **run.values}

    def perform(self, step: Step, answer: Answer | None) -> Done:
        """Do it once; it went well where its `verify` says so too, and what it captures is there."""
        return self._perform(step, step.id, self.values, answer)

    def inner(self, step: Step, name: str, values: Mapping[str, str]) -> Done:
        """Do a step that stands inside another, with all that it says of itself; it asks nobody."""
        if step.kind.ASKS or step.terms.needs is not None:
            what = "asks a person" if step.kind.ASKS else f"needs the approval of {step.terms.needs}"
            return Done("failed", f"{name} {what}, which a step inside another cannot get")
        spared = self._spared(step, name, values)
        if spared is not None:
            return spared
        acted = False
        for _ in range(step.terms.retries):
            done = self._perform(step, name, values, None)
            if done.outcome != "failed":
                return done
            acted |= done.acted
            pause(step.terms.retry_delay)
        done = self._perform(step, name, values, None)
        return done._replace(acted=done.acted or (acted and done.outcome != "ok"))

    def spared(self, step: Step) -> Done | None:
        """A step that is not to be done: it does not apply, is done already, or that cannot be told.

        None where it is to be done.
        """
        return self._spared(step, step.id, self.values)

    def _perform(self, step: Step, name: str, values: Mapping[str, str], answer: Answer | None) -> Done:
        done = self._call(step, name, values, answer)
        if done.outcome == "ok" and step.terms.verify is not None:
            shown = self.inner(step.terms.verify, f"{name}/verify", values)
            if shown.outcome != "ok":
                words = f"it did not work: {shown.message}"
                return done._replace(outcome="failed", message=words, acted=True)
        if done.outcome == "ok" and step.terms.capture:
            if done.left_out:
                words = "its output is longer than what is kept, so that nothing is taken from it"
                return done._replace(outcome="failed", message=words)
            try:
                found = captured(step.terms.capture, str(done.captured.get("stdout", "")))
            except ValueError as error:
                return done._replace(outcome="failed", message=str(error))
            return done._replace(captured={**done.captured, **found})
        return done

    def _spared(self, step: Step, name: str, values: Mapping[str, str]) -> Done | None:
        try:
            why = self._unneeded(step, name, values)
        except (ExpectationError, LookupError) as error:
            # Not a skip: whether it is to be done is not known, as a step before it has not given the value.
            words = f"whether it is to be done cannot be told: {line(str(error))}"
            return Done("failed", f"{words}; mend the step that gives the value, or this one, and resume")
        return Done("skipped", why) if why else None

    def _unneeded(self, step: Step, name: str, values: Mapping[str, str]) -> str:
        terms = step.terms
        subjects = {one: Subject(Kind.TEXT, "A value of the run.") for one in values}
        for text in terms.when:
            judged = judge(parse(text, subjects), dict(values))
            if judged.verdict is not True:
                return f"{judged.text} does not hold (found {judged.found})"
        if terms.creates and (self.workspace.root / fill(terms.creates, values)).exists():
            return f"{fill(terms.creates, values)} is there already"
        if terms.unless is not None and self.inner(terms.unless, f"{name}/unless", values).outcome == "ok":
            return "it is done already"
        return ""

    def describe(self, step: Step) -> str:
        """What a step would do, with secrets masked; a value that is missing stands as its blank."""
        shown = _Shown({name: "***" if name in self.hidden else one for name, one in self.values.items()})
        return self.secrets.mask(step.kind.describe(shown))

    def _call(self, step: Step, name: str, values: Mapping[str, str], answer: Answer | None) -> Done:
        self._before()
        acted: list[str] = []

        def inner(part: Step, name: str, values: Mapping[str, str]) -> Done:
            done = self.inner(part, name, values)
            if part.effect == "change" and (done.outcome == "ok" or done.acted):
                acted.append(name)
            return done

        scene = Scene(
            workspace=self.workspace,
            world=self.world,
            secrets=self.secrets,
            root=self.workspace.root,
            environ=self.world.environ,
            values=values,
            hidden=self.hidden,
            run=self.run.subject,
            step=name,
            incident=self.run.incident,
            environment=self.run.environment,
            drill=self.run.drill,
            timeout=step.terms.timeout,
            within=step.terms.within,
            answer=answer,
            emit=lambda data: self._emit(self.secrets.mask(data.decode("utf-8", "replace")).encode()),
            perform=inner,
        )
        try:
            done = step.kind.perform(scene)
        except Exception as error:  # noqa: BLE001 - whatever a step stumbles over is how it went
            done = Done("failed", f"{type(error).__name__}: {line(self.secrets.mask(str(error)))[:200]}")
        # What a step inside it changed stays changed, although the whole failed.
        return done._replace(acted=True) if acted and done.outcome == "failed" else done


class _Shown(dict[str, str]):
    """Values for people's eyes: a step whose value is missing is described too, and fails when it is done."""

    def __missing__(self, name: str) -> str:
        return f"{{{{ {name} }}}}"
