"""Reports as Markdown, HTML or JSON, by templates that a workspace may replace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.caseload import Case
from opsctl.formats.incidents import case_data
from opsctl.formats.json_text import json_text
from opsctl.formats.rendering import SUFFIXES, render
from opsctl.formats.report_sections import SECTIONS, Section
from opsctl.formats.summary import clean, moment, zoned
from opsctl.outcome import Kind
from opsctl.prose import line
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opsctl.metrics import Figure
    from opsctl.reporting import Gathered

_OPERATIONS = (
    "now", "services", "outages", "incidents", "times", "active", "reviews", "backlog", "late", "capacity",
    "alerts", "gates", "stale",
)  # fmt: skip
# What each kind of report holds, in its order.
KINDS: Mapping[str, tuple[str, ...]] = {
    "daily": _OPERATIONS,
    "weekly": _OPERATIONS,
    "monthly": _OPERATIONS,
    "quarterly": _OPERATIONS,
    "yearly": _OPERATIONS,
    "handover": ("now", "active", "outages", "changes", "due", "stale"),
    "standup": ("people", "active", "now", "late", "reviews", "due"),
}
CHARTED = frozenset({"daily", "weekly", "monthly", "quarterly", "yearly"})
_BUILT_IN = Path(__file__).with_name("templates")


class Chart(NamedTuple):
    """A drawing for HTML, and what it shows."""

    title: str
    drawing: Any


class Report(NamedTuple):
    """What a template is given; `charts` are for HTML only."""

    kind: str
    title: str
    lead: str
    sections: tuple[Section, ...]
    charts: tuple[Chart, ...] = ()


def write(found: Gathered, kind: str, output: str, root: Path) -> str:
    """The report; `output` is markdown, html or json, `root` the workspace's folder.

    Raises TemplateInvalidError where a template of the workspace cannot be used.
    """
    if output == "json":
        return json_text(_data(found, kind))
    report = Report(
        kind,
        f"{line(found.workspace)}: {kind} report",
        _lead(found),
        tuple(SECTIONS[name](found) for name in KINDS[kind]),
        _charts(found) if output == "html" else (),
    )
    return page(report, output, root)


def page(report: Report, output: str, root: Path) -> str:
    """A report by its template: the workspace's own for its kind, and else the one that there is."""
    suffix = SUFFIXES[output]
    folders = [folder for folder in (root / "templates",) if folder.is_dir()]
    own = any((folder / f"{report.kind}{suffix}").is_file() for folder in folders)
    name = f"{report.kind}{suffix}" if own else f"report{suffix}"
    return render(name, {"report": report}, [*folders, _BUILT_IN], {})


def _lead(found: Gathered) -> str:
    since, until = (zoned(at, found.timezone) for at in found.period)
    lasts = brief(Kind.DURATION, found.period.until - found.period.since)
    return f"{since} to {until} ({lasts}), made {zoned(found.at, found.timezone)}"


def _charts(found: Gathered) -> tuple[Chart, ...]:
    from markupsafe import Markup

    # Made by our own code, from texts that it escapes.
    return tuple(Chart(title, Markup(drawing)) for title, drawing in _drawings(found))  # noqa: S704


def _drawings(found: Gathered) -> Iterator[tuple[str, str]]:
    from opsctl.formats import charts

    labels = [one.label for one in found.parts]
    kept = {one.service.id: one for one in found.kept}
    for name, trend in found.trends:
        shares = [charts.Share(one.value, one.low, one.high) for one in trend.availability]
        title = f"{name}: availability"
        yield title, charts.availability(title, labels, shares, kept[name].target)
        if any(one is not None for one in trend.latency):
            title = f"{name}: latency, p95"
            yield title, charts.latency(title, labels, trend.latency, kept[name].p95_target)
    yield "Incidents that began", charts.incidents("Incidents that began", labels, _counts(found))


def _counts(found: Gathered) -> list[dict[str, int]]:
    counts: list[dict[str, int]] = [{} for _ in found.parts]
    for one in found.incidents:
        began = one.opened if one.impact_started is None else one.impact_started
        for part, own in zip(found.parts, counts, strict=True):
            if part.since <= began < part.until and one.state != "merged" and not one.false_alarm:
                own[one.peak] = own.get(one.peak, 0) + 1
    return counts


def _data(found: Gathered, kind: str) -> dict[str, Any]:
    return {
        "report": kind,
        "workspace": clean(found.workspace),
        "at": moment(found.at),
        "since": moment(found.period.since),
        "until": moment(found.period.until),
        "services": [_kept_data(one) for one in found.kept],
        "times": {name: figure_data(figure) for name, figure in found.times},
        "frequency": {**figure_data(found.frequency), "change": found.frequency_change.words},
        "actionability": figure_data(found.actionability),
        "incidents": [case_data(Case(one, ()), found.at) for one in found.incidents],
        "sections": {
            section.name: [dict(zip(section.columns, row, strict=True)) for row in section.rows]
            for section in (SECTIONS[name](found) for name in KINDS[kind])
        },
    }


def _kept_data(one: Any) -> dict[str, Any]:
    return {
        "service": one.service.id,
        "availability": figure_data(one.availability),
        "target": one.target,
        "p95": None if one.p95 is None else figure_data(one.p95),
        "p95_target": one.p95_target,
        "verdict": one.verdict or None,
        "change": one.change.words,
    }


def figure_data(figure: Figure) -> dict[str, Any]:
    """A figure with all that it stands on, ready for JSON."""
    names: Sequence[str] = ("definition", "value", "low", "high", "unit", "n", "coverage", "reason")
    return {name: getattr(figure, name) for name in names}
