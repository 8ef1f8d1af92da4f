"""A freeze: a stretch of time, once or recurring, in which changes are refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from opsctl.limits import Doc, NotEmpty


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """When changes are refused, and why."""

    reason: Annotated[str, NotEmpty(), Doc("Why.")]
