"""A checklist: statements that must hold, each checked by a machine or signed by a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from opsctl.digests import digest, plain
from opsctl.item_kinds import ITEMS, item_named
from opsctl.kinds import Family, kinded_schema, read_kinded
from opsctl.limits import Between, Doc, Name, NotEmpty, OneOrMore, Seconds
from opsctl.places import FAILED, Located
from opsctl.reading import ReadWith

if TYPE_CHECKING:
    from opsctl.composing import Node
    from opsctl.item_kinds import Item as Kind
    from opsctl.places import Reading

_Words = Annotated[tuple[str, ...], OneOrMore()]


@dataclass(frozen=True, kw_only=True)
class When:
    """Where an item applies; it is n/a elsewhere."""

    environment: Annotated[_Words, Doc("Only in these environments.")] = ()
    tier: Annotated[_Words, Doc("Only where a changed or named service has one of these tiers.")] = ()
    changed: Annotated[_Words, Doc("Only where one of these globs matches a changed path.")] = ()


@dataclass(frozen=True, kw_only=True)
class ItemTerms:
    """Everything of an item but what it looks at."""

    text: Annotated[str, NotEmpty(), Doc("The statement that must hold.")]
    required: Annotated[bool, Doc("Whether it blocks where it does not hold.")] = True
    warn: Annotated[bool, Doc("Whether it warns in place of failing.")] = False
    shadow: Annotated[bool, Doc("Whether it is evaluated and shown, and never counts.")] = False
    when: Annotated[When, Doc("Where it applies.")] = field(default_factory=When)
    owner: Annotated[str | None, Doc("Who can unblock it.")] = None
    timeout: Annotated[Seconds, Between(0.01, 3600), Doc("What bounds looking.")] = 60.0
    valid_for: Annotated[Seconds | None, Between(1, 10**9), Doc("How long a sign-off of it counts.")] = None


@dataclass(frozen=True)
class Item:
    """One item of a checklist; `digest` is of its text and parameters, what a sign-off is bound to."""

    place: Located
    type: str
    kind: Kind
    terms: ItemTerms
    digest: str


_FAMILY = Family("item kind", "healthy: {text: All is well, check: all}", ITEMS, item_named, ItemTerms)


def read_item(node: Node, reading: Reading) -> Any:
    """A mapping with the key of one item kind, and its terms, as an Item."""
    found = read_kinded(_FAMILY, node, reading)
    if found is FAILED:
        return FAILED
    return Item(found.place, found.type, found.kind, found.terms, digest(plain(node)))


def item_schema() -> dict[str, Any]:
    """The JSON Schema of one item."""
    return kinded_schema(_FAMILY)


@dataclass(frozen=True, kw_only=True)
class Checklist:
    """A checklist as its file says."""

    title: Annotated[str, NotEmpty(), Doc("What people call it.")]
    text: Annotated[str, Doc("What it is for.")] = ""
    kind: Annotated[
        Literal["read-do", "do-confirm"], Doc("Read an item and do it, or do all and then confirm.")
    ] = "do-confirm"
    pause_point: Annotated[str | None, Doc("The moment at which it is used.")] = None
    owner: Annotated[str | None, Doc("The team or person that answers for it.")] = None
    tags: Annotated[tuple[Name, ...], Doc("Words to select it by.")] = ()
    environments: Annotated[
        _Words, Doc("The environments it may be evaluated for; any where none is named.")
    ] = ()
    items: Annotated[
        Mapping[Name, Annotated[Item, ReadWith(read_item, item_schema)]],
        NotEmpty(),
        Doc("The items, by name, in their order."),
    ]
