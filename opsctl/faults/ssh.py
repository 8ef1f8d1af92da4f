"""How an SSH server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the server, and of one that is not who it was."""
    yield from unanswered()
    yield Fault("no-ssh", "it does not speak SSH", failure=Failure(Cause.PROTOCOL, "it does not speak SSH"))
    # It has no key of the kind that is asked for; where the banner takes all of the time, nobody asks.
    keyless = frozenset({"fingerprint"})
    old = {"protocol": "1.5", "software": "1.2.27", "banner": "SSH-1.5-1.2.27"}
    yield Fault("old-protocol", "it speaks SSH 1", old, keyless, cure='protocol == "2.0"')
    other = {"fingerprint": "SHA256:somebody-else"}
    yield Fault("other-host", "it has another key", other, cure='fingerprint == "SHA256:..."')
    yield slow(timeout)._replace(gone=keyless)
