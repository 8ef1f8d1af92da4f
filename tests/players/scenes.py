"""The checks whose faults are played, each with who plays them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from players import (
    certificate,
    command,
    dns,
    docker,
    domain,
    file,
    flow,
    grpc,
    health,
    http,
    kubernetes,
    machine,
    mail,
    mysql,
    ping,
    postgres,
    records,
    redis,
    sqlite,
    ssh,
    statuspage,
    systemd,
    tcp,
    tls,
    websocket,
)
from players import time as clocks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault


class Scene(NamedTuple):
    """A check as people write it, the expectations that are tried of it one by one, and who plays its faults."""

    type: str
    fields: Mapping[str, Any]
    lenses: tuple[str, ...]
    play: Callable[[Stage, Fault], Played | None]
    alone: bool = False
    """Whether playing them changes the whole process, so that nothing else may be played meanwhile."""
    forbidden: str = ""
    """The fault that something is forbidden, for which the whole process is somebody whom it can be forbidden to."""


USER = {"user": "app", "password": "${env:MAIL}"}
SCENES = {
    "http": Scene("http", {"url": "http://a/"}, http.LENSES, http.play),
    "http, following": Scene("http", {"url": "http://a/", "redirects": 3}, http.LENSES, http.play),
    "http, HEAD": Scene("http", {"url": "http://a/", "method": "HEAD"}, http.LENSES, http.play),
    "https": Scene("http", {"url": "https://a/"}, http.OVER_TLS, http.play),
    "https, unverified": Scene("http", {"url": "https://a/", "verify": False}, http.OVER_TLS, http.play),
    "health": Scene("health", {"url": "http://a/"}, health.LENSES, health.play),
    "health, of a component": Scene(
        "health", {"url": "http://a/", "components": ["db"]}, health.OF_A_COMPONENT, health.play
    ),
    "flow": Scene("flow", {"requests": flow.REQUESTS}, flow.LENSES, flow.play),
    "statuspage": Scene("statuspage", {"url": "http://a"}, statuspage.LENSES, statuspage.play),
    "statuspage, of a component": Scene(
        "statuspage", {"url": "http://a", "components": ["API"]}, statuspage.OF_A_COMPONENT, statuspage.play
    ),
    **{
        f"kubernetes, {resource}": Scene(
            "kubernetes",
            {"resource": resource, "namespace": "shop", "token": "${env:MAIL}", "server": "http://a"},
            lenses,
            kubernetes.play,
        )
        for resource, lenses in kubernetes.LENSES.items()
    },
    "domain": Scene("domain", {"name": "example.com"}, domain.LENSES, domain.play),
    "domain, always asked": Scene(
        "domain", {"name": "example.com", "cache": "0s"}, domain.LENSES, domain.play
    ),
    "docker": Scene("docker", {"container": "web-1"}, docker.LENSES, docker.play, forbidden="not-allowed"),
    "systemd": Scene("systemd", {"unit": "nginx.service"}, systemd.LENSES, systemd.play),
    "systemd, once": Scene("systemd", {"unit": "once"}, systemd.LENSES, systemd.play),
    "ssh": Scene("ssh", {"address": "a:1"}, ssh.LENSES, ssh.play),
    "websocket": Scene(
        "websocket", {"url": "ws://a/", "subprotocol": "live"}, websocket.LENSES, websocket.play
    ),
    "websocket, asking": Scene(
        "websocket", {"url": "ws://a/", "subprotocol": "live", "send": "hi"}, websocket.LENSES, websocket.play
    ),
    "websocket, waiting": Scene(
        "websocket",
        {"url": "ws://a/", "subprotocol": "live", "until": "hello"},
        websocket.LENSES,
        websocket.play,
    ),
    "websocket, TLS": Scene(
        "websocket",
        {"url": "wss://a/", "subprotocol": "live"},
        websocket.OVER_TLS,
        websocket.play,
    ),
    "grpc": Scene("grpc", {"address": "a:1", "tls": False}, grpc.LENSES, grpc.play),
    "grpc, TLS": Scene("grpc", {"address": "a:1"}, grpc.OVER_TLS, grpc.play),
    "postgres": Scene("postgres", {"address": "a:1", "user": "primary"}, postgres.LENSES, postgres.play),
    "postgres, a replica": Scene(
        "postgres", {"address": "a:1", "user": "replica"}, postgres.LENSES, postgres.play
    ),
    "postgres, a query": Scene(
        "postgres",
        {"address": "a:1", "user": "primary", "query": postgres.QUERY},
        postgres.OF_A_QUERY,
        postgres.play,
    ),
    **{
        f"mysql, {words}": Scene("mysql", {"address": "a:1", "user": "app", **fields}, lenses, mysql.play)
        for words, fields, lenses in (
            ("a name", {}, mysql.LENSES),
            ("a name by TLS", {"tls": "starttls"}, mysql.OVER_TLS),
            ("logged in", {"password": "${env:MAIL}"}, mysql.LOGGED_IN),
            ("a replica", {"user": "replica", "database": "shop"}, mysql.LOGGED_IN),
            ("a query", {"query": mysql.QUERY}, mysql.OF_A_QUERY),
            (
                "a query by TLS",
                {"query": mysql.QUERY, "tls": "starttls"},
                (*mysql.OF_A_QUERY, *mysql.OVER_TLS),
            ),
        )
    },
    "certificate": Scene(
        "certificate", {"path": "a"}, certificate.LENSES, certificate.play, forbidden="unreadable"
    ),
    "certificate, and its key": Scene(
        "certificate",
        {"path": "a", "key": "b"},
        certificate.WITH_A_KEY,
        certificate.play,
        forbidden="unreadable",
    ),
    "ping": Scene("ping", {"host": "a", "interval": "10ms"}, ping.LENSES, ping.play),
    "disk": Scene("disk", {"path": "a"}, machine.OF_A_DISK, machine.disk, alone=True),
    "memory": Scene("memory", {}, machine.OF_MEMORY, machine.memory, alone=True),
    "load": Scene("load", {}, machine.OF_LOAD, machine.load, alone=True),
    "process": Scene("process", {"name": "a"}, machine.OF_PROCESSES, machine.process),
    "heartbeat": Scene("heartbeat", {"name": "a", "every": "1h"}, records.OF_A_HEARTBEAT, records.heartbeat),
    "group": Scene("group", {"members": ["b/x"]}, records.OF_A_GROUP, records.group),
    "group, one of them": Scene(
        "group", {"members": ["b/x"], "at_least": 1}, records.OF_A_GROUP, records.group
    ),
    "history": Scene("history", {"of": "b/x", "over": "1d"}, records.OF_A_HISTORY, records.history),
    "history, of the last": Scene("history", {"of": "b/x", "last": 30}, records.OF_THE_LAST, records.history),
    "history, of the last few": Scene(
        "history", {"of": "b/x", "last": 10}, records.OF_THE_LAST, records.history
    ),
    "ntp": Scene("ntp", {"server": "a"}, clocks.OF_A_SERVER, clocks.play),
    "clock": Scene("clock", {"server": "a"}, clocks.OF_A_CLOCK, clocks.play),
    "tcp": Scene("tcp", {"address": "a:1"}, tcp.LENSES, tcp.play),
    "tcp, listening": Scene("tcp", {"address": "a:1", "until": "^220 "}, tcp.LENSES, tcp.play),
    "tcp, content with anything": Scene("tcp", {"address": "a:1", "until": r"^\d+"}, tcp.LENSES, tcp.play),
    "tls": Scene("tls", {"address": "a:1"}, tls.WITH_CHAIN, tls.play),
    "tls, unverified": Scene("tls", {"address": "a:1", "verify": False}, tls.WITH_CHAIN, tls.play),
    "tls, of mail": Scene("tls", {"address": "a:1", "starttls": "smtp"}, tls.LENSES, tls.play),
    "dns": Scene("dns", {"name": "www.a.test"}, dns.OF_A_SERVER, dns.play),
    "dns, the system's": Scene(
        "dns", {"name": "www.a.test", "resolver": "system"}, dns.LENSES, dns.play, alone=True
    ),
    "redis": Scene("redis", {"address": "a:1", "key": "jobs"}, redis.LENSES, redis.play),
    "command": Scene("command", {"run": ["a"]}, command.LENSES, command.play),
    "command, JSON": Scene("command", {"run": ["a"], "format": "json"}, command.LENSES, command.play),
    "command, plugin": Scene("command", {"run": ["a"], "format": "nagios"}, command.AS_PLUGIN, command.play),
    "file": Scene("file", {"path": "a"}, file.LENSES, file.play, forbidden="unreadable"),
    "sqlite": Scene("sqlite", {"path": "a", "query": sqlite.QUERY}, sqlite.LENSES, sqlite.play),
    "sqlite, whole": Scene("sqlite", {"path": "a"}, sqlite.WHOLE, sqlite.play),
    **{
        f"{type_}, {words}": Scene(type_, {"address": "a:1", **fields}, lenses, partial(mail.play, type_))
        for type_ in mail.PROTOCOLS
        for words, fields, lenses in (
            ("in the open", {"tls": "none"}, mail.LENSES[type_]),
            ("STARTTLS", {}, mail.LENSES[type_]),
            ("TLS and a user", {"tls": "direct", **USER}, (*mail.LENSES[type_], *mail.LET_IN[type_])),
        )
    },
}
