"""One run of a runbook: each step with how it went, how long it took, who did it, and what it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.json_text import json_text
from opsctl.formats.runbooks import run_data
from opsctl.formats.summary import clean, zoned
from opsctl.outcome import Kind
from opsctl.prose import line, safe
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opsctl.ledger.run import Ran, Run
    from opsctl.procedures import Said


def write_story(run: Run, said: Mapping[str, Said], timezone: str, output: str) -> str:
    """The run with what its steps printed; `output` is text or json."""
    if output == "json":
        data = run_data(run)
        steps = [{**one, "output": _output_data(said.get(one["step"]))} for one in data["steps"]]
        document = {**data, "steps": steps}
        return json_text(document)
    return "".join(f"{text}\n" for text in _text(run, said, timezone))


def _output_data(said: Said | None) -> dict[str, object] | None:
    if said is None:
        return None
    return {"head": clean(said.head), "tail": clean(said.tail), "left_out": said.left_out}


def _text(run: Run, said: Mapping[str, Said], timezone: str) -> Iterator[str]:
    what = "drill" if run.drill else "run"
    reason = f": {line(run.reason)}" if run.reason else ""
    yield f"{run.subject} ({what} of {run.runbook}) is {run.state}{reason}"
    ended = f", ended {zoned(run.ended, timezone)}" if run.ended is not None else ""
    yield f"  begun {zoned(run.started, timezone)} by {line(run.by)}{ended}"
    facts = {
        "environment": run.environment,
        "incident": run.incident,
        "remedy of": run.remedy_of,
        "parameters": ", ".join(f"{name}={line(value)}" for name, value in run.parameters.items()),
    }
    yield from (f"  {name}: {line(value)}" for name, value in facts.items() if value)
    width = max((len(one.step) for one in run.steps), default=0)
    for one in run.steps:
        yield f"  {one.step:<{width}}  {_outcome(one):<8}  {_took(one):>6}  {_words(one, run)}".rstrip()
        yield from (f"    | {text}" for text in _printed(said.get(one.step)))


def _outcome(one: Ran) -> str:
    if one.undone is not None:
        return {"ok": "undone", "begun": "undoing"}.get(one.undone, "not undone")
    return one.outcome or "unknown"


def _took(one: Ran) -> str:
    return "" if one.ended is None else brief(Kind.DURATION, max(0.0, one.ended - one.began))


def _words(one: Ran, run: Run) -> str:
    notes = [] if one.by == run.by else [f"by {line(one.by)}"]
    notes += [f"approved by {line(', '.join(one.approved_by))}"] if one.approved_by else []
    notes += [f"attempt {one.attempts}"] if one.attempts > 1 else []
    message = line(one.message or one.question)
    return " ".join([message, f"({'; '.join(notes)})"]) if notes else message


def _printed(said: Said | None) -> Iterator[str]:
    if said is None:
        return
    yield from safe(said.head).splitlines()
    if said.left_out:
        yield f"... {said.left_out} bytes are left out ..."
    yield from safe(said.tail).splitlines()
