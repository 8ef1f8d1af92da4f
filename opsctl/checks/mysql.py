"""The `mysql` check: a MySQL or MariaDB server that answers, whom it lets in, and what a query finds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.connecting import address_problems, parse_address, within
from opsctl.dialogue import DialogueError, dialogue
from opsctl.limits import Doc, Matching, NotEmpty
from opsctl.mysql_figures import figures
from opsctl.mysql_greeting import hear_greeting, let_in
from opsctl.mysql_session import Login, answer, session
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.secrets import SecretMissingError, Template
from opsctl.trust import Files

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.checks import Ask
    from opsctl.dialogue import Dialogue
    from opsctl.mysql_greeting import Greeting
    from opsctl.mysql_session import Session

_LONGEST_KEY = 65_536
_TELL_KEY = "SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key'"


@dataclass(frozen=True, kw_only=True)
class MysqlCheck:
    """Say a name to a MySQL or MariaDB server, or log in to it, which needs `pip install opsctl[mysql]`."""

    address: Annotated[str, NotEmpty(), Doc("As `db.example.com:3306`.")]
    user: Annotated[
        str,
        Matching(r"[A-Za-z0-9_.@-]{1,32}", "a name of letters, digits, `_`, `.`, `@` and `-`"),
        Doc("The name to say. A server blocks who greets and goes away, so some name has to be said."),
    ] = "opsctl"
    password: Annotated[
        Template | None,
        NotEmpty(),
        Doc(
            "Best as `${env:NAME}`, and with `tls: starttls`: without, it is not given to who wants it "
            "in the clear, nor to another machine that wants it by a key which it sends itself. With this, "
            "`database` or `query` it logs in, and cannot write."
        ),
    ] = None
    database: Annotated[str | None, NotEmpty(), Doc("The database's name.")] = None
    query: Annotated[
        Template | None, NotEmpty(), Doc("One statement that reads, and answers with at most 1 MB.")
    ] = None
    tls: Annotated[Literal["starttls", "none"], Doc("By TLS, or without.")] = "none"
    server_name: Annotated[
        str | None, NotEmpty(), Doc("The name the certificate has to have; by default the host.")
    ] = None
    server_key: Annotated[
        str | None,
        NotEmpty(),
        Doc("A file with the server's public key (PEM), for a password that goes without TLS."),
    ] = None
    verify: Annotated[bool, Doc("Whether a certificate that is not valid is a failure.")] = True
    ca: Annotated[
        str | None, NotEmpty(), Doc("A file of trusted certificates (PEM) in place of the system's.")
    ] = None

    SHORTHAND: ClassVar[str] = "address"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "ready": Subject(Kind.BOOLEAN, "Whether it greets, and answers to a name.", Cause.PROTOCOL),
        "version": Subject(Kind.TEXT, 'The server\'s version, as "8.4.3" or "11.4.2-MariaDB".'),
        "starttls": Subject(Kind.BOOLEAN, "Whether it offers TLS.", Cause.TLS),
        "expires_in": Subject(Kind.DURATION, "Until the certificate expires.", Cause.EXPIRY),
        "authenticated": Subject(Kind.BOOLEAN, "Whether it let `user` in.", Cause.STATUS),
        "read_only": Subject(Kind.BOOLEAN, "Whether it lets nobody write, as a replica should."),
        "replicating": Subject(
            Kind.BOOLEAN,
            "Whether a replica's threads run; needs `REPLICATION CLIENT`, of MariaDB `REPLICA MONITOR`.",
            Cause.STALE,
        ),
        "lag": Subject(Kind.DURATION, "How far a replica is behind, where it knows; as above.", Cause.STALE),
        "connections": Subject(Kind.NUMBER, "How many connections are open.", Cause.USAGE),
        "connections_percent": Subject(Kind.PERCENT, "The same of `max_connections`.", Cause.USAGE),
        "size": Subject(Kind.SIZE, "The size of the tables of `database`.", Cause.USAGE),
        "value": Subject(Kind.JSON, "The first column of the first row of `query`."),
        "row": Subject(Kind.JSON, "Its first row, by column."),
        "rows": Subject(Kind.NUMBER, "How many rows it gives."),
        "latency": Subject(Kind.DURATION, "From the start to the last answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("ready == true",)

    @property
    def logs_in(self) -> bool:
        """Whether it needs to be let in, and the library for that."""
        return bool(self.password or self.database or self.query)

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """A query has to find something; with TLS there is a certificate, which has to last."""
        first = ("rows > 0",) if self.query else self.EXPECT
        return (*first, *(("expires_in > 14d",) if self.tls == "starttls" else ())), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        from importlib.util import find_spec

        if self.logs_in and find_spec("pymysql") is None:
            field = "password" if self.password else "database" if self.database else "query"
            yield field, "to log in to MySQL needs PyMySQL; `pip install opsctl[mysql]`"
        yield from address_problems(self.address, self.server_name)
        for field in ("server_name", "ca"):
            if getattr(self, field) and self.tls == "none":
                yield field, f"`{field}` is for TLS; add `tls: starttls`"
        if self.server_key and (self.tls != "none" or not self.password):
            yield "server_key", "`server_key` is for a `password` without TLS; take it away"

    def target(self) -> str:
        """The address, the database, and the query as it is written."""
        where = f"{self.address} {self.database}" if self.database else self.address
        return f"{where}: {' '.join(self.query.text.split())}" if self.query else where

    def probe(self, ask: Ask) -> Observation:
        """Talk within `ask.timeout` seconds in all."""
        started, deadline = time.monotonic(), within(ask.timeout)
        values: dict[str, Value] = {}
        try:
            password, query = (ask.resolve(text) if text else "" for text in (self.password, self.query))
            server_key = self._server_key(ask)
            with dialogue(parse_address(self.address), deadline) as talk:
                greeting = hear_greeting(talk)
                values |= {"version": greeting.version, "starttls": greeting.tls}
                secure = self._securing(talk, greeting, values, ask)
                if self.logs_in:
                    login = Login(self.user, password, self.database, server_key)
                    with session(talk, greeting, login, deadline, secure) as opened:
                        values |= {"authenticated": True, **_look(opened, query, ask.wanted)}
                else:
                    values["authenticated"] = let_in(talk, greeting, self.user, secure)
                values |= {"ready": True, "latency": time.monotonic() - started}
        except SecretMissingError as error:
            return Observation(failure=Failure(Cause.SECRET, str(error)))
        except DialogueError as error:
            # What was seen until then must not pass for the whole.
            return Observation(failure=error.failure, evidence=values)
        if values.get("rows") == 0 and ask.wanted & {"value", "row"}:
            return Observation(values, Failure(Cause.MISSING, "the query gave no row"))
        return Observation(values)

    def _server_key(self, ask: Ask) -> bytes:
        """The server's public key, empty where none is named."""
        from opsctl.plain_files import NotPlainError, start_of

        if not self.server_key:
            return b""
        path = ask.root / self.server_key
        try:
            key = start_of(path, _LONGEST_KEY)
        except NotPlainError as error:
            raise _unusable(path, f"{error}; name a regular one as `server_key`") from error
        except OSError as error:
            raise _unusable(path, f"cannot be read: {error.strerror}; correct `server_key`") from error
        if not _of_rsa(key):
            words = f"holds no public key of RSA as PEM; take what the server says to `{_TELL_KEY}`"
            raise _unusable(path, words)
        return key

    def _securing(
        self, talk: Dialogue, greeting: Greeting, values: dict[str, Value], ask: Ask
    ) -> Callable[[], None] | None:
        """What begins TLS on `talk`, and sees the certificate; None where it is not to be."""
        if self.tls == "none":
            return None
        if not greeting.tls:
            words = "it does not offer TLS; write `tls: none` if that is right"
            raise DialogueError(Failure(Cause.TLS, words))

        def secure() -> None:
            files = Files(str(ask.root / self.ca) if self.ca else None, None, None)
            name = self.server_name or parse_address(self.address).host
            values["expires_in"] = talk.secure(files, name, verify=self.verify).ends - ask.now

        return secure


def _of_rsa(key: bytes) -> bool:
    # The library would find that out only once the password is to go, and the server would be blamed.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return isinstance(load_pem_public_key(key), RSAPublicKey)
    except (ValueError, UnsupportedAlgorithm):
        return False


def _unusable(path: Path, words: str) -> DialogueError:
    return DialogueError(Failure(Cause.PERMISSION, f"the file {path} {words}"))


def _look(opened: Session, query: str, wanted: frozenset[str]) -> dict[str, Value]:
    found = figures(opened, wanted)
    if not query:
        return found
    names, rows = answer(opened, query)
    if rows:
        found |= {"value": rows[0][0], "row": dict(zip(names, rows[0], strict=True))}
    return {**found, "rows": len(rows)}
