"""The workspace of the template `web-platform`, all its addresses and secrets those of the vendors beside it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from datetime import datetime
from pathlib import Path

from templates.web_platform.n8n import n8n
from templates.web_platform.others import loki, site, statuspage
from templates.web_platform.supabase import supabase_management, supabase_project
from templates.web_platform.vendor import ANON_KEY, LOGS_TOKEN, N8N_KEY, SUPABASE_TOKEN, VERCEL_TOKEN
from templates.web_platform.vercel import vercel

# A Thursday, on which no freeze is.
NOW = "2026-11-19T12:00:00Z"
ALICE, BOB = "alice@example.com", "bob@example.com"
TLS = {"site": site, "project": supabase_project, "n8n": n8n, "logs": loki}
PLAIN = {
    "vercel": vercel,
    "supabase": supabase_management,
    "vercel_status": statuspage,
    "supabase_status": statuspage,
}
CHAT = ("chat", "teams")
STUBS = {
    "vercel": 'case "$1" in deploy) echo "https://$SITE";; esac',
    "supabase": """\
for last; do :; done
case "$*" in
*--role-only*) echo 'CREATE ROLE "app";' >"$last" ;;
*--data-only*) { seq 1 500; echo 'RESET ALL;'; } >"$last" ;;
"db dump"*) echo 'CREATE TABLE "categories" ();' >"$last" ;;
esac
""",
    "tofu": """\
case "$*" in
*-out=drift.tfplan*) echo plan >"${1#-chdir=}/drift.tfplan" ;;
esac
code=$(cat "$HERE/tofu.exit" 2>/dev/null || echo 0)
case "$*" in *plan*) [ "$code" = 1 ] && echo "Error: no valid credential" >&2; exit "$code" ;; esac
""",
    "psql": "echo 120",
    "npm": 'exit "$(cat "$HERE/npm.exit" 2>/dev/null || echo 0)"',
}


class Platform:
    """A workspace made of the template, all its addresses and secrets those of the vendors beside it.

    `calls()` are the commands of vendors that were run, with their arguments.
    """

    def __init__(self, opsctl, vendors, programs):
        self.opsctl, self.vendors, self.programs, self.path = opsctl, vendors, programs, opsctl.path
        self.env = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "VERCEL_TOKEN": VERCEL_TOKEN,
            "VERCEL_AUTOMATION_BYPASS_SECRET": "bypass-of-the-tests",
            "SUPABASE_ACCESS_TOKEN": SUPABASE_TOKEN,
            "SUPABASE_ANON_KEY": ANON_KEY,
            "SUPABASE_DB_PASSWORD": "database-of-the-tests",
            "SCRATCH_DB_PASSWORD": "scratch-of-the-tests",
            "N8N_API_KEY": N8N_KEY,
            "LOGS_TOKEN": LOGS_TOKEN,
            "SLACK_WEBHOOK_URL": f"{vendors['chat'].url}/services/T0/B0/secret",
            "TEAMS_WEBHOOK_URL": f"{vendors['teams'].url}/workflows/secret?sig=secret",
        }

    def __call__(self, *arguments, who=ALICE, now=NOW, **env):
        return self.opsctl(*arguments, env={**self.env, "OPSCTL_ACTOR": who, **env}, now=now)

    def become(self, condition, *names):
        for name in names or self.vendors:
            self.vendors[name].condition = condition

    def states(self, *selectors, **how):
        """The exit code of `opsctl check`, and the state of every check."""
        ran = self("check", *selectors, "--no-record", "-o", "json", **how)
        return ran.code, {one["check"]: one["state"] for one in json.loads(ran.out)["checks"]}

    def verdicts(self, checklist, *arguments, subject="v1.4.2", **how):
        """The exit code of a gate, and the verdict of every item."""
        ran = self(
            "gate", checklist, "--subject", subject, "--env", "production", "-o", "json", *arguments, **how
        )
        return ran.code, {one["id"]: one["verdict"] for one in json.loads(ran.out)["items"]}

    def sign(self, checklist, *items, subject="v1.4.2", **how):
        for item in items:
            ran = self(
                "checklist", "sign", checklist, item, "--subject", subject, "--evidence", "seen", **how
            )
            assert ran.code == 0, ran.err

    def edit(self, name, old, new):
        text = (self.path / name).read_text()
        assert old in text
        (self.path / name).write_text(text.replace(old, new))

    def calls(self, program=""):
        log = self.programs / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in lines if line.startswith(program)]

    def said(self):
        """What was written into the chat."""
        return [
            json.loads(one.body).get("text", "a card") for name in CHAT for one in self.vendors[name].journal
        ]

    def copy_of_the_database(self, hours):
        """Our own copy of the database, so old."""
        copy = self.path / "backups/data-2026-11-19.sql"
        copy.parent.mkdir(exist_ok=True)
        copy.write_text("\n".join(["1"] * 600) + "\nRESET ALL;\n")
        at = datetime.fromisoformat(NOW).timestamp() - hours * 3600
        os.utime(copy, (at, at))


def programs_in(folder, ca, host):
    """Programs that trust the tests' certificates, and stand-ins for the vendors' own."""
    folder.mkdir()
    real = {
        "python3": sys.executable,
        "curl": shutil.which("curl") or "curl",
        "opsctl": f"{sys.executable} -m opsctl",
    }
    here = Path(__file__).resolve().parents[3]
    for name, command in real.items():
        trusting = f"SSL_CERT_FILE={ca} CURL_CA_BUNDLE={ca} PYTHONPATH={here}"
        _script(folder / name, f'{trusting} exec {command} "$@"\n')
    for name, does in STUBS.items():
        _script(
            folder / name, f'HERE={folder} SITE={host}\nprintf "%s\\n" "{name} $*" >>"$HERE/calls"\n{does}\n'
        )
    return folder


def _script(path, text):
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


def drill(platform, now="2026-11-01T10:00:00Z"):
    drilled = platform(
        "runbook", "drill", "rollback-web", "--set", "back_again=yes", "--env", "production", now=now
    )
    assert drilled.code == 0, drilled.out + drilled.err


MANUAL = {"reviewed", "flag", "announced"}
REQUEST = ("scope", "risk", "evidence", "rollback", "window", "approved")
