"""The `history` check over results that were really recorded."""

from __future__ import annotations

import pytest

from opsctl.checks.history import HistoryCheck
from opsctl.faults import faults_of

WORKSPACE = """
    version: 1
    name: Shop
    services:
      api:
        checks:
          ready: {file: run/ready}
          day: {history: {of: api/ready, over: 24h, least: 10}, expect: [success >= 90%]}
          recent: {history: {of: api/ready, last: 5}, expect: [failed < 3, changes < 3]}
"""


@pytest.fixture
def shop(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE)

    def record(*up, hour=10):
        for minute, well in enumerate(up):
            path = opsctl.path / "run" / "ready"
            path.parent.mkdir(exist_ok=True)
            path.touch() if well else path.unlink(missing_ok=True)
            opsctl("check", "api/ready", now=f"2026-11-20T{hour}:{minute:02d}:00Z")

    def ask(name, now="2026-11-20T12:00:00Z"):
        ran = opsctl("check", f"api/{name}", "--no-record", now=now)
        return ran.out.splitlines()[0]

    return record, ask


def test_too_few_results_show_nothing(shop):
    record, ask = shop
    assert ask("day") == "unknown\tapi/day\t0 known results of api/ready, and 10 are needed to judge by"
    record(1, 1, 1, 1)
    assert ask("recent").startswith("unknown\tapi/recent\t4 known results of api/ready, and 5 are needed")


def test_a_share_over_a_time_is_judged(shop):
    record, ask = shop
    record(*[1] * 19, 0)
    assert ask("day") == "up\tapi/day\tsuccess >= 90% (found 95%)"
    record(*[0] * 3, hour=11)
    assert ask("day").startswith("down\tapi/day\tsuccess >= 90% (found 82.6")
    assert ask("day", now="2026-11-21T12:30:00Z").startswith("unknown\tapi/day\t0 known results")


def test_x_of_the_last_y_are_judged(shop):
    record, ask = shop
    record(0, 0, 0, 1, 1, 1, 1, 1)
    assert ask("recent", "2026-11-20T10:08:00Z").startswith("up\tapi/recent\t")
    record(0, 1, 0, 1, hour=11)
    assert ask("recent", "2026-11-20T11:04:00Z").startswith("down\tapi/recent\tchanges < 3 (found 4)")
    record(0, 0, 0, hour=12)
    assert "failed < 3 (found 4)" in ask("recent", now="2026-11-20T12:03:00Z")


def test_what_was_recorded_long_ago_says_nothing_about_now(shop):
    record, ask = shop
    record(1, 1, 1, 1, 1)
    assert ask("recent", "2026-11-20T10:05:00Z").startswith("up\tapi/recent\t")
    assert ask("recent", "2028-09-20T10:05:00Z") == (
        "unknown\tapi/recent\tthe newest known result of api/ready is 670d old, and one counts for 10m"
    )
    assert ask("recent", "2026-11-20T09:00:00Z").startswith("unknown\tapi/recent\t")


def test_what_could_not_tell_lately_does_not_make_old_results_new(opsctl):
    opsctl.write(
        "opsctl.yaml",
        """
        version: 1
        name: Shop
        services:
          api:
            checks:
              ready: {command: [sh, -c, "exit ${env:CODE}"], every: 1m}
              recent: {history: {of: api/ready, last: 5, least: 2}}
    """,
    )
    for minute, env in enumerate(({"CODE": "0"}, {"CODE": "0"}, {})):
        opsctl("check", "api/ready", env=env, now=f"2026-11-20T10:0{minute}:00Z")
    assert opsctl("check", "api/recent", "--no-record", now="2026-11-20T10:03:00Z").code == 0
    assert opsctl("check", "api/recent", "--no-record", now="2026-11-20T10:03:01Z").code == 3


def test_what_could_not_tell_is_no_result_to_judge_by(opsctl):
    opsctl.write("opsctl.yaml", """
        version: 1
        name: Shop
        services:
          api:
            checks:
              ready: {command: [sh, -c, "exit ${env:CODE}"]}
              recent: {history: {of: api/ready, last: 4}}
              few: {history: {of: api/ready, last: 4, least: 2}, expect: [success == 50%, unknown == 2]}
              many: {history: {of: api/ready, last: 4}, expect: [results == 4]}
    """)  # fmt: skip
    for minute, env in enumerate(({"CODE": "0"}, {}, {}, {"CODE": "1"})):
        opsctl("check", "api/ready", env=env, now=f"2026-11-20T10:0{minute}:00Z")
    ran = opsctl("check", "api/recent", "api/few", "api/many", now="2026-11-20T10:04:00Z")
    assert ran.code == 3
    assert "unknown\tapi/recent\t2 known results of api/ready, and 4 are needed to judge by\n" in ran.out
    assert "up\tapi/few\t" in ran.out
    assert "unknown\tapi/many\t2 known results" in ran.out


def test_latencies_have_percentiles(opsctl, web):
    from web import Answer

    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services:
          api:
            checks:
              ready: {{http: "{web.answer('/x', Answer(200))}"}}
              fast: {{history: {{of: api/ready, last: 3}}, expect: [p95 < 5s, p50 > 0s, slowest < 5s]}}
    """)  # fmt: skip
    for minute in range(3):
        opsctl("check", "api/ready", now=f"2026-11-20T10:0{minute}:00Z")
    assert opsctl("check", "api/fast", now="2026-11-20T10:03:00Z").code == 0


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("{of: api/ready}", "write either `over`, as 24h, or `last`, as 10"),
        ("{of: api/ready, over: 24h, last: 3}", "write either"),
        ("{of: api/redy, over: 24h}", "did you mean `api/ready`"),
        ("{of: api/ready, over: 5m}", "must be from 1h"),
    ],
)
def test_what_cannot_be_meant_is_refused(opsctl, check, words):
    opsctl.write("opsctl.yaml", "version: 1\nname: S\nservices:\n  api:\n    checks:\n      ready: {file: /}\n"
                 f"      x: {{history: {check}}}\n")  # fmt: skip
    ran = opsctl("validate")
    assert ran.code == 5
    assert words in ran.out


def test_only_of_the_last_results_old_ones_are_a_fault():
    def names(**fields):
        return {fault.name for fault in faults_of("history", HistoryCheck(of="api/ready", **fields), 1.0)}

    assert names(last=5) - names(over=86400.0) == {"stale", "flapping"}
    assert {"no-results", "all-unknown"} <= names(over=86400.0)


def test_the_target_says_what_and_how_long():
    assert HistoryCheck(of="api/ready", over=86400.0).target() == "api/ready over 1d"
    assert HistoryCheck(of="api/ready", last=5).target() == "api/ready over 5 results"
