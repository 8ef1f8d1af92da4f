"""Uptime Kuma's monitors of the web: `http`, `keyword`, `json-query`, `websocket-upgrade` and `rabbitmq`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opsctl.importers import SECRET, Note, literal, quoted
from opsctl.importers.kuma_fields import INSECURE, name, number, secret, text

if TYPE_CHECKING:
    from collections.abc import Mapping

_STEP = r"[A-Za-z_]\w*(?:\[[0-9]{1,9}\])?"
_PATH = re.compile(rf"\$?\.?({_STEP}(?:\.{_STEP})*)?", re.ASCII)
_ERRORS = 500
_FAILED = "a server that fails passes there, and here too: take the codes from 500 away where you can"
_ENCODINGS = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "xml": "text/xml; charset=utf-8",
}


def take_http(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    """A page by its status."""
    url = text(one, "url")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"`{url[:80]}` is no address for http")
    made: dict[str, Any] = {"url": url}
    method = str(one.get("method") or "GET").upper()
    made |= {"method": method} if method != "GET" else {}
    headers = _headers(one, where, notes)
    body = one.get("body")
    if isinstance(body, str) and body.strip():
        made["body"] = literal(body)
        kind = _ENCODINGS.get(str(one.get("httpBodyEncoding") or "json"), "application/json")
        headers = headers if "content-type" in map(str.lower, headers) else {"Content-Type": kind, **headers}
    made |= {"headers": headers} if headers else {}
    _authorise(one, made, where, notes)
    if one.get("ignoreTls"):
        made["verify"] = False
        notes.append(Note(f"{where}.ignoreTls", "became `verify: false`", open=INSECURE))
    redirects = one.get("maxredirects", 10)
    made["redirects"] = min(number(redirects) or 0, 20) if redirects is not None else 10
    family = str(one.get("ipFamily"))
    made |= {"family": family} if family in {"ipv4", "ipv6"} else {}
    check: dict[str, Any] = {"http": made, "expect": _codes(one, where, notes)}
    if one.get("expiryNotification") and parts.scheme == "https":
        check["warn"] = ["expires_in > 21d"]
        words = "became `warn: expires_in > 21d`, the first of the days that it has by default"
        notes.append(
            Note(f"{where}.expiryNotification", words, open="an expiring certificate never fails there")
        )
    return {"title": name(one), **check}


def _headers(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, str]:
    said = one.get("headers")
    try:
        said = json.loads(said) if isinstance(said, str) and said.strip() else said
    except (ValueError, RecursionError):
        said = [said]
    if said and not isinstance(said, dict):
        notes.append(Note(f"{where}.headers", "they are no object of JSON", lost=True))
        return {}
    made: dict[str, str] = {}
    for header, value in (said or {}).items():
        if SECRET.search(str(header)):
            made[str(header)] = secret(one, str(header), f"{where}.headers.{header}", notes)
        elif re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", str(header)) and not re.search(
            r"[\r\n]", str(value)
        ):
            made[str(header)] = literal(str(value))
        else:
            notes.append(Note(f"{where}.headers.{header}", "it is no header", lost=True))
    return made


def _authorise(one: Mapping[str, Any], made: dict[str, Any], where: str, notes: list[Note]) -> None:
    method = one.get("authMethod") or ("basic" if one.get("basic_auth_user") else None)
    if method == "basic":
        made["basic"] = {
            "username": literal(str(one.get("basic_auth_user") or "")),
            "password": secret(one, "password", f"{where}.basic_auth_pass", notes),
        }
    elif method == "bearer":
        made["bearer"] = secret(one, "token", f"{where}.bearer_token", notes)
    elif method == "mtls":
        words = "write the certificate and its key into files, and say `certificate` and `key`"
        notes.append(Note(f"{where}.authMethod", words, lost=True))
    elif method:
        notes.append(Note(f"{where}.authMethod", f"opsctl does not have `{method}`", lost=True))


def _codes(one: Mapping[str, Any], where: str, notes: list[Note]) -> list[str]:
    """All from the lowest to the highest code, but what is between."""
    spans: list[tuple[int, int]] = []
    said = one.get("accepted_statuscodes")
    for code in said if isinstance(said, list) and said else ["200-299"]:
        found = re.fullmatch(r"([1-9][0-9]{2})(?:-([1-9][0-9]{2}))?", str(code))
        if not found or int(found[2] or found[1]) < int(found[1]):
            raise ValueError(f"`{str(code)[:40]}` is no code of a status, nor codes from one to another")
        spans.append((int(found[1]), int(found[2] or found[1])))
    spans.sort()
    expect, end = [], spans[0][1]
    for first, last in spans[1:]:
        if first > end + 1:
            only = first == end + 2
            expect.append(f"status != {end + 1}" if only else f"not status in {end + 1}..{first - 1}")
        end = max(end, last)
    whole = f"status == {end}" if spans[0][0] == end else f"status in {spans[0][0]}..{end}"
    if end >= _ERRORS:
        notes.append(Note(f"{where}.accepted_statuscodes", f"became `{whole}`", open=_FAILED))
    return [whole, *expect]


def take_keyword(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    """A page by a word in it."""
    keyword = one.get("keyword")
    if not isinstance(keyword, str) or not keyword:
        raise ValueError("it has no `keyword`")
    check = take_http(one, where, notes)
    inverted = bool(one.get("invertKeyword"))
    written = f"{'not ' if inverted else ''}body contains {quoted(keyword)}"
    spaced = "; JSON is read without its spaces there, and as it is here" if '"' in keyword else ""
    open_ = "an empty page, or another's, passes there, and here too: expect what must be in it" * inverted
    notes.append(Note(f"{where}.keyword", f"became `{written}`{spaced}", open=open_))
    return {**check, "expect": [*check["expect"], written]}


def take_json_query(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    """A page by a value in its JSON."""
    check = take_http(one, where, notes)
    path = str(one.get("jsonPath") or "$").strip()
    operator, value = str(one.get("jsonPathOperator") or "=="), str(one.get("expectedValue") or "")
    found = _PATH.fullmatch(path)
    numeric = re.fullmatch(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?", value)
    bare = numeric or value in {"true", "false"}
    if not found or operator not in {"==", "!=", "<", ">", "<=", ">=", "contains"}:
        notes.append(Note(f"{where}.jsonPath", f"`{path}` {operator} cannot be said in opsctl", lost=True))
        return check
    if operator in {"<", ">", "<=", ">="} and not numeric:
        notes.append(Note(f"{where}.jsonPath", f"`{value}` is no number to compare with", lost=True))
        return check
    subject = f"json.{found[1]}" if found[1] else "json"
    written = f"{subject} {operator} {value if bare and operator != 'contains' else quoted(value)}"
    typed = "; types count here: a number is no text" if bare else ""
    notes.append(Note(f"{where}.jsonPath", f"became `{written}`{typed}"))
    return {**check, "expect": [*check["expect"], written]}


def take_websocket(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    """A WebSocket that opens."""
    url = text(one, "url")
    if urlsplit(url).scheme not in {"ws", "wss"} or not urlsplit(url).hostname:
        raise ValueError(f"`{url[:80]}` is no address of a WebSocket")
    if one.get("wsIgnoreSecWebsocketAcceptHeader"):
        words = "opsctl takes no server that answers with another key"
        notes.append(Note(f"{where}.wsIgnoreSecWebsocketAcceptHeader", words, lost=True))
    headers = _headers(one, where, notes)
    access: dict[str, Any] = {}
    _authorise(one, access, where, notes)
    if "bearer" in access:
        headers["Authorization"] = f"Bearer {access['bearer']}"
    elif access:
        words = "opsctl's `websocket` logs in by `headers` only: give it `Authorization`"
        notes.append(Note(f"{where}.authMethod", words, lost=True))
    made: dict[str, Any] = {"url": url, **({"headers": headers} if headers else {})}
    protocol = str(one.get("wsSubprotocol") or "").replace(" ", "")
    if protocol and "," not in protocol:
        made["subprotocol"] = protocol
    elif protocol:
        words = "opsctl asks for one subprotocol; write it as `subprotocol`"
        notes.append(Note(f"{where}.wsSubprotocol", words, lost=True))
    if one.get("accepted_statuscodes") not in (None, [], ["1000"], ["200-299"]):
        words = "opsctl looks at the upgrade, and not at how the connection is closed"
        notes.append(Note(f"{where}.accepted_statuscodes", words, lost=True))
    return {"title": name(one), "websocket": made, "expect": ["status == 101"]}


def take_rabbitmq(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    """A node of RabbitMQ by the alarms that its cluster has."""
    said = one.get("rabbitmqNodes")
    nodes = [node for node in (said if isinstance(said, list) else []) if isinstance(node, str)]
    if not nodes:
        raise ValueError("it has no `rabbitmqNodes`")
    if len(nodes) > 1:
        words = "one node is asked here, the first; write a check for each other"
        open_ = "one that answers hides the others there"
        notes.append(Note(f"{where}.rabbitmqNodes", words, lost=True, open=open_))
    made = {
        "url": literal(f"{nodes[0].rstrip('/')}/api/health/checks/alarms/"),
        "basic": {
            "username": literal(str(one.get("rabbitmqUsername") or "")),
            "password": secret(one, "password", f"{where}.rabbitmqPassword", notes),
        },
    }
    return {"title": name(one), "http": made, "expect": ["status == 200"]}
