"""Resolvers made of a few lines, on real UDP and TCP sockets."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress

import dns.message
import dns.rcode
import dns.rrset

SILENCE = None


@contextmanager
def resolving(by_udp, by_tcp=None):
    """A resolver on one port; each function makes bytes, or a list of them, or silence, of a question."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        port = listener.getsockname()[1]
        datagrams.bind(("127.0.0.1", port))
        done = threading.Event()
        threads = [
            threading.Thread(target=_serve_udp, args=(datagrams, by_udp, done), daemon=True),
            threading.Thread(target=_serve_tcp, args=(listener, by_tcp, done), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            done.set()
            listener.shutdown(socket.SHUT_RDWR)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
                waker.sendto(b"", ("127.0.0.1", port))
            for thread in threads:
                thread.join(10)
                assert not thread.is_alive()


def _serve_udp(datagrams, answer, done):
    while not done.is_set():
        wire, client = datagrams.recvfrom(65535)
        if wire:
            threading.Thread(target=_reply, args=(datagrams, answer, wire, client), daemon=True).start()


def _reply(datagrams, answer, wire, client):
    made = answer(dns.message.from_wire(wire))
    for one in made if isinstance(made, list) else [made]:
        if one is not SILENCE:
            # Whoever answers late may find nobody left to hear it.
            with suppress(OSError):
                datagrams.sendto(one, client)


def _serve_tcp(listener, answer, done):
    while not done.is_set():
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            length = int.from_bytes(connection.recv(2), "big")
            made = answer(dns.message.from_wire(connection.recv(length)))
            if made is SILENCE:
                done.wait(30)
            else:
                connection.sendall(made)


def replying(*records, rcode="NOERROR", flags=0):
    """What answers every question with `records`, written as in a zone file."""

    def answer(question):
        response = dns.message.make_response(question, recursion_available=True)
        response.set_rcode(dns.rcode.from_text(rcode))
        response.flags |= flags
        for record in records:
            name, ttl, type_, data = record.split(" ", 3)
            rrset = dns.rrset.from_text(name, int(ttl), "IN", type_, data)
            response.find_rrset(response.answer, rrset.name, rrset.rdclass, rrset.rdtype, create=True).update(
                rrset
            )
        return response.to_wire(max_size=65535)

    return answer
