"""A workspace that claims a little of everything, and all of it shown."""

from __future__ import annotations

import json

WORKSPACE = """
    version: 1
    name: Shop
    docs: README.md
    roles: {release-manager: [alice, bob]}
    services:
      api:
        owner: platform
        tier: critical
        tags: [prod]
        runbook: restart
        checks:
          ready: {file: run/ready, every: 5m}
    checklists:
      go:
        title: Go
        owner: releases
        items:
          there: {text: It is there, file: run/there}
          told: {text: All were told, sign: release-manager, valid_for: 24h, owner: desk}
          tried: {text: Tried out, file: no.such, shadow: true}
    runbooks:
      restart:
        title: Restart
        owner: platform
        drill_every: 30d
        steps: [{id: look, run: ["test", "-e", run/there]}]
    routines:
      morning:
        title: Morning
        owner: desk
        tags: [daily]
        schedule: daily at 09:00
        steps: [{run: ["test", "-e", run/there]}]
"""
README = "---\nowner: docs\nreview_every: 90d\n---\n# Shop\n"
ALICE = {"OPSCTL_ACTOR": "alice"}
FRIDAY, SATURDAY = "2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z"


def prove(shop, now=FRIDAY):
    """Show everything that the workspace claims."""
    assert shop("check", now=now).code == 0
    assert shop("runbook", "drill", "restart", now=now).code == 0
    assert shop("checklist", "sign", "go", "told", "--subject", "v1", now=now).code == 0
    assert shop("gate", "go", "--subject", "v1", now=now).code == 0
    assert shop("routine", "run", "--due", now="2026-11-20T08:00:00Z").code in {0, 3}
    assert shop("routine", "run", "--due", now=now).code == 0
    assert shop("docs", "review", "README.md", now=now).code == 0


def states(shop, *selectors, now=FRIDAY, at=None):
    more = ["--at", at] if at else []
    ran = shop("practice", *selectors, *more, "-o", "json", now=now)
    return {one["name"]: one["state"] for one in json.loads(ran.out)["claims"]}
