"""Servers that mean no good: nothing of them is up, and nothing of them hurts."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import hostile

ROOT = Path(__file__).resolve().parent.parent
MEMORY_KIB = 150 * 1024


def workspace(ports: dict[str, int]) -> str:
    checks = "".join(
        f"      {name}: {{http: {{url: 'http://127.0.0.1:{port}/', redirects: 5}}}}\n"
        f"      {name}-tls: {{tls: '127.0.0.1:{port}'}}\n"
        f"      {name}-tcp: {{tcp: {{address: '127.0.0.1:{port}', send: GET, until: never-said}}}}\n"
        for name, port in ports.items()
    )
    return (
        "version: 1\nname: Hostile\ndefaults: {check: {timeout: 1s, retries: 0}}\n"
        f"services:\n  world:\n    checks:\n{checks}"
    )


def test_no_hostile_server_is_up_and_memory_stays_small(opsctl):
    with hostile.serving() as ports:
        opsctl.write("opsctl.yaml", workspace(ports))
        with (opsctl.path / "out").open("wb") as out, (opsctl.path / "err").open("wb") as err:
            child = subprocess.Popen(opsctl.argv("check", "-o", "json", "--explain"), cwd=opsctl.path,
                                     env=opsctl.environment(), stdout=out, stderr=err)  # fmt: skip
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
    assert (opsctl.path / "err").read_text() == ""
    shown = json.loads((opsctl.path / "out").read_text())["checks"]
    found = {one["check"].partition("/")[2]: one["state"] for one in shown}
    assert len(found) == 3 * len(ports)
    assert set(found.values()) == {"down"}, found
    assert child.returncode == 1
    assert used.ru_maxrss < MEMORY_KIB


def test_every_defence_in_the_document_names_a_test_that_there_is():
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 20
    for file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), (file, name)
