"""How a domain's registration fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the registry, and of the domain."""
    if kind.cache:
        # For a week the last answer does, however nobody can be asked.
        old = {"cached": 6 * DAY}
        yield Fault("not-asked", "nobody could be asked for six days", old, cure="cached < 2d")
    else:
        yield from unanswered()
        often = "the registry was asked too often"
        yield Fault("too-often", often, failure=Failure(Cause.STATUS, often))
    for name, cause, text in (
        ("not-registered", Cause.MISSING, "it is not registered any more"),
        ("no-rdap", Cause.BODY, "a page for people in place of RDAP"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    yield Fault("expires-soon", "it expires tomorrow", {"expires_in": DAY}, cure="expires_in > 30d")
    untold = frozenset({"expires_in"})
    yield Fault("untold", "the registry does not tell when it expires", {}, untold, cure="expires_in > 30d")
    held = {"status": ["client hold"], "locked": False}
    yield Fault("held", "the registrar took it out of DNS", held, cure='not status contains "client hold"')
    open_ = {"status": ["active"], "locked": False}
    yield Fault("unlocked", "it can be moved to somebody else", open_, cure="locked == true")
    theirs = {"nameservers": ["ns.other.invalid"], "changed": 60.0, "registrar": "Other"}
    yield Fault("taken", "its name servers are others", theirs, cure='nameservers contains "ns1.example.com"')
    yield slow(timeout)
