"""The `websocket` check against servers that say what RFC 6455 has them say."""

from __future__ import annotations

import json
import re

import pytest
from certificates import FAR
from checks.peers import accepting, dripping, flooding, nobody, secured
from checks.probe import NOW, probe
from checks.websockets import agreeing, frame, heard
from hypothesis import given
from hypothesis import strategies as st

from opsctl.checks.websocket import WebsocketCheck, _agreed, _frame
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template


def echo(connection, stream):
    _, data = heard(stream)
    connection.sendall(frame(1, data))
    assert heard(stream) == (8, b"\x03\xe8")


def sending(*frames):
    return lambda connection, stream: (connection.sendall(b"".join(frames)), stream.read(1))


def closed(connection, stream):
    assert heard(stream) == (8, b"\x03\xe8")


def look(
    address, *, path="/live", scheme="ws", timeout=10.0, wanted=frozenset({"status"}), environ=None,
    keys=frozenset(), **fields
):  # fmt: skip
    fields = {name: Template(value) if name == "send" else value for name, value in fields.items()}
    check = WebsocketCheck(url=Template(f"{scheme}://{address}{path}"), **fields)
    return probe(check, timeout=timeout, wanted=wanted, environ=environ, keys=keys)


def test_a_handshake_and_nothing_more():
    lines = []
    with accepting(agreeing(closed, told=lines)) as address:
        observation = look(
            address, headers={"Origin": Template("https://${env:WHO}")}, environ={"WHO": "shop.test"}
        )
    values = dict(observation.values)
    assert values.pop("latency") > 0
    assert (observation.failure, values) == (None, {"status": 101})
    assert [line for line in lines if "Key" not in line] == [
        "GET /live HTTP/1.1",
        f"Host: {address}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "User-Agent: opsctl",
        "Origin: https://shop.test",
    ]


@pytest.mark.parametrize("size", [1, 125, 126, 65535, 65536, 200_000])
def test_a_message_of_any_length_comes_back(size):
    message = "é" * (size // 2) + "x" * (size % 2)
    with accepting(agreeing(echo)) as address:
        observation = look(address, send=message)
    assert (observation.failure, observation.values["received"]) == (None, message)


def test_json_of_the_answer():
    with accepting(agreeing(echo)) as address:
        values = look(address, send='{"op": "ping"}', wanted=frozenset({"json"})).values
    assert values["json"] == {"op": "ping"}
    for text in ("{", "NaN"):
        with accepting(agreeing(echo)) as address:
            values = look(address, send=text, wanted=frozenset({"json"})).values
        assert "json" not in values


def test_a_key_that_stands_twice_is_not_told():
    text, wanted = '{"state": "down", "state": "ok", "x": 1, "x": 2}', frozenset({"json"})
    with accepting(agreeing(echo)) as address:
        seen = look(address, send=text, wanted=wanted, keys=frozenset({"state"}))
        other = look(address, send=text, wanted=wanted, keys=frozenset({"op"}))
    assert seen.untold == {"json": "JSON in which `state` stands twice in one object"}
    assert ("json" in seen.values, seen.values["received"], seen.failure) == (False, text, None)
    assert (other.values["json"], other.untold) == ({"state": "ok", "x": 2}, {})


def test_pieces_are_put_together_and_pings_are_answered():
    def serve(connection, stream):
        connection.sendall(frame(1, b"", last=False) + frame(9, b"there?"))
        assert heard(stream) == (10, b"there?")
        connection.sendall(frame(10, b"") + frame(0, b"he", last=False) + frame(0, b"llo"))
        closed(connection, stream)

    with accepting(agreeing(serve)) as address:
        assert look(address, wanted=frozenset({"received"})).values["received"] == "hello"


def test_messages_are_passed_over_until_the_one_that_is_wanted():
    serve = agreeing(sending(frame(1, b"welcome"), frame(2, b"tick 1"), frame(1, b"never seen")))
    with accepting(serve) as address:
        assert look(address, until=re.compile(r"tick \d")).values["received"] == "tick 1"
    with accepting(serve) as address:
        failure = look(address, until=re.compile("nothing"), timeout=0.3).failure
    assert failure == Failure(Cause.TIMEOUT, "no whole answer within 0.3 s")


def test_over_tls_and_with_a_subprotocol(certificates):
    serve = secured(certificates.good, agreeing(closed, more="Sec-WebSocket-Protocol: mqtt\r\n"))
    with accepting(serve) as address:
        values = look(address, scheme="wss", subprotocol="mqtt", ca=str(certificates.ca)).values
        assert look(address, scheme="wss").failure.cause is Cause.TLS
    assert (values["status"], values["subprotocol"], values["version"]) == (101, "mqtt", "TLSv1.3")
    assert values["expires_in"] == pytest.approx(FAR.timestamp() - NOW)


@pytest.mark.parametrize("status", [200, 302, 403, 502])
def test_a_server_that_does_not_agree_is_seen_as_it_is(web, status):
    from web import Answer

    web.answer("/live", Answer(status))
    observation = look(f"127.0.0.1:{web.port}")
    assert (observation.failure, observation.values["status"]) == (None, status)
    assert "received" not in observation.values


PROOF = "it agrees without knowing what to: its Sec-WebSocket-Accept is wrong"


@pytest.mark.parametrize(
    ("serve", "cause", "words"),
    [
        (agreeing(sending(), accept="s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), Cause.PROTOCOL, PROOF),
        (agreeing(sending(), more="Sec-WebSocket-Protocol: odd\r\n"), Cause.PROTOCOL,
         "it chose a subprotocol that was not asked for: odd"),
        (agreeing(sending(), more="Sec-WebSocket-Extensions: permessage-deflate\r\n"), Cause.PROTOCOL,
         "it chose an extension that was not asked for: permessage-deflate"),
        (agreeing(sending(frame(8, b"\x03\xf0not you"))), Cause.PROTOCOL, "it closed the WebSocket with code 1008: not you"),
        (agreeing(sending(frame(8, b""))), Cause.PROTOCOL, "it closed the WebSocket with code 1005"),
        (agreeing(sending(b"\xc1\x00")), Cause.PROTOCOL, "it sent a frame that is none of a WebSocket's"),
        (agreeing(sending(b"\x81\x80abcd")), Cause.PROTOCOL, "it sent a frame that is none of a WebSocket's"),
        (agreeing(sending(frame(3, b""))), Cause.PROTOCOL, "it sent a frame that is none of a WebSocket's"),
        (agreeing(sending(frame(0, b"x"))), Cause.PROTOCOL, "it mixed up the frames of two messages"),
        (agreeing(sending(frame(1, b"x", last=False), frame(1, b"y"))), Cause.PROTOCOL,
         "it mixed up the frames of two messages"),
        (agreeing(sending(b"\x81\x7f" + b"\xff" * 8)), Cause.TOO_LARGE,
         "it says more than the 1000000 bytes that are read"),
        (agreeing(lambda connection, stream: None), Cause.RESET, "it closed the connection"),
        (lambda connection, done: connection.sendall(b"SSH-2.0-x\r\n") or connection.recv(1000), Cause.PROTOCOL,
         "it does not speak HTTP: SSH-2.0-x"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(serve, cause, words):
    with accepting(serve) as address:
        observation = look(address, wanted=frozenset({"received"}))
    assert (observation.values, observation.failure) == ({}, Failure(cause, words))


def pinging(connection, stream):
    connection.sendall(frame(9, b"x"))
    # Until the other side has gone, in the middle of whatever it likes.
    while stream.read(1):
        connection.sendall(frame(9, b"x"))


@pytest.mark.parametrize("serve", [
    lambda connection, done: done.wait(30), dripping(b"", b"H"), dripping(b"HTTP/1.1 101 x\r\n", b"A: b\r\n"),
    flooding(b"HTTP/1.1 101 x\r\n"), agreeing(pinging),
])  # fmt: skip
def test_nothing_outlasts_the_deadline(serve):
    with accepting(serve) as address:
        observation = look(address, timeout=0.4, wanted=frozenset({"received"}))
    assert observation.values == {}
    assert observation.failure.cause in {Cause.TIMEOUT, Cause.TOO_LARGE}


def test_the_proof_is_that_of_the_rfc():
    told = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    }
    assert _agreed(told, "dGhlIHNhbXBsZSBub25jZQ==", None) == {}


@given(data=st.binary(max_size=300))
def test_what_is_sent_is_read_back(data):
    import io

    assert heard(io.BytesIO(_frame(2, data))) == (2, data)


@given(said=st.binary(max_size=100))
def test_no_bytes_raise_or_pass_for_a_message(said):
    with accepting(agreeing(lambda connection, stream: connection.sendall(said))) as address:
        observation = look(address, wanted=frozenset({"received"}))
    assert observation.failure is not None or "received" in observation.values


def test_nobody_and_no_secret():
    assert look(nobody()).failure == Failure(Cause.REFUSED, "connection refused")
    assert look("127.0.0.1:1", send="${env:ABSENT}").failure.cause is Cause.SECRET
    broken = look("127.0.0.1:1", path="/?key=${env:KEY}", environ={"KEY": "a\r\nX: y"}).failure
    assert broken.cause is Cause.UNSUPPORTED
    assert "X: y" not in broken.message


def test_a_header_cannot_smuggle_in_another():
    with accepting(lambda connection, done: connection.recv(1)) as address:
        failure = look(address, headers={"A": Template("${env:A}")}, environ={"A": "b\r\nC: d"}).failure
    assert failure == Failure(Cause.SECRET, "a header's value of several lines cannot be sent")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": Template("https://a.test/")}, "url"),
        ({"url": Template("wss:///x")}, "url"),
        ({"url": Template("wss://user:secret@a.test/")}, "url"),
        ({"url": Template("wss://a.test/#x")}, "url"),
        ({"url": Template("wss://a.test:99999/")}, "url"),
        ({"url": Template("wss://a.test/a b")}, "url"),
        ({"subprotocol": "two words"}, "subprotocol"),
        ({"headers": {"A B": Template("c")}}, "headers"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_probed(fields, field):
    (problem,) = WebsocketCheck(**{"url": Template("wss://a.test/"), **fields}).problems()
    assert problem[0] == field
    assert "secret" not in problem[1]


def test_who_asks_wants_an_answer():
    url = Template("wss://a.test/")
    assert WebsocketCheck(url=url).expectations() == (("status == 101",), ())
    assert WebsocketCheck(url=url, send=Template("x")).expectations()[0] == (
        "status == 101",
        'received != ""',
    )


def test_in_a_workspace(opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\n")
    with accepting(agreeing(echo)) as address:
        opsctl.write("services/live.yaml", f"""
            services:
              live:
                checks:
                  feed:
                    websocket: {{url: "ws://{address}/live", send: '{json.dumps({"type": "ok"})}'}}
                    expect: [status == 101, 'json.type == "ok"', latency < 60s]
        """)  # fmt: skip
        ran = opsctl("check")
    assert (ran.code, ran.out.split("\t")[:2]) == (0, ["up", "live/feed"])
