"""The `clock` check against servers that speak NTP as RFC 5905 has it."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest
from checks.probe import probe
from checks.time_servers import answer, serving

from opsctl.checks.clock import ClockCheck
from opsctl.outcome import Cause, Failure, Observation


@pytest.fixture
def server():
    with ExitStack() as stack:
        yield lambda make: ClockCheck(server="127.0.0.1", port=stack.enter_context(serving(make)))


def test_clocks_that_agree(server):
    seen = probe(server(lambda asked: [answer(asked)]))
    assert seen.failure is None
    assert seen.values["offset"] < 0.5
    assert (seen.values["synchronised"], seen.values["stratum"]) == (True, 2)


@pytest.mark.parametrize(("there", "ahead"), [(3600.0, False), (-3600.0, True)])
def test_a_clock_that_is_off_says_by_how_much_and_to_which_side(server, there, ahead):
    seen = probe(server(lambda asked: [answer(asked, ahead=there)]))
    assert seen.values["offset"] == pytest.approx(3600, abs=1)
    assert seen.values["ahead"] is ahead


@pytest.mark.parametrize("more", [{"leap": 3}, {"stratum": 0}, {"stratum": 16}, {"age": -60}])
def test_a_server_that_does_not_know_the_time_says_so(server, more):
    assert probe(server(lambda asked: [answer(asked, **more)])).values["synchronised"] is False


def test_answers_to_other_questions_are_passed_over(server):
    seen = probe(server(lambda asked: [answer(bytes(48), ahead=99), b"", answer(asked)]))
    assert seen.values["offset"] < 0.5


def test_what_is_no_answer_is_told(server):
    seen = probe(server(lambda asked: [answer(asked, mode=3)]))
    assert seen.failure.cause is Cause.PROTOCOL
    seen = probe(server(lambda asked: [answer(asked, ahead=3600, took=-7200)]))
    assert seen == Observation(
        failure=Failure(Cause.PROTOCOL, "it says that it answered before it was asked")
    )
    assert probe(server(lambda _: []), timeout=0.1).failure.cause is Cause.TIMEOUT


def test_a_time_after_2036_is_read_right(server, monkeypatch):
    later = 2_200_000_000.0
    monkeypatch.setattr(time, "time", lambda: later)
    assert probe(server(lambda asked: [answer(asked)])).values["offset"] < 1
