"""What is exported, run by the tools it is for: Prometheus' promtool and the blackbox exporter."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import urllib.parse
import urllib.request
from typing import NamedTuple

import pytest
import yaml
from servers import HOST, free_port, listens, program, running
from web import Answer

from opsctl.workspace import load_workspace

SHOP = """
    version: 1
    name: Shop
    services:
      web:
        title: "The shop {{ x }}"
        owner: platform
        tier: critical
        checks:
          page: {http: "https://shop.example.com/health", fail_after: 3, every: 1m}
      box:
        tier: low
        checks: {disk: {disk: /}}
"""
CHECK = 'check="web/page"'
ALERT = """
        - exp_labels: {severity: critical, check: web/page, service: web, tier: critical, owner: platform}
          exp_annotations: {summary: web/page is not up, description: "The shop {{ x }}"}
"""


def promtool(opsctl, *arguments):
    return subprocess.run([program("promtool"), *arguments], cwd=opsctl.path, capture_output=True, text=True,
                          check=False)  # fmt: skip


@pytest.fixture
def rules(opsctl):
    program("promtool")
    opsctl.write("opsctl.yaml", SHOP)
    assert opsctl("export", "prometheus-rules", "--out", "rules.yml").code == 0
    return opsctl


def test_promtool_finds_nothing_wrong(rules):
    done = promtool(rules, "check", "rules", "rules.yml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "SUCCESS: 2 rules found" in done.stdout


@pytest.mark.parametrize(
    ("series", "quiet", "firing"),
    [
        # It fires one interval after the first sample that is not up.
        ([f"opsctl_check_up{{{CHECK}}} 1x4 0x12", f"opsctl_check_last_run_timestamp_seconds{{{CHECK}}} 0+30x16"],
         "2m30s", "3m30s"),
        # Nobody runs the checks any more: the last run was at one minute, and is too old after two more.
        ([f"opsctl_check_up{{{CHECK}}} 1x16", f"opsctl_check_last_run_timestamp_seconds{{{CHECK}}} 0 30 60x14"],
         "3m30s", "4m30s"),
        # The check is gone.
        ([f"opsctl_check_up{{{CHECK}}} 1x4 stale", f"opsctl_check_last_run_timestamp_seconds{{{CHECK}}} 0+30x4 stale"],
         "3m", "4m"),
        # Nothing was ever written.
        ([], "30s", "1m30s"),
    ],
)  # fmt: skip
def test_the_alert_fires_in_prometheus(rules, series, quiet, firing):
    inputs = [dict(zip(("series", "values"), one.split(" ", 1), strict=True)) for one in series]
    rules.write("test.yml", f"""
        rule_files: [rules.yml]
        evaluation_interval: 30s
        tests:
        - interval: 30s
          input_series: {json.dumps(inputs)}
          alert_rule_test:
          - {{eval_time: {quiet}, alertname: OpsctlCheckNotUp, exp_alerts: []}}
          - {{eval_time: {firing}, alertname: OpsctlCheckNotUp, exp_alerts: [ALERT]}}
        """.replace("ALERT", json.dumps(yaml.safe_load(ALERT)[0])))  # fmt: skip
    rules("export", "prometheus-rules", "web/*", "--out", "rules.yml")
    done = promtool(rules, "test", "rules", "test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_in_maintenance_the_alert_does_not_fire_in_prometheus(rules):
    rules.write("test.yml", f"""
        rule_files: [rules.yml]
        evaluation_interval: 30s
        tests:
        - interval: 30s
          input_series: [{{series: 'opsctl_check_maintenance{{{CHECK},service="web"}}', values: 1x20}}]
          alert_rule_test: [{{eval_time: 10m, alertname: OpsctlCheckNotUp, exp_alerts: []}}]
        """)  # fmt: skip
    rules("export", "prometheus-rules", "web/*", "--out", "rules.yml")
    done = promtool(rules, "test", "rules", "test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


class World(NamedTuple):
    """A workspace whose checks meet real servers, some of which are as they should be."""

    opsctl: object
    well: set[str]


CHECKS = """
    version: 1
    name: Real
    services:
      web:
        checks:
          up: {http: WEB/ok}
          status: {http: WEB/failing}
          accepted: {http: WEB/failing, expect: ['status in [500, 503]']}
          words: {http: WEB/ok, expect: [status == 200, 'body contains "all is well"', 'header.x-shop == "a"']}
          other-words: {http: WEB/ok, expect: [status == 200, 'body contains "a (well)"']}
          bad-words: {http: WEB/ok, expect: [status == 200, 'not body contains "well"']}
          no-header: {http: WEB/ok, expect: [status == 200, 'header.x-gone exists']}
          redirected: {http: WEB/moved, expect: [status == 302]}
          followed: {http: {url: WEB/moved, redirects: 10}}
          login: {http: {url: WEB/private, basic: {username: bob, password: "${file:SECRET}"}}}
          no-login: {http: WEB/private}
          refused: {http: "http://127.0.0.1:CLOSED/"}
          secure: {http: {url: GOOD/ok, ca: CA}, expect: [status == 200]}
          insecure: {http: {url: EXPIRED/ok, verify: false}, expect: [status == 200]}
          expired: {http: {url: EXPIRED/ok, ca: CA}, expect: [status == 200]}
          untrusted: {http: GOOD/ok, expect: [status == 200]}
      ports:
        checks:
          open: {tcp: "127.0.0.1:OPEN"}
          closed: {tcp: "127.0.0.1:CLOSED"}
          pong: {tcp: {address: "127.0.0.1:OPEN", send: "PING\\n", until: "(?m)^.PONG"}, expect: [matched == true]}
          no-pong: {tcp: {address: "127.0.0.1:OPEN", send: "PING\\n", until: PANG}, expect: [matched == true], timeout: 300ms}
          tls: {tls: {address: TLSGOOD, ca: CA}, expect: [valid == true]}
          tls-expired: {tls: {address: TLSEXPIRED, ca: CA}, expect: [valid == true]}
          tls-name: {tls: {address: TLSGOOD, ca: CA, server_name: shop.example.com}, expect: [valid == true]}
          mail: {tls: {address: "127.0.0.1:SMTP", ca: CA, starttls: smtp}, expect: [valid == true]}
          mail-untrusted: {tls: {address: "127.0.0.1:SMTP", starttls: smtp}, expect: [valid == true]}
          no-mail: {tls: {address: "127.0.0.1:OPEN", ca: CA, starttls: smtp}, expect: [valid == true], timeout: 300ms}
      names:
        checks:
          there: {dns: {name: www.example.test, resolver: "127.0.0.1:DNS"}, expect: ['rcode == "NOERROR"', count > 0]}
          gone: {dns: {name: gone.example.test, resolver: "127.0.0.1:DNS"}, expect: ['rcode == "NOERROR"', count > 0]}
          none: {dns: {name: www.example.test, type: MX, resolver: "127.0.0.1:DNS"}, expect: ['rcode == "NOERROR"', count > 0]}
          wanted: {dns: {name: gone.example.test, resolver: "127.0.0.1:DNS"}, expect: ['rcode == "NXDOMAIN"']}
    defaults: {check: {retries: 0, timeout: 3s}}
"""
WELL = {
    "web/up", "web/accepted", "web/words", "web/redirected", "web/followed", "web/login", "web/secure", "web/insecure",
    "ports/open", "ports/pong", "ports/tls", "ports/mail", "names/there", "names/wanted",
}  # fmt: skip


@pytest.fixture
def world(opsctl, web, nginx, redis_server, smtp_server, dns_server, certificates):
    web.answer("/ok", Answer(body=b"all is well\n", headers={"X-Shop": "a"}))
    web.answer("/failing", Answer(status=503))
    web.redirect("/moved", "/ok")
    web.answer("/private", Answer(auth="bob:s3cret"))
    opsctl.write("secret", "s3cret")
    places = {
        "WEB": web.url, "SECRET": str(opsctl.path / "secret"), "CA": str(certificates.ca), "CLOSED": str(free_port()),
        "OPEN": str(redis_server.port), "SMTP": str(smtp_server.port), "DNS": str(dns_server.port),
        "TLSGOOD": nginx.good.removeprefix("https://"), "TLSEXPIRED": nginx.expired.removeprefix("https://"),
        "GOOD": nginx.good, "EXPIRED": nginx.expired,
    }  # fmt: skip
    return opsctl.write(
        "opsctl.yaml", re.sub(r"\b[A-Z]+\b", lambda found: places.get(found[0], found[0]), CHECKS)
    )


@pytest.fixture
def exporter(world, tmp_path_factory):
    binary = program("prometheus-blackbox-exporter")
    ran = world("export", "blackbox", "--out", "blackbox.yml")
    assert ran.code == 0, ran.err
    config = str(world.path / "blackbox.yml")
    done = subprocess.run(
        [binary, "--config.check", f"--config.file={config}"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    port = free_port()
    argv = [binary, f"--config.file={config}", f"--web.listen-address={HOST}:{port}"]
    with running(argv, tmp_path_factory.mktemp("blackbox") / "blackbox.log", lambda: listens(port)):
        yield f"http://{HOST}:{port}"


def test_the_blackbox_exporter_says_what_opsctl_says(world, exporter):
    ran = world("check", "-o", "json", "--no-record")
    here = {one["check"]: one["seen"] == "up" for one in json.loads(ran.out)["checks"]}
    assert {name for name, up in here.items() if up} == WELL
    targets = world("export", "blackbox-targets")
    assert targets.code == 0
    there = {}
    for group in yaml.safe_load(targets.out):
        module = group["labels"]["__param_module"]
        asked = urllib.parse.urlencode({"module": module, "target": group["targets"][0]})
        with urllib.request.urlopen(f"{exporter}/probe?{asked}", timeout=30) as answer:
            there[module] = "\nprobe_success 1\n" in answer.read().decode()
    assert there == here


def test_what_the_blackbox_exporter_gets_comes_back(world):
    modules = yaml.safe_load(world("export", "blackbox").out)
    jobs = [
        {"job_name": group["labels"]["__param_module"].replace("/", "-"), "scrape_interval": "300s",
         "params": {"module": [group["labels"]["__param_module"]]}, "static_configs": [{"targets": group["targets"]}]}
        for group in yaml.safe_load(world("export", "blackbox-targets").out)
    ]  # fmt: skip
    world.write("joined.yml", yaml.safe_dump(modules | {"scrape_configs": jobs}))
    known = {
        name.replace("/", "-"): check
        for name, (_, check) in load_workspace(world.path, os.environ).checks().items()
    }
    (world.path / "services").mkdir()
    ran = world("import", "blackbox", "joined.yml", "--out", "services/back.yaml")
    assert ran.code == 0, ran.err
    world.write("opsctl.yaml", "version: 1\nname: Back\n")
    back = {service.id: check for service, check in load_workspace(world.path, os.environ).checks().values()}
    assert {name: _of(check) for name, check in back.items()} == {
        name: _of(check) for name, check in known.items()
    }


def _of(check):
    """What it asks and expects, with as many redirects as any."""
    kind = dataclasses.asdict(check.kind)
    kind |= {"redirects": bool(kind["redirects"])} if "redirects" in kind else {}
    return check.type, kind, [str(one) for one in check.expect], check.timeout, check.every
