"""The `redis` check: a server that answers, its role and its figures."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.connecting import address_problems, parse_address, within
from opsctl.dialogue import DialogueError, dialogue, wrong
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.secrets import SecretMissingError, Template
from opsctl.trust import Files

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.dialogue import Dialogue

# The largest text that is fetched, in bytes: with all else that is said, less than a dialogue reads.
_MOST = 900_000
# No figure is longer, and of a longer one Python may make no number.
_NUMBER = re.compile(r"[0-9]{1,20}")
_LENGTHS: Mapping[str, str] = {
    "string": "STRLEN",
    "list": "LLEN",
    "set": "SCARD",
    "zset": "ZCARD",
    "stream": "XLEN",
    "hash": "HLEN",
}


@dataclass(frozen=True, kw_only=True)
class RedisCheck:
    """Ask a Redis or Valkey server how it is; nothing is written to it."""

    address: Annotated[str, NotEmpty(), Doc("As `redis.example.com:6379`.")]
    user: Annotated[str | None, NotEmpty(), Doc("The user's name, where there are users.")] = None
    password: Annotated[Template | None, NotEmpty(), Doc("Best as `${env:NAME}`.")] = None
    key: Annotated[str | None, NotEmpty(), Doc("A key whose value or length is looked at.")] = None
    tls: Annotated[bool, Doc("Whether to speak TLS.")] = False
    server_name: Annotated[
        str | None, NotEmpty(), Doc("The name the certificate has to have; by default the host.")
    ] = None
    verify: Annotated[bool, Doc("Whether a certificate that is not valid is a failure.")] = True
    ca: Annotated[
        str | None, NotEmpty(), Doc("A file of trusted certificates (PEM) in place of the system's.")
    ] = None
    certificate: Annotated[str | None, NotEmpty(), Doc("A client certificate (PEM).")] = None
    certificate_key: Annotated[
        str | None, NotEmpty(), Doc("Its private key (PEM), where that is another file.")
    ] = None

    SHORTHAND: ClassVar[str] = "address"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "pong": Subject(Kind.BOOLEAN, "Whether it answered `PING` with `PONG`.", Cause.BODY),
        "role": Subject(Kind.TEXT, '"master" or "slave".'),
        "loading": Subject(Kind.BOOLEAN, "Whether it still reads its data from disk."),
        "replicas": Subject(Kind.NUMBER, "How many replicas are connected."),
        "link": Subject(Kind.TEXT, 'A replica\'s link to its master: "up" or "down".', Cause.UNREACHABLE),
        "lag": Subject(Kind.DURATION, "Since a replica last heard of its master.", Cause.STALE),
        "memory": Subject(Kind.SIZE, "The memory that its data takes.", Cause.USAGE),
        "memory_percent": Subject(Kind.PERCENT, "The same of `maxmemory`, where that is set.", Cause.USAGE),
        "clients": Subject(Kind.NUMBER, "How many clients are connected.", Cause.USAGE),
        "evicted": Subject(Kind.NUMBER, "How many keys were thrown out for want of memory."),
        "saved": Subject(Kind.BOOLEAN, "Whether the last snapshot was written.", Cause.STALE),
        "value": Subject(Kind.TEXT, "The value of `key`, where it is a text of less than 900 kB."),
        "length": Subject(Kind.NUMBER, "How long the list, stream, set or text of `key` is."),
        "expires_in": Subject(Kind.DURATION, "Until the certificate expires, with `tls`.", Cause.EXPIRY),
        "latency": Subject(Kind.DURATION, "From the start to the last answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("pong == true", "loading == false")

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """With TLS there is a certificate, which has to last."""
        return (*self.EXPECT, *(("expires_in > 14d",) if self.tls else ())), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        yield from address_problems(self.address, self.server_name)
        if self.user and not self.password:
            yield "user", "a user needs a password; add `password`"
        if self.certificate_key and not self.certificate:
            yield "certificate_key", "`certificate_key` needs its `certificate`; name both"
        for field in ("server_name", "ca", "certificate"):
            if getattr(self, field) and not self.tls:
                yield field, f"`{field}` is for TLS; add `tls: true`"

    def target(self) -> str:
        """The address, and the key."""
        return self.address + (f" {self.key}" if self.key else "")

    def probe(self, ask: Ask) -> Observation:
        """Ask within `ask.timeout` seconds in all."""
        started = time.monotonic()
        values: dict[str, Value] = {}
        try:
            password = ask.resolve(self.password) if self.password else None
            with dialogue(parse_address(self.address), within(ask.timeout)) as talk:
                if self.tls:
                    values["expires_in"] = self._secure(talk, ask) - ask.now
                self._talk(talk, password, values)
        except SecretMissingError as error:
            return Observation(failure=Failure(Cause.SECRET, str(error)))
        except DialogueError as error:
            # What was seen until then must not pass for the whole.
            return Observation(failure=error.failure, evidence=values)
        return Observation({**values, "latency": time.monotonic() - started})

    def _secure(self, talk: Dialogue, ask: Ask) -> float:
        """Begin TLS; when the certificate expires."""
        named = (self.ca, self.certificate, self.certificate_key)
        files = Files(*(str(ask.root / file) if file else None for file in named))
        name = self.server_name or parse_address(self.address).host
        return talk.secure(files, name, verify=self.verify).ends

    def _talk(self, talk: Dialogue, password: str | None, values: dict[str, Value]) -> None:
        if password is not None:
            _ask(talk, "AUTH", *([self.user] if self.user else []), password)
        values["pong"] = _ask(talk, "PING", unless="LOADING") == "PONG"
        figures = _figures(str(_ask(talk, "INFO")))
        if not figures:
            raise wrong("its answer to INFO is none of Redis'")
        values |= figures
        if self.key is not None and not values.get("loading"):
            values |= _look(talk, self.key)


def _ask(talk: Dialogue, *words: str, unless: str = "") -> str | int | None:
    """The answer to a command in RESP 2; None for an error that begins with `unless`.

    https://redis.io/docs/latest/develop/reference/protocol-spec/
    """
    parts = [part for word in words for part in (f"${len(word.encode())}".encode(), word.encode())]
    talk.say(b"\r\n".join([f"*{len(words)}".encode(), *parts, b""]))
    line = talk.line()
    kind, rest = line[:1], line[1:]
    if kind == "+":
        return rest
    if kind == "-" and unless and rest.startswith(unless):
        return None
    if kind == "-":
        # What does not know a command may say it back, with a part of the password.
        raise wrong(f"it refused `{words[0]}`", rest.partition(", with args")[0])
    if not _NUMBER.fullmatch(rest.removeprefix("-")) or kind not in {":", "$"}:
        raise wrong("it does not speak Redis' protocol")
    if kind == ":":
        return int(rest)
    # A length below 0 says that there is nothing.
    return talk.exactly(int(rest) + 2)[:-2].decode("utf-8", "replace") if int(rest) >= 0 else None


def _look(talk: Dialogue, key: str) -> dict[str, Value]:
    """The length of a key, and its value where that is a text."""
    kind = _ask(talk, "TYPE", key)
    if kind == "none":
        return {"length": 0}
    if not isinstance(kind, str) or kind not in _LENGTHS:
        return {}
    length = _ask(talk, _LENGTHS[kind], key)
    if kind == "string" and isinstance(length, int) and length < _MOST:
        return {"length": length, "value": _ask(talk, "GET", key)}
    return {"length": length}


def _figures(info: str) -> dict[str, Value]:
    """The values that `INFO` tells, where it does."""
    told = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    numbers = {name: int(text) for name, text in told.items() if _NUMBER.fullmatch(text)}
    found: dict[str, Value] = {
        subject: numbers[name]
        for subject, name in (
            ("replicas", "connected_slaves"),
            ("memory", "used_memory"),
            ("clients", "connected_clients"),
            ("evicted", "evicted_keys"),
        )
        if name in numbers
    }
    found |= {
        subject: told[name]
        for subject, name in (("role", "role"), ("link", "master_link_status"))
        if name in told
    }
    if "loading" in numbers:
        found["loading"] = numbers["loading"] != 0
    if "rdb_last_bgsave_status" in told:
        found["saved"] = told["rdb_last_bgsave_status"] == "ok"
    # Of a link that is down, Redis tells since when, and -1 as the time of the last word.
    heard = numbers.get("master_last_io_seconds_ago", numbers.get("master_link_down_since_seconds"))
    if heard is not None:
        found["lag"] = float(heard)
    if numbers.get("maxmemory"):
        found["memory_percent"] = 100 * numbers.get("used_memory", 0) / numbers["maxmemory"]
    return found
