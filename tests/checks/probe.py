"""Ask one kind directly, with everything that a run would give it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.checks import Ask
from opsctl.secrets import Secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opsctl.checks import Check, Heartbeat
    from opsctl.outcome import Observation
    from opsctl.records import Result

NOW = 1_800_000_000.0


def probe(
    check: Check,
    *,
    timeout: float = 2.0,
    wanted: frozenset[str] | None = None,
    environ: Mapping[str, str] | None = None,
    root: Path = Path(),
    now: float = NOW,
    heartbeat: Callable[[str], Heartbeat | None] = lambda _name: None,
    results: Callable[[Sequence[str]], Sequence[Result]] = lambda _selectors: (),
    answers: Path | None = None,
) -> Observation:
    """One observation; `wanted` is every subject of the kind unless it is given."""
    everything = frozenset(name.partition(".")[0] for name in check.SUBJECTS)
    secrets = Secrets(environ or {}, root)
    ask = Ask(
        timeout,
        everything if wanted is None else wanted,
        secrets.resolve,
        environ or {},
        root,
        now,
        heartbeat,
        results,
        answers=answers,
    )
    return check.probe(ask)
