"""Peers of every network check that play along up to a point, and then do not: see `MANNERS` and `PEERS`."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pytest
    from certificates import Pair

_PAUSE = 0.03
_GARBAGE = bytes(range(256)) * 64


class Peer(NamedTuple):
    """What a check is told to look at, and how far its peer plays along."""

    check: str
    """The check's YAML; `@` stands for the peer's address, `#` for its port."""
    start: bytes = b""
    """The beginning of an answer, of which `more` is the rest without an end."""
    more: bytes = b"x"
    piece: bytes = b""
    """A whole answer, or a part of one, that may come again and again."""
    turns: tuple[bytes | Callable[[bytes], bytes], ...] = (b"",)
    """What is said properly first; after each of them the check is heard."""
    known: Mapping[bytes, bytes] = {}
    """Whole answers to requests, by a part of each, on connections of their own."""
    secure: bool = False
    kind: str = "tcp"


def _silent(_peer: Peer, _say: Callable[[bytes], object]) -> None:
    time.sleep(60)


def _closing(_peer: Peer, _say: Callable[[bytes], object]) -> None:
    return


def _garbage(_peer: Peer, say: Callable[[bytes], object]) -> None:
    say(_GARBAGE)
    time.sleep(60)


def _dripping(peer: Peer, say: Callable[[bytes], object]) -> None:
    say(peer.start)
    while True:
        for byte in peer.more:
            time.sleep(_PAUSE)
            say(bytes([byte]))


def _endless(peer: Peer, say: Callable[[bytes], object]) -> None:
    say(peer.start)
    while True:
        say(peer.more * (32768 // len(peer.more)))


def _repeating(peer: Peer, say: Callable[[bytes], object]) -> None:
    while peer.piece:
        say(peer.piece * (1 + 8192 // len(peer.piece)))


MANNERS: Mapping[str, Callable[[Peer, Callable[[bytes], object]], None]] = {
    "silent": _silent,
    "closing": _closing,
    "garbage": _garbage,
    "dripping": _dripping,
    "endless": _endless,
    "repeating": _repeating,
}


def _agreed(request: bytes) -> bytes:
    """The handshake of a WebSocket's server."""
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", request)
    proof = hashlib.sha1((key[1] if key else b"") + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return head + b"Sec-WebSocket-Accept: " + base64.b64encode(proof) + b"\r\n\r\n"


_HEAD = b"HTTP/1.1 200 OK\r\nX-A: "
_BODY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n["
_HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
_AGAIN = b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
_GOOD = b"HTTP/1.1 200 OK\r\nApi-Version: 1.47\r\nContent-Length: 2\r\n\r\n{}"
_TLS_RECORD = b"\x16\x03\x03\x40\x00\x02"
_H2_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_H2_HEADERS = b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88"
# Frames of HTTP/2, RFC 9113: the headers that begin and never end, a ping, and a body.
_H2_UNENDED = b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x88"
_H2_CONTINUED = b"\x00\x00\x00\x09\x00\x00\x00\x00\x01"
_H2_PING = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + bytes(8)
_H2_DATA = b"\x00\x01\x00\x00\x00\x00\x00\x00\x01" + bytes(256)
_H2_LARGE = b"\x00\x3f\xff\x00\x00\x00\x00\x00\x01"
_MYSQL = (
    b"\x0a8.4.3\0\1\0\0\0abcdefgh\0\xff\xff\x2d\2\0\xff\xff\x15"
    + bytes(10)
    + b"abcdefghijkl\0mysql_native_password\0"
)
_MYSQL_GREETING = len(_MYSQL).to_bytes(3, "little") + b"\0" + _MYSQL
_SMTP = (b"220 mail ready\r\n", b"250-mail\r\n250 STARTTLS\r\n")
_IMAP = (b"* OK ready\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS\r\na OK done\r\n")
_POP3 = (b"+OK ready\r\n", b"+OK\r\nSTLS\r\n.\r\n")
_TLS = "verify: false"


def _web(check: str, **more: object) -> Iterator[tuple[str, Peer]]:
    """A check that asks by HTTP: headers without end, a body without end, hints without end."""
    name = re.match(r"\w+", check)
    assert name
    yield f"{name[0]}-headers", Peer(check, _HEAD, piece=_HINT, **more)  # type: ignore[arg-type]
    yield f"{name[0]}-body", Peer(check, _BODY, b"1,", piece=_AGAIN, **more)  # type: ignore[arg-type]


PEERS: Mapping[str, Peer] = {
    **dict(_web("http: {url: 'http://@/', redirects: 5}\n        expect: json exists")),
    "https": Peer("http: {url: 'https://@/', verify: false}", _HEAD, piece=_HINT, secure=True),
    "https-handshake": Peer("http: {url: 'https://@/'}", _TLS_RECORD, b"\x02", turns=()),
    **dict(_web("flow: {requests: [{name: a, url: 'http://@/a'}, {name: b, url: 'http://@/b'}]}")),
    "flow-later": Peer("flow: {requests: [{name: a, url: 'http://@/a'}, {name: b, url: 'http://@/b'}]}",
                       _HEAD, piece=_HINT, known={b"/a": _GOOD}),
    **dict(_web("health: {url: 'http://@/health'}")),
    **dict(_web("statuspage: {url: 'http://@'}")),
    **dict(_web("domain: {name: example.com, server: 'http://@'}")),
    "domain-later": Peer("domain: {name: example.com, server: 'http://@'}", _BODY, b"1,", piece=_AGAIN,
                         known={b"/domain/": _AGAIN}),
    **dict(_web("kubernetes: {resource: deployment/web, server: 'http://@', token: t}")),
    **dict(_web("docker: {container: web, socket: '@'}", kind="unix")),
    "docker-later": Peer("docker: {container: web, socket: '@'}", _BODY, b"1,", piece=_HINT,
                         known={b"/_ping": _GOOD}, kind="unix"),
    "http2": Peer("http: {url: 'http://@/', version: '2'}", _H2_SETTINGS + _H2_UNENDED, _H2_CONTINUED,
                  piece=_H2_PING, turns=(b"", _H2_SETTINGS)),
    "http2-settings": Peer("http: {url: 'http://@/', version: '2'}", _H2_SETTINGS, _H2_PING, piece=_H2_SETTINGS),
    "grpc": Peer("grpc: {address: '@', tls: false}", _H2_SETTINGS + _H2_UNENDED, _H2_CONTINUED, piece=_H2_PING),
    "grpc-body": Peer("grpc: {address: '@', tls: false}", _H2_LARGE, b"\0",
                      piece=_H2_DATA, turns=(b"", _H2_SETTINGS + _H2_HEADERS)),
    "websocket": Peer("websocket: 'ws://@/'", b"HTTP/1.1 101 Yes\r\nX: ", piece=b"HTTP/1.1 101 Yes\r\n"),
    "websocket-later": Peer("websocket: {url: 'ws://@/', until: never}", b"\x81\x7f" + (1 << 40).to_bytes(8, "big"),
                            piece=b"\x89\x00\x81\x01x\x01\x00\x80\x00", turns=(b"", _agreed)),
    "websocket-secure": Peer("websocket: {url: 'wss://@/', verify: false, until: never}", b"\x81\x7d",
                             piece=b"\x01\x01x", turns=(b"", _agreed), secure=True),
    "tcp": Peer("tcp: {address: '@', send: GET, until: never}", piece=b"no\n"),
    "tls": Peer("tls: '@'", _TLS_RECORD, b"\x02", turns=(), piece=_TLS_RECORD[:5]),
    **{f"tls-{name}": Peer(f"tls: {{address: '@', starttls: {name}}}", start, start and b"x", piece,
                             (b"",) if name in {"ldap", "postgres"} else ())
       for name, start, piece in (("smtp", b"220-", b"220-a\r\n"), ("imap", b"* OK", b"* OK\r\n"),
                                  ("pop3", b"+OK", b"+OK\r\n"), ("ldap", b"\x30\x84\x00\x00\xff\xff", b"\x30\x00"),
                                  ("mysql", b"\xff\x00\x00\x00\x0a", _MYSQL_GREETING[:4]), ("postgres", b"", b""))},
    "tls-smtp-later": Peer("tls: {address: '@', starttls: smtp}", _TLS_RECORD, b"\x02", turns=(*_SMTP, b"220 go\r\n")),
    "tls-postgres-later": Peer("tls: {address: '@', starttls: postgres}", _TLS_RECORD, b"\x02", turns=(b"", b"S")),
    "smtp": Peer("smtp: {address: '@'}", b"220 ", piece=b"220-mail\r\n", turns=()),
    "smtp-later": Peer("smtp: {address: '@'}", b"220 ", piece=b"220-go\r\n", turns=_SMTP),
    "smtp-secure": Peer("smtp: {address: '@', tls: direct, verify: false}", b"220-", piece=b"220-mail\r\n",
                        turns=(), secure=True),
    "smtp-handshake": Peer("smtp: {address: '@'}", _TLS_RECORD, b"\x02", turns=(*_SMTP, b"220 go\r\n")),
    "imap": Peer("imap: {address: '@'}", b"* OK ", piece=b"* OK ready\r\n", turns=()),
    "imap-later": Peer("imap: {address: '@'}", b"a OK ", piece=b"* go on\r\n", turns=_IMAP),
    "imap-secure": Peer("imap: {address: '@', tls: direct, verify: false}", b"* OK ", piece=b"* OK ready\r\n",
                        turns=(), secure=True),
    "pop3": Peer("pop3: {address: '@'}", b"+OK ", piece=b"+OK ready\r\n", turns=()),
    "pop3-later": Peer("pop3: {address: '@'}", b"+OK\r\nUSER ", piece=b"+OK more\r\n", turns=_POP3[:1]),
    "pop3-secure": Peer("pop3: {address: '@', tls: direct, verify: false}", b"+OK ", piece=b"+OK ready\r\n",
                        turns=(), secure=True),
    "mysql": Peer("mysql: '@'", b"\xff\x10\x00\x00\x0a8.4", piece=b"\x01\x00\x00\x00\x0a", turns=()),
    "mysql-later": Peer("mysql: '@'", b"\xff\x10\x00\x02\xff", piece=b"\x01\x00\x00\x02\xfe",
                        turns=(_MYSQL_GREETING,)),
    "mysql-handshake": Peer("mysql: {address: '@', tls: starttls}", _TLS_RECORD, b"\x02",
                            turns=(_MYSQL_GREETING,)),
    "mysql-login": Peer("mysql: {address: '@', database: shop}", b"\xff\x10\x00\x02\x01", piece=b"\x01\x00\x00\x02\x01",
                        turns=(_MYSQL_GREETING,)),
    "mysql-query": Peer("mysql: {address: '@', query: SELECT 1}", b"\xff\x10\x00\x01\x01", piece=b"\x01\x00\x00\x01\x01",
                        turns=(_MYSQL_GREETING, b"\x07\0\0\2" + bytes(7), *[b"\x07\0\0\1" + bytes(7)] * 4)),
    "postgres": Peer("postgres: {address: '@', tls: none}", b"R\x00\x00\x00\x08", b"\0",
                     piece=b"N\x00\x00\x00\x06\x00\x00"),
    "postgres-later": Peer("postgres: {address: '@', tls: none}", b"S\x00\x00\xff\xff", piece=b"S\x00\x00\x00\x08a\0b\0",
                           turns=(b"", b"R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I")),
    "postgres-handshake": Peer("postgres: {address: '@', tls: require}", _TLS_RECORD, b"\x02", turns=(b"", b"S")),
    "redis": Peer("redis: '@'", b"+", piece=b"+PONG\r\n"),
    "redis-handshake": Peer("redis: {address: '@', tls: true}", _TLS_RECORD, b"\x02"),
    "redis-later": Peer("redis: '@'", b"$900000\r\n", b"a:1\r\n", piece=b"$5\r\na:1\r\n\r\n", turns=(b"", b"+PONG\r\n")),
    "ssh": Peer("ssh: '@'", b"SSH-2.0-", piece=b"hello\r\n", turns=()),
    "ssh-later": Peer("ssh: '@'\n        expect: fingerprint exists", b"\x00\x00\x3f\xfc\x0a\x14", b"\0",
                      piece=b"\x00\x00\x00\x0c\x0a\x02" + bytes(10), turns=(b"SSH-2.0-x\r\n",)),
    "dns-tcp": Peer("dns: {name: a.test, resolver: '@', transport: tcp}", b"\xff\xff", b"\0",
                    piece=b"\x00\x0c" + bytes(12)),
    "dns": Peer("dns: {name: a.test, resolver: '@'}", kind="udp", piece=bytes(12)),
    "clock": Peer("clock: {server: 127.0.0.1, port: #}", kind="udp", piece=bytes(48)),
    "ntp": Peer("ntp: {server: 127.0.0.1, port: #}", kind="udp", piece=bytes(48)),
    "http3": Peer("http: {url: 'https://@/', version: '3'}", kind="udp", piece=b"\xc0\x00\x00\x00\x01" + bytes(60)),
}  # fmt: skip


class World(NamedTuple):
    """A workspace's text, and the name of each check with its peer and its manner."""

    text: str
    checks: Mapping[str, tuple[str, str]]


@contextmanager
def serving(pair: Pair, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[World]:
    """Every peer in every manner that it has, and a workspace that looks at all of them."""
    # Sockets are bound by relative names, as the whole path may be longer than an address can be.
    patch.chdir(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    names = {f"{name}-{manner}": (name, manner) for name, peer in PEERS.items() for manner in manners(peer)}
    with ExitStack() as stack:
        checks = []
        for name, (peer, manner) in names.items():
            server = stack.enter_context(_listening(PEERS[peer], folder / f"{name}.sock"))
            threading.Thread(target=_serve, args=(server, PEERS[peer], manner, context), daemon=True).start()
            checks.append(f"      {name}:\n        {_written(PEERS[peer], server)}\n")
        head = "version: 1\nname: Hostile\ndefaults: {check: {timeout: 300ms, retries: 0}}\n"
        yield World(f"{head}services:\n  world:\n    checks:\n{''.join(checks)}", names)


def manners(peer: Peer) -> list[str]:
    """The ways in which the peer can be bad: no answer of one byte is long, and nobody can close datagrams."""
    if peer.kind == "udp":
        return ["silent", "garbage", "repeating"]
    absent = {"repeating": not peer.piece, "dripping": not peer.more, "endless": not peer.more}
    return [manner for manner in MANNERS if not absent.get(manner)]


def _written(peer: Peer, server: socket.socket) -> str:
    here = server.getsockname()
    address = here if isinstance(here, str) else f"127.0.0.1:{here[1]}"
    return peer.check.replace("@", address).replace("#", address.rpartition(":")[2])


@contextmanager
def _listening(peer: Peer, path: Path) -> Iterator[socket.socket]:
    if peer.kind == "tcp":
        server = socket.create_server(("127.0.0.1", 0))
    elif peer.kind == "udp":
        server = socket.socket(type=socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 0))
    else:
        server = socket.socket(socket.AF_UNIX)
        server.bind(path.name)
        server.listen()
    with server:
        yield server
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, peer: Peer, manner: str, context: ssl.SSLContext) -> None:
    while True:
        try:
            if peer.kind == "udp":
                _answer(server, peer, manner)
                continue
            opened, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_talk, args=(opened, peer, manner, context), daemon=True).start()


def _answer(server: socket.socket, peer: Peer, manner: str) -> None:
    """Datagrams in return for one; of those without an end, many times more than anybody waits for."""
    _, asker = server.recvfrom(2048)
    if asker is None:
        raise OSError("the socket was shut down")
    for _ in range({"silent": 0, "garbage": 1}.get(manner, 20_000)):
        with suppress(ConnectionRefusedError):
            server.sendto(_GARBAGE[:64] if manner == "garbage" else peer.piece, asker)


def _talk(opened: socket.socket, peer: Peer, manner: str, context: ssl.SSLContext) -> None:
    with opened, suppress(OSError):
        opened.settimeout(60)
        connection = context.wrap_socket(opened, server_side=True) if peer.secure else opened
        with connection:
            heard = b""
            for turn in peer.turns:
                connection.sendall(turn(heard) if callable(turn) else turn)
                heard = connection.recv(65536)
                for asked, answer in peer.known.items():
                    if asked in heard:
                        connection.sendall(answer)
                        return
            MANNERS[manner](peer, connection.sendall)
