"""Search everything that was written: incidents, notes, reviews, the backlog and the workspace's Markdown."""

from __future__ import annotations

import re
import sqlite3
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.documents import files, sections
from opsctl.errors import OpsctlError
from opsctl.knowledge import standing_of_documents
from opsctl.ledger.events import UNDONE, prefix_of
from opsctl.policies import policies
from opsctl.prose import safe
from opsctl.queries import Query, parse
from opsctl.store import search_index as index
from opsctl.store.chain import digest_of, head
from opsctl.store.entries import said, since
from opsctl.store.ledger import events, get, records
from opsctl.store.opening import open_store
from opsctl.timelines import words

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from opsctl.definitions import Workspace
    from opsctl.documents import File
    from opsctl.knowledge import Known
    from opsctl.store.search_index import Entry, Match

KINDS = ("incident", "note", "review", "item", "document")
# With more than so much to take in, opening an incident does not wait for it.
_MOST_AT_ONCE = 20_000
_MOST_WORDS = 32
_MOST_SIMILAR = 3
_ENDED = ("resolved", "closed")
_SAME_SERVICE = 1.5
_COMMON = frozenset({
    "and", "are", "but", "for", "from", "has", "have", "not", "off", "out", "the", "than", "that", "this",
    "was", "with",
})  # fmt: skip


class Found(NamedTuple):
    """What was found, the best first, of `total`; `widened` where nothing holds all the words."""

    hits: tuple[Match, ...]
    total: int
    widened: bool


class Similar(NamedTuple):
    """An incident of the past that is like another; `ended` says how, in the words of that time."""

    subject: str
    title: str
    at: float
    ended: str


def search(
    workspace: Workspace, text: str, wanted: index.Filter, tell: Callable[[str], object] | None = None
) -> Found:
    """What holds the words of `text`; all of them, or where nothing does, some.

    `tell` is given the words for whoever waits, where taking in what is new takes a while. Raises UsageError
    where there is no word in the text, and StoreError where the store cannot be read.
    """
    query = parse(text)

    def look(db: sqlite3.Connection) -> Found:
        _take_in_events(db, workspace, tell=tell)
        _take_in_files(db, workspace)
        hits, total = index.look(db, query.every(), wanted)
        widened = not total and len(query.terms) > 1
        if widened:
            hits, total = index.look(db, query.some(), wanted)
        return Found(tuple(hits), total, widened)

    return index.using(_path(workspace), look)


def with_standing(found: Found, workspace: Workspace, now: float) -> Found:
    """The hits, those in documents with who answers for them and how their review stands at `now`.

    Raises StoreError where the store cannot be read.
    """
    paths = {hit.source for hit in found.hits if hit.kind == "document"}
    if not (workspace.docs and paths):
        return found
    with open_store(workspace.store, write=False) as store, store.reading() as truth:
        known = {one.path: one for one in standing_of_documents(workspace, truth, now, paths)}
    hits = (_told(hit, known.get(hit.source)) for hit in found.hits)
    return found._replace(hits=tuple(hits))


def _told(hit: Match, known: Known | None) -> Match:
    if known is None or hit.kind != "document":
        return hit
    return hit._replace(status=", ".join(filter(None, (known.owner, known.state))))


def similar(workspace: Workspace, title: str, exclude: str) -> tuple[Similar, ...]:
    """The ended incidents that are most like one with this title, those of its services first.

    `exclude` is the incident itself. None where that cannot be told: it never fails, because it only helps,
    at a time when nothing else may be in the way.
    """
    said = [one for one in re.findall(r"\w{3,}", title.lower()) if one not in _COMMON]
    try:
        hits = _alike(workspace, said)
        with open_store(workspace.store, write=False) as store, store.reading() as truth:
            return tuple(islice(_past(truth, hits, exclude), _MOST_SIMILAR))
    except (OpsctlError, OSError, sqlite3.Error):
        return ()


def _alike(workspace: Workspace, spoken: list[str]) -> list[Match]:
    """The incidents whose titles share enough of these words."""
    said = tuple(dict.fromkeys(spoken))[:_MOST_WORDS]
    if not said:
        return []
    query = Query(tuple((one, False) for one in said))

    def look(db: sqlite3.Connection) -> list[Match]:
        if not _take_in_events(db, workspace, most=_MOST_AT_ONCE):
            return []
        return index.look(db, query.some(), index.Filter(kind="incident", limit=100))[0]

    def shared(hit: Match) -> int:
        return sum(bool(re.search(rf"\b{re.escape(one[:5])}", hit.title.lower())) for one in said)

    return [hit for hit in index.using(_path(workspace), look) if shared(hit) >= min(2, len(said))]


def _past(truth: sqlite3.Connection, hits: list[Match], exclude: str) -> Iterator[Similar]:
    new = get(truth, exclude)
    services = set(new.services) if new else set()
    found = [(hit, get(truth, hit.source)) for hit in hits if hit.source != exclude]
    past = [(hit, incident) for hit, incident in found if incident and incident.state in _ENDED]
    # The better a match, the further its score is below zero.
    past.sort(key=lambda one: one[0].score * (_SAME_SERVICE if services.intersection(one[1].services) else 1))
    return (Similar(hit.source, hit.title, hit.at, _how_it_ended(truth, hit.source)) for hit, _ in past)


def _how_it_ended(truth: sqlite3.Connection, subject: str) -> str:
    ends = {"incident.resolved", "incident.closed"}
    return next((words(one) for one in events(truth, [subject]) if one.kind in ends), "")


def _path(workspace: Workspace) -> Path:
    return workspace.store.with_name(f"{workspace.store.stem}.search.db")


def _take_in_events(
    db: sqlite3.Connection,
    workspace: Workspace,
    most: int | None = None,
    tell: Callable[[str], object] | None = None,
) -> bool:
    """Bring the index up to date with the store; False where there are more events than `most` to take in."""
    known, digest = int(index.meta(db, "events") or 0), index.meta(db, "digest")
    # All is read before any is written: whoever writes to the store does not wait for the index.
    with open_store(workspace.store, write=False) as store, store.reading() as truth:
        last, now = head(truth)
        if (known, digest) == (last, now):
            return True
        fits = known > 0 and digest_of(truth, known) == digest
        new = last - (known if fits else 0)
        if most is not None and new > most:
            return False
        if tell and new > _MOST_AT_ONCE:
            tell(f"reading {new:,} events, which only the first search does")
        touched = _touched(truth, known) if fits else None
        entries = list(_entries(truth, touched))
    if touched is None:
        index.forget_subjects(db)
    index.replace(db, touched or (), entries)
    index.set_meta(db, "events", str(last))
    index.set_meta(db, "digest", now)
    return True


def _touched(truth: sqlite3.Connection, known: int) -> set[str]:
    """What the events after this one changed: their subjects, those of what they undid, and their reviews."""
    found, undid = since(truth, known)
    if undid:
        undos = [one for one in events(truth, sorted(found), undone=True) if one.kind == UNDONE]
        found.update(subject for one in undos for subject in one.body["subjects"])
    # A review is of the services of its incident.
    numbers = {one.partition("-")[2] for one in found if prefix_of(one) in {"INC", "PIR"}}
    return found | {f"{prefix}-{number}" for prefix in ("INC", "PIR") for number in numbers}


def _entries(truth: sqlite3.Connection, subjects: Collection[str] | None) -> Iterator[Entry]:
    """Everything that was written of some subjects, or of all."""
    services: dict[str, tuple[str, ...]] = {}
    for one in _records(truth, "INC", subjects):
        services[one.subject] = services[f"PIR-{one.number}"] = one.services
        body = [one.severity, *one.tags, *one.services, *one.roles.values()]
        how = f"{one.state}, {one.severity}"
        yield _entry(one.subject, "incident", one.opened, one.services, one.title, body, how)
    for one in _records(truth, "OPS", subjects):
        services[one.subject] = one.services
        body = [one.text, one.priority, one.owner or "", *one.tags, *one.services]
        how = f"{one.state}, {one.priority}"
        yield _entry(one.subject, "item", one.added, one.services, one.title, body, how)
    for one in _records(truth, "PIR", subjects):
        of = services.get(one.subject, ())
        title = f"review of {one.incident}"
        yield _entry(one.subject, "review", one.started, of, title, [one.text], one.state)
    for event in said(truth, subjects):
        title = f"{event.subject} {event.kind.partition('.')[2].replace('_', ' ')} by {event.actor}"
        words = [str(event.body[name]) for name in ("text", "reason", "forced") if event.body.get(name)]
        of = services.get(event.subject, ())
        yield _entry(event.subject, "note", event.occurred, of, title, words)


def _records(truth: sqlite3.Connection, prefix: str, subjects: Collection[str] | None) -> list[Any]:
    if subjects is None:
        return records(truth, prefix)
    named = sorted(one for one in subjects if prefix_of(one) == prefix)
    return [record for one in named if (record := get(truth, one)) is not None]


def _entry(
    source: str,
    kind: str,
    at: float,
    services: tuple[str, ...],
    title: str,
    body: Sequence[str],
    status: str = "",
) -> Entry:
    text = safe("\n".join(filter(None, body)))
    return index.Entry(source, kind, 0, at, services, safe(title), text, status=status)


def _take_in_files(db: sqlite3.Connection, workspace: Workspace) -> None:
    """Bring the index up to date with the Markdown below the workspace."""
    folder = policies(workspace).reviews.folder
    submitted = _submitted(workspace)
    known = index.stamps(db)
    for file in files(workspace.root):
        # What was submitted is found as it was then.
        if file.path in submitted or known.pop(file.path, None) == file.stamp:
            continue
        kind = "review" if file.path.startswith(f"{folder}/") else "document"
        index.put_file(db, file.path, file.stamp, _sections(workspace.root, file, kind))
    for path in known:
        index.drop_file(db, path)


def _submitted(workspace: Workspace) -> set[str | None]:
    with open_store(workspace.store, write=False) as store, store.reading() as truth:
        return {one.file for one in records(truth, "PIR", ("submitted",))}


def _sections(root: Path, file: File, kind: str) -> Iterator[Entry]:
    for one in sections(root / file.path):
        above, title = " > ".join(one.headings[:-1]), "".join(one.headings[-1:])
        yield index.Entry(
            file.path, kind, one.line, file.changed, (), safe(title), safe(one.text), safe(above)
        )
