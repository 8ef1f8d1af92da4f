"""The kinds of tests that Goss has, each as a check and what is expected of it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.connecting import parse_address
from opsctl.importers import SECRET, Note, literal, pattern, quoted, variable
from opsctl.importers.goss_matchers import Wanted, of_number, of_text, of_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FILES = {
    "ca-file": "ca",
    "cert-file": "certificate",
    "key-file": "key",
    "proxy": "proxy",
    "request-body": "body",
}
_ALWAYS = {"title", "meta", "skip", "timeout"}
_INSECURE = "any certificate passes there, and here too: take `verify: false` away where you can"
UDP = "it tells nobody whether it is there: write what is asked, as `dns`, `clock` or a `command`"
_EVERYWHERE = {"0.0.0.0", "::", "127.0.0.1", "::1"}  # noqa: S104 - what others may listen on
_GETENT = {"uid": 2, "gid": 3, "home": 5, "shell": 6}


class Test(NamedTuple):
    """A test as it is read: what it says, what is expected for it, and what is to be said of it."""

    name: str
    terms: Mapping[str, Any]
    where: str
    expect: list[str]
    notes: list[Note]

    def own(self, key: str) -> str:
        """What it is about: its name, unless it says so under a key."""
        return literal(str(self.terms.get(key) or self.name))

    def truth(self, key: str, yes: str, no: str) -> None:
        """Expect one thing or the other; `yes` where nothing is said."""
        self.expect.append(yes if of_truth(self.terms.get(key, True)) else no)

    def wants(self, key: str, subject: str, of: Callable[[Any, str], Wanted] = of_text) -> None:
        """Expect what it says under a key, where it says anything."""
        if self.terms.get(key) is None:
            return
        try:
            found = of(self.terms[key], subject)
        except ValueError as error:
            self.lost(key, str(error))
            return
        self.expect.extend(one for one in found.expect if one not in self.expect)
        if found.open:
            self.notes.append(Note(f"{self.where}.{key}", "nothing is expected", open=found.open))

    def needs(self, key: str, usual: str) -> None:
        """Expect what is usual where it does not say what Goss wants to be said."""
        if self.terms.get(key) is None:
            self.expect.append(usual)
            self.lost(key, f"it is not there, and Goss wants it: `{usual}` is expected")

    def lost(self, key: str, words: str) -> None:
        """Note that nothing became of a key."""
        self.notes.append(Note(f"{self.where}.{key}", words, lost=True))

    def rest(self) -> None:
        """What else it says is lost."""
        section = self.where.partition(".")[0]
        for key in sorted(str(key) for key in set(self.terms) - _ALWAYS - _KNOWN[section]):
            self.lost(key, "opsctl has nothing like it")


def _http(test: Test) -> dict[str, Any]:
    terms = test.terms
    made: dict[str, Any] = {"url": test.own("url")}
    made |= {"method": str(terms["method"])} if terms.get("method") else {}
    made["redirects"] = 0 if terms.get("no-follow-redirects") else 10
    if terms.get("allow-insecure"):
        made["verify"] = False
        test.notes.append(Note(f"{test.where}.allow-insecure", "became `verify: false`", open=_INSECURE))
    made |= {ours: literal(str(terms[name])) for name, ours in _FILES.items() if terms.get(name)}
    if terms.get("username"):
        own = variable(f"{test.name.partition('://')[2] or test.name} password")
        made["basic"] = {"username": literal(str(terms["username"])), "password": f"${{env:{own}}}"}
        words = f"put it in the variable {own}; it does not belong in a file"
        test.notes.append(Note(f"{test.where}.password", words))
    made |= {"headers": headers} if (headers := _asked(test)) else {}
    test.needs("status", "status in 200..299")
    test.wants("status", "status", of_number)
    test.wants("body", "body")
    _headers(test)
    return {"http": made}


def _asked(test: Test) -> dict[str, str]:
    """The headers that are sent; in place of one that may be a secret, a variable."""
    said, made = test.terms.get("request-headers"), dict[str, str]()
    for one in said if isinstance(said, list) else []:
        name, colon, value = (part.strip() for part in str(one).partition(":"))
        if not colon:
            test.lost("request-headers", f"`{name[:60]}` is no header")
        elif SECRET.search(name):
            own = variable(f"{test.name.partition('://')[2] or test.name} {name}")
            made[name] = f"${{env:{own}}}"
            words = f"put it in the variable {own}; it does not belong in a file"
            test.notes.append(Note(f"{test.where}.request-headers.{name}", words))
        else:
            made[name] = literal(value)
    if said and not isinstance(said, list):
        test.lost("request-headers", "it is no list of headers")
    return made


def _headers(test: Test) -> None:
    said = test.terms.get("headers")
    for one in said if isinstance(said, list) else []:
        name, colon, value = str(one).partition(":")
        if colon and isinstance(one, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name.strip()):
            test.expect.append(f"header.{name.strip().lower()} contains {quoted(value.strip())}")
        else:
            test.lost("headers", f"`{str(one)[:60]}` names no header; write it as `header.NAME contains ...`")
    if said and not isinstance(said, list):
        test.lost("headers", "it is a matcher that opsctl does not have for headers")


def _addr(test: Test) -> dict[str, Any]:
    scheme, _, rest = test.own("address").rpartition("://")
    parse_address(rest)
    if scheme == "udp":
        raise ValueError(UDP)
    test.truth("reachable", "connected == true", "connected == false")
    return {"tcp": rest}


def _dns(test: Test) -> dict[str, Any]:
    said = test.own("resolve")
    kind, colon, rest = said.partition(":")
    asked = {"name": rest, "type": kind.upper()} if colon and kind.isupper() else {"name": said}
    server = test.terms.get("server")
    asked |= {"resolver": str(server)} if server else {"resolver": "system"} if "type" not in asked else {}
    resolvable = test.terms.get("resolvable", test.terms.get("resolveable", True))
    test.expect.append("count > 0" if of_truth(resolvable) else "count == 0")
    addresses = test.terms.get("addrs")
    for one in addresses if isinstance(addresses, list) else []:
        test.expect.append(f"answers contains {quoted(str(one))}")
    if addresses and not isinstance(addresses, list):
        test.lost("addrs", "it is a matcher that opsctl does not have for answers")
    return {"dns": asked}


def _command(test: Test) -> dict[str, Any]:
    line = test.terms.get("exec") or test.name
    argv = [str(one) for one in line] if isinstance(line, list) else ["sh", "-c", str(line)]
    if argv[:2] == ["sh", "-c"] and re.fullmatch(r"[\w./= -]+", argv[2]):
        argv = shlex.split(argv[2])
    test.needs("exit-status", "exit_code == 0")
    test.wants("exit-status", "exit_code", of_number)
    test.wants("stdout", "stdout")
    test.wants("stderr", "stderr")
    return {"command": [literal(one) for one in argv]}


def _file(test: Test) -> dict[str, Any]:
    test.truth("exists", "exists == true", "exists == false")
    if isinstance(test.terms.get("mode"), int):
        test.lost("mode", 'a number is not as it is written; write it as a text, as `"0644"`')
    else:
        test.wants("mode", "mode")
    for key in ("owner", "group", "sha256"):
        test.wants(key, key)
    test.wants("size", "size", lambda one, subject: of_number(one, subject, "B"))
    kind = {"symlink": "link", "character-device": "device", "block-device": "device", "pipe": "fifo"}
    said = test.terms.get("filetype")
    if isinstance(said, str):
        test.expect.append(f"type == {quoted(kind.get(said, said))}")
    elif said is not None:
        test.lost("filetype", "it is a matcher that opsctl does not have for it")
    test.wants("contents", "content")
    test.wants("contains", "content")
    return {"file": test.own("path")}


def _port(test: Test) -> dict[str, Any]:
    scheme, _, number = test.own("port").rpartition(":")
    if scheme.startswith("udp"):
        raise ValueError(UDP)
    said = test.terms.get("ip")
    addresses = [str(one) for one in said] if isinstance(said, list) else [] if said is None else [str(said)]
    known = [one for one in addresses if re.fullmatch(r"[0-9a-fA-F]*[:.][0-9a-fA-F:.]*", one)]
    host = known[0] if len(known) == 1 and known[0] not in _EVERYWHERE else "127.0.0.1"
    host = "::1" if scheme.endswith("6") and host == "127.0.0.1" else host
    whole = f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
    parse_address(whole)
    if len(addresses) > 1 or addresses != known:
        test.lost("ip", f"it is asked at {host}; write a check for each address")
    else:
        test.notes.append(Note(test.where, f"it is asked at {host}"))
    test.truth("listening", "connected == true", "connected == false")
    return {"tcp": whole}


def _process(test: Test) -> dict[str, Any]:
    test.truth("running", "count >= 1", "count == 0")
    return {"process": test.own("comm")}


def _service(test: Test) -> dict[str, Any]:
    """A unit of systemd; `systemctl is-active` and `is-enabled` take these as good."""
    for key, subject, good in (
        ("enabled", "enabled", '["enabled", "enabled-runtime", "static", "alias", "indirect", "generated"]'),
        ("running", "active", '["active", "reloading"]'),
    ):
        if key in test.terms:
            test.truth(key, f"{subject} in {good}", f"not {subject} in {good}")
    if "exists" in test.terms:
        test.truth("exists", 'not load == "not-found"', 'load == "not-found"')
    return {"systemd": test.own("name")}


def _user(test: Test) -> dict[str, Any]:
    """What the system's list of users says: name, password, number, group's number, words, home, shell."""
    test.truth("exists", "exit_code == 0", "exit_code == 2")
    for key, at in _GETENT.items():
        said = test.terms.get(key)
        if isinstance(said, int | str) and not isinstance(said, bool):
            fields = "[^:]*:" * at
            test.expect.append(f"stdout matches {pattern(f'^{fields}{re.escape(str(said))}(:|$)')}")
        elif said is not None:
            test.lost(key, "it is a matcher that opsctl does not have for it")
    return {"command": ["getent", "passwd", test.own("username")]}


def _group(test: Test) -> dict[str, Any]:
    test.truth("exists", "exit_code == 0", "exit_code == 2")
    said = test.terms.get("gid")
    if isinstance(said, int) and not isinstance(said, bool):
        test.expect.append(f"stdout matches {pattern(f'^[^:]*:[^:]*:{said}:')}")
    elif said is not None:
        test.lost("gid", "it is a matcher that opsctl does not have for it")
    return {"command": ["getent", "group", test.own("groupname")]}


def _parameter(test: Test) -> dict[str, Any]:
    said = test.terms.get("value")
    if isinstance(said, dict) or said is None:
        test.lost("value", "it is a matcher that opsctl does not have for it")
    else:
        test.expect.append(f"stdout matches {pattern(f'^{re.escape(str(said))}$')}")
    return {"command": ["sysctl", "-n", test.own("name")]}


def _mount(test: Test) -> dict[str, Any]:
    test.truth("exists", "mounted == true", "mounted == false")
    test.wants("usage", "used_percent", lambda one, subject: of_number(one, subject, "%"))
    return {"disk": test.own("mountpoint")}


_KNOWN: Mapping[str, set[str]] = {
    "http": {
        "url", "method", "no-follow-redirects", "allow-insecure", "username", "password", *_FILES,
        "request-headers", "status", "body", "headers",
    },
    "addr": {"reachable", "address"},
    "dns": {"resolvable", "resolveable", "addrs", "server", "resolve"},
    "command": {"exec", "exit-status", "stdout", "stderr"},
    "file": {
        "exists", "mode", "owner", "group", "sha256", "size", "filetype", "contains", "contents", "path",
    },
    "port": {"listening", "port", "ip"},
    "process": {"running", "comm"},
    "service": {"enabled", "running", "exists", "name"},
    "user": {"exists", "username", *_GETENT},
    "group": {"exists", "gid", "groupname"},
    "kernel-param": {"value", "name"},
    "mount": {"exists", "mountpoint", "usage"},
}  # fmt: skip
MAKERS: Mapping[str, Callable[[Test], dict[str, Any]]] = {
    "http": _http,
    "addr": _addr,
    "dns": _dns,
    "command": _command,
    "file": _file,
    "port": _port,
    "process": _process,
    "service": _service,
    "user": _user,
    "group": _group,
    "kernel-param": _parameter,
    "mount": _mount,
}
