"""Bare libcurl: NUMBER requests to URL in one loop that looks at nothing. Ends with 1 where one of them failed.

`bare.py URL NUMBER [AT_ONCE] [fresh|opsctl|kept] [TEXT]`: with a connection for each request (`fresh`), the same
with every option that `opsctl check` sets (`opsctl`), or on connections that are kept (`kept`). Where TEXT is given,
each answer must hold it.
"""

from __future__ import annotations

import sys

import pycurl

RECEIVED: list[bytes] = []


def fresh(handle: pycurl.Curl) -> None:
    handle.setopt(pycurl.FRESH_CONNECT, 1)
    handle.setopt(pycurl.FORBID_REUSE, 1)
    handle.setopt(pycurl.WRITEFUNCTION, len)


def as_opsctl(handle: pycurl.Curl) -> None:
    """The options that `opsctl/http_request.py` sets for the simplest check."""
    handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    handle.setopt(pycurl.TIMEOUT_MS, 10_000)
    handle.setopt(pycurl.CONNECTTIMEOUT_MS, 10_000)
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.NOPROXY, "*")
    handle.setopt(pycurl.FRESH_CONNECT, 1)
    handle.setopt(pycurl.FORBID_REUSE, 1)
    handle.setopt(pycurl.USERAGENT, "opsctl")
    handle.setopt(pycurl.HTTPHEADER, ["Expect:"])
    handle.setopt(pycurl.HEADERFUNCTION, len)
    handle.setopt(pycurl.WRITEFUNCTION, len)
    handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    handle.setopt(pycurl.IPRESOLVE, pycurl.IPRESOLVE_WHATEVER)


def kept(handle: pycurl.Curl) -> None:
    handle.setopt(pycurl.WRITEFUNCTION, RECEIVED.append)


def run(url: str, number: int, at_once: int = 16, mode: str = "fresh") -> None:
    set_up = {"fresh": fresh, "opsctl": as_opsctl, "kept": kept}[mode]
    multi, free = pycurl.CurlMulti(), [pycurl.Curl() for _ in range(at_once)]
    left, going = number, 0
    while left or going:
        while left and free:
            handle = free.pop()
            handle.reset()
            handle.setopt(pycurl.URL, url)
            set_up(handle)
            multi.add_handle(handle)
            left, going = left - 1, going + 1
        multi.perform()
        more = 1
        while more:
            more, ended, failed = multi.info_read()
            if failed:
                sys.exit(f"{failed[0][2]}")
            for handle in ended:
                multi.remove_handle(handle)
                free.append(handle)
                going -= 1
        if going:
            multi.select(0.1)


if __name__ == "__main__":
    url, number, *rest = sys.argv[1:]
    run(url, int(number), int(rest[0]) if rest else 16, *rest[1:2])
    if rest[2:] and b"".join(RECEIVED).count(rest[2].encode()) != int(number):
        sys.exit(f"not every answer holds `{rest[2]}`")
