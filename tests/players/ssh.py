"""SSH servers that fail as `opsctl.faults.ssh` says; those that show a key are real ones."""

from __future__ import annotations

import base64
import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from checks.peers import saying
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from players.stage import TIMEOUT, UNANSWERED, addressed, late, served
from servers import HOST, free_port, listens, program, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from players.stage import Played, Stage

    from opsctl.faults import Fault

_KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes(32 * [at]))
    for at, name in enumerate(("healthy", "other-host"))
}


def _fingerprint(key: Ed25519PrivateKey) -> str:
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1]
    digest = hashlib.sha256(base64.b64decode(public)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


LENSES = (
    'protocol == "2.0"',
    'protocol in ["1.99", "2.0"]',
    'banner contains "SSH-2.0-OpenSSH"',
    'software contains "OpenSSH"',
    f'fingerprint == "{_fingerprint(_KEYS["healthy"])}"',
    "latency < 500ms",
)


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    if fault.name in UNANSWERED:
        return addressed(UNANSWERED[fault.name]())
    if fault.name in _KEYS:
        return addressed(_server(stage, _KEYS[fault.name]))
    plays = {
        "no-ssh": saying(b"220 mail.test ESMTP\r\n"),
        # The last version that speaks nothing newer.
        "old-protocol": saying(b"SSH-1.5-1.2.27\n"),
        # Nobody has the time left to ask for a key.
        "slow": late(saying(b"SSH-2.0-OpenSSH_9.2\r\n"), 0.55 * TIMEOUT),
    }
    return addressed(served(plays[fault.name])) if fault.name in plays else None


@contextmanager
def _server(stage: Stage, key: Ed25519PrivateKey) -> Iterator[str]:
    if os.geteuid() == 0 and not Path("/run/sshd").is_dir():
        pytest.skip("sshd needs the folder /run/sshd")
    path = stage.folder / "key"
    path.touch(0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    port = free_port()
    argv = [program("sshd", "usr/sbin"), "-D", "-e", "-f", "/dev/null", "-h", str(path), "-p", str(port),
            "-o", f"ListenAddress={HOST}", "-o", "PidFile=none", "-o", "MaxStartups=100"]  # fmt: skip
    with running(argv, stage.folder / "log", lambda: listens(port)):
        yield f"{HOST}:{port}"
