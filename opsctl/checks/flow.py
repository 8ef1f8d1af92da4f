"""The `flow` check: several HTTP requests in a row, each with what the ones before it found."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.capturing import Capture, Variable, captured
from opsctl.checks.http import HttpCheck
from opsctl.expectations import ExpectationError, parse, root
from opsctl.filling import fill, names
from opsctl.judging import judge
from opsctl.limits import Doc, Name, NotEmpty, OneOrMore
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject
from opsctl.secrets import Secrets, Template, mask_all
from opsctl.strict_json import keys_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.checks import Ask
    from opsctl.expectations import Expectation
    from opsctl.outcome import Value


@dataclass(frozen=True, kw_only=True)
class FlowRequest(HttpCheck):
    """One request of a flow: all that an `http` check can send, with `{{ name }}` for what was captured."""

    name: Annotated[Name, Doc("What the request is called.")]
    expect: Annotated[
        tuple[str, ...], OneOrMore(), NotEmpty(), Doc("Expectations of the answer, as of an `http` check.")
    ] = HttpCheck.EXPECT
    capture: Annotated[
        Mapping[Variable, Capture], Doc("Values to take from the body, for the requests that follow.")
    ] = field(default_factory=dict)

    SHORTHAND: ClassVar[str] = ""

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        found = super().problems()
        # What a request captured may be the whole address of the next one.
        yield from (one for one in found if one[0] != "url" or not self.url.text.startswith("{{"))
        for text in self.expect:
            try:
                parse(text, HttpCheck.SUBJECTS)
            except ExpectationError as error:
                yield "expect", f"`{text}`: {error}"

    def expected(self) -> list[Expectation]:
        """The expectations, parsed; `problems` has shown that they can be."""
        return [parse(text, HttpCheck.SUBJECTS) for text in self.expect]

    def needed(self) -> Iterator[str]:
        """The names of the values that it needs; ValueError where one is none."""
        basic = (self.basic.username, self.basic.password) if self.basic else ()
        optional = (self.body, self.bearer, self.proxy, *basic)
        for template in (self.url, *self.headers.values(), *self.form.values(), *filter(None, optional)):
            yield from names(template.text)


@dataclass(frozen=True, kw_only=True)
class FlowCheck:
    """Send requests one after another, as a user's visit does; the first wrong answer ends it."""

    requests: Annotated[
        tuple[FlowRequest, ...], NotEmpty(), Doc("The requests, in order; they share the check's `timeout`.")
    ]

    SHORTHAND: ClassVar[str] = "requests"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "answered": Subject(
            Kind.NUMBER, "How many requests were answered as expected; not seen unless all were."
        ),
        "latency": Subject(Kind.DURATION, "All requests together.", Cause.SLOW),
        "latency.*": Subject(Kind.DURATION, "One request, by its name.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("answered > 0",)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Two requests of one name, and values that nobody has captured by then."""
        seen: set[str] = set()
        known: set[str] = set()
        for request in self.requests:
            if request.name in seen:
                yield "requests", f"two requests are named `{request.name}`; rename one"
            seen.add(request.name)
            try:
                missing = sorted(set(request.needed()) - known)
            except ValueError as error:
                missing = []
                yield "requests", f"`{request.name}`: {error}"
            for name in missing:
                words = f"`{request.name}` needs `{name}`, which no request before it captures; add it"
                yield "requests", words
            known.update(request.capture)

    def target(self) -> str:
        """The requests, each by its method and address."""
        return ", ".join(request.target() for request in self.requests)

    def probe(self, ask: Ask) -> Observation:
        """Send them one by one until one is not answered as expected."""
        visit = _Visit(ask)
        for request in self.requests:
            wrong = visit.send(request)
            if wrong is not None:
                return wrong
        return visit.done()


class _Visit:
    """What is known while the requests are sent."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._started = time.monotonic()
        self._found: dict[str, str] = {}
        self._took: dict[str, float] = {}
        # What a server hands out, such as a session, is nobody else's to read.
        self._hidden = Secrets({}, ask.root)

    def send(self, request: FlowRequest) -> Observation | None:
        """Send it, judge the answer and take values from it; what is wrong with it, or None."""
        left = self._ask.timeout - (time.monotonic() - self._started)
        if left <= 0:
            return self._wrong(request, Cause.TIMEOUT, f"no time is left of {self._ask.timeout:g} s")
        expected = request.expected()
        wanted = frozenset((*map(root, expected), *(["body"] if request.capture else [])))
        ask = self._ask._replace(timeout=left, wanted=wanted, resolve=self._resolve, keys=keys_of(expected))
        seen = request.probe(ask)
        if seen.failure is not None:
            cause, words = seen.failure
            if cause is Cause.TIMEOUT:
                # It was given what was left, which says nothing to anybody.
                words = f"no whole answer within {self._ask.timeout:g} s"
            return self._wrong(request, cause, words, seen)
        found, missing = _found(request, str(seen.values.get("body", "")))
        for value in found.values():
            self._hidden.hide(value)
        for one in expected:
            judged = judge(one, seen.values, why_absent=seen.untold.get(root(one), ""))
            if judged.verdict is not True:
                return self._wrong(request, one.cause, f"{judged.text}: {judged.found}", seen)
        if missing:
            return self._wrong(request, Cause.BODY, missing, seen)
        self._found.update(found)
        self._took[request.name] = _seconds(seen)
        return None

    def done(self) -> Observation:
        """What is seen when all were answered as expected."""
        took = {f"latency.{name}": seconds for name, seconds in self._took.items()}
        whole = time.monotonic() - self._started
        return Observation(
            {"answered": len(took), "latency": whole, **took}, evidence={"requests": {**self._took}}
        )

    def _resolve(self, template: Template) -> str:
        return fill(template.text, self._found, lambda part: self._ask.resolve(Template(part)))

    def _wrong(
        self, request: FlowRequest, cause: Cause, words: str, seen: Observation | None = None
    ) -> Observation:
        mask = self._hidden.mask
        evidence: dict[str, Value] = {"failed": request.name, "requests": {**self._took}}
        if seen is not None:
            last = seen.evidence() if callable(seen.evidence) else seen.evidence
            evidence.update(mask_all(last, mask))
        return Observation(failure=Failure(cause, mask(f"{request.name}: {words}")), evidence=evidence)


def _found(request: FlowRequest, body: str) -> tuple[dict[str, str], str]:
    """What could be captured, which is to be hidden even where the rest is not there, and what was not."""
    found: dict[str, str] = {}
    missing = ""
    for name, capture in request.capture.items():
        try:
            found |= captured({name: capture}, body)
        except ValueError as error:
            missing = missing or str(error)
    return found, missing


def _seconds(seen: Observation) -> float:
    latency = seen.values.get("latency")
    return latency if isinstance(latency, float) else 0.0
