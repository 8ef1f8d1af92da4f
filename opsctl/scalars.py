"""Read one scalar exactly: text stays text, a number is a number, and whatever could be either is refused."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

from opsctl.outcome import Kind
from opsctl.places import FAILED, locate
from opsctl.prose import line, shorten
from opsctl.secrets import Template

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsctl.composing import Node
    from opsctl.limits import Unit
    from opsctl.places import Failed, Reading

STANDARD = "tag:yaml.org,2002:"
_TYPES = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "timestamp": "a date",
    "seq": "a list",
    "map": "a mapping",
    "value": "a `=`",
    "merge": "a `<<`",
}
# YAML 1.2 reads these as numbers, and the letter of YAML 1.1 those as booleans; PyYAML reads both as text.
_NUMBER_IN_12 = re.compile(r"0o[0-7]+|[-+]?[0-9]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+")
_BOOLEAN_IN_11 = frozenset("yYnN")
# 18 digits fit the integers of SQLite and of every language that reads our JSON.
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")
_REFERENCE = re.compile(r"\$\{[^}]*\}?")


def _kind(node: Node) -> str:
    name = node.tag.removeprefix(STANDARD)
    return _TYPES.get(name, "something else")


def expected(node: Node, reading: Reading, what: str) -> Failed:
    """What stands there is no `what`."""
    return reading.fail(node, f"expected {what}, got {_kind(node)}{_other_way(node, what)}")


def _other_way(node: Node, what: str) -> str:
    if what == "a mapping" and node.id == "sequence":
        return "; write `NAME: ...` in place of each `- ...`"
    if what == "a list" and node.id == "scalar" and node.value:
        return f"; write `[{line(shorten(node.value, 40))}]`"
    return ""


def _bare(node: Node) -> str:
    """What some YAML reader takes a text without quotes for; empty where all take it for text."""
    if node.style:
        return ""
    if node.tag != STANDARD + "str":
        return _kind(node)
    if node.value in _BOOLEAN_IN_11:
        return _TYPES["bool"]
    return _TYPES["int"] if _NUMBER_IN_12.fullmatch(node.value) else ""


def _not_a_number(node: Node, reading: Reading, what: str, allowed: re.Pattern[str]) -> Failed:
    if node.id != "scalar":
        return expected(node, reading, what)
    shown = line(shorten(node.value, 40))
    if node.style and allowed.fullmatch(node.value):
        return reading.fail(node, f"expected {what}, got text; write it without quotes: {shown}")
    if _bare(node) != _TYPES["int"]:
        return expected(node, reading, what)
    return reading.fail(node, f"expected {what}, got `{shown}`; {_meant(node.value, what)}")


def _meant(text: str, what: str) -> str:
    """What to write in place of a number in one of the forms that readers of YAML disagree about."""
    digits = text.lstrip("+-").replace("_", "")
    if sum(map(str.isdigit, digits)) > 18:
        return "write at most 18 digits"
    if re.fullmatch("0[0-7]+", digits):
        plain, octal = digits.lstrip("0") or "0", int(digits, 8)
        return (
            f"write {plain}"
            if int(plain) == octal
            else f"write {plain}, or {octal} where it was meant as octal"
        )
    if re.fullmatch("0[xob][0-9a-fA-F]+", digits):
        return f"write {int(digits, 0)}"
    plain = digits.lstrip("0") or "0"
    if _INTEGER.fullmatch(plain) or (what == "a number" and _DECIMAL.fullmatch(plain)):
        return f"write {'-' * text.startswith('-')}{plain}"
    return "write it with decimal digits only" if what == "a whole number" else "write it as 1000 or 0.5"


def read_text(node: Node, reading: Reading) -> Any:
    """Text, which no YAML reader takes for something else."""
    if node.id != "scalar":
        return expected(node, reading, "text")
    got = _bare(node)
    if got:
        quoted = f'write it in quotes: "{line(shorten(node.value, 40))}"'
        return reading.fail(
            node, f"expected text, got {got}; {quoted if node.value else 'write it, or leave it out'}"
        )
    if "\0" in node.value:
        return reading.fail(node, "expected text, got a NUL character in it; remove it")
    return node.value


def read_template(node: Node, reading: Reading) -> Any:
    """Text with references to secrets, each well formed."""
    text = read_text(node, reading)
    if text is FAILED:
        return FAILED
    before = len(reading.problems)
    for found in _REFERENCE.finditer(text):
        words = _malformed(found[0])
        if words:
            reading.problems.append(locate(node, reading).problem(words, found.start()))
    return Template(text) if len(reading.problems) == before else FAILED


def _malformed(reference: str) -> str:
    if not reference.endswith("}"):
        return "a reference begins here and never ends; write `${env:NAME}` or `${file:PATH}`"
    try:
        tuple(Template(reference).references())
    except ValueError as error:
        return str(error)
    return ""


def read_located(node: Node, reading: Reading) -> Any:
    """Text with its place."""
    return FAILED if read_text(node, reading) is FAILED else locate(node, reading)


def read_integer(node: Node, reading: Reading) -> Any:
    """A whole number."""
    if node.id != "scalar" or node.style or not _INTEGER.fullmatch(node.value):
        return _not_a_number(node, reading, "a whole number", _INTEGER)
    return int(node.value)


def read_number(node: Node, reading: Reading) -> Any:
    """A number."""
    if node.id != "scalar" or node.style or not _DECIMAL.fullmatch(node.value):
        return _not_a_number(node, reading, "a number", _DECIMAL)
    return float(node.value)


def read_boolean(node: Node, reading: Reading) -> Any:
    """True or false, in the one spelling that all readers of YAML agree on."""
    if node.id != "scalar" or node.style or node.value not in {"true", "false"}:
        if node.id == "scalar" and node.tag == STANDARD + "bool":
            return reading.fail(
                node, f"`{node.value}` reads differently from tool to tool; write true or false"
            )
        if node.id == "scalar" and node.value in {"true", "false"}:
            return reading.fail(
                node, f"expected true or false, got text; write it without quotes: {node.value}"
            )
        return expected(node, reading, "true or false")
    return node.value == "true"


def read_pattern(node: Node, reading: Reading) -> Any:
    """A regular expression."""
    text = read_text(node, reading)
    if text is FAILED:
        return FAILED
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(text)
    except re.error as error:
        words = f"not a regular expression: {line(error.msg)}; correct it"
        reading.problems.append(locate(node, reading).problem(words, error.pos or 0))
        return FAILED
    except (OverflowError, RecursionError):
        return reading.fail(node, "a regular expression too large to use; make it smaller")


def quantity(unit: Unit) -> Callable[[Node, Reading], Any]:
    """A reader of numbers with units."""
    examples = {Kind.DURATION: "10s", Kind.SIZE: "10MB", Kind.PERCENT: "90%"}

    def read_quantity(node: Node, reading: Reading) -> Any:
        from opsctl.units import parse

        if node.id != "scalar":
            return expected(node, reading, f"a {unit.kind} such as `{examples[unit.kind]}`")
        try:
            return parse(unit.kind, node.value)
        except ValueError as error:
            return reading.fail(node, str(error))

    return read_quantity
