"""What people say to a run and are told of it: answers that are none, what was printed, how long it took."""

import json
import subprocess
from datetime import datetime

import pytest
from terminal import typed

from opsctl.store.locks import is_held, run_lock

ALICE, BOB = ({"OPSCTL_ACTOR": name} for name in ("alice", "bob"))
NOW = "2026-11-20T12:00:00Z"
BOOK = """
    version: 1
    name: Shop
    runbooks:
      it:
        title: It
        environments: [prod]
        parameters: {host: {pattern: "[a-z0-9]+"}}
        steps:
          - {id: drain, run: [printf, "one\\\\ntwo\\\\n"]}
          - {id: look, confirm: "Is {{ host }} well?"}
          - {id: pick, choose: {question: Which, name: way, of: [left, right]}}
          - {id: say, ask: {question: How many, name: many, pattern: "[0-9]+"}}
    """
RUN = ("runbook", "run", "it", "--set", "host=a", "--env", "prod")


@pytest.fixture
def run(opsctl):
    opsctl.write("opsctl.yaml", BOOK)
    return lambda *arguments, now=NOW, env=ALICE: opsctl(*arguments, now=now, env=env)


def test_an_answer_that_is_none_is_refused_and_the_run_waits_on(run):
    assert run(*RUN).code == 4
    ran = run("runbook", "answer", "1", "look", "yess")
    assert ran == (2, "", "opsctl: `yess` is neither yes nor no; answer yes or no\n")
    assert run("runbook", "answer", "1", "look", "yes", env=BOB).code == 0
    assert run("runbook", "resume", "1").code == 4
    assert run("runbook", "answer", "1", "pick", "up").err == "opsctl: `up` is none of `left` or `right`\n"
    assert run("runbook", "answer", "1", "pick", "left").code == 0
    assert run("runbook", "resume", "1").code == 4
    assert run("runbook", "answer", "1", "say", "x").err == "opsctl: `x` does not match [0-9]+\n"
    assert run("runbook", "answer", "1", "say", "3").code == 0
    assert run("runbook", "resume", "1").code == 0


def test_a_slip_of_the_finger_is_asked_again_on_a_terminal(opsctl, run):
    code, shown = typed(opsctl, ALICE, "\nyess\nyes\nleft\n7\n", *RUN)
    assert code == 0
    assert shown.count("is neither yes nor no") == 2
    assert "RUN-1 (run of it) is done" in shown


def test_what_is_no_answer_three_times_leaves_the_run_waiting(opsctl, run):
    code, shown = typed(opsctl, ALICE, "a\nb\nc\n", *RUN)
    assert code == 4
    assert "RUN-1 (run of it) is waiting" in shown


def test_a_no_stops_the_run(opsctl, run):
    code, shown = typed(opsctl, ALICE, "no\n", *RUN)
    assert code == 1
    assert "`no` by alice is not yes" in shown


def test_a_run_is_shown_with_what_its_steps_printed(run):
    run(*RUN)
    run("runbook", "answer", "1", "look", "no", env=BOB)
    run("runbook", "resume", "1")
    lines = run("runbook", "show", "RUN-1").out.splitlines()
    assert lines[0] == "RUN-1 (run of it) is failed: look: `no` by bob is not yes"
    assert lines[1] == "  begun 2026-11-20 12:00 UTC by alice"
    assert lines[2:4] == ["  environment: prod", "  parameters: host=a"]
    assert lines[4].startswith("  drain  ok ")
    assert lines[5:7] == ["    | one", "    | two"]
    assert lines[7].startswith("  look   failed ")
    found = json.loads(run("runbook", "show", "RUN-1", "-o", "json").out)
    assert found["run"] == "RUN-1"
    assert [one["output"] for one in found["steps"]] == [
        {"head": "one\ntwo\n", "tail": "", "left_out": 0}, None,
    ]  # fmt: skip
    missing = run("runbook", "show", "RUN-9")
    assert missing.err == "opsctl: there is no RUN-9; `opsctl runbook runs --all` shows what there is\n"


def test_a_manual_step_takes_as_long_as_it_was_waited_for(run):
    run(*RUN)
    run("runbook", "answer", "1", "look", "yes")
    run("runbook", "resume", "1", now="2026-11-20T12:10:00Z")
    (look,) = [
        one
        for one in json.loads(run("runbook", "runs", "-o", "json").out)["runs"][0]["steps"]
        if one["step"] == "look"
    ]
    assert look["began"][:16] == "2026-11-20T12:00"
    assert look["ended"][:16] == "2026-11-20T12:10"


def test_a_step_that_reads_takes_as_long_as_it_took(opsctl, run):
    opsctl.write(
        "opsctl.yaml",
        "version: 1\nname: Shop\nrunbooks:\n  it:\n    title: It\n"
        "    steps: [{id: slow, run: [sleep, '0.3'], effect: read}]\n",
    )
    assert run("runbook", "run", "it").code == 0
    (slow,) = json.loads(run("runbook", "show", "RUN-1", "-o", "json").out)["steps"]
    began, ended = (datetime.fromisoformat(slow[name]) for name in ("began", "ended"))
    assert (ended - began).total_seconds() >= 0.3


def test_a_dry_run_refuses_what_a_run_refuses(run):
    dry = (*RUN, "--dry-run")
    assert run(*dry).code == 0
    assert run(*dry, "--incident", "9").err == (
        "opsctl: there is no INC-9; `opsctl incident list` shows what is on\n"
    )
    ran = run("runbook", "run", "it", "--set", "host=a", "--dry-run")
    assert (ran.code, ran.err) == (2, "opsctl: it runs in prod only; say where with --env\n")


def test_a_value_that_is_given_twice_is_refused(run):
    assert run(*RUN, "--set", "host=b") == (2, "", "opsctl: --set gives `host` twice; give it once\n")


def test_the_runs_of_a_runbook_that_never_was_are_not_just_none(run):
    assert run("runbook", "runs", "it") == (0, "", "")
    ran = run("runbook", "runs", "itt")
    assert ran == (2, "", "opsctl: no runbook is called `itt`; did you mean `it`?\n")


def test_what_does_not_wait_is_told_how_it_stands(run):
    run(*RUN)
    run("runbook", "abort", "1", "--reason", "another way")
    ran = run("runbook", "answer", "1", "look", "yes")
    assert ran.err == "opsctl: RUN-1 does not wait for look; it is aborted\n"


def test_a_run_whose_process_is_gone_says_how_to_go_on(opsctl, run):
    opsctl.write(
        "opsctl.yaml",
        "version: 1\nname: Shop\nrunbooks:\n  it:\n    title: It\n"
        "    steps: [{id: end, shell: 'touch begun; kill -9 $(cat pid); sleep 5'}]\n",
    )
    child = subprocess.Popen(
        ["/bin/sh", "-c", 'echo $$ > pid; exec "$@"', "sh", *opsctl.argv("runbook", "run", "it")],
        cwd=opsctl.path,
        env=opsctl.environment(),
        stderr=subprocess.DEVNULL,
    )
    assert child.wait(30) == -9
    assert run("runbook", "runs").out.endswith("its process is gone; go on: opsctl runbook resume RUN-1\n")


def test_a_lock_that_is_held_is_seen_without_taking_it(tmp_path):
    store = tmp_path / "opsctl.db"
    assert not is_held(store, "run-1")
    with run_lock(store, "run-1") as free:
        assert free
        assert is_held(store, "run-1")
    assert not is_held(store, "run-1")
