"""JUnit XML: a suite for each service, a case for each check; down is a failure, unknown an error."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from opsctl.formats.summary import moment, next_steps, passed_over, services, words
from opsctl.outcome import State
from opsctl.prose import line, safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.formats import Output
    from opsctl.records import Checked, CheckRun, Passed


def write(run: CheckRun, _out: Output) -> str:
    """The run as JUnit XML, as CI systems read it."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {_totals(run.checked, run.maintenance)}>",
    ]
    for service, checked in services(run).items():
        lines.append(
            f"  <testsuite name={_attribute(service)}"
            f" timestamp={_attribute(moment(run.started))} {_totals(checked)}>"
        )
        lines += [text for one in checked for text in _case(one)]
        lines.append("  </testsuite>")
    if run.maintenance:
        lines.append(f'  <testsuite name="maintenance" {_totals((), run.maintenance)}>')
        lines += [text for one in run.maintenance for text in _skipped(one, run.timezone)]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _totals(checked: Sequence[Checked], passed: Sequence[Passed] = ()) -> str:
    states = [one.standing.state for one in checked]
    seconds = sum(one.result.latency or 0.0 for one in checked)
    down, unknown = states.count(State.DOWN), states.count(State.UNKNOWN)
    numbers = f'tests="{len(states) + len(passed)}" failures="{down}" errors="{unknown}"'
    return f'{numbers} skipped="{len(passed)}" time="{seconds:.3f}"'


def _skipped(one: Passed, timezone: str) -> Iterator[str]:
    service, _, name = one.check.partition("/")
    yield f"    <testcase classname={_attribute(service)} name={_attribute(name)}>"
    yield f"      <skipped message={_attribute('maintenance ' + passed_over(one, timezone))}/>"
    yield "    </testcase>"


def _case(one: Checked) -> Iterator[str]:
    name = one.result.check.partition("/")[2]
    names = f"classname={_attribute(one.service)} name={_attribute(name)}"
    opening = f'    <testcase {names} time="{one.result.latency or 0.0:.3f}"'
    message = words(one)
    if one.standing.state is State.UP:
        yield f"{opening}/>"
        return
    yield f"{opening}>"
    if one.standing.state is State.DEGRADED:
        yield f"      <system-out>{escape(_xml(safe('degraded: ' + message)))}</system-out>"
    else:
        tag = "failure" if one.standing.state is State.DOWN else "error"
        details = "\n".join([message, *next_steps(one)])
        cause = _attribute(str(one.result.cause or "unknown"))
        text = escape(_xml(safe(details)))
        yield f"      <{tag} message={_attribute(message)} type={cause}>{text}</{tag}>"
    yield "    </testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_xml(line(text)))


def _xml(text: str) -> str:
    """XML has no place for these two, in any spelling."""
    return text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
