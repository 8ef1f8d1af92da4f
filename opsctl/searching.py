"""Search everything that was written: incidents, notes, reviews, the backlog and the workspace's Markdown."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.documents import files, sections
from opsctl.errors import OpsctlError
from opsctl.ledger.events import prefix_of
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
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from opsctl.definitions import Workspace
    from opsctl.documents import File
    from opsctl.store.search_index import Entry, Match

KINDS = ("incident", "note", "review", "item", "document")
# With more than so much to take in, opening an incident does not wait for it.
_MOST_AT_ONCE = 20_000
_COMMON = frozenset(
    {
        "and",
        "are",
        "but",
        "for",
        "from",
        "has",
        "have",
        "not",
        "off",
        "out",
        "the",
        "than",
        "that",
        "this",
        "was",
        "with",
    }
)


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


def search(workspace: Workspace, text: str, wanted: index.Filter) -> Found:
    """What holds the words of `text`; all of them, or where nothing does, some.

    Raises UsageError where there is no word in it, and StoreError where the store cannot be read.
    """
    query = parse(text)
    with index.open_index(_path(workspace)) as db:
        _take_in_events(db, workspace)
        _take_in_files(db, workspace)
        hits, total = index.look(db, query.every(), wanted)
        if total or len(query.terms) == 1:
            return Found(tuple(hits), total, widened=False)
        hits, total = index.look(db, query.some(), wanted)
        return Found(tuple(hits), total, widened=True)


def similar(workspace: Workspace, title: str, exclude: str, limit: int = 3) -> tuple[Similar, ...]:
    """The incidents of the past that are most like one with this title; none where that cannot be told.

    It never fails: it only helps, at a time when nothing else may be in the way.
    """
    try:
        return tuple(_similar(workspace, title, exclude, limit))
    except (OpsctlError, OSError, sqlite3.Error):
        return ()


def _similar(workspace: Workspace, title: str, exclude: str, limit: int) -> Iterator[Similar]:
    said = [one for one in re.findall(r"\w{3,}", title.lower()) if one not in _COMMON]
    if not said:
        return
    with index.open_index(_path(workspace)) as db:
        if not _take_in_events(db, workspace, most=_MOST_AT_ONCE):
            return
        query = Query(tuple((one, False) for one in dict.fromkeys(said)))
        hits, _ = index.look(db, query.some(), index.Filter(kind="incident", limit=50))
    enough = min(2, len(query.terms))
    shown = 0
    for hit in hits:
        shared = sum(bool(re.search(rf"\b{re.escape(one[:5])}", hit.title.lower())) for one in said)
        if hit.source != exclude and shared >= enough and shown < limit:
            shown += 1
            yield Similar(hit.source, hit.title, hit.at, _ended(workspace, hit.source))


def _ended(workspace: Workspace, subject: str) -> str:
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        ends = {"incident.resolved", "incident.closed"}
        told = [words(one) for one in events(db, [subject]) if one.kind in ends]
    return told[0] if told else ""


def _path(workspace: Workspace) -> Path:
    return workspace.store.with_name(f"{workspace.store.stem}.search.db")


def _take_in_events(db: sqlite3.Connection, workspace: Workspace, most: int | None = None) -> bool:
    """Bring the index up to date with the store; False where there are more events than `most` to take in."""
    with open_store(workspace.store, write=False) as store, store.reading() as truth:
        known, digest = int(index.meta(db, "events") or 0), index.meta(db, "digest")
        last, now = head(truth)
        if (known, digest) == (last, now):
            return True
        fits = known > 0 and digest_of(truth, known) == digest
        if most is not None and last - (known if fits else 0) > most:
            return False
        touched, undid = since(truth, known) if fits else (set(), True)
        if undid:
            index.forget_subjects(db)
            index.replace(db, (), _entries(truth, None))
        else:
            index.replace(db, touched, _entries(truth, touched))
    index.set_meta(db, "events", str(last))
    index.set_meta(db, "digest", now)
    return True


def _entries(truth: sqlite3.Connection, subjects: Collection[str] | None) -> Iterator[Entry]:
    """Everything that was written of some subjects, or of all."""
    services: dict[str, tuple[str, ...]] = {}
    for one in _records(truth, "INC", subjects):
        services[one.subject] = services[f"PIR-{one.number}"] = one.services
        body = [one.severity, *one.tags, *one.services, *one.roles.values()]
        yield _entry(one.subject, "incident", one.opened, one.services, one.title, body)
    for one in _records(truth, "OPS", subjects):
        services[one.subject] = one.services
        body = [one.text, one.priority, one.owner or "", *one.tags, *one.services]
        yield _entry(one.subject, "item", one.added, one.services, one.title, body)
    for one in _records(truth, "PIR", subjects):
        of = services.get(one.subject, ())
        yield _entry(one.subject, "review", one.started, of, f"review of {one.incident}", [one.text])
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
    source: str, kind: str, at: float, services: tuple[str, ...], title: str, body: Sequence[str]
) -> Entry:
    return index.Entry(source, kind, 0, at, services, safe(title), safe("\n".join(filter(None, body))))


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
