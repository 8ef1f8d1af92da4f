"""Routines as cron and people use them."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from hashlib import sha256

import pytest
from terminal import typed

HEAD = """
    version: 1
    name: Shop
    timezone: Europe/Berlin
    roles: {lead: [bob]}
    services:
      api:
        checks:
          ready: {file: opsctl.yaml}
"""
ALICE, BOB = {"OPSCTL_ACTOR": "alice"}, {"OPSCTL_ACTOR": "bob"}
# Friday, 20 November 2026; it is 8 o'clock in Berlin.
EIGHT = "2026-11-20T07:00:00Z"
NINE = "2026-11-20T08:00:00Z"


def at(clock, day=20, month=11):
    """A time of the day in Berlin's winter, as UTC."""
    hour, _, minute = clock.partition(":")
    return f"2026-{month:02d}-{day:02d}T{int(hour) - 1:02d}:{minute or '00'}:00Z"


@pytest.fixture
def shop(opsctl):
    """A workspace with a routine `morning`, made of the steps that are given, and seen once at eight."""

    def run(*arguments, now=NINE, env=ALICE):
        return opsctl("routine", *arguments, now=now, env=env)

    def with_steps(*steps, more="", schedule="daily at 09:00", seen=EIGHT, root=""):
        opsctl.write("opsctl.yaml", HEAD + root)
        lines = "".join(f"      - {step}\n" for step in steps)
        opsctl.write("routines/morning.yaml", "routines:\n  morning:\n    title: Morning\n"
                     f"    schedule: {schedule}\n{more}    steps:\n{lines}")  # fmt: skip
        if seen:
            assert run("run", "--due", "--quiet", now=seen) == (0, "", "")
        return run

    return with_steps


def noted(opsctl):
    path = opsctl.path / "log"
    return path.read_text().split() if path.exists() else []


def note(word, extra=""):
    return f"{{id: {word}, run: [sh, -c, 'echo {word} >>log']{extra}}}"


CHECK = "{check: all}"
STANDUP = "{id: standup, sign: anyone, text: The stand-up was held}"


def test_what_is_due_is_run_once_and_cron_hears_nothing(shop, opsctl):
    run = shop(CHECK, note("one"))
    assert run("run", "--due", "--quiet", now=at("8:59")) == (0, "", "")
    assert noted(opsctl) == []
    assert run("run", "--due", "--quiet", now=at("9:00")) == (0, "", "")
    assert run("run", "--due", "--quiet", now=at("9:05")) == (0, "", "")
    assert noted(opsctl) == ["one"]
    (slot,) = json.loads(run("history", "-o", "json").out)["slots"]
    assert (slot["slot"], slot["state"], slot["due"]) == ("RTN-1", "done", "2026-11-20T08:00:00.000Z")
    assert [(one["step"], one["outcome"]) for one in slot["steps"]] == [("check", "ok"), ("one", "ok")]
    assert opsctl("status", now=at("9:06")).code == 0
    assert opsctl("db", "verify").code == 0


def test_a_routine_counts_from_when_it_was_first_seen(shop, opsctl):
    run = shop(note("one"), seen=None)
    due = run("due", now=at("9:30"))
    assert (due.code, due.out) == (3, "unseen\tmorning\tMorning\n  do: opsctl routine run --due\n")
    assert run("run", "--due", now=at("9:30")).out == "nothing is due\n"
    assert run("due", now=at("9:30")) == (0, "nothing is due\n", "")
    assert run("due", "--all", now=at("9:30")).out == "upcoming\tmorning\tMorning\n"
    opsctl.write(
        "routines/morning.yaml", (opsctl.path / "routines/morning.yaml").read_text().replace("09:00", "08:00")
    )
    assert run("run", "--due", now=at("10:00")).out == "nothing is due\n"
    assert noted(opsctl) == []


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


def test_what_was_missed_is_caught_up_once_and_said(shop, opsctl):
    run = shop(note("one"))
    ran = run("run", "--due", "--quiet", now=at("9:10", day=27))
    assert ran.code == 1
    assert ran.out == (
        "morning of 2026-11-27 09:00 CET is done (RTN-1): 7 times before it were missed\n  one: ok: exit code 0\n"
    )
    assert noted(opsctl) == ["one"]
    assert "done, 7 missed before" in run("history").out


def test_each_that_was_missed_is_caught_up_where_it_is_asked(shop, opsctl):
    run = shop(note("one"), more="    catch_up: each\n")
    assert run("run", "--due", "--quiet", now=at("9:10", day=22)) == (0, "", "")
    assert noted(opsctl) == ["one"] * 3


def test_what_was_missed_stays_missed_where_it_is_asked(shop, opsctl):
    run = shop(note("one"), more="    catch_up: none\n    grace: 30m\n")
    ran = run("run", "--due", "--quiet", now=at("10:00", day=22))
    assert ran.code == 1
    assert (
        ran.out
        == "morning of 2026-11-22 09:00 CET is missed (RTN-1): nobody ran it in time; 2 times before it were missed\n"
    )
    assert noted(opsctl) == []
    assert run("run", "--due", "--quiet", now=at("9:20", day=23)) == (0, "", "")
    assert noted(opsctl) == ["one"]


def test_a_clock_that_is_put_back_runs_nothing_twice(shop, opsctl):
    run = shop(note("one"))
    for clock, day in (("9:00", 20), ("8:00", 20), ("9:00", 20), ("9:00", 15), ("9:30", 20), ("9:00", 21)):
        run("run", "--due", "--quiet", now=at(clock, day=day))
    assert noted(opsctl) == ["one", "one"]


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
    assert late.out.startswith("overdue\tmorning\tdue 2026-11-20 09:00 CET, overdue since 1h\tMorning\n")
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


def test_the_next_time_closes_what_nobody_did(shop):
    run = shop(STANDUP)
    run("run", "--due")
    ran = run("run", "--due", "--quiet", now=at("9:00", day=21))
    assert (ran.code, ran.out) == (1, (
        "morning of 2026-11-20 09:00 CET is missed (RTN-1): the next came before it was done\n"
    ))  # fmt: skip
    assert [line.split("\t")[3] for line in run("history").out.splitlines()] == ["open", "missed"]


def test_a_time_is_skipped_with_a_reason(shop, opsctl):
    run = shop(note("one"))
    assert run("skip", "morning").code == 2
    skipped = run("skip", "morning", "--reason", "public holiday", now=EIGHT)
    assert skipped.out.splitlines()[0] == "morning of 2026-11-20 09:00 CET is skipped (RTN-1): public holiday"
    assert run("run", "--due", "--quiet", now=at("9:05")) == (0, "", "")
    assert noted(opsctl) == []
    assert run("run", "--due", "--quiet", now=at("9:05", day=21)) == (0, "", "")
    assert noted(opsctl) == ["one"]


def test_a_routine_is_run_by_hand_beside_its_times(shop, opsctl):
    run = shop(note("one"))
    assert run("run", "morning", now=at("8:30")).code == 0
    assert run("run", "--due", "--quiet", now=at("9:00")) == (0, "", "")
    assert run("run", "morning", now=at("9:30")).code == 0
    assert noted(opsctl) == ["one"] * 3
    assert run("run").err == "opsctl: name a routine, or add `--due` to run what is due\n"
    assert run("run", "mornin").err == "opsctl: no routine is called `mornin`; did you mean `morning`?\n"
    assert run("run", "morning", "--dry-run", now=at("9:10", day=21)).out.startswith(
        "due\tmorning\tdue 2026-11-21"
    )
    assert noted(opsctl) == ["one"] * 3


def test_a_list_and_the_next_times_are_shown(shop):
    run = shop(CHECK, more="    text: What starts the day\n")
    assert run("list").out == "morning\tdaily at 09:00\t2026-11-21 09:00 CET\tMorning\n"
    assert run("next", "-n", "2").out == "2026-11-21 09:00 CET\tmorning\n2026-11-22 09:00 CET\tmorning\n"
    assert run("show", "morning", now=EIGHT).out == (
        "morning  Morning\n  daily at 09:00 (Europe/Berlin)\n  What starts the day\n  check: check\nupcoming\tmorning\tMorning\n"
    )


def test_a_follow_up_is_due_after_what_it_follows(shop, opsctl):
    opsctl.write(
        "checklists/go.yaml", "checklists: {go: {title: Go, items: {x: {text: X, file: opsctl.yaml}}}}"
    )
    run = shop(note("after"), schedule="24h after gate go")
    for now in (at("10:00"), at("11:00")):
        assert opsctl("gate", "go", "--subject", "v1", now=now).code == 0
    assert run("run", "--due", "--quiet", now=at("9:59", day=21)) == (0, "", "")
    assert noted(opsctl) == []
    assert run("run", "--due", "--quiet", now=at("10:01", day=21)) == (0, "", "")
    assert run("run", "--due", "--quiet", now=at("12:00", day=21)) == (0, "", "")
    assert noted(opsctl) == ["after"]


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


KILL = (
    "{id: two, run: [sh, -c, 'test -e killed || { touch killed; kill -9 $PPID; sleep 5; }; echo two >>log']}"
)


def test_a_dead_run_is_taken_over_and_nothing_is_done_twice(shop, opsctl):
    run = shop(note("one"), KILL, note("three"))
    killed = opsctl.process("routine", "run", "--due", OPSCTL_NOW=NINE, **ALICE)
    assert killed.code == -9
    ran = run("run", "--due", "--quiet", now=at("9:05"))
    assert ran.code == 3
    assert "two: unknown: it was interrupted halfway, and nobody knows whether it was done" in ran.out
    assert noted(opsctl) == ["one", "three"]
    assert run("run", "--due", "--quiet", now=at("9:10")) == (0, "", "")


def test_runs_at_the_same_time_do_every_step_once(shop, opsctl):
    run = shop(*(note(f"s{number}") for number in range(5)), CHECK)
    children = [
        subprocess.Popen(opsctl.argv("routine", "run", "--due", "--quiet"), cwd=opsctl.path,
                         env={**os.environ, "OPSCTL_NOW": NINE, **ALICE}, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(8)
    ]  # fmt: skip
    for child in children:
        out, err = child.communicate(timeout=60)
        assert (child.returncode, out, err) == (0, b"", b"")
    assert sorted(noted(opsctl)) == [f"s{number}" for number in range(5)]
    assert len(json.loads(run("history", "-o", "json").out)["slots"]) == 1


def test_another_machines_lease_counts_until_its_time_is_over(shop, opsctl):
    run = shop(note("one"))
    with closing(sqlite3.connect(opsctl.path / ".opsctl" / "opsctl.db", isolation_level=None)) as db:
        expires = 1_795_161_600_000 + 5 * 60_000
        db.execute("INSERT INTO leases VALUES ('morning', 0, NULL, 'elsewhere', '1/1', ?)", (expires,))
    assert run("run", "--due", "--quiet", now=at("9:01")) == (0, "", "")
    assert run("run", "morning", now=at("9:01")).err == "opsctl: another process is on morning; wait for it\n"
    assert noted(opsctl) == []
    assert run("run", "--due", "--quiet", now=at("9:06")) == (0, "", "")
    assert noted(opsctl) == ["one"]


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


def test_a_time_that_has_come_is_skipped_before_the_next(shop):
    run = shop(CHECK)
    skipped = run("skip", "morning", "--reason", "moved", now=at("9:30"))
    assert skipped.out.startswith("morning of 2026-11-20 09:00 CET is skipped")
    assert run("run", "--due", "--quiet", now=at("9:35")) == (0, "", "")


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


def ended_by(opsctl, number, mark):
    """What `routine run --due` said that was sent a signal once a step had made the file `mark`."""
    child = subprocess.Popen(
        opsctl.argv("routine", "run", "--due"), cwd=opsctl.path, env=opsctl.environment(OPSCTL_NOW=NINE, **ALICE),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while child.poll() is None and not (opsctl.path / mark).exists():
        time.sleep(0.02)
    child.send_signal(number)
    child.communicate(timeout=60)
    return child.returncode


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_checks_run_ends_the_routine_and_nothing_after_them_is_done(
    shop, opsctl, number, code
):
    run = shop(CHECK, note("paid"))
    slow = "ready: {command: [sh, -c, 'touch begun; test -e quick || sleep 30']}"
    opsctl.write("opsctl.yaml", HEAD.replace("ready: {file: opsctl.yaml}", slow))
    assert ended_by(opsctl, number, "begun") == code
    assert noted(opsctl) == []
    opsctl.write("quick", "")
    assert run("run", "--due", now=at("9:05")).code == 0
    assert noted(opsctl) == ["paid"]


def test_a_backup_takes_no_others_copies_away_and_keeps_the_newest(shop, opsctl):
    run = shop("{backup: {to: backups, keep: 1}}")
    theirs = ("opsctl-prod-20261109T090000Z.db", "opsctl-before-the-move.db")
    for name in (*theirs, "opsctl-20261109T090000Z.db", "opsctl-20361109T090000Z.db"):
        opsctl.write(f"backups/{name}", "")
    assert run("run", "--due").code == 0
    found = {path.name for path in (opsctl.path / "backups").iterdir()}
    assert found == {*theirs, "opsctl-20261120T080000Z.db"}


def lease_seen(number):
    """A step that notes until when the lease counts, and takes a while."""
    look = (
        "import sqlite3, time; db = sqlite3.connect('.opsctl/opsctl.db'); "
        f"open('lease{number}', 'w').write(str(db.execute('SELECT expires FROM leases').fetchone()[0])); "
        "time.sleep(1)"
    )
    return f'{{id: s{number}, run: [python3, -c, "{look}"]}}'


def test_every_step_of_a_long_routine_has_its_whole_time_under_the_lease(shop, opsctl):
    run = shop(lease_seen(1), lease_seen(2))
    assert run("run", "--due").code == 0
    first, second = (int((opsctl.path / f"lease{number}").read_text()) for number in (1, 2))
    assert second - first >= 1000


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_step_that_a_signal_ended_is_unknown_and_is_not_begun_again(shop, opsctl, number, code):
    run = shop(
        note("one"), "{id: two, run: [sh, -c, 'echo two >>log; touch begun; sleep 30']}", note("three")
    )
    assert ended_by(opsctl, number, "begun") == code
    ran = run("run", "--due", "--quiet", now=at("9:05"))
    assert ran.code == 3
    assert "two: unknown: it was interrupted halfway, and nobody knows whether it was done" in ran.out
    assert noted(opsctl) == ["one", "two", "three"]
    assert run("run", "--due", "--quiet", now=at("9:10")) == (0, "", "")


def test_a_fault_of_opsctl_in_a_step_is_kept_and_keeps_no_other_from_its_time(shop, opsctl, monkeypatch):
    def broken(*_):
        raise KeyError("lost")

    run = shop(CHECK, note("one"))
    other = "routines:\n  other: {title: Other, schedule: daily at 09:00, priority: low, steps: [%s]}\n"
    opsctl.write("routines/other.yaml", other % note("two"))
    run("run", "--due", now=EIGHT)
    monkeypatch.setattr("opsctl.duties.check.CheckDuty.perform", broken)
    ran = run("run", "--due")
    assert ran.code == 1
    assert "  check: failed: the step itself failed: KeyError: 'lost'; please report this\n" in ran.out
    assert noted(opsctl) == ["one", "two"]
    assert run("run", "--due", "--quiet", now=at("9:05")) == (0, "", "")


def test_a_fault_of_opsctl_beside_the_steps_is_said_and_keeps_no_other_from_its_time(
    shop, opsctl, monkeypatch
):
    from opsctl import routine_running

    def broken(workspace, db, routine, *rest, unmet=routine_running.unmet):
        if routine.id == "morning":
            raise KeyError("lost")
        return unmet(workspace, db, routine, *rest)

    run = shop(note("one"))
    other = "routines:\n  other: {title: Other, schedule: daily at 09:00, priority: low, steps: [%s]}\n"
    opsctl.write("routines/other.yaml", other % note("two"))
    run("run", "--due", now=EIGHT)
    monkeypatch.setattr(routine_running, "unmet", broken)
    ran = run("run", "--due", "--quiet")
    assert ran.code == 1
    assert "the routine itself failed: KeyError: 'lost'; please report this" in ran.out
    assert noted(opsctl) == ["two"]


def test_reports_that_are_caught_up_are_those_of_their_days(shop, opsctl):
    run = shop("{report: daily}", more="    catch_up: each\n    timezone: Asia/Tokyo\n")
    assert run("run", "--due", "--quiet", now=at("9:10", day=23)).code == 0
    found = {path.name: path.read_text().splitlines()[2] for path in (opsctl.path / "reports").iterdir()}
    # A day in Tokyo, as it is in Berlin.
    assert found == {
        f"2026-11-{day}-daily.md": f"2026-11-{day - 2} 16:00 CET to 2026-11-{day - 1} 16:00 CET (1d), "
        "made 2026-11-23 09:10 CET"
        for day in (21, 22, 23)
    }


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


def test_what_is_skipped_while_a_process_is_on_it_stays_skipped_and_goes_no_further(shop, opsctl):
    skip = f"{sys.executable}, -m, opsctl, routine, skip, morning, --reason, holiday"
    run = shop(f"{{id: one, run: [{skip}]}}", note("two"))
    ran = run("run", "--due")
    assert "morning of 2026-11-20 09:00 CET is skipped (RTN-1): holiday\n  one: ok" in ran.out
    assert noted(opsctl) == []
    assert run("run", "--due", "--quiet", now=at("9:05")) == (0, "", "")
    assert noted(opsctl) == []
    assert opsctl("db", "verify").code == 0


def test_a_time_that_a_wrong_clock_ran_far_ahead_stops_nothing_before_it(shop, opsctl):
    run = shop(note("one"))
    assert run("run", "--due", now="2036-11-20T09:00:00Z").code == 1
    assert run("run", "--due", "--quiet", now=at("9:05")) == (0, "", "")
    assert run("run", "--due", "--quiet", now=at("9:05")) == (0, "", "")
    assert run("due", "--all", now=at("9:10")).out.startswith("done\tmorning\tdue 2026-11-20 09:00 CET")
    assert run("due", now=at("9:30", day=21)).out.startswith("due\tmorning\tdue 2026-11-21 09:00 CET")
    skipped = run("skip", "morning", "--reason", "holiday", now=at("8:00", day=21))
    assert skipped.out.startswith("morning of 2026-11-21 09:00 CET is skipped")
    assert noted(opsctl) == ["one", "one"]


def test_a_time_skipped_in_advance_is_left_out_and_none_before_it(shop, opsctl):
    run = shop(note("one"))
    for day in (20, 21):
        skipped = run("skip", "morning", "--reason", "holiday", now=EIGHT)
        assert skipped.out.startswith(f"morning of 2026-11-{day} 09:00 CET is skipped")
    path = opsctl.path / "routines/morning.yaml"
    path.write_text(path.read_text().replace("daily at 09:00", "every 15m"))
    assert run("run", "--due", now=at("8:10")).out == "nothing is due\n"
    assert run("run", "--due", "--quiet", now=at("8:15")) == (0, "", "")
    assert noted(opsctl) == ["one"]
    ran = run("run", "--due", now=at("9:10"))
    assert ran.out.startswith("morning of 2026-11-20 08:45 CET is done (RTN-4): 1 time before it was missed")
    assert run("run", "--due", "--quiet", now=at("9:14")) == (0, "", "")
    assert noted(opsctl) == ["one", "one"]


def test_a_routine_whose_times_were_edited_is_unseen_until_they_are_counted(shop, opsctl):
    run = shop(note("one"))
    assert run("run", "--due", "--quiet") == (0, "", "")
    path = opsctl.path / "routines/morning.yaml"
    path.write_text(path.read_text().replace("daily at 09:00", "daily at 10:00"))
    assert run("due", now=at("12:00", day=22)).out.startswith("unseen\tmorning")
    assert run("due", now=at("12:00", day=22)).code == 3
    ran = run("run", "--due", now=at("12:00", day=22))
    assert ran.code == 1
    assert ran.out == (
        "morning of 2026-11-22 09:00 CET is missed (RTN-2): nobody ran it in time; 1 time before it was missed\n"
    )
    assert run("run", "--due", "--quiet", now=at("9:30", day=23)) == (0, "", "")
    assert run("run", "--due", "--quiet", now=at("10:00", day=23)) == (0, "", "")
    assert noted(opsctl) == ["one", "one"]
    assert opsctl("db", "verify").code == 0
