"""Options that several commands share, with the same names and the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opsctl.commands.completing import selectors
from opsctl.errors import UsageError


def _named(value: str | None) -> str | None:
    """An environment that has a name; a variable that is empty would stand for no environment at all."""
    if value is not None and not value.strip():
        raise UsageError("--env is empty; name an environment, or leave it out")
    return value


Where = Annotated[
    Path | None,
    typer.Option(
        "-C", "--directory", metavar="DIR", envvar="OPSCTL_WORKSPACE", show_envvar=False,
        help="Act on the workspace of this folder.",
    ),
]  # fmt: skip
Selectors = Annotated[
    list[str] | None,
    typer.Argument(
        autocompletion=selectors,
        help="Services, service/check, globs, tag:T, tier:T, owner:O, or all.",
        metavar="[SELECTOR]...",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write to this file, whole, not to standard output."),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing when all is well.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Format = Annotated[str, typer.Option("-o", "--output", metavar="FORMAT", help="text or json.")]
Environment = Annotated[str | None, typer.Option("--env", metavar="NAME", help="As prod.", callback=_named)]
ConcernedEnvironment = Annotated[
    str | None, typer.Option("--env", metavar="NAME", help="Only what concerns it.", callback=_named)
]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="When it happened; now by default.")]
Text = Annotated[list[str] | None, typer.Argument(help="In your words.", metavar="[TEXT]...")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why.")]
