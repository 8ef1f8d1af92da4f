"""Lint of reviews: what is found, what is left alone, and how a finding is excused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.linting import RULES, lint
from opsctl.policies import Reviews
from opsctl.review_text import actions, read

GOOD = """---
incident: INC-7
owner: alice
people: bob, carol
---

# PIR-7: API down

## Summary

The certificate of the API expired, and clients saw errors for 42 minutes.

## Impact

1200 requests failed.

## Timeline

## What went well

The failover worked.

## Where we got lucky

It was at night.

## Five whys

1. Why did the API refuse connections? Its certificate had expired.
2. Why had it expired? The renewal job was off.
3. Why was it off? It ran on a machine that was replaced.
4. Why did the new machine not have it? Jobs are not part of its image.
5. Why not? Nothing lists which jobs a machine has.

## Contributing causes

Expiry is not monitored.

## Actions

| action | owner | due | priority | measure |
| --- | --- | --- | --- | --- |
| Add an alert on expiry | bob | 2026-12-24 | high | incidents tag:tls 90d |

## Lessons

List what a machine runs before it is replaced.
"""


def rules(text, **policy):
    return [one.rule for one in lint(text, Reviews(**policy))]


def said(words):
    """The rules that a sentence in the summary breaks."""
    return rules(GOOD.replace("The certificate of the API expired", words))


def test_a_good_review_has_no_findings():
    assert lint(GOOD) == ()


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("It was human error", "blame"),
        ("Operator error broke the link", "blame"),
        ("The carelessness of the change", "blame"),
        ("A sloppy change", "blame"),
        ("It was his fault", "blame"),
        ("The team is to blame", "blame"),
        ("They blamed the vendor", "blame"),
        ("A mistake by the vendor", "blame"),
        ("We should have tested it", "counterfactual"),
        ("It could not have known", "counterfactual"),
        ("They shouldn't have deployed", "counterfactual"),
        ("We would really have seen it", "counterfactual"),
        ("If only there was an alert", "counterfactual"),
        ("Had we tested it", "counterfactual"),
        ("We should\u2019ve seen it", "counterfactual"),
        ("The engineer failed to check", "neglect"),
        ("She forgot to renew it", "neglect"),
        ("Nobody bothered, and it neglected to say so", "neglect"),
        ("The on-call engineer did not bother to look", "neglect"),
        ("The operator deleted the table", "person-as-cause"),
        ("A junior developer accidentally broke the build", "person-as-cause"),
        ("bob broke the build", "person-as-cause"),
        ("Carol forgot the renewal", "person-as-cause"),
        ("The root cause was DNS", "single-cause"),
        ("It was obviously wrong", "hindsight"),
        ("Of course the disk was full", "hindsight"),
        ("TODO", "placeholder"),
        ("It was TBD", "placeholder"),
    ],
)
def test_words_that_blame_are_found(words, rule):
    assert said(words) == [rule]


@pytest.mark.parametrize(
    "words",
    [
        "A blameless review",
        "`git blame` shows the commit",
        "The service failed to start",
        "Redis failed to answer",
        "The job deleted old rows",
        "Users saw an error",
        "The person on call was paged",
        "The team mitigated it in time",
        "Several root causes were found",
        "The deploy should finish in a minute",
        "We have to renew it",
        "The operator restarted the service",
        "`should have` is a phrase",
        "See [the page](https://example.org/human-error)",
        "<!-- human error --> The link broke",
        "The bobsled broke the record",
        "It missed the cache",
        "The faulty disk was replaced",
    ],
)
def test_words_that_blame_nobody_are_left_alone(words):
    assert said(words) == []


@pytest.mark.parametrize("quote", ["> It was human error\n", "```\nhuman error\n```\n", "~~~text\nTODO\n~~~\n",
    "<!--\nhuman error\nTODO\n-->\n", "<!-- opsctl:begin timeline -->\nhuman error\n<!-- opsctl:end timeline -->\n"])  # fmt: skip
def test_quotes_code_comments_and_data_are_not_peoples_words(quote):
    assert rules(GOOD.replace("## Timeline\n", f"## Timeline\n\n{quote}")) == []


def test_a_finding_says_where_and_what_would_be_better():
    (found,) = lint(GOOD.replace("1200 requests failed.", "1200 requests failed, by human error."))
    assert found == (
        15, 26, "blame", "`human error`: name what made it seem right at the time, or what let it through",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("1200 requests failed.", "Many requests failed.", ["missing-figure"]),
        ("1200 requests failed.", "", ["empty-section"]),
        ("The failover worked.", "", ["empty-section"]),
        ("The failover worked.", "None.", []),
        ("## Lessons", "## Learned", ["missing-section"]),
        ("5. Why not? Nothing lists which jobs a machine has.\n", "", ["too-few-whys"]),
        ("5. Why not? Nothing lists which jobs a machine has.", "5. ", ["too-few-whys"]),
        (
            "Nothing lists which jobs a machine has.",
            "The admin forgot to copy it.",
            ["why-ends-at-person", "neglect"],
        ),
        ("Nothing lists which jobs a machine has.", "The team was not aware of it.", ["why-ends-at-person"]),
        ("Nothing lists which jobs a machine has.", "Jobs are not part of its image.", ["why-repeats"]),
        (
            "| Add an alert on expiry | bob | 2026-12-24 | high | incidents tag:tls 90d |",
            "| | | | | |",
            ["no-action"],
        ),
        ("Add an alert on expiry", "Better alerts", ["action-without-verb"]),
        ("Add an alert on expiry", "Monitoring of expiry", ["action-without-verb"]),
        ("Add an alert on expiry", "Improve alerts", ["action-is-vague"]),
        ("Add an alert on expiry", "Be more careful", ["action-is-vague"]),
        ("Add an alert on expiry", "Re-enable the job", []),
        ("Add an alert on expiry", "**Rotate** the key", []),
        ("| bob |", "| |", ["action-without-owner"]),
        ("| bob |", "| Team |", ["action-without-owner"]),
        ("2026-12-24", "soon", ["action-without-due"]),
        ("2026-12-24", "2026-13-24", ["action-without-due"]),
        ("2026-12-24", "20261224", ["action-without-due"]),
        ("| high |", "| urgent |", ["action-priority"]),
        ("| high |", "| |", []),
        ("## Timeline\n", "## Timeline\n<!-- opsctl:begin timeline -->\n", ["broken-block"]),
    ],
)
def test_what_is_missing_is_found(before, after, expected):
    assert before in GOOD
    found = rules(GOOD.replace(before, after))
    if "broken-block" in expected:
        assert "broken-block" in found
    else:
        assert found == expected


def test_each_chain_of_whys_is_judged_on_its_own():
    second = "\n### The alert\n\n1. Why was nobody paged? There was no alert.\n"
    text = GOOD.replace("\n## Contributing", f"{second}\n## Contributing")
    assert rules(text) == ["too-few-whys"]
    assert rules(text, whys=1) == []


def test_a_workspace_knows_more_verbs():
    text = GOOD.replace("Add an alert", "Verschicke einen Alarm")
    assert rules(text) == ["action-without-verb"]
    assert rules(text, verbs=("verschicke",)) == []


EXCUSE = "<!-- opsctl:allow blame: it is the name of the book -->"


@pytest.mark.parametrize("place", ["{excuse}\nThe book of human error", "The book of human error {excuse}"])
def test_a_finding_is_excused_with_a_reason_in_the_line_or_above_it(place):
    assert said(place.format(excuse=EXCUSE)) == []


def test_several_excuses_may_stand_above_a_line():
    more = "<!-- opsctl:allow hindsight: a quotation -->"
    assert said(f"{EXCUSE}\n{more}\nIt was obviously human error") == []


@pytest.mark.parametrize(
    ("excuse", "expected"),
    [
        ("<!-- opsctl:allow blame -->", ["blame", "excuse-without-reason"]),
        ("<!-- opsctl:allow blame: -->", ["blame", "excuse-without-reason"]),
        ("<!-- opsctl:allow hindsight: why -->", ["blame", "excuse-unused"]),
        ("<!-- opsctl:allow blamed: why -->", ["blame", "excuse-unknown"]),
        ("`<!-- opsctl:allow blame: why -->`", ["blame"]),
    ],
)
def test_an_excuse_that_says_nothing_excuses_nothing(excuse, expected):
    found = said(f"It was human error {excuse}")
    assert sorted(found) == expected or (excuse.startswith("`") and found == [])


def test_an_excuse_does_not_reach_further_than_its_line():
    assert said(f"{EXCUSE}\nFine.\nIt was human error") == ["excuse-unused", "blame"]


def test_the_rules_that_are_found_are_documented():
    assert {one.rule for one in lint("")} <= RULES.keys()


@given(st.text(max_size=300))
def test_any_text_can_be_linted(text):
    lines = text.splitlines() or [""]
    for one in lint(text):
        assert 1 <= one.line <= len(lines)
        assert one.column >= 1


@given(st.lists(st.sampled_from(["|", "a", " ", "\\|", "---", "\n", "| action | owner |\n"]), max_size=30))
def test_any_table_can_be_read(parts):
    for row in actions(read("## Actions\n" + "".join(parts))):
        assert all(cell.text == cell.text.strip() for cell in row.cells.values())


def test_a_bar_in_a_cell_is_no_end_of_it():
    text = "## Actions\n| action | owner |\n|---|---|\n| Add a \\| b | bob |\n"
    (row,) = actions(read(text))
    assert (row.of("action"), row.of("owner"), row.of("due")) == ("Add a | b", "bob", "")
    assert row.cells["owner"].column == 16
