"""Goss' matchers as expectations; what has no words here is a ValueError that says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.importers import of_go, pattern, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

_ORDERS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_END = r"\Z"
_EMPTY = 'an empty list looks at nothing, and passes there: expect `{} == ""` where nothing must be there'


class Wanted(NamedTuple):
    """What is expected, and how the matcher passed there whatever was found."""

    expect: tuple[str, ...] = ()
    open: str = ""


def of_text(matcher: Any, subject: str) -> Wanted:
    """What a matcher says of an output or a file: a list holds patterns, a text is all of it."""
    if isinstance(matcher, list):
        return _patterns(matcher, subject)
    if isinstance(matcher, dict):
        name, inner = _single(matcher)
        if name in {"have-patterns", "contain-elements"}:
            return _patterns(_list(name, inner), subject)
        if name == "contain-element":
            return _patterns([inner], subject)
        return _combined(name, inner, subject, of_text) or Wanted((_word(name, inner, subject),))
    return Wanted((f"{subject} == {quoted(_text(matcher))}",))


def of_number(matcher: Any, subject: str, unit: str = "") -> Wanted:
    """What a matcher says of a number."""
    if isinstance(matcher, dict):
        name, inner = _single(matcher)
        if name in _ORDERS:
            return Wanted((f"{subject} {_ORDERS[name]} {_number(inner)}{unit}",))
        if name == "equal":
            return of_number(inner, subject, unit)
        if name == "or":
            some = [f"{_number(one)}{unit}" for one in _list(name, inner)]
            return Wanted((f"{subject} in [{', '.join(some)}]",))
        if found := _combined(name, inner, subject, lambda one, about: of_number(one, about, unit)):
            return found
        raise _unsaid(name)
    return Wanted((f"{subject} == {_number(matcher)}{unit}",))


def of_truth(matcher: Any) -> bool:
    """Whether it has to be so."""
    if not isinstance(matcher, bool):
        raise ValueError(f"`{str(matcher)[:40]}` is neither true nor false")  # noqa: TRY004 - the file's fault
    return matcher


def _combined(name: str, inner: Any, subject: str, of: Callable[[Any, str], Wanted]) -> Wanted | None:
    if name == "and":
        found = [of(one, subject) for one in _list(name, inner)]
        return Wanted(tuple(text for one in found for text in one.expect))
    if name == "not":
        expect = of(inner, subject).expect
        if len(expect) != 1:
            raise _unsaid(name)
        return Wanted(
            (expect[0].removeprefix("not ") if expect[0].startswith("not ") else f"not {expect[0]}",)
        )
    return None


def _word(name: str, inner: Any, subject: str) -> str:
    if name == "equal":
        return f"{subject} == {quoted(_text(inner))}"
    if name == "contain-substring":
        return f"{subject} contains {quoted(_text(inner))}"
    if name == "have-prefix":
        return f"{subject} matches {pattern('^' + re.escape(_text(inner)))}"
    if name == "have-suffix":
        return f"{subject} matches {pattern(f'{re.escape(_text(inner))}{_END}')}"
    if name == "match-regexp":
        return f"{subject} matches {pattern(of_go(_text(inner)))}"
    raise _unsaid(name)


def _patterns(texts: list[Any], subject: str) -> Wanted:
    return Wanted(
        tuple(_pattern(_text(one), subject) for one in texts), "" if texts else _EMPTY.format(subject)
    )


def _pattern(said: str, subject: str) -> str:
    """`!` before a text negates it, `/` around it makes it a pattern; a backslash keeps both from that."""
    negated, text = ("not ", said[1:]) if said.startswith("!") else ("", said)
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        # Each line is looked at there.
        inner = text[1:-1]
        return f"{negated}{subject} matches {pattern(f'(?m){inner}' if re.search('[$^]', inner) else inner)}"
    plain = text[1:] if text.startswith(("\\!", "\\/")) else text
    return f"{negated}{subject} contains {quoted(plain)}"


def _single(matcher: dict[Any, Any]) -> tuple[str, Any]:
    if len(matcher) != 1:
        raise ValueError("it has more than one matcher side by side, or none")
    ((name, inner),) = matcher.items()
    return str(name), inner


def _list(name: str, inner: Any) -> list[Any]:
    if not isinstance(inner, list) or not inner:
        raise ValueError(f"its `{name}` is no list")
    return inner


def _text(value: Any) -> str:
    if isinstance(value, bool | list | dict) or value is None:
        raise ValueError(f"`{str(value)[:60]}` is a matcher that opsctl does not have")
    return str(value)


def _number(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}", value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"`{str(value)[:60]}` is no number")  # noqa: TRY004 - the file's fault
    return str(value)


def _unsaid(name: str) -> ValueError:
    return ValueError(f"`{name[:40]}` is a matcher that opsctl does not have")
