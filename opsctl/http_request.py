"""The request of an `http` check as it is sent, with its secrets filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.checks import Ask
    from opsctl.checks.http import HttpCheck

_LARGEST = 100_000_000


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
