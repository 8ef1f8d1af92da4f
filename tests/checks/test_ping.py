"""The `ping` check: in a network of its own, where the kernel lets it ask."""

from __future__ import annotations

import json
import subprocess

import pytest
from checks.probe import probe

from opsctl.checks.ping import PingCheck
from opsctl.outcome import Cause

NETWORK = "echo '0 0' >/proc/sys/net/ipv4/ping_group_range && ip link set lo up && exec \"$@\""
INSIDE = ["unshare", "-Urn", "sh", "-c", NETWORK, "sh"]


def allowed():
    try:
        return subprocess.run([*INSIDE, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not allowed(), reason="this machine lets nobody make a network of their own")
def test_a_host_answers_or_does_not(opsctl):
    opsctl.write("opsctl.yaml", """
        version: 1
        name: Shop
        services:
          net:
            checks:
              here: {ping: {host: 127.0.0.1, interval: 10ms}}
              six: {ping: {host: "::1", interval: 10ms}}
              away: {ping: {host: 10.99.99.99, count: 1}, timeout: 500ms, retries: 0}
    """)  # fmt: skip
    done = subprocess.run([*INSIDE, *opsctl.argv("check", "-o", "json", "--explain")], cwd=opsctl.path,
                          env=opsctl.environment(), capture_output=True, text=True, check=False)  # fmt: skip
    states = {one["check"]: (one["state"], one["cause"]) for one in json.loads(done.stdout)["checks"]}
    assert states == {"net/here": ("up", None), "net/six": ("up", None), "net/away": ("down", "unreachable")}


def test_where_nobody_may_ask_nothing_is_known(monkeypatch):
    import socket

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "socket", refuse)
    seen = probe(PingCheck(host="127.0.0.1"))
    assert seen.failure.cause is Cause.PERMISSION
    assert "net.ipv4.ping_group_range" in seen.failure.message


def test_a_name_that_is_an_option_is_refused():
    assert list(PingCheck(host="-f").problems()) == [("host", "`-f` is no host; write a name or an address")]
