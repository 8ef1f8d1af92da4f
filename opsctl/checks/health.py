"""The `health` check: what an application says of itself at its health endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.checks.http import HttpCheck
from opsctl.health_bodies import NoHealthError, named, read, worst
from opsctl.limits import Between, Bytes, Doc, OneOrMore
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject
from opsctl.prose import suggestion
from opsctl.secrets import Template

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.health_bodies import Health, Part
    from opsctl.outcome import Value
    from opsctl.transfers import Loop

# Some frameworks write a page for people unless JSON is asked for; others have only plain text.
_ACCEPT = "application/health+json, application/json, */*;q=0.1"
# Other requests wait while a body is read, and the worst of this size takes a tenth of a second.
_LARGEST = 250_000
_SHOWN = 10
# Among more names, looking for one like another takes longer than other requests should wait.
_COMPARED = 200


@dataclass(frozen=True, kw_only=True)
class HealthCheck(HttpCheck):
    """Ask a health endpoint and read what it says: health+json, and the bodies that frameworks write."""

    components: Annotated[
        tuple[str, ...],
        OneOrMore(),
        Doc("The names of the components that matter here; all have to be told of."),
    ] = ()
    max_body: Annotated[Bytes, Between(1, 100_000_000), Doc("The longest body that is accepted.")] = _LARGEST

    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "status": Subject(
            Kind.TEXT, 'What the whole is: "up", "degraded" or "down"; words unknown are down.', Cause.STATUS
        ),
        "component": Subject(Kind.TEXT, "The worst of `components`, in the same words.", Cause.STATUS),
        "failing": Subject(Kind.LIST, "The names of the components that are not up.", Cause.STATUS),
        "components": Subject(Kind.NUMBER, "How many components it tells of, where it does.", Cause.BODY),
        "code": Subject(Kind.NUMBER, "The answer's status code.", Cause.STATUS),
        "latency": Subject(Kind.DURATION, "From the start to the last byte of the answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ('status in ["up", "degraded"]',)
    TELLING: ClassVar[tuple[str, ...]] = ("failing",)

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is degraded works, and is wished to be up; where components are named, they alone matter."""
        about = "component" if self.components else "status"
        return (f'{about} in ["up", "degraded"]',), (f'{about} == "up"',)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        yield from super().problems()
        if self.method == "HEAD":
            yield "method", "an answer to HEAD has no body that could be read; take GET"
        if not all(self.components):
            yield "components", "an empty name is no component's; take it away"

    def target(self) -> str:
        """As of an `http` check, and the components."""
        return super().target() + (f" ({', '.join(self.components)})" if self.components else "")

    def start(self, ask: Ask, loop: Loop, done: Callable[[Observation], None], *, after: float = 0.0) -> None:
        """Queue the request, as an `http` check does; `done` is told what its body says."""
        asked = self
        if "accept" not in {name.lower() for name in self.headers}:
            asked = replace(self, headers={**self.headers, "Accept": Template(_ACCEPT)})
        request = ask._replace(wanted=frozenset({"body"}))
        HttpCheck.start(asked, request, loop, lambda seen: done(self._read(seen)), after=after)

    def _read(self, seen: Observation) -> Observation:
        """What an answer comes to. Where no words of it are to be believed, nothing was seen."""
        if seen.failure:
            return seen._replace(values={})
        code = seen.values["status"]
        try:
            if "body" not in seen.values:
                raise NoHealthError("a compressed body, which was not asked for")
            health = read(str(seen.values["body"]))
        except NoHealthError as error:
            return seen._replace(values={}, failure=_unread(code, str(error)))
        evidence = _evidence(seen, health)
        failure = _contradiction(code, health) or self._missing(health)
        if failure:
            return seen._replace(values={}, failure=failure, evidence=evidence)
        values = {**self._values(health), "code": code, "latency": seen.values["latency"]}
        return seen._replace(values=values, failure=_complaint(health), evidence=evidence)

    def _values(self, health: Health) -> Mapping[str, Value]:
        values: dict[str, Value] = {"status": health.state}
        # An endpoint that hides its components does not say that none fails.
        if health.parts:
            values["components"] = len(health.parts)
            values["failing"] = [*sorted(part.name for part in health.parts.values() if part.state != "up")]
        if self.components:
            found = [part for name in self.components for part in named(health.parts, name)]
            values["component"] = worst(part.state for part in found)
        return values

    def _missing(self, health: Health) -> Failure | None:
        missing = next((name for name in self.components if not named(health.parts, name)), None)
        if missing is None:
            return None
        if not health.parts:
            return Failure(Cause.MISSING, f"it tells of no components, so of no `{missing}`")
        names = [*health.parts]
        near = suggestion(missing, names[:_COMPARED]) or f"; there are {', '.join(names[:_SHOWN])}"
        return Failure(Cause.MISSING, f"it tells of no component `{missing}`{near}")


def _well(code: Value) -> bool:
    return isinstance(code, int) and 200 <= code <= 299


def _unread(code: Value, words: str) -> Failure:
    if not _well(code):
        return Failure(Cause.STATUS, f"it answers with status {code} and {words}")
    return Failure(Cause.BODY, f"it answers with {words}")


def _contradiction(code: Value, health: Health) -> Failure | None:
    """Words that call the whole well, below a status code that does not."""
    if health.state == "down" or _well(code):
        return None
    return Failure(Cause.STATUS, f"it says {health.word or health.state}, but answers with status {code}")


def _complaint(health: Health) -> Failure | None:
    """That the whole is down, in its own words, for whoever does not expect just that."""
    if health.state != "down":
        return None
    down = [f"{part.name} {_said(part)}" for part in health.parts.values() if part.state == "down"]
    more = [f"{len(down) - _SHOWN} more"] if len(down) > _SHOWN else []
    listed = ", ".join([*down[:_SHOWN], *more])
    said = f"it says {health.word}" if health.word else "it says of itself"
    return Failure(Cause.STATUS, f"{said}: {listed}" if listed else said)


def _said(part: Part) -> str:
    return f"{part.word} ({part.why})" if part.why else part.word


def _evidence(seen: Observation, health: Health) -> Callable[[], Mapping[str, Value]]:
    def made() -> Mapping[str, Value]:
        answer = seen.evidence() if callable(seen.evidence) else seen.evidence
        words: dict[str, Value] = {part.name: _said(part) for part in health.parts.values()}
        return {**answer, "says": health.word, "components": words}

    return made
