"""What other schedulers are told to run, as their own tools read it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import yaml
from commands.routine_export.shop import SHOP
from cronsim import CronSim


@pytest.fixture
def hostile(opsctl):
    """A workspace, and a program that notes its arguments, in folders whose names are everything a shell minds."""
    folder = opsctl.path / """my 100% "quoted" $HOME shop's"""
    folder.mkdir()
    program = folder / "ops'ctl %d"
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\nopen({str(opsctl.path / 'args')!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
    )
    program.chmod(0o755)
    opsctl.write(f"{folder.name}/opsctl.yaml", SHOP)

    def export(*arguments):
        return opsctl("routine", "export", *arguments, "--program", str(program), "-C", str(folder))

    def ran():
        path = opsctl.path / "args"
        return [json.loads(one) for one in path.read_text().splitlines()] if path.exists() else []

    return export, ran, folder, program


def test_cron_runs_the_command_whatever_its_folder_is_called(hostile):
    export, ran, folder, _ = hostile
    lines = [one for one in export("crontab", "--each").out.splitlines() if one[0] not in "#C"]
    for one in lines:
        fields = one.split(" ", 5)
        CronSim(" ".join(fields[:5]), datetime(2026, 1, 1, tzinfo=UTC))
        # Cron ends the command at a percent sign, unless it is escaped.
        command = re.split(r"(?<!\\)%", fields[5])[0].replace("\\%", "%")
        subprocess.run(["/bin/sh", "-c", command], check=True, cwd="/", env={"PATH": "/usr/bin:/bin"})
    names = ["morning", "morning", "night", "access.review", "after"]
    assert ran() == [["routine", "run", one, "--due", "--quiet", "-C", str(folder)] for one in names]


@pytest.mark.parametrize("target", ["github", "gitlab"])
def test_shells_of_pipelines_run_the_command(hostile, target):
    export, ran, _, _ = hostile
    found = yaml.safe_load(export(target, "--image", "x", "--folder", "my 100% 'shop'").out)
    job = (
        found["jobs"]["opsctl-routines"]["steps"][2]["run"]
        if target == "github"
        else found["opsctl-routines"]["script"][0]
    )
    subprocess.run(["/bin/sh", "-ec", job], check=True)
    assert ran() == [["routine", "run", "--due", "--quiet", "-C", "my 100% 'shop'"]]


def test_systemd_accepts_the_units(opsctl, hostile, tmp_path):
    if (analyze := shutil.which("systemd-analyze")) is None:
        pytest.skip("systemd-analyze is not installed")
    export, _, folder, program = hostile
    units, program = tmp_path / "units", program.rename(tmp_path / "100% $HOME opsctl")

    def verify():
        argv = [analyze, "verify", "--man=no", *map(str, sorted(units.iterdir()))]
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
        )
        return done.returncode, [one for one in done.stderr.splitlines() if "opsctl" in one]

    assert (
        opsctl(
            "routine",
            "export",
            "systemd",
            "--each",
            "--program",
            str(program),
            "-C",
            str(folder),
            "--out",
            str(units),
        ).code
        == 0
    )
    assert len([*units.iterdir()]) == 8
    assert verify() == (0, [])
    # It looks for the program, and so has read its name aright.
    program.unlink()
    code, words = verify()
    assert code == 1
    assert (
        f"opsctl-routine-night.service: Command {program} is not executable: No such file or directory"
        in words
    )
    assert export("systemd").err == (
        "opsctl: systemd runs no program whose name has a quote or a backslash; name another\n"
    )
