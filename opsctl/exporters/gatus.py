"""Checks as endpoints of Gatus."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from opsctl.exporters import REDIRECTS, TURNED, Exported, Lost, span, turned
from opsctl.exporters.gatus_conditions import CONNECTED, conditions
from opsctl.importers.gatus_conditions import Context

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.checks.dns import DnsCheck
    from opsctl.checks.http import HttpCheck
    from opsctl.definitions import CheckDefinition, Service
    from opsctl.exporters import Chosen
    from opsctl.secrets import Template

_TYPES = ("http", "tcp", "tls", "ping", "dns")
_REFERENCE = re.compile(r"\$\{env:([A-Z][A-Z0-9_]*)\}")
# Where these differ from what stands here, the check asks in a way that Gatus does not.
_UNSAID: Mapping[str, Mapping[str, object]] = {
    "http": {
        "body_file": None,
        "form": {},
        "basic": None,
        "ca": None,
        "unix_socket": None,
        "version": "any",
        "max_body": 10_000_000,
        "family": "any",
    },
    "tcp": {"send": None, "until": None, "family": "any"},
    "tls": {"server_name": None, "ca": None, "certificate": None, "key": None, "family": "any"},
    "ping": {"count": 1, "family": "any"},
    "dns": {"transport": "udp"},
}


class _UnsaidError(ValueError):
    """The check cannot be made there; its words say why."""


def export(chosen: Chosen) -> Exported:
    """The endpoints; what is neither web, port, certificate, host nor name has none there."""
    endpoints, lost = list[dict[str, Any]](), list[Lost]()
    for service, check in chosen:
        try:
            endpoints.append(_endpoint(service, check, lost))
        except _UnsaidError as error:
            lost.append(Lost(check.name, check.type, str(error)))
    return Exported({"endpoints": endpoints}, tuple(lost))


def _endpoint(service: Service, check: CheckDefinition, lost: list[Lost]) -> dict[str, Any]:
    if check.type not in _TYPES:
        raise _UnsaidError("Gatus has no such check")
    if turned(check):
        raise _UnsaidError(TURNED)
    kind: Any = check.kind
    asked = _http(kind) if check.type == "http" else _dns(kind) if check.type == "dns" else _address(check)
    client = {"timeout": span(check.timeout), **asked.pop("client", {})}
    for name, default in _UNSAID[check.type].items():
        if getattr(kind, name) != default:
            lost.append(Lost(check.name, name, "Gatus has nothing like it"))
    if getattr(kind, "redirects", 0) not in {0, REDIRECTS}:
        lost.append(Lost(check.name, "redirects", f"up to {REDIRECTS} are followed there"))
    return {
        "name": check.name.partition("/")[2],
        "group": service.id,
        **asked,
        "interval": span(check.every),
        "client": client,
        "conditions": _conditions(check, asked["url"], lost),
    }


def _conditions(check: CheckDefinition, url: str, lost: list[Lost]) -> list[str]:
    context = Context(check.type, tls=url.startswith("https://"))
    said = dict[str, None]()
    for one in check.expect:
        found = conditions(one, context, check.kind.SUBJECTS)
        said |= dict.fromkeys(found.conditions)
        if found.why:
            lost.append(Lost(check.name, str(one), found.why))
    lost += (Lost(check.name, f"warn: {one}", "Gatus knows no degraded") for one in check.warn)
    return [*said] or [CONNECTED]


def _address(check: CheckDefinition) -> dict[str, Any]:
    kind: Any = check.kind
    if check.type == "ping":
        return {"url": f"icmp://{kind.host}"}
    protocol = getattr(kind, "starttls", None)
    if protocol not in {None, "smtp"}:
        raise _UnsaidError(f"Gatus begins TLS in SMTP only, not in `{protocol}`")
    insecure = {} if getattr(kind, "verify", True) else {"client": {"insecure": True}}
    return {"url": f"{'starttls' if protocol else check.type}://{kind.address}", **insecure}


def _dns(kind: DnsCheck) -> dict[str, Any]:
    if kind.resolver in {None, "system"}:
        raise _UnsaidError("Gatus must be told whom to ask; name a `resolver`")
    return {"url": kind.resolver, "dns": {"query-name": kind.name, "query-type": kind.type}}


def _http(kind: HttpCheck) -> dict[str, Any]:
    headers = {name: _text(value) for name, value in kind.headers.items()}
    if kind.bearer:
        headers["Authorization"] = f"Bearer {_text(kind.bearer)}"
    tls = {"certificate-file": kind.certificate, "private-key-file": kind.key}
    client = {
        **({} if kind.verify else {"insecure": True}),
        **({} if kind.redirects else {"ignore-redirect": True}),
        **({"proxy-url": _text(kind.proxy)} if kind.proxy else {}),
        **({"tls": {name: file for name, file in tls.items() if file}} if kind.certificate else {}),
    }
    return {
        "url": _text(kind.url),
        **({"method": kind.method} if kind.method != "GET" else {}),
        **({"headers": headers} if headers else {}),
        **({"body": _text(kind.body)} if kind.body else {}),
        "client": client,
    }


def _text(template: Template) -> str:
    """A text with its secrets as variables of Gatus, which replaces each `$` of its file."""
    said = _REFERENCE.sub("", template.text)
    if "$" in said:
        raise _UnsaidError("of secrets, Gatus reads variables with capital letters only, and no other `$`")
    return _REFERENCE.sub(r"${\1}", template.text)
