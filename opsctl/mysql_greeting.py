"""The first words with a MySQL or MariaDB server: its greeting, and a name without a password."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from opsctl.dialogue import DialogueError, quoted, wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsctl.dialogue import Dialogue

# https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
_OK, _MORE, _SWITCH, _REFUSED = 0x00, 0x01, 0xFE, 0xFF
_LONG_PASSWORD, _PROTOCOL_41, _TLS, _SECURE, _PLUGINS = 1, 0x200, 0x800, 0x8000, 0x80000
_LARGEST, _UTF8 = 1 << 24, 45
# What a server says to a name without the right password, or without TLS where it wants that.
_NOT_LET_IN = frozenset({1044, 1045, 1251, 1698, 3118, 3159, 4151})
_TURNS = 5


class Greeting(NamedTuple):
    """What a server says first: the packet, its version, whether it offers TLS, and ways to log in."""

    packet: bytes
    version: str
    tls: bool
    plugins: bool


def hear_greeting(talk: Dialogue) -> Greeting:
    """The greeting; DialogueError where it is a refusal, or none of protocol 10."""
    head, data = _packet(talk)
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
    named = quoted(version.decode("utf-8", "replace").removeprefix("5.5.5-"))
    return Greeting(head + data, named, bool(offers & _TLS), bool(offers & _PLUGINS))


def let_in(talk: Dialogue, greeting: Greeting, user: str, secure: Callable[[], None] | None) -> bool:
    """Whether the server lets `user` in without a password, by whatever way it wants to be given one.

    `secure` begins TLS, where that comes first.
    """
    flags = _LONG_PASSWORD | _PROTOCOL_41 | _SECURE | (_PLUGINS if greeting.plugins else 0)
    number = greeting.packet[3]
    if secure:
        flags |= _TLS
        number = _send(talk, number, _start(flags))
        secure()
    # A name, no password, and as the way to prove it the one that everybody knows.
    plugin = b"mysql_native_password\0" if greeting.plugins else b""
    number = _send(talk, number, _start(flags) + user.encode() + b"\0\0" + plugin)
    for _ in range(_TURNS):
        head, data = _packet(talk)
        if data[0] == _OK:
            with suppress(DialogueError):
                # Who is let in takes leave, which nobody answers.
                _send(talk, -1, b"\x01")
            return True
        if data[0] == _REFUSED:
            code, words = _error(data)
            if code in _NOT_LET_IN:
                return False
            raise wrong(f"it refuses with error {code}", words)
        if data[0] not in {_SWITCH, _MORE}:
            break
        number = _send(talk, head[3], b"")
    raise wrong("it does not speak MySQL's protocol")


def _packet(talk: Dialogue) -> tuple[bytes, bytes]:
    """The head and the content of the next packet."""
    head = talk.exactly(4)
    size = int.from_bytes(head[:3], "little")
    if not 0 < size < 10_000:
        raise wrong("it does not speak MySQL's protocol")
    return head, talk.exactly(size)


def _send(talk: Dialogue, number: int, data: bytes) -> int:
    """Send a packet after the one of that number; its own number."""
    number = (number + 1) % 256
    talk.say(len(data).to_bytes(3, "little") + bytes([number]) + data)
    return number


def _start(flags: int) -> bytes:
    """What an answer to the greeting begins with; all of it where TLS comes first."""
    return flags.to_bytes(4, "little") + _LARGEST.to_bytes(4, "little") + bytes([_UTF8]) + bytes(23)


def _error(data: bytes) -> tuple[int, str]:
    text = data[3:]
    if text[:1] == b"#":
        text = text[6:]
    return int.from_bytes(data[1:3], "little"), text.decode("utf-8", "replace")
