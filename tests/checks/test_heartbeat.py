"""The `heartbeat` check: when a job is late, by an interval and by a schedule in any time zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from checks.probe import probe
from hypothesis import example, given
from hypothesis import strategies as st

from opsctl.checks import Heartbeat
from opsctl.checks.heartbeat import HeartbeatCheck
from opsctl.outcome import Cause, Failure, Observation

NOW = 1_767_323_045.0  # 2026-01-02T03:04:05Z
HOUR, DAY = 3600.0, 86400.0
SECONDS = st.integers(1, 10**7).map(float)


def look(check: HeartbeatCheck, signals: Heartbeat | None, now: float = NOW) -> Observation:
    return probe(check, now=now, heartbeat={check.name: signals}.get)


def signals(
    *, started: float | None = None, ok: float | None = None, failed: float | None = None, message: str = ""
) -> Heartbeat:
    """Signals so many seconds ago."""
    times = [None if ago is None else NOW - ago for ago in (started, ok, failed)]
    return Heartbeat(*times, message)


def job(**fields) -> HeartbeatCheck:
    return HeartbeatCheck(name="job", **fields)


def at(text: str, zone: str = "UTC", *, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def test_everything_about_a_job_that_is_in_time():
    check = job(every=DAY)
    assert look(check, signals(started=2 * HOUR, ok=HOUR, failed=3 * DAY, message="was bad")) == Observation(
        {
            "running": False,
            "failed": False,
            "age": HOUR,
            "duration": HOUR,
            "late": False,
            "overdue": 0.0,
        },
        None,
        {
            "last_start": "2026-01-02T01:04:05Z",
            "last_success": "2026-01-02T02:04:05Z",
            "last_failure": "2025-12-30T03:04:05Z",
            "message": "was bad",
            "due": "2026-01-03T02:04:05Z",
        },
    )


def test_a_job_that_never_reported_says_how_to():
    words = "no signal yet; send one with `opsctl heartbeat ok job`"
    assert look(job(every=DAY), None) == Observation({}, Failure(Cause.MISSING, words))
    assert not Cause.MISSING.ours


def test_a_job_that_never_succeeded_is_not_in_time():
    words = "no success yet; send one with `opsctl heartbeat ok job`"
    observation = look(job(every=DAY), signals(started=1))
    assert observation.values == {"running": True}
    assert observation.failure == Failure(Cause.MISSING, words)
    observation = look(job(every=DAY), signals(started=2, failed=1))
    assert observation.values == {"running": False, "failed": True}
    assert observation.failure == Failure(Cause.MISSING, words)


@pytest.mark.parametrize(
    ("age", "late", "overdue"),
    [
        (HOUR + 60, False, 0.0),
        (HOUR + 61, True, 1.0),
        (HOUR + 59, False, 0.0),
        (0, False, 0.0),
        (3 * HOUR, True, 7140.0),
    ],
)
def test_a_job_is_late_after_its_interval_and_its_grace(age, late, overdue):
    values = look(job(every=HOUR, grace=60.0), signals(ok=age)).values
    assert (values["late"], values["overdue"], values["age"]) == (late, overdue, age)


@given(every=SECONDS, grace=SECONDS | st.just(0.0), age=st.integers(-60, 3 * 10**7).map(float))
@example(every=1.0, grace=0.0, age=1.0)
@example(every=1.0, grace=0.0, age=2.0)
def test_lateness_is_what_an_interval_says(every, grace, age):
    values = look(job(every=every, grace=grace), signals(ok=age)).values
    assert values["late"] is (age > every + grace)
    assert values["overdue"] == max(0.0, age - every - grace)


@given(
    started=st.none() | SECONDS,
    ok=st.none() | SECONDS,
    failed=st.none() | SECONDS,
    every=SECONDS,
    runtime=st.none() | SECONDS,
)
def test_a_job_without_a_success_in_time_is_never_taken_for_well(started, ok, failed, every, runtime):
    observation = look(
        job(every=every, grace=0.0, runtime=runtime), signals(started=started, ok=ok, failed=failed)
    )
    well = observation.values.get("late") is False and observation.values.get("failed") is False
    if well:
        assert ok is not None
        assert ok <= every + (runtime or 0.0)
        assert failed is None or ok < failed


@pytest.mark.parametrize(
    ("ok", "failed", "expected"), [(10, 5, True), (5, 10, False), (5, 5, True), (5, None, False)]
)
def test_the_last_end_of_a_run_decides_whether_it_failed(ok, failed, expected):
    assert look(job(every=DAY), signals(ok=ok, failed=failed)).values["failed"] is expected


def test_a_new_start_does_not_undo_a_failure():
    values = look(job(every=DAY), signals(started=1, ok=10, failed=5)).values
    assert (values["running"], values["failed"]) == (True, True)


@pytest.mark.parametrize(
    ("started", "ok", "failed", "running"),
    [(1, 5, None, True), (1, 5, 3, True), (5, 1, None, False), (5, 9, 1, False), (5, 5, None, False)],
)
def test_a_run_lasts_from_its_start_to_its_end(started, ok, failed, running):
    values = look(job(every=DAY), signals(started=started, ok=ok, failed=failed)).values
    assert values["running"] is running


@pytest.mark.parametrize(
    ("started", "ok", "failed", "duration"),
    [
        (9, 4, None, 5.0),
        (9, 4, 20, 5.0),
        (9, 4, 2, 5.0),
        (9, 4, 6, None),
        (3, 4, None, None),
        (None, 4, None, None),
    ],
)
def test_a_duration_is_that_of_one_whole_run(started, ok, failed, duration):
    values = look(job(every=DAY), signals(started=started, ok=ok, failed=failed)).values
    assert values.get("duration") == duration


def test_a_run_that_takes_too_long_is_late_before_the_next_is_due():
    check = job(every=DAY, runtime=HOUR)
    values = look(check, signals(started=HOUR + 5, ok=2 * HOUR)).values
    assert (values["late"], values["overdue"]) == (True, 5.0)
    assert look(check, signals(started=HOUR, ok=2 * HOUR)).values["late"] is False


def test_a_run_that_started_in_time_may_take_its_time():
    check = job(every=DAY, grace=0.0, runtime=2 * HOUR)
    assert look(check, signals(started=HOUR, ok=DAY + HOUR)).values["late"] is False
    assert look(check, signals(started=HOUR, ok=DAY + HOUR, failed=10)).values["late"] is True
    assert look(job(every=DAY, grace=0.0), signals(started=HOUR, ok=DAY + HOUR)).values["late"] is True


def test_a_run_that_keeps_starting_anew_is_late_all_the_same():
    values = look(job(every=DAY, grace=60.0, runtime=HOUR), signals(started=1, ok=DAY + HOUR + 61)).values
    assert (values["late"], values["overdue"]) == (True, 1.0)


@pytest.mark.parametrize("future", [{"started": -61}, {"ok": -61}, {"failed": -61}])
def test_a_signal_from_the_future_shows_nothing(future):
    observation = look(job(every=DAY), signals(**{"ok": 5, **future}))
    words = "a signal lies in the future, so a clock is or was wrong; send another one to replace it"
    assert (observation.values, observation.failure) == ({}, Failure(Cause.UNSUPPORTED, words))
    assert observation.evidence["last_success"].startswith("2026-01-02T03:0")


def test_a_signal_that_comes_while_the_checks_run_is_new():
    assert look(job(every=DAY), signals(ok=-60)).values["age"] == 0.0


def test_without_a_time_to_be_due_an_age_can_still_be_expected():
    observation = look(job(), signals(ok=5))
    assert observation.values == {"running": False, "failed": False, "age": 5.0}
    words = "nothing says when it is due; add `every` or `schedule`, or expect an `age`"
    assert observation.failure == Failure(Cause.UNSUPPORTED, words)


@pytest.mark.parametrize(
    ("schedule", "zone", "succeeded", "expected"),
    [
        ("30 2 * * *", None, at("2026-01-01T02:31"), at("2026-01-02T02:30")),
        ("30 2 * * *", None, at("2026-01-01T02:29"), at("2026-01-01T02:30")),
        ("30 2 * * *", None, at("2026-01-01T02:30"), at("2026-01-02T02:30")),
        ("30 2 * * *", None, at("2026-01-01T02:30") - 0.5, at("2026-01-01T02:30")),
        ("30 2 * * *", None, at("2026-01-01T02:30") + 0.5, at("2026-01-02T02:30")),
        ("0 9 * * MON-FRI", None, at("2026-01-02T09:05"), at("2026-01-05T09:00")),
        ("0 0 1 * *", None, at("2026-01-02T00:00"), at("2026-02-01T00:00")),
        ("0 0 29 2 *", None, at("2027-01-02T00:00"), at("2028-02-29T00:00")),
        ("*/15 * * * *", None, at("2026-01-02T00:16"), at("2026-01-02T00:30")),
        ("30 2 * * *", "Asia/Tokyo", at("2026-01-01T02:31", "Asia/Tokyo"), at("2026-01-01T17:30")),
        # The clocks go forward at 02:00 on 2026-03-29: 02:30 does not exist, and cron runs it at 03:00.
        ("30 2 * * *", "Europe/Berlin", at("2026-03-28T02:31", "Europe/Berlin"), at("2026-03-29T01:00")),
        ("30 4 * * *", "Europe/Berlin", at("2026-03-28T04:31", "Europe/Berlin"), at("2026-03-29T02:30")),
        ("*/30 * * * *", "Europe/Berlin", at("2026-03-29T00:31"), at("2026-03-29T01:00")),
        # The clocks go back at 03:00 on 2026-10-25: 02:30 comes twice, and cron runs it the first time.
        ("30 2 * * *", "Europe/Berlin", at("2026-10-24T02:31", "Europe/Berlin"), at("2026-10-25T00:30")),
        ("30 2 * * *", "Europe/Berlin", at("2026-10-25T00:35"), at("2026-10-26T01:30")),
        ("30 2 * * *", "Europe/Berlin", at("2026-10-25T01:10"), at("2026-10-26T01:30")),
        ("30 2 * * *", "Europe/Berlin", at("2026-10-25T01:35"), at("2026-10-26T01:30")),
        ("*/30 * * * *", "Europe/Berlin", at("2026-10-25T00:31"), at("2026-10-25T01:00")),
        ("0 4 * * *", "Europe/Berlin", at("2026-10-24T04:01", "Europe/Berlin"), at("2026-10-25T03:00")),
    ],
)
def test_a_schedule_is_due_at_its_first_time_after_the_last_success(schedule, zone, succeeded, expected):
    check = job(schedule=schedule, timezone=zone, grace=120.0)
    last = Heartbeat(None, succeeded, None, "")
    assert look(check, last, expected + 120).values["late"] is False
    late = look(check, last, expected + 121).values
    assert (late["late"], late["overdue"]) == (True, 1.0)


@given(
    st.integers(int(at("2025-01-01")), int(at("2027-01-01"))).map(float),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.integers(0, 23),
    st.integers(0, 59),
)
def test_a_daily_schedule_is_due_within_about_a_day(succeeded, zone, hour, minute):
    check = job(schedule=f"{minute} {hour} * * *", timezone=zone, grace=0.0)
    last = Heartbeat(None, succeeded, None, "")
    values = look(check, last, succeeded + 3 * DAY).values
    expected = succeeded + 3 * DAY - values["overdue"]
    assert 0 < expected - succeeded <= DAY + HOUR + HOUR
    local = datetime.fromtimestamp(expected, ZoneInfo(zone))
    exists = local.replace(hour=hour, minute=minute).astimezone(ZoneInfo("UTC")).astimezone(ZoneInfo(zone))
    if (exists.hour, exists.minute) == (hour, minute):
        assert (local.hour, local.minute, local.second, local.fold) == (hour, minute, 0, 0)


def test_problems_name_their_field():
    assert list(job(every=DAY).problems()) == []
    assert list(job().problems()) == []
    assert list(job(schedule="30 2 * * *", timezone="Europe/Berlin").problems()) == []
    check = job(every=DAY, schedule="61 2 * * *", timezone="Mars/Olympus")
    assert list(check.problems()) == [
        ("schedule", "`every` and `schedule` exclude each other; keep one"),
        ("timezone", "`Mars/Olympus` is not a time zone; write one such as `Europe/Berlin`"),
        ("schedule", "`61 2 * * *` is not a cron line: bad minute; write one such as `30 2 * * *`"),
    ]
    assert list(job(every=DAY, timezone="UTC").problems()) == [
        ("timezone", "only a `schedule` has a time zone; leave `timezone` out")
    ]


@pytest.mark.parametrize("zone", ["", "Europe", "/etc/passwd", "../UTC", "a\0b", "x" * 5000])
def test_what_is_no_time_zone_is_told(zone):
    fields = [field for field, _ in job(schedule="* * * * *", timezone=zone).problems()]
    assert fields == ["timezone"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("", "wrong number of fields"),
        ("daily at 02:30", "wrong number of fields"),
        ("0 0 30 2 *", "bad day-of-month"),
        ("* 24 * * *", "bad hour"),
        ("* * * * 5L/2", "bad day-of-week"),
    ],
)
def test_what_is_no_schedule_is_told(line, fault):
    [(field, words)] = job(schedule=line).problems()
    assert field == "schedule"
    assert words == f"`{line}` is not a cron line: {fault}; write one such as `30 2 * * *`"


@given(
    st.lists(st.text("0123456789*/,-L#WMON", max_size=5), min_size=4, max_size=6).map(" ".join) | st.text()
)
@example("0 0 * * 1L,2#3/5")
@example("0 0 L-3 * *")
@example("*/1000000000000 * * * *")
def test_any_schedule_is_either_told_or_can_be_due(line):
    check = job(schedule=line)
    if not list(check.problems()):
        assert "late" in look(check, signals(ok=5)).values


def test_the_target_is_the_job_and_when_it_is_due():
    assert job().target() == "job"
    assert job(every=90.0).target() == "job, due every 1m30s"
    assert job(schedule="30 2 * * *").target() == "job, due 30 2 * * * UTC"
    assert job(schedule="30 2 * * *", timezone="Asia/Tokyo").target() == "job, due 30 2 * * * Asia/Tokyo"
