"""Checks of other tools as opsctl's own: one file each, one line here each.

Each says for every line what it became or why not, and points out what could not fail where it came from.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOOLS = ("gatus", "goss", "uptime-kuma", "blackbox", "nagios")
# What is no YAML.
FORMATS: Mapping[str, str] = {"uptime-kuma": "json", "nagios": "text"}

# What one reader of YAML takes for a boolean or a number, and another for a text.
_UNCLEAR = re.compile(r"[yYnN]|0o[0-7]+|[-+]?[0-9]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+")

# What is escaped, what stands between brackets, and the end of a text.
_ENDS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)

# Headers that may hold a secret.
SECRET = re.compile("auth|cookie|key|secret|token", re.IGNORECASE)


class Note(NamedTuple):
    """What became of a line: `lost` where nothing did. `open` says how it passed there when it must not."""

    where: str
    text: str
    lost: bool = False
    open: str = ""


class Imported(NamedTuple):
    """Services as their YAML says them, and a note on every line that was read."""

    services: Mapping[str, Any]
    notes: tuple[Note, ...]


class ForeignError(ValueError):
    """The file is none of that tool's; its words say why, and where: at a `key`, or at a line and column."""

    def __init__(self, message: str, *, key: str = "", line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.key, self.line, self.column = key, line, column


def importer(tool: str) -> Callable[[Any], Imported]:
    """What takes the data of one of `TOOLS`; ForeignError where the data is not as that tool has it."""
    return cast("Callable[[Any], Imported]", import_module(f"opsctl.importers.{tool.replace('-', '_')}").take)


def name_of(text: str, taken: Mapping[str, object] | None = None) -> str:
    """A name that opsctl allows, as near to the text as can be, and none that is `taken`."""
    plain = re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:56] or "unnamed"
    number, name = 2, plain
    while taken is not None and name in taken:
        name, number = f"{plain}-{number}", number + 1
    return name


def variable(text: str) -> str:
    """The name of a variable for a secret, as near to the text as can be."""
    plain = re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_") or "SECRET"
    return f"_{plain}" if plain[0].isdigit() else plain


def quoted(text: str) -> str:
    """A text as an expectation writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def literal(text: str) -> str:
    """A text that stands for itself where references may stand; ValueError where it cannot."""
    if "${" in text:
        raise ValueError("a text with `${` cannot be said in opsctl, where that is a reference to a secret")
    return text


def pattern(text: str) -> str:
    """A regular expression as an expectation writes it; ValueError where opsctl's are not like it."""
    if re.search(r"\[:\^?[a-z]+:\]", text):
        raise ValueError(f"`{text}` has classes of characters that opsctl does not know")
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(text)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise ValueError(f"`{text}` is a pattern that opsctl does not have: {error}") from error
    plain = re.sub(r"\\(.)|/", lambda found: found[0] if found[1] else r"\/", text, flags=re.DOTALL)
    return "/" + plain.replace("\\\n", r"\n").replace("\n", r"\n") + "/"


def of_go(text: str) -> str:
    """A regular expression of Go's as Python means it: there, `$` is never before a last line break.

    ValueError where it is at the ends of lines in a part of it only.
    """
    lines = re.match(r"\(\?[a-zA-Z]*m[a-zA-Z]*\)", text)
    if not lines and re.search(r"\(\?[a-zA-Z-]*m", text):
        raise ValueError(f"`{text}` looks at lines in a part of it only; write it anew as `matches`")
    ends = {r"\z"} if lines else {r"\z", "$"}
    return _ENDS.sub(lambda found: r"\Z" if found[0] in ends else found[0], text)


def dumped(data: Any, width: int) -> str:
    """The data as YAML in which no reader takes a text for something else, as `y` for true."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes what may be read otherwise."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "'" if _UNCLEAR.fullmatch(value) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    made: str = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=width)
    return made


def fit(check: Mapping[str, Any]) -> None:
    """ValueError, in the words of `validate`, where a check is not as a workspace may have it."""
    from opsctl.composing import compose
    from opsctl.declared import Part
    from opsctl.places import Reading
    from opsctl.reading import read

    text = dumped({"services": {"x": {"checks": {"x": dict(check)}}}}, 10_000)
    node, source, problems = compose(text.encode("utf-8", "replace"), "")
    if node is not None:
        reading = Reading(source)
        read(Part, node, reading)
        problems = [*problems, *reading.problems]
    if problems:
        raise ValueError(f"opsctl does not take it: {problems[0].message}")
