"""How a command fails: by its exit code, or only by what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

_JSON = frozenset({"json"})
_SAID = "OK - all is well"


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of a program, and of a plugin that contradicts itself."""
    for name, cause, text in (
        ("no-such-program", Cause.UNSUPPORTED, "the program is not there"),
        ("timeout", Cause.TIMEOUT, "it never ends"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    yield from _of_plugins() if kind.format == "nagios" else _of_programs()
    yield slow(timeout)


def _of_plugins() -> Iterator[Fault]:
    critical = {"exit_code": 2, "plugin_state": "CRITICAL", "message": _SAID, "stdout": f"{_SAID}\n"}
    yield Fault("exit-2", _contradicts(2), critical, _JSON | {"perfdata"}, cure='plugin_state == "OK"')
    for code in (3, 127, 137):
        values = {"exit_code": code, "plugin_state": "UNKNOWN"}
        failure = Failure(Cause.PLUGIN, "the plugin could not tell")
        yield Fault(f"exit-{code}", _contradicts(code), values, failure=failure, cure='plugin_state == "OK"')


def _of_programs() -> Iterator[Fault]:
    for code in (1, 2, 3, 127, 137):
        said = {"exit_code": code, "stdout": f"{_SAID}\n"}
        yield Fault(f"exit-{code}", _contradicts(code), said, _JSON, cure="exit_code == 0")
    wrong = {"exit_code": 0, "stdout": "ERROR: cannot connect\n", "stderr": "ERROR: cannot connect\n"}
    yield Fault(
        "error-and-0", "it says that it failed, and exits 0", wrong, _JSON, cure="stdout contains ..."
    )
    empty = {"exit_code": 0, "stdout": "", "stderr": ""}
    yield Fault("nothing-and-0", "it says nothing, and exits 0", empty, _JSON, cure="stdout contains ...")


def _contradicts(code: int) -> str:
    return f"it says that all is well, and exits {code}"
