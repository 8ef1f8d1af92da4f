import csv
import io
import json

import pytest
from terminal import typed

WORKSPACE = """
    version: 1
    name: Shop
    timezone: Europe/Berlin
    services:
      api:
        tier: critical
        checks:
          ready: {file: run/api.ready}
"""
ALICE, BOB = {"OPSCTL_ACTOR": "alice"}, {"OPSCTL_ACTOR": "bob"}


@pytest.fixture
def shop(opsctl):
    """Three commands: alice opens an incident, bob acknowledges it, alice adds an item."""
    opsctl.write("opsctl.yaml", WORKSPACE)

    def shop(*arguments, now="2026-11-20T12:00:00Z", env=ALICE):
        return opsctl(*arguments, now=now, env=env)

    shop("incident", "open", "API down", "-s", "api", "--at", "12:50")
    shop("incident", "ack", "1", env=BOB, now="2026-11-20T12:10:00Z")
    shop("backlog", "add", "Alert", "--source", "INC-1", now="2026-11-20T13:00:00Z")
    return shop


def test_the_log_shows_who_decided_what_and_when(shop):
    assert shop("log").out == (
        "1\t2026-11-20 13:00:00 CET\t2026-11-20 12:50:00 CET\talice\t"
        "INC-1 opened: API down; services api; severity sev1; detected 2026-11-20 12:50 CET\n"
        "2\t2026-11-20 13:10:00 CET\t2026-11-20 13:10:00 CET\tbob\tINC-1 acknowledged\n"
        "3\t2026-11-20 14:00:00 CET\t2026-11-20 14:00:00 CET\talice\tINC-1 linked: improved by OPS-1\n"
        "3\t2026-11-20 14:00:00 CET\t2026-11-20 14:00:00 CET\talice\t"
        "OPS-1 added: Alert; links from INC-1; source INC-1\n"
    )


@pytest.mark.parametrize(
    ("options", "commands"),
    [
        (["--actor", "bob"], [2]),
        (["--kind", "incident.opened"], [1]),
        (["--kind", "item.*"], [3]),
        (["INC-1"], [1, 2, 3]),
        (["ops1"], [3]),
        (["--since", "13:05"], [2, 3]),
        (["--until", "13:05"], [1]),
        (["--command", "2"], [2]),
        (["--limit", "1"], [3]),
        (["--kind", "none.*"], []),
    ],
)
def test_the_log_is_filtered(shop, options, commands):
    found = json.loads(shop("log", *options, "-o", "json", now="2026-11-20T13:00:00Z").out)["events"]
    assert list(dict.fromkeys(one["command"] for one in found)) == commands


def test_every_event_is_there_with_its_seal_and_the_words_that_were_typed(shop):
    found = json.loads(shop("log", "-o", "json").out)
    first = found["events"][0]
    assert (first["recorded"], first["occurred"]) == ("2026-11-20T12:00:00.000Z", "2026-11-20T11:50:00.000Z")
    assert first["words"] == "opsctl incident open 'API down' -s api --at 12:50"
    assert len({one["digest"] for one in found["events"]}) == 4
    rows = list(csv.DictReader(io.StringIO(shop("log", "-o", "csv").out)))
    assert [row["digest"] for row in rows] == [one["digest"] for one in found["events"]]
    lines = [json.loads(line) for line in shop("log", "-o", "ndjson").out.splitlines()]
    assert [line["type"] for line in lines] == ["log", "event", "event", "event", "event"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["log", "INC-9"], "nothing was ever recorded of INC-9; `opsctl log` shows what was"),
        (["log", "XYZ-1"], "`XYZ-1` is no name in the log"),
        (["log", "--command", "99"], "there is no command 99; `opsctl log` lists them"),
        (["log", "--since", "soon"], "--since `soon` is not a time"),
        (["log", "--since", "1h", "--until", "2h"], "--since is after --until"),
        (["undo", "99", "--yes"], "there is no command 99; `opsctl log` lists them"),
        (["undo", "x", "--yes"], "`x` is no command's number"),
        (["undo"], "nobody can be asked `undo command 3?` here; add `--yes` to do it"),
    ],
)
def test_a_mistake_is_told_with_the_way_out(shop, arguments, words):
    ran = shop(*arguments)
    assert ran.code == 2
    assert words in ran.err


def test_an_undo_takes_back_the_whole_command_and_can_be_taken_back(shop):
    dry = shop("undo", "--dry-run")
    assert dry.code == 0
    assert "OPS-1 added: Alert" in dry.out
    assert shop("backlog", "list").out.startswith("OPS-1\t")
    done = shop("undo", "--yes")
    assert done.out.endswith("command 3 is undone; `opsctl undo 5` brings it back\n")
    assert shop("backlog", "list", "--all").out == ""
    assert "links" not in shop("incident", "show", "1").out
    assert [row.split("\t")[0] for row in shop("log").out.splitlines()] == ["1", "2", "5"]
    undone = shop("log", "--undone").out.splitlines()
    assert undone[2].endswith("undone by command 5")
    assert shop("undo", "5", "--yes").code == 0
    assert shop("backlog", "list").out.startswith("OPS-1\t")
    assert shop("db", "verify").code == 0


def test_without_a_number_the_last_of_ones_own_is_meant(shop):
    shop("incident", "note", "1", "on it", env=BOB)
    assert "INC-1 noted: on it" in shop("undo", "--dry-run", env=BOB).out
    nothing = shop("undo", "--yes", env={"OPSCTL_ACTOR": "carol"})
    assert nothing.code == 2
    assert nothing.err.startswith("opsctl: nothing that carol decided counts, so there is nothing to undo;")


def test_what_later_commands_rely_on_stays(shop):
    ran = shop("undo", "1", "--yes")
    assert ran.code == 1
    assert ran.err == (
        "opsctl: INC-1 was changed since, by command 3 (incident.linked); undo that first: opsctl undo 3\n"
    )
    assert shop("incident", "list").out.startswith("INC-1\t")


def test_on_a_terminal_one_is_asked_first(shop, opsctl):
    code, shown = typed(opsctl, ALICE, "n\n", "undo")
    assert code == 1
    assert "undo command 3? [y/N] " in shown
    assert "the answer was not yes, so nothing was done" in shown
    code, shown = typed(opsctl, ALICE, "y\n", "undo")
    assert code == 0
    assert "command 3 is undone" in shown


def test_hostile_text_shows_as_itself(shop):
    hostile = "=1\x1b[31m\u202e\r\n\t<b> \x00"
    shop("incident", "note", "1", hostile, env={"OPSCTL_ACTOR": hostile.replace("\0", "")})
    for output in ("text", "json", "ndjson", "csv"):
        ran = shop("log", "-o", output)
        assert ran.code == 0
        assert not {"\x1b", "\x00", "\u202e"} & set(ran.out)
    shown = shop("undo", "5", "--dry-run").out
    assert not {"\x1b", "\x00", "\u202e"} & set(shown)
