"""Running checks at once: every check is answered for, whatever its probe does."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import free_port

from opsctl.checks.http import HttpCheck
from opsctl.definitions import CheckDefinition, Service
from opsctl.errors import Terminated
from opsctl.expectations import parse, root
from opsctl.outcome import Cause, Failure, Kind, Observation, State, Subject
from opsctl.probing import Conditions, probe_all
from opsctl.rooting import root_causes
from opsctl.secrets import Secrets, Template
from opsctl.verdicts import conclude

if TYPE_CHECKING:
    from collections.abc import Callable

SUBJECTS = MappingProxyType(
    {
        "n": Subject(Kind.NUMBER, "A number.", Cause.STATUS),
        "t": Subject(Kind.TEXT, "A text.", Cause.BODY),
        "b": Subject(Kind.BOOLEAN, "A truth."),
    }
)


class Scripted:
    SHORTHAND = ""
    SUBJECTS = SUBJECTS
    EXPECT = ()

    def __init__(self, *answers: Observation | Callable[[], Observation]) -> None:
        self.answers = list(answers)

    def target(self) -> str:
        return "scripted"

    def probe(self, _ask: object) -> Observation:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer() if callable(answer) else answer


def definition(name: str, kind: object, *expect: str, **more: object) -> CheckDefinition:
    subjects = getattr(kind, "SUBJECTS", SUBJECTS)
    parsed = tuple(parse(text, subjects) for text in expect or ("n == 1",))
    fields: dict[str, object] = {
        "name": name,
        "type": "scripted",
        "kind": kind,
        "expect": parsed,
        "warn": (),
        "wanted": frozenset(root(one) for one in parsed),
        "timeout": 5.0,
        "retries": 0,
        "retry_delay": 0.0,
        "retry_on": "transport",
        "fail_after": 1,
        "ok_after": 1,
        "every": 300.0,
        "title": "",
        "runbook": None,
        **more,
    }
    return CheckDefinition(**fields)  # type: ignore[arg-type]


def run(*checks: CheckDefinition, jobs: int = 8) -> dict[str, object]:
    secrets = Secrets({}, Path())
    conditions = Conditions(secrets, {}, Path(), 1000.0, lambda _name: None, list, jobs, explain=False)
    return {result.check: result for result in probe_all(checks, conditions)}


GOOD = Observation({"n": 1})
REFUSED = Observation(failure=Failure(Cause.REFUSED, "connection refused"))


def test_a_fault_in_one_kind_is_unknown_and_takes_no_other_along():
    def broken() -> Observation:
        raise RuntimeError("boom")

    found = run(definition("a/x", Scripted(broken)), definition("a/y", Scripted(GOOD)))
    assert (found["a/x"].state, found["a/x"].cause) == (State.UNKNOWN, Cause.INTERNAL)
    assert "boom" in found["a/x"].message
    assert found["a/y"].state is State.UP


def test_a_stuck_probe_is_given_up_and_the_others_are_still_run():
    stuck = threading.Event()

    def hang() -> Observation:
        stuck.wait()
        return GOOD

    checks = [definition(f"a/{number}", Scripted(hang), timeout=0.05) for number in range(3)]
    found = run(*checks, definition("a/fine", Scripted(GOOD)), jobs=1)
    stuck.set()
    assert [found[check.name].cause for check in checks] == [Cause.TIMEOUT] * 3
    assert found["a/fine"].state is State.UP


@pytest.fixture
def _terminated():
    """SIGTERM as the command line has it."""

    def raise_it(_number: int, _frame: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, raise_it)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("_terminated")
@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_what_is_known_when_a_signal_comes_is_told(number, raised):
    begun, stuck = threading.Event(), threading.Event()

    def hang() -> Observation:
        begun.set()
        stuck.wait()
        return GOOD

    secrets = Secrets({}, Path())
    conditions = Conditions(secrets, {}, Path(), 1000.0, lambda _name: None, list, 1, explain=False)
    known = [definition(f"a/{name}", Scripted(GOOD)) for name in ("first", "second")]
    found = []

    def look() -> None:
        for result in probe_all([*known, definition("a/slow", Scripted(hang))], conditions):
            found.append(result.check)
            # By the time that the last has begun, the answer of the second is there.
            assert begun.wait(10)
            if len(found) == 1:
                signal.raise_signal(number)

    with pytest.raises(raised):
        look()
    stuck.set()
    assert found == ["a/first", "a/second"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_where_nothing_is_expected_nothing_was_shown():
    nothing = definition("a/x", Scripted(GOOD))._replace(expect=(), wanted=frozenset())
    refused = definition("a/y", Scripted(REFUSED))._replace(expect=(), wanted=frozenset())
    assert run(nothing)["a/x"].state is State.UNKNOWN
    assert run(refused)["a/y"].state is State.DOWN


def test_a_transport_failure_is_tried_again_and_the_attempts_stay_visible():
    found = run(definition("a/x", Scripted(REFUSED, REFUSED, GOOD), retries=2))
    assert (found["a/x"].state, found["a/x"].attempts) == (State.UP, 3)


def test_a_wrong_answer_is_not_tried_again_unless_asked():
    wrong = Observation({"n": 2})
    once = run(definition("a/x", Scripted(wrong, GOOD), retries=2))["a/x"]
    assert (once.state, once.attempts) == (State.DOWN, 1)
    asked = run(definition("a/x", Scripted(wrong, GOOD), retries=2, retry_on="any"))["a/x"]
    assert (asked.state, asked.attempts) == (State.UP, 2)


def test_http_is_retried_in_the_loop_too():
    check = HttpCheck(url=Template(f"http://127.0.0.1:{free_port()}/"))
    found = run(definition("a/x", check, "status == 200", type="http", retries=2))["a/x"]
    assert (found.state, found.cause, found.attempts) == (State.DOWN, Cause.REFUSED, 3)


def judged(observation: Observation, *expect: str, warn: tuple[str, ...] = ()) -> object:
    check = definition("a/x", Scripted(GOOD), *expect, warn=tuple(parse(text, SUBJECTS) for text in warn))
    return conclude(check, observation, at=0.0, attempts=1, mask=None, explain=False)


@pytest.mark.parametrize(
    ("observation", "expect", "state", "cause"),
    [
        (GOOD, ["n == 1"], State.UP, None),
        (GOOD, ["n == 2"], State.DOWN, Cause.STATUS),
        (GOOD, ['t == "x"'], State.UNKNOWN, Cause.BODY),
        (GOOD, ["n == 2", 't == "x"'], State.DOWN, Cause.STATUS),
        (REFUSED, ["n == 1"], State.DOWN, Cause.REFUSED),
        (REFUSED, ["n != 1"], State.DOWN, Cause.REFUSED),
        (REFUSED, ["not n == 1"], State.DOWN, Cause.REFUSED),
        (Observation({"b": False}, REFUSED.failure), ["b == false"], State.UP, None),
        (Observation(failure=Failure(Cause.SECRET, "no")), ["n == 1"], State.UNKNOWN, Cause.SECRET),
    ],
)
def test_the_state_follows_from_what_was_seen(observation, expect, state, cause):
    result = judged(observation, *expect)
    assert (result.state, result.cause) == (state, cause)


def test_what_the_target_does_not_tell_is_said_to_be_unknown():
    assert judged(GOOD, "n == 1", 't == "x"').message == 't == "x" (could not tell: nothing is known of it)'


def test_an_unmet_warning_degrades():
    result = judged(GOOD, "n == 1", warn=("n > 1",))
    assert (result.state, result.message) == (State.DEGRADED, "n > 1 (found 1)")


OPERATIONS = st.sampled_from(
    ["n == 1", "n != 1", "n < 5", "not n > 5", 't == "x"', 't != "x"', "b == false", "b != true"]
)


@given(st.lists(OPERATIONS, min_size=1, max_size=4), st.sampled_from(list(Cause)))
def test_no_answer_is_never_up(expect, cause):
    assert not judged(Observation(failure=Failure(cause, "none")), *expect).state.good


def service(name: str, *depends_on: str) -> Service:
    return Service(name, name, None, "normal", (), depends_on, None, ())


def test_the_root_is_the_farthest_failing_dependency():
    services = {
        one.id: one for one in (service("web", "api"), service("api", "db"), service("db"), service("x"))
    }
    assert root_causes(services, ["web/a", "api/a", "db/a", "x/a"]) == {"web/a": "db/a", "api/a": "db/a"}
    assert root_causes(services, ["web/a", "db/b"]) == {"web/a": "db/b"}
    assert root_causes(services, ["web/a", "x/a"]) == {}


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef")), min_size=1),
    st.sets(st.sampled_from("abcdef")),
)
def test_a_root_cause_explains_others_and_never_itself(edges, bad):
    services = {name: service(name, *sorted(targets)) for name, targets in edges.items()}
    names = [f"{name}/c" for name in sorted(bad)]
    explained = root_causes(services, names)
    assert all(check != cause and cause in names for check, cause in explained.items())
