"""Charts as inline SVG: no scripts, a title and a description each, and colours left to the page.

The page's style sheet gives the classes their colours (`reports/templates/style.css.j2`), for light and dark.
Shapes say the same as colours do: what misses its target is a diamond, what is not known a dashed box.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from opsctl.formats.metrics import percent
from opsctl.ledger.incident import SEVERITIES
from opsctl.outcome import Kind
from opsctl.prose import count, line
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WIDTH, HEIGHT = 360, 132
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 352.0, 14.0, 108.0
# The lowest share that an axis shows: truncated, and said so by its label.
_FLOORS = (0.9999, 0.9995, 0.999, 0.995, 0.99, 0.95, 0.9, 0.5)
# Below this width a mark has no room for a character.
_ROOMY = 11.0


class Share(NamedTuple):
    """A share of 1 in one part of a period, with its bounds; None where nothing is known."""

    value: float | None
    low: float | None = None
    high: float | None = None


def availability(title: str, labels: Sequence[str], shares: Sequence[Share], target: float | None) -> str:
    """Availability by part of a period, `target` as a share of 1; what is not known is a band."""
    known = [one.value for one in shares if one.value is not None]
    lowest = min([*known, *([] if target is None else [target])], default=0.0)
    floor = next((one for one in _FLOORS if one < lowest), 0.0)
    marks = list(_frame(labels, [(1.0, "100%"), (floor, percent(floor) if floor else "0%")], floor, 1.0))
    marks += _target(target, target and percent(target), floor, 1.0)
    for at, (label, one) in enumerate(zip(labels, shares, strict=True)):
        marks += _share(_slot(at, len(shares)), label, one, target, floor)
    return _svg(title, _availability_words(labels, shares, target), marks)


def latency(title: str, labels: Sequence[str], seconds: Sequence[float | None], target: float | None) -> str:
    """A latency by part of a period, as a line that breaks where nothing was measured; times in seconds."""
    known = [one for one in seconds if one is not None]
    top = _above(max([*known, *([] if target is None else [target])], default=0.0) or 1e-3)
    marks = list(_frame(labels, [(top, brief(Kind.DURATION, top)), (0.0, "0")], 0.0, top))
    marks += _target(target, target and brief(Kind.DURATION, target), 0.0, top)
    slots = [_slot(at, len(seconds)) for at in range(len(seconds))]
    points = [
        None if one is None else (slot[0], _height(one, 0.0, top))
        for slot, one in zip(slots, seconds, strict=True)
    ]
    marks += _lines(points)
    for slot, label, one, point in zip(slots, labels, seconds, points, strict=True):
        if one is None or point is None:
            marks += _unknown(slot, label)
        else:
            missed = target is not None and one > target
            marks.append(_mark(*point, slot[1], f"{label}: {brief(Kind.DURATION, one)}", missed=missed))
    return _svg(title, _latency_words(labels, seconds, target), marks)


def incidents(title: str, labels: Sequence[str], counts: Sequence[Mapping[str, int]]) -> str:
    """How many incidents began in each part of a period, the worst severity at the bottom."""
    totals = [sum(one.values()) for one in counts]
    top = float(max([2, *totals]))
    marks = list(_frame(labels, [(top, f"{top:g}"), (0.0, "0")], 0.0, top))
    for at, (label, one, total) in enumerate(zip(labels, counts, totals, strict=True)):
        marks += _stack(_slot(at, len(counts)), label, one, total, top)
    marks += _legend([name for name in SEVERITIES if any(one.get(name) for one in counts)])
    busiest = max(range(len(totals)), key=totals.__getitem__, default=None)
    words = f"{count('incident', sum(totals))} from {_ends(labels)}"
    if busiest is not None and totals[busiest]:
        words += f"; most on {labels[busiest]}: {totals[busiest]}"
    return _svg(title, words, marks)


def _svg(title: str, words: str, marks: Sequence[str]) -> str:
    return (
        f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{_text(title)}</title><desc>{_text(words)}</desc>{''.join(marks)}</svg>"
    )


def _frame(
    labels: Sequence[str], levels: Sequence[tuple[float, str]], low: float, high: float
) -> Iterator[str]:
    for value, label in levels:
        y = _height(value, low, high)
        yield f'<line class="c-grid" x1="{_LEFT:g}" x2="{_RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _label(_LEFT - 5, y + 3.5, label, "end")
    if labels:
        yield _label(_LEFT, HEIGHT - 8, labels[0], "start")
    if len(labels) > 1:
        yield _label(_RIGHT, HEIGHT - 8, labels[-1], "end")
    else:
        return


def _target(value: float | None, label: str | float | None, low: float, high: float) -> Iterator[str]:
    if value is None:
        return
    y = _height(value, low, high)
    yield (
        f'<line class="c-target" x1="{_LEFT:g}" x2="{_RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}">'
        f"<title>{_text(f'target {label}')}</title></line>"
    )
    # Beside the levels of the axis, where it would stand on one of them.
    if min(abs(y - _TOP), abs(y - _BOTTOM)) > 9:
        yield _label(_LEFT - 5, y + 3.5, str(label), "end")


def _share(
    slot: tuple[float, float], label: str, one: Share, target: float | None, floor: float
) -> Iterator[str]:
    x, width = slot
    if one.value is None or one.low is None or one.high is None:
        yield from _unknown(slot, label)
        return
    words = f"{label}: {percent(one.value)}"
    if one.low < one.high:
        words += f" ({percent(one.low)} to {percent(one.high)})"
        top, bottom = (_height(max(end, floor), floor, 1.0) for end in (one.high, one.low))
        yield (
            f'<rect class="c-band" x="{x - width * 0.4:.1f}" y="{top:.1f}" width="{width * 0.8:.1f}"'
            f' height="{bottom - top:.1f}"><title>{_text(words)}</title></rect>'
        )
    missed = target is not None and one.value < target
    yield _mark(x, _height(max(one.value, floor), floor, 1.0), width, words, missed=missed)


def _unknown(slot: tuple[float, float], label: str) -> Iterator[str]:
    x, width = slot
    yield (
        f'<rect class="c-none" x="{x - width * 0.4:.1f}" y="{_TOP:g}" width="{width * 0.8:.1f}"'
        f' height="{_BOTTOM - _TOP:g}"><title>{_text(f"{label}: no data")}</title></rect>'
    )
    if width >= _ROOMY:
        yield _label(x, (_TOP + _BOTTOM) / 2 + 3.5, "?", "middle")


def _mark(x: float, y: float, width: float, words: str, *, missed: bool) -> str:
    size = max(1.2, min(3.2, width * 0.35))
    title = f"<title>{_text(words)}</title>"
    if not missed:
        return f'<circle class="c-met" cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}">{title}</circle>'
    size *= 1.5
    path = f"M{x:.1f} {y - size:.1f}l{size:.1f} {size:.1f}l{-size:.1f} {size:.1f}l{-size:.1f} {-size:.1f}z"
    return f'<path class="c-missed" d="{path}">{title}</path>'


def _lines(points: Sequence[tuple[float, float] | None]) -> Iterator[str]:
    run: list[tuple[float, float]] = []
    for point in (*points, None):
        if point is not None:
            run.append(point)
            continue
        if len(run) > 1:
            yield f'<polyline class="c-line" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in run)}"/>'
        run = []


def _stack(
    slot: tuple[float, float], label: str, counts: Mapping[str, int], total: int, top: float
) -> Iterator[str]:
    x, width = slot
    reached = 0
    for severity in SEVERITIES:
        number = counts.get(severity, 0)
        if number:
            high, low = (_height(each, 0.0, top) for each in (reached + number, reached))
            yield (
                f'<rect class="c-{severity}" x="{x - width * 0.36:.1f}" y="{high:.1f}"'
                f' width="{width * 0.72:.1f}" height="{low - high:.1f}">'
                f"<title>{_text(f'{label}: {number} {severity}')}</title></rect>"
            )
            reached += number
    if total and width >= _ROOMY:
        yield _label(x, _height(total, 0.0, top) - 3, str(total), "middle")


def _legend(severities: Sequence[str]) -> Iterator[str]:
    x = _RIGHT - 42.0 * len(severities)
    for severity in severities:
        yield f'<rect class="c-{severity}" x="{x:g}" y="0" width="8" height="8"/>'
        yield _label(x + 11, 7.5, severity, "start")
        x += 42


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_text(text)}</text>'


def _slot(at: int, parts: int) -> tuple[float, float]:
    """The middle of a part on the axis, and its width."""
    width = (_RIGHT - _LEFT) / max(1, parts)
    return _LEFT + width * (at + 0.5), width


def _height(value: float, low: float, high: float) -> float:
    return _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)


def _above(value: float) -> float:
    """A round number that leaves a little room above the value."""
    size = 1.0
    while size < value:
        size *= 10
    while size / 10 >= value:
        size /= 10
    return next(size * part / 10 for part in (1.5, 2, 3, 4, 5, 6, 8, 10, 12) if size * part / 10 >= value)


def _availability_words(labels: Sequence[str], shares: Sequence[Share], target: float | None) -> str:
    known = [(one.value, label) for one, label in zip(shares, labels, strict=True) if one.value is not None]
    words = [f"{_ends(labels)}"]
    words += [f"target {percent(target)}"] if target is not None else []
    words += [f"lowest {percent(min(known)[0])} on {min(known)[1]}"] if known else []
    return "; ".join([*words, *_without(len(shares) - len(known))])


def _latency_words(labels: Sequence[str], seconds: Sequence[float | None], target: float | None) -> str:
    known = [(one, label) for one, label in zip(seconds, labels, strict=True) if one is not None]
    words = [f"{_ends(labels)}"]
    words += [f"target {brief(Kind.DURATION, target)}"] if target is not None else []
    words += [f"highest {brief(Kind.DURATION, max(known)[0])} on {max(known)[1]}"] if known else []
    return "; ".join([*words, *_without(len(seconds) - len(known))])


def _without(unknown: int) -> list[str]:
    return [f"{unknown} without data"] if unknown else []


def _ends(labels: Sequence[str]) -> str:
    return f"{labels[0]} to {labels[-1]}" if len(labels) > 1 else "".join(labels)


def _text(text: str) -> str:
    return escape(line(text))
