"""Nagios' hosts and services as services, and their commands as checks that run the same plugins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from opsctl.importers import ForeignError, Imported, Note, fit, name_of
from opsctl.importers.nagios_objects import Definition, listed
from opsctl.importers.nagios_reading import Reading, Subject, command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_NOTHING = "opsctl has nothing like it"
_WHOM = "whom to tell, and when, is not said of a check"
_AGAIN = "opsctl tries again when the check is due"
_HOURS = "write the hours in which it does not count as `maintenance`"
_IDLY = "it says nothing of checks"
_WORDS = {
    "check_period": _HOURS,
    "retry_interval": _AGAIN,
    "retry_check_interval": _AGAIN,
    "servicegroups": "write them as `tags`",
}
_TYPES = {"contact": _WHOM, "contactgroup": _WHOM, "servicegroup": "write it as `tags`", "timeperiod": _HOURS}
_ATTEMPTS = 100
_MOST = 5000
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


def take(data: Any) -> Imported:
    """The hosts of an object file, as services; ForeignError where it is none."""
    if not isinstance(data, str):
        raise ForeignError("it is no text; is this an object file of Nagios?")
    reading = Reading(data)
    for host, (one, terms) in reading.hosts.items():
        if terms.get("check_command"):
            _add(reading, host, "host", Subject(one, terms, None))
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
    return Imported(reading.services, tuple(_joined(dict.fromkeys(reading.notes))))


def _joined(notes: Iterable[Note]) -> Iterator[Note]:
    """Lines of which the same is to be said, as one note."""
    lines: dict[str, list[str]] = {}
    for one in notes:
        if _plain(one):
            lines.setdefault(one.text, []).append(one.where.removeprefix("line "))
    for one in notes:
        if not _plain(one):
            yield one
        elif numbers := lines.pop(one.text, None):
            yield one._replace(where=f"line{'s' * (len(numbers) > 1)} {', '.join(numbers)}")


def _plain(note: Note) -> bool:
    return note.lost and not note.open and note.where.startswith("line ")


def _service(reading: Reading, one: Definition) -> None:
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
        _add(reading, host, description, Subject(one, reading.hosts[host][1], terms))


def _hosts(reading: Reading, one: Definition, terms: Mapping[str, str]) -> list[str]:
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


def _add(reading: Reading, host: str, called: str, subject: Subject) -> None:
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
        check: dict[str, Any] = {"command": {"run": command(reading, subject, notes), "format": "nagios"}}
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


def _times(reading: Reading, terms: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    interval = terms.get("check_interval") or terms.get("normal_check_interval") or ""
    length = reading.settings.get("interval_length", ("60", 0))[0]
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", interval) and re.fullmatch(r"[0-9]{1,5}", length):
        seconds = round(float(interval) * int(length))
        if not 1 <= seconds <= 31_536_000:
            raise ValueError(f"`check_interval {interval}` is no time that opsctl waits from check to check")
        made["every"] = f"{seconds}s"
    attempts = terms.get("max_check_attempts", "")
    if re.fullmatch(r"[0-9]{1,9}", attempts) and int(attempts) > 1:
        made["fail_after"] = min(int(attempts), _ATTEMPTS)
    return made


def _parents(reading: Reading, host: str, terms: Mapping[str, str]) -> None:
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


def _reaches(reading: Reading, start: str, end: str) -> bool:
    waiting, seen = [start], set[str]()
    while waiting:
        now = waiting.pop()
        if now == end:
            return True
        if now not in seen:
            seen.add(now)
            waiting += reading.services[now].get("depends_on", ())
    return False


def _lost(reading: Reading, one: Definition) -> None:
    """What a definition says that nothing was made of."""
    if one.type not in _KNOWN:
        words = "write it as `depends_on`" if one.type.endswith("dependency") else _TYPES.get(one.type, _IDLY)
        reading.notes.append(Note(one.where, f"`{one.type}`: {words}", lost=True))
        return
    for key, line in one.lines.items():
        if key not in _KNOWN[one.type] and key not in _IDLE and not key.startswith("_"):
            told = key.startswith(("notif", "contact", "first_notification", "escalation"))
            words = _WHOM if told else _WORDS.get(key, _NOTHING)
            reading.notes.append(Note(f"line {line}", f"`{key}`: {words}", lost=True))
