"""Answers that fuzzing found: what any server may say is never taken for a fault of our own."""

from __future__ import annotations

import itertools
import json
import socket
import threading

import pytest
from certificates import FAR, LONG_AGO
from checks.peers import accepting, secured
from checks.probe import probe
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from opsctl.certificate import read_certificate
from opsctl.checks.docker import DockerCheck
from opsctl.checks.http import HttpCheck
from opsctl.checks.kubernetes import KubernetesCheck
from opsctl.checks.pop3 import Pop3Check
from opsctl.checks.redis import RedisCheck
from opsctl.checks.smtp import SmtpCheck
from opsctl.checks.ssh import SshCheck
from opsctl.connecting import parse_address, within
from opsctl.dialogue import DialogueError, dialogue
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template
from opsctl.trust import Files

MANY = b"9" * 5000
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


def answering(*answers):
    """A server that gives each answer to one thing that it is told."""

    def serve(connection, done):
        for answer in answers:
            connection.sendall(answer)
            connection.recv(65536)

    return serve


def web(answer):
    def serve(connection, done):
        connection.recv(65536)
        connection.sendall(answer)

    return serve


def look(answer, **fields):
    with accepting(web(answer)) as address:
        return probe(HttpCheck(url=Template(f"http://{address}/"), **fields))


@pytest.mark.parametrize(
    "location",
    [b"http://[", b"//[::1", b"http://a:99999/", b"http://a:b/", b"http://\xff\xfe/", "http://é/".encode()],
)
def test_a_redirect_to_what_is_no_address_is_a_failure(location):
    seen = look(
        b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n", redirects=3
    )
    assert (seen.values, seen.failure) == ({}, Failure(Cause.REDIRECT, "redirected to what is no address"))


@pytest.mark.parametrize("charset", ["undefined", "base64", "rot13", "idna", "nowhere", '"utf-8"'])
def test_what_is_no_charset_of_texts_is_passed_over(charset):
    seen = look(f"{HEAD.decode()}Content-Type: text/plain; charset={charset}\r\n\r\nnaïve \\x".encode())
    assert seen.values["body"] == "naïve \\x"


def test_a_charset_that_is_slow_to_read_blocks_nothing():
    # Two megabytes of it would take minutes.
    seen = look(HEAD + b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"9zz" * 700_000)
    assert seen.values["body"][:6] == "9zz9zz"


@pytest.mark.parametrize(("values", "read"), [(249_999, True), (250_001, False)])
def test_json_of_very_many_values_is_not_read(values, read):
    seen = look(HEAD + b"\r\n[" + b"0," * (values - 1) + b"0]")
    assert ("json" in seen.values) is read


def test_of_a_body_that_nobody_judges_only_the_start_is_kept():
    with accepting(web(HEAD + b"\r\n" + b"x" * 3_000_000)) as address:
        check = HttpCheck(url=Template(f"http://{address}/"))
        seen = probe(check, wanted=frozenset({"status", "size"}))
    assert seen.values["size"] == 3_000_000
    assert len(seen.evidence()["body"]) == 16 * 1024
    kept = next(cell.cell_contents for cell in seen.evidence.__closure__ if isinstance(cell.cell_contents, list)
                and b"x" in b"".join(cell.cell_contents)[:1])  # fmt: skip
    assert len(b"".join(kept)) < 100_000


def certificate(*, version=2, serial=5, names=None):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    begin = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    begin = begin.serial_number(5).not_valid_before(LONG_AGO).not_valid_after(FAR)
    if names is not None:
        alternative = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, names)
        begin = begin.add_extension(alternative, critical=False)
    encoded = begin.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    head = b"\xa0\x03\x02\x01%c\x02\x01%c"
    assert head % (2, 5) in encoded
    return encoded.replace(head % (2, 5), head % (version, serial))


@pytest.mark.parametrize(
    "broken", [{"version": 7}, {"names": b"\x30\x02\xa3\x00"}, {"names": b"\x30\x03\x82\x05a"}]
)
def test_a_certificate_that_cannot_be_read_is_a_value_error(broken):
    with pytest.raises(ValueError, match=r"."):
        read_certificate(certificate(**broken))


def test_a_serial_number_below_0_is_no_matter():
    assert read_certificate(certificate(serial=0x85)).serial == "-7b"


INFO = b"role:master\r\nloading:0\r\nused_memory:%s\r\nmaxmemory:\xc2\xb2\r\n"


@pytest.mark.parametrize("figure", [MANY, "\N{SUPERSCRIPT TWO}".encode()])
def test_a_figure_of_redis_that_is_no_number_is_not_seen(figure):
    info = INFO % figure
    with accepting(answering(b"", b"+PONG\r\n", b"$%d\r\n%s\r\n" % (len(info), info))) as address:
        seen = probe(RedisCheck(address=address))
    assert (seen.failure, seen.values["loading"]) == (None, False)
    assert seen.values.keys().isdisjoint({"memory", "memory_percent"})


@pytest.mark.parametrize("length", [b"\xc2\xb2", MANY, b"--1"])
def test_a_length_of_redis_that_is_none_is_not_its_protocol(length):
    with accepting(answering(b"", b"$" + length + b"\r\n")) as address:
        seen = probe(RedisCheck(address=address))
    assert seen.failure == Failure(Cause.PROTOCOL, "it does not speak Redis' protocol")


def test_a_redis_that_hangs_after_its_first_answer_was_not_seen():
    with accepting(answering(b"", b"+PONG\r\n")) as address:
        seen = probe(RedisCheck(address=address))
    assert (seen.values, seen.failure) == ({}, Failure(Cause.RESET, "it closed the connection"))
    assert seen.evidence == {"pong": True}


def test_a_redis_whose_figures_are_none_was_not_seen():
    with accepting(answering(b"", b"+PONG\r\n", b"+PONG\r\n")) as address:
        seen = probe(RedisCheck(address=address))
    assert (seen.values, seen.failure) == (
        {},
        Failure(Cause.PROTOCOL, "its answer to INFO is none of Redis'"),
    )


def test_a_mailbox_of_very_many_mails_is_none():
    turns = (b"+OK\r\n", b"-ERR\r\n", b"+OK\r\n", b"+OK\r\n", b"+OK " + MANY + b" 1\r\n")
    check = {"tls": "none", "user": Template("a"), "password": Template("b")}
    with accepting(answering(*turns)) as address:
        seen = probe(Pop3Check(address=address, **check))
    assert seen.failure.cause is Cause.PROTOCOL
    assert seen.failure.message.startswith("its answer to STAT is none of POP3's: 999")


def test_a_largest_mail_of_very_many_digits_is_not_seen():
    with accepting(answering(b"220 a\r\n", b"250-a\r\n250 SIZE " + MANY + b"\r\n")) as address:
        seen = probe(SmtpCheck(address=address, tls="none"))
    assert seen.failure is None
    assert "max_size" not in seen.values


@pytest.mark.parametrize("version", [MANY + b".1", b"1." + MANY, b"1", b"1.2.3"])
def test_a_version_of_docker_that_is_none_is_not_dockers(tmp_path, monkeypatch, version):
    # By a short relative name: the whole path may be longer than an address can be.
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("docker.sock")
        server.listen()

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(HEAD + b"Api-Version: " + version + b"\r\n\r\nOK")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        seen = probe(DockerCheck(container="a", socket="docker.sock"))
        thread.join(10)
    assert seen.failure == Failure(Cause.PROTOCOL, "docker.sock is not Docker's")


def test_a_condition_of_kubernetes_without_a_type_is_passed_over():
    conditions = [{"type": {}}, {"type": ["Ready"]}, {}, {"type": "Ready", "status": "True"}]
    told = HEAD + b"\r\n" + json.dumps({"status": {"conditions": conditions}}).encode()
    with accepting(web(told)) as address:
        check = KubernetesCheck(resource="pod/a", server=Template(f"http://{address}"), token=Template("t"))
        assert probe(check).values["ready"] is True


def test_a_server_that_goes_silent_after_its_banner_is_not_one_without_a_key():
    with accepting(lambda connection, done: (connection.sendall(b"SSH-2.0-x\r\n"), done.wait(30))) as address:
        # Time enough for the banner, also on a busy machine.
        seen = probe(SshCheck(address=address), timeout=2.0, wanted=frozenset({"fingerprint"}))
    assert seen.failure == Failure(Cause.TIMEOUT, "no key within 2 s")


def test_a_message_that_is_read_slowly_over_tls_is_given_up_at_the_deadline(certificates):
    def serve(connection, done):
        # Every record comes through in time, and all of them never do.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        while connection.recv(16384) and not done.wait(0.01):
            pass

    with accepting(secured(certificates.good, serve)) as address:
        with dialogue(parse_address(address), within(0.5)) as talk, pytest.raises(DialogueError) as raised:
            talk.secure(Files(None, None, None), "localhost", verify=False)
            talk.say(bytes(40_000_000))
        assert str(raised.value) == "no chance to speak within 0.5 s"


def repeating(line):
    """A server that says a line again and again."""

    def serve(connection, done):
        while not done.is_set():
            connection.sendall(line * 1000)

    return serve


@pytest.mark.parametrize(
    ("kind", "said", "failure"),
    [
        (
            SmtpCheck,
            b"220-a\r\n",
            Failure(Cause.TOO_LARGE, "it says more than the 1000000 bytes that are read"),
        ),
        (SmtpCheck, b"220-", Failure(Cause.TOO_LARGE, "it says more than the 65536 bytes that are read")),
        (RedisCheck, b"+PONG", Failure(Cause.TOO_LARGE, "it says more than the 65536 bytes that are read")),
        (SshCheck, b"hello\r\n", Failure(Cause.PROTOCOL, "it does not say that it speaks SSH")),
    ],
)
def test_what_never_ends_is_ended_by_its_size_long_before_the_deadline(kind, said, failure):
    with accepting(repeating(said)) as address:
        assert probe(kind(address=address), timeout=30).failure == failure


BOMB = "endpoints:\n- url: https://a.example\n  a: &a [0,0,0,0,0,0,0,0,0,0]\n" + "".join(
    f"  {name}: &{name} [{','.join(9 * ['*' + before])}]\n"
    for before, name in itertools.pairwise("abcdefghij")
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{BOMB}  group: *j\n", "its aliases make far too much of it; take them away"),
        ("endpoints: &a [*a]\n", "an alias stands in what it stands for; take it away"),
        ("a: &a {b: {c: *a}}\n", "an alias stands in what it stands for; take it away"),
    ],
)
@pytest.mark.parametrize("tool", ["gatus", "goss", "blackbox"])
def test_aliases_that_make_too_much_are_not_taken_in(opsctl, tool, text, words):
    opsctl.write("opsctl.yaml", "version: 1\nname: S\n").write("foreign.yaml", text)
    ran = opsctl("import", tool, "foreign.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith(f"it is not readable as YAML: {words}\n")


def test_aliases_that_make_little_are_taken_in(opsctl):
    text = "x: &x {timeout: 5s}\nendpoints:\n- {url: 'https://a.example', client: *x}\n- {url: 'https://b.example', client: *x}\n"
    opsctl.write("opsctl.yaml", "version: 1\nname: S\n").write("foreign.yaml", text)
    assert opsctl("import", "gatus", "foreign.yaml").out.count("timeout: 5s") == 2


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        ("gatus", "endpoints:\n- {url: 'https://[', null: 1, 2: b, true: c, 1.5: d, c: e}\n"),
        ("gatus", "endpoints:\n- {url: 'https://[', conditions: ['[STATUS] == 200']}\n"),
        ("goss", "http:\n  'http://[': {status: 200, null: 1, 2: b}\nnull: 1\n3: {}\n"),
        ("blackbox", "modules: {a: {prober: http, null: 1, 2: 3}, 1: {}, null: {}}\n"),
    ],
)
def test_keys_and_addresses_of_any_kind_are_taken_in_or_refused(opsctl, tool, text):
    opsctl.write("opsctl.yaml", "version: 1\nname: S\n").write("foreign.yaml", text)
    (opsctl.path / "services").mkdir()
    ran = opsctl("import", tool, "foreign.yaml", "--out", "services/foreign.yaml")
    assert ran.code in {0, 1, 2}
    assert ran.err
    assert opsctl("validate", "--allow-unset").code in {0, 5}


@pytest.mark.parametrize(
    "kind", ["http: 'http://['", "health: 'http://[::1'", "statuspage: 'https://['", "websocket: 'ws://['"]
)
def test_an_address_that_cannot_be_taken_apart_is_a_problem_with_its_place(opsctl, kind):
    opsctl.write("opsctl.yaml", f"version: 1\nname: S\nservices: {{s: {{checks: {{c: {{{kind}}}}}}}}}\n")
    ran = opsctl("validate")
    assert ran.code == 5
    assert ran.out.startswith("opsctl.yaml:3:")


def test_keys_are_the_texts_that_they_are_written_as(opsctl):
    text = (
        "endpoints:\n- {url: 'https://a.example', on: 1, 0644: 2, null: 3, conditions: ['[STATUS] == 200']}\n"
    )
    opsctl.write("opsctl.yaml", "version: 1\nname: S\n").write("foreign.yaml", text)
    ran = opsctl("import", "gatus", "foreign.yaml")
    assert [row.split("\t")[1] for row in ran.err.splitlines() if row.startswith("lost")] == [
        "endpoints[0].0644", "endpoints[0].null", "endpoints[0].on",
    ]  # fmt: skip
