"""Gatus' endpoints as services and checks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from opsctl.importers import ForeignError, Imported, Note, fit, name_of
from opsctl.importers.gatus_conditions import Context, expectation
from opsctl.importers.gatus_http import HTTP_CLIENT, INSECURE, http_of, mapping, variables, verify
from opsctl.importers.gatus_suites import flow_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLAIN = {
    "enabled",
    "name",
    "group",
    "url",
    "method",
    "interval",
    "conditions",
    "headers",
    "body",
    "dns",
    "client",
    "graphql",
}
_WORDS = {
    "alerts": "whom to tell, and after how many failures, is not said here; `fail_after` may do",
    "maintenance": "write it as `maintenance`",
    "maintenance-windows": "write them as `maintenance`",
    "ssh": "opsctl looks at what the server says first: nobody logs in, and nothing is run",
}
_UDP = "udp tells nobody whether it is there: write what is asked, as `dns` or `clock`"
_EVERY = "60s"
_CLIENT = HTTP_CLIENT | {"network"}
_PORTS = {"ssh": 22, "tcp": 80, "tls": 443, "starttls": 25, "grpc": 80, "grpcs": 443}
_FAMILIES = {"ip4": "ipv4", "ip6": "ipv6"}


def take(data: Any) -> Imported:
    """The services of a configuration; ForeignError where it has no endpoints."""
    endpoints = data.get("endpoints") if isinstance(data, dict) else None
    outside, suites = (
        data.get(key) if isinstance(data, dict) else None for key in ("external-endpoints", "suites")
    )
    if not endpoints and any(isinstance(one, list) and one for one in (outside, suites)):
        endpoints = []
    elif not isinstance(endpoints, list) or not endpoints:
        raise ForeignError("it has no list `endpoints`; is this a configuration of Gatus?")
    services: dict[str, Any] = {}
    notes: list[Note] = []
    for number, endpoint in enumerate(endpoints):
        where = f"endpoints[{number}]"
        if not isinstance(endpoint, dict) or not isinstance(endpoint.get("url"), str):
            notes.append(Note(where, "it has no `url`", lost=True))
        elif endpoint.get("enabled") is False:
            notes.append(Note(where, "it is switched off there", lost=True))
        else:
            _endpoint(endpoint, where, services, notes)
    for number, endpoint in enumerate(outside if isinstance(outside, list) else []):
        _outside(mapping(endpoint), f"external-endpoints[{number}]", services, notes)
    for number, suite in enumerate(suites if isinstance(suites, list) else []):
        where, said = f"suites[{number}]", mapping(suite)
        check = flow_of(said, where, notes)
        name = name_of(str(said.get("name") or ""))
        if check:
            _add(name_of(str(said.get("group") or name)), name, check, said, where, services, notes)
    others = sorted(str(key) for key in data if key not in {"endpoints", "external-endpoints", "suites"})
    notes += (Note(key, _WORDS.get(key, "it says nothing of checks"), lost=True) for key in others)
    return Imported(services, tuple(notes))


def _endpoint(endpoint: dict[str, Any], where: str, services: dict[str, Any], notes: list[Note]) -> None:
    host = re.match(r"[^:]*://([^/?#]*)", endpoint["url"])
    name = name_of(str(endpoint.get("name") or (host[1] if host else "")))
    service = name_of(str(endpoint.get("group") or name))
    context, check = _kind(endpoint, where, notes)
    if check is None:
        return
    notes += (
        Note(f"{where}.{key}", _WORDS.get(str(key), "opsctl has nothing like it"), lost=True)
        for key in sorted(set(endpoint) - _PLAIN, key=str)
    )
    expect, domains = list[str](), list[dict[str, Any]]()
    said = endpoint.get("conditions")
    for number, text in enumerate(said if isinstance(said, list) else ()):
        place = f"{where}.conditions[{number}]"
        if "[DOMAIN_EXPIRATION]" in str(text):
            domains += _domain(str(text), endpoint["url"], place, notes)
            continue
        written, note = expectation(str(text), context, place)
        notes.append(note)
        expect += [written] if written and written not in expect else []
    if expect:
        check["expect"] = expect
    else:
        words = "none of them came along, so that opsctl's own expectations hold"
        notes.append(Note(f"{where}.conditions", words, lost=True))
    check["every"] = str(endpoint.get("interval") or _EVERY)
    _add(service, name, check, endpoint, where, services, notes)
    for one in domains:
        _add(service, f"{name}-domain", one, endpoint, where, services, notes)


def _add(
    service: str,
    name: str,
    check: dict[str, Any],
    endpoint: Mapping[str, Any],
    where: str,
    services: dict[str, Any],
    notes: list[Note],
) -> None:
    try:
        fit(check)
    except ValueError as error:
        notes.append(Note(where, str(error), lost=True))
        return
    title = str(endpoint.get("group") or endpoint.get("name") or name)
    checks = services.setdefault(service, {"title": title, "checks": {}})["checks"]
    called = name_of(name, checks)
    checks[called] = check
    notes.append(Note(where, f"became {service}/{called}"))


def _domain(text: str, url: str, where: str, notes: list[Note]) -> list[dict[str, Any]]:
    """A check of its own, where the host's name tells which name was registered."""
    found = re.fullmatch(r"\s*\[DOMAIN_EXPIRATION\]\s*(>=?)\s*([0-9]+[smh])\s*", text)
    host = re.match(r"[a-z]+://(?:www\.)?([a-z0-9-]+\.[a-z]+)(?:[:/?#]|$)", url)
    if not found or not host:
        words = "write a check `domain: NAME`, with the name as it was registered"
        notes.append(Note(where, words, lost=True))
        return []
    written = f"expires_in {found[1]} {found[2]}"
    notes.append(Note(where, f"`{text}` became `{written}` of a check of type `domain`"))
    # Registries want to be asked a few times a day at most.
    return [{"domain": host[1], "expect": [written], "every": "12h"}]


def _outside(endpoint: dict[str, Any], where: str, services: dict[str, Any], notes: list[Note]) -> None:
    """What reports by itself; nobody looks for it there unless it says how often."""
    name = name_of(str(endpoint.get("name") or "unnamed"), dict.fromkeys(_reporting(services)))
    every = mapping(endpoint.get("heartbeat")).get("interval")
    if endpoint.get("enabled") is False:
        notes.append(Note(where, "it is switched off there", lost=True))
    elif not every:
        words = "nobody says how often it has to report; write a `heartbeat`"
        notes.append(Note(where, words, lost=True, open="what stays away is noticed by nobody there"))
    else:
        words = f"in place of calling its address, the job says `opsctl heartbeat ok {name}`"
        notes.append(Note(f"{where}.token", words))
        check = {"heartbeat": {"name": name, "every": str(every)}}
        _add(name_of(str(endpoint.get("group") or name)), name, check, endpoint, where, services, notes)


def _reporting(services: Mapping[str, Any]) -> Iterator[str]:
    """The names by which jobs report already: one that does must not speak for another."""
    for service in services.values():
        yield from (one["heartbeat"]["name"] for one in service["checks"].values() if "heartbeat" in one)


def _kind(endpoint: dict[str, Any], where: str, notes: list[Note]) -> tuple[Context, dict[str, Any] | None]:
    url = endpoint["url"]
    scheme, _, rest = url.partition("://")
    client = mapping(endpoint.get("client"))
    notes += (
        Note(f"{where}.client.{key}", "opsctl has nothing like it", lost=True)
        for key in sorted(set(client) - _CLIENT)
    )
    timeout = {"timeout": client["timeout"]} if isinstance(client.get("timeout"), str) else {}
    if "dns" in endpoint:
        return Context("dns"), _dns(endpoint, timeout)
    if client.get("insecure"):
        notes.append(Note(f"{where}.client.insecure", "became `verify: false`", open=INSECURE))
    if scheme in {"http", "https"}:
        return Context("http", tls=scheme == "https"), {
            "http": http_of(endpoint, client, where, notes),
            **timeout,
        }
    if scheme == "icmp":
        family = _FAMILIES.get(str(client.get("network")))
        return Context("ping"), {"ping": {"host": rest, "family": family} if family else rest, **timeout}
    if scheme in _PORTS:
        type_ = {"starttls": "tls", "grpcs": "grpc"}.get(scheme, scheme)
        return Context(type_), {type_: _address(scheme, rest, endpoint, client), **timeout}
    if scheme in {"ws", "wss"}:
        made = {"url": variables(url), **_sent(endpoint), **verify(client)}
        return Context("websocket"), {"websocket": made if len(made) > 1 else made["url"], **timeout}
    words = _UDP if scheme == "udp" else f"opsctl has no check for `{scheme}://`"
    notes.append(Note(where, words, lost=True))
    return Context(scheme), None


def _address(scheme: str, rest: str, endpoint: dict[str, Any], client: dict[str, Any]) -> Any:
    host = rest.split("/", maxsplit=1)[0]
    made: dict[str, Any] = {"address": host if re.search(r":[0-9]+$", host) else f"{host}:{_PORTS[scheme]}"}
    made |= _sent(endpoint) if scheme == "tcp" else {}
    made |= {"starttls": "smtp"} if scheme == "starttls" else {}
    made |= {"tls": False} if scheme == "grpc" else {}
    made |= verify(client) if scheme in {"tls", "starttls", "grpcs"} else {}
    return made if len(made) > 1 else made["address"]


def _sent(endpoint: dict[str, Any]) -> dict[str, Any]:
    return {"send": variables(str(endpoint["body"]))} if endpoint.get("body") else {}


def _dns(endpoint: dict[str, Any], timeout: dict[str, Any]) -> dict[str, Any]:
    dns = mapping(endpoint["dns"])
    resolver = endpoint["url"].partition("://")[2] or endpoint["url"]
    asked = {"name": str(dns.get("query-name") or "."), "type": str(dns.get("query-type") or "A")}
    return {"dns": {**asked, "resolver": resolver}, **timeout}
