"""A workspace and its store, in which checks are seen in few words."""

from __future__ import annotations

import pytest
from watching.shop import Shop


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)
