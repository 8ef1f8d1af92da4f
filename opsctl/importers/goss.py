"""Goss' tests of one machine as services and checks."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from opsctl.connecting import parse_address
from opsctl.importers import ForeignError, Imported, Note, name_of, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SERVICE = "machine"
_FILES = {
    "ca-file": "ca",
    "cert-file": "certificate",
    "key-file": "key",
    "proxy": "proxy",
    "request-body": "body",
}
_KNOWN = (
    "addr", "command", "dns", "file", "gossfile", "group", "http", "interface", "kernel-param", "matching",
    "mount", "package", "port", "process", "service", "user",
)  # fmt: skip


def take(data: Any) -> Imported:
    """The checks of a gossfile, as one service; ForeignError where it has none of Goss' sections."""
    if not isinstance(data, dict) or not set(data) & set(_KNOWN):
        raise ForeignError("it has none of the sections of a gossfile, as `http` or `file`")
    checks: dict[str, Any] = {}
    notes: list[Note] = []
    for section, tests in data.items():
        for name, terms in tests.items() if isinstance(tests, dict) else ():
            _test(str(section), str(name), terms if isinstance(terms, dict) else {}, checks, notes)
    title = "The machine that Goss tested"
    return Imported({_SERVICE: {"title": title, "checks": checks}} if checks else {}, tuple(notes))


def _test(
    section: str, name: str, terms: Mapping[str, Any], checks: dict[str, Any], notes: list[Note]
) -> None:
    where, make = f"{section}.{name}", _MAKERS.get(section)
    if terms.get("skip"):
        notes.append(Note(where, "it is skipped there", lost=True, open="what is skipped passes there"))
    elif make is None:
        notes.append(Note(where, f"opsctl has no check for `{section}`; a `command` may do", lost=True))
    else:
        called = name_of(f"{section}-{name}", checks)
        try:
            checks[called] = make(name, terms, where, notes)
        except ValueError as error:
            notes.append(Note(where, str(error), lost=True))
            return
        notes.append(Note(where, f"became {_SERVICE}/{called}"))


def _lost(terms: Mapping[str, Any], known: set[str], where: str, notes: list[Note]) -> None:
    strange = sorted(set(terms) - known - {"title", "meta", "skip", "timeout"})
    notes += (Note(f"{where}.{key}", "opsctl has nothing like it", lost=True) for key in strange)


def _timed(check: dict[str, Any], terms: Mapping[str, Any]) -> dict[str, Any]:
    timeout = terms.get("timeout")
    return {**check, "timeout": f"{timeout}ms"} if isinstance(timeout, int) and timeout > 0 else check


def _texts(terms: Mapping[str, Any], key: str, subject: str, where: str, notes: list[Note]) -> list[str]:
    """What has to be in an output; `!` before a text negates it, `/` around it makes it a pattern."""
    value = terms.get(key)
    found = []
    for one in value if isinstance(value, list) else [value] if isinstance(value, str) else []:
        if not isinstance(one, str):
            notes.append(Note(f"{where}.{key}", f"`{one}` is a matcher that opsctl does not have", lost=True))
            continue
        negated, text = ("not ", one[1:]) if one.startswith("!") else ("", one)
        if len(text) > 2 and text.startswith("/") and text.endswith("/"):
            found.append(f"{negated}{subject} matches {text}")
        else:
            found.append(f"{negated}{subject} contains {quoted(text)}")
    if isinstance(value, dict):
        notes.append(Note(f"{where}.{key}", "it is a matcher that opsctl does not have", lost=True))
    return found


def _http(url: str, terms: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    made: dict[str, Any] = {"url": str(terms.get("url") or url)}
    if terms.get("method"):
        made["method"] = str(terms["method"])
    made["redirects"] = 0 if terms.get("no-follow-redirects") else 10
    made |= {"verify": False} if terms.get("allow-insecure") else {}
    made |= {ours: str(terms[name]) for name, ours in _FILES.items() if terms.get(name)}
    if terms.get("username"):
        made["basic"] = {"username": str(terms["username"]), "password": "${env:PASSWORD}"}
        notes.append(
            Note(f"{where}.password", "put it in the variable PASSWORD; it does not belong in a file")
        )
    headers = [one.partition(":") for one in terms.get("request-headers") or () if isinstance(one, str)]
    made |= {"headers": {name.strip(): value.strip() for name, _, value in headers}} if headers else {}
    expect = [f"status == {terms['status']}"] if isinstance(terms.get("status"), int) else []
    expect += _texts(terms, "body", "body", where, notes)
    for one in terms.get("headers") or ():
        name, _, value = str(one).partition(":")
        expect.append(f"header.{name.strip().lower()} contains {quoted(value.strip())}")
    known = {"url", "method", "no-follow-redirects", "allow-insecure", "username", "password"}
    _lost(terms, {*known, *_FILES, "request-headers", "status", "body", "headers"}, where, notes)
    return _timed({"http": made, **({"expect": expect} if expect else {})}, terms)


def _addr(address: str, terms: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    scheme, _, rest = str(terms.get("address") or address).rpartition("://")
    parse_address(rest)
    if scheme == "udp":
        words = "udp tells nobody whether it is reachable; a tcp check was made"
        notes.append(Note(where, words, open="it always passes there"))
    _lost(terms, {"reachable", "local-address", "address"}, where, notes)
    expect = ["connected == false"] if terms.get("reachable") is False else ["connected == true"]
    return _timed({"tcp": rest, "expect": expect}, terms)


def _dns(name: str, terms: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    kind, colon, rest = str(terms.get("resolve") or name).partition(":")
    asked = {"name": rest, "type": kind.upper()} if colon and kind.isupper() else {"name": name}
    server = terms.get("server")
    asked |= {"resolver": str(server)} if server else {"resolver": "system"} if "type" not in asked else {}
    addresses = terms.get("addrs")
    expect = ["count == 0" if terms.get("resolvable", terms.get("resolveable")) is False else "count > 0"]
    expect += (
        [f"answers contains {quoted(str(one))}" for one in addresses] if isinstance(addresses, list) else []
    )
    _lost(terms, {"resolvable", "resolveable", "addrs", "server", "resolve"}, where, notes)
    return _timed({"dns": asked, "expect": expect}, terms)


def _command(name: str, terms: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    line = terms.get("exec") or name
    argv = [str(one) for one in line] if isinstance(line, list) else ["sh", "-c", str(line)]
    if argv[:2] == ["sh", "-c"] and re.fullmatch(r"[\w./= -]+", argv[2]):
        argv = shlex.split(argv[2])
    expect = [f"exit_code == {terms['exit-status']}"] if isinstance(terms.get("exit-status"), int) else []
    expect += _texts(terms, "stdout", "stdout", where, notes) + _texts(
        terms, "stderr", "stderr", where, notes
    )
    _lost(terms, {"exec", "exit-status", "stdout", "stderr"}, where, notes)
    return _timed({"command": argv, **({"expect": expect} if expect else {})}, terms)


def _file(path: str, terms: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    expect = [f"exists == {'false' if terms.get('exists') is False else 'true'}"]
    for key, subject in (("mode", "mode"), ("owner", "owner"), ("group", "group"), ("sha256", "sha256")):
        if isinstance(terms.get(key), str):
            expect.append(f"{subject} == {quoted(terms[key])}")
    if isinstance(terms.get("size"), int):
        expect.append(f"size == {terms['size']}B")
    if terms.get("filetype") in {"file", "directory", "socket"}:
        expect.append(f"type == {quoted(terms['filetype'])}")
    expect += _texts(terms, "contents" if "contents" in terms else "contains", "content", where, notes)
    known = {"exists", "mode", "owner", "group", "sha256", "size", "filetype", "contains", "contents", "path"}
    _lost(terms, known, where, notes)
    return {"file": str(terms.get("path") or path), "expect": expect}


def _port(port: str, terms: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    scheme, _, number = str(terms.get("port") or port).rpartition(":")
    parse_address(f"127.0.0.1:{number}")
    if scheme.startswith("udp"):
        notes.append(Note(where, "a udp port cannot be asked; a tcp check was made"))
    expect = ["connected == false"] if terms.get("listening") is False else ["connected == true"]
    _lost(terms, {"listening", "port"}, where, notes)
    return {"tcp": f"127.0.0.1:{number}", "expect": expect}


def _process(name: str, terms: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    _lost(terms, {"running", "comm"}, where, notes)
    return {"process": name, "expect": ["count == 0" if terms.get("running") is False else "count >= 1"]}


_MAKERS: Mapping[str, Callable[[str, Mapping[str, Any], str, list[Note]], dict[str, Any]]] = {
    "http": _http,
    "addr": _addr,
    "dns": _dns,
    "command": _command,
    "file": _file,
    "port": _port,
    "process": _process,
}
