"""`opsctl init`: a new workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.commands.console import emit, reader_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.templating import Template, Value
    from opsctl.world import World

EPILOG = """Examples:

\b
  opsctl init                  in the current folder
  opsctl init ops --name Shop  in the folder `ops`
  opsctl init --list           the templates, and what each asks for
  opsctl init ops --template common --template web-platform --set domain=shop.example.com

Templates are combined in the order they are named; of what two have, the later one's is taken.
A value that is not given is asked for on a terminal; elsewhere, and where nothing is answered, the
files say `unset-VALUE.invalid`, and `opsctl validate` shows each place.
"""


def register(app: typer.Typer) -> None:
    """Add `init` to the application."""
    app.command(epilog=EPILOG)(init)


def _names(incomplete: str) -> list[str]:
    from opsctl.templating import names

    return [name for name in names() if name.startswith(incomplete)]


def init(
    folder: Annotated[Path, typer.Argument(help="Where; made where it is missing.")] = Path(),
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="What is operated; by default the folder's name."),
    ] = None,
    template: Annotated[
        list[str] | None,
        typer.Option(
            "--template", metavar="NAME", autocompletion=_names, help="What to begin with; repeatable."
        ),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="VALUE=TEXT", help="What a template asks for; repeatable."),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Show the templates and their values.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")
    ] = False,
) -> None:
    """Write a valid workspace, a small one or a template's; never overwrites one."""
    from opsctl.formats.starting import templates, told
    from opsctl.starting import plan, start
    from opsctl.templating import names, template_named
    from opsctl.world import this_world

    world = this_world()
    if listing:
        return emit(world, templates([template_named(one) for one in names()], reader_of(world)))
    chosen = [template_named(one) for one in dict.fromkeys(template or ())]
    texts = _texts(chosen, given or ())
    planned = plan(folder, name, chosen, texts)
    if not dry_run:
        planned = plan(folder, name, chosen, {**texts, **_answers(world, planned.missing)})
        start(planned)
    return emit(world, told(planned, dry_run=dry_run, from_templates=bool(chosen)))


def _texts(chosen: Sequence[Template], given: Sequence[str]) -> dict[str, str]:
    from opsctl.templating import asked, read_given

    return read_given(given, asked(chosen))


def _answers(world: World, missing: Mapping[str, Value]) -> dict[str, str]:
    """What a person says of each value that was not given, where there is one to ask."""
    from opsctl.formats.starting import introduction

    if not world.interactive or not missing:
        return {}
    world.stderr.write(introduction(missing))
    return {name: _answer(world, name, value) for name, value in missing.items()}


def _answer(world: World, name: str, value: Value) -> str:
    from opsctl.formats.starting import question
    from opsctl.templating import refused

    while True:
        world.stderr.write(question(name, value))
        world.stderr.flush()
        answer = world.stdin.readline().strip()
        if not answer or not (why := refused(answer, value.kind)):
            return answer
        world.stderr.write(f"this {why}\n")
