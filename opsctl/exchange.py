"""One HTTP exchange for the `http` check: the request on a libcurl handle, and what came back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pycurl

from opsctl.http_answer import BODY_KEPT, body_values, evidence_of, header_values
from opsctl.http_request import request_of
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
_USER_AGENT = "opsctl"
_FAMILIES = {"any": pycurl.IPRESOLVE_WHATEVER, "ipv4": pycurl.IPRESOLVE_V4, "ipv6": pycurl.IPRESOLVE_V6}
_VERSIONS = {
    "any": pycurl.CURL_HTTP_VERSION_2TLS,
    "1.1": pycurl.CURL_HTTP_VERSION_1_1,
    "2": pycurl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE,
    # Without a way back to TCP, which would answer for what is broken.
    "3": pycurl.CURL_HTTP_VERSION_3ONLY,
}
_VERSION_NAMES = {
    pycurl.CURL_HTTP_VERSION_1_0: "1.0",
    pycurl.CURL_HTTP_VERSION_1_1: "1.1",
    pycurl.CURL_HTTP_VERSION_2_0: "2",
    pycurl.CURL_HTTP_VERSION_3: "3",
}
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
        check, request = self._check, self._request
        set_option = handle.setopt
        set_option(pycurl.URL, request.url)
        set_option(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        set_option(pycurl.TIMEOUT_MS, max(1, int(left * 1000)))
        set_option(pycurl.CONNECTTIMEOUT_MS, max(1, int(left * 1000)))
        set_option(pycurl.NOSIGNAL, 1)
        if request.proxy is None:
            # The variables of the environment are for other programs.
            set_option(pycurl.NOPROXY, "*")
        else:
            set_option(pycurl.PROXY, request.proxy)
            set_option(pycurl.NOPROXY, "")
        if check.unix_socket:
            set_option(pycurl.UNIX_SOCKET_PATH, str(self._ask.root / check.unix_socket))
        set_option(pycurl.FRESH_CONNECT, 1)
        set_option(pycurl.FORBID_REUSE, 1)
        set_option(pycurl.USERAGENT, _USER_AGENT)
        set_option(pycurl.HTTPHEADER, list(request.headers))
        set_option(pycurl.HEADERFUNCTION, self._lines.append)
        set_option(pycurl.WRITEFUNCTION, self._receive)
        set_option(pycurl.HTTP_VERSION, _VERSIONS[check.version])
        set_option(pycurl.IPRESOLVE, _FAMILIES[check.family])
        if request.method == "HEAD":
            set_option(pycurl.NOBODY, 1)
        elif request.method != "GET" or request.body is not None:
            set_option(pycurl.CUSTOMREQUEST, request.method)
        if request.body is not None:
            # It tells libcurl the length too, so that a NUL is sent as any other byte.
            set_option(pycurl.POSTFIELDS, request.body)
        if request.url.startswith("https:"):
            self._set_up_tls(handle)

    def _set_up_tls(self, handle: pycurl.Curl) -> None:
        from opsctl.trust import trusted_certificates

        check = self._check
        if check.version == "2":
            handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        handle.setopt(pycurl.CAINFO, self._file(check.ca) if check.ca else trusted_certificates())
        handle.setopt(pycurl.OPT_CERTINFO, 1)
        if not check.verify:
            handle.setopt(pycurl.SSL_VERIFYPEER, 0)
            handle.setopt(pycurl.SSL_VERIFYHOST, 0)
        if check.certificate and self._request.trusted:
            handle.setopt(pycurl.SSLCERT, self._file(check.certificate))
            handle.setopt(pycurl.SSLKEY, self._file(check.key or check.certificate))

    def _file(self, name: str) -> str:
        """The path of a file that libcurl is to read, for which every other request waits."""
        from opsctl.plain_files import NotPlainError, check_plain

        path = self._ask.root / name
        try:
            check_plain(path)
        except NotPlainError as error:
            raise ValueError(f"`{name}` {error}; name a regular file") from error
        except OSError:
            # libcurl has the words for it.
            pass
        return str(path)

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
        if code == pycurl.E_COULDNT_CONNECT:
            refused = handle.getinfo(pycurl.OS_ERRNO) == _ECONNREFUSED
            return (Cause.REFUSED, "connection refused") if refused else (Cause.UNREACHABLE, words)
        if code == pycurl.E_SSL_CONNECT_ERROR and handle.getinfo(pycurl.OS_ERRNO) == _ECONNRESET:
            return Cause.RESET, words
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return Cause.TIMEOUT, f"no whole answer within {self._ask.timeout:g} s"
        return _CAUSES.get(code, Cause.PROTOCOL), words or _WORDS.get(code, f"libcurl error {code}")

    def _fail(self, cause: Cause, words: str, *, handle: pycurl.Curl | None = None) -> None:
        self._done(
            Observation(
                failure=Failure(cause, words),
                phases=_phases(handle) if handle else {},
                evidence=self._evidence(None),
            )
        )

    def _answer(self, handle: pycurl.Curl, status: int) -> Observation:
        wanted = self._ask.wanted
        phases = _phases(handle)
        values: dict[str, Value] = {
            "status": status,
            "latency": time.monotonic() - self._started if self._hops else handle.getinfo(pycurl.TOTAL_TIME),
            "size": self._size,
        }
        if "latency" in wanted:
            values.update(
                (f"latency.{name}", seconds)
                for name, seconds in phases.items()
                if name in {"dns", "connect", "tls"}
            )
            values["latency.first_byte"] = handle.getinfo(pycurl.STARTTRANSFER_TIME)
        if "version" in wanted:
            values["version"] = _VERSION_NAMES.get(handle.getinfo(pycurl.INFO_HTTP_VERSION), "unknown")
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


def _phases(handle: pycurl.Curl) -> dict[str, float]:
    """Seconds spent in each phase of the last hop, in order; a phase that did not happen is left out."""
    info = handle.getinfo
    resolved, connected, total = (
        info(pycurl.NAMELOOKUP_TIME),
        info(pycurl.CONNECT_TIME),
        info(pycurl.TOTAL_TIME),
    )
    secured, first = info(pycurl.APPCONNECT_TIME), info(pycurl.STARTTRANSFER_TIME)
    phases = {"dns": resolved}
    if connected:
        phases["connect"] = connected - resolved
    if secured:
        phases["tls"] = secured - connected
    if first:
        phases["wait"] = first - (secured or connected)
        phases["transfer"] = total - first
    return phases


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


_ECONNRESET = 104
_ECONNREFUSED = 111
