"""Maintenance: a state of its own, neither up nor down."""

import json

import pytest

WORKSPACE = """
    version: 1
    name: Shop
    timezone: Europe/Berlin
    services:
      api:
        checks:
          ready: {file: no.such}
          all: {group: {members: [api/ready, web/home]}}
      web:
        tags: [edge]
        incidents: {open_after: 1}
        checks:
          home: {file: opsctl.yaml}
"""
ALICE = {"OPSCTL_ACTOR": "alice"}


@pytest.fixture
def shop(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE)

    def run(*arguments, now="2026-11-20T12:00:00Z"):
        return opsctl(*arguments, now=now, env=ALICE)

    return run


def test_a_check_in_maintenance_is_not_made_and_counts_for_nothing(shop):
    assert shop("check", "api/ready").code == 1
    begun = shop("maintenance", "start", "api", "--for", "2h", "--reason", "new disks")
    assert (begun.code, begun.out) == (0, "MNT-1 of api is on until 2026-11-20 15:00 CET: new disks\n")
    ran = shop("check", now="2026-11-20T12:30:00Z")
    assert (ran.code, ran.out) == (0, (
        "maintenance\tapi/ready\tuntil 2026-11-20 15:00:00 CET (MNT-1): new disks\n"
        "maintenance\tapi/all\tuntil 2026-11-20 15:00:00 CET (MNT-1): new disks\n"
        "up\tweb/home\texists == true (found true)\n1 check: 1 up; 2 in maintenance\n"
    ))  # fmt: skip
    assert shop("check", "--quiet", now="2026-11-20T12:40:00Z") == (0, "", "")
    status = shop("status", now="2026-11-20T12:41:00Z")
    assert status.code == 0
    assert status.out.startswith("maintenance\tapi/ready\tuntil 2026-11-20 15:00 CET (MNT-1): new disks\n")
    over = shop("check", "api/ready", now="2026-11-20T14:00:00Z")
    assert (over.code, over.out.split("\t")[0]) == (1, "down")
    assert shop("db", "verify").code == 0


def test_nothing_is_shown_where_all_is_in_maintenance(shop):
    shop("maintenance", "start", "all", "--until", "18:00", "--reason", "move")
    assert shop("check").code == 3
    assert shop("check", "--quiet").out == ""


def test_maintenance_is_ended_by_hand(shop):
    shop("maintenance", "start", "api", "--for", "2h", "--reason", "disks")
    shop("maintenance", "start", "web", "--for", "3h", "--reason", "cables")
    ended = shop("maintenance", "end", "1", now="2026-11-20T12:30:00Z")
    assert ended.out == "MNT-1 of api was ended by alice at 2026-11-20 13:30 CET\n"
    assert shop("check", "api/ready", now="2026-11-20T12:31:00Z").code == 1
    assert shop("maintenance", "end", now="2026-11-20T12:32:00Z").out.startswith("MNT-2 of web was ended")
    none = shop("maintenance", "end", now="2026-11-20T12:33:00Z")
    assert none.err == (
        "opsctl: no maintenance that was begun by hand is not on; `opsctl maintenance list` shows what is\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name the checks, or `all`"),
        (("api",), "say when it ends: `--for 2h` or `--until 18:00`"),
        (("api", "--for", "2h", "--until", "18:00"), "say when it ends"),
        (("api", "--for", "soon", "--reason", "x"), "--for: "),
        (("apy", "--for", "2h", "--reason", "x"), "did you mean `api`"),
        (("api", "--for", "2h"), "the reason is missing; add --reason"),
        (("api", "--for", "0s", "--reason", "x"), "maintenance ends in the future"),
    ],
)
def test_what_cannot_be_meant_is_refused(shop, arguments, words):
    ran = shop("maintenance", "start", *arguments)
    assert ran.code == 2
    assert words in ran.err


WINDOWS = """
    maintenance:
      night: {reason: Backups, select: web, days: [saturday], between: "02:00-04:00"}
      move: {reason: The rack moves, select: "tag:edge", starts: "2026-12-24 18:00", ends: "2026-12-24 20:00"}
"""


def test_windows_are_declared_and_recur_exactly_also_when_the_clocks_change(shop, opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE + WINDOWS)
    assert shop("maintenance", "list").out == (
        "to come\tnight\t2026-11-21 02:00 CET to 2026-11-21 04:00 CET\t1 check\tBackups\n"
        "to come\tmove\t2026-12-24 18:00 CET to 2026-12-24 20:00 CET\t1 check\tThe rack moves\n"
    )
    states = {
        now: json.loads(shop("check", "web", "-o", "json", now=now).out)["maintenance"] != []
        for now in ("2026-11-21T00:59:59Z", "2026-11-21T01:00:00Z", "2026-11-21T02:59:59Z", "2026-11-21T03:00:00Z",
                    "2026-12-24T16:59:59Z", "2026-12-24T17:00:00Z", "2026-12-24T19:00:00Z")
    }  # fmt: skip
    assert list(states.values()) == [False, True, True, False, False, True, False]


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("{reason: X, select: api}", "it does not say when"),
        ("{reason: X, select: apy, days: [monday]}", "did you mean `api`"),
        ("{reason: X, select: api, starts: '2026-12-24'}", "it never ends; add `ends`"),
        ("{reason: X, select: api, ends: '2026-12-24'}", "it never began; add `starts`"),
        (
            "{reason: X, select: api, starts: '2026-12-24', ends: '9999-12-31'}",
            "`9999-12-31` is not between 1970 and 9000; leave `ends` out where it has none",
        ),
        ("{select: api, days: [monday]}", "missing key `reason`"),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused_also_for_checks(shop, opsctl, window, words):
    opsctl.write("opsctl.yaml", WORKSPACE + f"    maintenance: {{w: {window}}}\n")
    for command in (("validate",), ("check",)):
        ran = shop(*command)
        assert ran.code == 5
        assert words in ran.out + ran.err


def test_nothing_is_promised_of_the_time_in_maintenance(shop, opsctl):
    for minute in range(0, 60, 5):
        shop("check", "web", now=f"2026-11-20T10:{minute:02d}:00Z")
    shop("maintenance", "start", "web", "--for", "1h", "--reason", "x", now="2026-11-20T11:00:00Z")
    assert shop("check", "web", now="2026-11-20T11:10:00Z").code == 3
    for minute in range(0, 60, 5):
        shop("check", "web", now=f"2026-11-20T12:{minute:02d}:00Z")
    shown = shop("metrics", "explain", "availability", "--service", "web", "--since", "2026-11-20T10:00:00Z",
                 "--until", "2026-11-20T13:00:00Z", now="2026-11-20T13:00:00Z").out  # fmt: skip
    assert "web: 1h in maintenance" in shown
    assert "\nM\t1h: maintenance\n" in shown
    assert opsctl("db", "verify").code == 0


@pytest.mark.parametrize("output", ["json", "ndjson", "markdown", "junit", "prometheus", "csv", "github"])
def test_every_format_tells_of_maintenance_without_counting_it(shop, output):
    shop("maintenance", "start", "api", "--for", "2h", "--reason", "<b>\x1b[31mdisks")
    ran = shop("check", "-o", output)
    assert ran.code == 0
    assert "\x1b" not in ran.out
    if output not in {"csv", "github"}:
        assert "maintenance" in ran.out


@pytest.mark.parametrize(
    "later", ["{reason: X, select: web, starts: '2026-11-20', ends: '2026-11-20 12:30'}", ""]
)
def test_a_window_that_was_shortened_or_taken_out_hides_no_outage(shop, opsctl, later):
    window = "{reason: X, select: web, starts: '2026-11-20', ends: '2026-11-24'}"
    opsctl.write("opsctl.yaml", WORKSPACE + f"    maintenance: {{w: {window}}}\n")
    assert shop("check", "web", now="2026-11-20T11:00:00Z").code == 3
    opsctl.write("opsctl.yaml", WORKSPACE + (f"    maintenance: {{w: {later}}}\n" if later else ""))
    for minute in range(0, 60, 5):
        shop("check", "web", now=f"2026-11-20T12:{minute:02d}:00Z")
    shown = shop("metrics", "explain", "availability", "--service", "web", "--since", "2026-11-20T11:00:00Z",
                 "--until", "2026-11-20T13:00:00Z", now="2026-11-20T13:00:00Z").out  # fmt: skip
    assert "\nM\t1h: maintenance\n" in shown
    assert shop("db", "verify").code == 0
