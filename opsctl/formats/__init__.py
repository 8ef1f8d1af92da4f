"""The output formats of `opsctl check`: one file each, one line here each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.errors import ExitCode
    from opsctl.records import CheckRun

FORMATS: Mapping[str, str] = {
    "text": "text",
    "json": "json_document",
    "ndjson": "json_lines",
    "csv": "csv_rows",
    "junit": "junit",
    "github": "github",
    "nagios": "nagios",
    "prometheus": "prometheus",
    "markdown": "markdown",
}


class Output(NamedTuple):
    """Who reads it. `width` is a terminal's columns, None where there is no terminal.

    `exit_code` is what the command will answer; None where what stands decides alone.
    """

    colour: bool = False
    width: int | None = None
    ascii: bool = False
    quiet: bool = False
    explain: bool = False
    environ: Mapping[str, str] = {}
    exit_code: ExitCode | None = None


class Format(Protocol):
    """What each file of this folder offers."""

    def write(self, run: CheckRun, out: Output) -> str:
        """The run as text, ending with a line break unless it is empty."""
        ...


def load(name: str) -> Format:
    """The format called `name`, one of `FORMATS`."""
    module: Format = import_module(f"opsctl.formats.{FORMATS[name]}")
    return module
