"""How a POP3 server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault
from opsctl.faults.mailing import mail_faults

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of every mail server, and of the mailbox."""
    yield from mail_faults(kind, timeout, "POP3", frozenset({"messages", "size"}))
    if kind.user:
        full = {"messages": 10**6, "size": 10**12}
        yield Fault("piling-up", "a million messages wait", full, cure="messages < 1000")
