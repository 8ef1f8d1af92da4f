"""The ways that an `http` check takes: forms, proxies and sockets."""

from __future__ import annotations

import os
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

import pytest
from checks.probe import ask_for, probe
from web import ThreadingWebServer, Unpolled

from opsctl.checks.http import HttpCheck
from opsctl.curl_line import curl_line
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template
from opsctl.transfers import Loop

SEEN = frozenset({"status", "body"})


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        said = f"{self.command} {self.path} {self.headers.get('Content-Type', '-')} {self.rfile.read(length).decode()}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingWebServer(Echo) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield one.server_port
        one.shutdown()


def test_a_form_is_sent_as_browsers_do(server):
    check = HttpCheck(url=Template(f"http://127.0.0.1:{server}/login"),
                      form={"user": Template("a&b"), "pass word": Template("${env:P}")})  # fmt: skip
    seen = probe(check, wanted=SEEN, environ={"P": "ü=1"})
    assert (
        seen.values["body"] == "POST /login application/x-www-form-urlencoded user=a%26b&pass+word=%C3%BC%3D1"
    )
    assert "--data-urlencode 'user=a&b'" in curl_line(check)
    assert "-X" not in curl_line(check)


def test_the_bytes_of_a_file_are_sent(server, tmp_path):
    (tmp_path / "order.xml").write_bytes(b"<a>\n\x00${env:P}")
    check = HttpCheck(url=Template(f"http://127.0.0.1:{server}/orders"), method="POST", body_file="order.xml",
                      headers={"Content-Type": Template("text/xml")})  # fmt: skip
    seen = probe(check, wanted=SEEN, root=tmp_path)
    assert seen.values["body"] == "POST /orders text/xml <a>\n\x00${env:P}"
    assert "--data-binary @order.xml" in curl_line(check)


def test_a_file_that_is_not_there_is_our_fault(server, tmp_path):
    check = HttpCheck(url=Template(f"http://127.0.0.1:{server}/"), method="POST", body_file="order.xml")
    failure = probe(check, wanted=SEEN, root=tmp_path).failure
    assert failure.cause is Cause.PERMISSION
    assert failure.message == (
        "`order.xml` cannot be sent: No such file or directory; name a file that is there"
    )


def test_what_could_not_be_read_soon_is_not_sent(server, tmp_path):
    """A pipe that nobody writes to would stop all requests, and not only its own."""
    os.mkfifo(tmp_path / "pipe")
    # Its opening does not wait where somebody has it open to write; red is a test that fails, not one that hangs.
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    threading.Timer(1.0, os.close, [writer]).start()
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 100_000_001)
    for name in ("pipe", "large", "."):
        check = HttpCheck(url=Template(f"http://127.0.0.1:{server}/"), method="POST", body_file=name)
        words = f"the request cannot be made: `{name}` is no file of at most 100 MB; name one that is"
        failure = probe(check, wanted=SEEN, root=tmp_path).failure
        assert failure == Failure(Cause.UNSUPPORTED, words)


def test_what_cannot_even_be_written_down_stops_nobody_else(server):
    """A half of a surrogate pair, as a variable of the environment may hold it, has no bytes."""
    loop, seen = Loop(2), []
    for body in ("${env:P}", "fine"):
        check = HttpCheck(url=Template(f"http://127.0.0.1:{server}/"), method="POST", body=Template(body))
        check.start(ask_for(check, wanted=SEEN, environ={"P": "\udc80"}), loop, seen.append)
    loop.run()
    assert [one.failure.cause if one.failure else one.values["status"] for one in seen] == [
        Cause.UNSUPPORTED,
        200,
    ]


@pytest.mark.parametrize(
    ("url", "version", "option"),
    [
        ("https://example.com/", "1.1", "--http1.1"),
        ("https://example.com/", "2", "--http2"),
        ("http://example.com/", "2", "--http2-prior-knowledge"),
        ("https://example.com/", "3", "--http3-only"),
    ],
)
def test_the_line_for_curl_asks_for_the_same_version(url, version, option):
    assert f" {option} " in curl_line(HttpCheck(url=Template(url), version=version))


def test_a_proxy_is_asked_for_the_whole_address(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "*")
    through = HttpCheck(url=Template("http://shop.invalid/x"), proxy=Template(f"http://127.0.0.1:{server}"))
    assert probe(through, wanted=SEEN).values["body"] == "GET http://shop.invalid/x - "
    assert f"-x http://127.0.0.1:{server}" in curl_line(through)
    direct = HttpCheck(url=Template(f"http://127.0.0.1:{server}/x"))
    assert probe(direct, wanted=SEEN).values["body"] == "GET /x - "


def test_a_proxy_that_is_not_there_is_told():
    check = HttpCheck(url=Template("http://shop.invalid/x"), proxy=Template("http://127.0.0.1:1"))
    assert probe(check, wanted=SEEN).failure.cause is Cause.REFUSED


def test_a_socket_of_the_machine_is_asked(tmp_path):
    class Server(Unpolled, socketserver.UnixStreamServer):
        def get_request(self):
            request, _ = super().get_request()
            return request, ("here", 0)

    with Server(str(tmp_path / "s"), Echo) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        check = HttpCheck(url=Template("http://docker/v1/info"), unix_socket="s")
        assert probe(check, wanted=SEEN, root=tmp_path).values["body"] == "GET /v1/info - "
        assert "--unix-socket s" in curl_line(check)
        one.shutdown()
    gone = probe(HttpCheck(url=Template("http://docker/"), unix_socket="no-such"), wanted=SEEN, root=tmp_path)
    assert gone.failure is not None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"form": {"a": Template("b")}, "body": Template("c")}, "form"),
        ({"body": Template("c"), "body_file": "b"}, "body_file"),
        ({"proxy": Template("proxy:3128")}, "proxy"),
        ({"proxy": Template("http://p:1"), "unix_socket": "s"}, "proxy"),
        ({"redirects": 3, "unix_socket": "s"}, "redirects"),
    ],
)
def test_what_cannot_work_is_told(fields, field):
    check = HttpCheck(url=Template("http://example.com/"), **fields)
    assert [name for name, _ in check.problems()] == [field]
