"""The `systemd` check against a systemd of its own, in a corner of the machine where it cannot touch the rest."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from checks.probe import probe

from opsctl.checks.systemd import SystemdCheck
from opsctl.outcome import Cause, Failure

SYSTEMD = Path("/usr/lib/systemd/systemd")
# What only root may do. The control group says which processes are its own, and ends them all.
CORNER = """
mount --make-rprivate / && mount -t tmpfs run /run && mkdir -p /run/systemd/system &&
{ umount -R /sys/fs/cgroup || true; } && mount -t cgroup2 groups /sys/fs/cgroup &&
mkdir "/sys/fs/cgroup/$1" || exit 1
sh -c 'echo $$ >"/sys/fs/cgroup/$0/cgroup.procs" && exec unshare --cgroup --mount sh -c "
    umount /sys/fs/cgroup && mount -t cgroup2 own /sys/fs/cgroup && exec $1 --user --unit=basic.target"' "$1" "$2" &
read -r _
kill $!
wait $!
echo 1 >"/sys/fs/cgroup/$1/cgroup.kill"
find "/sys/fs/cgroup/$1" -depth -type d -exec rmdir {} +
"""
UNITS = {
    "well": "[Service]\nExecStart=sleep 1000\n[Install]\nWantedBy=default.target\n",
    "fails": "[Service]\nExecStart=sh -c 'exit 3'\n",
    "killed": "[Service]\nExecStart=sh -c 'kill -9 $$$$'\n",
    "begins": "[Service]\nType=oneshot\nExecStart=sleep 1000\n",
    "once": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=true\n",
    "again": "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=false\nRestart=always\nRestartSec=10ms\n",
    "idle": "[Service]\nExecStart=true\n",
    "wrong": "[Service]\nExec=nothing\n",
}


@pytest.fixture(scope="module")
def systemd():
    """The environment by which a user's own systemd is asked; a skip where this machine cannot have one."""
    if os.geteuid() or not SYSTEMD.exists() or not shutil.which("unshare"):
        pytest.skip("a systemd of its own takes root, `systemd` and `unshare`")
    # Not in pytest's folders, whose paths are too long for sockets.
    folder = Path(tempfile.mkdtemp(prefix="opsctl-systemd-"))
    units = folder / "units"
    units.mkdir()
    for name, text in UNITS.items():
        (units / f"{name}.service").write_text(text)
    (units / "masked.service").symlink_to("/dev/null")
    environ = {"PATH": "/usr/bin:/bin:/usr/sbin", "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder),
               "SYSTEMD_UNIT_PATH": f"{units}:"}  # fmt: skip
    argv = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        CORNER,
        "sh",
        folder.name,
        SYSTEMD,
    ]
    child = subprocess.Popen(
        argv, env=environ, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        until = time.monotonic() + 30
        while not (folder / "systemd" / "private").exists():
            if child.poll() is not None or time.monotonic() > until:
                pytest.skip("systemd does not run here")
            time.sleep(0.02)
        started = ("well", "fails", "killed", "begins", "once", "again")
        subprocess.run(["systemctl", "--user", "start", "--no-block", *started], env=environ, check=True)
        subprocess.run(["systemctl", "--user", "-q", "enable", "well"], env=environ, check=True)
        yield environ
    finally:
        child.communicate()
        shutil.rmtree(folder)


def look(environ, unit):
    return probe(SystemdCheck(unit=unit, user=True), environ=environ, timeout=10.0)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (
            "well",
            {
                "active": "active",
                "sub": "running",
                "result": "success",
                "enabled": "enabled",
                "load": "loaded",
            },
        ),
        ("fails", {"active": "failed", "sub": "failed", "result": "exit-code", "exit_code": 3}),
        ("killed", {"active": "failed", "sub": "failed", "result": "signal", "exit_code": 137}),
        ("begins", {"active": "activating", "sub": "start"}),
        ("once", {"active": "active", "sub": "exited", "result": "success", "exit_code": 0}),
        ("idle", {"active": "inactive", "sub": "dead", "load": "loaded", "enabled": "static"}),
        ("wrong", {"active": "inactive", "load": "bad-setting"}),
        ("masked", {"active": "inactive", "load": "masked", "enabled": "masked"}),
    ],
)
def test_what_a_real_systemd_says(systemd, unit, expected):
    until = time.monotonic() + 30
    while not expected.items() <= (seen := look(systemd, unit)).values.items():
        assert time.monotonic() < until, seen
        time.sleep(0.05)
    assert seen.failure is None
    assert ("uptime" in seen.values) == (expected["active"] == "active")
    assert ("exit_code" in seen.values) == ("exit_code" in expected)


def test_a_real_unit_that_is_started_again_and_again(systemd):
    until = time.monotonic() + 30
    while look(systemd, "again").values.get("restarts", 0) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_unit_that_a_real_systemd_does_not_know(systemd):
    seen = look(systemd, "no-such")
    assert (seen.values, seen.failure) == (
        {},
        Failure(Cause.MISSING, "there is no such unit; look at its name"),
    )
