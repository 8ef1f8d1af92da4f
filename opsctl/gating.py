"""Evaluate a checklist for a subject: each item comes to a verdict, and nothing is green for nothing."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from opsctl.attesting import not_applicable
from opsctl.errors import ExitCode, UsageError
from opsctl.item_kinds import Ask, Finding
from opsctl.outcome import Verdict
from opsctl.prose import count, line, listed, shorten, suggestion
from opsctl.store.attested import waivers

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from opsctl.checklists import Checklist, Item
    from opsctl.definitions import Workspace
    from opsctl.item_kinds import Target
    from opsctl.ledger.waiver import Waiver
    from opsctl.outcome import Value
    from opsctl.secrets import Secrets
    from opsctl.world import World

_DEEPEST = 10
_CODES = {
    Verdict.PASS: ExitCode.YES,
    Verdict.WARN: ExitCode.YES,
    Verdict.FAIL: ExitCode.NO,
    Verdict.UNKNOWN: ExitCode.UNKNOWN,
    Verdict.PENDING: ExitCode.WAITING,
}


class Scene(NamedTuple):
    """Where a checklist is evaluated: the machine, the store, and as of which time."""

    workspace: Workspace
    world: World
    db: sqlite3.Connection
    secrets: Secrets
    target: Target
    now: float
    inside: tuple[str, ...] = ()


class Judged(NamedTuple):
    """What an item came to. `waiver` is its name where one counts, `until` when that or a word ends."""

    id: str
    text: str
    type: str
    digest: str
    verdict: Verdict
    message: str
    action: str
    who: str
    until: float | None
    required: bool
    shadow: bool
    facts: Mapping[str, Value]
    waiver: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether it keeps the gate closed."""
        return self.required and not self.shadow and self.verdict.open

    @property
    def counts(self) -> bool:
        """Whether the gate stands on it."""
        return not self.shadow and self.verdict is not Verdict.NOT_APPLICABLE


class Evaluation(NamedTuple):
    """What a checklist came to; `reason` says why it is red where no item does."""

    checklist: str
    title: str
    verdict: Verdict
    items: tuple[Judged, ...]
    reason: str = ""

    @property
    def blocking(self) -> tuple[Judged, ...]:
        """The items that keep it closed."""
        return tuple(one for one in self.items if one.blocks)


def checklist_named(workspace: Workspace, name: str) -> Checklist:
    """The checklist of a name; UsageError where there is none."""
    found = workspace.checklists.get(name)
    if found is None:
        hint = suggestion(name, workspace.checklists) or "; `opsctl checklist list` shows what there is"
        raise UsageError(f"no checklist is called `{line(shorten(name, 60))}`{hint}")
    return found


def exit_code(verdict: Verdict) -> ExitCode:
    """0 for pass and warn, 1 for fail, 3 for unknown, 4 where a person is waited for."""
    return _CODES[verdict]


def evaluate(scene: Scene, name: str) -> Evaluation:
    """Look at every item of a checklist and judge it; UsageError where there is no such checklist."""
    checklist = checklist_named(scene.workspace, name)
    if checklist.environments and scene.target.environment not in checklist.environments:
        named = listed(checklist.environments, "or")
        reason = f"it is for {named}; say which with --env"
        return Evaluation(name, checklist.title, Verdict.UNKNOWN, (), reason)
    found: dict[str, Mapping[str, Value]] = {}
    judged = []
    for identity, item in checklist.items.items():
        one = _item(scene, name, identity, item, found)
        found[identity] = one.facts
        judged.append(one)
    return conclude(name, checklist.title, judged)


def conclude(name: str, title: str, items: Sequence[Judged]) -> Evaluation:
    """The verdict of all items together: red where nothing was shown."""
    counted = [one for one in items if one.counts]
    open_ = {one.verdict for one in items if one.blocks}
    if not any(one.required for one in counted):
        reason = "no required item applies, so nothing was shown" if items else "it has no items"
        return Evaluation(name, title, Verdict.FAIL, tuple(items), reason)
    for verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PENDING):
        if verdict in open_:
            return Evaluation(name, title, verdict, tuple(items))
    warns = any(one.verdict is Verdict.WARN or one.verdict.open for one in counted)
    return Evaluation(name, title, Verdict.WARN if warns else Verdict.PASS, tuple(items))


def summary(evaluation: Evaluation) -> str:
    """`9 items: 7 pass, 1 waived, 1 fail`."""
    counts = {verdict: sum(one.verdict is verdict for one in evaluation.items) for verdict in Verdict}
    parts = [f"{number} {verdict}" for verdict, number in counts.items() if number]
    words = f"{count('item', len(evaluation.items))}: {', '.join(parts)}" if parts else "no items"
    return f"{words}; {evaluation.reason}" if evaluation.reason else words


def judge(item: Item, facts: Mapping[str, Value]) -> Finding:
    """What the facts of an item come to, before anybody excuses it; facts that say nothing are unknown."""
    if "unknown" in facts:
        return Finding(Verdict.UNKNOWN, line(str(facts["unknown"])))
    try:
        found = item.kind.judge(facts)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return Finding(Verdict.UNKNOWN, f"what was found cannot be judged: {type(error).__name__}")
    if item.terms.warn and found.verdict.open:
        return found._replace(verdict=Verdict.WARN)
    return found


def _item(
    scene: Scene, checklist: str, name: str, item: Item, found: Mapping[str, Mapping[str, Value]]
) -> Judged:
    ask = Ask(
        workspace=scene.workspace,
        world=scene.world,
        db=scene.db,
        secrets=scene.secrets,
        target=scene.target,
        now=scene.now,
        checklist=checklist,
        item=name,
        digest=item.digest,
        timeout=item.terms.timeout,
        valid_for=item.terms.valid_for,
        found=found,
        nested=lambda other: _nested(scene, checklist, other),
    )
    why = _elsewhere(item, scene)
    if why:
        return _judged(name, item, Finding(Verdict.NOT_APPLICABLE, why), {})
    excused = not_applicable(scene.db, ask)
    if excused is not None:
        words = f"n/a by {line(excused.who)}: {line(str(excused.reason))}"
        return _judged(name, item, Finding(Verdict.NOT_APPLICABLE, words), {"n/a": excused.subject})
    facts = _look(item, ask)
    return _waived(scene, checklist, _judged(name, item, judge(item, facts), facts))


def _look(item: Item, ask: Ask) -> Mapping[str, Value]:
    try:
        return item.kind.look(ask)
    except Exception as error:  # noqa: BLE001 - whatever an item stumbles over, the gate is answered for
        return {"unknown": f"it could not be looked at: {type(error).__name__}: {line(str(error))[:200]}"}


def _judged(name: str, item: Item, finding: Finding, facts: Mapping[str, Value]) -> Judged:
    terms = item.terms
    return Judged(
        id=name,
        text=terms.text,
        type=item.type,
        digest=item.digest,
        verdict=finding.verdict,
        message=finding.message,
        action=finding.action,
        who=finding.who or terms.owner or "",
        until=finding.until,
        required=terms.required,
        shadow=terms.shadow,
        facts=facts,
    )


def _waived(scene: Scene, checklist: str, one: Judged) -> Judged:
    """A waiver lets an open item pass while it counts; one that has expired is red at once."""
    if not one.verdict.open:
        return one
    known = [each for each in waivers(scene.db, checklist, one.id) if _concerns(each, scene)]
    live = [each for each in known if each.expires > scene.now]
    if live:
        best = max(live, key=lambda each: each.expires)
        words = f"waived by {line(best.by)} for {line(best.owner)}: {line(best.reason)} ({one.message})"
        return one._replace(verdict=Verdict.WAIVED, message=words, until=best.expires, waiver=best.subject)
    if known:
        last = max(known, key=lambda each: each.expires)
        words = f"{last.subject} of {line(last.owner)} has expired; {one.message}"
        return one._replace(verdict=Verdict.FAIL, message=words, who=one.who or last.owner)
    return one


def _concerns(waiver: Waiver, scene: Scene) -> bool:
    return (
        waiver.given <= scene.now
        and (waiver.ended is None or waiver.ended > scene.now)
        and waiver.subject_ref in (None, scene.target.subject, scene.target.commit)
        and waiver.environment in (None, scene.target.environment)
    )


def _elsewhere(item: Item, scene: Scene) -> str:
    """Why an item does not apply here; empty where it does, and where that cannot be told."""
    when, target = item.terms.when, scene.target
    if when.environment and target.environment is not None and target.environment not in when.environment:
        return f"only in {listed(when.environment, 'or')}"
    tiers = {
        one.tier for name, one in scene.workspace.services.items() if name in (target.services or (name,))
    }
    if when.tier and tiers.isdisjoint(when.tier):
        return f"only for tier {listed(when.tier, 'or')}"
    if when.changed and target.changed is not None and not any(_matching(when.changed, target.changed)):
        return f"nothing changed in {listed(when.changed, 'or')}"
    return ""


def _matching(patterns: Sequence[str], paths: Sequence[str]) -> Iterator[str]:
    return (path for path in paths if any(fnmatchcase(path, pattern) for pattern in patterns))


def _nested(scene: Scene, outer: str, name: str) -> Mapping[str, Value]:
    inside = (*scene.inside, outer)
    if name in inside or len(inside) >= _DEEPEST:
        return {"unknown": f"checklists stand inside each other in a circle: {' > '.join((*inside, name))}"}
    try:
        found = evaluate(scene._replace(inside=inside), name)
    except UsageError as error:
        return {"unknown": str(error)}
    action = found.blocking[0].action if found.blocking else ""
    items: dict[str, Value] = {one.id: str(one.verdict) for one in found.items}
    return {"verdict": str(found.verdict), "summary": summary(found), "action": action, "items": items}
