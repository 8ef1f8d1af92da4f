"""What the `imap` and `pop3` checks have in common: who logs in, the deadline, and what cannot work."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from checks.peers import accepting, dripping, nobody, saying, secured
from checks.probe import probe
from hypothesis import given
from hypothesis import strategies as st

from opsctl.checks.imap import ImapCheck
from opsctl.checks.pop3 import Pop3Check
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

USER = {"user": Template("app"), "password": Template("${env:MAIL}")}


class Mailbox(NamedTuple):
    """A check, and how a server greets, goes on without coming to an end, and says what it offers."""

    name: str
    check: Any
    greeting: bytes
    chatter: bytes
    offering: tuple[bytes, bytes]

    def look(self, address, *, timeout=10.0, secret="secret", **fields):
        return probe(self.check(address=address, **fields), timeout=timeout, environ={"MAIL": secret})


IMAP = Mailbox(
    name="imap",
    check=ImapCheck,
    greeting=b"* OK mail.test ready\r\n",
    chatter=b"* still here\r\n",
    offering=(b"a CAPABILITY\r\n", b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na OK done\r\n"),
)
POP3 = Mailbox(
    name="pop3",
    check=Pop3Check,
    greeting=b"+OK mail.test ready\r\n",
    chatter=b"+OK\r\nMORE\r\n",
    offering=(b"CAPA\r\n", b"+OK list\r\nUIDL\r\nSASL PLAIN\r\n.\r\n"),
)
both = pytest.mark.parametrize("mailbox", [IMAP, POP3], ids=["imap", "pop3"])


@both
@pytest.mark.parametrize("secret", ["two\nlines", "a\r\nb", "a\0b"])
def test_a_password_cannot_smuggle_in_a_command(mailbox, secret):
    failure = mailbox.look("127.0.0.1:1", secret=secret, **USER).failure
    assert failure == Failure(Cause.SECRET, "a user or a password of several lines cannot be sent")


@both
@pytest.mark.parametrize("way", ["silence", "a greeting drop by drop", "chatter"])
def test_nothing_outlasts_the_deadline(mailbox, way):
    serve = {
        "silence": lambda connection, done: done.wait(30),
        "a greeting drop by drop": dripping(b"", mailbox.greeting[:1]),
        "chatter": dripping(mailbox.greeting, mailbox.chatter),
    }[way]
    with accepting(serve) as address:
        seen = mailbox.look(address, timeout=0.3)
    assert (seen.values, seen.failure) == ({}, Failure(Cause.TIMEOUT, "no whole answer within 0.3 s"))


@both
def test_nobody_and_no_secret(mailbox):
    seen = mailbox.look(nobody())
    assert (seen.values, seen.failure) == ({}, Failure(Cause.REFUSED, "connection refused"))
    assert probe(mailbox.check(address="127.0.0.1:1", **USER)).failure.cause is Cause.SECRET


@given(said=st.binary(max_size=200), mailbox=st.sampled_from([IMAP, POP3]))
def test_no_bytes_raise_or_make_a_server_good(said, mailbox):
    with accepting(lambda connection, done: connection.sendall(said)) as address:
        seen = mailbox.look(address, tls="none")
    assert seen.failure is not None
    assert seen.values == {}


@both
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
def test_what_cannot_work_is_said_before_anything_is_probed(mailbox, fields, field):
    assert [name for name, _ in mailbox.check(**{"address": "mail.test:25", **fields}).problems()] == [field]


@both
def test_what_is_expected_depends_on_the_fields(mailbox):
    def expected(**fields):
        return mailbox.check(address="mail.test:25", **fields).expectations()[0]

    assert expected() == ("ready == true", "expires_in > 14d")
    assert expected(tls="none") == ("ready == true",)
    assert expected(**USER)[-1] == "authenticated == true"


@both
def test_in_a_workspace(opsctl, certificates, mailbox):
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\n")
    with accepting(secured(certificates.good, saying(mailbox.greeting, mailbox.offering))) as address:
        opsctl.write("services/mail.yaml", f"""
            services:
              mail:
                checks:
                  box:
                    {mailbox.name}: {{address: "{address}", tls: direct, ca: {certificates.ca}}}
        """)  # fmt: skip
        ran = opsctl("check")
    assert (ran.code, ran.out.split("\t")[:2]) == (0, ["up", "mail/box"])
