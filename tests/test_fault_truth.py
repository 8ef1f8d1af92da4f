"""Every fault of `check --prove` played for real: what the probe then sees is judged as the fault says."""

from __future__ import annotations

import json
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from players import command, dns, file, health, http, mail, redis, sqlite, tcp, tls
from players import time as clocks
from players.stage import IMPATIENT, TIMEOUT, Stage

from opsctl.checks import Ask
from opsctl.expectations import root
from opsctl.faults import Fault, faults_of, touches
from opsctl.outcome import Cause, Observation, State
from opsctl.proving import caught
from opsctl.secrets import Secrets
from opsctl.verdicts import conclude
from opsctl.workspace import load_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from certificates import Certificates
    from players.stage import Played

    from opsctl.definitions import CheckDefinition


class Scene(NamedTuple):
    """A check as people write it, the expectations that are tried of it one by one, and who plays its faults."""

    type: str
    fields: Mapping[str, Any]
    lenses: tuple[str, ...]
    play: Callable[[Stage, Fault], Played | None]


USER = {"user": "app", "password": "${env:MAIL}"}
SCENES = {
    "http": Scene("http", {"url": "http://a/"}, http.LENSES, http.play),
    "http, following": Scene("http", {"url": "http://a/", "redirects": 3}, http.LENSES, http.play),
    "http, HEAD": Scene("http", {"url": "http://a/", "method": "HEAD"}, http.LENSES, http.play),
    "https": Scene("http", {"url": "https://a/"}, http.OVER_TLS, http.play),
    "https, unverified": Scene("http", {"url": "https://a/", "verify": False}, http.OVER_TLS, http.play),
    "health": Scene("health", {"url": "http://a/"}, health.LENSES, health.play),
    "health, of a component": Scene(
        "health", {"url": "http://a/", "components": ["db"]}, health.OF_A_COMPONENT, health.play
    ),
    "ntp": Scene("ntp", {"server": "a"}, clocks.OF_A_SERVER, clocks.play),
    "clock": Scene("clock", {"server": "a"}, clocks.OF_A_CLOCK, clocks.play),
    "tcp": Scene("tcp", {"address": "a:1"}, tcp.LENSES, tcp.play),
    "tcp, listening": Scene("tcp", {"address": "a:1", "until": "^220 "}, tcp.LENSES, tcp.play),
    "tcp, content with anything": Scene("tcp", {"address": "a:1", "until": r"^\d+"}, tcp.LENSES, tcp.play),
    "tls": Scene("tls", {"address": "a:1"}, tls.WITH_CHAIN, tls.play),
    "tls, unverified": Scene("tls", {"address": "a:1", "verify": False}, tls.WITH_CHAIN, tls.play),
    "tls, of mail": Scene("tls", {"address": "a:1", "starttls": "smtp"}, tls.LENSES, tls.play),
    "dns": Scene("dns", {"name": "www.a.test"}, dns.OF_A_SERVER, dns.play),
    "dns, the system's": Scene("dns", {"name": "www.a.test", "resolver": "system"}, dns.LENSES, dns.play),
    "redis": Scene("redis", {"address": "a:1", "key": "jobs"}, redis.LENSES, redis.play),
    "command": Scene("command", {"run": ["a"]}, command.LENSES, command.play),
    "command, JSON": Scene("command", {"run": ["a"], "format": "json"}, command.LENSES, command.play),
    "command, plugin": Scene("command", {"run": ["a"], "format": "nagios"}, command.AS_PLUGIN, command.play),
    "file": Scene("file", {"path": "a"}, file.LENSES, file.play),
    "sqlite": Scene("sqlite", {"path": "a", "query": sqlite.QUERY}, sqlite.LENSES, sqlite.play),
    "sqlite, whole": Scene("sqlite", {"path": "a"}, sqlite.WHOLE, sqlite.play),
    **{
        f"{type_}, {words}": Scene(type_, {"address": "a:1", **fields}, lenses, partial(mail.play, type_))
        for type_ in mail.PROTOCOLS
        for words, fields, lenses in (
            ("in the open", {"tls": "none"}, mail.LENSES[type_]),
            ("STARTTLS", {}, mail.LENSES[type_]),
            ("TLS and a user", {"tls": "direct", **USER}, (*mail.LENSES[type_], *mail.LET_IN[type_])),
        )
    },
}
NOBODY = 65534
HEALTHY = Fault("healthy", "it is as it should be")
ENVIRON = {"MAIL": "secret", "PATH": os.environ.get("PATH", os.defpath)}


def checks_of(folder: Path, scene: Scene, more: Mapping[str, Any]) -> list[CheckDefinition]:
    """The check with what it expects by itself, and once more with each expectation."""
    fields = {scene.type: {**scene.fields, **more}, "timeout": f"{TIMEOUT}s", "retries": 0}
    checks = {
        "default": fields,
        **{f"lens-{at}": {**fields, "expect": [lens]} for at, lens in enumerate(scene.lenses)},
    }
    told = {"version": 1, "name": "Faults", "services": {"a": {"checks": checks}}}
    (folder / "opsctl.yaml").write_text(json.dumps(told))
    return [check for _, check in load_workspace(folder, {}).checks().values()]


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
    secrets = Secrets(ENVIRON, stage.folder)
    timeout = IMPATIENT if fault.name in {"timeout", "silent", "locked"} else TIMEOUT
    with played as fields:
        checks = checks_of(stage.folder, scene, fields)

        def look(check: CheckDefinition) -> Observation:
            return check.kind.probe(Ask(timeout, check.wanted, secrets.resolve, ENVIRON, stage.folder, time.time(),
                                        lambda _: None, lambda _: ()))  # fmt: skip

        with barred(fault), ThreadPoolExecutor(32) as pool:
            return list(zip(checks, pool.map(look, checks), strict=True))


@contextmanager
def barred(fault: Fault) -> Iterator[None]:
    """As nobody, where the fault is that something is forbidden: to root nothing is."""
    drops = fault.failure is not None and fault.failure.cause is Cause.PERMISSION and os.geteuid() == 0
    if drops:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if drops:
            os.seteuid(0)


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
def healthy(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates):
    """What each check sees where nothing is wrong, by scene."""
    found: dict[str, list[Observation]] = {}

    def observe(name: str) -> list[Observation]:
        if name not in found:
            scene = SCENES[name]
            stage = Stage(tmp_path_factory.mktemp("healthy"), certificates, scene.fields)
            looked = seen(stage, scene, HEALTHY)
            default = conclude(*looked[0], at=0.0, attempts=1, mask=None, explain=False)
            assert default.state is State.UP, default
            found[name] = [one for _, one in looked]
        return found[name]

    return observe


@pytest.mark.parametrize(
    ("name", "fault"), [pytest.param(name, fault, id=f"{name}: {fault.name}") for name, scene in SCENES.items() for fault in faults_in(scene)]
)  # fmt: skip
def test_a_fault_is_what_a_probe_really_sees(tmp_path, certificates, healthy, name, fault):
    scene = SCENES[name]
    well = healthy(name)
    for (check, real), good in zip(
        seen(Stage(tmp_path, certificates, scene.fields), scene, fault), well, strict=True
    ):
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
        if fault.failure:
            assert saw.state == says.state, told
        if right.state is State.UP:
            assert caught(check, fault) == (saw.state is not State.UP), told


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
