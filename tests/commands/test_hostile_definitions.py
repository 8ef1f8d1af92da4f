"""Fifty hostile definitions: each is refused where it stands, or does no more than it says."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

HEAD = "version: 1\nname: Shop\nservices: {api: {checks: {ready: {file: opsctl.yaml}}}}\n"
ALICE = {"OPSCTL_ACTOR": "alice"}
MIB = 1 << 20


def write(opsctl, definitions):
    opsctl.write(
        "opsctl.yaml", HEAD + "".join(f"{key}: {json.dumps(value)}\n" for key, value in definitions.items())
    )


def runbook(*steps, **more):
    return {"title": "It", "steps": list(steps), **more}


def has_traceback(ran):
    return "Traceback" in ran.out + ran.err


VALUES = [
    "$(touch canary)",
    "`touch canary`",
    "; touch canary #",
    "| touch canary",
    "&& touch canary",
    "\n touch canary\n",
    "' ; touch canary ; '",
    '" ; touch canary ; "',
    "${IFS}touch${IFS}canary",
    "--help",
    "-rf",
    "*",
    "~root",
    "{{ host }}",
    "{{ secret }}",
    "%s%s%s%n",
    "\x1b]0;owned\x07",
    "\u202etxt.exe",
    "é" * 2000,
    "",
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_value_stays_one_value_in_every_kind_of_step(opsctl, value):
    write(opsctl, {"runbooks": {"it": runbook(
        {"id": "argument", "run": ["printf", "%s", "{{ host }}"], "capture": {"same": {"pattern": "(?s)^(.*)$"}}},
        {"id": "input", "run": {"argv": ["tee", "stdin"], "stdin": "{{ host }}"}},
        {"id": "script", "shell": 'printf %s "$host" >env; printf %s "$same" >captured'},
        {"id": "all", "each": {"of": ["{{ host }}"], "do": {"run": ["sh", "-c", 'printf %s "$1" >each', "x", "{{ one }}"]}}},
        {"id": "many", "parallel": [{"run": ["sh", "-c", 'printf %s "$1" >parallel', "x", "{{ host }}"]}]},
        {"id": "other", "runbook": {"name": "inner", "parameters": {"word": "{{ host }}"}}},
        parameters={"host": {"required": False}, "secret": {"default": "s3cr3t-value"}},
    ), "inner": runbook(
        {"run": ["sh", "-c", 'printf %s "$1" >inner', "x", "{{ word }}"]}, parameters={"word": {}},
    )}})  # fmt: skip
    ran = opsctl("runbook", "run", "it", "--set", f"host={value}", env=ALICE)
    assert ran.code == 0, ran
    for name in ("stdin", "env", "captured", "each", "parallel", "inner"):
        assert (opsctl.path / name).read_bytes().decode() == value, name
    assert not list(opsctl.path.rglob("canary"))
    assert not {"\x1b", "\u202e", "\x07"} & set(ran.out + ran.err)
    assert opsctl("db", "verify").code == 0


def nested(depth):
    step = {"note": "at last"}
    for _ in range(depth):
        step = {"parallel": [step]}
    return step


RUN = {"run": ["true"]}
REFUSED = {
    "itself": ({"it": runbook({"runbook": "it"})}, "it"),
    "each other": ({"it": runbook({"runbook": "b"}), "b": runbook({"runbook": "it"})}, "it"),
    "by an undo": ({"it": runbook({**RUN, "undo": {"runbook": "it"}})}, "it"),
    "within each": ({"it": runbook({"each": {"of": ["a"], "do": {"runbook": "it"}}})}, "it"),
    "within parallel": ({"it": runbook({"parallel": [{"runbook": "it"}]})}, "it"),
    "nobody": ({"it": runbook({"runbook": "nobody"})}, "nobody"),
    "deep": ({"it": runbook(nested(200))}, "deep"),
    "no value": ({"it": runbook({"run": ["echo", "{{ nothing }}"]})}, "nothing"),
    "attribute": ({"it": runbook({"run": ["echo", "{{ host.__class__ }}"]}, parameters={"host": {}})}, "names no value"),
    "expression": ({"it": runbook({"run": ["echo", "{{ 7 * 7 }}"]})}, "names no value"),
    "loop": ({"it": runbook({"run": ["echo", "{% for a in b %}{{ a }}{% endfor %}"]})}, "`a`"),
    "empty blank": ({"it": runbook({"run": ["echo", "{{ }}"]})}, "names no value"),
    "spliced": ({"it": runbook({"shell": "rm {{ host }}"}, parameters={"host": {}})}, "never spliced"),
    "no program": ({"it": runbook({"run": [""]})}, "program"),
    "no steps": ({"it": runbook()}, "steps"),
    "twice": ({"it": runbook({**RUN, "id": "a"}, {**RUN, "id": "a"})}, "twice"),
    "two kinds": ({"it": runbook({"run": ["true"], "shell": "true"})}, "shell"),
    "bad pattern": ({"it": runbook(RUN, parameters={"host": {"pattern": "("}})}, "pattern"),
    "bad name": ({"../../etc/passwd": runbook(RUN)}, "passwd"),
    "a list for a step": ({"it": {"title": "It", "steps": [["rm", "-rf", "/"]]}}, "step"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_where_it_stands(opsctl, name):
    definitions, words = REFUSED[name]
    write(opsctl, {"runbooks": definitions})
    ran = opsctl("validate")
    assert ran.code == 5, ran
    assert ran.out.startswith("opsctl.yaml:4:")
    assert words in ran.out
    assert not has_traceback(ran)
    assert opsctl("runbook", "run", "it", env=ALICE).code == 5


FLOODS = {
    "endless": ["sh", "-c", "yes"],
    "one line": ["sh", "-c", "head -c 50000000 /dev/zero | tr '\\0' x; sleep 60"],
    "no text": ["sh", "-c", "head -c 5000000 /dev/urandom; sleep 60"],
    "escapes": ["sh", "-c", "yes \"$(printf '\\033[2J\\033]0;x\\007')\" | head -c 3000000; sleep 60"],
    "deaf": ["sh", "-c", "trap '' TERM INT HUP; while :; do sleep 0.1; done"],
    "many": ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 61 & done; wait"],
    "parent gone": ["sh", "-c", "(sleep 61 &) ; sleep 61"],
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_command_is_bounded_in_time_and_in_what_is_kept(opsctl, name):
    write(opsctl, {"runbooks": {"it": runbook({"id": "one", "run": FLOODS[name], "timeout": "500ms"})}})
    ran = opsctl.process("runbook", "run", "it", **ALICE)
    assert ran.code == 1, ran
    assert "one: it still ran after 0.5 s and was ended" in ran.out
    assert not {"\x1b", "\x07"} & set(ran.out + ran.err)
    assert (opsctl.path / ".opsctl" / "opsctl.db").stat().st_size < MIB
    assert survivors(opsctl.path) == []


def survivors(folder):
    """The processes that are still at work in the folder; what was killed may take a moment to be gone."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = [path.name for path in Path("/proc").glob("[0-9]*") if _works_in(path, folder)]
        if not found:
            return []
        time.sleep(0.02)
    return found


def _works_in(process, folder):
    try:
        return (process / "cwd").resolve(strict=True) == folder.resolve()
    except OSError:
        return False


ITEMS = {
    "a device": ({"file": "/dev/zero"}, {1, 3}),
    "a pipe that nobody writes": ({"file": "pipe"}, {1, 3}),
    "a folder": ({"file": "/", "expect": ['content contains "x"']}, {1, 3, 5}),
    "output without end": ({"run": ["sh", "-c", "yes"], "timeout": "300ms"}, {1, 3}),
    "itself": ({"checklist": "go"}, {5}),
    "an empty list": ({"checklist": "none"}, {5}),
    "a check that nobody wrote": ({"check": "web/*"}, {5}),
}


@pytest.mark.parametrize("name", ITEMS)
def test_an_item_is_never_green_by_accident(opsctl, name):
    item, codes = ITEMS[name]
    subprocess.run(["mkfifo", str(opsctl.path / "pipe")], check=True)
    write(opsctl, {"checklists": {"go": {"title": "Go", "items": {"x": {"text": "X", **item}}}}})
    ran = opsctl.process("gate", "go", "--subject", "v1", **ALICE)
    assert ran.code in codes, ran
    assert not has_traceback(ran)


@pytest.mark.parametrize(
    "subject",
    ["--upload-pack=touch canary", "-x", "a\nb", "x" * 100_000, "$(touch canary)", " ", "HEAD^{/x}"],
)
def test_a_subject_is_a_name_and_nothing_else(opsctl, subject):
    subprocess.run(["git", "init", "-q", "."], cwd=opsctl.path, check=True)
    write(
        opsctl, {"checklists": {"go": {"title": "Go", "items": {"x": {"text": "X", "git": {"clean": True}}}}}}
    )
    ran = opsctl("gate", "go", f"--subject={subject}", env=ALICE)
    assert ran.code in {1, 2, 3}, ran
    assert not has_traceback(ran)
    assert not list(opsctl.path.rglob("canary"))


def test_a_nested_runbook_keeps_to_its_own_terms(opsctl):
    write(opsctl, {"runbooks": {
        "it": runbook({"id": "inner", "runbook": {"name": "other", "parameters": {"host": "a"}}}),
        "other": runbook(
            {"id": "not", "run": ["touch", "wrong"], "when": 'host == "b"'},
            {"id": "id", "run": ["echo", "id-7"], "capture": {"nr": {"pattern": "id-([0-9])"}}},
            {"id": "use", "run": ["sh", "-c", 'echo "$0" >used', "{{ nr }}"], "verify": {"run": ["grep", "-q", "8", "used"]}},
            parameters={"host": {}},
        ),
    }})  # fmt: skip
    ran = opsctl("runbook", "run", "it", env=ALICE)
    assert ran.code == 1
    assert "other/use: it did not work" in ran.out
    assert (opsctl.path / "used").read_text() == "7\n"
    assert not (opsctl.path / "wrong").exists()


@pytest.mark.parametrize("asking", [{"run": ["touch", "dropped"], "needs": "lead"}, {"confirm": "Sure?"}])
def test_what_asks_people_stands_by_itself(opsctl, asking):
    write(
        opsctl,
        {
            "roles": {"lead": ["bob"]},
            "runbooks": {"it": runbook({"runbook": "other"}), "other": runbook(asking)},
        },
    )
    assert "opsctl.yaml:5:44: this runbook asks people; it has to be run by itself" in opsctl("validate").out
    write(opsctl, {"roles": {"lead": ["bob"]}, "runbooks": {"it": runbook({"parallel": [asking]})}})
    assert "a step inside another can ask nobody; let it stand by itself" in opsctl("validate").out


def test_values_that_double_are_cut_off(opsctl):
    doubling = [{"id": f"s{number}", "run": ["echo", "{{ x }}{{ x }}"], "capture": {"x": {"pattern": "(.*)"}}}
                for number in range(40)]  # fmt: skip
    write(opsctl, {"runbooks": {"it": runbook(*doubling, parameters={"x": {"default": "ab"}})}})
    ran = opsctl("runbook", "run", "it", env=ALICE)
    assert ran.code == 1, ran
    assert (opsctl.path / ".opsctl" / "opsctl.db").stat().st_size < 4 * MIB
