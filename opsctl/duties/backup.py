"""The `backup` step: a copy of the store that was verified, and no more of them than are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from time import gmtime, strftime
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.duty_kinds import Came
from opsctl.limits import Between, Doc, NotEmpty
from opsctl.prose import line
from opsctl.step_kinds import Effect

if TYPE_CHECKING:
    from opsctl.duty_kinds import Occasion


@dataclass(frozen=True, kw_only=True)
class BackupDuty:
    """Copy the store."""

    SHORTHAND: ClassVar[str] = "to"
    EFFECT: ClassVar[Effect] = "read"
    ANSWERED: ClassVar[bool] = False

    to: Annotated[str, NotEmpty(), Doc("The folder of the copies, from the workspace's folder.")]
    keep: Annotated[int, Between(1, 10_000), Doc("How many copies are kept.")] = 7

    def perform(self, occasion: Occasion) -> Came:
        """Copy it, verify the copy, and take the oldest away."""
        from opsctl.store.backups import backup
        from opsctl.store.verifying import verify

        workspace = occasion.workspace
        folder = workspace.root / self.to
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy = folder / f"{workspace.store.stem}-{strftime('%Y%m%dT%H%M%SZ', gmtime(occasion.world.now))}.db"
        backup(workspace.store, copy, overwrite=True)
        found = list(verify(copy))
        if found:
            return Came("failed", f"{copy.name} is damaged: {line(found[0])}", copy.name)
        for old in _older(copy, workspace.store.stem)[self.keep - 1 :]:
            old.unlink()
        return Came("ok", f"{copy.name} is verified", str(Path(self.to) / copy.name))


def _older(copy: Path, stem: str) -> list[Path]:
    """The other copies of this store, the newest first; the folder may hold other stores' copies too."""
    name = re.compile(rf"{re.escape(stem)}-[0-9]{{8}}T[0-9]{{6}}Z\.db")
    found = (one for one in copy.parent.iterdir() if one != copy and name.fullmatch(one.name))
    return sorted(found, reverse=True)
