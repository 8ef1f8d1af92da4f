"""Real servers for the tests: each is started when first wanted, on a free port of this machine, and ended after all.

A server whose program is not installed skips the tests that want it; with `OPSCTL_REQUIRE_SERVERS` set, as in CI, it
fails them.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from certificates import Certificates

HOST = "127.0.0.1"
PATIENCE = 30.0
STATUSES = (201, 204, 400, 401, 403, 404, 418, 429, 500, 502, 503)


class Nginx(NamedTuple):
    """nginx. Each TLS port has another certificate; all answer alike, over HTTP/2 where it is asked for.

    `/ok`, `/json`, `/status/503`, `/redirect` (to /ok), `/loop`, `/auth` (user `user`, password `secret`), `/large`
    (1 MB), `/gzip` (1 MB, compressed where allowed), `/slow` (16 kB/s), `/headers`, `/gone` (nobody is behind it: 502).
    """

    url: str
    good: str
    chained: str
    incomplete: str
    expired: str
    soon: str
    wrong_host: str
    self_signed: str
    untrusted: str
    client: str
    access: Path
    log: Path


class Redis(NamedTuple):
    """An empty Redis without a password."""

    port: int
    log: Path


class Postgres(NamedTuple):
    """PostgreSQL: user `postgres` needs no password, user `app` has `secret`; the database is `postgres`."""

    port: int
    folder: Path
    log: Path


class Dns(NamedTuple):
    """dnsmasq, for `example.test` only; names outside are refused, names inside it that do not exist are NXDOMAIN.

    `www` A 192.0.2.10, AAAA 2001:db8::10; `many` A 192.0.2.1 and 192.0.2.2; `alias` CNAME www; the zone's name itself
    A 192.0.2.80, MX 10 mail, TXT "v=spf1 -all", CAA 0 issue "ca.example"; `_sip._tcp` SRV; PTR of 192.0.2.10.
    """

    port: int
    log: Path


class Smtp(NamedTuple):
    """aiosmtpd, which offers STARTTLS with the good certificate and keeps what it is sent in `mailbox`, a maildir."""

    port: int
    mailbox: Path
    log: Path


def program(name: str, *places: str) -> str:
    """The path of a server's program, also looked for in `places` (below `/`, may hold `*`).

    Skips the test where there is none, or fails it where servers are required.
    """
    folders = [str(place) for pattern in places for place in sorted(Path("/").glob(pattern), reverse=True)]
    path = os.pathsep.join([*folders, os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(name, path=path)
    if found:
        return found
    if os.environ.get("OPSCTL_REQUIRE_SERVERS"):
        pytest.fail(f"{name} is not installed, and OPSCTL_REQUIRE_SERVERS is set")
    pytest.skip(f"{name} is not installed")


def free_port() -> int:
    """A port for TCP and UDP that nothing listens on, and that nobody else is given: each process has its own.

    They lie below those that the kernel gives away by itself, so that no other test is given one meanwhile.
    """
    for port in _ports():
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind((HOST, port))
                udp.bind((HOST, port))
            except OSError:
                continue
            return port
    pytest.fail("no port is free")


@cache
def _ports() -> Iterator[int]:
    """A thousand ports that stay this process' own until it ends, whoever else runs tests on this machine."""
    for first in range(20_000, 32_000, 1000):
        lock = Path(tempfile.gettempdir(), f"opsctl-tests-{os.getuid()}-{first}.lock")
        held = os.open(lock, os.O_RDWR | os.O_CREAT)
        try:
            # Held until the process ends.
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(held)
            continue
        return iter(range(first, first + 1000))
    pytest.fail("others test on this machine, and no ports are left")


def listens(port: int) -> bool:
    """Whether something accepts connections on `port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


@contextmanager
def running(
    argv: Sequence[str], log: Path, ready: Callable[[], bool], user: pwd.struct_passwd | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends, all its processes with it; fails, with its log, where it does not get ready."""
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    with log.open("ab") as sink:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            cwd=log.parent,
            env=_environment(),
            start_new_session=True,
            **identity,
        )
    try:
        _await(child, argv[0], log, ready)
        yield child
    finally:
        _end(child)


def _environment() -> dict[str, str]:
    # The servers are the system's, and must not find the packages of the tests' Python.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _await(child: subprocess.Popen[bytes], name: str, log: Path, ready: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while child.poll() is None and time.monotonic() < until:
        if ready():
            return
        time.sleep(0.01)
    ended = f"ended with {child.returncode}" if child.poll() is not None else f"not ready in {PATIENCE:g} s"
    pytest.fail(f"{name}: {ended}\n{_tail(log)}")


def _end(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            break
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            continue
    child.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-40:])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the end of the logs of the servers that a failed test used."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            log = getattr(value, "log", None)
            if isinstance(log, Path) and log.exists():
                report.sections.append((f"log of {name}", _tail(log)))
    return report


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Nginx]:
    binary = program("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    kinds = [name for name in Nginx._fields if name not in {"url", "access", "log"}]
    ports = {name: free_port() for name in ["url", *kinds]}
    log = folder / "error.log"
    site = folder / "site"
    site.mkdir()
    for name in ("large", "gzip", "slow"):
        (site / name).write_bytes(b"0123456789abcdef" * 65536)
    (folder / "users").write_text("user:{PLAIN}secret\n")
    (folder / "nginx.conf").write_text(_nginx_config(folder, ports, certificates))
    argv = [binary, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    with running(argv, log, lambda: all(map(listens, ports.values()))):
        urls = {name: f"https://{HOST}:{ports[name]}" for name in kinds}
        yield Nginx(url=f"http://{HOST}:{ports['url']}", **urls, access=folder / "access.log", log=log)


def _nginx_config(folder: Path, ports: dict[str, int], certificates: Certificates) -> str:
    statuses = "\n".join(f'location = /status/{code} {{ return {code} "{code}\\n"; }}' for code in STATUSES)
    servers = []
    for name, port in ports.items():
        tls = ""
        if name != "url":
            pair = certificates.good if name == "client" else getattr(certificates, name)
            tls = f"ssl_certificate {pair.certificate}; ssl_certificate_key {pair.key};"
        if name == "client":
            tls += f" ssl_client_certificate {certificates.ca}; ssl_verify_client on;"
        servers.append(
            f"server {{ listen {HOST}:{port} {'ssl http2' if tls else ''}; {tls} include locations; }}"
        )
    (folder / "locations").write_text(f"""
        root {folder}/site;
        default_type text/plain;
        location = /ok {{ return 200 "ok\\n"; }}
        location = /json {{ default_type application/json; return 200 '{{"status": "ok", "count": 3}}\\n'; }}
        location = /headers {{ add_header X-One 1; add_header X-One 2; return 200 ""; }}
        location = /redirect {{ return 302 /ok; }}
        location = /loop {{ return 302 /loop; }}
        location = /auth {{ auth_basic tests; auth_basic_user_file {folder}/users; try_files /large =404; }}
        location = /slow {{ limit_rate 16k; }}
        location = /gzip {{ gzip on; gzip_types text/plain; }}
        location = /gone {{ proxy_pass http://{HOST}:1; }}
        {statuses}
    """)
    temporary = " ".join(
        f"{kind}_temp_path {folder}/temporary;"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
        daemon off;
        master_process off;
        pid {folder}/nginx.pid;
        events {{ worker_connections 4096; }}
        http {{
            {temporary}
            access_log {folder}/access.log;
            {" ".join(servers)}
        }}
    """


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    binary = program("redis-server")
    folder = tmp_path_factory.mktemp("redis")
    port = free_port()
    log = folder / "redis.log"
    argv = [binary, "--port", str(port), "--bind", HOST, "--save", "", "--dir", str(folder)]
    with running(argv, log, lambda: listens(port)):
        yield Redis(port, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    places = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")
    initdb, server, psql = (program(name, *places) for name in ("initdb", "postgres", "psql"))
    user = _unprivileged()
    # Not in pytest's folders, which only their owner can enter.
    folder = Path(tempfile.mkdtemp(prefix="opsctl-postgres-"))
    try:
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        port, log, data = free_port(), folder / "postgres.log", folder / "data"
        _prepare_postgres(initdb, data, user)
        argv = [server, "-D", str(data), "-p", str(port), "-k", str(folder), "-c", f"listen_addresses={HOST}"]
        talk = [psql, "-qX", "-h", HOST, "-p", str(port), "-U", "postgres", "-c"]
        with running([*argv, "-c", "fsync=off"], log, lambda: _succeeds([*talk, "select 1"]), user):
            _must([*talk, "create role app login password 'secret'"])
            yield Postgres(port, folder, log)
    finally:
        shutil.rmtree(folder)


def _prepare_postgres(initdb: str, data: Path, user: pwd.struct_passwd | None) -> None:
    _must([initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"], user)
    (data / "pg_hba.conf").write_text(
        "host all app 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\nlocal all all trust\n"
    )


def _unprivileged() -> pwd.struct_passwd | None:
    # PostgreSQL refuses to run as root.
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _must(argv: Sequence[str], user: pwd.struct_passwd | None = None) -> None:
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    done = subprocess.run(
        argv, cwd="/", env=_environment(), capture_output=True, text=True, check=False, **identity
    )
    if done.returncode:
        pytest.fail(f"{' '.join(argv)}: ended with {done.returncode}\n{done.stdout}{done.stderr}")


def _succeeds(argv: Sequence[str]) -> bool:
    return subprocess.run(argv, cwd="/", env=_environment(), capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="session")
def dns_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dns]:
    binary = program("dnsmasq")
    folder = tmp_path_factory.mktemp("dns")
    port = free_port()
    log = folder / "dns.log"
    config = folder / "dnsmasq.conf"
    config.write_text(f"""\
keep-in-foreground
log-facility=-
log-queries
pid-file={folder}/dnsmasq.pid
user={pwd.getpwuid(os.geteuid()).pw_name}
listen-address={HOST}
bind-interfaces
port={port}
no-resolv
no-hosts
local=/example.test/
local=/2.0.192.in-addr.arpa/
host-record=www.example.test,192.0.2.10,2001:db8::10
host-record=example.test,192.0.2.80
host-record=many.example.test,192.0.2.1
host-record=many.example.test,192.0.2.2
cname=alias.example.test,www.example.test
mx-host=example.test,mail.example.test,10
txt-record=example.test,v=spf1 -all
caa-record=example.test,0,issue,ca.example
srv-host=_sip._tcp.example.test,www.example.test,5060,1,2
""")
    with running([binary, f"--conf-file={config}"], log, lambda: listens(port)):
        yield Dns(port, log)


@pytest.fixture(scope="session")
def smtp_server(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Smtp]:
    binary = program("aiosmtpd")
    folder = tmp_path_factory.mktemp("smtp")
    port = free_port()
    log = folder / "smtp.log"
    mailbox = folder / "mail"
    good = certificates.good
    tls = ["--tlscert", str(good.certificate), "--tlskey", str(good.key), "--no-requiretls"]
    handler = ["-c", "aiosmtpd.handlers.Mailbox", str(mailbox)]
    with running([binary, "-n", "-l", f"{HOST}:{port}", *tls, *handler], log, lambda: listens(port)):
        yield Smtp(port, mailbox, log)
