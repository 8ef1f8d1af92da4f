"""Times of schedules in few words, as their tests ask for them."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

LONG = bool(os.environ.get("OPSCTL_LONG"))
EXAMPLES = 1_000 if LONG else 40
ONE = timedelta(days=1)


def at(text):
    return datetime.fromisoformat(text).timestamp()
