"""What Docker's own Python client makes of the tests' daemon."""

from __future__ import annotations

import docker
import pytest
from checks.docker_client import agree, client, look
from checks.dockers import EXITED, RUNNING, health, serving, told

from opsctl.outcome import Cause, Failure

STATES = {
    "plain": RUNNING,
    "well": {**RUNNING, **health("healthy")},
    "sick": {**RUNNING, **health("unhealthy", 3)},
    "begun": {**RUNNING, **health("starting")},
    "paused": {**RUNNING, "Status": "paused", "Paused": True},
    "ended": EXITED,
}


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
