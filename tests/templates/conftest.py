"""The tests of templates run hundreds of commands over files that stay as they are: what is the same is made once."""

from __future__ import annotations

from functools import cache

import pytest
import typer.main

from opsctl import cli, workspace


@cache
def built(word):
    return typer.main.get_command(BUILD([word]))


BUILD = cli.build
UNDERSTOOD = cache(workspace._understood)


@pytest.fixture(autouse=True)
def _the_same_is_made_once(monkeypatch):
    """The meaning of a file follows from its bytes, and the command line of a group from its first word."""
    monkeypatch.setattr(workspace, "_understood", UNDERSTOOD)
    monkeypatch.setattr(cli, "build", lambda arguments: built(arguments[0]))
