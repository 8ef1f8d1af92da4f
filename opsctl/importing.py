"""Take the checks of another tool: its file becomes our YAML, with a note on every line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.errors import UsageError
from opsctl.importers import FORMATS, ForeignError, Imported, importer
from opsctl.prose import line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_LARGEST = 2_000_000


def take(tool: str, path: Path) -> Imported:
    """What a file of the tool becomes; UsageError, which says where, if it cannot be read or is none."""
    text = _text(path)
    try:
        return importer(tool)(_READERS[FORMATS.get(tool, "yaml")](text))
    except ForeignError as error:
        row, column = _mark(text, error.key) if error.key else (error.line, error.column)
        raise UsageError(f"{path}:{row}:{column}: it cannot be taken in: {line(str(error))}") from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path} is larger than 2 MB; split it")
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
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
        # Anchors are shared and not copied, so that no bomb grows; tags make no objects.
        return yaml.load(text, Loader=Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        row, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        words = f"it is not readable as YAML: {line(getattr(error, 'problem', None) or str(error))[:300]}"
        raise ForeignError(words, line=row, column=column) from error


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
    import yaml

    head = (
        f"# Taken in from {tool} by `opsctl import`; look through it, then `opsctl validate` and\n"
        "# `opsctl check --prove`.\n"
    )
    dumped: str = yaml.safe_dump({"services": found.services}, sort_keys=False, allow_unicode=True, width=110)
    return head + dumped
