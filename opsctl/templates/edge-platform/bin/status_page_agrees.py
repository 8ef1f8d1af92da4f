#!/usr/bin/env python3
"""Compare the public status page with our own incidents, and print the outcome as one JSON object.

    status_page_agrees.py https://status.example.com

The page has to be green while no sev1 or sev2 incident is on, and not green while one is. Where either cannot
be read, `agrees` is left out and `unknown` says why: the check of it is unknown then, never up.
"""

from __future__ import annotations

import json
import subprocess  # noqa: TID253 - a program of its own, not a part of opsctl's start
import sys
import urllib.error
import urllib.request
from typing import Any

OVER = ("resolved", "closed", "merged")
TOLD = ("sev1", "sev2")


def indicator(page: str) -> str:
    """What the page says: none, minor, major, critical or maintenance."""
    with urllib.request.urlopen(f"{page}/api/v2/summary.json", timeout=8) as answer:  # noqa: S310 - our own page
        return str(json.load(answer)["status"]["indicator"])


def incidents() -> list[str]:
    """The names of the incidents that users have to be told of."""
    listed = subprocess.run(
        ["opsctl", "incident", "list", "-o", "json"], capture_output=True, check=True, timeout=8
    )
    known = json.loads(listed.stdout)["incidents"]
    return [one["incident"] for one in known if one["state"] not in OVER and one["severity"] in TOLD]


def compare(page: str) -> dict[str, Any]:
    """Whether both say the same, and what each says."""
    try:
        shown = indicator(page)
        known = incidents()
    except urllib.error.HTTPError as error:
        return {"unknown": f"the page answered {error.code}"}
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:
        return {"unknown": str(error)}
    # Announced maintenance is no incident, and not green either.
    agrees = shown == "maintenance" or (shown != "none") == bool(known)
    return {"agrees": agrees, "page": shown, "incidents": known}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(compare(sys.argv[1])) + "\n")
