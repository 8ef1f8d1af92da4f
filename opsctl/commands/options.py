"""Options that several commands share, with the same names and the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Where = Annotated[
    Path | None,
    typer.Option("-C", "--directory", help="Act on the workspace of this folder.", envvar="OPSCTL_WORKSPACE"),
]
Selectors = Annotated[
    list[str] | None,
    typer.Argument(
        help="Services, service/check, globs, tag:T, tier:T, owner:O, or all.", metavar="[SELECTOR]...", show_default=False
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Write to this file, as a whole, in place of standard output.")
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing when all is well.")]
Json = Annotated[str, typer.Option("-o", "--output", help="text or json.", metavar="FORMAT")]
