"""Send one HTTP request as the `http` check does, and judge the answer's status."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.checks import Ask
from opsctl.checks.http import HttpCheck
from opsctl.expectations import ExpectationError, parse
from opsctl.judging import judge
from opsctl.outcome import Cause
from opsctl.secrets import Template

if TYPE_CHECKING:
    from collections.abc import Mapping

# Why there was nobody to send it to.
_NOT_SENT = frozenset({Cause.REFUSED, Cause.DNS, Cause.UNREACHABLE, Cause.TLS})


class Request(NamedTuple):
    """What is sent; every secret is in it already."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None


class Answer(NamedTuple):
    """What came back: whether its status is as expected, in one line, and the body.

    `came` says whether an answer came, `lost` whether none did although the request may have arrived.
    """

    well: bool
    message: str
    body: str
    came: bool = False
    lost: bool = False


def send(request: Request, expected: str, timeout: float) -> Answer:
    """Send it; `expected` is an expectation of the `http` check. Never raises for what the target does."""
    try:
        expectation = parse(expected, HttpCheck.SUBJECTS)
    except ExpectationError as error:
        return Answer(False, f"`{expected}`: {error}", "")
    method: Any = request.method
    check = HttpCheck(
        url=Template(request.url),
        method=method,
        headers={name: Template(value) for name, value in request.headers.items()},
        body=None if request.body is None else Template(request.body),
    )
    ask = Ask(
        timeout,
        frozenset({"status", "body"}),
        # What is filled in already is never read again.
        lambda template: template.text,
        {},
        Path(),
        time.time(),
        lambda _name: None,
        lambda _selectors: (),
    )
    seen = check.probe(ask)
    if seen.failure is not None:
        lost = not (seen.failure.cause.ours or seen.failure.cause in _NOT_SENT)
        return Answer(False, seen.failure.message, "", lost=lost)
    judged = judge(expectation, seen.values)
    found = f"{request.method} answered {seen.values.get('status')}"
    return Answer(judged.verdict is True, found, str(seen.values.get("body") or ""), came=True)
