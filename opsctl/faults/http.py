"""How a web address fails: no answer, a wrong one, or one that only looks right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, ELSEWHERE, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

_ERROR = "<html><head><title>Service Temporarily Unavailable</title></head><body>Try again.</body></html>"
_LOGIN = '<html><body><form action="/login"><input name="user"><input type="password"></form></body></html>'
_SAYS = 'body contains "a word that only the right page has"'
_TYPED = 'json.status == "ok"'


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the method, the address and the certificate."""
    yield from unanswered()
    yield from _statuses(kind.method)
    yield _sent_away(kind)
    if kind.method != "HEAD":
        truncated = "the answer ends too early"
        yield Fault("truncated", truncated, failure=Failure(Cause.RESET, truncated))
        yield from _bodies()
    yield slow(timeout, ("latency", "latency.first_byte"))
    if kind.url.text.startswith("https"):
        yield from _certificates(verify=kind.verify)


def _statuses(method: str) -> Iterator[Fault]:
    for status, text in (
        (500, "internal error"),
        (503, "unavailable"),
        (404, "not found"),
        (401, "unauthorised"),
        (429, "too many requests"),
    ):
        # To HEAD there is no body, however it fails.
        page = _page(_ERROR if method != "HEAD" else "")
        yield Fault(f"status-{status}", text, {"status": status, **page}, _JSON, cure="status == 200")


_JSON = frozenset({"json"})


def _page(text: str) -> dict[str, Any]:
    return {"body": text, "size": len(text), "header.content-type": "text/html"}


def _sent_away(kind: Any) -> Fault:
    """To where somebody has to log in; whoever follows sees that page, and its status."""
    if not kind.redirects:
        values = {"status": 302, **_page("")}
        return Fault("status-302", "sent to another page", values, _JSON, cure="status == 200")
    values = {
        "redirects": 1,
        "url": f"http://{ELSEWHERE}/login",
        **_page(_LOGIN if kind.method != "HEAD" else ""),
    }
    return Fault("sent-away", "sent to a login page", values, _JSON, cure=_SAYS)


def _bodies() -> Iterator[Fault]:
    yield Fault("error-page-200", "an error page, with status 200", _page(_ERROR), _JSON, cure=_SAYS)
    yield Fault("login-page", "a login page in place of the answer", _page(_LOGIN), _JSON, cure=_SAYS)
    yield Fault("empty-body", "status 200 and nothing in it", _page(""), _JSON, cure="size > 0B")
    broken = '{"status": "ok", "items": ['
    yield Fault("broken-json", "JSON that is cut off", {**_page(broken)}, _JSON, cure=_TYPED)
    for name, text, value in (
        (
            "json-error",
            "JSON that says that it failed",
            {"status": "error", "error": "no database", "ok": False},
        ),
        ("json-empty", "JSON without the fields", {}),
        ("json-null", "JSON `null`", None),
        ("json-list", "a list in place of an object", []),
    ):
        body = json.dumps(value)
        yield Fault(name, text, {"body": body, "size": len(body), "json": value}, cure=_TYPED)


def _certificates(*, verify: bool) -> Iterator[Fault]:
    for name, text in (
        ("expired-certificate", "the certificate has expired"),
        ("wrong-name", "the certificate is for another name"),
        ("untrusted", "nobody trusts who issued the certificate"),
    ):
        if verify:
            yield Fault(name, text, failure=Failure(Cause.TLS, text))
        else:
            values = {"expires_in": -DAY} if name == "expired-certificate" else {}
            yield Fault(name, text, values, cure="verify: true")
    yield Fault(
        "expires-soon", "the certificate expires tomorrow", {"expires_in": DAY}, cure="expires_in > 14d"
    )
