"""The documents tell the truth: what they show is read, run or generated."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from opsctl.checks import KINDS, kind_named
from opsctl.expectations import parse

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "runbooks").glob("*.md"),
    ]
)


def blocks(language: str) -> list[tuple[str, str]]:
    return [
        (path.name, block)
        for path in DOCUMENTS
        for block in re.findall(rf"```{language}\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
    ]


def commands() -> list[str]:
    shown = [line for _, block in blocks("console") for line in block.splitlines()]
    shown += [
        found for path in DOCUMENTS for found in re.findall(r"`(opsctl [^`]+)`", path.read_text("utf-8"))
    ]
    lines = [line.partition("#")[0].strip() for line in shown if line.startswith("opsctl ")]
    return sorted(
        {line for line in lines if line and "--help" not in line and not re.search(r"[A-Z]{4}|NAME", line)}
    )


@pytest.mark.parametrize(("name", "text"), blocks("yaml"))
def test_a_workspace_in_a_document_is_valid(opsctl, name, text):
    assert name
    ran = opsctl.write("opsctl.yaml", text)("validate")
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("line", commands())
def test_a_command_in_a_document_exists_with_its_options(opsctl, line):
    ran = opsctl(*shlex.split(line)[1:], "--help")
    assert (ran.code, ran.err) == (0, "")


def test_the_generated_references_are_fresh():
    done = subprocess.run(
        [sys.executable, "docs/generate", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_expectations_in_the_documents_are_expectations():
    subjects = {name: about for kind in KINDS for name, about in kind_named(kind).SUBJECTS.items()}
    lines = (ROOT / "docs" / "expectations.md").read_text("utf-8").splitlines()
    cells = [re.split(r"(?<!\\)\|", line)[1] for line in lines if line.startswith("| `")]
    shown = [text.replace("\\|", "|") for cell in cells for text in re.findall(r"`([^`]+)`", cell)]
    assert len(shown) > 12
    for text in shown:
        parse(text, subjects)


def test_local_links_lead_somewhere():
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_this_repository_is_a_valid_workspace(opsctl):
    assert opsctl("validate", "-C", str(ROOT)).code == 0
