"""Records are folds of their events: every kind of event does exactly what it says, and nothing else."""

from __future__ import annotations

import json
from functools import reduce
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.errors import UsageError
from opsctl.ledger import (
    SUBJECTS,
    document,
    gate,
    incident,
    item,
    iteration,
    maintenance,
    review,
    run,
    signoff,
    slot,
    subject_kind,
    waiver,
)
from opsctl.ledger.events import Event, canonical, seal, thaw, undone_commands
from opsctl.ledger.names import command_named, number_of, subject_named

OPENING = {"title": "API down", "severity": "sev2", "services": ["api"], "detected": 90}


def event(kind, body=None, at=100.0, subject="INC-7"):
    return Event(1, 1, 500.0, at, "alice", "host", "words", kind, subject, body or {})


def told(kind, *events):
    return reduce(kind.apply, events, None)


def changed(before, after):
    return {name: new for name, old, new in zip(before._fields, before, after, strict=True) if old != new}


def the_incident(*more):
    return told(incident, event("incident.opened", OPENING), *more)


def test_an_opened_incident_is_open_since_it_happened():
    one = the_incident()
    assert one == incident.Incident(
        number=7,
        title="API down",
        state="open",
        severity="sev2",
        peak="sev2",
        opened=100,
        updated=100,
        services=("api",),
        detected=90,
        stays=(("open", 100),),
    )
    assert (one.subject, one.active) == ("INC-7", True)


@pytest.mark.parametrize(
    ("kind", "body", "difference"),
    [
        ("acknowledged", {}, {"state": "acknowledged", "acknowledged": 200, "updated": 200}),
        ("mitigated", {}, {"state": "mitigated", "mitigated": 200, "updated": 200}),
        (
            "resolved",
            {"impact_ended": 150, "forced": "we know"},
            {"state": "resolved", "resolved": 200, "impact_ended": 150, "forced": "we know", "updated": 200},
        ),
        ("closed", {}, {"state": "closed", "closed": 200, "updated": 200}),
        ("closed", {"false_alarm": True}, {"state": "closed", "closed": 200, "false_alarm": True, "updated": 200}),
        ("merged", {"into": "INC-1"}, {"state": "merged", "merged_into": "INC-1", "updated": 200}),
        ("updated", {"text": "on it"}, {"updated": 200}),
        ("noted", {"text": "hm"}, {}),
        ("observed", {"check": "api/health"}, {}),
        ("attached", {}, {}),
        ("changed", {"changes": {"severity": "sev1"}}, {"severity": "sev1", "peak": "sev1"}),
        ("changed", {"changes": {"severity": "sev4"}}, {"severity": "sev4"}),
        ("changed", {"changes": {"tags": ["db"], "title": "DB"}}, {"tags": ("db",), "title": "DB"}),
        ("escalated", {"changes": {"severity": "sev1"}}, {"severity": "sev1", "peak": "sev1"}),
        ("assigned", {"role": "scribe", "person": "bob"}, {"roles": {"scribe": "bob"}}),
        ("assigned", {"role": "scribe", "person": None}, {}),
        ("linked", {"relation": "caused by", "other": "INC-2"}, {"links": (("caused by", "INC-2"),)}),
        (
            "absorbed",
            {"other": "INC-9", "services": ["api", "db"]},
            {"services": ("api", "db"), "links": (("merged", "INC-9"),)},
        ),
    ],
)  # fmt: skip
def test_each_event_changes_an_incident_in_one_way(kind, body, difference):
    before = the_incident()
    after = the_incident(event(f"incident.{kind}", body, 200.0))
    found = changed(before, after)
    if "state" in difference:
        assert found.pop("stays") == (("open", 100), (difference["state"], 200))
    assert found == difference


def test_a_word_that_is_older_than_the_last_one_puts_no_clock_back():
    assert the_incident(event("incident.updated", {}, 50.0)).updated == 100


def test_an_incident_that_comes_back_is_open_again_and_keeps_its_first_acknowledgement():
    one = the_incident(
        event("incident.acknowledged", {}, 200.0),
        event("incident.resolved", {"impact_ended": 290}, 300.0),
        event("incident.reopened", {}, 400.0),
        event("incident.acknowledged", {}, 500.0),
    )
    assert (one.state, one.acknowledged, one.reopened) == ("acknowledged", 200, 400)
    assert (one.mitigated, one.impact_ended, one.resolved, one.forced) == (None, None, None, None)
    assert [state for state, _ in one.stays] == ["open", "acknowledged", "resolved", "open", "acknowledged"]


def test_a_link_that_is_there_is_not_made_twice():
    link = event("incident.linked", {"relation": "caused by", "other": "INC-2"})
    assert the_incident(link, link) == the_incident(link)


def test_a_role_has_one_person_and_can_be_given_up():
    taken = event("incident.assigned", {"role": "scribe", "person": "bob"})
    passed = event("incident.assigned", {"role": "scribe", "person": "eve"})
    left = event("incident.assigned", {"role": "scribe", "person": None})
    assert the_incident(taken, passed).roles == {"scribe": "eve"}
    assert the_incident(taken, left).roles == {}


def the_item(*more):
    return told(item, event("item.added", {"title": "Alert"}, subject="OPS-3"), *more)


@pytest.mark.parametrize(
    ("kind", "body", "difference"),
    [
        ("changed", {"changes": {"priority": "high", "tags": ["db"]}}, {"priority": "high", "tags": ("db",)}),
        ("planned", {"iteration": "ITR-1"}, {"state": "planned", "iteration": "ITR-1"}),
        ("started", {"baseline": {"value": 0.5}}, {"state": "started", "started": 200, "baseline": {"value": 0.5}}),
        ("done", {}, {"state": "done", "finished": 200}),
        ("done", {"spent": 3}, {"state": "done", "finished": 200, "spent": 3}),
        ("verified", {"verdict": {"outcome": "improved"}}, {"verified": 200, "verdict": {"outcome": "improved"}}),
        ("rejected", {"reason": "no"}, {"state": "rejected", "finished": 200, "reason": "no"}),
        ("linked", {"relation": "from", "other": "PIR-7"}, {"links": (("from", "PIR-7"),)}),
        ("noted", {"text": "hm"}, {}),
    ],
)  # fmt: skip
def test_each_event_changes_an_item_in_one_way(kind, body, difference):
    assert the_item() == item.Item(number=3, title="Alert", state="open", added=100)
    assert changed(the_item(), the_item(event(f"item.{kind}", body, 200.0, "OPS-3"))) == difference


def test_an_item_that_is_planned_no_more_is_open_and_a_started_one_stays_started():
    planned, taken_off = (event("item.planned", {"iteration": where}) for where in ("ITR-1", None))
    started = event("item.started", {"baseline": None})
    assert (the_item(planned, taken_off).state, the_item(planned, taken_off).iteration) == ("open", None)
    assert the_item(started, planned, taken_off).state == "started"


@pytest.mark.parametrize(("verdict", "proven"), [(None, False), ("improved", True), ("unchanged", False)])
def test_an_item_is_proven_by_a_measurement_that_improved_only(verdict, proven):
    seen = [event("item.verified", {"verdict": {"outcome": verdict}})] if verdict else []
    assert the_item(event("item.done"), *seen).proven is proven


def test_a_review_is_drafted_and_submitted_or_waived():
    started = event("review.started", {"owner": "alice", "file": "reviews/7.md"}, 100.0, "PIR-7")
    draft = told(review, started)
    assert draft == review.Review(7, "draft", 100.0, "alice", "reviews/7.md")
    assert (draft.subject, draft.incident) == ("PIR-7", "INC-7")
    text = {"text": "# Review", "digest": "ab", "actions": ["OPS-1", "OPS-2"]}
    done = told(review, started, event("review.submitted", text, 200.0, "PIR-7"))
    assert changed(draft, done) == {
        "state": "submitted",
        "submitted": 200,
        "text": "# Review",
        "digest": "ab",
        "actions": ("OPS-1", "OPS-2"),
    }
    waived = told(review, event("review.waived", {"reason": "drill"}, 200.0, "PIR-7"))
    assert (waived.state, waived.reason, waived.submitted) == ("waived", "drill", 200)


def test_an_iteration_is_added_and_changed():
    body = {"title": "Sprint 1", "starts": 0, "ends": 100, "capacity": 80, "share": 0.2}
    added = event("iteration.added", body, subject="ITR-2")
    moved = event("iteration.changed", {"changes": {"ends": 200}}, subject="ITR-2")
    assert told(iteration, added) == iteration.Iteration(2, "Sprint 1", 0, 100, 80, 0.2)
    assert told(iteration, added, moved).ends == 200


SIGNED = {"checklist": "go", "item": "x", "outcome": "signed", "who": "alice", "role": None, "digest": "ab",
          "subject_ref": "v1", "commit": None, "environment": None, "evidence": {"text": "seen"}}  # fmt: skip
WAIVED = {"checklist": "go", "item": "x", "reason": "r", "owner": "bob", "expires": 500.0}
DECIDED = {"checklist": "go", "subject_ref": "v1", "verdict": "pass", "as_of": 100.0, "definition": {"x": "ab"},
           "items": [{"id": "x", "verdict": "pass", "facts": {"on": [1, {"a": [2]}]}}]}  # fmt: skip
BEGUN = {"runbook": "it", "digest": "ab", "parameters": {"host": "a"}}
DUE = {"routine": "morning", "due": 90.0, "digest": "ab", "steps": ["a", "b"], "needed": ["a", "b"]}
SIGNED_STEP = event(
    "routine.did", {"step": "a", "outcome": "ok", "message": "", "attendees": ["x"]}, 101.0, "RTN-1"
)
MENDED = {"select": ["api"], "reason": "disks", "planned": 7300.0}
READ = {"path": "docs/a.md", "sha256": "ab", "note": "fine"}
STEPS = (
    event("run.step_begun", {"step": "one", "digest": "cd", "effect": "change"}, 101.0, "RUN-3"),
    event("run.step_ended", {"step": "one", "outcome": "ok", "captured": {"nr": "4"}}, 102.0, "RUN-3"),
    event(
        "run.asked", {"step": "two", "digest": "ef", "effect": "read", "question": "well?"}, 103.0, "RUN-3"
    ),
)


def test_a_word_is_given_and_taken_back():
    given = event("signoff.given", SIGNED, 100.0, "SGN-4")
    taken = told(signoff, given, event("signoff.revoked", {"reason": "early"}, 200.0, "SGN-4"))
    assert (told(signoff, given).at, taken.revoked, taken.reason) == (100, 200, "early")


def test_a_waiver_is_given_and_ended():
    given = event("waiver.given", WAIVED, 100.0, "WVR-2")
    ended = told(waiver, given, event("waiver.ended", {"reason": "mended"}, 200.0, "WVR-2"))
    assert (told(waiver, given).expires, ended.ended, ended.ended_reason) == (500, 200, "mended")


def test_a_decision_may_be_overridden_and_lets_pass_then():
    blocked = event("gate.decided", {**DECIDED, "verdict": "fail"}, 100.0, "GATE-1")
    overridden = event("gate.overridden", {"who": "alice", "reason": "r"}, 100.0, "GATE-1")
    assert told(gate, blocked).passed is False
    assert told(gate, blocked, overridden).passed is True


def test_a_run_knows_what_each_step_came_to_and_what_it_waits_for():
    begun = event("run.started", BEGUN, 100.0, "RUN-3")
    found = told(run, begun, *STEPS)
    assert (found.state, found.values, found.ran("one").outcome) == ("waiting", {"nr": "4"}, "ok")
    assert (found.ran("two").outcome, found.ran("two").question) == ("waiting", "well?")
    answered = told(
        run, begun, *STEPS, event("run.answered", {"step": "two", "value": "yes"}, 104.0, "RUN-3")
    )
    assert answered.ran("two").answer == "yes"
    over = told(run, begun, event("run.ended", {"state": "aborted", "reason": "r"}, 105.0, "RUN-3"))
    assert (over.state, over.ended, over.reason) == ("aborted", 105, "r")


def did(step, outcome):
    return event("routine.did", {"step": step, "outcome": outcome, "message": "m"}, 101.0, "RTN-1")


def test_a_slot_is_done_when_all_that_is_needed_was():
    begun = event("routine.due", {"slot": DUE}, 100.0, "RTN-1")
    assert told(slot, begun).state == told(slot, begun, did("a", "ok")).state == "open"
    assert told(slot, begun, did("a", "ok"), did("b", "waiting")).state == "open"
    assert told(slot, begun, did("a", "ok"), did("b", "ok")).state == "done"
    assert told(slot, begun, did("a", "ok"), did("b", "unknown")).state == "failed"
    assert told(slot, begun, did("a", "failed"), did("b", "ok"), did("a", "ok")).state == "done"
    missed = told(slot, begun, event("routine.missed", {"reason": "r"}, 102.0, "RTN-1"))
    assert (missed.state, missed.reason, missed.ended) == ("missed", "r", 102.0)
    some = event("routine.due", {"slot": {**DUE, "needed": ["b"]}}, 100.0, "RTN-1")
    assert told(slot, some, did("b", "ok")).state == "done"
    none = event("routine.due", {"slot": {**DUE, "needed": []}}, 100.0, "RTN-1")
    assert told(slot, none, did("b", "ok")).state == "open"


def test_a_document_knows_its_last_review():
    first = event("document.reviewed", {**READ, "by": "bob"}, 100.0, "DOC-1")
    again = event("document.reviewed", {**READ, "sha256": "cd"}, 200.0, "DOC-1")
    found = told(document, first, again)
    assert (found.by, found.at, found.sha256, found.reviews) == (again.actor, 200.0, "cd", 2)


@pytest.mark.parametrize("prefix", SUBJECTS)
def test_a_record_comes_back_from_its_document_as_it_was(prefix):
    kind = subject_kind(prefix)
    records = {
        "INC": the_incident(
            event("incident.linked", {"relation": "x", "other": "INC-2"}),
            event("incident.assigned", {"role": "scribe", "person": "bob"}),
            event("incident.acknowledged", {}, 1.5),
        ),
        "OPS": the_item(event("item.verified", {"verdict": {"n": [1, 2.5]}})),
        "PIR": told(review, event("review.waived", {"reason": "drill"}, subject="PIR-7")),
        "ITR": iteration.Iteration(1, "x", 0.5, 1, 2, 0.2),
        "SGN": told(signoff, event("signoff.given", SIGNED, 100.0, "SGN-4")),
        "WVR": told(waiver, event("waiver.given", WAIVED, 100.0, "WVR-2")),
        "GATE": told(gate, event("gate.decided", DECIDED, 100.0, "GATE-1")),
        "RUN": told(run, event("run.started", BEGUN, 100.0, "RUN-3"), *STEPS),
        "RTN": told(slot, event("routine.due", {"slot": DUE}, 100.0, "RTN-1"), SIGNED_STEP),
        "MNT": told(maintenance, event("maintenance.started", MENDED, 100.0, "MNT-1")),
        "DOC": told(document, event("document.reviewed", READ, 100.0, "DOC-1")),
    }
    record = records[prefix]
    assert kind.decode(json.loads(canonical(record._asdict()))) == record


@pytest.mark.parametrize("kind", [incident, item, iteration, review])
def test_an_event_of_a_kind_that_nobody_knows_is_an_error(kind):
    first = {
        incident: event("incident.opened", OPENING),
        item: event("item.added", {"title": "x"}),
        iteration: event(
            "iteration.added", {"title": "x", "starts": 0, "ends": 1, "capacity": 1, "share": 0.1}
        ),
        review: event("review.started", {"owner": None, "file": None}),
    }[kind]
    with pytest.raises(KeyError):
        told(kind, first, event("incident.unheard_of"))


def test_a_remark_changes_nothing_that_a_later_event_relies_on():
    for kind in sorted(incident.REMARKS):
        after = the_incident(event(kind, {"text": "hm"}, 200.0))
        assert changed(the_incident(), after).keys() <= {"updated"}
    for kind in sorted(item.REMARKS):
        assert the_item(event(kind, {"text": "hm"})) == the_item()
    assert review.REMARKS == iteration.REMARKS == frozenset()


@pytest.mark.parametrize("text", ["INC-7", "inc-7", "inc7", "7", " INC7 "])
def test_an_incident_is_named_in_many_ways(text):
    assert subject_named(text, "INC") == "INC-7"
    assert number_of("INC-7") == 7


@pytest.mark.parametrize(
    "text", ["", "INC", "OPS-7", "INC-0", "INC-07", "-7", "٧", "7.0", "INC--7", "9" * 10]
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(UsageError, match="is no name as INC-7; write INC-7 or 7"):
        subject_named(text, "INC")


@pytest.mark.parametrize("text", ["31", " 31 ", "command 31", "Command  31"])
def test_a_command_is_named_by_its_number(text):
    assert command_named(text) == 31


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "INC-7", "command", "31 32", "٣", "9" * 19])
def test_what_is_no_number_of_a_command_is_refused(text):
    with pytest.raises(UsageError, match="is no command's number; write 31, as `opsctl log` shows it"):
        command_named(text)


def test_an_undo_may_be_undone_any_number_of_times():
    assert undone_commands({}) == set()
    assert undone_commands({2: 1}) == {1}
    assert undone_commands({2: 1, 3: 2}) == {2}
    assert undone_commands({2: 1, 3: 2, 4: 3}) == {1, 3}
    assert undone_commands({2: 1, 3: 2, 4: 1}) == {1, 2}
    # Undoing the undo of an undo, while another undo of the same command counts.
    assert undone_commands({2: 1, 3: 2, 4: 1, 5: 3}) == {1, 3}


@given(st.lists(st.integers(0, 30), max_size=30))
def test_a_command_counts_unless_an_undo_of_it_counts(targets):
    undos = {number: target for number, target in enumerate(targets, 1) if target < number}

    def counts(command):
        return not any(counts(undo) for undo, undone in undos.items() if undone == command)

    assert undone_commands(undos) == {one for one in range(-1, len(targets) + 1) if not counts(one)}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text(st.characters(exclude_categories=())), _JSON, max_size=4))
def test_a_body_is_one_text_that_can_be_stored_and_read_back_to_itself(body):
    text = canonical(body)
    text.encode()
    assert canonical(json.loads(text)) == text


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_body_with_a_number_that_is_none_is_refused(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"value": [number]})


def test_half_a_surrogate_pair_is_spelt_out():
    assert canonical({"text": "a\ud83d\ude00\udc80b"}) == '{"text":"a\\\\ud83d\\\\ude00\\\\udc80b"}'


def test_a_seal_covers_every_field_and_what_was_before():
    one = Event(1, 1, 1.5, 2.5, "alice", "host", "words", "item.noted", "OPS-1", {"text": "x"})
    others = [
        one._replace(id=2), one._replace(command=2), one._replace(recorded=1.501), one._replace(occurred=2.501),
        one._replace(actor="bob"), one._replace(host="h"), one._replace(words="w"), one._replace(kind="item.done"),
        one._replace(subject="OPS-2"), one._replace(body={"text": "y"}),
        one._replace(actor="ali", host="cehost"),
    ]  # fmt: skip
    seals = {seal(bytes(32), each) for each in (one, *others)} | {seal(b"\x01" * 32, one)}
    assert len(seals) == len(others) + 2
    assert (
        seal(bytes(32), one).hex()
        == sha256(
            bytes(32) + rb'[1,1,1.5,2.5,"alice","host","words","item.noted","OPS-1","{\"text\":\"x\"}"]'
        ).hexdigest()
    )


def test_lists_are_thawed_to_tuples_at_every_depth():
    assert thaw({"a": [1, [2, {"b": [3]}]]}) == {"a": (1, (2, {"b": (3,)}))}
