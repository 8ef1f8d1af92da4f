"""Whose word counts, under random decisions, against an oracle that is slow and obvious."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from conftest import Opsctl

EXAMPLES = 600 if os.environ.get("OPSCTL_LONG") else 20
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PEOPLE, MANAGERS = ("alice", "bob", "carol"), ("alice", "bob")


class Word(NamedTuple):
    """What an oracle remembers of a sign-off."""

    number: int
    who: str
    subject: str
    text: str
    at: datetime


people, subjects = st.sampled_from(PEOPLE), st.sampled_from(["v1", "v2"])
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("sign"), people, subjects),
        st.tuples(st.just("revoke"), st.integers(1, 6)),
        st.tuples(st.just("wait"), st.integers(1, 20)),
        st.tuples(st.just("change"), st.sampled_from(["Told", "Told all"])),
        st.tuples(st.just("undo"), people),
    ),
    max_size=12,
)


def write(opsctl: Opsctl, text: str, count: int) -> None:
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        roles: {{manager: [alice, bob]}}
        services: {{a: {{checks: {{c: {{file: /}}}}}}}}
        checklists:
          go:
            title: Go
            items: {{told: {{text: {text}, sign: {{role: manager, count: {count}}}, valid_for: 24h}}}}
    """)  # fmt: skip


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deeds=deeds, count=st.integers(1, 2))
def test_a_word_counts_as_an_oracle_says(opsctl: Opsctl, deeds: list[tuple], count: int) -> None:
    for path in (opsctl.path / ".opsctl").glob("*"):
        path.unlink()
    words: list[Word] = []
    gone: set[int] = set()
    text, now, given_so_far = "Told", START, 0
    # What each person did last that can be undone: which word was given, or taken back.
    done: dict[str, list[tuple[str, int]]] = {who: [] for who in PEOPLE}

    def run(*arguments: str, who: str = "alice") -> int:
        ran = opsctl(*arguments, env={"OPSCTL_ACTOR": who}, now=now.isoformat())
        assert "Traceback" not in ran.err
        return ran.code

    write(opsctl, text, count)
    for deed, *told in deeds:
        now += told[0] * HOUR if deed == "wait" else timedelta(seconds=1)
        if deed == "sign":
            who, subject = told
            code = run("checklist", "sign", "go", "told", "--subject", subject, who=who)
            assert (code == 0) == (who in MANAGERS)
            if who in MANAGERS:
                given_so_far += 1
                words.append(Word(given_so_far, who, subject, text, now))
                done[who].append(("signed", given_so_far))
        elif deed == "revoke":
            number = told[0]
            known = any(word.number == number for word in words)
            code = run("checklist", "revoke", str(number), "--reason", "wrong")
            assert (code == 0) == (known and number not in gone), (number, words, gone)
            if code == 0:
                gone.add(number)
                done["alice"].append(("revoked", number))
        elif deed == "change":
            (text,) = told
            write(opsctl, text, count)
        elif deed == "undo" and done[told[0]]:
            what, number = done[told[0]][-1]
            relied_on = what == "signed" and number in gone
            assert (run("undo", "--yes", who=told[0]) == 0) == (not relied_on)
            if not relied_on:
                done[told[0]].pop()
                if what == "signed":
                    words = [word for word in words if word.number != number]
                else:
                    gone.discard(number)
        for subject in ("v1", "v2"):
            counted = {
                word.who
                for word in words
                if word.number not in gone
                and (word.subject, word.text) == (subject, text)
                and now - word.at < timedelta(hours=24)
            }
            event(f"{min(len(counted), count)} of {count}")
            assert run("checklist", "status", "go", "--subject", subject) == (
                0 if len(counted) >= count else 4
            )
    assert not given_so_far or run("db", "verify") == 0
