"""The `pop3` check against servers that say what RFC 1939 has them say, over real TLS."""

from __future__ import annotations

import pytest
from certificates import FAR
from checks.peers import accepting, flooding, saying, secured, upgrading
from checks.probe import NOW, probe

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
    ("secret", "seen_of_mail"), [("secret", (True, 2, 120)), ("wrong", (False, None, None))]
)
def test_a_real_server(dovecot, certificates, secret, seen_of_mail):
    for address, tls in ((dovecot.pop3, "starttls"), (dovecot.pop3s, "direct")):
        seen = look(address, certificates, tls=tls, secret=secret, **USER)
        assert seen.failure is None
        assert tuple(map(seen.values.get, ("authenticated", "messages", "size"))) == seen_of_mail
        assert {"UIDL", "SASL"} <= {*seen.values["capabilities"]}
        assert (seen.values["version"], seen.values["expires_in"]) == ("TLSv1.3", EXPIRES_IN)
    in_the_open = look(dovecot.pop3, tls="none").values
    assert (in_the_open["ready"], in_the_open["starttls"]) == (True, True)


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
