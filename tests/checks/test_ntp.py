"""The `ntp` check against chrony, and against packets as RFC 5905 has them."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest
from checks.probe import probe
from checks.time_servers import answer, serving
from hypothesis import given
from hypothesis import strategies as st
from servers import HOST, free_port, program, running

from opsctl.checks.ntp import NtpCheck
from opsctl.outcome import Cause, Failure


@pytest.fixture
def look():
    """What is seen of a server whose answers a function makes of the question."""
    with ExitStack() as stack:

        def looking(make, timeout=5.0):
            port = stack.enter_context(serving(make))
            return probe(NtpCheck(server="127.0.0.1", port=port), timeout=timeout)

        yield looking


def answers(port):
    """Whether a time server answers there at all."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.2)
        udp.connect((HOST, port))
        try:
            udp.send(b"\x23" + bytes(47))
            return len(udp.recv(100)) >= 48
        except OSError:
            return False


@pytest.fixture(scope="module")
def chrony(tmp_path_factory):
    """The ports of a chronyd that calls its own clock right, and of one that follows nobody; neither sets a clock."""
    binary = program("chronyd")
    folder = tmp_path_factory.mktemp("chrony")
    ports = []
    with ExitStack() as stack:
        for more in ("local stratum 5", ""):
            port = free_port()
            config = folder / f"{port}.conf"
            config.write_text(f"{more}\nport {port}\nbindaddress {HOST}\nallow {HOST}\ncmdport 0\n"
                              f"bindcmdaddress /\npidfile {folder}/{port}.pid\n")  # fmt: skip
            argv = [binary, "-x", "-n", "-U", "-f", str(config)]
            stack.enter_context(running(argv, folder / "chrony.log", lambda at=port: answers(at)))
            ports.append(port)
        yield ports


def test_chrony_that_knows_the_time(chrony):
    seen = probe(NtpCheck(server=HOST, port=chrony[0]), timeout=5.0)
    values = dict(seen.values)
    assert (seen.failure, values.pop("latency") > 0) == (None, True)
    # It has no way to go, so it cannot have gone wrong on it.
    assert values.pop("age") < 60
    assert values.pop("root_dispersion") == values.pop("root_distance") < 0.1
    assert values == {
        "synchronised": True,
        "stratum": 5,
        "leap": "none",
        "reference": "127.127.1.1",
        "root_delay": 0.0,
    }


def test_chrony_that_follows_nobody(chrony):
    values = dict(probe(NtpCheck(server=HOST, port=chrony[1]), timeout=5.0).values)
    assert values.pop("latency") > 0
    assert values == {"synchronised": False, "stratum": 0, "leap": "alarm"}


def test_chrony_in_a_workspace(opsctl, chrony):
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services:
          time:
            checks:
              good: {{ntp: {{server: {HOST}, port: {chrony[0]}}}}}
              lost: {{ntp: {{server: {HOST}, port: {chrony[1]}}}}}
    """)  # fmt: skip
    ran = opsctl("check")
    lines = sorted(line.split("\t")[:2] for line in ran.out.splitlines() if "\ttime/" in line)
    assert (ran.code, lines) == (1, [["down", "time/lost"], ["up", "time/good"]])


def test_all_that_a_server_tells_of_itself(look):
    told = {
        "leap": 1,
        "stratum": 2,
        "delay": 0.5,
        "dispersion": 0.25,
        "reference": bytes([192, 0, 2, 1]),
        "age": 64,
    }
    values = look(lambda asked: [answer(asked, **told)]).values
    assert {**values, "latency": 0, "age": round(values["age"])} == {
        "synchronised": True,
        "stratum": 2,
        "leap": "insert",
        "reference": "192.0.2.1",
        "age": 64,
        "root_delay": 0.5,
        "root_dispersion": 0.25,
        "root_distance": 0.5,
        "latency": 0,
    }


@pytest.mark.parametrize(
    ("stratum", "four", "reference"),
    [
        (1, b"GPS\0", "GPS"),
        (1, b"DCFa", "DCFa"),
        (1, b"\x01\xff\0a", "1.255.0.97"),
        (2, b"GPS1", "71.80.83.49"),
    ],
)
def test_whom_it_follows_is_a_kind_of_clock_at_stratum_1_only(look, stratum, four, reference):
    assert (
        look(lambda asked: [answer(asked, stratum=stratum, reference=four)]).values["reference"] == reference
    )


@pytest.mark.parametrize(
    "told", [{"leap": 3}, {"stratum": 16}, {"stratum": 0}, {"stratum": 0, "leap": 3, "reference": b"INIT"}]
)
def test_a_server_that_does_not_know_the_time_tells_nothing_more(look, told):
    values = look(lambda asked: [answer(asked, **told)]).values
    assert (values["synchronised"], {*values}) == (False, {"synchronised", "stratum", "leap", "latency"})


@pytest.mark.parametrize(
    ("kiss", "why"),
    [
        ("RATE", "it is asked too often"),
        ("DENY", "its operator denies it"),
        ("RSTR", "its operator restricts it"),
    ],
)
def test_a_kiss_of_death_is_no_time(look, kiss, why):
    seen = look(lambda asked: [answer(asked, stratum=0, leap=3, reference=kiss.encode())])
    assert (seen.values, seen.failure) == ({}, Failure(Cause.STATUS, f"it refuses: {kiss} ({why})"))


def test_when_its_clock_was_set_is_not_made_up(look):
    assert "age" not in look(lambda asked: [answer(asked)]).values


def test_what_is_no_answer_is_told(look):
    assert look(lambda asked: [answer(asked, mode=3)]).failure.cause is Cause.PROTOCOL
    assert look(lambda asked: [answer(asked)[:47]]).failure.cause is Cause.PROTOCOL
    assert look(lambda _: [], timeout=0.1).failure.cause is Cause.TIMEOUT
    assert probe(NtpCheck(server="127.0.0.1", port=free_port())).failure.cause is Cause.REFUSED


@given(junk=st.binary(min_size=24, max_size=24), rest=st.binary(max_size=40))
def test_no_packet_raises_or_is_right_with_an_alarm(junk, rest):
    with serving(lambda asked: [junk + asked[40:48] + rest]) as port:
        seen = probe(NtpCheck(server="127.0.0.1", port=port), timeout=5.0)
    sure = seen.values.get("synchronised") is True
    assert not sure or (junk[0] >> 6 != 3 and 1 <= junk[1] <= 15 and junk[0] & 7 == 4 and len(rest) >= 16)


def test_what_cannot_work_is_said_before_anything_is_probed():
    assert [field for field, _ in NtpCheck(server="-x").problems()] == ["server"]
    assert [*NtpCheck(server="127.0.0.1:1123").problems()] == [
        ("server", "`127.0.0.1:1123` is no host; write `server: 127.0.0.1` and `port: 1123`")
    ]
    assert not [*NtpCheck(server="2001:db8::1").problems()]
