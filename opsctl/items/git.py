"""The `git` item: the work tree, the commit and its tag are as a release wants them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.item_kinds import Finding
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Value, Verdict
from opsctl.prose import line, listed, shorten

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask


@dataclass(frozen=True, kw_only=True)
class GitItem:
    """Look at the repository of the workspace; the commit is that of the subject."""

    SHORTHAND: ClassVar[str] = ""
    MANUAL: ClassVar[bool] = False

    clean: Annotated[bool, Doc("Nothing is changed or untracked in the work tree.")] = False
    branch: Annotated[str | None, NotEmpty(), Doc("A glob that the branch matches.")] = None
    tag: Annotated[str | None, NotEmpty(), Doc("A glob that a tag of the commit matches.")] = None
    signed: Annotated[bool, Doc("The commit has a good signature.")] = False
    changed: Annotated[
        str | None, NotEmpty(), Doc("A path that was changed since the last tag, as the changelog.")
    ] = None
    contains: Annotated[str | None, NotEmpty(), Doc("A branch, tag or commit that it descends from.")] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        """Something is asked for."""
        if not any((self.clean, self.branch, self.tag, self.signed, self.changed, self.contains)):
            yield "clean", "nothing is asked for; write `clean: true`, `branch: main` ..."

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """What git says of all that is asked for."""
        from opsctl.repository import Repository, UnknownError

        repository = Repository(ask.workspace.root, ask.world.environ, ask.timeout)
        commit = ask.target.commit or "HEAD"
        facts: dict[str, Value] = {}
        try:
            facts["commit"] = repository.commit(commit)
            if self.clean:
                facts["dirty"] = list(repository.dirty()[:20])
            if self.branch:
                facts["branch"] = repository.branch()
            if self.tag:
                facts["tags"] = list(repository.tags(commit))
            if self.signed:
                facts["signature"] = repository.signature(commit)
            if self.changed:
                facts["changed"] = list(repository.changed_since_tag(commit))
            if self.contains:
                facts["contains"] = repository.descends(self.contains, commit)
        except UnknownError as error:
            return {"unknown": str(error)}
        return facts

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """All that is asked for holds."""
        wrong = list(self._wrong(facts))
        if wrong:
            return Finding(
                Verdict.FAIL, line(shorten(listed([words for words, _ in wrong]), 300)), wrong[0][1]
            )
        return Finding(Verdict.PASS, f"as asked for at {str(facts.get('commit'))[:12]}")

    def _wrong(self, facts: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
        if self.clean and facts.get("dirty") != []:
            dirty = facts.get("dirty")
            named = listed([str(one) for one in dirty[:3]]) if isinstance(dirty, list) else "not known"
            yield f"the work tree is not clean: {named}", "commit or remove what is changed"
        if self.branch and not fnmatchcase(str(facts.get("branch") or ""), self.branch):
            yield (
                f"the branch is {facts.get('branch') or 'none'}, not {self.branch}",
                f"switch to {self.branch}",
            )
        if self.tag and not _any(facts.get("tags"), self.tag):
            yield f"no tag of the commit matches {self.tag}", "tag the commit"
        if self.signed and facts.get("signature") != "G":
            yield "the commit has no good signature", "sign the commit"
        if self.changed and not _any(facts.get("changed"), self.changed):
            yield f"{self.changed} was not changed since the last tag", f"write {self.changed}"
        if self.contains and facts.get("contains") is not True:
            yield f"{self.contains} is not part of it", f"merge {self.contains}"


def _any(found: Value, pattern: str) -> bool:
    return isinstance(found, list) and any(fnmatchcase(str(one), pattern) for one in found)
