"""How a MySQL server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the server, of TLS, of whom it lets in, of replication, and of what a query finds."""
    yield from unanswered()
    for name, text in (
        ("full", "it refuses with error 1040: Too many connections"),
        ("blocked", "it refuses with error 1129: this host is blocked"),
        ("no-mysql", "it does not speak MySQL's protocol"),
    ):
        yield Fault(name, text, failure=Failure(Cause.PROTOCOL, text))
    older = {"version": "5.5.62"}
    yield Fault("other-version", "it is another version", older, cure=r"version matches /^8\./")
    yield from _known(kind) if kind.logs_in else _unknown()
    if kind.tls == "starttls":
        text = "it does not offer TLS any more"
        yield Fault("no-tls", text, failure=Failure(Cause.TLS, text))
        soon = {"expires_in": DAY}
        yield Fault("expires-soon", "its certificate expires tomorrow", soon, cure="expires_in > 14d")
    yield slow(timeout)


def _unknown() -> Iterator[Fault]:
    locked = {"authenticated": False}
    yield Fault("locked-out", "it does not let the user in", locked, cure="authenticated == true")


def _known(kind: Any) -> Iterator[Fault]:
    text = "it refuses with error 1045: Access denied"
    yield Fault("locked-out", text, failure=Failure(Cause.PROTOCOL, text))
    if kind.query or kind.database:
        refused = "1142: SELECT command denied" if kind.query else "1044: Access denied to the database"
        for name, cause, words in (
            ("no-right", Cause.PERMISSION, refused),
            ("no-database", Cause.MISSING, "1049: Unknown database"),
        ):
            text = f"it refuses with error {words}"
            yield Fault(name, text, failure=Failure(cause, text))
    busy = {"connections": 10**5, "connections_percent": 99.0}
    yield Fault("nearly-full", "nearly all connections are taken", busy, cure="connections_percent < 80%")
    stopped = {"replicating": False, "read_only": True}
    cure = "replicating == true, or read_only == false"
    yield Fault("stopped", "it is a replica that hears no more", stopped, frozenset({"lag"}), cure=cure)
    behind = {"replicating": True, "lag": 3600.0, "read_only": True}
    cure = "lag < 1m, or read_only == false"
    yield Fault("behind", "as a replica it is an hour behind", behind, cure=cure)
    if kind.query:
        gone = frozenset({"value", "row"})
        yield Fault("no-rows", "the query finds nothing", {"rows": 0}, gone, cure="rows > 0")
        # What the columns are called is the query's business.
        row: dict[str, Any] = {"rows": 1, "row": {}}
        yield Fault("null", "the query finds NULL", {**row, "value": None}, cure="value > 0")
        yield Fault("zero", "the query finds 0", {**row, "value": 0}, cure="value > 0")
