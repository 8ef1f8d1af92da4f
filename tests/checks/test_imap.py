"""The `imap` check against servers that say what RFC 9051 has them say, over real TLS."""

from __future__ import annotations

import pytest
from certificates import FAR
from checks.peers import accepting, dripping, flooding, nobody, saying, secured, upgrading
from checks.probe import NOW, probe
from hypothesis import given
from hypothesis import strategies as st

from opsctl.checks.imap import ImapCheck
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

EXPIRES_IN = pytest.approx(FAR.timestamp() - NOW)
USER = {"user": Template("app"), "password": Template("${env:MAIL}")}


def look(address, certificates=None, *, timeout=10.0, secret="secret", **fields):
    if certificates:
        fields.setdefault("ca", str(certificates.ca))
    return probe(ImapCheck(address=address, **fields), timeout=timeout, environ={"MAIL": secret})


GREETING = b"* OK [CAPABILITY IMAP4rev1] mail.test ready\r\n"
CHATTER = b"* still here\r\n"
OFFERS = b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na OK done\r\n"
OFFERING = ((b"a CAPABILITY\r\n", b"* 1 EXISTS\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na OK done\r\n"),)
BEFORE = ((b"a CAPABILITY\r\n", OFFERS), (b"a STARTTLS\r\n", b"a OK begin\r\n"))
# In base64: NUL, `app`, NUL, `secret`.
PLAIN = (
    (b"a AUTHENTICATE PLAIN\r\n", b"+ \r\n"),
    (b"AGFwcABzZWNyZXQ=\r\n", b"* CAPABILITY X\r\na OK in\r\n"),
)


def test_all_of_a_server(certificates):
    with accepting(upgrading(certificates.good, GREETING, BEFORE, (*OFFERING, *PLAIN))) as address:
        observation = look(address, certificates, **USER)
    values = dict(observation.values)
    assert observation.failure is None
    assert values.pop("latency") > 0
    assert values == {
        "ready": True,
        "banner": "[CAPABILITY IMAP4rev1] mail.test ready",
        "starttls": True,
        "version": "TLSv1.3",
        "expires_in": EXPIRES_IN,
        "capabilities": ["AUTH=PLAIN", "IMAP4REV1"],
        "authenticated": True,
    }


@pytest.mark.parametrize(
    ("turns", "authenticated", "failure"),
    [
        ((*OFFERING, *PLAIN[:1], (b"AGFw", b"a NO wrong\r\n")), False, None),
        ((*OFFERING, *PLAIN[:1], (b"AGFw", b"a BAD what\r\n")), None,
         Failure(Cause.PROTOCOL, "it answers the login with BAD: what")),
        ((*OFFERING, (b"a AUTH", b"a NO later\r\n")), None,
         Failure(Cause.PROTOCOL, "it answers AUTHENTICATE with NO: later")),
        (((b"a CAP", b"* CAPABILITY IMAP4rev1\r\na OK\r\n"), (b'a LOGIN "app" "secret"\r\n', b"a OK in\r\n")), True, None),
        (((b"a CAP", b"* CAPABILITY LOGINDISABLED\r\na OK\r\n"),), None,
         Failure(Cause.PROTOCOL, "it offers no way to log in by AUTHENTICATE PLAIN or LOGIN")),
    ],
)  # fmt: skip
def test_who_is_let_in(certificates, turns, authenticated, failure):
    with accepting(secured(certificates.good, saying(GREETING, *turns))) as address:
        seen = look(address, certificates, tls="direct", **USER)
    assert (seen.failure, seen.values.get("authenticated")) == (failure, authenticated)


def test_a_password_is_quoted(certificates):
    turns = ((b"a CAP", b"a OK\r\n"), (b'a LOGIN "app" "a\\"b\\\\c"\r\n', b"a OK in\r\n"))
    with accepting(secured(certificates.good, saying(GREETING, *turns))) as address:
        assert (
            look(address, certificates, tls="direct", secret='a"b\\c', **USER).values["authenticated"] is True
        )


@pytest.mark.parametrize(
    ("serve", "failure"),
    [
        (saying(b"* BYE full\r\n"), Failure(Cause.PROTOCOL, "it does not serve: BYE full")),
        (saying(b"* PREAUTH hi\r\n"), Failure(Cause.PROTOCOL, "it does not serve: PREAUTH hi")),
        (saying(b"220 mail.test\r\n"), Failure(Cause.PROTOCOL, "it does not speak IMAP: 220 mail.test")),
        (saying(GREETING, (b"a", b"* BYE timeout\r\n")), Failure(Cause.PROTOCOL, "it does not serve: BYE timeout")),
        (saying(GREETING, (b"a", b"b OK x\r\n")), Failure(Cause.PROTOCOL, "it does not speak IMAP: b OK x")),
        (saying(GREETING, (b"a", b"a BAD x\r\n")), Failure(Cause.PROTOCOL, "it answers CAPABILITY with BAD: x")),
        (saying(GREETING, (b"a", b"a OK\r\n")), Failure(
            Cause.TLS, "it does not offer STARTTLS; write `tls: direct` or `tls: none` if that is right")),
        (saying(GREETING, (b"a", OFFERS), (b"a STARTTLS", b"a OK go\r\na OK in\r\n")),
         Failure(Cause.PROTOCOL, "it said more before TLS began")),
        (flooding(GREETING), Failure(Cause.TOO_LARGE, "it says more than the 65536 bytes that are read")),
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
    assert probe(ImapCheck(address="127.0.0.1:1", **USER)).failure.cause is Cause.SECRET


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
    assert [name for name, _ in ImapCheck(**{"address": "mail.test:25", **fields}).problems()] == [field]


def test_what_is_expected_depends_on_the_fields():
    def expected(**fields):
        return ImapCheck(address="mail.test:25", **fields).expectations()[0]

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
                    imap: {{address: "{address}", tls: direct, ca: {certificates.ca}}}
        """)  # fmt: skip
        ran = opsctl("check")
    assert (ran.code, ran.out.split("\t")[:2]) == (0, ["up", "mail/box"])
