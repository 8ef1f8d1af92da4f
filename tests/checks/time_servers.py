"""Servers of time that answer as a test tells them to, in packets as RFC 5905 has them."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import contextmanager, suppress

EPOCH = 2_208_988_800


def stamp(at):
    return struct.pack("!II", int(at) + EPOCH & 0xFFFFFFFF, int(at % 1 * 2**32))


def short(seconds):
    return int(seconds * 2**16).to_bytes(4, "big")


def answer(
    asked,
    *,
    ahead=0.0,
    took=0.0,
    leap=0,
    stratum=2,
    mode=4,
    delay=0.0,
    dispersion=0.0,
    reference=bytes(4),
    age=None,
):
    """A server's packet: flags, stratum, roots, whom it follows, and the four times of RFC 5905, figure 8."""
    now = time.time() + ahead
    head = struct.pack("!BBbb", leap << 6 | 4 << 3 | mode, stratum, 6, -20)
    updated = bytes(8) if age is None else stamp(now - age)
    roots = short(delay) + short(dispersion) + reference
    return head + roots + updated + asked[40:48] + stamp(now) + stamp(now + took)


@contextmanager
def serving(make):
    """A server whose answers a function makes of the question, many at once; its port."""
    done = threading.Event()

    def reply(asked, peer):
        for packet in make(asked):
            # Who is slow may find that nobody waits any more.
            with suppress(OSError):
                udp.sendto(packet, peer)

    def serve():
        while True:
            asked, peer = udp.recvfrom(1024)
            if done.is_set():
                return
            threading.Thread(target=reply, args=(asked, peer), daemon=True).start()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield udp.getsockname()[1]
        finally:
            done.set()
            # Who waits for a question is woken by one.
            udp.sendto(b"", udp.getsockname())
            thread.join()
