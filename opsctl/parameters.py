"""What a run is told at its start: every value checked before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.errors import UsageError
from opsctl.prose import line, shorten, suggestion, ticked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opsctl.runbooks import Procedure, Runbook

_LONGEST = 10_000


def given(texts: Iterable[str]) -> dict[str, str]:
    """`host=a` as names and values; UsageError for any other text."""
    found = {}
    for text in texts:
        name, is_, value = text.partition("=")
        if not is_ or not name:
            raise UsageError(f"--set `{line(shorten(text, 40))}` sets nothing; write NAME=VALUE")
        if name in found:
            raise UsageError(f"--set gives `{line(shorten(name, 40))}` twice; give it once")
        found[name] = value
    return found


def check_environment(runbook: Runbook, environment: str | None) -> None:
    """UsageError where a runbook does not run in an environment."""
    allowed = runbook.procedure.environments
    if allowed and environment not in allowed:
        raise UsageError(f"{runbook.id} runs in {', '.join(allowed)} only; say where with --env")


def values_of(procedure: Procedure, said: Mapping[str, str]) -> Mapping[str, str]:
    """The value of every parameter; UsageError with all that is wrong, each with its way out."""
    problems = [
        f"there is no parameter `{line(shorten(name, 40))}`"
        + (
            suggestion(name, procedure.parameters)
            or f"; there are {ticked(procedure.parameters, 'and') or 'none'}"
        )
        for name in said
        if name not in procedure.parameters
    ]
    values = {}
    for name, parameter in procedure.parameters.items():
        value = said.get(name, parameter.default)
        if value is None:
            if parameter.required:
                about = f" ({line(parameter.text)})" if parameter.text else ""
                problems.append(f"`{name}`{about} is missing; add --set {name}=VALUE")
            else:
                values[name] = ""
            continue
        shown = "its value" if parameter.secret else f"`{line(shorten(value, 60))}`"
        if len(value) > _LONGEST or "\x00" in value:
            problems.append(f"`{name}` is longer than 10,000 characters, or holds a NUL")
        elif parameter.values and value not in parameter.values:
            problems.append(f"`{name}`: {shown} is none of {ticked(parameter.values)}")
        elif parameter.pattern and not parameter.pattern.fullmatch(value):
            problems.append(f"`{name}`: {shown} does not match {parameter.pattern.pattern}")
        values[name] = value
    if problems:
        raise UsageError("; ".join(problems))
    return values


def hidden_in(runbook: Runbook) -> frozenset[str]:
    """The names of the parameters that are secret."""
    return frozenset(name for name, one in runbook.procedure.parameters.items() if one.secret)
