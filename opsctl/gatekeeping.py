"""A gate's decisions: evaluate for a subject, keep what it stood on, judge recorded ones again."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from opsctl.acting import acting, text_of
from opsctl.gating import Evaluation, Judged, Scene, checklist_named, conclude, evaluate, judge
from opsctl.outcome import Verdict
from opsctl.pausing import pause
from opsctl.secrets import Secrets
from opsctl.store.attested import decisions
from opsctl.store.opening import open_store
from opsctl.targeting import target_of, with_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opsctl.definitions import Workspace
    from opsctl.item_kinds import Target
    from opsctl.ledger.gate import Gate
    from opsctl.ledger.incident import Incident
    from opsctl.store.ledger import Ledger
    from opsctl.world import World

_POLL = 5.0
# An incident that began so soon after a subject passed may be one that the gate let through.
LET_THROUGH = 24 * 3600.0


class Asked(NamedTuple):
    """What a gate is asked: for which subject, where, as of which time (None: now), why to override."""

    checklist: str
    subject: str
    environment: str | None = None
    services: tuple[str, ...] = ()
    at: float | None = None
    override: str | None = None
    record: bool = True


class Decision(NamedTuple):
    """What came of it. `changed` are changes of the definition since `last`, the one that passed before."""

    evaluation: Evaluation
    target: Target
    as_of: float
    gate: Gate | None
    last: Gate | None
    changed: tuple[str, ...]
    override: str | None = None


class Replayed(NamedTuple):
    """A recorded decision, and what today's checklist makes of the same facts."""

    gate: Gate
    now: Evaluation


class Worth(NamedTuple):
    """What an item was good for: how often it was judged, failed, kept the gate closed, was waived or n/a.

    `failed` counts also where it is optional or a shadow, and keeps no gate closed. `let_through` are
    incidents that began within a day after a subject passed with this item green.
    """

    item: str
    judged: int
    failed: int
    blocked: int
    waived: int
    not_applicable: int
    let_through: tuple[str, ...]


def decide(workspace: Workspace, world: World, asked: Asked) -> Decision:
    """Evaluate a gate once and keep the decision; nobody is asked, and nothing hangs.

    Raises UsageError for what is not there, and StoreError where the store cannot be used.
    """
    checklist_named(workspace, asked.checklist)
    target = target_of(workspace, world.environ, asked.subject, asked.environment, asked.services)
    # No transaction: an item may run for minutes, and would keep everybody from writing meanwhile.
    with open_store(workspace.store, write=False) as store:
        target, last = with_changes(store.db, workspace, world.environ, asked.checklist, target)
        as_of = world.now if asked.at is None else asked.at
        scene = Scene(workspace, world, store.db, Secrets(world.environ, workspace.root), target, as_of)
        found = evaluate(scene, asked.checklist)
    changed = _changed(last, found)
    decision = Decision(found, target, as_of, None, last, changed, asked.override)
    if not asked.record:
        return decision
    return decision._replace(gate=keep(workspace, world, decision))


def keep(workspace: Workspace, world: World, decision: Decision) -> Gate:
    """Keep a decision, with all that it stood on."""
    with acting(workspace, world) as ledger:
        return _keep(ledger, decision)


def wait(
    workspace: Workspace,
    world: World,
    asked: Asked,
    patience: float,
    note: Callable[[Decision], None],
) -> Decision:
    """Evaluate until the gate opens or `patience` seconds have passed; only the last decision is kept."""
    began = time.monotonic()
    while True:
        spent = time.monotonic() - began
        at = replace(world, now=world.now + spent)
        decision = decide(workspace, at, asked._replace(record=False))
        if not decision.evaluation.verdict.open or spent + _POLL > patience:
            # What was judged is kept; judging it once more would run every command of it again.
            return decision._replace(gate=keep(workspace, at, decision)) if asked.record else decision
        note(decision)
        pause(_POLL)


def replay(workspace: Workspace, checklist: str, limit: int) -> tuple[Replayed, ...]:
    """The newest decisions judged by today's checklist, from the facts that were recorded then."""
    definition = checklist_named(workspace, checklist)
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        gates = decisions(db, checklist, limit)
    return tuple(Replayed(gate, _again(gate, checklist, definition)) for gate in gates)


def worth(workspace: Workspace, checklist: str) -> tuple[Worth, ...]:
    """What every item that was ever judged was good for."""
    from opsctl.figures import incidents

    checklist_named(workspace, checklist)
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        gates = decisions(db, checklist)
        begun = incidents(db, workspace, gates[-1].decided, gates[0].decided + LET_THROUGH) if gates else []
    names = dict.fromkeys(str(one["id"]) for gate in gates for one in gate.items)
    return tuple(_worth(name, gates, begun) for name in names)


def _worth(name: str, gates: Sequence[Gate], begun: Sequence[Incident]) -> Worth:
    own = [(gate, one) for gate in gates for one in gate.items if one["id"] == name]
    green = [gate for gate, one in own if gate.passed and one["verdict"] in {"pass", "warn"}]
    after = [
        one.subject
        for one in begun
        if any(
            gate.decided <= (one.impact_started or one.opened) < gate.decided + LET_THROUGH for gate in green
        )
    ]
    verdicts = [str(one["verdict"]) for _, one in own]
    unmet = [one for _, one in own if one["verdict"] in {"fail", "unknown", "pending"}]
    return Worth(
        name,
        len(own),
        len(unmet),
        sum(bool(one["required"]) and not one["shadow"] for one in unmet),
        verdicts.count("waived"),
        verdicts.count("n/a"),
        tuple(after),
    )


def _again(gate: Gate, name: str, definition: Any) -> Evaluation:
    """Today's items on the facts of then; an item that was not there then has none."""
    then = {str(one["id"]): one for one in gate.items}
    judged = []
    for identity, item in definition.items.items():
        before = then.get(identity)
        if before is not None and before["verdict"] in {"n/a", "waived"}:
            verdict, message = Verdict(str(before["verdict"])), str(before["message"])
        else:
            facts = {"unknown": "it was not looked at then"} if before is None else _listed(before["facts"])
            finding = judge(item, facts)
            verdict, message = finding.verdict, finding.message
        terms = item.terms
        judged.append(
            Judged(identity, terms.text, item.type, item.digest, verdict, message, "", "", None,
                   terms.required, terms.shadow, {})
        )  # fmt: skip
    return conclude(name, definition.title, judged)


def _listed(value: Any) -> Any:
    """A recorded value as it was when it was found: records hold tuples for lists."""
    if isinstance(value, tuple | list):
        return [_listed(one) for one in value]
    if isinstance(value, dict):
        return {key: _listed(one) for key, one in value.items()}
    return value


def _changed(last: Gate | None, found: Evaluation) -> tuple[str, ...]:
    if last is None:
        return ()
    now = {one.id: one.digest for one in found.items}
    before = dict(last.definition)
    added = [f"{name} is new" for name in now if name not in before]
    gone = [f"{name} is gone" for name in before if name not in now]
    other = [f"{name} was changed" for name in now if name in before and before[name] != now[name]]
    return (*added, *other, *gone)


def _keep(ledger: Ledger, decision: Decision) -> Gate:
    found, target = decision.evaluation, decision.target
    body: Mapping[str, Any] = {
        "checklist": found.checklist,
        "subject_ref": target.subject,
        "commit": target.commit,
        "environment": target.environment,
        "verdict": str(found.verdict),
        "as_of": decision.as_of,
        "definition": {one.id: one.digest for one in found.items},
        "items": [_item(one) for one in found.items],
    }
    subject = ledger.name("GATE")
    ledger.append("gate.decided", subject, body)
    if decision.override is not None and found.verdict.open:
        _override(ledger, subject, decision)
    _tell_incidents(ledger, subject, decision)
    return cast("Gate", ledger.get(subject))


def _override(ledger: Ledger, subject: str, decision: Decision) -> None:
    """Somebody goes on all the same: that is kept, and has to be looked at afterwards."""
    reason = text_of(str(decision.override), "--reason")
    ledger.append("gate.overridden", subject, {"who": ledger.actor.name, "reason": reason})
    item = ledger.name("OPS")
    title = (
        f"Review the override of {decision.evaluation.checklist} for {decision.target.subject} ({subject})"
    )
    body = {"title": title[:200], "priority": "high", "owner": ledger.actor.name, "source": subject,
            "text": reason, "tags": ["override"]}  # fmt: skip
    ledger.append("item.added", item, body)


def _tell_incidents(ledger: Ledger, subject: str, decision: Decision) -> None:
    """The timeline of every incident that is on hears of a decision."""
    from opsctl.ledger.incident import ACTIVE
    from opsctl.store.ledger import records

    found = decision.evaluation
    verb = "overridden, was" if decision.override and found.verdict.open else "is"
    text = f"gate {found.checklist} {verb} {found.verdict} for {decision.target.subject} ({subject})"
    for incident in records(ledger.db, "INC", ACTIVE):
        ledger.append(
            "incident.attached", incident.subject, {"what": "gate", "subject": subject, "text": text}
        )


def _item(one: Judged) -> dict[str, Any]:
    return {
        "id": one.id,
        "verdict": str(one.verdict),
        "message": one.message,
        "required": one.required,
        "shadow": one.shadow,
        "waiver": one.waiver,
        "facts": dict(one.facts),
    }
