"""A new workspace: a small, valid `opsctl.yaml` that checks this machine, and the schema for editors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsctl.declared import Root
from opsctl.errors import UsageError
from opsctl.workspace import FILE
from opsctl.writing import write_whole

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = ".opsctl/schema.json"

_FIRST = """\
# yaml-language-server: $schema=.opsctl/schema.json
# What we operate, and how we know that it works: `opsctl check`. `opsctl validate` checks this file.
version: 1
name: {name}
defaults:
  check: {{timeout: 10s, retries: 1, every: 5m}}
services:
  machine:
    title: The machine that runs the checks
    tags: [host]
    checks:
      disk: {{disk: /, expect: [used_percent < 90%]}}
      memory: {{memory: {{}}, expect: [used_percent < 95%]}}
      load: {{load: {{}}, expect: [per_cpu < 4]}}
  # A service of yours; take the `#` away and set the address.
  # api:
  #   owner: platform
  #   tier: critical
  #   depends_on: [machine]
  #   checks:
  #     health:
  #       http: https://api.example.com/healthz
  #       expect: [status == 200, latency < 500ms]
  #     certificate:
  #       tls: api.example.com:443
  #       expect: [expires_in > 14d]
"""
_IGNORED = "# The store and the schema are this machine's; the YAML is the team's.\n*\n"


def schema_text() -> str:
    """The JSON Schema of a workspace's files."""
    from opsctl.schema import schema

    return json.dumps({"title": "opsctl workspace", **schema(Root)}, indent=2) + "\n"


def plan(folder: Path) -> list[Path]:
    """The files that `start` would write; UsageError where there is a workspace already."""
    if (folder / FILE).exists():
        raise UsageError(
            f"{folder / FILE} exists already, and nothing is overwritten; edit it, or choose another folder"
        )
    return [folder / FILE, folder / SCHEMA, folder / ".opsctl" / ".gitignore"]


def start(folder: Path, name: str | None) -> list[Path]:
    """Write a new workspace in `folder`, which is made where it is missing; the files written.

    Raises UsageError where there is one already, OutputError where a file cannot be written.
    """
    root, schema, ignored = plan(folder)
    schema.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(root, _FIRST.format(name=json.dumps(name or folder.resolve().name or "Workspace")))
    write_whole(schema, schema_text())
    write_whole(ignored, _IGNORED)
    return [root, schema, ignored]
