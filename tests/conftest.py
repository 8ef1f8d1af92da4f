"""What all tests share: the `opsctl` builder, and guards that keep tests off the real home and network."""

from __future__ import annotations

import gc
import io
import ipaddress
import os
import signal
import socket
import sys
import textwrap
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import typer

pytest_plugins = ["certificates", "servers", "web", "dovecot", "slapd"]

# No test fails for being slow: a busy machine is no defect. Every round draws other examples, and a long one draws more.
settings.register_profile(
    "untimed",
    deadline=None,
    max_examples=1_000 if os.environ.get("OPSCTL_LONG") else 50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("untimed")

# Whoever starts the tests in the background may have SIGINT ignored, which children would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
NOW = "2026-11-20T12:00:00Z"
# The files that take longest, so that no worker is left alone with one of them at the end.
FIRST = (
    "tests/test_packaging.py", "commands/test_demo.py", "templates/test_all.py", "edge_platform/test_checks.py",
    "aws_platform/test_checks.py", "edge_platform/test_gates.py", "aws_platform/test_gates.py",
    "bot_service/test_routines.py", "bot_service/test_runbooks.py", "bot_service/test_gates.py",
    "aws_platform/test_routines.py", "edge_platform/test_routines.py", "edge_platform/test_runbooks.py",
    "web_platform/test_runbooks.py", "aws_platform/test_runbooks.py", "web_platform/test_checks.py",
)  # fmt: skip


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Nothing of what is collected is garbage, and to look for some takes a fifth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get("/".join(item.path.parts[-2:]), len(FIRST)))


class Ran(NamedTuple):
    """What one command line did."""

    code: int
    out: str
    err: str


class Opsctl:
    """A workspace folder, and the command line run in it, in this process or in one of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder
        self._monkeypatch = monkeypatch

    def write(self, name: str, text: str) -> Opsctl:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return self

    def __call__(self, *arguments: str, env: dict[str, str] | None = None, now: str = NOW) -> Ran:
        from opsctl import cli

        build = cli.build
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with self._monkeypatch.context() as patch:
            patch.chdir(self.path)
            # Nobody pulls the plug, so the disk is not waited for.
            patch.setattr(os, "fsync", lambda _file: None)
            patch.setattr("opsctl.store.opening.SYNCHRONOUS", "OFF")
            patch.setattr(cli, "build", lambda words: _built(build, words[0] if words else ""))
            patch.setenv("OPSCTL_NOW", now)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["opsctl", *arguments])
            patch.setattr(sys, "stdin", io.StringIO())
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code = int(cli.main(list(arguments)))
        return Ran(code, _written(out), _written(err))

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "OPSCTL_NOW": NOW, **more}

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "opsctl", *arguments]

    def process(self, *arguments: str, **env: str) -> Ran:
        import subprocess

        done = subprocess.run(
            self.argv(*arguments),
            cwd=self.path,
            env=self.environment(**env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


@cache
def _built(build: Callable[[list[str]], typer.Typer], word: str) -> Callable[..., object]:
    """The command line of a group, which is the same each time and takes longer to make than many a command to run."""
    from typer.main import get_command

    return get_command(build([word]))


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined]


@pytest.fixture
def opsctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opsctl:
    return Opsctl(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def no_power_cut() -> Iterator[None]:
    """Nobody pulls the plug, so the disk is not waited for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("opsctl.store.opening.SYNCHRONOUS", "OFF")
        yield


@pytest.fixture(autouse=True)
def _quiet_machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No real home, no settings of the machine, no connection beyond this machine."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    for name in (
        "CI", "OPSCTL_DB", "OPSCTL_WORKSPACE", "OPSCTL_DEBUG", "GITHUB_STEP_SUMMARY", "TERM", "XDG_CACHE_HOME",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))


def _guarded(method: Callable[..., object]) -> Callable[..., object]:
    def guarded(self: socket.socket, *arguments: object) -> object:
        address = arguments[-1]
        if isinstance(address, tuple) and not _is_here(str(address[0])):
            pytest.fail(f"a test tried to connect to {address}")
        return method(self, *arguments)

    return guarded


def _is_here(host: str) -> bool:
    # To the broadcast address the kernel itself makes no connection.
    try:
        return host in {"localhost", "255.255.255.255"} or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def server_or_skip(program: str, *places: str) -> str:
    """The path of a real server's program; a skip with the reason where it is absent, a failure in CI."""
    import shutil

    found = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *places]))
    if found:
        return found
    if os.environ.get("OPSCTL_REQUIRE_SERVERS"):
        pytest.fail(f"{program} is required here and is not installed")
    pytest.skip(f"{program} is not installed")
