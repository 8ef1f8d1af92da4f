"""`opsctl check` and incidents as its users meet them: what is printed, what is kept, and many at once."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from opsctl.store.ledger import events, records
from opsctl.store.opening import open_store
from opsctl.store.verifying import verify

PAGE = Path(__file__).resolve().parents[2] / "docs" / "incidents-from-checks.md"
ONE = """
    version: 1
    name: Test
    services:
      api:
        tier: {tier}
        incidents: {{open_after: 2, resolve: true}}
        checks:
          ready: {{file: ready, every: 1m}}
"""


def at(minute: int) -> str:
    return f"2026-11-20T12:{minute:02}:00Z"


def incidents(opsctl):
    with open_store(opsctl.path / ".opsctl" / "opsctl.db", write=False) as store:
        return records(store.db, "INC")


def tidy(opsctl):
    return verify(opsctl.path / ".opsctl" / "opsctl.db")


@pytest.fixture
def shop(opsctl):
    """A service whose only check looks for the file `ready`, which is not there."""
    return opsctl.write("opsctl.yaml", ONE.format(tier="critical"))


def test_the_run_that_opens_an_incident_says_so_before_it_sums_up(shop):
    assert "INC-" not in shop("check", now=at(0)).out
    ran = shop("check", now=at(1))
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.splitlines()[-2:] == ["opened INC-1 sev1: api/ready is down", "1 check: 1 down"]
    assert "INC-" not in shop("check", now=at(2)).out


def test_cron_is_told_of_it_too(shop):
    shop("check", "--quiet", now=at(0))
    ran = shop("check", "--quiet", now=at(1))
    assert ran.out.splitlines()[-2:] == ["opened INC-1 sev1: api/ready is down", "1 check: 1 down"]


def test_a_change_and_the_end_are_told(shop):
    for minute in range(2):
        shop("check", now=at(minute))
    shop.write("ready", "")
    assert "\n\nupdated INC-1 sev1: api/ready is up again\n" in shop("check", now=at(2)).out
    told = [shop("check", now=at(minute)).out.splitlines() for minute in range(3, 8)]
    assert [lines[0] for lines in told] == ["up\tapi/ready\texists == true (found true)"] * 5
    assert [len(lines) for lines in told] == [2, 2, 2, 2, 4]
    assert told[-1][1:] == [
        "",
        "resolved INC-1 sev1: all checks have been up since 12:02 UTC",
        "1 check: 1 up",
    ]


def test_quiet_says_nothing_when_all_is_well_though_an_incident_ends(shop):
    for minute in range(2):
        shop("check", now=at(minute))
    shop.write("ready", "")
    assert {shop("check", "-q", now=at(minute)) for minute in range(2, 9)} == {(0, "", "")}
    assert [one.state for one in incidents(shop)] == ["resolved"]


def test_json_lists_what_came_of_it(shop):
    assert json.loads(shop("check", "-o", "json", now=at(0)).out)["incidents"] == []
    assert json.loads(shop("check", "-o", "json", now=at(1)).out)["incidents"] == [
        {"action": "opened", "incident": "INC-1", "severity": "sev1", "text": "api/ready is down"}
    ]


def test_ndjson_has_a_line_for_it(shop):
    shop("check", now=at(0))
    lines = [json.loads(line) for line in shop("check", "-o", "ndjson", now=at(1)).out.splitlines()]
    assert [line["type"] for line in lines] == ["run", "check", "incident", "summary"]
    assert (lines[2]["action"], lines[2]["incident"]) == ("opened", "INC-1")


@pytest.mark.parametrize(("tier", "severity"), [("high", "sev2"), ("normal", "sev3"), ("low", "sev4")])
def test_the_tier_proposes_the_severity(opsctl, tier, severity):
    opsctl.write("opsctl.yaml", ONE.format(tier=tier))
    opsctl("check", now=at(0))
    assert f"opened INC-1 {severity}: " in opsctl("check", now=at(1)).out


def test_a_workspace_may_propose_otherwise(opsctl):
    text = ONE.format(tier="low").replace("name: Test", "name: Test\n    incidents: {tiers: {low: sev2}}")
    opsctl.write("opsctl.yaml", text)
    opsctl("check", now=at(0))
    assert "opened INC-1 sev2: " in opsctl("check", now=at(1)).out


def test_what_is_not_recorded_opens_nothing(shop):
    for minute in range(4):
        assert "INC-" not in shop("check", "--no-record", now=at(minute)).out
    assert not (shop.path / ".opsctl").exists()


def test_a_fault_hides_no_result_and_answers_6(shop):
    for minute in range(2):
        shop("check", now=at(minute))
    with closing(sqlite3.connect(shop.path / ".opsctl" / "opsctl.db")) as db, db:
        db.execute("""UPDATE incidents SET document = '{"state":"open"}'""")
    db.close()
    shop.write("ready", "")
    ran = shop("check", "-o", "json", now=at(2))
    assert ran.code == 6
    document = json.loads(ran.out)
    assert (document["recorded"], document["checks"][0]["state"]) == (True, "up")
    assert ran.err.startswith("opsctl: the incidents do not show what this run found (")
    assert ran.err.endswith("); run `opsctl db verify`\n")
    status = shop("status", now=at(2))
    assert status.code == 6
    assert status.out.startswith("up\tapi/ready\t")
    assert "incidents cannot be told: a record is damaged (" in status.out


def test_a_message_from_outside_reaches_the_timeline_and_no_terminal(opsctl):
    opsctl.write(
        "opsctl.yaml",
        """
        version: 1
        name: Test
        services:
          api:
            incidents: {open_after: 1}
            checks:
              says: {command: [printf, '\\033[31mred'], expect: [stdout == "green"]}
        """,
    )
    ran = opsctl("check")
    assert "opened INC-1 sev3: api/says is down" in ran.out
    assert "\x1b" not in ran.out
    with open_store(opsctl.path / ".opsctl" / "opsctl.db", write=False) as store:
        (observed,) = (one for one in events(store.db, ["INC-1"]) if one.kind == "incident.observed")
    assert "red" in observed.body["message"]


def test_eight_checks_at_once_open_one_incident(shop):
    children = [
        subprocess.Popen(
            shop.argv("check"),
            cwd=shop.path,
            env=shop.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    answers = [child.communicate(timeout=60) for child in children]
    assert [child.returncode for child in children] == [1] * 8
    assert [err for _, err in answers] == [""] * 8
    assert sum(out.count("opened INC-1 sev1: api/ready is down\n") for out, _ in answers) == 1
    assert [(one.subject, one.key) for one in incidents(shop)] == [("INC-1", "api")]
    with open_store(shop.path / ".opsctl" / "opsctl.db", write=False) as store:
        assert [one.kind for one in events(store.db)] == ["incident.opened", "incident.observed"]
    assert tidy(shop) == []


def test_the_page_shows_what_happens(opsctl):
    text = PAGE.read_text("utf-8")
    (yaml,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (shown,) = re.findall(r"```console\nopsctl check\n(.*?)```", text, re.DOTALL)
    opsctl.write("opsctl.yaml", yaml)
    opsctl("check", now=at(0))
    assert opsctl("check", now=at(1)).out.replace(str(opsctl.path), "/srv/ops") == shown
