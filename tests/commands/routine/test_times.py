"""Routines as cron and people use them: what is due, missed, caught up, skipped and overdue."""

from __future__ import annotations

import json

from commands.notes import note, noted
from commands.routine.steps import CHECK, EIGHT, STANDUP, at


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
        "morning  Morning\n  daily at 09:00 (Europe/Berlin)\n  next: 2026-11-20 09:00 CET\n  What starts the day\n  check  check      all\nupcoming\tmorning\tMorning\n"
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


def test_a_time_that_has_come_is_skipped_before_the_next(shop):
    run = shop(CHECK)
    skipped = run("skip", "morning", "--reason", "moved", now=at("9:30"))
    assert skipped.out.startswith("morning of 2026-11-20 09:00 CET is skipped")
    assert run("run", "--due", "--quiet", now=at("9:35")) == (0, "", "")


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
