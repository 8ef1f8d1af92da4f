"""The `health` check against what frameworks really answer, and against all that must never be up."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from checks.probe import probe
from hypothesis import example, given
from hypothesis import strategies as st
from web import Answer

from opsctl import health_bodies
from opsctl.checks import health
from opsctl.checks.health import HealthCheck
from opsctl.health_bodies import NoHealthError, read
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

HEALTH_JSON = """{
  "status": "pass", "version": "1", "releaseId": "1.2.2", "notes": [""], "output": "",
  "serviceId": "f03e522f-1f44-4062-9b55-9587f91c9c41", "description": "health of authz service",
  "checks": {
    "cassandra:responseTime": [
      {"componentId": "dfd6cf2b", "componentType": "datastore", "observedValue": 250, "observedUnit": "ms",
       "status": "pass", "affectedEndpoints": ["/users/{userId}"], "time": "2018-01-17T03:36:48Z", "output": ""}
    ],
    "cassandra:connections": [
      {"componentId": "dfd6cf2b", "observedValue": 75, "status": "%s", "output": "%s",
       "links": {"self": "http://api.example.com/dbnode/dfd6cf2b/health"}}
    ],
    "uptime": [{"componentType": "system", "observedValue": 1209600.245, "observedUnit": "s"}],
    "cpu:utilization": [{"node": 1, "observedValue": 85, "status": "pass"},
                        {"node": 2, "observedValue": 85, "status": "pass"}]
  },
  "links": {"about": "http://api.example.com/about/authz"}
}"""
ACTUATOR = """{"status": "%s", "components": {
  "broker": {"status": "UP", "components": {"us1": {"status": "UP", "details": {"version": "1.0.2"}},
                                            "us2": {"status": "UP", "details": {"version": "1.0.4"}}}},
  "db": {"status": "%s", "details": {%s}},
  "discoveryComposite": {"description": "Discovery Client not initialized", "status": "UP"},
  "elasticsearch": {"status": "UP", "details": {"cluster_name": "docker", "status": "idle"}},
  "diskSpace": {"status": "UP", "details": {"total": 76887154688, "free": 49923645440, "exists": true}}},
  "groups": ["liveness", "readiness"]}"""
ACTUATOR_PARTS = [
    "broker",
    "broker/us1",
    "broker/us2",
    "db",
    "discoveryComposite",
    "diskSpace",
    "elasticsearch",
]
ASPNET = """{"status": "%s", "totalDuration": "00:00:00.1234567", "entries": {
  "sql": {"data": {}, "description": "%s", "duration": "00:00:00.0010000", "status": "%s", "tags": ["ready"]},
  "self": {"data": {"queueCount": 5}, "duration": "00:00:00.1200000", "status": "Healthy", "tags": []}}}"""
MICROPROFILE = """{"status": "%s", "checks": [
  {"name": "Database connections health check", "status": "%s", "data": {"<default>": "%s"}},
  {"name": "SmallRye Reactive Messaging - liveness check", "status": "UP"}]}"""
MICROPROFILE_1 = """{"outcome": "%s", "checks": [
  {"name": "memory", "state": "UP", "data": {"state": "low", "free": 120}}, {"name": "disk", "state": "%s"}]}"""
DROPWIZARD = (
    """{"deadlocks": {"healthy": true, "duration": 0, "timestamp": "2026-11-21T10:50:37.643Z"}, "db": {%s}}"""
)
NEST = """{"status": "%s", "info": {"memory": {"status": "up"}}, "error": {%s},
  "details": {"memory": {"status": "up"}, %s}}"""
DOWN_DB = '"db": {"status": "down", "message": "connect ECONNREFUSED"}'
VERBOSE = "[+]ping ok\n[+]log excluded: ok\n%s\n[+]poststarthook/rbac/bootstrap-roles ok\nlivez check %s\n"
RAILS = '<!DOCTYPE html><html><body style="background-color: %s"></body></html>'

# The body, the status code that goes with it, what the whole is, and the components that are not up.
BODIES = {
    "health+json": (HEALTH_JSON % ("pass", ""), 200, "up", []),
    "health+json, alone": ('{"status": "pass"}', 200, "up", None),
    "health+json, warn": (HEALTH_JSON.replace("pass", "warn", 1) % ("warn", "high"), 200, "degraded",
                          ["cassandra:connections"]),
    "health+json, a part warns": (HEALTH_JSON % ("warn", "high"), 200, "degraded", ["cassandra:connections"]),
    "health+json, fail": (HEALTH_JSON.replace("pass", "fail", 1) % ("fail", "no route"), 503, "down",
                          ["cassandra:connections"]),
    "health+json, of Node": ('{"status": "error", "output": "no database"}', 500, "down", None),
    "Actuator": (ACTUATOR % ("UP", "UP", '"database": "H2", "validationQuery": "isValid()"'), 200, "up", []),
    "Actuator, without details": ('{"status":"UP","groups":["liveness","readiness"]}', 200, "up", None),
    "Actuator, DOWN": (ACTUATOR % ("DOWN", "DOWN", '"error": "no connection"'), 503, "down", ["db"]),
    "Actuator, out of service": ('{"status":"OUT_OF_SERVICE"}', 503, "down", None),
    "Actuator, UNKNOWN": ('{"status":"UNKNOWN"}', 200, "down", None),
    "Actuator, a part UNKNOWN": (ACTUATOR % ("UP", "UNKNOWN", ""), 200, "degraded", ["db"]),
    "Actuator 2.1": ('{"status":"UP","details":{"db":{"status":"UP","details":{"database":"H2"}}}}', 200, "up", []),
    "Actuator 1": ('{"status":"UP","diskSpace":{"status":"UP","free":1},"db":{"status":"DOWN"}}', 200, "degraded",
                   ["db"]),
    "ASP.NET, text": ("Healthy", 200, "up", None),
    "ASP.NET, text, Degraded": ("Degraded", 200, "degraded", None),
    "ASP.NET, text, Unhealthy": ("Unhealthy", 503, "down", None),
    "ASP.NET, JSON": (ASPNET % ("Healthy", "", "Healthy"), 200, "up", []),
    "ASP.NET, JSON, Degraded": (ASPNET % ("Degraded", "slow", "Degraded"), 200, "degraded", ["sql"]),
    "ASP.NET, JSON, Unhealthy": (ASPNET % ("Unhealthy", "no server", "Unhealthy"), 503, "down", ["sql"]),
    "ASP.NET, as it is named there": ('{"Status": "Healthy", "Results": {"sql": {"Status": "Healthy"}}}', 200, "up",
                                      []),
    "Micronaut": (('{"name":"shop","status":"UP","details":{"jdbc":{"name":"shop","status":"UP","details":{"url":'
                  '{"name":"shop","status":"UP","details":{"database":"H2"}}}}}}'), 200, "up", []),
    "MicroProfile": (MICROPROFILE % ("UP", "UP", "UP"), 200, "up", []),
    "MicroProfile, none": ('{"status": "UP", "checks": []}', 200, "up", None),
    "MicroProfile, DOWN": (MICROPROFILE % ("DOWN", "DOWN", "refused"), 503, "down",
                           ["Database connections health check"]),
    "MicroProfile 1": (MICROPROFILE_1 % ("UP", "UP"), 200, "up", []),
    "MicroProfile 1, none": ('{"outcome": "UP", "checks": []}', 200, "up", None),
    "MicroProfile 1, DOWN": (MICROPROFILE_1 % ("DOWN", "DOWN"), 503, "down", ["disk"]),
    "MicroProfile 1, a part DOWN": (MICROPROFILE_1 % ("UP", "DOWN"), 200, "degraded", ["disk"]),
    "MicroProfile 1, draft": ('{"outcome": "UP", "checks": [{"id": "disk", "result": "UP"}]}', 200, "up", []),
    "Vert.x": ('{"status": "UP", "checks": [{"id": "db", "status": "UP"}], "outcome": "UP"}', 200, "up", []),
    "Dropwizard": (DROPWIZARD % '"healthy": true, "message": "fine"', 200, "up", []),
    "Dropwizard, unhealthy": (DROPWIZARD % '"healthy": false, "error": {"message": "refused", "stack": ["x"]}', 500,
                              "down", ["db"]),
    "Kubernetes": ("ok", 200, "up", None),
    "Kubernetes, verbose": (VERBOSE % ("[+]etcd ok", "passed"), 200, "up", []),
    "Kubernetes, failed": (VERBOSE % ("[-]etcd failed: reason withheld", "failed"), 500, "down", ["etcd"]),
    "NestJS": (NEST % ("ok", "", '"db": {"status": "up"}'), 200, "up", []),
    "NestJS, error": (NEST % ("error", DOWN_DB, DOWN_DB), 503, "down", ["db"]),
    "terminus, ending": ('{"status": "shutting_down", "info": {}, "error": {}, "details": {}}', 503, "down", None),
    "terminus, alone": ('{"status":"ok","info":{"/health":[{"name":"x"}]},"details":{"/health":[]}}', 200, "up", None),
    "Rails": (RAILS % "green", 200, "up", None),
    "Rails, down": (RAILS % "red", 500, "down", None),
    "Rails 7.1": ('<html><body style="background-color: green"></body></html>', 200, "up", None),
    "Rails, JSON": ('{"status":"up","timestamp":"2026-11-21T10:00:00Z"}', 200, "up", None),
    "Django": ('{"Cache backend": "working", "DatabaseBackend": "OK"}', 200, "up", []),
    "Django, down": ('{"Cache backend": "unavailable: Connection refused", "DatabaseBackend": "working"}', 500, "down",
                     ["Cache backend"]),
    "Django, warning": ('{"DiskUsage": "warning: web 91% disk usage", "DatabaseBackend": "working"}', 200, "degraded",
                        ["DiskUsage"]),
    "FastAPI": ('{"status":"ok"}', 200, "up", None),
    "FastAPI, home-made": ('{"status": "ok", "checks": {"db": "ok", "redis": "ok"}}', 200, "up", []),
    "FastAPI, home-made, a part": ('{"status": "ok", "checks": {"db": "ok", "redis": "timeout"}}', 200, "degraded",
                                   ["redis"]),
    "a JSON text": ('"Healthy"\n', 200, "up", None),
    "Elasticsearch": ('{"cluster_name": "x", "status": "yellow", "timed_out": false}', 200, "degraded", None),
}  # fmt: skip


def look(web, body, code=200, components=(), **fields):
    body = body if isinstance(body, bytes) else body.encode()
    url = web.answer("/health", Answer(code, body, **fields))
    return probe(HealthCheck(url=Template(url), components=components), timeout=10.0)


@pytest.mark.parametrize("name", BODIES)
def test_what_each_framework_says(web, name):
    body, code, state, failing = BODIES[name]
    seen = look(web, body, code)
    assert (seen.values["status"], seen.values["code"], seen.values.get("failing")) == (state, code, failing)
    assert (seen.failure is None) == (state != "down")
    assert ("components" in seen.values) == (failing is not None)


@pytest.mark.parametrize("name", [name for name, (_, _, state, _) in BODIES.items() if state != "down"])
def test_good_words_below_a_bad_status_code_are_not_believed(web, name):
    for code in (503, 500, 404, 301):
        seen = look(web, BODIES[name][0], code)
        assert seen.values == {}
        assert seen.failure.message.endswith(f"but answers with status {code}")


@pytest.mark.parametrize("name", [name for name, (_, _, state, _) in BODIES.items() if state == "down"])
def test_bad_words_below_a_good_status_code_are_down(web, name):
    seen = look(web, BODIES[name][0], 200)
    assert (seen.values["status"], seen.failure.cause) == ("down", Cause.STATUS)


@pytest.mark.parametrize("name", [name for name, (body, _, _, _) in BODIES.items() if len(body) > 20])
def test_an_answer_that_is_cut_off_is_never_up(name):
    body = BODIES[name][0].strip()
    for end in range(1, len(body)):
        try:
            assert read(body[:end]).state == "down", body[:end]
        except NoHealthError:
            continue


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Actuator, DOWN", "it says DOWN: db DOWN (no connection)"),
        ("Actuator, UNKNOWN", "it says UNKNOWN"),
        ("Django, down", "it says of itself: Cache backend unavailable (Connection refused)"),
        ("Kubernetes, failed", "it says failed: etcd failed (reason withheld)"),
        ("NestJS, error", "it says error: db down (connect ECONNREFUSED)"),
        ("health+json, fail", "it says fail: cassandra:connections fail (no route)"),
    ],
)
def test_what_is_down_and_why_is_said(web, name, message):
    assert look(web, *BODIES[name][:2]).failure == Failure(Cause.STATUS, message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "an empty body"),
        (" \n", "an empty body"),
        ("<html><form action=/login></form></html>", "a page for people in place of its health"),
        (RAILS % "green" + "<p>502</p>", "a page for people in place of its health"),
        ("welcome to nginx", "a body that is no JSON, or is cut off"),
        ('{"status": "UP", "components": {', "a body that is no JSON, or is cut off"),
        ('{"status": NaN}', "a body that is no JSON, or is cut off"),
        ("[" * 100_000, "a body that is no JSON, or is cut off"),
        ('["ok"]', "JSON that is no object"),
        ("{}", "JSON without a `status`; an `http` check can look into it"),
        ('{"database": true}', "JSON without a `status`; an `http` check can look into it"),
        ('{"checks": {"db": {"status": "ok"}}}', "JSON without a `status`; an `http` check can look into it"),
        ('{"db": {"healthy": "true"}}', "JSON without a `status`; an `http` check can look into it"),
        ('{"db": {"healthy": 1}}', "JSON without a `status`; an `http` check can look into it"),
        ('{"db": {"healthy": true}, "n": 1}', "JSON without a `status`; an `http` check can look into it"),
        (
            '{"db": {"healthy": true}, "x": {"ok": true}}',
            "JSON without a `status`; an `http` check can look into it",
        ),
        ('{"healthy": true}', "JSON without a `status`; an `http` check can look into it"),
        ('{"db": {"healthy": false, "Healthy": true}}', "JSON with a key that stands twice in one object"),
        ('{"outcome": "DOWN", "Outcome": "UP"}', "JSON with a key that stands twice in one object"),
        ('{"status": "DOWN", "status": "UP"}', "JSON with a key that stands twice in one object"),
        ('{"status": "UP", "Status": "DOWN"}', "JSON with a key that stands twice in one object"),
        ('{"status":"UP","a":' * 30 + "1" + "}" * 30, "JSON that is nested more than 20 deep"),
        ('{"status":"UP","a":' + "[" * 30 + "]" * 30 + "}", "JSON that is nested more than 20 deep"),
        ("[+]ping ok\n[-]etcd failed: reason withheld", "a list of checks that is cut off"),
        ("[+]ping ok\nOops\nlivez check passed", "a list of checks with `Oops` in it"),
    ],
)
def test_what_tells_of_no_health_is_never_up(web, body, message):
    assert look(web, body)[:2] == ({}, Failure(Cause.BODY, f"it answers with {message}"))
    said = Failure(Cause.STATUS, f"it answers with status 502 and {message}")
    assert look(web, body, 502)[:2] == ({}, said)


@pytest.mark.parametrize(
    "word", ["STARTING", "upp", "", "not ok", "ok!", 200, True, None, ["ok"], {"ok": "ok"}, 1.5]
)
def test_a_word_that_nobody_knows_is_down(web, word):
    assert look(web, json.dumps({"status": word})).values["status"] == "down"
    inside = look(web, json.dumps({"status": "ok", "checks": {"db": {"status": word}, "cache": "ok"}}))
    assert (inside.values["status"], inside.values["failing"]) == ("degraded", ["db"])


@pytest.mark.parametrize("told", [5, True, "no", [7], ["no"], {"db": True}, {"db": None}, {"db": "no"}])
def test_a_component_that_is_not_told_as_one_is_not_up(web, told):
    assert look(web, json.dumps({"status": "ok", "checks": told})).values["status"] == "degraded"


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ('{"outcome": true, "checks": []}', "down"),
        ('{"outcome": "UP", "status": "DOWN"}', "down"),
        ('{"outcome": "DOWN", "status": "UP"}', "down"),
        ('{"outcome": "UP", "checks": [{"name": "db"}]}', "degraded"),
        ('{"outcome": "UP", "checks": [{"name": "db", "state": true}]}', "degraded"),
        ('{"outcome": "UP", "checks": [{"name": "db", "state": "UP", "status": "DOWN"}]}', "degraded"),
        ('{"outcome": "UP", "checks": [{"name": "db", "state": "UP", "result": "DOWN"}]}', "degraded"),
        ('{"outcome": "UP", "Checks": [{"name": "db", "state": "DOWN"}]}', "degraded"),
        ('{"outcome": "UP", "checks": {"db": {"state": "DOWN"}}}', "degraded"),
        ('{"outcome": "UP", "checks": "UP, but no list"}', "degraded"),
        ('{"db": {"healthy": true, "status": "DOWN"}}', "down"),
        ('{"db": {"healthy": true, "replica": {"status": "DOWN"}}}', "down"),
    ],
)
def test_not_every_word_of_these_is_a_good_one(web, body, state):
    assert look(web, body).values["status"] == state


@pytest.mark.parametrize("told", [["pass", "fail"], ["fail", "pass"]])
def test_of_two_that_share_a_name_the_worse_counts(web, told):
    body = {"status": "pass", "checks": {"cpu:load": [{"status": word} for word in told]}}
    seen = look(web, json.dumps(body), components=["cpu:load"])
    assert (seen.values["status"], seen.values["component"]) == ("degraded", "down")


def test_an_envelope_does_not_hide_what_is_in_it(web):
    assert look(web, '{"status": "ok", "data": {"status": "down"}}').values["status"] == "degraded"


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (["diskSpace"], "up"),
        (["broker"], "up"),
        (["broker/us1", "diskSpace"], "up"),
        (["diskSpace", "db"], "down"),
    ],
)
def test_only_the_components_that_are_named_matter(web, names, state):
    body = ACTUATOR % ("DOWN", "DOWN", "")
    seen = look(web, body, 503, names)
    assert (seen.values["component"], seen.values["components"]) == (state, len(ACTUATOR_PARTS))
    evidence = seen.evidence()
    assert (evidence["status"], evidence["says"], sorted(evidence["components"])) == (
        503,
        "DOWN",
        ACTUATOR_PARTS,
    )


def test_the_evidence_has_each_component_in_its_own_words(web):
    evidence = look(web, BODIES["NestJS, error"][0], 503).evidence()
    assert evidence["components"] == {"memory": "up", "db": "down (connect ECONNREFUSED)"}


def test_what_belongs_to_a_component_counts_for_it(web):
    for body, name in ((HEALTH_JSON % ("warn", ""), "cassandra"), (ACTUATOR.replace(
        '"us1": {"status": "UP"', '"us1": {"status": "degraded"') % ("UP", "UP", ""), "broker")):  # fmt: skip
        assert look(web, body, 200, [name]).values["component"] == "degraded"


@pytest.mark.parametrize(
    ("body", "name", "words"),
    [
        (BODIES["MicroProfile"][0], "Databse connections health check",
         ("it tells of no component `Databse connections health check`; did you mean "
         "`Database connections health check`?")),
        (BODIES["NestJS"][0], "queue", "it tells of no component `queue`; there are memory, db"),
        ('{"status":"UP"}', "db", "it tells of no components, so of no `db`"),
        ("Healthy", "db", "it tells of no components, so of no `db`"),
        (VERBOSE % ("[+]etcd ok", "passed"), "log",
         "it tells of no component `log`; there are ping, etcd, poststarthook/rbac/bootstrap-roles"),
        (HEALTH_JSON % ("pass", ""), "uptime", ("it tells of no component `uptime`; there are "
         "cassandra:responseTime, cassandra:connections, cpu:utilization")),
    ],
)  # fmt: skip
def test_a_component_that_is_not_told_of_is_never_up(web, body, name, words):
    assert look(web, body, 200, ["memory", name] if "memory" in body else [name])[:2] == (
        {}, Failure(Cause.MISSING, words),
    )  # fmt: skip


def test_a_component_below_a_contradiction_is_not_believed(web):
    assert look(web, BODIES["Actuator"][0], 503, ["db"]).values == {}


def test_json_is_asked_for_unless_something_else_is(web):
    look(web, "ok")
    check = HealthCheck(url=Template(web.url + "/health"), headers={"ACCEPT": Template("text/plain")})
    probe(check, timeout=10.0)
    assert [request.headers["accept"] for request in web.requests] == [
        "application/health+json, application/json, */*;q=0.1", "text/plain",
    ]  # fmt: skip


def test_a_body_that_is_compressed_unasked_or_too_long_is_never_up(web):
    words = "it answers with a compressed body, which was not asked for"
    assert look(web, '{"status":"ok"}', gzip=True).failure == Failure(Cause.BODY, words)
    assert look(web, '{"status":"ok"}' + " " * 250_000).failure.cause is Cause.TOO_LARGE


def test_long_names_and_many_are_read_no_more_than_a_few_times(web, monkeypatch):
    read_of, compared = [], []
    monkeypatch.setattr(health_bodies, "line", lambda text: read_of.append(len(text)) or text)
    monkeypatch.setattr(health, "suggestion", lambda _word, names: compared.extend(names) or "")
    inner = {"status": "UP", "checks": {str(at): "ok" for at in range(9000)}}
    body = json.dumps(
        {"status": "UP", "checks": {"k" * 100_000: inner, **dict.fromkeys(map(str, range(300)), "ok")}}
    )
    assert look(web, body, components=["db"]).failure.cause is Cause.MISSING
    assert (sum(read_of) < 10 * len(body), len(compared)) == (True, 200)


def test_an_endpoint_that_drips_does_not_outlast_the_deadline(web):
    url = web.answer("/health", Answer(body=b'{"status": "ok"}' + b" " * 1000, drip=0.02))
    observation = probe(HealthCheck(url=Template(url)), timeout=0.3)
    assert (observation.values, observation.failure.cause) == ({}, Cause.TIMEOUT)


def test_real_servers_are_read(nginx):
    for path, state, code in (("/json", "up", 200), ("/ok", "up", 200)):
        seen = probe(HealthCheck(url=Template(nginx.url + path)), timeout=10.0)
        assert (seen.values["status"], seen.values["code"]) == (state, code)
    for path in ("/status/503", "/gone", "/redirect", "/slow", "/auth"):
        timeout = 0.3 if path == "/slow" else 10.0
        seen = probe(HealthCheck(url=Template(nginx.url + path)), timeout=timeout)
        assert (seen.values, seen.failure is None) == ({}, False)


_WORDS = st.sampled_from(["ok", "UP", "pass", "warn", "DOWN", "fail", "x", "", "true"])
_KEYS = st.sampled_from(
    [
        "status",
        "Status",
        "checks",
        "components",
        "details",
        "data",
        "error",
        "name",
        "db",
        "entries",
        "outcome",
        "state",
        "healthy",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)
_GOOD = {"ok", "up", "pass", "working", "healthy", "green"}


def words_in(value, *, data=False):
    """Every status in a value, but for that of what a component tells beside its own."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key.casefold() != "status":
                yield from words_in(one, data=key in {"details", "data", "error"} and "status" in value)
            elif not data:
                yield one
    elif isinstance(value, list):
        for one in value:
            yield from words_in(one)


def words_beside(document):
    """The outcome of the whole, and what is healthy or not where nothing else tells of the whole."""
    if isinstance(document, dict):
        yield from (one for key, one in document.items() if key == "outcome")
        if not {"status", "Status", "outcome"} & document.keys():
            parts = [one for one in document.values() if isinstance(one, dict) and "healthy" in one]
            yield from ("ok" if one["healthy"] is True else "unhealthy" for one in parts)


@given(document=_JSON)
@example(document={"db": {"healthy": True}, "cache": {"healthy": False}})
@example(document={"outcome": "UP", "checks": [{"name": "db", "state": "DOWN"}]})
@example(document={"status": "ok", "checks": [{"name": "db", "status": "DOWN"}]})
@example(document={"status": "ok", "components": {"status": "DOWN"}})
def test_no_json_raises_and_none_is_up_but_for_good_words_alone(document):
    try:
        health = read(json.dumps(document))
    except NoHealthError:
        return
    if health.state == "up":
        said = [*words_in(document), *words_beside(document)]
        said = said or ([*document.values()] if isinstance(document, dict) else [document])
        assert said
        assert all(isinstance(word, str) and word.casefold() in _GOOD for word in said)


@given(text=st.text(max_size=30) | st.binary(max_size=30).map(lambda data: data.decode("utf-8", "replace")))
def test_no_text_raises_and_none_is_up_but_a_good_word(text):
    try:
        health = read(text)
    except NoHealthError:
        return
    assert health.state != "up" or text.strip().strip('"').strip().casefold() in _GOOD


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": Template("www.example.com")}, "url"),
        ({"method": "HEAD"}, "method"),
        ({"components": ("",)}, "components"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_probed(fields, field):
    (problem,) = HealthCheck(**{"url": Template("https://a.test"), **fields}).problems()
    assert problem[0] == field


def test_in_a_workspace(opsctl, web):
    web.answer("/up", Answer(body=BODIES["Actuator"][0].encode()))
    web.answer("/limps", Answer(body=BODIES["ASP.NET, JSON, Degraded"][0].encode()))
    web.answer("/down", Answer(503, BODIES["Actuator, DOWN"][0].encode()))
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services:
          api:
            checks:
              up: {{health: "{web.url}/up"}}
              limps: {{health: "{web.url}/limps"}}
              down: {{health: "{web.url}/down"}}
              part: {{health: {{url: "{web.url}/down", components: [diskSpace, broker]}}}}
    """)  # fmt: skip
    ran = opsctl("check")
    lines = sorted(line.split("\t") for line in ran.out.splitlines() if "\tapi/" in line)
    assert (ran.code, [line[:2] for line in lines]) == (1, [
        ["degraded", "api/limps"], ["down", "api/down"], ["up", "api/part"], ["up", "api/up"],
    ])  # fmt: skip
    assert "it says DOWN: db DOWN (no connection)" in ran.out


def test_what_the_document_shows_is_what_happens(opsctl, web):
    text = (Path(__file__).parents[2] / "docs" / "health.md").read_text("utf-8")
    workspace, body, shown = (
        re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)[1] for language in ("yaml", "json", "console")
    )
    web.answer("/actuator/health", Answer(503, body.encode()))
    opsctl.write("opsctl.yaml", workspace.replace("https://api.example.com", web.url))
    command, *expected = shown.splitlines()
    ran = opsctl(*command.split()[1:])
    lines = [line.replace("\t", "  ") for line in ran.out.splitlines() if "\tapi/" in line]
    assert (command, sorted(lines)) == ("opsctl check", sorted(expected))
