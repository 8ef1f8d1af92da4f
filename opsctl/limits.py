"""What a field may be: the annotations that reading checks and the JSON Schema prints."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from opsctl.outcome import Kind


class Between(NamedTuple):
    """A number from `least` to `most`, both allowed."""

    least: float
    most: float


class NotEmpty(NamedTuple):
    """A text, list or mapping with something in it."""


class Matching(NamedTuple):
    """A text that `pattern` (a regular expression) matches as a whole; `words` describe it to people."""

    pattern: str
    words: str


class Unit(NamedTuple):
    """A number written with a unit: `10s`, `1MB`, `90%`."""

    kind: Kind


class Doc(NamedTuple):
    """What the field is for, in one sentence."""

    text: str


Seconds = Annotated[float, Unit(Kind.DURATION)]
Bytes = Annotated[int, Unit(Kind.SIZE)]
Percent = Annotated[float, Unit(Kind.PERCENT)]
Name = Annotated[
    str, Matching(r"[a-z0-9][a-z0-9._-]{0,63}", "lower-case letters, digits, `.`, `_` and `-`, at most 64")
]


class OneOrMore:
    """A list that may be written as its only member."""

    # No NamedTuple: without fields it would equal NotEmpty(), and typing caches annotations by equality.
