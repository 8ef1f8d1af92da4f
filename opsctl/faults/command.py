"""How a command fails: by its exit code, or only by what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

_JSON = frozenset({"json"})


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of a program, and of a plugin that contradicts itself."""
    for name, cause, text in (
        ("no-such-program", Cause.MISSING, "the program is not there"),
        ("timeout", Cause.TIMEOUT, "it never ends"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    plugin = kind.format == "nagios"
    cure = 'plugin_state == "OK"' if plugin else "exit_code == 0"
    for code, state in ((1, "WARNING"), (2, "CRITICAL"), (3, "UNKNOWN"), (127, "UNKNOWN"), (137, "UNKNOWN")):
        said = {"exit_code": code, "stdout": "OK - all is well\n", "plugin_state": state}
        if not (plugin and state == "WARNING"):
            yield Fault(f"exit-{code}", f"it says that all is well, and exits {code}", said, _JSON, cure=cure)
    if plugin:
        return
    wrong = {"exit_code": 0, "stdout": "ERROR: cannot connect\n", "stderr": "ERROR: cannot connect\n"}
    yield Fault(
        "error-and-0", "it says that it failed, and exits 0", wrong, _JSON, cure="stdout contains ..."
    )
    empty = {"exit_code": 0, "stdout": "", "stderr": ""}
    yield Fault("nothing-and-0", "it says nothing, and exits 0", empty, _JSON, cure="stdout contains ...")
    yield slow(timeout)
