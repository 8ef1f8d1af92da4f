"""Nagios' hosts and services as services, and their commands as checks that run the same plugins."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.importers import ForeignError, Imported, Note, fit, literal, name_of
from opsctl.importers.nagios_objects import Definition, Templates, listed, read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOTHING = "opsctl has nothing like it"
_MOST = 5000
_LONGEST = 20_000
_KNOWN = {
    "host": {"address", "parents", "hostgroups"},
    "service": {"service_description", "hostgroup_name", "hostgroup"},
    "command": {"command_name", "command_line"},
    "hostgroup": {"hostgroup_name", "members", "hostgroup_members"},
}
_IDLE = {
    "name", "use", "register", "alias", "display_name", "host_name", "host", "check_command",
    "check_interval", "normal_check_interval", "max_check_attempts", "active_checks_enabled",
    "passive_checks_enabled", "check_freshness", "freshness_threshold", "notes", "notes_url", "action_url",
    "icon_image", "icon_image_alt", "vrml_image", "statusmap_image", "2d_coords", "3d_coords",
    "process_perf_data", "retain_status_information", "retain_nonstatus_information",
}  # fmt: skip
_MACRO = re.compile(r"\$([^$\s]*)\$")
_SHELL = re.compile(r"[|&;<>()`*?\[\]$]|(?:^|\s)[~#]")
_FOLDER = "set it to the folder of the plugins, as /usr/lib/nagios/plugins"


class _Reading:
    """What is known of the file while its checks are made."""

    def __init__(self, data: str) -> None:
        found = read(data)
        self.definitions, self.settings = found.definitions, found.settings
        self.notes: list[Note] = []
        self.templates = Templates(self.definitions, self.notes)
        self.commands = {
            one.terms["command_name"]: one.terms.get("command_line", "")
            for one in self.definitions
            if one.type == "command" and "command_name" in one.terms
        }
        self.hosts: dict[str, tuple[Definition, dict[str, str]]] = {}
        for one in self.definitions:
            if one.type == "host" and one.registered:
                terms = self.templates.whole(one)
                if terms.get("host_name"):
                    self.hosts[terms["host_name"]] = one, terms
                else:
                    self.notes.append(Note(one.where, "the host has no `host_name`", lost=True))
        self.groups = self._groups()
        self.services: dict[str, Any] = {}
        self.names: dict[str, str] = {}
        self.said: set[str] = set()
        self.tried = 0

    def _groups(self) -> dict[str, set[str]]:
        direct: dict[str, set[str]] = {}
        inner: dict[str, list[str]] = {}
        for one in self.definitions:
            if one.type == "hostgroup" and one.registered:
                terms = self.templates.whole(one)
                name = terms.get("hostgroup_name", "")
                members = listed(terms.get("members", ""))
                direct.setdefault(name, set()).update(self.hosts if "*" in members else members)
                inner.setdefault(name, []).extend(listed(terms.get("hostgroup_members", "")))
        for name, (_, terms) in self.hosts.items():
            for group in listed(terms.get("hostgroups", "")):
                direct.setdefault(group, set()).add(name)
        return {name: self._members(name, direct, inner) for name in direct}

    @staticmethod
    def _members(name: str, direct: Mapping[str, set[str]], inner: Mapping[str, list[str]]) -> set[str]:
        found, waiting, seen = set[str](), [name], set[str]()
        while waiting:
            group = waiting.pop()
            if group not in seen:
                seen.add(group)
                found |= direct.get(group, set())
                waiting += inner.get(group, [])
        return found

    def once(self, note: Note) -> None:
        """Say it, but not again."""
        if note.where not in self.said:
            self.said.add(note.where)
            self.notes.append(note)


class _Subject(NamedTuple):
    """A host or a service of a host: its terms, and those of the host."""

    definition: Definition
    host: Mapping[str, str]
    service: Mapping[str, str] | None

    @property
    def terms(self) -> Mapping[str, str]:
        return self.host if self.service is None else self.service


def take(data: Any) -> Imported:
    """The hosts of an object file, as services; ForeignError where it is none."""
    if not isinstance(data, str):
        raise ForeignError("it is no text; is this an object file of Nagios?")
    reading = _Reading(data)
    for host, (one, terms) in reading.hosts.items():
        if terms.get("check_command"):
            _add(reading, host, "host", _Subject(one, terms, None))
        else:
            words = f"the host `{host}` has no `check_command`"
            reading.notes.append(Note(one.where, words, lost=True, open="such a host is always up there"))
    for one in reading.definitions:
        if one.type == "service" and one.registered:
            _service(reading, one)
    for host, (_, terms) in reading.hosts.items():
        _parents(reading, host, terms)
    for one in reading.definitions:
        _lost(reading, one)
    for key, (_, line) in reading.settings.items():
        if key not in {"interval_length", "$USER1$"}:
            words = "a secret may be in it, so it does not come along" if key[0] == "$" else _NOTHING
            words = "join what it names to this file" if key in {"cfg_file", "cfg_dir"} else words
            reading.notes.append(Note(f"line {line}", f"`{key}`: {words}", lost=True))
    # What a service says is the same on each of its hosts.
    return Imported(reading.services, tuple(dict.fromkeys(reading.notes)))


def _service(reading: _Reading, one: Definition) -> None:
    terms = reading.templates.whole(one)
    description = terms.get("service_description")
    if not description or not terms.get("check_command"):
        missing = "check_command" if description else "service_description"
        reading.notes.append(Note(one.where, f"the service has no `{missing}`", lost=True))
        return
    hosts = _hosts(reading, one, terms)
    if not hosts:
        words = f"the service `{description}` is on no host"
        reading.notes.append(Note(one.where, words, lost=True, open="what is on no host never fails"))
    for host in hosts:
        _add(reading, host, description, _Subject(one, reading.hosts[host][1], terms))


def _hosts(reading: _Reading, one: Definition, terms: Mapping[str, str]) -> list[str]:
    wanted, unwanted = dict[str, None](), set[str]()
    named = [(name, False) for name in listed(terms.get("host_name") or terms.get("host") or "")]
    named += ((name, True) for name in listed(terms.get("hostgroup_name") or terms.get("hostgroup") or ""))
    for name, grouped in named:
        plain = name.removeprefix("!")
        if plain == "*":
            found = list(reading.hosts)
        elif grouped:
            found = sorted(reading.groups.get(plain, set()))
        else:
            found = [plain]
        missing = [host for host in found if host not in reading.hosts]
        if missing or (grouped and plain != "*" and plain not in reading.groups):
            words = f"`{(missing or [plain])[0]}` is not in this file; join the files to one"
            reading.notes.append(Note(one.where, words, lost=True))
        known = [host for host in found if host in reading.hosts]
        if name.startswith("!"):
            unwanted.update(known)
        else:
            wanted.update(dict.fromkeys(known))
    return [host for host in wanted if host not in unwanted]


def _add(reading: _Reading, host: str, called: str, subject: _Subject) -> None:
    where, terms = subject.definition.where, subject.terms
    notes: list[Note] = []
    reading.tried += 1
    if reading.tried > _MOST:
        raise ForeignError(f"it has more than {_MOST} checks; split it", line=subject.definition.line)
    try:
        if terms.get("active_checks_enabled") == "0":
            stale = "" if terms.get("check_freshness") == "1" else "what nobody reports stays as it was there"
            words = f"{host}/{called} only waits for reports; a `heartbeat` may do"
            reading.notes.append(Note(where, words, lost=True, open=stale))
            return
        check: dict[str, Any] = {"command": {"run": _run(reading, subject, notes), "format": "nagios"}}
        check |= _times(reading, terms)
        fit(check)
    except ValueError as error:
        reading.notes.append(Note(where, f"{host}/{called}: {error}", lost=True))
        return
    if host not in reading.names:
        reading.names[host] = name_of(host, reading.services)
    title = subject.host.get("alias") or host
    service = reading.services.setdefault(reading.names[host], {"title": title, "checks": {}})
    name = name_of(called, service["checks"])
    service["checks"][name] = check
    reading.notes += [*notes, Note(where, f"became {reading.names[host]}/{name}")]


def _times(reading: _Reading, terms: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    interval = terms.get("check_interval") or terms.get("normal_check_interval") or ""
    length = reading.settings.get("interval_length", ("60", 0))[0]
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", interval) and re.fullmatch(r"[0-9]{1,5}", length):
        seconds = round(float(interval) * int(length))
        made |= {"every": f"{seconds}s"} if 1 <= seconds <= 31_536_000 else {}
    attempts = terms.get("max_check_attempts", "")
    if re.fullmatch(r"[0-9]{1,3}", attempts) and 1 < int(attempts) <= 100:
        made["fail_after"] = int(attempts)
    return made


def _run(reading: _Reading, subject: _Subject, notes: list[Note]) -> list[str]:
    """The plugin and its arguments; ValueError where that cannot be said."""
    where = subject.definition.where
    name, *given = re.split(r"(?<!\\)!", subject.terms["check_command"])
    line = reading.commands.get(name.strip())
    if not line:
        raise ValueError(f"the command `{name.strip()[:60]}` is not in this file; join the files to one")
    arguments = [_filled(one.replace("\\!", "!"), reading, subject, None) for one in given]
    used: set[int] = set()
    whole = _filled(line, reading, subject, (arguments, used))
    if len(whole) > _LONGEST:
        raise ValueError("its command is longer than 20,000 characters")
    for number in sorted(used):
        if number > len(arguments) or not arguments[number - 1]:
            words = f"`$ARG{number}$` of `{name}` is given nothing"
            open_ = "it is left out, so that the plugin may look at less, there and here"
            notes.append(Note(where, words, open=open_))
    for number, one in enumerate(arguments, 1):
        if one and number not in used:
            words = f"`{name}` does not use its argument `{one[:60]}`"
            notes.append(Note(where, words, lost=True, open="what it says is not looked at there"))
    bare = re.sub(r"'[^']*'|\"[^\"`$\\]*\"|\\.", "", whole)
    if _SHELL.search(bare):
        last = "of several programs, only the last one's exit code counts, there and here"
        notes.append(Note(where, f"`{name}` needs a shell", open=last if re.search(r"[|;]", bare) else ""))
        return ["sh", "-c", _secrets(whole)]
    argv = shlex.split(whole)
    if not argv:
        raise ValueError(f"the command `{name}` is empty")
    if argv[0].rpartition("/")[2] == "check_dummy" and argv[1:2] in ([], ["0"]):
        notes.append(Note(where, f"`{name}` runs `check_dummy`", open="it always passes, there and here"))
    return [_secrets(one) for one in argv]


def _secrets(text: str) -> str:
    """What was marked while the rest was checked and split."""
    return re.sub("\0([0-9]+)\0", r"${env:USER\1}", text)


def _filled(
    text: str, reading: _Reading, subject: _Subject, arguments: tuple[Sequence[str], set[int]] | None
) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        if not name:
            return "$"
        if arguments and (number := re.fullmatch(r"ARG([1-9][0-9]?)", name)):
            arguments[1].add(int(number[1]))
            return arguments[0][int(number[1]) - 1] if int(number[1]) <= len(arguments[0]) else ""
        return _macro(name, reading, subject)

    if "\0" in text:
        raise ValueError("it holds a NUL character")
    return literal(_MACRO.sub(value, text))


def _macro(name: str, reading: _Reading, subject: _Subject) -> str:
    host, service = subject.host, subject.service or {}
    values = {
        "HOSTNAME": host.get("host_name", ""),
        "HOSTADDRESS": host.get("address") or host.get("host_name", ""),
        "HOSTALIAS": host.get("alias") or host.get("host_name", ""),
        "HOSTDISPLAYNAME": host.get("display_name") or host.get("host_name", ""),
        "SERVICEDESC": service.get("service_description", ""),
        "SERVICEDISPLAYNAME": service.get("display_name") or service.get("service_description", ""),
    }
    if name in values:
        return values[name]
    for start, terms in (("_HOST", host), ("_SERVICE", service)):
        if name.startswith(start):
            own = {key.upper(): value for key, value in terms.items() if key.startswith("_")}
            key = "_" + name.removeprefix(start).upper()
            if key in own:
                return own[key]
    if user := re.fullmatch(r"USER([1-9][0-9]{0,2})", name):
        if name == "USER1" and "$USER1$" in reading.settings:
            return reading.settings["$USER1$"][0]
        words = _FOLDER if name == "USER1" else "set it as Nagios' resource file has it"
        reading.once(Note(f"${name}$", f"became `${{env:{name}}}`; {words}"))
        return f"\0{user[1]}\0"
    raise ValueError(f"opsctl does not know the macro `${name[:40]}$`")


def _parents(reading: _Reading, host: str, terms: Mapping[str, str]) -> None:
    """What a host is reached by is what its service depends on."""
    own = reading.names.get(host)
    for parent in listed(terms.get("parents", "")):
        there = reading.names.get(parent)
        if own is None or there is None or _reaches(reading, there, own):
            where = reading.hosts[host][0].where
            words = f"the parent `{parent}` of `{host}` did not come along, or it is its own parent"
            reading.notes.append(Note(where, words, lost=True))
        elif there not in (depends := reading.services[own].setdefault("depends_on", [])):
            depends.append(there)


def _reaches(reading: _Reading, start: str, end: str) -> bool:
    waiting, seen = [start], set[str]()
    while waiting:
        now = waiting.pop()
        if now == end:
            return True
        if now not in seen:
            seen.add(now)
            waiting += reading.services[now].get("depends_on", ())
    return False


def _lost(reading: _Reading, one: Definition) -> None:
    """What a definition says that nothing was made of."""
    if one.type not in _KNOWN:
        words = "write it as `depends_on`" if one.type.endswith("dependency") else "it says nothing of checks"
        reading.notes.append(Note(one.where, f"`{one.type}`: {words}", lost=True))
        return
    for key, line in one.lines.items():
        if key in {"retry_interval", "retry_check_interval"}:
            words = "opsctl tries again when the check is due"
        elif key in _KNOWN[one.type] or key in _IDLE or key.startswith("_"):
            continue
        else:
            words = _NOTHING
        reading.notes.append(Note(f"line {line}", f"`{key}`: {words}", lost=True))
