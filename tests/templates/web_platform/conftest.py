"""The template `web-platform` as its tests ask for it: its vendors, its workspace, and a version that may be released."""

from __future__ import annotations

import os
import ssl
import subprocess

import pytest
from templates.web_platform.others import webhook
from templates.web_platform.vendor import PAGE, PROJECT, REF, TABLE, TEAM, Vendor
from templates.web_platform.workspace import ALICE, BOB, CHAT, PLAIN, TLS, Platform, programs_in

from opsctl import trust


@pytest.fixture
def vendors(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.certificate, certificates.good.key)
    found = {name: Vendor(speak, context) for name, speak in TLS.items()}
    found |= {name: Vendor(speak) for name, speak in PLAIN.items()}
    found |= {name: Vendor(webhook) for name in CHAT}
    yield found
    for one in found.values():
        one.close()


@pytest.fixture
def platform(opsctl, vendors, certificates, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    trust.trusted_certificates.cache_clear()
    values = {
        "domain": vendors["site"].host,
        "page_says": PAGE.split()[-1],
        "owner": ALICE,
        "vercel_project": PROJECT,
        "vercel_team": TEAM,
        "supabase_ref": REF,
        "supabase_host": vendors["project"].host,
        "supabase_table": TABLE,
        "n8n_host": vendors["n8n"].host,
        "logs_host": vendors["logs"].host,
        "vercel_api": vendors["vercel"].url,
        "supabase_api": vendors["supabase"].url,
        "vercel_status": vendors["vercel_status"].url,
        "supabase_status": vendors["supabase_status"].url,
        # However busy this machine is, no answer is late.
        "page_within": "10m",
        "row_within": "10m",
    }
    given = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    assert opsctl("init", "--template", "web-platform", "--name", "Site", *given).code == 0
    (opsctl.path / "infra").mkdir()
    folder = programs_in(tmp_path_factory.mktemp("programs") / "bin", certificates.ca, vendors["site"].host)
    made = Platform(opsctl, vendors, folder)
    made.copy_of_the_database(hours=5)
    yield made
    trust.trusted_certificates.cache_clear()


@pytest.fixture
def release(platform):
    """A commit of Bob's with the tag v1.4.2 in a repository that has v1.4.1, and a rollback that was drilled."""

    def git(*words):
        who = {"GIT_AUTHOR_NAME": "bob", "GIT_AUTHOR_EMAIL": BOB}
        who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
        subprocess.run(
            ["git", *words], cwd=platform.path, env={**os.environ, **who}, check=True, capture_output=True
        )

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "before")
    git("tag", "v1.4.1")
    (platform.path / "CHANGELOG.md").write_text("# 1.4.2\n")
    platform.edit("docs/configuration.md", "## Environments", "More.\n\n## Environments")
    git("add", ".")
    git("commit", "-q", "-m", "after")
    git("tag", "v1.4.2")
    return platform
