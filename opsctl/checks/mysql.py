"""The `mysql` check: a MySQL or MariaDB server that greets, its certificate, and who it lets in."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from opsctl.connecting import parse_address, within
from opsctl.dialogue import DialogueError, dialogue, quoted, wrong
from opsctl.limits import Doc, Matching, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.trust import Files

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.dialogue import Dialogue

# https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
_OK, _MORE, _SWITCH, _REFUSED = 0x00, 0x01, 0xFE, 0xFF
_LONG_PASSWORD, _PROTOCOL_41, _TLS, _SECURE, _PLUGINS = 1, 0x200, 0x800, 0x8000, 0x80000
_LARGEST, _UTF8 = 1 << 24, 45
# What a server says to a name without the right password, or without TLS where it wants that.
_NOT_LET_IN = frozenset({1044, 1045, 1251, 1698, 3118, 3159, 4151})
_TURNS = 5


@dataclass(frozen=True, kw_only=True)
class MysqlCheck:
    """Read the greeting of a MySQL or MariaDB server, and say a name to it, which needs no password."""

    address: Annotated[str, NotEmpty(), Doc("As `db.example.com:3306`.")]
    user: Annotated[
        str,
        Matching(r"[A-Za-z0-9_.@-]{1,32}", "a name of letters, digits, `_`, `.`, `@` and `-`"),
        Doc("The name to say. A server blocks who greets and goes away, so some name has to be said."),
    ] = "opsctl"
    tls: Annotated[Literal["starttls", "none"], Doc("By TLS, or without.")] = "none"
    server_name: Annotated[
        str | None, NotEmpty(), Doc("The name the certificate has to have; by default the host.")
    ] = None
    verify: Annotated[bool, Doc("Whether a certificate that is not valid is a failure.")] = True
    ca: Annotated[
        str | None, NotEmpty(), Doc("A file of trusted certificates (PEM) in place of the system's.")
    ] = None

    SHORTHAND: ClassVar[str] = "address"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "ready": Subject(Kind.BOOLEAN, "Whether it greets, and answers to a name.", Cause.PROTOCOL),
        "version": Subject(Kind.TEXT, 'The server\'s version, as "8.4.3" or "11.4.2-MariaDB".'),
        "starttls": Subject(Kind.BOOLEAN, "Whether it offers TLS.", Cause.TLS),
        "expires_in": Subject(Kind.DURATION, "Until the certificate expires.", Cause.EXPIRY),
        "authenticated": Subject(Kind.BOOLEAN, "Whether it let `user` in without a password.", Cause.STATUS),
        "latency": Subject(Kind.DURATION, "From the start to the last answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("ready == true",)

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """With TLS there is a certificate, which has to last."""
        return (*self.EXPECT, *(("expires_in > 14d",) if self.tls == "starttls" else ())), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        try:
            parse_address(self.address)
        except ValueError as error:
            yield "address", str(error)
        if self.server_name and self.server_name.startswith("."):
            yield "server_name", f"`{self.server_name[:80]}` is not a host name; write it without the dot"

    def target(self) -> str:
        """The address."""
        return self.address

    def probe(self, ask: Ask) -> Observation:
        """Talk within `ask.timeout` seconds in all."""
        started, deadline = time.monotonic(), within(ask.timeout)
        values: dict[str, Value] = {}
        try:
            with dialogue(parse_address(self.address), deadline) as talk:
                self._talk(talk, values, ask)
                values |= {"ready": True, "latency": time.monotonic() - started}
        except DialogueError as error:
            # What was seen until then must not pass for the whole.
            return Observation(failure=error.failure, evidence=values)
        return Observation(values)

    def _talk(self, talk: Dialogue, values: dict[str, Value], ask: Ask) -> None:
        number, data = _packet(talk)
        greeting = _greeting(data)
        values |= {"version": greeting.version, "starttls": bool(greeting.offers & _TLS)}
        flags = _LONG_PASSWORD | _PROTOCOL_41 | _SECURE | (greeting.offers & _PLUGINS)
        if self.tls == "starttls":
            if not greeting.offers & _TLS:
                words = "it does not offer TLS; write `tls: none` if that is right"
                raise DialogueError(Failure(Cause.TLS, words))
            flags |= _TLS
            number = _send(talk, number, _start(flags))
            files = Files(str(ask.root / self.ca) if self.ca else None, None, None)
            name = self.server_name or parse_address(self.address).host
            values["expires_in"] = talk.secure(files, name, verify=self.verify).ends - ask.now
        # A name, no password, and as the way to prove it the one that everybody knows.
        plugin = b"mysql_native_password\0" if flags & _PLUGINS else b""
        number = _send(talk, number, _start(flags) + self.user.encode() + b"\0\0" + plugin)
        values["authenticated"] = _let_in(talk, number)
        if values["authenticated"]:
            with suppress(DialogueError):
                _send(talk, -1, b"\x01")


class _Greeting(NamedTuple):
    version: str
    offers: int


def _packet(talk: Dialogue) -> tuple[int, bytes]:
    """The number and the content of the next packet."""
    head = talk.exactly(4)
    size = int.from_bytes(head[:3], "little")
    if not 0 < size < 10_000:
        raise wrong("it does not speak MySQL's protocol")
    return head[3], talk.exactly(size)


def _send(talk: Dialogue, number: int, data: bytes) -> int:
    """Send a packet after the one of that number; its own number."""
    number = (number + 1) % 256
    talk.say(len(data).to_bytes(3, "little") + bytes([number]) + data)
    return number


def _start(flags: int) -> bytes:
    """What an answer to the greeting begins with; all of it where TLS comes first."""
    return flags.to_bytes(4, "little") + _LARGEST.to_bytes(4, "little") + bytes([_UTF8]) + bytes(23)


def _greeting(data: bytes) -> _Greeting:
    if data[0] == _REFUSED:
        code, words = _error(data)
        raise wrong(f"it refuses with error {code}", words)
    version, end, rest = data[1:].partition(b"\0")
    # Ten is the protocol's version, which has been that since 1998.
    if data[0] != 10 or not end or len(rest) < 15:
        raise wrong("it does not speak MySQL's protocol")
    offers = int.from_bytes(rest[13:15], "little")
    if len(rest) >= 20:
        offers |= int.from_bytes(rest[18:20], "little") << 16
    # MariaDB puts a version of MySQL before its own, for what is too old to know it.
    return _Greeting(quoted(version.decode("utf-8", "replace").removeprefix("5.5.5-")), offers)


def _error(data: bytes) -> tuple[int, str]:
    text = data[3:]
    if text[:1] == b"#":
        text = text[6:]
    return int.from_bytes(data[1:3], "little"), text.decode("utf-8", "replace")


def _let_in(talk: Dialogue, number: int) -> bool:
    """Whether the server is content with no password, by whatever way it wants to be given one."""
    for _ in range(_TURNS):
        number, data = _packet(talk)
        if data[0] == _OK:
            return True
        if data[0] == _REFUSED:
            code, words = _error(data)
            if code in _NOT_LET_IN:
                return False
            raise wrong(f"it refuses with error {code}", words)
        if data[0] not in {_SWITCH, _MORE}:
            break
        number = _send(talk, number, b"")
    raise wrong("it does not speak MySQL's protocol")
