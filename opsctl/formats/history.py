"""The history of checks, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import moment, short_moment
from opsctl.outcome import Kind, State
from opsctl.prose import count, line
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.formats import Output
    from opsctl.history import History
    from opsctl.store.history import Availability, Outage

_MARKS = {State.UP: "▁", State.DEGRADED: "▃", State.UNKNOWN: "▅", State.DOWN: "█"}
_ASCII = {State.UP: ".", State.DEGRADED: "!", State.UNKNOWN: "?", State.DOWN: "#"}


def write(past: History, output: str, out: Output) -> str:
    """What was recorded; every figure with what it does not cover."""
    if output == "json":
        return json_text(_document(past))
    since, until = (short_moment(at, past.timezone) for at in (past.since, past.until))
    heading = f"{since} to {until}; availability is the share of the time that is known"
    lines = [*_folded(heading, "", out), "", *_checks(past, out), "", *_outages(past, out)]
    return "\n".join(lines) + "\n"


def percent(ratio: float | None) -> str:
    """A share for people: never rounded up to 100 %, and `no data` where nothing is known."""
    if ratio is None:
        return "no data"
    floored = int(ratio * 100_000) / 1000
    return f"{floored:g}%"


def sparkline(one: Availability, out: Output) -> str:
    """The course over the window: the worst state of each part, a blank where nothing is known."""
    marks = _ASCII if out.ascii else _MARKS
    return "".join(" " if bucket.state is None else marks[bucket.state] for bucket in one.buckets)


def _checks(past: History, out: Output) -> Iterator[str]:
    width = max((len(one.check) for one in past.checks), default=0)
    for one in past.checks:
        latency = ""
        if one.latencies:
            shown = ", ".join(
                f"{name} {brief(Kind.DURATION, value)}"
                for name, value in (
                    ("p50", one.latencies.p50),
                    ("p95", one.latencies.p95),
                    ("p99", one.latencies.p99),
                )
            )
            latency = f"latency {shown} ({one.latencies.method}, n={one.latencies.answers})"
        gaps = f"no data {brief(Kind.DURATION, one.no_data)}" if one.no_data else ""
        unknown = f"unknown {brief(Kind.DURATION, one.unknown)}" if one.unknown else ""
        down = f"down {brief(Kind.DURATION, one.down)}" if one.down else ""
        details = ", ".join(
            text
            for text in (down, unknown, gaps, latency, count("result", sum(one.results.values())))
            if text
        )
        if out.width is None:
            yield f"{one.check}\t{percent(one.ratio)}\t{details}"
        else:
            yield f"{one.check:<{width}}  {percent(one.ratio):>8}  |{sparkline(one, out)}|"
            yield from _folded(details, " " * (width + 2), out)


def _folded(text: str, indent: str, out: Output) -> Iterator[str]:
    """The text as a pipe takes it, or in lines that a terminal does not break within words."""
    if out.width is None:
        yield indent + text
        return
    from textwrap import wrap

    yield from (indent + one for one in wrap(text, max(20, out.width - len(indent) - 1)))


def _outages(past: History, out: Output) -> Iterator[str]:
    yield f"outages: {len(past.outages)}" if past.outages else "outages: none"
    for outage in past.outages:
        end = short_moment(outage.ended, past.timezone) if outage.ended is not None else "now"
        lasted = brief(Kind.DURATION, (outage.ended or past.until) - outage.started)
        cause = f" ({outage.cause})" if outage.cause else ""
        span = f"from {short_moment(outage.started, past.timezone)} to {end}, {lasted}"
        first = f"  {outage.check}  {outage.state}{cause} {span}"
        if out.width is None:
            yield f"{first}: {line(outage.message)}"
        else:
            yield from _folded(first.strip(), "  ", out)
            yield from _folded(line(outage.message), "      ", out)


def _document(past: History) -> dict[str, object]:
    return {
        "workspace": line(past.workspace),
        "since": moment(past.since),
        "until": moment(past.until),
        "checks": [_check_data(one) for one in past.checks],
        "outages": [_outage_data(one) for one in past.outages],
    }


def _check_data(one: Availability) -> dict[str, object]:
    return {
        "check": one.check,
        "availability": one.ratio,
        "seconds": {name: getattr(one, name) for name in ("up", "degraded", "down", "unknown", "no_data")},
        "results": {str(state): number for state, number in one.results.items()},
        "latency": one.latencies._asdict() if one.latencies else None,
        "course": [None if bucket.state is None else str(bucket.state) for bucket in one.buckets],
    }


def _outage_data(one: Outage) -> dict[str, object]:
    return {
        "check": one.check,
        "started": moment(one.started),
        "ended": moment(one.ended) if one.ended is not None else None,
        "state": str(one.state),
        "cause": str(one.cause) if one.cause else None,
        "message": line(one.message),
        "results": one.results,
    }
