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
      web:
        checks:
          ready: {file: run/web.ready}
"""
ALICE = {"OPSCTL_ACTOR": "alice"}


@pytest.fixture
def shop(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE)
    return lambda *arguments, now="2026-11-20T12:00:00Z", env=ALICE: opsctl(*arguments, now=now, env=env)


def well(shop, opsctl, hour=12, minute=0):
    """Both services up for the last six minutes."""
    opsctl.write("run/api.ready", "").write("run/web.ready", "")
    for before in (6, 4, 2, 0):
        past = hour * 60 + minute - before
        assert shop("check", now=f"2026-11-20T{past // 60:02}:{past % 60:02}:00Z").code == 0


def test_an_incident_from_its_beginning_to_its_end(shop, opsctl):
    opsctl.write("runbooks/failover.md", "# Failover\n")
    opened = shop(
        "incident", "open", "API", "returns", "500s", "-s", "api", "--at", "12:50", "--runbook", "failover"
    )
    assert opened.code == 0
    assert opened.out == (
        "INC-1 is open, sev1: API returns 500s (api)\n"
        "next: acknowledge by 13:05 CET (in 5m); update by 13:20 CET (in 20m); recover by 13:50 CET (in 50m)\n"
        "runbook: runbooks/failover.md\n"
    )
    assert shop("incident", "ack", "--as", "commander").out.startswith("INC-1 is acknowledged, sev1: API")
    assert shop("incident", "update", "7x").code == 2
    told = shop("incident", "update", "inc1", "failover", "started", now="2026-11-20T12:10:00Z")
    assert "update by 13:40 CET (in 30m)" in told.out
    assert shop("incident", "mitigate", "1", "--at", "13:05", now="2026-11-20T12:10:00Z").code == 0
    well(shop, opsctl, minute=20)
    resolved = shop("incident", "resolve", "INC-1", "cache is back", now="2026-11-20T12:20:00Z")
    assert resolved.out == (
        "INC-1 is resolved, sev1: API returns 500s (api)\n"
        "next: review by 2026-11-22 13:20 CET (in 2d)\n"
        "review: opsctl review start 1\n"
    )
    assert shop("incident", "close", "1", now="2026-11-20T12:30:00Z").err == (
        "opsctl: INC-1 was sev1, so its review comes first: opsctl review start 1; "
        "or close it without one by `--reason TEXT`\n"
    )
    closed = shop("incident", "close", "1", "--reason", "known cause", now="2026-11-20T12:30:00Z")
    assert closed.out == "INC-1 is closed, sev1: API returns 500s (api)\n"
    shown = json.loads(shop("incident", "show", "1", "-o", "json", now="2026-11-20T12:30:00Z").out)
    assert shown["roles"] == {"commander": "alice"}
    assert shown["durations"]["resolve"] == 1800
    assert [one["kind"] for one in shown["timeline"]] == [
        "opened", "acknowledged", "assigned", "mitigated", "updated", "observed",
        "resolved", "closed",
    ]  # fmt: skip
    assert shown["review"] == "waived"


def test_what_a_state_does_not_allow_is_refused_with_what_it_allows(shop):
    shop("incident", "open", "slow", "-s", "web")
    shop("incident", "resolve", "1", "--force", "--reason", "no check yet")
    assert shop("incident", "mitigate", "1").err == (
        "opsctl: INC-1 is resolved, so it cannot be mitigated; what can be done: close or reopen\n"
    )
    shop("incident", "close", "1")
    again = shop("incident", "reopen", "1", "--reason", "came back")
    assert again.code == 1
    assert again.err == "opsctl: INC-1 is closed, so it cannot be reopened; open a new one and link it\n"


def test_it_cannot_be_resolved_while_its_checks_are_not_well(shop, opsctl):
    shop("incident", "open", "slow", "-s", "web")
    refused = shop("incident", "resolve", "1")
    assert refused.code == 1
    assert refused.err == (
        "opsctl: INC-1 cannot be resolved yet: web/ready was never checked; "
        "wait for it, or say why not with `--force --reason TEXT`\n"
    )
    well(shop, opsctl)
    assert shop("incident", "resolve", "1").code == 0


def test_a_check_that_is_up_only_for_a_moment_is_not_well(shop, opsctl):
    shop("incident", "open", "slow", "-s", "web")
    shop("check", now="2026-11-20T11:58:00Z")
    opsctl.write("run/web.ready", "").write("run/api.ready", "")
    assert shop("check", now="2026-11-20T11:59:00Z").code == 0
    refused = shop("incident", "resolve", "1")
    assert "web/ready is up only since 12:59 CET, 1m of 5m" in refused.err


def test_forcing_needs_a_reason_that_is_kept(shop):
    shop("incident", "open", "slow", "-s", "web")
    assert shop("incident", "resolve", "1", "--force").err == (
        "opsctl: the reason is missing; add --reason TEXT to --force\n"
    )
    assert shop("incident", "resolve", "1", "--force", "--reason", "probe is broken").code == 0
    assert "resolved, forced: probe is broken" in shop("incident", "timeline", "1").out


def test_times_may_be_given_later_and_are_never_negative(shop):
    shop("incident", "open", "slow", "--impact-started", "12:40", "--detected", "12:45", "--at", "12:50")
    refused = shop("incident", "ack", "1", "--at", "12:44")
    assert refused.code == 2
    assert "acknowledged" in refused.err
    assert "detected" in refused.err
    assert shop("incident", "ack", "1", "--at", "14:00").code == 2
    assert shop("incident", "ack", "1", "--at", "12:52").code == 0
    corrected = shop("incident", "update", "1", "--time", "detected=12:41")
    assert corrected.code == 0
    shown = json.loads(shop("incident", "show", "1", "-o", "json").out)
    assert (shown["durations"]["detect"], shown["durations"]["acknowledge"]) == (60, 660)


def test_a_time_that_has_not_happened_cannot_be_corrected(shop):
    shop("incident", "open", "slow")
    refused = shop("incident", "update", "1", "--time", "resolved=12:41")
    assert refused.code == 1
    assert "only what has happened has a time" in refused.err


def test_a_note_is_amended_and_what_it_said_is_kept(shop):
    shop("incident", "open", "slow")
    shop("incident", "note", "1", "lag was 40 s", "--at", "12:30")
    number = shop("incident", "timeline", "1").out.splitlines()[0].split("\t")[0]
    assert shop("incident", "note", "1", "--amend", number, "lag was 4 s").code == 0
    timeline = shop("incident", "timeline", "1").out.splitlines()
    assert timeline[0].split("\t") == [
        number, "2026-11-20 12:30:00 CET", "alice", "lag was 4 s [recorded 30m later; amended; before: lag was 40 s]",
    ]  # fmt: skip
    assert shop("incident", "note", "1", "--amend", "99", "x").code == 2


def test_two_incidents_become_one(shop):
    shop("incident", "open", "slow", "-s", "web")
    shop("incident", "open", "errors", "-s", "api")
    assert shop("incident", "merge", "1", "1").code == 2
    merged = shop("incident", "merge", "1", "2")
    assert merged.out.splitlines()[0] == "INC-2 is open, sev1: errors (api, web)"
    assert shop("incident", "ack", "1").err == "opsctl: INC-1 was merged into INC-2; go on there\n"
    assert "slow" in shop("incident", "timeline", "2").out


def test_a_link_is_there_from_both_ends(shop):
    shop("incident", "open", "slow")
    shop("incident", "open", "slow again")
    assert shop("incident", "link", "2", "INC-1", "--as", "recurrence of").code == 0
    assert json.loads(shop("incident", "show", "2", "-o", "json").out)["links"] == [
        {"relation": "recurrence of", "other": "INC-1"}
    ]
    assert json.loads(shop("incident", "show", "1", "-o", "json").out)["links"] == [
        {"relation": "has recurrence of", "other": "INC-2"}
    ]
    assert shop("incident", "link", "2", "INC-9").code == 2


def test_escalating_only_makes_it_worse_and_needs_a_reason(shop):
    shop("incident", "open", "slow", "--severity", "2")
    assert shop("incident", "escalate", "1", "--severity", "3", "--reason", "x").code == 2
    assert shop("incident", "escalate", "1", "--severity", "1").err == (
        "opsctl: the reason is missing; add --reason TEXT\n"
    )
    assert shop("incident", "escalate", "1", "all users", "--severity", "1", "--to", "bob").code == 0
    assert "escalated to sev1, called bob: all users" in shop("incident", "timeline", "1").out


def test_a_false_alarm_counts_in_no_figure_and_owes_no_review(shop):
    shop("incident", "open", "slow", "--severity", "1")
    assert shop("incident", "close", "1", "--false-alarm").code == 2
    assert shop("incident", "close", "1", "--false-alarm", "--reason", "a test").code == 0
    assert shop("incident", "list").out == ""
    assert "a false alarm" in shop("incident", "show", "1").out


def test_the_list_shows_what_is_due_and_its_exit_code_what_is_overdue(shop):
    shop("incident", "open", "slow", "-s", "web", "--tag", "deploy")
    shop("incident", "open", "errors", "-s", "api", "--role", "scribe=alice")
    later = "2026-11-20T12:20:00Z"
    assert shop("incident", "list", now=later).out == (
        "INC-2\tsev1\topen\t2026-11-20 13:00 CET\terrors (api)\tacknowledge OVERDUE since 13:15 CET (5m); "
        "update by 13:30 CET (in 10m); recover by 14:00 CET (in 40m)\n"
        "INC-1\tsev3\topen\t2026-11-20 13:00 CET\tslow (web)\tacknowledge by 17:00 CET (in 3h 40m); "
        "update by 2026-11-21 13:00 CET (in 23h 40m); recover by 2026-11-22 13:00 CET (in 1d 23h)\n"
    )
    assert shop("incident", "list", "--overdue").code == 0
    overdue = shop("incident", "list", "--overdue", now=later)
    assert (overdue.code, overdue.out.split("\t")[0]) == (1, "INC-2")
    for option, value, expected in (
        ("--service", "web", "INC-1"),
        ("--severity", "sev1", "INC-2"),
        ("--tag", "deploy", "INC-1"),
        ("--mine", None, "INC-2"),
    ):
        found = shop("incident", "list", option, *([value] if value else []))
        assert [row.split("\t")[0] for row in found.out.splitlines()] == [expected]
    assert shop("incident", "list", "--state", "opne").err == (
        "opsctl: --state `opne` is no state; did you mean `open`?\n"
    )


def test_a_closed_one_is_listed_where_all_are_asked_for(shop):
    shop("incident", "open", "slow")
    shop("incident", "resolve", "1")
    shop("incident", "close", "1")
    none = shop("incident", "list", "--all", "--severity", "sev1")
    assert (none.out, none.err) == ("", "no incident fits\n")
    nothing = shop("incident", "list")
    assert (nothing.out, nothing.err) == ("", "no incident; --all shows every one\n")
    assert shop("incident", "list", "--all").out.startswith("INC-1\tsev3\tclosed\t")
    assert shop("incident", "list", "--state", "closed").out.startswith("INC-1\t")
    assert shop("incident", "list", "--since", "1h").out.startswith("INC-1\t")
    assert shop("incident", "list", "--since", "1m", now="2026-11-20T13:00:00Z").out == ""


def test_status_shows_incidents_and_reviews_that_are_owed(shop):
    shop("incident", "open", "errors", "-s", "api", "--severity", "1")
    page = shop("status", now="2026-11-20T12:20:00Z").out
    assert "INC-1\tsev1\topen\t2026-11-20 13:00 CET\terrors (api)\tacknowledge OVERDUE since" in page
    assert page.endswith("2 checks: 2 unknown; 2 stale\n1 incident on; 1 overdue\nnext: opsctl check\n")
    shop("incident", "resolve", "1", "--force", "--reason", "x")
    later = shop("status", now="2026-11-25T12:00:00Z").out
    assert "review OVERDUE since 2026-11-22 13:00 CET (3d)" in later
    assert "0 incidents on, 1 review owed; 1 overdue\n" in later
    assert json.loads(shop("status", "-o", "json").out)["incidents"][0]["incident"] == "INC-1"


def test_nothing_is_kept_of_a_dry_run(shop):
    dry = shop("incident", "open", "slow", "--dry-run")
    assert dry.out.startswith("INC-1 would be open, sev3: slow\n")
    assert shop("incident", "list", "--all").out == ""
    assert shop("log").out == ""
    assert shop("incident", "open", "slow").out.startswith("INC-1 is open")


def test_without_a_name_the_only_active_incident_is_meant(shop):
    assert shop("incident", "ack").err == (
        "opsctl: no incident is active; name one, as `opsctl incident list --all` shows them\n"
    )
    shop("incident", "open", "slow")
    assert shop("incident", "ack").code == 0
    shop("incident", "open", "errors")
    both = shop("incident", "resolve")
    assert both.code == 2
    assert both.err == "opsctl: 2 incidents are active; say which: INC-1 (slow), INC-2 (errors)\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["open"], 'what is wrong is missing; write opsctl incident open "what is wrong"'),
        (["open", "  "], "the title is empty; say something"),
        (["open", "x" * 201], "the title has 201 characters, at most 200; say the rest in a note"),
        (["open", "x", "-s", "apj"], "no service is called `apj`; did you mean `api`?"),
        (["open", "x", "--severity", "5"], "`5` is no severity; write `sev1`, `sev2`, `sev3` or `sev4`"),
        (["open", "x", "--role", "boss=bob"], ("`boss` is no role; there are `commander`, `scribe`, "
            "`communications` or `operations`")),
        (["open", "x", "--role", "bob"], "--role `bob` gives nobody a role; write commander=alice"),
        (["update", "1"], "how it stands is missing; write it after the incident, or see --help"),
        (["note", "1"], "the note is missing; write it after the incident"),
        (["reopen", "1"], "the reason is missing; add --reason TEXT"),
        (["update", "1", "--time", "lunch=12:00"], ("--time `lunch=12:00` sets no time; write NAME=TIME, of "
            "`impact_started`, `detected`, `acknowledged`, `mitigated`, `impact_ended`, `resolved` or `closed`")),
        (["ack", "OPS-1"], "`OPS-1` is no name as INC-7; write INC-7 or 7"),
        (["ack", "7"], "there is no INC-7; `opsctl incident list --all` shows what there is"),
        (["list", "-o", "xml"], "`--output xml` is not one of `text`, `json` or `csv`"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_the_way_out(shop, arguments, words):
    ran = shop("incident", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"opsctl: {words}\n"


HOSTILE = "=cmd()|<b>x</b>\x1b[31m\u202e`*[link](http://evil)\r\n| \x00 ::error::"


def test_hostile_text_shows_as_itself_in_every_format(shop):
    shop("incident", "open", HOSTILE, "--tag", HOSTILE, "--role", f"scribe={HOSTILE}")
    shop("incident", "note", "1", HOSTILE)
    for arguments in (
        ["list"],
        ["list", "-o", "csv"],
        ["list", "-o", "json"],
        ["show", "1"],
        ["show", "1", "-o", "json"],
        ["show", "1", "-o", "markdown"],
        ["timeline", "1"],
        ["timeline", "1", "-o", "markdown"],
    ):
        ran = shop("incident", *arguments)
        assert ran.code == 0
        assert not {"\x1b", "\x00", "\u202e"} & set(ran.out)
    markdown = shop("incident", "show", "1", "-o", "markdown").out
    assert "<b>" not in markdown.replace("\\<b\\>", "")
    assert "http://" not in markdown
    rows = list(csv.DictReader(io.StringIO(shop("incident", "list", "-o", "csv").out)))
    assert rows[0]["title"].startswith("'=cmd()")
    assert len(shop("incident", "list").out.splitlines()) == 1


def test_a_long_note_is_kept_whole(shop):
    shop("incident", "open", "slow")
    text = "a" * 1_000_000
    assert shop("incident", "note", "1", text).code == 0
    kept = json.loads(shop("incident", "timeline", "1", "-o", "json").out)["timeline"][-1]["text"]
    assert kept == text
    assert shop("incident", "note", "1", text + "a").code == 2


def test_on_a_terminal_what_is_missing_is_asked_for(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE)
    code, shown = typed(opsctl, ALICE, "API is down\n", "incident", "open", "-s", "api")
    assert code == 0
    assert "what is wrong: " in shown
    assert "INC-1 is open, sev1: API is down (api)" in shown
    _, asked = typed(opsctl, ALICE, "Web is down\nweb, api\n", "incident", "open")
    assert "which services (api, web; none by Enter): " in asked
    assert "INC-2 is open, sev1: Web is down (web, api)" in asked
    code, shown = typed(opsctl, ALICE, "2\n", "incident", "ack")
    assert code == 0
    assert "which incident: " in shown
    assert "INC-2 is acknowledged" in shown


def test_the_worked_example_of_shakespeare_gives_its_minutes_and_its_percentage(shop):
    def at(clock):
        return f"2015-10-21T{clock}:00Z"

    shop("incident", "open", "Shakespeare search overload", "--severity", "1", "--impact-started", at("14:54"),
         "--detected", at("14:55"), "--at", at("15:01"), "-s", "web")  # fmt: skip
    shop("incident", "update", "1", "--time", f"impact_started={at('14:54')}")
    assert shop("incident", "ack", "1", "--at", at("14:58")).code == 0
    assert shop("incident", "mitigate", "1", "--at", at("15:36")).code == 0
    resolved = shop("incident", "resolve", "1", "--at", at("16:30"), "--impact-ended", at("16:00"),
                    "--force", "--reason", "long ago")  # fmt: skip
    assert resolved.code == 0
    minutes = {
        name: seconds / 60
        for name, seconds in json.loads(shop("incident", "show", "1", "-o", "json").out)["durations"].items()
        if seconds is not None
    }
    assert minutes == {
        "detect": 1, "acknowledge": 3, "declare": 7, "mitigate": 42, "recover": 66, "repair": 65, "resolve": 89,
    }  # fmt: skip
