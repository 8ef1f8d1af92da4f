"""Runbooks and their runs, as text, JSON or Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.formats.json_text import json_text
from opsctl.formats.markdown import escape
from opsctl.formats.summary import clean, moment, zoned
from opsctl.formats.table import table
from opsctl.outcome import Kind
from opsctl.prose import count, line, listed, safe
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opsctl.formats import Output
    from opsctl.freshness import Fresh
    from opsctl.ledger.run import Ran, Run
    from opsctl.rehearsing import Shown
    from opsctl.runbooks import Runbook, Step


def write_list(runbooks: Mapping[str, Runbook], output: str) -> str:
    """Every runbook in a line; `output` is text or json."""
    if output == "json":
        rows = [{"runbook": name, **_about(one)} for name, one in runbooks.items()]
        return json_text({"runbooks": rows})
    width = max((len(name) for name in runbooks), default=0)
    return "".join(
        f"{name:<{width}}  {count('step', len(one.procedure.steps)):<9}  {line(one.procedure.title)}\n"
        for name, one in runbooks.items()
    )


def write_one(runbook: Runbook, output: str) -> str:
    """A runbook with its steps; `output` is text, json or markdown."""
    if output == "json":
        steps = [_step_data(one) for one in runbook.procedure.steps]
        document = {"runbook": runbook.id, **_about(runbook), "list": steps}
        return json_text(document)
    lines = _page(runbook) if output == "markdown" else _text(runbook)
    return "".join(f"{text}\n" for text in lines)


def write_runs(runs: Sequence[Run], output: str, timezone: str, out: Output) -> str:
    """Runs in a line each; `output` is text or json."""
    if output == "json":
        return json_text({"runs": [run_data(one) for one in runs]})
    rows = [
        (one.subject, one.runbook, f"{one.state}{' (drill)' if one.drill else ''}",
         zoned(one.started, timezone), line(one.by), line(one.reason))
        for one in runs
    ]  # fmt: skip
    return table(rows, out)


def write_run(run: Run, output: str) -> str:
    """How a run ended, or why it stopped; `output` is text or json."""
    if output == "json":
        return json_text(run_data(run))
    what = "drill" if run.drill else "run"
    reason = f": {words}" if (words := _why(run)) else ""
    text = f"{run.subject} ({what} of {run.runbook}) is {run.state}{reason}\n"
    if run.state in {"waiting", "unknown", "failed"}:
        text += f"go on: opsctl runbook resume {run.subject}\n"
    return text


def _why(run: Run) -> str:
    """Why it stands as it does; what was said to it since it stopped is newer than why it stopped."""
    said = [ran for ran in run.steps if ran.outcome == "waiting" and (ran.answered_by or ran.approved_by)]
    if run.state == "waiting" and said:
        who = listed([line(one) for one in (said[-1].answered_by, *said[-1].approved_by) if one])
        return f"{said[-1].step} has the word of {who}"
    return line(run.reason)


def write_rehearsal(shown: Sequence[Shown], output: str) -> str:
    """What a run would do; `output` is text or json."""
    if output == "json":
        rows = [
            {"step": one.step, "type": one.type, "effect": one.effect, "words": clean(one.words),
             "outcome": one.done.outcome if one.done else None,
             "message": clean(one.done.message) if one.done else None}
            for one in shown
        ]  # fmt: skip
        return json_text({"dry_run": True, "steps": rows})
    return "".join(f"{text}\n" for one in shown for text in _rehearsed(one))


def write_freshness(found: Sequence[Fresh], output: str, out: Output) -> str:
    """The proof of every runbook; `output` is text or json."""
    if output == "json":
        rows = [
            {"runbook": one.runbook, "state": one.state, "run": one.last.subject if one.last else None,
             "age": one.age, "people": list(one.people), "runs": one.runs,
             "scripts_changed": list(one.scripts), "automate_next": one.costs[0] if one.costs else None}
            for one in found
        ]  # fmt: skip
        return json_text({"runbooks": rows})
    return table([fresh_line(one).split("\t") for one in found], out)


def write_findings(findings: Sequence[tuple[str, str]], output: str) -> str:
    """What lint finds, as runbook and words; `output` is text or json."""
    if output == "json":
        rows = [{"runbook": name, "message": words} for name, words in findings]
        return json_text({"findings": rows})
    return "".join(f"{name}: {words}\n" for name, words in findings)


def run_data(run: Run) -> dict[str, Any]:
    """Everything of a run, ready for JSON."""
    fields = {name: clean(_plain(value)) for name, value in run._asdict().items() if name != "steps"}
    return {
        "run": run.subject,
        **fields,
        "started": moment(run.started),
        "ended": None if run.ended is None else moment(run.ended),
        "steps": [_ran(one) for one in run.steps],
    }


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value


def _ran(one: Ran) -> dict[str, Any]:
    fields = {
        name: clean(list(value) if isinstance(value, tuple) else value)
        for name, value in one._asdict().items()
    }
    ended = None if one.ended is None else moment(one.ended)
    return {**fields, "began": moment(one.began), "ended": ended}


def _about(one: Runbook) -> dict[str, Any]:
    procedure = one.procedure
    return {
        "title": clean(procedure.title),
        "owner": clean(procedure.owner),
        "file": one.file,
        "digest": one.digest,
        "parameters": list(procedure.parameters),
        "steps": len(procedure.steps),
    }


def _step_data(one: Step) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": one.type,
        "text": clean(one.terms.text),
        "effect": one.effect,
        "words": clean(_words(one)),
        "undo": one.terms.undo is not None,
        "verify": one.terms.verify is not None,
        "on_failure": one.terms.on_failure,
        "needs": one.terms.needs,
    }


def _words(one: Step) -> str:
    return one.kind.describe(_Names())


class _Names(dict[str, str]):
    """Every value as its name."""

    def __missing__(self, name: str) -> str:
        return f"{{{{ {name} }}}}"


def _text(runbook: Runbook) -> Iterator[str]:
    procedure = runbook.procedure
    yield f"{runbook.id}  {line(procedure.title)}"
    if procedure.text:
        yield f"  {line(procedure.text)}"
    for name, parameter in procedure.parameters.items():
        notes = ["secret"] if parameter.secret else []
        notes += [f"one of {', '.join(parameter.values)}"] if parameter.values else []
        notes += [f"matches {parameter.pattern.pattern}"] if parameter.pattern else []
        notes += [f"{parameter.default} by default"] if parameter.default else []
        about = f" ({'; '.join(notes)})" if notes else ""
        yield f"  --set {name}=...  {line(parameter.text)}{about}".rstrip()
    for number, one in enumerate(procedure.steps, 1):
        mark = "changes" if one.effect == "change" else "reads"
        yield f"  {number:>2}. {one.id:<16}  {one.type:<9}  {mark:<7}  {line(one.terms.text or _words(one))}"


def _page(runbook: Runbook) -> Iterator[str]:
    procedure = runbook.procedure
    yield f"# {escape(procedure.title)}"
    yield ""
    if procedure.text:
        yield from (escape(procedure.text), "")
    facts = [
        ("owner", procedure.owner),
        ("services", ", ".join(procedure.services)),
        ("run", f"opsctl runbook run {runbook.id}"),
    ]
    yield from (f"- {name}: {escape(value)}" for name, value in facts if value)
    if procedure.parameters:
        yield from ("", "| parameter | | allowed |", "| --- | --- | --- |")
        for name, one in procedure.parameters.items():
            allowed = ", ".join(one.values) or (one.pattern.pattern if one.pattern else "")
            yield f"| {name} | {escape(one.text)} | {escape(allowed)} |"
    yield ""
    for number, step in enumerate(procedure.steps, 1):
        kind = f"({step.type}, {step.effect})"
        yield f"{number}. **{escape(step.id)}** {kind} {escape(step.terms.text)}".rstrip()
        yield ""
        yield from (f"       {text}" for text in safe(_words(step)).splitlines())
        if step.terms.undo is not None:
            yield f"\n   Undo: {escape(step.terms.undo.kind.describe(_Names()))}"
        yield ""


def _rehearsed(one: Shown) -> Iterator[str]:
    if one.done is not None:
        yield f"did\t{one.step}\t{one.done.outcome}: {line(one.done.message)}"
        return
    verb = "ask" if one.type in {"confirm", "ask", "choose"} else "would"
    first, *rest = safe(one.words).splitlines() or [""]
    yield f"{verb}\t{one.step}\t{first}"
    yield from (f"\t\t{text}" for text in rest)


def fresh_line(one: Fresh) -> str:
    """The proof of a runbook in one line."""
    if one.last is None or one.age is None:
        drill = f"opsctl runbook drill {one.runbook}"
        return f"{one.runbook}\tnever\tnobody ever ran it to its end; drill it: {drill}"
    kind = "drill" if one.last.drill else "run"
    notes = [f"{kind} {one.last.subject} {brief(Kind.DURATION, one.age)} ago by {line(one.last.by)}"]
    notes += ["it was changed since"] if one.state == "changed" and not one.scripts else []
    notes += [f"changed since: {', '.join(one.scripts)}"] if one.scripts else []
    notes += ["only one person ever ran it"] if len(one.people) == 1 else [f"{len(one.people)} people ran it"]
    notes += [f"automate next: {one.costs[0]} ({brief(Kind.DURATION, one.costs[1])})"] if one.costs else []
    return f"{one.runbook}\t{one.state}\t{'; '.join(notes)}"
