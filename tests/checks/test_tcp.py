"""The `tcp` check against scripted servers on real sockets."""

from __future__ import annotations

import re
import socket
import threading

import pytest
from checks.peers import accepting, hanging_up
from checks.probe import probe

from opsctl.checks.tcp import TcpCheck
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

ONLY_CONNECTING = frozenset({"connected"})


def saying(data, *, closing):
    def script(connection, done):
        connection.sendall(data)
        if not closing:
            done.wait(30)

    return script


def silent(connection, done):
    done.wait(30)


def answering(connection, done):
    asked = connection.recv(100)
    connection.sendall(b"you said " + asked + b"\n")
    done.wait(30)


def dripping(connection, done):
    while not done.wait(0.02):
        connection.sendall(b".")


def endless(connection, done):
    while not done.is_set():
        connection.sendall(b"x" * 10_000)


def look(address, *, timeout=5.0, wanted=None, environ=None, **fields):
    return probe(TcpCheck(address=address, **fields), timeout=timeout, wanted=wanted, environ=environ or {})


def without_latency(values):
    return {name: value for name, value in values.items() if not name.startswith("latency")}


def test_a_port_that_accepts_is_connected():
    with accepting(silent) as address:
        observation = look(address, wanted=ONLY_CONNECTING)
    assert without_latency(observation.values) == {"connected": True, "address": "127.0.0.1"}
    assert observation.failure is None
    assert observation.evidence == {"address": "127.0.0.1"}
    assert set(observation.phases) == {"dns", "connect"}
    assert (
        observation.values["latency"]
        >= observation.values["latency.dns"] + observation.values["latency.connect"]
        > 0
    )
    assert "latency.first_byte" not in observation.values


def test_a_refused_connection_is_not_connected():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    observation = look(f"127.0.0.1:{port}")
    assert observation.values == {"connected": False}
    assert observation.failure == Failure(Cause.REFUSED, "connection refused")
    assert observation.evidence == {"tried": {"127.0.0.1": "connection refused"}}


def test_a_name_that_nobody_resolves_is_not_connected(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: release.wait(30) and [])
    observation = look("slow.test:80", timeout=0.1)
    release.set()
    assert observation.values == {"connected": False}
    assert observation.failure == Failure(Cause.TIMEOUT, "`slow.test` was not resolved within 0.1 s")


def test_a_fault_on_our_side_says_nothing_of_the_port(monkeypatch):
    def forbidden(self, address):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    observation = look("127.0.0.1:80")
    assert observation.values == {}
    assert observation.failure == Failure(Cause.PERMISSION, "operation not permitted")


def test_what_comes_until_the_peer_closes_is_received():
    with accepting(saying(b"SSH-2.0-test\r\n", closing=True)) as address:
        observation = look(address)
    assert without_latency(observation.values) == {
        "connected": True,
        "address": "127.0.0.1",
        "received": "SSH-2.0-test\r\n",
    }
    assert observation.failure is None
    assert observation.evidence == {"address": "127.0.0.1", "received": "SSH-2.0-test\r\n"}
    assert set(observation.phases) == {"dns", "connect", "wait", "transfer"}
    assert 0 < observation.values["latency.first_byte"] <= observation.values["latency"]


def test_a_peer_that_closes_without_a_word_was_heard_to_say_nothing():
    with accepting(saying(b"", closing=True)) as address:
        observation = look(address)
    assert (observation.values["received"], observation.failure) == ("", None)
    assert "latency.first_byte" not in observation.values


def test_reading_ends_once_the_pattern_is_found():
    with accepting(saying(b"220 mail.test\r\n", closing=False)) as address:
        observation = look(address, until=re.compile("^220 .*\n"))
    assert observation.values["received"] == "220 mail.test\r\n"
    assert observation.values["matched"] is True
    assert observation.failure is None


def test_the_pattern_is_looked_for_even_if_no_expectation_asks_what_came():
    with accepting(saying(b"-ERR\r\n", closing=True)) as address:
        observation = look(address, wanted=ONLY_CONNECTING, until=re.compile("PONG"))
    assert observation.values["matched"] is False
    assert observation.values["received"] == "-ERR\r\n"
    assert observation.failure == Failure(Cause.BODY, "the peer closed before `until` (/PONG/) was found")


def test_something_is_sent_and_answered_with_its_secrets_in_it():
    with accepting(answering) as address:
        observation = look(
            address,
            send=Template("AUTH ${env:PASSWORD}"),
            until=re.compile("\n"),
            environ={"PASSWORD": "hush hush"},
        )
    assert observation.values["received"] == "you said AUTH hush hush\n"


def test_a_missing_secret_is_a_fault_on_our_side_and_nothing_is_connected():
    with accepting(silent) as address:
        observation = look(address, send=Template("${env:PASSWORD}"))
    words = "the environment variable PASSWORD is not set; set it and run again"
    assert (observation.values, observation.failure) == ({}, Failure(Cause.SECRET, words))


def test_a_reset_is_told_from_a_close():
    with accepting(hanging_up) as address:
        observation = look(address, send=Template("x"))
    assert without_latency(observation.values) == {"connected": True, "address": "127.0.0.1"}
    assert observation.failure == Failure(Cause.RESET, "connection reset")
    assert "latency" not in observation.values


@pytest.mark.parametrize(
    ("script", "until", "failure"),
    [
        (silent, None, Failure(Cause.TIMEOUT, "no answer within 0.3 s")),
        (
            dripping,
            None,
            Failure(
                Cause.TIMEOUT, "the peer did not end within 0.3 s; say with `until` when to stop reading"
            ),
        ),
        (dripping, "PONG", Failure(Cause.TIMEOUT, "`until` (/PONG/) was not found within 0.3 s")),
    ],
)
def test_a_slow_peer_is_given_up_at_the_deadline(script, until, failure):
    with accepting(script) as address:
        observation = look(address, timeout=0.3, until=until and re.compile(until))
    assert without_latency(observation.values) == {"connected": True, "address": "127.0.0.1"}
    assert observation.failure == failure


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (None, "the peer did not end within 64 KiB; say with `until` when to stop reading"),
        ("PONG", "`until` (/PONG/) was not found within 64 KiB"),
    ],
)
def test_endless_talk_is_cut_and_not_taken_for_an_answer(until, words):
    with accepting(endless) as address:
        observation = look(address, until=until and re.compile(until))
    assert observation.failure == Failure(Cause.TOO_LARGE, words)
    assert "received" not in observation.values
    assert "matched" not in observation.values
    assert observation.evidence["received"] == "x" * 2048


def test_exactly_the_most_is_still_received():
    with accepting(saying(b"x" * 65536, closing=True)) as address:
        observation = look(address)
    assert (len(observation.values["received"]), observation.failure) == (65536, None)


def test_a_peer_that_never_reads_does_not_hold_the_sender():
    with accepting(silent) as address:
        observation = look(address, timeout=0.3, send=Template("x" * 20_000_000))
    assert observation.failure == Failure(Cause.TIMEOUT, "no answer within 0.3 s")


def test_bytes_that_are_no_text_are_replaced():
    with accepting(saying(b"\xff\xfeok", closing=True)) as address:
        assert look(address).values["received"] == "\ufffd\ufffdok"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("connected == true",)),
        ({"send": Template("x")}, ("connected == true", 'received != ""')),
        ({"send": Template("x"), "until": re.compile("y")}, ("connected == true", "matched == true")),
    ],
)
def test_a_check_that_asks_for_an_answer_expects_one(fields, expected):
    assert TcpCheck(address="a.test:1", **fields).expectations() == (expected, ())


def test_an_address_without_a_port_is_a_problem():
    words = "`a.test` is not an address; write `host:port`"
    assert list(TcpCheck(address="a.test").problems()) == [("address", words)]
    assert list(TcpCheck(address="a.test:1").problems()) == []
    assert TcpCheck(address="a.test:1").target() == "a.test:1"
