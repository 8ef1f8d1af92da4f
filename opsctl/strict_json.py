"""JSON read strictly: no words that it does not know, and no key that stands twice where it matters.

Parsers differ in which of two equal keys they take, so neither is believed.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opsctl.expression import Expectation

_ESCAPED = frozenset('"\\/')


class RepeatedKeyError(Exception):
    """A key that matters stands twice in one object; `str(error)` says which."""


def keys_of(expectations: Iterable[Expectation]) -> frozenset[str]:
    """The keys that the paths of expectations lead through."""
    return frozenset(step for one in expectations for step in one.path if isinstance(step, str))


def read_json(data: bytes | str, keys: frozenset[str] | None, *, finite: bool = False) -> Any:
    """The value that `data` writes; with `finite`, numbers beyond what a float holds are refused too.

    RepeatedKeyError where one of `keys` (None: any key) stands twice in an object, ValueError or
    RecursionError for what is no JSON, `NaN` included.
    """
    watched = _watching(data.encode(errors="replace") if isinstance(data, str) else data, keys)
    number = _finite if finite else None
    return json.loads(data, parse_constant=_refuse, parse_float=number, object_pairs_hook=watched)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON value")


def _finite(written: str) -> float:
    value = float(written)
    if not isfinite(value):
        raise ValueError(f"{written} is too large a number")
    return value


def _watching(data: bytes, keys: frozenset[str] | None) -> Callable[[list[tuple[str, Any]]], Any] | None:
    """What objects are made with; None where none of `keys` can stand twice, seen in a tenth of the time."""
    if keys is not None and all(_once(data, key) for key in keys):
        return None

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            watched = [key for key, _ in pairs if keys is None or key in keys]
            for key in watched:
                if watched.count(key) > 1:
                    raise RepeatedKeyError(f"JSON in which `{key}` stands twice in one object")
        return found

    return made


def _once(data: bytes, key: str) -> bool:
    """Whether a key stands there once at most, as far as counting its letters can tell."""
    spelt_plainly = key.isprintable() and _ESCAPED.isdisjoint(key)
    # A NUL is of another encoding than UTF-8.
    if not spelt_plainly or b"\0" in data or (b"\\" in data and b"\\u" in data):
        return False
    return data.count(f'"{key}"'.encode()) < 2
