import csv
import io
import json

import pytest

WORKSPACE = """
    version: 1
    name: Shop
    timezone: Europe/Berlin
    services:
      api:
        tier: critical
        checks:
          ready: {file: run/api.ready}
      web:
        checks:
          ready: {file: run/web.ready}
"""
ALICE = {"OPSCTL_ACTOR": "alice"}


@pytest.fixture
def shop(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE)
    return lambda *arguments, now="2026-11-20T12:00:00Z", env=ALICE: opsctl(*arguments, now=now, env=env)


def test_an_improvement_from_the_proposal_to_the_proof(shop):
    added = shop("backlog", "add", "Fewer", "tickets", "--priority", "high", "--effort", "2d",
                 "--owner", "bob", "--due", "2026-12-04", "--measure", 'manual less "tickets a week"')  # fmt: skip
    assert added.out == "OPS-1 is open: Fewer tickets (high, quick win, due in 14d 10h)\n"
    assert shop("backlog", "start", "1").err == (
        "opsctl: OPS-1 is measured by hand: tickets a week; add --baseline NUMBER\n"
    )
    assert shop("backlog", "start", "1", "--baseline", "12").out.startswith("OPS-1 is started: ")
    done = shop("backlog", "done", "1", "--spent", "90m")
    assert done.out == ("OPS-1 is done, unproven: Fewer tickets (high, quick win, verify from 2026-12-18)\n")
    assert shop("backlog", "list").out.split("\t")[:2] == ["OPS-1", "done, unproven"]
    later = "2026-12-20T12:00:00Z"
    assert shop("backlog", "list", now=later).out.rstrip().endswith("VERIFY since 2026-12-18")
    proved = shop("backlog", "verify", "1", "--value", "4", now=later)
    assert (proved.code, proved.out) == (
        0,
        (
            "OPS-1 improved: 12 before, 4 after, counted once each, so nothing is known of the spread "
            '(manual less "tickets a week")\n'
        ),
    )
    assert shop("backlog", "list", now=later).out == ""
    shown = json.loads(shop("backlog", "show", "1", "-o", "json", now=later).out)
    assert (shown["proven"], shown["spent"], shown["baseline"]["value"]) == (True, 1.5, 12)
    assert [one["kind"] for one in shown["events"]] == [
        "item.added", "item.started", "item.done", "item.verified",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "code", "outcome"), [("4", 0, "improved"), ("12", 1, "unchanged"), ("13", 1, "worse")]
)
def test_a_verification_says_whether_it_helped_by_its_exit_code(shop, value, code, outcome):
    shop("backlog", "add", "Fewer tickets", "--measure", "manual less tickets")
    shop("backlog", "start", "1", "--baseline", "12")
    shop("backlog", "done", "1")
    ran = shop("backlog", "verify", "1", "--value", value)
    assert (ran.code, ran.out.split(":")[0]) == (code, f"OPS-1 {outcome}")


def test_availability_before_and_after_shows_that_it_helped(shop, opsctl):
    def checks(day, hours, *, up):
        (opsctl.path / "run").mkdir(exist_ok=True)
        target = opsctl.path / "run" / "api.ready"
        target.touch() if up else target.unlink(missing_ok=True)
        for minute in range(0, hours * 60, 4):
            shop("check", "api", "-q", now=f"2026-11-{day}T{minute // 60:02}:{minute % 60:02}:00Z")

    shop("backlog", "add", "Faster failover", "--measure", "availability api 6h")
    checks(20, 3, up=True)
    checks(20, 0, up=False)
    for hour in (3, 4, 5):
        for minute in range(0, 60, 4):
            (opsctl.path / "run" / "api.ready").unlink(missing_ok=True)
            shop("check", "api", "-q", now=f"2026-11-20T{hour:02}:{minute:02}:00Z")
    assert shop("backlog", "start", "1", now="2026-11-20T06:00:00Z").code == 0
    shop("backlog", "done", "1", now="2026-11-20T07:00:00Z")
    early = shop("backlog", "verify", "1", now="2026-11-20T08:00:00Z")
    assert early.code == 3
    assert "the window still holds 5h from before it was done" in early.out
    checks(21, 6, up=True)
    proved = shop("backlog", "verify", "1", now="2026-11-21T06:00:00Z")
    assert proved.code == 0, proved
    assert proved.out.startswith("OPS-1 improved: ")


def test_without_enough_data_nothing_is_claimed_and_nothing_kept(shop):
    shop("backlog", "add", "Faster failover", "--measure", "availability api 6h")
    shop("backlog", "start", "1")
    shop("backlog", "done", "1")
    ran = shop("backlog", "verify", "1", now="2026-11-22T12:00:00Z")
    assert (ran.code, ran.out.split(":")[0]) == (3, "OPS-1 not enough data")
    assert shop("backlog", "list", now="2026-11-22T12:00:00Z").out.split("\t")[1] == "done, unproven"


def test_what_is_done_without_a_measure_stays_unproven(shop):
    shop("backlog", "add", "Tidy up")
    assert (
        shop("backlog", "start", "1").err == "it names no measure, so that nothing can show that it helped\n"
    )
    shop("backlog", "done", "1")
    assert shop("backlog", "verify", "1").code == 1
    assert shop("backlog", "list").out == ""
    assert shop("backlog", "list", "--unproven").out.split("\t")[:2] == ["OPS-1", "done, unproven"]


def test_show_says_why_an_item_stands_where_it_does(shop):
    shop("incident", "open", "down", "--severity", "2")
    shop(
        "backlog",
        "add",
        "Alert",
        "--priority",
        "high",
        "--effort",
        "4h",
        "--source",
        "INC-1",
        "--due",
        "2026-11-18",
    )
    shown = shop("backlog", "show", "1").out
    assert shown[shown.index("urgency"):] == (
        "urgency 25.50, the sum of\n"
        "    +6.00  priority high\n"
        "    +4.00  quick win\n"
        "    +9.50  overdue\n"
        "    +6.00  from INC-1, sev1 or sev2\n"
        "\n"
        "2026-11-20 13:00 CET  alice  OPS-1 added: Alert; priority high; due 2026-11-18 23:59 CET; effort 4; "
        "links from INC-1; source INC-1\n"
    )  # fmt: skip
    assert json.loads(shop("incident", "show", "1", "-o", "json").out)["links"] == [
        {"relation": "improved by", "other": "OPS-1"}
    ]


def test_the_most_urgent_comes_first_and_filters_leave_the_rest_out(shop):
    shop("backlog", "add", "one", "--priority", "low", "--tag", "alerts", "-s", "web")
    shop("backlog", "add", "two", "--priority", "critical", "--owner", "alice", "--due", "2026-11-19")
    shop("backlog", "add", "three", "--source", "audit")

    def names(*options):
        return [row.split("\t")[0] for row in shop("backlog", "list", *options).out.splitlines()]

    assert names() == ["OPS-2", "OPS-3", "OPS-1"]
    assert names("--mine") == names("--overdue") == names("--priority", "critical") == ["OPS-2"]
    assert names("--tag", "alerts") == names("-s", "web") == ["OPS-1"]
    assert names("--source", "audit") == ["OPS-3"]
    assert shop("backlog", "list", "--overdue").code == 1
    assert shop("backlog", "list", "--priority", "hihg").err == (
        "opsctl: --priority `hihg` is no priority; did you mean `high`?\n"
    )


def test_the_matrix_is_drawn_by_impact_and_effort(shop):
    for title, priority, effort in (
        ("a", "high", "4h"),
        ("b", "critical", "3w"),
        ("c", "low", "1h"),
        ("d", "low", "9d"),
    ):
        shop("backlog", "add", title, "--priority", priority, "--effort", effort)
    shop("backlog", "add", "e|<b>", "--impact", "high")
    assert shop("backlog", "matrix").out == (
        "quick win\tOPS-1\ta\nmajor project\tOPS-2\tb\nfiller\tOPS-3\tc\ndefer\tOPS-4\td\n"
        "effort unknown\tOPS-5\te|<b>\n"
    )
    assert shop("backlog", "matrix", "-o", "markdown").out == (
        "| | little effort | much effort |\n"
        "| --- | --- | --- |\n"
        "| **high impact** | *quick win*<br>OPS-1 a | *major project*<br>OPS-2 b |\n"
        "| **low impact** | *filler*<br>OPS-3 c | *defer*<br>OPS-4 d |\n"
        "\n"
        "Effort unknown: OPS-5\n"
    )


def test_an_iteration_shows_what_is_planned_and_spent_against_its_share(shop):
    begun = shop("backlog", "plan", "--new", "Sprint 12", "--starts", "monday", "--capacity", "160h")
    assert begun.out == (
        "ITR-1  Sprint 12, 2026-11-23 to 2026-12-07, ahead\n"
        "    planned 0h of 32h (20% of 160h), spent 0h on what is done\n"
    )
    shop("backlog", "add", "a", "--effort", "30h")
    shop("backlog", "add", "b", "--effort", "4h")
    shop("backlog", "add", "c")
    planned = shop("backlog", "plan", "1", "2", "3", "--iteration", "next")
    assert planned.out.splitlines()[1] == (
        "    planned 34h of 32h (20% of 160h), OVER by 2h, spent 0h on what is done; 1 item without effort"
    )
    shop("backlog", "done", "2", "--spent", "6h")
    assert shop("backlog", "plan", "1", "--iteration", "none").code == 0
    load = json.loads(shop("backlog", "plan", "-o", "json").out)["iterations"][0]
    assert (load["planned"], load["allowed"], load["spent"], load["over"]) == (4, 32, 6, False)
    assert shop(
        "backlog", "plan", "--new", "Sprint 13", "--starts", "2026-12-01", "--capacity", "1h"
    ).err == ("opsctl: it overlaps ITR-1 (Sprint 12); start after that one\n")


def test_what_is_exported_comes_back_unchanged_and_only_changes_are_kept(shop, opsctl):
    shop(
        "backlog",
        "add",
        "=cmd()",
        "--text",
        "two\nlines, and a comma",
        "--tag",
        "a",
        "--tag",
        "b",
        "--due",
        "in 3w",
    )
    shop("backlog", "add", "Ünïcode \N{SNOWMAN}", "--effort", "20m", "-s", "api")
    for form in ("csv", "json"):
        shop("backlog", "export", "-o", form, "--out", f"b.{form}")
        assert shop("backlog", "import", f"b.{form}").out == "0 items added, 0 items changed, 2 as before\n"
    rows = list(csv.DictReader(io.StringIO((opsctl.path / "b.csv").read_text())))
    assert [row["title"] for row in rows] == ["'=cmd()", "Ünïcode \N{SNOWMAN}"]
    opsctl.write("c.csv", 'item,title,priority\nOPS-2,Better,high\n,"A new one",low\n')
    assert shop("backlog", "import", "c.csv", "--dry-run").out == (
        "1 item would be added, 1 item would be changed, 0 as before\n"
    )
    assert shop("backlog", "import", "c.csv").out == "1 item added, 1 item changed, 0 as before\n"
    assert shop("undo", "--yes").code == 0
    assert shop("backlog", "show", "3").code == 2


def test_of_a_file_with_a_mistake_nothing_is_kept_and_every_row_is_told(shop, opsctl):
    opsctl.write("d.csv", "title,priority,due\nx,hihg,\ngood,low,\ny,low,soon\n,low,\n")
    ran = shop("backlog", "import", "d.csv")
    assert ran.code == 2
    assert ran.err == (
        "opsctl: 3 rows cannot be taken, so none was:\n"
        "d.csv:2: `hihg` is no priority; did you mean `high`?\n"
        "d.csv:4: due `soon` is not a time; write in 3d, friday, 2026-11-21, 2026-11-21 14:54 or "
        "2026-11-21T14:54:00Z\n"
        "d.csv:5: the title is empty; say something\n"
    )
    assert shop("backlog", "list", "--all").out == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "x.csv holds no items"),
        ("title\n", "x.csv holds no items"),
        ("prio,title\na,b\n", "x.csv:1: `prio` is no column; did you mean `priority`?"),
        ("title,owner\na\n", "x.csv:2: 1 cells below 2 names; quote what holds a comma"),
        ('title\n"a\n', "x.csv:2: this is no CSV"),
        ("[1]", "x.csv holds no list of items"),
        ("{", "x.csv is no JSON"),
        ("[" * 100_000, "x.csv is no list of items, as it is nested too deep"),
        (
            '[{"title": "a", "title": "b"}]',
            "x.csv is JSON in which `title` stands twice in one object; keep one",
        ),
        ('[{"title": 3}]', "`title` is 3 and should be a text"),
        ('[{"title": "x", "effort": -1}]', "effort `-1` is no amount of work"),
        ('[{"title": "x", "effort": true}]', "effort `True` is no amount of work"),
        ('[{"title": "x", "item": "INC-1"}]', "`INC-1` is no name as OPS-7"),
    ],
)
def test_a_file_that_holds_no_items_is_refused(shop, opsctl, text, words):
    (opsctl.path / "x.csv").write_text(text)
    ran = shop("backlog", "import", "x.csv")
    assert ran.code == 2
    assert words in ran.err


def test_a_file_that_cannot_be_read(shop, opsctl):
    assert (
        shop("backlog", "import", "no.csv").err
        == "opsctl: no.csv cannot be read: No such file or directory\n"
    )
    (opsctl.path / "x.csv").write_bytes(b"title\n\xff\n")
    assert shop("backlog", "import", "x.csv").err == "opsctl: x.csv is not UTF-8; save it as UTF-8\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add"], 'what is to be better is missing; write opsctl backlog add "what"'),
        (["add", "x", "--effort", "soon"], "--effort `soon` is no amount of work; write 4h, 90m or 2d (8 hours a day)"),
        (["add", "x", "--tag", "a b"], "`a b` is no tag; write one word, and repeat --tag for more"),
        (["add", "x", "-s", "apj"], "no service is called `apj`; did you mean `api`?"),
        (["add", "x", "--measure", "availabilty api"], "`availabilty` is no measure; did you mean `availability`?"),
        (["add", "x", "--measure", "manual tickets"], ("`manual tickets` does not say which way is good; "
            'write `manual less "tickets a week"`')),
        (["add", "x", "--source", "INC-9"], ("there is no INC-9; name an incident or review that is there, "
            "or say it in a word")),
        (["show", "9"], "there is no OPS-9; `opsctl backlog list --all` shows what there is"),
        (["plan", "1"], "which iteration is missing; add `--iteration next`, or `--new TITLE`"),
        (["plan", "1", "--iteration", "next"], ('there is no next iteration; begin one: '
            'opsctl backlog plan --new "Sprint 12" --starts monday --capacity 160h')),
        (["edit", "1"], "nothing to edit; say what changes (see --help)"),
        (["reject", "1"], "the reason is missing; add --reason TEXT"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_the_way_out(shop, arguments, words):
    shop("backlog", "add", "first")
    ran = shop("backlog", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"opsctl: {words}\n"


def test_a_measure_stays_as_it_is_once_its_baseline_is_taken(shop):
    shop("backlog", "add", "x", "--measure", "incidents 28d")
    assert shop("backlog", "edit", "1", "--measure", "incidents tag:db 28d").code == 0
    shop("backlog", "start", "1")
    refused = shop("backlog", "edit", "1", "--measure", "incidents 7d")
    assert refused.code == 1
    assert "its baseline belongs to its measure" in refused.err


def test_a_field_is_emptied_again(shop):
    shop("backlog", "add", "x", "--owner", "bob", "--due", "friday", "--tag", "a")
    shop("backlog", "edit", "1", "--clear", "owner", "--clear", "due", "--clear", "tags")
    shown = json.loads(shop("backlog", "show", "1", "-o", "json").out)
    assert (shown["owner"], shown["due"], shown["tags"]) == (None, None, [])


HOSTILE = "=1+1|<b>x</b>\x1b[31m\u202e`*[link](http://evil)\r\n| \x00 ::error::"


def test_hostile_text_shows_as_itself_in_every_format(shop):
    shop(
        "backlog",
        "add",
        HOSTILE,
        "--owner",
        HOSTILE,
        "--text",
        HOSTILE,
        "--effort",
        "1h",
        "--source",
        HOSTILE,
    )
    for arguments in (
        ["list"], ["list", "-o", "csv"], ["list", "-o", "json"], ["show", "1"], ["show", "1", "-o", "json"],
        ["matrix"], ["matrix", "-o", "markdown"], ["matrix", "-o", "json"], ["export"],
    ):  # fmt: skip
        ran = shop("backlog", *arguments)
        assert ran.code == 0
        assert not {"\x1b", "\x00", "\u202e"} & set(ran.out)
    assert len(shop("backlog", "list").out.splitlines()) == 1
    markdown = shop("backlog", "matrix", "-o", "markdown").out
    assert "<b>" not in markdown.replace("\\<b\\>", "")
    assert "http://" not in markdown
