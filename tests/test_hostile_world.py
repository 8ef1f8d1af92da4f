"""Servers that mean no good: nothing of them is up, and nothing of them hurts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import hostile
from hostile import MEASURED, MEMORY_KIB

ROOT = Path(__file__).resolve().parent.parent


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
            argv = opsctl.argv("check", "-o", "json", "--explain")
            subprocess.run([sys.executable, "-S", "-c", MEASURED, "used", *argv], cwd=opsctl.path,
                           env=opsctl.environment(), stdout=out, stderr=err, check=True)  # fmt: skip
    code, peak = map(int, (opsctl.path / "used").read_text().split())
    assert (opsctl.path / "err").read_text() == ""
    shown = json.loads((opsctl.path / "out").read_text())["checks"]
    found = {one["check"].partition("/")[2]: one["state"] for one in shown}
    assert len(found) == 3 * len(ports)
    assert set(found.values()) == {"down"}, found
    assert code == 1
    assert peak < MEMORY_KIB


def test_every_defence_in_the_document_names_a_test_that_there_is():
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 20
    for file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), (file, name)
