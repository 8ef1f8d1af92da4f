"""The blackbox exporter's probers `http` and `websocket`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from opsctl.importers import SECRET, literal, quoted, variable
from opsctl.importers.blackbox_module import Module, mapping, matching, unset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.importers.blackbox_module import Job

_UNITS = {"B": 1, "K": 1024, "M": 1024**2}
_ANYHOW = {
    "compression": "opsctl reads every compression that it asks for",
    "skip_resolve_phase_with_proxy": "behind a proxy, opsctl resolves no names",
}
_ERRORS = 500
_FAILED = "a server that fails passes there, and here too: take the codes from 500 away where you can"
_EMPTY = "a text that is empty, or another's, passes there, and here too: expect what must be in it"


def take_http(module: Module, job: Job) -> dict[str, Any]:
    """The check of a page."""
    made = {**_sent(module, job), **_reached(module)}
    _expected(module)
    module.rest({
        "method", "headers", "http_headers", "body", "basic_auth", "authorization", "bearer_token",
        "follow_redirects", "proxy_url", "enable_http2", "tls_config", "valid_status_codes",
        "valid_http_versions", "fail_if_ssl", "fail_if_not_ssl", "fail_if_body_matches_regexp",
        "fail_if_body_not_matches_regexp", "fail_if_header_matches", "fail_if_header_not_matches",
        "preferred_ip_protocol", "ip_protocol_fallback", "enable_http3", "body_size_limit",
        "body_file", *_ANYHOW,
    })  # fmt: skip
    return {"http": made}


def _sent(module: Module, job: Job) -> dict[str, Any]:
    terms = module.terms
    url = job.target or f"http{'' if terms.get('fail_if_ssl') else 's'}://{unset(job)}"
    made: dict[str, Any] = {"url": literal(url if "://" in url else f"http://{url}")}
    method = str(terms.get("method") or "GET")
    made |= {"method": method} if method != "GET" else {}
    made |= {"headers": headers} if (headers := _headers(module)) else {}
    if terms.get("body"):
        made["body"] = literal(str(terms["body"]))
    elif terms.get("body_file"):
        made["body_file"] = literal(str(terms["body_file"]))
    _authorise(module, made)
    return made


def _reached(module: Module) -> dict[str, Any]:
    terms = module.terms
    made: dict[str, Any] = {"redirects": 0 if terms.get("follow_redirects") is False else 10}
    made |= {"proxy": literal(str(terms["proxy_url"]))} if terms.get("proxy_url") else {}
    made |= _version(terms)
    made |= {**module.family(), **module.tls({"ca", "certificate", "key"})}
    return made | _limit(module)


def _expected(module: Module) -> None:
    terms = module.terms
    _statuses(module)
    for key, words in _ANYHOW.items():
        if terms.get(key):
            module.say(key, words)
    versions = terms.get("valid_http_versions")
    if isinstance(versions, list) and versions:
        plain = [str(one).removeprefix("HTTP/").removesuffix(".0") for one in versions]
        module.expects("valid_http_versions", f"version in [{', '.join(quoted(one) for one in plain)}]")
    if terms.get("fail_if_ssl"):
        module.expects("fail_if_ssl", "url matches /^http:/")
    if terms.get("fail_if_not_ssl"):
        module.expects("fail_if_not_ssl", "url matches /^https:/")
    for place, found in module.patterns("fail_if_body_matches_regexp", "body"):
        module.expects(place, f"not {found}", _EMPTY)
    for place, found in module.patterns("fail_if_body_not_matches_regexp", "body"):
        module.expects(place, found)
    _matches(module)


def _version(terms: Mapping[str, Any]) -> dict[str, Any]:
    if terms.get("enable_http3") is True:
        return {"version": "3"}
    return {"version": "1.1"} if terms.get("enable_http2") is False else {}


def _limit(module: Module) -> dict[str, Any]:
    said = module.terms.get("body_size_limit")
    found = re.fullmatch(r"([0-9]{1,9})(B|KB|KiB|MB|MiB)", str(said))
    if not found:
        if said:
            module.lost("body_size_limit", "write it as `max_body`")
        return {}
    # As that exporter counts, also where it says `MB`.
    return {"max_body": f"{int(found[1]) * _UNITS[found[2][0]]}B"}


def _statuses(module: Module) -> None:
    said = module.terms.get("valid_status_codes")
    codes = [code for code in said if isinstance(code, int)] if isinstance(said, list) else []
    if not codes:
        module.expect.append("status in 200..299")
        if said is not None:
            words = "became `status in 200..299`, as a list without codes means there"
            module.say("valid_status_codes", words)
        return
    written = f"status in {codes}" if len(codes) > 1 else f"status == {codes[0]}"
    module.expect.append(written)
    if any(code >= _ERRORS for code in codes):
        module.say("valid_status_codes", f"became `{written}`", _FAILED)


def _matches(module: Module) -> None:
    for key, negated in (("fail_if_header_matches", "not "), ("fail_if_header_not_matches", "")):
        said = module.terms.get(key)
        for number, one in enumerate(said if isinstance(said, list) else []):
            try:
                written, open_ = _header(mapping(one), negated)
            except ValueError as error:
                module.lost(f"{key}[{number}]", str(error))
            else:
                module.expects(f"{key}[{number}]", written, open_)


def _header(one: Mapping[str, Any], negated: str) -> tuple[str, str]:
    """What is expected of a header, and how it was met without one; ValueError where that has no words."""
    name, text = str(one.get("header") or "").lower(), str(one.get("regexp") or "")
    missing = one.get("allow_missing") is True
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        raise ValueError("it names no header")
    if text in {"", ".*"} and missing is bool(negated):
        return f"{negated}header.{name} exists", ""
    written = matching(f"header.{name}", text or ".*")
    return (
        f"{negated}{written}",
        "without the header it passes there; here it must be seen" if missing else "",
    )


def _headers(module: Module, key: str = "headers") -> dict[str, str]:
    made = {str(name): literal(str(value)) for name, value in mapping(module.terms.get(key)).items()}
    for name, value in mapping(module.terms.get("http_headers")).items():
        kind = next((kind for kind in ("values", "secrets", "files") if mapping(value).get(kind)), "")
        last = mapping(value)[kind][-1] if kind and isinstance(mapping(value)[kind], list) else None
        if last is None:
            module.lost(f"http_headers.{name}", "it has no value")
        elif kind == "secrets":
            made[str(name)] = _secret(module, f"http_headers.{name}", str(name))
        else:
            made[str(name)] = f"${{file:{literal(str(last))}}}" if kind == "files" else literal(str(last))
    for name, value in made.items():
        if SECRET.search(name) and not value.startswith("${"):
            made[name] = _secret(module, f"{key}.{name}", name)
    return made


def _secret(module: Module, key: str, name: str) -> str:
    own = variable(f"{module.where.split('.')[1]} {name}")
    module.say(key, f"put it in the variable {own}; it does not belong in a file")
    return f"${{env:{own}}}"


def _authorise(module: Module, made: dict[str, Any]) -> None:
    basic, bearer = mapping(module.terms.get("basic_auth")), mapping(module.terms.get("authorization"))
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


def take_websocket(module: Module, job: Job) -> dict[str, Any]:
    """The check that opens the socket, and compares the first message where one is expected."""
    url = job.target or f"wss://{unset(job)}"
    made: dict[str, Any] = {"url": literal(url if "://" in url else f"ws://{url}")}
    client = Module(mapping(module.terms.get("http_config")), f"{module.where}.http_config")
    headers, access = _headers(module), dict[str, Any]()
    _authorise(client, access)
    if "bearer" in access:
        headers["Authorization"] = f"Bearer {access['bearer']}"
    elif access:
        client.lost("basic_auth", "opsctl's `websocket` logs in by `headers` only: give it `Authorization`")
    made |= {"headers": headers} if headers else {}
    made |= client.tls({"ca"})
    client.rest({"basic_auth", "authorization", "bearer_token", "tls_config"})
    module.expect.append("status == 101")
    made |= _message(module)
    module.notes += client.notes
    module.rest({"headers", "http_config", "query_response", "preferred_ip_protocol", "ip_protocol_fallback"})
    return {"websocket": made}


def _message(module: Module) -> dict[str, Any]:
    """What is sent, with the message that is expected then; nothing where more is said."""
    said = module.terms.get("query_response")
    steps = [mapping(one) for one in said] if isinstance(said, list) else []
    keys = [tuple(sorted(key for key, value in one.items() if value)) for one in steps]
    if keys not in ([], [("expect",)], [("send",)], [("send",), ("expect",)]):
        words = "opsctl sends once and looks at one message, so only the upgrade is looked at"
        module.lost("query_response", words)
        return {}
    made: dict[str, Any] = {}
    for number, (one, (key,)) in enumerate(zip(steps, keys, strict=True)):
        if key == "send":
            made["send"] = literal(str(one["send"]))
        else:
            try:
                module.expects(f"query_response[{number}]", matching("received", str(one["expect"])))
            except ValueError as error:
                module.lost(f"query_response[{number}]", str(error))
    return made
