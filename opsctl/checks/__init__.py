"""The check types: one file each, one line here each.

A kind is a frozen dataclass whose fields are its YAML, with its subjects, its default
expectations and the one function that looks. It is imported only when a workspace uses it,
because some thirty classes made at every start would cost more than a whole check.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from opsctl.outcome import Observation, State, Subject
    from opsctl.records import Result
    from opsctl.secrets import Template

KINDS: Mapping[str, str] = {
    "http": "HttpCheck",
    "health": "HealthCheck",
    "flow": "FlowCheck",
    "tcp": "TcpCheck",
    "tls": "TlsCheck",
    "dns": "DnsCheck",
    "certificate": "CertificateCheck",
    "ping": "PingCheck",
    "ssh": "SshCheck",
    "redis": "RedisCheck",
    "clock": "ClockCheck",
    "ntp": "NtpCheck",
    "smtp": "SmtpCheck",
    "imap": "ImapCheck",
    "pop3": "Pop3Check",
    "postgres": "PostgresCheck",
    "mysql": "MysqlCheck",
    "statuspage": "StatuspageCheck",
    "docker": "DockerCheck",
    "kubernetes": "KubernetesCheck",
    "domain": "DomainCheck",
    "websocket": "WebsocketCheck",
    "grpc": "GrpcCheck",
    "command": "CommandCheck",
    "file": "FileCheck",
    "disk": "DiskCheck",
    "memory": "MemoryCheck",
    "load": "LoadCheck",
    "process": "ProcessCheck",
    "systemd": "SystemdCheck",
    "sqlite": "SqliteCheck",
    "heartbeat": "HeartbeatCheck",
    "group": "GroupCheck",
    "history": "HistoryCheck",
}


class Ask(NamedTuple):
    """What a probe is given: all it may know of the world beside its own fields.

    `timeout` (seconds) bounds the whole attempt. `wanted` holds the first word of every subject
    that its expectations mention (`json` of `json.a.b`), so that nothing is worked out in vain.
    `resolve` fetches the secrets in a text (SecretMissingError where one cannot be had).
    `now` is UTC epoch seconds. `root` is the workspace's folder, the base of relative paths.
    `heartbeat`, `results` and `past` answer the kinds that judge records instead of a target.
    `answers` is a folder for answers that may be kept for a while; None where none may.
    `keys` are those of JSON that must not stand twice, as its expectations lead through them; None for all.
    """

    timeout: float
    wanted: frozenset[str]
    resolve: Callable[[Template], str]
    environ: Mapping[str, str]
    root: Path
    now: float
    heartbeat: Callable[[str], Heartbeat | None]
    results: Callable[[Sequence[str]], Sequence[Result]]
    past: Callable[[str, float | None, int | None], Past] = lambda _check, _since, _last: Past({}, ())
    answers: Path | None = None
    keys: frozenset[str] | None = frozenset()


class Past(NamedTuple):
    """Recorded results: how many of each state, latencies in seconds, and the states in order where known.

    `newest` is the time of the newest that is not unknown (UTC epoch seconds), where the order is known;
    more than `lapse` seconds away from now, it says nothing about now.
    """

    states: Mapping[State, int]
    latencies: tuple[float, ...]
    order: tuple[State, ...] = ()
    newest: float | None = None
    lapse: float = 0.0


class Heartbeat(NamedTuple):
    """The latest signals of a job, as UTC epoch seconds; None where there was none yet."""

    started: float | None
    succeeded: float | None
    failed: float | None
    message: str


class Check(Protocol):
    """What every kind is; see CONTRIBUTING.md for adding one.

    A kind may have `TELLING` too: the subjects that are shown beside what was not met, as they say why.
    """

    SHORTHAND: ClassVar[str]
    """The field that a plain text in place of the mapping fills; empty where there is none."""
    SUBJECTS: ClassVar[Mapping[str, Subject]]
    """What expectations may speak of; `header.*` stands for any name, `json` for any path below."""
    EXPECT: ClassVar[tuple[str, ...]]
    """The expectations of a check that names none."""

    def target(self) -> str:
        """What is looked at, in a few words for people, secrets left as they are written."""
        ...

    def probe(self, ask: Ask) -> Observation:
        """Look once, within `ask.timeout` seconds; never raises for what the target does."""
        ...


@cache
def kind_named(name: str) -> type[Check]:
    """The class of the kind called `name`, one of `KINDS`; KeyError for any other name."""
    kind: type[Check] = getattr(import_module(f"opsctl.checks.{name}"), KINDS[name])
    return kind
