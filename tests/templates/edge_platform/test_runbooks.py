"""The runbooks of the template `edge-platform`: dry runs, drills, and what each does and takes back."""

from __future__ import annotations

import json

import pytest
from templates.edge_platform.vendors import ACCOUNT, DATABASE, PROJECT, RECORD, TABLE, ZONE, Vercel, answer

REHEARSALS = {
    "critical-outage": (
        (),
        (
            "would acknowledge, did look, did providers, would call, ask roles, ask page, ask way, did rollback, did failover, "
            "did restore, did wait, ask mitigated, did green, would tell, ask after"
        ),
    ),
    "failover": (
        (),
        (
            "did standby, did before, ask decide, would switch, did served, would tell, did deployment, ask well, would return, "
            "did home"
        ),
    ),
    "vercel-rollback": (
        (),
        "did deployments, ask decide, would promote, did green, would tell, would notify, ask fix",
    ),
    "cloudflare-outage": (
        (),
        (
            "did status, did ours, ask ticket, would tell, ask page, ask way, would bypass, did served, ask over, did green, "
            "would proxy, did behind, ask close"
        ),
    ),
    "auto-recovery": ((), "did live, would call, would redeploy, did green, would tell"),
    "escalate": (("severity=sev1", "service=api", "say=It is slow"), "would tell, did users"),
    "d1-export": ((), "would folder, would export, would keep, would prune"),
    "d1-export-restore": (
        ("mode=restore", "moment=2026-11-20T09:00:00Z"),
        (
            "would moment, did live, would export, did newest, would scratch, would load, would count, would compare, "
            "would remove, would bookmark, ask writers, would restore, did answers, ask usable, did green"
        ),
    ),
    "security-incident": (
        (),
        (
            "would acknowledge, did threats, did level, ask way, would contain, ask revoke, ask offline, would evidence, "
            "ask logs, ask rotate, did access, would call, ask duty, would tell, ask review"
        ),
    ),
    "vulnerability-scan": ((), "would folder, would scan, did findings"),
    "vulnerability-patch": (
        ("item=OPS-1", "change=v2"),
        "did item, ask triage, ask due, ask patched, ask gate, did healthy, would scan, ask gone, did close",
    ),
    "maintenance-window": (
        ("work=New index", "starts=2026-11-25T20:00Z"),
        (
            "ask notice, ask way-back, did calm, would export, would mute, would start, ask page, ask work, would unmute, "
            "did verify, ask finish, would told, ask deviation, did time"
        ),
    ),
}


@pytest.mark.parametrize("runbook", REHEARSALS)
def test_a_dry_run_reads_what_is_and_changes_nothing(edge, runbook):
    assert edge("backlog", "add", "CVE-2026-1", "--tag", "vulnerability").code == 0
    given, steps = REHEARSALS[runbook]
    ran = edge("runbook", "run", runbook, "--dry-run", *(part for one in given for part in ("--set", one)))
    lines = [line.split("\t") for line in ran.out.splitlines() if not line.startswith("\t")]
    assert (ran.code, ran.err) == (0, "")
    assert ", ".join(f"{verb} {step}" for verb, step, *_ in lines) == steps
    assert [words for verb, _, words in lines if verb == "did" and not words.startswith("ok: ")] == []
    assert [change for vendor in edge.vendors for change in vendor.changes()] == []
    assert (edge.programs / "mail.log").exists() is False


def test_every_runbook_has_a_dry_run_here_an_owner_and_a_time_for_its_drill(edge):
    listed = json.loads(edge("runbook", "list", "-o", "json").out)["runbooks"]
    assert sorted(one["runbook"] for one in listed) == sorted(REHEARSALS)
    assert edge("check", "standby").code == 0
    told = edge("runbook", "lint").out
    assert "owner" not in told
    assert "drill_every" not in told


TELL_NOBODY = ("--set", "tell=nobody")


def test_a_rollback_moves_production_to_the_deployment_before(edge):
    edge.go("run", "vercel-rollback", *TELL_NOBODY, answers=[("decide", "yes"), ("fix", "yes")])
    assert edge.vercel.changes() == [("POST", f"/v1/projects/{PROJECT}/rollback/dpl_before", "")]
    assert edge.vercel.live == "dpl_before"


def test_a_rollback_that_does_not_help_stops_and_goes_on_once_it_does(edge, hasty):
    edge.platform.broken = {"/"}
    edge.go("run", "vercel-rollback", *TELL_NOBODY, answers=[("decide", "yes")], code=1)
    assert (edge.last_run()["state"], edge.vercel.live) == ("failed", "dpl_before")
    edge.platform.broken = set()
    assert edge("runbook", "resume", "RUN-1").code == 4
    edge("runbook", "answer", "RUN-1", "fix", "yes")
    assert edge("runbook", "resume", "RUN-1").code == 0
    assert len(edge.vercel.changes()) == 1


def test_a_rollback_that_the_vendor_does_not_carry_out_is_no_rollback(edge, monkeypatch):
    page = edge.path / "bin/json_is.py"
    page.write_text(page.read_text().replace("PAUSE = 2.0", "PAUSE = 1e6"))
    monkeypatch.setattr(Vercel, "_change", lambda _self, _asked: answer(201, {}))
    edge.go("run", "vercel-rollback", *TELL_NOBODY, answers=[("decide", "yes")], code=1)
    assert "targets.production.id should be dpl_before, found dpl_live" in str(edge.last_run()["steps"])


def test_a_failover_sends_users_to_the_standby_and_back(edge):
    edge.go("drill", "failover", answers=[("decide", "yes"), ("well", "yes")])
    record = f"/zones/{ZONE}/dns_records/{RECORD}"
    assert edge.cloudflare.changes() == [
        ("PATCH", record, {"content": "127.0.0.1"}), ("PATCH", record, {"content": "cname.vercel-dns.com"}),
    ]  # fmt: skip


def test_a_failover_to_a_standby_that_does_not_serve_is_taken_back_by_itself(edge, hasty, monkeypatch):
    ran = edge("runbook", "run", "failover")
    assert ran.code == 4
    edge.platform.broken = {"/"}
    edge("runbook", "answer", "RUN-1", "decide", "yes")
    assert edge("runbook", "resume", "RUN-1").code == 1
    assert edge.last_run()["state"] == "recovered"
    assert edge.cloudflare.record["content"] == "cname.vercel-dns.com"
    assert [body for _, _, body in edge.cloudflare.changes()] == [
        {"content": "127.0.0.1"}, {"content": "cname.vercel-dns.com"},
    ]  # fmt: skip


def test_nobody_is_sent_to_a_standby_that_is_down(edge, hasty):
    edge.platform.broken = {"/"}
    assert edge("runbook", "run", "failover").code == 1
    assert edge.cloudflare.changes() == []


def test_going_around_the_proxy_needs_the_lead_and_ends_behind_it_again(edge):
    answers = [
        ("ticket", "CF-123"),
        ("page", "yes"),
        ("way", "bypass"),
        ("bypass", None),
        ("over", "yes"),
        ("close", "yes"),
    ]
    edge.go("drill", "cloudflare-outage", answers=answers)
    assert [body for _, _, body in edge.cloudflare.changes()] == [{"proxied": False}, {"proxied": True}]


def test_an_export_is_read_back_before_it_counts(edge):
    edge.go("run", "d1-export", who="carol")
    newest = max((edge.path / "backups").glob("d1-*.sql"), key=lambda path: path.stat().st_mtime)
    assert newest.read_text().splitlines()[:2] == [
        f"CREATE TABLE {TABLE} (id integer);",
        f"INSERT INTO {TABLE} VALUES (0);",
    ]
    assert edge.states("database/export")[1] == {"database/export": "up"}


def test_an_export_without_rows_fails_and_takes_no_place(edge):
    edge.cloudflare.databases[DATABASE][1].execute(f"delete from {TABLE}")
    before = sorted((edge.path / "backups").glob("d1-*.sql"))
    edge.go("run", "d1-export", who="carol", code=1)
    assert sorted((edge.path / "backups").glob("d1-*.sql")) == before


def test_no_more_than_14_exports_are_kept(edge):
    for day in range(1, 20):
        edge.fresh(f"backups/d1-202510{day:02}T020000Z.sql", "x", f"2025-10-{day:02}T02:00:00Z")
    edge.go("run", "d1-export", who="carol")
    kept = sorted(path.name for path in (edge.path / "backups").glob("d1-*.sql"))
    assert len(kept) == 14
    assert kept[0] == "d1-20251008T020000Z.sql"


def test_a_restore_is_drilled_in_a_scratch_database_which_is_gone_afterwards(edge):
    edge.go("drill", "d1-export-restore", who="carol")
    databases = f"/accounts/{ACCOUNT}/d1/database"
    assert edge.cloudflare.changes() == [
        ("POST", databases, {"name": "restore-drill"}), ("DELETE", f"{databases}/scratch-1", ""),
    ]  # fmt: skip
    assert list(edge.cloudflare.databases) == [DATABASE]


def test_a_restore_that_lacks_rows_fails_and_leaves_no_scratch_database(edge, monkeypatch):
    shim = edge.programs / "wrangler"
    shim.write_text(
        shim.read_text().replace(
            '"sql": open(rest[rest.index("--file") + 1]).read()',
            f'"sql": "create table {TABLE} (id integer)"',
        )
    )
    edge.go("drill", "d1-export-restore", who="carol", code=1)
    assert edge.last_run()["state"] == "recovered"
    assert list(edge.cloudflare.databases) == [DATABASE]


def test_the_live_database_goes_back_in_time_only_with_the_lead(edge):
    moment = ("--set", "mode=restore", "--set", "moment=2026-11-20T09:00:00Z")
    edge.go(
        "run",
        "d1-export-restore",
        *moment,
        who="carol",
        answers=[("writers", "yes"), ("restore", None), ("usable", "yes")],
    )
    assert list(edge.cloudflare.databases) == [DATABASE]
    edge.go("run", "d1-export-restore", "--set", "mode=restore", who="carol", code=1)


def test_a_security_incident_is_contained_and_its_evidence_kept(edge):
    answers = [
        ("way", "under-attack-mode"),
        ("logs", "yes"),
        ("rotate", "yes"),
        ("duty", "yes"),
        ("review", "yes"),
    ]
    edge.go("drill", "security-incident", *TELL_NOBODY, answers=answers)
    assert edge.cloudflare.level == "under_attack"
    kept = sorted(path.name.partition("-")[0] for path in (edge.path / "evidence").iterdir())
    assert kept == ["history", "log"]


def test_a_vulnerability_is_patched(edge):
    assert edge("backlog", "add", "CVE-2026-1", "--tag", "vulnerability", "--due", "in 30d").code == 0
    answers = [("triage", "high"), ("due", "yes"), ("patched", "yes"), ("gate", "yes"), ("gone", "yes")]
    edge.go("run", "vulnerability-patch", "--set", "item=OPS-1", "--set", "change=v2", answers=answers)
    assert (edge.programs / "npm.log").read_text() == "audit --prefix ../app --omit=dev --json\n"


def test_maintenance_is_announced_begun_and_ended_and_nothing_is_promised_of_it(edge):
    given = ("--set", "work=New index", "--set", "starts=2026-11-25T20:00Z", "--set", "select=app")
    answers = [("notice", "yes"), ("way-back", "yes")]
    edge.go("run", "maintenance-window", *given, answers=answers, code=4)
    # What is in maintenance is not looked at.
    assert edge.states("app", "api/health") == (0, {"api/health": "up"})
    for step, said in (("page", "yes"), ("work", "yes"), ("finish", "yes"), ("deviation", "nothing")):
        assert edge("runbook", "answer", "RUN-1", step, said).code == 0
        ran = edge("runbook", "resume", "RUN-1")
    assert ran.code == 0
    assert edge.states("app")[1] == {"app/home": "up", "app/certificate": "up"}
    assert [body for _, _, body in edge.messages.changes()] == [
        {"text": "sev4 app: Maintenance begins - New index"}, {"text": "sev4 app: Maintenance is over - New index"},
    ]  # fmt: skip


def test_a_critical_outage_goes_from_the_alarm_to_the_review(edge):
    assert edge("incident", "open", "API down", "-s", "api", "--severity", "sev1").code == 0
    answers = [("roles", "yes"), ("page", "yes"), ("way", "failover"), ("mitigated", "yes"), ("after", "yes")]
    edge.go("run", "critical-outage", "--incident", "INC-1", answers=answers)
    incident = json.loads(edge("incident", "show", "INC-1", "-o", "json").out)
    found = incident.get("incident", incident)
    assert (found if isinstance(found, dict) else incident)["state"] == "mitigated"
    assert sorted(path for _, path, _ in edge.messages.changes()) == [
        "/2010-04-01/Accounts/AC1/Messages.json", "/services/T1/B1/secret", "/v2/enqueue",
    ]  # fmt: skip
