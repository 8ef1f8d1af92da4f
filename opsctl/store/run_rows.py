"""A run as it is stored: each of its steps is a row of its own, so that one step more is one row more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.ledger.events import canonical

if TYPE_CHECKING:
    import sqlite3

    from opsctl.ledger.run import Run

# The view `procedures` puts a run and its steps together, in the order in which they were last written.
_HEAD = """INSERT INTO procedure_heads (subject, document) VALUES (?, ?)
    ON CONFLICT (subject) DO UPDATE SET document = excluded.document"""
_STEP = "INSERT OR REPLACE INTO procedure_steps (subject, step, document) VALUES (?, ?, ?)"


def put_run(db: sqlite3.Connection, subject: str, run: Run | None, before: Run | None) -> None:
    """Keep a run, of which `before` is kept; with None for `before` all of it is written again."""
    if before is None or run is None:
        db.execute("DELETE FROM procedure_heads WHERE subject = ?", (subject,))
        db.execute("DELETE FROM procedure_steps WHERE subject = ?", (subject,))
    if run is not None:
        db.execute(_HEAD, (subject, canonical(run._replace(steps=())._asdict())))
        kept = {id(step) for step in before.steps} if before else set()
        # A step that did not change is the very same value, and stands before those that did.
        db.executemany(
            _STEP, [(subject, step.step, canonical(step)) for step in run.steps if id(step) not in kept]
        )
