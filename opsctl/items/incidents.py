"""The `incidents` item: no incident is on that is worse than allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.item_kinds import Finding
from opsctl.limits import Doc, Name, OneOrMore
from opsctl.outcome import Value, Verdict
from opsctl.policies import Severity
from opsctl.prose import listed

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask


@dataclass(frozen=True, kw_only=True)
class IncidentsItem:
    """Ask which incidents are on."""

    SHORTHAND: ClassVar[str] = "max_severity"
    MANUAL: ClassVar[bool] = False

    max_severity: Annotated[Severity, Doc("The worst that may be on; `sev3` lets sev3 and sev4 pass.")] = (
        "sev3"
    )
    services: Annotated[tuple[Name, ...], OneOrMore(), Doc("Only incidents of these; any by default.")] = ()

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """Every incident that is on."""
        from opsctl.ledger.incident import ACTIVE
        from opsctl.store.ledger import records

        found: list[Value] = [
            {"incident": one.subject, "severity": one.severity, "services": list(one.services)}
            for one in records(ask.db, "INC", ACTIVE)
        ]
        return {"active": found}

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """None is worse than allowed."""
        active = facts.get("active")
        if not isinstance(active, list):
            return Finding(Verdict.UNKNOWN, "the incidents are not known", "opsctl incident list")
        worse = [one for one in active if isinstance(one, dict) and self._counts(one)]
        if not worse:
            return Finding(Verdict.PASS, f"none is worse than {self.max_severity}")
        names = listed([f"{one['incident']} ({one['severity']})" for one in worse[:3]])
        return Finding(Verdict.FAIL, f"{names} on", f"opsctl incident show {worse[0]['incident']}")

    def _counts(self, one: Mapping[str, Value]) -> bool:
        services = one.get("services")
        about = not self.services or (
            isinstance(services, list) and not set(self.services).isdisjoint(map(str, services))
        )
        return about and str(one.get("severity")) < self.max_severity
