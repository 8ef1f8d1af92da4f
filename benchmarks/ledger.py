"""`incident list`, `search` and `report weekly` on 100,000 events and 10,000 incidents, beyond start-up."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environment import ENVIRONMENT

from opsctl.ledger.events import Actor
from opsctl.store.ledger import deciding
from opsctl.store.opening import open_store

OPSCTL = str(Path(sys.executable).with_name("opsctl"))
INCIDENTS, NOTES = 10_000, 7
NOW = 1_800_000_000.0
# Over two years: some hundred began in the week that is reported.
EVERY = 2 * 365 * 86400.0 / INCIDENTS
WORDS = ("connection", "pool", "replica", "timeout", "certificate", "disk", "queue", "deploy", "cache", "lag")


def fill(folder: Path) -> None:
    services = "\n".join(f"  s{number}: {{checks: {{c: {{file: /}}}}}}" for number in range(20))
    (folder / "opsctl.yaml").write_text(f"version: 1\nname: Bench\nservices:\n{services}\n")
    with open_store(folder / ".opsctl" / "opsctl.db", write=True) as store:
        store.db.execute("PRAGMA synchronous = OFF")
        for number in range(INCIDENTS):
            at = NOW - (INCIDENTS - number) * EVERY
            with deciding(store, Actor("bench", "host", "opsctl"), at) as ledger:
                incident(ledger, number, at)


def incident(ledger, number, at) -> None:  # type: ignore[no-untyped-def]
    subject = ledger.name("INC")
    words = f"{WORDS[number % 10]} {WORDS[number // 10 % 10]} {number}"
    severity = f"sev{number % 4 + 1}"
    body = {
        "title": words,
        "severity": severity,
        "services": [f"s{number % 20}"],
        "detected": at,
        "impact_started": at,
    }
    ledger.append("incident.opened", subject, body, at)
    ledger.append("incident.acknowledged", subject, {}, at + 60)
    for note in range(NOTES):
        text = f"{WORDS[(number + note) % 10]} seen by {note}"
        ledger.append("incident.noted", subject, {"text": text}, at + 60 * note)
    if number < INCIDENTS - 20:
        ledger.append("incident.resolved", subject, {"impact_ended": at + 3000}, at + 3600)
        ledger.append("review.waived", f"PIR-{number + 1}", {"reason": "bench"}, at + 3700)


def seconds(*arguments: str, folder: Path) -> float:
    started = time.perf_counter()
    environment = {**ENVIRONMENT, "OPSCTL_NOW": "2027-01-15T08:00:00Z"}
    subprocess.run([OPSCTL, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        first = seconds("search", "replica", folder=folder)
        print(f"{'search, the first time':<42} {first:6.2f} s")
        start = statistics.median(seconds("incident", "--help", folder=folder) for _ in range(5))
        print(f"{'start-up (incident --help)':<42} {start:6.2f} s")
        for arguments in (
            ("incident", "list"),
            ("incident", "list", "--all"),
            ("search", "connection", "pool"),
            ("report", "weekly"),
            ("report", "weekly", "-o", "html"),
            ("incident", "show", "5000"),
            ("log",),
        ):
            took = statistics.median(seconds(*arguments, folder=folder) for _ in range(5))
            print(
                f"{'opsctl ' + ' '.join(arguments):<42} {took:6.2f} s, {took - start:5.2f} s beyond start-up"
            )


if __name__ == "__main__":
    main()
