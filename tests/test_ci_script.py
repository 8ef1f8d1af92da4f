"""The gate of a deploy job, as CI systems run it, with their own variables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

SCRIPT = Path(__file__).parent.parent / "docs" / "ci" / "deploy-gate.sh"
SHA = "ffac537e6cbbf934b08745a378932722df287a53"


@pytest.fixture
def job(opsctl, tmp_path):
    """The script in a checkout where the gate is open if a file is there."""
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\n")
    opsctl.write("checklists/go.yaml", "checklists:\n  pre-deploy:\n    title: Go\n    items:\n"
                 "      built: {text: It was built, file: built}\n")  # fmt: skip
    program = tmp_path / "bin" / "opsctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m opsctl "$@"\n')
    program.chmod(0o755)

    def run(**variables):
        environment = {"PATH": f"{program.parent}:{os.environ['PATH']}", "OPSCTL_ACTOR": "ci", "CI": "true",
                       "PYTHONPATH": str(SCRIPT.parents[2]), "OPSCTL_NOW": "2026-11-20T12:00:00Z", **variables}  # fmt: skip
        done = subprocess.run([str(SCRIPT)], cwd=opsctl.path, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
        return done.returncode, done.stdout

    return run


def test_on_github_a_closed_gate_is_annotated_and_ends_the_job(job, opsctl, tmp_path):
    summary = tmp_path / "summary.md"
    code, out = job(GITHUB_ACTIONS="true", GITHUB_SHA=SHA, GITHUB_STEP_SUMMARY=str(summary))
    assert code == 1
    assert out.startswith(
        "::error title=pre-deploy%3A built is fail::built does not exist%0Ado: write built\n"
    )
    assert "| fail | built | built does not exist | write built |" in summary.read_text()
    opsctl.write("built", "x")
    code, out = job(GITHUB_ACTIONS="true", GITHUB_SHA=SHA, GITHUB_STEP_SUMMARY=str(summary))
    assert (code, out) == (0, f"pre-deploy for {SHA} in prod: pass; 1 item: 1 pass (GATE-2)\n")


def test_on_gitlab_the_gate_is_a_test_report_and_ends_the_job(job, opsctl):
    code, out = job(GITLAB_CI="true", CI_COMMIT_SHA=SHA, CI_ENVIRONMENT_NAME="staging")
    assert (code, out) == (1, "")
    suite = ET.parse(opsctl.path / "gate.xml").getroot()[0]
    assert (suite.get("name"), suite.get("failures")) == ("pre-deploy", "1")
    opsctl.write("built", "x")
    assert job(GITLAB_CI="true", CI_COMMIT_SHA=SHA, CI_ENVIRONMENT_NAME="staging")[0] == 0
