"""What people search for, as a query that the index always understands, whatever they type."""

from __future__ import annotations

import re
from typing import NamedTuple

from opsctl.errors import UsageError

_TERM = re.compile(r'"([^"]*)"?|([^\s"]+)')
_MOST = 32
_LONGEST = 100


class Query(NamedTuple):
    """The terms of a query: words, phrases, and beginnings of words (`prefix`)."""

    terms: tuple[tuple[str, bool], ...]

    def every(self) -> str:
        """For what holds all terms."""
        return " ".join(map(_quoted, self.terms))

    def some(self) -> str:
        """For what holds at least one."""
        return " OR ".join(map(_quoted, self.terms))


def parse(text: str) -> Query:
    """The query that a text means: `word`, `"a phrase"`, `begin*`. Nothing else has a meaning.

    Raises UsageError where the text has no letter and no digit.
    """
    terms = []
    for found in _TERM.finditer(text.replace("\x00", " ")):
        said = found[1] if found[1] is not None else found[2]
        term = said.rstrip("*").encode("utf-8", "replace").decode()[:_LONGEST]
        if any(one.isalnum() for one in term):
            terms.append((term, found[1] is None and said.endswith("*")))
    if not terms:
        raise UsageError('there is no word to search for; write one, or "a phrase", or begin*')
    return Query(tuple(dict.fromkeys(terms))[:_MOST])


def _quoted(term: tuple[str, bool]) -> str:
    words, prefix = term
    return '"' + words.replace('"', '""') + '"' + ("*" if prefix else "")
