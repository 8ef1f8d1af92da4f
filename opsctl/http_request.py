"""What an `http` check sends: its request, with its secrets filled in, and set up on a libcurl handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pycurl

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.checks import Ask
    from opsctl.checks.http import HttpCheck

_LARGEST = 100_000_000
_USER_AGENT = "opsctl"
_FAMILIES = {"any": pycurl.IPRESOLVE_WHATEVER, "ipv4": pycurl.IPRESOLVE_V4, "ipv6": pycurl.IPRESOLVE_V6}
_VERSIONS = {
    "any": pycurl.CURL_HTTP_VERSION_2TLS,
    "1.1": pycurl.CURL_HTTP_VERSION_1_1,
    "2": pycurl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE,
    # Without a way back to TCP, which would answer for what is broken.
    "3": pycurl.CURL_HTTP_VERSION_3ONLY,
}


class Request(NamedTuple):
    """What is sent: secrets are in it, so it is never shown; `trusted` is whether it may show who asks."""

    url: str
    method: str
    headers: tuple[str, ...]
    body: bytes | None
    trusted: bool
    proxy: str | None = None


def request_of(check: HttpCheck, ask: Ask) -> Request:
    """What `check` sends; SecretMissingError, or OSError where a file's bytes cannot be read; ValueError."""
    headers = [f"{name}: {_no_break(ask.resolve(value))}" for name, value in check.headers.items()]
    if check.bearer:
        headers.append(f"Authorization: Bearer {_no_break(ask.resolve(check.bearer))}")
    if check.basic:
        from base64 import b64encode

        pair = f"{ask.resolve(check.basic.username)}:{ask.resolve(check.basic.password)}"
        headers.append(f"Authorization: Basic {b64encode(pair.encode()).decode()}")
    body, method = _body(check, ask), check.method
    if check.form:
        method = "POST" if method == "GET" else method
        if "content-type" not in {name.lower() for name in check.headers}:
            headers.append("Content-Type: application/x-www-form-urlencoded")
    # libcurl would ask for permission to send a longer body and wait a second for it.
    headers.append("Expect:")
    proxy = ask.resolve(check.proxy) if check.proxy else None
    return Request(ask.resolve(check.url), method, tuple(headers), body, trusted=True, proxy=proxy)


def _body(check: HttpCheck, ask: Ask) -> bytes | None:
    if check.form:
        from urllib.parse import urlencode

        return urlencode({name: ask.resolve(value) for name, value in check.form.items()}).encode()
    if check.body_file:
        return _bytes_of(ask.root / check.body_file, check.body_file)
    return None if check.body is None else ask.resolve(check.body).encode()


def _bytes_of(path: Path, name: str) -> bytes:
    # Who reads a pipe waits for somebody to write, and every other request waits with it.
    if path.exists() and not (path.is_file() and path.stat().st_size <= _LARGEST):
        raise ValueError(f"`{name}` is no file of at most {_LARGEST // 1_000_000} MB; name one that is")
    return path.read_bytes()


def _no_break(value: str) -> str:
    """A header's value on one line, so that a secret with a line break cannot add headers."""
    return value.replace("\r", " ").replace("\n", " ")


def set_up(handle: pycurl.Curl, check: HttpCheck, request: Request, root: Path, seconds: float) -> None:
    """Set a handle up to send the request, all of it within `seconds`; ValueError for a file that is none."""
    milliseconds = max(1, int(seconds * 1000))
    handle.setopt(pycurl.TIMEOUT_MS, milliseconds)
    handle.setopt(pycurl.CONNECTTIMEOUT_MS, milliseconds)
    handle.setopt(pycurl.NOSIGNAL, 1)
    _set_up_connection(handle, check, request, root)
    _set_up_message(handle, request)
    if request.url.startswith("https:"):
        _set_up_tls(handle, check, request, root)


def _set_up_connection(handle: pycurl.Curl, check: HttpCheck, request: Request, root: Path) -> None:
    if request.proxy is None:
        # The variables of the environment are for other programs.
        handle.setopt(pycurl.NOPROXY, "*")
    else:
        handle.setopt(pycurl.PROXY, request.proxy)
        handle.setopt(pycurl.NOPROXY, "")
    if check.unix_socket:
        handle.setopt(pycurl.UNIX_SOCKET_PATH, str(root / check.unix_socket))
    handle.setopt(pycurl.FRESH_CONNECT, 1)
    handle.setopt(pycurl.FORBID_REUSE, 1)
    handle.setopt(pycurl.HTTP_VERSION, _VERSIONS[check.version])
    handle.setopt(pycurl.IPRESOLVE, _FAMILIES[check.family])


def _set_up_message(handle: pycurl.Curl, request: Request) -> None:
    handle.setopt(pycurl.URL, request.url)
    handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    handle.setopt(pycurl.USERAGENT, _USER_AGENT)
    handle.setopt(pycurl.HTTPHEADER, list(request.headers))
    if request.method == "HEAD":
        handle.setopt(pycurl.NOBODY, 1)
    elif request.method != "GET" or request.body is not None:
        handle.setopt(pycurl.CUSTOMREQUEST, request.method)
    if request.body is not None:
        # It tells libcurl the length too, so that a NUL is sent as any other byte.
        handle.setopt(pycurl.POSTFIELDS, request.body)


def _set_up_tls(handle: pycurl.Curl, check: HttpCheck, request: Request, root: Path) -> None:
    from opsctl.trust import trusted_certificates

    if check.version == "2":
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    handle.setopt(pycurl.CAINFO, _file(root, check.ca) if check.ca else trusted_certificates())
    handle.setopt(pycurl.OPT_CERTINFO, 1)
    if not check.verify:
        handle.setopt(pycurl.SSL_VERIFYPEER, 0)
        handle.setopt(pycurl.SSL_VERIFYHOST, 0)
    if check.certificate and request.trusted:
        handle.setopt(pycurl.SSLCERT, _file(root, check.certificate))
        handle.setopt(pycurl.SSLKEY, _file(root, check.key or check.certificate))


def _file(root: Path, name: str) -> str:
    """The path of a file that libcurl is to read, for which every other request waits."""
    from opsctl.plain_files import NotPlainError, check_plain

    path = root / name
    try:
        check_plain(path)
    except NotPlainError as error:
        raise ValueError(f"`{name}` {error}; name a regular file") from error
    except OSError:
        # libcurl has the words for it.
        pass
    return str(path)
