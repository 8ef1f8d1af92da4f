"""What Docker's own Python client makes of the tests' daemon, and the `docker` check against a real engine."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tarfile
import time
from contextlib import closing

import docker
import pytest
from checks.dockers import EXITED, RUNNING, health, serving, told
from checks.probe import probe

from opsctl.checks.docker import DockerCheck
from opsctl.outcome import Cause, Failure

STATES = {
    "plain": RUNNING,
    "well": {**RUNNING, **health("healthy")},
    "sick": {**RUNNING, **health("unhealthy", 3)},
    "begun": {**RUNNING, **health("starting")},
    "paused": {**RUNNING, "Status": "paused", "Paused": True},
    "ended": EXITED,
}


def look(path, name):
    return probe(DockerCheck(container=name, socket=str(path)), timeout=10.0, now=time.time())


def client(path):
    return closing(docker.DockerClient(base_url=f"unix://{path}", version="auto"))


def agree(container, values):
    """Whether the client reads what the check saw."""
    state = container.attrs["State"]
    checked = container.health if container.health not in {"", "unknown"} else None
    assert (values["state"], values.get("health")) == (container.status, checked)
    assert values["out_of_memory"] == state["OOMKilled"]
    assert values["restarts"] == container.attrs["RestartCount"]
    assert (values["image"], values["image_id"]) == (
        container.attrs["Config"]["Image"],
        container.attrs["Image"],
    )
    assert values.get("exit_code", state["ExitCode"]) == state["ExitCode"]
    assert values.get("failing") == (state["Health"]["FailingStreak"] if checked else None)


def test_docker_s_own_client_reads_the_tests_daemon_as_the_check_does(tmp_path):
    path = tmp_path / "docker.sock"
    with serving(path) as daemon:
        daemon.containers |= {name: told(state, name) for name, state in STATES.items()}
        with client(path) as own:
            for name in STATES:
                agree(own.containers.get(name), look(path, name).values)
            with pytest.raises(docker.errors.NotFound, match="No such container: other"):
                own.containers.get("other")
        assert look(path, "other").failure == Failure(Cause.MISSING, "there is no container `other`")


# In a container of its own, without networks and limits, which not every machine can give.
CONTAINERS = """
[containers]
cgroups = "disabled"
netns = "none"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
events_logger = "none"
"""
STORAGE = '[storage]\ndriver = "vfs"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n'
# Old and new control groups side by side are more than the engine knows; here it sees the new ones only.
SERVE = """
mount --make-rprivate / && { umount -R /sys/fs/cgroup || true; } && mount -t cgroup2 none /sys/fs/cgroup || exit 1
exec podman system service --time 0 "unix://$1"
"""


def listens(path):
    with socket.socket(socket.AF_UNIX) as asking:
        return path.exists() and asking.connect_ex(str(path)) == 0


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """The socket of a real engine that has an image `box`; a skip where this machine cannot run one."""
    for name in ("podman", "unshare", "busybox"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
    (tmp_path / "containers.conf").write_text(CONTAINERS)
    (tmp_path / "storage.conf").write_text(STORAGE.format(folder=tmp_path))
    monkeypatch.setenv("CONTAINERS_CONF", str(tmp_path / "containers.conf"))
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "storage.conf"))
    with tarfile.open(tmp_path / "box.tar", "w") as tar:
        tar.add(shutil.which("busybox"), "bin/busybox")
    path = tmp_path / "engine.sock"
    child = subprocess.Popen(["unshare", "--mount", "sh", "-c", SERVE, "sh", path], stderr=subprocess.PIPE)
    try:
        while child.poll() is None and not listens(path):
            time.sleep(0.02)
        if child.poll() is not None:
            pytest.skip(f"podman does not run here: {child.stderr.read().decode(errors='replace')[-200:]}")
        with client(path) as own:
            own.api.import_image(str(tmp_path / "box.tar"), repository="box")
            yield path, own
            for container in own.containers.list(all=True):
                container.remove(force=True)
    finally:
        child.terminate()
        child.wait()
        child.stderr.close()


def started(own, name, *command, **options):
    return own.containers.run(
        "box", ["/bin/busybox", *command], name=name, detach=True, network_mode="none", **options
    )


def test_a_real_engine(engine):
    path, own = engine
    begun = {"test": ["CMD", "/bin/busybox", "true"], "interval": 0}
    sick = {"test": ["CMD", "/bin/busybox", "cat", "/none"], "retries": 1, "interval": 0}
    try:
        started(own, "plain", "sleep", "100")
    except docker.errors.APIError as error:
        pytest.skip(f"podman runs no containers here: {error}")
    started(own, "begun", "sleep", "100", healthcheck=begun)
    started(own, "well", "sleep", "100", healthcheck=begun)
    started(own, "sick", "sleep", "100", healthcheck=sick)
    own.containers.create("box", ["/bin/busybox"], name="created")
    for name in ("well", "sick"):
        own.api.get(f"http://localhost/v4.0.0/libpod/containers/{name}/healthcheck").raise_for_status()
    seen = {name: look(path, name) for name in ("plain", "begun", "well", "sick", "created", "none")}
    for name, one in seen.items():
        if name != "none":
            agree(own.containers.get(name), one.values)
    assert {name: (one.values.get("healthy"), one.values.get("health")) for name, one in seen.items()} == {
        "plain": (True, None), "begun": (False, "starting"), "well": (True, "healthy"), "sick": (False, "unhealthy"),
        "created": (False, None), "none": (None, None),
    }  # fmt: skip
    assert seen["none"].failure == Failure(Cause.MISSING, "there is no container `none`")
    assert "exit_code" not in seen["created"].values
    assert "can't open" in seen["sick"].evidence["output"]
    assert 0 < seen["plain"].values["uptime"] < 60
