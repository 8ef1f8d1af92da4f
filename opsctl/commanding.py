"""Run a command as items and steps do: an argument list, a clean environment, one deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from opsctl.processes import Ran

# What programs need to find others, their user's files, their language and the time of day. Everything else,
# secrets first of all, a command gets only where its definition says so.
INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSH_AUTH_SOCK")
_KEEP = 32 * 1024


class Command(NamedTuple):
    """A program with its arguments, where it runs, and the variables that it gets beside those of all."""

    argv: Sequence[str]
    directory: Path
    variables: Mapping[str, str] = {}
    stdin: str | None = None


def carry_out(
    command: Command,
    *,
    environ: Mapping[str, str],
    timeout: float,
    tee: Callable[[bytes], None] | None = None,
) -> Ran:
    """Run it and wait for it, `timeout` seconds at most; `tee` is given its output as it comes.

    Raises OSError where it cannot be started, and ValueError where an argument holds a NUL.
    """
    from opsctl.processes import run

    inherited = {name: environ[name] for name in INHERITED if name in environ}
    return run(
        command.argv,
        timeout=timeout,
        directory=command.directory,
        environment={**inherited, **command.variables},
        stdin=None if command.stdin is None else command.stdin.encode("utf-8", "surrogateescape"),
        keep=_KEEP,
        tee=tee,
    )
