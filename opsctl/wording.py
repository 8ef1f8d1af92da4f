"""Words that a blameless review does without, each with a better way to say it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class Wording(NamedTuple):
    """A rule about words: where it applies, it says `advice`."""

    rule: str
    pattern: re.Pattern[str]
    advice: str


# Who acts, as reviews say it of people; of machines these words are not used.
_PEOPLE = (
    r"(?:he|she|we|i|you|nobody|no one|somebody|someone|everybody|everyone|people|person"
    r"|(?:the |an? |our |their )?(?:on-?call |junior |senior |new )?"
    r"(?:engineer|operator|developer|dev|admin|administrator|sysadmin|intern|contractor|employee|colleague"
    r"|responder|manager|team|user|human|support|on-?call)s?)"
)
_DEEDS = (
    r"(?:broke|caused|deleted|ignored|rushed|misconfigured|mistyped|dropped|overlooked|missed|messed up"
    r"|screwed up|botched|violated|disregarded)"
)
_NEGLECT = r"(?:failed to|neglected to|forgot(?: to)?|did(?: not|n['’]t) bother to|omitted to)"
WORDINGS = (
    Wording(
        "blame",
        re.compile(
            r"\b(?:human|operator|user|pilot) errors?\b|\bcareless(?:ly|ness)?\b|\bnegligen(?:t|ce|tly)\b"
            r"|\bsloppy\b|\bsloppiness\b|\bincompetent\b|\bincompetence\b|\blazy\b|\blaziness\b|\bstupid(?:ly|ity)?\b"
            r"|\bat fault\b|\b(?:is|was|are|were) to blame\b|\bblamed?\b(?! ?-?(?:less|free))(?<!git blame)"
            r"|\b(?:whose|his|her|their|my|your) (?:fault|mistake|blunder)\b|\bmistakes? (?:by|of)\b"
            r"|\b(?:guilty|culprit|irresponsib(?:le|ly|ility))\b",
            re.IGNORECASE,
        ),
        "name what made it seem right at the time, or what let it through",
    ),
    Wording(
        "counterfactual",
        re.compile(
            r"\b(?:should|could|would|might|ought to)(?: not|n['’]t)?(?: \w+ly)? have\b"
            r"|\b(?:should|could|would)['’]ve\b|\bif only\b"
            r"|\bhad (?:we|they|he|she|somebody|someone|anyone)\b",
            re.IGNORECASE,
        ),
        "say what did happen; what is to change belongs to the actions",
    ),
    Wording(
        "neglect",
        re.compile(
            rf"\b{_PEOPLE} (?:had |has |have )?{_NEGLECT}\b|\bforgot to\b|\bneglected to\b", re.IGNORECASE
        ),
        "say what was there instead: which reminder, check or default was missing",
    ),
    Wording(
        "person-as-cause",
        re.compile(rf"\b{_PEOPLE} (?:accidentally |wrongly |then |had |has )?{_DEEDS}\b", re.IGNORECASE),
        "make the system the subject: what allowed it, and what did not catch it",
    ),
    Wording(
        "single-cause",
        re.compile(r"\bthe root cause\b|\broot cause (?:is|was)\b", re.IGNORECASE),
        "say `a contributing cause`; there is more than one",
    ),
    Wording(
        "hindsight",
        re.compile(r"\b(?:obvious(?:ly)?|clearly|of course|simply|it is easy to)\b", re.IGNORECASE),
        "leave it out: it was not to those who were there",
    ),
)
_ENDS_AT_PERSON = re.compile(
    rf"\b{_PEOPLE} (?:\w+ ){{0,2}}{_DEEDS}\b|\b{_PEOPLE} (?:had |has |have )?{_NEGLECT}\b"
    r"|\b(?:human|operator|user) errors?\b|\bmistake\b|\bforgot\b"
    r"|\b(?:did(?: not|n['’]t)|was(?: not|n['’]t)) "
    r"(?:know|notice|aware|careful|trained|paying attention|follow|think|realise|realize)\b",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\b(?:TODO|TBD|FIXME|XXX|lorem ipsum)\b|\.\.\.$|\?\?\?")
_VAGUE = re.compile(
    r"(?:investigate|improve|ensure|look into|look at|consider|think about|be more|be careful|pay attention"
    r"|remind|retrain|double-?check|try to|make sure)\b",
    re.IGNORECASE,
)


def found(words: str, people: Collection[str] = ()) -> Iterator[tuple[str, int, str, str]]:
    """Each word that a rule is about: the rule, the column from 0, the words, and the advice.

    `people` are names that count as persons.
    """
    for one in WORDINGS:
        for match in one.pattern.finditer(words):
            yield one.rule, match.start(), match[0], one.advice
    for name in people:
        pattern = rf"\b{re.escape(name)} (?:accidentally |wrongly |then |had )?(?:{_DEEDS}|{_NEGLECT})\b"
        for match in re.finditer(pattern, words, re.IGNORECASE):
            advice = next(one.advice for one in WORDINGS if one.rule == "person-as-cause")
            yield "person-as-cause", match.start(), match[0], advice


def ends_at_person(words: str, people: Collection[str] = ()) -> bool:
    """Whether a why stops at what somebody did, which explains nothing yet."""
    named = "|".join(re.escape(name) for name in people if name)
    if named and re.search(rf"\b(?:{named}) (?:\w+ ){{0,2}}(?:{_DEEDS}|{_NEGLECT})\b", words, re.IGNORECASE):
        return True
    return _ENDS_AT_PERSON.search(words) is not None


def placeholder(words: str) -> re.Match[str] | None:
    """What stands for something that is still to be written."""
    return _PLACEHOLDER.search(words)


def vague(words: str) -> bool:
    """Whether an action begins with a word of which nobody can say when it is done."""
    return _VAGUE.match(words) is not None
