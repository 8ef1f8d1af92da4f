"""Many HTTP checks as whole processes: 1,000 fast ones against a bare libcurl loop, slow ones, 10,000, and loading."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
OPSCTL = str(Path(sys.executable).with_name("opsctl"))
BARE = """
import sys, pycurl
url, number = sys.argv[1], int(sys.argv[2])
multi, free, left = pycurl.CurlMulti(), [pycurl.Curl() for _ in range(64)], number
running = 0
while left or running:
    while left and free:
        one = free.pop(); one.reset()
        one.setopt(pycurl.URL, url); one.setopt(pycurl.WRITEFUNCTION, len)
        one.setopt(pycurl.FRESH_CONNECT, 1); one.setopt(pycurl.FORBID_REUSE, 1)
        multi.add_handle(one); left -= 1; running += 1
    multi.perform()
    more = 1
    while more:
        more, done, failed = multi.info_read()
        assert not failed
        for one in done:
            multi.remove_handle(one); free.append(one); running -= 1
    if running: multi.select(0.1)
"""
NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; events {{ worker_connections 4096; }}
http {{ access_log off; server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "ok"; }} }}
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d;
  scgi_temp_path {folder}/e; }}
"""


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def seconds(argv: list[str], folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(argv, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def median(argv: list[str], folder: Path, rounds: int = 5) -> float:
    seconds(argv, folder)
    return statistics.median(seconds(argv, folder) for _ in range(rounds))


def workspace(folder: Path, url: str, number: int) -> Path:
    """A workspace of `number` checks in services of ten, spread over files as a team would."""
    (folder / "services").mkdir(parents=True, exist_ok=True)
    (folder / "opsctl.yaml").write_text("version: 1\nname: Bench\n")
    for file in range(0, number, 1000):
        lines = ["services:"]
        for service in range(file, min(file + 1000, number), 10):
            lines.append(f"  s{service}:\n    owner: bench\n    checks:")
            lines += [f"      c{check}: {{http: '{url}', expect: [status == 200]}}" for check in range(10)]
        (folder / "services" / f"{file}.yaml").write_text("\n".join(lines) + "\n")
    return folder


def slow_server(delay: float) -> int:
    """A server that answers after `delay` seconds, however many ask."""
    port = free_port()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(delay)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=4096)
        async with server:
            await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    time.sleep(0.5)
    return port


def large(folder: Path) -> Path:
    """1,000 services with 3,000 checks of three types in one-file-a-hundred, to load and validate."""
    (folder / "services").mkdir(parents=True)
    (folder / "opsctl.yaml").write_text("version: 1\nname: Bench\n")
    for file in range(10):
        lines = ["services:"]
        for service in range(100):
            name = f"s{file}-{service}"
            lines += [
                f"  {name}:\n    owner: team-{service % 7}\n    tier: high\n    tags: [prod]\n    checks:",
                f"      health: {{http: 'https://{name}.example.com/healthz', expect: [status == 200, latency < 500ms]}}",
                f"      certificate: {{tls: '{name}.example.com:443', expect: [expires_in > 14d]}}",
                f"      port: {{tcp: '{name}.example.com:443'}}",
            ]
        (folder / "services" / f"{file}.yaml").write_text("\n".join(lines) + "\n")
    return folder


def main() -> None:
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if nginx is None:
        sys.exit("nginx is needed for this benchmark; install it")
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        port = free_port()
        (top / "nginx.conf").write_text(NGINX.format(folder=top, port=port))
        server = subprocess.Popen(
            [nginx, "-p", name, "-c", str(top / "nginx.conf")], stderr=subprocess.DEVNULL
        )
        time.sleep(0.5)
        try:
            url = f"http://127.0.0.1:{port}/"
            one = median([OPSCTL, "check"], workspace(top / "one", url, 1))
            bare = median([sys.executable, "-c", BARE, url, "1000"], top)
            many = median([OPSCTL, "check"], workspace(top / "many", url, 1000))
            print(f"bare libcurl loop, 1,000 requests    {bare:6.3f} s")
            print(f"opsctl check, 1 check                {one:6.3f} s")
            print(
                f"opsctl check, 1,000 checks           {many:6.3f} s  {many / (bare + one):5.2f} x (bare loop + start-up)"
            )
            ten = median([OPSCTL, "check"], workspace(top / "ten", url, 10_000), rounds=1)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(
                f"opsctl check, 10,000 checks          {ten:6.3f} s  {ten / many:5.2f} x 1,000 checks, peak {peak:.0f} MiB"
            )
        finally:
            server.terminate()
            server.wait()
        slow = median(
            [OPSCTL, "check"],
            workspace(top / "slow", f"http://127.0.0.1:{slow_server(0.2)}/", 1000),
            rounds=3,
        )
        print(f"opsctl check, 1,000 checks at 200 ms {slow:6.3f} s")
        floor = median([OPSCTL, "--version"], top)
        load = median([OPSCTL, "validate"], large(top / "large"))
        print(f"opsctl validate, 3,000 checks        {load:6.3f} s  {load - floor:6.3f} s beyond `--version`")


if __name__ == "__main__":
    main()
