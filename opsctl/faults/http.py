"""How a web address fails: no answer, a wrong one, or one that only looks right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
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
    yield Fault(
        "truncated", "the answer ends too early", failure=Failure(Cause.PROTOCOL, "it ends too early")
    )
    for status, text in (
        (500, "internal error"),
        (503, "unavailable"),
        (404, "not found"),
        (401, "unauthorised"),
        (429, "too many requests"),
        (302, "sent to another page"),
    ):
        yield Fault(
            f"status-{status}", text, {"status": status, **_page(_ERROR)}, _JSON, cure="status == 200"
        )
    if kind.method != "HEAD":
        yield from _bodies()
    yield slow(timeout, ("latency", "latency.first_byte"))
    if kind.url.text.startswith("https"):
        yield from _certificates(verify=kind.verify)


_JSON = frozenset({"json"})


def _page(text: str) -> dict[str, Any]:
    return {"body": text, "size": len(text), "header": "", "header.content-type": "text/html"}


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
        body = {"body": str(value), "size": 20, "json": value}
        yield Fault(name, text, body, cure=_TYPED)


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
