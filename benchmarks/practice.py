"""A gate of 1,000 items and a runbook of 500 steps: what opsctl adds to each, beyond the work itself."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environment import ENVIRONMENT

OPSCTL = str(Path(sys.executable).with_name("opsctl"))
ITEMS, STEPS = 1000, 500


def fill(folder: Path) -> None:
    items = "\n".join(f"      i{number}: {{text: There, file: opsctl.yaml}}" for number in range(ITEMS))
    notes = "\n".join(f"      - {{note: step {number}}}" for number in range(STEPS))
    runs = "\n".join(f"      - {{run: ['true'], id: r{number}}}" for number in range(STEPS))
    (folder / "opsctl.yaml").write_text(
        "version: 1\nname: Bench\nservices: {a: {checks: {c: {file: /}}}}\n"
        f"checklists:\n  many:\n    title: Many\n    items:\n{items}\n"
        f"runbooks:\n  notes:\n    title: Notes\n    steps:\n{notes}\n"
        f"  commands:\n    title: Commands\n    steps:\n{runs}\n"
    )


def seconds(*arguments: str, folder: Path) -> float:
    started = time.perf_counter()
    done = subprocess.run(arguments, cwd=folder, env=ENVIRONMENT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-300:]
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        anew = statistics.median(seconds(OPSCTL, "validate", folder=folder) for _ in range(3))
        start = statistics.median(seconds(OPSCTL, "runbook", "list", folder=folder) for _ in range(3))
        floor = statistics.median(seconds("true", folder=folder) for _ in range(200))
        print(f"{'reading the workspace anew':<40} {anew:6.2f} s")
        print(f"{'start-up: opsctl runbook list':<40} {start:6.2f} s")
        print(f"{'a command by itself':<40} {1000 * floor:6.2f} ms")
        for words, number, work in (
            (("gate", "many", "--subject", "v1"), ITEMS, 0.0),
            (("runbook", "run", "notes"), STEPS, 0.0),
            (("runbook", "run", "commands"), STEPS, floor),
        ):
            took = statistics.median(seconds(OPSCTL, *words, folder=folder) for _ in range(3))
            each = 1000 * ((took - start) / number - work)
            print(
                f"{'opsctl ' + ' '.join(words):<40} {took:6.2f} s, {each:5.2f} ms an item or step beyond its work"
            )


if __name__ == "__main__":
    main()
