"""A workspace with one runbook, made of the steps that a test gives."""

from __future__ import annotations

import pytest
from commands.runbook.steps import ALICE, HEAD, NOW


@pytest.fixture
def shop(opsctl):
    """A workspace with a runbook `it`, made of the steps that are given."""

    def run(*arguments, now=NOW, env=ALICE):
        return opsctl(*arguments, now=now, env=env)

    def with_steps(*steps, parameters="{}", more=""):
        opsctl.write("opsctl.yaml", HEAD)
        opsctl.write(
            "checklists/never.yaml",
            "checklists: {never: {title: Never, items: {x: {text: X, file: no.such}}}}",
        )
        lines = "".join(f"      - {step}\n" for step in steps)
        opsctl.write("runbooks/it.yaml", "runbooks:\n  it:\n    title: It\n"
                     f"    parameters: {parameters}\n{more}    steps:\n{lines}")  # fmt: skip
        return run

    return with_steps
