"""What `opsctl practice` is asked, and what it finds: claims, their score, and its course over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import ExitCode, UsageError
from opsctl.moments import moment
from opsctl.outcome import Kind
from opsctl.proofs import claims_at
from opsctl.prose import line, shorten, suggestion, ticked
from opsctl.scoring import GROUPS, STATES, grouped, score, select
from opsctl.store.opening import open_store
from opsctl.units import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.definitions import Workspace
    from opsctl.scoring import Claim, Score, State

_WEEK = 7 * 86400.0
_MOST_WEEKS = 260


class Asked(NamedTuple):
    """What is asked, as it was typed."""

    selectors: Sequence[str] = ()
    by: str | None = None
    only: str | None = None
    at: str | None = None
    trend: str | None = None
    least: str | None = None


class Practice(NamedTuple):
    """What is claimed, as it stood `at` (UTC epoch seconds).

    `shown` are the claims in the states that were asked for, `groups` the scores by what they were asked by,
    `trend` those of weeks. `least` is the share that is enough, from 0 to 100. `unmatched` are the selectors
    that mean nothing, with what may have been meant.
    """

    workspace: str
    timezone: str
    at: float
    shown: tuple[Claim, ...]
    score: Score
    least: float
    by: str | None = None
    groups: Mapping[str, Score] = {}
    trend: tuple[tuple[float, Score], ...] = ()
    unmatched: tuple[tuple[str, str], ...] = ()


def practice(workspace: Workspace, asked: Asked, now: float) -> Practice:
    """What the workspace claims, with its proofs.

    Raises UsageError for what cannot be asked, and StoreError where the store cannot be read.
    """
    at = now if asked.at is None else moment(asked.at, now, workspace.timezone, "--at")
    states, weeks = _states(asked.only), _weeks(asked.trend)
    least = 100.0 if asked.least is None else _percent(asked.least)
    if asked.by is not None and asked.by not in GROUPS:
        raise UsageError(f"--by `{line(shorten(asked.by, 40))}` is not one of {ticked(GROUPS)}")
    moments = [at - _WEEK * week for week in range(weeks - 1, 0, -1)] + [at]
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        course = [select(claims, asked.selectors) for claims in claims_at(db, workspace, moments, now)]
        everything = next(claims_at(db, workspace, [at], now)) if course[-1][1] else []
    claims, unmatched = course[-1]
    ordered = sorted(claims, key=lambda one: STATES.index(one.state))
    return Practice(
        workspace=workspace.name,
        timezone=workspace.timezone,
        at=at,
        shown=tuple(one for one in ordered if one.state in states),
        score=score(claims),
        least=least,
        by=asked.by,
        groups={} if asked.by is None else grouped(claims, asked.by),
        trend=tuple((when, score(some)) for when, (some, _) in zip(moments, course, strict=True))
        if asked.trend is not None
        else (),
        unmatched=tuple((one, _hint(one, everything)) for one in unmatched),
    )


def exit_code(found: Practice) -> ExitCode:
    """0 where enough is proven, 1 where it is not, 3 where nothing is claimed, or was not found."""
    if found.unmatched or not found.score.total:
        return ExitCode.UNKNOWN
    return ExitCode.YES if found.score.reaches(found.least) else ExitCode.NO


def _states(text: str | None) -> tuple[State, ...]:
    if text is None:
        return STATES
    wanted = [one.strip() for one in text.split(",")]
    for one in wanted:
        if one not in STATES:
            hint = suggestion(one, STATES)
            raise UsageError(f"--only `{line(shorten(one, 40))}` is not one of {ticked(STATES)}{hint}")
    return tuple(state for state in STATES if state in wanted)


def _weeks(text: str | None) -> int:
    if text is None:
        return 1
    try:
        weeks = parse(Kind.DURATION, text) / _WEEK
    except ValueError as error:
        raise UsageError(f"--trend `{line(shorten(text, 40))}`: {error}") from error
    if weeks != int(weeks) or not 1 <= weeks <= _MOST_WEEKS:
        words = f"is no number of weeks from 1 to {_MOST_WEEKS}; write it as 12w"
        raise UsageError(f"--trend `{line(shorten(text, 40))}` {words}")
    return int(weeks)


def _percent(text: str) -> float:
    try:
        least = parse(Kind.PERCENT, text)
    except ValueError as error:
        raise UsageError(f"--min `{line(shorten(text, 40))}`: {error}") from error
    if not 0 <= least <= 100:
        raise UsageError(f"--min `{line(shorten(text, 40))}` is not from 0% to 100%")
    return least


def _hint(selector: str, claims: Sequence[Claim]) -> str:
    """What may have been meant by a selector that means nothing."""
    names = {name for one in claims for name in (one.name, *one.services)}
    fields = {f"tag:{tag}" for one in claims for tag in one.tags}
    fields |= {f"owner:{one.owner}" for one in claims if one.owner} | {f"kind:{one.kind}" for one in claims}
    return suggestion(selector, sorted(fields if ":" in selector else names))
