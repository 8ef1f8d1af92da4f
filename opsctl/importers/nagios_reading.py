"""A file of Nagios as it is read: its hosts and groups, and its commands with their macros filled in."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.importers import Note, literal
from opsctl.importers.nagios_objects import Definition, Templates, listed, read
from opsctl.importers.nagios_plugins import NATIVE, opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LONGEST = 20_000
_MACRO = re.compile(r"\$([^$\s]*)\$")
_SHELL = re.compile(r"[|&;<>()`*?\[\]$]|(?:^|\s)[~#]")
_FOLDER = "set it to the folder of the plugins, as /usr/lib/nagios/plugins"


class Reading:
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


class Subject(NamedTuple):
    """A host or a service of a host: its terms, and those of the host."""

    definition: Definition
    host: Mapping[str, str]
    service: Mapping[str, str] | None

    @property
    def terms(self) -> Mapping[str, str]:
        """Its own terms."""
        return self.host if self.service is None else self.service


def command(reading: Reading, subject: Subject, notes: list[Note]) -> list[str]:
    """The plugin of a check and its arguments; ValueError where that cannot be said."""
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
    plugin = argv[0].rpartition("/")[2]
    if careful := opened(argv):
        notes.append(Note(where, f"`{name}` runs `{plugin}`", open=careful))
    if plugin in NATIVE:
        words = f"it runs as it did; opsctl's own type `{NATIVE[plugin]}` needs no plugin"
        reading.once(Note(plugin, words))
    return [_secrets(one) for one in argv]


def _secrets(text: str) -> str:
    """What was marked while the rest was checked and split."""
    return re.sub("\0([0-9]+)\0", r"${env:USER\1}", text)


def _filled(
    text: str, reading: Reading, subject: Subject, arguments: tuple[Sequence[str], set[int]] | None
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


def _macro(name: str, reading: Reading, subject: Subject) -> str:
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
