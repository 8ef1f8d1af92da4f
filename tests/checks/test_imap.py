"""The `imap` check against servers that say what RFC 9051 has them say, over real TLS."""

from __future__ import annotations

import pytest
from certificates import FAR
from checks.peers import accepting, flooding, saying, secured, upgrading
from checks.probe import NOW, probe

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


@pytest.mark.parametrize(("secret", "authenticated"), [("secret", True), ("wrong", False)])
def test_a_real_server(dovecot, certificates, secret, authenticated):
    for address, tls in ((dovecot.imap, "starttls"), (dovecot.imaps, "direct")):
        seen = look(address, certificates, tls=tls, secret=secret, **USER)
        assert (seen.failure, seen.values["authenticated"]) == (None, authenticated)
        assert {"IMAP4REV1", "AUTH=PLAIN"} <= {*seen.values["capabilities"]}
        assert (seen.values["version"], seen.values["expires_in"]) == ("TLSv1.3", EXPIRES_IN)
    in_the_open = look(dovecot.imap, tls="none").values
    assert (in_the_open["ready"], in_the_open["starttls"]) == (True, True)


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
