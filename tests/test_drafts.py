"""New data in a draft: what people wrote stays, byte by byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.drafts import begin, end, refresh
from opsctl.errors import UsageError

PEOPLE = st.text(st.characters(blacklist_categories=["Cs"]), max_size=40).filter(
    lambda text: "opsctl:" not in text
)
DATA = st.text(st.sampled_from("ab| -\n"), max_size=30)


def draft(before, old, after, newline="\n"):
    return f"{before}{newline}{begin('facts')}{newline}{old}{newline}{end('facts')}{newline}{after}"


@given(PEOPLE, DATA, PEOPLE, DATA)
def test_what_people_wrote_around_a_data_part_stays(before, old, after, new):
    found = refresh(draft(before, old, after), {"facts": new, "other": "x"}, "f.md")
    assert found.startswith(f"{before}\n{begin('facts')}\n")
    assert found.endswith(f"\n{end('facts')}\n{after}") or (
        not new and found.endswith(f"{end('facts')}\n{after}")
    )
    inner = found[len(before) + 1 + len(begin("facts")) + 1 : len(found) - len(after) - 1 - len(end("facts"))]
    assert inner.splitlines() == new.splitlines()


@given(PEOPLE, DATA, PEOPLE, DATA)
def test_the_same_data_again_changes_nothing(before, old, after, new):
    once = refresh(draft(before, old, after), {"facts": new}, "f.md")
    assert refresh(once, {"facts": new}, "f.md") == once


def test_line_ends_are_kept_as_they_are():
    text = draft("a", "old", "b\r\nc", "\r\n")
    assert refresh(text, {"facts": "x\ny"}, "f.md") == draft("a", "x\r\ny", "b\r\nc", "\r\n")


@given(PEOPLE)
def test_a_data_part_that_people_removed_stays_away(text):
    assert refresh(text, {"facts": "new"}, "f.md") == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"a\n{begin('facts')}\nb", "f.md:2:1: the data part `facts` begins and does not end"),
        (f"a\n{end('facts')}\nb", "f.md:2:1: the data part `facts` ends and does not begin"),
        (f"{begin('facts')}\n{end('impact')}", "f.md:2:1: the data part `impact` ends and does not begin"),
        (
            f"{begin('facts')}\n{end('facts')}\n{begin('facts')}\n{end('facts')}",
            "f.md:4:1: the data part `facts` is there twice",
        ),
        (
            f"{begin('facts')}\n{begin('impact')}\n{end('impact')}",
            "f.md:1:1: the data part `facts` begins and does not",
        ),
    ],
)
def test_damaged_marks_change_nothing(text, words):
    with pytest.raises(UsageError) as caught:
        refresh(text, {"facts": "new"}, "f.md")
    assert words in str(caught.value)
