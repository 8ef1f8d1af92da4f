"""What is undone, what cannot be, and changes of which nobody knows whether they were made."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess

import pytest
from commands.notes import note, noted
from commands.runbook.steps import ALICE, KILLED, undo


def test_what_was_done_is_undone_the_last_first_and_that_is_never_green(shop, opsctl):
    run = shop(
        note("one", undo("one")), note("two", undo("two")), "{id: look, check: api/ready}",
        "{id: bad, run: ['false'], on_failure: rollback}",
    )  # fmt: skip
    ran = run("runbook", "run", "it")
    assert (ran.code, noted(opsctl)) == (1, ["one", "two", "untwo", "unone"])
    assert ran.out == "RUN-1 (run of it) is recovered: bad failed, and what was done before was undone\n"
    assert run("runbook", "resume", "1").code == 1


def test_what_cannot_be_undone_is_told(shop, opsctl):
    run = shop(note("one"), note("two", undo("two")), "{id: bad, run: ['false'], on_failure: rollback}")
    ran = run("runbook", "run", "it")
    assert (ran.code, noted(opsctl)) == (1, ["one", "two", "untwo"])
    assert "failed: after bad not all was undone: one has no undo" in ran.out


def test_an_aborted_run_is_over_and_what_was_run_cannot_be_undone(shop):
    run = shop(note("one"), "{id: two, run: ['false']}")
    run("runbook", "run", "it")
    assert run("runbook", "abort", "1", "--reason", "another way").code == 1
    assert run("runbook", "resume", "1").code == 1
    assert run("runbook", "runs").out == ""
    assert run("runbook", "runs", "--all").out.split("\t")[2] == "aborted"
    assert (
        run("undo", "1", "--yes").err
        == "opsctl: command 1 recorded what really happened, which nobody can undo\n"
    )


def test_ctrl_c_on_a_terminal_may_have_what_was_done_undone(shop, opsctl):
    shop(note("one", undo("one")), "{id: two, check: api/ready}",
         "{id: three, wait: 100s}", note("four"))  # fmt: skip
    leader, follower = __import__("pty").openpty()
    child = subprocess.Popen(opsctl.argv("runbook", "run", "it"), cwd=opsctl.path, env=opsctl.environment(**ALICE),
                             stdin=follower, stdout=follower, stderr=follower, start_new_session=True)  # fmt: skip
    os.close(follower)
    shown = b""
    while b"> three" not in shown:
        shown += os.read(leader, 65536)
    os.kill(child.pid, signal.SIGINT)
    os.write(leader, b"rollback\n")
    assert child.wait(30) == 130
    os.close(leader)
    assert noted(opsctl) == ["one", "unone"]
    (kept,) = json.loads(opsctl("runbook", "runs", "--all", "-o", "json", env=ALICE).out)["runs"]
    assert kept["state"] == "recovered"


def test_what_did_not_show_that_it_worked_is_undone_too(shop, opsctl):
    run = shop(
        note("one", undo("one")),
        "{id: two, run: [sh, -c, 'echo two >>log'], undo: {run: [sh, -c, 'echo untwo >>log']}, "
        "verify: {run: ['false']}, on_failure: rollback}",
    )
    ran = run("runbook", "run", "it")
    assert ran.out.startswith("RUN-1 (run of it) is recovered")
    assert noted(opsctl) == ["one", "two", "untwo", "unone"]


def test_what_is_gone_from_the_runbook_is_not_said_to_be_undone(shop, opsctl):
    run = shop(note("one", undo("one")), note("two", undo("two")), "{id: bad, run: ['false']}")
    assert run("runbook", "run", "it").code == 1
    shop(note("one", undo("one")), "{id: bad, run: ['false'], on_failure: rollback}")
    ran = run("runbook", "resume", "1", "--changed")
    assert (ran.code, noted(opsctl)) == (1, ["one", "two", "unone"])
    assert ran.out.startswith(
        "RUN-1 (run of it) is failed: after bad not all was undone: two is not in the runbook any more; "
        "take it back by hand\n"
    )


def test_what_was_interrupted_is_not_said_to_be_undone(shop, opsctl):
    script = KILLED.format("two", "echo two >>log;", "echo two >>log")
    two, bad = f"{{id: two, run: {script}{undo('two')}}}", "{id: bad, run: ['false'], on_failure: rollback}"
    run = shop(note("one", undo("one")), two)
    assert opsctl.process("runbook", "run", "it", **ALICE).code == -signal.SIGKILL
    shop(note("one", undo("one")), bad, two)
    ran = run("runbook", "resume", "1", "--changed")
    assert (ran.code, noted(opsctl)) == (1, ["one", "two", "unone"])
    assert (
        "after bad not all was undone: nobody knows whether two was done; say so: opsctl runbook settle"
        in ran.out
    )
    assert run("runbook", "settle", "1", "two", "done").code == 0
    assert run("runbook", "resume", "1").out.startswith("RUN-1 (run of it) is recovered")
    assert noted(opsctl) == ["one", "two", "unone", "untwo"]


# Within its time it has to come as far as the log, also on a busy machine.
HANGS = "{{id: two, run: [sh, -c, 'echo two >>log; {0}']{1}, timeout: 2s, on_failure: rollback}}"


@pytest.mark.parametrize("end", ["sleep 9", "kill -9 $$"])
def test_a_change_that_was_ended_on_its_way_is_undone_too(shop, opsctl, end):
    run = shop(note("one", undo("one")), HANGS.format(end, undo("two")))
    assert run("runbook", "run", "it").out.startswith("RUN-1 (run of it) is recovered")
    assert noted(opsctl) == ["one", "two", "untwo", "unone"]
    assert run("db", "verify").code == 0


def test_a_change_that_was_ended_on_its_way_and_has_no_undo_is_told(shop, opsctl):
    run = shop(note("one", undo("one")), HANGS.format("sleep 9", ""))
    assert "is failed: after two not all was undone: two has no undo" in run("runbook", "run", "it").out
    assert noted(opsctl) == ["one", "two", "unone"]


def test_an_attempt_that_was_ended_on_its_way_is_undone_although_the_next_failed_at_once(shop, opsctl):
    again = "test -e tried && exit 1; touch tried; echo two >>log; sleep 9"
    two = "{{id: two, run: [sh, -c, '{0}']{1}, timeout: 2s, retry_delay: 0s{2}}}"
    run = shop(two.format(again, undo("two"), ", retries: 1, on_failure: rollback"))
    assert run("runbook", "run", "it").out.startswith("RUN-1 (run of it) is recovered")
    assert noted(opsctl) == ["two", "untwo"]


@pytest.mark.parametrize("after", [", creates: tried, on_failure: stop", ", on_failure: rollback"])
def test_a_change_that_may_have_acted_stays_one_when_the_run_goes_on(shop, opsctl, after):
    again = "test -e tried && exit 1; touch tried; echo two >>log; sleep 9"
    two = "{{id: two, run: [sh, -c, '{0}']{1}, timeout: 2s{2}}}"
    run = shop(two.format(again, undo("two"), ""))
    assert run("runbook", "run", "it").code == 1
    bad = "{id: bad, run: ['false'], on_failure: rollback}"
    shop(two.format(again, undo("two"), after), bad)
    assert run("runbook", "resume", "1", "--changed").out.startswith("RUN-1 (run of it) is recovered")
    assert noted(opsctl) == ["two", "untwo"]
    assert run("db", "verify").code == 0


@pytest.mark.parametrize(
    "step",
    [
        "each: {of: [two, ''], do: {run: [sh, -c, 'echo $1 >>log; test $1', sh, '{{ one }}']}}",
        f"parallel: [{note('two')}, {{run: ['false']}}]",
        "runbook: other",
    ],
)
def test_a_step_that_failed_after_a_change_inside_it_is_undone_too(shop, opsctl, step):
    run = shop(f"{{id: all, {step}, on_failure: rollback{undo('all')}}}")
    opsctl.write("runbooks/other.yaml",
                 f"runbooks: {{other: {{title: O, steps: [{note('two')}, {{run: ['false']}}]}}}}")  # fmt: skip
    assert run("runbook", "run", "it").out.startswith("RUN-1 (run of it) is recovered")
    assert noted(opsctl) == ["two", "unall"]


@pytest.mark.parametrize("listening", [True, False])
def test_a_request_that_nobody_answered_is_undone_where_it_may_have_arrived(shop, opsctl, listening):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        run = shop(f"{{id: post, http: '{url}', timeout: 0.5s, on_failure: rollback{undo('post')}}}")
        assert run("runbook", "run", "it").out.startswith("RUN-1 (run of it) is recovered")
    assert noted(opsctl) == (["unpost"] if listening else [])


def test_a_run_is_not_done_while_nobody_knows_of_a_change_that_is_gone_from_the_runbook(shop, opsctl):
    run = shop(note("one"), f"{{id: two, run: {KILLED.format('two', 'echo two >>log;', 'true')}}}")
    assert opsctl.process("runbook", "run", "it", **ALICE).code == -signal.SIGKILL
    shop(note("one"), note("three"))
    ran = run("runbook", "resume", "1", "--changed")
    assert ran.code == 3
    assert "nobody knows whether two was done; say so: opsctl runbook settle RUN-1 two done" in ran.out
    assert run("runbook", "settle", "1", "two", "done").code == 0
    assert (run("runbook", "resume", "1").code, noted(opsctl)) == (0, ["one", "two", "three"])
