"""JSON as every command writes it: one document, its `format_version` first, indented, and strict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT_VERSION = "1.0"
"""It grows by a minor for additions only."""


def json_text(data: Mapping[str, Any]) -> str:
    """The data as a document; ValueError for a number that JSON has no word for."""
    return json.dumps({"format_version": FORMAT_VERSION, **data}, indent=2, allow_nan=False) + "\n"
