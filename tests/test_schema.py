"""The JSON Schema for editors: it says what the reader does, and never refuses what the reader takes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping  # noqa: TC003 - the reader evaluates the annotations
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from opsctl import units
from opsctl.composing import compose
from opsctl.limits import Between, Bytes, Doc, Name, NotEmpty, OneOrMore, Percent, Seconds
from opsctl.outcome import Kind
from opsctl.places import FAILED, Located, Reading
from opsctl.reading import ReadWith, read
from opsctl.schema import fragment, inline, schema
from opsctl.secrets import Template  # noqa: TC001 - the reader evaluates the annotations


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is looked at."""

    url: Annotated[Template, NotEmpty(), Doc("Where to look.")]
    method: Literal["GET", "POST"] = "GET"
    SHORTHAND: ClassVar[str] = "url"


@dataclass(frozen=True, kw_only=True)
class Node:
    name: str
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything a plan may hold.

    The rest of the words is for programmers.
    """

    title: Annotated[str, NotEmpty(), Doc("What people call it.")]
    version: Literal[1] = 1
    times: Annotated[int, Between(1, 5)] = 2
    ratio: float = 0.5
    loud: bool = False
    timeout: Annotated[Seconds | None, Between(1, 60)] = 10.0
    size: Bytes = 1_000_000
    used: Percent = 90.0
    pattern: re.Pattern[str] | None = None
    tags: tuple[Name, ...] = ("prod",)
    expect: Annotated[tuple[Located, ...] | None, OneOrMore(), NotEmpty()] = None
    targets: Mapping[Name, Target] = field(default_factory=dict)
    tree: Node | None = None
    from_: str | None = None
    special: Annotated[str, ReadWith(lambda node, _: node.value, lambda: {"type": "string"})] = ""


WHOLE = schema(Plan)
VALIDATOR = jsonschema.Draft202012Validator(WHOLE)


def accepted(text: str) -> bool:
    node, source, problems = compose(text.encode(), "f.yaml")
    if node is None:
        return False
    reading = Reading(source)
    return read(Plan, node, reading) is not FAILED and not problems and not reading.problems


def test_the_schema_is_valid_json_schema_and_plain_json() -> None:
    jsonschema.Draft202012Validator.check_schema(WHOLE)
    assert json.loads(json.dumps(WHOLE)) == WHOLE
    assert WHOLE["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert WHOLE["$ref"] == "#/$defs/Plan"
    assert list(WHOLE["$defs"]) == ["Plan", "Target", "Node"]


def test_an_object_has_its_description_its_required_keys_and_no_others() -> None:
    plan = WHOLE["$defs"]["Plan"]
    assert plan["description"] == "Everything a plan may hold."
    assert plan["required"] == ["title"]
    assert plan["additionalProperties"] is False
    assert "description" not in WHOLE["$defs"]["Node"]


PROPERTIES = {
    "title": {"type": "string", "minLength": 1, "description": "What people call it."},
    "version": {"enum": [1], "default": 1},
    "times": {"type": "integer", "minimum": 1, "maximum": 5, "default": 2},
    "loud": {"type": "boolean", "default": False},
    "pattern": {"type": "string", "format": "regex"},
    "from": {"type": "string"},
    "tree": {"$ref": "#/$defs/Node"},
    "special": {"type": "string", "default": ""},
    "expect": {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
        ]
    },
}


@pytest.mark.parametrize("key", PROPERTIES)
def test_each_kind_of_field_has_its_schema(key: str) -> None:
    assert WHOLE["$defs"]["Plan"]["properties"][key] == PROPERTIES[key]


def test_defaults_are_shown_as_they_would_be_written() -> None:
    properties = inline(Plan)["properties"]
    assert [properties[key]["default"] for key in ("timeout", "size", "used", "tags", "targets")] == [
        "10s",
        "1MB",
        "90%",
        ["prod"],
        {},
    ]


def test_a_shorthand_may_stand_in_place_of_the_mapping() -> None:
    short, whole = WHOLE["$defs"]["Target"]["anyOf"]
    assert short == {"type": "string", "minLength": 1, "description": "Where to look."}
    assert whole["type"] == "object"


def test_two_classes_of_one_name_have_two_definitions() -> None:
    other = dataclass(frozen=True)(
        type("Target", (), {"__annotations__": {"port": int}, "__module__": __name__})
    )
    both = schema(
        Annotated[
            tuple[Target, ...],
            ReadWith(lambda *_: None, lambda: {"anyOf": [fragment(Target), fragment(other)]}),
        ]
    )
    assert len(both["$defs"]) == 2


def test_an_annotation_without_a_schema_is_a_fault_of_the_program() -> None:
    with pytest.raises(TypeError, match="no schema for"):
        schema(str | int)


@pytest.mark.parametrize("kind", [Kind.DURATION, Kind.SIZE, Kind.PERCENT])
def test_every_unit_that_is_read_is_in_the_schema(kind: Kind) -> None:
    pattern = {Kind.DURATION: Seconds, Kind.SIZE: Bytes, Kind.PERCENT: Percent}[kind]
    validator = jsonschema.Draft202012Validator(schema(pattern))
    with pytest.raises(ValueError, match="the units are") as error:
        units.parse(kind, "1parsec")
    names = re.findall(r"`([^`]+)`", str(error.value).partition("the units are")[2])
    assert names
    for name in names:
        assert units.parse(kind, f"-2{name}") < 0
        assert validator.is_valid(f"-2{name}")
    assert not validator.is_valid("1parsec")
    assert not validator.is_valid("10")


GOOD = [
    "title: x",
    "title: x\ntimeout: 30s\nsize: 10KiB\nused: 9.5%",
    "title: x\ntargets: {a: 'http://a', b: {url: 'http://b', method: POST}}",
    "title: x\nexpect: status == 200",
    "title: x\nexpect: [status == 200, latency < 1s]",
    "title: x\ntree: {name: a, children: [{name: b, children: [{name: c}]}]}",
    "title: x\npattern: a+\nfrom: here\ntags: []\nversion: 1\ntimes: 5\nratio: 1\nloud: true",
]

BAD = [
    "{}",
    "title: ''",
    "title: 1",
    "title: x\nversion: 2",
    "title: x\ntimes: 6",
    "title: x\ntimes: 1.5",
    "title: x\nloud: 1",
    "title: x\ntimeout: 10",
    "title: x\nsize: 10s",
    "title: x\nused: 10",
    "title: x\ntags: [Prod]",
    "title: x\nexpect: []",
    "title: x\ntargets: {A: x}",
    "title: x\ntargets: {a: {method: GET}}",
    "title: x\ntargets: {a: {url: x, method: PUT}}",
    "title: x\ntargets: {a: ''}",
    "title: x\ntree: {name: a, children: [{}]}",
    "title: x\nfrom_: x",
    "title: x\nchekcs: 1",
    "[]",
]


@pytest.mark.parametrize("text", GOOD)
def test_the_schema_accepts_what_the_reader_accepts(text: str) -> None:
    assert accepted(text)
    assert VALIDATOR.is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("text", BAD)
def test_the_schema_refuses_what_the_reader_refuses(text: str) -> None:
    assert not accepted(text)
    assert not VALIDATOR.is_valid(yaml.safe_load(text))


_SCALARS = st.sampled_from(
    [
        "x",
        "prod",
        "GET",
        "POST",
        "PUT",
        "1",
        "5",
        "6",
        "0",
        "-1",
        "1.5",
        "true",
        "false",
        "10s",
        "2m",
        "90%",
        "1MB",
        "-5s",
    ]
    + ["'1'", "''", "a+", "status == 200", "Prod", "http://a", "1h30m", "1.5KiB", "0s"]
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inside: st.one_of(
        st.lists(inside, max_size=3).map(lambda members: f"[{', '.join(members)}]"),
        st.dictionaries(
            st.sampled_from(["a", "b", "url", "method", "name", "children"]), inside, max_size=3
        ).map(lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"),
    ),
    max_leaves=6,
)
_KEYS = st.sampled_from([name.rstrip("_") for name in Plan.__dataclass_fields__ if name != "special"])


@given(st.dictionaries(_KEYS, _VALUES, max_size=3))
def test_whatever_the_reader_accepts_the_schema_accepts(pairs: dict[str, Any]) -> None:
    text = "".join(f"{key}: {value}\n" for key, value in {"title": "x", **pairs}.items())
    if accepted(text):
        assert VALIDATOR.is_valid(yaml.safe_load(text)), text
