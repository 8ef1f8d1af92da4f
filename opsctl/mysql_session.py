"""A session with a MySQL or MariaDB server: logged in, and in a transaction that only reads."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.columns import plain
from opsctl.connecting import failure_of
from opsctl.dialogue import DialogueError, quoted, wrong
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    from opsctl.connecting import Deadline
    from opsctl.dialogue import Dialogue
    from opsctl.mysql_greeting import Greeting
    from opsctl.outcome import Value

_NO_VARIABLE, _WRITES, _LOST = 1193, 1792, 2013
# https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html and, from 1900 on, MariaDB's own.
_CAUSES: Mapping[int, Cause] = {
    **dict.fromkeys((1044, 1142, 1143, 1227, 1370), Cause.PERMISSION),
    **dict.fromkeys((1049, 1146, 1305), Cause.MISSING),
    _WRITES: Cause.UNSUPPORTED,
    **dict.fromkeys((1969, 3024), Cause.TIMEOUT),
    **dict.fromkeys((1053, 1317, 1927, _LOST), Cause.RESET),
}
# Ways to log in that hand over the password itself, or what is as good.
_BARE = ("mysql_clear_password", "dialog", "mysql_old_password")
_CLEAR = "it wants the password in the clear, which needs `tls: starttls`"
_ANY_KEY = (
    "it wants the password by a key that it hands out itself, as anybody could; "
    "write `tls: starttls`, or name the file of its public key as `server_key`"
)


class Login(NamedTuple):
    """Who logs in, with what, empty where nothing is needed, and to which database.

    `server_key` is the server's public key (PEM), empty where it is not known.
    """

    user: str
    password: str
    database: str | None
    server_key: bytes = b""


class Session(NamedTuple):
    """What statements are sent by, and whether to MariaDB."""

    connection: Any
    mariadb: bool


class Result(NamedTuple):
    """The names of the columns, and all rows."""

    names: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


@contextmanager
def session(
    talk: Dialogue, greeting: Greeting, login: Login, deadline: Deadline, secure: Callable[[], None] | None
) -> Iterator[Session]:
    """A session over `talk`, on which the server has greeted; `secure` begins TLS on it.

    The library reads and writes by `talk` alone, so that its deadline and its bounds hold for everything.
    Raises DialogueError, in the block too.
    """
    import pymysql

    trusted = secure is not None or talk.near()
    wire = _Wire(talk, greeting.packet, secure)
    connection = pymysql.Connection(
        user=login.user,
        password=login.password.encode(),
        database=login.database,
        ssl=_context(wire) if secure else None,
        ssl_disabled=secure is None,
        auth_plugin_map=None if secure else _refused(login, trusted=trusted),
        server_public_key=login.server_key or (None if trusted or not login.password else _Unknown()),
        local_infile=False,
        autocommit=None,
        program_name="opsctl",
        defer_connect=True,
    )
    try:
        connection.connect(wire)
        opened = Session(connection, "MariaDB" in greeting.version)
        _begin(opened, deadline)
        yield opened
    except DialogueError:
        raise
    except pymysql.err.Error as error:
        raise DialogueError(_failure(error, deadline.seconds)) from error
    except TimeoutError as error:
        raise DialogueError(failure_of(error, deadline.seconds)) from error
    except Exception as error:
        # The library reads what a server says without looking whether it makes sense.
        raise wrong("what it says cannot be read", f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def answer(opened: Session, statement: str) -> Result:
    """The answer to one statement, for a block of `session`."""
    cursor = opened.connection.cursor()
    cursor.execute(statement)
    names = tuple(column[0] for column in cursor.description or ())
    return Result(names, tuple(tuple(plain(value) for value in row) for row in cursor.fetchall()))


def _begin(opened: Session, deadline: Deadline) -> None:
    import pymysql

    left = deadline.left()
    limit = f"max_statement_time={left:.3f}" if opened.mariadb else f"max_execution_time={left * 1000:.0f}"
    try:
        # So that the server does not go on with what nobody waits for any more.
        answer(opened, f"set session {limit}")
    except pymysql.err.OperationalError as error:
        # An old one has no limit.
        if error.args[0] != _NO_VARIABLE:
            raise
    answer(opened, "set session transaction read only")
    answer(opened, "start transaction read only")


class _Wire:
    """A conversation, and what was heard of it already, as the socket and the file that the library wants."""

    def __init__(self, talk: Dialogue, heard: bytes, secure: Callable[[], None] | None) -> None:
        self._talk, self._heard, self._secure = talk, heard, secure

    def makefile(self, _mode: str) -> _Wire:
        return self

    def settimeout(self, _seconds: float | None) -> None:
        """The conversation has its deadline."""

    def close(self) -> None:
        """Whoever began the conversation ends it."""

    def sendall(self, data: bytes) -> None:
        self._talk.say(data)

    def read(self, count: int) -> bytes:
        if self._heard:
            found, self._heard = self._heard[:count], self._heard[count:]
            return found
        return self._talk.exactly(count)

    def secured(self, *_: object, **__: object) -> _Wire:
        if self._secure:
            self._secure()
        return self


def _context(wire: _Wire) -> ssl.SSLContext:
    """What the library begins TLS by, which here is the conversation's."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.wrap_socket = wire.secured  # type: ignore[method-assign,assignment]
    return context


class _Refusing(NamedTuple):
    """A way to log in that is not taken, as somebody else could read the password."""

    words: str

    def authenticate(self, _packet: object) -> None:
        raise DialogueError(Failure(Cause.TLS, self.words))


def _refused(login: Login, *, trusted: bool) -> dict[str, Callable[[object], _Refusing]]:
    """The ways to log in that are not taken without TLS."""
    refused: dict[str, Callable[[object], _Refusing]] = dict.fromkeys(_BARE, lambda _: _Refusing(_CLEAR))
    if login.password and not trusted:
        # By this one, the library takes whatever key it is sent, even where it was given another.
        refused["sha256_password"] = lambda _: _Refusing(_ANY_KEY)
    return refused


class _Unknown:
    """A server's key that is not known: the library asks for another one where it has none, and must not."""

    def __bool__(self) -> bool:
        raise DialogueError(Failure(Cause.TLS, _ANY_KEY))


def _failure(error: Any, seconds: float) -> Failure:
    code, words = error.args[0], quoted(str(error.args[-1]))
    cause = _CAUSES.get(code, Cause.PROTOCOL)
    if cause is Cause.TIMEOUT:
        return Failure(cause, f"no answer within {seconds:g} s")
    if code == _LOST:
        return Failure(cause, "it closed the connection")
    if code == _WRITES:
        return Failure(cause, f"the query does more than read: error {code}: {words}")
    if cause is Cause.PROTOCOL and (error.sqlstate or "").startswith("42"):
        return Failure(Cause.UNSUPPORTED, f"the query cannot be run: error {code}: {words}")
    return Failure(cause, f"it refuses with error {code}: {words}" if isinstance(code, int) else words)
