"""The `http` check over QUIC, against a real server of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading

import pytest
from certificates import FAR
from checks.probe import NOW, probe
from servers import HOST, free_port

from opsctl.checks.http import HttpCheck
from opsctl.outcome import Cause
from opsctl.secrets import Template


@pytest.fixture(scope="module")
def quic(certificates):
    """The address of a server that answers over HTTP/3, and over nothing else."""
    from aioquic.asyncio import QuicConnectionProtocol, serve
    from aioquic.h3.connection import H3_ALPN, H3Connection
    from aioquic.h3.events import DataReceived, HeadersReceived
    from aioquic.quic.configuration import QuicConfiguration
    from aioquic.quic.events import ProtocolNegotiated

    class Talk(QuicConnectionProtocol):
        http = None

        def quic_event_received(self, event):
            if isinstance(event, ProtocolNegotiated):
                self.http = H3Connection(self._quic)
            for one in self.http.handle_event(event) if self.http else ():
                if isinstance(one, HeadersReceived):
                    self.asked = {name.decode(): value.decode() for name, value in one.headers}
                if isinstance(one, HeadersReceived | DataReceived) and one.stream_ended:
                    self.http.send_headers(one.stream_id, [(b":status", b"200"), (b"x-seen", b"yes")])
                    self.http.send_data(one.stream_id, json.dumps(self.asked).encode(), end_stream=True)
                    self.transmit()

    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(certificates.good.certificate, certificates.good.key)
    port, loop, ready = free_port(), asyncio.new_event_loop(), threading.Event()

    async def main():
        server = await serve(HOST, port, configuration=configuration, create_protocol=Talk)
        ready.set()
        try:
            await asyncio.Future()
        finally:
            server.close()

    task = loop.create_task(main())

    def run():
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield f"https://{HOST}:{port}"
    loop.call_soon_threadsafe(task.cancel)
    thread.join(10)


def look(url, certificates, **fields):
    fields.setdefault("ca", str(certificates.ca))
    return probe(HttpCheck(url=Template(url), version="3", **fields), timeout=5.0)


def test_an_answer_over_quic(quic, certificates):
    seen = look(f"{quic}/ready", certificates, method="POST", body=Template("hello"))
    assert seen.failure is None
    values = seen.values
    assert (values["status"], values["version"], values["header.x-seen"]) == (200, "3", "yes")
    assert (values["json"][":path"], values["json"][":method"]) == ("/ready", "POST")
    assert values["expires_in"] == pytest.approx(FAR.timestamp() - NOW)


def test_a_certificate_is_verified_there_too(quic, certificates):
    assert look(quic, certificates, ca=str(certificates.untrusted.certificate)).failure.cause is Cause.TLS


def test_nothing_falls_back_to_tcp(web, quic, certificates):
    # The server of HTTP/1.1 is there, and nobody of HTTP/3.
    seen = look(web.url.replace("http:", "https:"), certificates)
    assert seen.values == {}
    assert seen.failure is not None
    assert not web.requests


@pytest.mark.parametrize("more", ["proxy: 'http://p:1'", "unix_socket: /s", "redirects: 0"])
def test_what_cannot_go_over_quic_is_refused(opsctl, more):
    url = "http://h/" if more == "redirects: 0" else "https://h/"
    text = f"version: 1\nname: S\nservices: {{s: {{checks: {{u: {{http: {{url: '{url}', version: '3', {more}}}}}}}}}}}\n"
    ran = opsctl.write("opsctl.yaml", text)("validate")
    assert ran.code == 5
    assert "version 3 goes by UDP and TLS" in ran.out
