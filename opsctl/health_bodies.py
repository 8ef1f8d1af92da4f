"""What an application says of its own health: the bodies of health endpoints, as frameworks write them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.prose import line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# From the best to the worst. A word that is none of theirs is not good, whatever it may mean.
STATES = ("up", "degraded", "down")
_WORDS = {
    **dict.fromkeys(("pass", "ok", "up", "healthy", "working", "green"), "up"),
    **dict.fromkeys(("warn", "warning", "degraded", "yellow"), "degraded"),
}
# Keys below which each entry is a component, told by an object with a `status` or by a bare word.
_PARTS = frozenset({"checks", "components", "dependencies", "entries", "results", "services"})
# Keys of what is told beside a status; components may be below them, but they are none themselves.
_BESIDE = frozenset({"data", "details", "error", "info"})
# Keys that tell of the whole; of any part; and of a check, where `outcome` tells of the whole.
_WHOLE = frozenset({"status", "outcome"})
_TELLING = _WHOLE | {"healthy"}
_STATED = ("state", "result")
_REASONS = ("output", "message", "description", "error", "reason")
_DEEPEST = 20
_SHOWN = 100

_WORD = re.compile(r"[A-Za-z_-]{1,30}")
_VERBOSE = re.compile(r"\[([+-])\](\S+) (.+)")
_VERBOSE_END = re.compile(r"\w+ check (passed|failed)")
_RAILS = re.compile(
    r'(?:<!DOCTYPE html>)?<html><body style="background-color: (\w+)"></body></html>', re.IGNORECASE
)
# django-health-check has no word for the whole.
_WORKS = frozenset({"working", "ok"})


class NoHealthError(Exception):
    """A body that tells of no health; its words are the rest of `it answers with`."""


class Part(NamedTuple):
    """What is said of one component: its state, the word for it, and why, where that is told."""

    name: str
    state: str
    word: str
    why: str = ""


class Health(NamedTuple):
    """The state of the whole, the word for it (empty where only components are told), and the components."""

    state: str
    word: str
    parts: Mapping[str, Part]


def read(text: str) -> Health:
    """What a body says. NoHealthError where it is none of the known ones, or not all of one.

    The whole is up only where every word in it is a good one; where the application calls itself well and
    a component is not, it is degraded, as only the application knows what it can do without.
    """
    body = text.strip()
    if not body:
        raise NoHealthError("an empty body")
    if body.startswith(("[+]", "[-]")):
        return _verbose(body.splitlines())
    if body.startswith("<"):
        found = _RAILS.fullmatch(body)
        if not found:
            raise NoHealthError("a page for people in place of its health")
        return _whole(found[1], ())
    if _WORD.fullmatch(body):
        return _whole(body, ())
    return _of_json(_parsed(body))


def worst(states: Iterable[str]) -> str:
    """The worst of `STATES` among these, which are at least one."""
    return max(states, key=STATES.index)


def named(parts: Mapping[str, Part], name: str) -> list[Part]:
    """The component of that name, and those that belong to it (`broker/us1` and `broker:lag` to `broker`)."""
    below = (f"{name}/", f"{name}:")
    return [part for part in parts.values() if part.name == name or part.name.startswith(below)]


def _state(word: str) -> str:
    return _WORDS.get(word.strip().casefold(), "down")


def _whole(word: str, found: Iterable[Part]) -> Health:
    parts: dict[str, Part] = {}
    for part in found:
        known = parts.get(part.name)
        if known is None or STATES.index(part.state) > STATES.index(known.state):
            parts[part.name] = part
    states = [part.state for part in parts.values()]
    if not word:
        return Health(worst(states), "", parts)
    doubt = ["degraded"] if any(state != "up" for state in states) else []
    return Health(worst([_state(word), *doubt]), word, parts)


def _verbose(lines: list[str]) -> Health:
    """The lines of Kubernetes' `/livez?verbose`; without the last one, some may be missing."""
    end = _VERBOSE_END.fullmatch(lines[-1].strip())
    if not end:
        raise NoHealthError("a list of checks that is cut off")
    word = "ok" if end[1] == "passed" else "failed"
    return _whole(word, _verbose_parts(lines[:-1]))


def _verbose_parts(lines: list[str]) -> Iterator[Part]:
    for text in lines:
        found = _VERBOSE.fullmatch(text.strip())
        if found is None:
            if text.startswith("warn: "):
                continue
            raise NoHealthError(f"a list of checks with `{_shown(text)}` in it")
        sign, name, rest = found.groups()
        # What is excluded was not looked at, so nothing is known of it.
        if rest != "excluded: ok":
            well = sign == "+" and rest == "ok"
            why = "" if well else _shown(rest.removeprefix("failed: "))
            yield Part(name, "up" if well else "down", "ok" if well else "failed", why)


def _parsed(body: str) -> Any:
    try:
        return json.loads(body, object_pairs_hook=_unique, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise NoHealthError("a body that is no JSON, or is cut off") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Parsers differ in which of two equal keys they take, so that neither is to be believed."""
    made = dict(pairs)
    telling = [folded for folded in map(str.casefold, made) if folded in _TELLING]
    if len(made) < len(pairs) or len(set(telling)) < len(telling):
        raise NoHealthError("JSON with a key that stands twice in one object")
    return made


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _of_json(document: Any) -> Health:
    if isinstance(document, str):
        return _whole(_shown(document) or '""', ())
    if not isinstance(document, dict):
        raise NoHealthError("JSON that is no object")
    words = [_said(value) for key, value in document.items() if key.casefold() in _WHOLE]
    if words:
        worse = max(words, key=lambda word: STATES.index(_state(word)))
        return _whole(worse, _members(document if _word(document) else _stated(document), (), 0))
    if document and all(isinstance(value, str) for value in document.values()):
        return _whole("", (_django(name, value) for name, value in document.items()))
    if document and all(map(_tells_if_healthy, document.values())):
        return _whole("", _dropwizard(document))
    raise NoHealthError("JSON without a `status`; an `http` check can look into it")


def _django(name: str, value: str) -> Part:
    if value.strip().casefold() in _WORKS:
        return Part(_shown(name), "up", value)
    word, _, why = value.partition(":")
    return Part(_shown(name), "degraded" if word == "warning" else "down", _shown(word), _shown(why))


def _tells_if_healthy(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("healthy"), bool)


def _dropwizard(document: Mapping[str, Any]) -> Iterator[Part]:
    """Objects by name, each with a boolean, and with whatever else they tell."""
    for name, value in document.items():
        word = "healthy" if value["healthy"] else "unhealthy"
        yield Part(_shown(name), _state(word), word, _why(value))
        yield from _objects(value, (_cut(name),), 1)


def _stated(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What MicroProfile Health 1 says, with the words of later versions for the state of each check."""
    return {
        key: _with_statuses(value) if key.casefold() == "checks" else value for key, value in document.items()
    }


def _with_statuses(checks: Any) -> Any:
    if isinstance(checks, dict):
        return {name: _with_status(one) for name, one in checks.items()}
    return [_with_status(one) for one in checks] if isinstance(checks, list) else checks


def _with_status(check: Any) -> Any:
    if not isinstance(check, dict) or _word(check) is not None or "checks" in check:
        return check
    said = [_said(check[key]) for key in _STATED if key in check]
    # One that does not say how it is, is not well.
    return {**check, "status": max(said, key=lambda word: STATES.index(_state(word)), default="")}


def _word(holder: Mapping[str, Any]) -> str | None:
    """The status of an object, None where it has none. What is no text is shown, and is no good word."""
    found = [value for key, value in holder.items() if key.casefold() == "status"]
    return _said(found[0]) if found else None


def _said(value: Any) -> str:
    if isinstance(value, str):
        return _shown(value) or '""'
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return shorten(json.dumps(value), _SHOWN)


def _members(holder: Mapping[str, Any], path: tuple[str, ...], depth: int) -> Iterator[Part]:
    """The components below an object, which is not one of them here."""
    if depth > _DEEPEST:
        raise NoHealthError(f"JSON that is nested more than {_DEEPEST} deep")
    for key, value in holder.items():
        kind = key.casefold()
        if kind in _PARTS and value is not None:
            yield from _entries(value, path, key, depth + 1)
        elif kind in _BESIDE and isinstance(value, dict):
            # Beside the status of a component there may be any data; what wraps the whole is no data.
            if not depth and (word := _word(value)) is not None:
                yield Part(_joined((key,)), _state(word), word)
            yield from _members(value, path, depth + 1)
        elif kind != "status" and isinstance(value, dict | list):
            yield from _objects(value, (*path, _cut(key)), depth + 1)


def _entries(holder: Any, path: tuple[str, ...], key: str, depth: int) -> Iterator[Part]:
    """What is below a key of `_PARTS`: objects by name, a list of objects that have names, or bare words."""
    if isinstance(holder, dict):
        listed = list(holder.items())
    elif isinstance(holder, list):
        listed = [(_name_of(one) or f"{key}[{at}]", one) for at, one in enumerate(holder)]
    else:
        listed = [(key, holder)]
    for name, value in listed:
        if isinstance(value, dict | list):
            yield from _objects(value, (*path, _cut(name)), depth)
        else:
            word = _said(value)
            yield Part(_joined((*path, _cut(name))), _state(word), word)


def _objects(value: dict[str, Any] | list[Any], path: tuple[str, ...], depth: int) -> Iterator[Part]:
    """An object with a status is a component, wherever it stands; those of a list share their list's name."""
    if isinstance(value, list):
        if depth > _DEEPEST:
            raise NoHealthError(f"JSON that is nested more than {_DEEPEST} deep")
        for one in value:
            if isinstance(one, dict | list):
                yield from _objects(one, path, depth + 1)
        return
    word = _word(value)
    if word is not None:
        yield Part(_joined(path), _state(word), word, _why(value))
    yield from _members(value, path, depth)


def _why(holder: Mapping[str, Any]) -> str:
    """The first reason that an object, or what is told beside its status, gives in words."""
    beside = [value for key, value in holder.items() if key in _BESIDE and isinstance(value, dict)]
    found = (one[key] for one in (holder, *beside) for key in _REASONS if isinstance(one.get(key), str))
    return next((_shown(text) for text in found if text.strip()), "")


def _name_of(entry: Any) -> str:
    found = (entry.get(key) for key in ("name", "key", "id")) if isinstance(entry, dict) else ()
    return next((name for name in found if isinstance(name, str) and name), "")


def _cut(name: str) -> str:
    # More than is shown would be joined anew for each of those below.
    return name[: _SHOWN + 1]


def _joined(path: tuple[str, ...]) -> str:
    return _shown("/".join(path))


def _shown(text: str) -> str:
    return shorten(line(text), _SHOWN)
