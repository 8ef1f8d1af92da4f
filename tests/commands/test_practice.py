"""`opsctl practice`: every claim with its proof, and the score of it all."""

import json
import re

import pytest

WORKSPACE = """
    version: 1
    name: Shop
    docs: README.md
    roles: {release-manager: [alice, bob]}
    services:
      api:
        owner: platform
        tier: critical
        tags: [prod]
        runbook: restart
        checks:
          ready: {file: run/ready, every: 5m}
    checklists:
      go:
        title: Go
        owner: releases
        items:
          there: {text: It is there, file: run/there}
          told: {text: All were told, sign: release-manager, valid_for: 24h, owner: desk}
          tried: {text: Tried out, file: no.such, shadow: true}
    runbooks:
      restart:
        title: Restart
        owner: platform
        drill_every: 30d
        steps: [{id: look, run: ["test", "-e", run/there]}]
    routines:
      morning:
        title: Morning
        owner: desk
        tags: [daily]
        schedule: daily at 09:00
        steps: [{run: ["test", "-e", run/there]}]
"""
README = "---\nowner: docs\nreview_every: 90d\n---\n# Shop\n"
ALICE = {"OPSCTL_ACTOR": "alice"}
FRIDAY, SATURDAY = "2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z"


@pytest.fixture
def shop(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE).write("README.md", README)
    opsctl.write("run/ready", "").write("run/there", "yes")

    def run(*arguments, now=FRIDAY, env=ALICE):
        return opsctl(*arguments, now=now, env=env)

    run.write, run.path = opsctl.write, opsctl.path
    return run


def prove(shop, now=FRIDAY):
    """Show everything that the workspace claims."""
    assert shop("check", now=now).code == 0
    assert shop("runbook", "drill", "restart", now=now).code == 0
    assert shop("checklist", "sign", "go", "told", "--subject", "v1", now=now).code == 0
    assert shop("gate", "go", "--subject", "v1", now=now).code == 0
    assert shop("routine", "run", "--due", now="2026-11-20T08:00:00Z").code in {0, 3}
    assert shop("routine", "run", "--due", now=now).code == 0
    assert shop("docs", "review", "README.md", now=now).code == 0


def states(shop, *selectors, now=FRIDAY, at=None):
    more = ["--at", at] if at else []
    ran = shop("practice", *selectors, *more, "-o", "json", now=now)
    return {one["name"]: one["state"] for one in json.loads(ran.out)["claims"]}


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


def test_the_score_of_emptiness_is_unknown(opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: Empty\n")
    assert opsctl("practice") == (3, "score unknown: nothing is claimed\n", "")
    assert opsctl("practice", "--min", "0%", "--quiet").code == 3
    found = json.loads(opsctl("practice", "-o", "json").out)
    assert (found["score"], found["exit_code"], found["claims"]) == (
        {"share": None, "proven": 0, "total": 0, "states": dict.fromkeys(("proven", "excused", "stale", "never", "failed"), 0)},
        3,
        [],
    )  # fmt: skip


def test_a_selector_that_means_nothing_leaves_the_score_unknown(shop):
    prove(shop)
    ran = shop("practice", "api", "tag:prd", "restrat")
    assert (ran.code, ran.out.splitlines()[-3:]) == (
        3,
        [
            "nothing is meant by `tag:prd`; did you mean `tag:prod`?",
            "nothing is meant by `restrat`; did you mean `restart`?",
            "score unknown: 100%, 2 of 2 claims proven",
        ],
    )
    assert json.loads(shop("practice", "api", "nothing", "-o", "json").out)["unmatched"] == ["nothing"]


def test_scores_by_owner_tag_service_and_kind(shop):
    shop("check")
    shop("docs", "review", "README.md")
    assert shop("practice", "--by", "owner").out == (
        "docs\t100%\t1 of 1\n"
        "platform\t50%\t1 of 2: 1 never\n"
        "desk\t0%\t0 of 2: 2 never\n"
        "releases\t0%\t0 of 1: 1 never\n"
        "33.3%, 2 of 6 claims proven; 4 never\n"
    )
    assert shop("practice", "--by", "tag").out.splitlines()[:3] == [
        "prod\t100%\t1 of 1", "–\t25%\t1 of 4: 3 never", "daily\t0%\t0 of 1: 1 never",
    ]  # fmt: skip
    assert shop("practice", "--by", "service").out.splitlines()[:2] == [
        "api\t50%\t1 of 2: 1 never",
        "–\t25%\t1 of 4: 3 never",
    ]
    assert shop("practice", "--by", "kind", "api").out == (
        "check\t100%\t1 of 1\nrunbook\t0%\t0 of 1: 1 never\n50%, 1 of 2 claims proven; 1 never\n"
    )


@pytest.mark.parametrize(("least", "code"), [("33%", 0), ("33.3%", 0), ("33.34%", 1), ("0%", 0), ("100%", 1)])
def test_enough_is_said_by_min(shop, least, code):
    shop("check")
    shop("docs", "review", "README.md")
    assert shop("practice", "--min", least).code == code
    # What is not shown counts all the same.
    assert shop("practice", "--min", least, "--only", "proven").code == code


def test_what_is_not_all_is_never_100_percent(shop):
    items = "".join(f"          i{number}: {{text: X, file: run/there}}\n" for number in range(2001))
    text = WORKSPACE.replace("          tried:", f"{items}          tried:")
    shop.write("opsctl.yaml", text)
    prove(shop)
    assert shop("practice", "go").out.splitlines()[-1] == "100%, 2003 of 2003 claims proven"
    ran = shop("practice", "go", "--quiet", now="2026-11-21T12:00:01Z")
    assert (ran.code, ran.out.splitlines()[-1]) == (1, "99.9%, 2002 of 2003 claims proven; 1 stale")


def test_only_shows_some_states_and_scores_all(shop):
    shop("check")
    ran = shop("practice", "api", "--only", "stale, never")
    assert ran == (
        1,
        "never\trunbook\trestart\tplatform\t–\tnever run to its end\n50%, 1 of 2 claims proven; 1 never\n",
        "",
    )


def test_the_past_is_told_by_the_records_of_then(shop):
    shop("check", now="2026-11-01T12:00:00Z")
    shop("docs", "review", "README.md", now="2026-11-01T12:00:00Z")
    (shop.path / "run" / "ready").unlink()
    shop("check", now="2026-11-08T12:00:00Z")
    shop.write("run/ready", "")
    prove(shop)
    assert set(states(shop, at="2026-10-31").values()) == {"never"}
    then = states(shop, at="2026-11-01T12:00:00Z")
    assert (then["api/ready"], then["README.md"], then["go/there"]) == ("proven", "proven", "never")
    assert states(shop, at="2026-11-03T12:00:00Z")["api/ready"] == "stale"
    assert states(shop, at="2026-11-08T13:00:00Z")["api/ready"] == "failed"
    assert states(shop, at=FRIDAY) == states(shop)
    # How its text was then no record tells; what was undone never counted.
    shop.write("README.md", README + "More.\n")
    assert states(shop)["README.md"] == "stale"
    assert states(shop, at="2026-11-02T12:00:00Z")["README.md"] == "proven"
    assert [shop("undo", number, "--yes").code for number in ("10", "1")] == [0, 0]
    assert states(shop, at="2026-11-02T12:00:00Z")["README.md"] == "never"
    text = WORKSPACE.replace("It is there", "It is really there").replace("id: look", "id: see")
    shop.write("opsctl.yaml", text)
    now, past = states(shop, now=SATURDAY), states(shop, now=SATURDAY, at="2026-11-20T13:00:00Z")
    assert [(now[name], past[name]) for name in ("go/there", "restart")] == [("stale", "proven")] * 2
    # And what is to come is told by those of now.
    assert states(shop, at="in 40d")["restart"] == "stale"


def test_the_trend_is_the_score_of_each_week(shop):
    shop("docs", "review", "README.md", now="2026-11-10T12:00:00Z")
    prove(shop)
    ran = shop("practice", "--trend", "3w", "--by", "kind", "kind:document", "kind:check")
    assert ran.out == (
        "check\t100%\t1 of 1\n"
        "document\t100%\t1 of 1\n"
        "2026-11-06\t0%\t0 of 2: 2 never\n"
        "2026-11-13\t50%\t1 of 2: 1 never\n"
        "2026-11-20\t100%\t2 of 2\n"
        "100%, 2 of 2 claims proven\n"
    )
    found = json.loads(shop("practice", "--trend", "12w", "-o", "json").out)
    assert [(one["at"][:10], one["share"]) for one in found["trend"]][-2:] == [
        ("2026-11-13", 1 / 6), ("2026-11-20", 1.0),
    ]  # fmt: skip
    assert len(found["trend"]) == 12
    for week in found["trend"]:
        ran = shop("practice", "--at", week["at"], "-o", "json")
        assert json.loads(ran.out)["score"] == {
            name: week[name] for name in ("share", "proven", "total", "states")
        }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--by", "team"), "--by `team` is not one of `service`, `owner`, `tag` or `kind`"),
        (("--only", "prooven"), "--only `prooven` is not one of `proven`, `excused`, `stale`, `never` or `failed`; did you mean `proven`?"),
        (("--trend", "10d"), "--trend `10d` is no number of weeks from 1 to 260; write it as 12w"),
        (("--trend", "12"), "--trend `12`: `12` has no unit; write a duration as `10s`"),
        (("--min", "80"), "--min `80`: `80` has no unit; write a percent as `90%`"),
        (("--min", "101%"), "--min `101%` is not from 0% to 100%"),
        (("-o", "csv"), "`--output csv` is not one of `text`, `markdown`, `html` or `json`"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(shop, arguments, words):
    ran = shop("practice", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_json_says_all_that_is_known_of_a_claim(shop):
    shop("check")
    found = json.loads(shop("practice", "api/ready", "-o", "json", now="2026-11-20T13:00:00Z").out)
    assert found == {
        "format_version": "1.0",
        "workspace": "Shop",
        "at": "2026-11-20T13:00:00.000Z",
        "score": {
            "share": 1.0,
            "proven": 1,
            "total": 1,
            "states": {"proven": 1, "excused": 0, "stale": 0, "never": 0, "failed": 0},
        },
        "least": 1.0,
        "exit_code": 0,
        "unmatched": [],
        "by": None,
        "groups": [],
        "trend": [],
        "claims": [
            {
                "kind": "check",
                "name": "api/ready",
                "state": "proven",
                "owner": "platform",
                "services": ["api"],
                "tags": ["prod"],
                "tier": "critical",
                "proof": "up",
                "record": "result 1",
                "at": "2026-11-20T12:00:00.000Z",
                "age": 3600.0,
                "until": "2026-11-21T12:00:00.000Z",
            }
        ],
    }


def test_markdown_and_html_show_the_same(shop):
    shop("check")
    text = shop("practice", "api", "--by", "owner", "--trend", "2w", "-o", "markdown").out
    assert text == (
        "# Shop: proof of practice\n\n"
        "50%, 1 of 2 claims proven; 1 never, as of 2026-11-20 12:00 UTC\n\n"
        "## By owner\n\n"
        "| owner | score | claims | proven | excused | stale | never | failed |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| platform | 50% | 2 | 1 | 0 | 0 | 1 | 0 |\n\n"
        "## Week by week\n\n"
        "| as of | score | claims | proven | excused | stale | never | failed |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| 2026-11-13 | 0% | 2 | 0 | 0 | 0 | 2 | 0 |\n"
        "| 2026-11-20 | 50% | 2 | 1 | 0 | 0 | 1 | 0 |\n\n"
        "By the records up to each day, for what is claimed today.\n\n"
        "## Claims and their proof\n\n"
        "| state | kind | claim | owner | age | proof | record |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| never | runbook | restart | platform | – | never run to its end | – |\n"
        "| proven | check | api/ready | platform | 0s | up | result 1 |\n\n"
        "Proven is only what a record shows; what is excused is claimed all the same.\n"
    )
    assert shop("practice", "api", "-o", "html", "--trend", "2w", "--out", "practice.html") == (1, "", "")
    page = (shop.path / "practice.html").read_text()
    assert '<td class="unsure">never</td>' in page
    assert '<td class="good">proven</td>' in page
    assert '<svg class="chart"' in page


HOSTILE = "<script>x</script>\x1b[31m\u202e|`*_[a](javascript:b) @all ::error::"


def test_hostile_text_shows_as_itself_in_every_format(shop):
    said = json.dumps(HOSTILE)
    text = WORKSPACE.replace("owner: platform", f"owner: {said}").replace("owner: desk", f"owner: {said}")
    shop.write("opsctl.yaml", text.replace("\\u001b", "\\x1b"))
    shop.write("README.md", f"---\nowner: {said}\nreview_every: 90d\n---\n".replace("\\u001b", "\\x1b"))
    shop("checklist", "waive", "go", "there", "--reason", HOSTILE, "--owner", HOSTILE, "--expires", "7d")
    shop("docs", "review", "README.md", "--reviewed-by", HOSTILE)
    for output in ("text", "markdown", "html", "json"):
        for more in ((), ("--by", "owner"), (HOSTILE,)):
            ran = shop("practice", "--trend", "2w", "-o", output, *more)
            assert ran.code in {1, 3}
            assert ran.out
            assert not {"\x1b", "\u202e"} & set(ran.out)
            if output == "html":
                assert "<script" not in ran.out
                assert not re.search(r"""(?:src|href)\s*=|url\(|@import""", ran.out)
            if output == "markdown":
                assert "[a](" not in ran.out
                assert not re.search(r"(?<!\\)<script", ran.out)


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
