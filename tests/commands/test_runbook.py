import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest
from terminal import typed

from opsctl import markdown_runbooks

HEAD = """
    version: 1
    name: Shop
    roles: {lead: [bob]}
    services:
      api:
        checks:
          ready: {file: opsctl.yaml}
"""
ALICE, BOB = {"OPSCTL_ACTOR": "alice"}, {"OPSCTL_ACTOR": "bob"}
NOW = "2026-11-20T12:00:00Z"


@pytest.fixture
def shop(opsctl):
    """A workspace with a runbook `it`, made of the steps that are given."""

    def run(*arguments, now=NOW, env=ALICE):
        return opsctl(*arguments, now=now, env=env)

    def with_steps(*steps, parameters="{}", more=""):
        opsctl.write("opsctl.yaml", HEAD)
        opsctl.write(
            "checklists/never.yaml",
            "checklists: {never: {title: Never, items: {x: {text: X, file: no.such}}}}",
        )
        lines = "".join(f"      - {step}\n" for step in steps)
        opsctl.write("runbooks/it.yaml", "runbooks:\n  it:\n    title: It\n"
                     f"    parameters: {parameters}\n{more}    steps:\n{lines}")  # fmt: skip
        return run

    return with_steps


def noted(opsctl):
    path = opsctl.path / "log"
    return path.read_text().split() if path.exists() else []


def note(word, extra=""):
    return f"{{id: {word}, run: [sh, -c, 'echo {word} >>log']{extra}}}"


def undo(word):
    return f", undo: {{run: [sh, -c, 'echo un{word} >>log']}}"


def test_a_run_does_every_step_in_its_order_and_keeps_the_proof(shop, opsctl):
    run = shop(note("one"), note("two"), "{id: green, check: api/ready}")
    ran = run("runbook", "run", "it")
    assert (ran.code, ran.out) == (0, "RUN-1 (run of it) is done\n")
    assert ran.err.splitlines()[:2] == ["> one: sh -c 'echo one >>log'", "+ one: exit code 0"]
    assert noted(opsctl) == ["one", "two"]
    (kept,) = json.loads(run("runbook", "runs", "--all", "-o", "json").out)["runs"]
    assert [(step["step"], step["outcome"]) for step in kept["steps"]] == [
        ("one", "ok"), ("two", "ok"), ("green", "ok"),
    ]  # fmt: skip
    assert (
        run("runbook", "resume", "1").err == "opsctl: RUN-1 is done; begin a new one: opsctl runbook run it\n"
    )


def test_a_dry_run_does_what_reads_shows_what_changes_and_writes_nothing(shop, opsctl):
    run = shop(
        "{id: who, run: [sh, -c, echo id-42], effect: read, capture: {nr: {pattern: 'id-([0-9]+)'}}}",
        note("one"), "{id: look, confirm: 'Is {{ nr }} it?'}", parameters="{host: {}}",
    )  # fmt: skip
    ran = run("runbook", "run", "it", "--set", "host=a", "--dry-run")
    assert (ran.code, ran.out) == (
        0,
        "did\twho\tok: exit code 0: id-42\nwould\tone\tsh -c 'echo one >>log'\nask\tlook\tIs 42 it? [yes/no]\n",
    )
    assert noted(opsctl) == []
    assert not (opsctl.path / ".opsctl").exists()


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


def test_a_failure_stops_and_the_run_goes_on_from_there(shop, opsctl):
    run = shop(note("one"), "{id: two, run: [sh, -c, 'test -e go && echo two >>log']}", note("three"))
    ran = run("runbook", "run", "it")
    assert (ran.code, noted(opsctl)) == (1, ["one"])
    assert ran.out == "RUN-1 (run of it) is failed: two: exit code 1\ngo on: opsctl runbook resume RUN-1\n"
    opsctl.write("go", "")
    assert run("runbook", "resume", "1").code == 0
    assert noted(opsctl) == ["one", "two", "three"]


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


def test_a_tolerated_failure_goes_on_and_does_not_end_green(shop, opsctl):
    run = shop("{id: bad, run: ['false'], on_failure: continue}", note("two"))
    ran = run("runbook", "run", "it")
    assert (ran.code, noted(opsctl)) == (1, ["two"])
    assert "failed: bad failed and was passed over" in ran.out


def test_a_step_is_tried_again_and_verified(shop, opsctl):
    run = shop(
        "{id: flaky, run: [sh, -c, 'echo try >>log; test $(wc -l <log) -ge 3'], retries: 3, retry_delay: 0s}",
        "{id: lies, run: ['true'], verify: {run: [test, -e, made]}}",
    )  # fmt: skip
    ran = run("runbook", "run", "it")
    assert (ran.code, noted(opsctl)) == (1, ["try", "try", "try"])
    assert "lies: it did not work: exit code 1" in ran.out


def test_steps_that_do_not_apply_or_are_done_already_are_spared(shop, opsctl):
    opsctl.write("made", "")
    run = shop(
        note("one", ", creates: made"), note("two", ", unless: {run: [test, -e, made]}"),
        note("three", ', when: [''host == "b"'']').replace("''", "'"), note("four", ', when: [''host == "a"'']').replace("''", "'"),
        parameters="{host: {}}",
    )  # fmt: skip
    ran = run("runbook", "run", "it", "--set", "host=a")
    assert (ran.code, noted(opsctl)) == (0, ["four"])
    assert "- one: made is there already" in ran.err
    assert "- two: it is done already" in ran.err


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        ([], "`host` (Which) is missing; add --set host=VALUE"),
        (["host=a;b"], "`host`: `a;b` does not match [a-z]+"),
        (["host=a", "size=xl"], "`size`: `xl` is none of `s` or `m`"),
        (["host=a", "hots=b"], "there is no parameter `hots`; did you mean `host`?"),
        (["host"], "--set `host` sets nothing; write NAME=VALUE"),
    ],
)
def test_a_parameter_that_does_not_fit_is_told_before_anything_is_done(shop, opsctl, sets, words):
    run = shop(
        note("one"), parameters="{host: {pattern: '[a-z]+', text: Which}, size: {values: [s, m], default: s}}"
    )
    ran = run("runbook", "run", "it", *(part for one in sets for part in ("--set", one)))
    assert (ran.code, noted(opsctl)) == (2, [])
    assert words in ran.err


HOSTILE = "a'; echo hacked >>log; $(echo hacked >>log) `echo hacked >>log` \" | & {{ token }} \n -rf *"


def test_no_value_becomes_part_of_a_script(shop, opsctl):
    run = shop(
        "{id: one, run: [printf, '%s', '{{ host }}'], capture: {same: {pattern: '(?s)(.*)'}}}",
        "{id: two, shell: 'printf %s \"$host\" >out; printf %s \"$same\" >same'}",
        parameters="{host: {}}",
    )  # fmt: skip
    assert run("runbook", "run", "it", "--set", f"host={HOSTILE}").code == 0
    assert (opsctl.path / "out").read_text() == (opsctl.path / "same").read_text() == HOSTILE
    assert noted(opsctl) == []


def test_a_blank_in_a_script_and_a_value_that_nothing_gives_are_refused_when_loaded(shop):
    spliced = shop("{id: one, shell: 'echo {{ host }}'}", parameters="{host: {}}")("validate")
    assert spliced.code == 5
    assert "a value is never spliced into a script" in spliced.out
    unknown = shop("{id: one, run: [echo, '{{ hots }}']}", parameters="{host: {}}")("validate")
    assert "step `one` fills in `hots`, which nothing gives; did you mean `host`?" in unknown.out


def test_a_secret_is_stored_nowhere_and_shown_nowhere(shop, opsctl):
    run = shop(
        "{id: one, run: [sh, -c, 'echo $T; echo $T >&2; exit 1'], }".replace(", }", ", on_failure: stop}"),
        "{id: two, shell: 'echo $token'}", parameters="{token: {secret: true}}",
    )  # fmt: skip
    text = (opsctl.path / "runbooks" / "it.yaml").read_text()
    opsctl.write("runbooks/it.yaml", text.replace("echo $T; echo $T", "echo {{ token }}; echo {{ token }}"))
    ran = run("runbook", "run", "it", "--set", "token=hunter2hunter2")
    assert ran.code == 1
    assert "hunter2" not in ran.out + ran.err
    assert (
        run("runbook", "resume", "1").err
        == "opsctl: secrets are not kept; give them again: --set token=VALUE\n"
    )
    run("runbook", "resume", "1", "--set=token=hunter2hunter2")
    for file in (opsctl.path / ".opsctl").iterdir():
        assert b"hunter2" not in file.read_bytes()


def test_a_changed_runbook_asks_before_it_goes_on(shop, opsctl):
    run = shop(note("one"), "{id: two, run: ['false']}")
    run("runbook", "run", "it")
    shop(note("one"), note("two"))
    refused = run("runbook", "resume", "1")
    assert refused.code == 1
    assert "it was changed since RUN-1 stopped" in refused.err
    assert run("runbook", "resume", "1", "--changed").code == 0
    assert noted(opsctl) == ["one", "two"]


def test_runs_of_several_kinds_of_steps(shop, opsctl):
    run = shop(
        "{id: both, parallel: [{run: [sh, -c, echo a >>log]}, {run: [sh, -c, echo b >>log]}]}",
        "{id: all, each: {of: [c, d], name: letter, do: {run: [sh, -c, 'echo $0 >>log', '{{ letter }}']}}}",
        "{id: lines, each: {lines: \"e\\nf\\n\", do: {run: [sh, -c, 'echo $0 >>log', '{{ one }}']}}}",
        "{id: pause, wait: 10ms}", "{id: until, wait: {until: [test, -e, log]}}",
        "{id: tell, notify: {by: [sh, -c, 'cat >told'], say: 'It is done'}}",
        "{id: say, note: 'Well done'}", "{id: gate, checklist: never}",
    )  # fmt: skip
    ran = run("runbook", "run", "it")
    assert sorted(noted(opsctl)) == ["a", "b", "c", "d", "e", "f"]
    assert (opsctl.path / "told").read_text() == "It is done"
    assert "gate: never is fail" in ran.out


def test_a_runbook_within_another_gets_its_own_values(shop, opsctl):
    run = shop(
        "{id: inner, runbook: {name: other, parameters: {word: 'x-{{ host }}'}}}", parameters="{host: {}}"
    )
    opsctl.write("runbooks/other.yaml", """
        runbooks:
          other:
            title: Other
            parameters: {word: {pattern: '[a-z-]+'}}
            steps:
              - {id: say, run: [sh, -c, 'echo $0 >>log', '{{ word }}']}
    """)  # fmt: skip
    assert run("runbook", "run", "it", "--set", "host=web").code == 0
    assert noted(opsctl) == ["x-web"]
    assert "does not match" in run("runbook", "run", "it", "--set", "host=W").out


def test_http_steps_send_what_they_say(shop, opsctl, web):
    url = web.answer("/hook", *([__import__("web").Answer(204)] * 1))
    run = shop(f"{{id: hook, http: '{url}'}}", "{id: gone, http: 'http://127.0.0.1:1/'}")
    ran = run("runbook", "run", "it")
    assert "+ hook: POST answered 204" in ran.err
    assert ran.code == 1


def test_a_run_belongs_to_an_incident_and_writes_its_timeline(shop, opsctl):
    run = shop(note("one"), "{id: say, incident: {say: 'traffic moved', state: mitigated}}")
    run("incident", "open", "down", "-s", "api")
    assert run("runbook", "run", "it", "--incident", "7").code == 2
    assert run("runbook", "run", "it", "--incident", "1").code == 0
    timeline = run("incident", "timeline", "1").out
    for words in (
        "runbook it was begun (RUN-1)",
        "it one: ok (RUN-1)",
        "mitigated: traffic moved",
        "it is done (RUN-1)",
    ):
        assert words in timeline


def test_a_drill_is_proof_and_says_nothing_to_an_incident(shop, opsctl):
    run = shop("{id: say, incident: 'moved'}", note("one"), more="    drill_every: 90d\n")
    never = run("runbook", "freshness")
    assert (never.code, never.out) == (
        1,
        "it\tnever\tnobody ever ran it to its end; drill it: opsctl runbook drill it\n",
    )
    assert run("runbook", "drill", "it").out == "RUN-1 (drill of it) is done\n"
    fresh = run("runbook", "freshness")
    assert (fresh.code, fresh.out.split("\t")[1]) == (0, "proven")
    late = run("runbook", "freshness", now="2027-03-20T12:00:00Z")
    assert (late.code, late.out.split("\t")[1]) == (1, "stale")
    shop("{id: say, incident: 'moved'}", note("two"), more="    drill_every: 90d\n")
    assert run("runbook", "freshness").out.split("\t")[1] == "changed"


def test_a_gate_asks_whether_a_runbook_was_practised(shop, opsctl):
    run = shop(note("one"))
    opsctl.write("checklists/go.yaml", "checklists:\n  go:\n    title: Go\n    items:\n"
                 "      drilled: {text: Drilled, practised: {runbook: it, within: 90d}}\n")  # fmt: skip
    assert "it was never run to its end" in run("gate", "go", "--subject", "v1").out
    run("runbook", "drill", "it", env=BOB)
    assert "drilled 0s ago by bob (RUN-1)" in run("gate", "go", "--subject", "v1").out
    assert run("gate", "go", "--subject", "v1", now="2027-03-20T12:00:00Z").code == 1
    shop(note("two"))
    assert "it was changed since RUN-1" in run("gate", "go", "--subject", "v1").out


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


def test_a_flood_of_output_is_kept_in_part_and_survivors_are_ended(shop, opsctl):
    run = shop(
        "{id: flood, run: [sh, -c, 'yes x | head -c 3000000']}",
        "{id: slow, run: [sh, -c, 'sleep 100 & sleep 100'], timeout: 300ms}",
    )  # fmt: skip
    ran = run("runbook", "run", "it")
    assert ran.code == 1
    assert "slow: it still ran after 0.3 s and was ended" in ran.out
    assert (opsctl.path / ".opsctl" / "opsctl.db").stat().st_size < 2_000_000


KILLED = """[sh, -c, 'test -e killed-{0} || {{ touch killed-{0}; {1} kill -9 $PPID; sleep 5; }}; {2}']"""


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


def test_lists_and_pages_are_shown(shop):
    run = shop(note("one", undo("one")), parameters="{host: {text: Which}}")
    assert run("runbook", "list").out == "it  1 step     It\n"
    assert run("runbook", "show", "it").out.splitlines()[:2] == ["it  It", "  --set host=...  Which"]
    page = run("runbook", "render", "it").out
    assert page.startswith("# It\n\n- run: opsctl runbook run it\n")
    assert "       sh -c 'echo one >>log'\n" in page
    assert run("runbook", "show", "itt").err == "opsctl: no runbook is called `itt`; did you mean `it`?\n"


PAGE = """
    ---
    runbook: page
    owner: ops
    parameters: {host: {pattern: "[a-z]+"}}
    ---

    # Restart the API

    ```sh {id: look, effect: read}
    echo looking at $host
    ```

    An example that is no step:

    ```sh
    echo never >>log
    ```

    1. Then

       ```sh {id: restart, undo: {shell: "echo undone >>log"}}
       echo $host >>log
       ```

    ```check {id: green}
    api
    ```
"""


def test_a_page_with_annotated_code_is_a_runbook_too(shop, opsctl):
    run = shop(note("one"))
    opsctl.write("runbooks/page.md", PAGE)
    opsctl.write("runbooks/plain.md", "# For people only\n\n```sh {id: x}\nfalse\n```\n")
    assert run("runbook", "list").out == "it    1 step     It\npage  3 steps    Restart the API\n"
    ran = run("runbook", "run", "page", "--set", "host=web")
    assert (ran.code, noted(opsctl)) == (0, ["web"])
    assert "  | looking at web\n" in ran.err


def test_what_the_readers_of_a_page_do_not_see_as_its_code_is_no_step(shop, opsctl):
    opsctl.write("runbooks/page.md", """
        ---
        # No title
        runbook: page
        ---

        ```sh
        # No title either
        ```

        <!--
        ```sh {id: hidden}
        echo hidden >>log
        ```
        -->

        ````markdown
        ```sh {id: sample}
        echo sample >>log
        ```
        ````

        The page
        ========

        ```sh {id: whole}
        cat >>log <<'END'
        ```no end
            ```
        END
        ```

        1. Then

            > ```sh {id: quoted}
            > echo quoted >>log
            > ```
        """)  # fmt: skip
    run = shop(note("one"))
    assert run("runbook", "list").out == "it    1 step     It\npage  2 steps    The page\n"
    assert run("runbook", "run", "page").code == 0
    assert (opsctl.path / "log").read_text() == "```no end\n    ```\nquoted\n"


def test_a_mistake_in_a_page_is_told_where_it_stands(shop, opsctl):
    run = shop(note("one"))
    opsctl.write("runbooks/page.md", PAGE.replace("id: green", "idd: green").replace("pattern:", "patern:"))
    assert [row for row in run("validate").out.splitlines() if row.startswith("runbooks/")] == [
        "runbooks/page.md:4:21: unknown key `patern`; did you mean `pattern`?",
        "runbooks/page.md:25:11: unknown key `idd`; did you mean `id`?",
    ]


def test_braces_that_are_no_yaml_are_told_where_they_stand(shop, opsctl):
    run = shop(note("one"))
    opsctl.write("runbooks/page.md", PAGE.replace("{id: green}", "{id: [}"))
    assert run("validate").out.splitlines() == [
        "runbooks/page.md:25:16: not readable as YAML: did not find expected node content; correct it",
        "   25 |          {id: [}",
        "      |                ^",
        "",
        "1 problem in 1 file",
    ]


def test_of_a_page_with_many_steps_each_is_read_once(monkeypatch):
    read = []
    real = markdown_runbooks.compose
    monkeypatch.setattr(
        markdown_runbooks, "compose", lambda data, name: (read.append(len(data)), real(data, name))[1]
    )
    steps = "".join(f"\n```sh {{id: s{number}}}\ntrue\n```\n" for number in range(500))
    page = f"---\nrunbook: page\n---\n{steps}".encode()
    node, _, problems = markdown_runbooks.compose_page(page, "page.md")
    assert (node is not None, problems, len(read), sum(read) < len(page)) == (True, [], 500, True)


def test_lint_finds_what_will_fail_when_it_must_work(shop, opsctl):
    run = shop(note("one"), "{id: two, run: [./bin/do], verify: {run: ['true']}}")
    ran = run("runbook", "lint")
    assert (ran.code, ran.out.splitlines()) == (
        1,
        [
            "it: nobody answers for it; add `owner:`",
            "it: nothing says how often it is to be drilled; add `drill_every: 90d`",
            "it: one: nothing verifies it, so a person has to settle it when it is interrupted; add `verify:`",
            "it: one: a script in a list of arguments; write `shell:`, which has values as variables",
            "it: two: ./bin/do may change unseen; add it to `scripts:`",
            "it: nobody ever ran it to its end: opsctl runbook drill it",
        ],
    )


def test_status_shows_what_stopped_on_its_way_and_which_drills_are_due(shop, opsctl):
    run = shop(note("one"), "{id: look, confirm: 'All quiet?'}", more="    drill_every: 90d\n")
    run("runbook", "run", "it")
    page = run("status").out
    assert "RUN-1\tit is waiting: it waits for an answer: opsctl runbook answer RUN-1 look VALUE\n" in page
    assert "drill due\tit\tnever\tnobody ever ran it to its end; drill it: opsctl runbook drill it\n" in page
    run("runbook", "answer", "1", "look", "yes")
    run("runbook", "resume", "1")
    assert "RUN-1" not in run("status").out
    assert "drill due" not in run("status").out
    opsctl.write("runbooks/it.yaml", "runbooks: {")
    assert run("status").out.startswith("unknown\tapi/ready\tnever checked\n")


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


def test_runs_of_an_older_store_keep_their_steps(shop, opsctl):
    run = shop(note("one"), note("two"), "{id: look, confirm: Fine?}")
    assert run("runbook", "run", "it").code == 4
    before = run("runbook", "runs", "-o", "json").out
    with closing(sqlite3.connect(opsctl.path / ".opsctl" / "opsctl.db", isolation_level=None)) as db:
        # As schema 3 had it: the whole run is one document.
        rows = db.execute("SELECT subject, document FROM procedures").fetchall()
        db.execute("DROP VIEW procedures")
        for table in (
            "procedure_steps",
            "slots",
            "routines",
            "leases",
            "documents",
            "maintenances",
            "maintained",
            "baselines",
            "place_results",
            "shapes",
        ):
            db.execute(f"DROP TABLE {table}")
        for column in ("shape_id", "seen"):
            db.execute(f"ALTER TABLE results DROP COLUMN {column}")
        db.execute("ALTER TABLE procedure_heads RENAME TO procedures")
        db.executemany("UPDATE procedures SET document = ?2 WHERE subject = ?1", rows)
        db.execute("PRAGMA user_version = 3")
    assert run("runbook", "runs", "-o", "json").out == before
    assert run("db", "verify").code == 0
    assert run("runbook", "answer", "1", "look", "yes").code == 0
    assert run("runbook", "resume", "1").code == 0
    assert noted(opsctl) == ["one", "two"]


def test_a_page_shows_where_values_are_filled_in_and_a_dry_run_does_not_wait(shop):
    run = shop("{id: one, run: [echo, '{{ host }}']}", "{id: pause, wait: 1h}", parameters="{host: {}}")
    assert "changes  echo '{{ host }}'" in run("runbook", "show", "it").out
    assert "echo '{{ host }}'" in run("runbook", "render", "it").out
    ran = run("runbook", "run", "it", "--set", "host=web", "--dry-run")
    assert ran.code == 0
    assert "pause" in ran.out


def test_what_did_not_show_that_it_worked_is_undone_too(shop, opsctl):
    run = shop(
        note("one", undo("one")),
        "{id: two, run: [sh, -c, 'echo two >>log'], undo: {run: [sh, -c, 'echo untwo >>log']}, "
        "verify: {run: ['false']}, on_failure: rollback}",
    )
    ran = run("runbook", "run", "it")
    assert ran.out.startswith("RUN-1 (run of it) is recovered")
    assert noted(opsctl) == ["one", "two", "untwo", "unone"]


def test_a_runbook_within_another_passes_over_what_it_says_it_may(shop, opsctl):
    run = shop("{id: tell, runbook: other}", note("after"))
    opsctl.write("runbooks/other.yaml", """
        runbooks:
          other:
            title: Other
            steps:
              - {id: chat, run: ['false'], on_failure: continue}
              - {id: page, run: [sh, -c, 'echo paged >>log']}
    """)  # fmt: skip
    ran = run("runbook", "run", "it")
    assert (ran.code, noted(opsctl)) == (1, ["paged"])
    assert "tell: passed over: other/chat: exit code 1" in ran.out


def test_a_dry_run_knows_its_environment(shop, opsctl):
    run = shop("{id: gate, checklist: prod}")
    opsctl.write(
        "checklists/prod.yaml",
        "checklists: {prod: {title: P, environments: [prod], items: {x: {text: X, file: opsctl.yaml}}}}",
    )
    assert "prod is pass" in run("runbook", "run", "it", "--dry-run", "--env", "prod").out


def test_validate_names_the_secrets_of_steps_too(shop, opsctl):
    shop("{id: one, run: [echo, '${env:TOKEN}']}")
    ran = opsctl("validate")
    assert ran.code == 5
    assert "runbooks/it.yaml:6:" in ran.out
    assert opsctl("validate", "--allow-unset").code == 0


MISSING = "{id: a, run: [sh, -c, 'echo charged >>log; exit 1'], on_failure: continue, capture: {v: {pattern: '(.*)'}}}"


@pytest.mark.parametrize(
    "term",
    ["creates: '{{ v }}/x'", "when: ['v == \"hi\"']", "verify: {run: ['true'], creates: '{{ v }}/x'}", "run"],
)
def test_a_value_that_no_step_gave_fails_the_step_that_needs_it_and_nothing_else(shop, opsctl, term):
    needing = "{id: b, run: [echo, '{{ v }}']}" if term == "run" else f"{{id: b, run: [echo, hi], {term}}}"
    run = shop(MISSING, needing)
    for words in (("run", "it"), ("resume", "1")):
        ran = run("runbook", *words)
        assert (ran.code, noted(opsctl)) == (1, ["charged"])
        assert ran.out.startswith("RUN-1 (run of it) is failed: b: ")
        assert "`v`" in ran.out
    assert term == "run" or "mend the step that gives the value, or this one, and resume" in ran.out


def test_a_step_whose_condition_cannot_be_told_is_asked_about_and_told_again(shop, opsctl):
    shop(MISSING, "{id: b, run: [sh, -c, 'echo b >>log'], creates: '{{ v }}/x', on_failure: ask}")
    code, shown = typed(opsctl, ALICE, "retry\nstop\n", "runbook", "run", "it")
    assert (code, noted(opsctl)) == (1, ["charged"]), shown
    assert shown.count("b failed: whether it is to be done cannot be told: `v` has no value") == 2


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


def test_a_verify_that_cannot_tell_is_no_success(shop, opsctl):
    run = shop(note("pay", ", verify: {check: api/blind}, on_failure: rollback" + undo("pay")))
    opsctl.write("opsctl.yaml", HEAD + "          blind: {command: [/nonexistent/prog]}\n")
    ran = run("runbook", "run", "it")
    assert (ran.code, noted(opsctl)) == (1, ["pay", "unpay"])


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


HANGS = "{{id: two, run: [sh, -c, 'echo two >>log; {0}']{1}, timeout: 0.5s, on_failure: rollback}}"


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
    two = "{{id: two, run: [sh, -c, '{0}']{1}, timeout: 0.5s, retry_delay: 0s{2}}}"
    run = shop(two.format(again, undo("two"), ", retries: 1, on_failure: rollback"))
    assert run("runbook", "run", "it").out.startswith("RUN-1 (run of it) is recovered")
    assert noted(opsctl) == ["two", "untwo"]


@pytest.mark.parametrize("after", [", creates: tried, on_failure: stop", ", on_failure: rollback"])
def test_a_change_that_may_have_acted_stays_one_when_the_run_goes_on(shop, opsctl, after):
    again = "test -e tried && exit 1; touch tried; echo two >>log; sleep 9"
    two = "{{id: two, run: [sh, -c, '{0}']{1}, timeout: 0.5s{2}}}"
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
