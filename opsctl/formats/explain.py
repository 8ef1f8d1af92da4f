"""Everything that was seen of one check, for `--explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.summary import short_moment, words
from opsctl.outcome import Kind
from opsctl.prose import line, safe
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.outcome import Value
    from opsctl.records import Checked

_VERDICTS = {True: "pass", False: "fail", None: "could not tell"}


def explain(one: Checked, timezone: str) -> Iterator[str]:
    """The lines about a check, passed or not: expectations, phases, evidence."""
    result = one.result
    yield f"{result.check} is {one.standing.state} since {short_moment(one.standing.since, timezone)}"
    yield f"  target    {line(one.target)}"
    if words(one):
        yield f"  message   {words(one)}"
    if result.cause:
        yield f"  cause     {result.cause}"
    yield f"  attempts  {result.attempts}"
    for judged in result.judged:
        label = "warn" if judged.warn else "expect"
        yield f"  {label:<9} {_VERDICTS[judged.verdict]}: {line(judged.text)} (found {line(judged.found)})"
    for name, seconds in result.phases.items():
        yield f"  phase     {name:<10} {brief(Kind.DURATION, seconds):>8}"
    for name, value in result.evidence.items():
        yield from _evidence(line(name), value)


def _evidence(name: str, value: Value) -> Iterator[str]:
    if isinstance(value, dict):
        yield f"  {name}:"
        for key, member in value.items():
            yield f"    {line(str(key))}: {line(str(member))}"
    elif isinstance(value, list):
        yield f"  {name}: {', '.join(line(str(member)) for member in value)}"
    elif isinstance(value, str) and "\n" in value:
        yield f"  {name}:"
        for text in safe(value).rstrip("\n").split("\n"):
            yield f"    {text}"
    elif isinstance(value, bool):
        yield f"  {name}: {'yes' if value else 'no'}"
    else:
        yield f"  {name}: {line(str(value))}"
