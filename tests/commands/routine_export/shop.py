"""A workspace with routines of every kind of schedule, for other schedulers."""

from __future__ import annotations

SHOP = """
    version: 1
    name: Shop
    timezone: Europe/Berlin
    services: {api: {checks: {ready: {file: opsctl.yaml}}}}
    runbooks: {deploy: {title: Deploy, steps: [{id: go, run: ["true"]}]}}
    routines:
      morning: {title: "Morning\\nroutine", schedule: [daily at 09:00, weekdays at 14:30], steps: [{check: all}]}
      night: {title: Night work 100%, schedule: daily at 02:30, steps: [{check: all}]}
      access.review: {title: Review, schedule: first working day of the quarter at 10:00, steps: [{check: all}]}
      after: {title: After, timezone: UTC, schedule: 24h after runbook deploy, steps: [{check: all}]}
"""
