"""The `group` check: n of m of other checks, where unknown ones are never taken for well."""

from __future__ import annotations

from checks.probe import probe
from hypothesis import given
from hypothesis import strategies as st

from opsctl.checks.group import GroupCheck
from opsctl.outcome import Cause, Failure, Observation, State
from opsctl.records import Result

SHORT = {"u": State.UP, "g": State.DEGRADED, "d": State.DOWN, "?": State.UNKNOWN}


def results(states: str) -> list[Result]:
    """One result for each letter: up, degraded (g), down, unknown (?)."""
    return [
        Result(f"web/{number}", 0.0, SHORT[letter], None, "", None, 1, (), {}, {})
        for number, letter in enumerate(states)
    ]


def look(states: str, at_least: int | None = None) -> Observation:
    asked = []

    def answer(selectors):
        asked.append(selectors)
        return results(states)

    observation = probe(GroupCheck(members=("web/*", "api"), at_least=at_least), results=answer)
    assert asked == [("web/*", "api")]
    return observation


def test_everything_about_a_group():
    assert look("ugd", 2) == Observation(
        {"up": 2, "up_percent": 100 * 2 / 3, "unknown": 0, "total": 3, "down": 1, "enough": True},
        None,
        {"members": {"web/0": "up", "web/1": "degraded", "web/2": "down"}},
    )


def test_all_must_be_well_unless_fewer_are_asked_for():
    assert look("ugu").values["enough"] is True
    assert look("uud").values["enough"] is False
    assert look("uud", 2).values["enough"] is True
    assert look("udd", 2).values["enough"] is False


def test_unknown_members_that_decide_leave_it_open():
    assert "enough" not in look("uu?").values
    assert "enough" not in look("u?d", 2).values


def test_unknown_members_that_do_not_decide_leave_nothing_open():
    assert look("uu?", 2).values["enough"] is True
    assert look("d?d", 2).values["enough"] is False
    assert look("ud?").values["enough"] is False


def test_while_any_is_unknown_nobody_knows_how_many_are_down():
    observation = look("ud?")
    assert "down" not in observation.values
    assert observation.values["unknown"] == 1


def test_more_than_there_are_can_never_be_well():
    assert look("uu", 3).values["enough"] is False


def test_a_group_of_nothing_is_not_well():
    words = "no check was run that `web/*` or `api` selects, so there is nothing to count"
    assert look("") == Observation({}, Failure(Cause.MISSING, words))


@given(st.text("ugd?", min_size=1, max_size=8), st.none() | st.integers(1, 9))
def test_enough_is_what_every_way_the_unknown_could_turn_out_agrees_on(states, at_least):
    needed = len(states) if at_least is None else at_least
    worst, best = (sum(states.count(letter) for letter in good) for good in ("ug", "ug?"))
    expected = {worst >= needed, best >= needed}
    values = look(states, at_least).values
    assert ({values["enough"]} if "enough" in values else {False, True}) == expected


def test_the_target_is_how_many_of_which():
    assert GroupCheck(members=("web/*", "api"), at_least=2).target() == "2 of web/*, api"
    assert GroupCheck(members=("web/*",)).target() == "all of web/*"
