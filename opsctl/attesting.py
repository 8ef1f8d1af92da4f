"""Whose word counts: for which subject, in which role, for the text as it stood, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.prose import line
from opsctl.store.attested import signoffs

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from opsctl.definitions import Workspace
    from opsctl.item_kinds import Ask, Target
    from opsctl.ledger.signoff import Signoff
    from opsctl.outcome import Value

ANYONE = "anyone"


def words_on(kind: Any, ask: Ask) -> Mapping[str, Value]:
    """The facts of a `sign` item: who signed, and whose word does not count, with the reason."""
    signed: list[Value] = []
    refused: list[Value] = []
    ends = []
    for one in signoffs(ask.db, ask.checklist, ask.item):
        if one.outcome != "signed" or one.at > ask.now:
            continue
        why = why_not(kind, one, ask)
        if why:
            refused.append({"who": one.who, "signoff": one.subject, "why": f"{line(one.who)}: {why}"})
            continue
        signed.append({"who": one.who, "role": one.role, "at": one.at, "signoff": one.subject})
        if ask.valid_for is not None:
            ends.append(one.at + ask.valid_for)
    return {
        "checklist": ask.checklist,
        "item": ask.item,
        "subject": ask.target.subject,
        "signed": signed,
        "refused": refused,
        "until": min(ends, default=None),
    }


def why_not(kind: Any, one: Signoff, ask: Ask) -> str:
    """Why a sign-off does not count; empty where it does."""
    if one.revoked is not None and one.revoked <= ask.now:
        return "it was taken back"
    if one.digest != ask.digest:
        return "the item was changed since"
    if not kind.any_subject and (words := _other_subject(one, ask.target)):
        return words
    if ask.valid_for is not None and ask.now >= one.at + ask.valid_for:
        return "it has expired"
    if not may(ask.workspace, one.who, kind.role):
        return f"not {kind.role}"
    if kind.not_author and ask.target.author is not None and _same(one.who, ask.target.author):
        return "the author of the commit"
    if kind.not_author and ask.target.author is None:
        return "nobody knows who the author is"
    return ""


def _same(who: str, author: str) -> bool:
    """Whether a person may be the author, who is known by an e-mail address: its first part is enough."""
    names = {author.casefold(), author.partition("@")[0].casefold()}
    return bool({who.casefold(), who.partition("@")[0].casefold()} & names)


def _other_subject(one: Signoff, target: Target) -> str:
    if one.environment not in (None, target.environment):
        return f"for {line(one.environment)[:40]} only"
    if target.commit and one.commit:
        return "" if one.commit == target.commit else f"for commit {one.commit[:12]}"
    return "" if one.subject_ref == target.subject else f"for {line(one.subject_ref)[:40]}"


def not_applicable(db: sqlite3.Connection, ask: Ask) -> Signoff | None:
    """The word that an item does not apply to the subject, where somebody gave it and it counts."""
    known = signoffs(db, ask.checklist, ask.item)
    given = [one for one in known if one.outcome == "n/a" and one.at <= ask.now and one.revoked is None]
    counted = [one for one in given if one.digest == ask.digest and not _other_subject(one, ask.target)]
    return counted[-1] if counted else None


def may(workspace: Workspace, who: str, role: str) -> bool:
    """Whether somebody may act in a role: those that the workspace names, and anybody where it names none."""
    return role == ANYONE or role not in workspace.roles or who in workspace.roles[role]
