"""`opsctl metrics`: figures of a period from real records, and what each of them is made of."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from opsctl import figures, measuring, metrics
from opsctl.errors import UsageError
from opsctl.formats import Output
from opsctl.formats import metrics as formats
from opsctl.formulas import ALIASES, DEFINITIONS
from opsctl.ledger.events import Actor
from opsctl.outages import Rules
from opsctl.outcome import Cause, State
from opsctl.records import Result
from opsctl.store.ledger import deciding
from opsctl.store.opening import open_store
from opsctl.store.pruning import prune
from opsctl.store.results import Run, record
from opsctl.uptimes import course_of
from opsctl.workspace import load_workspace

DOCUMENT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
NOW = "2015-10-31T00:00:00Z"
WORKSPACE = """
    version: 1
    name: Shakespeare
    services:
      search:
        objectives: {availability: 99.9%}
        checks:
          health: {http: "http://127.0.0.1:9/"}
          deep: {http: "http://127.0.0.1:9/"}
      index:
        checks: {port: {tcp: "127.0.0.1:9"}}
      mail: {checks: {port: {tcp: "127.0.0.1:9"}}}
"""
STATES = {"u": State.UP, "g": State.DEGRADED, "d": State.DOWN, "?": State.UNKNOWN}


def at(text):
    return datetime.fromisoformat(f"2015-{text}+00:00").timestamp()


SINCE, UNTIL = at("10-01T00:00"), at("10-31T00:00")


class Records:
    """The store of a workspace, with what is put into it, and the workspace."""

    def __init__(self, opsctl):
        self.opsctl = opsctl.write("opsctl.yaml", WORKSPACE)
        self.workspace = load_workspace(opsctl.path, {})

    def results(self, check, *found, lapse=60 * 86400.0, latency=0.25):
        with open_store(self.workspace.store, write=True) as store:
            for text, letter in found:
                when, state = at(text), STATES[letter]
                result = Result(
                    check, when, state, None if state.good else Cause.STATUS, "", latency, 1, (), {}, {}
                )
                rules = {check: Rules(1, 1, lapse)}
                record(store, Run(when, when, "host", check), [result], rules, lambda _: 0)
        return self

    def incident(self, opened, *events, **body):
        body = {"title": "Down", "severity": "sev2", "services": ["search"], **body}
        with (
            open_store(self.workspace.store, write=True) as store,
            deciding(store, Actor("mia", "host", "opsctl"), UNTIL) as ledger,
        ):
            name = ledger.name("INC")
            ledger.append("incident.opened", name, body, at(opened))
            for kind, when, more in events:
                ledger.append(f"incident.{kind}", name, more, at(when))
        return self

    def of(self, function, *arguments, **options):
        with open_store(self.workspace.store, write=False) as store, store.reading() as db:
            return function(db, self.workspace, *arguments, **options)

    def explain(self, name, target=None):
        period = measuring.Period("30d", None, None)
        sheet = measuring.explain(self.workspace, name, target, period, UNTIL)
        return formats.write_explanation(sheet, "text", Output(width=80))


@pytest.fixture
def records(opsctl):
    return Records(opsctl)


@pytest.fixture
def shakespeare(records):
    """The outage of the book: 66 minutes on 21 October 2015."""
    ends = (("10-01T00:00", "u"), ("10-31T00:00", "u"))
    records.results("search/health", ends[0], ("10-21T14:54", "d"), ("10-21T16:00", "u"), ends[1])
    records.results("search/deep", ends[0], ("10-21T15:00", "d"), ("10-21T15:30", "u"), ends[1])
    day = "10-21T"
    return records.incident(
        f"{day}15:01",
        ("acknowledged", f"{day}14:58", {}),
        ("mitigated", f"{day}15:36", {}),
        ("resolved", f"{day}16:30", {"impact_ended": at(f"{day}16:00")}),
        ("closed", f"{day}16:30", {}),
        impact_started=at(f"{day}14:54"),
        detected=at(f"{day}14:55"),
        key="search",
    )


def test_the_shakespeare_outage_to_the_digit(shakespeare):
    figure = shakespeare.of(figures.availability, "search", SINCE, UNTIL)
    assert [formats.percent(value) for value in figure[1:4]] == ["99.8472%"] * 3
    assert (figure.n, figure.coverage, figure.left_out) == (6, 1.0, ())
    assert figure.counted == (
        "search/health: up 29d22h54m, down 1h6m",
        "search/deep: up 29d23h30m, down 30m",
        "down from 2015-10-21 14:54:00 UTC to 2015-10-21 16:00:00 UTC: 1h6m",
    )
    budget = shakespeare.of(figures.budget, "search", SINCE, UNTIL)
    assert formats.percent(budget.value) == "152.8%"
    course = shakespeare.of(course_of, "search", SINCE, UNTIL)
    tighter = metrics.budget(course.spent, 99.99, course.n)
    assert formats.percent(tighter.value) == "1527.8%"


@pytest.mark.parametrize(
    ("what", "minutes"),
    [("detect", 1), ("acknowledge", 3), ("mitigate", 42), ("recover", 66), ("resolve", 89)],
)
def test_the_times_of_the_shakespeare_outage(shakespeare, what, minutes):
    figure = shakespeare.of(figures.figure, f"time-to-{what}", SINCE, UNTIL, None)
    assert (figure.value, figure.n, figure.left_out) == (minutes * 60, 1, ())
    assert dict(figure.more) == {"mean": minutes * 60, "p90": minutes * 60}
    assert figure.counted[0].startswith("INC-1 ")


def test_the_documented_explanations_are_what_is_printed(shakespeare):
    for command, text in re.findall(
        r"```console\n(opsctl metrics explain [^\n]+)\n(.*?)```", DOCUMENT, re.DOTALL
    ):
        words = command.split()
        service = words[words.index("--service") + 1] if "--service" in words else None
        assert shakespeare.explain(words[3], service) == text
    assert (
        DOCUMENT.count("opsctl metrics explain availability --service search\navailability of search: ") == 1
    )


def test_the_documented_table_is_what_is_printed(shakespeare):
    period = measuring.Period("30d", None, None)
    sheet = measuring.show(shakespeare.workspace, ["search"], period, UNTIL)
    text = formats.write_sheet(sheet, "text", Output(width=80))
    assert f"```console\nopsctl metrics show search\n{text}```" in DOCUMENT


def test_the_documented_definitions_are_those_of_the_code():
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]*) \| `([^`]+)` \| (\w+) \|$", DOCUMENT, re.MULTILINE)
    names = {name: alias.upper() for alias, name in ALIASES.items()}
    assert rows == [(one.id, names.get(one.name, ""), one.formula, one.unit) for one in DEFINITIONS.values()]


def test_no_data_and_what_could_not_be_looked_at_widen_availability(records):
    records.results(
        "index/port", ("10-01T00:00", "u"), ("10-16T00:00", "?"), ("10-19T00:00", "d"), ("10-22T00:00", "u")
    )
    figure = records.of(figures.availability, "index/port", SINCE, UNTIL)
    assert figure[1:4] == (15 / 18, 15 / 30, 27 / 30)
    assert figure.coverage == 18 / 30
    assert figure.left_out == (
        "index/port: 3d unknown: opsctl could not look",
        "index/port: 9d without data: no result spoke for it",
    )


def test_results_too_far_apart_leave_a_gap(records):
    found = ("10-01T00:00", "u"), ("10-02T00:00", "u"), ("10-20T00:00", "u"), ("10-21T00:00", "u")
    records.results("index/port", *found, lapse=86400.0)
    figure = records.of(figures.availability, "index", SINCE, UNTIL)
    assert (figure.value, figure.coverage) == (1.0, 2 / 30)
    assert (figure.low, figure.high) == (2 / 30, 1.0)


def test_a_service_is_up_only_while_all_its_checks_are_known_to_be(records):
    records.results("search/health", ("10-01T00:00", "u"), ("10-31T00:00", "u"))
    records.results("search/deep", ("10-11T00:00", "g"), ("10-21T00:00", "d"), ("10-31T00:00", "d"))
    figure = records.of(figures.availability, "search", SINCE, UNTIL)
    assert (figure.value, figure.coverage) == (0.5, 20 / 30)
    assert "search/deep: degraded 10d, down 10d" in figure.counted
    assert figure.left_out == ("search/deep: 10d without data: no result spoke for it",)


def test_a_service_is_down_while_one_check_is_whatever_is_known_of_the_others(records):
    records.results("search/health", ("10-01T00:00", "d"), ("10-31T00:00", "d"))
    figure = records.of(figures.availability, "search", SINCE, UNTIL)
    assert figure[1:4] == (0.0, 0.0, 0.0)
    assert figure.coverage == 1.0


def test_the_period_is_half_open(records):
    records.results(
        "index/port", ("09-30T00:00", "d"), ("10-01T00:00", "u"), ("10-31T00:00", "d"), ("11-01T00:00", "u")
    )
    assert records.of(figures.availability, "index", SINCE, UNTIL).value == 1.0


def test_a_service_without_data_has_no_availability(records):
    records.results("search/health", ("10-01T00:00", "u"))
    figure = records.of(figures.availability, "index", SINCE, UNTIL)
    assert (figure.value, figure.coverage, figure.reason) == (None, 0.0, "no data in the period")
    assert figure.left_out == ("index/port: 30d without data: no result spoke for it",)


def test_a_service_without_an_objective_has_no_budget(records):
    figure = records.of(figures.budget, "index", SINCE, UNTIL)
    assert figure.value is None
    assert figure.reason == "`index` promises no availability; add `objectives: {availability: 99.9%}`"


def test_failures_are_counted_when_they_begin_and_once_until_it_is_up_again(records):
    records.results(
        "index/port",
        ("09-30T00:00", "u"),
        ("09-30T12:00", "d"),
        ("10-02T00:00", "u"),
        ("10-11T00:00", "d"),
        ("10-12T00:00", "?"),
        ("10-13T00:00", "d"),
        ("10-14T00:00", "u"),
        ("10-21T00:00", "d"),
        ("10-22T00:00", "u"),
        ("10-31T00:00", "u"),
    )
    figure = records.of(figures.mtbf, "index", SINCE, UNTIL)
    # Up from the 2nd to the 11th, the 14th to the 21st, and the 22nd to the 31st.
    assert (figure.value, figure.n) == ((9 + 7 + 9) / 2 * 86400, 2)
    assert figure.counted == (
        "down from 2015-10-11 00:00:00 UTC to 2015-10-12 00:00:00 UTC: 1d",
        "down from 2015-10-21 00:00:00 UTC to 2015-10-22 00:00:00 UTC: 1d",
    )
    assert figure.left_out[0] == (
        "down from 2015-09-30 12:00:00 UTC to 2015-10-02 00:00:00 UTC: 1d in the period: it began before the period"
    )


def test_a_month_without_failures_is_a_bound_and_no_figure(records):
    records.results("index/port", ("10-01T00:00", "u"), ("10-31T00:00", "u"))
    figure = records.of(figures.mtbf, "index", SINCE, UNTIL)
    assert figure[1:4] == (None, 10 * 86400.0, None)
    ran = records.opsctl("metrics", "explain", "mtbf", "--service", "index", now=NOW)
    assert ran.code == 0
    assert "bounds\tat least 10d; " in ran.out
    assert "no figure\tno failure began in the period\n" in ran.out


def test_percentiles_are_of_all_checks_together(records):
    for minute in range(10):
        records.results("search/health", (f"10-21T14:0{minute}", "u"), latency=0.01)
    records.results("search/deep", ("10-21T14:00", "u"), latency=1.0)
    assert records.of(figures.latency, "search", 0.5, SINCE, UNTIL).value == 0.01
    figure = records.of(figures.latency, "search", 0.99, SINCE, UNTIL)
    assert (figure.value, figure.n) == (1.0, 11)
    assert figure.counted == ("search/health: 10 latencies", "search/deep: 1 latency")
    assert records.of(figures.latency, "search/health", 0.99, SINCE, UNTIL).value == 0.01


def test_percentiles_of_pruned_results_say_that_they_are_rolled_up(records):
    records.results("index/port", ("10-21T14:00", "u"), latency=0.25)
    records.results("index/port", ("10-30T14:00", "u"), latency=0.5)
    with open_store(records.workspace.store, write=True) as store:
        prune(store, UNTIL, keep_passes=86400, keep_failures=86400, keep_rollups=100 * 86400)
    figure = records.of(figures.latency, "index", 0.5, SINCE, UNTIL)
    assert figure.value == pytest.approx(0.25, rel=0.004)
    assert figure.n == 2
    assert figure.counted == (
        "index/port: 2 latencies, hourly roll-up: within 0.4 %, hours at the ends count whole",
    )


def test_incidents_that_do_not_count_are_left_out_with_the_reason(shakespeare):
    shakespeare.incident("10-05T00:00", key="index")
    shakespeare.incident("10-06T00:00", ("closed", "10-06T01:00", {"false_alarm": True}), key="index")
    shakespeare.incident("10-07T00:00", ("merged", "10-07T01:00", {"into": "INC-1"}))
    shakespeare.incident("10-08T00:00", ("resolved", "10-08T01:00", {}))
    shakespeare.incident("09-30T00:00", ("resolved", "10-08T01:00", {}))
    figure = shakespeare.of(figures.figure, "time-to-acknowledge", SINCE, UNTIL, None)
    assert figure.counted == ("INC-1 3m",)
    assert figure.left_out == (
        "INC-2: not over, it is open",
        "INC-3: a false alarm",
        "INC-4: merged into INC-1",
        "INC-5: nobody acknowledged it, or its detection is not known",
    )
    frequency = shakespeare.of(figures.figure, "incident-frequency", SINCE, UNTIL, None)
    assert (frequency.value, frequency.counted) == (3.0, ("INC-1 sev2", "INC-2 sev2", "INC-5 sev2"))
    assert frequency.left_out == ("INC-3: a false alarm", "INC-4: merged into INC-1")
    alerts = shakespeare.of(figures.figure, "alert-actionability", SINCE, UNTIL, None)
    assert alerts[1:4] == (0.5, 1 / 3, 2 / 3)
    assert alerts.counted == ("INC-1 actionable", "INC-3 a false alarm")
    assert alerts.left_out == (
        "INC-2: open and not acknowledged, so not reviewed yet",
        "INC-4: opened by a person",
        "INC-5: opened by a person",
    )


def test_an_incident_belongs_to_the_period_in_which_its_impact_began(records):
    records.incident("10-01T01:00", ("resolved", "10-01T02:00", {}), impact_started=at("09-30T23:00"))
    records.incident("11-01T01:00", ("resolved", "11-01T02:00", {}), impact_started=at("10-30T23:00"))
    records.incident("10-31T00:00")
    records.incident("10-01T00:00")
    figure = records.of(figures.figure, "incident-frequency", SINCE, UNTIL, None)
    assert figure.counted == ("INC-2 sev2", "INC-4 sev2")


def test_incidents_are_told_apart_by_service(records):
    records.incident("10-02T00:00", ("changed", "10-02T01:00", {"changes": {"severity": "sev3"}}))
    records.incident("10-03T00:00", severity="sev3", services=["index", "search"])
    for service, found in (("search", 2), ("index", 1), ("mail", 0)):
        assert records.of(figures.figure, "incident-frequency", SINCE, UNTIL, service).value == found


def test_a_service_that_does_not_exist_is_an_error_and_not_a_figure(records):
    for function in (figures.availability, figures.mtbf, figures.budget):
        with pytest.raises(UsageError, match="no service or check is called `serch`; did you mean `search`"):
            records.of(function, "serch", SINCE, UNTIL)
    with pytest.raises(UsageError, match="no service or check is called `search/none`"):
        records.of(figures.availability, "search/none", SINCE, UNTIL)
    with pytest.raises(UsageError, match="no service or check is called `serch`"):
        records.of(figures.figure, "incident-frequency", SINCE, UNTIL, "serch")
    with pytest.raises(UsageError, match="ends before it begins"):
        records.of(figures.availability, "search", UNTIL, SINCE)


def test_show_prints_a_record_a_line_to_a_pipe(shakespeare):
    ran = shakespeare.opsctl("metrics", "show", "search", now=NOW)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:2] == [
        "search\tavailability\t99.8472%\t\t6\t100%\t",
        "search\terror-budget\t152.8%\t\t6\t100%\t",
    ]


def test_show_without_a_selector_is_about_all_services_and_all_together(shakespeare):
    ran = shakespeare.opsctl("metrics", "show", now=NOW)
    assert list(dict.fromkeys(line.split("\t")[0] for line in ran.out.splitlines())) == [
        "search",
        "index",
        "mail",
        "all services",
    ]
    assert "index\tavailability\tno data\t\t0\t0%\tno data in the period\n" in ran.out
    assert "index\ttime-to" not in ran.out
    assert "all services\ttime-to-recover\t1h 6m\t\t1\t\t\n" in ran.out


def test_a_check_has_figures_of_its_own(shakespeare):
    ran = shakespeare.opsctl("metrics", "show", "search/deep", now=NOW)
    assert {line.split("\t")[0] for line in ran.out.splitlines()} == {"search/deep"}
    assert ran.out.startswith("search/deep\tavailability\t99.9306%\t")


def test_json_has_numbers_and_null_where_there_is_none(shakespeare):
    document = json.loads(shakespeare.opsctl("metrics", "show", "index", "-o", "json", now=NOW).out)
    assert document["figures"][0] == {
        "metric": "availability",
        "definition": "availability/1",
        "service": "index",
        "value": None,
        "low": None,
        "high": None,
        "unit": "ratio",
        "n": 0,
        "coverage": 0.0,
        "more": {},
        "reason": "no data in the period",
        "since": "2015-10-01T00:00:00.000Z",
        "until": "2015-10-31T00:00:00.000Z",
    }
    assert document["format_version"] == "1.0"


def test_csv_has_a_row_for_each_figure(shakespeare):
    ran = shakespeare.opsctl("metrics", "show", "search", "-o", "csv", now=NOW)
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [row["metric"] for row in rows] == list(DEFINITIONS)
    assert tuple(rows[0]) == formats.COLUMNS
    assert float(rows[0]["value"]) == 1 - 66 / 43200
    assert rows[9]["metric"] == "time-to-mitigate"
    assert [rows[9][name] for name in ("value", "mean", "p90", "low", "n")] == [
        "2520.0",
        "2520.0",
        "2520.0",
        "",
        "1",
    ]


def test_explain_prints_the_definition_the_numbers_and_the_rows(shakespeare):
    ran = shakespeare.opsctl("metrics", "explain", "availability", "--service", "search", now=NOW)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[:3] == [
        "metric\tavailability of search",
        "period\t2015-10-01 00:00 UTC to 2015-10-31 00:00 UTC (30d)",
        "definition\tavailability/1",
    ]
    assert "\t= (30d - 0s - 0s - 1h6m) / (30d - 0s - 0s)" in lines
    assert "counted\tdown from 2015-10-21 14:54:00 UTC to 2015-10-21 16:00:00 UTC: 1h6m" in lines
    assert lines[-1] == "left out\tnone"


def test_explain_as_json_has_what_the_text_has(shakespeare):
    ran = shakespeare.opsctl("metrics", "explain", "mttr", "-o", "json", now=NOW)
    document = json.loads(ran.out)
    assert (document["metric"], document["definition"], document["value"]) == (
        "time-to-recover",
        "time-to-recover/1",
        3960.0,
    )
    assert document["about"]["formula"] == "median of n"
    assert document["working"] == "median of 1"
    assert document["numbers"] == {"n": 1}
    assert document["more"] == {"mean": 3960.0, "p90": 3960.0}
    assert (document["counted"], document["left_out"]) == (["INC-1 1h6m"], [])


def test_explain_says_3_where_nothing_can_be_said(records):
    ran = records.opsctl("metrics", "explain", "availability", "--service", "index", now=NOW)
    assert ran.code == 3
    assert "no figure\tno data in the period\n" in ran.out


def test_explain_shows_some_rows_to_a_person_and_all_to_a_program(records):
    for day in range(1, 31):
        records.incident(f"10-{day:02}T00:00", ("resolved", f"10-{day:02}T01:00", {}))
    text = records.explain("incident-frequency")
    assert text.count("INC-") == 19
    assert "and 11 more; `-o json` has all" in text
    assert (
        records.opsctl("metrics", "explain", "incident-frequency", now=NOW).out.count("counted\tINC-") == 30
    )


def test_times_are_shown_in_the_zone_of_the_workspace(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE)
    text = WORKSPACE.replace("name: Shakespeare", "name: Shakespeare\n    timezone: Europe/Berlin")
    opsctl.write("opsctl.yaml", text)
    ran = opsctl(
        "metrics", "explain", "incident-frequency", "--since", "2015-10-01", "--until", "2015-11-01", now=NOW
    )
    assert "period\t2015-10-01 00:00 CEST to 2015-11-01 00:00 CET (31d 1h)\n" in ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "--period", "30d", "--since", "7d"), "`--period` and `--since` both say where"),
        (("show", "--since", "1d", "--until", "2d"), "the period ends before it begins"),
        (("show", "--period", "0s"), "--period `0s` is not a length of time; write 30d"),
        (("show", "--period", "long"), "--period: `long` is not a duration; write it as `10s`"),
        (("show", "-o", "xml"), "`--output xml` is not one of `text`, `json` or `csv`"),
        (("show", "serch"), "no check matches `serch`; did you mean `search`?"),
        (("explain", "mttx"), "no metric is called `mttx`; did you mean `mttr`?"),
        (
            ("explain", "availability"),
            "`availability` is of a service or a check; add `--service` with `search`",
        ),
        (("explain", "availability", "--service", "serch"), "no service or check is called `serch`"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_way_out(records, arguments, words):
    ran = records.opsctl("metrics", *arguments, now=NOW)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_the_only_service_needs_no_name(opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: One\nservices: {a: {checks: {disk: {disk: /}}}}\n")
    ran = opsctl("metrics", "explain", "availability", now=NOW)
    assert ran.out.startswith("metric\tavailability of a\n")


def test_list_has_every_metric_with_its_formula(opsctl):
    rows = [line.split("\t") for line in opsctl("metrics", "list").out.splitlines()]
    assert [row[0] for row in rows] == list(DEFINITIONS)
    assert rows[0][:4] == ["availability", "availability/1", "ratio", "(T - M - U - D) / (T - M - U)"]
    document = json.loads(opsctl("metrics", "list", "-o", "json").out)
    assert [one["id"] for one in document["metrics"]] == [one.id for one in DEFINITIONS.values()]
    assert document["aliases"]["mttr"] == "time-to-recover"
