"""Answers that fuzzing found: what any server may say is never taken for a fault of our own."""

from __future__ import annotations

import json
import socket
import threading

import pytest
from checks.peers import accepting, secured
from checks.probe import probe
from checks.test_websocket import agreeing
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
from opsctl.checks.websocket import WebsocketCheck
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

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


@pytest.mark.parametrize("location", [b"http://[", b"//[::1", b"http://a:99999/", b"http://a:b/", b"http://\xff\xfe/"])
def test_a_redirect_to_what_is_no_address_is_a_failure(location):
    seen = look(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n", redirects=3)
    assert (seen.values, seen.failure) == ({}, Failure(Cause.REDIRECT, "redirected to what is no address"))


def test_a_redirect_to_an_address_of_other_letters_is_followed():
    def serve(connection, done):
        asked = connection.recv(65536)
        again = "HTTP/1.1 302 Found\r\nLocation: /é\r\nContent-Length: 0\r\n\r\n".encode()
        connection.sendall(HEAD + b"\r\nhere" if "GET /é ".encode() in asked else again)

    with accepting(serve) as address:
        seen = probe(HttpCheck(url=Template(f"http://{address}/"), redirects=1))
    assert (seen.values["body"], seen.values["url"]) == ("here", f"http://{address}/é")


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
