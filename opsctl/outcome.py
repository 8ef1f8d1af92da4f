"""The words a probe answers with: states, causes, and what was observed."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = bool | int | float | str | None | list["Value"] | dict[str, "Value"]


class State(StrEnum):
    """What a check says of its service."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"

    @property
    def good(self) -> bool:
        """Whether the service works, perhaps below what was wished."""
        return self is State.UP or self is State.DEGRADED


class Cause(StrEnum):
    """Why a check is not up: a closed list, so that people and machines can count by it."""

    # The target did not give an answer that could be judged.
    REFUSED = "refused"
    TIMEOUT = "timeout"
    DNS = "dns"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    TLS = "tls"
    PROTOCOL = "protocol"
    TOO_LARGE = "too_large"
    REDIRECT = "redirect"
    MISSING = "missing"
    LATE = "late"
    # The target answered, and an expectation of the answer was not met.
    STATUS = "status"
    HEADER = "header"
    BODY = "body"
    SLOW = "slow"
    EXPIRY = "expiry"
    EXIT_CODE = "exit_code"
    OUTPUT = "output"
    STALE = "stale"
    USAGE = "usage"
    VALUE = "value"
    MEMBERS = "members"
    # opsctl could not look: the fault is on our side, so the target's state is unknown.
    SECRET = "secret"  # noqa: S105 - a cause's name, not a secret
    PERMISSION = "permission"
    UNSUPPORTED = "unsupported"
    PLUGIN = "plugin"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"
    TOO_FEW = "too_few"

    @property
    def ours(self) -> bool:
        """Whether the fault is on our side, so that nothing is known of the target."""
        return self in _OURS

    @property
    def transport(self) -> bool:
        """Whether no answer came, so that a retry may help without hiding a wrong answer."""
        return self in _TRANSPORT


_OURS = frozenset(
    {
        Cause.SECRET,
        Cause.PERMISSION,
        Cause.UNSUPPORTED,
        Cause.PLUGIN,
        Cause.INTERRUPTED,
        Cause.INTERNAL,
        Cause.TOO_FEW,
    }
)
_TRANSPORT = frozenset(
    {Cause.REFUSED, Cause.TIMEOUT, Cause.DNS, Cause.UNREACHABLE, Cause.RESET, Cause.TLS, Cause.PROTOCOL}
)


class Verdict(StrEnum):
    """What an item of a checklist, or a gate, comes to."""

    PASS = "pass"  # noqa: S105 - a verdict's name, not a secret
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    PENDING = "pending"
    WAIVED = "waived"
    NOT_APPLICABLE = "n/a"

    @property
    def open(self) -> bool:
        """Whether it keeps a gate from being passed, where it is required."""
        return self in _OPEN


_OPEN = frozenset({Verdict.FAIL, Verdict.UNKNOWN, Verdict.PENDING})


class Failure(NamedTuple):
    """Why a probe has no (whole) answer: a cause and one line of words for people."""

    cause: Cause
    message: str


class Observation(NamedTuple):
    """What one probe saw; a subject that is not in `values` was not seen.

    `values` maps subject names to typed values: durations in seconds, sizes in bytes, percentages
    from 0 to 100. `evidence` is what a person wants to look at afterwards, ready for JSON, or a
    function that makes it, where most of the time nobody asks; `phases` are seconds by name.
    `untold` is why a subject, by its first word, was not seen in an answer that came.
    A probe never raises for what its target does.
    """

    values: Mapping[str, Value] = MappingProxyType({})
    failure: Failure | None = None
    evidence: Mapping[str, Value] | Callable[[], Mapping[str, Value]] = MappingProxyType({})
    phases: Mapping[str, float] = MappingProxyType({})
    untold: Mapping[str, str] = MappingProxyType({})


class Kind(StrEnum):
    """The type of a subject: what it may be compared with, and how it is shown."""

    NUMBER = "number"
    DURATION = "duration"
    SIZE = "size"
    PERCENT = "percent"
    TEXT = "text"
    BOOLEAN = "boolean"
    LIST = "list"
    JSON = "json"


class Subject(NamedTuple):
    """A thing an expectation can be about: its type, its meaning, the cause when it is not met."""

    kind: Kind
    doc: str
    cause: Cause = Cause.VALUE
