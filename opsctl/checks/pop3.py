"""The `pop3` check: a mailbox server that greets, its certificate, who it lets in, what waits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.dialogue import DialogueError, wrong
from opsctl.limits import Doc, NotEmpty
from opsctl.mailing import MailCheck
from opsctl.outcome import Cause, Failure, Kind, Subject, Value

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.dialogue import Dialogue


_NUMBER = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, kw_only=True)
class Pop3Check(MailCheck):
    """Greet a POP3 server (RFC 1939), begin TLS and perhaps log in; no mail is fetched or deleted."""

    address: Annotated[str, NotEmpty(), Doc("As `mail.example.com:110`.")]
    tls: Annotated[
        Literal["starttls", "direct", "none"],
        Doc("By STLS, from the first byte (port 995), or without."),
    ] = "starttls"

    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "ready": Subject(Kind.BOOLEAN, "Whether it greets with `+OK`.", Cause.STATUS),
        "banner": Subject(Kind.TEXT, "The text of the greeting.", Cause.BODY),
        "capabilities": Subject(Kind.LIST, 'What it offers, once TLS is on, as "UIDL".', Cause.BODY),
        "starttls": Subject(Kind.BOOLEAN, "Whether it offers STLS.", Cause.TLS),
        "version": Subject(Kind.TEXT, 'The protocol of TLS, as "TLSv1.3".', Cause.TLS),
        "expires_in": Subject(Kind.DURATION, "Until the certificate expires.", Cause.EXPIRY),
        "authenticated": Subject(Kind.BOOLEAN, "Whether it let `user` in.", Cause.STATUS),
        "messages": Subject(Kind.NUMBER, "How many messages wait for `user`."),
        "size": Subject(Kind.SIZE, "How large they are together.", Cause.USAGE),
        "latency": Subject(Kind.DURATION, "From the start to the last answer.", Cause.SLOW),
    }

    def talk(self, talk: Dialogue, login: tuple[str, str] | None, values: dict[str, Value], ask: Ask) -> None:
        """Greet, begin TLS, ask what is offered, and log in."""
        if self.tls == "direct":
            self.secure(talk, values, ask)
        good, banner = _answer(talk)
        values |= {"ready": good, "banner": banner}
        if not good:
            raise wrong("it does not serve", banner)
        offers = _capabilities(talk)
        if self.tls != "direct":
            values["starttls"] = "STLS" in offers
        if self.tls == "starttls":
            if "STLS" not in offers:
                words = "it does not offer STLS; write `tls: direct` or `tls: none` if that is right"
                raise DialogueError(Failure(Cause.TLS, words))
            _must(talk, "STLS")
            self.secure(talk, values, ask)
            offers = _capabilities(talk)
        values["capabilities"] = [*sorted(offers)]
        if login:
            values |= _mailbox(talk, login)


def _answer(talk: Dialogue) -> tuple[bool, str]:
    """Whether the server is content, and its text."""
    line = talk.line()
    status, _, text = line.partition(" ")
    if status not in {"+OK", "-ERR"}:
        raise wrong("it does not speak POP3", line)
    return status == "+OK", text.strip()


def _must(talk: Dialogue, command: str) -> str:
    talk.say(f"{command}\r\n".encode())
    good, text = _answer(talk)
    if not good:
        raise wrong(f"it refuses {command}", text)
    return text


def _capabilities(talk: Dialogue) -> frozenset[str]:
    """What RFC 2449 has a server tell; nothing of an older one, which does not know the question."""
    talk.say(b"CAPA\r\n")
    offers: set[str] = set()
    if _answer(talk)[0]:
        while (line := talk.line()) != ".":
            offers.add(line.partition(" ")[0].upper())
    return frozenset(offers)


def _mailbox(talk: Dialogue, login: tuple[str, str]) -> dict[str, Value]:
    talk.say(f"USER {login[0]}\r\n".encode())
    good, _ = _answer(talk)
    if good:
        talk.say(f"PASS {login[1]}\r\n".encode())
        good, _ = _answer(talk)
    if not good:
        return {"authenticated": False}
    figures = _must(talk, "STAT").split()[:2]
    if len(figures) != 2 or not all(_NUMBER.fullmatch(one) for one in figures):
        raise wrong("its answer to STAT is none of POP3's", " ".join(figures))
    return {"authenticated": True, "messages": int(figures[0]), "size": int(figures[1])}
