"""TLS that a server begins when it is asked to: against real ones, and against answers byte by byte."""

from __future__ import annotations

import pytest
from certificates import FAR
from checks.peers import accepting, saying, secured, upgrading
from checks.probe import NOW, probe
from hypothesis import given
from hypothesis import strategies as st
from servers import HOST

from opsctl.checks.tls import TlsCheck
from opsctl.outcome import Cause

EXPIRES_IN = pytest.approx(FAR.timestamp() - NOW)
LDAP = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
LDAP_OK = bytes.fromhex("300c02010178070a010004000400")
LDAP_NO = bytes.fromhex("300c02010178070a013404000400")
POSTGRES = bytes.fromhex("0000000804d2162f")
MYSQL_GREETING = b"\x0a8.0.36\0" + bytes(4) + b"saltsalt\0" + b"\xff\xff" + bytes(16)
MYSQL_REQUEST = 4 + 32


def look(address, protocol, certificates, timeout=5.0):
    check = TlsCheck(address=address, starttls=protocol, ca=str(certificates.ca))
    return probe(check, timeout=timeout, wanted=frozenset({"valid"}))


def packet(data, number=0):
    return len(data).to_bytes(3, "little") + bytes([number]) + data


def exchanging(pair, greeting, size, answer):
    """A server that says `greeting`, reads `size` bytes, says `answer`, and begins TLS; what it read."""
    heard = []

    def serve(connection, done):
        connection.sendall(greeting)
        asked = b""
        while len(asked) < size:
            piece = connection.recv(size - len(asked))
            if not piece:
                return
            asked += piece
        heard.append(asked)
        connection.sendall(answer)
        secured(pair, saying(b""))(connection, done)

    return serve, heard


def test_a_real_mail_server(smtp_server, certificates):
    seen = look(f"{HOST}:{smtp_server.port}", "smtp", certificates)
    assert (seen.failure, seen.values["valid"], seen.values["expires_in"]) == (None, True, EXPIRES_IN)


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_a_real_mailbox_server(dovecot, certificates, protocol):
    seen = look(getattr(dovecot, protocol), protocol, certificates)
    assert (seen.failure, seen.values["valid"], seen.values["expires_in"]) == (None, True, EXPIRES_IN)


def test_a_real_directory(slapd, certificates):
    seen = look(slapd.address, "ldap", certificates)
    assert (seen.failure, seen.values["valid"], seen.values["expires_in"]) == (None, True, EXPIRES_IN)


@pytest.mark.parametrize(
    ("protocol", "greeting", "turns"),
    [
        (
            "smtp",
            b"220-mx\r\n220 ESMTP\r\n",
            [(b"EHLO opsctl", b"250-mx\r\n250 STARTTLS\r\n"), (b"STARTTLS", b"220 go\r\n")],
        ),
        ("imap", b"* OK ready\r\n", [(b"a STARTTLS", b"a OK begin\r\n")]),
        ("pop3", b"+OK ready\r\n", [(b"STLS", b"+OK begin\r\n")]),
    ],
)
def test_protocols_of_lines(certificates, protocol, greeting, turns):
    with accepting(upgrading(certificates.good, greeting, turns, [])) as address:
        seen = look(address, protocol, certificates)
    assert (seen.failure, seen.values["valid"], seen.values["expires_in"]) == (None, True, EXPIRES_IN)


@pytest.mark.parametrize(
    ("protocol", "greeting", "asked", "answer"),
    [
        ("ldap", b"", LDAP, LDAP_OK),
        ("postgres", b"", POSTGRES, b"S"),
        ("mysql", packet(MYSQL_GREETING), None, b""),
    ],
)
def test_protocols_of_bytes(certificates, protocol, greeting, asked, answer):
    serve, heard = exchanging(certificates.good, greeting, len(asked) if asked else MYSQL_REQUEST, answer)
    with accepting(serve) as address:
        seen = look(address, protocol, certificates)
    assert (seen.failure, seen.values["valid"], seen.values["expires_in"]) == (None, True, EXPIRES_IN)
    if asked:
        assert heard == [asked]
    else:
        # The second packet, of 32 bytes, with the flag for TLS.
        assert (heard[0][:4], heard[0][4:8]) == (b"\x20\0\0\x01", bytes.fromhex("018a0000"))


@pytest.mark.parametrize(
    ("protocol", "answer", "words"),
    [
        ("smtp", b"554 no\r\n", "it does not begin TLS: 554 no"),
        ("imap", b"* BYE full\r\n", "it does not begin TLS: * BYE full"),
        ("pop3", b"-ERR full\r\n", "it does not begin TLS: -ERR full"),
        ("ldap", LDAP_NO, "it does not begin TLS: it answers with another code than success"),
        ("postgres", b"N", "it does not begin TLS: N"),
        ("mysql", packet(MYSQL_GREETING.replace(b"\xff\xff", b"\0\0")), "it does not begin TLS: 8.0.36"),
    ],
)
def test_who_would_rather_stay_in_the_open(certificates, protocol, answer, words):
    with accepting(saying(answer)) as address:
        failure = look(address, protocol, certificates).failure
    assert (failure.cause, failure.message) == (Cause.TLS, words)


@pytest.mark.parametrize("protocol", ["smtp", "imap", "pop3"])
def test_what_is_said_before_tls_begins_is_not_taken_for_secret(certificates, protocol):
    word = {"smtp": b"220 a\r\n", "imap": b"* OK\r\n", "pop3": b"+OK\r\n"}[protocol]
    turns = {
        "smtp": [(b"EHLO", b"250 a\r\n"), (b"STARTTLS", b"220 go\r\n250 injected\r\n")],
        "imap": [(b"a STARTTLS", b"a OK go\r\n* injected\r\n")],
        "pop3": [(b"STLS", b"+OK go\r\n+OK injected\r\n")],
    }[protocol]
    with accepting(saying(word, *turns)) as address:
        failure = look(address, protocol, certificates).failure
    assert (failure.cause, failure.message) == (Cause.PROTOCOL, "it said more before TLS began")


@given(
    answer=st.binary(max_size=60),
    protocol=st.sampled_from(["smtp", "imap", "pop3", "ldap", "postgres", "mysql"]),
)
def test_whatever_it_answers_there_is_a_failure_and_no_value(certificates, answer, protocol):
    with accepting(lambda connection, _: connection.sendall(answer)) as address:
        seen = look(address, protocol, certificates, timeout=1.0)
    assert seen.values == {}
    assert seen.failure is not None
    assert seen.failure.cause is not Cause.INTERNAL


def test_the_target_says_what_is_spoken():
    assert TlsCheck(address="mail.example.com:25", starttls="smtp").target() == "mail.example.com:25 (smtp)"
