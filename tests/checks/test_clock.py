"""The `clock` check against servers that speak NTP as RFC 5905 has it."""

from __future__ import annotations

import socket
import struct
import threading
import time

import pytest
from checks.probe import probe

from opsctl.checks.clock import ClockCheck
from opsctl.outcome import Cause

EPOCH = 2_208_988_800


def stamp(at):
    return struct.pack("!II", int(at) + EPOCH & 0xFFFFFFFF, int(at % 1 * 2**32))


def answer(asked, *, ahead=0.0, leap=0, stratum=2, mode=4):
    """A server's packet: flags, stratum, and the four times of RFC 5905, figure 8."""
    now = time.time() + ahead
    head = struct.pack("!BBbb", leap << 6 | 4 << 3 | mode, stratum, 6, -20) + 12 * b"\0"
    return head + stamp(now) + asked[40:48] + stamp(now) + stamp(now)


@pytest.fixture
def server():
    """A server whose answers a function makes of the question."""
    opened = []

    def serving(make):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        opened.append(udp)

        def serve():
            asked, peer = udp.recvfrom(1024)
            for packet in make(asked):
                udp.sendto(packet, peer)

        threading.Thread(target=serve, daemon=True).start()
        return ClockCheck(server="127.0.0.1", port=udp.getsockname()[1])

    yield serving
    for udp in opened:
        udp.close()


def test_clocks_that_agree(server):
    seen = probe(server(lambda asked: [answer(asked)]))
    assert seen.failure is None
    assert seen.values["offset"] < 0.5
    assert (seen.values["synchronised"], seen.values["stratum"]) == (True, 2)


@pytest.mark.parametrize(("there", "ahead"), [(3600.0, False), (-3600.0, True)])
def test_a_clock_that_is_off_says_by_how_much_and_to_which_side(server, there, ahead):
    seen = probe(server(lambda asked: [answer(asked, ahead=there)]))
    assert seen.values["offset"] == pytest.approx(3600, abs=1)
    assert seen.values["ahead"] is ahead


@pytest.mark.parametrize("more", [{"leap": 3}, {"stratum": 0}, {"stratum": 16}])
def test_a_server_that_does_not_know_the_time_says_so(server, more):
    assert probe(server(lambda asked: [answer(asked, **more)])).values["synchronised"] is False


def test_answers_to_other_questions_are_passed_over(server):
    seen = probe(server(lambda asked: [answer(bytes(48), ahead=99), b"", answer(asked)]))
    assert seen.values["offset"] < 0.5


def test_what_is_no_answer_is_told(server):
    seen = probe(server(lambda asked: [answer(asked, mode=3)]))
    assert seen.failure.cause is Cause.PROTOCOL
    assert probe(server(lambda _: []), timeout=0.1).failure.cause is Cause.TIMEOUT


def test_a_time_after_2036_is_read_right(server, monkeypatch):
    later = 2_200_000_000.0
    monkeypatch.setattr(time, "time", lambda: later)
    assert probe(server(lambda asked: [answer(asked)])).values["offset"] < 1
