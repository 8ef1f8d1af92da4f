"""Nagios' object files as definitions, with what they take from templates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from opsctl.importers import ForeignError, Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_DEFINE = re.compile(r"define\s+([a-z]+)\s*\{\s*(.*)")
_SETTING = re.compile(r"(\$USER[0-9]+\$|[a-z_0-9]+)\s*=\s*(.*)")
_OWN = {"name", "register", "use"}


class Definition(NamedTuple):
    """What is defined between braces, and the lines on which it says it."""

    type: str
    line: int
    terms: dict[str, str]
    lines: dict[str, int]

    @property
    def where(self) -> str:
        """The line on which it begins."""
        return f"line {self.line}"

    @property
    def registered(self) -> bool:
        """Whether it is more than a template."""
        return self.terms.get("register", "1") != "0"


class Read(NamedTuple):
    """A file: its definitions, and what it sets beside them with the lines."""

    definitions: tuple[Definition, ...]
    settings: Mapping[str, tuple[str, int]]


def read(text: str) -> Read:
    """The definitions of a file; ForeignError where it has other words or a brace is missing."""
    found: list[Definition] = []
    settings: dict[str, tuple[str, int]] = {}
    now: Definition | None = None
    for number, column, line in _lines(text):
        said = line
        if now is None:
            if define := _DEFINE.fullmatch(said):
                now = Definition(define[1], number, {}, {})
                found.append(now)
                said = define[2]
            elif setting := _SETTING.fullmatch(said):
                settings[setting[1]] = (setting[2], number)
                continue
            else:
                words = (
                    f"`{said[:60]}` is neither a definition nor a comment; is this an object file of Nagios?"
                )
                raise ForeignError(words, line=number, column=column)
        elif _DEFINE.fullmatch(said):
            words = f"a definition begins before the `}}` of the one on line {now.line}"
            raise ForeignError(words, line=number, column=column)
        if said == "}":
            now = None
        elif said:
            key, _, value = re.sub(r"\s+", " ", said, count=1).partition(" ")
            now.terms[key] = value.strip()
            now.lines[key] = number
    if now is not None:
        raise ForeignError("this definition has no `}`", line=now.line)
    if not found:
        raise ForeignError("it defines nothing; is this an object file of Nagios?")
    return Read(tuple(found), settings)


def _lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Each line that says something, without comments; where it ends in a backslash, with the next."""
    kept, first = "", 0
    for number, raw in enumerate([*text.split("\n"), ""], 1):
        if not kept:
            first = number
        if raw.rstrip().endswith("\\") and not kept.lstrip().startswith("#"):
            kept += raw.rstrip()[:-1]
            continue
        whole, kept = kept + raw, ""
        said = whole.strip()
        if said and said[0] not in "#;":
            said = re.sub(r"(?<!\\);.*", "", said).replace("\\;", ";").strip()
            yield first, len(whole) - len(whole.lstrip()) + 1, said


class Templates:
    """What a definition says together with its templates."""

    def __init__(self, definitions: Sequence[Definition], notes: list[Note]) -> None:
        self._named = {(one.type, one.terms["name"]): one for one in definitions if "name" in one.terms}
        self._done: dict[int, dict[str, str]] = {}
        self._notes = notes

    def whole(self, one: Definition) -> dict[str, str]:
        """Its terms, those of templates included; the first template that says a thing counts."""
        terms = self._whole(one, 0)
        return {key: value.removeprefix("+") for key, value in terms.items() if value != "null"}

    def _whole(self, one: Definition, depth: int) -> dict[str, str]:
        if one.line in self._done:
            return self._done[one.line]
        # Until it is done, a template that uses itself finds nothing more.
        self._done[one.line] = {}
        terms = dict(one.terms)
        for name in listed(one.terms.get("use", "")):
            template = self._named.get((one.type, name))
            if template is None or depth > 50:
                why = "is not in this file; join the files to one" if template is None else "goes too deep"
                place = f"line {one.lines.get('use', one.line)}"
                self._notes.append(Note(place, f"the template `{name}` {why}", lost=True))
                continue
            for key, value in self._whole(template, depth + 1).items():
                if key in _OWN:
                    continue
                if terms.get(key, "").startswith("+"):
                    mark = "+" if value.startswith("+") else ""
                    both = dict.fromkeys(listed(terms[key][1:]) + listed(value.removeprefix("+")))
                    terms[key] = mark + ",".join(both)
                elif key not in terms:
                    terms[key] = value
        self._done[one.line] = terms
        return terms


def listed(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
