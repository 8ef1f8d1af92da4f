"""What people say about items of checklists: signed, n/a, waived; each bound to what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from opsctl.acting import text_of
from opsctl.attesting import ANYONE, may
from opsctl.errors import RefusedError, UsageError
from opsctl.gating import checklist_named
from opsctl.improving import Fields, add
from opsctl.ledger.names import subject_named
from opsctl.prose import line, shorten, suggestion, ticked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from opsctl.checklists import Item
    from opsctl.definitions import Workspace
    from opsctl.item_kinds import Target
    from opsctl.ledger.signoff import Signoff
    from opsctl.ledger.waiver import Waiver
    from opsctl.store.ledger import Ledger

_LONGEST_WAIVER = 366 * 86400.0
_LARGEST_FILE = 100_000_000


class Exemption(NamedTuple):
    """What a waiver says: why, whose it is, until when (UTC epoch seconds), and how narrow it is."""

    reason: str
    owner: str
    expires: float
    subject: str | None = None
    environment: str | None = None


def item_named(workspace: Workspace, checklist: str, name: str) -> Item:
    """The item of a checklist; UsageError where there is none."""
    items = checklist_named(workspace, checklist).items
    if name not in items:
        hint = suggestion(name, items) or f"; there are {ticked(items, 'and')}"
        raise UsageError(f"`{checklist}` has no item `{line(shorten(name, 60))}`{hint}")
    return items[name]


def sign(
    ledger: Ledger,
    workspace: Workspace,
    checklist: str,
    name: str,
    target: Target,
    evidence: Mapping[str, Any],
    at: float | None,
) -> Signoff:
    """Give one's word on an item for a subject; RefusedError for who may not."""
    item = item_named(workspace, checklist, name)
    if not item.kind.MANUAL:
        raise UsageError(
            f"`{name}` is checked by opsctl, so nobody signs it; waive it for a reason, or mend it"
        )
    role = str(getattr(item.kind, "role", ANYONE))
    who = ledger.actor.name
    if not may(workspace, who, role):
        named = ", ".join(workspace.roles[role]) or "nobody"
        raise RefusedError(f"{line(who)} is not {role}; who is: {named}")
    if getattr(item.kind, "evidence", False) and not evidence:
        raise UsageError(f"`{name}` needs evidence; add `--evidence TEXT`, `--url URL` or `--file FILE`")
    body = {**_about(checklist, name, item, target), "outcome": "signed", "who": who, "role": role}
    return _keep(ledger, {**body, "evidence": dict(evidence)}, at)


def declare_not_applicable(
    ledger: Ledger, workspace: Workspace, checklist: str, name: str, target: Target, reason: str
) -> Signoff:
    """Say that an item does not apply to a subject, and why."""
    item = item_named(workspace, checklist, name)
    about = _about(checklist, name, item, target)
    body = {**about, "outcome": "n/a", "who": ledger.actor.name, "role": None}
    return _keep(ledger, {**body, "reason": text_of(reason, "--reason")}, None)


def take_back(ledger: Ledger, name: str, reason: str) -> Signoff:
    """A word counts no more from now on."""
    subject = subject_named(name, "SGN")
    known = cast("Signoff | None", ledger.get(subject))
    if known is None:
        raise UsageError(f"there is no {subject}; `opsctl checklist history` shows what there is")
    if known.revoked is not None:
        raise RefusedError(f"{subject} was taken back already: {line(str(known.reason))}")
    ledger.append("signoff.revoked", subject, {"reason": text_of(reason, "--reason")})
    return cast("Signoff", ledger.get(subject))


def waive(ledger: Ledger, workspace: Workspace, checklist: str, name: str, said: Exemption) -> Waiver:
    """Except an item until a time, and add the improvement that ends the need, due by then."""
    item = item_named(workspace, checklist, name)
    if said.expires <= ledger.recorded:
        raise UsageError("--expires is in the past; name a time ahead")
    if said.expires > ledger.recorded + _LONGEST_WAIVER:
        raise UsageError(
            "--expires is more than a year ahead; an exception that long is a change of the checklist"
        )
    reason, owner = text_of(said.reason, "--reason"), line(text_of(said.owner, "--owner"))
    subject = ledger.name("WVR")
    title = f"End the need for {subject}: {item.terms.text}"
    fields = Fields(title=shorten(line(title), 200), text=reason, priority="high", owner=owner,
                    due=said.expires, source=subject)  # fmt: skip
    body = {
        "checklist": checklist,
        "item": name,
        "reason": reason,
        "owner": owner,
        "expires": said.expires,
        "subject_ref": said.subject,
        "environment": said.environment,
        "backlog": add(ledger, workspace, fields).subject,
    }
    ledger.append("waiver.given", subject, body)
    return cast("Waiver", ledger.get(subject))


def end_waiver(ledger: Ledger, checklist: str, item: str, name: str, reason: str) -> Waiver:
    """A waiver of an item counts no more from now on; UsageError where it is of another one."""
    subject = subject_named(name, "WVR")
    known = cast("Waiver | None", ledger.get(subject))
    if known is None:
        raise UsageError(f"there is no {subject}; `opsctl checklist history` shows what there is")
    if known.ended is not None:
        raise RefusedError(f"{subject} has ended already: {line(str(known.ended_reason))}")
    if (known.checklist, known.item) != (checklist, item):
        raise UsageError(f"{subject} is of {known.checklist}/{known.item}, not of {checklist}/{item}")
    ledger.append("waiver.ended", subject, {"reason": text_of(reason, "--reason")})
    return cast("Waiver", ledger.get(subject))


def evidence_of(text: str | None, url: str | None, file: Path | None) -> dict[str, Any]:
    """Evidence as it is kept: words, an address, a file with the SHA-256 of what is in it.

    Raises UsageError where the file cannot be read, or the address is none.
    """
    from hashlib import sha256

    found: dict[str, Any] = {}
    if text is not None:
        found["text"] = text_of(text, "--evidence")
    if url is not None:
        if not url.startswith(("https://", "http://")):
            raise UsageError(f"--url `{line(shorten(url, 60))}` is no address; write https://...")
        found["url"] = line(url)
    if file is not None:
        try:
            data = file.read_bytes() if file.stat().st_size <= _LARGEST_FILE else b""
        except OSError as error:
            raise UsageError(f"--file {line(str(file))} cannot be read: {error.strerror}") from error
        if not data:
            raise UsageError(f"--file {line(str(file))} is empty or larger than 100 MB, so it shows nothing")
        found |= {"file": line(str(file)), "sha256": sha256(data).hexdigest()}
    return found


def _about(checklist: str, name: str, item: Item, target: Target) -> dict[str, Any]:
    return {
        "checklist": checklist,
        "item": name,
        "digest": item.digest,
        "subject_ref": target.subject,
        "commit": target.commit,
        "environment": target.environment,
    }


def _keep(ledger: Ledger, body: Mapping[str, Any], at: float | None) -> Signoff:
    if at is not None and at > ledger.recorded:
        raise UsageError("--at is in the future; say when it was so")
    subject = ledger.name("SGN")
    ledger.append("signoff.given", subject, body, at)
    return cast("Signoff", ledger.get(subject))
