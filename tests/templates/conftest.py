"""The tests of templates run hundreds of commands over files that stay as they are: each is understood once."""

from __future__ import annotations

from functools import cache

import pytest

from opsctl import workspace

UNDERSTOOD = cache(workspace._understood)


@pytest.fixture(autouse=True)
def _a_file_is_understood_once(monkeypatch):
    """What a file says follows from its bytes and its name, and nothing changes it afterwards."""
    monkeypatch.setattr(workspace, "_understood", UNDERSTOOD)
