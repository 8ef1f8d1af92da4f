"""Running many checks at once: threads for blocking probes, one loop for HTTP, deadlines for all."""

from __future__ import annotations

import time
from collections import deque
from queue import Empty, SimpleQueue
from signal import SIGINT
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from opsctl.checks import Ask, Heartbeat, Past
from opsctl.errors import Terminated
from opsctl.outcome import Cause, Failure, Observation, State
from opsctl.signals import signals_held
from opsctl.strict_json import keys_of
from opsctl.verdicts import conclude

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from opsctl.definitions import CheckDefinition
    from opsctl.records import Result
    from opsctl.secrets import Secrets
    from opsctl.transfers import Loop

# A probe bounds itself; what has not come back this much after its deadline is given up.
_GRACE = 0.3
_MOST_THREADS = 64
# Of many, answers are taken in gulps: threads that take turns at each of them cost more than judging it.
_MANY, _GULP = 100, 0.005


class Conditions(NamedTuple):
    """What all probes of one run share: see `checks.Ask` for the meaning of each."""

    secrets: Secrets
    environ: Mapping[str, str]
    root: Path
    now: float
    heartbeat: Callable[[str], Heartbeat | None]
    select: Callable[[Sequence[str]], Sequence[str]]
    jobs: int
    explain: bool
    past: Callable[[str, float | None, int | None], Past] = lambda _check, _since, _last: Past({}, ())
    answers: Path | None = None


class _Answer(NamedTuple):
    check: CheckDefinition
    observation: Observation
    attempts: int


class _Started(NamedTuple):
    check: CheckDefinition
    at: float


_News = SimpleQueue[_Answer | _Started | None]


def probe_all(checks: Sequence[CheckDefinition], conditions: Conditions) -> Iterator[Result]:
    """Run every check once and yield each result as it comes; every check is answered for.

    A check that judges other checks (a group) comes after them. Nothing is raised for what a
    target, or even a faulty kind, does: that is a result too.
    """
    first = [check for check in checks if check.type != "group"]
    found: dict[str, Result] = {}
    for answer in _gather(first, conditions):
        result = _conclude(answer, conditions)
        found[result.check] = result
        yield result
    for check in checks:
        if check.type == "group":
            ask = _ask(check, conditions)._replace(
                results=lambda selectors: _found(selectors, found, conditions)
            )
            found[check.name] = _conclude(_Answer(check, _look(check, ask), 1), conditions)
            yield found[check.name]


def _found(selectors: Sequence[str], found: Mapping[str, Result], conditions: Conditions) -> Sequence[Result]:
    return [found[name] for name in conditions.select(selectors) if name in found]


def _conclude(answer: _Answer, conditions: Conditions) -> Result:
    return conclude(
        answer.check,
        answer.observation,
        at=conditions.now,
        attempts=answer.attempts,
        mask=conditions.secrets.mask if conditions.secrets.fetched else None,
        explain=conditions.explain,
    )


def _ask(check: CheckDefinition, conditions: Conditions) -> Ask:
    return Ask(
        check.timeout,
        check.wanted,
        conditions.secrets.resolve,
        conditions.environ,
        conditions.root,
        conditions.now,
        conditions.heartbeat,
        lambda _selectors: (),
        conditions.past,
        conditions.answers,
        keys_of(check.expect + check.warn) if "json" in check.wanted else frozenset(),
    )


def _gather(checks: Sequence[CheckDefinition], conditions: Conditions) -> Iterator[_Answer]:
    moved = [check for check in checks if hasattr(check.kind, "start")]
    blocking = deque(check for check in checks if not hasattr(check.kind, "start"))
    news: _News = SimpleQueue()
    loop = _move(moved, conditions, news) if moved else None
    for _ in range(min(len(blocking), conditions.jobs, _MOST_THREADS)):
        _work(blocking, conditions, news)
    open_checks = {check.name: check for check in checks}
    deadlines: dict[str, float] = {}
    # A signal is a word among the others, so that it takes no answer along.
    with signals_held(lambda: news.put(None)) as signals:
        while open_checks and not signals:
            if len(open_checks) > _MANY and news.empty():
                time.sleep(_GULP)
            try:
                word = news.get(timeout=_patience(deadlines) if news.empty() else None)
            except Empty:
                for name in _overdue(open_checks, deadlines, moved, loop):
                    if name in deadlines:
                        # Its thread is stuck; another one takes the checks that still wait for it.
                        _work(blocking, conditions, news)
                    deadlines.pop(name, None)
                    yield _given_up(open_checks.pop(name))
                continue
            if isinstance(word, _Started):
                deadlines[word.check.name] = word.at + word.check.deadline + _GRACE
            elif word is not None and word.check.name in open_checks:
                deadlines.pop(word.check.name, None)
                del open_checks[word.check.name]
                yield word
        if signals:
            yield from _finished(news, open_checks)
            # Said here, and not by the handler, which whoever called may have held too.
            number = signals.pop()
            signals.clear()
            raise KeyboardInterrupt if number == SIGINT else Terminated


def _finished(news: _News, open_checks: Mapping[str, CheckDefinition]) -> Iterator[_Answer]:
    """What is known already when a run is ended early."""
    while not news.empty():
        word = news.get()
        if isinstance(word, _Answer) and word.check.name in open_checks:
            yield word


def _patience(deadlines: Mapping[str, float]) -> float:
    """Seconds until the next deadline has passed; a second at most, as the loop is watched too."""
    nearest = min(deadlines.values(), default=0.0) if deadlines else time.monotonic() + 1.0
    return min(1.0, max(0.001, nearest - time.monotonic()))


def _overdue(
    open_checks: Mapping[str, CheckDefinition],
    deadlines: Mapping[str, float],
    moved: Sequence[CheckDefinition],
    loop: Loop | None,
) -> list[str]:
    now = time.monotonic()
    overdue = [name for name, deadline in deadlines.items() if deadline <= now and name in open_checks]
    if loop is not None:
        waiting = [check for check in moved if check.name in open_checks]
        longest = max((check.timeout for check in waiting), default=0.0)
        if waiting and now - loop.alive_at > longest + _GRACE:
            overdue += [check.name for check in waiting]
    return overdue


def _given_up(check: CheckDefinition) -> _Answer:
    failure = Failure(Cause.TIMEOUT, f"no answer within {check.deadline:g} s; the probe was given up")
    return _Answer(check, Observation(failure=failure), check.retries + 1)


def _work(blocking: deque[CheckDefinition], conditions: Conditions, news: _News) -> None:
    """Start a thread that takes checks until none is left; a stuck one must not hold the end."""

    def run() -> None:
        while blocking:
            try:
                check = blocking.popleft()
            except IndexError:
                return
            news.put(_Started(check, time.monotonic()))
            news.put(_attempt(check, _ask(check, conditions)))

    Thread(target=run, daemon=True, name="opsctl-probe").start()


def _attempt(check: CheckDefinition, ask: Ask) -> _Answer:
    attempts = 1
    observation = _look(check, ask)
    while attempts <= check.retries and _again(check, observation):
        time.sleep(check.retry_delay)
        attempts += 1
        observation = _look(check, ask)
    return _Answer(check, observation, attempts)


def _look(check: CheckDefinition, ask: Ask) -> Observation:
    try:
        return check.kind.probe(ask)
    except Exception as error:  # noqa: BLE001 - a fault in one kind must not take the other checks along
        return _fault(error)


def _fault(error: Exception) -> Observation:
    words = f"the check itself failed: {type(error).__name__}: {error}; please report this"
    return Observation(failure=Failure(Cause.INTERNAL, words))


def _again(check: CheckDefinition, observation: Observation) -> bool:
    """Whether another attempt is due: by default only where no answer came, so that a wrong one shows."""
    if observation.failure is not None:
        return observation.failure.cause.transport or check.retry_on == "any"
    if check.retry_on != "any":
        return False
    state = conclude(check, observation, at=0.0, attempts=1, mask=None, explain=False).state
    return state is State.DOWN or state is State.UNKNOWN


def _move(checks: Sequence[CheckDefinition], conditions: Conditions, news: _News) -> Loop:
    """Start the thread that moves all transfers."""
    from opsctl.transfers import Loop

    loop = Loop(conditions.jobs)

    def begin(check: CheckDefinition, attempt: int, after: float) -> None:
        def done(observation: Observation) -> None:
            if attempt <= check.retries and _again(check, observation):
                begin(check, attempt + 1, check.retry_delay)
            else:
                news.put(_Answer(check, observation, attempt))

        try:
            check.kind.start(_ask(check, conditions), loop, done, after=after)  # type: ignore[attr-defined]  # chosen by hasattr above
        except Exception as error:  # noqa: BLE001 - as in _look
            news.put(_Answer(check, _fault(error), attempt))

    def run() -> None:
        for check in checks:
            begin(check, 1, 0.0)
        loop.run()

    Thread(target=run, daemon=True, name="opsctl-http").start()
    return loop
