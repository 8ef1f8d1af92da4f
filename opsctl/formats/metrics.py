"""Figures and their definitions, as text, JSON or CSV; what a figure does not cover stands beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opsctl.formats.csv_rows import cell
from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean, moment, zoned
from opsctl.formulas import ALIASES, DEFINITIONS, definition_of
from opsctl.outcome import Kind
from opsctl.prose import line, shorten
from opsctl.units import brief
from opsctl.units import show as exactly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from opsctl.formats import Output
    from opsctl.formulas import Definition, Unit
    from opsctl.measuring import Measured, Sheet
    from opsctl.metrics import Figure

EVERYTHING = "all services"
_ROWS = 20
_LABEL = 11
COLUMNS = (
    "metric",
    "service",
    "value",
    "low",
    "high",
    "unit",
    "n",
    "coverage",
    "mean",
    "p90",
    "reason",
    "definition",
    "since",
    "until",
)


def percent(ratio: float) -> str:
    """A share for people: to four decimals below 100 %, one above, and never rounded to 0 or 100 %."""
    if ratio > 1:
        return f"{100 * ratio:.1f}%"
    shown = 100 * ratio if ratio in (0, 1) else min(max(100 * ratio, 0.0001), 99.9999)
    return f"{shown:.4f}".rstrip("0").rstrip(".") + "%"


def shown(value: float | None, unit: Unit, *, exact: bool = False) -> str:
    """A value in its unit for people, `no data` for none; `exact` leaves durations unrounded."""
    if value is None:
        return "no data"
    if unit == "ratio":
        return percent(value)
    if unit == "seconds":
        return exactly(Kind.DURATION, value) if exact else brief(Kind.DURATION, value)
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def bounds(figure: Figure) -> str:
    """`99.8% to 99.9%`, `at least 10d`; nothing where there are none, or nothing lies between them."""
    low, high = shown(figure.low, figure.unit), shown(figure.high, figure.unit)
    if figure.low is None and figure.high is None:
        return ""
    if figure.low is None or figure.high is None:
        return f"at least {low}" if figure.high is None else f"at most {high}"
    return "" if low == high == shown(figure.value, figure.unit) else f"{low} to {high}"


def working(figure: Figure) -> str:
    """The formula with the numbers put in."""
    numbers = {one.letter: shown(one.value, one.unit, exact=True) for one in figure.numbers}
    formula = definition_of(figure.definition).formula
    return re.sub(r"\b[A-Za-z]\b", lambda found: numbers.get(found[0], found[0]), formula)


def write_list(output: str, out: Output) -> str:
    """All definitions."""
    if output == "json":
        definitions = [_definition(one) for one in DEFINITIONS.values()]
        return json_text({"metrics": definitions, "aliases": dict(ALIASES)})
    if out.width is None:
        rows = [
            f"{one.name}\t{one.id}\t{one.unit}\t{one.formula}\t{one.meaning}" for one in DEFINITIONS.values()
        ]
        return "\n".join(rows) + "\n"
    blocks = [
        text
        for one in DEFINITIONS.values()
        for text in (f"{one.name}  = {one.formula}", *_wrapped(one.meaning, out.width, 4), "")
    ]
    return "\n".join([*blocks, "next: opsctl metrics explain NAME"]) + "\n"


def write_sheet(sheet: Sheet, output: str, out: Output) -> str:
    """Figures, a row each."""
    if output == "json":
        return json_text({**_head(sheet), "figures": [_row(sheet, one) for one in sheet.measured]})
    if output == "csv":
        return _csv(sheet)
    if out.width is None:
        return "".join("\t".join(_cells(one)) + "\n" for one in sheet.measured)
    return "\n".join([_period(sheet), *_table(sheet, out.width)]) + "\n"


def write_explanation(sheet: Sheet, output: str, out: Output) -> str:
    """One figure with its definition, the numbers put in, and the rows that were counted or left out."""
    (one,) = sheet.measured
    if output == "json":
        return json_text({**_head(sheet), **_explained(sheet, one)})
    pairs = list(_pairs(one, rows=None if out.width is None else _ROWS))
    if out.width is None:
        head = (("metric", f"{_name(one)} of {one.target or EVERYTHING}"), ("period", _period(sheet)))
        return "".join(f"{label}\t{text}\n" for label, text in (*head, *pairs))
    value = shown(one.figure.value, one.figure.unit)
    title = f"{_name(one)} of {one.target or EVERYTHING}: {value}"
    return "\n".join([title, _period(sheet), "", *_laid_out(pairs, out.width)]) + "\n"


def _pairs(one: Measured, rows: int | None) -> Iterator[tuple[str, str]]:
    figure, definition = one.figure, definition_of(one.figure.definition)
    yield "definition", definition.id
    yield "meaning", definition.meaning
    yield "formula", definition.formula
    if figure.value is not None:
        yield "", f"= {working(figure)}"
        yield "", f"= {shown(figure.value, figure.unit)}"
    elif figure.reason:
        yield "no figure", figure.reason
    for number in figure.numbers:
        text = shown(number.value, number.unit, exact=True)
        yield number.letter, f"{text}: {definition.letters[number.letter]}"
    for name, value in figure.more:
        yield name, shown(value, figure.unit)
    limits = bounds(figure) or ("none" if figure.low is None else f"both {shown(figure.value, figure.unit)}")
    yield "bounds", f"{limits}; {definition.bounds}"
    if figure.coverage is not None:
        yield "coverage", f"{percent(figure.coverage)} of the time is known"
    if "n" not in definition.letters:
        yield "n", f"{figure.n} {definition.observed}"
    yield "data", definition.data
    yield "source", definition.source
    yield from _listed("counted", figure.counted, rows)
    yield from _listed("left out", figure.left_out, rows)


def _listed(label: str, texts: Sequence[str], rows: int | None) -> Iterator[tuple[str, str]]:
    shown_texts = texts if rows is None or len(texts) <= rows else texts[: rows - 1]
    for at, text in enumerate(shown_texts):
        yield label if not at or rows is None else "", line(text)
    if len(shown_texts) < len(texts):
        yield "", f"and {len(texts) - len(shown_texts)} more; `-o json` has all"
    if not texts:
        yield label, "none"


def _laid_out(pairs: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    for label, text in pairs:
        first, *rest = _wrapped(text, width, _LABEL + 2)
        yield f"{label:<{_LABEL}}  {first.strip()}"
        yield from rest


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    from textwrap import wrap

    gap = " " * indent
    return wrap(
        text,
        max(40, min(width, 110)),
        initial_indent=gap,
        subsequent_indent=gap,
        break_on_hyphens=False,
        break_long_words=False,
    ) or [gap]


def _table(sheet: Sheet, width: int) -> Iterator[str]:
    target: str | None = ""
    for one in sheet.measured:
        if one.target != target:
            target = one.target
            yield ""
            heading = target or EVERYTHING
            yield f"{heading:<23}  {'value':<9}  {'low to high':<22}  {'n':<6}  known"
        name, value, limits, n, coverage, reason = _cells(one)[1:]
        tail = f"{limits:<22}  {n:<6}  {coverage}" if one.figure.value is not None else reason
        yield shorten(f"  {name:<21}  {value:<9}  {tail}", max(40, width)).rstrip()


def _cells(one: Measured) -> tuple[str, ...]:
    figure = one.figure
    return (
        one.target or EVERYTHING,
        _name(one),
        shown(figure.value, figure.unit),
        bounds(figure),
        str(figure.n),
        "" if figure.coverage is None else percent(figure.coverage),
        figure.reason,
    )


def _name(one: Measured) -> str:
    return definition_of(one.figure.definition).name


def _period(sheet: Sheet) -> str:
    since, until = (zoned(at, sheet.timezone) for at in (sheet.since, sheet.until))
    return f"{since} to {until} ({brief(Kind.DURATION, sheet.until - sheet.since)})"


def _csv(sheet: Sheet) -> str:
    import csv
    import io

    target = io.StringIO()
    rows = csv.writer(target, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    rows.writerows(
        [cell(row.get(column)) for column in COLUMNS]
        for row in ({**_row(sheet, one), **dict(one.figure.more)} for one in sheet.measured)
    )
    return target.getvalue()


def _row(sheet: Sheet, one: Measured) -> dict[str, object]:
    figure = one.figure
    return {
        "metric": _name(one),
        "definition": figure.definition,
        "service": one.target,
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "unit": figure.unit,
        "n": figure.n,
        "coverage": figure.coverage,
        "more": dict(figure.more),
        "reason": figure.reason,
        "since": moment(sheet.since),
        "until": moment(sheet.until),
    }


def _explained(sheet: Sheet, one: Measured) -> dict[str, object]:
    figure, definition = one.figure, definition_of(one.figure.definition)
    return {
        **_row(sheet, one),
        "about": _definition(definition),
        "working": working(figure) if figure.value is not None else None,
        "numbers": {number.letter: number.value for number in figure.numbers},
        "counted": [line(text) for text in figure.counted],
        "left_out": [line(text) for text in figure.left_out],
    }


def _definition(one: Definition) -> dict[str, object]:
    return {**one._asdict(), "letters": dict(one.letters)}


def _head(sheet: Sheet) -> dict[str, object]:
    return {
        "workspace": clean(sheet.workspace),
        "since": moment(sheet.since),
        "until": moment(sheet.until),
    }
