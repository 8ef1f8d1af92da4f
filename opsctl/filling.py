"""Fill values into texts: `{{ host }}` becomes the value, and the value is never read again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_BLANK = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def names(text: str) -> Iterator[str]:
    """The names that stand in the text; ValueError where one is none."""
    for found in _BLANK.finditer(text):
        name = found[1].strip()
        if not _NAME.fullmatch(name):
            raise ValueError(f"`{found[0]}` names no value; write `{{{{ name }}}}`")
        yield name


def fill(text: str, values: Mapping[str, str], between: Callable[[str], str] = str) -> str:
    """The text with every value in its place, and `between` of all that is no value.

    LookupError where a value is not known. Neither what is filled in nor what `between` makes is read again.
    """
    parts = enumerate(_BLANK.split(text))
    return "".join(_value(part.strip(), values) if at % 2 else between(part) for at, part in parts)


def _value(name: str, values: Mapping[str, str]) -> str:
    try:
        return values[name]
    except KeyError as error:
        words = f"`{name}` has no value; a secret that a step found is not kept when a run is left"
        raise LookupError(words) from error
