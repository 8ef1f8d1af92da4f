"""Time servers that fail as `opsctl.faults.ntp` and `opsctl.faults.clock` say."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from checks.time_servers import answer, serving
from players.stage import SLOW
from servers import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault

OF_A_SERVER = (
    "synchronised == true",
    "stratum == 2",
    "stratum < 5",
    'leap == "none"',
    'reference == "192.0.2.1"',
    "age < 1h",
    "root_delay < 1s",
    "root_dispersion < 1s",
    "root_distance < 1s",
    "latency < 500ms",
)
OF_A_CLOCK = (
    "offset < 1s",
    "offset < 2h",
    "ahead == true",
    "synchronised == true",
    "stratum == 2",
    "latency < 500ms",
)
_DAY = 86_400.0
# Servers that are ahead by as much as nobody waits for, so that the sign of the offset is sure.
_WELL = {"stratum": 2, "reference": bytes([192, 0, 2, 1]), "age": 60.0, "ahead": 0.3}
_TOLD: Mapping[str, Mapping[str, Any]] = {
    "healthy": {},
    "slow": {},
    "timeout": {},
    "asked-too-often": {"stratum": 0, "leap": 3, "reference": b"RATE"},
    "unsynchronised": {"stratum": 0, "leap": 3, "reference": b"INIT"},
    "server-unsure": {"stratum": 0, "leap": 3, "reference": b"INIT"},
    "alarm": {"leap": 3},
    "drifting": {"age": _DAY, "dispersion": 1.25},
    "alone": {"stratum": 10, "reference": bytes([127, 127, 1, 1])},
    "behind": {"ahead": 3600.0},
    "ahead": {"ahead": -3600.0},
}


def play(_stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    if fault.name == "refused":
        return nullcontext({"server": HOST, "port": free_port()})
    if fault.name == "no-such-name":
        return nullcontext({"server": "a..b"})
    return _serving(fault.name) if fault.name in _TOLD else None


@contextmanager
def _serving(name: str) -> Iterator[Mapping[str, Any]]:
    def make(asked: bytes) -> list[bytes]:
        if name == "slow":
            time.sleep(SLOW)
        return [] if name == "timeout" else [answer(asked, **{**_WELL, **_TOLD[name]})]

    with serving(make) as port:
        yield {"server": HOST, "port": port}
