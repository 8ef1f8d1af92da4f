"""The `mysql` check as its tests ask it, and a server that greets and answers packet by packet."""

from __future__ import annotations

from checks.mysqls import greeting, packet
from checks.probe import probe

from opsctl.checks.mysql import MysqlCheck
from opsctl.secrets import Template


def look(address, certificates=None, *, timeout=10.0, wanted=None, **fields):
    if certificates:
        fields |= {"ca": str(certificates.ca), "tls": "starttls"}
    fields |= {name: Template(fields[name]) for name in ("password", "query") if name in fields}
    environ = {"DB": "pässwört"}
    return probe(MysqlCheck(address=address, **fields), timeout=timeout, wanted=wanted, environ=environ)


def playing(*answers, first=None):
    """A server that greets, and gives each answer to one packet; what it was sent is in `playing.sent`."""

    def serve(connection, done):
        connection.sendall(first or greeting())
        with connection.makefile("rb") as stream:
            for answer in answers:
                head = stream.read(4)
                sent.append(stream.read(int.from_bytes(head[:3], "little")))
                connection.sendall(answer)
            stream.read(1)

    sent = []
    serve.sent = sent
    return serve


OK = packet(2, b"\0\0\0\x02\0\0\0")
