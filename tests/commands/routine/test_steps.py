"""What the steps of a routine do, what people answer, and what is told and refused."""

from __future__ import annotations

import json
from hashlib import sha256

from commands.routine.steps import ALICE, BOB, CHECK, HEAD, NINE, STANDUP, at
from terminal import typed


def test_what_fails_comes_last_and_says_so(shop):
    run = shop("{id: bad, run: [sh, -c, 'echo broken >&2; exit 3']}", CHECK)
    ran = run("run", "--due", "--quiet")
    assert (ran.code, ran.err) == (1, "")
    assert ran.out == (
        "morning of 2026-11-20 09:00 CET is failed (RTN-1)\n"
        "  check: ok: 1 check up\n"
        "  bad: failed: exit code 3: broken\n"
    )
    assert run("run", "--due", "--quiet", now=at("9:05")) == (0, "", "")
    due = run("due", now=at("9:05"))
    assert due.code == 1
    assert due.out.endswith("  bad: failed: exit code 3: broken\n  do: opsctl routine run morning\n")


def test_peoples_tasks_wait_are_overdue_and_are_done_with_their_proof(shop, opsctl):
    run = shop(
        "{id: standup, sign: lead, text: The stand-up was held, owner: ops}", CHECK, more="    grace: 2h\n"
    )
    assert run("run", "--due", "--quiet") == (0, "", "")
    due = run("due", now=at("9:30"))
    assert (due.code, due.out) == (4, (
        "waiting\tmorning\tdue 2026-11-20 09:00 CET\tMorning\n"
        "  standup: The stand-up was held (ops)\n  do: opsctl routine done morning\n"
    ))  # fmt: skip
    late = run("due", now=at("12:00"))
    assert late.code == 1
    assert late.out.startswith(
        "overdue\tmorning\tdue 2026-11-20 09:00 CET, overdue since 2026-11-20 11:00 CET (1h)\tMorning\n"
    )
    assert "overdue\tmorning" in opsctl("status", now=at("12:00")).out
    assert run("done", "morning").err == "opsctl: alice is not lead; who is: bob\n"
    done = run("done", "morning", "standup", "--note", "all well", env=BOB, now=at("12:10"))
    assert done.out == (
        "morning of 2026-11-20 09:00 CET is done (RTN-1)\n  standup: ok: The stand-up was held\n  check: ok: 1 check up\n"
    )
    assert run("due", now=at("12:30")) == (0, "nothing is due\n", "")
    assert run("done", "morning", env=BOB).err == (
        "opsctl: morning waits for nobody: it is done; `opsctl routine due` shows what does\n"
    )


def test_a_task_is_not_done_without_the_proof_that_it_asks_for(shop, opsctl):
    run = shop("{id: held, sign: {role: anyone, evidence: true, attendees: true, minutes: true}, text: Held}")
    run("run", "--due")
    assert run("done", "morning").err == "opsctl: held needs evidence: add --note, --url or --file\n"
    assert (
        run("done", "morning", "--note", "x").err
        == "opsctl: held needs who was there: add --attendees alice,bob\n"
    )
    assert (
        run("done", "morning", "--note", "x", "--attendees", "a, b").err
        == "opsctl: held needs its minutes: add --file FILE\n"
    )
    opsctl.write("minutes.md", "We met.\n")
    assert run("done", "morning", "--attendees", "a, b", "--file", str(opsctl.path / "minutes.md")).code == 0
    (slot,) = json.loads(run("history", "-o", "json").out)["slots"]
    (step,) = slot["steps"]
    assert step["attendees"] == ["a", "b"]
    assert step["sha256"] == sha256(b"We met.\n").hexdigest()


def test_what_was_not_done_is_said_with_a_reason(shop):
    run = shop(STANDUP)
    run("run", "--due")
    assert run("done", "morning", "--failed").code == 2
    assert run("done", "morning", "--failed", "--note", "nobody came").code == 0
    assert run("due").code == 1


def test_steps_of_every_kind(shop, opsctl):
    opsctl.write("checklists/go.yaml", """
        checklists:
          go: {title: Go, items: {x: {text: X, file: opsctl.yaml}}}
          ask: {title: Ask, items: {x: {text: X, sign: anyone}}}
    """)  # fmt: skip
    opsctl.write("runbooks/fix.yaml", """
        runbooks:
          fix: {title: Fix, steps: [{run: ['true']}]}
          look: {title: Look, steps: [{confirm: Fine?}]}
    """)  # fmt: skip
    run = shop(
        CHECK, "{checklist: go}", "{id: ask, checklist: ask}", "{runbook: {name: fix, drill: true}}",
        "{id: look, runbook: look}", "{report: daily}", "{review: incidents}", "{review: backlog}",
        "{id: free, review: waivers}", "{backup: {to: backups, keep: 1}}", "{prune: {}}",
    )  # fmt: skip
    opsctl("incident", "open", "It broke", "--severity", "sev1", now=at("8:30"))
    assert run("run", "--due", "--quiet") == (0, "", "")
    (slot,) = json.loads(run("history", "-o", "json").out)["slots"]
    found = {one["step"]: (one["outcome"], one["link"]) for one in slot["steps"]}
    assert found == {
        "check": ("ok", None), "checklist": ("ok", "GATE-1"), "ask": ("waiting", "GATE-2"),
        "runbook": ("ok", "RUN-1"), "look": ("waiting", "RUN-2"), "report": ("ok", "reports/2026-11-20-daily.md"),
        "review": ("waiting", None), "review-2": ("ok", None), "free": ("ok", None),
        "backup": ("ok", "backups/opsctl-20261120T080000Z.db"), "prune": ("ok", None),
    }  # fmt: skip
    assert (opsctl.path / "reports/2026-11-20-daily.md").read_text().startswith("# ")
    assert run("done", "morning", "ask").err.startswith(
        "opsctl: ask is done by opsctl, not by a word: ask is pending"
    )
    opsctl("checklist", "sign", "ask", "x", "--subject", "morning@2026-11-20", now=at("9:10"), env=ALICE)
    opsctl("runbook", "answer", "2", "step-1", "yes", now=at("9:10"), env=BOB)
    opsctl("runbook", "resume", "2", now=at("9:10"), env=ALICE)
    assert run("done", "morning", now=at("9:20")).code == 0
    again = run("run", "--due", now=at("9:25"))
    assert again.out == (
        "morning of 2026-11-20 09:00 CET is done (RTN-1)\n"
        "  ask: ok: ask is pass: 1 item: 1 pass\n  look: ok: look is done\n"
    )
    assert run("due", now=at("9:30")).code == 0


def test_what_stands_in_no_file_is_refused_when_it_is_read(shop, opsctl):
    run = shop("{checklist: nothing}", schedule="dayly at 25:00", seen=None)
    ran = run("list")
    assert ran.code == 5
    assert "routines/morning.yaml:4:15: " in ran.err
    run = shop("{checklist: nothing}", seen=None)
    assert "no checklist is called `nothing`" in run("list").err
    run = shop(CHECK, schedule="24h after gate nothing", seen=None)
    assert "no checklist is called `nothing`" in run("list").err
    run = shop("{sign: anyone}", seen=None)
    assert "a step that people sign needs `text`" in run("list").err


def test_on_a_terminal_all_that_waits_is_gone_through(shop, opsctl):
    run = shop(
        STANDUP,
        "{id: access, sign: anyone, text: Access was reviewed}",
        "{id: later, sign: anyone, text: Later}",
    )
    run("run", "--due")
    code, shown = typed(
        opsctl, {"OPSCTL_NOW": NINE, **ALICE}, "yes\nall well\nno\nnot yet\n\n", "routine", "done"
    )
    assert code == 4
    assert "morning/standup: The stand-up was held [yes/no/Enter for later]" in shown
    assert shown.endswith("1 left for later\n")
    slot = json.loads(run("history", "-o", "json").out)["slots"][0]
    assert [one["outcome"] for one in slot["steps"]] == ["ok", "failed", "waiting"]


def test_lint_finds_what_nobody_will_see_to(shop):
    run = shop(STANDUP, more="    grace: 2d\n")
    ran = run("lint")
    assert (ran.code, ran.out) == (1, (
        "morning: nobody answers for standup; name an `owner` or a role (no-owner)\n"
        "morning: its `grace` is longer than the time to the next, so that it is never overdue (grace)\n"
    ))  # fmt: skip


def test_a_routine_that_was_begun_by_hand_is_answered(shop):
    run = shop(STANDUP)
    assert "standup: waiting" in run("run", "morning", now=at("8:30")).out
    assert run("done", "morning", "--note", "x", now=at("8:40")).out.startswith(
        "morning of 2026-11-20 08:30 CET is done"
    )


def test_a_backup_may_lie_elsewhere(shop, opsctl, tmp_path_factory):
    away = tmp_path_factory.mktemp("away")
    run = shop(f"{{backup: {{to: {away}}}}}")
    assert run("run", "--due").code == 0
    assert [path.name for path in away.iterdir()] == ["opsctl-20261120T080000Z.db"]


def test_a_remedy_is_run_from_a_routine_too(shop, opsctl):
    run = shop(CHECK)
    opsctl.write(
        "opsctl.yaml",
        HEAD.replace("ready: {file: opsctl.yaml}", "ready: {file: run/ready, remedy: {runbook: mend}}"),
    )
    opsctl.write(
        "runbooks/mend.yaml", "runbooks: {mend: {title: Mend, steps: [{run: [mkdir, -p, run/ready]}]}}"
    )
    ran = run("run", "--due", "--quiet")
    assert "remedy of api/ready: mend is done; api/ready is up afterwards" in ran.out


def test_a_backup_takes_no_others_copies_away_and_keeps_the_newest(shop, opsctl):
    run = shop("{backup: {to: backups, keep: 1}}")
    theirs = ("opsctl-prod-20261109T090000Z.db", "opsctl-before-the-move.db")
    for name in (*theirs, "opsctl-20261109T090000Z.db", "opsctl-20361109T090000Z.db"):
        opsctl.write(f"backups/{name}", "")
    assert run("run", "--due").code == 0
    found = {path.name for path in (opsctl.path / "backups").iterdir()}
    assert found == {*theirs, "opsctl-20261120T080000Z.db"}


def test_answers_go_to_the_time_that_waits_for_them_before_what_was_begun_by_hand(shop):
    access = "{id: access, sign: anyone, text: Access was reviewed}"
    run = shop(STANDUP, access)
    run("run", "--due")
    run("run", "morning", now=at("9:30"))
    assert run("done", "morning", "standup", now=at("9:40")).out.startswith(
        "morning of 2026-11-20 09:00 CET is open"
    )
    assert run("done", "morning", "standup", now=at("9:41")).out.startswith(
        "morning of 2026-11-20 09:30 CET is open"
    )
    assert run("done", "morning", now=at("9:42")).out.startswith("morning of 2026-11-20 09:00 CET is done")
    assert run("done", "morning", now=at("9:43")).out.startswith("morning of 2026-11-20 09:30 CET is done")
    assert run("done", "morning").code == 1
