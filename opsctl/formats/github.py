"""GitHub Actions: annotations (ten at most, as GitHub shows no more) and the rest in the step summary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.errors import OutputError
from opsctl.formats import markdown
from opsctl.formats.summary import next_steps, sentence, words, worst_first
from opsctl.outcome import State

if TYPE_CHECKING:
    from opsctl.formats import Output
    from opsctl.records import Checked, CheckRun

MOST_ANNOTATIONS = 10
# GitHub drops a step's whole summary above 1 MiB.
LARGEST_SUMMARY = 1000 * 1024


def write(run: CheckRun, out: Output) -> str:
    """Workflow commands, the worst first, then the run in words; appends to $GITHUB_STEP_SUMMARY."""
    noted = worst_first(run)
    lines = [_annotation(one) for one in noted[:MOST_ANNOTATIONS]]
    if len(noted) > MOST_ANNOTATIONS:
        lines.append(f"{len(noted) - MOST_ANNOTATIONS} more in the step summary")
    summary = out.environ.get("GITHUB_STEP_SUMMARY")
    if summary and not (out.quiet and not noted):
        append(Path(summary), markdown.write(run, out))
    return "".join(text + "\n" for text in ([*lines, sentence(run)] if noted or not out.quiet else []))


def _annotation(one: Checked) -> str:
    level = "warning" if one.standing.state is State.DEGRADED else "error"
    title = f"{one.result.check} is {one.standing.state}"
    message = "\n".join([words(one), *next_steps(one)])
    return f"::{level} title={property_(title)}::{data(message)}"


def data(text: str) -> str:
    """A message as a workflow command takes it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def property_(text: str) -> str:
    """A parameter as a workflow command takes it."""
    return data(text).replace(":", "%3A").replace(",", "%2C")


def append(path: Path, text: str) -> None:
    """Add to a step summary, as far as it holds more."""
    try:
        room = LARGEST_SUMMARY - (path.stat().st_size if path.exists() else 0)
        data = text.encode("utf-8", "backslashreplace")
        if len(data) > room:
            note = b"\n\n(cut: a step summary holds 1 MiB)\n"
            data = (
                data[: max(0, room - len(note))].decode("utf-8", "ignore").encode() + note
                if room > len(note)
                else b""
            )
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        raise OutputError(f"the step summary {path} cannot be written: {error.strerror}") from error
