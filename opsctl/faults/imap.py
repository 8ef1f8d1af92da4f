"""How an IMAP server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults.mailing import mail_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.faults import Fault


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of every mail server."""
    yield from mail_faults(kind, timeout, "IMAP", frozenset())
