"""What a gate and its words refuse, because it would open where nobody meant it to."""

import json

import pytest

ALICE = {"OPSCTL_ACTOR": "alice"}
NOW = "2026-11-20T12:00:00Z"
WORKSPACE = """
    version: 1
    name: Shop
    timezone: Europe/Berlin
    checklists:
      go:
        title: Go
        items:
          made: {text: It was made, file: made.txt}
          told: {text: People know, sign: anyone}
          calm: {text: No freeze is on, freeze: {}}
    freezes:
      weekend: {reason: No changes then, days: [saturday, sunday]}
      holidays: {reason: Nobody is there, starts: "2026-11-01", ends: "2026-12-01", environments: [prod]}
    """


@pytest.fixture
def run(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE)
    return lambda *arguments, now=NOW: opsctl(*arguments, now=now, env=ALICE)


def gate(run, *arguments):
    ran = run("gate", "go", "--subject", "v1", "-o", "json", *arguments)
    return {one["id"]: one for one in json.loads(ran.out)["items"]}


@pytest.mark.parametrize(
    "words",
    [
        ("gate", "go", "--subject", "v1", "--env", ""),
        ("checklist", "sign", "go", "told", "--subject", "v1", "--env", " "),
        ("checklist", "status", "go", "--subject", "v1", "--env="),
        ("freeze", "next", "--env", ""),
        ("freeze", "list", "--env", ""),
    ],
)
def test_an_environment_without_a_name_is_refused(run, words):
    # A variable that is empty would otherwise be an environment in which no freeze is on.
    assert run(*words) == (2, "", "opsctl: --env is empty; name an environment, or leave it out\n")


def test_an_option_is_no_subject(run):
    ran = run("gate", "go", "--subject", "--no-record")
    assert ran == (2, "", "opsctl: --subject `--no-record` is an option; name a commit or a version\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--override", "--reason", "it burns", "--no-record"), "leave --no-record out"),
        (("--reason", "it burns"), "add --override, or leave it out"),
        (("--wait", "10m", "--at", "tomorrow"), "leave --wait or --at out"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(run, words, message):
    ran = run("gate", "go", "--subject", "v1", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith(f"{message}\n")


def test_an_explanation_overrides_nothing(run):
    ran = run("gate", "explain", "go", "--subject", "v1", "--override", "--reason", "it burns")
    assert (ran.code, ran.out) == (2, "")
    assert "decides nothing" in ran.err


@pytest.mark.parametrize("verb", ["replay", "value"])
def test_who_looks_back_decides_nothing(run, verb):
    ran = run("gate", verb, "go", "--subject", "v1")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(
        f"opsctl: `gate {verb}` looks at the decisions that are recorded; leave --subject"
    )


def test_a_word_for_one_environment_does_not_count_in_another(run):
    said = run(
        "checklist", "na", "go", "made", "--subject", "v1", "--env", "staging", "--reason", "not there"
    )
    assert said.out == "go/made is n/a by alice for v1 in staging (SGN-1)\n"
    run("checklist", "sign", "go", "told", "--subject", "v1", "--env", "staging")
    staging, prod, unsaid = (gate(run, *words) for words in (("--env", "staging"), ("--env", "prod"), ()))
    assert (staging["made"]["verdict"], staging["told"]["verdict"]) == ("n/a", "pass")
    assert (prod["made"]["verdict"], prod["told"]["verdict"]) == ("fail", "pending")
    assert (unsaid["made"]["verdict"], unsaid["told"]["verdict"]) == ("fail", "pending")
    assert "alice: for staging only" in prod["told"]["message"]
    assert "n/a by alice for v1 in staging, not there" in run("checklist", "history", "go").out


def test_a_word_without_an_environment_counts_in_all(run):
    run("checklist", "sign", "go", "told", "--subject", "v1")
    assert gate(run, "--env", "prod")["told"]["verdict"] == "pass"


def test_a_waiver_is_ended_by_the_item_that_it_is_of(run):
    run("checklist", "waive", "go", "made", "--reason", "late", "--owner", "bob", "--expires", "3d")
    ran = run("checklist", "waive", "go", "calm", "--end", "1", "--reason", "made")
    assert ran == (2, "", "opsctl: WVR-1 is of go/made, not of go/calm\n")
    assert run("checklist", "waive", "go", "made", "--end", "1", "--reason", "made").out == "WVR-1 is ended\n"


def test_a_gate_that_is_waited_for_runs_its_commands_once(opsctl, run):
    command = 'run: [sh, -c, "echo x >> ran"]'
    opsctl.write(
        "opsctl.yaml",
        f"version: 1\nname: Shop\nchecklists: {{go: {{title: Go, items: {{a: {{text: A, {command}}}}}}}}}\n",
    )
    assert run("gate", "go", "--subject", "v1", "--wait", "1m").out.endswith("1 pass (GATE-1)\n")
    assert (opsctl.path / "ran").read_text() == "x\n"


def test_what_never_blocked_is_not_counted_as_blocking(opsctl, run):
    items = "a: {text: A, file: no.such, shadow: true}, b: {text: B, file: no.such}, c: {text: C, file: opsctl.yaml}"
    opsctl.write(
        "opsctl.yaml", f"version: 1\nname: Shop\nchecklists: {{go: {{title: Go, items: {{{items}}}}}}}\n"
    )
    assert run("gate", "value", "go").out == "no decision is recorded\n"
    run("gate", "go", "--subject", "v1")
    found = json.loads(run("gate", "value", "go", "-o", "json").out)["items"]
    assert {one["item"]: (one["failed"], one["blocked"]) for one in found} == {
        "a": (1, 0), "b": (1, 1), "c": (0, 0),
    }  # fmt: skip


def test_a_freeze_is_on_until_all_of_it_is_over(run):
    # 2026-11-21 is a Saturday, and the Sunday follows at once.
    ran = run("freeze", "list", "--at", "2026-11-21", "--env", "staging")
    assert ran.out == "weekend\tfreeze\ton until 2026-11-23 00:00 CET\tNo changes then\n"
    (found,) = json.loads(run("freeze", "list", "--at", "2026-11-21", "--env", "staging", "-o", "json").out)[
        "freezes"
    ]
    assert (found["on"], found["until"]) == (True, "2026-11-22T23:00:00.000Z")


def test_a_file_that_holds_no_sign_offs_is_refused_in_words(opsctl, run):
    opsctl.write("words.jsonl", "garbage\n")
    assert run("checklist", "import", "words.jsonl").err == (
        "opsctl: words.jsonl:1: this is no sign-off (not JSON to be believed); write the file with `opsctl checklist export`\n"
    )
    opsctl.write("words.jsonl", '{"opsctl": "signoff/1"}\n')
    assert "(a field is missing)" in run("checklist", "import", "words.jsonl").err


@pytest.mark.parametrize(
    "spoilt",
    ['"at": NaN', '"at": 1e999', '"at": true', '"at": "now"', '"who": "a", "who": "b"', '"deep": ' + "[" * 100_000],
    ids=["no number", "too large", "a truth", "a text", "twice", "deep"],
)  # fmt: skip
def test_a_sign_off_that_is_not_to_be_believed_is_refused_and_nothing_is_kept(opsctl, run, spoilt):
    run("checklist", "sign", "go", "told", "--subject", "v1")
    one = json.loads(run("checklist", "export", "go").out)
    said = json.loads(one["said"])
    rest = json.dumps({name: value for name, value in said.items() if f'"{name}"' not in spoilt})
    opsctl.write("words.jsonl", json.dumps({**one, "said": f"{rest[:-1]}, {spoilt}}}"}) + "\n")
    ran = run("checklist", "import", "words.jsonl")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("opsctl: words.jsonl:1: this is no sign-off")
    assert gate(run, "--no-record")["told"]["message"] == "signed by alice"


def test_a_list_of_commands_is_shown_whole(opsctl):
    for group in ("checklist", "runbook", "routine", "docs", "freeze"):
        listed = opsctl(group, "--help").out
        assert "..." not in listed.partition("Commands:")[2], group


def test_whom_to_ask_stands_in_the_checklist(run):
    assert "(signed by anyone)" in run("checklist", "show", "go").out


def test_the_log_says_what_a_gate_came_to_and_when_a_waiver_ends(run):
    run("gate", "go", "--subject", "v1", "--env", "prod")
    run("checklist", "waive", "go", "made", "--reason", "late", "--owner", "bob", "--expires", "3d")
    told = [line.split("\t")[-1] for line in run("log").out.splitlines()]
    assert told[0] == ("GATE-1 decided: fail; go for v1 in prod; made fail, told pending, calm fail")
    assert (
        "WVR-1 given: late; backlog OPS-1; checklist go; expires 2026-11-23 13:00 CET; item made; owner bob"
        in told
    )
