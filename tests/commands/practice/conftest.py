"""`opsctl` in a workspace that claims a little of everything."""

from __future__ import annotations

import pytest
from commands.practice.shop import ALICE, FRIDAY, README, WORKSPACE


@pytest.fixture
def shop(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE).write("README.md", README)
    opsctl.write("run/ready", "").write("run/there", "yes")

    def run(*arguments, now=FRIDAY, env=ALICE):
        return opsctl(*arguments, now=now, env=env)

    run.write, run.path = opsctl.write, opsctl.path
    return run
