"""How every mail server fails, in whichever protocol it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def mail_faults(kind: Any, timeout: float, protocol: str, unseen: frozenset[str]) -> Iterator[Fault]:
    """Those of the server, of TLS and of who logs in; `unseen` is what only who is let in sees."""
    yield from unanswered()
    for name, text in (
        ("overloaded", "it does not serve"),
        ("other-protocol", f"it does not speak {protocol}"),
    ):
        yield Fault(name, text, failure=Failure(Cause.PROTOCOL, text))
    other = {"banner": "other.invalid ready"}
    yield Fault("other-server", "another server answers", other, cure='banner contains "mail.example.com"')
    if kind.tls != "none":
        text = "it does not offer TLS any more"
        yield Fault("no-tls", text, failure=Failure(Cause.TLS, text))
        soon = {"expires_in": DAY}
        yield Fault("expires-soon", "its certificate expires tomorrow", soon, cure="expires_in > 14d")
    if kind.user:
        text = "it does not let the user in"
        yield Fault("locked-out", text, {"authenticated": False}, unseen, cure="authenticated == true")
    yield slow(timeout)
