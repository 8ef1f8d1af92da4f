"""Ask one kind directly, with everything that a run would give it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.checks import Ask
from opsctl.secrets import Secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opsctl.checks import Check, Heartbeat
    from opsctl.outcome import Observation
    from opsctl.records import Result

NOW = 1_800_000_000.0


def probe(check: Check, **given: Any) -> Observation:
    """One observation; what may be given is as for `ask_for`."""
    return check.probe(ask_for(check, **given))


def ask_for(
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
    keys: frozenset[str] = frozenset(),
) -> Ask:
    """What a check is asked; `wanted` is every subject of the kind unless it is given."""
    everything = frozenset(name.partition(".")[0] for name in check.SUBJECTS)
    secrets = Secrets(environ or {}, root)
    return Ask(
        timeout,
        everything if wanted is None else wanted,
        secrets.resolve,
        environ or {},
        root,
        now,
        heartbeat,
        results,
        answers=answers,
        keys=keys,
    )
