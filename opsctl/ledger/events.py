"""An event: one recorded fact, sealed by a digest that covers everything before it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

GENESIS = bytes(32)
UNDONE = "command.undone"
_HALF = re.compile("[\ud800-\udfff]")


class Event(NamedTuple):
    """One fact. Times are UTC epoch seconds to the millisecond: when it happened, and when that was recorded.

    `command` is the id of the first event of the command that recorded it: one command, one undo. `words` is
    that command as it was typed.
    """

    id: int
    command: int
    recorded: float
    occurred: float
    actor: str
    host: str
    words: str
    kind: str
    subject: str
    body: Mapping[str, Any]


class Actor(NamedTuple):
    """Who acts: a person or a part of opsctl, on which machine, by which words."""

    name: str
    host: str
    words: str


def prefix_of(subject: str) -> str:
    """`INC` of `INC-7`."""
    return subject.partition("-")[0]


def canonical(body: Mapping[str, Any] | tuple[Any, ...]) -> str:
    """A body as the one JSON text that is stored and sealed; ValueError for numbers that are not finite.

    Half a surrogate pair has no UTF-8, so it is spelt out.
    """
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    spelt = _HALF.sub(lambda found: f"\\\\u{ord(found[0]):04x}", text)
    # A key that is spelt out may come elsewhere in the order.
    return text if spelt == text else canonical(json.loads(spelt))


def seal(previous: bytes, event: Event) -> bytes:
    """SHA-256 over the digest of the event before and all fields of this one, as one JSON array."""
    from hashlib import sha256

    fields = [*event[:-1], canonical(event.body)]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return sha256(previous + text.encode()).digest()


def undone_commands(undos: Mapping[int, int]) -> set[int]:
    """The commands that do not count, of `{undoing: undone}` commands; an undo may itself be undone."""
    undone: set[int] = set()
    for command in sorted(undos, reverse=True):
        if command not in undone:
            undone.add(undos[command])
    return undone


def thaw(value: Any) -> Any:
    """A value read from JSON with tuples for lists, so that records compare equal."""
    if isinstance(value, list):
        return tuple(thaw(one) for one in value)
    if isinstance(value, dict):
        return {key: thaw(one) for key, one in value.items()}
    return value
