"""Nagios' plugins: which types of opsctl do the same without them, and what the plugins let pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NATIVE = {
    "check_curl": "http", "check_dig": "dns", "check_disk": "disk", "check_dns": "dns",
    "check_file_age": "file", "check_fping": "ping", "check_http": "http", "check_icmp": "ping",
    "check_imap": "imap", "check_load": "load", "check_mysql": "mysql", "check_ntp": "clock",
    "check_ntp_peer": "ntp", "check_ntp_time": "clock", "check_pgsql": "postgres",
    "check_ping": "ping", "check_pop": "pop3", "check_procs": "process", "check_simap": "imap",
    "check_smtp": "smtp", "check_spop": "pop3", "check_ssh": "ssh", "check_ssmtp": "smtp",
    "check_swap": "memory", "check_tcp": "tcp",
}  # fmt: skip
_LIMITED = {"check_disk", "check_procs", "check_swap", "check_users"}


def opened(argv: Sequence[str]) -> str:
    """What a plugin with these arguments lets pass, and what to add; nothing where that is known of none."""
    plugin = argv[0].rpartition("/")[2]
    options = (one for one in argv[1:] if one.startswith("-"))
    said = {one.partition("=")[0] if one.startswith("--") else one[:2] for one in options}
    if plugin == "check_dummy" and argv[1:2] in (["0"], []):
        return "it always passes, there and here"
    if plugin == "negate":
        return "what could not be looked at may pass, there and here: look what it does with UNKNOWN"
    if plugin in {"check_http", "check_curl"}:
        return _page(said)
    if plugin in {"check_tcp", "check_udp"} and not said & {"-e", "--expect"}:
        return "whatever answers there passes, there and here: add `-e TEXT`"
    if plugin in {"check_dns", "check_dig"} and not said & {"-a", "--expected-address", "--expectedaddress"}:
        return "any answer passes, there and here: add `-a ADDRESS`"
    if plugin in _LIMITED and not said & {"-w", "-c", "--warning", "--critical"}:
        return "without limits it always passes, there and here: add `-w` and `-c`"
    return ""


def _page(said: set[str]) -> str:
    """A page that is looked at by its status only, and perhaps not even by that."""
    if said & {"-e", "-s", "-r", "-R", "-C", "--expect", "--string", "--regex", "--eregi", "--certificate"}:
        return ""
    redirected = "" if said & {"-f", "--onredirect"} else ", also a redirect to elsewhere"
    return f"any page below 400 passes{redirected}, there and here: add `-e 200` and `-s TEXT`"
