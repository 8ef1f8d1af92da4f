"""The runbooks of the template `aws-platform`: dry runs, drills, and what each does and takes back."""

from __future__ import annotations

import json

import pytest
from templates.aws_platform import known

from opsctl.workspace import load_workspace

SAID = {
    "deploy": ("target=staging", "version=v1.4.2", "previous=v1.4.1"),
    "rollback": ("target=staging", "revision=shop-api:11"),
    "critical-incident": ("service=api",),
    "service-degradation": ("service=search",),
    "alert": ("about=api",),
    "inform": ("message=We are on it",),
    "db-maintenance": ("day=2026-11-22",),
    "database-restore": ("moment=2026-11-19T03:10:00Z",),
}
# How the steps that read go in a dry run, where all is well; those that change or ask are not done.
REHEARSED = {
    "deploy": {"gate": "failed", "development": "ok", "staging": "ok", "production": "ok", "validate": "failed", "done": "ok"},
    "rollback": {"before": "ok", "development": "ok", "staging": "ok", "production": "ok"},
    "critical-incident": {"restore": "ok"},
    "service-degradation": {"validate": "ok"},
    "restart-service": {"well": "ok"},
    "alert": {},
    "inform": {},
    "escalate": {"look": "ok"},
    "db-maintenance": {"before": "ok", "dead-rows": "ok", "after": "ok", "well": "ok", "compared": "ok"},
    "security-patching": {
        "due": "ok", "staging-done": "failed", "staging-well": "ok", "production-done": "failed", "production-well": "ok",
        "recorded": "ok",
    },
    "cleanup": {"unused": "ok", "about": "failed", "kept": "failed", "saved": "ok"},
    "ansible-drift": {"look": "ok", "well": "ok", "recorded": "ok"},
    "infrastructure-drift": {"cdk": "ok", "terraform": "ok", "green": "ok", "recorded": "ok"},
    "backup-verify": {"snapshot": "ok", "newest": "ok", "recorded": "ok"},
    "restore-drill": {"newest": "ok", "rows-here": "ok", "rows-there": "ok", "recorded": "ok"},
    "database-restore": {},
    "dr-drill": {"newest": "ok", "judge": "failed", "recorded": "ok"},
}  # fmt: skip


@pytest.mark.parametrize("runbook", REHEARSED)
def test_a_dry_run_reads_and_changes_nothing(shop, runbook):
    before = shop.world.read()
    said = [word for one in SAID.get(runbook, ()) for word in ("--set", one)]
    _, steps = shop.rehearsed(runbook, *said, "--env", "staging")
    assert {name: outcome for name, outcome in steps.items() if outcome} == REHEARSED[runbook]
    assert shop.world.read() == before
    assert (shop.dispatched, shop.messages.requests) == ([], [])
    changing = {
        "update-service",
        "delete-volume",
        "create-snapshot",
        "send-command",
        "put-parameter",
        "publish",
    }
    assert not [argv for argv in shop.world.called("aws") if changing.intersection(argv)]


def test_every_runbook_has_its_dry_run(shop):
    assert set(load_workspace(shop.path, {}).runbooks) == set(REHEARSED)


def test_a_damaged_backup_is_found(shop):
    shop.world.change(damaged=True)
    run = shop.go("run", "backup-verify", code=1)
    assert (run["state"], run["steps"][-1]["step"]) == ("failed", "compare")
    assert "the SHA-256 of .opsctl/verify/backup is not as" in json.dumps(run)


def test_a_restore_is_drilled_and_leaves_nothing_behind(shop):
    run = shop.go("drill", "restore-drill", answers=[("compare", "yes")])
    assert (run["state"], shop.world.read()["instances"]) == ("done", {})
    restored = next(one for one in shop.world.called("aws") if "restore-db-instance-from-db-snapshot" in one)
    assert restored[restored.index("--db-snapshot-identifier") + 1].startswith("rds:shop-20")


@pytest.mark.parametrize(("minutes", "state"), [("200", "done"), ("300", "failed")])
def test_a_recovery_in_another_region_is_measured_against_its_targets(shop, minutes, state):
    answers = [("declare", "yes"), ("application", "yes"), ("measure", minutes)]
    run = shop.go("drill", "dr-drill", answers=answers, code=0 if state == "done" else 1)
    assert (run["state"], shop.world.read()["instances"]) == (state, {})
    regions = {one[one.index("--region") + 1] for one in shop.world.called("aws")}
    assert regions == {known.RECOVERY}


def test_patches_go_to_staging_first_and_production_needs_an_approval(shop):
    run = shop.go("run", "security-patching", answers=[("production", "approve")])
    assert run["state"] == "done"
    sent = [one[one.index("--targets") + 1] for one in shop.world.called("aws") if "send-command" in one]
    assert sent == ["Key=tag:Environment,Values=staging", "Key=tag:Environment,Values=production"]


def test_the_database_is_cared_for_with_a_way_back_and_figures_from_before_and_after(shop):
    run = shop.go("run", "db-maintenance", "--set", "day=2026-11-22", answers=[("window", "yes")])
    assert run["state"] == "done"
    assert run["values"] == {"before": "0.0004", "after": "0.0004"}
    asked = [one[-1] for one in shop.world.called("psql")]
    assert asked[1:] == ["vacuum (analyze)", "select 1"]


def test_an_unused_volume_is_removed_with_a_way_back(shop):
    answers = [("choose", "vol-0a1b2c3d4e5f"), ("agreed", "yes")]
    run = shop.go("run", "cleanup", answers=answers)
    assert (run["state"], shop.world.read()["volumes"]) == ("done", [])
    assert "100 GiB a month less; snap-0f0e0d0c0b0a is kept" in json.dumps(run)


def test_hosts_that_drifted_are_explained_before_they_are_overwritten(shop):
    shop.world.is_("ansible-playbook", "degraded")
    waiting = shop.go("run", "ansible-drift", answers=[], code=4)
    assert waiting["steps"][-1]["step"] == "explain"
    assert shop("runbook", "answer", waiting["run"], "explain", "by hand, in the outage").code == 0
    assert shop("runbook", "resume", waiting["run"]).code == 4
    shop.world.is_("ansible-playbook", "up")
    assert shop("runbook", "approve", waiting["run"], "apply", who="bob").code == 0
    assert shop("runbook", "resume", waiting["run"]).code == 0
    assert ["--diff", "site.yml"] in shop.world.called("ansible-playbook")


def test_a_critical_incident_goes_its_five_steps(shop):
    assert shop("incident", "open", "Nobody can sign in", "-s", "api", "--severity", "sev1").code == 0
    words = ("run", "critical-incident", "--incident", "INC-1", "--set", "service=api")
    run = shop.go(
        *words, answers=[("contain", "yes"), ("investigate", "A full disk; 300 users for 20 minutes")]
    )
    assert [one["step"] for one in run["steps"]] == ["contain", "tell", "investigate", "restore", "review"]
    shown = shop("incident", "show", "INC-1").out
    assert "mitigated" in shown
    assert "A full disk; 300 users for 20 minutes" in shown


def test_a_degraded_service_goes_its_five_steps_and_its_mending_is_owed(shop):
    assert shop("incident", "open", "The search is slow", "-s", "search", "--severity", "sev3").code == 0
    words = ("run", "service-degradation", "--incident", "INC-1", "--set", "service=search")
    run = shop.go(*words, answers=[("assess", "yes"), ("mitigate", "Fewer results until Friday")])
    assert [one["step"] for one in run["steps"]] == ["assess", "mitigate", "communicate", "fix", "validate"]
    items = json.loads(shop("backlog", "list", "-o", "json").out)["items"]
    assert [(one["title"], one["owner"], one["priority"]) for one in items] == [
        ("Mend search for good", "carol", "high")
    ]
