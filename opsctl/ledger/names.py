"""Names that people say: `INC-7`, `inc7`, or `7` where only incidents are meant."""

from __future__ import annotations

import re

from opsctl.errors import UsageError
from opsctl.prose import line, shorten

_COMMAND = re.compile(r"(?:command )?([1-9][0-9]{0,17})", re.ASCII)
_NAME = re.compile(r"(?:([A-Za-z]+)-?)?([1-9][0-9]{0,8})", re.ASCII)


def subject_named(text: str, prefix: str) -> str:
    """The subject that `text` names, of the kind `prefix`; UsageError where it names none."""
    found = _NAME.fullmatch(text.strip())
    if found is None or (found[1] or prefix).upper() != prefix:
        raise UsageError(f"`{line(shorten(text, 40))}` is no name as {prefix}-7; write {prefix}-7 or 7")
    return f"{prefix}-{found[2]}"


def is_named(text: str) -> bool:
    """Whether a text is a name such as `INC-7`, `ops3` or `7`."""
    return _NAME.fullmatch(text.strip()) is not None


def command_named(text: str) -> int:
    """The number of `31` or `command 31`; UsageError for anything else."""
    found = _COMMAND.fullmatch(" ".join(text.lower().split()))
    if found is None:
        raise UsageError(
            f"`{line(shorten(text, 40))}` is no command's number; write 31, as `opsctl log` shows it"
        )
    return int(found[1])


def number_of(subject: str) -> int:
    """7 of `INC-7`."""
    return int(subject.partition("-")[2])
