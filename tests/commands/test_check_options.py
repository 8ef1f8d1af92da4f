"""Options of `check` that would be passed over are refused, and lists and times are as people read them."""

import json

import pytest
from terminal import typed

WORKSPACE = """
    version: 1
    name: Shop
    timezone: Europe/Berlin
    services:
      api:
        runbook: failover
        checks:
          ready: {file: run/api.ready}
          said: {command: [sh, -c, "echo disk full; exit 1"]}
    runbooks:
      failover: {title: Failover, steps: [{id: look, note: Look}]}
"""
NOW = "2026-11-20T12:00:00Z"


@pytest.fixture
def shop(opsctl):
    return opsctl.write("opsctl.yaml", WORKSPACE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--since", "3d"],
            "`--since` goes with `--replay`; `opsctl history --since TIME` shows what was found",
        ),
        (["--every", "3s"], "`--every` is the pause of `--wait` and `--watch`; add one of them"),
        (["--save-baseline", ""], "`--save-baseline` needs a name; write one such as `monday`"),
        (["--list", "-o", "csv"], "`--output csv` is not one of `text` or `json`"),
    ],
)
def test_an_option_that_would_be_passed_over_is_refused(shop, words, said):
    assert shop("check", *words) == (2, "", f"opsctl: {said}\n")


def test_what_would_be_checked_is_a_list_for_programs_too(shop):
    assert json.loads(shop("check", "api/ready", "--list", "-o", "json").out) == {
        "format_version": "1.0",
        "checks": [{"check": "api/ready", "type": "file", "target": "run/api.ready"}],
    }


def test_on_a_terminal_the_list_is_aligned(shop):
    code, shown = typed(shop, {}, "", "check", "--list")
    assert code == 0
    assert shown == (
        "api/ready  file     run/api.ready\napi/said   command  sh -c 'echo disk full; exit 1'\n"
    )


def test_check_status_and_history_show_times_in_the_workspaces_zone(shop):
    checked = shop("check", now=NOW).out
    assert "✗ api/ready is down since 2026-11-20 13:00:00 CET\n" in checked
    assert "    said: disk full\n" in checked
    assert "    runbook: opsctl runbook run failover\n" in checked
    status = shop("status", now=NOW).out
    assert "down\tapi/ready\tsince 2026-11-20 13:00:00 CET, " in status
    assert "runbook: opsctl runbook run failover" in status
    history = shop("history", "--since", "12:30", now="2026-11-20T12:10:00Z").out
    assert history.startswith("2026-11-20 12:30:00 CET to 2026-11-20 13:10:00 CET; ")
    assert "from 2026-11-20 13:00:00 CET to now" in history


def test_on_a_terminal_history_breaks_no_word(shop):
    shop("check", now="2026-11-19T12:00:00Z")
    _, shown = typed(shop, {}, "", "history", "--until", "2026-11-20")
    assert max(map(len, shown.splitlines())) < 80
    assert "outages: 2" in shown
    assert "      exit_code == 0 (found 1)\n" in shown


def test_evidence_says_yes_and_no(shop):
    explained = shop("check", "api/said", "--explain").out
    assert "False" not in explained
    assert "True" not in explained


def test_a_file_that_is_no_backup_is_refused_as_one(shop):
    shop("check")
    shop.write("note.txt", "no store")
    for words in ([], ["--dry-run"]):
        refused = shop("db", "restore", "note.txt", *words)
        assert (refused.code, refused.out) == (6, "")
        assert "OPSCTL_DB" not in refused.err
        assert refused.err.endswith("; name another file that `opsctl db backup` made\n")
    gone = shop("db", "restore", "gone.db", "--dry-run")
    assert gone.err == "opsctl: there is no backup at gone.db; name a file that `opsctl db backup` made\n"
