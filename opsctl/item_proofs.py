"""Whether an item of a checklist was shown to hold: by the newest decision of its gate, or by people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from opsctl.attesting import ANYONE, may
from opsctl.prose import line, listed
from opsctl.scoring import Proof

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from opsctl.checklists import Item
    from opsctl.definitions import Workspace
    from opsctl.ledger.gate import Gate
    from opsctl.ledger.signoff import Signoff
    from opsctl.ledger.waiver import Waiver

# How long a decision counts where the item does not say how long a sign-off of it does.
LASTS = 90 * 86400.0
_TELLING = frozenset({"pass", "warn", "fail", "waived"})


class Look(NamedTuple):
    """What the item came to in one decision."""

    gate: Gate
    found: Mapping[str, Any]

    @property
    def verdict(self) -> str:
        """`pass`, `fail` ..."""
        return str(self.found["verdict"])


class Spoken(NamedTuple):
    """All that is known of one item at a time (UTC epoch seconds).

    `looks` are what it came to, the newest first. With `present`, its text is the one that stands in the
    file; of the past no record tells.
    """

    name: str
    item: Item
    looks: Sequence[Look]
    signoffs: Sequence[Signoff]
    waivers: Sequence[Waiver]
    at: float
    present: bool


def looks_by_item(gates: Iterable[Gate]) -> dict[str, list[Look]]:
    """What each item came to in the decisions on its checklist, in their order."""
    found: dict[str, list[Look]] = {}
    for gate in gates:
        for one in gate.items:
            found.setdefault(str(one["id"]), []).append(Look(gate, one))
    return found


def proof_of_item(workspace: Workspace, spoken: Spoken) -> Proof:
    """How an item stands."""
    looks = spoken.looks
    proof = _newest(workspace, spoken, [one for one in looks if one.verdict != "n/a"])
    if proof.state == "proven":
        return proof
    waiver = _live(spoken, looks[0].gate if looks else None)
    if waiver is not None:
        words = f"waived for {line(waiver.owner)}: {line(waiver.reason)}"
        return Proof("excused", words, waiver.subject, waiver.given, waiver.expires)
    return _elsewhere(spoken) or proof if proof.state == "never" and proof.record is None else proof


def _elsewhere(spoken: Spoken) -> Proof | None:
    """That the item does not apply, where nothing else was ever found or said of it."""
    if spoken.looks:
        gate, found = spoken.looks[0]
        return Proof("excused", f"n/a: {line(str(found['message']))}", gate.subject, gate.decided)
    given = [one for one in spoken.signoffs if one.outcome == "n/a" and one.revoked is None]
    if not given:
        return None
    words = f"n/a by {line(given[-1].who)}: {line(str(given[-1].reason))}"
    return Proof("excused", words, given[-1].subject, given[-1].at)


def _newest(workspace: Workspace, spoken: Spoken, looks: Sequence[Look]) -> Proof:
    told = next((one for one in looks if one.verdict in _TELLING), None)
    word = _signed(workspace, spoken)
    if word is not None and (told is None or cast("float", word.at) > told.gate.decided):
        return word
    if told is not None:
        newer = looks[: looks.index(told)]
        return _decided(spoken, told, untold=any(one.verdict == "unknown" for one in newer))
    if not looks:
        return Proof("never", "never decided")
    # That somebody looked and could not tell, or waits, shows nothing.
    return Proof("never", line(str(looks[0].found["message"])), looks[0].gate.subject)


def _decided(spoken: Spoken, look: Look, *, untold: bool) -> Proof:
    """What a decision shows; `untold` where one after it could not tell."""
    gate, message = look.gate, line(str(look.found["message"]))
    if look.verdict != "pass":
        words = "its waiver counts no more" if look.verdict == "waived" else f"{look.verdict}: {message}"
        return Proof("failed", words, gate.subject, gate.decided)
    at, lasts = _since(spoken, look)
    why = ""
    if spoken.present and gate.definition.get(spoken.name) != spoken.item.digest:
        why = "its text was changed since"
    elif _taken_back(spoken, look):
        why = "a sign-off was taken back"
    elif untold:
        why = "a newer decision could not tell"
    elif spoken.at >= at + lasts:
        why = "too old"
    words = f"{why}; {message}" if why else message
    return Proof("stale" if why else "proven", words, gate.subject, at, at + lasts)


def _since(spoken: Spoken, look: Look) -> tuple[float, float]:
    """From when a pass counts, and for how many seconds: that of people from the first of their words."""
    valid_for = spoken.item.terms.valid_for
    given = [one["at"] for one in look.found["facts"].get("signed", ()) if isinstance(one, dict)]
    if spoken.item.kind.MANUAL and valid_for is not None and given:
        return min(given), valid_for
    return look.gate.decided, LASTS


def _taken_back(spoken: Spoken, look: Look) -> bool:
    gone = {one.subject for one in spoken.signoffs if one.revoked is not None}
    given = {one.get("signoff") for one in look.found["facts"].get("signed", ()) if isinstance(one, dict)}
    return not gone.isdisjoint(given)


def _signed(workspace: Workspace, spoken: Spoken) -> Proof | None:
    """What people said outside of any decision; None where that cannot be enough without one."""
    kind: Any = spoken.item.kind
    if not kind.MANUAL or getattr(kind, "not_author", False):
        return None
    best: tuple[float, list[Signoff]] | None = None
    for words in _by_subject(workspace, spoken).values():
        last = {one.who: one for one in sorted(words, key=lambda one: one.at)}
        needed = sorted(last.values(), key=lambda one: -one.at)[: getattr(kind, "count", 1)]
        if len(needed) == getattr(kind, "count", 1) and (best is None or needed[-1].at > best[0]):
            best = needed[-1].at, needed
    if best is None:
        return None
    at, words = best
    until = at + (spoken.item.terms.valid_for or LASTS)
    said = f"signed by {listed([line(one.who) for one in words])}"
    if spoken.at >= until:
        return Proof("stale", f"too old; {said}", words[0].subject, at, until)
    return Proof("proven", said, words[0].subject, at, until)


def _by_subject(workspace: Workspace, spoken: Spoken) -> dict[str, list[Signoff]]:
    """The words that count, by what they are for."""
    kind: Any = spoken.item.kind
    role = str(getattr(kind, "role", ANYONE))
    found: dict[str, list[Signoff]] = {}
    for one in spoken.signoffs:
        changed = spoken.present and one.digest != spoken.item.digest
        if one.outcome == "signed" and one.revoked is None and not changed and may(workspace, one.who, role):
            about = "" if getattr(kind, "any_subject", False) else one.commit or one.subject_ref
            found.setdefault(about, []).append(one)
    return found


def _live(spoken: Spoken, gate: Gate | None) -> Waiver | None:
    """The waiver that counts the longest; a narrow one counts for the newest decision only."""
    subjects = {None, gate.subject_ref, gate.commit} if gate else {None}
    environments = {None, gate.environment} if gate else {None}
    live = [
        one
        for one in spoken.waivers
        if one.ended is None
        and one.expires > spoken.at
        and one.subject_ref in subjects
        and one.environment in environments
    ]
    return max(live, key=lambda one: one.expires, default=None)
