"""The `pop3` check: a mailbox server that greets, its certificate, who it lets in, what waits."""

from __future__ import annotations

import time
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
class Pop3Check:
    """Greet a POP3 server (RFC 1939), begin TLS and perhaps log in; no mail is fetched or deleted."""

    address: Annotated[str, NotEmpty(), Doc("As `mail.example.com:110`.")]
    tls: Annotated[
        Literal["starttls", "direct", "none"],
        Doc("By STLS, from the first byte (port 995), or without."),
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
            self._secure(talk, values, ask)
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
    if len(figures) != 2 or not all(one.isascii() and one.isdigit() for one in figures):
        raise wrong("its answer to STAT is none of POP3's", " ".join(figures))
    return {"authenticated": True, "messages": int(figures[0]), "size": int(figures[1])}
