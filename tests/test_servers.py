"""The tests' own servers do what the tests believe of them."""

from __future__ import annotations

import json
import mailbox
import os
import smtplib
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pycurl
import pytest
import servers
from servers import listens, program, running
from web import Answer


def fetched(url, *, context=None, method="GET", data=None, headers=None):
    request = urllib.request.Request(url, data, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def trusting(certificates):
    return ssl.create_default_context(cafile=certificates.ca)


@pytest.mark.parametrize("code", [code for code in servers.STATUSES if code != 204])
def test_nginx_answers_with_the_status_asked_for(nginx, code):
    assert fetched(f"{nginx.url}/status/{code}") == (code, f"{code}\n".encode())


def test_nginx_serves_its_pages(nginx):
    large = b"0123456789abcdef" * 65536
    assert fetched(f"{nginx.url}/ok") == (200, b"ok\n")
    assert fetched(f"{nginx.url}/json") == (200, b'{"status": "ok", "count": 3}\n')
    assert fetched(f"{nginx.url}/redirect") == (200, b"ok\n")
    assert fetched(f"{nginx.url}/large") == (200, large)
    assert fetched(f"{nginx.url}/auth")[0] == 401
    assert fetched(f"{nginx.url}/auth", headers={"Authorization": "Basic dXNlcjpzZWNyZXQ="}) == (200, large)
    assert fetched(f"{nginx.url}/gone")[0] == 502
    with urllib.request.urlopen(
        urllib.request.Request(f"{nginx.url}/gzip", headers={"Accept-Encoding": "gzip"})
    ) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"


def test_nginx_speaks_http_2_over_tls(nginx, certificates):
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, f"{nginx.good}/ok")
    handle.setopt(pycurl.CAINFO, str(certificates.ca))
    body = []
    handle.setopt(pycurl.WRITEFUNCTION, body.append)
    handle.perform()
    assert (handle.getinfo(pycurl.INFO_HTTP_VERSION), body) == (pycurl.CURL_HTTP_VERSION_2_0, [b"ok\n"])
    handle.close()


@pytest.mark.parametrize("kind", ["good", "chained", "soon"])
def test_nginx_and_web_are_trusted_with_a_valid_certificate(nginx, web_tls, certificates, kind):
    assert fetched(f"{getattr(nginx, kind)}/ok", context=trusting(certificates)) == (200, b"ok\n")
    assert fetched(web_tls(kind).answer("/x", Answer()), context=trusting(certificates)) == (200, b"ok\n")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("expired", "certificate has expired"),
        ("wrong_host", "IP address mismatch"),
        ("self_signed", "self-signed certificate"),
        ("untrusted", "unable to get local issuer certificate"),
        ("incomplete", "unable to get local issuer certificate"),
    ],
)
def test_nginx_and_web_are_not_trusted_with_a_bad_certificate(nginx, web_tls, certificates, kind, reason):
    for url in (getattr(nginx, kind), web_tls(kind).url):
        with pytest.raises(urllib.error.URLError, match=reason):
            fetched(url, context=trusting(certificates))


def test_a_client_certificate_is_wanted_where_it_should_be(nginx, web_tls, certificates):
    known = trusting(certificates)
    known.load_cert_chain(*certificates.client)
    own = web_tls(client=True)
    own.answer("/ok", Answer())
    for url in (nginx.client, own.url):
        assert fetched(f"{url}/ok", context=known) == (200, b"ok\n")
    assert fetched(f"{nginx.client}/ok", context=trusting(certificates))[0] == 400
    with pytest.raises((urllib.error.URLError, ssl.SSLError, ConnectionError)):
        fetched(f"{own.url}/ok", context=trusting(certificates))


def test_web_answers_in_turn_and_repeats_the_last(web):
    url = web.answer("/flaky", Answer(503, b"no"), Answer(200, b"yes"))
    assert [fetched(url) for _ in range(3)] == [(503, b"no"), (200, b"yes"), (200, b"yes")]
    assert fetched(f"{web.url}/unknown") == (404, b"not found\n")


def test_web_remembers_and_echoes_what_it_was_asked(web):
    status, body = fetched(f"{web.url}/echo?a=1", method="POST", data=b"hello", headers={"X-One": "1"})
    told = json.loads(body)
    assert (status, told["method"], told["path"], told["body"], told["headers"]["x-one"]) == (
        200,
        "POST",
        "/echo?a=1",
        "hello",
        "1",
    )
    assert [(asked.method, asked.body) for asked in web.requests] == [("POST", b"hello")]


def test_web_asks_for_a_password_compresses_and_redirects(web):
    web.answer("/private", Answer(auth="user:secret"))
    assert fetched(f"{web.url}/private") == (401, b"who are you?\n")
    assert fetched(f"{web.url}/private", headers={"Authorization": "Basic dXNlcjpzZWNyZXQ="})[0] == 200
    web.answer("/packed", Answer(body=b"x" * 1000, gzip=True))
    assert fetched(f"{web.url}/packed")[1][:2] == b"\x1f\x8b"
    assert fetched(web.redirect("/old", "/echo"))[0] == 200


def test_web_can_be_slow_broken_or_endless(web):
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(web.answer("/hang", Answer(delay=600)), timeout=0.2)
    dripping = web.answer("/drip", Answer(body=b"abcdef", drip=600))
    with urllib.request.urlopen(dripping, timeout=0.2) as slow, pytest.raises(TimeoutError):
        slow.read()
    with socket.create_connection(("127.0.0.1", web.port)) as raw:
        web.answer("/raw", Answer(raw=b"no HTTP at all"))
        raw.sendall(b"GET /raw HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.makefile("rb").read() == b"no HTTP at all"


def test_redis_answers(redis_server):
    with socket.create_connection(("127.0.0.1", redis_server.port)) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(100) == b"+PONG\r\n"


@pytest.mark.parametrize(
    ("password", "code", "out"), [("secret", 0, "app\n"), ("wrong", 2, "")], ids=["right", "wrong"]
)
def test_postgres_lets_the_application_in_with_its_password_only(postgres_server, password, code, out):
    argv = [program("psql", "usr/lib/postgresql/*/bin"), "-qXAt", "-h", "127.0.0.1", "-U", "app"]
    done = subprocess.run(
        [*argv, "-p", str(postgres_server.port), "-c", "select current_user", "postgres"],
        env={**os.environ, "PGPASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, out)


@pytest.mark.parametrize("ask", [dns.query.udp, dns.query.tcp], ids=["udp", "tcp"])
@pytest.mark.parametrize(
    ("name", "kind", "code", "answers"),
    [
        ("www.example.test", "A", "NOERROR", ["192.0.2.10"]),
        ("www.example.test", "AAAA", "NOERROR", ["2001:db8::10"]),
        ("many.example.test", "A", "NOERROR", ["192.0.2.1", "192.0.2.2"]),
        ("alias.example.test", "CNAME", "NOERROR", ["www.example.test."]),
        ("alias.example.test", "A", "NOERROR", ["192.0.2.10", "www.example.test."]),
        ("example.test", "MX", "NOERROR", ["10 mail.example.test."]),
        ("example.test", "TXT", "NOERROR", ['"v=spf1 -all"']),
        ("example.test", "CAA", "NOERROR", ['0 issue "ca.example"']),
        ("_sip._tcp.example.test", "SRV", "NOERROR", ["1 2 5060 www.example.test."]),
        ("10.2.0.192.in-addr.arpa", "PTR", "NOERROR", ["www.example.test."]),
        ("www.example.test", "TXT", "NOERROR", []),
        ("missing.example.test", "A", "NXDOMAIN", []),
        ("elsewhere.test", "A", "REFUSED", []),
    ],
)
def test_dns_knows_its_zone(dns_server, ask, name, kind, code, answers):
    answer = ask(dns.message.make_query(name, kind), "127.0.0.1", 5, dns_server.port)
    assert dns.rcode.to_text(answer.rcode()) == code
    assert sorted(str(record) for found in answer.answer for record in found) == answers


def test_smtp_keeps_what_it_is_sent_over_starttls(smtp_server, certificates):
    with smtplib.SMTP("127.0.0.1", smtp_server.port, timeout=10) as client:
        client.starttls(context=trusting(certificates))
        client.sendmail("a@example.test", ["b@example.test"], "Subject: it works\n\nhello\n")
    kept = mailbox.Maildir(smtp_server.mailbox)
    assert [(mail["Subject"], mail["X-RcptTo"]) for mail in kept] == [("it works", "b@example.test")]


def test_a_server_ends_with_all_its_processes(tmp_path):
    port = servers.free_port()
    script = (
        "import socket, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        f"listener = socket.create_server(('127.0.0.1', {port}))\n"
        "time.sleep(600)\n"
    )
    log = tmp_path / "log"
    with running([sys.executable, "-c", script], log, lambda: listens(port)) as child:
        pid = int(log.read_text())
    assert child.returncode == -15
    assert not listens(port)
    # The signal is sent, and the kernel takes a moment to end whoever is not our child.
    until = time.monotonic() + servers.PATIENCE
    while not _ended(pid):
        assert time.monotonic() < until
        time.sleep(0.01)


def _ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def test_a_server_that_cannot_start_fails_with_its_log(tmp_path):
    argv = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    with (
        pytest.raises(pytest.fail.Exception, match="ended with 1\nno such thing"),
        running(argv, tmp_path / "log", lambda: False),
    ):
        pass


def test_a_program_that_is_absent_skips_and_fails_where_servers_are_required(monkeypatch):
    monkeypatch.delenv("OPSCTL_REQUIRE_SERVERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-server is not installed"):
        program("no-such-server")
    monkeypatch.setenv("OPSCTL_REQUIRE_SERVERS", "1")
    with pytest.raises(pytest.fail.Exception, match="OPSCTL_REQUIRE_SERVERS is set"):
        program("no-such-server")
