"""The `imap` check: a mailbox server that greets, what it offers, its certificate, who it lets in."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.connecting import parse_address, within
from opsctl.dialogue import DialogueError, dialogue, unsendable, wrong
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.secrets import SecretMissingError, Template
from opsctl.trust import Files

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.dialogue import Dialogue


@dataclass(frozen=True, kw_only=True)
class ImapCheck:
    """Greet an IMAP server (RFC 9051), begin TLS and perhaps log in; no mail is read."""

    address: Annotated[str, NotEmpty(), Doc("As `mail.example.com:143`.")]
    tls: Annotated[
        Literal["starttls", "direct", "none"],
        Doc("By STARTTLS, from the first byte (port 993), or without."),
    ] = "starttls"
    user: Annotated[Template | None, NotEmpty(), Doc("Who logs in.")] = None
    password: Annotated[Template | None, NotEmpty(), Doc("Best as `${env:NAME}`.")] = None
    server_name: Annotated[
        str | None, NotEmpty(), Doc("The name the certificate has to have; by default the host.")
    ] = None
    verify: Annotated[bool, Doc("Whether a certificate that is not valid is a failure.")] = True
    ca: Annotated[
        str | None, NotEmpty(), Doc("A file of trusted certificates (PEM) in place of the system's.")
    ] = None

    SHORTHAND: ClassVar[str] = "address"
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
    EXPECT: ClassVar[tuple[str, ...]] = ("ready == true", "expires_in > 14d")

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Without TLS there is no certificate; a user has to be let in."""
        expected = self.EXPECT[:1] if self.tls == "none" else self.EXPECT
        return (*expected, *(("authenticated == true",) if self.user else ())), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        try:
            parse_address(self.address)
        except ValueError as error:
            yield "address", str(error)
        if self.server_name and self.server_name.startswith("."):
            yield "server_name", f"`{self.server_name[:80]}` is not a host name; write it without the dot"
        if bool(self.user) != bool(self.password):
            yield ("user" if self.user else "password"), "`user` and `password` belong together; name both"
        if self.password and self.tls == "none":
            yield "tls", "without TLS everybody on the way reads the password; take `tls: none` away"

    def target(self) -> str:
        """The address, and who logs in."""
        return self.address + (f" as {self.user}" if self.user else "")

    def probe(self, ask: Ask) -> Observation:
        """Talk within `ask.timeout` seconds in all."""
        started, deadline = time.monotonic(), within(ask.timeout)
        values: dict[str, Value] = {}
        try:
            login = self._login(ask)
            with dialogue(parse_address(self.address), deadline) as talk:
                self._talk(talk, login, values, ask)
                values["latency"] = time.monotonic() - started
                with suppress(DialogueError):
                    talk.say(b"z LOGOUT\r\n")
        except SecretMissingError as error:
            return Observation(failure=Failure(Cause.SECRET, str(error)))
        except DialogueError as error:
            # What was seen until then must not pass for the whole.
            return Observation(failure=error.failure, evidence=values)
        return Observation(values)

    def _login(self, ask: Ask) -> tuple[str, str] | None:
        if self.user is None or self.password is None:
            return None
        user, password = ask.resolve(self.user), ask.resolve(self.password)
        if unsendable(user + password):
            words = "a user or a password of several lines cannot be sent"
            raise DialogueError(Failure(Cause.SECRET, words))
        return user, password

    def _secure(self, talk: Dialogue, values: dict[str, Value], ask: Ask) -> None:
        files = Files(str(ask.root / self.ca) if self.ca else None, None, None)
        name = self.server_name or parse_address(self.address).host
        secured = talk.secure(files, name, verify=self.verify)
        values |= {"version": secured.version, "expires_in": secured.ends - ask.now}

    def _talk(
        self, talk: Dialogue, login: tuple[str, str] | None, values: dict[str, Value], ask: Ask
    ) -> None:
        if self.tls == "direct":
            self._secure(talk, values, ask)
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
            self._secure(talk, values, ask)
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
