"""How a PostgreSQL database fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the server, of replication, and of what a query finds."""
    yield from unanswered()
    for name, cause, text in (
        ("refuses", Cause.PROTOCOL, "it refuses the password"),
        ("full", Cause.PROTOCOL, "there are too many clients already"),
        ("starting", Cause.RESET, "it is starting up, or shutting down"),
        ("no-database", Cause.MISSING, "the database does not exist"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    busy = {"connections": 10**5, "connections_percent": 99.0}
    yield Fault("nearly-full", "nearly all connections are taken", busy, cure="connections_percent < 80%")
    # Where nobody follows, there is nobody to be behind, and only a replica has a lag of its own.
    followers = frozenset({"replica_lag"})
    demoted = {"in_recovery": True, "replicas": 0, "lag": 0.0}
    yield Fault("demoted", "it is a replica now", demoted, followers, cure="in_recovery == false")
    behind = {"in_recovery": True, "lag": 3600.0}
    yield Fault(
        "behind", "as a replica it is an hour behind", behind, cure="lag < 1m, or in_recovery == false"
    )
    lonely = {"in_recovery": False, "replicas": 0}
    gone = followers | {"lag"}
    yield Fault("no-replicas", "all of its replicas are gone", lonely, gone, cure="replicas > 0")
    if kind.query:
        none = frozenset({"value", "row"})
        yield Fault("no-rows", "the query finds nothing", {"rows": 0}, none, cure="rows > 0")
        # What the columns are called is the query's business.
        row: dict[str, Any] = {"rows": 1, "row": {}}
        yield Fault("null", "the query finds NULL", {**row, "value": None}, cure="value > 0")
        yield Fault("zero", "the query finds 0", {**row, "value": 0}, cure="value > 0")
    yield slow(timeout)
