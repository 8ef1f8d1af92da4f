"""Checks as modules of Prometheus' blackbox exporter; what is asked of whom is in `blackbox_targets`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.exporters import REDIRECTS, TURNED, Exported, Lost, span, turned
from opsctl.exporters.blackbox_expectations import Demands, demands, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opsctl.checks.dns import DnsCheck
    from opsctl.checks.grpc import GrpcCheck
    from opsctl.checks.http import HttpCheck
    from opsctl.checks.ping import PingCheck
    from opsctl.checks.tcp import TcpCheck
    from opsctl.checks.tls import TlsCheck
    from opsctl.definitions import CheckDefinition
    from opsctl.exporters import Chosen
    from opsctl.secrets import Template

_UNSAID: Mapping[str, Mapping[str, object]] = {
    "http": {"body_file": None, "form": {}, "unix_socket": None},
    "tcp": {},
    "tls": {},
    "ping": {"count": 1},
    "dns": {},
    "grpc": {"headers": {}},
}
_FILE = re.compile(r"\$\{file:([^${}]+)\}")
# What is said before TLS begins; the last line of an answer has a space after its code.
_STARTTLS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "smtp": (
        {"expect": "^220 "},
        {"send": "EHLO opsctl\r"},
        {"expect": "^250 "},
        {"send": "STARTTLS\r"},
        {"expect": "^220 "},
    ),
    "imap": ({"expect": r"^\* OK"}, {"send": "a STARTTLS\r"}, {"expect": "^a OK"}),
    "pop3": ({"expect": r"^\+OK"}, {"send": "STLS\r"}, {"expect": r"^\+OK"}),
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
    if turned(check):
        raise UnsaidError(TURNED)
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
    if getattr(kind, "redirects", 0) not in {0, REDIRECTS}:
        lost.append(Lost(check.name, "redirects", f"up to {REDIRECTS} are followed there"))
    module = {"prober": prober, "timeout": span(min(check.timeout, wanted.within))}
    return Made({**module, **({prober: asked} if asked else {})}, target, tuple(lost))


def _http(kind: HttpCheck, wanted: Demands) -> tuple[str, dict[str, Any], str]:
    headers = {name: _text(value) for name, value in kind.headers.items()}
    tls = _tls_config(kind)
    asked = {
        **({"method": kind.method} if kind.method != "GET" else {}),
        **({"headers": headers} if headers else {}),
        **({"body": _text(kind.body)} if kind.body else {}),
        **_access(kind),
        **({} if kind.redirects else {"follow_redirects": False}),
        **({"proxy_url": _text(kind.proxy)} if kind.proxy else {}),
        **_version(kind.version),
        **({"body_size_limit": f"{kind.max_body}B"} if kind.max_body != type(kind).max_body else {}),
        **({"tls_config": tls} if tls else {}),
    }
    return "http", {**asked, **wanted.terms}, _text(kind.url)


def _access(kind: HttpCheck) -> dict[str, Any]:
    """Who asks; a file's secret stays in the file."""
    if kind.basic:
        file = _FILE.fullmatch(kind.basic.password.text)
        secret = {"password_file": file[1]} if file else {"password": _text(kind.basic.password)}
        return {"basic_auth": {"username": _text(kind.basic.username), **secret}}
    if kind.bearer:
        file = _FILE.fullmatch(kind.bearer.text)
        secret = {"credentials_file": file[1]} if file else {"credentials": _text(kind.bearer)}
        return {"authorization": secret}
    return {}


def _version(wanted: str) -> dict[str, Any]:
    if wanted in {"2", "3"}:
        raise UnsaidError("the blackbox exporter may ask by another version of HTTP")
    return {"enable_http2": False} if wanted == "1.1" else {}


def _tcp(kind: TcpCheck, wanted: Demands) -> tuple[str, dict[str, Any], str]:
    steps: list[dict[str, Any]] = []
    if kind.send:
        sent = _text(kind.send)
        if not sent.endswith("\n"):
            raise UnsaidError("what is sent there ends in a line's end")
        steps.append({"send": sent.removesuffix("\n")})
    if kind.until:
        steps.append({"expect": _line(kind.until.pattern)})
    return "tcp", {**({"query_response": steps} if steps else {}), **wanted.terms}, kind.address


def _line(found: str) -> str:
    """A regular expression for a line, as each is looked at there; UnsaidError where it would be another."""
    plain = found.removeprefix("(?m)")
    if not shared(plain) or (plain == found and "^" in plain) or re.search(r"[$\[(]", plain):
        raise UnsaidError("`until` looks at all that came; each line by itself is looked at there")
    return plain


def _tls(kind: TlsCheck, wanted: Demands) -> tuple[str, dict[str, Any], str]:
    config = _tls_config(kind) | ({"server_name": kind.server_name} if kind.server_name else {})
    asked: dict[str, Any] = {"tls": True}
    if kind.starttls:
        if kind.starttls not in _STARTTLS:
            raise UnsaidError(f"a dialogue there cannot say how `{kind.starttls}` begins TLS")
        asked = {"query_response": [*map(dict, _STARTTLS[kind.starttls]), {"starttls": True}]}
    asked |= {"tls_config": config} if config else {}
    return "tcp", {**asked, **wanted.terms}, kind.address


def _ping(kind: PingCheck, wanted: Demands) -> tuple[str, dict[str, Any], str]:
    return "icmp", dict(wanted.terms), kind.host


def _dns(kind: DnsCheck, wanted: Demands) -> tuple[str, dict[str, Any], str]:
    if kind.resolver is None or kind.resolver == "system":
        raise UnsaidError("the blackbox exporter must be told whom to ask; name a `resolver`")
    asked = {"query_name": kind.name, "query_type": kind.type, "transport_protocol": kind.transport}
    return "dns", {**asked, **wanted.terms}, kind.resolver


def _grpc(kind: GrpcCheck, wanted: Demands) -> tuple[str, dict[str, Any], str]:
    verify = {} if kind.verify else {"insecure_skip_verify": True}
    config = {**({"ca_file": kind.ca} if kind.ca else {}), **verify} if kind.tls else {}
    asked = {
        **({"service": kind.service} if kind.service else {}),
        **({"tls": True} if kind.tls else {}),
        **({"tls_config": config} if config else {}),
    }
    return "grpc", {**asked, **wanted.terms}, kind.address


_MAKERS: Mapping[str, Callable[[Any, Demands], tuple[str, dict[str, Any], str]]] = {
    "http": _http,
    "tcp": _tcp,
    "tls": _tls,
    "ping": _ping,
    "dns": _dns,
    "grpc": _grpc,
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
