"""What servers of WebSockets say and hear, by RFC 6455."""

from __future__ import annotations

import base64
import hashlib


def heard(stream):
    """The kind and the data of the next frame of a client, each of which has to be masked."""
    first, second = stream.read(2)
    assert second & 0x80
    size = second & 0x7F
    if size >= 126:
        size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
    mask = stream.read(4)
    return first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(stream.read(size)))


def frame(kind, data, *, last=True):
    """A frame of a server, which is not masked."""
    size = len(data)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big") if size < 65536 else None
    if length is None:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes([(0x80 if last else 0) | kind]) + length + data


def agreeing(answer, *, more="", told=None, accept=None):
    """A server that agrees and then does `answer(connection, stream)`; `told` is filled with the request's lines."""

    def serve(connection, done):
        with connection.makefile("rb") as stream:
            lines = [line.decode().strip() for line in iter(stream.readline, b"\r\n")]
            if told is not None:
                told.extend(lines)
            (key,) = (line.partition(": ")[2] for line in lines if line.startswith("Sec-WebSocket-Key"))
            assert len(base64.b64decode(key)) == 16
            digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
            proof = accept or base64.b64encode(digest).decode()
            connection.sendall(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
                f"Sec-WebSocket-Accept: {proof}\r\n{more}\r\n".encode()
            )
            answer(connection, stream)

    return serve
