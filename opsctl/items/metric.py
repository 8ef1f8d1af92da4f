"""The `metric` item: a figure that must be good enough, at its worst."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.item_kinds import Finding
from opsctl.limits import Between, Doc, NotEmpty, Seconds
from opsctl.outcome import Kind, Value, Verdict
from opsctl.prose import line
from opsctl.units import brief, parse

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask

_KINDS = {"ratio": Kind.PERCENT, "seconds": Kind.DURATION}


@dataclass(frozen=True, kw_only=True)
class MetricItem:
    """Ask for a figure of `opsctl metrics list`."""

    SHORTHAND: ClassVar[str] = "name"
    MANUAL: ClassVar[bool] = False

    name: Annotated[str, NotEmpty(), Doc("Which, as `availability` or `mttr`.")]
    service: Annotated[str | None, Doc("Of which service, or `service/check`.")] = None
    period: Annotated[Seconds, Between(60, 10**9), Doc("Over the time before.")] = 30 * 86400.0
    at_least: Annotated[str | None, Doc("As `99.9%`; even the lowest it may be has to reach it.")] = None
    at_most: Annotated[str | None, Doc("As `1h`; even the highest it may be has to stay below.")] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        """The figure is there, and one limit in its unit."""
        from opsctl.errors import UsageError
        from opsctl.formulas import definition_of

        try:
            unit = definition_of(self.name).unit
        except (KeyError, UsageError) as error:
            yield "name", str(error).strip("'\"")
            return
        if (self.at_least is None) == (self.at_most is None):
            yield "name", "write either `at_least` or `at_most`"
        for field in ("at_least", "at_most"):
            text = getattr(self, field)
            if text is not None and _limit(text, unit) is None:
                yield field, f"`{line(text)}` is no amount of it; write 99.9%, 1h or a number"

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """The figure over the period before the time that is asked about."""
        from opsctl.errors import UsageError
        from opsctl.figures import figure

        try:
            found = figure(ask.db, ask.workspace, self.name, ask.now - self.period, ask.now, self.service)
        except (UsageError, KeyError) as error:
            return {"unknown": str(error)}
        names = ("definition", "value", "low", "high", "unit", "n", "coverage", "reason")
        return {name: getattr(found, name) for name in names}

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """Its worst is good enough."""
        value, unit = facts.get("value"), str(facts.get("unit"))
        if not isinstance(value, int | float):
            why = line(str(facts.get("reason") or "it was not measured"))
            return Finding(Verdict.UNKNOWN, f"{self.name}: {why}", f"opsctl metrics explain {self.name}")
        bound = facts.get("low") if self.at_least else facts.get("high")
        worst = float(bound) if isinstance(bound, int | float) else float(value)
        limit = _limit(str(self.at_least or self.at_most), unit)
        if limit is None:
            return Finding(Verdict.UNKNOWN, f"{self.name} is in {unit}, and the limit is not")
        shown, asked = _shown(worst, unit), self.at_least or self.at_most
        well = worst >= limit if self.at_least else worst <= limit
        words = f"{self.name} is {_shown(float(value), unit)}, at worst {shown}; asked for {asked}"
        return Finding(Verdict.PASS if well else Verdict.FAIL, words, f"opsctl metrics explain {self.name}")


def _limit(text: str, unit: str) -> float | None:
    try:
        if unit == "count":
            return float(text)
        found = parse(_KINDS[unit], text)
    except (KeyError, ValueError):
        return None
    return found / 100 if unit == "ratio" else found


def _shown(value: float, unit: str) -> str:
    if unit == "ratio":
        return f"{100 * value:.6g}%"
    return brief(Kind.DURATION, value) if unit == "seconds" else f"{value:g}"
