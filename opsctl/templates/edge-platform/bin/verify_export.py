#!/usr/bin/env python3
"""Read an export of the database into a database in memory, and exit 0 only where it is whole and not empty.

verify_export.py backups/d1-20261120T020000Z.sql users
"""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path


def main(path: str, table: str) -> int:
    """Load it, check it, and count the rows of one table."""
    memory = sqlite3.connect(":memory:")
    memory.executescript(Path(path).read_text(encoding="utf-8"))
    integrity = memory.execute("pragma integrity_check").fetchone()[0]
    tables = memory.execute("select count(*) from sqlite_master where type = 'table'").fetchone()[0]
    # A name cannot be a parameter; quoted as SQL does, it can be nothing but a name.
    quoted = '"' + table.replace('"', '""') + '"'
    rows = memory.execute(f"select count(*) from {quoted}").fetchone()[0]  # noqa: S608 - quoted above
    sys.stdout.write(json.dumps({"integrity": integrity, "tables": tables, "rows": rows}) + "\n")
    return 0 if integrity == "ok" and rows > 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (OSError, ValueError, sqlite3.Error) as error:
        sys.exit(f"{sys.argv[1]} is no usable export: {error}")
