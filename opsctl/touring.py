"""`opsctl demo`: a shop that runs on this machine, and a story about it, told by commands that really run."""

from __future__ import annotations

import shlex
import sys
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from opsctl import demo
from opsctl.acting import actor_of
from opsctl.demo.program import environment, module
from opsctl.demo.story import FAREWELL, STORY, WIDTH
from opsctl.errors import OpsctlError, RefusedError, UsageError
from opsctl.prose import line
from opsctl.signals import signals_held
from opsctl.starting import Plan, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.demo.story import Command, Step
    from opsctl.world import World

_FILES = Path(demo.__file__).parent / "workspace"
_DUE = 14 * 86400.0
_PATIENCE = 15.0
_MEANINGS = {1: "no", 3: "could not tell"}


class _Shop(NamedTuple):
    """Where the shop is: its folder and its ports."""

    folder: Path
    web: int
    control: int


def tour(folder: Path, world: World, *, auto: bool) -> None:
    """Make a workspace in `folder`, which must not be there yet, open its shop, and tell the story.

    Waits for Enter before each step where somebody is there, and not `auto`. When the story ends, however
    it does, the shop ends too. Raises UsageError where the folder is there, RefusedError where a command
    ends in another way than the story needs.
    """
    waits = world.interactive and world.stdout.isatty() and not auto
    shop = _make(folder, world)
    with _open(shop):
        _tell(world, shop, waits=waits)
    _say(world, "", *FAREWELL.format(folder=shlex.quote(str(folder))).splitlines())


def _make(folder: Path, world: World) -> _Shop:
    """The shop's workspace and its database, in a folder that is new."""
    from opsctl.demo.goods import make
    from opsctl.demo.platform import free_port

    person = actor_of(world).name
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        words = "exists already, and nothing is overwritten; name another one: opsctl demo FOLDER"
        raise UsageError(f"{folder} {words}") from error
    web = free_port()
    shop = _Shop(folder.resolve(), web, free_port(web))
    start(Plan(folder, _written(shop, person), {}, (), ()))
    make(folder)
    return shop


def _written(shop: _Shop, person: str) -> dict[str, str]:
    """The texts of the workspace's files, by their paths in it."""
    blanks = {
        "<<web>>": str(shop.web),
        "<<control>>": str(shop.control),
        "<<python>>": shlex.quote(sys.executable),
        "<<person>>": line(person).replace("|", " "),
        "<<due>>": time.strftime("%Y-%m-%d", time.gmtime(time.time() + _DUE)),
    }
    texts = {}
    for path in sorted(one for one in _FILES.rglob("*") if one.is_file()):
        text = path.read_text("utf-8")
        for blank, value in blanks.items():
            text = text.replace(blank, value)
        texts[path.relative_to(_FILES).as_posix()] = text
    return texts


@contextmanager
def _open(shop: _Shop) -> Iterator[None]:
    """The shop is open; it also closes where this process is killed, because it holds its standard input."""
    import subprocess

    log = shop.folder / "data" / "shop.log"
    ports = (str(shop.web), str(shop.control))
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [*module("opsctl.demo.shop"), str(shop.folder), *ports, "--attached"],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        ) as process,
    ):
        try:
            assert process.stdout  # noqa: S101 - it is a pipe
            if not process.stdout.readline():
                raise OpsctlError(f"the shop could not be opened; {log} says why")
            yield
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _tell(world: World, shop: _Shop, *, waits: bool) -> None:
    """The chapters, to the end or until somebody quits."""
    hint = "   [Enter runs it, q quits]" if waits else ""
    for number, chapter in enumerate(STORY, 1):
        _say(world, "", _bold(world, _heading(world, f"{number}/{len(STORY)} {chapter.title}")))
        for step in chapter.steps:
            if not _take(world, shop, step, hint):
                return
            hint = "   [Enter]" if waits else ""


def _take(world: World, shop: _Shop, step: Step, hint: str) -> bool:
    """Show a step, wait where there is a `hint`, and do it; False where somebody would rather quit."""
    _say(world, "", *textwrap.wrap(step.words, WIDTH))
    for number, command in enumerate(step.commands):
        times = f"   # {command.times} times" if command.times > 1 else ""
        shown = f"\n{_bold(world, f'$ {command.line}')}{times}"
        if not hint or number > 0:
            _say(world, shown)
        elif not _goes_on(world, shown + hint):
            return False
        for _ in range(command.times):
            _run(world, shop, command)
    return True


def _goes_on(world: World, shown: str) -> bool:
    """Ask somebody on a terminal; what they typed before they were asked is no answer."""
    import termios

    termios.tcflush(world.stdin, termios.TCIFLUSH)
    world.stdout.write(f"{shown} ")
    world.stdout.flush()
    said = world.stdin.readline()
    return said != "" and not said.strip().lower().startswith("q")


def _run(world: World, shop: _Shop, command: Command) -> None:
    """Run it as it is shown, with its output where this one's is; RefusedError where it ends otherwise."""
    import subprocess

    words = shlex.split(command.line)
    argv = [*module("opsctl"), *words[1:]] if words[0] == "opsctl" else words
    child: subprocess.Popen[bytes] | None = None
    try:
        with signals_held():
            child = subprocess.Popen(
                argv, cwd=shop.folder, env=environment(), stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT
            )
        code = child.wait()
    except BaseException:
        if child is not None:
            child.terminate()
            child.wait(_PATIENCE)
        raise
    if code != command.code:
        raise RefusedError(
            f"`{command.line}` ended with {code}, and the story needs {command.code}; "
            f"{shop.folder} is left as it is"
        )
    if code:
        _say(world, f"(exit code {code}: {_MEANINGS[code]})")


def _heading(world: World, title: str) -> str:
    rule = "─" if "utf" in (world.stdout.encoding or "").lower() else "-"
    return f"{rule * 2} {title} ".ljust(WIDTH, rule)


def _bold(world: World, text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if world.coloured(world.stdout) else text


def _say(world: World, *lines: str) -> None:
    world.stdout.write("".join(f"{one}\n" for one in lines))
    world.stdout.flush()
