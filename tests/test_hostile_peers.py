"""Peers that mean no good to any check that speaks over a network: each check ends, and says what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import hostile_peers
import pytest
from hostile import MEASURED, MEMORY_KIB

from opsctl.checks import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

# What is late on a busy machine is not given up from outside, and what does not end by itself is found out.
PATIENT = "import opsctl.probing as p; p._GRACE = 40.0; from opsctl.cli import run; run()"
# What looks at this machine, at records, or at the kernel's answers to echo requests.
LOCAL = frozenset({"certificate", "command", "disk", "file", "group", "heartbeat", "history", "load", "memory", "ping",
                   "process", "sqlite", "systemd"})  # fmt: skip


class Looked(NamedTuple):
    """What one run made of every peer in every manner."""

    world: hostile_peers.World
    found: Mapping[str, Mapping[str, str]]
    errors: str
    code: int
    peak: int


@pytest.fixture(scope="module")
def looked(tmp_path_factory, certificates):
    folder = tmp_path_factory.mktemp("hostile")
    with (
        pytest.MonkeyPatch.context() as patch,
        hostile_peers.serving(certificates.good, folder, patch) as world,
    ):
        (folder / "opsctl.yaml").write_text(world.text)
        argv = [sys.executable, "-c", PATIENT, "check", "-o", "json", "--explain"]
        done = subprocess.run([sys.executable, "-S", "-c", MEASURED, "used", *argv], capture_output=True,
                              text=True, timeout=120, check=True)  # fmt: skip
    code, peak = map(int, (folder / "used").read_text().split())
    shown = json.loads(done.stdout)["checks"]
    return Looked(world, {one["check"].partition("/")[2]: one for one in shown}, done.stderr, code, peak)


def test_every_type_that_speaks_over_a_network_has_its_peers():
    assert {peer.check.partition(":")[0] for peer in hostile_peers.PEERS.values()} == set(KINDS) - LOCAL


def test_a_run_over_all_of_them_says_nothing_else_and_stays_small(looked):
    assert (looked.code, looked.errors) == (1, "")
    assert set(looked.found) == set(looked.world.checks)
    assert looked.peak < MEMORY_KIB


@pytest.mark.parametrize(
    ("name", "manner"),
    [(name, manner) for name, peer in hostile_peers.PEERS.items() for manner in hostile_peers.manners(peer)],
)
def test_what_never_answers_well_is_never_up_and_says_why(looked, name, manner):
    one = looked.found[f"{name}-{manner}"]
    message = one["message"]
    assert one["state"] == "down", one
    assert message
    assert message.isprintable()
    assert not any(word in message for word in ("given up", "report this", "Traceback", "libcurl error")), (
        message
    )
    if hostile_peers.PEERS[name].check.partition(":")[0] not in {"http", "health", "flow"}:
        # The other types have no such settings.
        assert "raise `" not in message
    if manner in {"silent", "dripping"}:
        assert one["cause"] == "timeout", one
        assert "within 0.3 s" in message
