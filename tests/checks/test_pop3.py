"""The `pop3` check against servers that say what RFC 1939 has them say, over real TLS."""

from __future__ import annotations

import pytest
from certificates import FAR
from checks.peers import accepting, dripping, flooding, nobody, saying, secured, upgrading
from checks.probe import NOW, probe
from hypothesis import given
from hypothesis import strategies as st

from opsctl.checks.pop3 import Pop3Check
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

EXPIRES_IN = pytest.approx(FAR.timestamp() - NOW)
USER = {"user": Template("app"), "password": Template("${env:MAIL}")}


def look(address, certificates=None, *, timeout=10.0, secret="secret", **fields):
    if certificates:
        fields.setdefault("ca", str(certificates.ca))
    return probe(Pop3Check(address=address, **fields), timeout=timeout, environ={"MAIL": secret})


GREETING = b"+OK mail.test ready\r\n"
CHATTER = b"+OK\r\nMORE\r\n"
OFFERING = ((b"CAPA\r\n", b"+OK list\r\nUIDL\r\nSASL PLAIN\r\n.\r\n"),)
BEFORE = ((b"CAPA\r\n", b"+OK list\r\nSTLS\r\n.\r\n"), (b"STLS\r\n", b"+OK begin\r\n"))
LOGIN = ((b"USER app\r\n", b"+OK\r\n"), (b"PASS secret\r\n", b"+OK in\r\n"))
STAT = ((b"STAT\r\n", b"+OK 3 4711\r\n"),)


def test_all_of_a_server(certificates):
    with accepting(upgrading(certificates.good, GREETING, BEFORE, (*OFFERING, *LOGIN, *STAT))) as address:
        observation = look(address, certificates, **USER)
    values = dict(observation.values)
    assert observation.failure is None
    assert values.pop("latency") > 0
    assert values == {
        "ready": True,
        "banner": "mail.test ready",
        "starttls": True,
        "version": "TLSv1.3",
        "expires_in": EXPIRES_IN,
        "capabilities": ["SASL", "UIDL"],
        "authenticated": True,
        "messages": 3,
        "size": 4711,
    }


@pytest.mark.parametrize(
    ("turns", "authenticated", "failure"),
    [
        ((*LOGIN[:1], (b"PASS", b"-ERR wrong\r\n")), False, None),
        (((b"USER", b"-ERR nobody\r\n"),), False, None),
        ((*LOGIN, (b"STAT", b"-ERR locked\r\n")), None, Failure(Cause.PROTOCOL, "it refuses STAT: locked")),
        ((*LOGIN, (b"STAT", b"+OK many\r\n")), None,
         Failure(Cause.PROTOCOL, "its answer to STAT is none of POP3's: many")),
    ],
)  # fmt: skip
def test_who_is_let_in(certificates, turns, authenticated, failure):
    with accepting(secured(certificates.good, saying(GREETING, *OFFERING, *turns))) as address:
        seen = look(address, certificates, tls="direct", **USER)
    assert (seen.failure, seen.values.get("authenticated")) == (failure, authenticated)
    assert "messages" not in seen.values


def test_a_server_that_knows_no_capabilities_offers_none():
    with accepting(saying(GREETING, (b"CAPA", b"-ERR what\r\n"))) as address:
        values = look(address, tls="none").values
    assert (values["ready"], values["capabilities"], values["starttls"]) == (True, [], False)


@pytest.mark.parametrize(
    ("serve", "failure"),
    [
        (saying(b"-ERR full\r\n"), Failure(Cause.PROTOCOL, "it does not serve: full")),
        (saying(b"220 mail.test\r\n"), Failure(Cause.PROTOCOL, "it does not speak POP3: 220 mail.test")),
        (saying(GREETING, (b"CAPA", b"-ERR\r\n")), Failure(
            Cause.TLS, "it does not offer STLS; write `tls: direct` or `tls: none` if that is right")),
        (saying(GREETING, BEFORE[0], (b"STLS", b"-ERR later\r\n")), Failure(Cause.PROTOCOL, "it refuses STLS: later")),
        (saying(GREETING, BEFORE[0], (b"STLS", b"+OK go\r\n+OK in\r\n")),
         Failure(Cause.PROTOCOL, "it said more before TLS began")),
        (flooding(GREETING + b"+OK\r\n"), Failure(Cause.TOO_LARGE, "it says more than the 65536 bytes that are read")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(serve, failure):
    with accepting(serve) as address:
        seen = look(address)
    assert (seen.values, seen.failure) == ({}, failure)


@pytest.mark.parametrize("secret", ["two\nlines", "a\r\nb", "a\0b"])
def test_a_password_cannot_smuggle_in_a_command(secret):
    failure = look("127.0.0.1:1", secret=secret, **USER).failure
    assert failure == Failure(Cause.SECRET, "a user or a password of several lines cannot be sent")


@pytest.mark.parametrize("serve", [
    lambda connection, done: done.wait(30), dripping(b"", GREETING[:1]), dripping(GREETING, CHATTER),
])  # fmt: skip
def test_nothing_outlasts_the_deadline(serve):
    with accepting(serve) as address:
        seen = look(address, timeout=0.3)
    assert (seen.values, seen.failure) == ({}, Failure(Cause.TIMEOUT, "no whole answer within 0.3 s"))


def test_nobody_and_no_secret():
    seen = look(nobody())
    assert (seen.values, seen.failure) == ({}, Failure(Cause.REFUSED, "connection refused"))
    assert probe(Pop3Check(address="127.0.0.1:1", **USER)).failure.cause is Cause.SECRET


@given(said=st.binary(max_size=200))
def test_no_bytes_raise_or_make_a_server_good(said):
    with accepting(lambda connection, done: connection.sendall(said)) as address:
        seen = look(address, tls="none")
    assert seen.failure is not None
    assert seen.values == {}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"address": "mail.test"}, "address"),
        ({"user": Template("a")}, "user"),
        ({"password": Template("a")}, "password"),
        ({**USER, "tls": "none"}, "tls"),
        ({"server_name": ".a"}, "server_name"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_probed(fields, field):
    assert [name for name, _ in Pop3Check(**{"address": "mail.test:25", **fields}).problems()] == [field]


def test_what_is_expected_depends_on_the_fields():
    def expected(**fields):
        return Pop3Check(address="mail.test:25", **fields).expectations()[0]

    assert expected() == ("ready == true", "expires_in > 14d")
    assert expected(tls="none") == ("ready == true",)
    assert expected(**USER)[-1] == "authenticated == true"


def test_in_a_workspace(opsctl, certificates):
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\n")
    with accepting(secured(certificates.good, saying(GREETING, *OFFERING))) as address:
        opsctl.write("services/mail.yaml", f"""
            services:
              mail:
                checks:
                  box:
                    pop3: {{address: "{address}", tls: direct, ca: {certificates.ca}}}
        """)  # fmt: skip
        ran = opsctl("check")
    assert (ran.code, ran.out.split("\t")[:2]) == (0, ["up", "mail/box"])
