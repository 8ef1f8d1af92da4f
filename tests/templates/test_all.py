"""Every template alone and with `common`: valid, well written, and never green before anything was shown."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from opsctl import templating
from opsctl.workspace import load_workspace

ROOT = Path(__file__).resolve().parents[2]
# Most are laid over `common`; each by itself is for the long round.
ALONE = [(name,) for name in templating.names() if name == "common" or os.environ.get("OPSCTL_LONG")]
TOGETHER = [("common", name) for name in templating.names() if name != "common"]
# A port of this machine at which nobody listens, in place of every address of a vendor.
NOBODY = "http://127.0.0.1:9"
# What the programs of a template may use of the machine; none of them goes out into the world.
PROGRAMS = (
    "sh",
    "env",
    "cat",
    "date",
    "ls",
    "mkdir",
    "mv",
    "rm",
    "sleep",
    "sort",
    "tail",
    "test",
    "true",
    "wc",
)
OPSCTL = f"""\
#!{sys.executable}
import sys
sys.path.insert(0, {str(ROOT)!r})
from opsctl.cli import run
run()
"""
PERIODS = ("daily", "weekly", "monthly", "quarterly", "yearly", "handover", "standup")
# What every new workspace has to hear, and advice that does not fit every step; no fault of its template.
FRESH = re.compile(
    r"nobody ever ran it to its end"
    r"|nothing verifies it, so a person has to settle it when it is interrupted"
    r"|nobody is named for the role"
    r"|never reviewed; read it, then"
    r"|signatures? of \S+ (is|are) asked for, who are"
)


def named(chosen):
    return "+".join(chosen)


@pytest.fixture(params=[*ALONE, *TOGETHER], ids=named)
def made(request, opsctl, tmp_path_factory, monkeypatch):
    """A new workspace of the templates; its vendors are not there, its secrets are not set."""
    bin_ = tmp_path_factory.mktemp("bin")
    for name in PROGRAMS:
        (bin_ / name).symlink_to(shutil.which(name))
    (bin_ / "opsctl").write_text(OPSCTL)
    (bin_ / "opsctl").chmod(0o755)
    (bin_ / "python3").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(bin_))
    templates = [templating.template_named(name) for name in request.param]
    values = templating.asked(templates)
    vendors = [name for name, value in values.items() if (value.default or "").startswith("http")]
    words = [word for name in request.param for word in ("--template", name)]
    words += [word for name in vendors for word in ("--set", f"{name}={NOBODY}")]
    ran = opsctl("init", "--name", "Operations", *words)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("next: opsctl validate\nnext: opsctl check\n")
    for name in re.findall(r"\$\{env:(\w+)\}", "".join(texts(opsctl.path).values())):
        monkeypatch.delenv(name, raising=False)
    return opsctl


@pytest.fixture
def hasty(made):
    """The same, which tries nothing twice, as nobody will be there the next time either."""
    for path, text in texts(made.path, ".yaml").items():
        (made.path / path).write_text(re.sub(r"retries: \d+", "retries: 0", text), "utf-8")
    return made


def texts(folder, *suffixes):
    """What the files of a workspace say, by their path."""
    files = (one for one in folder.rglob("*") if one.is_file() and ".opsctl" not in one.parts)
    found = {one.relative_to(folder).as_posix(): one.read_text("utf-8") for one in files}
    return {path: text for path, text in found.items() if not suffixes or path.endswith(suffixes)}


def said(text):
    """The lines of a YAML file that are no comments."""
    return [line for line in text.splitlines() if not line.lstrip().startswith("#")]


def answered(ran):
    """Whether a command ended as commands end: with one of its exit codes, and no error of its own."""
    return ran.code in {0, 1, 3, 4} and "internal error" not in ran.err and "Traceback" not in ran.err


def test_it_is_valid_and_each_value_that_nobody_gave_is_named(made):
    ran = made("validate", "--allow-unset")
    assert (ran.code, ran.err) == (0, ""), ran.out
    workspace = load_workspace(made.path, {})
    lines = [
        f"{path.relative_to(made.path)}:{number}:{mark.start() + 1}"
        for path in workspace.files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if not line.lstrip().startswith("#")
        for mark in re.finditer(r"unset-[a-z0-9-]+\.invalid", line)
    ]
    ran = made("validate", "-o", "json")
    problems = json.loads(ran.out)["problems"]
    unset = [one for one in problems if "nobody has given yet" in one["message"]]
    assert sorted(f"{one['file']}:{one['line']}:{one['column']}" for one in unset) == sorted(lines)
    assert ran.code == (5 if problems else 0)


def test_nothing_of_it_is_left_to_fill_in_and_no_address_of_the_world_is_written_in_it(made):
    for path, text in texts(made.path).items():
        assert not re.search(r"<<[a-z0-9_]+>>", text), path
    for path, text in texts(made.path, ".yaml").items():
        hosts = re.findall(r"https?://([^/\s\"'>]+)", "\n".join(said(text)))
        known = re.compile(
            r"unset-[a-z0-9-]+\.invalid(:\d+)?|127\.0\.0\.1(:\S+)?|localhost(:\d+)?|.*[(){}].*"
        )
        assert [host for host in hosts if not known.fullmatch(host)] == [], path


@pytest.mark.parametrize("practice", ["checklist", "runbook", "routine", "docs"])
def test_it_is_well_written(made, practice):
    if practice == "docs" and not load_workspace(made.path, {}).docs:
        return
    ran = made(practice, "lint")
    assert ran.code in {0, 1}, ran.err
    lines = [line for line in ran.out.splitlines() if line != "nothing to complain of"]
    assert [line for line in lines if not FRESH.search(line)] == []


def test_no_gate_is_open_before_anything_was_shown_but_one_that_only_machines_judge(hasty):
    for name, checklist in load_workspace(hasty.path, {}).checklists.items():
        environment = ["--env", checklist.environments[0]] if checklist.environments else []
        ran = hasty("gate", name, "--subject", "v1.0.0", *environment)
        assert answered(ran), ran.err
        people = [item for item, one in checklist.items.items() if one.kind.MANUAL and one.terms.required]
        assert ran.code != 0 or not people, f"{name}: {people}\n{ran.out}"


def test_no_check_of_what_nobody_gave_is_up(hasty):
    workspace = load_workspace(hasty.path, {})
    ran = hasty("check", "-o", "json", "--no-record")
    assert answered(ran), ran.err
    states = {one["check"]: one["state"] for one in json.loads(ran.out)["checks"]}
    assert set(states) == set(workspace.checks())
    unset = {name for name, (_, check) in workspace.checks().items() if "unset-" in repr(check.kind)}
    assert {name: states[name] for name in unset if states[name] in {"up", "degraded"}} == {}


def test_every_report_is_written(made):
    for period in PERIODS:
        ran = made("report", period, "-o", "markdown")
        assert (ran.code, ran.err) == (0, ""), period
        assert ran.out.startswith("# Operations: ")
        assert "\n## " in ran.out


def test_its_routines_can_be_run_when_they_are_due_and_wait_for_people(hasty):
    workspace = load_workspace(hasty.path, {})
    first = hasty("routine", "run", "--due", now="2026-11-20T12:00:00Z")
    assert answered(first), first.err
    later = hasty("routine", "run", "--due", now="2027-12-20T12:00:00Z")
    assert answered(later), later.err
    assert [line for line in later.out.splitlines() if "cannot be written" in line] == []
    timed = {
        name: one.plan
        for name, one in workspace.routines.items()
        if not any(" after " in text for text in one.plan.schedule)
    }
    assert [name for name in timed if f"{name} of 20" not in first.out + later.out] == []
    due = hasty("routine", "due", now="2027-12-20T12:00:00Z")
    asked = [name for name, plan in timed.items() if any(duty.type == "sign" for duty in plan.steps)]
    assert [name for name in asked if f"\t{name}\t" not in due.out] == []
