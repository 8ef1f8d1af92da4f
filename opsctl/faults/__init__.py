"""Synthetic failures, one file for each check type: what a check would see if its target failed in this way.

A fault says only what the failure determines. Whatever it leaves open is taken to be as it should, so that
a check is not praised for what it would catch by chance.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from opsctl.expectations import root
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opsctl.expectations import Expectation

# An address that is for documents, and belongs to nobody.
ELSEWHERE = "203.0.113.66"
DAY = 86_400.0


class Fault(NamedTuple):
    """One way to fail: `values` are the subjects that it determines, `gone` those that it takes away.

    With a `failure` no whole answer came: `values` are all that was seen, and nothing is left open.
    `cure` is an expectation, or a field, that would catch it.
    """

    name: str
    text: str
    values: Mapping[str, Any] = {}
    gone: frozenset[str] = frozenset()
    failure: Failure | None = None
    cure: str = ""


def touches(fault: Fault, expectation: Expectation) -> bool:
    """Whether the fault says something of what the expectation is about."""
    name = expectation.name
    # What is gone may be a whole family; among the values its name is a subject of its own.
    family = root(expectation) if expectation.entry.endswith(".*") else name
    return name in fault.values or name in fault.gone or family in fault.gone


def faults_of(type_: str, kind: Any, timeout: float) -> list[Fault]:
    """The faults that fit a check of this type; `timeout` (seconds) bounds how slow an answer can be."""
    module = import_module(f"opsctl.faults.{type_}")
    find = cast("Callable[[Any, float], Iterator[Fault]]", module.faults)
    return list(find(kind, timeout))


def unanswered() -> Iterator[Fault]:
    """The ways in which no answer comes over a network."""
    for name, cause, text in (
        ("refused", Cause.REFUSED, "nothing listens there"),
        ("reset", Cause.RESET, "the connection is reset in the middle"),
        ("timeout", Cause.TIMEOUT, "nothing ever comes"),
        ("unreachable", Cause.UNREACHABLE, "there is no way to the network"),
        ("no-such-name", Cause.DNS, "the name does not exist"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))


def slow(timeout: float, subjects: tuple[str, ...] = ("latency",)) -> Fault:
    """An answer that comes just before the time is over."""
    took = 0.99 * timeout
    return Fault("slow", "it takes all of its time", dict.fromkeys(subjects, took), cure="latency < 2s")
