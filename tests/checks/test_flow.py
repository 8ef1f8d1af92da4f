"""The `flow` check against a server that hands out a session and asks for it again."""

from __future__ import annotations

import json

import pytest
from checks.probe import probe
from servers import free_port
from web import Answer

from opsctl.outcome import Cause, Failure
from opsctl.proving import prove
from opsctl.workspace import load_workspace

FLOW = """
version: 1
name: Shop
services:
  shop:
    checks:
      visit:
        flow:
          - name: login
            url: URL/login
            form: {user: probe, password: "${env:PASSWORD}"}
            capture: {token: {json: session.token}}
          - name: basket
            url: URL/echo
            method: PUT
            headers: {x-session: "{{ token }}"}
            body: "say ${env:PASSWORD}"
            expect: 'json.headers["x-session"] exists'
            capture: {where: {pattern: '"path": "([^"]+)"'}}
          - name: leave
            url: "URL{{ where }}?left=yes"
"""
TOKEN = "s3ss10n-{{ where }}-${env:PASSWORD}"


def kind(tmp_path, url, text=FLOW):
    (tmp_path / "opsctl.yaml").write_text(text.replace("URL", url))
    return load_workspace(tmp_path, {}).checks()["shop/visit"][1].kind


def login(web, **fields):
    answer = Answer(body=json.dumps({"session": {"token": TOKEN}}).encode(), **fields)
    web.answer("/login", answer)


def look(tmp_path, web, text=FLOW, timeout=5.0):
    return probe(kind(tmp_path, web.url, text), timeout=timeout, environ={"PASSWORD": "hunter22"})


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "/login",
            "login: `token` is not in the output: it is JSON in which `session` stands twice in one object",
        ),
        (
            "/echo",
            "basket: json.headers.x-session exists: JSON in which `headers` stands twice in one object",
        ),
    ],
)
def test_a_key_that_stands_twice_is_not_as_expected(tmp_path, web, path, words):
    login(web)
    web.answer(path, Answer(body=b'{"%s": {"token": "a", "x-session": 1}, "%s": {"token": "b"}}' % (
        (b"session", b"session") if path == "/login" else (b"headers", b"headers"))))  # fmt: skip
    assert look(tmp_path, web).failure == Failure(Cause.BODY, words)


def test_each_request_has_what_those_before_it_found(tmp_path, web):
    login(web)
    seen = look(tmp_path, web)
    assert (seen.failure, seen.values["answered"]) == (None, 3)
    assert set(seen.values) == {"answered", "latency", "latency.login", "latency.basket", "latency.leave"}
    assert (
        sum(seen.values[f"latency.{name}"] for name in ("login", "basket", "leave")) <= seen.values["latency"]
    )
    sent = [(one.method, one.path, one.body) for one in web.requests]
    assert sent[:2] == [
        ("POST", "/login", b"user=probe&password=hunter22"),
        ("PUT", "/echo", b"say hunter22"),
    ]
    assert sent[2] == ("GET", "/echo?left=yes", b"")


def test_what_a_server_hands_out_is_never_read_as_a_reference(tmp_path, web):
    login(web)
    look(tmp_path, web)
    assert web.requests[1].headers["x-session"] == TOKEN


def test_the_first_wrong_answer_ends_it_and_names_its_request(tmp_path, web):
    login(web, status=503)
    seen = look(tmp_path, web)
    assert seen.failure == Failure(Cause.STATUS, "login: status in 200..299: 503")
    assert (seen.values, len(web.requests)) == ({}, 1)
    assert (seen.evidence["failed"], seen.evidence["status"]) == ("login", 503)


def test_what_was_captured_is_masked_where_a_later_answer_repeats_it(tmp_path, web):
    login(web)
    web.answer("/echo", Answer(500, f"no session {TOKEN}".encode()))
    text = FLOW.replace("'json.headers[\"x-session\"] exists'", "'body contains \"welcome\"'")
    seen = look(tmp_path, web, text)
    assert seen.failure == Failure(Cause.BODY, 'basket: body contains "welcome": "no session ***"')
    assert seen.evidence["body"] == "no session ***"
    assert TOKEN not in json.dumps(dict(seen.evidence))


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"session": null}', b'{"session": {"tok": 1}}', b"[" * 60_000, b"\xff\xfe"]
)
def test_a_value_that_is_not_there_ends_it(tmp_path, web, body):
    web.answer("/login", Answer(body=body))
    seen = look(tmp_path, web)
    words = "login: `token` is not in the output: session.token leads nowhere"
    assert (seen.failure, len(web.requests)) == (Failure(Cause.BODY, words), 1)


def test_what_was_captured_is_masked_where_another_value_is_not_there(tmp_path, web):
    login(web)
    more = FLOW.replace("json: session.token", "json: session.token}, more: {json: session.more")
    assert more != FLOW
    seen = look(tmp_path, web, more)
    assert seen.failure == Failure(
        Cause.BODY, "login: `more` is not in the output: session.more leads nowhere"
    )
    assert seen.evidence["body"] == '{"session": {"token": "***"}}'


def test_the_time_is_that_of_all_requests_together(tmp_path, web):
    login(web)
    web.answer("/echo", Answer(delay=30.0))
    # The first request has to get through, also on a busy machine.
    seen = look(tmp_path, web, timeout=2.0)
    assert seen.failure is not None
    assert (seen.failure.cause, seen.evidence["failed"]) == (Cause.TIMEOUT, "basket")


def test_a_missing_secret_and_a_refused_connection_are_told_with_the_request(tmp_path, web):
    seen = probe(kind(tmp_path, web.url))
    assert seen.failure is not None
    assert (seen.failure.cause, seen.failure.message[:7]) == (Cause.SECRET, "login: ")
    url = f"http://127.0.0.1:{free_port()}"
    seen = probe(kind(tmp_path, url), environ={"PASSWORD": "hunter22"})
    assert seen.failure == Failure(Cause.REFUSED, "login: connection refused")


def test_all_problems_are_told_where_they_stand(opsctl):
    opsctl.write("opsctl.yaml", """
        version: 1
        name: Shop
        services:
          shop:
            checks:
              visit:
                flow:
                  - {name: a, url: "http://h/{{ id }}", expect: statsu == 200}
                  - {name: b, url: ftp://h/}
                  - {name: c, url: http://h/, capture: {x: {}}}
              again:
                flow:
                  - {name: a, url: "{{ id }}", bearer: "{{ Id }}"}
                  - {name: b, url: http://h/, body: "{{ id }}", capture: {id: {json: id}}}
                  - {name: b, url: "{{ id }}"}
              none: {flow: []}
    """)  # fmt: skip
    ran = opsctl("validate")
    assert ran.code == 5
    told = [line for line in ran.out.splitlines() if line.startswith("opsctl.yaml:")]
    assert [line.replace("opsctl.yaml:", "").partition(" the subjects")[0] for line in told] == [
        "8:57: `statsu == 200`: unknown subject `statsu`; did you mean `status`?",
        "9:28: `ftp://h/` is not a web address; write `https://host/path`",
        "10:52: write either `pattern` or `json`",
        "13:11: `a`: `{{ Id }}` names no value; write `{{ name }}`",
        "13:11: `b` needs `id`, which no request before it captures; add it",
        "13:11: two requests are named `b`; rename one",
        "16:20: must not be empty; write something, or leave it out",
    ]


def test_proving_tries_every_request_by_what_it_expects(tmp_path):
    (tmp_path / "opsctl.yaml").write_text(FLOW.replace("URL", "http://shop.example.com"))
    (proof,) = prove(load_workspace(tmp_path, {}), ["shop/visit"])
    blind = {one.fault: one.cure for one in proof.survivors}
    # The first takes a value from the answer, the second asks for one in it, the last for a good status only.
    assert [name for name in blind if name.startswith(("login-", "basket-"))] == ["login-slow", "basket-slow"]
    assert blind["leave-error-page-200"].startswith("leave: body contains")
    assert "leave-status-500" not in blind
