"""Checks as modules of Prometheus' blackbox exporter; what is asked of whom is in `blackbox_targets`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.exporters import Exported, Lost, span
from opsctl.exporters.blackbox_expectations import Demands, demands

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsctl.checks.dns import DnsCheck
    from opsctl.checks.http import HttpCheck
    from opsctl.checks.tls import TlsCheck
    from opsctl.definitions import CheckDefinition
    from opsctl.exporters import Chosen
    from opsctl.secrets import Template

_UNSAID: Mapping[str, Mapping[str, object]] = {
    "http": {"body_file": None, "form": {}, "basic": None, "unix_socket": None, "version": "any"},
    "tcp": {"send": None, "until": None},
    "tls": {},
    "ping": {"count": 1},
    "dns": {},
}


class UnsaidError(ValueError):
    """The check cannot be made there; its words say why."""


class Made(NamedTuple):
    """A check there: its module, whom it asks, and what was lost."""

    module: dict[str, Any]
    target: str
    lost: tuple[Lost, ...]


def export(chosen: Chosen) -> Exported:
    """The modules, named as the checks are."""
    modules, lost = dict[str, Any](), list[Lost]()
    for _, check in chosen:
        try:
            made = make(check)
        except UnsaidError as error:
            lost.append(Lost(check.name, check.type, str(error)))
        else:
            modules[check.name] = made.module
            lost += made.lost
    return Exported({"modules": modules}, tuple(lost))


def make(check: CheckDefinition) -> Made:
    """The check there; UnsaidError where it cannot be made at all."""
    if check.type not in _MAKERS:
        raise UnsaidError("the blackbox exporter has no such prober")
    kind: Any = check.kind
    wanted = demands(check)
    prober, asked, target = _MAKERS[check.type](kind, wanted)
    if getattr(kind, "family", "any") != "any":
        protocol = {"ipv4": "ip4", "ipv6": "ip6"}[kind.family]
        asked |= {"preferred_ip_protocol": protocol, "ip_protocol_fallback": False}
    lost = [Lost(check.name, said, why) for said, why in wanted.lost]
    for name, default in _UNSAID[check.type].items():
        if getattr(kind, name) != default:
            lost.append(Lost(check.name, name, "the blackbox exporter has nothing like it"))
    module = {"prober": prober, "timeout": span(min(check.timeout, wanted.within))}
    return Made({**module, **({prober: asked} if asked else {})}, target, tuple(lost))


def _http(kind: HttpCheck, wanted: Demands) -> tuple[str, dict[str, Any], str]:
    headers = {name: _text(value) for name, value in kind.headers.items()}
    tls = _tls_config(kind)
    asked = {
        **({"method": kind.method} if kind.method != "GET" else {}),
        **({"headers": headers} if headers else {}),
        **({"body": _text(kind.body)} if kind.body else {}),
        **({"bearer_token": _text(kind.bearer)} if kind.bearer else {}),
        **({} if kind.redirects else {"follow_redirects": False}),
        **({"proxy_url": _text(kind.proxy)} if kind.proxy else {}),
        **({"tls_config": tls} if tls else {}),
    }
    return "http", {**asked, **wanted.terms}, _text(kind.url)


def _tcp(kind: Any, wanted: Demands) -> tuple[str, dict[str, Any], str]:
    return "tcp", dict(wanted.terms), kind.target()


def _tls(kind: TlsCheck, wanted: Demands) -> tuple[str, dict[str, Any], str]:
    config = _tls_config(kind) | ({"server_name": kind.server_name} if kind.server_name else {})
    asked = {"tls": True, **({"tls_config": config} if config else {})}
    return "tcp", {**asked, **wanted.terms}, kind.target()


def _ping(kind: Any, wanted: Demands) -> tuple[str, dict[str, Any], str]:
    return "icmp", dict(wanted.terms), kind.target()


def _dns(kind: DnsCheck, wanted: Demands) -> tuple[str, dict[str, Any], str]:
    if kind.resolver is None or kind.resolver == "system":
        raise UnsaidError("the blackbox exporter must be told whom to ask; name a `resolver`")
    asked = {"query_name": kind.name, "query_type": kind.type, "transport_protocol": kind.transport}
    return "dns", {**asked, **wanted.terms}, kind.resolver


_MAKERS: Mapping[str, Callable[[Any, Demands], tuple[str, dict[str, Any], str]]] = {
    "http": _http,
    "tcp": _tcp,
    "tls": _tls,
    "ping": _ping,
    "dns": _dns,
}


def _tls_config(kind: HttpCheck | TlsCheck) -> dict[str, Any]:
    files = {"ca_file": kind.ca, "cert_file": kind.certificate, "key_file": kind.key}
    return {
        **{name: file for name, file in files.items() if file},
        **({} if kind.verify else {"insecure_skip_verify": True}),
    }


def _text(template: Template) -> str:
    if "${" in template.text:
        raise UnsaidError("it needs a secret, and the blackbox exporter has them in its file only")
    return template.text
