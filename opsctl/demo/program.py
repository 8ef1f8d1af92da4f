"""This very opsctl as a program: how the demo calls it, and with what environment."""

from __future__ import annotations

import os
import sys

# What would lead it to another workspace, another store or another time.
_ASTRAY = frozenset({"OPSCTL_DB", "OPSCTL_NOW", "OPSCTL_WORKSPACE"})


def module(name: str) -> list[str]:
    """The first words of a command line that runs a module, and never one of the folder it runs in."""
    return [sys.executable, "-P", "-m", name]


def environment() -> dict[str, str]:
    """The environment of this process, less what would lead a command away from the demo's workspace."""
    return {name: value for name, value in os.environ.items() if name not in _ASTRAY}
