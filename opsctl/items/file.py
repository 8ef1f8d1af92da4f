"""The `file` item: files that must be there, with something in them, and recent where asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.item_kinds import Finding
from opsctl.limits import Between, Doc, NotEmpty, Seconds
from opsctl.outcome import Kind, Value, Verdict
from opsctl.prose import count, line
from opsctl.units import brief

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask


@dataclass(frozen=True, kw_only=True)
class FileItem:
    """Look for files below the workspace."""

    SHORTHAND: ClassVar[str] = "path"
    MANUAL: ClassVar[bool] = False

    path: Annotated[str, NotEmpty(), Doc("A path or a glob, from the workspace's folder.")]
    within: Annotated[Seconds | None, Between(1, 10**9), Doc("How old the newest may be.")] = None

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """How many files there are, how large and how old the newest is."""
        try:
            found = [path for path in ask.workspace.root.glob(self.path) if path.is_file()]
            stats = [path.stat() for path in found]
        except (OSError, ValueError, NotImplementedError) as error:
            return {"unknown": f"`{line(self.path)}` cannot be looked for: {error}"}
        if not stats:
            return {"count": 0}
        newest = max(one.st_mtime for one in stats)
        return {"count": len(stats), "empty": sum(not one.st_size for one in stats), "age": ask.now - newest}

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """Every file has something in it, and the newest is recent enough."""
        shown = line(self.path)
        if not facts.get("count"):
            return Finding(Verdict.FAIL, f"{shown} does not exist", f"write {shown}")
        if facts.get("empty"):
            return Finding(Verdict.FAIL, f"{shown} is empty", f"write {shown}")
        age = facts.get("age")
        if self.within is None:
            return Finding(Verdict.PASS, f"{shown}: {count('file', int(str(facts['count'])))}")
        if not isinstance(age, int | float) or age > self.within:
            old = brief(Kind.DURATION, age) if isinstance(age, int | float) else "unknown"
            limit = brief(Kind.DURATION, self.within)
            return Finding(Verdict.FAIL, f"{shown} is {old} old, more than {limit}", f"renew {shown}")
        return Finding(Verdict.PASS, f"{shown} is {brief(Kind.DURATION, age)} old")
