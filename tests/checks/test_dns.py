"""The `dns` check against a scripted resolver on real UDP and TCP sockets."""

from __future__ import annotations

import socket
import threading

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset
import pytest
from checks.probe import probe
from checks.resolvers import SILENCE, replying, resolving

from opsctl.checks import dns as dns_check
from opsctl.checks.dns import DnsCheck
from opsctl.connecting import Address
from opsctl.outcome import Cause, Failure


def framed(answer):
    def by_tcp(question):
        wire = answer(question)
        return len(wire).to_bytes(2, "big") + wire

    return by_tcp


def unexpected(question):
    pytest.fail("TCP was not expected")


def ask(resolver, type_="A", *, name="www.a.test", timeout=5.0, transport="udp"):
    check = DnsCheck(name=name, type=type_, resolver=resolver, transport=transport)
    return probe(check, timeout=timeout)


def without_latency(observation):
    return {name: value for name, value in observation.values.items() if name != "latency"}


def test_every_address_of_a_name_is_an_answer():
    answer = replying("www.a.test. 300 A 192.0.2.7", "www.a.test. 300 A 192.0.2.10", flags=dns.flags.AA)
    with resolving(answer, unexpected) as resolver:
        observation = ask(resolver)
    assert without_latency(observation) == {
        "rcode": "NOERROR",
        "answers": ["192.0.2.10", "192.0.2.7"],
        "count": 2,
        "ttl": 300.0,
        "authoritative": True,
    }
    assert observation.failure is None
    assert observation.evidence == {
        "resolver": resolver,
        "question": "www.a.test. IN A",
        "answer": ["www.a.test. 300 IN A 192.0.2.10", "www.a.test. 300 IN A 192.0.2.7"],
        "rcode": "NOERROR",
    }
    assert observation.values["latency"] == observation.phases["wait"] > 0


@pytest.mark.parametrize(
    ("type_", "data", "answers"),
    [
        ("A", ["192.0.2.1"], ["192.0.2.1"]),
        ("AAAA", ["2001:db8:0:0::1"], ["2001:db8::1"]),
        ("MX", ["20 b.a.test.", "10 mail.example.test."], ["10 mail.example.test", "20 b.a.test"]),
        ("MX", ["0 ."], ["0 ."]),
        ("NS", ["ns1.a.test."], ["ns1.a.test"]),
        ("CNAME", ["b.test."], ["b.test"]),
        ("PTR", ["host.a.test."], ["host.a.test"]),
        ("SRV", ["1 2 443 b.test."], ["1 2 443 b.test"]),
        ("SOA", ["ns.a.test. root.a.test. 7 1 2 3 4"], ["ns.a.test root.a.test 7 1 2 3 4"]),
        ("TXT", ['"v=spf1 -all."', '"two " "parts"'], ["two parts", "v=spf1 -all."]),
        ("CAA", ['0 issue "ca.test."'], ['0 issue "ca.test."']),
    ],
)
def test_records_are_shown_as_people_write_them(type_, data, answers):
    with resolving(replying(*(f"www.a.test. 60 {type_} {one}" for one in data))) as resolver:
        assert ask(resolver, type_).values["answers"] == answers


def test_aliases_are_followed_and_what_is_not_on_the_way_does_not_count():
    records = (
        "www.a.test. 20 CNAME b.test.",
        "b.test. 300 A 192.0.2.1",
        "evil.test. 5 A 192.0.2.66",
    )
    with resolving(replying(*records)) as resolver:
        observation = ask(resolver)
    assert observation.values["answers"] == ["192.0.2.1"]
    assert observation.values["ttl"] == 20.0


def test_a_name_without_such_records_has_none():
    with resolving(replying()) as resolver:
        observation = ask(resolver)
    assert without_latency(observation) == {
        "rcode": "NOERROR",
        "answers": [],
        "count": 0,
        "authoritative": False,
    }
    assert observation.failure is None


def test_a_name_that_does_not_exist_has_no_records():
    with resolving(replying(rcode="NXDOMAIN")) as resolver:
        observation = ask(resolver)
    assert without_latency(observation) == {
        "rcode": "NXDOMAIN",
        "answers": [],
        "count": 0,
        "authoritative": False,
    }
    words = f"`www.a.test` does not exist (NXDOMAIN from {resolver})"
    assert observation.failure == Failure(Cause.DNS, words)


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
def test_a_resolver_that_fails_says_nothing_of_the_name(rcode):
    with resolving(replying(rcode=rcode)) as resolver:
        observation = ask(resolver)
    assert without_latency(observation) == {"rcode": rcode, "authoritative": False}
    assert observation.failure == Failure(Cause.DNS, f"{resolver} did not answer for `www.a.test` ({rcode})")


def test_a_cut_answer_is_asked_for_by_tcp():
    records = [f"www.a.test. 60 A 192.0.2.{number}" for number in range(200)]
    cut = replying(records[0], flags=dns.flags.TC)
    with resolving(cut, framed(replying(*records))) as resolver:
        assert ask(resolver).values["count"] == 200


def test_an_answer_that_is_cut_amid_a_record_is_asked_for_by_tcp():
    cut = replying("www.a.test. 60 A 192.0.2.1", flags=dns.flags.TC)
    whole = replying("www.a.test. 60 A 192.0.2.2")
    with resolving(lambda question: cut(question)[:-3], framed(whole)) as resolver:
        assert ask(resolver).values["answers"] == ["192.0.2.2"]


def test_tcp_alone_will_do():
    by_tcp = framed(replying("www.a.test. 60 A 192.0.2.1"))
    with resolving(lambda question: SILENCE, by_tcp) as resolver:
        assert ask(resolver, transport="tcp").values["answers"] == ["192.0.2.1"]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_silent_resolver_is_given_up_at_the_deadline(transport):
    with resolving(lambda question: SILENCE, lambda question: SILENCE) as resolver:
        observation = ask(resolver, timeout=0.2, transport=transport)
    assert observation.values == {}
    assert observation.failure == Failure(Cause.TIMEOUT, f"no answer from {resolver} within 0.2 s")
    assert observation.evidence == {"resolver": resolver, "question": "www.a.test. IN A"}


def test_a_flood_of_wrong_answers_does_not_outlast_the_deadline():
    other = replying("www.a.test. 60 A 192.0.2.66")

    def wrong(question):
        question.id ^= 1
        return [other(question)] * 50

    with resolving(wrong) as resolver:
        observation = ask(resolver, timeout=0.3)
    assert observation.values == {}
    assert observation.failure is not None
    assert observation.failure.cause in {Cause.TIMEOUT, Cause.PROTOCOL}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_port_without_a_resolver_refuses(transport):
    with resolving(lambda question: SILENCE) as resolver:
        pass
    observation = ask(resolver, transport=transport)
    failure = Failure(Cause.REFUSED, f"{resolver}: connection refused")
    assert (observation.values, observation.failure) == ({}, failure)


def test_a_resolver_that_hangs_up_gave_no_answer():
    with resolving(lambda question: SILENCE, lambda question: b"\x01\x00abc") as resolver:
        observation = ask(resolver, transport="tcp")
    words = f"{resolver} closed the connection without a whole answer"
    assert observation.failure == Failure(Cause.RESET, words)


@pytest.mark.parametrize("wire", [b"", b"\0", b"\x81\x80" + b"\xff" * 20])
def test_nonsense_is_no_answer(wire):
    with resolving(lambda question: question.to_wire()[:2] + wire) as resolver:
        observation = ask(resolver, timeout=0.5)
    assert observation.values == {}
    assert observation.failure.cause is Cause.PROTOCOL
    assert observation.failure.message.startswith(f"no valid answer from {resolver}: ")


def test_aliases_in_a_circle_are_no_answer():
    circle = replying("www.a.test. 60 CNAME b.test.", "b.test. 60 CNAME www.a.test.")
    with resolving(circle) as resolver:
        observation = ask(resolver)
    assert observation.values == {}
    assert observation.failure.cause is Cause.PROTOCOL


def test_an_address_is_looked_up_backwards():
    with resolving(replying("1.2.0.192.in-addr.arpa. 60 PTR host.a.test.")) as resolver:
        assert ask(resolver, "PTR", name="192.0.2.1").values["answers"] == ["host.a.test"]


def test_a_name_in_other_letters_is_asked_for_as_the_network_spells_it():
    with resolving(replying("xn--bcher-kva.test. 60 A 192.0.2.1")) as resolver:
        assert ask(resolver, name="bücher.test").values["answers"] == ["192.0.2.1"]


def test_the_system_is_asked_as_programs_here_ask_it(monkeypatch):
    def found(host, port, family, kind):
        assert (host, family) == ("www.a.test", socket.AF_INET6)
        return [(family, kind, 6, "", (address, port, 0, 0)) for address in ("2001:db8::2", "2001:db8::1")]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    observation = ask("system", "AAAA")
    assert without_latency(observation) == {"answers": ["2001:db8::1", "2001:db8::2"], "count": 2}
    assert DnsCheck(name="a.test", resolver="system").expectations() == (("count > 0",), ())
    assert DnsCheck(name="a.test").expectations() == (('rcode == "NOERROR"', "count > 0"), ())


def test_a_system_that_does_not_answer_is_left_behind(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: release.wait(30) and [])
    observation = ask("system", timeout=0.1)
    release.set()
    words = "`www.a.test` was not resolved within 0.1 s"
    assert (observation.values, observation.failure) == ({}, Failure(Cause.TIMEOUT, words))


def test_without_a_resolver_the_first_of_this_machine_is_asked(monkeypatch):
    with resolving(replying("www.a.test. 60 A 192.0.2.1")) as resolver:
        host, _, port = resolver.partition(":")
        monkeypatch.setattr(dns_check, "_first_resolver", lambda: Address(host, int(port)))
        assert ask(None).values["answers"] == ["192.0.2.1"]


def test_a_machine_without_a_resolver_cannot_tell(monkeypatch):
    monkeypatch.setattr(dns_check, "_first_resolver", lambda: None)
    observation = ask(None)
    words = "no resolver in /etc/resolv.conf; name one with `resolver`, or write `resolver: system`"
    assert (observation.values, observation.failure) == ({}, Failure(Cause.UNSUPPORTED, words))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": "a..test"}, ("name", "`a..test` is not a name; write it as `www.example.com`")),
        (
            {"resolver": "dns.test"},
            ("resolver", "`dns.test` is not a resolver; write an IP address, `address:port` or `system`"),
        ),
        (
            {"resolver": "system", "type": "MX"},
            ("type", "the system's resolver only knows addresses, not MX; name a `resolver`"),
        ),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_asked(fields, problem):
    assert list(DnsCheck(**{"name": "a.test", **fields}).problems()) == [problem]


@pytest.mark.parametrize(
    "resolver", ["192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:53", "system"]
)
def test_a_resolver_is_an_address_with_or_without_a_port(resolver):
    check = DnsCheck(name="a.test", resolver=resolver)
    assert list(check.problems()) == []
    assert check.target() == f"A a.test @{resolver}"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("name", "type_", "rcode", "answers"),
    [
        ("www", "A", "NOERROR", ["192.0.2.10"]),
        ("www", "AAAA", "NOERROR", ["2001:db8::10"]),
        ("many", "A", "NOERROR", ["192.0.2.1", "192.0.2.2"]),
        ("alias", "A", "NOERROR", ["192.0.2.10"]),
        ("alias", "CNAME", "NOERROR", ["www.example.test"]),
        ("", "MX", "NOERROR", ["10 mail.example.test"]),
        ("", "TXT", "NOERROR", ["v=spf1 -all"]),
        ("", "CAA", "NOERROR", ['0 issue "ca.example"']),
        ("_sip._tcp", "SRV", "NOERROR", ["1 2 5060 www.example.test"]),
        ("www", "MX", "NOERROR", []),
        ("gone", "A", "NXDOMAIN", []),
    ],
)
def test_dnsmasq_is_understood(dns_server, transport, name, type_, rcode, answers):
    name = f"{name}.example.test".removeprefix(".")
    observation = ask(f"127.0.0.1:{dns_server.port}", type_, name=name, transport=transport)
    found = {subject: observation.values[subject] for subject in ("rcode", "answers", "count")}
    assert found == {"rcode": rcode, "answers": answers, "count": len(answers)}
