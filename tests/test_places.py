"""Results of several places: what travels, what is refused, what a quorum of places says."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.outcome import Cause, State
from opsctl.place_lines import PlaceResult, read_line, write_line
from opsctl.quorum import agree

AT = 1_795_176_000.0  # 2026-11-20T12:00:00Z
SHOP = """
    version: 1
    name: Shop
    services:
      web: {checks: {page: {file: page, expect: [size > 0B]}, other: {file: other}}}
"""
BAD = (State.UP, State.DEGRADED, State.DOWN)
states = st.lists(st.sampled_from(State), max_size=8)


def sent(place="rome", check="web/page", time="2026-11-20T11:59:00.000Z", state="down", **more):
    """A line of another place."""
    said = {
        "format_version": "1.0", "place": place, "check": check, "time": time, "state": state,
        "cause": "missing" if state == "down" else None, "latency": None, "message": "gone" if state == "down" else "",
    }  # fmt: skip
    return json.dumps({**said, **more}) + "\n"


@pytest.fixture
def shop(opsctl):
    """The shop as this machine sees it: the page is there, the other file is not."""
    opsctl.write("opsctl.yaml", SHOP).write("page", "hello")
    assert opsctl("check").code == 1
    return opsctl


def take(opsctl, *lines, now="2026-11-20T12:00:00Z"):
    opsctl.write("in.ndjson", "".join(lines))
    return opsctl("results", "import", "in.ndjson", now=now)


def kept(opsctl):
    with closing(sqlite3.connect(opsctl.path / ".opsctl" / "opsctl.db")) as db:
        return db.execute("SELECT * FROM place_results").fetchall()


def test_what_one_place_exports_another_takes_in(shop):
    ran = shop("results", "export", "--place", "berlin")
    assert (ran.code, ran.err) == (0, "")
    # The two were looked at at once, and either may have been first.
    lines = sorted(map(json.loads, ran.out.splitlines()), key=lambda one: one["check"], reverse=True)
    latency = lines[0].pop("latency")
    assert latency is None or latency > 0
    assert lines[0]["time"].startswith("2026-11-20T12:00:0")
    assert {**lines[0], "time": ""} == {
        "format_version": "1.0",
        "place": "berlin",
        "check": "web/page",
        "time": "",
        "state": "up",
        "cause": None,
        "message": "size > 0B (found 5B)",
    }
    assert lines[1]["state"] == "down"
    assert shop("results", "export", "--place", "berlin", "--out", "out.ndjson") == (0, "", "")
    assert (shop.path / "out.ndjson").read_text() == ran.out
    ran = shop("results", "import", "out.ndjson")
    assert ran == (0, "out.ndjson\t2 new, 0 known\n", "")
    # As some editors begin a file.
    shop.write("out.ndjson", f"\ufeff{(shop.path / 'out.ndjson').read_text()}")
    assert shop("results", "import", "out.ndjson") == (0, "out.ndjson\t0 new, 2 known\n", "")
    before = kept(shop)
    assert shop("results", "import", "out.ndjson") == (0, "out.ndjson\t0 new, 2 known\n", "")
    assert kept(shop) == before
    assert shop("db", "verify").code == 0
    assert len(shop("db", "export").out.splitlines()) == 2


def test_only_what_is_late_enough_is_exported(shop):
    now = "2026-11-20T14:00:00Z"
    assert shop("check", now=now).code == 1
    times = [json.loads(one)["time"] for one in shop("results", "export", now=now).out.splitlines()]
    late = [time for time in times if time >= "2026-11-20T13"]
    ran = shop("results", "export", "--since", "1h", now=now)
    assert (ran.code, ran.err, len(times), len(late)) == (0, "", 4, 2)
    assert [json.loads(one)["time"] for one in ran.out.splitlines()] == late


@pytest.mark.parametrize("more", [(), ("--out", "out.ndjson")])
def test_nothing_to_export_is_said_and_is_no_success(shop, more):
    shop.write("out.ndjson", "of before\n")
    ran = shop("results", "export", "--since", "1h", *more, now="2026-11-20T14:00:00Z")
    words = "no result was recorded since `1h`; run `opsctl check`, or go back further with `--since`"
    assert ran == (3, "", f"opsctl: {words}\n")
    assert (shop.path / "out.ndjson").read_text() == "of before\n"


def test_a_check_is_down_where_enough_places_see_it_down(shop):
    take(shop, sent(), sent("oslo", state="up"))
    ran = shop("results", "quorum", "web/page", "--place", "here")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "up\tweb/page\tdown for rome (gone); up for here and oslo\n"
        "1 check: 1 up; down where 2 places or more see it\n"
    )
    assert shop("results", "quorum", "web/page", "--place", "here", "-q") == (0, "", "")
    take(shop, sent("paris"))
    ran = shop("results", "quorum", "web/page", "--place", "here", "--quiet")
    assert (ran.code, ran.err) == (1, "")
    assert ran.out == (
        "down\tweb/page\tdown for paris (gone) and rome (gone); up for here and oslo\n"
        "1 check: 1 down; down where 2 places or more see it\n"
    )


def test_where_too_few_places_are_heard_nothing_is_known(shop):
    take(shop, sent("oslo", check="web/other", state="up"))
    ran = shop("results", "quorum", "--place", "here")
    assert (ran.code, ran.err) == (3, "")
    assert ran.out.replace(f"{shop.path}/", "") == (
        "up\tweb/other\tdown for here (other does not exist); up for oslo\n"
        "unknown\tweb/page\t1 of the 2 places that it takes was heard; up for here; nothing from oslo\n"
        "2 checks: 1 up, 1 unknown; down where 2 places or more see it\n"
    )
    assert shop("results", "quorum", "--quorum", "1", "--place", "here").code == 1


def test_a_result_speaks_for_twice_its_interval(shop):
    shop.write("opsctl.yaml", SHOP.replace("size > 0B]}", "size > 0B], every: 5m}"))
    take(shop, sent(time="2026-11-20T11:50:00Z"), sent("oslo", time="2026-11-20T11:49:59.999Z"))
    ran = shop("results", "quorum", "web/page", "--place", "here", "-o", "json")
    (check,) = json.loads(ran.out)["checks"]
    assert [(one["place"], one["state"]) for one in check["votes"]] == [("here", "up"), ("rome", "down")]
    assert check["silent"] == ["oslo"]
    ran = shop("results", "quorum", "web/page", "--place", "here", "--since", "5m", "-o", "json")
    assert json.loads(ran.out)["checks"][0]["silent"] == []


def test_a_place_has_one_vote_and_its_latest_result_counts(shop):
    take(
        shop, sent("here", time="2026-11-20T11:58:00Z"), sent(), sent(time="2026-11-20T11:59:30Z", state="up")
    )
    ran = shop("results", "quorum", "web/page", "--place", "here")
    assert ran.out.startswith("up\tweb/page\tup for here and rome\n")


def test_what_is_known_of_a_moment_is_not_rewritten(shop):
    assert take(shop, sent()).code == 0
    ran = take(shop, sent(state="up"))
    assert ran == (1, "in.ndjson\t0 new, 0 known, 1 against what is known, which stays\n", "")
    assert [row[3] for row in kept(shop)] == [3]


def test_what_is_old_is_refused_and_forgotten(shop):
    shop.write("opsctl.yaml", SHOP + "    retention: {passes: 2d}\n")
    assert take(shop, sent()).code == 0
    ran = take(shop, sent(time="2026-11-17T12:00:00Z"), now="2026-11-23T12:00:00Z")
    assert (ran.code, kept(shop)) == (1, [])
    assert ran.err == "in.ndjson:1: refused: it is older than results are kept (`retention: passes`)\n"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("]", "it is no JSON"),
        ("[" * 5000, "it is no JSON"),
        (sent()[:-2] + ', "state": "up"}', "it is JSON in which `state` stands twice in one object"),
        ('{"at": 9' + "9" * 5000 + "}", "it is no JSON"),
        ("x" * 20_001, "it is longer than 20,000 characters"),
        ("[1]", "it is no result; write such files with `opsctl results export`"),
        (sent(format_version="2.\x1b0"), "it is of another opsctl (format 2.\\x1b0, this one reads 1.0)"),
        (sent(host="x"), "1 key too many or missing: `host`"),
        (sent(place="a\x1b[2J"), "`a\\x1b[2J` is no name of a place"),
        (sent(place=" "), "`` is no name of a place"),
        (sent(place="x" * 201), "`" + "x" * 39 + "…` is no name of a place"),
        (sent(check="web/\u202epage"), "`web/\\u202epage` is no name of a check"),
        (sent(check="web/none"), "the workspace has no check `web/none`"),
        (sent(time="2026-11-20T11:59:00"), "`time` is no time with a zone since 1970"),
        (sent(time="0001-01-01T00:00:00+14:00"), "`time` is no time with a zone since 1970"),
        (sent(time=7), "`time` is no text"),
        (sent(time="2026-11-20T12:05:01Z"), "it lies in the future; one of the two clocks is wrong"),
        (sent(state="fine\n"), "`state` is `fine`, which is none"),
        (sent(cause="x"), "`cause` is `x`, which is none"),
        (sent(latency=-1), "`latency` is no number of seconds up to a day"),
        (sent(latency=True), "`latency` is no number of seconds up to a day"),
        (sent(latency=float("nan")), "it is no JSON"),
        (sent(message=None), "`message` is no text"),
    ],
)
def test_a_line_that_is_no_result_is_refused_and_the_others_are_kept(shop, text, note):
    ran = take(shop, text.rstrip("\n") + "\n", sent())
    assert ran == (1, "in.ndjson\t1 new, 0 known, 1 refused\n", f"in.ndjson:1: refused: {note}\n")
    assert len(kept(shop)) == 1


def test_hostile_text_is_made_harmless(shop):
    ran = take(shop, sent(message="gone\x1b]0;x\x07\nweb/page is up"))
    assert ran == (0, "in.ndjson\t1 new, 0 known\n", "in.ndjson:1: its message was made harmless\n")
    assert (
        "down for rome (gone\\x1b]0;x\\x07 web/page is up)"
        in shop("results", "quorum", "--place", "here").out
    )


def test_of_many_bad_lines_the_first_are_told(shop):
    ran = take(shop, "]\n" * 30)
    assert ran.out == "in.ndjson\t0 new, 0 known, 30 refused\n"
    assert len(ran.err.splitlines()) == 21
    assert ran.err.endswith("in.ndjson: and 10 more such lines\n")


def test_what_cannot_be_read_or_asked_is_said(shop):
    ran = shop("results", "import", "none.ndjson")
    assert ran == (2, "", "opsctl: none.ndjson cannot be read: No such file or directory\n")
    ran = shop("results", "export", "--place", "a\tb")
    assert ran == (2, "", "opsctl: --place: `a b` is no name of a place\n")
    assert shop("results", "quorum", "nope").code == 2
    assert shop("results", "quorum", "--quorum", "0").code == 2


NIGHT = """    maintenance:
      night: {reason: Backups, select: [web/page], starts: "2026-11-20 11:50", ends: "2026-11-20 12:00"}
"""


def test_what_a_place_found_in_maintenance_is_neither_up_nor_down(shop):
    shop.write("opsctl.yaml", SHOP + NIGHT)
    take(
        shop,
        sent(),
        sent("oslo", time="2026-11-20T12:00:00Z", state="up"),
        sent("paris", time="2026-11-20T11:59:59.999Z"),
    )
    ran = shop("results", "quorum", "web/page", "--place", "here")
    assert (ran.code, ran.err) == (3, "")
    assert ran.out == (
        "unknown\tweb/page\t2 places more might make it down; up for here and oslo; maintenance for paris and rome\n"
        "1 check: 1 unknown; down where 2 places or more see it\n"
    )
    ran = shop("results", "quorum", "web/page", "--place", "here", "--quorum", "3", "-o", "json")
    (check,) = json.loads(ran.out)["checks"]
    assert (check["state"], check["maintenance"], check["silent"]) == ("unknown", ["paris", "rome"], [])
    assert [one["place"] for one in check["votes"]] == ["here", "oslo"]


def test_what_a_place_found_of_a_group_while_a_member_was_in_maintenance_is_no_vote(shop):
    group = "      all: {checks: {web: {group: {members: [web/page]}}}}\n"
    shop.write("opsctl.yaml", SHOP + group + NIGHT)
    take(shop, sent(check="all/web"), sent("oslo", check="all/web", time="2026-11-20T12:00:00Z"))
    ran = shop("results", "quorum", "all/web", "--quorum", "1", "-o", "json")
    (check,) = json.loads(ran.out)["checks"]
    assert ([one["place"] for one in check["votes"]], check["maintenance"]) == (["oslo"], ["rome"])


def test_a_check_in_maintenance_is_judged_by_nobody(shop):
    take(shop, sent("oslo", check="web/other"), sent(), sent("oslo"))
    assert shop("results", "quorum", "--place", "here").code == 1
    start = ("maintenance", "start", "web/page", "--for", "1h", "--reason", "new disks")
    assert shop(*start, now="2026-11-20T12:00:30Z").code == 0
    ran = shop("results", "quorum", "--place", "here", now="2026-11-20T12:01:00Z")
    assert ran.code == 1
    assert ran.out.replace(f"{shop.path}/", "") == (
        "maintenance\tweb/page\tuntil 2026-11-20 13:00:30 UTC (MNT-1): new disks\n"
        "down\tweb/other\tdown for here (other does not exist) and oslo (gone); nothing from rome\n"
        "1 check: 1 down; 1 in maintenance; down where 2 places or more see it\n"
    )
    ran = shop("results", "quorum", "web/page", "-o", "json", now="2026-11-20T12:01:00Z")
    answer = json.loads(ran.out)
    assert (ran.code, answer["exit_code"], answer["checks"]) == (3, 3, [])
    assert answer["maintenance"] == [
        {"check": "web/page", "state": "maintenance", "window": "MNT-1", "reason": "new disks",
         "until": "2026-11-20T13:00:30.000Z"}
    ]  # fmt: skip
    assert shop("maintenance", "end", now="2026-11-20T12:01:30Z").code == 0
    ran = shop("results", "quorum", "web/page", "--place", "here", now="2026-11-20T12:02:00Z")
    assert (ran.code, ran.out.split("\t")[0]) == (1, "down")


def test_silent_places_that_might_make_it_down_leave_it_unknown(shop):
    take(shop, sent(), sent("oslo", check="web/other", state="up"))
    ran = shop("results", "quorum", "web/page", "--place", "here")
    assert (ran.code, ran.err) == (3, "")
    assert ran.out == (
        "unknown\tweb/page\t1 place more might make it down; down for rome (gone); up for here; nothing from oslo\n"
        "1 check: 1 unknown; down where 2 places or more see it\n"
    )
    ran = shop("results", "quorum", "web/page", "--place", "here", "--since", "30s", "-o", "json")
    assert (ran.code, json.loads(ran.out)["exit_code"]) == (0, 0)


def test_the_store_knows_of_results_of_other_places(shop):
    take(shop, sent(), sent("oslo", state="up"))
    assert json.loads(shop("db", "info", "-o", "json").out)["rows"]["place_results"] == 2
    assert shop("db", "verify", now="2026-11-20T12:00:00Z").code == 0
    ran = shop("db", "verify", now="2026-11-20T11:50:00Z")
    assert ran.code == 6
    assert "1 results of place `rome` lie in the future, by up to 9m; is the clock right?" in ran.err
    assert shop("db", "prune", now="2026-12-20T11:59:00Z").out.startswith("deleted nothing (")
    assert shop("db", "prune", now="2026-12-20T11:59:01Z").out.startswith("deleted 2 place results (")


@given(states, st.integers(1, 9), st.integers(0, 7))
def test_a_worse_view_never_makes_a_better_verdict(seen, quorum, at):
    """Monotone in each view, where a place that could tell still can."""
    if at >= len(seen) or seen[at] is State.UNKNOWN:
        return
    order = (State.UP, State.DEGRADED, State.UNKNOWN, State.DOWN)
    for worse in BAD[BAD.index(seen[at]) :]:
        changed = [*seen[:at], worse, *seen[at + 1 :]]
        assert order.index(agree(changed, quorum)) >= order.index(agree(seen, quorum))


@given(states, st.integers(1, 9))
def test_a_larger_quorum_says_less(seen, quorum):
    small, large = agree(seen, quorum), agree(seen, quorum + 1)
    assert large is not State.DOWN or small is State.DOWN
    assert not small.good or large in {small, State.UNKNOWN}


@given(states, st.integers(1, 9), st.integers(0, 3))
def test_a_silent_place_is_as_one_that_cannot_tell(seen, quorum, silent):
    assert agree(seen, quorum, silent) is agree([*seen, *[State.UNKNOWN] * silent], quorum)


@given(states, st.integers(1, 9), st.lists(st.sampled_from(BAD), max_size=3))
def test_whatever_silent_places_would_say_what_is_told_stays(seen, quorum, more):
    told = agree(seen, quorum, len(more))
    whole = agree([*seen, *more], quorum)
    assert told is State.UNKNOWN or told is whole or (told.good and whole.good)


@given(states, st.integers(1, 9), st.sampled_from(State))
def test_one_more_place_takes_no_outage_back(seen, quorum, more):
    if agree(seen, quorum) is State.DOWN:
        assert agree([*seen, more], quorum) is State.DOWN
    assert agree(seen, quorum) is agree(seen[::-1], quorum)
    assert agree(seen, quorum) is State.UNKNOWN or len(seen) >= quorum


results = st.builds(
    PlaceResult,
    st.from_regex(r"[a-z0-9.-]{1,30}", fullmatch=True),
    st.from_regex(r"[a-z]{1,9}/[a-z]{1,9}", fullmatch=True),
    st.integers(0, int(AT * 1000)).map(lambda at: at / 1000),
    st.sampled_from(State),
    st.none() | st.sampled_from(Cause),
    st.none() | st.floats(0, 86_400),
    st.text(st.characters(categories=["L", "N", "P"], exclude_characters="\ufeff"), max_size=300),
)


@given(results)
def test_what_is_written_is_read_again(one):
    assert read_line(write_line(one), AT) == (one, "")


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_whatever_a_line_says_it_is_a_result_or_refused(text):
    found = read_line(text, AT)
    assert found.result is None
    assert found.note.startswith("refused: ")


@pytest.mark.parametrize(
    ("seen", "quorum", "expected"),
    [
        ("", 1, "?"),
        ("u", 1, "u"),
        ("u", 2, "?"),
        ("u?", 2, "?"),
        ("u??", 2, "?"),
        ("uu", 2, "u"),
        ("gg", 2, "g"),
        ("gu", 2, "u"),
        ("gd", 2, "g"),
        ("ud", 2, "u"),
        ("dd", 2, "d"),
        ("ddu", 3, "u"),
        ("dd?", 3, "?"),
        ("d?", 1, "d"),
        ("u?", 1, "?"),
        ("ud?", 2, "?"),
        ("uu?", 2, "u"),
        ("uu??", 2, "?"),
    ],
)
def test_what_places_say_together(seen, quorum, expected):
    short = {"u": State.UP, "g": State.DEGRADED, "?": State.UNKNOWN, "d": State.DOWN}
    assert agree([short[one] for one in seen], quorum) is short[expected]
