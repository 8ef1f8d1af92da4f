"""Web servers that fail as `opsctl.faults.http` says."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from checks.peers import server_context
from players.stage import SLOW, UNANSWERED
from web import Answer, Web

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = (
    "status == 200",
    "status != 503",
    'body contains "shop"',
    'not body contains "login"',
    'json.status == "ok"',
    "json exists",
    "size > 0B",
    "size < 80B",
    'header.content-type contains "json"',
    "header.server exists",
    "redirects == 0",
    'not url contains "login"',
    "latency < 500ms",
    "latency.first_byte < 500ms",
)
OVER_TLS = (*LENSES, "expires_in > 14d", "expires_in > 0s")
_RIGHT = Answer(200, b'{"status": "ok", "shop": "open"}', {"Content-Type": "application/json"})
_PAIRS = {
    "expired-certificate": "expired",
    "wrong-name": "wrong_host",
    "untrusted": "untrusted",
    "expires-soon": "soon",
}


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    scheme = stage.fields["url"].partition("://")[0]
    if fault.name in UNANSWERED:
        return addressed_as("url", f"{scheme}://{{}}/", UNANSWERED[fault.name]())
    answers = answers_of(fault)
    return answers and _web(stage, answers, _PAIRS.get(fault.name, "good") if scheme == "https" else None)


def answers_of(fault: Fault) -> Mapping[str, Answer] | None:
    """What a web server says then, by path; None for what is not known here."""
    if fault.name == "healthy" or fault.name in _PAIRS:
        return {"/": _RIGHT}
    if fault.name == "slow":
        return {"/": _RIGHT._replace(delay=SLOW)}
    if fault.name == "truncated":
        return {"/": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")}
    if fault.name == "sent-away":
        return {"/": Answer(302, b"", {"Location": "/login"}), "/login": _page(fault.values)}
    return {"/": _page(fault.values)} if "body" in fault.values else None


def _page(values: Mapping[str, Any]) -> Answer:
    kind = values.get("header.content-type", "application/json")
    return Answer(values.get("status", 200), values["body"].encode(), {"Content-Type": kind})


@contextmanager
def _web(stage: Stage, answers: Mapping[str, Answer], pair: str | None) -> Iterator[Mapping[str, Any]]:
    tls = server_context(getattr(stage.certificates, pair)) if pair else None
    with answering(answers, tls) as url:
        yield {"url": f"{url}/", **({"ca": str(stage.certificates.ca)} if pair else {})}


@contextmanager
def answering(answers: Mapping[str, Answer], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The URL of a web server with these answers, by path."""
    web = Web(tls)
    try:
        for path, answer in answers.items():
            web.answer(path, answer)
        yield web.url
    finally:
        web.close()


@contextmanager
def addressed_as(
    field: str, form: str, address: AbstractContextManager[str], **more: Any
) -> Iterator[Mapping[str, Any]]:
    """The field of a check that holds an address, written as in `form`, and more fields."""
    with address as found:
        yield {field: form.format(found), **more}
