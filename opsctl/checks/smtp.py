"""The `smtp` check: a mail server that greets, what it offers, its certificate, who it lets in."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from opsctl.dialogue import DialogueError, wrong
from opsctl.limits import Doc, Matching, NotEmpty
from opsctl.mailing import MailCheck
from opsctl.outcome import Cause, Failure, Kind, Subject, Value

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.dialogue import Dialogue

# RFC 1870, 4.
_NUMBER = re.compile(r"[0-9]{1,20}")
_READY = 220
_DONE = 250
_GO_ON = 334
_LET_IN = 235
# RFC 4954, 6: the credentials are wrong, or the mechanism is too weak for them.
_NOT_LET_IN = frozenset({534, 535})


@dataclass(frozen=True, kw_only=True)
class SmtpCheck(MailCheck):
    """Greet a mail server (RFC 5321), begin TLS and perhaps log in; no mail is sent."""

    address: Annotated[str, NotEmpty(), Doc("As `mail.example.com:587`.")]
    tls: Annotated[
        Literal["starttls", "direct", "none"],
        Doc("By STARTTLS, from the first byte (port 465), or without."),
    ] = "starttls"
    hello: Annotated[
        str | None,
        Matching(r"[A-Za-z0-9.:\[\]-]+", "a host name or an address in brackets"),
        Doc("The name to greet with; by default the address of this machine."),
    ] = None

    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "status": Subject(Kind.NUMBER, "The code of the greeting, 220.", Cause.STATUS),
        "banner": Subject(Kind.TEXT, "The text of the greeting.", Cause.BODY),
        "capabilities": Subject(Kind.LIST, 'What it offers, once TLS is on, as "PIPELINING".', Cause.BODY),
        "mechanisms": Subject(Kind.LIST, 'The ways to log in, as "PLAIN".', Cause.BODY),
        "max_size": Subject(Kind.SIZE, "The largest mail it takes, where it says so."),
        "starttls": Subject(Kind.BOOLEAN, "Whether it offers STARTTLS.", Cause.TLS),
        "version": Subject(Kind.TEXT, 'The protocol of TLS, as "TLSv1.3".', Cause.TLS),
        "expires_in": Subject(Kind.DURATION, "Until the certificate expires.", Cause.EXPIRY),
        "authenticated": Subject(Kind.BOOLEAN, "Whether it let `user` in.", Cause.STATUS),
        "latency": Subject(Kind.DURATION, "From the start to the last answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("status == 220", "expires_in > 14d")
    LINES: ClassVar[bool] = False

    def talk(self, talk: Dialogue, login: tuple[str, str] | None, values: dict[str, Value], ask: Ask) -> None:
        """Greet, begin TLS, ask what is offered, and log in."""
        if self.tls == "direct":
            self.secure(talk, values, ask)
        greeting = _reply(talk)
        values |= {"status": greeting.code, "banner": greeting.lines[0]}
        if greeting.code != _READY:
            raise wrong("it does not serve", f"{greeting.code} {greeting.lines[0]}")
        offers = self._greet(talk)
        if self.tls != "direct":
            values["starttls"] = "STARTTLS" in offers
        if self.tls == "starttls":
            if "STARTTLS" not in offers:
                words = "it does not offer STARTTLS; write `tls: direct` or `tls: none` if that is right"
                raise DialogueError(Failure(Cause.TLS, words))
            _must(talk, "STARTTLS", _READY)
            self.secure(talk, values, ask)
            offers = self._greet(talk)
        values |= _offered(offers)
        if login:
            values["authenticated"] = _let_in(talk, login, offers.get("AUTH", "").upper().split())

    def _greet(self, talk: Dialogue) -> Mapping[str, str]:
        """What is offered: parameters by keyword."""
        own = talk.own_address()
        hello = self.hello or (f"[IPv6:{own}]" if ":" in own else f"[{own}]")
        answer = _must(talk, "EHLO", _DONE, f" {hello}")
        pairs = (line.partition(" ") for line in answer.lines[1:])
        return {keyword.upper(): parameters for keyword, _, parameters in pairs if keyword}


class _Reply(NamedTuple):
    code: int
    lines: tuple[str, ...]


def _reply(talk: Dialogue) -> _Reply:
    """A reply of one or more lines, of which all but the last have a dash after the code."""
    lines: list[str] = []
    while True:
        line = talk.line()
        code, mark = line[:3], line[3:4]
        if not (code.isascii() and code.isdigit() and len(code) == 3 and mark in {"", " ", "-"}):
            raise wrong("it does not speak SMTP", line)
        lines.append(line[4:].strip())
        if mark != "-":
            return _Reply(int(code), tuple(lines))


def _must(talk: Dialogue, command: str, code: int, rest: str = "") -> _Reply:
    """The reply to a command; `rest` is said as well, and never shown."""
    talk.say(f"{command}{rest}\r\n".encode())
    answer = _reply(talk)
    if answer.code != code:
        raise wrong(f"it answers {command or 'AUTH'} with {answer.code}", answer.lines[0])
    return answer


def _offered(offers: Mapping[str, str]) -> dict[str, Value]:
    values: dict[str, Value] = {
        "capabilities": [*sorted(offers)],
        "mechanisms": [*sorted(set(offers.get("AUTH", "").upper().split()))],
    }
    size = offers.get("SIZE", "")
    if _NUMBER.fullmatch(size) and int(size):
        # RFC 1870, 4: 0 says that there is no limit.
        values["max_size"] = int(size)
    return values


def _let_in(talk: Dialogue, login: tuple[str, str], mechanisms: list[str]) -> bool:
    user, password = (text.encode() for text in login)
    if "PLAIN" in mechanisms:
        talk.say(b"AUTH PLAIN " + b64encode(b"\0" + user + b"\0" + password) + b"\r\n")
    elif "LOGIN" in mechanisms:
        _must(talk, "AUTH LOGIN", _GO_ON)
        _must(talk, "", _GO_ON, b64encode(user).decode())
        talk.say(b64encode(password) + b"\r\n")
    else:
        raise wrong("it offers no way to log in by AUTH PLAIN or LOGIN")
    answer = _reply(talk)
    if answer.code not in {_LET_IN, *_NOT_LET_IN}:
        raise wrong(f"it answers AUTH with {answer.code}", answer.lines[0])
    return answer.code == _LET_IN
