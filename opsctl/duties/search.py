"""The `search` step: documents whose review is overdue are found, and that is a failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.duty_kinds import Came
from opsctl.limits import Between, Doc, Seconds
from opsctl.prose import count, line, listed
from opsctl.step_kinds import Effect

if TYPE_CHECKING:
    from opsctl.duty_kinds import Occasion


@dataclass(frozen=True, kw_only=True)
class SearchDuty:
    """Find documents that nobody has read for too long."""

    SHORTHAND: ClassVar[str] = "of"
    EFFECT: ClassVar[Effect] = "read"
    ANSWERED: ClassVar[bool] = False

    of: Annotated[Literal["documents"], Doc("What.")]
    older_than: Annotated[
        Seconds | None,
        Between(3600, 10**9),
        Doc("How old a review may be; what each document says by default."),
    ] = None

    def perform(self, occasion: Occasion) -> Came:
        """Find them; a workspace without documents has nothing that could be shown to be fresh."""
        from opsctl.knowledge import standing_of_documents
        from opsctl.store.opening import open_store

        workspace = occasion.workspace
        with open_store(workspace.store, write=False) as store, store.reading() as db:
            known = standing_of_documents(workspace, db, occasion.world.now)
        if not known:
            return Came("unknown", "there is no document; name them in `docs:`")
        most = self.older_than
        stale = [
            one.path
            for one in known
            if one.state != "reviewed" or (most is not None and (one.age is None or one.age > most))
        ]
        if not stale:
            return Came("ok", f"{count('document', len(known))} reviewed")
        return Came("failed", f"{count('document', len(stale))} stale: {line(listed(sorted(stale)[:5]))}")
