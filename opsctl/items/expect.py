"""The `expect` item: expectations about what another item found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.expectations import ExpectationError, parse
from opsctl.item_kinds import Finding
from opsctl.judging import judge as judged
from opsctl.limits import Doc, Name, NotEmpty, OneOrMore
from opsctl.outcome import Kind, Subject, Value, Verdict
from opsctl.prose import line
from opsctl.strict_json import RepeatedKeyError, keys_of, read_json

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask

SUBJECTS: Mapping[str, Subject] = {
    "exit_code": Subject(Kind.NUMBER, "The exit code of a `run` item."),
    "stdout": Subject(Kind.TEXT, "What it printed."),
    "stderr": Subject(Kind.TEXT, "What it printed as errors."),
    "duration": Subject(Kind.DURATION, "How long it ran."),
    "json": Subject(Kind.JSON, "What it printed, as JSON, or a value in it."),
    "facts": Subject(Kind.JSON, "All that an item of any kind found, as `facts.count`."),
}


@dataclass(frozen=True, kw_only=True)
class ExpectItem:
    """Judge what an item before this one found."""

    SHORTHAND: ClassVar[str] = ""
    MANUAL: ClassVar[bool] = False

    of: Annotated[Name, Doc("The item, which stands before this one.")]
    that: Annotated[tuple[str, ...], OneOrMore(), NotEmpty(), Doc("Expectations, as of checks.")]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Each is an expectation."""
        for text in self.that:
            try:
                parse(text, SUBJECTS)
            except ExpectationError as error:
                yield "that", f"`{line(text)}`: {error}"

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """The facts of the other item."""
        if self.of not in ask.found:
            return {"unknown": f"there is no item `{self.of}` before this one"}
        facts = dict(ask.found[self.of])
        found: dict[str, Value] = {name: facts[name] for name in SUBJECTS if name in facts}
        printed = str(facts.get("stdout", ""))
        keys = keys_of(parse(text, SUBJECTS) for text in self.that)
        try:
            # What is not finite could not be written down as what was found.
            found["json"] = read_json(printed, keys, finite=True)
        except (ValueError, RecursionError, RepeatedKeyError):
            found.pop("json", None)
        return {"values": {**found, "facts": facts}}

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """All expectations are met."""
        values = facts.get("values")
        if not isinstance(values, dict):
            return Finding(Verdict.UNKNOWN, "nothing was found")
        results = [judged(parse(text, SUBJECTS), values, why_absent="nothing") for text in self.that]
        for one in results:
            if one.verdict is not True:
                verdict = Verdict.FAIL if one.verdict is False else Verdict.UNKNOWN
                return Finding(verdict, f"{one.text} (found {one.found})", f"look at {self.of}")
        return Finding(Verdict.PASS, "; ".join(one.text for one in results))
