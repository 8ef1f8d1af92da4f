"""A conversation over a socket: bytes said and heard in turn, perhaps over TLS, all within one deadline."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from opsctl.connecting import ConnectError, Deadline, connect, failure_of
from opsctl.outcome import Cause, Failure
from opsctl.prose import line, shorten
from opsctl.trust import reason_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from opsctl.connecting import Address
    from opsctl.trust import Files

# More than any greeting, so what sends more is not what it should be.
_MOST = 1_000_000
_LONGEST_LINE = 65_536
_SHOWN = 200


class DialogueError(Exception):
    """The conversation cannot go on; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Secured(NamedTuple):
    """A handshake: the protocol, as "TLSv1.3", and when the certificate expires (UTC epoch seconds)."""

    version: str
    ends: float


class Dialogue:
    """One conversation. Every method raises DialogueError where the other side or the deadline ends it."""

    def __init__(self, peer: socket.socket, deadline: Deadline) -> None:
        self._peer, self._deadline, self._left, self._heard = peer, deadline, b"", 0

    def close(self) -> None:
        """Hang up."""
        self._peer.close()

    def own_address(self) -> str:
        """The IP address of this end."""
        return str(self._peer.getsockname()[0])

    def near(self) -> bool:
        """Whether the other end is on this machine, so that nobody stands between."""
        from ipaddress import ip_address

        address = ip_address(str(self._peer.getpeername()[0]).partition("%")[0])
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback

    def say(self, data: bytes) -> None:
        """Send all of it."""
        with self._failing("no chance to speak"):
            self._peer.settimeout(self._deadline.left())
            self._peer.sendall(data)

    def line(self) -> str:
        """The next line, without its end."""
        while b"\n" not in self._left:
            if len(self._left) > _LONGEST_LINE:
                raise too_large(_LONGEST_LINE)
            self._more()
        found, _, self._left = self._left.partition(b"\n")
        return found.removesuffix(b"\r").decode("utf-8", "replace")

    def exactly(self, count: int) -> bytes:
        """The next `count` bytes."""
        if count > _MOST:
            raise too_large()
        while len(self._left) < count:
            self._more()
        found, self._left = self._left[:count], self._left[count:]
        return found

    def settled(self) -> None:
        """That nothing is left to be heard before TLS begins."""
        if self._left:
            # Whoever sits in between could have put it there, to be taken for what was said in private.
            raise wrong("it said more before TLS began")

    def secure(self, files: Files, name: str, *, verify: bool) -> Secured:
        """Begin TLS; `name` is asked for and, with `verify`, has to be the certificate's."""
        from opsctl.trust import UnusableFileError, handshake_context

        self.settled()
        try:
            context = handshake_context(files, host=verify, chain=verify)
        except UnusableFileError as error:
            raise DialogueError(Failure(Cause.PERMISSION, str(error))) from error
        with self._failing("no handshake"):
            # This bounds the whole handshake, which wrapping makes, and not each read in it.
            self._peer.settimeout(self._deadline.left())
            secure = context.wrap_socket(self._peer, server_hostname=name)
        self._peer = secure
        return _secured(secure.version(), secure.getpeercert(binary_form=True))

    def _more(self) -> None:
        with self._failing("no whole answer"):
            self._peer.settimeout(self._deadline.left())
            piece = self._peer.recv(65536)
        if not piece:
            raise DialogueError(Failure(Cause.RESET, "it closed the connection"))
        self._heard += len(piece)
        if self._heard > _MOST:
            raise too_large()
        self._left += piece

    @contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        import ssl

        try:
            yield
        except ssl.SSLCertVerificationError as error:
            words = f"the certificate is not valid: {error.verify_message}"
            raise DialogueError(Failure(Cause.TLS, words)) from error
        except ssl.SSLError as error:
            words = f"TLS failed: {reason_of(error)}"
            raise DialogueError(Failure(Cause.TLS, words)) from error
        except OSError as error:
            raise DialogueError(failure_of(error, self._deadline.seconds, what)) from error
        except ValueError as error:
            words = f"the name cannot be asked for: {error}"
            raise DialogueError(Failure(Cause.UNSUPPORTED, words)) from error


@contextmanager
def dialogue(address: Address, deadline: Deadline) -> Iterator[Dialogue]:
    """A conversation with who listens there, ended with the block; raises DialogueError where nobody does."""
    try:
        connection = connect(address, "any", deadline)
    except ConnectError as error:
        raise DialogueError(error.failure) from error
    except TimeoutError as error:
        raise DialogueError(failure_of(error, deadline.seconds, "no connection")) from error
    talk = Dialogue(connection.socket, deadline)
    try:
        yield talk
    finally:
        talk.close()


def wrong(words: str, said: str = "") -> DialogueError:
    """What to raise for words that are not the protocol's, with what was `said` instead."""
    return DialogueError(Failure(Cause.PROTOCOL, words + (f": {quoted(said)}" if said else "")))


def quoted(said: str) -> str:
    """What the other side said, on one line that is fit to be shown."""
    return shorten(line(said), _SHOWN)


def unsendable(text: str) -> bool:
    """Whether `text` cannot be a word of a protocol of lines: another line in it would be another command."""
    return any(character < " " or character == "\x7f" for character in text)


def too_large(most: int = _MOST) -> DialogueError:
    """What to raise where more comes than is read, of a line or of all."""
    return DialogueError(Failure(Cause.TOO_LARGE, f"it says more than the {most} bytes that are read"))


def _secured(version: str | None, encoded: bytes | None) -> Secured:
    from opsctl.certificate import read_certificate

    try:
        return Secured(version or "", read_certificate(encoded or b"").ends)
    except ValueError as error:
        raise DialogueError(Failure(Cause.TLS, f"the certificate cannot be read: {error}")) from error
