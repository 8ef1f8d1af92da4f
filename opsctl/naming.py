"""What practices name of each other: it has to be there, and nothing may stand inside itself."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.errors import UsageError
from opsctl.prose import line, shorten, suggestion
from opsctl.references import cycles
from opsctl.selecting import select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from opsctl.composing import Problem
    from opsctl.definitions import Workspace
    from opsctl.places import Located
    from opsctl.routines import Routine
    from opsctl.runbooks import Step


class Mention(NamedTuple):
    """That the definition at `place` names the `noun` called `text`."""

    noun: str
    text: str
    place: Located

    def problem(self, message: str) -> Problem:
        """A problem where it is named."""
        return self.place.problem(message)


def mentions(place: Located, kind: Any) -> Iterator[Mention]:
    """What one item or step names, as the `NAMES` of its kind say; what is filled in later is left out."""
    names: Mapping[str, str] = getattr(kind, "NAMES", {})
    for noun, field in names.items():
        value = getattr(kind, field)
        for text in (value,) if isinstance(value, str) else value or ():
            if "{{" not in text:
                yield Mention(noun, text, place)


def misnamed(workspace: Workspace) -> Iterator[Problem]:
    """A name of nothing, a practice inside itself, and a question where nobody can be asked."""
    lists, books = _checklists(workspace), _runbooks(workspace)
    duties = [_followed(routine) for routine in workspace.routines.values()]
    for mention in (one for found in (*lists.values(), *books.values(), *duties) for one in found):
        yield from _dangling(workspace, mention)
    yield from cycles(_only(lists, "checklist"), "checklists stand inside each other")
    yield from cycles(_only(books, "runbook"), "runbooks stand inside each other")
    yield from _unanswerable(workspace)


def _followed(routine: Routine) -> list[Mention]:
    """What the steps of a routine name, and what its times follow."""
    plan = routine.plan
    found = [one for duty in plan.steps for one in mentions(duty.place, duty.kind)]
    for text in plan.schedule:
        if " after " in text:
            from opsctl.schedules import After, parse

            after = parse(text)
            if isinstance(after, After):
                noun = "checklist" if after.noun == "gate" else "runbook"
                found.append(Mention(noun, after.name, plan.steps[0].place))
    return found


def _dangling(workspace: Workspace, mention: Mention) -> Iterator[Problem]:
    if mention.noun == "check":
        try:
            select(workspace.checks(), (mention.text,))
        except UsageError as error:
            yield mention.problem(str(error))
        return
    known: Mapping[str, Any] = getattr(workspace, f"{mention.noun}s")
    if mention.text not in known:
        hint = suggestion(mention.text, known) or "; add it, or correct the name"
        yield mention.problem(f"no {mention.noun} is called `{line(shorten(mention.text, 60))}`{hint}")


def _checklists(workspace: Workspace) -> dict[str, list[Mention]]:
    return {
        name: [one for item in checklist.items.values() for one in mentions(item.place, item.kind)]
        for name, checklist in workspace.checklists.items()
    }


def _runbooks(workspace: Workspace) -> dict[str, list[Mention]]:
    return {
        name: [one for step in _all(book.procedure.steps) for one in mentions(step.place, step.kind)]
        for name, book in workspace.runbooks.items()
    }


def _all(steps: Iterable[Step]) -> Iterator[Step]:
    from opsctl.runbooks import inside

    for step in steps:
        yield step
        yield from inside(step)


def _only(found: Mapping[str, Sequence[Mention]], noun: str) -> dict[str, list[Mention]]:
    return {name: [one for one in some if one.noun == noun] for name, some in found.items()}


def _unanswerable(workspace: Workspace) -> Iterator[Problem]:
    """A step that asks people, or needs an approval, and stands inside another."""
    from opsctl.runbooks import inside

    asking = _asking(workspace)
    for book in workspace.runbooks.values():
        for outer in book.procedure.steps:
            within = tuple(inside(outer))
            for step in within:
                if _asks(step):
                    yield step.place.problem("a step inside another can ask nobody; let it stand by itself")
            for step in (outer, *within):
                if step.type == "runbook" and asking(step.kind.name):  # type: ignore[attr-defined]  # its name
                    yield step.place.problem("this runbook asks people; it has to be run by itself")


def _asks(step: Step) -> bool:
    return step.kind.ASKS or step.terms.needs is not None


def _asking(workspace: Workspace) -> Callable[[str], bool]:
    @cache
    def asking(name: str) -> bool:
        book = workspace.runbooks.get(name)
        return book is not None and any(_asks(step) for step in book.procedure.steps)

    return asking
