import json
import subprocess
from xml.etree import ElementTree as ET

import pytest
from terminal import typed

WORKSPACE = """
    version: 1
    name: Shop
    timezone: Europe/Berlin
    roles:
      release-manager: [alice, bob]
    services:
      api:
        tier: critical
        checks:
          ready: {file: opsctl.yaml}
"""
ALICE, BOB, CAROL = ({"OPSCTL_ACTOR": name} for name in ("alice", "bob", "carol"))
NOW = "2026-11-20T12:00:00Z"


@pytest.fixture
def shop(opsctl):
    """A workspace with a checklist `go`, made of the items that are given."""

    def run(*arguments, now=NOW, env=ALICE):
        return opsctl(*arguments, now=now, env=env)

    def with_items(items, more=""):
        opsctl.write("opsctl.yaml", WORKSPACE + more)
        opsctl.write("checklists/go.yaml", f"checklists:\n  go:\n    title: Go\n    items:\n{items}")
        return run

    return with_items


def items(*lines):
    return "".join(f"      {line}\n" for line in lines)


def verdicts(ran):
    return {one["id"]: one["verdict"] for one in json.loads(ran.out)["items"]}


def test_a_gate_is_open_where_everything_holds(shop):
    run = shop(items("healthy: {text: Healthy, check: all}", "there: {text: There, file: opsctl.yaml}"))
    ran = run("gate", "go", "--subject", "v1")
    assert ran.code == 0
    assert ran.out.endswith("\ngo for v1: pass; 2 items: 2 pass (GATE-1)\n")


@pytest.mark.parametrize(
    ("item", "code", "words"),
    [
        ("x: {text: X, file: no.such}", 1, "no.such does not exist"),
        ("x: {text: X, check: all}", 0, "1 check up"),
        ("x: {text: X, check: {select: all, within: 1h}}", 3, "api/ready is unknown"),
        ("x: {text: X, run: [sh, -c, 'echo no >&2; exit 3']}", 1, "exited 3: no"),
        ("x: {text: X, run: [/no/such/program]}", 3, "cannot be run"),
        ("x: {text: X, run: [sleep, '60'], timeout: 100ms}", 1, "took too long and was ended"),
        ("x: {text: X, env: NO_SUCH_VARIABLE}", 1, "not set: NO_SUCH_VARIABLE"),
        ("x: {text: X, incidents: {}}", 0, "none is worse than sev3"),
        ("x: {text: X, reviews: {}}", 0, "none is overdue"),
        ("x: {text: X, backlog: critical}", 0, "none open of critical or more"),
        ("x: {text: X, git: {clean: true}}", 3, "git does not know"),
        ("x: {text: X, freeze: {}}", 0, "no freeze is on"),
        ("x: {text: X, metric: {name: availability, service: api, at_least: 99%}}", 3, "no data"),
        ("x: {text: X, sign: anyone}", 4, "1 signature of anyone missing"),
        (
            "x: {text: X, expect: {of: z, that: ['exit_code == 0']}}",
            3,
            "there is no item `z` before this one",
        ),
        ("x: {text: X, file: no.such, warn: true}", 0, "no.such does not exist"),
    ],
)
def test_each_kind_of_item_comes_to_its_verdict_and_exit_code(shop, item, code, words):
    ran = shop(items(item))("gate", "go", "--subject", "v1", "--no-record")
    assert ran.code == code, ran
    assert words in ran.out


def test_nothing_that_was_not_shown_is_green(shop):
    for item, words in (
        (
            "x: {text: X, file: opsctl.yaml, required: false}",
            "no required item applies, so nothing was shown",
        ),
        ("x: {text: X, file: opsctl.yaml, shadow: true}", "no required item applies, so nothing was shown"),
        ("x: {text: X, file: opsctl.yaml, when: {environment: prod}}", "no required item applies"),
    ):
        ran = shop(items(item))("gate", "go", "--subject", "v1", "--env", "test")
        assert ran.code == 1
        assert words in ran.out
    run = shop(items("x: {text: X, file: opsctl.yaml}"))
    assert run("gate", "nope", "--subject", "v1").code == 2
    assert (
        run("gate", "go").err
        == "opsctl: what it is about is missing; add --subject with a commit or a version\n"
    )
    assert run("gate", "go", "--subject", " ").code == 2


def test_a_shadow_item_is_shown_and_never_counts(shop):
    ran = shop(items("x: {text: X, file: opsctl.yaml}", "z: {text: Z, file: no.such, shadow: true}"))(
        "gate", "go", "--subject", "v1"
    )
    assert ran.code == 0
    assert "fail\tz\tno.such does not exist (shadow: never counts)" in ran.out


def test_expectations_judge_what_an_item_before_found(shop):
    run = shop(items(
        "tests: {text: Tests, run: [sh, -c, 'echo \\'{\"passed\": 12}\\'']}".replace("\\'", "''"),
        "many: {text: Many, expect: {of: tests, that: [json.passed > 10, exit_code == 0]}}",
        "more: {text: More, expect: {of: tests, that: [json.passed > 12]}}",
        "gone: {text: Gone, expect: {of: tests, that: [json.failed == 0]}}",
    ))  # fmt: skip
    found = verdicts(run("gate", "go", "--subject", "v1", "-o", "json"))
    assert found == {"tests": "pass", "many": "pass", "more": "fail", "gone": "unknown"}


@pytest.mark.parametrize("printed", ['{"failed": 9, "failed": 0}', "[" * 60_000, "", "no", '{"failed": NaN}', '{"failed": 1e999}'])  # fmt: skip
def test_what_is_no_clear_json_meets_no_expectation(shop, opsctl, printed):
    opsctl.write("printed.json", printed)
    run = shop(items(
        "tests: {text: Tests, run: [cat, printed.json]}",
        "none: {text: None, expect: {of: tests, that: [json.failed == 0]}}",
        "some: {text: Some, expect: {of: tests, that: [json.failed != 1]}}",
    ))  # fmt: skip
    found = verdicts(run("gate", "go", "--subject", "v1", "-o", "json"))
    assert found == {"tests": "pass", "none": "unknown", "some": "unknown"}


def test_a_word_counts_for_its_subject_its_text_and_its_time(shop, opsctl):
    run = shop(items("told: {text: Told, sign: release-manager, valid_for: 24h}"))
    assert run("gate", "go", "--subject", "v1").code == 4
    assert run("checklist", "sign", "go", "told", "--subject", "v1", env=CAROL).err == (
        "opsctl: carol is not release-manager; who is: alice, bob\n"
    )
    signed = run("checklist", "sign", "go", "told", "--subject", "v1", "--evidence", "mail at 14:00")
    assert signed.out == "go/told is signed by alice for v1 (SGN-1)\n"
    assert run("gate", "go", "--subject", "v1").code == 0
    assert "alice: for v1" in run("gate", "go", "--subject", "v2").out
    assert run("gate", "go", "--subject", "v1", now="2026-11-21T11:59:59Z").code == 0
    assert "alice: it has expired" in run("gate", "go", "--subject", "v1", now="2026-11-21T12:00:00Z").out
    opsctl.write("checklists/go.yaml", "checklists:\n  go:\n    title: Go\n    items:\n"
                 "      told: {text: Told all, sign: release-manager, valid_for: 24h}\n")  # fmt: skip
    changed = run("gate", "go", "--subject", "v1")
    assert changed.code == 4
    assert "alice: the item was changed since" in changed.out


def test_a_word_that_was_taken_back_counts_no_more(shop):
    run = shop(items("told: {text: Told, sign: anyone}"))
    run("checklist", "sign", "go", "told", "--subject", "v1")
    assert run("checklist", "revoke", "1", "--reason", "too early").out == (
        "go/told is taken back by alice for v1 (SGN-1)\n"
    )
    assert "alice: it was taken back" in run("gate", "go", "--subject", "v1").out


def test_two_of_them_have_to_sign_and_one_cannot_sign_twice(shop):
    run = shop(items("told: {text: Told, sign: {role: release-manager, count: 2}}"))
    run("checklist", "sign", "go", "told", "--subject", "v1")
    run("checklist", "sign", "go", "told", "--subject", "v1")
    assert "1 signature of release-manager missing" in run("gate", "go", "--subject", "v1").out
    run("checklist", "sign", "go", "told", "--subject", "v1", env=BOB)
    assert "signed by alice and bob" in run("gate", "go", "--subject", "v1").out


def test_what_opsctl_checks_nobody_signs(shop):
    run = shop(items("there: {text: There, file: opsctl.yaml}"))
    assert run("checklist", "sign", "go", "there", "--subject", "v1").code == 2


def test_an_item_that_does_not_apply_needs_a_reason(shop):
    run = shop(items("x: {text: X, file: no.such}", "z: {text: Z, file: opsctl.yaml}"))
    assert run("checklist", "na", "go", "x", "--subject", "v1").code == 2
    assert run("checklist", "na", "go", "x", "no", "such", "thing", "--subject", "v1").out == (
        "go/x is n/a by alice for v1 (SGN-1)\n"
    )
    assert verdicts(run("gate", "go", "--subject", "v1", "-o", "json"))["x"] == "n/a"
    assert verdicts(run("gate", "go", "--subject", "v2", "-o", "json"))["x"] == "fail"


def test_a_waiver_counts_until_it_expires_and_is_red_at_once_then(shop):
    run = shop(items("x: {text: X, file: no.such}"))
    for missing in (["--reason", "r", "--owner", "o"], ["--reason", "r", "--expires", "1d"],
                    ["--owner", "o", "--expires", "1d"], ["--reason", "r", "--owner", "o", "--expires", "2y"]):  # fmt: skip
        assert run("checklist", "waive", "go", "x", *missing).code == 2
    waived = run("checklist", "waive", "go", "x", "--reason", "hotfix", "--owner", "bob", "--expires", "24h")
    assert waived.out == "go/x is waived until 2026-11-21 13:00 CET for bob (WVR-1, OPS-1)\n"
    ran = run("gate", "go", "--subject", "v1")
    assert ran.code == 0
    assert "1 item: 1 waived" in ran.out
    late = run("gate", "go", "--subject", "v1", now="2026-11-21T12:00:00Z")
    assert late.code == 1
    assert "WVR-1 of bob has expired; no.such does not exist" in late.out
    assert run("backlog", "list", "--overdue", now="2026-11-21T12:00:01Z").out.startswith("OPS-1\t")
    assert run("gate", "go", "--subject", "v1", "--at", "2026-11-22").code == 1


def test_a_waiver_may_be_for_one_subject_and_may_be_ended(shop):
    run = shop(items("x: {text: X, file: no.such}"))
    run(
        "checklist",
        "waive",
        "go",
        "x",
        "--reason",
        "r",
        "--owner",
        "bob",
        "--expires",
        "1d",
        "--subject",
        "v1",
    )
    assert run("gate", "go", "--subject", "v1").code == 0
    assert run("gate", "go", "--subject", "v2").code == 1
    assert run("checklist", "waive", "go", "x", "--end", "1", "--reason", "mended").out == "WVR-1 is ended\n"
    assert run("gate", "go", "--subject", "v1").code == 1


def test_what_blocks_comes_last_with_what_to_do(shop):
    ran = shop(items("x: {text: The file is there, file: no.such}", "z: {text: Z, file: opsctl.yaml}"))(
        "gate", "go", "--subject", "v1"
    )
    assert ran.out == (
        "pass\tz\topsctl.yaml: 1 file\n"
        "fail\tx\tno.such does not exist\n"
        "\n"
        "✗ x: The file is there\n"
        "    no.such does not exist\n"
        "    do: write no.such\n"
        "\n"
        "go for v1: fail; 2 items: 1 pass, 1 fail (GATE-1)\n"
    )


def test_the_smallest_set_of_actions_is_explained(shop):
    run = shop(items("x: {text: X, file: no.such}", "z: {text: Z, sign: release-manager}"))
    assert run("gate", "explain", "go", "--subject", "v1").out == (
        "2 actions to open go:\n"
        "1. write no.such\n"
        "   x: no.such does not exist\n"
        "2. opsctl checklist sign go z --subject v1 (release-manager)\n"
        "   z: 1 signature of release-manager missing\n"
    )
    assert run("log").out == ""


def test_a_gate_is_judged_as_of_another_time_without_a_decision(shop):
    run = shop(items("x: {text: X, freeze: {}}"), """
    freezes:
      weekend: {reason: No changes at the weekend, days: [saturday, sunday]}
""")  # fmt: skip
    assert run("gate", "go", "--subject", "v1").code == 0
    later = run("gate", "go", "--subject", "v1", "--at", "saturday 10:00")
    assert later.code == 1
    assert "do: wait until it ends, or override with a reason, until 2026-11-23 00:00 CET" in later.out
    assert "GATE-" not in later.out


def test_an_override_is_loud_and_makes_an_item(shop):
    run = shop(items("x: {text: X, file: no.such}"))
    assert run("gate", "go", "--subject", "v1", "--override").code == 2
    ran = run("gate", "go", "--subject", "v1", "--override", "--reason", "it burns")
    assert ran.code == 0
    assert "OVERRIDDEN: it burns" in ran.out
    assert ran.err == "opsctl: the gate was fail and is OVERRIDDEN: it burns\n"
    assert "Review the override of go for v1 (GATE-1)" in run("backlog", "list").out
    assert "OVERRIDDEN by alice" in run("checklist", "history", "go").out


def test_recorded_decisions_are_judged_by_the_checklist_of_today(shop, opsctl):
    run = shop(items("x: {text: X, incidents: {max_severity: sev2}}"))
    run("incident", "open", "slow", "--severity", "2")
    assert run("gate", "go", "--subject", "v1").code == 0
    assert run("gate", "replay", "go").out == (
        "would have blocked 0 of 1 that passed, and let pass 0 of 0 that were blocked\n"
    )
    shop(items("x: {text: X, incidents: {max_severity: sev3}}"))
    assert run("gate", "replay", "go").out == (
        "GATE-1\tv1\tpass\tfail\tx\n"
        "would have blocked 1 of 1 that passed, and let pass 0 of 0 that were blocked\n"
    )
    assert "the checklist was changed since GATE-1: x was changed" in run("gate", "go", "--subject", "v2").out
    assert "gate go is pass for v1 (GATE-1)" in run("incident", "timeline", "1").out


def test_the_value_of_an_item_is_what_it_stopped_and_what_it_let_through(shop):
    run = shop(items("x: {text: X, file: opsctl.yaml}", "z: {text: Z, file: no.such, required: false}"))
    run("gate", "go", "--subject", "v1")
    run("incident", "open", "down", now="2026-11-20T13:00:00Z")
    found = json.loads(run("gate", "value", "go", "-o", "json").out)["items"]
    counts = {"judged": 1, "blocked": 0, "waived": 0, "not_applicable": 0}
    assert found == [
        {"item": "x", "failed": 0, **counts, "let_through": ["INC-1"]},
        {"item": "z", "failed": 1, **counts, "let_through": []},
    ]


def test_formats_for_ci(shop, opsctl, tmp_path):
    run = shop(items("x: {text: X, file: no.such}", "z: {text: Z, file: opsctl.yaml}"))
    summary = tmp_path / "summary.md"
    ran = run(
        "gate", "go", "--subject", "v1", "-o", "github", env={**ALICE, "GITHUB_STEP_SUMMARY": str(summary)}
    )
    assert ran.out == (
        "::error title=go%3A x is fail::no.such does not exist%0Ado: write no.such\n"
        "go for v1: fail; 2 items: 1 pass, 1 fail (GATE-1)\n"
    )
    assert "| fail | x | no.such does not exist | write no.such |" in summary.read_text()
    suite = ET.fromstring(run("gate", "go", "--subject", "v1", "-o", "junit").out)[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [len(case) for case in suite] == [1, 0]


@pytest.fixture
def repository(opsctl):
    def git(*arguments):
        done = subprocess.run(
            ["git", "-c", "user.name=dev", "-c", "user.email=dev@example.com", *arguments],
            cwd=opsctl.path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    return git


def test_git_is_asked_about_the_commit_of_the_subject(shop, repository, opsctl):
    run = shop(items(
        "clean: {text: C, git: {clean: true}}", "branch: {text: B, git: {branch: main}}",
        "tag: {text: T, git: {tag: 'v*'}}", "changed: {text: L, git: {changed: CHANGELOG.md}}",
        "signed: {text: S, git: {signed: true}}", "has: {text: H, git: {contains: v1}}",
    ))  # fmt: skip
    opsctl.write(".gitignore", ".opsctl/\n").write("CHANGELOG.md", "one\n")
    repository("add", "-A")
    repository("commit", "-qm", "one")
    repository("tag", "v1")
    found = verdicts(run("gate", "go", "--subject", "HEAD", "-o", "json"))
    assert found == {
        "clean": "pass", "branch": "pass", "tag": "pass", "changed": "pass", "signed": "fail", "has": "pass",
    }  # fmt: skip
    opsctl.write("CHANGELOG.md", "two\n")
    repository("commit", "-qam", "two")
    opsctl.write("other", "x\n")
    repository("switch", "-qc", "feature")
    ran = run("gate", "go", "--subject", "HEAD", "-o", "json")
    assert verdicts(ran) == {
        "clean": "fail", "branch": "fail", "tag": "fail", "changed": "pass", "signed": "fail", "has": "pass",
    }  # fmt: skip
    assert json.loads(ran.out)["commit"] == repository("rev-parse", "HEAD")


def test_a_word_for_a_commit_does_not_count_for_a_newer_one(shop, repository, opsctl):
    run = shop(items("x: {text: X, sign: {role: anyone, not_author: true}}"))
    repository("add", "-A")
    repository("commit", "-qm", "one")
    first = repository("rev-parse", "HEAD")
    for author in ("dev@example.com", "Dev"):
        run("checklist", "sign", "go", "x", "--subject", "HEAD", env={"OPSCTL_ACTOR": author})
        assert f"{author}: the author of the commit" in run("gate", "go", "--subject", "HEAD").out
    run("checklist", "sign", "go", "x", "--subject", "HEAD")
    assert run("gate", "go", "--subject", first[:10]).code == 0
    opsctl.write("more", "x")
    repository("add", "-A")
    repository("commit", "-qm", "two")
    assert f"alice: for commit {first[:12]}" in run("gate", "go", "--subject", "HEAD").out


def test_words_travel_signed_and_are_verified_where_they_arrive(shop, opsctl, tmp_path):
    run = shop(items("x: {text: X, sign: anyone}"))
    run("checklist", "sign", "go", "x", "--subject", "v1", "--evidence", "seen")
    for name in ("alice", "mallory"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(opsctl.path / name)], check=True
        )
    public = (opsctl.path / "alice.pub").read_text()
    opsctl.write("signers", f"alice {public}")
    assert run("checklist", "export", "go", "--key", "alice", "--out", "words.jsonl").code == 0
    run("checklist", "export", "go", "--out", "bare.jsonl")
    run("checklist", "export", "go", "--key", "mallory", "--out", "wrong.jsonl")
    words = (opsctl.path / "words.jsonl").read_text()
    opsctl.write("forged.jsonl", words.replace("seen", "sean")).write("broken.jsonl", "{}\n")
    shop(items("x: {text: X, sign: anyone}"), "    signers: signers\n")
    elsewhere = {**ALICE, "OPSCTL_DB": "elsewhere.db"}
    for file, said in (("bare", "is not signed"), ("wrong", "is none that"), ("forged", "is none that")):
        ran = run("checklist", "import", f"{file}.jsonl", env=elsewhere)
        assert ran.code == 1
        assert said in ran.err
    assert run("checklist", "import", "broken.jsonl", env=elsewhere).code == 2
    assert run("gate", "go", "--subject", "v1", env=elsewhere).code == 4
    assert run("checklist", "import", "words.jsonl", env=elsewhere).out == "1 taken in, 0 known already\n"
    assert run("checklist", "import", "words.jsonl", env=elsewhere).out == "0 taken in, 1 known already\n"
    assert run("gate", "go", "--subject", "v1", env=elsewhere).code == 0


def test_a_checklist_is_gone_through_on_a_terminal(shop, opsctl):
    run = shop(
        items("x: {text: All were told, sign: anyone}", "z: {text: Z, sign: {role: anyone, evidence: true}}")
    )
    assert run("checklist", "run", "go", "--subject", "v1").err == (
        "opsctl: nobody can be asked here; use `opsctl gate go`, which never asks\n"
    )
    code, shown = typed(opsctl, ALICE, "y\ny\nmail\n", "checklist", "run", "go", "--subject", "v1")
    assert code == 0
    assert "1/2 x: All were told" in shown
    code, shown = typed(opsctl, ALICE, "\n\n", "checklist", "run", "go", "--subject", "v2")
    assert code == 4


def test_lint_finds_what_wears_out(shop):
    run = shop(items(*(f"m{number}: {{text: M, sign: nobody-has-it}}" for number in range(10))))
    ran = run("checklist", "lint")
    assert ran.code == 1
    assert "go: 10 manual items, more than 9; split it, or let opsctl check some\n" in ran.out
    assert "go: m0: nobody is named for the role nobody-has-it" in ran.out
    run = shop(items("x: {text: X, file: opsctl.yaml}"))
    for _ in range(20):
        run("gate", "go", "--subject", "v1")
    assert run("checklist", "lint").out == "go: x: it never failed in 20 decisions; is it still needed?\n"


def test_lists_and_freezes_are_shown(shop):
    run = shop(items("x: {text: X, file: opsctl.yaml}"), """
    freezes:
      weekend: {reason: "No changes; at the weekend", days: [saturday, sunday]}
""")  # fmt: skip
    assert run("checklist", "list").out == "go  1 item     Go\n"
    assert (
        run("checklist", "show", "go").out
        == "go  Go (do-confirm)\n   1.     x                 file       X\n"
    )
    assert (
        run("freeze", "list").out
        == "weekend\tfreeze\tnext 2026-11-21 00:00 CET\tNo changes; at the weekend\n"
    )
    assert run("freeze", "next").out == "changes are allowed\nrefused from 2026-11-21 00:00 CET (in 11h)\n"
    on = run("freeze", "next", now="2026-11-21T12:00:00Z")
    assert (on.code, on.out.splitlines()[-1]) == (1, "allowed from 2026-11-23 00:00 CET (in 1d 11h)")
    calendar = run("freeze", "list", "-o", "ics").out
    assert calendar.startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    assert "SUMMARY:No changes: No changes\\; at the weekend\r\n" in calendar
    assert calendar.count("BEGIN:VEVENT") == calendar.count("END:VEVENT") > 100


HOSTILE = "=x|<b>x</b>\x1b[31m\u202e`*[link](http://evil)\r\n| ::error::"


def test_hostile_text_shows_as_itself_in_every_format(shop):
    run = shop(items("x: {text: X, sign: anyone}"))
    run(
        "checklist",
        "sign",
        "go",
        "x",
        "--subject",
        HOSTILE,
        "--evidence",
        HOSTILE,
        env={"OPSCTL_ACTOR": HOSTILE},
    )
    run("checklist", "waive", "go", "x", "--reason", HOSTILE, "--owner", HOSTILE, "--expires", "1d")
    for output in ("text", "json", "junit", "github", "markdown"):
        ran = run("gate", "go", "--subject", HOSTILE, "-o", output, "--override", "--reason", HOSTILE)
        assert ran.code == 0
        assert not {"\x1b", "\u202e"} & set(ran.out)
    assert not {"\x1b", "\u202e"} & set(run("checklist", "history", "go").out)
