"""Take values from the output of a step: by a regular expression with one group, or by a JSON path."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.runbooks import Capture

_STEP = re.compile(r"\.?([\w-]+)|\[([0-9]+)\]")


def captured(captures: Mapping[str, Capture], output: str) -> dict[str, str]:
    """Every value; ValueError, in words, where one is not there."""
    return {name: _one(name, capture, output) for name, capture in captures.items()}


def _one(name: str, capture: Capture, output: str) -> str:
    if capture.pattern is not None:
        found = capture.pattern.search(output)
        if found is None or not found.groups():
            raise ValueError(f"`{name}` is not in the output: nothing matches {capture.pattern.pattern}")
        return str(found[1])
    try:
        value = json.loads(output)
        for step in _STEP.finditer(capture.json or ""):
            value = value[int(step[2])] if step[2] else value[step[1]]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"`{name}` is not in the output: {capture.json} leads nowhere") from error
    if isinstance(value, dict | list):
        return json.dumps(value)
    return value if isinstance(value, str) else json.dumps(value)
