"""The `smtp` check: a mail server that greets, what it offers, its certificate, who it lets in."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from opsctl.connecting import parse_address, within
from opsctl.dialogue import DialogueError, dialogue, wrong
from opsctl.limits import Doc, Matching, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.secrets import SecretMissingError, Template
from opsctl.trust import Files

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.dialogue import Dialogue

_READY = 220
_DONE = 250
_GO_ON = 334
_LET_IN = 235
# RFC 4954, 6: the credentials are wrong, or the mechanism is too weak for them.
_NOT_LET_IN = frozenset({534, 535})


@dataclass(frozen=True, kw_only=True)
class SmtpCheck:
    """Greet a mail server (RFC 5321), begin TLS and perhaps log in; no mail is sent."""

    address: Annotated[str, NotEmpty(), Doc("As `mail.example.com:587`.")]
    tls: Annotated[
        Literal["starttls", "direct", "none"],
        Doc("By STARTTLS, from the first byte (port 465), or without."),
    ] = "starttls"
    user: Annotated[Template | None, NotEmpty(), Doc("Who logs in.")] = None
    password: Annotated[Template | None, NotEmpty(), Doc("Best as `${env:NAME}`.")] = None
    hello: Annotated[
        str | None,
        Matching(r"[A-Za-z0-9.:\[\]-]+", "a host name or an address in brackets"),
        Doc("The name to greet with; by default the address of this machine."),
    ] = None
    server_name: Annotated[
        str | None, NotEmpty(), Doc("The name the certificate has to have; by default the host.")
    ] = None
    verify: Annotated[bool, Doc("Whether a certificate that is not valid is a failure.")] = True
    ca: Annotated[
        str | None, NotEmpty(), Doc("A file of trusted certificates (PEM) in place of the system's.")
    ] = None

    SHORTHAND: ClassVar[str] = "address"
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
                    talk.say(b"QUIT\r\n")
        except SecretMissingError as error:
            return Observation(failure=Failure(Cause.SECRET, str(error)))
        except DialogueError as error:
            # What was seen until then must not pass for the whole.
            return Observation(failure=error.failure, evidence=values)
        return Observation(values)

    def _login(self, ask: Ask) -> tuple[str, str] | None:
        if self.user is None or self.password is None:
            return None
        return ask.resolve(self.user), ask.resolve(self.password)

    def _talk(
        self, talk: Dialogue, login: tuple[str, str] | None, values: dict[str, Value], ask: Ask
    ) -> None:
        if self.tls == "direct":
            self._secure(talk, values, ask)
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
            self._secure(talk, values, ask)
            offers = self._greet(talk)
        values |= _offered(offers)
        if login:
            values["authenticated"] = _let_in(talk, login, offers.get("AUTH", "").upper().split())

    def _secure(self, talk: Dialogue, values: dict[str, Value], ask: Ask) -> None:
        files = Files(str(ask.root / self.ca) if self.ca else None, None, None)
        name = self.server_name or parse_address(self.address).host
        secured = talk.secure(files, name, verify=self.verify)
        values |= {"version": secured.version, "expires_in": secured.ends - ask.now}

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
    if size.isascii() and size.isdigit() and int(size):
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
