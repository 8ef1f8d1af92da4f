"""The template `edge-platform` as its tests ask for it: its workspace, and steps that do not wait."""

from __future__ import annotations

import ssl

import pytest
from templates.edge_platform.workspace import Edge

from opsctl import trust


@pytest.fixture
def edge(opsctl, certificates, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    trust.trusted_certificates.cache_clear()
    trust.handshake_context.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.certificate, certificates.good.key)
    made = Edge(opsctl, tmp_path_factory.mktemp("edge"), certificates.ca, context)
    yield made
    made.close()
    trust.trusted_certificates.cache_clear()
    trust.handshake_context.cache_clear()


@pytest.fixture
def hasty(monkeypatch):
    """A step that waits for a check looks once."""
    monkeypatch.setattr("opsctl.steps.check._PAUSE", 10**6)
