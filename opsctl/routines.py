"""A routine: steps that are due at times, for machines and for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from opsctl.digests import digest, plain
from opsctl.duty_kinds import DUTIES, duty_named
from opsctl.kinds import Family, kinded_schema, read_kinded
from opsctl.limits import Between, Doc, Name, NotEmpty, OneOrMore, Seconds
from opsctl.places import FAILED, Located
from opsctl.reading import ReadWith, read
from opsctl.zones import unknown_zone

if TYPE_CHECKING:
    from opsctl.composing import Node
    from opsctl.duty_kinds import Duty as Kind
    from opsctl.places import Reading

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WORKING: tuple[Day, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")


@dataclass(frozen=True, kw_only=True)
class DutyTerms:
    """Everything of a step but what it does."""

    id: Annotated[Name | None, Doc("Its name in this routine; by default that of its kind.")] = None
    text: Annotated[str, Doc("What it is for, for people.")] = ""
    owner: Annotated[str | None, Doc("Who does it; the routine's owner by default.")] = None
    timeout: Annotated[Seconds, Between(0.01, 86_400), Doc("What bounds it.")] = 600.0
    required: Annotated[bool, Doc("Whether the routine is done only with it.")] = True


@dataclass(frozen=True)
class Duty:
    """One step of a routine."""

    place: Located
    id: str
    type: str
    kind: Kind
    terms: DutyTerms


_FAMILY = Family("step kind", "check: all", DUTIES, duty_named, DutyTerms)


def read_duty(node: Node, reading: Reading) -> Any:
    """A mapping with the key of one step kind, and its terms, as a Duty."""
    found = read_kinded(_FAMILY, node, reading)
    if found is FAILED:
        return FAILED
    if found.type == "sign" and not found.terms.text:
        return reading.fail(node, "a step that people sign needs `text`: the statement that they sign")
    return Duty(found.place, found.terms.id or found.type, found.type, found.kind, found.terms)


def duty_schema() -> dict[str, Any]:
    """The JSON Schema of one step."""
    return kinded_schema(_FAMILY)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A routine as its file says; see schedules.py for the words of `schedule`."""

    title: Annotated[str, NotEmpty(), Doc("What people call it.")]
    text: Annotated[str, Doc("What it is for.")] = ""
    owner: Annotated[str | None, Doc("The team or person that answers for it.")] = None
    tags: Annotated[tuple[Name, ...], Doc("Words to select it by.")] = ()
    schedule: Annotated[
        tuple[str, ...], OneOrMore(), NotEmpty(), Doc("When: `daily at 09:00`, `every monday`, cron.")
    ]
    timezone: Annotated[str | None, NotEmpty(), Doc("An IANA name; the workspace's zone by default.")] = None
    working_days: Annotated[tuple[Day, ...], OneOrMore(), NotEmpty(), Doc("When people work.")] = _WORKING
    holidays: Annotated[str | None, NotEmpty(), Doc("An iCalendar file with days that are free.")] = None
    on_holiday: Annotated[
        Literal["run", "skip", "next"], Doc("What of a time on a holiday: the next working day, or not.")
    ] = "run"
    starts: Annotated[str | None, NotEmpty(), Doc("The day from which `every ...` counts.")] = None
    grace: Annotated[Seconds, Between(60, 10**8), Doc("After that it is overdue.")] = 3600.0
    catch_up: Annotated[
        Literal["once", "each", "none"], Doc("What of times that were missed: run the last, all, or none.")
    ] = "once"
    gap: Annotated[Literal["after", "skip"], Doc("What of a time that the clocks skip.")] = "after"
    overlap: Annotated[Literal["first", "second", "both"], Doc("What of a time that comes twice.")] = "first"
    priority: Annotated[Literal["critical", "high", "normal", "low"], Doc("Which comes first.")] = "normal"
    steps: Annotated[
        tuple[Annotated[Duty, ReadWith(read_duty, duty_schema)], ...], NotEmpty(), Doc("The steps, in order.")
    ]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Times, zone and days that there are."""
        from datetime import date

        from opsctl.schedules import parse

        for text in self.schedule:
            try:
                parse(text)
            except ValueError as error:
                yield "schedule", str(error)
        if self.timezone is not None and (unknown := unknown_zone(self.timezone)):
            yield "timezone", unknown
        try:
            date.fromisoformat(self.starts or "1970-01-05")
        except ValueError:
            yield "starts", f"`{self.starts}` is no day; write it as 2026-01-05"
        if self.on_holiday != "run" and self.holidays is None:
            yield "on_holiday", "name the file of the holidays with `holidays`"


@dataclass(frozen=True)
class Routine:
    """A routine with what identifies it: `digest` is of all it says, `when` of its times alone."""

    id: str
    digest: str
    when: str
    plan: Plan

    def owner_of(self, duty: Duty) -> str | None:
        """Who does a step."""
        return duty.terms.owner or self.plan.owner

    def duty(self, step: str) -> Duty | None:
        """The step of that name."""
        return next((one for one in self.plan.steps if one.id == step), None)


@dataclass(frozen=True)
class Read:
    """A routine that was read, before it has its name."""

    plan: Plan
    digest: str


def read_routine(node: Node, reading: Reading) -> Any:
    """A routine's mapping as a plan whose steps have names of their own, with the digest of what it says."""
    plan = read(Plan, node, reading)
    if plan is FAILED:
        return FAILED
    steps: list[Duty] = []
    for duty in plan.steps:
        taken = {one.id for one in steps}
        if duty.terms.id in taken:
            return reading.fail(node, f"step `{duty.id}` is there twice; rename one")
        number = 2
        name = duty.id
        while name in taken:
            name, number = f"{duty.id}-{number}", number + 1
        steps.append(replace(duty, id=name))
    return Read(replace(plan, steps=tuple(steps)), digest(plain(node)))


def named(name: str, found: Read) -> Routine:
    """The routine with its name."""
    plan = found.plan
    when = digest([plan.schedule, plan.timezone, plan.starts])
    return Routine(name, found.digest, when, plan)
