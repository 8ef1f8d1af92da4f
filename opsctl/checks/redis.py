"""The `redis` check: a server that answers, its role and its figures."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.connecting import ConnectError, connect, failure_of, parse_address, within
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.secrets import SecretMissingError, Template

if TYPE_CHECKING:
    import socket

    from opsctl.checks import Ask
    from opsctl.connecting import Deadline

_MOST = 1_000_000
_LONGEST_LINE = 65_536
_NUMBER = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, kw_only=True)
class RedisCheck:
    """Ask a Redis or Valkey server how it is; nothing is written to it."""

    address: Annotated[str, NotEmpty(), Doc("As `redis.example.com:6379`.")]
    user: Annotated[str | None, NotEmpty(), Doc("The user's name, where there are users.")] = None
    password: Annotated[Template | None, NotEmpty(), Doc("Best as `${env:NAME}`.")] = None
    key: Annotated[str | None, NotEmpty(), Doc("A key whose value or length is looked at.")] = None

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
        "value": Subject(Kind.TEXT, "The value of `key`, where it is a text."),
        "length": Subject(Kind.NUMBER, "How long the list, stream, set or text of `key` is."),
        "latency": Subject(Kind.DURATION, "From the start to the last answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("pong == true", "loading == false")

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        try:
            parse_address(self.address)
        except ValueError as error:
            yield "address", str(error)
        if self.user and not self.password:
            yield "user", "a user needs a password; add `password`"

    def target(self) -> str:
        """The address, and the key."""
        return self.address + (f" {self.key}" if self.key else "")

    def probe(self, ask: Ask) -> Observation:
        """Ask within `ask.timeout` seconds in all."""
        started, deadline = time.monotonic(), within(ask.timeout)
        try:
            password = ask.resolve(self.password) if self.password else None
            connection = connect(parse_address(self.address), "any", deadline)
        except SecretMissingError as error:
            return Observation(failure=Failure(Cause.SECRET, str(error)))
        except ConnectError as error:
            return Observation(failure=error.failure)
        values: dict[str, Value] = {}
        failure = None
        with connection.socket as peer:
            try:
                self._ask(_Talk(peer, deadline), password, values)
            except OSError as error:
                failure = failure_of(error, deadline.seconds)
            except _WrongError as error:
                failure = Failure(Cause.PROTOCOL, str(error))
        if failure is not None:
            # What was seen until then must not pass for the whole.
            return Observation(failure=failure, evidence=values)
        values["latency"] = time.monotonic() - started
        return Observation(values)

    def _ask(self, talk: _Talk, password: str | None, values: dict[str, Value]) -> None:
        if password is not None:
            talk.say("AUTH", *([self.user] if self.user else []), password)
        values["pong"] = talk.say("PING", unless="LOADING") == "PONG"
        figures = _figures(str(talk.say("INFO")))
        if not figures:
            raise _WrongError("its answer to INFO is none of Redis'")
        values |= figures
        if self.key is None or values.get("loading"):
            return
        kind = talk.say("TYPE", self.key)
        command = {
            "string": "STRLEN",
            "list": "LLEN",
            "set": "SCARD",
            "zset": "ZCARD",
            "stream": "XLEN",
            "hash": "HLEN",
        }
        if isinstance(kind, str) and kind in command:
            length = talk.say(command[kind], self.key)
            values["length"] = length
            if kind == "string" and isinstance(length, int) and length < _MOST:
                values["value"] = talk.say("GET", self.key)
        elif kind == "none":
            values["length"] = 0


class _WrongError(Exception):
    """The server refused, or said what is not its protocol."""


class _Talk:
    """Commands and their answers in RESP 2, https://redis.io/docs/latest/develop/reference/protocol-spec/."""

    def __init__(self, peer: socket.socket, deadline: Deadline) -> None:
        self._peer, self._deadline, self._left = peer, deadline, b""

    def say(self, *words: str, unless: str = "") -> str | int | None:
        """The answer to a command; _WrongError for an error, but None for one that begins with `unless`."""
        parts = [part for word in words for part in (f"${len(word.encode())}".encode(), word.encode())]
        self._peer.settimeout(self._deadline.left())
        self._peer.sendall(b"\r\n".join([f"*{len(words)}".encode(), *parts, b""]))
        line = self._line()
        kind, rest = line[:1], line[1:].decode("utf-8", "replace")
        if kind == b"+":
            return rest
        if kind == b"-" and unless and rest.startswith(unless):
            return None
        if kind == b"-":
            raise _WrongError(f"it refused `{words[0]}`: {rest[:200]}")
        if not _NUMBER.fullmatch(rest.removeprefix("-")) or kind not in {b":", b"$"}:
            raise _WrongError("it does not speak Redis' protocol")
        return int(rest) if kind == b":" else self._text(int(rest))

    def _text(self, length: int) -> str | None:
        if length < 0:
            return None
        if length > _MOST:
            raise _WrongError(f"an answer of {length} bytes is more than is read")
        while len(self._left) < length + 2:
            self._more()
        text, self._left = self._left[:length], self._left[length + 2 :]
        return text.decode("utf-8", "replace")

    def _line(self) -> bytes:
        while b"\r\n" not in self._left:
            if len(self._left) > _LONGEST_LINE:
                raise _WrongError("it does not speak Redis' protocol")
            self._more()
        line, _, self._left = self._left.partition(b"\r\n")
        return line

    def _more(self) -> None:
        self._peer.settimeout(self._deadline.left())
        piece = self._peer.recv(65536)
        if not piece:
            raise _WrongError("it closed the connection")
        self._left += piece


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
