"""Results as they were recorded, one after the other, with all that is known of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from opsctl.outages import Rules
from opsctl.outcome import Cause
from opsctl.records import Judged, Result
from opsctl.store.rows import STATES, millis, seconds
from opsctl.store.shapes import Shape, shapes, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from opsctl.store.opening import Store

_PAGE = 10_000
_NONE: Shape = ((), ())
_RESULTS = """
    SELECT c.name, r.at, r.state, r.cause, r.message, r.latency, r.attempts, e.body,
        r.shape_id, r.seen, u.fail_after, u.ok_after, u.lapse
    FROM results AS r
    CROSS JOIN checks AS c ON c.id = r.check_id
    CROSS JOIN rules AS u ON u.id = r.rules_id
    LEFT JOIN evidence AS e ON e.result_id = r.id
    WHERE r.id > ? AND r.id <= ? AND r.at >= ?
        AND r.check_id IN (SELECT id FROM checks WHERE name IN (SELECT value FROM json_each(?)))
    ORDER BY r.id
"""


class Recorded(NamedTuple):
    """A result, the rules by which it counted, and whether it has more to tell than its state.

    What a pass met is in `result.judged` too, without what was found.
    """

    result: Result
    rules: Rules
    telling: bool


def recorded(store: Store, names: Iterable[str], since: float) -> Iterator[Recorded]:
    """The results of the checks since a time (UTC epoch seconds), in the order in which they were recorded.

    The store is read in pages and left alone between them, so that a long replay keeps nobody from writing.
    """
    first, last = store.db.execute(
        "SELECT min(first_result), max(last_result) FROM runs WHERE latest >= ?", (millis(since),)
    ).fetchone()
    if first is None:
        return
    # After the last result is known, so that none of them has a shape that is not.
    known, wanted = shapes(store.db), json.dumps(list(names))
    met = {one: tuple(Judged(text, True, "") for text in shape[0]) for one, shape in known.items()}
    for after in range(first - 1, last, _PAGE):
        page = (after, min(after + _PAGE, last), millis(since), wanted)
        for row in store.db.execute(_RESULTS, page).fetchall():
            yield _recorded(row, known, met)


def _recorded(row: tuple[Any, ...], known: dict[int, Shape], met: dict[int, tuple[Judged, ...]]) -> Recorded:
    result, shape_id, packed = result_of(row[:8]), row[8], row[9]
    rules = Rules(*row[10:])
    if shape_id is None:
        return Recorded(result, rules, row[7] is not None)
    seen = values_of(known.get(shape_id, _NONE)[1], packed)
    if result.latency is not None:
        seen["latency"] = result.latency
    # Only where all were met there is no evidence.
    judged = result.judged or met[shape_id]
    return Recorded(Result(*result[:7], judged, *result[8:10], seen), rules, True)


def result_of(row: tuple[str, int, int, str | None, str, int | None, int, str | None]) -> Result:
    """The result in the columns name, at, state, cause, message, latency, attempts, body of its evidence."""
    name, at, state, cause, message, latency, attempts, body = row
    kept = json.loads(body) if body else {"judged": [], "phases": {}, "evidence": {}}
    return Result(
        name,
        seconds(at),
        STATES[state],
        Cause(cause) if cause else None,
        message,
        None if latency is None else latency / 1e6,
        attempts,
        tuple(Judged(*each) for each in kept["judged"]),
        kept["phases"],
        kept["evidence"],
    )
