"""What an HTTP answer says: its timings, its headers, its body as text and JSON, and what is shown of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pycurl

from opsctl.strict_json import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opsctl.checks.http import HttpCheck
    from opsctl.http_request import Request
    from opsctl.outcome import Value

_NAMED_PHASES = frozenset({"dns", "connect", "tls"})
_VERSION_NAMES = {
    pycurl.CURL_HTTP_VERSION_1_0: "1.0",
    pycurl.CURL_HTTP_VERSION_1_1: "1.1",
    pycurl.CURL_HTTP_VERSION_2_0: "2",
    pycurl.CURL_HTTP_VERSION_3: "3",
}
BODY_KEPT = 16 * 1024
# A value takes many times the memory of the two bytes that it may be written in.
_MOST_VALUES = 250_000
# Reading them takes the square of their length.
_SLOW_CHARSETS = frozenset({"idna", "punycode"})
_REDACTED = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"})


def phases_of(handle: pycurl.Curl) -> dict[str, float]:
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


def handle_values(
    handle: pycurl.Curl, phases: Mapping[str, float], wanted: frozenset[str]
) -> Iterator[tuple[str, Value]]:
    """What libcurl knows of the last hop, those values of it that are wanted."""
    if "latency" in wanted:
        for name, seconds in phases.items():
            if name in _NAMED_PHASES:
                yield f"latency.{name}", seconds
        yield "latency.first_byte", handle.getinfo(pycurl.STARTTRANSFER_TIME)
    if "version" in wanted:
        yield "version", _VERSION_NAMES.get(handle.getinfo(pycurl.INFO_HTTP_VERSION), "unknown")


def body_values(
    lines: Sequence[bytes], body: Sequence[bytes], wanted: frozenset[str], keys: frozenset[str] | None
) -> Iterator[tuple[str, Value]]:
    """The values `body` and `json`, those of them that are wanted and can be read.

    RepeatedKeyError in place of `json` where one of `keys` (None: any key) stands twice in an object.
    """
    headers = dict(_headers(lines))
    if headers.get("content-encoding", "identity").lower() != "identity":
        # Nothing compressed was asked for; unpacking what comes unasked is how bombs go off.
        return
    data = b"".join(body)
    if "body" in wanted:
        yield "body", _text(data, headers.get("content-type", ""))
    if "json" in wanted and _readable(data):
        try:
            yield "json", read_json(data, keys)
        except (ValueError, RecursionError):
            return


def _readable(data: bytes) -> bool:
    # What is short is not counted, which would take longer than anything else here.
    return len(data) <= _MOST_VALUES or sum(map(data.count, (b"{", b"[", b","))) <= _MOST_VALUES


def evidence_of(
    check: HttpCheck, request: Request, status: int | None, lines: Sequence[bytes], body: Sequence[bytes]
) -> Mapping[str, Value]:
    """What was sent and what came, without what is secret by nature, and only the start of a long body."""
    from opsctl.curl_line import curl_line

    evidence: dict[str, Value] = {"request": f"{request.method} {request.url}", "curl": curl_line(check)}
    if status is not None:
        evidence["status"] = status
    headers: dict[str, Value] = {
        name: "(redacted)" if name in _REDACTED else value for name, value in _headers(lines)
    }
    if headers:
        evidence["headers"] = headers
    if body:
        start = _start(body)
        evidence["body"] = start[:BODY_KEPT].decode("utf-8", "replace")
        evidence["body_cut"] = len(start) > BODY_KEPT
    return evidence


def _headers(lines: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    """The headers of the last answer (an interim 1xx answer comes before it), names in lower case."""
    start = max((at for at, line in enumerate(lines) if line.startswith(b"HTTP/")), default=0)
    for line in lines[start + 1 :]:
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            yield name.strip().lower(), value.strip()


def header_values(lines: Sequence[bytes]) -> dict[str, Value]:
    """The values `header.*`, and `header`, which tells that all there are were seen."""
    joined: dict[str, str] = {}
    for name, value in _headers(lines):
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return {"header": True, **{f"header.{name}": value for name, value in joined.items()}}


def _text(data: bytes, content_type: str) -> str:
    """The body as text; what is no charset of texts is passed over."""
    import codecs

    _, found, charset = content_type.lower().partition("charset=")
    try:
        name = codecs.lookup(charset.split(";")[0].strip(" \"'")).name if found else "utf-8"
        return data.decode("utf-8" if name in _SLOW_CHARSETS else name, "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def _start(body: Sequence[bytes]) -> bytes:
    """As much of a body as is shown, and a byte more."""
    start = bytearray()
    for piece in body:
        if len(start) > BODY_KEPT:
            break
        start += piece
    return bytes(start[: BODY_KEPT + 1])
