"""The modules of Prometheus' blackbox exporter as services and checks.

Whom a module asks stands in Prometheus' own file; where the two are joined to one, each target of a job
becomes a check, and a module that no job uses gets a target that `opsctl validate` refuses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.connecting import parse_address
from opsctl.importers import ForeignError, Imported, Note, fit, literal, name_of, pattern, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_NOTHING = "opsctl has nothing like it"
_PROMETHEUS = {"modules", "scrape_configs", "global"}
_FAMILIES = {"ip4": "ipv4", "ip6": "ipv6"}
_TLS = {"ca_file": "ca", "cert_file": "certificate", "key_file": "key"}
_INSECURE = "any certificate passes there, and here too: take `verify: false` away where you can"
_EMPTY = "a text that is empty, or another's, passes there, and here too: expect what must be in it"
_RECORDS = {
    "fail_if_matches_regexp": "not any(answers) matches",
    "fail_if_all_match_regexp": "not all(answers) matches",
    "fail_if_not_matches_regexp": "all(answers) matches",
    "fail_if_none_matches_regexp": "any(answers) matches",
}
_NO_RECORDS = "without any record it passes there"


class _Job(NamedTuple):
    """What is asked: a target, or nothing where nobody says it, and how often."""

    module: str
    target: str
    service: str
    where: str
    every: str = ""


class _Module:
    """A module as it is read: what it says, and what is to be said of it."""

    def __init__(self, terms: Mapping[str, Any], where: str) -> None:
        self.terms, self.where, self.notes = terms, where, list[Note]()
        self.expect: list[str] = []

    def lost(self, key: str, words: str = _NOTHING, open_: str = "") -> None:
        self.notes.append(Note(f"{self.where}.{key}", words, lost=True, open=open_))

    def say(self, key: str, words: str, open_: str = "") -> None:
        self.notes.append(Note(f"{self.where}.{key}", words, open=open_))

    def expects(self, key: str, written: str, open_: str = "") -> None:
        self.expect += [] if written in self.expect else [written]
        self.say(key, f"became `{written}`", open_)

    def patterns(self, key: str) -> Iterator[tuple[str, str]]:
        """Where each stands, and the pattern as an expectation has it."""
        said = self.terms.get(key)
        for number, text in enumerate(said if isinstance(said, list) else []):
            try:
                yield f"{key}[{number}]", pattern(str(text))
            except ValueError as error:
                self.lost(f"{key}[{number}]", str(error))
        if said and not isinstance(said, list):
            self.lost(key, "it is no list")

    def rest(self, known: set[str]) -> None:
        for key in sorted(str(key) for key in set(self.terms) - known):
            if self.terms.get(key):
                self.lost(key)

    def family(self) -> dict[str, Any]:
        wanted = _FAMILIES.get(str(self.terms.get("preferred_ip_protocol", "ip6")))
        if self.terms.get("ip_protocol_fallback") is not False or not wanted:
            return {}
        return {"family": wanted}

    def tls(self, allowed: set[str]) -> dict[str, Any]:
        config = _mapping(self.terms.get("tls_config"))
        made: dict[str, Any] = {
            ours: literal(str(config[key]))
            for key, ours in _TLS.items()
            if config.get(key) and ours in allowed
        }
        if config.get("insecure_skip_verify") is True:
            made["verify"] = False
            self.say("tls_config.insecure_skip_verify", "became `verify: false`", _INSECURE)
        if config.get("server_name") and "server_name" in allowed:
            made["server_name"] = str(config["server_name"])
        done = {"insecure_skip_verify", *(key for key, ours in {**_TLS, "server_name": "server_name"}.items()
                                          if ours in allowed)}  # fmt: skip
        for key in sorted(str(key) for key in set(config) - done):
            self.lost(f"tls_config.{key}")
        return made


def take(data: Any) -> Imported:
    """The services of a configuration; ForeignError where it has no modules."""
    if not isinstance(data, dict):
        raise ForeignError("it is no mapping; is this a configuration of the blackbox exporter?")
    modules = data.get("modules")
    if not isinstance(modules, dict) or not modules:
        words = "it has no mapping `modules` with a module in it; is this blackbox.yml?"
        raise ForeignError(words, key="modules")
    notes: list[Note] = []
    services: dict[str, Any] = {}
    named = {str(name): terms for name, terms in modules.items()}
    jobs = list(_jobs(data, named, notes))
    used = {job.module for job in jobs}
    jobs += (_Job(name, "", name, f"modules.{name}") for name in named if name not in used)
    titles: dict[str, str] = {}
    told: set[str] = set()
    for job in jobs:
        if job.service not in titles.values():
            titles[name_of(job.service, titles)] = job.service
        service = next(name for name, title in titles.items() if title == job.service)
        made = _check(job, named[job.module], notes, told=job.module in told)
        told.add(job.module)
        if made is not None:
            checks = services.setdefault(service, {"title": job.service, "checks": {}})["checks"]
            called = name_of(re.sub(r"^[a-z]+://", "", job.target) or "probe", checks)
            checks[called] = made
            words = f"became {service}/{called}"
            words += "" if job.target else f"; its target is missing: write it in place of `{_unset(job)}`"
            notes.append(Note(job.where, words))
    strange = sorted(str(key) for key in set(data) - _PROMETHEUS if data[key])
    notes += (Note(key, "it says nothing of checks", lost=True) for key in strange)
    return Imported(services, tuple(notes))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _unset(job: _Job) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", job.module.lower()).strip("-")[:50].strip("-")
    return f"unset-{plain or 'target'}.invalid"


def _jobs(data: Mapping[str, Any], modules: Mapping[str, Any], notes: list[Note]) -> Iterator[_Job]:
    said = data.get("scrape_configs")
    for number, job in enumerate(said if isinstance(said, list) else []):
        where = f"scrape_configs[{number}]"
        named = _mapping(_mapping(job).get("params")).get("module")
        module = str(named[0]) if isinstance(named, list) and named else ""
        if not module:
            notes.append(Note(where, "it names no module, so it probes nothing", lost=True))
        elif module not in modules:
            notes.append(Note(where, f"its module `{module}` is not here", lost=True))
        else:
            every = job.get("scrape_interval") or _mapping(data.get("global")).get("scrape_interval")
            service = str(job.get("job_name") or module)
            for place, target in _targets(job, where, notes):
                yield _Job(module, target, service, place, str(every or ""))


def _targets(job: Mapping[str, Any], where: str, notes: list[Note]) -> Iterator[tuple[str, str]]:
    said = job.get("static_configs")
    for number, group in enumerate(said if isinstance(said, list) else []):
        targets = _mapping(group).get("targets")
        for at, target in enumerate(targets if isinstance(targets, list) else []):
            yield f"{where}.static_configs[{number}].targets[{at}]", str(target).strip() or "-"
    for key in sorted(str(key) for key in job if str(key).endswith("_sd_configs")):
        words = "whom it asks is found elsewhere; write a check for each"
        notes.append(Note(f"{where}.{key}", words, lost=True, open="where nobody is found, nothing fails"))
    if job.get("relabel_configs"):
        notes.append(Note(f"{where}.relabel_configs", "each target was taken as it is written"))


def _check(job: _Job, terms: Any, notes: list[Note], *, told: bool) -> dict[str, Any] | None:
    """The check; what is to be said of its module is said once."""
    prober = str(_mapping(terms).get("prober") or "")
    module = _Module(_mapping(_mapping(terms).get(prober)), f"modules.{job.module}.{prober}")
    try:
        if prober not in _PROBERS:
            raise ValueError(f"opsctl has no check for the prober `{prober[:40]}`")
        made = _PROBERS[prober](module, job)
        check = {**made, **({"expect": module.expect} if module.expect else {})}
        if _mapping(terms).get("timeout"):
            check["timeout"] = str(terms["timeout"])
        if job.every:
            check["every"] = job.every
        fit(check)
    except ValueError as error:
        notes.append(Note(job.where, str(error), lost=True))
        return None
    finally:
        notes += [] if told else module.notes
    for key in sorted(str(key) for key in set(terms) - {"prober", "timeout", prober} if not told):
        notes.append(Note(f"modules.{job.module}.{key}", "its prober does not look at it", lost=True))
    return check


def _address(job: _Job, port: int) -> str:
    """As `host:port`; ValueError where the target is none, as it fails there too."""
    if not job.target:
        return f"{_unset(job)}:{port}"
    parse_address(job.target)
    return job.target


def _http(module: _Module, job: _Job) -> dict[str, Any]:
    terms = module.terms
    url = job.target or f"http{'' if terms.get('fail_if_ssl') else 's'}://{_unset(job)}"
    made: dict[str, Any] = {"url": literal(url if "://" in url else f"http://{url}")}
    method = str(terms.get("method") or "GET")
    made |= {"method": method} if method != "GET" else {}
    made |= {"headers": headers} if (headers := _headers(module)) else {}
    if terms.get("body"):
        made["body"] = literal(str(terms["body"]))
    _authorise(module, made)
    made["redirects"] = 0 if terms.get("follow_redirects") is False else 10
    made |= {"proxy": literal(str(terms["proxy_url"]))} if terms.get("proxy_url") else {}
    made |= {"version": "1.1"} if terms.get("enable_http2") is False else {}
    made |= {**module.family(), **module.tls({"ca", "certificate", "key"})}
    codes = terms.get("valid_status_codes")
    codes = [code for code in codes if isinstance(code, int)] if isinstance(codes, list) else []
    module.expect.append(f"status in {codes}" if codes else "status in 200..299")
    versions = terms.get("valid_http_versions")
    if isinstance(versions, list) and versions:
        plain = [str(one).removeprefix("HTTP/").removesuffix(".0") for one in versions]
        module.expects("valid_http_versions", f"version in [{', '.join(quoted(one) for one in plain)}]")
    if terms.get("fail_if_ssl"):
        module.expects("fail_if_ssl", "url matches /^http:/")
    if terms.get("fail_if_not_ssl"):
        module.expects("fail_if_not_ssl", "url matches /^https:/")
    for place, found in module.patterns("fail_if_body_matches_regexp"):
        module.expects(place, f"not body matches {found}", _EMPTY)
    for place, found in module.patterns("fail_if_body_not_matches_regexp"):
        module.expects(place, f"body matches {found}")
    _matches(module)
    module.rest({
        "method", "headers", "http_headers", "body", "basic_auth", "authorization", "bearer_token",
        "follow_redirects", "proxy_url", "enable_http2", "tls_config", "valid_status_codes",
        "valid_http_versions", "fail_if_ssl", "fail_if_not_ssl", "fail_if_body_matches_regexp",
        "fail_if_body_not_matches_regexp", "fail_if_header_matches", "fail_if_header_not_matches",
        "preferred_ip_protocol", "ip_protocol_fallback",
    })  # fmt: skip
    return {"http": made}


def _matches(module: _Module) -> None:
    for key, negated in (("fail_if_header_matches", "not "), ("fail_if_header_not_matches", "")):
        said = module.terms.get(key)
        for number, one in enumerate(said if isinstance(said, list) else []):
            place, missing = f"{key}[{number}]", _mapping(one).get("allow_missing") is True
            header, text = (
                str(_mapping(one).get("header") or "").lower(),
                str(_mapping(one).get("regexp") or ""),
            )
            open_ = "without the header it passes there; here it must be seen" if missing else ""
            if not re.fullmatch(r"[a-z][a-z0-9_-]*", header):
                module.lost(place, "it names no header")
            elif negated and missing and text in {"", ".*", ".+"}:
                module.expects(place, f"not header.{header} exists")
            else:
                try:
                    module.expects(place, f"{negated}header.{header} matches {pattern(text or '.*')}", open_)
                except ValueError as error:
                    module.lost(place, str(error))


def _headers(module: _Module, key: str = "headers") -> dict[str, str]:
    made = {str(name): literal(str(value)) for name, value in _mapping(module.terms.get(key)).items()}
    for name, value in _mapping(module.terms.get("http_headers")).items():
        kind = next((kind for kind in ("values", "secrets", "files") if _mapping(value).get(kind)), "")
        last = _mapping(value)[kind][-1] if kind and isinstance(_mapping(value)[kind], list) else None
        if last is None:
            module.lost(f"http_headers.{name}", "it has no value")
        elif kind == "secrets":
            made[str(name)] = _secret(module, f"http_headers.{name}", str(name))
        else:
            made[str(name)] = f"${{file:{literal(str(last))}}}" if kind == "files" else literal(str(last))
    for name, value in made.items():
        if re.search("auth|cookie|key|secret|token", name, re.IGNORECASE) and not value.startswith("${"):
            made[name] = _secret(module, f"{key}.{name}", name)
    return made


def _secret(module: _Module, key: str, name: str) -> str:
    variable = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "SECRET"
    variable = f"_{variable}" if variable[0].isdigit() else variable
    module.say(key, f"put it in the variable {variable}; it does not belong in a file")
    return f"${{env:{variable}}}"


def _authorise(module: _Module, made: dict[str, Any]) -> None:
    basic, bearer = _mapping(module.terms.get("basic_auth")), _mapping(module.terms.get("authorization"))
    if basic:
        file, name = basic.get("password_file"), basic.get("username_file")
        made["basic"] = {
            "username": f"${{file:{name}}}" if name else literal(str(basic.get("username") or "")),
            "password": f"${{file:{file}}}" if file else _secret(module, "basic_auth.password", "password"),
        }
    elif str(bearer.get("type") or "Bearer").lower() != "bearer":
        module.lost("authorization.type")
    elif bearer.get("credentials_file"):
        made["bearer"] = f"${{file:{bearer['credentials_file']}}}"
    elif bearer or module.terms.get("bearer_token"):
        key = "authorization.credentials" if bearer else "bearer_token"
        made["bearer"] = _secret(module, key, "token")


def _tcp(module: _Module, job: _Job) -> dict[str, Any]:
    tls = module.terms.get("tls") is True
    said = module.terms.get("query_response")
    steps = [_mapping(one) for one in said] if isinstance(said, list) else []
    dialogue = _dialogue(steps) if not tls else None
    module.rest({"tls", "tls_config", "query_response", "preferred_ip_protocol", "ip_protocol_fallback"})
    if steps and dialogue is None:
        words = "opsctl sends once and waits once, without TLS, so only the connection is looked at"
        speaks = (
            "; there are checks of type `smtp`, `imap`, `pop3` and `postgres`"
            if _has(steps, "starttls")
            else ""
        )
        module.lost("query_response", words + speaks)
    if tls:
        certificate = module.tls({"ca", "certificate", "key", "server_name"})
        address = {"address": _address(job, 443), **certificate, **module.family()}
        if certificate.get("verify") is False:
            module.expect.append("version exists")
        else:
            module.expect.append("valid == true")
        return {"tls": address}
    made = {"address": _address(job, 80), **(dialogue or {}), **module.family()}
    module.expect.append("matched == true" if "until" in made else "connected == true")
    return {"tcp": made if len(made) > 1 else made["address"]}


def _has(steps: list[dict[str, Any]], key: str) -> bool:
    return any(one.get(key) for one in steps)


def _dialogue(steps: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What is sent once and awaited once; nothing where more is said."""
    keys = [
        sorted(key for key in ("send", "expect", "expect_bytes", "starttls") if one.get(key)) for one in steps
    ]
    if keys not in ([["expect"]], [["send"]], [["send"], ["expect"]]):
        return None
    if not all(isinstance(one.get(key), str) for one, (key,) in zip(steps, keys, strict=True)):
        return None
    made: dict[str, Any] = {}
    for one in steps:
        if one.get("send"):
            # A line's end is added there.
            made["send"] = literal(one["send"]) + "\n"
        else:
            pattern(one["expect"])
            if "$" in one["expect"]:
                return None
            # Each line is looked at there.
            made["until"] = f"(?m){one['expect']}" if "^" in one["expect"] else one["expect"]
    return made


def _icmp(module: _Module, job: _Job) -> dict[str, Any]:
    module.rest({"preferred_ip_protocol", "ip_protocol_fallback"})
    module.expect.append("loss == 0%")
    return {"ping": {"host": job.target or _unset(job), "count": 1, **module.family()}}


def _dns(module: _Module, job: _Job) -> dict[str, Any]:
    terms = module.terms
    made = {"name": str(terms.get("query_name") or "."), "type": str(terms.get("query_type") or "ANY")}
    if made["type"] not in {"A", "AAAA", "CNAME", "MX", "NS", "TXT", "SRV", "CAA", "PTR", "SOA"}:
        raise ValueError(f"opsctl asks for no records of type `{made['type'][:20]}`")
    made |= {"transport": "tcp"} if terms.get("transport_protocol") == "tcp" else {}
    made |= {"resolver": job.target} if job.target else {}
    said = terms.get("valid_rcodes")
    codes = [str(one) for one in said] if isinstance(said, list) and said else ["NOERROR"]
    written = f"rcode == {quoted(codes[0])}" if len(codes) == 1 else ""
    module.expect.append(written or f"rcode in [{', '.join(map(quoted, codes))}]")
    if codes == ["NOERROR"]:
        module.expects("valid_rcodes", "count > 0", _NO_RECORDS)
    answers = _Module(_mapping(terms.get("validate_answer_rrs")), f"{module.where}.validate_answer_rrs")
    for key, start in _RECORDS.items():
        open_ = _NO_RECORDS if key in {"fail_if_matches_regexp", "fail_if_all_match_regexp"} else ""
        for place, found in answers.patterns(key):
            if re.search(r"\\t|\\s|\t|\^", found):
                answers.lost(
                    place, "opsctl looks at what a record says, not at its name, time and type", open_
                )
            else:
                answers.expects(place, f"{start} {found}", open_)
    answers.rest(set(_RECORDS))
    module.expect += answers.expect
    module.notes += answers.notes
    module.rest({
        "query_name", "query_type", "transport_protocol", "valid_rcodes", "validate_answer_rrs",
        "preferred_ip_protocol", "ip_protocol_fallback",
    })  # fmt: skip
    title = {} if job.target else {"title": f"Name whom to ask as `resolver`, in place of {_unset(job)}"}
    return {**title, "dns": made}


def _grpc(module: _Module, job: _Job) -> dict[str, Any]:
    tls = module.terms.get("tls") is True
    made: dict[str, Any] = {"address": _address(job, 443 if tls else 80)}
    made |= {"service": str(module.terms["service"])} if module.terms.get("service") else {}
    made |= module.tls({"ca"}) if tls else {"tls": False}
    metadata = _mapping(module.terms.get("metadata"))
    headers = {
        str(name): literal(str(values[-1]))
        for name, values in metadata.items()
        if isinstance(values, list) and values
    }
    made |= {"headers": headers} if headers else {}
    module.rest({"service", "tls", "tls_config", "metadata", "preferred_ip_protocol", "ip_protocol_fallback"})
    module.expect.append("serving == true")
    return {"grpc": made}


_PROBERS: Mapping[str, Callable[[_Module, _Job], dict[str, Any]]] = {
    "http": _http,
    "tcp": _tcp,
    "icmp": _icmp,
    "dns": _dns,
    "grpc": _grpc,
}
