"""The JSON Schema of what YAML is read into, for editors: from the same dataclasses and annotations."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from opsctl.limits import Between, Doc, Matching, NotEmpty, OneOrMore
from opsctl.outcome import Kind
from opsctl.places import Located
from opsctl.reading import ReadWith, unit_of, yaml_fields
from opsctl.secrets import Template

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = r"[0-9]{1,15}(\.[0-9]{1,9})?"
_QUANTITIES = {
    Kind.DURATION: rf"^-?({_NUMBER}(us|ms|s|m|h|d|w))+$",
    Kind.SIZE: rf"^-?{_NUMBER}(B|[kK]B|[MGT]B|[KMGT]iB)$",
    Kind.PERCENT: rf"^-?{_NUMBER}%$",
}
_SIMPLE: Mapping[Any, Schema] = {
    str: {"type": "string"},
    Template: {"type": "string"},
    Located: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}
_SHORTEST = {"string": "minLength", "array": "minItems", "object": "minProperties"}


def schema(type_: Any) -> Schema:
    """The whole JSON Schema (draft 2020-12) of an annotation; TypeError for one that cannot be read."""
    names: dict[type, str] = {}
    root = _named(fragment(type_), names)
    definitions: Schema = {}
    while waiting := [cls for cls, name in names.items() if name not in definitions]:
        definitions[names[waiting[0]]] = _named(_definition(waiting[0]), names)
    return {"$schema": _DIALECT, **root, **({"$defs": definitions} if definitions else {})}


def reference(cls: Any) -> Schema:
    """A dataclass by name; the class stands in for the name until `schema` gives it one."""
    return {"$ref": cls}


def inline(cls: Any) -> Schema:
    """The mapping that a dataclass is read from, with a schema for each of its keys."""
    found = yaml_fields(cls)
    described: Schema = {"type": "object"}
    if cls.__doc__ and not cls.__doc__.startswith(f"{cls.__name__}("):
        described["description"] = cls.__doc__.partition("\n")[0]
    described["properties"] = {
        key: {**fragment(annotation), **_default(annotation, default)}
        for key, (_, annotation, default) in found.items()
    }
    required = [key for key, (_, _, default) in found.items() if default is MISSING]
    return {**described, **({"required": required} if required else {}), "additionalProperties": False}


def fragment(type_: Any) -> Schema:
    """The schema of one annotation, with dataclasses as `reference` leaves them."""
    if get_origin(type_) is Annotated:
        return _annotated(type_)
    if type_ in _SIMPLE:
        return dict(_SIMPLE[type_])
    if is_dataclass(type_):
        return reference(type_)
    origin, arguments = get_origin(type_), get_args(type_)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": fragment(arguments[0])}
    if origin in {Mapping, dict}:
        return _mapping(*arguments)
    if origin is re.Pattern:
        return {"type": "string", "format": "regex"}
    if origin in {Union, types.UnionType} and arguments[1:] == (type(None),):
        return fragment(arguments[0])
    raise TypeError(f"no schema for {type_!r}")


def _mapping(key: Any, value: Any) -> Schema:
    names = fragment(key)
    limited = {"propertyNames": names} if names != {"type": "string"} else {}
    return {"type": "object", "additionalProperties": fragment(value), **limited}


def _annotated(type_: Any) -> Schema:
    inner, *limits = get_args(type_)
    special = next((limit for limit in limits if isinstance(limit, ReadWith)), None)
    unit = unit_of(type_)
    if special:
        made = special.schema()
    elif unit:
        made = {"type": "string", "pattern": _QUANTITIES[unit.kind]}
    else:
        made = fragment(inner)
    for limit in limits:
        made = {**made, **_limit(limit, made.get("type"))}
    if any(isinstance(limit, OneOrMore) for limit in limits):
        made = {"anyOf": [made["items"], made]}
    text = next((limit.text for limit in limits if isinstance(limit, Doc)), None)
    return {**made, "description": text} if text else made


def _limit(limit: Any, kind: str | None) -> Schema:
    if isinstance(limit, Between) and kind in {"integer", "number"}:
        return {"minimum": limit.least, "maximum": limit.most}
    if isinstance(limit, NotEmpty) and kind in _SHORTEST:
        return {_SHORTEST[kind]: 1}
    if isinstance(limit, Matching):
        return {"pattern": f"^(?:{limit.pattern})$"}
    return {}


def _default(annotation: Any, default: Any) -> Schema:
    if default is MISSING or default is None or is_dataclass(default):
        return {}
    unit = unit_of(annotation)
    if unit:
        from opsctl.units import show

        return {"default": show(unit.kind, default)}
    return {"default": _plain(default)}


def _plain(value: Any) -> Any:
    if isinstance(value, Template | Located):
        return value.text
    if isinstance(value, re.Pattern):
        return value.pattern
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()}
    return [_plain(member) for member in value] if isinstance(value, tuple) else value


def _definition(cls: Any) -> Schema:
    shorthand: str = getattr(cls, "SHORTHAND", "")
    whole = inline(cls)
    if not shorthand:
        return whole
    short = {key: value for key, value in whole["properties"][shorthand].items() if key != "default"}
    return {"anyOf": [short, whole]}


def _named(part: Any, names: dict[type, str]) -> Any:
    """The part with the name of its definition in place of each class; `names` grows by the new ones."""
    if isinstance(part, list):
        return [_named(member, names) for member in part]
    if not isinstance(part, dict):
        return part
    return {
        key: f"#/$defs/{_name(value, names)}"
        if key == "$ref" and isinstance(value, type)
        else _named(value, names)
        for key, value in part.items()
    }


def _name(cls: type, names: dict[type, str]) -> str:
    if cls not in names:
        taken = cls.__name__ in names.values()
        names[cls] = f"{cls.__module__}.{cls.__qualname__}" if taken else cls.__name__
    return names[cls]
