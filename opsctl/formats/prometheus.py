"""Prometheus text exposition, for the textfile collector: `--out` replaces whole files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.summary import counts
from opsctl.outcome import State
from opsctl.prose import line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from opsctl.formats import Output
    from opsctl.records import Checked, CheckRun


def write(run: CheckRun, _out: Output) -> str:
    """The run as metrics. `opsctl_check_up` is 0 for unknown too: what was not shown is not up."""
    lines = [*_of_checks(run.checked), *_of_run(run)]
    return "\n".join(lines) + "\n"


def _of_checks(checked: Sequence[Checked]) -> Iterator[str]:
    yield from _metric(
        "opsctl_check_up",
        "Whether the check counts as up or degraded (1) or not (0).",
        ((_labels(one), int(one.standing.state.good)) for one in checked),
    )
    yield from _metric(
        "opsctl_check_state",
        "1 for the state that counts, 0 for the others.",
        (
            (_labels(one, state=str(state)), int(one.standing.state is state))
            for one in checked
            for state in State
        ),
    )
    yield from _metric(
        "opsctl_check_latency_seconds",
        "The check's latency, where an answer came.",
        ((_labels(one), one.result.latency) for one in checked if one.result.latency is not None),
    )
    yield from _metric(
        "opsctl_check_attempts",
        "How many attempts the check took.",
        ((_labels(one), one.result.attempts) for one in checked),
    )
    yield from _metric(
        "opsctl_check_last_run_timestamp_seconds",
        "When the check ran.",
        ((_labels(one), one.result.at) for one in checked),
    )


def _of_run(run: CheckRun) -> Iterator[str]:
    yield from _metric(
        "opsctl_check_maintenance",
        "1 where a check was not made, as it is in maintenance.",
        ((f'{{check="{_escape(one.check)}"}}', 1) for one in run.maintenance),
    )
    yield from _metric("opsctl_run_timestamp_seconds", "When the run began.", [("", run.started)])
    yield from _metric("opsctl_run_checks", "How many checks the run had.", [("", counts(run).total)])


def _metric(name: str, text: str, samples: Iterable[tuple[str, float | None]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        yield f"{name}{labels} {value!r}"


def _labels(one: Checked, **more: str) -> str:
    pairs = {
        "check": one.result.check,
        "service": one.service,
        "tier": one.tier,
        "owner": one.owner or "",
        **more,
    }
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in pairs.items()) + "}"


def _escape(value: str) -> str:
    return line(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
