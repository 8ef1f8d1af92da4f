"""The same requests by opsctl, `curl --parallel`, check_http and blackbox_exporter, where those are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

from many import ENVIRONMENT, NGINX, OPSCTL, free_port, slow_server, workspace

PLACES = os.environ["PATH"] + ":/usr/sbin:/usr/lib/nagios/plugins:/usr/lib64/nagios/plugins"


class Cost(NamedTuple):
    """What a program took: wall and CPU seconds, and its peak of memory in MiB."""

    wall: float
    cpu: float
    memory: float


def cost(argv: list[str], folder: Path) -> Cost:
    started = time.perf_counter()
    child = subprocess.Popen(
        argv, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Cost(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def best(argv: list[str], folder: Path, rounds: int = 5) -> Cost:
    return min(cost(argv, folder) for _ in range(rounds))


def curl_of(program: str, folder: Path, url: str, number: int) -> list[str]:
    """One curl that makes all requests, so many at once as it allows."""
    lines = "".join(f'url = "{url}?{one}"\noutput = "/dev/null"\n' for one in range(number))
    (folder / "curl.conf").write_text(lines)
    return [program, "-sS", "--parallel", "--parallel-max", "300", "-K", str(folder / "curl.conf")]


def loop_of(program: str, url: str, number: int) -> list[str]:
    """A process for each check, one after the other, as a monitoring system starts them."""
    port, host = url.rstrip("/").rpartition(":")[2], "127.0.0.1"
    return ["sh", "-c", f"for i in $(seq {number}); do {program} -H {host} -p {port} -e 200 >/dev/null; done"]


def show(name: str, number: int, found: Cost) -> None:
    each = 1e6 * found.cpu / number
    rate = number / found.wall
    print(
        f"{name:<34} {number:>6} {found.wall:8.3f} s {rate:9.0f} /s {each:9.0f} us CPU each {found.memory:6.0f} MiB"
    )


def compare(folder: Path, url: str, number: int, title: str) -> None:
    print(f"{title}:")
    show(
        "opsctl check, recorded",
        number,
        best([OPSCTL, "check"], workspace(folder / f"w{number}{len(title)}", url, number)),
    )
    if (curl := shutil.which("curl", path=PLACES)) is not None:
        show("curl --parallel", number, best(curl_of(curl, folder, url, number), folder))
    if (plugin := shutil.which("check_http", path=PLACES)) is not None and number <= 1000:
        few = min(number, 100)
        show("check_http, a process each", few, best(loop_of(plugin, url, few), folder, 2))


def main() -> None:
    nginx = shutil.which("nginx", path=PLACES)
    if nginx is None:
        sys.exit("nginx is needed for this benchmark; install it")
    with tempfile.TemporaryDirectory() as name:
        top, port = Path(name), free_port()
        (top / "nginx.conf").write_text(NGINX.format(folder=top, port=port))
        server = subprocess.Popen(
            [nginx, "-p", name, "-c", str(top / "nginx.conf")], stderr=subprocess.DEVNULL
        )
        time.sleep(0.5)
        try:
            for number in (1, 100, 1000, 10_000):
                compare(top, f"http://127.0.0.1:{port}/", number, f"{number} fast")
        finally:
            server.terminate()
            server.wait()
        compare(top, f"http://127.0.0.1:{slow_server(0.2)}/", 1000, "1,000 that take 200 ms")
    for tool in ("goss", "blackbox_exporter"):
        if shutil.which(tool, path=PLACES) is None:
            print(f"{tool} is not installed, and was not compared")


if __name__ == "__main__":
    main()
