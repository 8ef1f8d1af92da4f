"""What today's expectations would have said, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean, moment, short_moment
from opsctl.prose import count, listed, safe, shorten, ticked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.formats import Output
    from opsctl.replaying import Replay, Replayed

_LONGEST = 200


def write(replay: Replay, output: str, out: Output) -> str:
    """The checks in the order of the workspace, those that would change last."""
    if output == "json":
        checks = [_document(one) for one in replay.checks]
        facts = {
            "workspace": clean(replay.workspace),
            "since": moment(replay.since),
            "checks": checks,
            "exit_code": int(replay.exit_code),
        }
        return json_text(facts)
    ordered = sorted(replay.checks, key=lambda one: (one.mended + one.broken > 0, sum(one.within)))
    if out.width is None:
        return "".join(f"{one.check}\t{'; '.join(_parts(one))}\n" for one in ordered) + _total(replay)
    blocks = ("\n    ".join([one.check, *_parts(one)]) + "\n" for one in ordered)
    return "".join(blocks) + "\n" + _total(replay)


def _document(one: Replayed) -> dict[str, object]:
    alarms = {"alarmed": one.alarmed._asdict(), "alarms": one.alarms._asdict()}
    untold = [clean(text) for text in one.untold]
    return {**one._asdict(), "within": sum(one.within), **alarms, "untold": untold}


def _parts(one: Replayed) -> Iterator[str]:
    if one.alarms.number or one.alarmed.number:
        yield _alarming([one])
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
    if one.others:
        yield f"{count('pass', one.others, 'passes')} without evidence"
    if one.nothing:
        yield "nothing is recorded"
    if one.untold:
        yield f"no record for {shorten(ticked(map(safe, one.untold), 'and'), _LONGEST)}"


def _lying(within: int) -> str:
    return f" ({within} of them in an incident)" if within else ""


def _alarming(checks: Sequence[Replayed]) -> str:
    """`would have alarmed 4 times, 1 of them in an incident (it did 2 times)`."""
    did = sum(one.alarmed.number for one in checks)
    number, within = (sum(one.alarms[at] for one in checks) for at in (0, 1))
    lying = f", {within} of them in an incident" if number else ""
    return f"would have alarmed {count('time', number)}{lying} (it did {count('time', did)})"


def _total(replay: Replay) -> str:
    changed = sum(one.mended + one.broken for one in replay.checks)
    unclear = sum(one.unclear for one in replay.checks)
    assumed = unclear + sum(one.others for one in replay.checks)
    unless = ", if what cannot be told stays as it was" if assumed else ""
    since = short_moment(replay.since)
    return (
        f"{count('result', changed)} would change since {since}; {unclear} cannot be told\n"
        f"{_alarming(replay.checks)}{unless}\n"
    )
