"""Keep what happens in a run, at the latest before anything else is done or asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from opsctl.acting import actor_of
from opsctl.errors import RefusedError
from opsctl.ledger.run import OVER
from opsctl.store.ledger import Ledger, deciding, get, last_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsctl.ledger.run import Run
    from opsctl.store.opening import Store
    from opsctl.world import World

# What is kept even of a run that somebody ended meanwhile, as it did happen.
_FACTS = frozenset({"step_ended", "step_read", "step_undone"})


def tell_incident(ledger: Ledger, run: Run, text: str) -> None:
    """The incident that a run belongs to hears of it."""
    if run.incident is not None and not run.drill and ledger.get(run.incident) is not None:
        body = {"what": "run", "subject": run.subject, "text": text}
        ledger.append("incident.attached", run.incident, body)


class Journal:
    """What is kept of one run: the end of a step and the beginning of the next are one transaction.

    `last` is the run as far as it is kept; `run()` keeps what is left, and shows it when it is kept.
    """

    def __init__(self, store: Store, world: World, name: str, show: Callable[[str, str], None]) -> None:
        """`show` is told how a step ended and the words for it."""
        self._store, self._world, self.name, self._show = store, world, name, show
        self._began, self._actor = time.monotonic(), actor_of(world)
        self._unkept: list[tuple[str, float, Mapping[str, Any]]] = []
        self._unshown: list[tuple[str, str]] = []
        self.reread()

    def reread(self) -> None:
        """Take the run as the store has it."""
        self.last: Run = get(self._store.db, self.name)
        # Where others add no event, the run need not be read again.
        self._event = 0

    def now(self) -> float:
        """UTC epoch seconds."""
        return self._world.now + time.monotonic() - self._began

    def keep(self, deed: str, body: Mapping[str, Any], shown: tuple[str, str] | None = None) -> None:
        """Note what happened now, and what to show when it is kept."""
        self._unkept.append((deed, self.now(), body))
        self._unshown += [shown] if shown else []

    def run(self) -> Run:
        """The run as it is, all of it kept; RefusedError where somebody else has ended it meanwhile."""
        if self._unkept:
            self._write()
        return self.last

    def _write(self) -> None:
        with deciding(self._store, self._actor, self.now()) as ledger:
            if last_of(ledger.db, self.name) == self._event:
                ledger.assume(self.name, self.last)
            before: Run = ledger.get(self.name)
            for deed, when, body in self._unkept:
                if before.state not in OVER or deed in _FACTS:
                    self._event = ledger.append(f"run.{deed}", self.name, body, when).id
                    _mention(ledger, ledger.get(self.name), deed, body)
            self.last = ledger.get(self.name)
        shown, self._unkept, self._unshown = self._unshown, [], []
        for outcome, text in shown:
            self._show(outcome, text)
        if before.state in OVER:
            raise RefusedError(f"{self.name} was {before.state} meanwhile: {before.reason}")


def _mention(ledger: Ledger, run: Run, deed: str, body: Mapping[str, Any]) -> None:
    if deed in {"step_ended", "step_read", "settled"}:
        tell_incident(ledger, run, f"{run.runbook} {body['step']}: {body['outcome']} ({run.subject})")
    elif deed in {"stopped", "ended"}:
        words = f"{run.runbook} is {body['state']} ({run.subject}) {body['reason']}"
        tell_incident(ledger, run, words.strip())
