"""The `systemd` check against a program that answers as `systemctl show` does by its manual, and the real one."""

from __future__ import annotations

import shutil
import time

import pytest
from checks.probe import probe

from opsctl.checks.systemd import SystemdCheck
from opsctl.outcome import Cause, Failure

RUNNING = """
LoadState=loaded
ActiveState=active
SubState=running
Result=success
UnitFileState=enabled
NRestarts=3
ExecMainCode=0
ExecMainStatus=0
MemoryCurrent=52428800
"""


@pytest.fixture
def look(tmp_path):
    def ask(answer="", code=0, error="", **fields):
        (tmp_path / "answer").write_text(answer)
        program = tmp_path / "systemctl"
        program.write_text(
            f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncat {tmp_path}/answer\necho "{error}" >&2\nexit {code}\n'
        )
        program.chmod(0o755)
        path = f"{tmp_path}:/usr/bin:/bin"
        return probe(SystemdCheck(unit="nginx.service", **fields), environ={"PATH": path}, root=tmp_path)

    return ask


def test_what_systemd_says_of_a_unit(look, tmp_path):
    entered = int((time.monotonic() - 90) * 1_000_000)
    seen = look(f"{RUNNING}ActiveEnterTimestampMonotonic={entered}\n")
    values = dict(seen.values)
    assert 90 <= values.pop("uptime") < 120
    assert (seen.failure, values) == (None, {
        "load": "loaded", "active": "active", "sub": "running", "result": "success", "enabled": "enabled",
        "restarts": 3, "memory": 52_428_800,
    })  # fmt: skip
    asked = (tmp_path / "asked").read_text().split()
    assert (asked[0], asked[2:]) == ("show", ["--", "nginx.service"])
    look(RUNNING, user=True)
    assert (tmp_path / "asked").read_text().startswith("--user show ")


def test_what_is_not_counted_or_not_active_is_not_seen(look):
    told = RUNNING.replace("ActiveState=active", "ActiveState=failed").replace(
        "52428800", "18446744073709551615"
    )
    told = told.replace("NRestarts=3", "NRestarts=[not set]").replace(
        "UnitFileState=enabled", "UnitFileState="
    )
    assert set(look(told).values) == {"load", "active", "sub", "result"}


@pytest.mark.parametrize(
    ("code", "status", "seen"),
    [("1", "3", 3), ("2", "9", 137), ("3", "11", 139), ("0", "0", None), ("", "0", None)],
)
def test_only_what_has_ended_has_an_exit_code(look, code, status, seen):
    told = RUNNING.replace(
        "ExecMainCode=0\nExecMainStatus=0", f"ExecMainCode={code}\nExecMainStatus={status}"
    )
    assert look(told).values.get("exit_code") == seen


def test_a_unit_that_is_not_there_is_missing(look):
    seen = look("LoadState=not-found\nActiveState=inactive\nSubState=dead\n")
    assert (seen.values, seen.failure) == (
        {},
        Failure(Cause.MISSING, "there is no such unit; look at its name"),
    )


@pytest.mark.parametrize("answer", ["", "LoadState=loaded\n", "\x00=\n===\n"])
def test_an_answer_that_says_nothing_is_no_state(look, answer):
    words = "systemd cannot be asked: it says nothing of the unit"
    assert look(answer).failure == Failure(Cause.UNSUPPORTED, words)


def test_a_machine_without_systemd_is_unknown(look, tmp_path):
    words = "systemd cannot be asked: System has not been booted with systemd as init system (PID 1)."
    seen = look(code=1, error="System has not been booted with systemd as init system (PID 1).")
    assert seen.failure == Failure(Cause.UNSUPPORTED, words)
    empty = tmp_path / "empty"
    empty.mkdir()
    seen = probe(SystemdCheck(unit="x"), environ={"PATH": str(empty)})
    assert seen.failure is not None
    assert seen.failure.cause is Cause.UNSUPPORTED


@pytest.mark.skipif(shutil.which("systemctl") is None, reason="systemctl is not installed")
def test_the_real_one_takes_the_question(tmp_path):
    seen = probe(
        SystemdCheck(unit="opsctl-no-such.service"), environ={"PATH": "/usr/bin:/bin"}, root=tmp_path
    )
    assert seen.failure is not None
    # Missing where systemd runs the machine, and unknown in a container; a wrong option would say so.
    assert seen.failure.cause in {Cause.MISSING, Cause.UNSUPPORTED}
    assert "option" not in seen.failure.message


@pytest.mark.parametrize("unit", ["-H", "--root=/", "a b", "", "a/b"])
def test_what_is_no_unit_is_refused(opsctl, unit):
    text = f"version: 1\nname: S\nservices: {{s: {{checks: {{u: {{systemd: '{unit}'}}}}}}}}\n"
    opsctl.write("opsctl.yaml", text)
    ran = opsctl("validate")
    assert ran.code == 5
    assert "a unit's name, as `nginx.service`" in ran.out
