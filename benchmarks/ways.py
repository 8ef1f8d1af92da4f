"""How each program makes a number of requests as its users would have it make them, and what that costs."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import servers
from environment import ANEW, ENVIRONMENT
from many import OPSCTL, workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

BARE = str(Path(__file__).with_name("bare.py"))
PLACES = os.environ["PATH"] + ":/usr/sbin:/usr/lib/nagios/plugins:/usr/lib64/nagios/plugins"
# A child's peak of memory holds its parent's at the start, so the parent is small: no peak is below its 10 MiB.
LAUNCH = """
import os, sys, time
nowhere = os.open("/dev/null", os.O_WRONLY)
began = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[
    (os.POSIX_SPAWN_DUP2, nowhere, 1), (os.POSIX_SPAWN_DUP2, nowhere, 2)])
_, status, used = os.wait4(child, 0)
took = time.perf_counter() - began
print(os.waitstatus_to_exitcode(status), took, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """What a program took: wall and CPU seconds, its peak of memory in MiB, and the CPU seconds of its client."""

    wall: float
    cpu: float
    memory: float
    client: float = 0.0


class FailedError(Exception):
    """A round that does not count, and why."""


class Way(NamedTuple):
    """A program, how it makes `number` requests to an address, the most that it is asked for, and whether slowly."""

    name: str
    run: Callable[[Path, str, int], Cost]
    most: int = 10_000
    slow: bool = True


def cost(argv: list[str], folder: Path, environment: Mapping[str, str] = ENVIRONMENT) -> Cost:
    """Run a whole process. Raises FailedError where it does not end with 0."""
    launched = [sys.executable, "-I", "-S", "-c", LAUNCH, *argv]
    told = subprocess.run(
        launched, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    code, wall, cpu, peak = told.split()
    if code != "0":
        raise FailedError(f"exit code {code}")
    return Cost(float(wall), float(cpu), int(peak) / 1024)


def counted(way: Way, folder: Path, server: servers.Server, number: int) -> tuple[Cost, servers.Seen]:
    """A round in which the server has had as many requests as it should. Raises FailedError where it has not."""
    before = server.seen()
    found = way.run(folder, server.url, number)
    seen = server.since(before)
    if seen.requests != number:
        raise FailedError(f"{seen.requests} of {number} requests arrived")
    return found, seen


def by_opsctl(environment: Mapping[str, str]) -> Callable[[Path, str, int], Cost]:
    def run(folder: Path, url: str, number: int) -> Cost:
        place = folder / f"opsctl-{number}-{url.rsplit(':', 1)[1].strip('/')}"
        if not place.exists():
            # The first run reads the workspace, and makes the store.
            cost([OPSCTL, "check", "--list"], workspace(place, url, number))
        return cost([OPSCTL, "check"], place, environment)

    return run


def by_goss(program: str, *options: str) -> Callable[[Path, str, int], Cost]:
    def run(folder: Path, url: str, number: int) -> Cost:
        lines = "".join(f"  c{one}:\n    url: {url}\n    status: 200\n" for one in range(number))
        (folder / "goss.yaml").write_text(f"http:\n{lines}")
        return cost([program, "-g", str(folder / "goss.yaml"), "validate", *options], folder)

    return run


def by_curl(program: str, *options: str) -> Callable[[Path, str, int], Cost]:
    """One curl that makes all requests; it would wait for the first one's end, were it not to start at once."""

    def run(folder: Path, url: str, number: int) -> Cost:
        lines = "".join(f'url = "{url}?{one}"\noutput = "/dev/null"\n' for one in range(number))
        (folder / "curl.conf").write_text(lines)
        argv = [program, "-sS", "--fail", "--parallel", "--parallel-immediate", *options]
        return cost([*argv, "-K", str(folder / "curl.conf")], folder)

    return run


def by_bare_loop(mode: str) -> Callable[[Path, str, int], Cost]:
    return lambda folder, url, number: cost([sys.executable, BARE, url, str(number), "16", mode], folder)


def by_check_http(program: str) -> Callable[[Path, str, int], Cost]:
    """A process for each check, one after the other, as a monitoring system starts them."""

    def run(folder: Path, url: str, number: int) -> Cost:
        one = f"{program} -H 127.0.0.1 -p {url.rsplit(':', 1)[1].strip('/')} -e 200 >/dev/null || exit 1"
        return cost(["sh", "-c", f"for i in $(seq {number}); do {one}; done"], folder)

    return run


def _used(pid: int) -> tuple[float, float]:
    """CPU seconds, to the hundredth, and the peak of memory in MiB of a process that goes on."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    peak = Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]
    return (int(fields[11]) + int(fields[12])) / TICKS, int(peak) / 1024


def by_blackbox(port: int, pid: int, at_once: int) -> Callable[[Path, str, int], Cost]:
    """A request for each probe on kept connections, as Prometheus makes them; it counts the probes that succeeded."""

    def run(folder: Path, url: str, number: int) -> Cost:
        probe = f"http://127.0.0.1:{port}/probe?module=http_2xx&target={url}"
        before, _ = _used(pid)
        argv = [
            sys.executable,
            BARE,
            probe,
            str(number),
            str(min(number, at_once)),
            "kept",
            "probe_success 1\n",
        ]
        client = cost(argv, folder)
        after, peak = _used(pid)
        return Cost(client.wall, after - before, peak, client.cpu)

    return run


@contextlib.contextmanager
def blackbox(program: str, folder: Path, at_once: int) -> Iterator[Way]:
    """A new exporter with its own example of a module, on a free port."""
    conf, port = folder / "blackbox.yml", servers.free_port()
    conf.write_text("modules: {http_2xx: {prober: http}}\n")
    argv = [program, f"--config.file={conf}", f"--web.listen-address=127.0.0.1:{port}"]
    with servers.running(argv, port) as process:
        yield Way("blackbox_exporter", by_blackbox(port, process.pid, at_once))


def found(variable: str, *names: str) -> str | None:
    """A program, named by a variable of the environment or on the path."""
    return os.environ.get(variable) or next(
        filter(None, (shutil.which(name, path=PLACES) for name in names)), None
    )


@contextlib.contextmanager
def installed(folder: Path, at_once: int = 16) -> Iterator[list[Way]]:
    """Every program that is here, opsctl the first, and an exporter that is asked for `at_once` probes together."""
    ways = [
        Way("opsctl check, recorded", by_opsctl(ENVIRONMENT)),
        Way("opsctl check, workspace read anew", by_opsctl(ANEW)),
    ]
    with contextlib.ExitStack() as stack:
        if goss := found("GOSS", "goss"):
            ways.append(Way("goss validate", by_goss(goss)))
            ways.append(Way("goss, --max-concurrent 1000", by_goss(goss, "--max-concurrent", "1000")))
        if exporter := found("BLACKBOX_EXPORTER", "blackbox_exporter", "prometheus-blackbox-exporter"):
            ways.append(stack.enter_context(blackbox(exporter, folder, at_once)))
        if curl := found("CURL", "curl"):
            ways.append(Way("curl --parallel, kept connections", by_curl(curl)))
            ways.append(Way("curl --parallel, new connections", by_curl(curl, "-H", "Connection: close")))
        if plugin := found("CHECK_HTTP", "check_http"):
            ways.append(Way("check_http, a process each", by_check_http(plugin), 1000, slow=False))
        yield ways
