#!/usr/bin/env python3
"""Exit 0 once a value in the JSON at an address is as expected: how runbooks verify what they changed.

    json_is.py https://api.example.com/records/1 result.content standby.example.com 60

The last argument is for how many seconds to look again. The token is in TOKEN.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any

PAUSE = 2.0


def value_at(url: str, path: str) -> Any:
    """The value; LookupError where there is none, OSError where there is no answer."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {os.environ.get('TOKEN', '')}"})  # noqa: S310 - the workspace's address
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        value = json.load(answer)
    for part in path.split("."):
        value = value[int(part)] if part.isdigit() else value[part]
    return value


def shown(value: Any) -> str:
    """A text as it stands, everything else as JSON has it."""
    return value if isinstance(value, str) else json.dumps(value)


def main(url: str, path: str, wanted: str, seconds: str = "0") -> int:
    """Look until it is so, or the time is over; say what was found last."""
    until = time.monotonic() + float(seconds)
    while True:
        try:
            found = shown(value_at(url, path))
        except (OSError, ValueError, LookupError, TypeError) as error:
            found = f"nothing: {error}"
        if found == wanted:
            sys.stdout.write(f"{path} is {found}\n")
            return 0
        if time.monotonic() + PAUSE > until:
            sys.stderr.write(f"{path} should be {wanted}, found {found}\n")
            return 1
        time.sleep(PAUSE)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
