"""Every fault of `check --prove` played for real: what the probe then sees is judged as the fault says."""

from __future__ import annotations

import json
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from players import ping
from players.scenes import SCENES
from players.stage import HEALTHY, IMPATIENT, PATIENT, TIMEOUT, Stage, barred

from opsctl.checks import KINDS, Ask
from opsctl.expectations import root
from opsctl.faults import faults_of, touches
from opsctl.outcome import Cause, Observation, State
from opsctl.proving import caught
from opsctl.secrets import Secrets
from opsctl.verdicts import conclude
from opsctl.workspace import load_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future

    from players.scenes import Scene

    from opsctl.definitions import CheckDefinition
    from opsctl.faults import Fault

AT_ONCE = 16
# What some of the checks wait for in vain, beside all that are timed out.
UNENDING = frozenset({"silent", "mute", "no-ssh"})
ENVIRON = {"MAIL": "secret", "PATH": os.environ.get("PATH", os.defpath)}


def checks_of(folder: Path, scene: Scene, more: Mapping[str, Any]) -> list[CheckDefinition]:
    """The check with what it expects by itself, and once more with each expectation."""
    fields = {scene.type: {**scene.fields, **more}, "timeout": f"{TIMEOUT}s", "retries": 0}
    checks = {
        "default": fields,
        **{f"lens-{at}": {**fields, "expect": [lens]} for at, lens in enumerate(scene.lenses)},
    }
    # What is judged by records is about a check that there has to be.
    services = {"a": {"checks": checks}, "b": {"checks": {"x": {"file": "x"}}}}
    (folder / "opsctl.yaml").write_text(json.dumps({"version": 1, "name": "Faults", "services": services}))
    return [check for _, check in load_workspace(folder, {}).checks().values() if check.name != "b/x"]


def faults_in(scene: Scene) -> list[Fault]:
    with tempfile.TemporaryDirectory() as folder:
        kind = checks_of(Path(folder), scene, {})[0].kind
    return faults_of(scene.type, kind, TIMEOUT)


def seen(stage: Stage, scene: Scene, fault: Fault) -> list[tuple[CheckDefinition, Observation]]:
    """What the probe of each check sees while the fault is played; they all look at the same time."""
    played = scene.play(stage, fault)
    if played is None:
        pytest.fail(
            f"nobody plays the fault `{fault.name}` of {scene.type}; write its player in tests/players"
        )
    timeout = patience(fault)
    with played as fields:
        checks = checks_of(stage.folder, scene, fields)
        ask = Ask(timeout, frozenset(), Secrets(ENVIRON, stage.folder).resolve, ENVIRON, stage.folder, time.time(),
                  lambda _: None, lambda _: ())._replace(**stage.ask)  # fmt: skip
        # Those that want the same see the same, and look once.
        looks = {check.wanted: check.kind for check in checks}

        def look(wanted: frozenset[str]) -> Observation:
            return looks[wanted].probe(ask._replace(wanted=wanted))

        with (
            barred() if fault.name == scene.forbidden else nullcontext(),
            ThreadPoolExecutor(len(looks)) as pool,
        ):
            found = dict(zip(looks, pool.map(look, looks), strict=True))
    return [(check, found[check.wanted]) for check in checks]


def patience(fault: Fault) -> float:
    # What never comes need not be waited for for long.
    if fault.failure is not None and fault.failure.cause is Cause.TIMEOUT:
        return IMPATIENT
    return PATIENT if fault.name in UNENDING else TIMEOUT


def imagined(healthy: Observation, fault: Fault) -> Observation:
    """What the fault says: nothing but its values where no answer came, else the rest as it should be."""
    if fault.failure:
        return Observation(fault.values, fault.failure)
    # Of a family such as `header.*`, the name without the star stands for all of it.
    told = {*fault.values, *fault.gone}
    rest = {
        name: value for name, value in healthy.values.items() if name not in told and not _of(name) & told
    }
    return Observation({**rest, **fault.values})


def touched(check: CheckDefinition, fault: Fault) -> bool:
    return any(touches(fault, one) for one in check.expect)


def _of(name: str) -> set[str]:
    family = name.partition(".")[0]
    return {family} & {"header", "perfdata"}


@pytest.fixture(scope="module")
def plays(request, tmp_path_factory, certificates) -> Iterator[Callable[[str, Fault], Any]]:
    """What the checks of a scene see of a fault; all that this run asks for are played at once, as most only wait."""
    wanted = [item.callspec.params for item in request.session.items
              if getattr(item, "originalname", "") == test_a_fault_is_what_a_probe_really_sees.__name__]  # fmt: skip
    asked = [(one["name"], one["fault"]) for one in wanted]
    asked += [(name, HEALTHY) for name in dict.fromkeys(name for name, _ in asked)]
    folder, futures = tmp_path_factory.mktemp("plays"), {}

    def submit(name: str, fault: Fault) -> Future[Any]:
        place = folder / str(len(futures))
        place.mkdir()
        stage = Stage(place, certificates, SCENES[name].fields, {})
        futures[name, fault.name] = pool.submit(seen, stage, SCENES[name], fault)
        return futures[name, fault.name]

    with ping.over_udp(), ThreadPoolExecutor(AT_ONCE) as pool:
        for name, fault in asked:
            if SCENES[name].alone or fault.name == SCENES[name].forbidden:
                wait([submit(name, fault)])
        # Those that wait longest come first.
        for name, fault in sorted(
            asked, key=lambda one: (patience(one[1]) == TIMEOUT, "slow" not in one[1].name)
        ):
            if (name, fault.name) not in futures:
                submit(name, fault)
        yield lambda name, fault: futures[name, fault.name].result()
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize(
    ("name", "fault"), [pytest.param(name, fault, id=f"{name}: {fault.name}") for name, scene in SCENES.items() for fault in faults_in(scene)]
)  # fmt: skip
def test_a_fault_is_what_a_probe_really_sees(plays, name, fault):
    healthy = plays(name, HEALTHY)
    default = conclude(*healthy[0], at=0.0, attempts=1, mask=None, explain=False)
    assert default.state is State.UP, default
    for (check, real), (_, good) in zip(plays(name, fault), healthy, strict=True):
        saw, says, right = (
            conclude(check, one, at=0.0, attempts=1, mask=None, explain=False)
            for one in (real, imagined(good, fault), good)
        )
        if any(one.name.startswith("latency") for one in check.expect) and not (
            fault.failure or touched(check, fault)
        ):
            # How long it takes else is this machine's business.
            continue
        told = (str(check.expect), "really", saw.message, real.values, "by the fault", says.message)
        assert [one.verdict is True for one in saw.judged] == [one.verdict is True for one in says.judged], (
            told
        )
        assert (saw.state is State.UP) == (says.state is State.UP), told
        if saw.state is not State.UP and (fault.failure or not real.failure):
            assert saw.cause == says.cause, told
        # Where the fault leaves open what came, the probe may know it.
        if fault.failure or not (real.failure or says.state is State.UNKNOWN):
            assert saw.state == says.state, told
        if right.state is State.UP:
            assert caught(check, fault) == (saw.state is not State.UP), told


@pytest.mark.parametrize("type_", KINDS)
def test_the_faults_of_every_type_are_played(type_):
    assert type_ in {scene.type for scene in SCENES.values()}, "write its player in tests/players"


@pytest.mark.parametrize("name", SCENES)
def test_every_subject_that_a_fault_touches_is_looked_at(tmp_path, name):
    scene = SCENES[name]
    looked = {
        word
        for check in checks_of(tmp_path, scene, {})
        for one in check.expect
        for word in (one.name, root(one))
    }
    for fault in faults_in(scene):
        assert {*fault.values, *fault.gone} <= looked, fault.name
