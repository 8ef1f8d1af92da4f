import json

import pytest

ALICE = {"OPSCTL_ACTOR": "alice"}


@pytest.fixture
def shop(opsctl):
    """A service whose check looks for a file, and whose remedy makes it, or does not."""

    def with_remedy(does, remedy="{runbook: mend, attempts: 2, cooldown: 10m}"):
        opsctl.write("opsctl.yaml", f"""
            version: 1
            name: Shop
            services:
              api:
                incidents: {{open_after: 1}}
                checks:
                  ready: {{file: run/ready, remedy: {remedy}}}
        """)  # fmt: skip
        opsctl.write("runbooks/mend.yaml", f"""
            runbooks:
              mend:
                title: Mend
                steps:
                  - {{id: look, run: [sh, -c, 'echo looked >>log'], effect: read}}
                  - {{id: do, run: [sh, -c, '{does}']}}
        """)  # fmt: skip
        return lambda minute, *more: opsctl("check", *more, now=f"2026-11-20T12:{minute:02}:00Z", env=ALICE)

    return with_remedy


MAKES = "mkdir -p run; touch run/ready; echo mended >>log"


def log(opsctl):
    path = opsctl.path / "log"
    return path.read_text().split() if path.exists() else []


def test_a_remedy_mends_and_the_outage_counts_all_the_same(shop, opsctl):
    check = shop(MAKES)
    ran = check(0)
    assert ran.code == 1
    assert ran.err == "remedy of api/ready: mend is done; api/ready is up afterwards (RUN-1)\n"
    assert log(opsctl) == ["looked", "mended"]
    assert check(1).code == 0
    timeline = opsctl("incident", "timeline", "1", env=ALICE).out
    assert "runbook mend was begun (RUN-1)" in timeline
    assert "mend is done (RUN-1)" in timeline
    (run,) = json.loads(opsctl("runbook", "runs", "--all", "-o", "json", env=ALICE).out)["runs"]
    assert (run["remedy_of"], run["incident"]) == ("api/ready", "INC-1")


def test_a_remedy_that_does_not_help_is_told_by_the_check_and_is_limited(shop, opsctl):
    check = shop("echo tried >>log")
    assert "mend is done; api/ready is down afterwards" in check(0).err
    assert check(5).err == "remedy of api/ready: mend was tried just now; again in 5m\n"
    assert "(RUN-2)" in check(11).err
    assert check(30).err == "remedy of api/ready: mend was tried 2 times in 1d; a person has to look\n"
    assert log(opsctl).count("tried") == 2


def test_a_remedy_leaves_alone_what_a_person_is_on(shop, opsctl):
    check = shop("echo tried >>log", "{runbook: mend, attempts: 5, cooldown: 0s}")
    check(0)
    opsctl("incident", "ack", "1", now="2026-11-20T12:01:00Z", env=ALICE)
    assert check(2).err == "remedy of api/ready: somebody is on it (INC-1), so its remedy was left alone\n"


def test_only_the_steps_that_are_named_are_done(shop, opsctl):
    check = shop(MAKES, "{runbook: mend, steps: [look]}")
    assert "api/ready is down afterwards" in check(0).err
    assert log(opsctl) == ["looked"]


def test_nothing_is_mended_where_nothing_is_recorded(shop, opsctl):
    check = shop(MAKES)
    ran = check(0, "--no-record")
    assert (ran.code, ran.err, log(opsctl)) == (1, "", [])


def test_a_remedy_that_is_not_there_is_told(shop, opsctl):
    check = shop(MAKES, "{runbook: other}")
    assert check(0).err == "remedy of api/ready: no runbook is called `other`\n"


def test_nothing_is_mended_during_maintenance(shop, opsctl):
    check = shop(MAKES)
    begun = opsctl(
        "maintenance", "start", "api", "--for", "30m", "--reason", "x", now="2026-11-20T12:00:00Z", env=ALICE
    )
    assert begun.code == 0
    assert check(10).code == 3
    assert log(opsctl) == []
    check(30)
    assert log(opsctl) == ["looked", "mended"]
