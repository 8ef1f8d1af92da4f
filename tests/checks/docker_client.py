"""What Docker's own Python client reads of a container, beside what the `docker` check saw."""

from __future__ import annotations

import time
from contextlib import closing

import docker
from checks.probe import probe

from opsctl.checks.docker import DockerCheck


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
