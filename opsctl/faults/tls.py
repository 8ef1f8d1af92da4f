"""How a certificate fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the certificate, its chain and the handshake."""
    yield from unanswered()
    yield Fault("no-tls", "it does not speak TLS", failure=Failure(Cause.TLS, "it does not speak TLS"))
    yield Fault("expired", "it has expired", {"valid": False, "expires_in": -DAY}, cure="expires_in > 14d")
    yield Fault("expires-soon", "it expires tomorrow", {"expires_in": DAY}, cure="expires_in > 14d")
    yield Fault("chain-expires-soon", "one above it expires tomorrow", {"chain_expires_in": DAY},
                cure="chain_expires_in > 14d")  # fmt: skip
    wrong = {"valid": False, "host_matches": False, "names": ["other.invalid"]}
    yield Fault("wrong-name", "it is for another name", wrong, cure="valid == true")
    yield Fault(
        "untrusted", "nobody trusts its issuer", {"valid": False, "trusted": False}, cure="valid == true"
    )
    yield Fault(
        "old-protocol", "it speaks TLS 1.1", {"version": "TLSv1.1"}, cure='version in ["TLSv1.2", "TLSv1.3"]'
    )
    yield slow(timeout)
