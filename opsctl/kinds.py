"""A definition of exactly one kind: a mapping with the key of one of many kinds, and shared terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.places import FAILED, Located
from opsctl.prose import line, listed, shorten, suggestion, ticked
from opsctl.reading import read, yaml_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsctl.composing import Node
    from opsctl.places import Reading


class Family(NamedTuple):
    """What may stand side by side: `kinds` by name, `named` to import one, and the terms of them all.

    `noun` is what people call a kind, `example` a definition in one line.
    """

    noun: str
    example: str
    kinds: Mapping[str, str]
    named: Callable[[str], Any]
    terms: Any


class Kinded(NamedTuple):
    """A definition as its file says: the name of its kind, the kind with its fields, and its terms."""

    place: Located
    type: str
    kind: Any
    terms: Any


def read_kinded(family: Family, node: Node, reading: Reading) -> Any:
    """A mapping with the key of one kind, and its terms, as Kinded; FAILED with every problem otherwise."""
    if node.id != "mapping":
        return reading.fail(node, f"expected a mapping with a {family.noun}, as `{family.example}`")
    known = yaml_fields(family.terms)
    found = [(key, value) for key, value in node.value if key.value in family.kinds]
    strange = [key for key, _ in node.value if key.value not in family.kinds and key.value not in known]
    for key in strange:
        reading.fail(key, _unknown_key(family, key.value, known))
    if len(found) != 1:
        if not strange:
            reading.fail(node, _not_one(family, [key.value for key, _ in found]))
        return FAILED
    type_, kind_node = found[0][0].value, found[0][1]
    kind = read(family.named(type_), kind_node, reading)
    terms = read(family.terms, _with_only(node, known), reading)
    if kind is FAILED or terms is FAILED or strange:
        return FAILED
    return Kinded(place_of(node, reading), type_, kind, terms)


def kinded_schema(family: Family) -> dict[str, Any]:
    """The JSON Schema of one definition: its terms, and exactly one of the kinds."""
    from opsctl.schema import inline, reference

    terms = inline(family.terms)
    properties = {**{name: reference(family.named(name)) for name in family.kinds}, **terms["properties"]}
    required = {"required": terms["required"]} if "required" in terms else {}
    one = {"oneOf": [{"required": [name]} for name in family.kinds]}
    return {"type": "object", "properties": properties, "additionalProperties": False, **required, **one}


def place_of(node: Node, reading: Reading) -> Located:
    """The place where a node starts."""
    return Located("", reading.source, node.start_mark.line, node.start_mark.column, exact=False)


def _with_only(node: Node, known: Mapping[str, Any]) -> Node:
    kept = [(key, value) for key, value in node.value if key.value in known]
    shortened: Any = type(node)
    made: Node = shortened(node.tag, kept, node.start_mark, node.end_mark)
    return made


def _not_one(family: Family, names: list[str]) -> str:
    if names:
        return f"{listed(names)} exclude each other; make each its own {family.noun.split()[0]}"
    return f"the {family.noun} is missing; add one of {ticked(family.kinds)}"


def _unknown_key(family: Family, key: str, terms: Mapping[str, Any]) -> str:
    words = sorted(terms)
    first = family.noun.split()[0]
    hint = suggestion(key, [*family.kinds, *words]) or (
        f"; {'an' if first[0] in 'aeiou' else 'a'} {first} has one {family.noun.split()[-1]} "
        f"({listed(list(family.kinds), 'or')}) and {listed(words)}"
    )
    return f"unknown key `{line(shorten(str(key), 60))}`{hint}"
