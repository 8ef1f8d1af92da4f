"""`opsctl practice`: every claim with its proof, and what makes it old, stale or none."""

from __future__ import annotations

import json
import re

from commands.practice.shop import FRIDAY, README, WORKSPACE, prove, states


def proof(shop, name, now=FRIDAY):
    return shop("practice", name, now=now).out.splitlines()[0].split("\t")


def test_before_anything_was_shown_nothing_is_proven(shop):
    ran = shop("practice")
    assert ran == (
        1,
        (
            "never\tcheck\tapi/ready\tplatform\t–\tnever checked\n"
            "never\titem\tgo/there\treleases\t–\tnever decided\n"
            "never\titem\tgo/told\tdesk\t–\tnever decided\n"
            "never\trunbook\trestart\tplatform\t–\tnever run to its end\n"
            "never\troutine\tmorning\tdesk\t–\tnever run\n"
            "never\tdocument\tREADME.md\tdocs\t–\tnever reviewed\n"
            "0%, 0 of 6 claims proven; 6 never\n"
        ),
        "",
    )


def test_everything_that_was_shown_is_proven_with_its_record(shop):
    prove(shop)
    ran = shop("practice", now="2026-11-20T13:00:00Z")
    assert ran == (
        0,
        (
            "proven\tcheck\tapi/ready\tplatform\t1h\tup (result 1)\n"
            "proven\titem\tgo/there\treleases\t1h\trun/there: 1 file (GATE-1)\n"
            "proven\titem\tgo/told\tdesk\t1h\tsigned by alice (GATE-1)\n"
            "proven\trunbook\trestart\tplatform\t1h\tdrilled by alice (RUN-1)\n"
            "proven\troutine\tmorning\tdesk\t1h\tdone (RTN-1)\n"
            "proven\tdocument\tREADME.md\tdocs\t1h\treviewed by alice (DOC-1)\n"
            "100%, 6 of 6 claims proven\n"
        ),
        "",
    )
    assert shop("practice", "--quiet") == (0, "", "")


def test_proof_grows_old(shop):
    prove(shop)
    found = [
        states(shop, now=now)
        for now in ("2026-11-21T09:00:00Z", "2026-11-21T12:00:01Z", "2027-03-01T00:00:00Z")
    ]
    assert [name for name, state in found[0].items() if state != "proven"] == []
    assert {name: state for name, state in found[1].items() if state != "proven"} == {
        "api/ready": "stale", "go/told": "stale", "morning": "stale",
    }  # fmt: skip
    assert set(found[2].values()) == {"stale"}
    assert proof(shop, "restart", "2026-12-21T12:00:00Z")[4:] == [
        "31d", "too old; drilled by alice (RUN-1), OVERDUE since 2026-12-20",
    ]  # fmt: skip
    assert proof(shop, "morning", "2026-11-21T10:00:01Z")[4:] == [
        "22h", "overdue; done (RTN-1), OVERDUE since 2026-11-21",
    ]  # fmt: skip


def test_a_check_is_proven_for_three_runs_and_at_least_a_day(shop):
    shop.write("opsctl.yaml", WORKSPACE.replace("every: 5m", "every: 2d"))
    shop("check")
    assert states(shop, "api", now="2026-11-26T12:00:00Z")["api/ready"] == "proven"
    assert states(shop, "api", now="2026-11-26T12:00:01Z")["api/ready"] == "stale"


def test_maintenance_excuses_a_check_that_is_not_proven(shop):
    began = "2026-11-20T11:00:00Z"
    ran = shop("maintenance", "start", "api", "--for", "2d", "--reason", "moving", now=began)
    assert ran.code == 0
    assert proof(shop, "api/ready")[0:6:5] == ["excused", "in maintenance: moving (MNT-1), until 2026-11-22"]
    assert states(shop, "api", at="2026-11-20T10:59:00Z")["api/ready"] == "never"
    assert states(shop, "api", now="2026-11-22T11:00:00Z")["api/ready"] == "never"


def test_proof_of_an_older_text_is_stale(shop):
    prove(shop)
    text = WORKSPACE.replace("It is there", "It is really there").replace("id: look", "id: see")
    shop.write("opsctl.yaml", text).write("README.md", README + "More.\n")
    found = states(shop)
    assert {name for name, state in found.items() if state == "stale"} == {"go/there", "restart", "README.md"}
    assert proof(shop, "go/there")[5] == "its text was changed since; run/there: 1 file (GATE-1)"
    assert proof(shop, "restart")[5] == "it was changed since; drilled by alice (RUN-1)"
    assert proof(shop, "README.md")[5] == "its text was changed since; reviewed by alice (DOC-1)"
    # The word of people is of a text too.
    shop.write("opsctl.yaml", WORKSPACE.replace("All were told", "All heard it"))
    assert states(shop)["go/told"] == "stale"


def test_what_the_newest_proof_denies_has_failed(shop):
    prove(shop)
    (shop.path / "run" / "ready").unlink()
    (shop.path / "run" / "there").unlink()
    now = "2026-11-21T12:00:00Z"
    assert shop("check", now=now).code == 1
    assert shop("gate", "go", "--subject", "v1", now=now).code == 1
    assert shop("runbook", "drill", "restart", now=now).code == 1
    assert shop("routine", "run", "--due", now=now).code == 1
    ran = shop("practice", now=now)
    assert ran.code == 1
    assert [row.split("\t")[0:3:2] for row in ran.out.splitlines()[:-1]] == [
        ["proven", "README.md"],
        ["stale", "go/told"],
        ["failed", "api/ready"],
        ["failed", "go/there"],
        ["failed", "restart"],
        ["failed", "morning"],
    ]
    assert proof(shop, "go/there", now)[5] == "fail: run/there does not exist (GATE-2)"
    assert re.fullmatch(r"down: .*/run/ready does not exist \(result 2\)", proof(shop, "api/ready", now)[5])
    assert proof(shop, "morning", now)[5] == "run failed: exit code 1 (RTN-2)"


def test_a_word_that_was_taken_back_proves_nothing(shop):
    prove(shop)
    assert shop("checklist", "revoke", "SGN-1", "--reason", "too early").code == 0
    assert proof(shop, "go/told")[0:6:5] == ["stale", "a sign-off was taken back; signed by alice (GATE-1)"]


def test_people_prove_an_item_without_a_gate(shop):
    assert shop("checklist", "sign", "go", "told", "--subject", "v1").code == 0
    assert proof(shop, "go/told") == ["proven", "item", "go/told", "desk", "0s", "signed by alice (SGN-1)"]
    assert states(shop, now="2026-11-21T12:00:01Z")["go/told"] == "stale"
    # A gate that waits for a word for another subject says nothing against it.
    assert shop("gate", "go", "--subject", "v2", now="2026-11-20T13:00:00Z").code in {1, 4}
    assert states(shop, now="2026-11-20T13:00:00Z")["go/told"] == "proven"


def test_two_people_are_asked_for_and_the_author_is_none(shop):
    two = WORKSPACE.replace("sign: release-manager", "sign: {role: release-manager, count: 2}")
    shop.write("opsctl.yaml", two)
    shop("checklist", "sign", "go", "told", "--subject", "v1")
    shop("checklist", "sign", "go", "told", "--subject", "v2", env={"OPSCTL_ACTOR": "bob"})
    assert states(shop)["go/told"] == "never"
    shop(
        "checklist",
        "sign",
        "go",
        "told",
        "--subject",
        "v1",
        env={"OPSCTL_ACTOR": "bob"},
        now="2026-11-20T13:00:00Z",
    )
    assert proof(shop, "go/told", "2026-11-20T14:00:00Z")[4:] == ["2h", "signed by bob and alice (SGN-3)"]
    shop.write(
        "opsctl.yaml",
        WORKSPACE.replace("sign: release-manager", "sign: {role: release-manager, not_author: true}"),
    )
    shop("checklist", "sign", "go", "told", "--subject", "v1")
    assert states(shop)["go/told"] == "never"


def test_an_excuse_is_never_a_proof(shop):
    prove(shop)
    (shop.path / "run" / "there").unlink()
    said = ("--reason", "moving", "--owner", "carol")
    assert shop("checklist", "waive", "go", "there", *said, "--expires", "7d").code == 0
    assert shop("gate", "go", "--subject", "v1").code == 0
    ran = shop("practice", "go/there", "WVR-1", "go/told")
    assert ran == (
        1,
        (
            "proven\titem\tgo/told\tdesk\t0s\tsigned by alice (GATE-2)\n"
            "excused\titem\tgo/there\treleases\t0s\twaived for carol: moving (WVR-1), until 2026-11-27\n"
            "excused\twaiver\tWVR-1\tcarol\t0s\tgo/there: moving (WVR-1), until 2026-11-27\n"
            "33.3%, 1 of 3 claims proven; 2 excused\n"
        ),
        "",
    )
    ran = shop("practice", "go/there", "WVR-1", now="2026-11-27T12:00:00Z")
    assert ran.out == (
        "stale\twaiver\tWVR-1\tcarol\t7d\texpired; go/there: moving (WVR-1), OVERDUE since 2026-11-27\n"
        "failed\titem\tgo/there\treleases\t7d\tits waiver counts no more (GATE-2)\n"
        "0%, 0 of 2 claims proven; 1 stale, 1 failed\n"
    )
    assert shop("checklist", "waive", "go", "there", "--end", "WVR-1", "--reason", "done").code == 0
    assert shop("practice", "kind:waiver").code == 3
    assert proof(shop, "go/there")[0:6:5] == ["failed", "its waiver counts no more (GATE-2)"]


def test_what_applies_nowhere_is_excused_and_what_applied_once_is_judged_by_that(shop):
    shop.write(
        "opsctl.yaml", WORKSPACE.replace("file: run/there}", "file: run/there, when: {environment: prod}}")
    )
    shop("gate", "go", "--subject", "v1", "--env", "test")
    assert proof(shop, "go/there")[0:6:5] == ["excused", "n/a: only in prod (GATE-1)"]
    shop("gate", "go", "--subject", "v1", "--env", "prod")
    shop("gate", "go", "--subject", "v1", "--env", "test")
    assert proof(shop, "go/there")[0:6:5] == ["proven", "run/there: 1 file (GATE-2)"]


def test_a_decision_that_could_not_tell_makes_an_older_one_stale(shop):
    tool = WORKSPACE.replace(
        "there: {text: It is there, file: run/there}", "there: {text: It is there, run: [./tool]}"
    )
    shop.write("opsctl.yaml", tool).write("tool", "#!/bin/sh\n")
    (shop.path / "tool").chmod(0o755)
    shop("gate", "go", "--subject", "v1")
    assert states(shop)["go/there"] == "proven"
    (shop.path / "tool").unlink()
    shop("gate", "go", "--subject", "v1")
    assert proof(shop, "go/there")[0:6:5] == [
        "stale",
        "a newer decision could not tell; ./tool exited 0 (GATE-1)",
    ]


def test_a_review_that_is_owed_is_a_claim_until_it_is_written(shop):
    shop("check")
    shop("incident", "open", "Down", "--severity", "sev1", "-s", "api")
    assert shop("incident", "resolve", "1", "mended", "--force", "--reason", "a test").code == 0
    ran = shop("practice", "kind:review")
    assert ran == (
        1,
        "never\treview\tPIR-1\t–\t–\tnot begun (INC-1), due 2026-11-22\n0%, 0 of 1 claim proven; 1 never\n",
        "",
    )
    shop("review", "start", "1")
    assert proof(shop, "PIR-1", "2026-11-23T12:00:00Z")[3:] == [
        "alice",
        "3d",
        "draft (INC-1), OVERDUE since 2026-11-22",
    ]
    assert states(shop, "api")["PIR-1"] == "never"
    shop("review", "waive", "1", "--reason", "a test")
    assert shop("practice", "kind:review").code == 3


def test_a_routine_is_judged_by_its_newest_time(shop):
    prove(shop)
    assert shop("routine", "skip", "morning", "--reason", "moving", now="2026-11-21T08:00:00Z").code == 0
    assert proof(shop, "morning", "2026-11-21T12:00:00Z")[0:6:5] == ["excused", "skipped: moving (RTN-2)"]
    assert states(shop, "morning", now="2026-11-22T10:00:01Z")["morning"] == "stale"
    text = WORKSPACE.replace('{run: ["test", "-e", run/there]}', "{sign: anyone, text: Look}")
    shop.write("opsctl.yaml", text)
    assert shop("routine", "run", "--due", now="2026-11-22T09:10:00Z").code == 0
    assert states(shop, "morning", now="2026-11-22T09:59:00Z")["morning"] == "excused"
    assert states(shop, "morning", now="2026-11-22T10:00:01Z")["morning"] == "stale"


def test_a_time_that_is_left_out_ahead_hides_none_that_has_come(shop):
    prove(shop)
    assert shop("routine", "skip", "morning", "--reason", "moving").code == 0
    assert states(shop, "morning", now="2026-11-20T14:00:00Z")["morning"] == "proven"
    assert states(shop, "morning", now="2026-11-21T09:00:00Z")["morning"] == "excused"


def test_times_of_a_new_schedule_count_from_when_it_was_first_seen(shop):
    prove(shop)
    shop.write("opsctl.yaml", WORKSPACE.replace("daily at 09:00", "daily at 11:00"))
    shop("routine", "run", "--due", now="2026-11-21T08:00:00Z")
    assert states(shop, "morning", now="2026-11-21T12:00:00Z")["morning"] == "proven"
    assert states(shop, "morning", now="2026-11-21T12:00:01Z")["morning"] == "stale"


def test_a_time_that_was_missed_proves_nothing(shop):
    shop.write("opsctl.yaml", WORKSPACE.replace("daily at 09:00", "daily at 09:00\n        catch_up: none"))
    shop("routine", "run", "--due", now="2026-11-19T08:00:00Z")
    assert shop("routine", "run", "--due", now="2026-11-19T12:00:00Z").code == 1
    assert proof(shop, "morning", "2026-11-19T13:00:00Z")[0:6:5] == ["never", "missed (RTN-1)"]
    assert shop("routine", "run", "--due", now="2026-11-20T09:10:00Z").code == 0
    assert states(shop, "morning")["morning"] == "proven"
    assert shop("routine", "run", "--due", now="2026-11-21T12:00:00Z").code == 1
    assert proof(shop, "morning", "2026-11-21T13:00:00Z")[0:6:5] == ["stale", "overdue; done (RTN-2)"]


def test_services_of_a_runbook_are_those_that_name_it(shop):
    found = json.loads(shop("practice", "kind:runbook", "-o", "json").out)["claims"]
    assert [(one["name"], one["services"]) for one in found] == [("restart", ["api"])]


def test_a_remedy_of_some_steps_shows_nothing_of_the_others(shop):
    text = WORKSPACE.replace("every: 5m}", "every: 5m, remedy: {runbook: restart, steps: [look]}}")
    shop.write("opsctl.yaml", text)
    (shop.path / "run" / "ready").unlink()
    shop("check")
    assert json.loads(shop("runbook", "runs", "--all", "-o", "json").out)["runs"][0]["state"] == "done"
    assert states(shop)["restart"] == "never"
