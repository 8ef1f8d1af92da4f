"""A run of a runbook: what was done, what waits for whom, and what is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from opsctl.ledger.events import thaw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsctl.ledger.events import Event

TABLE = "procedures"
REMARKS = frozenset({"run.noted"})

State = Literal["running", "waiting", "unknown", "failed", "done", "recovered", "aborted"]
# What nobody can go on with; a run that failed or waits can be resumed.
OVER: tuple[State, ...] = ("done", "recovered", "aborted")


class Ran(NamedTuple):
    """One step of a run; `outcome` is None while it runs, and nobody knows it where it never ended.

    `undone` is None, `begun`, or how undoing it ended: `ok` or `failed`. `acted` says of one that is not ok
    that an attempt at it did what it was to do, or may have, and that this is to be undone too.
    """

    step: str
    digest: str
    effect: str
    by: str
    began: float
    ended: float | None = None
    outcome: str | None = None
    message: str = ""
    attempts: int = 1
    exit_code: int | None = None
    question: str = ""
    answer: str | None = None
    answered_by: str | None = None
    approved_by: tuple[str, ...] = ()
    undone: str | None = None
    acted: bool = False


class Run(NamedTuple):
    """A run as its events leave it. Times are UTC epoch seconds; output stands in the events only.

    `digest` is of the runbook as it was when the run began or last went on. `parameters` hold no secret.
    `remedy_of` is the check that it was to mend, `only` the steps that it was limited to.
    """

    number: int
    runbook: str
    digest: str
    state: State
    started: float
    by: str
    parameters: Mapping[str, str] = {}
    environment: str | None = None
    incident: str | None = None
    drill: bool = False
    steps: tuple[Ran, ...] = ()
    values: Mapping[str, str] = {}
    ended: float | None = None
    reason: str = ""
    remedy_of: str | None = None
    only: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """`RUN-3`."""
        return f"RUN-{self.number}"

    def ran(self, step: str) -> Ran | None:
        """What is known of a step."""
        return next((one for one in self.steps if one.step == step), None)


def decode(document: Mapping[str, Any]) -> Run:
    """The run of a stored document."""
    # Not by `thaw`: a run of many steps is read after each of them.
    return Run(
        **{
            **document,
            "steps": tuple(_ran(one) for one in document["steps"]),
            "only": tuple(document["only"]),
        }
    )


def _ran(fields: list[Any]) -> Ran:
    ran = Ran(*fields)
    return (
        ran._replace(approved_by=tuple(ran.approved_by)) if ran.approved_by else ran._replace(approved_by=())
    )


def apply(run: Run | None, event: Event) -> Run:
    """The run after the event."""
    body = thaw(event.body)
    if run is None:
        number = int(event.subject.partition("-")[2])
        return Run(number=number, state="running", started=event.occurred, by=event.actor, **body)
    return _APPLY[event.kind](run, event, body)


def _begun(run: Run, event: Event, body: Mapping[str, Any]) -> Run:
    before = _unchanged(run, body)
    ran = _anew(run, event, body)._replace(
        attempts=body.get("attempt", 1),
        answer=before.answer if before else None,
        answered_by=before.answered_by if before else None,
        approved_by=before.approved_by if before else (),
    )
    return _put(run, ran)._replace(state="running")


def _ended(run: Run, event: Event, body: Mapping[str, Any]) -> Run:
    changes = {name: body[name] for name in ("outcome", "message", "exit_code") if name in body}
    known = _known(run, body["step"])
    acted = body["outcome"] != "ok" and (known.acted or body.get("acted", False))
    ran = known._replace(ended=event.occurred, acted=acted, **changes)
    return _put(run, ran)._replace(values={**run.values, **body.get("captured", {})})


def _read(run: Run, event: Event, body: Mapping[str, Any]) -> Run:
    """A step that only reads is kept once, when it has ended, with when it began."""
    begun = _begun(run, event, body)
    began = body.get("began", event.occurred)
    return _ended(_put(begun, _known(begun, body["step"])._replace(began=began)), event, body)


def _asked(run: Run, event: Event, body: Mapping[str, Any]) -> Run:
    known = _unchanged(run, body)
    ran = known or _anew(run, event, body)
    if ran.outcome == "failed":
        # What it was answered then is why it is asked again.
        ran = ran._replace(answer=None, answered_by=None)
    return _put(run, ran._replace(outcome="waiting", question=body["question"]))._replace(state="waiting")


def _answered(run: Run, event: Event, body: Mapping[str, Any]) -> Run:
    ran = _known(run, body["step"])._replace(answer=body["value"], answered_by=event.actor)
    return _put(run, ran)


def _settled(run: Run, event: Event, body: Mapping[str, Any]) -> Run:
    """A person says what became of a step that nobody knew of."""
    ran = _known(run, body["step"])._replace(
        ended=event.occurred,
        outcome=body["outcome"],
        message=body["message"],
        answered_by=event.actor,
        acted=False,
    )
    return _put(run, ran)


def _approved(run: Run, event: Event, body: Mapping[str, Any]) -> Run:
    ran = _known(run, body["step"])
    return _put(run, ran._replace(approved_by=(*ran.approved_by, event.actor)))


def _going_back(run: Run, _event: Event, body: Mapping[str, Any]) -> Run:
    return _put(run, _known(run, body["step"])._replace(undone="begun"))


def _taken_back(run: Run, _event: Event, body: Mapping[str, Any]) -> Run:
    return _put(run, _known(run, body["step"])._replace(undone=body["outcome"]))


def _resumed(run: Run, _event: Event, body: Mapping[str, Any]) -> Run:
    return run._replace(state="running", digest=body.get("digest", run.digest))


def _over(run: Run, event: Event, body: Mapping[str, Any]) -> Run:
    return run._replace(state=body["state"], ended=event.occurred, reason=body.get("reason", ""))


def _stopped(run: Run, _event: Event, body: Mapping[str, Any]) -> Run:
    return run._replace(state=body["state"], reason=body.get("reason", ""))


def _noted(run: Run, _event: Event, _body: Mapping[str, Any]) -> Run:
    return run


def _known(run: Run, step: str) -> Ran:
    found = run.ran(step)
    if found is None:
        raise KeyError(step)
    return found


def _anew(run: Run, event: Event, body: Mapping[str, Any]) -> Ran:
    """A step at its beginning: all that stays of earlier attempts is that one of them may have acted."""
    before = run.ran(body["step"])
    acted = before is not None and before.acted
    effect = before.effect if before is not None and acted else body["effect"]
    return Ran(body["step"], body["digest"], effect, event.actor, event.occurred, acted=acted)


def _unchanged(run: Run, body: Mapping[str, Any]) -> Ran | None:
    """What is known of a step where it is still what it was: nobody answered or approved another one."""
    known = run.ran(body["step"])
    return known if known is not None and known.digest == body["digest"] else None


def _put(run: Run, ran: Ran) -> Run:
    others = tuple(one for one in run.steps if one.step != ran.step)
    return run._replace(steps=(*others, ran))


# `stopped` leaves a run to be resumed (waiting, unknown), `ended` does not.
_APPLY: Mapping[str, Callable[[Run, Event, Mapping[str, Any]], Run]] = {
    "run.step_begun": _begun,
    "run.step_ended": _ended,
    "run.step_read": _read,
    "run.asked": _asked,
    "run.answered": _answered,
    "run.approved": _approved,
    "run.settled": _settled,
    "run.undo_begun": _going_back,
    "run.undo_settled": _taken_back,
    "run.step_undone": _taken_back,
    "run.resumed": _resumed,
    "run.stopped": _stopped,
    "run.ended": _over,
    "run.noted": _noted,
}
