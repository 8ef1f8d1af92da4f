"""The monitors of Uptime Kuma's backup as services and checks."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from opsctl.connecting import parse_address
from opsctl.importers import ForeignError, Imported, Note, fit, literal, name_of, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_NOTHING = "opsctl has nothing like it"
# What says nothing of how it is checked; and what belongs to other types, by how it begins.
_IDLE = {
    "active", "cacheBust", "childrenIDs", "dns_last_result", "forceInactive", "id", "includeSensitiveData",
    "maintenance", "name", "parent", "path", "pathName", "screenshot", "screenshot_delay", "type", "weight",
    "retryOnlyOnStatusCodeFailure", "saveResponse", "saveErrorResponse", "responseMaxLength",
    "authMethod", "httpBodyEncoding", "jsonPath", "jsonPathOperator", "expectedValue", "keyword",
    "invertKeyword", "method", "maxredirects", "accepted_statuscodes", "url", "hostname", "port", "interval",
    "timeout", "maxretries", "upsideDown", "expiryNotification", "ignoreTls", "headers", "body",
}  # fmt: skip
_OTHERS = (
    "auth", "basic_auth", "bearer", "database", "dns_", "docker_", "expectedTls", "game", "grpc", "kafka",
    "mqtt", "ntp", "oauth_", "ping_", "push", "rabbitmq", "radius", "remote_", "smtp", "snmp", "tls", "ws",
)  # fmt: skip
_DEFAULTS = {"packetSize": 56, "location": "world", "protocol": None}
_STEP = r"[A-Za-z_]\w*(?:\[[0-9]{1,9}\])?"
_PATH = re.compile(rf"\$?\.?({_STEP}(?:\.{_STEP})*)?", re.ASCII)
_SECRET = re.compile("auth|cookie|key|secret|token", re.IGNORECASE)
_ENCODINGS = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "xml": "text/xml; charset=utf-8",
}
_OPENED = {
    "docker": "a container that is starting, or restarts again and again, is only pending there, never down",
    "dns": "any record passes there, also a wrong one",
    "group": "members that are paused do not count there, and without members it is only pending",
}
_UPSIDE = "it is up there whenever nothing could be asked, also where the fault is the monitor's own"


class _Group(NamedTuple):
    """The services that groups became, and the checks in them, by the numbers of their monitors."""

    names: Mapping[Any, str]
    checks: dict[Any, str]
    proxies: Mapping[Any, str]


def take(data: Any) -> Imported:
    """The services of a backup; ForeignError where it has no monitors."""
    if not isinstance(data, dict):
        raise ForeignError("it is no object; is this a backup of Uptime Kuma?")
    monitors = data.get("monitorList")
    if not isinstance(monitors, list) or not monitors:
        words = "it has no list `monitorList` with a monitor in it; is this a backup of Uptime Kuma?"
        raise ForeignError(words, key="monitorList")
    notes: list[Note] = []
    found = [(f"monitorList[{number}]", one) for number, one in enumerate(monitors) if isinstance(one, dict)]
    notes += (
        Note(f"monitorList[{number}]", "it is no monitor but something else", lost=True)
        for number, one in enumerate(monitors)
        if not isinstance(one, dict)
    )
    services = _services(found, data.get("proxyList"), notes)
    others = sorted(str(key) for key in data if data[key] and key not in _TOP)
    notes += (Note(key, "it says nothing of checks", lost=True) for key in others)
    return Imported(services, tuple(notes))


def _services(found: Sequence[tuple[str, dict[str, Any]]], proxies: Any, notes: list[Note]) -> dict[str, Any]:
    titles: dict[str, str] = {}
    for_groups: dict[Any, str] = {}
    for _, one in found:
        if one.get("type") == "group" and _number(one.get("id")) is not None:
            for_groups[one["id"]] = name_of(_name(one), titles)
            titles[for_groups[one["id"]]] = _name(one)
    group = _Group(for_groups, {}, _proxies(proxies))
    services: dict[str, Any] = {}
    for where, one in sorted(found, key=lambda pair: pair[1].get("type") == "group"):
        if one.get("type") != "group":
            _monitor(where, one, group, titles, services, notes)
    waiting = [(where, one) for where, one in found if one.get("type") == "group"]
    # A group is made after the groups in it; what is left at the end goes round in a circle.
    while ready := [
        (where, one)
        for where, one in waiting
        if not any(_parent(other) == _number(one.get("id")) for _, other in waiting)
    ]:
        waiting = [pair for pair in waiting if pair not in ready]
        for where, one in ready:
            _group(where, one, found, group, titles, services, notes)
    notes += (Note(where, "it is in itself, by way of its parent", lost=True) for where, _ in waiting)
    return services


def _add(
    one: dict[str, Any],
    check: dict[str, Any],
    group: _Group,
    titles: dict[str, str],
    services: dict[str, Any],
) -> str:
    is_group = one.get("type") == "group"
    service = group.names.get(_number(one.get("id")) if is_group else _parent(one))
    if service is None:
        service = name_of(_name(one), titles)
        titles[service] = _name(one)
    checks = services.setdefault(service, {"title": titles[service], "checks": {}})["checks"]
    called = name_of("group" if is_group else _name(one), checks)
    checks[called] = check
    if _number(one.get("id")) is not None:
        group.checks[one["id"]] = f"{service}/{called}"
    return f"{service}/{called}"


def _monitor(
    where: str,
    one: dict[str, Any],
    group: _Group,
    titles: dict[str, str],
    services: dict[str, Any],
    notes: list[Note],
) -> None:
    type_ = str(one.get("type"))
    if _paused(one):
        notes.append(Note(where, "it is paused there", lost=True))
        return
    if type_ not in _MAKERS:
        notes.append(Note(where, f"opsctl has no check for `{type_}`; a `command` may do", lost=True))
        return
    said: list[Note] = []
    try:
        check = _MAKERS[type_](one, where, said)
        if one.get("upsideDown"):
            _turn(check)
            said.append(Note(f"{where}.upsideDown", "what is expected was turned round", open=_UPSIDE))
        check |= _run(one, type_, where, said)
        if type_ in _WEB and _number(one.get("proxyId")) is not None:
            check["http"]["proxy"] = _proxy(one, group)
        fit(check)
    except ValueError as error:
        notes.append(Note(where, str(error), lost=True))
        return
    _lost(one, where, said)
    called = _add(one, check, group, titles, services)
    careful = "" if type_ == "dns" and one.get("conditions") else _OPENED.get(type_, "")
    notes += [*said, Note(where, f"became {called}", open=careful)]


def _group(
    where: str,
    one: dict[str, Any],
    found: Sequence[tuple[str, dict[str, Any]]],
    group: _Group,
    titles: dict[str, str],
    services: dict[str, Any],
    notes: list[Note],
) -> None:
    number = _number(one.get("id"))
    children = [_number(other.get("id")) for _, other in found if _parent(other) == number is not None]
    members = [group.checks[child] for child in children if child in group.checks]
    if _paused(one):
        notes.append(Note(where, "it is paused there", lost=True))
    elif not members or one.get("upsideDown"):
        words = "nothing is in it that came along" if not members else "a group cannot be turned round"
        notes.append(Note(where, words, lost=True, open=_OPENED["group"] if not members else _UPSIDE))
    else:
        check = {"group": members, "title": _name(one), **_run(one, "group", where, notes)}
        _lost(one, where, notes)
        called = _add(one, check, group, titles, services)
        notes.append(Note(where, f"became {called}", open=_OPENED["group"]))


def _paused(one: Mapping[str, Any]) -> bool:
    active = one.get("active", True)
    return isinstance(active, int) and not active


def _name(one: Mapping[str, Any]) -> str:
    return str(one.get("name") or one.get("hostname") or one.get("url") or "unnamed")


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _parent(one: Mapping[str, Any]) -> int | None:
    return _number(one.get("parent"))


def _run(one: Mapping[str, Any], type_: str, where: str, notes: list[Note]) -> dict[str, Any]:
    """How often and how patiently it is checked."""
    made: dict[str, Any] = {}
    interval, timeout, tries = one.get("interval"), one.get("timeout"), _number(one.get("maxretries"))
    if type_ not in {"push", "group"} and isinstance(timeout, int | float) and 0.001 <= timeout <= 3600:
        made["timeout"] = f"{timeout:.3f}".rstrip("0").rstrip(".") + "s"
    if type_ != "push" and isinstance(interval, int) and 1 <= interval <= 31_536_000:
        made["every"] = f"{int(interval)}s"
    if tries and 0 < tries < 100:
        made["fail_after"] = tries + 1
        again = one.get("retryInterval")
        if again and again != interval:
            words = f"it is tried again after {str(again)[:20]} s there; here `every` stays what it is"
            notes.append(Note(f"{where}.retryInterval", words, lost=True))
    elif tries:
        notes.append(Note(f"{where}.maxretries", "opsctl waits for 100 failures at most", lost=True))
    return made


def _turn(check: dict[str, Any]) -> None:
    """Expect the contrary; ValueError where that is no single expectation."""
    expect = check.get("expect", [])
    if len(expect) != 1:
        raise ValueError("upside down, it is up where any one of several does not hold, which has no words")
    text: str = expect[0]
    flipped = {"connected == true": "connected == false", "healthy == true": "healthy == false"}
    turned = text.removeprefix("not ") if text.startswith("not ") else f"not {text}"
    check["expect"] = [flipped.get(text, turned)]


def _lost(one: Mapping[str, Any], where: str, notes: list[Note]) -> None:
    done = {"proxyId"} if one.get("type") in _WEB else set()
    done |= {"conditions", "retryInterval"}
    for key in sorted(str(key) for key in set(one) - _IDLE - done):
        value = one.get(key)
        if value and value != _DEFAULTS.get(key) and not key.startswith(_OTHERS):
            notes.append(Note(f"{where}.{key}", _NOTHING, lost=True))


def _text(one: Mapping[str, Any], key: str) -> str:
    value = one.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"it has no `{key}`")
    return literal(value.strip())


def _address(one: Mapping[str, Any], port: int | None = None) -> str:
    host = _text(one, "hostname")
    number = one.get("port") or port
    address = f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
    parse_address(address)
    return address


def _http(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    url = _text(one, "url")
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
        open_ = "any certificate passes there, and here too: take `verify: false` away where you can"
        notes.append(Note(f"{where}.ignoreTls", "became `verify: false`", open=open_))
    redirects = one.get("maxredirects", 10)
    made["redirects"] = min(_number(redirects) or 0, 20) if redirects is not None else 10
    check: dict[str, Any] = {"http": made, "expect": _codes(one.get("accepted_statuscodes"))}
    if one.get("expiryNotification") and parts.scheme == "https":
        check["warn"] = ["expires_in > 21d"]
        words = "became `warn: expires_in > 21d`, the first of the days that it has by default"
        notes.append(
            Note(f"{where}.expiryNotification", words, open="an expiring certificate never fails there")
        )
    return {"title": _name(one), **check}


def _headers(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, str]:
    said = one.get("headers")
    try:
        said = json.loads(said) if isinstance(said, str) and said.strip() else said
    except (ValueError, RecursionError):
        said = [said]
    if said and not isinstance(said, dict):
        notes.append(Note(f"{where}.headers", "they are no object of JSON", lost=True))
        return {}
    made = {}
    for name, value in (said or {}).items():
        if _SECRET.search(str(name)):
            variable = re.sub(r"[^A-Z0-9]+", "_", str(name).upper())
            made[str(name)] = f"${{env:{variable}}}"
            words = f"put it in the variable {variable}; it does not belong in a file"
            notes.append(Note(f"{where}.headers.{name}", words))
        elif re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", str(name)) and not re.search(r"[\r\n]", str(value)):
            made[str(name)] = literal(str(value))
        else:
            notes.append(Note(f"{where}.headers.{name}", "it is no header", lost=True))
    return made


def _authorise(one: Mapping[str, Any], made: dict[str, Any], where: str, notes: list[Note]) -> None:
    method = one.get("authMethod") or ("basic" if one.get("basic_auth_user") else None)
    if method == "basic":
        made["basic"] = {
            "username": literal(str(one.get("basic_auth_user") or "")),
            "password": "${env:PASSWORD}",
        }
        words = "put it in the variable PASSWORD; it does not belong in a file"
        notes.append(Note(f"{where}.basic_auth_pass", words))
    elif method == "bearer":
        made["bearer"] = "${env:TOKEN}"
        notes.append(
            Note(f"{where}.bearer_token", "put it in the variable TOKEN; it does not belong in a file")
        )
    elif method == "mtls":
        words = "write the certificate and its key into files, and say `certificate` and `key`"
        notes.append(Note(f"{where}.authMethod", words, lost=True))
    elif method:
        notes.append(Note(f"{where}.authMethod", f"opsctl does not have `{method}`", lost=True))


def _codes(said: Any) -> list[str]:
    """All from the lowest to the highest code, but what is between."""
    spans: list[tuple[int, int]] = []
    for one in said if isinstance(said, list) and said else ["200-299"]:
        found = re.fullmatch(r"([1-9][0-9]{2})(?:-([1-9][0-9]{2}))?", str(one))
        if not found or int(found[2] or found[1]) < int(found[1]):
            raise ValueError(f"`{str(one)[:40]}` is no code of a status, nor codes from one to another")
        spans.append((int(found[1]), int(found[2] or found[1])))
    spans.sort()
    expect, end = [], spans[0][1]
    for first, last in spans[1:]:
        if first > end + 1:
            only = first == end + 2
            expect.append(f"status != {end + 1}" if only else f"not status in {end + 1}..{first - 1}")
        end = max(end, last)
    whole = f"status == {end}" if spans[0][0] == end else f"status in {spans[0][0]}..{end}"
    return [whole, *expect]


def _keyword(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    keyword = one.get("keyword")
    if not isinstance(keyword, str) or not keyword:
        raise ValueError("it has no `keyword`")
    check = _http(one, where, notes)
    inverted = bool(one.get("invertKeyword"))
    written = f"{'not ' if inverted else ''}body contains {quoted(keyword)}"
    spaced = "; JSON is read without its spaces there, and as it is here" if '"' in keyword else ""
    open_ = "an empty page, or another's, passes there, and here too: expect what must be in it" * inverted
    notes.append(Note(f"{where}.keyword", f"became `{written}`{spaced}", open=open_))
    return {**check, "expect": [*check["expect"], written]}


def _json_query(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    check = _http(one, where, notes)
    path = str(one.get("jsonPath") or "$").strip()
    operator, value = str(one.get("jsonPathOperator") or "=="), str(one.get("expectedValue") or "")
    found = _PATH.fullmatch(path)
    number = re.fullmatch(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?", value)
    bare = number or value in {"true", "false"}
    if not found or operator not in {"==", "!=", "<", ">", "<=", ">=", "contains"}:
        notes.append(Note(f"{where}.jsonPath", f"`{path}` {operator} cannot be said in opsctl", lost=True))
        return check
    if operator in {"<", ">", "<=", ">="} and not number:
        notes.append(Note(f"{where}.jsonPath", f"`{value}` is no number to compare with", lost=True))
        return check
    subject = f"json.{found[1]}" if found[1] else "json"
    written = f"{subject} {operator} {value if bare and operator != 'contains' else quoted(value)}"
    typed = "; types count here: a number is no text" if bare else ""
    notes.append(Note(f"{where}.jsonPath", f"became `{written}`{typed}"))
    return {**check, "expect": [*check["expect"], written]}


def _port(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    if str(one.get("smtpSecurity") or one.get("tls") or ""):
        notes.append(Note(where, "only the connection is looked at here", lost=True))
    return {"title": _name(one), "tcp": _address(one), "expect": ["connected == true"]}


def _ping(one: Mapping[str, Any], _where: str, _notes: list[Note]) -> dict[str, Any]:
    return {"title": _name(one), "ping": _text(one, "hostname"), "expect": ["loss < 100%"]}


def _dns(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    type_ = str(one.get("dns_resolve_type") or "A")
    if type_ not in {"A", "AAAA", "CNAME", "MX", "NS", "TXT", "SRV", "CAA", "PTR", "SOA"}:
        raise ValueError(f"opsctl asks for no records of type `{type_[:20]}`")
    asked: dict[str, Any] = {"name": _text(one, "hostname"), "type": type_}
    servers = [part.strip() for part in str(one.get("dns_resolve_server") or "").split(",") if part.strip()]
    port = _number(one.get("port")) or 53
    if servers:
        host = literal(servers[0])
        asked["resolver"] = host if port == 53 else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if len(servers) > 1:
        words = "one is asked here, the first; write a check for each other"
        open_ = "one that answers hides the others there"
        notes.append(Note(f"{where}.dns_resolve_server", words, lost=True, open=open_))
    if one.get("conditions"):
        words = 'write them as expectations, as `any(answers) == "192.0.2.1"`'
        notes.append(Note(f"{where}.conditions", words, lost=True))
    return {"title": _name(one), "dns": asked, "expect": ["count > 0"]}


def _push(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    interval = one.get("interval")
    if not isinstance(interval, int) or not 1 <= interval <= 31_536_000:
        raise ValueError("it has no `interval`")
    name = name_of(_name(one))
    words = f"in place of calling its address, the job says `opsctl heartbeat ok {name}`"
    notes.append(Note(f"{where}.pushToken", words))
    return {"title": _name(one), "heartbeat": {"name": name, "every": f"{int(interval)}s"}}


def _docker(one: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    if one.get("docker_host"):
        words = "the container is looked for on this machine; where it is another, run opsctl there"
        notes.append(Note(f"{where}.docker_host", words))
    return {"title": _name(one), "docker": _text(one, "docker_container"), "expect": ["healthy == true"]}


def _websocket(one: Mapping[str, Any], _where: str, _notes: list[Note]) -> dict[str, Any]:
    url = _text(one, "url")
    if urlsplit(url).scheme not in {"ws", "wss"} or not urlsplit(url).hostname:
        raise ValueError(f"`{url[:80]}` is no address of a WebSocket")
    made = {"url": url, **({"verify": False} if one.get("ignoreTls") else {})}
    return {"title": _name(one), "websocket": made, "expect": ["status == 101"]}


def _proxies(said: Any) -> dict[Any, str]:
    found = {}
    for one in said if isinstance(said, list) else ():
        number = _number(one.get("id")) if isinstance(one, dict) else None
        if number is not None and not one.get("auth"):
            found[number] = f"{one.get('protocol')}://{one.get('host')}:{one.get('port')}"
    return found


def _proxy(one: Mapping[str, Any], group: _Group) -> str:
    found = group.proxies.get(one["proxyId"], "")
    if not re.fullmatch(r"(https?|socks(4a?|5h?)?)://[\w.-]+:[0-9]{1,5}", found, re.ASCII):
        raise ValueError("its proxy is not in the backup, or wants a password; write it as `proxy`")
    return found.replace("socks://", "socks5h://")


_TOP = {"monitorList", "proxyList", "version"}
_WEB = {"http", "keyword", "json-query"}
_MAKERS: Mapping[str, Callable[[Mapping[str, Any], str, list[Note]], dict[str, Any]]] = {
    "http": _http,
    "keyword": _keyword,
    "json-query": _json_query,
    "port": _port,
    "ping": _ping,
    "dns": _dns,
    "push": _push,
    "docker": _docker,
    "websocket-upgrade": _websocket,
}
