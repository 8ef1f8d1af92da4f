"""How certificates in a file fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, _timeout: float) -> Iterator[Fault]:
    """Those of the file and of what it says."""
    for name, cause, text in (
        ("missing", Cause.MISSING, "the file is not there"),
        ("unreadable", Cause.PERMISSION, "the file cannot be read"),
        ("garbage", Cause.BODY, "there is no certificate in it"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    yield Fault("expired", "one of them has expired", {"expires_in": -DAY}, cure="expires_in > 14d")
    yield Fault("not-begun", "one of them is not valid yet", {"begun": False}, cure="begun == true")
    other = {"names": ["other.invalid"], "subject": "CN=other.invalid"}
    yield Fault("other-name", "it is for another name", other, cure='names contains "the host"')
    if kind.key:
        yield Fault(
            "other-key", "the key is another one's", {"key_matches": False}, cure="key_matches == true"
        )
