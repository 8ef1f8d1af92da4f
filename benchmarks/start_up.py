"""Start-up as ratios: what cron runs, with one local HTTP check, against `python -c "import typer"`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from environment import ANEW, ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUNDS = 15


class Ok(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_arguments: object) -> None:
        pass


def seconds(argv: list[str], folder: Path, environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(argv, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ok)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"http://127.0.0.1:{server.server_port}/"
        text = f"version: 1\nname: Bench\nservices: {{web: {{checks: {{ok: {{http: '{url}'}}}}}}}}\n"
        (folder / "opsctl.yaml").write_text(text)
        opsctl = [str(Path(sys.executable).with_name("opsctl"))]
        measured = {
            "import typer": ([sys.executable, "-c", "import typer"], ENVIRONMENT),
            "opsctl --version": ([*opsctl, "--version"], ENVIRONMENT),
            "one recorded check": ([*opsctl, "check"], ENVIRONMENT),
            "its workspace read anew": ([*opsctl, "check"], ANEW),
            "status": ([*opsctl, "status"], ENVIRONMENT),
            "routine run --due --quiet": ([*opsctl, "routine", "run", "--due", "--quiet"], ENVIRONMENT),
        }
        times: dict[str, list[float]] = {label: [] for label in measured}
        for argv, environment in measured.values():
            seconds(argv, folder, environment)
        for _ in range(ROUNDS):
            for label, (argv, environment) in measured.items():
                times[label].append(seconds(argv, folder, environment))
    floor = statistics.median(times["import typer"])
    for label, found in times.items():
        median = statistics.median(found)
        print(f"{label:<20} {median * 1000:6.1f} ms  {median / floor:5.2f} x import typer")


if __name__ == "__main__":
    main()
