"""What the steps that run a command share: its output as it comes, and what its end means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.commanding import carry_out
from opsctl.prose import line, shorten
from opsctl.secrets import SecretMissingError
from opsctl.step_kinds import Done

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opsctl.commanding import Command
    from opsctl.step_kinds import Scene

# What a shell exits with where it cannot run what it was told to.
_NOT_RUN = frozenset({126, 127})


def perform(scene: Scene, command: Callable[[], Command], exit_codes: Sequence[int]) -> Done:
    """Run the command; failed where it cannot be run, takes too long or ends otherwise than it should."""
    try:
        ran = carry_out(command(), environ=scene.environ, timeout=scene.timeout, tee=scene.emit)
    except (OSError, ValueError, SecretMissingError) as error:
        return Done("failed", line(scene.secrets.mask(str(error))))
    head, tail = (scene.secrets.mask(text) for text in _ends(ran.stdout.text + ran.stderr.text))
    left_out = ran.stdout.left_out + ran.stderr.left_out
    if ran.timed_out:
        words = f"it still ran after {scene.timeout:g} s and was ended"
        return Done("failed", words, None, head, tail, left_out, acted=True)
    well = ran.exit_code in exit_codes
    said = (
        ran.stdout.text.strip().splitlines()
        if well
        else (ran.stderr.text or ran.stdout.text).strip().splitlines()
    )
    last = f": {line(shorten(scene.secrets.mask(said[-1]), 200))}" if said else ""
    outcome = "ok" if well else "failed"
    return Done(
        outcome,  # type: ignore[arg-type]
        f"exit code {ran.exit_code}{last}",
        ran.exit_code,
        head,
        tail,
        left_out,
        {"stdout": ran.stdout.text},
        acted=not well and ran.signal is not None,
        sure=not well and ran.signal is None and ran.exit_code not in _NOT_RUN,
    )


def _ends(text: str, most: int = 16_000) -> tuple[str, str]:
    return (text, "") if len(text) <= 2 * most else (text[:most], text[-most:])
