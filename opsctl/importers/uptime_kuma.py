"""The monitors of Uptime Kuma's backup, or of its database, as services and checks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.importers import ForeignError, Imported, Note, fit, name_of
from opsctl.importers.kuma_fields import name, number
from opsctl.importers.kuma_types import (
    WHY_NOT,
    take_dns,
    take_docker,
    take_grpc,
    take_mysql,
    take_ntp,
    take_ping,
    take_port,
    take_postgres,
    take_push,
    take_redis,
    take_service,
    take_smtp,
)
from opsctl.importers.kuma_web import (
    take_http,
    take_json_query,
    take_keyword,
    take_rabbitmq,
    take_websocket,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_NOTHING = "opsctl has nothing like it"
_WORDS = {
    "cacheBust": "a cache may answer here: ask it not to by `headers`, as `Cache-Control: no-cache`",
    "description": "write it as `title`",
    "domainExpiryNotification": "write a check of type `domain`",
    "notificationIDList": "whom to tell is not said of a check",
    "resendInterval": "whom to tell is not said of a check",
    "tags": "write them as `tags`",
}
# What says nothing of how it is checked; and what belongs to other types, by how it begins.
_IDLE = {
    "active", "childrenIDs", "dns_last_result", "dockerHost", "forceInactive", "id",
    "includeSensitiveData", "ipFamily", "manualStatus",
    "maintenance", "name", "own", "parent", "path", "pathName", "screenshot", "screenshot_delay", "type",
    "weight",
    "retryOnlyOnStatusCodeFailure", "saveResponse", "saveErrorResponse", "responseMaxLength",
    "authMethod", "httpBodyEncoding", "jsonPath", "jsonPathOperator", "expectedValue", "keyword",
    "invertKeyword", "method", "maxredirects", "accepted_statuscodes", "url", "hostname", "port", "interval",
    "timeout", "maxretries", "upsideDown", "expiryNotification", "ignoreTls", "headers", "body",
}  # fmt: skip
_OTHERS = (
    "auth", "basic_auth", "bearer", "database", "dns_", "docker_", "expectedTls", "game", "grpc", "kafka",
    "location", "mqtt", "ntp", "oauth_", "ping_", "push", "rabbitmq", "protocol", "radius", "remote_",
    "smtp", "snmp", "system_", "tls", "ws",
)  # fmt: skip
_DEFAULTS = {"packetSize": 56}
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
    said = data.get("dockerHostList")
    listed = [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
    hosts = {one["id"]: one for one in listed if number(one.get("id")) is not None}
    found: list[tuple[str, dict[str, Any]]] = []
    names: dict[str, str] = {}
    for place, one in enumerate(monitors):
        if isinstance(one, dict):
            host = hosts.get(number(one.get("docker_host")))
            # Rows of a database are known by their number.
            at = f"monitor {one.get('id')}" if "dockerHostList" in data else f"monitorList[{place}]"
            # No other monitor of its name may be reported for by its job, or be sent its secrets.
            own = name_of(name(one), names)
            names[own] = at
            found.append((f"{name(one)} ({at})", one | {"own": own} | ({"dockerHost": host} if host else {})))
        else:
            notes.append(Note(f"monitorList[{place}]", "it is no monitor but something else", lost=True))
    services = _services(found, data.get("proxyList"), notes)
    others = sorted(str(key) for key in data if data[key] and key not in _TOP)
    notes += (Note(key, "it says nothing of checks", lost=True) for key in others)
    return Imported(services, tuple(notes))


def _services(found: Sequence[tuple[str, dict[str, Any]]], proxies: Any, notes: list[Note]) -> dict[str, Any]:
    titles: dict[str, str] = {}
    for_groups: dict[Any, str] = {}
    for _, one in found:
        if one.get("type") == "group" and number(one.get("id")) is not None:
            for_groups[one["id"]] = name_of(name(one), titles)
            titles[for_groups[one["id"]]] = name(one)
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
        if not any(_parent(other) == number(one.get("id")) for _, other in waiting)
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
    service = group.names.get(number(one.get("id")) if is_group else _parent(one))
    if service is None:
        service = name_of(name(one), titles)
        titles[service] = name(one)
    checks = services.setdefault(service, {"title": titles[service], "checks": {}})["checks"]
    called = name_of("group" if is_group else name(one), checks)
    checks[called] = check
    if number(one.get("id")) is not None:
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
        why = WHY_NOT.get(type_, f"opsctl has no check for `{type_[:40]}`; a `command` may do")
        notes.append(Note(where, why, lost=True))
        return
    said: list[Note] = []
    try:
        check = _MAKERS[type_](one, where, said)
        if one.get("upsideDown"):
            _turn(check)
            said.append(Note(f"{where}.upsideDown", "what is expected was turned round", open=_UPSIDE))
        check |= _run(one, type_, where, said)
        if type_ in _WEB and number(one.get("proxyId")) is not None:
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
    own = number(one.get("id"))
    children = [number(other.get("id")) for _, other in found if _parent(other) == own is not None]
    members = [group.checks[child] for child in children if child in group.checks]
    if _paused(one):
        notes.append(Note(where, "it is paused there", lost=True))
    elif not members or one.get("upsideDown"):
        words = "nothing is in it that came along" if not members else "a group cannot be turned round"
        notes.append(Note(where, words, lost=True, open=_OPENED["group"] if not members else _UPSIDE))
    else:
        check = {"group": members, "title": name(one), **_run(one, "group", where, notes)}
        _lost(one, where, notes)
        called = _add(one, check, group, titles, services)
        notes.append(Note(where, f"became {called}", open=_OPENED["group"]))


def _paused(one: Mapping[str, Any]) -> bool:
    active = one.get("active", True)
    # A monitor in a group that is paused is, too.
    return bool(one.get("forceInactive")) or (isinstance(active, int) and not active)


def _parent(one: Mapping[str, Any]) -> int | None:
    return number(one.get("parent"))


def _run(one: Mapping[str, Any], type_: str, where: str, notes: list[Note]) -> dict[str, Any]:
    """How often and how patiently it is checked."""
    made: dict[str, Any] = {}
    interval, timeout, tries = one.get("interval"), one.get("timeout"), number(one.get("maxretries"))
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
            notes.append(Note(f"{where}.{key}", _WORDS.get(key, _NOTHING), lost=True))


def _proxies(said: Any) -> dict[Any, str]:
    found = {}
    for one in said if isinstance(said, list) else ():
        own = number(one.get("id")) if isinstance(one, dict) else None
        if own is not None and not one.get("auth"):
            found[own] = f"{one.get('protocol')}://{one.get('host')}:{one.get('port')}"
    return found


def _proxy(one: Mapping[str, Any], group: _Group) -> str:
    found = group.proxies.get(one["proxyId"], "")
    if not re.fullmatch(r"(https?|socks(4a?|5h?)?)://[\w.-]+:[0-9]{1,5}", found, re.ASCII):
        raise ValueError("its proxy is not in the backup, or wants a password; write it as `proxy`")
    return found.replace("socks://", "socks5h://")


_TOP = {"dockerHostList", "monitorList", "proxyList", "version"}
_WEB = {"http", "keyword", "json-query"}
_MAKERS: Mapping[str, Callable[[Mapping[str, Any], str, list[Note]], dict[str, Any]]] = {
    "http": take_http,
    "keyword": take_keyword,
    "json-query": take_json_query,
    "websocket-upgrade": take_websocket,
    "rabbitmq": take_rabbitmq,
    "port": take_port,
    "ping": take_ping,
    "dns": take_dns,
    "push": take_push,
    "docker": take_docker,
    "redis": take_redis,
    "postgres": take_postgres,
    "mysql": take_mysql,
    "smtp": take_smtp,
    "grpc-keyword": take_grpc,
    "ntp": take_ntp,
    "system-service": take_service,
}
