"""Ask a server that speaks in the open to begin TLS, in the words of its protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.dialogue import Dialogue, DialogueError, quoted, wrong
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from opsctl.connecting import Deadline

# RFC 4511, 4.14: an extended request of this name, as BER.
_LDAP_NAME = b"1.3.6.1.4.1.1466.20037"
_LDAP = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + _LDAP_NAME
_LDAP_ANSWER = 0x78
# "SSLRequest" of PostgreSQL's protocol: its length, and a number in place of a version.
_POSTGRES = (8).to_bytes(4, "big") + (80_877_103).to_bytes(4, "big")
# Of MySQL's protocol: long passwords, 4.1, TLS, secure connections; then the largest packet and UTF-8.
_MYSQL_TLS = 0x800
_MYSQL_FLAGS = 0x1 | 0x200 | _MYSQL_TLS | 0x8000
_MYSQL = _MYSQL_FLAGS.to_bytes(4, "little") + (2**24).to_bytes(4, "little") + b"\x2d" + bytes(23)


def begin(connection: socket.socket, protocol: str, deadline: Deadline) -> None:
    """Say what has to be said before the handshake, for one of `PROTOCOLS`.

    DialogueError where the server does not answer as it should, or does not want TLS.
    """
    talk = Dialogue(connection, deadline)
    PROTOCOLS[protocol](talk)
    talk.settled()


def _smtp(talk: Dialogue) -> None:
    _smtp_reply(talk, "220")
    talk.say(b"EHLO opsctl\r\n")
    _smtp_reply(talk, "250")
    talk.say(b"STARTTLS\r\n")
    _smtp_reply(talk, "220")


def _smtp_reply(talk: Dialogue, code: str) -> None:
    while True:
        said = talk.line()
        if not said.startswith(code):
            raise refused(said)
        if said[3:4] != "-":
            return


def _imap(talk: Dialogue) -> None:
    _starts(talk, "* OK")
    talk.say(b"a STARTTLS\r\n")
    _starts(talk, "a OK")


def _pop3(talk: Dialogue) -> None:
    _starts(talk, "+OK")
    talk.say(b"STLS\r\n")
    _starts(talk, "+OK")


def _starts(talk: Dialogue, words: str) -> None:
    said = talk.line()
    if not said.upper().startswith(words.upper()):
        raise refused(said)


def _ldap(talk: Dialogue) -> None:
    talk.say(_LDAP)
    head = talk.exactly(2)
    size = head[1]
    if size & 0x80:
        size = int.from_bytes(talk.exactly(size & 0x7F), "big")
    # The number of the message, and then the answer with its code, which is 0 for success.
    body = talk.exactly(size)
    if head[0] != 0x30 or body[:3] != b"\x02\x01\x01" or body[3:4] != bytes([_LDAP_ANSWER]):
        raise wrong("it does not speak LDAP")
    at = 5 + (body[4] & 0x7F if body[4:5] and body[4] & 0x80 else 0)
    if body[at : at + 3] != b"\x0a\x01\x00":
        raise refused("it answers with another code than success")


def _postgres(talk: Dialogue) -> None:
    talk.say(_POSTGRES)
    answer = talk.exactly(1)
    if answer == b"N":
        raise refused("N")
    if answer != b"S":
        raise wrong("it does not speak PostgreSQL's protocol")


def _mysql(talk: Dialogue) -> None:
    head = talk.exactly(4)
    data = talk.exactly(int.from_bytes(head[:3], "little"))
    version, end, rest = data[1:].partition(b"\0")
    if data[:1] != b"\x0a" or not end or len(rest) < 15:
        raise wrong("it does not speak MySQL's protocol", version.decode("utf-8", "replace"))
    if not int.from_bytes(rest[13:15], "little") & _MYSQL_TLS:
        raise refused(version.decode("utf-8", "replace"))
    talk.say(len(_MYSQL).to_bytes(3, "little") + bytes([head[3] + 1 & 0xFF]) + _MYSQL)


def refused(said: str) -> DialogueError:
    """What to raise where the server would rather go on in the open."""
    return DialogueError(Failure(Cause.TLS, f"it does not begin TLS: {quoted(said)}"))


PROTOCOLS: Mapping[str, Callable[[Dialogue], None]] = {
    "smtp": _smtp,
    "imap": _imap,
    "pop3": _pop3,
    "ldap": _ldap,
    "postgres": _postgres,
    "mysql": _mysql,
}
