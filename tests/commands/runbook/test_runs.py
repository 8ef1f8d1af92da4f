"""`opsctl runbook` as people use it: runs, their steps and proof, values, and what belongs to a run."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from commands.notes import note, noted
from commands.runbook.steps import BOB, HEAD, MISSING, undo


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


def test_a_failure_stops_and_the_run_goes_on_from_there(shop, opsctl):
    run = shop(note("one"), "{id: two, run: [sh, -c, 'test -e go && echo two >>log']}", note("three"))
    ran = run("runbook", "run", "it")
    assert (ran.code, noted(opsctl)) == (1, ["one"])
    assert ran.out == "RUN-1 (run of it) is failed: two: exit code 1\ngo on: opsctl runbook resume RUN-1\n"
    opsctl.write("go", "")
    assert run("runbook", "resume", "1").code == 0
    assert noted(opsctl) == ["one", "two", "three"]


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


def test_a_flood_of_output_is_kept_in_part_and_survivors_are_ended(shop, opsctl):
    run = shop(
        "{id: flood, run: [sh, -c, 'yes x | head -c 3000000']}",
        "{id: slow, run: [sh, -c, 'sleep 100 & sleep 100'], timeout: 300ms}",
    )  # fmt: skip
    ran = run("runbook", "run", "it")
    assert ran.code == 1
    assert "slow: it still ran after 0.3 s and was ended" in ran.out
    assert (opsctl.path / ".opsctl" / "opsctl.db").stat().st_size < 2_000_000


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


def test_a_verify_that_cannot_tell_is_no_success(shop, opsctl):
    run = shop(note("pay", ", verify: {check: api/blind}, on_failure: rollback" + undo("pay")))
    opsctl.write("opsctl.yaml", HEAD + "          blind: {command: [/nonexistent/prog]}\n")
    ran = run("runbook", "run", "it")
    assert (ran.code, noted(opsctl)) == (1, ["pay", "unpay"])
