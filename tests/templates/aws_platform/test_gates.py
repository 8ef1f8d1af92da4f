"""The gates of the template `aws-platform`: what opens them, and what closes them."""

from __future__ import annotations

from templates.aws_platform.workspace import Shop


def test_a_new_workspace_may_not_deploy_to_production_and_is_told_why(shop):
    assert shop("check").code == 0
    assert shop.gate("pre-deploy", "--env", "production") == (
        1,
        {
            "reviewed": "pending",
            "staged": "fail",
            "rollback": "fail",
            "coordinated": "pending",
            "verified": "fail",
        },
    )


def test_the_gate_opens_once_everything_it_asks_for_was_shown(shop):
    assert shop("check").code == 0
    staging = ("--env", "staging", "--set", "target=staging")
    back = shop.go(
        "drill", "rollback", *staging, "--set", "revision=shop-api:11", answers=[("decide", "yes")]
    )
    assert back["state"] == "done"
    assert shop.world.read()["images"] == {"shop-staging": {"revision": 11, "image": "v1.4.1"}}
    shop.sign("pre-deploy", "reviewed", who="carol")
    assert shop.gate("pre-deploy", "--env", "staging")[0] == 0
    version = ("--set", "version=v1.4.2", "--set", "previous=v1.4.1")
    waiting = shop.go("run", "deploy", *staging, *version, code=1)
    assert (waiting["state"], waiting["steps"][-1]["step"]) == ("failed", "validate")
    shop.sign("post-deploy", "walked", who="alice")
    assert shop("runbook", "resume", waiting["run"]).code == 0
    assert shop.dispatched == [{"ref": "v1.4.2", "inputs": {"environment": "staging"}}]
    assert shop.go("run", "backup-verify", "--env", "production")["state"] == "done"
    shop.sign("pre-deploy", "coordinated", who="alice")
    assert shop.gate("pre-deploy", "--env", "production") == (0, {})
    waiting = shop.go("run", "deploy", "--env", "production", "--set", "target=production", *version, code=0)
    assert waiting["state"] == "done"
    assert shop.dispatched[-1] == {"ref": "v1.4.2", "inputs": {"environment": "production"}}


def opened(shop):
    """A workspace whose gate is open for production."""
    for name in ("staged", "rollback", "verified"):
        ran = shop(
            "checklist",
            "waive",
            "pre-deploy",
            name,
            "--reason",
            "tested",
            "--owner",
            "bob",
            "--expires",
            "1d",
        )
        assert ran.code == 0, ran.err
    shop.sign("pre-deploy", "reviewed", who="carol")
    shop.sign("pre-deploy", "coordinated", who="alice")
    assert shop("check").code == 0


# What each condition does to a gate that is open.
CLOSED_BY = {
    "degraded": (1, {"settings": "fail", "tests": "fail", "staging": "fail"}),
    "down": (1, {"settings": "fail", "tests": "fail", "staging": "fail", "backup": "fail", "alarms": "fail"}),
    "throttled": (3, dict.fromkeys(("settings", "tests", "backup", "alarms"), "unknown")),
    "unauthorised": (3, dict.fromkeys(("settings", "tests", "backup", "alarms"), "unknown")),
}


def test_the_gate_says_what_each_condition_means_for_a_deployment(shop):
    opened(shop)
    waived = dict.fromkeys(("staged", "rollback", "verified"), "waived")
    assert shop.gate("pre-deploy", "--env", "production") == (0, waived)
    for condition, (code, expected) in CLOSED_BY.items():
        if condition in {"degraded", "down"}:
            shop.all_are(condition)
        else:
            shop.vendors_are(condition)
        found = shop.gate("pre-deploy", "--env", "production")
        assert found == (code, waived | expected), condition


def test_a_freeze_and_an_incident_close_the_gate(shop):
    opened(shop)
    assert shop("incident", "open", "Nobody can sign in", "-s", "api", "--severity", "sev2").code == 0
    assert shop.gate("pre-deploy", "--env", "production")[1]["calm"] == "fail"
    saturday = "2026-11-21T12:00:00Z"
    assert shop.gate("pre-deploy", "--env", "production", now=saturday)[1]["unfrozen"] == "fail"
    assert shop.gate("pre-deploy", "--env", "staging", now=saturday)[1].get("unfrozen") is None


def test_a_deployment_that_makes_production_worse_is_taken_back(shop):
    opened(shop)

    def breaks(said):
        Shop.dispatch(shop, said)
        shop.conditions["site"] = "down" if said["ref"] == "v1.4.2" else "up"

    shop.dispatch = breaks
    text = (shop.path / "runbooks/delivery.yaml").read_text()
    (shop.path / "runbooks/delivery.yaml").write_text(text.replace("within: 10m", "within: 1s"))
    version = ("--set", "version=v1.4.2", "--set", "previous=v1.4.1")
    run = shop.go("run", "deploy", "--env", "production", "--set", "target=production", *version, code=1)
    assert run["state"] == "recovered"
    assert [one["ref"] for one in shop.dispatched] == ["v1.4.2", "v1.4.1"]


def test_post_deploy_asks_for_what_is_seen_and_for_a_walk(shop):
    assert shop.gate("post-deploy", "--env", "production") == (4, {"staging": "n/a", "walked": "pending"})
    shop.sign("post-deploy", "walked", who="alice")
    assert shop.gate("post-deploy", "--env", "production") == (0, {"staging": "n/a"})
    shop.all_are("down")
    found = shop.gate("post-deploy", "--env", "production")
    assert found == (1, {"healthy": "fail", "staging": "n/a", "errors": "fail", "search": "fail"})
