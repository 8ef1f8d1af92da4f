"""A group of commands, made the same for every noun."""

from __future__ import annotations

import typer


def add_group(app: typer.Typer, name: str, about: str, epilog: str) -> typer.Typer:
    """Add the group `name` to the application; called without a command, it shows its help."""
    group = typer.Typer(help=about, epilog=epilog, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(group, name=name)
    return group
