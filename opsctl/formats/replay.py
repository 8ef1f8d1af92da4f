"""What today's expectations would have said, as text or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsctl.formats.summary import clean, moment, short_moment
from opsctl.prose import count, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.replaying import Replay, Replayed


def write(replay: Replay, output: str) -> str:
    """The checks in the order of the workspace, those that would change last."""
    if output == "json":
        checks = [{**one._asdict(), "within": sum(one.within)} for one in replay.checks]
        facts = {"workspace": clean(replay.workspace), "since": moment(replay.since), "checks": checks}
        return json.dumps({"format_version": "1.0", **facts}, indent=2) + "\n"
    ordered = sorted(replay.checks, key=lambda one: (one.mended + one.broken > 0, sum(one.within)))
    return "".join(f"{one.check}\t{'; '.join(_parts(one))}\n" for one in ordered) + _total(replay)


def _parts(one: Replayed) -> Iterator[str]:
    recorded = one.good + one.bad
    if recorded:
        yield f"recorded {one.good} up, {one.bad} not up"
        unclear = f", {one.unclear} cannot be told" if one.unclear else ""
        yield f"now {one.up} up, {one.not_up} not up{unclear}"
    if one.mended:
        yield f"{one.mended} would be up{_lying(one.within[0])}"
    if one.broken:
        yield f"{one.broken} would no longer be up{_lying(one.within[1])}"
    if one.incidents:
        yield listed(list(one.incidents))
    if one.others or not recorded:
        yield f"{count('pass', one.others, 'passes')} without evidence"


def _lying(within: int) -> str:
    return f" ({within} of them in an incident)" if within else ""


def _total(replay: Replay) -> str:
    changed = sum(one.mended + one.broken for one in replay.checks)
    unclear = sum(one.unclear for one in replay.checks)
    since = short_moment(replay.since)
    return f"{count('result', changed)} would change since {since}; {unclear} cannot be told\n"
