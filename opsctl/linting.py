"""Lint a review: blame, whys that stop too early, actions that nobody owns, figures that are missing."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from opsctl import wording
from opsctl.policies import Reviews
from opsctl.prose import count, line, shorten, suggestion, ticked
from opsctl.review_text import actions, blocks, front_matter, read
from opsctl.verbs import starts_with_verb

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from opsctl.review_text import Action, Line

RULES = {
    "blame": "words that blame somebody",
    "counterfactual": "what should or could have been, in place of what was",
    "neglect": "what somebody failed or forgot to do",
    "person-as-cause": "a person as the one who broke it",
    "single-cause": "one root cause, where there are several contributing ones",
    "hindsight": "what was obvious only afterwards",
    "missing-section": "a section that a review has is not there",
    "empty-section": "a section in which nobody wrote anything; write `None.` where there is nothing",
    "placeholder": "something that is still to be written",
    "missing-figure": "an impact without a number that people wrote down",
    "too-few-whys": "fewer whys than the workspace asks for",
    "why-ends-at-person": "the last why stops at what somebody did",
    "why-repeats": "a why that says the same as the one before",
    "no-action": "not one action",
    "action-without-owner": "an action that no one person owns",
    "action-without-due": "an action without a date",
    "action-without-verb": "an action that does not say what is to be done",
    "action-is-vague": "an action of which nobody can say when it is done",
    "action-priority": "a priority that the backlog does not have",
    "broken-block": "a data part whose marks are damaged",
    "excuse-without-reason": "an excuse that gives no reason",
    "excuse-unused": "an excuse of what is not there",
    "excuse-unknown": "an excuse of a rule that there is not",
}
SECTIONS = (
    "summary", "impact", "timeline", "what went well", "where we got lucky", "five whys",
    "contributing causes", "actions", "lessons",
)  # fmt: skip
_WRITTEN = tuple(name for name in SECTIONS if name not in {"timeline", "actions"})
_PRIORITIES = ("critical", "high", "medium", "low")
_NOBODY = frozenset(
    {"", "team", "the team", "all", "everyone", "everybody", "we", "nobody", "someone", "-", "?", "n/a"}
)
_ALLOW = re.compile(r"<!--\s*opsctl:allow\s+([^\s:>]*)\s*(?::\s*(.*?))?\s*-->")
_WHY = re.compile(r"\s*(\d{1,2})[.)]\s+(.*)")
_PREFIX = re.compile(r"^(?:\*\*)?why[^?:]*[?:](?:\*\*)?\s*", re.IGNORECASE)


class Finding(NamedTuple):
    """What is wrong where; line and column count from 1."""

    line: int
    column: int
    rule: str
    message: str


class _Excuse(NamedTuple):
    line: int
    target: int
    column: int
    rule: str
    reason: str


def lint(text: str, policy: Reviews | None = None) -> tuple[Finding, ...]:
    """Everything that is wrong with a review, in its order, less what is excused with a reason.

    An excuse is `<!-- opsctl:allow RULE: reason -->` in the line itself or the one before.
    """
    lines = read(text)
    policy = policy or Reviews()
    people = _people(text)
    found = [
        *_words(lines, people),
        *_sections(lines),
        *_figures(lines),
        *_whys(lines, policy, people),
        *_actions(lines, policy),
        *(Finding(one.line, 1, "broken-block", f"{one.words}; restore its marks") for one in blocks(text)[1]),
    ]
    return tuple(sorted(_excused(found, list(_excuses(lines)))))


def _people(text: str) -> list[str]:
    """The names that the front matter has, as `owner: alice` and `people: bob, carol`."""
    matter = front_matter(text)
    names = re.split(r"[,\[\]\s]+", f"{matter.get('owner', '')} {matter.get('people', '')}")
    return [name for name in names if name]


def _words(lines: Sequence[Line], people: Collection[str]) -> Iterator[Finding]:
    for one in lines:
        for rule, column, said, advice in wording.found(one.words, people):
            yield Finding(one.number, column + 1, rule, f"`{line(shorten(said, 40))}`: {advice}")
        if not one.heading and (match := wording.placeholder(one.words)):
            message = f"`{match[0]}` is still to be written"
            yield Finding(one.number, match.start() + 1, "placeholder", message)


def _sections(lines: Sequence[Line]) -> Iterator[Finding]:
    top = next((one.number for one in lines if one.heading), 1)
    heads = {one.section: one for one in lines if one.heading == 2}
    for name in SECTIONS:
        if name not in heads:
            yield Finding(top, 1, "missing-section", f"there is no section `## {name.capitalize()}`; add it")
        elif name in _WRITTEN and not any(_said(one) for one in lines if one.section == name):
            message = f"`{name.capitalize()}` is empty; write it, or `None.` where there is nothing"
            yield Finding(heads[name].number, 1, "empty-section", message)


def _said(one: Line) -> bool:
    """Whether somebody wrote something there: more than a heading or the number of a list."""
    return not one.heading and _WHY.sub(r"\2", one.words + " ").strip(" -*|:.") != ""


def _figures(lines: Sequence[Line]) -> Iterator[Finding]:
    own = [one for one in lines if one.section == "impact"]
    if (
        own
        and any(map(_said, own))
        and not any(re.search(r"\d", one.words) for one in own if not one.heading)
    ):
        message = "the impact has no number; say how many users, requests or orders it was, or excuse it"
        yield Finding(own[0].number, 1, "missing-figure", message)


def _whys(lines: Sequence[Line], policy: Reviews, people: Collection[str]) -> Iterator[Finding]:
    for chain in _chains(lines):
        said = [(one, words) for one, words in chain if words]
        if not said:
            continue
        last, words = said[-1]
        if len(said) < policy.whys:
            message = f"{count('why', len(said))} of {policy.whys}; ask on"
            yield Finding(last.number, 1, "too-few-whys", message)
        if wording.ends_at_person(words, people):
            message = "the last why stops at a person; ask what made it likely, and what did not catch it"
            yield Finding(last.number, 1, "why-ends-at-person", message)
        for (_, before), (one, after) in pairwise(said):
            if before.lower().strip(" .") == after.lower().strip(" ."):
                yield Finding(one.number, 1, "why-repeats", "it says the same as the one before; ask on")


def _chains(lines: Sequence[Line]) -> list[list[tuple[Line, str]]]:
    """Each numbered list of whys: a new one begins at a heading, and where the numbers do."""
    chains: list[list[tuple[Line, str]]] = [[]]
    for one in lines:
        if one.section != "five whys":
            continue
        if one.heading:
            chains.append([])
        elif found := _WHY.fullmatch(one.words + " "):
            if found[1] == "1" and chains[-1]:
                chains.append([])
            chains[-1].append((one, _PREFIX.sub("", found[2].strip()).strip()))
    return chains


def _actions(lines: Sequence[Line], policy: Reviews) -> Iterator[Finding]:
    rows = actions(lines)
    heads = [one for one in lines if one.section == "actions" and one.heading]
    if heads and not rows:
        message = "there is no action; add a row, or excuse it with the reason why nothing is to be done"
        yield Finding(heads[0].number, 1, "no-action", message)
    for row in rows:
        yield from _action(row, policy)


def _action(row: Action, policy: Reviews) -> Iterator[Finding]:
    def at(name: str) -> tuple[int, int]:
        return (row.line, row.cells[name].column) if name in row.cells else (row.line, 1)

    text = row.of("action")
    if not starts_with_verb(text, policy.verbs) and not wording.vague(text):
        yield Finding(
            *at("action"), "action-without-verb", "begin with what is to be done, as `Add` or `Remove`"
        )
    if wording.vague(text):
        message = "say what will be there when it is done, as `Add an alert for ...`"
        yield Finding(*at("action"), "action-is-vague", message)
    if row.of("owner").lower() in _NOBODY:
        yield Finding(*at("owner"), "action-without-owner", "name one person who sees to it")
    if not _is_day(row.of("due")):
        yield Finding(*at("due"), "action-without-due", "write a date, as 2026-12-24")
    if row.of("priority") and row.of("priority").lower() not in _PRIORITIES:
        yield Finding(*at("priority"), "action-priority", f"write {ticked(_PRIORITIES)}")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2026-12-24")


def _excuses(lines: Sequence[Line]) -> Iterator[_Excuse]:
    for one in lines:
        for match in _ALLOW.finditer(one.text):
            # What stands in code or in a data part excuses nothing.
            alone = one.text.strip() == match[0]
            if alone or one.words:
                target = _next_words(lines, one.number) if alone else one.number
                yield _Excuse(one.number, target, match.start() + 1, match[1], (match[2] or "").strip())


def _next_words(lines: Sequence[Line], number: int) -> int:
    """The next line in which something is said; several excuses may stand above it."""
    return next((one.number for one in lines[number:] if one.words.strip()), number)


def _excused(found: Sequence[Finding], excuses: Sequence[_Excuse]) -> Iterator[Finding]:
    used: set[_Excuse] = set()
    for finding in found:
        mine = [
            one for one in excuses if one.rule == finding.rule and one.reason and one.target == finding.line
        ]
        used.update(mine)
        if not mine:
            yield finding
    for one in excuses:
        if one.rule not in RULES:
            hint = suggestion(one.rule, RULES) or "; `opsctl review lint --rules` lists them"
            message = f"`{line(shorten(one.rule, 40))}` is no rule{hint}"
            yield Finding(one.line, one.column, "excuse-unknown", message)
        elif not one.reason:
            message = f"say why: <!-- opsctl:allow {one.rule}: reason -->"
            yield Finding(one.line, one.column, "excuse-without-reason", message)
        elif one not in used:
            yield Finding(one.line, one.column, "excuse-unused", f"nothing here is `{one.rule}`; remove it")
