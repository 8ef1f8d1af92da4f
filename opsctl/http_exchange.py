"""One HTTP exchange for the `http` check: sent on a libcurl handle, followed through redirects, reported."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pycurl

from opsctl.http_answer import (
    BODY_KEPT,
    body_values,
    evidence_of,
    handle_values,
    header_values,
    phases_of,
)
from opsctl.http_request import request_of, set_up
from opsctl.outcome import Cause, Failure, Observation, Value
from opsctl.strict_json import RepeatedKeyError
from opsctl.transfers import Transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsctl.checks import Ask
    from opsctl.checks.http import HttpCheck
    from opsctl.transfers import Loop

_WHOLE = frozenset({"body", "json"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEPING_METHOD = frozenset({307, 308})
_ECONNRESET = 104
_ECONNREFUSED = 111
_CONNECTING = frozenset({pycurl.E_COULDNT_CONNECT, pycurl.E_SSL_CONNECT_ERROR})
# CURLE_TOO_LARGE, which pycurl has no name for.
_E_TOO_LARGE = 100
_CAUSES = {
    pycurl.E_COULDNT_RESOLVE_HOST: Cause.DNS,
    pycurl.E_OPERATION_TIMEDOUT: Cause.TIMEOUT,
    pycurl.E_GOT_NOTHING: Cause.RESET,
    pycurl.E_RECV_ERROR: Cause.RESET,
    pycurl.E_SEND_ERROR: Cause.RESET,
    pycurl.E_PARTIAL_FILE: Cause.RESET,
    pycurl.E_SSL_CONNECT_ERROR: Cause.TLS,
    pycurl.E_PEER_FAILED_VERIFICATION: Cause.TLS,
    pycurl.E_SSL_CERTPROBLEM: Cause.TLS,
    pycurl.E_SSL_CACERT_BADFILE: Cause.PERMISSION,
    pycurl.E_SSL_ISSUER_ERROR: Cause.TLS,
    _E_TOO_LARGE: Cause.TOO_LARGE,
}
# Where libcurl itself has none.
_WORDS = {
    pycurl.E_HTTP2: "the conversation in HTTP/2 broke off",
    _E_TOO_LARGE: "its headers are longer than is read",
}


class Exchange:
    """A request on its way: prepared when its turn comes, followed through redirects, reported once."""

    def __init__(self, check: HttpCheck, ask: Ask, loop: Loop, done: Callable[[Observation], None]) -> None:
        self._check = check
        self._ask = ask
        self._loop = loop
        self._done = done
        self._request = request_of(check, ask)
        self._started = 0.0
        self._hops = 0
        self._reset()

    def _reset(self) -> None:
        self._lines: list[bytes] = []
        self._body: list[bytes] = []
        self._kept = self._size = 0
        self._too_large = False

    def prepare(self, handle: pycurl.Curl) -> Transfer | None:
        """Set the handle up for the next hop; None where the request cannot even be made."""
        self._started = self._started or time.monotonic()
        left = self._ask.timeout - (time.monotonic() - self._started)
        if left <= 0:
            self._fail(Cause.TIMEOUT, f"no answer within {self._ask.timeout:g} s")
            return None
        try:
            self._set_up(handle, left)
        except (pycurl.error, UnicodeEncodeError, ValueError) as error:
            self._fail(Cause.UNSUPPORTED, f"the request cannot be made: {error}")
            return None
        except Exception as error:  # noqa: BLE001 - one request must not stop the loop for the others
            self._fail(Cause.INTERNAL, f"the request failed here: {error!r}; please report this")
            return None
        return Transfer(handle, lambda code, words: self._end(handle, code, words))

    def _end(self, handle: pycurl.Curl, code: int, words: str) -> None:
        try:
            self._finish(handle, code, words)
        except Exception as error:  # noqa: BLE001 - as in prepare
            self._fail(Cause.INTERNAL, f"the answer could not be read: {error!r}; please report this")

    def _set_up(self, handle: pycurl.Curl, left: float) -> None:
        set_up(handle, self._check, self._request, self._ask.root, left)
        handle.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        handle.setopt(pycurl.WRITEFUNCTION, self._receive)

    def _receive(self, data: bytes) -> int:
        self._size += len(data)
        if self._size > self._check.max_body:
            self._too_large = True
            return 0
        if self._kept <= BODY_KEPT or not self._ask.wanted.isdisjoint(_WHOLE):
            # Of what nobody judges, only as much stays in memory as is shown.
            self._body.append(data)
            self._kept += len(data)
        return len(data)

    def _finish(self, handle: pycurl.Curl, code: int, words: str) -> None:
        if code:
            self._fail(*self._failure(handle, code, words), handle=handle)
            return
        status = handle.getinfo(pycurl.RESPONSE_CODE)
        if status in _REDIRECTS and self._check.redirects:
            try:
                location = _location(handle)
            except ValueError:
                self._fail(Cause.REDIRECT, "redirected to what is no address", handle=handle)
                return
            if location:
                self._follow(location, status)
                return
        self._done(self._answer(handle, status))

    def _follow(self, location: str, status: int) -> None:
        self._hops += 1
        if self._hops > self._check.redirects:
            self._fail(
                Cause.REDIRECT,
                f"more than {self._check.redirects} redirects; raise `redirects` if that is right",
            )
            return
        request = self._request
        keeps = status in _KEEPING_METHOD or request.method in {"GET", "HEAD"}
        method, body = (request.method, request.body) if keeps else ("GET", None)
        if _origin(location) != _origin(request.url):
            # Credentials belong to the origin they were written for; a body may hold some too.
            if body is not None:
                self._fail(Cause.REDIRECT, "redirected to another origin, where the body is not sent")
                return
            request = request._replace(headers=(), trusted=False)
        self._request = request._replace(url=location, method=method, body=body)
        self._reset()
        self._loop.add(self.prepare)

    def _failure(self, handle: pycurl.Curl, code: int, words: str) -> tuple[Cause, str]:
        if self._too_large:
            return (
                Cause.TOO_LARGE,
                f"the body is longer than {self._check.max_body} bytes; raise `max_body` if that is right",
            )
        errno = handle.getinfo(pycurl.OS_ERRNO)
        if code in _CONNECTING and errno == _ECONNRESET:
            return Cause.RESET, words
        if code == pycurl.E_COULDNT_CONNECT:
            refused = errno == _ECONNREFUSED
            return (Cause.REFUSED, "connection refused") if refused else (Cause.UNREACHABLE, words)
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return Cause.TIMEOUT, f"no whole answer within {self._ask.timeout:g} s"
        return _CAUSES.get(code, Cause.PROTOCOL), words or _WORDS.get(code, f"libcurl error {code}")

    def _fail(self, cause: Cause, words: str, *, handle: pycurl.Curl | None = None) -> None:
        self._done(
            Observation(
                failure=Failure(cause, words),
                phases=phases_of(handle) if handle else {},
                evidence=self._evidence(None),
            )
        )

    def _answer(self, handle: pycurl.Curl, status: int) -> Observation:
        wanted = self._ask.wanted
        phases = phases_of(handle)
        values: dict[str, Value] = {
            "status": status,
            "latency": time.monotonic() - self._started if self._hops else handle.getinfo(pycurl.TOTAL_TIME),
            "size": self._size,
        }
        values.update(handle_values(handle, phases, wanted))
        if "url" in wanted or "redirects" in wanted:
            values["url"], values["redirects"] = self._request.url, self._hops
        if "header" in wanted:
            values.update(header_values(self._lines))
        untold: dict[str, str] = {}
        if "body" in wanted or "json" in wanted:
            try:
                values.update(body_values(self._lines, self._body, wanted, self._ask.keys))
            except RepeatedKeyError as error:
                untold["json"] = str(error)
        if "expires_in" in wanted:
            from opsctl.certificate import earliest_expiry

            expires = earliest_expiry(handle.getinfo(pycurl.INFO_CERTINFO)[:1])
            if expires is not None:
                values["expires_in"] = expires - self._ask.now
        return Observation(values, None, self._evidence(status), phases, untold)

    def _evidence(self, status: int | None) -> Callable[[], Mapping[str, Value]]:
        lines, body, request = self._lines, self._body, self._request
        return lambda: evidence_of(self._check, request, status, lines, body)


def _location(handle: pycurl.Curl) -> str | None:
    """Where a redirect leads; ValueError where that is no address."""
    location: str | None = handle.getinfo(pycurl.REDIRECT_URL)
    if location:
        # libcurl has written a path in ASCII by now, and knows no host of other letters.
        location.encode("ascii")
        _origin(location)
    return location


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or {"http": 80, "https": 443}.get(parts.scheme),
    )
