"""The runbooks of the template `web-platform`: deployments and the ways back, backups, outages and messages."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from servers import program
from templates.web_platform.vendor import Condition
from templates.web_platform.workspace import MANUAL, REQUEST, drill


def runbooks_of(platform):
    """Every runbook as its file says."""
    files = [yaml.safe_load(path.read_text()) for path in (platform.path / "runbooks").glob("*.yaml")]
    return {name: one for file in files for name, one in file["runbooks"].items()}


RUNBOOKS = {
    "backup-database": (),
    "deploy-blue-green": ("version=v1.4.2", "what=A new search"),
    "escalate": ("incident=INC-1", "to=lead"),
    "log-errors": (),
    "maintenance": ("what=A larger database", "select=database", "lasts=1h"),
    "n8n-failed-workflow": (),
    "rollback-web": (),
    "rotate-credentials": ("name=SUPABASE_SERVICE_ROLE_KEY", "value=a-new-secret"),
    "supabase-outage": (),
    "supabase-restore": ("day=2026-11-19",),
    "test-channels": (),
    "tofu-drift": (),
}
CHANGING = ("vercel", "tofu -chdir=infra apply", "supabase backups restore", "supabase db")


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_a_dry_run_shows_every_step_and_changes_nothing(release, runbook):
    told = [word for one in RUNBOOKS[runbook] for word in ("--set", one)]
    before = {path: path.stat().st_mtime_ns for path in release.path.glob("**/*") if ".git/" not in str(path)}
    ran = release("runbook", "run", runbook, *told, "--env", "production", "--dry-run")
    steps = [one["id"] for one in runbooks_of(release)[runbook]["steps"]]
    assert [step for step in steps if step not in ran.out] == []
    assert "a-new-secret" not in ran.out + ran.err
    assert not any(call.startswith(CHANGING) for call in release.calls())
    assert [
        one for vendor in release.vendors.values() for one in vendor.asked("POST") if "read-only" not in one
    ] == []
    after = {path: path.stat().st_mtime_ns for path in release.path.glob("**/*") if ".git/" not in str(path)}
    changed = {path.name for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed <= {".opsctl", "opsctl.db", "opsctl.db-journal"}


def test_every_runbook_has_a_dry_run_here(release):
    assert set(runbooks_of(release)) == set(RUNBOOKS)


def test_a_rollback_needs_nobody_and_puts_the_deployment_back_that_served_before(platform):
    ran = platform("runbook", "run", "rollback-web", "--env", "production")
    assert ran.code == 0, ran.out + ran.err
    assert platform.calls("vercel") == ["vercel rollback dpl_2 --yes --timeout 5m"]
    assert platform.said() == [f"{platform.vendors['site'].host} was put back from dpl_3 to dpl_2"]


def test_a_drill_of_the_rollback_ends_where_it_began(platform):
    drill(platform)
    assert platform.calls("vercel") == [
        "vercel rollback dpl_2 --yes --timeout 5m",
        "vercel promote dpl_3 --yes --timeout 5m",
    ]


def test_without_a_deployment_to_go_back_to_nothing_is_moved(platform):
    platform.become(Condition.DOWN, "vercel")
    ran = platform("runbook", "run", "rollback-web", "--env", "production")
    assert (ran.code, platform.calls("vercel")) == (1, [])


def test_a_deployment_is_built_beside_what_serves_looked_at_promoted_and_told(release, monkeypatch):
    monkeypatch.setattr("opsctl.steps.wait.pause", lambda _seconds: None)
    drill(release)
    release.sign("change-request", *REQUEST)
    release.sign("pre-deploy", *MANUAL)
    ran = release(
        "runbook",
        "run",
        "deploy-blue-green",
        "--set",
        "version=v1.4.2",
        "--set",
        "what=Search",
        "--env",
        "production",
    )
    assert ran.code == 0, ran.out + ran.err
    idle = release.vendors["site"].host
    assert release.calls("vercel")[2:] == [
        "vercel deploy --prod --skip-domain --yes --meta version=v1.4.2",
        f"vercel promote {idle} --yes --timeout 5m",
    ]
    assert release.said()[1:] == [f"Deploying v1.4.2 to {idle}: Search", f"v1.4.2 serves {idle}"]
    looked = [one for one in release.vendors["site"].journal if "x-vercel-protection-bypass" in one.headers]
    assert [one.headers["x-vercel-protection-bypass"] for one in looked] == ["bypass-of-the-tests"]


def test_a_deployment_after_which_the_site_is_down_is_taken_back(release, monkeypatch):
    monkeypatch.setattr("opsctl.steps.wait.pause", lambda _seconds: release.become(Condition.DOWN, "site"))
    release.edit("runbooks/deploy.yaml", "within: 2m", "within: 10ms")
    drill(release)
    release.sign("change-request", *REQUEST)
    release.sign("pre-deploy", *MANUAL)
    ran = release(
        "runbook",
        "run",
        "deploy-blue-green",
        "--set",
        "version=v1.4.2",
        "--set",
        "what=Search",
        "--env",
        "production",
    )
    assert ran.code == 1
    assert release.calls("vercel")[-1] == "vercel promote dpl_3 --yes --timeout 5m"
    assert (
        "(run of deploy-blue-green) is recovered: green failed, and what was done before was undone"
        in ran.out
    )
    assert release.said()[-1].startswith("v1.4.2 was taken back; ")


def test_a_closed_gate_keeps_a_deployment_from_beginning(release):
    ran = release(
        "runbook",
        "run",
        "deploy-blue-green",
        "--set",
        "version=v1.4.2",
        "--set",
        "what=Search",
        "--env",
        "production",
    )
    assert (ran.code, release.calls("vercel"), release.said()) == (1, [], [])


def _real_now():
    """The machine's own time, for what looks at the ages of files that programs wrote."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def test_a_backup_has_three_parts_and_takes_the_old_ones_away(platform):
    old = platform.path / "backups/data-2020-01-01.sql"
    old.write_text("RESET ALL;\n")
    os.utime(old, (0, 0))
    ran = platform("runbook", "run", "backup-database", "--env", "production", now=_real_now())
    assert ran.code == 0, ran.out + ran.err
    assert [call.split(" --file")[0] for call in platform.calls("supabase")] == [
        "supabase db dump --linked --role-only",
        "supabase db dump --linked",
        "supabase db dump --linked --data-only --use-copy",
    ]
    day = _real_now()[:10]
    made = {path.name for path in (platform.path / "backups").glob("*.sql")}
    assert {f"data-{day}.sql", f"roles-{day}.sql", f"schema-{day}.sql"} <= made
    assert not {"data-2020-01-01.sql", "part.sql"} & made


def test_a_dump_that_was_cut_off_never_counts_as_a_copy(platform):
    shutil.rmtree(platform.path / "backups")
    stub = platform.programs / "supabase"
    stub.write_text(stub.read_text().replace("RESET ALL;", "-- cut off"))
    ran = platform("runbook", "run", "backup-database", "--env", "production", now=_real_now())
    assert (ran.code, platform.states("backups/own", now=_real_now())[1]) == (1, {"backups/own": "down"})


def test_in_an_outage_workflows_that_write_are_paused_and_run_again_afterwards(platform):
    n8n_ = platform.vendors["n8n"]
    ran = platform("runbook", "run", "supabase-outage", "--env", "production")
    assert (ran.code, n8n_.paused) == (4, {"wf1"}), ran.out + ran.err
    assert platform("runbook", "answer", "RUN-1", "act", "yes").code == 0
    ran = platform("runbook", "resume", "RUN-1")
    assert (ran.code, n8n_.paused) == (0, set()), ran.out + ran.err
    assert n8n_.asked("POST") == [
        "/api/v1/workflows/wf1/deactivate",
        "/api/v1/workflows/wf1/activate",
    ]


@pytest.mark.parametrize(
    ("action", "changed"),
    [
        ("retry", ["/api/v1/executions/3000/retry"]),
        ("disable", ["/api/v1/workflows/wf1/deactivate"]),
        ("nothing", []),
    ],
)
def test_a_failed_workflow_is_retried_disabled_or_left_and_is_always_remembered(platform, action, changed):
    program("curl")
    assert platform("runbook", "run", "n8n-failed-workflow").code == 4
    assert platform("runbook", "answer", "RUN-1", "which", "3000").code == 0
    assert platform("runbook", "resume", "RUN-1").code == 4
    assert platform("runbook", "answer", "RUN-1", "cause", action).code == 0
    ran = platform("runbook", "resume", "RUN-1")
    assert ran.code == 0, ran.out + ran.err
    assert platform.vendors["n8n"].asked("POST") == changed
    items = json.loads(platform("backlog", "list", "-o", "json").out)["items"]
    assert [one["title"] for one in items] == [f"Workflow wf1 failed (execution 3000); {action}"]


def test_no_secret_is_an_argument_of_a_program_where_others_on_the_machine_could_see_it(platform):
    def arguments(node):
        if isinstance(node, dict):
            for name, value in node.items():
                if name in {"argv", "run"} and isinstance(value, list):
                    yield value
                yield from arguments(value)
        elif isinstance(node, list):
            for one in node:
                yield from arguments(one)

    found = [
        argv
        for path in platform.path.glob("*/*.yaml")
        for argv in arguments(yaml.safe_load(path.read_text()))
    ]
    assert len(found) > 40
    assert [argv for argv in found if any("${" in str(word) for word in argv)] == []


def test_maintenance_is_begun_and_ended_around_the_work_and_told(platform):
    told = ("--set", "what=A larger disk", "--set", "select=database", "--set", "lasts=1h")
    # What the run begins by a command of its own is begun by the machine's clock; this is after that.
    now = (datetime.now(UTC) + timedelta(minutes=5)).isoformat(timespec="seconds")
    assert platform("runbook", "run", "maintenance", *told, now=now).code == 4
    platform("runbook", "answer", "RUN-1", "planned", "yes", now=now)
    assert platform("runbook", "resume", "RUN-1", now=now).code == 4
    # What is in maintenance is not made.
    assert platform.states("database", "web/home", now=now)[1] == {"web/home": "up"}
    platform("runbook", "answer", "RUN-1", "work", "yes", now=now)
    ran = platform("runbook", "resume", "RUN-1", now=now)
    assert ran.code == 0, ran.out + ran.err
    assert platform.states("database", now=now) == (0, {"database/rest": "up"})
    host = platform.vendors["site"].host
    assert platform.said() == [
        f"Maintenance of {host} begins: A larger disk. It takes 1h at most.",
        f"Maintenance of {host} is over: A larger disk",
    ]


@pytest.mark.parametrize(("cause", "items"), [("noise", 1), ("deployment", 0)])
def test_errors_in_the_logs_are_traced_and_noise_is_remembered(platform, cause, items):
    assert platform("runbook", "run", "log-errors").code == 4
    platform("runbook", "answer", "RUN-1", "cause", cause)
    assert platform("runbook", "resume", "RUN-1").code == 0
    assert len(json.loads(platform("backlog", "list", "-o", "json").out)["items"]) == items


def test_both_channels_are_tried_and_a_person_says_that_the_messages_were_seen(platform):
    assert platform("runbook", "drill", "test-channels").code == 4
    host = platform.vendors["site"].host
    assert platform.said() == [f"A test of the channel for operations of {host}. Nothing is wrong.", "a card"]
    assert platform("runbook", "answer", "RUN-1", "seen", "yes").code == 0
    assert platform("runbook", "resume", "RUN-1").code == 0
