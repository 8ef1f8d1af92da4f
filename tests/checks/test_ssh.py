"""The `ssh` check against a real server where there is one, and against banners."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from checks.probe import probe
from servers import free_port, listens, program, running

from opsctl.checks.ssh import SshCheck
from opsctl.outcome import Cause


@pytest.fixture
def banner():
    """A server that says this to the first who connects, and goes."""
    servers = []

    def serving(data):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{server.getsockname()[1]}"

    yield serving
    for server in servers:
        server.close()


def test_a_banner_is_taken_apart(banner):
    seen = probe(SshCheck(address=banner(b"Hello\r\nSSH-2.0-OpenSSH_9.2p1 Debian\r\n")), wanted=frozenset())
    assert seen.failure is None
    assert {name: seen.values[name] for name in ("banner", "protocol", "software")} == {
        "banner": "SSH-2.0-OpenSSH_9.2p1 Debian",
        "protocol": "2.0",
        "software": "OpenSSH_9.2p1",
    }


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 400\r\n", b"SSH-\r\n", b"x" * 20_000])
def test_what_says_nothing_of_ssh_is_not_up(banner, data):
    seen = probe(SshCheck(address=banner(data)), wanted=frozenset())
    assert seen.failure.cause in {Cause.PROTOCOL, Cause.RESET}
    assert seen.values == {}


def test_nobody_listens():
    assert probe(SshCheck(address="127.0.0.1:1"), wanted=frozenset()).failure.cause is Cause.REFUSED


def test_the_key_of_a_real_server_is_its_own(tmp_path):
    server, keygen = program("sshd", "usr/sbin"), program("ssh-keygen")
    if os.geteuid() == 0 and not Path("/run/sshd").is_dir():
        pytest.skip("sshd needs the folder /run/sshd")
    key = tmp_path / "key"
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    shown = subprocess.run([keygen, "-lf", f"{key}.pub"], check=True, capture_output=True, text=True).stdout
    port = free_port()
    argv = [server, "-D", "-e", "-f", "/dev/null", "-h", str(key), "-p", str(port), "-o", "ListenAddress=127.0.0.1",
            "-o", "PidFile=none"]  # fmt: skip
    with running(argv, tmp_path / "sshd.log", lambda: listens(port)):
        seen = probe(SshCheck(address=f"127.0.0.1:{port}"), timeout=10.0)
    assert seen.failure is None
    assert seen.values["protocol"] == "2.0"
    assert seen.values["fingerprint"] == shown.split()[1]
