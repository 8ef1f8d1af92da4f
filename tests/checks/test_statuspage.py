"""The `statuspage` check against answers as Atlassian's documentation of the API shows them."""

from __future__ import annotations

import json

import pytest
from checks.probe import probe
from hypothesis import given
from hypothesis import strategies as st
from web import Answer

from opsctl.checks.statuspage import StatuspageCheck
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template


def component(name, status="operational", id_="x"):
    return {"id": id_, "name": name, "status": status, "group": False, "position": 1}


PAGE = {
    "page": {"id": "kctbh9vrtdwd", "name": "GitHub", "url": "https://www.githubstatus.com"},
    "status": {"indicator": "minor", "description": "Partially Degraded Service"},
    "components": [
        component("Git Operations", id_="8l4ygp009s5s"),
        component("Actions", "degraded_performance"),
        component("API"),
        component("API", "partial_outage"),
        component("Pages", "under_maintenance"),
        component("Copilot", "on_fire"),
    ],
    "incidents": [
        {"name": "Delays of Actions", "status": "investigating", "impact": "minor"},
        {"name": "It was nothing", "status": "resolved", "impact": "none"},
        {"name": "Written up", "status": "postmortem", "impact": "none"},
    ],
    "scheduled_maintenances": [
        {"name": "A database", "status": "in_progress"},
        {"name": "Another one", "status": "scheduled"},
        {"name": "A third", "status": "verifying"},
        {"name": "A last", "status": "completed"},
    ],
}


def answer(web, body, path="/api/v2/summary.json", **fields):
    return web.answer(path, Answer(body=json.dumps(body).encode(), **fields))


def look(web, *components, page=PAGE, path="", **more):
    answer(web, page, path or "/api/v2/summary.json")
    return probe(StatuspageCheck(url=Template(web.url + path), components=components), timeout=10.0, **more)


def test_what_a_page_says(web):
    observation = look(web)
    values = dict(observation.values)
    assert values.pop("latency") > 0
    assert (observation.failure, values) == (None, {
        "indicator": "minor",
        "description": "Partially Degraded Service",
        "incidents": 1,
        "maintenances": 2,
    })  # fmt: skip
    assert observation.evidence == {"incidents": ["Delays of Actions"], "components": {}}
    assert [request.path for request in web.requests] == ["/api/v2/summary.json"]


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (["Git Operations"], "operational"),
        (["8l4ygp009s5s"], "operational"),
        (["Git Operations", "Actions"], "degraded_performance"),
        (["Actions", "Pages"], "degraded_performance"),
        (["Pages", "Git Operations"], "under_maintenance"),
        (["API"], "partial_outage"),
        (["API", "Copilot"], "on_fire"),
    ],
)
def test_the_worst_of_the_components_counts(web, names, state):
    assert look(web, *names).values["component"] == state


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Action", "the page has no component `Action`; did you mean `Actions`?"),
        (
            "zzz",
            "the page has no component `zzz`; there are Git Operations, Actions, API, API, Pages, Copilot",
        ),
    ],
)
def test_a_component_that_is_not_there_is_never_ok(web, name, words):
    observation = look(web, "Git Operations", name)
    assert (observation.values, observation.failure) == ({}, Failure(Cause.MISSING, words))


def test_status_json_tells_less_and_no_more_is_made_of_it(web):
    page = {"page": {}, "status": {"indicator": "none", "description": "All Systems Operational"}}
    values = look(web, page=page, path="/api/v2/status.json").values
    assert set(values) == {"indicator", "description", "latency"}
    failure = look(web, "API", page=page, path="/other.json").failure
    assert failure == Failure(Cause.MISSING, "the page tells of no components, so of no `API`")


@pytest.mark.parametrize(
    ("given_", "cause"),
    [
        (Answer(404), Cause.STATUS),
        (Answer(503, b"{}"), Cause.STATUS),
        (Answer(200, b"<html>"), Cause.BODY),
        (Answer(200, b"{}"), Cause.BODY),
        (Answer(200, b'{"status": "ok"}'), Cause.BODY),
        (Answer(200, b'{"status": {"indicator": null}}'), Cause.BODY),
        (Answer(200, b'["none"]'), Cause.BODY),
    ],
)
def test_what_is_no_status_page(web, given_, cause):
    web.answer("/api/v2/summary.json", given_)
    observation = probe(StatuspageCheck(url=Template(f"{web.url}/")), timeout=10.0)
    assert (observation.values, observation.failure.cause) == ({}, cause)


def test_a_page_that_has_moved_is_followed(web):
    web.redirect("/old/api/v2/summary.json", web.url + "/api/v2/summary.json")
    answer(web, PAGE)
    assert probe(StatuspageCheck(url=Template(web.url + "/old")), timeout=10.0).values["indicator"] == "minor"


def test_a_page_that_drips_does_not_outlast_the_deadline(web):
    answer(web, PAGE, drip=0.02)
    observation = probe(StatuspageCheck(url=Template(web.url)), timeout=0.3)
    assert (observation.values, observation.failure.cause) == ({}, Cause.TIMEOUT)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["status", "components", "incidents", "indicator", "name", "id"]), inner, max_size=4),
)  # fmt: skip


@given(page=_JSON, rest=_JSON)
def test_no_json_raises_or_has_a_component_that_is_not_there(page, rest):
    from opsctl.checks.statuspage import _missing, _states, _values

    told = {
        "status": {"indicator": "none"},
        **(page if isinstance(page, dict) else {"components": page, "incidents": rest}),
    }
    told["status"] = {"indicator": "none"}
    assert _values(told)["indicator"] == "none"
    assert _states(told, "a name that nobody has") == []
    assert _missing("a name that nobody has", told).cause is Cause.MISSING


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": Template("www.example.com")}, "url"),
        ({"components": ("",)}, "components"),
        ({"url": Template("https://a.test/api/v2/status.json"), "components": ("API",)}, "components"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_probed(fields, field):
    (problem,) = StatuspageCheck(**{"url": Template("https://a.test"), **fields}).problems()
    assert problem[0] == field


def test_in_a_workspace(opsctl, web):
    answer(web, PAGE)
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services:
          github:
            checks:
              git:
                statuspage: {{url: "{web.url}", components: Git Operations}}
              all:
                statuspage: {web.url}
    """)  # fmt: skip
    ran = opsctl("check")
    assert ran.code == 1
    lines = sorted(line.split("\t")[:2] for line in ran.out.splitlines() if "\tgithub/" in line)
    assert lines == [["down", "github/all"], ["up", "github/git"]]
