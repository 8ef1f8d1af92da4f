"""Health endpoints that fail as `opsctl.faults.health` says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from players.http import addressed_as, answering
from players.stage import SLOW, UNANSWERED
from web import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = (
    'status == "up"',
    'status != "down"',
    'not failing contains "db"',
    "len(failing) == 0",
    "components > 2",
    "code == 200",
    "latency < 500ms",
)
OF_A_COMPONENT = (*LENSES, 'component == "up"', 'component in ["up", "degraded"]')


def _says(word: str, *, code: int = 200, db: str | None = None) -> Answer:
    parts = {"db": db or word, "cache": "UP", "disk": "UP"}
    body = {"status": word, "components": {name: {"status": said} for name, said in parts.items()}}
    return Answer(code, json.dumps(body).encode())


_ANSWERS: Mapping[str, Answer] = {
    "healthy": _says("UP"),
    "slow": _says("UP")._replace(delay=SLOW),
    "error-page": Answer(503, b"<html><body>Service Temporarily Unavailable</body></html>"),
    "login-page": Answer(200, b'<html><body><form action="/login"></form></body></html>'),
    "empty-body": Answer(200, b""),
    "broken-json": Answer(200, _says("UP").body[:-3]),
    "up-and-503": _says("UP", code=503),
    "down": _says("DOWN", code=503),
    "down-and-200": _says("DOWN"),
    "new-word": _says("STARTING"),
    "degraded": _says("UP", db="DEGRADED"),
    "no-component": Answer(200, b'{"status": "UP", "components": {"cache": {"status": "UP"}}}'),
    "hollow": Answer(200, b'{"status": "UP"}'),
}


def play(_stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    if fault.name in UNANSWERED:
        return addressed_as("url", "http://{}/health", UNANSWERED[fault.name]())
    if fault.name not in _ANSWERS:
        return None
    return addressed_as("url", "{}/health", answering({"/health": _ANSWERS[fault.name]}))
