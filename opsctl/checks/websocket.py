"""The `websocket` check: a server that agrees to talk and, where it is asked something, what it answers."""

from __future__ import annotations

import os
import re
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple
from urllib.parse import urlsplit

from opsctl.connecting import Address, within
from opsctl.dialogue import DialogueError, dialogue, unsendable, wrong
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.secrets import SecretMissingError, Template
from opsctl.strict_json import RepeatedKeyError, read_json
from opsctl.trust import Files

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.dialogue import Dialogue

_SWITCHED = 101
# RFC 6455, 1.3: what a server adds to our key to show that it knows what it agrees to.
_ANSWERED = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, kw_only=True)
class WebsocketCheck:
    """Open a WebSocket (RFC 6455), and send a message and wait for one where that is asked for."""

    url: Annotated[Template, NotEmpty(), Doc("Where to connect: `ws://` or `wss://`.")]
    send: Annotated[Template | None, NotEmpty(), Doc("A message to send.")] = None
    until: Annotated[
        re.Pattern[str] | None,
        Doc("Pass over messages until this regular expression is found in one; without it, take the first."),
    ] = None
    subprotocol: Annotated[str | None, NotEmpty(), Doc("The subprotocol to ask for.")] = None
    headers: Annotated[Mapping[str, Template], Doc("Headers of the request, by name.")] = field(
        default_factory=dict
    )
    verify: Annotated[bool, Doc("Whether a certificate that is not valid is a failure.")] = True
    ca: Annotated[
        str | None, NotEmpty(), Doc("A file of trusted certificates (PEM) in place of the system's.")
    ] = None

    SHORTHAND: ClassVar[str] = "url"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "status": Subject(Kind.NUMBER, "The code of the answer, 101 where it agrees.", Cause.STATUS),
        "subprotocol": Subject(Kind.TEXT, "The subprotocol it chose, where it chose one.", Cause.PROTOCOL),
        "received": Subject(Kind.TEXT, "The message that came.", Cause.BODY),
        "json": Subject(Kind.JSON, "The message as JSON, or a value in it.", Cause.BODY),
        "version": Subject(Kind.TEXT, 'The protocol of TLS, as "TLSv1.3".', Cause.TLS),
        "expires_in": Subject(Kind.DURATION, "Until the server's certificate expires.", Cause.EXPIRY),
        "latency": Subject(Kind.DURATION, "From the start to the last answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("status == 101",)

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Who asks something wants an answer."""
        return (*self.EXPECT, *(('received != ""',) if self.send or self.until else ())), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        if "${" not in self.url.text:
            try:
                _place(self.url.text)
            except ValueError as error:
                yield "url", str(error)
        if self.subprotocol and not _NAME.fullmatch(self.subprotocol):
            yield "subprotocol", f"`{self.subprotocol[:80]}` is not one word of letters, digits and signs"
        for name in self.headers:
            if not _NAME.fullmatch(name):
                yield "headers", f"`{name[:80]}` is not a header's name"

    def target(self) -> str:
        """The address."""
        return self.url.text

    def probe(self, ask: Ask) -> Observation:
        """Talk within `ask.timeout` seconds in all."""
        started, deadline = time.monotonic(), within(ask.timeout)
        values: dict[str, Value] = {}
        untold: dict[str, str] = {}
        try:
            place = _place(ask.resolve(self.url))
            headers = {name: ask.resolve(value) for name, value in self.headers.items()}
            message = ask.resolve(self.send) if self.send else None
            with dialogue(place.address, deadline) as talk:
                received = self._talk(talk, place, headers, message, values, ask)
                if received is not None:
                    values |= _read(received, ask, untold)
                values["latency"] = time.monotonic() - started
        except SecretMissingError as error:
            return Observation(failure=Failure(Cause.SECRET, str(error)))
        except ValueError as error:
            return Observation(failure=Failure(Cause.UNSUPPORTED, str(error)))
        except DialogueError as error:
            # What was seen until then must not pass for the whole.
            return Observation(failure=error.failure, evidence=values)
        return Observation(values, untold=untold)

    def _talk(
        self,
        talk: Dialogue,
        place: _Place,
        headers: Mapping[str, str],
        message: str | None,
        values: dict[str, Value],
        ask: Ask,
    ) -> str | None:
        """The message that came, where one was waited for."""
        if place.secure:
            files = Files(str(ask.root / self.ca) if self.ca else None, None, None)
            secured = talk.secure(files, place.address.host, verify=self.verify)
            values |= {"version": secured.version, "expires_in": secured.ends - ask.now}
        key = b64encode(os.urandom(16)).decode()
        talk.say(_request(place, key, self.subprotocol, headers))
        values["status"], told = _response(talk)
        if values["status"] != _SWITCHED:
            return None
        values |= _agreed(told, key, self.subprotocol)
        if message is not None:
            talk.say(_frame(_TEXT, message.encode()))
        waits = self.send or self.until or ask.wanted & {"received", "json"}
        received = self._wanted(talk) if waits else None
        with suppress(DialogueError):
            talk.say(_frame(_CLOSE, b"\x03\xe8"))
        return received

    def _wanted(self, talk: Dialogue) -> str:
        while True:
            text = _message(talk)
            if self.until is None or self.until.search(text):
                return text


class _Place(NamedTuple):
    """Where to connect, the host as a header has it, the path, and whether by TLS."""

    address: Address
    host: str
    path: str
    secure: bool


def _place(url: str) -> _Place:
    """The parts of a URL; ValueError says what is wrong with it, and shows no secret."""
    parts = urlsplit(url)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise ValueError("that is not the address of a WebSocket; write `wss://host/path`")
    if parts.username is not None or parts.fragment:
        raise ValueError("an address of a WebSocket has neither a user nor a `#`; use `headers`")
    if unsendable(url) or " " in url or not url.isascii():
        raise ValueError("an address has no spaces or other letters than ASCII's; write them as `%20`")
    secure = parts.scheme == "wss"
    port = parts.port or (443 if secure else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Place(Address(parts.hostname, port), parts.netloc, path, secure)


def _request(place: _Place, key: str, subprotocol: str | None, headers: Mapping[str, str]) -> bytes:
    lines = {
        "Host": place.host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
        "User-Agent": "opsctl",
        **({"Sec-WebSocket-Protocol": subprotocol} if subprotocol else {}),
        **headers,
    }
    if any(unsendable(value) for value in lines.values()):
        raise DialogueError(Failure(Cause.SECRET, "a header's value of several lines cannot be sent"))
    told = [f"{name}: {value}" for name, value in lines.items()]
    return "\r\n".join([f"GET {place.path} HTTP/1.1", *told, "", ""]).encode()


def _response(talk: Dialogue) -> tuple[int, dict[str, str]]:
    """The status, and the headers by name in lower case."""
    first = talk.line()
    found = re.fullmatch(r"HTTP/1\.[01] ([1-5][0-9]{2})( .*)?", first)
    if not found:
        raise wrong("it does not speak HTTP", first)
    headers: dict[str, str] = {}
    while text := talk.line():
        name, _, value = text.partition(":")
        name = name.strip().lower()
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    return int(found[1]), headers


def _agreed(told: Mapping[str, str], key: str, asked: str | None) -> dict[str, Value]:
    """What was agreed on; DialogueError where the server only says so (RFC 6455, 4.1)."""
    import hashlib

    proof = b64encode(hashlib.sha1((key + _ANSWERED).encode(), usedforsecurity=False).digest()).decode()
    options = {word.strip().lower() for word in told.get("connection", "").split(",")}
    if told.get("upgrade", "").lower() != "websocket" or "upgrade" not in options:
        raise wrong("it agrees to something else than a WebSocket")
    if told.get("sec-websocket-accept") != proof:
        raise wrong("it agrees without knowing what to: its Sec-WebSocket-Accept is wrong")
    chosen = told.get("sec-websocket-protocol")
    if chosen is not None and chosen != asked:
        raise wrong("it chose a subprotocol that was not asked for", chosen)
    if "sec-websocket-extensions" in told:
        raise wrong("it chose an extension that was not asked for", told["sec-websocket-extensions"])
    return {} if chosen is None else {"subprotocol": chosen}


def _frame(kind: int, data: bytes) -> bytes:
    """A whole frame, masked as every frame of a client has to be."""
    size = len(data)
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = b"\xfe" + size.to_bytes(2, "big") if size < 2**16 else b"\xff" + size.to_bytes(8, "big")
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
    return bytes([0x80 | kind]) + length + mask + masked


def _message(talk: Dialogue) -> str:
    """The next message, put together from its frames; whoever pings meanwhile is answered."""
    pieces: list[bytes] = []
    while True:
        first, second = talk.exactly(2)
        last, kind, size = bool(first & 0x80), first & 0x0F, second & 0x7F
        if first & 0x70 or second & 0x80 or kind not in {_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG}:
            raise wrong("it sent a frame that is none of a WebSocket's")
        if size >= 126:
            size = int.from_bytes(talk.exactly(2 if size == 126 else 8), "big")
        data = talk.exactly(size)
        if kind == _CLOSE:
            code, reason = int.from_bytes(data[:2], "big"), data[2:].decode("utf-8", "replace")
            raise wrong(f"it closed the WebSocket with code {code or 1005}", reason)
        if kind == _PING:
            talk.say(_frame(_PONG, data))
        elif kind != _PONG:
            if (kind == _CONTINUED) != bool(pieces):
                raise wrong("it mixed up the frames of two messages")
            pieces.append(data)
            if last:
                return b"".join(pieces).decode("utf-8", "replace")


def _read(text: str, ask: Ask, untold: dict[str, str]) -> dict[str, Value]:
    values: dict[str, Value] = {"received": text}
    if "json" in ask.wanted:
        try:
            values["json"] = read_json(text, ask.keys)
        except RepeatedKeyError as error:
            untold["json"] = str(error)
        except (ValueError, RecursionError):
            pass
    return values
