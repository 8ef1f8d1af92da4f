"""JSON in which a key stands twice: parsers differ in which of both they take, so neither is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opsctl.expression import Expectation

_ESCAPED = frozenset('"\\/')


class RepeatedKeyError(Exception):
    """A key that matters stands twice in one object; `str(error)` says which."""


def keys_of(expectations: Iterable[Expectation]) -> frozenset[str]:
    """The keys that the paths of expectations lead through."""
    return frozenset(step for one in expectations for step in one.path if isinstance(step, str))


def watching(data: bytes, keys: frozenset[str]) -> Callable[[list[tuple[str, Any]]], Any] | None:
    """What `json.loads` makes objects of `data` with, as `object_pairs_hook`, to raise RepeatedKeyError.

    None where none of `keys` can stand in it twice, which is seen in a tenth of the time.
    """
    if all(_once(data, key) for key in keys):
        return None

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            watched = [key for key, _ in pairs if key in keys]
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
