"""The template `aws-platform` as its tests ask for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from templates.aws_platform import known, servers
from templates.aws_platform.workspace import Shop, committed, forget_trust
from templates.unhurried import unhurried


@pytest.fixture
def shop(opsctl, tmp_path_factory, certificates, web_tls, monkeypatch):
    made = Shop(opsctl, tmp_path_factory.mktemp("aws"))
    conditions = made.conditions
    github = servers.server(lambda asked: servers.github(asked, made.conditions["github"], made.dispatch))
    messages = servers.server(
        lambda asked: (
            servers.pagerduty(asked, made.conditions["pagerduty"])
            if asked.path == "/v2/enqueue"
            else servers.slack(asked, made.conditions["slack"])
        )
    )
    tls = web_tls("good")
    tls.next = lambda asked: servers.site(asked, made.conditions["site"], made.conditions["outside"])
    made.messages, made.github = messages, github
    host, port = "127.0.0.1", tls.port
    values = {
        "domain": host, "staging_domain": host, "development_domain": host, "port": port, "uptime_host": f"{host}:{port}",
        "application": "shop", "search_term": "chair", "sample": "1001", "region": known.REGION,
        "recovery_region": known.RECOVERY, "aws_profile": known.PROFILE, "load_balancer": known.BALANCER,
        "database": "shop", "bucket": "shop-uploads", "sample_object": "images/sample.jpg", "backup_bucket": "shop-backups",
        "topic": f"arn:aws:sns:{known.REGION}:{known.ACCOUNT}:ops", "repository": known.REPOSITORY,
        "github_api": github.url, "pagerduty_events": messages.url, "operations_lead": "alice", "platform_lead": "bob",
        "development_lead": "carol", "auditor": "dave",
    }  # fmt: skip
    here = Path(sys.executable).parent
    made.env = {
        "PATH": os.pathsep.join([str(made.world.folder), str(here), os.environ["PATH"]]),
        "AWS_ACCESS_KEY_ID": known.KEY, "AWS_SECRET_ACCESS_KEY": known.SECRET_KEY, "GITHUB_TOKEN": known.GITHUB_TOKEN,
        "SLACK_WEBHOOK_URL": f"{messages.url}/services/T0/B0/secret-of-slack", "PAGERDUTY_ROUTING_KEY": known.ROUTING_KEY,
    }  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    forget_trust()
    said = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    ran = made("init", "--template", "aws-platform", "--name", "Shop", *said)
    assert ran.code == 0, ran.err
    for folder in ("cdk", "terraform", "ansible"):
        (made.path / "infrastructure" / folder).mkdir(parents=True)
    committed(made.path)
    unhurried(made.path)
    assert set(conditions) == set(made.conditions)
    yield made
    github.close()
    messages.close()
    forget_trust()
