"""The store's upkeep as a workspace asks for it: verified, pruned by its retention, exported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsctl.errors import StoreError
from opsctl.outcome import Kind
from opsctl.prose import safe
from opsctl.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opsctl.definitions import Workspace


def require_sound(path: Path, now: float | None = None) -> None:
    """StoreError with everything that is wrong with the store at `path`, where something is.

    With `now` (UTC epoch seconds) also where it has results of other places from the future.
    """
    from opsctl.store.verifying import verify

    found = verify(path, now)
    if found:
        listed = "\n".join(f"  {safe(one)}" for one in found)
        raise StoreError(
            f"{path} is damaged:\n{listed}\nput a backup in its place with `opsctl db restore FILE`, which "
            "keeps this file beside it\nwhat was decided since the backup: "
            "`opsctl log --since TIME -o json --limit 0`, before you restore"
        )


def require_backup(source: Path, store: Path) -> None:
    """StoreError with everything that keeps a backup from being restored as the store, where it is unfit."""
    from opsctl.store import backups
    from opsctl.store.verifying import verify

    backups.require_backup(source, store)
    found = verify(source)
    if found:
        listed = "\n".join(f"  {safe(one)}" for one in found)
        raise StoreError(
            f"{source} cannot be restored, so the store was left as it is:\n{listed}\n"
            "name another file that `opsctl db backup` made"
        )


def prune(workspace: Workspace, now: float, *, compact: bool, dry_run: bool) -> str:
    """Delete what is older than the workspace's retention, and say so; with `dry_run` say only the rule."""
    from opsctl.store.opening import open_store
    from opsctl.store.pruning import prune as delete

    keep = workspace.retention
    rule = ", ".join(
        f"{name} after {show(Kind.DURATION, seconds)}" for name, seconds in keep._asdict().items()
    )
    if dry_run:
        return f"would delete {rule}\n"
    with open_store(workspace.store, write=True) as store:
        deleted = delete(
            store,
            now,
            keep_passes=keep.passes,
            keep_failures=keep.failures,
            keep_rollups=keep.rollups,
            compact=compact,
        )
    counts = ", ".join(
        f"{number} {name.replace('_', ' ')}" for name, number in deleted._asdict().items() if number
    )
    return f"deleted {counts or 'nothing'} ({rule})\n"


def exported(workspace: Workspace) -> Iterator[str]:
    """Every result as a line of JSON, oldest first."""
    from opsctl.store.opening import open_store
    from opsctl.store.upkeep import export

    with open_store(workspace.store, write=False) as store:
        for record in export(store):
            yield json.dumps(record, allow_nan=False) + "\n"
