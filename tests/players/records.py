"""Records that tell of failures, as `opsctl.faults` says it of `heartbeat`, `group` and `history`."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING

from opsctl.checks import Heartbeat, Past
from opsctl.outcome import State
from opsctl.records import Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from players.stage import Played, Stage

    from opsctl.faults import Fault

OF_A_HEARTBEAT = (
    "late == false",
    "failed == false",
    "overdue < 1h",
    "age < 26h",
    "age < 25h",
    "running == false",
    "duration < 1h",
)
OF_A_GROUP = (
    "enough == true",
    "up > 0",
    "up_percent >= 50%",
    "down == 0",
    "down < 2",
    "unknown == 0",
    "total == 3",
)
OF_A_HISTORY = (
    "success >= 99%",
    "success >= 60%",
    "failed < 3",
    "unknown == 0",
    "results > 5",
    "p50 < 500ms",
    "p95 < 500ms",
    "p99 < 500ms",
    "slowest < 500ms",
)
OF_THE_LAST = (*OF_A_HISTORY, "changes < 5", "changes < 2")
_HOUR, _DAY, _MANY = 3600.0, 86_400.0, 1000


def heartbeat(stage: Stage, fault: Fault) -> Played | None:
    """Signals of a job that is due every hour; None for what is not known here."""
    now = time.time()
    well = Heartbeat(now - 700, now - 600, None, "")
    signals = {
        "healthy": well,
        "silent": Heartbeat(now - 31 * _DAY - 100, now - 31 * _DAY, None, ""),
        "failed": well._replace(started=now - 300, failed=now - 200),
        "hanging": Heartbeat(now - _DAY, now - _DAY - 10, None, ""),
    }
    if fault.name not in signals:
        return None
    stage.ask["heartbeat"] = lambda _name: signals[fault.name]
    return nullcontext({})


def group(stage: Stage, fault: Fault) -> Played | None:
    """Results of three members; None for what is not known here."""
    states = {"healthy": State.UP, "all-down": State.DOWN, "all-unknown": State.UNKNOWN}
    if fault.name not in states:
        return None
    results = [_result(f"a/{number}", states[fault.name]) for number in range(3)]
    stage.ask["results"] = lambda _selectors: results
    return nullcontext({})


def _result(name: str, state: State) -> Result:
    return Result(name, time.time(), state, None, "", None, 1, (), {}, {})


def history(stage: Stage, fault: Fault) -> Played | None:
    """Results of the past, in order; None for what is not known here."""
    count = stage.fields.get("last", _MANY)
    down = {
        "healthy": lambda _at: False,
        "slow": lambda _at: False,
        "stale": lambda _at: False,
        "always-down": lambda _at: True,
        "often-down": lambda at: at % 10 == 0,
        "flapping": lambda at: at % 2 == 0,
    }
    if fault.name == "all-unknown":
        order: Sequence[State] = [State.UNKNOWN] * count
    elif fault.name == "no-results":
        order = []
    elif fault.name in down:
        order = [State.DOWN if down[fault.name](at) else State.UP for at in range(count)]
    else:
        return None
    age = _DAY if fault.name == "stale" else 0.0
    # What is down may answer too, and fast.
    took = 60.0 if fault.name == "slow" else 0.1
    past = _past(stage.fields, order, age, took)
    stage.ask["past"] = lambda *_: past
    return nullcontext({})


def _past(fields: Mapping[str, object], order: Sequence[State], age: float, took: float) -> Past:
    found = Past(Counter(order), (took,) * len(order))
    if "last" not in fields:
        return found
    known = any(state is not State.UNKNOWN for state in order)
    return found._replace(order=tuple(order), newest=time.time() - age if known else None, lapse=_HOUR)
