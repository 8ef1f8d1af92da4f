"""A workspace with one runbook, and steps that note in a file that they were done."""

from __future__ import annotations

HEAD = """
    version: 1
    name: Shop
    roles: {lead: [bob]}
    services:
      api:
        checks:
          ready: {file: opsctl.yaml}
"""
ALICE, BOB = {"OPSCTL_ACTOR": "alice"}, {"OPSCTL_ACTOR": "bob"}
NOW = "2026-11-20T12:00:00Z"


def undo(word):
    return f", undo: {{run: [sh, -c, 'echo un{word} >>log']}}"


KILLED = """[sh, -c, 'test -e killed-{0} || {{ touch killed-{0}; {1} kill -9 $PPID; exec sleep 5; }}; {2}']"""
MISSING = "{id: a, run: [sh, -c, 'echo charged >>log; exit 1'], on_failure: continue, capture: {v: {pattern: '(.*)'}}}"
