"""Web servers of which one answer is wrong, as `opsctl.faults.flow` says."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from players.http import answering, answers_of
from players.stage import HEALTHY, TIMEOUT, UNANSWERED

from opsctl.checks.http import HttpCheck
from opsctl.faults import http
from opsctl.secrets import Template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from players.stage import Played, Stage
    from web import Answer

    from opsctl.faults import Fault

LENSES = ("answered == 2", "answered > 1", "latency < 500ms", "latency.a < 500ms", "latency.b < 500ms")
REQUESTS = (
    {"name": "a", "url": "http://a/a", "capture": {"state": {"json": "status"}}},
    {"name": "b", "url": "http://a/b", "expect": ['body contains "shop"', 'json.status == "ok"']},
)


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    if fault.name in UNANSWERED:
        return _flow(stage, "http://{}", UNANSWERED[fault.name]())
    answers: dict[str, Answer] = {
        f"/{one['name']}": answers_of(HEALTHY)["/"] for one in stage.fields["requests"]
    }
    if fault.name != "healthy":
        name, _, inner = fault.name.partition("-")
        known = {one.name: one for one in http.faults(HttpCheck(url=Template("http://a/")), TIMEOUT)}
        wrong = answers_of(known[inner]) if inner in known else None
        if wrong is None:
            return None
        answers |= {f"/{name}" if path == "/" else path: answer for path, answer in wrong.items()}
    return _flow(stage, "{}", answering(answers))


@contextmanager
def _flow(stage: Stage, form: str, address: AbstractContextManager[str]) -> Iterator[Mapping[str, Any]]:
    with address as found:
        base = form.format(found)
        yield {"requests": [{**one, "url": f"{base}/{one['name']}"} for one in stage.fields["requests"]]}
