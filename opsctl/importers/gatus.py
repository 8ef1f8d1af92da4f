"""Gatus' endpoints as services and checks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from opsctl.checks import KINDS
from opsctl.importers import ForeignError, Imported, Note, name_of
from opsctl.importers.gatus_conditions import Context, expectation

if TYPE_CHECKING:
    from collections.abc import Iterator

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
}
_CLIENT = {"timeout", "insecure", "ignore-redirect", "proxy-url", "tls", "dns-resolver", "network"}
_PORTS = {"ssh": 22, "tcp": 80, "tls": 443}
_REDIRECTS = 10


def take(data: Any) -> Imported:
    """The services of a configuration; ForeignError where it has no endpoints."""
    endpoints = data.get("endpoints") if isinstance(data, dict) else None
    if not isinstance(endpoints, list) or not endpoints:
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
    others = sorted(str(key) for key in data if key != "endpoints")
    notes += (Note(key, "it says nothing of checks", lost=True) for key in others)
    return Imported(services, tuple(notes))


def _endpoint(endpoint: dict[str, Any], where: str, services: dict[str, Any], notes: list[Note]) -> None:
    host = re.match(r"[^:]*://([^/?#]*)", endpoint["url"])
    name = name_of(str(endpoint.get("name") or (host[1] if host else "")))
    service = name_of(str(endpoint.get("group") or name))
    context, check = _kind(endpoint, where, notes)
    if check is None:
        return
    notes += (
        Note(f"{where}.{key}", "opsctl has nothing like it", lost=True)
        for key in sorted(set(endpoint) - _PLAIN)
    )
    expect = []
    for number, text in enumerate(endpoint.get("conditions") or ()):
        written, note = expectation(str(text), context, f"{where}.conditions[{number}]")
        notes.append(note)
        expect += [written] if written and written not in expect else []
    if expect:
        check["expect"] = expect
    if isinstance(endpoint.get("interval"), str):
        check["every"] = endpoint["interval"]
    checks = services.setdefault(
        service, {"title": str(endpoint.get("group") or endpoint.get("name") or name), "checks": {}}
    )
    called = name_of(name, checks["checks"])
    checks["checks"][called] = check
    notes.append(Note(where, f"became {service}/{called}"))


def _kind(endpoint: dict[str, Any], where: str, notes: list[Note]) -> tuple[Context, dict[str, Any] | None]:
    url = endpoint["url"]
    scheme, _, rest = url.partition("://")
    client = _mapping(endpoint.get("client"))
    notes += (
        Note(f"{where}.client.{key}", "opsctl has nothing like it", lost=True)
        for key in sorted(set(client) - _CLIENT)
    )
    timeout = {"timeout": client["timeout"]} if isinstance(client.get("timeout"), str) else {}
    if "dns" in endpoint:
        return Context("dns"), _dns(endpoint, timeout)
    if scheme in {"http", "https"}:
        return Context("http", tls=scheme == "https"), {"http": _http(endpoint, client), **timeout}
    if scheme == "icmp":
        return Context("ping"), {"ping": rest, **timeout}
    if scheme in _PORTS:
        host = rest.split("/")[0]
        address = host if re.search(r":[0-9]+$", host) else f"{host}:{_PORTS[scheme]}"
        return Context(scheme), {scheme: address, **timeout}
    if scheme in {"ws", "wss"} and "websocket" in KINDS:
        return Context("websocket"), {"websocket": url, **timeout}
    notes.append(Note(where, f"opsctl has no check for `{scheme}://`", lost=True))
    return Context(scheme), None


def _dns(endpoint: dict[str, Any], timeout: dict[str, Any]) -> dict[str, Any]:
    dns = _mapping(endpoint["dns"])
    resolver = endpoint["url"].partition("://")[2] or endpoint["url"]
    asked = {"name": str(dns.get("query-name") or "."), "type": str(dns.get("query-type") or "A")}
    return {"dns": {**asked, "resolver": resolver}, **timeout}


def _http(endpoint: dict[str, Any], client: dict[str, Any]) -> Any:
    made: dict[str, Any] = {"url": _variables(endpoint["url"])}
    if str(endpoint.get("method") or "GET") != "GET":
        made["method"] = str(endpoint["method"])
    if isinstance(endpoint.get("headers"), dict):
        made["headers"] = {str(name): _variables(str(value)) for name, value in endpoint["headers"].items()}
    if endpoint.get("body"):
        made["body"] = _variables(str(endpoint["body"]))
    if client.get("insecure"):
        made["verify"] = False
    if not client.get("ignore-redirect"):
        made["redirects"] = _REDIRECTS
    if client.get("proxy-url"):
        made["proxy"] = _variables(str(client["proxy-url"]))
    tls = _mapping(client.get("tls"))
    made |= {ours: str(tls[name]) for name, ours in _files() if tls.get(name)}
    return made if len(made) > 1 else made["url"]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _files() -> Iterator[tuple[str, str]]:
    yield "certificate-file", "certificate"
    yield "private-key-file", "key"


def _variables(text: str) -> str:
    return re.sub(r"\$\{?([A-Z][A-Z0-9_]*)\}?", r"${env:\1}", text)
