"""Plain command lines of `opsctl check`, read without Typer, whose import takes half of a start.

Cron runs one every minute. What is not plain, a mistake above all, is None here, and Typer's to read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.commands.check_run import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_FLAGS = {
    "--failed": ("failed", True),
    "-q": ("quiet", True),
    "--quiet": ("quiet", True),
    "--explain": ("explain", True),
    "--list": ("dry_run", True),
    "--dry-run": ("dry_run", True),
    "--record": ("record", True),
    "--no-record": ("record", False),
}
_VALUES = {
    "-x": "exclude",
    "--exclude": "exclude",
    "-o": "output",
    "--output": "output",
    "--out": "out",
    "--timeout": "timeout",
    "--fail-on": "fail_on",
    "--exit-style": "exit_style",
    "--wait": "wait",
    "--every": "every",
    "--since-baseline": "since_baseline",
    "--save-baseline": "save_baseline",
    "-C": "where",
    "--directory": "where",
}
_PATHS = ("out", "where")


def read(words: Sequence[str], environ: Mapping[str, str]) -> Asked | None:
    """What the words after `check` ask for; None where they are not plain."""
    given: dict[str, object] = {}
    many: dict[str, list[str]] = {"selectors": [], "exclude": []}
    rest = iter(words)
    for word in rest:
        if word in _FLAGS:
            name, value = _FLAGS[word]
            given[name] = value
        elif not word.startswith("-"):
            many["selectors"].append(word)
        else:
            name, text = _option(word, rest)
            if not name or not text or text.startswith("-"):
                return None
            if name in many:
                many[name].append(text)
            else:
                given[name] = Path(text) if name in _PATHS else text
    if "where" not in given and environ.get("OPSCTL_WORKSPACE"):
        given["where"] = Path(environ["OPSCTL_WORKSPACE"])
    return Asked(**{name: tuple(texts) for name, texts in many.items()}, **given)  # type: ignore[arg-type]  # as named


def _option(word: str, rest: Iterator[str]) -> tuple[str, str]:
    """The option of a word and its value, which may be the next word; empty where they are not plain."""
    if word.startswith("--") and "=" in word:
        word, _, text = word.partition("=")
        return _VALUES.get(word, ""), text
    name = _VALUES.get(word, "")
    return name, next(rest, "") if name else ""
