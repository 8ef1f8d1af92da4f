"""The command line: which module answers which command, and how every error ends."""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from opsctl import __version__
from opsctl.errors import ExitCode, OpsctlError, Terminated, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import NoReturn

    import typer

# A command's module is imported when it is named, so that a start costs one module and not all.
COMMANDS = {
    "check": "check",
    "status": "status",
    "history": "history",
    "metrics": "metrics",
    "incident": "incident",
    "review": "review",
    "backlog": "backlog",
    "runbook": "runbook",
    "routine": "routine",
    "checklist": "checklist",
    "gate": "gate",
    "freeze": "freeze",
    "maintenance": "maintenance",
    "docs": "docs",
    "practice": "practice",
    "search": "search",
    "report": "report",
    "results": "results",
    "heartbeat": "heartbeat",
    "log": "log",
    "undo": "undo",
    "init": "init",
    "import": "import_",
    "export": "export",
    "demo": "demo",
    "validate": "validate",
    "schema": "schema",
    "db": "db",
    "help": "topics",
}
# Cron runs these every few minutes, and most of their command lines need no parser.
_PLAIN = ("check", "routine")

_HELP = """Make a team's operations practice executable, and keep the proof.

Start with `opsctl init`, then `opsctl check`. Every command has `--help` with examples;
`opsctl help exit-codes`, `help expectations`, `help selectors` and `help environment` say more.
"""


def build(arguments: Sequence[str] = ()) -> typer.Typer:
    """The application with the one command group that `arguments` name, or with all where that is unclear."""
    import typer

    app = typer.Typer(
        name="opsctl",
        help=_HELP,
        rich_markup_mode=None,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root(
        *, version: bool = typer.Option(False, "--version", help="Show the version and exit.", is_eager=True)
    ) -> None:
        if version:
            sys.stdout.write(f"opsctl {__version__}\n")
            raise typer.Exit

    named = COMMANDS.get(arguments[0]) if arguments else None
    for module in [named] if named else COMMANDS.values():
        import_module(f"opsctl.commands.{module}").register(app)
    _say_whole(app)
    for group in app.registered_groups:
        _share_examples(group.name or "", group.typer_instance)
    return app


def _share_examples(name: str, group: typer.Typer | None) -> None:
    """Give each command of a group that shows no examples those of the group that are its, or else all."""
    whole = group.info.epilog if group is not None else None
    if group is None or not isinstance(whole, str):
        return
    for command in group.registered_commands:
        if command.epilog is None:
            called = command.name or (command.callback.__name__ if command.callback else "")
            words = f"opsctl {name} {called}"
            own = [one for one in whole.splitlines() if f"{words} " in f"{one} "]
            command.epilog = "\n".join(["Examples:", "", "\b", *own, ""]) if own else whole


def _say_whole(app: typer.Typer) -> None:
    """Lists of commands show the first sentence of each, which would be cut where it is long."""
    for command in app.registered_commands:
        command.short_help = _first_sentence(command.help or getattr(command.callback, "__doc__", None))
    for group in app.registered_groups:
        if group.typer_instance is not None:
            group.short_help = _first_sentence(group.typer_instance.info.help)
            _say_whole(group.typer_instance)


def _first_sentence(text: str | None) -> str:
    return " ".join((text or "").split()).partition(". ")[0].removesuffix(".") + "."


def run() -> NoReturn:
    """Run the command line of this process and end the process with its exit code.

    Without the interpreter's own tidying, which costs a third of importing typer and waits for threads
    that a stuck resolver holds. Nothing needs it: what is written is on the disk, and children are stopped.
    """
    _open_closed_streams()
    os._exit(main())


def _open_closed_streams() -> None:
    # Where a caller closed one, the next file opened takes its number: output would go into the store.
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and answer its exit code; the only place where errors become words."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _prepare_streams()
    # A command lives for a moment, and a workspace is many small objects that stay.
    gc.set_threshold(100_000, 50, 100)
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        return _run(arguments)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _run(arguments: list[str]) -> int:
    try:
        code = _command(arguments)
        sys.stdout.flush()
    except OpsctlError as error:
        return _complain(str(error), error.exit_code)
    except Terminated:
        return _complain("terminated", ExitCode.TERMINATED)
    except KeyboardInterrupt:
        return _complain("interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader has gone; what is left in the buffer must not fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.NO
    except OSError as error:
        where = f"`{error.filename}`" if error.filename else "the output"
        return _complain(f"{where} cannot be used: {error.strerror}", ExitCode.UNKNOWN)
    except Exception as error:
        if os.environ.get("OPSCTL_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error}"
        words = f"internal error: {what}; run again with OPSCTL_DEBUG=1 and report what it says"
        return _complain(words, ExitCode.UNKNOWN)
    return code


def _command(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        sys.stdout.write(f"opsctl {__version__}\n")
        return ExitCode.YES
    if arguments and arguments[0] in {"-C", "--directory"}:
        option = arguments[0]
        raise UsageError(f"`{option} DIR` stands after the command, as in `opsctl check {option} DIR`")
    if arguments and arguments[0] in _PLAIN and "_OPSCTL_COMPLETE" not in os.environ:
        from opsctl.commands.plain import plain

        command = plain(arguments, os.environ)
        if command is not None:
            return command()
    try:
        build(_typed(arguments))(args=arguments, prog_name="opsctl")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.YES if end.code is None else ExitCode.USAGE
    return ExitCode.YES


def _typed(arguments: list[str]) -> list[str]:
    """What was typed; where a shell asks what to propose, that stands in its variables."""
    if "_OPSCTL_COMPLETE" not in os.environ:
        return arguments
    typed = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    return typed.split()[1:]


def _complain(words: str, code: ExitCode) -> int:
    from opsctl.prose import safe

    sys.stderr.write(f"opsctl: {safe(words)}\n")
    return code


def _prepare_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated
