"""Look up in the event log who decided what, and when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import UsageError
from opsctl.ledger import SUBJECTS
from opsctl.ledger.names import command_named, subject_named
from opsctl.moments import moment
from opsctl.prose import line, shorten, suggestion, ticked

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from opsctl.definitions import Workspace
    from opsctl.store.entries import Entry, Wanted


class Looked(NamedTuple):
    """What was found, oldest first; `total` fit, and `hints` say why there may be less than expected."""

    workspace: str
    timezone: str
    entries: tuple[Entry, ...]
    total: int
    hints: tuple[str, ...]


def look_up(
    workspace: Workspace,
    now: float,
    names: Sequence[str],
    since: str | None,
    until: str | None,
    command: str | None,
    wanted: Wanted,
) -> Looked:
    """The events of the subjects `names`, of one command, or of a time; `wanted` says the rest.

    Raises UsageError for names, numbers and times that say nothing, and for a subject or command of
    which nothing was recorded; StoreError for a faulty store.
    """
    from opsctl.store.entries import look_for
    from opsctl.store.opening import open_store

    start, end = (
        None if text is None else moment(text, now, workspace.timezone, option)
        for text, option in ((since, "--since"), (until, "--until"))
    )
    if start is not None and end is not None and start > end:
        raise UsageError("--since is after --until; name an earlier time")
    question = wanted._replace(
        subjects=tuple(dict.fromkeys(map(_subject, names))),
        since=start,
        until=end,
        command=None if command is None else command_named(command),
    )
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        _require_recorded(db, question)
        entries, total = look_for(db, question)
        hints = tuple(_hints(db, question, len(entries), total))
    return Looked(workspace.name, workspace.timezone, entries, total, hints)


def _subject(text: str) -> str:
    prefix = re.match(r"[A-Za-z]*", text.strip())
    known = prefix[0].upper() if prefix else ""
    if known in SUBJECTS:
        return subject_named(text, known)
    names = [f"{one}-7" for one in SUBJECTS]
    hint = f", and of a command `--command {text.strip()}`" if text.strip().isdecimal() else ""
    raise UsageError(f"`{line(shorten(text, 40))}` is no name in the log; write {ticked(names)}{hint}")


def _require_recorded(db: sqlite3.Connection, wanted: Wanted) -> None:
    from opsctl.store.ledger import events

    for subject in wanted.subjects:
        if not events(db, [subject], undone=True):
            raise UsageError(f"nothing was ever recorded of {subject}; `opsctl log` shows what was")
    if wanted.command is not None and not events(db, command=wanted.command, undone=True):
        raise UsageError(f"there is no command {wanted.command}; `opsctl log` lists them")


def _hints(db: sqlite3.Connection, wanted: Wanted, shown: int, total: int) -> list[str]:
    if shown < total:
        return [f"the newest {shown} of {total} events; `--limit 0` shows all"]
    if total:
        return []
    from opsctl.store.entries import kinds, look_for

    known = kinds(db)
    if not known:
        return ["nothing was recorded yet"]
    if not wanted.undone and look_for(db, wanted._replace(undone=True)).total:
        return ["everything that fits was undone; `--undone` shows it"]
    like = suggestion(wanted.kind, known) if wanted.kind and wanted.kind not in known else ""
    return [f"no event fits{like}"]
