#!/usr/bin/env python3
"""Ask a preview of the app 40 times; print the share of failures and the 95th percentile as one JSON object.

The address is in PREVIEW_URL. With fewer than 20 answers no percentile is printed: it would say nothing.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
import urllib.error
import urllib.request

REQUESTS = 40
ENOUGH = 20


def measured(url: str) -> float | None:
    """The seconds until the whole answer was there; None where there was none or it was no success."""
    began = time.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the address is the pipeline's
            answer.read()
    except (OSError, ValueError):
        return None
    return time.monotonic() - began


def percentile(values: list[float], share: float) -> float:
    """The nearest rank: always a value that was seen."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def main(url: str) -> int:
    """Ask, and print what came of it; 1 where nothing answered."""
    times = [measured(url) for _ in range(REQUESTS)]
    well = [one for one in times if one is not None]
    found = {"requests": REQUESTS, "error_percent": 100 * (REQUESTS - len(well)) / REQUESTS}
    if len(well) >= ENOUGH:
        found["p95_ms"] = round(1000 * percentile(well, 0.95), 1)
    sys.stdout.write(json.dumps(found) + "\n")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(os.environ["PREVIEW_URL"]))
