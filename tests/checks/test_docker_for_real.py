"""The `docker` check against real engines: Docker's own and Podman's, in a corner of the machine without networks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
import servers
from checks.docker_client import agree, client, look

from opsctl.outcome import Cause, Failure

# Nothing of the machine's own networks or containers is touched.
DOCKERD = (
    "exec dockerd --host unix://$1/engine.sock --data-root $2/data --exec-root $1/run --pidfile $2/pid"
    " --storage-driver vfs --bridge none --iptables=false --ip6tables=false"
)
# Old and new control groups side by side are more than Podman knows; here it sees the new ones only.
PODMAN = """
mount --make-rprivate / && { umount -R /sys/fs/cgroup || true; } && mount -t cgroup2 none /sys/fs/cgroup || exit 1
export CONTAINERS_CONF=$2/containers.conf CONTAINERS_STORAGE_CONF=$2/storage.conf
exec podman system service --time 0 unix://$1/engine.sock
"""
# Without networks and limits, which not every machine can give.
CONTAINERS = """
[containers]
cgroups = "disabled"
netns = "none"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
events_logger = "none"
"""
STORAGE = '[storage]\ndriver = "vfs"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n'
ENGINES = {"dockerd": DOCKERD, "podman": PODMAN}


def listens(path):
    with socket.socket(socket.AF_UNIX) as asking:
        return path.exists() and asking.connect_ex(str(path)) == 0


@pytest.fixture(params=ENGINES)
def engine(request, tmp_path):
    """The name and the socket of a real engine with an image `box`, and its client; a skip where none can be run."""
    if os.geteuid():
        pytest.skip("an engine of its own takes root")
    for name in (request.param, "unshare", "busybox"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
    (tmp_path / "box/bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), tmp_path / "box/bin/busybox")
    if subprocess.run(["chroot", tmp_path / "box", "/bin/busybox", "true"], check=False).returncode:
        pytest.skip("busybox needs libraries; install busybox-static")
    (tmp_path / "containers.conf").write_text(CONTAINERS)
    (tmp_path / "storage.conf").write_text(STORAGE.format(folder=tmp_path))
    # The paths of pytest's folders are too long for sockets.
    with tempfile.TemporaryDirectory(prefix="opsctl-engine-", ignore_cleanup_errors=True) as short:
        path = Path(short) / "engine.sock"
        with served(request.param, path, tmp_path), client(path) as own:
            yield request.param, path, imported(own, tmp_path)
            for container in own.containers.list(all=True):
                container.remove(force=True)


@contextmanager
def served(which, path, folder):
    """Run an engine, its socket at `path` and what it keeps in `folder`; a skip where it does not get ready."""
    argv = ["unshare", "--mount", "sh", "-c", ENGINES[which], "sh", path.parent, folder]
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        until = time.monotonic() + servers.PATIENCE
        while child.poll() is None and not listens(path) and time.monotonic() < until:
            time.sleep(0.02)
        if not listens(path):
            said = (folder / "log").read_text(errors="replace")
            pytest.skip(f"{which} does not run here: {said[-300:]}")
        yield
    finally:
        child.terminate()
        child.wait()


def imported(own, folder):
    """The client, whose engine then has an image that is busybox alone."""
    with tarfile.open(folder / "box.tar", "w") as tar:
        tar.add(folder / "box", "")
    own.api.import_image(str(folder / "box.tar"), repository="box")
    return own


def started(own, name, *command, **options):
    return own.containers.run(
        "box", ["/bin/busybox", *command], name=name, detach=True, network_mode="none", **options
    )


def looked_after(own, name, interval, *command):
    healthcheck = {"test": ["CMD", "/bin/busybox", *command], "retries": 1, "interval": interval * 10**9}
    started(own, name, "sleep", "100", healthcheck=healthcheck)


def settle(engine, own, name):
    """Wait for the first word of its health check, which Docker looks for by itself, and Podman where it is told to."""
    if engine == "podman":
        own.api.get(f"http://localhost/v4.0.0/libpod/containers/{name}/healthcheck").raise_for_status()
    until = time.monotonic() + servers.PATIENCE
    while own.containers.get(name).health == "starting":
        assert time.monotonic() < until
        time.sleep(0.05)


def steady(path, own, name):
    """What the check and the client see of it at a time at which nothing changes."""
    while True:
        before, seen = own.containers.get(name), look(path, name)
        if own.containers.get(name).attrs["State"] == before.attrs["State"]:
            return seen, before


def test_a_real_engine(engine):
    which, path, own = engine
    try:
        started(own, "plain", "sleep", "100")
    except docker.errors.APIError as error:
        pytest.skip(f"{which} runs no containers here: {error}")
    own.containers.create("box", ["/bin/busybox"], name="created")
    started(own, "ended", "sh", "-c", "exit 3").wait()
    looked_after(own, "begun", 3600, "true")
    # Podman is told when to look.
    interval = 0 if which == "podman" else 1
    looked_after(own, "well", interval, "true")
    looked_after(own, "sick", interval, "cat", "/none")
    for name in ("well", "sick"):
        settle(which, own, name)
    seen = {}
    for name in ("plain", "begun", "well", "sick", "created", "ended"):
        seen[name], container = steady(path, own, name)
        agree(container, seen[name].values)
    assert {name: (one.values["healthy"], one.values.get("health")) for name, one in seen.items()} == {
        "plain": (True, None), "begun": (False, "starting"), "well": (True, "healthy"), "sick": (False, "unhealthy"),
        "created": (False, None), "ended": (False, None),
    }  # fmt: skip
    assert look(path, "none").failure == Failure(Cause.MISSING, "there is no container `none`")
    assert "exit_code" not in seen["created"].values
    assert seen["ended"].values["exit_code"] == 3
    assert "can't open" in seen["sick"].evidence["output"]
    assert 0 < seen["plain"].values["uptime"] < 600
