"""What iterations carry against the share that improvements may take, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.formats.json_text import json_text
from opsctl.formats.metrics import percent
from opsctl.formats.summary import clean, moment, zoned
from opsctl.hours import worded
from opsctl.prose import count, line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.capacity import Load
    from opsctl.iterations import Planned


def write(planned: Planned, output: str) -> str:
    """Every iteration, the latest first; `output` is text or json."""
    if output == "json":
        loads = [_data(one) for one in planned.loads]
        head = {"workspace": clean(planned.workspace), "at": moment(planned.at)}
        return json_text({**head, "iterations": loads})
    lines = [text for one in planned.loads for text in load_lines(one, planned.at, planned.timezone)]
    return "".join(f"{one}\n" for one in lines)


def load_lines(load: Load, now: float, timezone: str) -> Iterator[str]:
    """An iteration in two lines: which, and what it carries."""
    one = load.iteration
    days = f"{zoned(one.starts, timezone)[:10]} to {zoned(one.ends, timezone)[:10]}"
    state = "over" if now >= one.ends else "on" if now >= one.starts else "ahead"
    yield f"{one.subject}  {line(one.title)}, {days}, {state}"
    yield f"    {load_words(load)}"


def load_words(load: Load) -> str:
    """`planned 30h of 32h (20% of 160h), spent 12h; 2 items without effort`."""
    one = load.iteration
    share = f"{percent(one.share)} of {worded(one.capacity)}"
    over = f", OVER by {worded(load.planned - load.allowed)}" if load.over else ""
    words = f"planned {worded(load.planned)} of {worded(load.allowed)} ({share}){over}"
    words += f", spent {worded(load.spent)} on what is done"
    notes = [f"{count('item', load.unestimated)} without effort"] if load.unestimated else []
    notes += [f"{load.unlogged} done without hours"] if load.unlogged else []
    return "; ".join([words, *notes])


def _data(load: Load) -> dict[str, Any]:
    one = load.iteration
    return {
        "iteration": one.subject,
        "title": clean(one.title),
        "starts": moment(one.starts),
        "ends": moment(one.ends),
        "capacity": one.capacity,
        "share": one.share,
        "allowed": load.allowed,
        "planned": load.planned,
        "spent": load.spent,
        "over": load.over,
        "unestimated": load.unestimated,
        "unlogged": load.unlogged,
        "items": [item.subject for item in load.items],
    }
