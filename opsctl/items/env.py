"""The `env` item: variables and secrets that must be there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.item_kinds import Finding
from opsctl.limits import Doc, NotEmpty, OneOrMore
from opsctl.outcome import Value, Verdict
from opsctl.prose import count, line, listed
from opsctl.secrets import Template

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask


@dataclass(frozen=True, kw_only=True)
class EnvItem:
    """Look whether variables, or whatever secrets a text refers to, have a value; the values stay unseen."""

    SHORTHAND: ClassVar[str] = "names"
    MANUAL: ClassVar[bool] = False

    names: Annotated[
        tuple[str, ...], OneOrMore(), NotEmpty(), Doc("Names, or references as `${file:key.pem}`.")
    ]

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """Which are missing."""
        missing: list[Value] = []
        for name in self.names:
            if "${" in name:
                missing += [reference for reference, _ in ask.secrets.missing(Template(name))]
            elif not ask.world.environ.get(name):
                missing.append(name)
        return {"missing": missing}

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """None is missing."""
        missing = facts.get("missing")
        if not isinstance(missing, list):
            return Finding(Verdict.UNKNOWN, "the variables are not known", "set them")
        if not missing:
            return Finding(Verdict.PASS, f"{count('variable', len(self.names))} set")
        names = line(listed([str(one) for one in missing]))
        return Finding(Verdict.FAIL, f"not set: {names}", f"set {names}")
