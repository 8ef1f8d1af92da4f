"""Markdown, as GitHub shows it: a table of all checks, then what is not well."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opsctl.formats.summary import (
    next_steps,
    passed_over,
    sentence,
    short_moment,
    words,
    worst_first,
)
from opsctl.outcome import State
from opsctl.prose import line, shorten

if TYPE_CHECKING:
    from opsctl.formats import Output
    from opsctl.records import CheckRun

_SIGNS = {State.UP: "✅", State.DEGRADED: "⚠️", State.DOWN: "❌", State.UNKNOWN: "❔"}
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$])")
# At the start of a text these would begin a list, a heading or a line.
_LEADING = re.compile(r"([-+#=]|[0-9]{1,9}(?=[.)](?:\s|$)))")
_NUMBERED = re.compile(r"#(?=[0-9])")
_LONGEST = 500


def write(run: CheckRun, out: Output) -> str:
    """The run as Markdown; with `quiet`, only what is not well, and nothing where all is."""
    bad = worst_first(run)
    shown = bad if out.quiet else [*bad, *(one for one in run.checked if one.standing.state is State.UP)]
    if out.quiet and not shown:
        return ""
    lines = [f"### opsctl: {escape(run.workspace)}", "", escape(sentence(run)), ""]
    lines += ["| state | check | found |", "| --- | --- | --- |"]
    lines += [
        f"| {_SIGNS[one.standing.state]} {one.standing.state} | {escape(one.result.check)}"
        f" | {escape(shorten(words(one), _LONGEST))} |"
        for one in shown
    ]
    lines += [
        f"| 🔧 maintenance | {escape(one.check)} | {escape(passed_over(one, run.timezone))} |"
        for one in run.maintenance
    ]
    for one in bad:
        if one.standing.state.good:
            continue
        lines += [
            "",
            " ".join(
                [
                    f"**{escape(one.result.check)}** is",
                    one.standing.state,
                    "since",
                    short_moment(one.standing.since, run.timezone),
                ]
            ),
            "",
        ]
        lines += [f"- {escape(step)}" for step in next_steps(one)]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Foreign text as Markdown that shows just that text: no markup, links, mentions or commands."""
    escaped = _SPECIAL.sub(r"\\\1", line(text))
    if found := _LEADING.match(escaped):
        number = found[0]
        escaped = f"{number}\\{escaped[len(number) :]}" if number.isdigit() else f"\\{escaped}"
    # GitHub links these wherever they stand, a mention notifies somebody, and `::` may be a workflow command.
    escaped = _NUMBERED.sub("#\u200b", escaped).replace("@", "@\u200b").replace("://", ":\u200b//")
    return escaped.replace("www.", "www\u200b.").replace("::", ":\u200b:")
