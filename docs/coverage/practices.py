"""What the templates cover of the practice documents: read the mappings, follow each reference."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from opsctl.definitions import Workspace

HERE = Path(__file__).parent
TEMPLATES = {
    "S0": "web-platform",
    "S1": "bot-service",
    "S2": "aws-platform",
    "S3": "edge-platform",
    "S4": "common",
}
PERIODS = ("daily", "weekly", "monthly", "quarterly", "yearly", "handover", "standup", "incident")
WAYS = ("executable", "measured", "signed", "missing")
_OVERLAY = "common:"
_NOW = {"OPSCTL_NOW": "2026-11-20T12:00:00Z", "OPSCTL_ACTOR": "alice", "NO_COLOR": "1", "COLUMNS": "80"}


class Practice(NamedTuple):
    """A statement of a document; `merged_with` is the statement that says the same, or empty."""

    id: str
    statement: str
    kind: str
    merged_with: str


class Entry(NamedTuple):
    """What covers a statement, or what is missing for it."""

    by: tuple[str, ...] = ()
    missing: str = ""
    note: str = ""


class Known(NamedTuple):
    """What references may name: workspaces by document, commands, metrics, and headings by report."""

    workspaces: Mapping[str, Workspace]
    commands: Collection[str]
    metrics: Collection[str]
    headings: Mapping[str, Collection[str]]


def practices() -> list[Practice]:
    """Every statement, in the order of the documents."""
    with (HERE / "practices.csv").open(encoding="utf-8", newline="") as file:
        return [Practice(**row) for row in csv.DictReader(file)]


def documents() -> list[str]:
    """The documents that have a mapping."""
    return [name for name in TEMPLATES if (HERE / f"{name}.yaml").exists()]


def entries(document: str) -> dict[str, Entry]:
    """A document's mapping by statement; ValueError with the statement where an entry says nothing."""
    found = yaml.safe_load((HERE / f"{document}.yaml").read_text("utf-8"))
    return {name: _entry(name, said) for name, said in found.items()}


def _entry(name: str, said: object) -> Entry:
    if not isinstance(said, dict) or not set(said) <= {"by", "missing", "note"}:
        raise ValueError(f"{name}: write `by`, or `missing`, and a `note` where one is needed")
    by, missing, note = said.get("by", []), said.get("missing", ""), said.get("note", "")
    if not isinstance(by, list) or not all(isinstance(one, str) for one in (*by, missing, note)):
        raise ValueError(f"{name}: `by` is a list of references, `missing` and `note` are texts")
    if bool(by) == bool(missing.strip()):
        raise ValueError(f"{name}: either `by` names what covers it, or `missing` says what it lacks")
    return Entry(tuple(by), missing.strip(), note.strip())


def workspace_of(template: str, folder: Path) -> Workspace:
    """The workspace that a template makes, written to a new folder and loaded."""
    from opsctl.starting import plan, start
    from opsctl.templating import template_named
    from opsctl.workspace import load_workspace

    start(plan(folder, template, [template_named(template)]))
    return load_workspace(folder, {})


def known(folder: Path, commands: Iterable[str], documents_: Sequence[str]) -> Known:
    """All that references may name; the templates' workspaces are written below `folder`."""
    from opsctl.formulas import ALIASES, DEFINITIONS

    wanted = dict.fromkeys([*documents_, "S4"])
    workspaces = {name: workspace_of(TEMPLATES[name], folder / TEMPLATES[name]) for name in wanted}
    headings = _headings(folder / TEMPLATES["S4"])
    return Known(workspaces, set(commands), {*DEFINITIONS, *ALIASES}, headings)


def _headings(workspace: Path) -> dict[str, set[str]]:
    _opsctl("incident", "open", "A failure", "-s", "record", "--severity", "sev1", "-C", str(workspace))
    printed = {}
    for period in PERIODS:
        names = ["INC-1"] if period == "incident" else []
        text = _opsctl("report", period, *names, "-o", "markdown", "-C", str(workspace))
        printed[period] = set(re.findall(r"^## (.+)$", text, re.MULTILINE))
    return printed


def _opsctl(*words: str) -> str:
    import os

    from opsctl.cli import main

    kept = {name: os.environ.get(name) for name in _NOW}
    os.environ.update(_NOW)
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            code = main(words)
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    if code:
        raise ValueError(f"`opsctl {' '.join(words)}` ended with {code}")
    return out.getvalue()


def way_of(entry: Entry, document: str, there: Known) -> str:
    """How a statement is covered, one of `WAYS`: as the first reference covers it, the others support that.

    Raises LookupError with every reference that leads nowhere.
    """
    ways, wrong = [], []
    for reference in entry.by:
        try:
            ways.append(followed(reference, document, there))
        except LookupError as error:
            wrong.append(f"{reference}: {error.args[0]}")
    if wrong:
        raise LookupError("; ".join(wrong))
    return ways[0] if ways else "missing"


def followed(reference: str, document: str, there: Known) -> str:
    """How a reference covers a statement; LookupError where it leads nowhere."""
    overlay = reference.startswith(_OVERLAY)
    text = reference.removeprefix(_OVERLAY)
    kind = re.split("[:/]", text, maxsplit=1)[0]
    if kind not in _FOLLOWED or len(text) <= len(kind) + 1:
        raise LookupError("it is no reference")
    workspace = there.workspaces["S4" if overlay else document]
    return _FOLLOWED[kind](text[len(kind) + 1 :], workspace, there)


def _service(rest: str, workspace: Workspace, _there: Known) -> str:
    name, _, check = rest.partition("/")
    service = _of(workspace.services, name, "service")
    if check:
        _of({one.name.partition("/")[2]: one for one in service.checks}, check, f"check of {name}")
    return "executable"


def _checklist(rest: str, workspace: Workspace, _there: Known) -> str:
    name, _, item = rest.partition("/")
    items = _of(workspace.checklists, name, "checklist").items
    meant = [_of(items, item, f"item of {name}")] if item else list(items.values())
    if empty := [one for one in meant if not one.terms.text.strip()]:
        raise LookupError(f"item `{empty[0].place.text}` of {name} has no text")
    return "signed" if all(one.kind.MANUAL for one in meant) else "executable"


def _runbook(rest: str, workspace: Workspace, _there: Known) -> str:
    name, _, step = rest.partition("/")
    steps = _of(workspace.runbooks, name, "runbook").procedure.steps
    if not step:
        return "executable"
    found = _of({one.id: one for one in steps}, step, f"step of {name}")
    return "signed" if found.kind.ASKS else "executable"


def _routine(rest: str, workspace: Workspace, _there: Known) -> str:
    name, _, step = rest.partition("/")
    steps = {one.id: one for one in _of(workspace.routines, name, "routine").plan.steps}
    meant = [_of(steps, step, f"step of {name}")] if step else list(steps.values())
    asked = [one for one in meant if one.kind.ANSWERED]
    if empty := [one for one in asked if not one.terms.text.strip() and one.type == "sign"]:
        raise LookupError(f"step `{empty[0].id}` of {name} has no text")
    return "signed" if len(asked) == len(meant) else "executable"


def _document(rest: str, workspace: Workspace, _there: Known) -> str:
    from opsctl.knowledge import documents as owned

    found = _of({one.path: one for one in owned(workspace)}, f"docs/{rest}", "document")
    if found.problems or not found.text.strip() or not found.owner or not found.review_every:
        raise LookupError(f"docs/{rest} has no text, or no owner and date of review")
    return "signed"


def _policy(rest: str, workspace: Workspace, _there: Known) -> str:
    if rest not in {"incidents", "reviews", "backlog", "roles", "freezes"} or not getattr(workspace, rest):
        raise LookupError(f"opsctl.yaml has no section `{rest}` that says something")
    return "executable"


def _command(rest: str, _workspace: Workspace, there: Known) -> str:
    if rest not in there.commands:
        raise LookupError(f"there is no command `{rest}`")
    if any(one.startswith(f"{rest} ") for one in there.commands):
        raise LookupError(f"`{rest}` does nothing by itself; name a command of it")
    return "executable"


def _metric(rest: str, _workspace: Workspace, there: Known) -> str:
    if rest not in there.metrics:
        raise LookupError(f"there is no metric `{rest}`")
    return "measured"


def _report(rest: str, _workspace: Workspace, there: Known) -> str:
    period, _, heading = rest.partition("#")
    if heading not in there.headings.get(period, ()):
        raise LookupError(f"`opsctl report {period}` prints no heading `{heading}`")
    return "measured"


_FOLLOWED: Mapping[str, Callable[[str, Workspace, Known], str]] = {
    "services": _service,
    "checklists": _checklist,
    "runbooks": _runbook,
    "routines": _routine,
    "docs": _document,
    "policy": _policy,
    "command": _command,
    "metric": _metric,
    "report": _report,
}


def _of(known_: Mapping[str, Any], name: str, noun: str) -> Any:
    if name not in known_:
        raise LookupError(f"there is no {noun} `{name}`")
    return known_[name]
