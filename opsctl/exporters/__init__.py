"""Checks for those who outgrow one machine: one file for each tool, one line here each.

Each says what it can, and names every expectation and setting that cannot be said there.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opsctl.definitions import CheckDefinition, Service
    from opsctl.outcome import Value

    Chosen = Sequence[tuple[Service, CheckDefinition]]

# What a probe of other tools takes for well, whatever is expected here.
_WELL: Mapping[str, Value] = {"connected": True, "matched": True, "serving": True, "valid": True, "loss": 0.0}
TURNED = "it is up where nobody answers well, and a probe there is not"
# How many redirects they follow, where they follow any.
REDIRECTS = 10
TARGETS = ("prometheus-rules", "gatus", "blackbox", "blackbox-targets")


class Lost(NamedTuple):
    """What of a check cannot be said there: an expectation or a setting, as its file has it, and why."""

    check: str
    said: str
    why: str


class Exported(NamedTuple):
    """The data of the file, what was lost on the way, and what its reader must know."""

    data: Any
    lost: tuple[Lost, ...] = ()
    head: str = ""


def exporter(target: str) -> Callable[[Chosen], Exported]:
    """What writes checks for one of `TARGETS`."""
    module = import_module(f"opsctl.exporters.{target.replace('-', '_')}")
    return cast("Callable[[Chosen], Exported]", module.export)


def turned(check: CheckDefinition) -> bool:
    """Whether it is up where nobody answers well, which would there be told as an outage."""
    from opsctl.judging import judge

    return any(
        judge(one, {one.name: _WELL[one.name]}).verdict is False for one in check.expect if one.name in _WELL
    )


def span(seconds: float) -> str:
    """A duration as Go programs read it, to the millisecond: `30s`, `1500ms`."""
    thousandths = max(1, round(seconds * 1000))
    return f"{thousandths}ms" if thousandths % 1000 else f"{thousandths // 1000}s"
