"""How a mail server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the server, of TLS and of who logs in."""
    yield from unanswered()
    for name, cause, text in (
        ("overloaded", Cause.PROTOCOL, "it does not serve: 421 too many connections"),
        ("no-smtp", Cause.PROTOCOL, "it does not speak SMTP"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    other = {"banner": "other.invalid ESMTP"}
    yield Fault("other-server", "another server answers", other, cure='banner contains "mail.example.com"')
    if kind.tls != "none":
        text = "it does not offer TLS any more"
        yield Fault("no-tls", text, failure=Failure(Cause.TLS, text))
        yield Fault("expires-soon", "its certificate expires tomorrow", {"expires_in": DAY},
                    cure="expires_in > 14d")  # fmt: skip
    if kind.user:
        text = "it does not let the user in"
        yield Fault("locked-out", text, {"authenticated": False}, cure="authenticated == true")
    else:
        yield Fault(
            "no-login", "it offers no way to log in", {"mechanisms": []}, cure='mechanisms contains "PLAIN"'
        )
    yield slow(timeout)
