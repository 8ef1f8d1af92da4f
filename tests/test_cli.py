"""How a process begins and ends: its streams closed, its output full, its reader gone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

WORKSPACE = """
    version: 1
    name: Test
    services: {machine: {checks: {root: {file: /}}}}
"""


def in_shell(opsctl, words):
    """Run `opsctl ARGUMENTS` with a shell's redirections, exactly as people and cron write them."""
    command = " ".join(opsctl.argv()) + " " + words
    return subprocess.run(
        ["sh", "-c", command],
        cwd=opsctl.path,
        env=opsctl.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_neither_fails_the_run_nor_reaches_the_store(opsctl, closed):
    opsctl.write("opsctl.yaml", WORKSPACE)
    assert in_shell(opsctl, f"check {closed}").returncode == 0
    assert opsctl("db", "verify").code == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the machine has no /dev/full")
@pytest.mark.parametrize("words", ["--version", "check", "check --help"])
def test_a_full_output_is_no_success(opsctl, words):
    opsctl.write("opsctl.yaml", WORKSPACE)
    done = in_shell(opsctl, f"{words} >/dev/full")
    assert (done.returncode, done.stderr) == (
        3,
        "opsctl: the output cannot be used: No space left on device\n",
    )


def test_a_reader_that_has_gone_ends_the_run_without_a_word(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE)
    done = in_shell(opsctl, "history 2>err | true; cat err")
    assert done.stdout == ""


@pytest.mark.parametrize("words", ["check", "status", "validate"])
def test_a_current_folder_that_was_deleted_is_told(opsctl, words):
    again = " ".join(opsctl.argv(words))
    done = in_shell(opsctl, f"--version >/dev/null; mkdir gone; cd gone; rmdir ../gone; {again}")
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "opsctl: the current folder was deleted; go to another, or name one with `-C DIR`\n",
    )


@pytest.mark.parametrize("option", ["-C", "--directory"])
def test_a_folder_before_the_command_is_told_where_it_stands(opsctl, option):
    words = f"opsctl: `{option} DIR` stands after the command, as in `opsctl check {option} DIR`\n"
    assert opsctl(option, "/", "check") == (2, "", words)
