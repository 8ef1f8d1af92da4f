"""A workspace with one routine, made of the steps that a test gives."""

from __future__ import annotations

import pytest
from commands.routine.steps import ALICE, EIGHT, HEAD, NINE


@pytest.fixture
def shop(opsctl):
    """A workspace with a routine `morning`, made of the steps that are given, and seen once at eight."""

    def run(*arguments, now=NINE, env=ALICE):
        return opsctl("routine", *arguments, now=now, env=env)

    def with_steps(*steps, more="", schedule="daily at 09:00", seen=EIGHT, root=""):
        opsctl.write("opsctl.yaml", HEAD + root)
        lines = "".join(f"      - {step}\n" for step in steps)
        opsctl.write("routines/morning.yaml", "routines:\n  morning:\n    title: Morning\n"
                     f"    schedule: {schedule}\n{more}    steps:\n{lines}")  # fmt: skip
        if seen:
            assert run("run", "--due", "--quiet", now=seen) == (0, "", "")
        return run

    return with_steps
