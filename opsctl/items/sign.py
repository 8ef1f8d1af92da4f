"""The `sign` item: people who say that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.item_kinds import Finding
from opsctl.limits import Between, Doc, NotEmpty
from opsctl.outcome import Value, Verdict
from opsctl.prose import count, listed

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask


@dataclass(frozen=True, kw_only=True)
class SignItem:
    """Ask people; their word counts for the subject, for the text as it stood, and for so long."""

    SHORTHAND: ClassVar[str] = "role"
    MANUAL: ClassVar[bool] = True

    role: Annotated[str, NotEmpty(), Doc("Who may: a role of the workspace, or `anyone`.")]
    count: Annotated[int, Between(1, 20), Doc("How many different people.")] = 1
    not_author: Annotated[bool, Doc("Whether the commit's author does not count.")] = False
    evidence: Annotated[bool, Doc("Whether a word needs evidence: a text, an address or a file.")] = False
    any_subject: Annotated[bool, Doc("Whether a word for one subject counts for all.")] = False

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """Who said so, and why the word of others does not count."""
        from opsctl.attesting import words_on

        return words_on(self, ask)

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """Enough people said so."""
        signed, refused = facts.get("signed"), facts.get("refused")
        if not isinstance(signed, list) or not isinstance(refused, list):
            return Finding(Verdict.UNKNOWN, "the sign-offs are not known")
        who = list(dict.fromkeys(str(one["who"]) for one in signed if isinstance(one, dict)))
        names = f"{facts.get('checklist')} {facts.get('item')}"
        action = f"opsctl checklist sign {names} --subject {facts.get('subject')}"
        if len(who) >= self.count:
            until = facts.get("until")
            return Finding(
                Verdict.PASS,
                f"signed by {listed(who)}",
                until=until if isinstance(until, int | float) else None,
            )
        missing = count("signature", self.count - len(who))
        notes = [str(one["why"]) for one in refused if isinstance(one, dict)]
        words = f"{missing} of {self.role} missing" + (f"; {'; '.join(notes[:3])}" if notes else "")
        return Finding(Verdict.PENDING, words, action, who=self.role)
