"""Every format against files whose name says the scenario, the exit code and the format.

`OPSCTL_UPDATE_GOLDEN=1` writes them anew; read the difference before it is committed.
"""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml
from prometheus_client.parser import text_string_to_metric_families

from opsctl.formats import FORMATS, Output, load
from opsctl.outages import exit_code
from opsctl.outcome import Cause, State
from opsctl.records import Checked, CheckRun, Judged, Passed, Result, Standing

GOLDEN = Path(__file__).parent / "golden"
AT = 1_800_000_000.25
HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]52;c;aGk=\x07 \x9b1m \u202eright\u202c | `tick` =cmd() [/x] :skull: <script>alert(1)</script>"
    " ![x](http://evil) @everyone ::error::gotcha ##[error]x\r\n::warning::two\x00\ud800"
)


def checked(
    name: str = "api/health",
    state: State = State.UP,
    *,
    seen: State | None = None,
    message: str = "status == 200 (found 200)",
    cause: Cause | None = None,
    attempts: int = 1,
    streak: int = 1,
    explained_by: str | None = None,
    **more: object,
) -> Checked:
    seen = seen or state
    verdict = {State.UP: True, State.DEGRADED: True, State.DOWN: False, State.UNKNOWN: None}[seen]
    result = Result(
        check=name,
        at=AT,
        state=seen,
        cause=cause,
        message=message,
        latency=0.0123,
        attempts=attempts,
        judged=(Judged("status == 200", verdict, "200" if verdict else "502"),),
        phases={"dns": 0.001, "connect": 0.002, "wait": 0.009},
        evidence={}
        if state is State.UP
        else {"request": "GET https://api.example.com/", "headers": {"server": "x"}},
    )
    standing = Standing(state, AT - 600, seen, AT, streak, cause, message)
    service = name.partition("/")[0]
    fields: dict[str, object] = {
        "service": service,
        "title": service,
        "owner": "platform",
        "tier": "critical",
        "tags": ("prod",),
        "runbook": None,
        "target": "https://api.example.com/",
        "fail_after": 2,
        "ok_after": 3,
        "explained_by": explained_by,
        **more,
    }
    return Checked(result, standing, **fields)  # type: ignore[arg-type]


def run(*of: Checked) -> CheckRun:
    return CheckRun("Shop", AT, AT + 0.5, of, recorded=True)


SCENARIOS = {
    "all-up": run(checked(), checked("web/page", attempts=2)),
    "root-cause": run(
        checked(
            "web/page",
            State.DOWN,
            cause=Cause.TIMEOUT,
            message="no answer within 10 s",
            explained_by="db/port",
        ),
        checked(
            "db/port",
            State.DOWN,
            cause=Cause.REFUSED,
            message="connection refused",
            runbook="restart-db",
            procedure="runbooks/restart-db.md",
        ),
        checked(),
    ),
    "unknown": run(
        checked("api/token", State.UNKNOWN, cause=Cause.SECRET, message="the variable TOKEN is not set")
    ),
    "tolerated": run(
        checked(
            "api/health",
            State.DEGRADED,
            seen=State.DOWN,
            cause=Cause.STATUS,
            message="status == 200 (found 502)",
        ),
        checked("web/slow", State.DEGRADED, cause=Cause.SLOW, message="latency < 300ms (found 412ms)"),
    ),
    "recovering": run(checked("api/health", State.DOWN, seen=State.UP, streak=1)),
    "hostile": run(
        checked("api/health", State.DOWN, cause=Cause.BODY, message=HOSTILE, owner="=owner|`", target=HOSTILE)
    ),
    "maintenance": run(checked())._replace(
        maintenance=(Passed("db/port", "MNT-2", f"new disks {HOSTILE}", AT + 3600),)
    ),
    "empty": run(),
}


def shown(name: str, scenario: str) -> str:
    return load(name).write(SCENARIOS[scenario], Output())


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", FORMATS)
def test_a_format_shows_a_scenario_as_before(name, scenario):
    code = int(exit_code({one.result.check: one.standing for one in SCENARIOS[scenario].checked}))
    path = GOLDEN / f"{scenario}.{code}.{name}"
    text = shown(name, scenario)
    if os.environ.get("OPSCTL_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    assert path.read_bytes() == text.encode()


def test_every_golden_file_is_one_that_is_tested():
    expected = {
        f"{scenario}.{int(exit_code({one.result.check: one.standing for one in of.checked}))}.{name}"
        for scenario, of in SCENARIOS.items()
        for name in FORMATS
    }
    assert {path.name for path in GOLDEN.iterdir()} == expected


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_terminal_of_80_columns_shows_each_check_on_one_line_and_failures_whole(scenario):
    of = SCENARIOS[scenario]
    text = load("text").write(of, Output(width=80))
    head = text.split("\n\n")[0].splitlines()
    assert all(len(line) <= 80 for line in head[: len(of.checked)])
    assert "\x1b" not in text


def test_colour_is_only_decoration():
    import re

    plain = load("text").write(SCENARIOS["root-cause"], Output(width=80))
    coloured = load("text").write(SCENARIOS["root-cause"], Output(width=80, colour=True))
    assert coloured != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_quiet_is_empty_when_all_is_well_and_only_then():
    fine = run(checked(), checked("web/page"))
    assert load("text").write(fine, Output(quiet=True)) == ""
    for scenario in ("root-cause", "unknown", "tolerated", "recovering"):
        assert load("text").write(SCENARIOS[scenario], Output(quiet=True)) != ""


def test_github_gives_ten_annotations_and_the_rest_in_the_summary(tmp_path):
    many = run(
        *(checked(f"s{number}/c", State.DOWN, cause=Cause.REFUSED, message="refused") for number in range(30))
    )
    summary = tmp_path / "summary"
    text = load("github").write(many, Output(environ={"GITHUB_STEP_SUMMARY": str(summary)}))
    assert sum(line.startswith("::error") for line in text.splitlines()) == 10
    assert "20 more in the step summary" in text
    assert summary.read_text().count("❌") == 30


def test_the_step_summary_stays_under_its_limit(tmp_path):
    summary = tmp_path / "summary"
    summary.write_bytes(b"x" * 1_000_000)
    many = run(*(checked(f"s{number}/c", State.DOWN, message="m" * 400) for number in range(500)))
    load("github").write(many, Output(environ={"GITHUB_STEP_SUMMARY": str(summary)}))
    assert 1_000_000 < summary.stat().st_size <= 1024 * 1024
    assert summary.read_text().endswith("(cut: a step summary holds 1 MiB)\n")


texts = st.text(st.characters(), max_size=200) | st.just(HOSTILE)


@settings(max_examples=60, deadline=None)
@given(message=texts, owner=texts, target=texts)
def test_no_foreign_text_gets_through_any_format(message, owner, target):
    of = run(checked("api/health", State.DOWN, cause=Cause.BODY, message=message, owner=owner, target=target))
    for name in FORMATS:
        text = load(name).write(of, Output())
        text.encode()
        assert not any(
            (ord(char) < 0x20 and char not in "\n\r\t") or 0x7F <= ord(char) < 0xA0 for char in text
        )
    assert json.loads(load("json").write(of, Output()))["summary"]["down"] == 1
    assert len([json.loads(line) for line in load("ndjson").write(of, Output()).splitlines()]) == 3
    rows = list(csv.reader(io.StringIO(load("csv").write(of, Output()), newline="")))
    assert [len(row) for row in rows] == [14, 14]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in rows[1])
    suites = JUnitXml.fromstring(load("junit").write(of, Output()).encode())
    assert [suite.failures for suite in suites] == [1]
    families = {
        family.name for family in text_string_to_metric_families(load("prometheus").write(of, Output()))
    }
    assert "opsctl_check_up" in families
    commands = [
        line for line in load("github").write(of, Output()).split("\n") if line.startswith(("::", "##["))
    ]
    assert len(commands) == 1
