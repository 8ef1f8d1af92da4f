"""Mail servers that fail as the faults of `smtp`, `imap` and `pop3` say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from checks.peers import saying, secured, upgrading
from players.stage import UNANSWERED, addressed, late, served

if TYPE_CHECKING:
    from certificates import Pair
    from checks.peers import Serve
    from players.stage import Played, Stage

    from opsctl.faults import Fault


class Protocol(NamedTuple):
    """What a server says in one protocol.

    Pairs are what it is told, by its beginning, and what it answers; `{tls}` stands for its offer of TLS.
    """

    greeting: bytes
    refusal: bytes
    offers: tuple[bytes, bytes]
    tls_offer: bytes
    begins: tuple[bytes, bytes]
    login: tuple[tuple[bytes, bytes], ...]
    shut: tuple[tuple[bytes, bytes], ...]
    after: tuple[tuple[bytes, bytes], ...] = ()


PROTOCOLS = {
    "smtp": Protocol(
        greeting=b"220 mail.test ESMTP\r\n",
        refusal=b"421 too many connections\r\n",
        offers=(b"EHLO", b"250-mail.test\r\n%s250-PIPELINING\r\n250 AUTH PLAIN\r\n"),
        tls_offer=b"250-STARTTLS\r\n",
        begins=(b"STARTTLS", b"220 go\r\n"),
        login=((b"AUTH PLAIN", b"235 in\r\n"),),
        shut=((b"AUTH PLAIN", b"535 no\r\n"),),
    ),
    "imap": Protocol(
        greeting=b"* OK mail.test ready\r\n",
        refusal=b"* BYE too many connections\r\n",
        offers=(b"a CAPABILITY", b"* CAPABILITY IMAP4rev1%s AUTH=PLAIN\r\na OK done\r\n"),
        tls_offer=b" STARTTLS",
        begins=(b"a STARTTLS", b"a OK go\r\n"),
        login=((b"a AUTHENTICATE PLAIN", b"+ \r\n"), (b"", b"a OK in\r\n")),
        shut=((b"a AUTHENTICATE PLAIN", b"+ \r\n"), (b"", b"a NO no\r\n")),
    ),
    "pop3": Protocol(
        greeting=b"+OK mail.test ready\r\n",
        refusal=b"-ERR too many connections\r\n",
        offers=(b"CAPA", b"+OK\r\n%sUIDL\r\n.\r\n"),
        tls_offer=b"STLS\r\n",
        begins=(b"STLS", b"+OK go\r\n"),
        login=((b"USER", b"+OK\r\n"), (b"PASS", b"+OK in\r\n"), (b"STAT", b"+OK 3 4711\r\n")),
        shut=((b"USER", b"+OK\r\n"), (b"PASS", b"-ERR no\r\n")),
    ),
}
_LENSES = (
    'banner contains "mail.test"',
    "expires_in > 14d",
    "starttls == true",
    'version contains "TLS"',
    "latency < 500ms",
)
LENSES = {
    "smtp": (*_LENSES, "status == 220", 'mechanisms contains "PLAIN"', 'capabilities contains "PIPELINING"'),
    "imap": (*_LENSES, "ready == true", 'capabilities contains "AUTH=PLAIN"'),
    "pop3": (*_LENSES, "ready == true", 'capabilities contains "UIDL"'),
}  # fmt: skip
LET_IN = {
    "smtp": ("authenticated == true",),
    "imap": ("authenticated == true",),
    "pop3": ("authenticated == true", "messages < 1000", "messages exists", "size < 1MB"),
}


def play(type_: str, stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    more = {"ca": str(stage.certificates.ca)}
    if fault.name in UNANSWERED:
        return addressed(UNANSWERED[fault.name](), **more)
    serve = _serve(PROTOCOLS[type_], stage, fault)
    return serve and addressed(served(serve), **more)


def _serve(said: Protocol, stage: Stage, fault: Fault) -> Serve | None:
    tls = stage.fields.get("tls", "starttls")
    login = said.login if "user" in stage.fields else ()
    good = stage.certificates.good
    whole = _talk(said, tls, good, login)
    first = secured if tls == "direct" else (lambda _, serve: serve)
    plays: dict[str, Serve] = {
        "healthy": whole,
        "slow": late(whole),
        "overloaded": first(good, saying(said.refusal)),
        "other-protocol": first(good, saying(b"SSH-2.0-OpenSSH_9.2p1\r\n")),
        "other-server": _talk(_renamed(said), tls, good, login),
        "no-tls": saying(said.greeting, _offers(said)) if tls == "starttls" else _plain(said.greeting),
        "expires-soon": _talk(said, tls, stage.certificates.soon, login),
        "locked-out": _talk(said, tls, good, said.shut),
        "no-login": _talk(_without_login(said), tls, good, ()),
        "piling-up": _talk(said, tls, good, (*said.login[:-1], (b"STAT", b"+OK 1000000 1000000000000\r\n"))),
    }
    return plays.get(fault.name)


def _plain(text: bytes) -> Serve:
    return lambda peer, _done: peer.sendall(text)


def _talk(said: Protocol, tls: str, pair: Pair, login: tuple[tuple[bytes, bytes], ...]) -> Serve:
    if tls == "starttls":
        return upgrading(
            pair, said.greeting, (_offers(said, said.tls_offer), said.begins), (_offers(said), *login)
        )
    plain = saying(said.greeting, _offers(said), *login)
    return secured(pair, plain) if tls == "direct" else plain


def _offers(said: Protocol, tls: bytes = b"") -> tuple[bytes, bytes]:
    return said.offers[0], said.offers[1] % tls


def _renamed(said: Protocol) -> Protocol:
    return said._replace(greeting=said.greeting.replace(b"mail.test", b"other.invalid"))


def _without_login(said: Protocol) -> Protocol:
    return said._replace(offers=(said.offers[0], b"250-mail.test\r\n%s250 PIPELINING\r\n"))
