"""What a run asks people: questions and approvals, and for how long their answers count."""

from __future__ import annotations

import pytest
from commands.notes import note, noted
from commands.runbook.steps import ALICE, BOB, MISSING
from terminal import typed


def test_without_a_terminal_a_question_waits_and_is_answered_later(shop, opsctl):
    run = shop(note("one"), "{id: look, confirm: 'All quiet?'}", note("two"))
    ran = run("runbook", "run", "it")
    assert (ran.code, ran.out.splitlines()[0]) == (
        4, "RUN-1 (run of it) is waiting: it waits for an answer: opsctl runbook answer RUN-1 look VALUE",
    )  # fmt: skip
    assert run("runbook", "resume", "1").code == 4
    assert run("runbook", "answer", "1", "one", "yes").err == (
        "opsctl: RUN-1 does not wait for one; it waits for look\n"
    )
    assert run("runbook", "answer", "1", "look", "yes", env=BOB).code == 0
    resumed = run("runbook", "resume", "1")
    assert resumed.code == 0
    assert "+ look: yes, by bob" in resumed.err
    assert noted(opsctl) == ["one", "two"]


def test_a_no_is_no_and_stops_the_run(shop, opsctl):
    run = shop("{id: look, confirm: 'All quiet?'}", note("two"))
    run("runbook", "run", "it")
    run("runbook", "answer", "1", "look", "no")
    ran = run("runbook", "resume", "1")
    assert (ran.code, noted(opsctl)) == (1, [])
    assert "`no` by alice is not yes" in ran.out
    # Asked again, it may be yes by then.
    assert run("runbook", "resume", "1").code == 4


def test_on_a_terminal_questions_are_asked_and_values_used(shop, opsctl):
    shop(
        "{id: look, confirm: 'All quiet?'}", "{id: which, ask: {question: 'Which host?', name: host, pattern: '[a-z]+'}}",
        "{id: how, choose: {question: 'How?', name: way, of: [soft, hard]}}",
        "{id: do, shell: 'echo $host-$way >>log'}",
    )  # fmt: skip
    code, shown = typed(opsctl, ALICE, "yes\nweb\nsoft\n", "runbook", "run", "it")
    assert code == 0, shown
    assert noted(opsctl) == ["web-soft"]


def test_an_approval_comes_from_somebody_else_in_the_role(shop, opsctl):
    run = shop(note("one", ", needs: lead"))
    ran = run("runbook", "run", "it")
    assert ran.code == 4
    assert "lead has to approve: opsctl runbook approve RUN-1 one" in ran.out
    assert (
        run("runbook", "approve", "1", "one").err
        == "opsctl: alice runs it, so somebody else has to approve\n"
    )
    assert (
        run("runbook", "approve", "1", "one", env={"OPSCTL_ACTOR": "carol"}).err
        == "opsctl: carol is not lead\n"
    )
    assert run("runbook", "resume", "1").code == 4
    assert run("runbook", "approve", "1", "one", env=BOB).code == 0
    assert run("runbook", "resume", "1").code == 0
    assert noted(opsctl) == ["one"]


def test_a_changed_runbook_asks_before_it_goes_on(shop, opsctl):
    run = shop(note("one"), "{id: two, run: ['false']}")
    run("runbook", "run", "it")
    shop(note("one"), note("two"))
    refused = run("runbook", "resume", "1")
    assert refused.code == 1
    assert "it was changed since RUN-1 stopped" in refused.err
    assert run("runbook", "resume", "1", "--changed").code == 0
    assert noted(opsctl) == ["one", "two"]


def test_a_step_whose_condition_cannot_be_told_is_asked_about_and_told_again(shop, opsctl):
    shop(MISSING, "{id: b, run: [sh, -c, 'echo b >>log'], creates: '{{ v }}/x', on_failure: ask}")
    code, shown = typed(opsctl, ALICE, "retry\nstop\n", "runbook", "run", "it")
    assert (code, noted(opsctl)) == (1, ["charged"]), shown
    assert shown.count("b failed: whether it is to be done cannot be told: `v` has no value") == 2


def test_an_approval_is_of_the_step_as_it_was(shop, opsctl):
    run = shop(note("go", ", needs: lead"))
    assert run("runbook", "run", "it").code == 4
    assert run("runbook", "approve", "1", "go", env=BOB).code == 0
    shop(note("go", ", needs: lead").replace("echo go", "echo EVIL"))
    for _ in range(2):
        ran = run("runbook", "resume", "1", "--changed")
        assert (ran.code, noted(opsctl)) == (4, [])
        assert "lead has to approve: opsctl runbook approve RUN-1 go" in ran.out
    assert run("runbook", "approve", "1", "go", env=BOB).code == 0
    # What was approved last is not what it was at first either.
    shop(note("go", ", needs: lead"))
    assert (run("runbook", "resume", "1", "--changed").code, noted(opsctl)) == (4, [])
    assert run("runbook", "approve", "1", "go", env=BOB).code == 0
    assert (run("runbook", "resume", "1").code, noted(opsctl)) == (0, ["go"])
    assert run("db", "verify").code == 0


def test_an_approval_of_a_step_that_failed_counts_until_the_step_is_changed(shop, opsctl):
    run = shop("{id: go, run: [sh, -c, 'echo go >>log; exit 1'], needs: lead}")
    run("runbook", "run", "it")
    run("runbook", "approve", "1", "go", env=BOB)
    assert (run("runbook", "resume", "1").code, noted(opsctl)) == (1, ["go"])
    assert (run("runbook", "resume", "1").code, noted(opsctl)) == (1, ["go", "go"])
    shop(note("go", ", needs: lead"))
    assert (run("runbook", "resume", "1", "--changed").code, noted(opsctl)) == (4, ["go", "go"])


@pytest.mark.parametrize("more", ["", ", effect: change"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("confirm: 'Delete the copy?'", "confirm: 'Delete all of it?'"),
        ("ask: {question: 'Which copy?', name: it}", "ask: {question: 'Which one to keep?', name: it}"),
        ("choose: {question: 'Delete?', name: it, of: ['yes', 'no']}",
         "choose: {question: 'Keep?', name: it, of: ['yes', 'no']}"),
    ],
)  # fmt: skip
def test_an_answer_is_to_the_question_as_it_was(shop, opsctl, before, after, more):
    run = shop(f"{{id: look, {before}{more}}}", note("go"))
    assert run("runbook", "run", "it").code == 4
    assert run("runbook", "answer", "1", "look", "yes", env=BOB).code == 0
    shop(f"{{id: look, {after}{more}}}", note("go"))
    for _ in range(2):
        assert (run("runbook", "resume", "1", "--changed").code, noted(opsctl)) == (4, [])
    assert run("runbook", "answer", "1", "look", "yes", env=BOB).code == 0
    assert (run("runbook", "resume", "1").code, noted(opsctl)) == (0, ["go"])


def test_a_question_that_was_answered_badly_waits_for_another_answer(shop, opsctl):
    run = shop("{id: look, confirm: 'All quiet?', needs: lead}", note("go"))
    run("runbook", "run", "it")
    run("runbook", "approve", "1", "look", env=BOB)
    assert run("runbook", "resume", "1").code == 4
    run("runbook", "answer", "1", "look", "no")
    assert [run("runbook", "resume", "1").code for _ in range(3)] == [1, 4, 4]
    run("runbook", "answer", "1", "look", "yes")
    assert (run("runbook", "resume", "1").code, noted(opsctl)) == (0, ["go"])


def test_a_run_keeps_its_parameters_for_which_it_was_approved(shop, opsctl):
    run = shop(
        "{id: go, run: [sh, -c, 'echo $1 >>log', sh, '{{ host }}'], needs: lead}", parameters="{host: {}}"
    )
    assert run("runbook", "run", "it", "--set", "host=spare").code == 4
    assert run("runbook", "approve", "1", "go", env=BOB).code == 0
    ran = run("runbook", "resume", "1", "--set", "host=main")
    assert (ran.code, noted(opsctl)) == (2, [])
    assert (
        "RUN-1 was begun with another `host`, and keeps it; begin a new one: opsctl runbook run it" in ran.err
    )
    assert (run("runbook", "resume", "1", "--set", "host=spare").code, noted(opsctl)) == (0, ["spare"])
