"""How a certificate fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the certificate, its chain and the handshake."""
    yield from unanswered()
    # The chain is not seen with STARTTLS.
    chain = () if kind.starttls else ("chain_expires_in",)
    yield Fault("no-tls", "it does not speak TLS", failure=Failure(Cause.TLS, "it does not speak TLS"))
    gone = {"valid": False, **dict.fromkeys(("expires_in", *chain), -DAY)}
    yield Fault("expired", "it has expired", gone, cure="expires_in > 14d")
    soon = dict.fromkeys(("expires_in", *chain), DAY)
    yield Fault("expires-soon", "it expires tomorrow", soon, cure="expires_in > 14d")
    if chain:
        above = dict.fromkeys(chain, DAY)
        cure = "chain_expires_in > 14d"
        yield Fault("chain-expires-soon", "one above it expires tomorrow", above, cure=cure)
    wrong = {"valid": False, "host_matches": False, "names": ["other.invalid"]}
    yield Fault("wrong-name", "it is for another name", wrong, cure="valid == true")
    yield Fault(
        "untrusted", "nobody trusts its issuer", {"valid": False, "trusted": False}, cure="valid == true"
    )
    old = "it speaks nothing newer than TLS 1.1"
    yield Fault("old-protocol", old, failure=Failure(Cause.TLS, old))
    # The chain is looked at last, when no time is left.
    yield slow(timeout)._replace(gone=frozenset(chain))
