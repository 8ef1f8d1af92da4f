"""What MySQL's servers say, by the documentation of its protocol."""

from __future__ import annotations


def packet(number, data):
    """A packet of that number."""
    return len(data).to_bytes(3, "little") + bytes([number]) + data


def greeting(version=b"8.4.3", offers=0xDFFF_FFFF, data=None):
    """A greeting of protocol 10 as MySQL's documentation shows it."""
    low, high = (offers & 0xFFFF).to_bytes(2, "little"), (offers >> 16).to_bytes(2, "little")
    rest = b"\x08\0\0\0" + b"abcdefgh" + b"\0" + low + b"\xff" + b"\x02\0" + high + b"\x15" + bytes(10)
    return packet(0, data or b"\x0a" + version + b"\0" + rest + b"ijklmnopqrst\0caching_sha2_password\0")


def error(code, words, number=2, state=b"28000"):
    """A refusal."""
    return packet(number, b"\xff" + code.to_bytes(2, "little") + b"#" + state + words)
