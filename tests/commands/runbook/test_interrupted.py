"""Runs that are interrupted: what was done is done once, or is reported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest
from commands.notes import note, noted
from commands.runbook.steps import ALICE, HEAD, KILLED


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("verified", [True, False])
def test_a_change_that_a_kill_interrupts_takes_effect_once_or_is_reported_unknown(
    shop, opsctl, before, verified
):
    effect = "echo two >>log;"
    script = KILLED.format(
        "two", "" if before else effect, effect if before else "grep -q two log || " + effect
    )
    verify = ", verify: {run: [grep, -q, two, log]}" if verified else ""
    run = shop(note("one"), f"{{id: two, run: {script}{verify}}}", note("three"))
    killed = opsctl.process("runbook", "run", "it", **ALICE)
    assert killed.code == -signal.SIGKILL
    resumed = opsctl.process("runbook", "resume", "1", **ALICE)
    if not verified:
        assert resumed.code == 3, resumed
        assert (
            "nobody knows whether two was done; say so: opsctl runbook settle RUN-1 two done" in resumed.out
        )
        outcome = "not-done" if before else "done"
        assert run("runbook", "settle", "1", "two", outcome).code == 0
        resumed = opsctl.process("runbook", "resume", "1", **ALICE)
    assert resumed.code == 0, resumed
    assert noted(opsctl) == ["one", "two", "three"]
    assert run("db", "verify").code == 0


def test_a_termination_ends_the_child_and_leaves_the_run_to_be_resumed(shop, opsctl):
    shop(note("one"), "{id: two, run: [sh, -c, 'touch began; sleep 100']}")
    child = subprocess.Popen(opsctl.argv("runbook", "run", "it"), cwd=opsctl.path, env=opsctl.environment(**ALICE),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    while not (opsctl.path / "began").exists():
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGTERM)
    child.communicate(timeout=30)
    assert child.returncode == 143
    (kept,) = json.loads(opsctl("runbook", "runs", "-o", "json", env=ALICE).out)["runs"]
    assert (kept["state"], kept["reason"]) == ("unknown", "interrupted in two")


def test_two_processes_are_not_on_one_run(shop, opsctl):
    run = shop("{id: one, run: [sh, -c, 'touch began; while ! test -e go; do sleep 0.05; done']}")
    child = subprocess.Popen(opsctl.argv("runbook", "run", "it"), cwd=opsctl.path, env=opsctl.environment(**ALICE),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    while not (opsctl.path / "began").exists():
        time.sleep(0.01)
    busy = "opsctl: another process is on RUN-1; wait for it\n"
    assert run("runbook", "resume", "1").err == busy
    assert run("runbook", "settle", "1", "one", "done").err == busy
    opsctl.write("go", "")
    child.communicate(timeout=30)
    assert child.returncode == 0


def test_a_run_that_is_aborted_by_another_ends_its_step_and_stops(shop, opsctl):
    run = shop(
        "{id: one, run: [sh, -c, 'touch began; while ! test -e go; do sleep 0.05; done']}", note("two")
    )
    child = subprocess.Popen(opsctl.argv("runbook", "run", "it"), cwd=opsctl.path, env=opsctl.environment(**ALICE),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    while not (opsctl.path / "began").exists():
        time.sleep(0.01)
    assert run("runbook", "abort", "1", "--reason", "wrong host").code == 1
    opsctl.write("go", "")
    assert b"RUN-1 was aborted meanwhile: wrong host" in child.communicate(timeout=30)[1]
    assert child.returncode == 1
    (kept,) = json.loads(run("runbook", "runs", "--all", "-o", "json").out)["runs"]
    assert [(one["step"], one["outcome"]) for one in kept["steps"]] == [("one", "ok")]
    assert (kept["state"], noted(opsctl)) == ("aborted", [])
    assert opsctl("db", "verify").code == 0


def test_a_run_that_is_killed_anywhere_does_every_change_once(shop, opsctl):
    steps = 4 if not os.environ.get("OPSCTL_LONG") else 40

    # Each step kills opsctl the first time, before or after it takes effect; its verify tells which.
    def step(number):
        effect = f"echo s{number} >>log;"
        script = KILLED.format(
            f"s{number}", effect if number % 2 else "", f"grep -q s{number} log || {effect}"
        )
        return f"{{id: s{number}, run: {script}, verify: {{run: [grep, -q, 's{number}$', log]}}}}"

    opsctl.write("log", "")
    shop(*(step(number) for number in range(10, 10 + steps)))
    codes = [opsctl.process("runbook", "run", "it", **ALICE).code]
    while codes[-1] == -signal.SIGKILL and len(codes) <= steps + 1:
        codes.append(opsctl.process("runbook", "resume", "1", **ALICE).code)
    assert codes == [-signal.SIGKILL] * steps + [0]
    assert noted(opsctl) == [f"s{number}" for number in range(10, 10 + steps)]
    assert opsctl("db", "verify", env=ALICE).code == 0


@pytest.mark.parametrize(
    "verify",
    [
        "check: api/blind", "run: [/nonexistent/prog]", "shell: no-such-prog", "{run: [sleep, '9'], timeout: 0.1s}",
        "http: {url: 'http://127.0.0.1:1/', method: GET}", "{run: ['true'], when: ['word == \"b\"']}", "runbook: other",
        "parallel: [{run: [/nonexistent/prog], effect: read}, {run: ['true'], effect: read}]", "checklist: blind",
    ],
)  # fmt: skip
def test_a_change_whose_verify_cannot_tell_is_not_done_twice(shop, opsctl, verify):
    script = KILLED.format("pay", "echo paid >>log;", "echo paid >>log")
    verify = verify if verify.startswith("{") else f"{{{verify}}}"
    run = shop(
        f"{{id: pay, run: {script}, effect: change, verify: {verify}}}", parameters="{word: {default: a}}"
    )
    opsctl.write("opsctl.yaml", HEAD + "          blind: {command: [/nonexistent/prog]}\n")
    opsctl.write(
        "checklists/blind.yaml",
        "checklists: {blind: {title: B, items: {x: {text: X, run: [/nonexistent/prog]}}}}",
    )
    opsctl.write("runbooks/other.yaml",
                 "runbooks: {other: {title: O, steps: [{run: [/nonexistent/prog], effect: read}]}}")  # fmt: skip
    assert opsctl.process("runbook", "run", "it", **ALICE).code == -signal.SIGKILL
    for _ in range(2):
        resumed = run("runbook", "resume", "1")
        assert (resumed.code, noted(opsctl)) == (3, ["paid"]), resumed
        assert "nobody knows whether pay was done (its verify cannot tell: " in resumed.out
    assert run("runbook", "settle", "1", "pay", "done").code == 0
    assert (run("runbook", "resume", "1").code, noted(opsctl)) == (0, ["paid"])


@pytest.mark.parametrize(
    "verify", ["check: api/paid", "checklist: paid", "{shell: 'grep -q paid log', effect: read}"]
)
def test_a_change_whose_verify_says_no_is_done_again(shop, opsctl, verify):
    script = KILLED.format("pay", "", "echo paid >>log; touch paid")
    verify = verify if verify.startswith("{") else f"{{{verify}}}"
    run = shop(f"{{id: pay, run: {script}, verify: {verify}}}")
    opsctl.write("opsctl.yaml", HEAD + "          paid: {file: paid}\n")
    opsctl.write(
        "checklists/paid.yaml", "checklists: {paid: {title: P, items: {x: {text: X, run: [test, -e, paid]}}}}"
    )
    opsctl.write("log", "")
    assert opsctl.process("runbook", "run", "it", **ALICE).code == -signal.SIGKILL
    assert (run("runbook", "resume", "1").code, noted(opsctl)) == (0, ["paid"])
