"""Take values from an output or an answer: by a regular expression with one group, or by a JSON path."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from opsctl.limits import Doc, Matching
from opsctl.strict_json import RepeatedKeyError, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Variable = Annotated[str, Matching(r"[a-z][a-z0-9_]{0,63}", "lower-case letters, digits and `_`, at most 64")]
_STEP = re.compile(r"\.?([\w-]+)|\[([0-9]+)\]")


@dataclass(frozen=True, kw_only=True)
class Capture:
    """Where in the output a value stands: a regular expression with one group, or a JSON path."""

    pattern: Annotated[re.Pattern[str] | None, Doc("With one group, the value.")] = None
    json: Annotated[str | None, Doc("A path, as `items[0].name`.")] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        """Exactly one of both."""
        if (self.pattern is None) == (self.json is None):
            yield "pattern", "write either `pattern` or `json`"


def captured(captures: Mapping[str, Capture], output: str) -> dict[str, str]:
    """Every value; ValueError, in words, where one is not there."""
    return {name: _one(name, capture, output) for name, capture in captures.items()}


def _one(name: str, capture: Capture, output: str) -> str:
    if capture.pattern is not None:
        found = capture.pattern.search(output)
        if found is None or not found.groups():
            raise ValueError(f"`{name}` is not in the output: nothing matches {capture.pattern.pattern}")
        return str(found[1])
    keys = frozenset(step[1] for step in _STEP.finditer(capture.json or "") if step[1])
    try:
        value = read_json(output, keys)
        for step in _STEP.finditer(capture.json or ""):
            value = value[int(step[2])] if step[2] else value[step[1]]
    except RepeatedKeyError as error:
        raise ValueError(f"`{name}` is not in the output: it is {error}") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"`{name}` is not in the output: {capture.json} leads nowhere") from error
    if isinstance(value, dict | list):
        return json.dumps(value)
    return value if isinstance(value, str) else json.dumps(value)
