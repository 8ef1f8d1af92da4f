"""`opsctl routine export` in a workspace with routines of every kind of schedule."""

from __future__ import annotations

import pytest
from commands.routine_export.shop import SHOP


@pytest.fixture
def shop(opsctl):
    opsctl.write("opsctl.yaml", SHOP)

    def export(*arguments):
        return opsctl("routine", "export", *arguments)

    return export
