"""A new workspace: the files of templates, and the schema for editors; nothing is ever overwritten."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from opsctl import templating
from opsctl.declared import Root
from opsctl.errors import UsageError
from opsctl.finding import FILE
from opsctl.prose import count, line
from opsctl.writing import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

SCHEMA = ".opsctl/schema.json"
FIRST = "minimal"

_EDITORS = f"# yaml-language-server: $schema={SCHEMA}\n"
_IGNORED = "# The store and the schema are this machine's; the YAML is the team's.\n*\n"
_SECRET = re.compile(r"\$\{(env|file):([^}]+)\}")


class Plan(NamedTuple):
    """What a new workspace comes to: the files by their path in it, and what is left for people to give.

    `missing` are the values that stand in the files and were not given, with a default or without.
    """

    folder: Path
    files: Mapping[str, str]
    missing: Mapping[str, templating.Value]
    variables: tuple[str, ...]
    secret_files: tuple[str, ...]

    @property
    def unset(self) -> tuple[str, ...]:
        """The values for which a host that cannot exist stands in the files."""
        return tuple(name for name, value in self.missing.items() if value.default is None)

    def paths(self) -> list[Path]:
        """Every file that is written, in the order that people read them."""
        own = [SCHEMA, ".opsctl/.gitignore"]
        return [self.folder / path for path in [FILE, *own, *(one for one in self.files if one != FILE)]]


@cache
def schema_text() -> str:
    """The JSON Schema of a workspace's files."""
    from opsctl.schema import schema

    return json.dumps({"title": "opsctl workspace", **schema(Root)}, indent=2) + "\n"


def plan(
    folder: Path,
    name: str | None = None,
    templates: Sequence[templating.Template] = (),
    texts: Mapping[str, str] | None = None,
) -> Plan:
    """The workspace that `start` would write in `folder`, of the templates or of a first small file.

    Raises UsageError, which names them all, where files that it would write exist already.
    """
    templates = templates or [templating.template_named(FIRST)]
    given = {name: text for name, text in (texts or {}).items() if text}
    raw = templating.files(templates)
    values = templating.used(raw, templating.asked(templates))
    filled = templating.filled(line(name or folder.absolute().name or "Workspace"), values, given)
    files = {path: templating.fill(path, text, filled) for path, text in raw.items()}
    files[FILE] = _EDITORS + files[FILE]
    _refuse_existing(folder, files)
    missing = {name: value for name, value in values.items() if name not in given}
    return Plan(folder, files, missing, _secrets(files, "env"), _secrets(files, "file"))


def _refuse_existing(folder: Path, files: Mapping[str, str]) -> None:
    taken = [path for path in (folder / name for name in files) if path.exists() or path.is_symlink()]
    if not taken:
        return
    if taken == [folder / FILE]:
        raise UsageError(
            f"{folder / FILE} exists already, and nothing is overwritten; edit it, or choose another folder"
        )
    listed = "".join(f"\n  {path}" for path in taken)
    raise UsageError(
        f"{count('file', len(taken))} of the workspace exist already, and nothing is overwritten; "
        f"move them away, or choose another folder:{listed}"
    )


def _secrets(files: Mapping[str, str], source: str) -> tuple[str, ...]:
    return tuple(sorted({name for found, name in _references(files) if found == source}))


def _references(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for path, text in files.items():
        if path.endswith((".yaml", ".yml")):
            for one in text.splitlines():
                if not one.lstrip().startswith("#"):
                    yield from _SECRET.findall(one)


def start(planned: Plan) -> None:
    """Write a new workspace; its folder is made where it is missing.

    Where a file cannot be written (OutputError, OSError), those that were are taken away again.
    """
    folder = planned.folder
    own = {SCHEMA: schema_text(), ".opsctl/.gitignore": _IGNORED}
    (folder / SCHEMA).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    # The root comes last: with it, and not before, the folder is a workspace.
    rest = {path: text for path, text in planned.files.items() if path != FILE}
    try:
        for path, text in {**own, **rest, FILE: planned.files[FILE]}.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, text, 0o755 if text.startswith("#!") else 0o644)
            written += [target] if path not in own else []
    except BaseException:
        for target in written:
            target.unlink(missing_ok=True)
        raise
