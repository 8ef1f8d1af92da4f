"""Start-up as ratios: `--version` and one recorded local HTTP check against `python -c "import typer"`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROUNDS = 15
# Without byte code every start would compile the sources, which an installed package never does.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Ok(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_arguments: object) -> None:
        pass


def seconds(argv: list[str], folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(argv, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)
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
            "import typer": [sys.executable, "-c", "import typer"],
            "opsctl --version": [*opsctl, "--version"],
            "one recorded check": [*opsctl, "check"],
            "status": [*opsctl, "status"],
        }
        times: dict[str, list[float]] = {label: [] for label in measured}
        for argv in measured.values():
            seconds(argv, folder)
        for _ in range(ROUNDS):
            for label, argv in measured.items():
                times[label].append(seconds(argv, folder))
    floor = statistics.median(times["import typer"])
    for label, found in times.items():
        median = statistics.median(found)
        print(f"{label:<20} {median * 1000:6.1f} ms  {median / floor:5.2f} x import typer")


if __name__ == "__main__":
    main()
