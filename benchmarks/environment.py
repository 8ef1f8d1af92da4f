"""The environment of the processes that are measured: byte code in place, and what they keep in a folder of its own."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory

_CACHE = TemporaryDirectory(prefix="opsctl-cache-")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["XDG_CACHE_HOME"] = _CACHE.name
# Nothing can be kept there, so that each run reads its workspace as the first one after a change does.
ANEW = {**ENVIRONMENT, "XDG_CACHE_HOME": os.devnull}
