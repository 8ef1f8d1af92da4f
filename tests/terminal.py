"""A command on a terminal, with somebody who types."""

from __future__ import annotations

import os
import pty
import subprocess


def typed(opsctl, environment, answers, *arguments):
    """A command on a terminal, with what somebody types there."""
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        opsctl.argv(*arguments),
        cwd=opsctl.path,
        env={**opsctl.environment(), **environment, "TERM": "xterm"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    os.write(leader, answers.encode())
    shown = b""
    try:
        while chunk := os.read(leader, 65536):
            shown += chunk
    except OSError:
        pass
    os.close(leader)
    return child.wait(30), shown.decode().replace("\r\n", "\n")
