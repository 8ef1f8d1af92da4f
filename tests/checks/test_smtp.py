"""The `smtp` check against a real mail server, and against servers that do what that one does not."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from certificates import FAR
from checks.peers import accepting, dripping, flooding, nobody, saying, secured
from checks.probe import NOW, probe
from hypothesis import given
from hypothesis import strategies as st
from servers import HOST, free_port, listens, program, running

from opsctl.checks.smtp import SmtpCheck
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

EXPIRES_IN = pytest.approx(FAR.timestamp() - NOW)
PASSWORD = Template("${env:MAIL}")


def look(address, certificates=None, *, timeout=10.0, secret="secret", **fields):
    if certificates:
        fields.setdefault("ca", str(certificates.ca))
    return probe(SmtpCheck(address=address, **fields), timeout=timeout, environ={"MAIL": secret})


@pytest.fixture(scope="module")
def closed_server(tmp_path_factory, certificates):
    """aiosmtpd that lets `app` in with `secret`, once TLS is on."""
    (python, *_) = Path(program("aiosmtpd")).read_text().splitlines()
    folder = tmp_path_factory.mktemp("smtp")
    port = free_port()
    (folder / "server.py").write_text(textwrap.dedent(f"""
        import ssl, threading
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult

        def knows(server, session, envelope, mechanism, data):
            return AuthResult(success=(data.login, data.password) == (b"app", b"secret"), handled=False)

        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain({str(certificates.good.certificate)!r}, {str(certificates.good.key)!r})
        Controller(object(), hostname={HOST!r}, port={port}, authenticator=knows, tls_context=tls,
                   auth_required=True).start()
        threading.Event().wait()
    """))  # fmt: skip
    argv = [python.removeprefix("#!").strip(), str(folder / "server.py")]
    with running(argv, folder / "log", lambda: listens(port)):
        yield f"{HOST}:{port}"


def test_all_of_a_real_server(smtp_server, certificates):
    before = {*smtp_server.mailbox.glob("new/*")}
    observation = look(f"{HOST}:{smtp_server.port}", certificates)
    assert observation.failure is None
    values = dict(observation.values)
    banner, latency = values.pop("banner"), values.pop("latency")
    assert values == {
        "status": 220,
        "capabilities": ["8BITMIME", "AUTH", "HELP"],
        "mechanisms": ["LOGIN", "PLAIN"],
        "starttls": True,
        "version": "TLSv1.3",
        "expires_in": EXPIRES_IN,
    }
    assert "Python SMTP" in banner
    assert latency > 0
    assert {*smtp_server.mailbox.glob("new/*")} == before


def test_without_tls_there_is_no_certificate(smtp_server):
    values = look(f"{HOST}:{smtp_server.port}", tls="none").values
    assert (values["status"], values["starttls"]) == (220, True)
    assert not {"version", "expires_in", "authenticated"} & set(values)


@pytest.mark.parametrize(("password", "expected"), [("secret", True), ("wrong", False)])
def test_a_user_is_let_in_or_not(closed_server, certificates, password, expected):
    user = {"user": Template("app"), "password": PASSWORD}
    observation = look(closed_server, certificates, secret=password, **user)
    assert (observation.failure, observation.values["authenticated"]) == (None, expected)


def test_the_certificate_has_to_be_valid_and_for_the_host(smtp_server, certificates):
    address = f"{HOST}:{smtp_server.port}"
    failure = look(address).failure
    assert failure == Failure(
        Cause.TLS, "the certificate is not valid: unable to get local issuer certificate"
    )
    observation = look(address, certificates, server_name="other.test")
    assert observation.failure.cause is Cause.TLS
    assert "expires_in" not in observation.values
    unverified = look(address, server_name="other.test", verify=False)
    assert (unverified.failure, unverified.values["expires_in"]) == (None, EXPIRES_IN)


def test_a_file_of_certificates_that_is_absent_is_a_fault_on_our_side(smtp_server):
    failure = look(f"{HOST}:{smtp_server.port}", ca="/no/such.pem").failure
    assert failure.cause is Cause.PERMISSION


GREETING = b"220 mail.test ESMTP\r\n"
OFFERS = b"250-mail.test\r\n250-SIZE 1000\r\n250-AUTH LOGIN\r\n250 STARTTLS\r\n"
LOGIN = (
    (b"EHLO [127.0.0.1]\r\n", OFFERS),
    (b"AUTH LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n"),
    (b"YXBw\r\n", b"334 UGFzc3dvcmQ6\r\n"),
)


@pytest.mark.parametrize(
    ("answer", "authenticated", "failure"),
    [
        (b"235 welcome\r\n", True, None),
        (b"535 no\r\n", False, None),
        (b"454 later\r\n", None, Failure(Cause.PROTOCOL, "it answers AUTH with 454: later")),
    ],
)
def test_tls_from_the_first_byte_and_login_without_plain(certificates, answer, authenticated, failure):
    serve = saying(GREETING, *LOGIN, (b"c2VjcmV0\r\n", answer))
    with accepting(secured(certificates.good, serve)) as address:
        seen = look(address, certificates, tls="direct", user=Template("app"), password=PASSWORD)
    assert (seen.failure, seen.values.get("authenticated")) == (failure, authenticated)
    said = seen.evidence if failure else seen.values
    assert (said["version"], said["expires_in"], said["max_size"]) == ("TLSv1.3", EXPIRES_IN, 1000)
    assert "starttls" not in said


def test_what_is_said_to_log_in_is_never_shown(certificates):
    turns = (*LOGIN[:2], (b"YXBw\r\n", b"500 what\r\n"))
    with accepting(secured(certificates.good, saying(GREETING, *turns))) as address:
        seen = look(address, certificates, tls="direct", user=Template("app"), password=PASSWORD)
    assert seen.failure == Failure(Cause.PROTOCOL, "it answers AUTH with 500: what")


def test_a_line_said_before_tls_began_is_not_taken_for_a_private_one(certificates):
    turns = ((b"EHLO", b"250-mail.test\r\n250 STARTTLS\r\n"), (b"STARTTLS", b"220 go\r\n250 AUTH PLAIN\r\n"))
    with accepting(saying(GREETING, *turns)) as address:
        seen = look(address, certificates)
    assert seen.failure == Failure(Cause.PROTOCOL, "it said more before TLS began")


@pytest.mark.parametrize(
    ("serve", "failure"),
    [
        (saying(b"421 too many\r\n"), Failure(Cause.PROTOCOL, "it does not serve: 421 too many")),
        (saying(b"SSH-2.0-x\x1b[31m\r\n"), Failure(Cause.PROTOCOL, "it does not speak SMTP: SSH-2.0-x\\x1b[31m")),
        (saying(b"220-a\r\nodd\r\n"), Failure(Cause.PROTOCOL, "it does not speak SMTP: odd")),
        (saying(GREETING, (b"EHLO", b"502 no\r\n")), Failure(Cause.PROTOCOL, "it answers EHLO with 502: no")),
        (saying(GREETING, (b"EHLO", b"250 mail.test\r\n")), Failure(
            Cause.TLS, "it does not offer STARTTLS; write `tls: direct` or `tls: none` if that is right")),
        (saying(GREETING, (b"EHLO", OFFERS), (b"STARTTLS", b"454 later\r\n")),
         Failure(Cause.PROTOCOL, "it answers STARTTLS with 454: later")),
        (saying(GREETING, (b"EHLO", OFFERS), (b"STARTTLS", b"220 go\r\nhello\r\n")),
         Failure(Cause.PROTOCOL, "it said more before TLS began")),
        (lambda connection, done: None, Failure(Cause.RESET, "it closed the connection")),
        (flooding(b""), Failure(Cause.TOO_LARGE, "it says more than the 65536 bytes that are read")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(serve, failure):
    with accepting(serve) as address:
        assert look(address).failure == failure


@pytest.mark.parametrize("serve", [
    lambda connection, done: done.wait(30), dripping(b"", b"2"), dripping(b"", b"220-more\r\n"),
    dripping(GREETING, b"250-x\r\n"),
])  # fmt: skip
def test_nothing_outlasts_the_deadline(serve):
    with accepting(serve) as address:
        seen = look(address, timeout=0.3)
    assert seen.failure == Failure(Cause.TIMEOUT, "no whole answer within 0.3 s")
    assert seen.values == {}


def test_a_handshake_does_not_outlast_the_deadline_either():
    with accepting(dripping(b"\x16\x03\x03\x40\x00", b"\x02")) as address:
        assert look(address, tls="direct", timeout=0.3).failure == Failure(
            Cause.TIMEOUT, "no handshake within 0.3 s"
        )


def test_nobody_and_no_secret():
    seen = look(nobody())
    assert (seen.values, seen.failure) == ({}, Failure(Cause.REFUSED, "connection refused"))
    check = SmtpCheck(address="127.0.0.1:1", user=Template("app"), password=PASSWORD)
    assert probe(check).failure.cause is Cause.SECRET


@given(said=st.binary(max_size=200))
def test_no_bytes_raise_or_make_a_server_good(said):
    def serve(connection, done):
        connection.sendall(said)

    with accepting(serve) as address:
        seen = look(address, tls="none")
    assert seen.failure is not None
    assert seen.values == {}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"address": "mail.test"}, ("address", "`mail.test` is not an address; write `host:port`")),
        ({"user": Template("a")}, ("user", "`user` and `password` belong together; name both")),
        ({"password": Template("a")}, ("password", "`user` and `password` belong together; name both")),
        ({"user": Template("a"), "password": PASSWORD, "tls": "none"},
         ("tls", "without TLS everybody on the way reads the password; take `tls: none` away")),
        ({"server_name": ".a"}, ("server_name", "`.a` is not a host name; write it without the dot")),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_before_anything_is_probed(fields, problem):
    assert list(SmtpCheck(**{"address": "mail.test:25", **fields}).problems()) == [problem]


def test_what_is_expected_depends_on_the_fields():
    def expected(**fields):
        return SmtpCheck(address="mail.test:25", **fields).expectations()[0]

    assert expected() == ("status == 220", "expires_in > 14d")
    assert expected(tls="none") == ("status == 220",)
    assert expected(user=Template("a"), password=PASSWORD)[-1] == "authenticated == true"


def test_in_a_workspace(opsctl, smtp_server, certificates):
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services:
          mail:
            checks:
              relay:
                smtp: {{address: "{HOST}:{smtp_server.port}", ca: {certificates.ca}}}
                expect: [status == 220, expires_in > 14d, 'capabilities contains "8BITMIME"', 'mechanisms contains "PLAIN"']
    """)  # fmt: skip
    ran = opsctl("check")
    assert (ran.code, ran.out.split("\t")[:2]) == (0, ["up", "mail/relay"])
