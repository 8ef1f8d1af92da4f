import json

import pytest
from terminal import typed
from test_linting import GOOD

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
NOW = "2026-11-20T12:00:00Z"
LATER = "2026-11-25T12:00:00Z"


@pytest.fixture
def shop(opsctl):
    """A workspace with one sev1 incident that is over, and a sev3 that is not."""
    opsctl.write("opsctl.yaml", WORKSPACE)

    def shop(*arguments, now=NOW, env=ALICE):
        return opsctl(*arguments, now=now, env=env)

    shop("incident", "open", "API | down", "-s", "api", "--at", "12:00", "--impact-started", "11:50")
    shop("incident", "resolve", "1", "--force", "--reason", "no checks", "--at", "12:42")
    shop("incident", "open", "slow", "-s", "web")
    return shop


def written(opsctl, text=GOOD):
    opsctl.write("reviews/INC-1.md", text.replace("INC-7", "INC-1"))


def test_a_draft_is_made_from_the_data(shop, opsctl):
    ran = shop("review", "start", "1")
    assert ran == (
        0,
        "PIR-1 of alice is written: reviews/INC-1.md\n",
        "next: opsctl review edit 1, then opsctl review submit 1\n",
    )
    draft = (opsctl.path / "reviews" / "INC-1.md").read_text()
    assert draft.startswith("---\nreview: PIR-1\nincident: INC-1\nowner: alice\npeople: \n---\n")
    for line in (
        "# PIR-1: API \\| down",
        "| severity | sev1 |",
        "| impact started | 2026-11-20 11:50:00 CET |",
        "| review due | 2026-11-22 12:42 CET |",
        "From 2026-11-20 11:50:00 CET to 2026-11-20 12:42:00 CET, 52m:",
        "| api | no data: no data in the period | – | 0% | 0 | availability/1 |",
        "| recover | 52m | 1h | met |",
        "| acknowledge | – | 15m | not known |",
        "| 2026-11-20 12:42:00 CET | alice | resolved, forced: no checks [recorded 18m later] |".replace(
            "[", "\\["
        ).replace("]", "\\]"),
    ):
        assert line in draft.splitlines(), line
    assert [one.split(": ")[1] for one in shop("review", "lint").out.splitlines()] == [
        *["empty-section"] * 6, "no-action", "empty-section",
    ]  # fmt: skip


def test_what_checks_measured_stands_in_the_impact(shop, opsctl):
    for minute in range(50, 60, 2):
        shop("check", "api", now=f"2026-11-20T10:{minute}:00Z")
    opsctl.write("run/api.ready", "")
    for minute in range(0, 42, 2):
        shop("check", "api", now=f"2026-11-20T11:{minute:02}:00Z")
    shop("review", "start", "1")
    # Down for 10 of the 50 minutes that are known; what came after the last result is not.
    assert (
        "| api | 80% | 76.9231% to 80.7692% | 96.1538% | 2 | availability/1 |"
        in (opsctl.path / "reviews" / "INC-1.md").read_text()
    )


def test_a_new_start_brings_new_data_and_leaves_what_people_wrote(shop, opsctl):
    shop("review", "start", "1")
    path = opsctl.path / "reviews" / "INC-1.md"
    path.write_text(path.read_text().replace("## What went well\n", "## What went well\n\nThe pager. \n"))
    shop("incident", "note", "1", "replica lag", "--at", "12:10")
    before = path.read_text()
    assert shop("review", "start", "1", "--dry-run").out == (
        "PIR-1 of alice would be brought up to date: reviews/INC-1.md\n"
    )
    assert path.read_text() == before
    assert shop("review", "start", "1").out == "PIR-1 of alice is brought up to date: reviews/INC-1.md\n"
    after = path.read_text()
    assert "| 2026-11-20 12:10:00 CET | alice | replica lag" in after
    assert "The pager. \n" in after
    assert shop("review", "start", "1").out == "PIR-1 of alice is unchanged: reviews/INC-1.md\n"


def test_a_draft_with_damaged_marks_is_left_as_it_is(shop, opsctl):
    shop("review", "start", "1")
    path = opsctl.path / "reviews" / "INC-1.md"
    path.write_text(path.read_text().replace("<!-- opsctl:end facts -->\n", ""))
    before = path.read_text()
    ran = shop("review", "start", "1")
    assert ran.code == 2
    assert "reviews/INC-1.md:10:1: the data part `facts` begins and does not end" in ran.err
    assert path.read_text() == before


def test_a_review_waits_until_the_incident_is_over(shop):
    assert shop("review", "start", "2").err == "opsctl: INC-2 is open; resolve it first, then review it\n"
    assert shop("review", "start", "3").code == 2


def test_submitting_makes_items_and_closes_the_incident_in_one_command(shop, opsctl):
    shop("review", "start", "PIR-1")
    written(opsctl)
    dry = shop("review", "submit", "1", "--dry-run")
    assert dry.out.startswith("PIR-1 would be submitted, INC-1 would be closed\n")
    assert shop("backlog", "list").out == ""
    assert shop("review", "submit", "inc1").out == (
        "PIR-1 is submitted, INC-1 is closed\n1 action in the backlog:\n  OPS-1  Add an alert on expiry (bob)\n"
    )
    item = json.loads(shop("backlog", "show", "1", "-o", "json").out)
    assert {name: item[name] for name in ("title", "owner", "priority", "source", "services", "measure", "due")} == {
        "title": "Add an alert on expiry", "owner": "bob", "priority": "high", "source": "PIR-1",
        "services": ["api"], "measure": "incidents tag:tls 90d", "due": "2026-12-24T22:59:59.000Z",
    }  # fmt: skip
    assert item["links"] == [{"relation": "from", "other": "INC-1"}]
    links = json.loads(shop("incident", "show", "1", "-o", "json").out)["links"]
    assert links == [{"relation": "improved by", "other": "OPS-1"}]
    shown = shop("review", "show", "1")
    assert "  OPS-1      open: Add an alert on expiry\n" in shown.out
    assert shop("review", "show", "1", "-o", "markdown").out == GOOD.replace("INC-7", "INC-1")
    again = shop("review", "submit", "1")
    assert again.code == 1
    assert "PIR-1 was submitted already" in again.err
    assert shop("undo", "--yes").code == 0
    assert shop("backlog", "list", "--all").out == ""
    assert shop("incident", "list", "--state", "resolved").out.startswith("INC-1\t")
    assert shop("review", "list").out.split("\t")[2] == "draft"


def test_a_review_with_findings_is_not_taken(shop, opsctl):
    written(opsctl, GOOD.replace("The failover worked.", "human error"))
    ran = shop("review", "submit", "1")
    assert ran.code == 1
    assert ran.err == (
        "opsctl: 1 finding before it can be submitted:\nreviews/INC-1.md:21:1: blame: `human error`: "
        "name what made it seem right at the time, or what let it through\n"
    )


def test_an_action_that_the_backlog_refuses_is_told_with_its_line(shop, opsctl):
    written(opsctl, GOOD.replace("incidents tag:tls 90d", "happiness"))
    ran = shop("review", "submit", "1")
    assert ran.code == 2
    assert ran.err.startswith("opsctl: reviews/INC-1.md:43: `happiness` is no measure")
    assert shop("backlog", "list", "--all").out == ""


def test_the_review_of_another_incident_is_not_taken(shop, opsctl):
    opsctl.write("reviews/INC-1.md", GOOD)
    assert shop("review", "submit", "1").err == (
        "opsctl: reviews/INC-1.md is the review of INC-7, not of INC-1; name the right one\n"
    )


def test_without_a_draft_there_is_nothing_to_submit(shop):
    ran = shop("review", "submit", "1")
    assert ran.code == 2
    assert ran.err.endswith("INC-1.md; write one with `opsctl review start 1`\n")


def test_the_list_shows_what_is_owed_and_its_exit_code_what_is_overdue(shop):
    assert shop("review", "list").out == (
        "PIR-1\tsev1\tnot begun\t\tAPI | down\tby 2026-11-22 12:42 CET (in 1d 23h)\n"
    )
    assert shop("review", "list", "--overdue").code == 0
    late = shop("review", "list", "--overdue", now=LATER)
    assert (late.code, late.out) == (
        1, "PIR-1\tsev1\tnot begun\t\tAPI | down\tOVERDUE since 2026-11-22 12:42 CET (3d)\n",
    )  # fmt: skip
    rows = shop("review", "list", "-o", "csv", now=LATER).out.splitlines()
    assert rows[1] == "PIR-1,INC-1,sev1,not begun,,2026-11-22T11:42:00.000Z,True,,API | down"
    assert json.loads(shop("review", "list", "-o", "json", now=LATER).out)["reviews"][0]["overdue"] is True


def test_a_waived_review_is_owed_no_more(shop):
    assert shop("review", "waive", "1").code == 2
    assert shop("review", "waive", "1", "known", "cause").out == "PIR-1 is waived, INC-1 is resolved\n"
    assert shop("review", "list").err == "no review is owed; --all shows every one\n"
    assert shop("review", "list", "--all").out.split("\t")[2] == "waived"
    assert shop("review", "start", "1").err.startswith("opsctl: PIR-1 was waived already: known cause;")
    assert shop("incident", "close", "1").code == 0


def test_a_review_that_nobody_asks_for_may_be_written(shop):
    shop("incident", "resolve", "2", "--force", "--reason", "x")
    assert "PIR-2" not in shop("review", "list").out
    shop("review", "start", "2", "--owner", "bob")
    assert "PIR-2\tsev3\tdraft\tbob\tslow\n" in shop("review", "list").out


def test_lint_needs_neither_workspace_nor_store(opsctl, tmp_path):
    opsctl.write("a.md", GOOD).write("b.md", GOOD.replace("1200", "Many"))
    assert opsctl("review", "lint", "a.md") == (0, "", "0 findings in 1 review\n")
    ran = opsctl("review", "lint", "a.md", "b.md", "-o", "github")
    assert (ran.code, ran.out) == (
        1,
        (
            "::error file=b.md,line=13,col=1,title=missing-figure::the impact has no number; "
            "say how many users, requests or orders it was, or excuse it\n"
        ),
    )
    found = json.loads(opsctl("review", "lint", "b.md", "-o", "json").out)
    assert (found["files"], [one["rule"] for one in found["findings"]]) == (1, ["missing-figure"])


def test_lint_of_nothing_is_no_pass(opsctl):
    assert opsctl("review", "lint").code == 2
    assert (
        opsctl("review", "lint", "no.md").err == "opsctl: no.md cannot be read: No such file or directory\n"
    )
    opsctl.path.joinpath("x.md").write_bytes(b"\xff")
    assert opsctl("review", "lint", "x.md").err == "opsctl: x.md is not UTF-8; save it as UTF-8\n"


def test_the_rules_are_listed(opsctl):
    assert "blame " in opsctl("review", "lint", "--rules").out
    assert "blame" in json.loads(opsctl("review", "lint", "--rules", "-o", "json").out)["rules"]


def test_without_a_terminal_no_editor_is_opened(shop, opsctl):
    ran = shop("review", "edit", "1", env={**ALICE, "EDITOR": "touch edited"})
    assert ran.code == 2
    assert ran.err == f"opsctl: no editor can be opened here; edit the file: {opsctl.path}/reviews/INC-1.md\n"


def test_an_editor_is_opened_on_a_terminal_and_the_draft_linted_afterwards(shop, opsctl, monkeypatch):
    opsctl.write("edit", '#!/bin/sh\nsed -i "s/## Lessons/## Lessons\\n\\nNone. By human error./" "$2"\n')
    (opsctl.path / "edit").chmod(0o755)
    monkeypatch.setenv("EDITOR", f"{opsctl.path}/edit --wait")
    code, shown = typed(opsctl, ALICE, "", "review", "edit", "1")
    assert code == 1
    assert "PIR-1 of alice is written: reviews/INC-1.md" in shown
    assert "blame: `human error`" in shown
    assert "\n8 findings\n" in shown
    monkeypatch.setenv("EDITOR", "/no/such/editor")
    code, shown = typed(opsctl, ALICE, "", "review", "edit", "1")
    assert code == 2
    assert "the editor `/no/such/editor` cannot be started" in shown


HOSTILE = "=x|<b>x</b>\x1b[31m\u202e`*[link](http://evil)\r\n--> <!-- opsctl:end facts -->\n| \x00 ::error::"


def test_hostile_text_breaks_no_draft(shop, opsctl):
    shop("incident", "open", HOSTILE, "--severity", "1", "--role", f"scribe={HOSTILE}", "--tag", HOSTILE)
    shop("incident", "note", "3", HOSTILE)
    shop("incident", "resolve", "3", "--force", "--reason", HOSTILE)
    assert shop("review", "start", "3", "--owner", HOSTILE).code == 0
    draft = (opsctl.path / "reviews" / "INC-3.md").read_text()
    assert not {"\x1b", "\x00", "\u202e"} & set(draft)
    assert "http://" not in draft
    assert draft.count("opsctl:begin facts") == 1
    assert shop("review", "start", "3").out.endswith(" is unchanged: reviews/INC-3.md\n")
    assert "broken-block" not in shop("review", "lint", "3").out
    for output in ("text", "json", "csv"):
        assert not {"\x1b", "\x00"} & set(shop("review", "list", "-o", output).out)
