"""Take the checks of another tool: its file becomes our YAML, with a note on every line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.errors import UsageError
from opsctl.importers import FORMATS, ForeignError, Imported, dumped, importer
from opsctl.prose import line, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

_LARGEST = 2_000_000
# What a file may come to in which aliases stand.
_MOST = 5 * _LARGEST
_TITLE = 200
_DEEPEST = 100


def take(tool: str, path: Path) -> Imported:
    """What a file of the tool becomes; UsageError, which says where, if it cannot be read or is none."""
    if tool == "uptime-kuma" and _is_database(path):
        return _database(path)
    text = _text(path)
    try:
        return importer(tool)(_READERS[FORMATS.get(tool, "yaml")](text))
    except ForeignError as error:
        row, column = _mark(text, error.key) if error.key else (error.line, error.column)
        raise UsageError(f"{path}:{row}:{column}: it cannot be taken in: {line(str(error))}") from error


def _is_database(path: Path) -> bool:
    from opsctl.importers.kuma_database import BEGINS

    try:
        with path.open("rb") as file:
            return file.read(len(BEGINS)) == BEGINS
    except OSError:
        # What keeps it from being read is told where it is read.
        return False


def _database(path: Path) -> Imported:
    from opsctl.importers.kuma_database import read

    try:
        return importer("uptime-kuma")(read(path))
    except ForeignError as error:
        raise UsageError(f"{path}: it cannot be taken in: {line(str(error))}") from error


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if len(data) > _LARGEST:
        raise UsageError(f"{path} is larger than 2 MB; split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8")
        row, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        words = f"it is not UTF-8: {error.reason}; save it as UTF-8"
        raise UsageError(f"{path}:{row}:{column}: {words}") from error
    if not text.strip():
        raise UsageError(f"{path}:1:1: it is empty")
    return text


def _yaml(text: str) -> Any:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # one of two
        """Keys are the texts that they are written as, whatever YAML takes `80` or `on` for."""

        def flatten_mapping(self, node: yaml.MappingNode) -> None:
            super().flatten_mapping(node)
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    key.tag = "tag:yaml.org,2002:str"

    try:
        _flat_enough(yaml.parse(text, Loader=Loader))
        # Tags make no objects.
        data = yaml.load(text, Loader=Loader)  # noqa: S506 - a safe loader
        if _written_out(data, {}) > _MOST:
            raise ValueError("its aliases make far too much of it; take them away")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        row, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        words = f"it is not readable as YAML: {line(getattr(error, 'problem', None) or str(error))[:300]}"
        # As `goss render` gives it.
        words += "; `{{` makes a template of it: take in what that renders to" if "{{" in text else ""
        raise ForeignError(words, line=row, column=column) from error
    return data


def _flat_enough(events: Iterable[Any]) -> None:
    """ValueError where it is nested so deeply that the loader, which is no Python, would end the process."""
    import yaml

    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"nested deeper than {_DEEPEST} levels; flatten it")


def _written_out(value: Any, known: dict[int, int]) -> int:
    """The length of a value with every alias in its place; ValueError where it holds itself.

    An anchor is shared and not copied, but whoever makes a text of it makes all the copies.
    """
    if not isinstance(value, dict | list):
        return len(value) + 1 if isinstance(value, str) else 1
    if id(value) not in known:
        known[id(value)] = 0
        members = [*value, *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_written_out(member, known) for member in members)
    elif not known[id(value)]:
        raise ValueError("an alias stands in what it stands for; take it away")
    return known[id(value)]


def _json(text: str) -> Any:
    import json

    try:
        data = json.loads(text, parse_constant=_refuse)
        json.dumps(data, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        words = f"it is not readable as JSON: {error.msg}"
        raise ForeignError(words, line=error.lineno, column=error.colno) from error
    except (RecursionError, ValueError) as error:
        raise ForeignError(f"it is not readable as JSON: {line(str(error))[:300]}") from error
    return data


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no value of JSON")


_READERS: Mapping[str, Callable[[str], Any]] = {"yaml": _yaml, "json": _json, "text": str}


def _mark(text: str, key: str) -> tuple[int, int]:
    """The line and column of what the outermost `key` has, or of the key's lack."""
    import yaml

    try:
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return 1, 1
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    for name, value in pairs:
        if name.value == key:
            return value.start_mark.line + 1, value.start_mark.column + 1
    return 1, 1


def as_yaml(found: Imported, tool: str) -> str:
    """The services as a file of a workspace."""
    head = (
        f"# Taken in from {tool} by `opsctl import`; look through it, then `opsctl validate` and\n"
        "# `opsctl check --prove`.\n"
    )
    # What else it says was held against what a workspace may have; its title was not.
    services = {
        name: {**service, "title": shorten(line(service["title"]), _TITLE) or name}
        for name, service in found.services.items()
    }
    return head + dumped({"services": services}, 110)
