"""What people ask of incidents, from the words they type: states, severities, times, roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.errors import UsageError
from opsctl.ledger.incident import ALLOWED, SEVERITIES
from opsctl.moments import moment
from opsctl.prose import line, shorten, suggestion, ticked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opsctl.ledger.incident import Severity


def states_named(texts: Sequence[str]) -> tuple[str, ...]:
    """The states that the texts name; UsageError for any other word."""
    for text in texts:
        if text not in ALLOWED:
            hint = suggestion(text, ALLOWED) or f"; there are {ticked(ALLOWED, 'and')}"
            raise UsageError(f"--state `{line(shorten(text, 40))}` is no state{hint}")
    return tuple(texts)


def wanted_since(text: str | None, now: float, timezone: str) -> float | None:
    """The time that `--since` says, in UTC epoch seconds; UsageError for any other text."""
    return None if text is None else moment(text, now, timezone, "--since")


def roles_named(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """`commander=alice` as a role and a person, who is nobody after a bare `commander=`.

    Raises UsageError for any other text.
    """
    pairs = []
    for text in texts:
        role, is_, person = text.partition("=")
        if not is_ or not role.strip():
            raise UsageError(f"--role `{line(shorten(text, 40))}` gives nobody a role; write commander=alice")
        pairs.append((role.strip(), line(person)))
    return tuple(pairs)


def severity_named(text: str) -> Severity:
    """`sev1` of `sev1`, `1` or `SEV-1`; UsageError for any other."""
    said = text.strip().lower().replace("-", "")
    name = said if said.startswith("sev") else f"sev{said}"
    if name not in SEVERITIES:
        raise UsageError(f"`{line(shorten(text, 40))}` is no severity; write {ticked(SEVERITIES)}")
    return name
