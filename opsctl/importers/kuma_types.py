"""Uptime Kuma's monitors of all but the web, as checks of the same kind, and why others have none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from opsctl.importers import Note, literal, quoted
from opsctl.importers.kuma_fields import INSECURE, address, joined, name, number, secret, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    Monitor = Mapping[str, Any]

WHY_NOT = {
    "gamedig": "opsctl knows no games; a `tcp` check or a `command` may do",
    "globalping": "others look from elsewhere there; run opsctl there, and merge: `opsctl results import`",
    "kafka-producer": "opsctl writes nothing to what it looks at; a `command` may do",
    "manual": "a person sets its state there, so that it stays what it was",
    "mongodb": "opsctl does not speak to MongoDB; a `command` with `mongosh --eval` may do",
    "mqtt": "opsctl does not speak MQTT; a `command` with `mosquitto_sub -C 1 -W 10` may do",
    "oracledb": "opsctl does not speak to Oracle; a `command` may do",
    "pm2": "opsctl does not ask pm2; a `process`, or a `command` with `pm2 jlist`, may do",
    "radius": "opsctl does not speak RADIUS; a `command` with `radtest` may do",
    "real-browser": "opsctl runs no browser; `http` with `body contains`, or a `flow`, may do",
    "sip-options": "opsctl does not speak SIP; a `command` with `sipsak` may do",
    "snmp": "opsctl does not speak SNMP; a `command` with the plugin `check_snmp` may do",
    "sqlserver": "opsctl does not speak to SQL Server; a `command` with `sqlcmd` may do",
    "steam": "opsctl knows no games; a `command` may do",
    "tailscale-ping": 'a `command: [tailscale, ping, -c, "1", HOST]` may do',
}
_RECORDS = {"A", "AAAA", "CNAME", "MX", "NS", "TXT", "SRV", "CAA", "PTR", "SOA"}
# Where a record is what opsctl has as an answer.
_COMPARED = {"A", "AAAA", "TXT"}
_STARTTLS = {25: "smtp", 587: "smtp", 143: "imap"}
_HEALTH = re.compile(r"\bpackage\s+grpc\.health\.v1\s*;")
_SERVING = '{"status":"SERVING"}'


def take_port(one: Monitor, where: str, notes: list[Note]) -> dict[str, Any]:
    """A port that is open, or the certificate behind it."""
    alert = str(one.get("expectedTlsAlert") or "none")
    if alert != "none":
        raise ValueError(f"opsctl expects no alert of TLS such as `{alert[:40]}`; a `command` may do")
    whole, title = address(one), {"title": name(one)}
    security = str(one.get("smtpSecurity"))
    if security not in {"secure", "starttls"}:
        return {**title, "tcp": whole, "expect": ["connected == true"]}
    if not one.get("expiryNotification"):
        open_ = "without `expiryNotification` the certificate is not looked at there"
        notes.append(Note(f"{where}.smtpSecurity", "only the connection is looked at", open=open_))
        return {**title, "tcp": whole, "expect": ["connected == true"]}
    if security == "secure":
        return {**title, "tls": whole, "expect": ["valid == true"]}
    protocol = _STARTTLS.get(number(one.get("port")) or 0)
    if protocol is None:
        raise ValueError("its port does not tell how TLS begins; write a `tls` check with `starttls`")
    return {**title, "tls": {"address": whole, "starttls": protocol}, "expect": ["valid == true"]}


def take_ping(one: Monitor, _where: str, _notes: list[Note]) -> dict[str, Any]:
    """A host that answers."""
    host, count = text(one, "hostname"), number(one.get("ping_count"))
    asked = {"host": host, "count": count} if count and count != 3 else host
    return {"title": name(one), "ping": asked, "expect": ["loss < 100%"]}


def take_dns(one: Monitor, where: str, notes: list[Note]) -> dict[str, Any]:
    """The records of a name."""
    type_ = str(one.get("dns_resolve_type") or "A")
    if type_ not in _RECORDS:
        raise ValueError(f"opsctl asks for no records of type `{type_[:20]}`")
    asked: dict[str, Any] = {"name": text(one, "hostname"), "type": type_}
    servers = [part.strip() for part in str(one.get("dns_resolve_server") or "").split(",") if part.strip()]
    port = number(one.get("port")) or 53
    if servers:
        host = literal(servers[0])
        asked["resolver"] = host if port == 53 else joined(host, port)
    if len(servers) > 1:
        words = "one is asked here, the first; write a check for each other"
        open_ = "one that answers hides the others there"
        notes.append(Note(f"{where}.dns_resolve_server", words, lost=True, open=open_))
    expect = ["count > 0", *_conditions(one, type_, where, notes)]
    return {"title": name(one), "dns": asked, "expect": expect}


def _conditions(one: Monitor, type_: str, where: str, notes: list[Note]) -> list[str]:
    """What the one condition of a record is here; several have to hold of the same record there."""
    said = one.get("conditions")
    if not said:
        return []
    first = said[0] if isinstance(said, list) and len(said) == 1 and isinstance(said[0], dict) else {}
    value = str(first.get("value") or "")
    written = {
        "equals": f"any(answers) == {quoted(value)}",
        "not_equals": f"not all(answers) == {quoted(value)}",
        "contains": f"any(answers) contains {quoted(value)}",
        "not_contains": f"not all(answers) contains {quoted(value)}",
    }.get(str(first.get("operator")))
    if written is None or not value or first.get("variable") != "record" or type_ not in _COMPARED:
        words = 'write them as expectations, as `any(answers) == "192.0.2.1"`'
        notes.append(Note(f"{where}.conditions", words, lost=True))
        return []
    notes.append(Note(f"{where}.conditions", f"became `{written}`"))
    return [written]


def take_push(one: Monitor, where: str, notes: list[Note]) -> dict[str, Any]:
    """A job that reports."""
    interval = one.get("interval")
    if not isinstance(interval, int) or not 1 <= interval <= 31_536_000:
        raise ValueError("it has no `interval`")
    called = one["own"]
    words = f"in place of calling its address, the job says `opsctl heartbeat ok {called}`"
    notes.append(Note(f"{where}.pushToken", words))
    return {"title": name(one), "heartbeat": {"name": called, "every": f"{int(interval)}s"}}


def take_docker(one: Monitor, where: str, notes: list[Note]) -> dict[str, Any]:
    """A container; ValueError where it is another machine's."""
    host, container = one.get("dockerHost"), text(one, "docker_container")
    if not isinstance(host, dict):
        if one.get("docker_host"):
            words = "the container is looked for on this machine; where it is another, run opsctl there"
            notes.append(Note(f"{where}.docker_host", words))
        return {"title": name(one), "docker": container, "expect": ["healthy == true"]}
    daemon = str(host.get("docker_daemon") or "")
    if host.get("docker_type") != "socket":
        raise ValueError(f"opsctl asks Docker by its socket, not at `{daemon[:80]}`; run opsctl there")
    made = {"container": container, "socket": literal(daemon)}
    return {"title": name(one), "docker": made, "expect": ["healthy == true"]}


def take_redis(one: Monitor, where: str, notes: list[Note]) -> dict[str, Any]:
    """A Redis that answers."""
    parts = _database(one, {"redis", "rediss"})
    made: dict[str, Any] = {"address": joined(_host(parts), parts.port or 6379)}
    if parts.scheme == "rediss":
        made["tls"] = True
        if one.get("ignoreTls"):
            made["verify"] = False
            notes.append(Note(f"{where}.ignoreTls", "became `verify: false`", open=INSECURE))
    if parts.password:
        made |= {"user": _decoded(parts.username)} if parts.username else {}
        made["password"] = secret(one, "password", f"{where}.databaseConnectionString", notes)
    return {"title": name(one), "redis": made, "expect": ["pong == true"]}


def take_postgres(one: Monitor, where: str, notes: list[Note]) -> dict[str, Any]:
    """A PostgreSQL that answers a question."""
    place = f"{where}.databaseConnectionString"
    parts = _database(one, {"postgres", "postgresql"})
    made: dict[str, Any] = {"address": joined(_host(parts), parts.port or 5432), "tls": "none"}
    made |= {"database": _decoded(parts.path[1:])} if parts.path[1:] else {}
    made |= {"user": _decoded(parts.username)} if parts.username else {}
    if parts.password:
        made["password"] = secret(one, "password", place, notes)
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if (key, value) == ("sslmode", "no-verify"):
            made["tls"] = "require"
        elif key in {"sslmode", "ssl"}:
            made["tls"] = "none" if value in {"disable", "false", "0"} else "verify"
        else:
            notes.append(Note(place, f"`{key[:40]}`: opsctl has nothing like it", lost=True))
    check = {"title": name(one), "postgres": made, "expect": ["version exists"]}
    if _query(one, made, where, notes):
        check["expect"] = ["rows >= 0"]
    return check


def take_mysql(one: Monitor, where: str, notes: list[Note]) -> dict[str, Any]:
    """A MySQL that lets somebody in and answers a question."""
    parts = _database(one, {"mysql", "mariadb"})
    made: dict[str, Any] = {"address": joined(_host(parts), parts.port or 3306)}
    made |= {"user": _decoded(parts.username)} if parts.username else {}
    if parts.password or one.get("radiusPassword"):
        made["password"] = secret(one, "password", f"{where}.databaseConnectionString", notes)
    made |= {"database": _decoded(parts.path[1:])} if parts.path[1:] else {}
    if parts.query:
        words = f"`{parts.query[:40]}`: opsctl has nothing like it"
        notes.append(Note(f"{where}.databaseConnectionString", words, lost=True))
    if one.get("conditions"):
        words = "write them as expectations, as `value == 5`"
        notes.append(Note(f"{where}.conditions", words, lost=True))
    check = {"title": name(one), "mysql": made, "expect": ["authenticated == true"]}
    if _query(one, made, where, notes) or not {"password", "database"} & set(made):
        made.setdefault("query", "select 1")
        check["expect"] = ["rows >= 0"]
    return check


def _query(one: Monitor, made: dict[str, Any], where: str, notes: list[Note]) -> bool:
    """Whether something is asked that tells more than that somebody answers."""
    query = str(one.get("databaseQuery") or "").strip().rstrip(";")
    if not query or query.lower() == "select 1":
        return False
    made["query"] = literal(query)
    open_ = "any answer passes there, and here too: expect something of `value` or `rows`"
    notes.append(Note(f"{where}.databaseQuery", "became `query`, which cannot write here", open=open_))
    return True


def take_smtp(one: Monitor, where: str, notes: list[Note]) -> dict[str, Any]:
    """A mail server that greets, and begins TLS where that is wanted."""
    security = str(one.get("smtpSecurity") or "")
    tls = {"secure": "direct", "nostarttls": "none"}.get(security, "starttls")
    if not security:
        open_ = "where TLS is not offered, it goes on in the open there; here it must be offered"
        notes.append(Note(f"{where}.smtpSecurity", "became `tls: starttls`", open=open_))
    made = {"address": address(one, 25), "tls": tls}
    return {"title": name(one), "smtp": made, "expect": ["status == 220"]}


def take_grpc(one: Monitor, where: str, notes: list[Note]) -> dict[str, Any]:
    """A service that says that it serves; ValueError where another method is called."""
    called = (str(one.get("grpcServiceName")).rpartition(".")[2], str(one.get("grpcMethod")).lower())
    keyword = str(one.get("keyword") or "")
    if called != ("Health", "check") or not _HEALTH.search(str(one.get("grpcProtobuf"))):
        raise ValueError("opsctl calls `grpc.health.v1.Health/Check` only; a `command` with `grpcurl` may do")
    if one.get("invertKeyword") or keyword.lower() not in {"serving", '"serving"', "1", _SERVING.lower()}:
        raise ValueError(f"opsctl looks whether it says `SERVING`, and not for `{keyword[:40]}`")
    made: dict[str, Any] = {"address": literal(str(one.get("grpcUrl") or ""))}
    service = re.search(r'"service"\s*:\s*"([^"\\]+)"', str(one.get("grpcBody")))
    made |= {"service": service[1]} if service else {}
    made |= {} if one.get("grpcEnableTls") else {"tls": False}
    # The keyword may be a part of any other word there.
    open_ = "`NOT_SERVING` holds the keyword too, so that it passes there" if keyword == "SERVING" else ""
    notes.append(Note(f"{where}.keyword", "became `serving == true`", open=open_))
    return {"title": name(one), "grpc": made, "expect": ["serving == true"]}


def take_ntp(one: Monitor, where: str, notes: list[Note]) -> dict[str, Any]:
    """A time server that this clock agrees with."""
    server, port = text(one, "hostname"), number(one.get("port")) or 123
    made = {"server": server, **({"port": port} if port != 123 else {})}
    offset, stratum = (
        number(one.get(key)) or usual
        for key, usual in (("ntpTimeOffsetThreshold", 1000), ("ntpStratumThreshold", 5))
    )
    dispersion = number(one.get("ntpRootDispersionThreshold")) or 500
    words = f"write a check of type `ntp` too, which expects `root_dispersion < {dispersion}ms`"
    notes.append(Note(f"{where}.ntpRootDispersionThreshold", words, lost=True))
    expect = [f"offset < {offset}ms", f"stratum < {stratum}", "synchronised == true"]
    return {"title": name(one), "clock": made, "expect": expect}


def take_service(one: Monitor, _where: str, _notes: list[Note]) -> dict[str, Any]:
    """A service of the system that runs."""
    unit = text(one, "system_service_name")
    return {"title": name(one), "systemd": unit, "expect": ['active in ["active", "reloading"]']}


def _database(one: Monitor, schemes: set[str]) -> SplitResult:
    said = text(one, "databaseConnectionString")
    parts = urlsplit(said)
    if parts.scheme not in schemes or not parts.hostname:
        shown = f"{parts.scheme}://..." if parts.scheme else "it"
        raise ValueError(f"`{shown[:40]}` is no address that opsctl takes for this; write the check by hand")
    return parts


def _host(parts: SplitResult) -> str:
    return literal(parts.hostname or "")


def _decoded(part: str | None) -> str:
    return literal(unquote(part or ""))
