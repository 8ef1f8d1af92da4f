"""The sections of reports: each is a table of texts, or says that there is nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.durations import durations
from opsctl.figures import TIMES
from opsctl.formats.dues import due_words, dues_words
from opsctl.formats.iterations import load_words
from opsctl.formats.metrics import bounds, percent, shown
from opsctl.formats.summary import zoned
from opsctl.formats.telling import told
from opsctl.ledger.incident import SEVERITIES
from opsctl.outcome import Kind, State
from opsctl.prose import count, line
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from opsctl.ledger.incident import Incident
    from opsctl.ledger.item import Item
    from opsctl.metrics import Figure
    from opsctl.reporting import Gathered, Kept
    from opsctl.standing import Stand
    from opsctl.store.history import Outage

_NOTHING = "–"
_DAY = 86400.0


class Section(NamedTuple):
    """A part of a report: rows below columns, or `empty` for none; `note` says how it was found."""

    name: str
    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    empty: str = "None."


def now(found: Gathered) -> Section:
    """What is not up."""
    bad = [one for one in found.page.stands if one.state is not State.UP]
    rows = tuple(tuple(_stand(one, found)) for one in bad)
    total = count("check", len(found.page.stands))
    note = f"Of {total} at {zoned(found.at, found.timezone)}; nothing was probed for this report."
    return Section("now", "Not up now", ("state", "check", "since", "found"), rows, note)


def services(found: Gathered) -> Section:
    """Every service against what was promised of it."""
    columns = (
        "service",
        "availability",
        "low to high",
        "target",
        "p95",
        "p95 target",
        "verdict",
        "change",
        "known",
    )
    rows = tuple(tuple(_kept(one)) for one in found.kept)
    note = (
        "Availability by time (availability/1), its bounds widened by what is not known; p95 by nearest rank "
        "(latency-p95/1). OK only where even the lowest is enough; an arrow only where the change is more "
        "than its bounds."
    )
    return Section("services", "Services against target", columns, rows, note, "No service has checks.")


def outages(found: Gathered) -> Section:
    """The times in which checks were not up."""
    page = found.page
    known = {one.check for one in page.stands} | {one.check for one in page.maintenance}
    rows = tuple(
        (
            one.check,
            str(one.state),
            zoned(one.started, found.timezone),
            _lasted(one, found.at, known),
            line(one.message),
        )
        for one in found.outages
    )
    return Section("outages", "Outages", ("check", "state", "from", "lasted", "began with"), rows)


def _lasted(one: Outage, now: float, known: Collection[str]) -> str:
    if one.ended is None and one.check not in known:
        return "not known, it is checked no more"
    return brief(Kind.DURATION, (one.ended or now) - one.started) + ("" if one.ended else ", goes on")


def incidents(found: Gathered) -> Section:
    """The incidents that began, the worst first, with their times."""
    ordered = sorted(found.incidents, key=lambda one: (one.peak, one.number))
    columns = ("incident", "severity", "state", "title", *(f"to {name}" for name in TIMES))
    rows = tuple(tuple(_incident(one)) for one in ordered)
    return Section("incidents", "Incidents", columns, rows, _by_severity(found))


def times(found: Gathered) -> Section:
    """How long incidents took, over all of them."""
    columns = ("time to", "median", "mean", "90%", "n", "left out", "by")
    rows = tuple(
        (
            name,
            _figure(figure),
            *(shown(dict(figure.more).get(key), "seconds") for key in ("mean", "p90")),
            str(figure.n),
            str(len(figure.left_out)),
            figure.definition,
        )
        for name, figure in found.times
        if found.incidents
    )
    note = "Of the incidents that began in the period; opsctl metrics explain mttr lists each."
    return Section("times", "Detection and response", columns, rows, note if rows else "")


def alerts(found: Gathered) -> Section:
    """Whether what checks called for was worth it."""
    figure = found.actionability
    if not figure.n:
        return Section("alerts", "Alerts", empty="None: no check opened an incident.")
    row = (
        str(figure.n),
        _figure(figure),
        bounds(figure) or _NOTHING,
        str(len(figure.left_out)),
        figure.definition,
    )
    columns = ("opened by checks", "asked for action", "low to high", "left out", "by")
    return Section("alerts", "Alerts", columns, (row,))


def reviews(found: Gathered) -> Section:
    """The reviews that are owed."""
    columns = ("review", "severity", "state", "owner", "due", "title")
    rows = []
    for one in found.owed:
        late = "" if one.due is None else zoned(one.due, found.timezone)
        owner = one.review.owner if one.review and one.review.owner else _NOTHING
        due = f"OVERDUE since {late}" if one.overdue(found.at) else late or _NOTHING
        rows.append((f"PIR-{one.incident.number}", one.incident.peak, one.state, line(owner), due,
                     line(one.incident.title)))  # fmt: skip
    return Section("reviews", "Reviews that are owed", columns, tuple(rows))


def backlog(found: Gathered) -> Section:
    """What moved in the backlog."""
    moved = found.moved
    named = (("added", moved.added), ("started", moved.started), ("done", moved.done),
             ("verified", moved.verified), ("rejected", moved.rejected))  # fmt: skip
    rows = tuple((what, str(len(items)), _named(items)) for what, items in named if items)
    better = sum(one.proven for one in moved.verified)
    note = f"{count('item', len(moved.open))} open; {moved.unproven} done and unproven"
    note += f"; of {len(moved.verified)} verified, {better} improved." if moved.verified else "."
    return Section("backlog", "Backlog", ("what", "n", "items"), rows, note)


def late(found: Gathered) -> Section:
    """The improvements that are overdue."""
    columns = ("item", "priority", "owner", "due", "title")
    rows = tuple(
        (
            one.subject,
            one.priority,
            line(one.owner or _NOTHING),
            zoned(one.due, found.timezone)[:10],
            line(one.title),
        )
        for one in sorted(found.moved.overdue, key=lambda one: one.due or 0.0)
        if one.due is not None
    )
    return Section("late", "Overdue improvements", columns, rows)


def capacity(found: Gathered) -> Section:
    """What the iterations of the period carry."""
    own = [
        one
        for one in found.loads
        if one.iteration.starts < found.period.until and one.iteration.ends > found.period.since
    ]
    rows = tuple((one.iteration.subject, line(one.iteration.title), load_words(one)) for one in own)
    return Section("capacity", "Capacity", ("iteration", "title", "hours"), rows)


def stale(found: Gathered) -> Section:
    """What nobody looked at."""
    rows = tuple(
        (one.check, line(one.owner or _NOTHING), line(one.message)) for one in found.page.stands if one.stale
    )
    return Section("stale", "Stale or never checked", ("check", "owner", "why"), rows)


def active(found: Gathered) -> Section:
    """The incidents that are on, with what is due."""
    columns = ("incident", "severity", "state", "title", "roles", "due")
    rows = tuple(
        (
            one.incident.subject,
            one.incident.severity,
            one.incident.state,
            line(one.incident.title),
            ", ".join(f"{role} {line(who)}" for role, who in one.incident.roles.items()) or _NOTHING,
            dues_words(one.pending, found.at, found.timezone) or _NOTHING,
        )
        for one in found.cases
        if one.incident.active
    )
    return Section("active", "Incidents that are on", columns, rows)


def changes(found: Gathered) -> Section:
    """What was decided."""
    kept = sorted(
        (one.event for one in found.events if one.event.kind != "incident.observed"),
        key=lambda one: one.occurred,
    )
    rows = tuple(
        (zoned(one.occurred, found.timezone), line(one.actor), told(one, found.timezone)) for one in kept
    )
    note = "The newest 200 events; opsctl log shows all." if len(found.events) >= 200 else ""
    return Section("changes", "What was decided", ("at", "who", "what"), rows, note)


def due(found: Gathered) -> Section:
    """What comes next."""
    rows = [
        (
            one.due,
            f"{case.incident.subject} {due_words(one, found.at, found.timezone)}",
            line(case.incident.title),
        )
        for case in found.cases
        for one in case.pending
    ]
    rows += [
        (one.due, f"{one.subject} due {zoned(one.due, found.timezone)}", line(one.title))
        for one in found.moved.open
        if one.due is not None and one.due < found.at + 7 * _DAY
    ]
    ordered = tuple((what, title) for _, what, title in sorted(rows))
    return Section("due", "Due next", ("what", "title"), ordered, "Within seven days." if ordered else "")


def people(found: Gathered) -> Section:
    """For each owner what was done, what is under way and what is late."""
    moved = found.moved
    owners = sorted({one.owner for one in (*moved.done, *moved.open)}, key=lambda one: (one is None, one))
    rows = []
    for owner in owners:
        started = [one for one in moved.open if one.owner == owner and one.state == "started"]
        rows.append((
            "nobody" if owner is None else line(owner),
            _named([one for one in moved.done if one.owner == owner]),
            _named(started),
            _named([one for one in moved.overdue if one.owner == owner]),
        ))  # fmt: skip
    rows = [row for row in rows if any(cell != _NOTHING for cell in row[1:])]
    return Section("people", "By person", ("who", "done", "under way", "overdue"), tuple(rows))


def gates(found: Gathered) -> Section:
    """What gates decided, and what is excepted."""
    rows = []
    for name in dict.fromkeys(one.checklist for one in found.gates):
        own = [one for one in found.gates if one.checklist == name]
        verdicts = [f"{number} {what}" for what, number in _counted(one.verdict for one in own).items()]
        overridden = [one.subject for one in own if one.override is not None]
        rows.append(
            (name, f"{count('decision', len(own))}: {', '.join(verdicts)}", ", ".join(overridden) or _NOTHING)
        )
    for one in found.waivers:
        end = zoned(one.expires, found.timezone)
        state = f"EXPIRED {end}" if one.expires <= found.at else f"until {end}"
        rows.append((f"{one.checklist}/{one.item}", f"waived by {line(one.by)} for {line(one.owner)}", state))
    columns = ("gate or item", "what", "overridden or until")
    return Section("gates", "Gates and waivers", columns, tuple(rows), empty="None recorded.")


def _counted(words: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts


_ALL = (
    *(now, services, outages, incidents, times, alerts, reviews, backlog, late, capacity, stale, active),
    *(changes, due, people, gates),
)
SECTIONS: Mapping[str, Callable[[Gathered], Section]] = {one.__name__: one for one in _ALL}


def _stand(one: Stand, found: Gathered) -> Iterator[str]:
    yield str(one.state)
    yield one.check
    yield zoned(one.since, found.timezone) if one.since is not None else _NOTHING
    yield line(one.message) + (f" (explained by {one.explained_by})" if one.explained_by else "")


def _kept(one: Kept) -> Iterator[str]:
    yield one.service.id
    yield shown(one.availability.value, "ratio")
    yield bounds(one.availability) or _NOTHING
    yield _NOTHING if one.target is None else percent(one.target)
    yield _NOTHING if one.p95 is None else shown(one.p95.value, "seconds")
    yield _NOTHING if one.p95_target is None else brief(Kind.DURATION, one.p95_target)
    yield one.verdict or "no target"
    yield one.change.words if one.change.arrow else "not enough data"
    yield _NOTHING if one.availability.coverage is None else percent(one.availability.coverage)


def _incident(one: Incident) -> Iterator[str]:
    yield one.subject
    yield one.peak
    yield "false alarm" if one.false_alarm else one.state
    yield line(one.title)
    took = durations(one)
    for name in TIMES:
        seconds = took[name]
        yield _NOTHING if seconds is None else brief(Kind.DURATION, seconds)


def _by_severity(found: Gathered) -> str:
    counted = [one for one in found.incidents if not one.false_alarm and one.state != "merged"]
    parts = [
        f"{number} {name}" for name in SEVERITIES if (number := sum(one.peak == name for one in counted))
    ]
    change = found.frequency_change
    than = change.words if change.arrow else "against the period before: not enough data"
    return f"{count('incident', len(counted))}: {', '.join(parts)}; {than}." if counted else ""


def _figure(figure: Figure) -> str:
    return shown(figure.value, figure.unit) if figure.value is not None else f"no data: {line(figure.reason)}"


def _named(items: Sequence[Item]) -> str:
    names = [f"{one.subject} {line(one.title)}" for one in items[:10]]
    more = [f"and {len(items) - 10} more"] if len(items) > 10 else []
    return "; ".join([*names, *more]) or _NOTHING
