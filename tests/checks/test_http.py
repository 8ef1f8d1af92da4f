"""The `http` check against real servers: a scripted one, and nginx over TLS with HTTP/2."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from checks.peers import accepting, resetting
from named_pipes import pipe
from servers import free_port
from web import Answer

from opsctl.checks.http import Basic, HttpCheck
from opsctl.curl_line import curl_line
from opsctl.expectations import parse
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template
from opsctl.strict_json import keys_of
from tests.checks.probe import probe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opsctl.outcome import Observation


def check(url: str, **fields: object) -> HttpCheck:
    return HttpCheck(url=Template(url), **fields)  # type: ignore[arg-type]


def evidence(seen: Observation) -> Mapping[str, object]:
    return seen.evidence() if callable(seen.evidence) else seen.evidence


def test_an_answer_has_its_status_body_json_headers_and_timings(web):
    body = b'{"status": "ok", "flag": true}'
    url = web.answer("/h", Answer(200, body, {"Content-Type": "application/json", "X-Twice": "a"}))
    seen = probe(check(url))
    assert seen.failure is None
    assert seen.values["status"] == 200
    assert seen.values["json"] == {"status": "ok", "flag": True}
    assert seen.values["body"] == body.decode()
    assert seen.values["header.x-twice"] == "a"
    assert seen.values["size"] == len(body)
    assert seen.values["version"] == "1.1"
    assert (seen.values["url"], seen.values["redirects"]) == (url, 0)
    assert set(seen.phases) == {"dns", "connect", "wait", "transfer"}
    assert 0 <= seen.values["latency.first_byte"] <= seen.values["latency"]
    assert "latency.tls" not in seen.values
    assert "expires_in" not in seen.values


def test_what_nobody_wants_is_not_worked_out(web):
    seen = probe(check(web.answer("/h", Answer(200, b"{}"))), wanted=frozenset({"status"}))
    assert set(seen.values) == {"status", "latency", "size"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_method_with_headers_and_body_arrives_as_written(web, method):
    fields = {
        "headers": {"X-Key": Template("${env:KEY}")},
        "body": Template("a=${env:KEY}"),
        "method": method,
    }
    probe(check(f"{web.url}/echo", **fields), environ={"KEY": "k-e-y"})
    (asked,) = web.requests
    assert (asked.method, asked.headers["x-key"], asked.body) == (method, "k-e-y", b"a=k-e-y")


def test_head_has_no_body(web):
    seen = probe(check(web.answer("/h", Answer(200, b"")), method="HEAD"))
    assert (seen.values["status"], web.requests[0].method) == (200, "HEAD")


def test_basic_and_bearer_authentication(web):
    url = web.answer("/h", Answer(auth="me:pass word"))
    good = Basic(username=Template("me"), password=Template("${env:PW}"))
    assert probe(check(url, basic=good), environ={"PW": "pass word"}).values["status"] == 200
    assert probe(check(url, basic=good), environ={"PW": "wrong"}).values["status"] == 401
    probe(check(f"{web.url}/echo", bearer=Template("${env:T}")), environ={"T": "tok"})
    assert web.requests[-1].headers["authorization"] == "Bearer tok"


def test_a_secret_that_is_not_there_is_our_fault_and_nothing_is_sent(web):
    seen = probe(check(f"{web.url}/echo", bearer=Template("${env:NOPE}")))
    assert seen.failure is not None
    assert (seen.failure.cause, seen.values, web.requests) == (Cause.SECRET, {}, [])


def test_a_secret_cannot_add_headers(web):
    probe(check(f"{web.url}/echo", headers={"X-A": Template("${env:V}")}), environ={"V": "a\r\nX-Evil: 1"})
    assert "x-evil" not in web.requests[0].headers


def test_html_in_place_of_json_leaves_json_unseen(web):
    seen = probe(check(web.answer("/h", Answer(200, b"<html>down for maintenance</html>"))))
    assert "json" not in seen.values


@pytest.mark.parametrize("body", [b"NaN", b"[" * 100_000, b"", b"\xff\xfe"])
def test_what_is_no_json_is_unseen_and_no_fault(web, body):
    seen = probe(check(web.answer("/h", Answer(200, body))))
    assert seen.failure is None
    assert "json" not in seen.values


TWICE = "JSON in which `status` stands twice in one object"


@pytest.mark.parametrize(
    ("body", "path", "untold"),
    [
        (b'{"status": "down", "status": "ok"}', "json.status", True),
        (b'{"status": "ok", "status": "ok"}', "json.status", True),
        (b'{"status": "ok", "s\\u0074atus": "ok"}', "json.status", True),
        ('{"status": "down", "status": "ok"}'.encode("utf-16"), "json.status", True),
        (b'{"a": [{"status": "ok", "status": "ok"}]}', "any(json.a[*].status)", True),
        (b'{"status": {"a": 1}, "status": {"a": 2}}', "json.status.a", True),
        (b'{"status": "ok", "parts": [{"status": "ok"}, {"status": "\\u0061"}]}', "json.status", False),
        (b'{"status": "ok", "a": 1, "a": 2, "parts": [{"status": "ok"}]}', "json.status", False),
        (b'{"status": "the \\"status\\": status, \\u00e4"}', "json.status", False),
        (b'{"a/b": 1, "a\\/b": 1}', 'json["a/b"]', True),
    ],
)
def test_a_key_that_stands_twice_is_not_told_where_an_expectation_leads_through_it(web, body, path, untold):
    keys = keys_of([parse(f"{path} == 1", HttpCheck.SUBJECTS)])
    seen = probe(check(web.answer("/h", Answer(200, body))), keys=keys)
    twice = TWICE.replace("status", "a/b") if "/" in path else TWICE
    assert (seen.failure, seen.untold, "json" in seen.values) == (
        None, {"json": twice} if untold else {}, not untold,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "expectation", "exit_code"),
    [
        (200, 'json.status == "ok"', 3), (200, 'json.status != "down"', 3), (200, "not json.status exists", 3),
        (200, "json exists", 0), (502, 'json.status == "ok"', 1),
    ],
)  # fmt: skip
def test_a_key_that_stands_twice_is_unknown_and_hides_nothing_else(opsctl, web, code, expectation, exit_code):
    url = web.answer("/h", Answer(code, b'{"status": "down", "status": "ok"}'))
    check = {"http": url, "expect": ["status == 200", expectation]}
    document = {"version": 1, "name": "Shop", "services": {"api": {"checks": {"health": check}}}}
    opsctl.write("opsctl.yaml", json.dumps(document))
    ran = opsctl("check", "-o", "json")
    (result,) = json.loads(ran.out)["checks"]
    told = f"{expectation} (could not tell: {TWICE})"
    found = {0: result["message"], 1: f"status == 200 (found 502), {told}", 3: told}
    assert (ran.code, result["message"]) == (exit_code, found[exit_code])


def test_a_compressed_answer_that_nobody_asked_for_is_not_unpacked(web):
    packed = gzip.compress(b"x" * 1_000_000)
    seen = probe(check(web.answer("/h", Answer(200, packed, {"Content-Encoding": "gzip"}))))
    assert "body" not in seen.values
    assert seen.values["size"] == len(packed)


def test_a_redirect_is_not_followed_unless_asked(web):
    web.answer("/b", Answer(200, b"there"))
    url = web.redirect("/a", "/b")
    assert probe(check(url)).values["status"] == 302
    seen = probe(check(url, redirects=1))
    assert (seen.values["status"], seen.values["redirects"], seen.values["url"]) == (200, 1, f"{web.url}/b")


def test_too_many_redirects_are_a_failure(web):
    seen = probe(check(web.redirect("/a", "/a"), redirects=3))
    assert seen.failure is not None
    assert seen.failure.cause is Cause.REDIRECT
    assert len(web.requests) == 4


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"])
def test_a_redirect_to_another_protocol_is_a_failure(web, to):
    seen = probe(check(web.redirect("/a", to), redirects=3))
    assert seen.failure is not None
    assert "status" not in seen.values


@pytest.fixture
def other(certificates: object) -> Iterator[object]:
    from web import Web

    assert certificates
    server = Web()
    yield server
    server.close()


def test_credentials_and_headers_do_not_go_to_another_origin(web, other):
    url = web.redirect("/a", f"{other.url}/echo")
    probe(check(url, redirects=2, bearer=Template("tok"), headers={"X-Api-Key": Template("k")}))
    assert web.requests[0].headers["authorization"] == "Bearer tok"
    (asked,) = other.requests
    assert not {"authorization", "x-api-key", "cookie"} & set(asked.headers)


def test_a_body_is_not_sent_to_another_origin(web, other):
    url = web.redirect("/a", f"{other.url}/echo", 307)
    seen = probe(check(url, redirects=2, method="POST", body=Template("secret")))
    assert seen.failure is not None
    assert (seen.failure.cause, other.requests) == (Cause.REDIRECT, [])


def test_within_one_origin_credentials_are_kept(web):
    probe(check(web.redirect("/a", "/echo"), redirects=1, bearer=Template("tok")))
    assert web.requests[1].headers["authorization"] == "Bearer tok"


def test_a_body_over_the_cap_is_too_large(web):
    seen = probe(check(web.answer("/h", Answer(200, b"x" * 200_000)), max_body=100_000))
    assert seen.failure is not None
    assert (seen.failure.cause, "body" in seen.values) == (Cause.TOO_LARGE, False)


def test_a_refused_port_has_no_values_at_all():
    seen = probe(check(f"http://127.0.0.1:{free_port()}/"))
    assert seen.failure is not None
    assert (seen.failure.cause, seen.values) == (Cause.REFUSED, {})


def test_a_connection_that_is_reset_is_no_unreachable_host_however_early_it_comes():
    with accepting(resetting) as address:
        causes = {probe(check(f"http://{address}/")).failure.cause for _ in range(100)}
    assert causes == {Cause.RESET}


def test_a_name_that_does_not_exist_is_dns():
    seen = probe(check("http://does-not-exist.invalid/"))
    assert seen.failure is not None
    assert (seen.failure.cause, seen.values) == (Cause.DNS, {})


def scripted(say: object) -> int:
    """A socket that does with its one visitor what `say` does."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        visitor, _ = listener.accept()
        with listener, visitor:
            visitor.recv(65536)
            say(visitor)  # type: ignore[operator]

    threading.Thread(target=serve, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def drip(start: bytes, piece: bytes, pause: float = 0.02) -> object:
    def say(visitor: socket.socket) -> None:
        try:
            visitor.sendall(start)
            while True:
                visitor.sendall(piece)
                time.sleep(pause)
        except OSError:
            pass

    return say


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "say",
    [
        drip(b"", b""),
        drip(HEAD, b"X-Drip: 1\r\n"),
        drip(HEAD + b"\r\n", b"x"),
        drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    ],
    ids=["silence", "headers", "body", "1xx"],
)
def test_nothing_outlasts_the_deadline(say):
    seen = probe(check(f"http://127.0.0.1:{scripted(say)}/"), timeout=0.4)
    assert seen.failure is not None
    assert seen.failure.cause is Cause.TIMEOUT
    assert "status" not in seen.values


def test_endless_headers_and_bodies_are_stopped():
    body, heads = drip(HEAD + b"\r\n", b"x" * 65536, 0), drip(HEAD, b"X: " + b"y" * 8000 + b"\r\n", 0)
    endless = probe(check(f"http://127.0.0.1:{scripted(body)}/"), timeout=20)
    headers = probe(check(f"http://127.0.0.1:{scripted(heads)}/"), timeout=20)
    assert endless.failure is not None
    assert endless.failure.cause is Cause.TOO_LARGE
    assert headers.failure is not None
    assert "status" not in headers.values


@pytest.mark.parametrize("said", [b"", b"hello\r\n\r\n", HEAD + b"Content-Length: 10\r\n\r\nabc"])
def test_a_broken_answer_is_a_failure(said):
    seen = probe(check(f"http://127.0.0.1:{scripted(lambda visitor: visitor.sendall(said))}/"))
    assert seen.failure is not None
    assert "status" not in seen.values


def test_https_with_a_trusted_certificate_tells_when_it_expires(web_tls, certificates):
    server = web_tls("good")
    seen = probe(check(server.answer("/h", Answer()), ca=str(certificates.ca)), now=time.time())
    assert seen.failure is None
    assert seen.values["expires_in"] > 0
    assert "tls" in seen.phases


@pytest.mark.parametrize("kind", ["expired", "wrong_host", "self_signed", "untrusted"])
def test_https_with_a_bad_certificate_is_a_matter_of_tls(web_tls, certificates, kind):
    server = web_tls(kind)
    url = server.answer("/h", Answer())
    seen = probe(check(url, ca=str(certificates.ca)))
    assert seen.failure is not None
    assert (seen.failure.cause, seen.values) == (Cause.TLS, {})
    assert probe(check(url, verify=False)).values["status"] == 200


def test_a_client_certificate_is_shown(web_tls, certificates):
    server = web_tls("good", client=True)
    url = server.answer("/h", Answer())
    pair = {"certificate": str(certificates.client.certificate), "key": str(certificates.client.key)}
    assert probe(check(url, ca=str(certificates.ca), **pair)).values["status"] == 200
    assert probe(check(url, ca=str(certificates.ca))).failure is not None


def test_a_missing_trust_file_is_our_fault(web_tls):
    seen = probe(check(web_tls("good").answer("/h", Answer()), ca="nowhere.pem"))
    assert seen.failure is not None
    assert seen.failure.cause.ours


@pytest.mark.parametrize("field", ["ca", "certificate", "key"])
def test_a_pipe_in_place_of_a_certificate_holds_up_no_request(web_tls, certificates, tmp_path, field):
    pipe(tmp_path / "pipe")
    pair = {"certificate": str(certificates.client.certificate), "key": str(certificates.client.key)}
    files = {"ca": str(certificates.ca), **pair, field: "pipe"}
    url = web_tls("good", client=True).answer("/h", Answer())
    words = "the request cannot be made: `pipe` is a pipe, which may wait for ever to be written to"
    assert probe(check(url, **files), root=tmp_path).failure == Failure(
        Cause.UNSUPPORTED, f"{words}; name a regular file"
    )


def test_nginx_speaks_http_2_and_1_1(nginx, certificates):
    ca = str(certificates.ca)
    assert probe(check(nginx.good, ca=ca)).values["version"] == "2"
    assert probe(check(nginx.good, ca=ca, version="1.1")).values["version"] == "1.1"
    assert probe(check(nginx.url)).values["version"] == "1.1"


def test_evidence_is_redacted_and_holds_the_start_of_the_body(web):
    headers = {"Set-Cookie": "session=abc", "Server": "x"}
    seen = probe(check(web.answer("/h", Answer(500, b"broken " * 5000, headers))))
    shown = evidence(seen)
    assert shown["headers"]["set-cookie"] == "(redacted)"
    assert shown["body"].startswith("broken broken")
    assert shown["body_cut"] is True
    assert "abc" not in json.dumps(shown)


def test_the_curl_line_has_references_in_place_of_secrets():
    asked = check(
        "https://x.test/a?b=1&c=2",
        method="POST",
        headers={"X-Key": Template("${env:KEY}")},
        body=Template("it's"),
        bearer=Template("${file:token}"),
        redirects=2,
        verify=False,
    )
    assert curl_line(asked) == (
        "curl -sS -i -m 10 -X POST -L --max-redirs 2 -H 'Authorization: Bearer '\"$(cat token)\"'' "
        "-H 'X-Key: '\"${KEY}\"'' --data-binary 'it'\"'\"'s' -k 'https://x.test/a?b=1&c=2'"
    )


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": "ftp://x/"}, "url"),
        ({"url": "nonsense"}, "url"),
        ({"url": "http://me:pw@x/"}, "url"),
        ({"url": "http://x/", "key": "k.pem"}, "key"),
        (
            {
                "url": "http://x/",
                "bearer": Template("a"),
                "basic": Basic(username=Template("a"), password=Template("b")),
            },
            "bearer",
        ),
    ],
)
def test_what_cannot_work_is_a_problem_of_its_field(fields, field):
    fields = {**fields, "url": Template(fields["url"])}
    assert [name for name, _ in HttpCheck(**fields).problems()] == [field]
    assert Path()
