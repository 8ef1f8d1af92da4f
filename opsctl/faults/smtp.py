"""How an SMTP server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault
from opsctl.faults.mailing import mail_faults

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of every mail server, and of what it offers."""
    yield from mail_faults(kind, timeout, "SMTP", frozenset())
    if not kind.user:
        none: dict[str, Any] = {"mechanisms": []}
        yield Fault("no-login", "it offers no way to log in", none, cure='mechanisms contains "PLAIN"')
