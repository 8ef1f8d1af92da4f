"""The command lines that cron runs, read without Typer, whose import takes a good part of a start.

What is not plain, a mistake above all, is None here, and Typer's to read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from opsctl.commands.check_run import Asked

# The option's field, and what it sets there.
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
_DUE = frozenset({"--due", "-q", "--quiet"})


def plain(words: Sequence[str], environ: Mapping[str, str]) -> Callable[[], int] | None:
    """What does what a command line asks for, and answers the exit code; None where it is not plain."""
    if words[:1] == ["check"]:
        asked = check_asked(words[1:], environ)
        if asked is not None:
            from opsctl.commands.check_run import answer

            return lambda: answer(asked)
    elif words[:2] == ["routine", "run"] and "--due" in words and _DUE.issuperset(words[2:]):
        return lambda: _run_due(_home(environ), quiet=len({*words[2:]}) > 1)
    return None


def check_asked(words: Sequence[str], environ: Mapping[str, str]) -> Asked | None:
    """What the words after `check` ask for; None where they are not plain."""
    from opsctl.commands.check_run import Asked

    given: dict[str, object] = {"where": _home(environ)}
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
    return Asked(**{name: tuple(texts) for name, texts in many.items()}, **given)  # type: ignore[arg-type]  # as named


def _option(word: str, rest: Iterator[str]) -> tuple[str, str]:
    """The option of a word and its value, which may be the next word; empty where they are not plain."""
    if word.startswith("--") and "=" in word:
        word, _, text = word.partition("=")
        return _VALUES.get(word, ""), text
    name = _VALUES.get(word, "")
    return name, next(rest, "") if name else ""


def _home(environ: Mapping[str, str]) -> Path | None:
    return Path(environ["OPSCTL_WORKSPACE"]) if environ.get("OPSCTL_WORKSPACE") else None


def _run_due(where: Path | None, *, quiet: bool) -> int:
    from opsctl.commands.deciding import desk_at
    from opsctl.commands.routine_desk import run

    return run(desk_at(where, "text", light=False), None, due=True, quiet=quiet)
