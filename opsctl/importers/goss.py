"""Goss' tests of one machine as services and checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.importers import ForeignError, Imported, Note, fit, name_of
from opsctl.importers.goss_tests import MAKERS, UDP, Test

if TYPE_CHECKING:
    from collections.abc import Mapping

_SERVICE = "machine"
_SKIPPED = "what is skipped passes there"
_REACHED = "it always passes there"
_WHY_NOT = {
    "gossfile": "it names other files: take each in by itself, or join them by `goss render`",
    "interface": "opsctl has no check of a network's interface; a `command` with `ip address show` may do",
    "matching": "it compares what is written in the file, and looks at nothing outside",
    "package": "opsctl has no check of packages; a `command` with `dpkg-query -W` or `rpm -q` may do",
    "registry": "opsctl does not look at the registry of Windows",
}


def take(data: Any) -> Imported:
    """The checks of a gossfile, as one service; ForeignError where it has none of Goss' sections."""
    if not isinstance(data, dict) or not set(data) & {*MAKERS, *_WHY_NOT}:
        raise ForeignError("it has none of the sections of a gossfile, as `http` or `file`")
    checks: dict[str, Any] = {}
    notes: list[Note] = []
    for section, tests in data.items():
        for name, terms in tests.items() if isinstance(tests, dict) else ():
            _test(str(section), str(name), terms if isinstance(terms, dict) else {}, checks, notes)
        if tests and not isinstance(tests, dict):
            notes.append(Note(str(section), "it is no mapping of tests", lost=True))
    title = "The machine that Goss tested"
    return Imported({_SERVICE: {"title": title, "checks": checks}} if checks else {}, tuple(notes))


def _test(
    section: str, name: str, terms: Mapping[str, Any], checks: dict[str, Any], notes: list[Note]
) -> None:
    test = Test(name, terms, f"{section}.{name}", [], [])
    if terms.get("skip"):
        words = "it is skipped there; take `skip` away, and take it in again"
        notes.append(Note(test.where, words, lost=True, open=_SKIPPED))
        return
    if section not in MAKERS:
        why = _WHY_NOT.get(section, f"opsctl has no check for `{section[:40]}`; a `command` may do")
        notes.append(Note(test.where, why, lost=True))
        return
    try:
        check = MAKERS[section](test)
        test.rest()
        check |= {"expect": test.expect} if test.expect else {}
        timeout = terms.get("timeout")
        check |= {"timeout": f"{timeout}ms"} if isinstance(timeout, int) and timeout > 0 else {}
        fit(check)
    except ValueError as error:
        open_ = _REACHED if section == "addr" and str(error) == UDP else ""
        notes.append(Note(test.where, str(error), lost=True, open=open_))
        return
    called = name_of(f"{section}-{name}", checks)
    checks[called] = check
    notes += [*test.notes, Note(test.where, f"became {_SERVICE}/{called}")]
