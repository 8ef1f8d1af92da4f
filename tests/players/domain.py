"""Registries, and domains in them, that fail as `opsctl.faults.domain` says."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from checks.probe import probe
from players.http import addressed_as, answering
from players.stage import SLOW, UNANSWERED
from web import Answer

from opsctl.checks.domain import DomainCheck
from opsctl.secrets import Template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = (
    "expires_in > 30d",
    "expires_in > 0s",
    "age > 1d",
    "changed > 1d",
    'status contains "active"',
    'not status contains "client hold"',
    "locked == true",
    "signed == true",
    'registrar == "Example Registrar"',
    'nameservers contains "ns1.example.com"',
    "cached < 2d",
    "latency < 500ms",
)
_DAY = 86_400.0
_PATH = "/domain/example.com"


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    stage.ask["answers"] = stage.folder / "kept" / "answers"
    if fault.name in UNANSWERED:
        return addressed_as("server", "http://{}", UNANSWERED[fault.name]())
    if fault.name == "not-asked":
        return _kept(stage)
    answer = _answer(fault.name)
    return answer and addressed_as("server", "{}", answering({_PATH: answer}))


def _answer(name: str) -> Answer | None:
    if name in {"not-registered", "too-often"}:
        return Answer(404 if name == "not-registered" else 429)
    if name == "no-rdap":
        return Answer(body=b"<html><body>Look up a domain</body></html>")
    told = _told(name)
    return told and Answer(body=json.dumps(told).encode(), delay=SLOW if name == "slow" else 0.0)


def _told(name: str) -> Mapping[str, Any] | None:
    if name in {"healthy", "slow"}:
        return _domain()
    if name == "expires-soon":
        return _domain(expiration=_DAY)
    if name == "untold":
        return _domain(expiration=None)
    if name == "taken":
        return _domain(changed=-60.0, nameserver="ns.other.invalid", registrar="Other")
    states = {"held": ["client hold"], "unlocked": ["active"]}
    return _domain(status=states[name]) if name in states else None


def _domain(
    *,
    expiration: float | None = 300 * _DAY,
    changed: float = -50 * _DAY,
    status: list[str] | None = None,
    nameserver: str = "NS1.EXAMPLE.COM",
    registrar: str = "Example Registrar",
) -> Mapping[str, Any]:
    events = {"registration": -900 * _DAY, "last changed": changed, "expiration": expiration}
    return {
        "objectClassName": "domain",
        "ldhName": "EXAMPLE.COM",
        "status": status or ["active", "client transfer prohibited"],
        "events": [
            {"eventAction": action, "eventDate": _date(seconds)}
            for action, seconds in events.items()
            if seconds is not None
        ],
        "secureDNS": {"delegationSigned": True},
        "nameservers": [{"ldhName": nameserver}],
        "entities": [{"roles": ["registrar"], "vcardArray": ["vcard", [["fn", {}, "text", registrar]]]}],
    }


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()


@contextmanager
def _kept(stage: Stage) -> Iterator[Mapping[str, Any]]:
    """An answer of six days ago, from a registry that nobody reaches any more."""
    with answering({_PATH: Answer(body=json.dumps(_domain()).encode())}) as url:
        check = DomainCheck(name=stage.fields["name"], server=Template(url))
        seen = probe(check, now=time.time() - 6 * _DAY, answers=stage.ask["answers"])
        assert seen.failure is None
    yield {"server": url}
