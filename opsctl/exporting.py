"""Write the selected checks as a file of another tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.exporters import Exported, exporter
from opsctl.selecting import select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.definitions import Workspace


def give(workspace: Workspace, target: str, selectors: Sequence[str]) -> Exported:
    """What the selected checks are there; UsageError where none is meant."""
    known = workspace.checks()
    return exporter(target)([known[name] for name in select(known, selectors)])


def as_yaml(found: Exported, target: str) -> str:
    """The file, which says where it came from."""
    import yaml

    head = f"# Written by `opsctl export {target}`; change the workspace, and write it again.\n"
    dumped: str = yaml.safe_dump(
        found.data, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )
    return head + found.head + dumped
