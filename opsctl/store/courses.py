"""The course of checks over a window: which state counted when."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from opsctl.store.rows import STATES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from opsctl.outcome import State


class Stretch(NamedTuple):
    """A time in which one state counted, in milliseconds; its ends may lie outside of the window."""

    state: State
    started: int
    ended: int


_SPANS = """
    SELECT c.name, s.state, s.started, s.ended
    FROM json_each(?) AS wanted
    CROSS JOIN checks AS c ON c.name = wanted.value
    CROSS JOIN spans AS s ON s.check_id = c.id
    WHERE s.started < ? AND s.ended > ?
    ORDER BY s.check_id, s.started, s.id
"""


def courses(db: sqlite3.Connection, names: Iterable[str], since: int, until: int) -> dict[str, list[Stretch]]:
    """The stretches of each of the checks that touch the window, in order; none for one without data.

    Where two spans claim the same instant, as after the clock was put back, the first has it.
    """
    found: dict[str, list[Stretch]] = {name: [] for name in names}
    for name, state, started, ended in db.execute(_SPANS, (json.dumps(list(found)), until, since)):
        begin = max(started, found[name][-1].ended) if found[name] else started
        if begin < ended:
            found[name].append(Stretch(STATES[state], begin, ended))
    return found
