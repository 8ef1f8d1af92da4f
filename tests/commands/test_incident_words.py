"""What people at night type about incidents, and what they are told."""

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
    runbooks:
      failover: {title: Failover, steps: [{id: look, note: Look}]}
"""


@pytest.fixture
def shop(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE)
    return lambda *arguments, now="2026-11-20T12:00:00Z": opsctl(
        *arguments, now=now, env={"OPSCTL_ACTOR": "alice"}
    )


def test_the_way_out_of_times_in_the_wrong_order_is_a_command_that_there_is(shop):
    shop("incident", "open", "slow")
    refused = shop("incident", "mitigate", "1", "--at", "2h")
    assert refused.err == (
        "opsctl: mitigated would be before detected; correct one with `--at`, "
        "or with `opsctl incident update 1 --time detected=TIME`\n"
    )
    assert shop("incident", "update", "1", "--time", "detected=3h").code == 0
    assert shop("incident", "mitigate", "1", "--at", "2h").code == 0


def test_a_time_in_the_future_is_refused_by_the_option_that_was_typed(shop):
    shop("incident", "open", "slow")
    refused = shop("incident", "update", "1", "--time", "detected=2030-01-01")
    assert refused.err.startswith("opsctl: --time detected is in the future; ")


def test_a_link_means_the_incident_however_it_is_named(shop):
    for title in ("slow", "down", "lost"):
        shop("incident", "open", title)
    assert shop("incident", "link", "1", "2").code == 0
    assert shop("incident", "link", "1", "inc3").code == 0
    links = json.loads(shop("incident", "show", "1", "-o", "json").out)["links"]
    assert [one["other"] for one in links] == ["INC-2", "INC-3"]
    back = json.loads(shop("incident", "show", "2", "-o", "json").out)["links"]
    assert [one["other"] for one in back] == ["INC-1"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["1"], "INC-1 cannot be linked to itself; name something else"),
        (["INC-1"], "INC-1 cannot be linked to itself; name something else"),
        ([""], "what it is linked to is empty; say something"),
        (["deadbeef", "--as", " "], "--as is empty; say something"),
        (["8"], "there is no INC-8; name something that is there, or a link"),
    ],
)
def test_a_link_to_nothing_is_refused(shop, words, said):
    shop("incident", "open", "slow")
    assert shop("incident", "link", "1", *words) == (2, "", f"opsctl: {said}\n")


@pytest.mark.parametrize("verb", ["ack", "update", "note", "mitigate"])
def test_a_quoted_text_without_a_name_is_of_the_only_active_incident(shop, verb):
    shop("incident", "open", "slow")
    assert shop("incident", verb, "failover has started").code == 0
    assert "failover has started" in shop("incident", "timeline", "1").out
    shop("incident", "open", "down")
    assert shop("incident", verb, "failover has started").code == 2


def test_what_is_so_already_is_said_to_be(shop):
    shop("incident", "open", "slow")
    shop("incident", "ack", "1")
    assert shop("incident", "ack", "1").err.startswith(
        "opsctl: INC-1 is acknowledged already; what can be done"
    )


def test_a_runbook_that_nobody_wrote_is_refused_and_one_in_yaml_is_a_command(shop):
    missing = shop("incident", "open", "slow", "--runbook", "failovr")
    assert missing == (2, "", "opsctl: no runbook is called `failovr`; did you mean `failover`?\n")
    opened = shop("incident", "open", "slow", "--runbook", "failover")
    assert opened.out.endswith("runbook: opsctl runbook run failover --incident INC-1\n")
    assert shop("incident", "update", "1", "--runbook", "../opsctl").code == 2


def test_the_log_and_the_timeline_say_who_was_called_and_times_in_the_zone(shop):
    shop("incident", "open", "slow", "--severity", "2")
    shop("incident", "escalate", "1", "--to", "bob", "--reason", "needs the database")
    shop("incident", "update", "1", "--time", "detected=12:30")
    assert "INC-1 escalated: needs the database; to bob\n" in shop("log").out
    lines = [one.split("\t")[-1] for one in shop("incident", "timeline", "1").out.splitlines()]
    assert lines == [
        "opened as sev2: slow",
        "escalated, called bob: needs the database",
        "changed detected: 2026-11-20 12:30:00 CET",
    ]


def test_a_service_that_is_none_is_said_where_nothing_was_found(shop):
    shop("incident", "open", "slow", "-s", "api")
    refused = (2, "", "opsctl: no service is called `apii`; did you mean `api`?\n")
    assert shop("incident", "list", "-s", "apii") == refused
    assert shop("search", "slow", "-s", "apii") == refused
