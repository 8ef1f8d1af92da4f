"""What the checks of mail servers share: the address, TLS, who logs in, and one conversation."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.connecting import address_problems, parse_address, within
from opsctl.dialogue import DialogueError, dialogue, unsendable
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Observation, Value
from opsctl.secrets import SecretMissingError, Template
from opsctl.trust import Files

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.dialogue import Dialogue


@dataclass(frozen=True, kw_only=True)
class MailCheck(ABC):
    """Greet a mail server, begin TLS and perhaps log in; a kind says how its protocol does it."""

    address: Annotated[str, NotEmpty(), Doc("As `mail.example.com:PORT`.")]
    tls: Annotated[
        Literal["starttls", "direct", "none"], Doc("Begun in the open, from the first byte, or without.")
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
    EXPECT: ClassVar[tuple[str, ...]] = ("ready == true", "expires_in > 14d")
    BYE: ClassVar[bytes] = b"QUIT\r\n"
    LINES: ClassVar[bool] = True
    """Whether user and password are said as words of a line, so that neither may hold another."""

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Without TLS there is no certificate; a user has to be let in."""
        expected = self.EXPECT[:1] if self.tls == "none" else self.EXPECT
        return (*expected, *(("authenticated == true",) if self.user else ())), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        yield from address_problems(self.address, self.server_name)
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
                self.talk(talk, login, values, ask)
                values["latency"] = time.monotonic() - started
                with suppress(DialogueError):
                    talk.say(self.BYE)
        except SecretMissingError as error:
            return Observation(failure=Failure(Cause.SECRET, str(error)))
        except DialogueError as error:
            # What was seen until then must not pass for the whole.
            return Observation(failure=error.failure, evidence=values)
        return Observation(values)

    @abstractmethod
    def talk(self, talk: Dialogue, login: tuple[str, str] | None, values: dict[str, Value], ask: Ask) -> None:
        """Hold the conversation and put what is seen into `values`; DialogueError where it cannot go on."""

    def secure(self, talk: Dialogue, values: dict[str, Value], ask: Ask) -> None:
        """Begin TLS now, and note its version and the certificate's end."""
        files = Files(str(ask.root / self.ca) if self.ca else None, None, None)
        name = self.server_name or parse_address(self.address).host
        secured = talk.secure(files, name, verify=self.verify)
        values |= {"version": secured.version, "expires_in": secured.ends - ask.now}

    def _login(self, ask: Ask) -> tuple[str, str] | None:
        if self.user is None or self.password is None:
            return None
        user, password = ask.resolve(self.user), ask.resolve(self.password)
        if self.LINES and unsendable(user + password):
            words = "a user or a password of several lines cannot be sent"
            raise DialogueError(Failure(Cause.SECRET, words))
        return user, password
