"""Words for people: counts, lists, durations, sizes and times, and the neutralising of foreign text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# C0 controls but newline and tab, DEL, C1, and the marks that reorder or hide text.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
    "|[\U000e0000-\U000e007f]|[\ud800-\udfff]"
)


def safe(text: str) -> str:
    """Foreign text with every control, invisible and reordering character made visible."""
    return _UNSAFE.sub(_visible, text)


def line(text: str) -> str:
    """Foreign text as one line: as `safe`, and line breaks and tabs become spaces."""
    return safe(text.replace("\r\n", " ").replace("\n", " ").replace("\t", " ")).strip()


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(text: str, length: int) -> str:
    """The text cut to `length` characters, with an ellipsis where it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def count(noun: str, number: int, plural: str | None = None) -> str:
    """`1 check`, `3 checks`, `2 entries` (with `plural` where an s does not do)."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def ticked(words: Iterable[str], last: str = "or") -> str:
    """Names in backticks: `` `a`, `b` or `c` ``."""
    return listed([f"`{word}`" for word in words], last)


def suggestion(word: str, known: Iterable[str]) -> str:
    """` did you mean `x`?` for the nearest known name, or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}`?" if near else ""
