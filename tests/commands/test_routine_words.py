"""What routines tell people: what was begun by hand and waits, since when, whose it is, and what each step does."""

import json

import pytest

ALICE = {"OPSCTL_ACTOR": "alice"}
EIGHT, NINE, ONE = (f"2026-11-20T{hour}:00:00Z" for hour in ("08", "09", "13"))
WORKSPACE = """
    version: 1
    name: Shop
    services: {api: {checks: {ready: {file: opsctl.yaml}}}}
    routines:
      morning:
        title: Morning
        owner: platform
        schedule: daily at 10:00
        steps:
          - check: all
          - {id: talk, sign: anyone, text: It was held}
          - run: [echo, hello]
    """


@pytest.fixture
def run(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE)
    assert opsctl("routine", "run", "--due", now=EIGHT, env=ALICE).code == 0
    return lambda *arguments, now=NINE: opsctl("routine", *arguments, now=now, env=ALICE)


def test_what_was_begun_by_hand_and_waits_is_due(run):
    assert run("due").out == "nothing is due\n"
    assert run("run", "morning").code == 0
    ran = run("due")
    assert ran.out == (
        "waiting\tmorning\tdue 2026-11-20 09:00 UTC\tMorning (platform)\n"
        "  talk: It was held (platform)\n  do: opsctl routine done morning\n"
    )
    assert ran.code == 4
    assert run("done", "morning").code == 0
    assert run("due") == (0, "nothing is due\n", "")


def test_what_was_begun_by_hand_gives_way_to_a_newer_time(run):
    run("run", "morning")
    assert run("run", "--due", now="2026-11-20T10:00:00Z").code == 0
    (found,) = json.loads(run("due", "-o", "json", now="2026-11-20T10:05:00Z").out)["routines"]
    assert (found["state"], found["due"]) == ("waiting", "2026-11-20T10:00:00.000Z")


def test_what_is_overdue_says_since_when_and_whose_it_is(run):
    assert run("due", now=ONE).out.startswith(
        "overdue\tmorning\tdue 2026-11-20 10:00 UTC, overdue since 2026-11-20 11:00 UTC (2h)\tMorning (platform)\n"
    )


def test_a_routine_is_shown_with_what_its_steps_do_and_when_it_is_next(run):
    assert run("show", "morning").out == (
        "morning  Morning\n  daily at 10:00 (UTC)\n  next: 2026-11-20 10:00 UTC\n  owner: platform\n"
        "  check  check      all\n  talk   sign       anyone: It was held\n  run    run        echo hello\n"
        "upcoming\tmorning\tMorning (platform)\n"
    )
    assert json.loads(run("show", "morning", "-o", "json").out)["next"] == "2026-11-20T10:00:00.000Z"


def test_where_there_are_no_routines_that_is_said(opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\n")
    assert opsctl("routine", "due") == (2, "the workspace has no routines\n", "")
