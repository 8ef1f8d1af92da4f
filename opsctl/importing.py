"""Take the checks of another tool: its file becomes our YAML, with a note on every line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.errors import UsageError
from opsctl.importers import ForeignError, Imported, importer
from opsctl.prose import line

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 2_000_000


def take(tool: str, path: Path) -> Imported:
    """What a file of the tool becomes; UsageError where it cannot be read or is none."""
    data = _read(path)
    try:
        return importer(tool)(data)
    except ForeignError as error:
        raise UsageError(f"{path} cannot be taken in: {error}") from error


def _read(path: Path) -> Any:
    import yaml

    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path} is larger than 2 MB; split it")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    try:
        # Anchors are shared and not copied, so that no bomb grows; tags make no objects.
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{path} is not readable as YAML: {line(str(error))[:300]}") from error


def as_yaml(found: Imported, tool: str) -> str:
    """The services as a file of a workspace."""
    import yaml

    head = (
        f"# Taken in from {tool} by `opsctl import`; look through it, then `opsctl validate` and\n"
        "# `opsctl check --prove`.\n"
    )
    dumped: str = yaml.safe_dump({"services": found.services}, sort_keys=False, allow_unicode=True, width=110)
    return head + dumped
