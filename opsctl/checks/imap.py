"""The `imap` check: a mailbox server that greets, what it offers, its certificate, who it lets in."""

from __future__ import annotations

from base64 import b64encode
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


@dataclass(frozen=True, kw_only=True)
class ImapCheck(MailCheck):
    """Greet an IMAP server (RFC 9051), begin TLS and perhaps log in; no mail is read."""

    address: Annotated[str, NotEmpty(), Doc("As `mail.example.com:143`.")]
    tls: Annotated[
        Literal["starttls", "direct", "none"],
        Doc("By STARTTLS, from the first byte (port 993), or without."),
    ] = "starttls"

    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "ready": Subject(Kind.BOOLEAN, "Whether it greets with `OK`.", Cause.STATUS),
        "banner": Subject(Kind.TEXT, "The text of the greeting.", Cause.BODY),
        "capabilities": Subject(Kind.LIST, 'What it offers, once TLS is on, as "IMAP4REV1".', Cause.BODY),
        "starttls": Subject(Kind.BOOLEAN, "Whether it offers STARTTLS.", Cause.TLS),
        "version": Subject(Kind.TEXT, 'The protocol of TLS, as "TLSv1.3".', Cause.TLS),
        "expires_in": Subject(Kind.DURATION, "Until the certificate expires.", Cause.EXPIRY),
        "authenticated": Subject(Kind.BOOLEAN, "Whether it let `user` in.", Cause.STATUS),
        "latency": Subject(Kind.DURATION, "From the start to the last answer.", Cause.SLOW),
    }
    BYE: ClassVar[bytes] = b"z LOGOUT\r\n"

    def talk(self, talk: Dialogue, login: tuple[str, str] | None, values: dict[str, Value], ask: Ask) -> None:
        """Greet, begin TLS, ask what is offered, and log in."""
        if self.tls == "direct":
            self.secure(talk, values, ask)
        greeting = talk.line()
        star, status, banner = _words(greeting)
        if star != "*" or status not in {"OK", "PREAUTH", "BYE"}:
            raise wrong("it does not speak IMAP", greeting)
        values |= {"ready": status == "OK", "banner": banner}
        if status != "OK":
            raise wrong("it does not serve", f"{status} {banner}")
        offers = _capabilities(talk)
        if self.tls != "direct":
            values["starttls"] = "STARTTLS" in offers
        if self.tls == "starttls":
            if "STARTTLS" not in offers:
                words = "it does not offer STARTTLS; write `tls: direct` or `tls: none` if that is right"
                raise DialogueError(Failure(Cause.TLS, words))
            _must(talk, "STARTTLS")
            self.secure(talk, values, ask)
            offers = _capabilities(talk)
        values["capabilities"] = [*sorted(offers)]
        if login:
            values["authenticated"] = _let_in(talk, login, offers)


def _words(line: str) -> tuple[str, str, str]:
    """The tag, the status in upper case, and the text of a line."""
    tag, _, rest = line.partition(" ")
    status, _, text = rest.partition(" ")
    return tag, status.upper(), text.strip()


def _answer(talk: Dialogue) -> tuple[str, str, list[str]]:
    """The status, the text and the lines before them of the answer to the command that has the tag `a`."""
    lines: list[str] = []
    while True:
        line = talk.line()
        tag, status, text = _words(line)
        if tag == "a" and status in {"OK", "NO", "BAD"}:
            return status, text, lines
        if tag == "+":
            return "+", text, lines
        if tag != "*":
            raise wrong("it does not speak IMAP", line)
        if status == "BYE":
            raise wrong("it does not serve", f"{status} {text}")
        lines.append(line)


def _must(talk: Dialogue, command: str) -> list[str]:
    talk.say(f"a {command}\r\n".encode())
    status, text, lines = _answer(talk)
    if status != "OK":
        raise wrong(f"it answers {command} with {status}", text)
    return lines


def _capabilities(talk: Dialogue) -> frozenset[str]:
    words = (line.upper().split() for line in _must(talk, "CAPABILITY"))
    return frozenset(word for line in words if line[1:2] == ["CAPABILITY"] for word in line[2:])


def _let_in(talk: Dialogue, login: tuple[str, str], offers: frozenset[str]) -> bool:
    if "AUTH=PLAIN" in offers:
        talk.say(b"a AUTHENTICATE PLAIN\r\n")
        status, text, _ = _answer(talk)
        if status != "+":
            raise wrong(f"it answers AUTHENTICATE with {status}", text)
        talk.say(b64encode("\0{}\0{}".format(*login).encode()) + b"\r\n")
    elif "LOGINDISABLED" in offers:
        raise wrong("it offers no way to log in by AUTHENTICATE PLAIN or LOGIN")
    else:
        talk.say("a LOGIN {} {}\r\n".format(*map(_quoted, login)).encode())
    status, text, _ = _answer(talk)
    if status not in {"OK", "NO"}:
        raise wrong(f"it answers the login with {status}", text)
    return status == "OK"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
