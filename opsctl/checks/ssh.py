"""The `ssh` check: a server that says who it is, and has the key that it always had."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.connecting import ConnectError, address_problems, connect, failure_of, parse_address, within
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.connecting import Address, Deadline

# RFC 4253, 4.2: lines may come before it; it has 255 characters at most.
_BANNER = re.compile(rb"SSH-([0-9.]+)-([^\s\r\n]+)[^\r\n]*\r?\n")
_MOST = 10_000


@dataclass(frozen=True, kw_only=True)
class SshCheck:
    """Ask an SSH server for its banner and, where it is wanted, its host key; nobody logs in."""

    address: Annotated[str, NotEmpty(), Doc("As `host.example.com:22`.")]

    SHORTHAND: ClassVar[str] = "address"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "banner": Subject(Kind.TEXT, "The server's first line.", Cause.PROTOCOL),
        "protocol": Subject(Kind.TEXT, 'The version of the protocol, "2.0".', Cause.PROTOCOL),
        "software": Subject(Kind.TEXT, "What the server calls itself."),
        "fingerprint": Subject(
            Kind.TEXT,
            "The SHA-256 of its ed25519 key, as `ssh-keygen -l` shows it; needs ssh-keyscan.",
            Cause.TLS,
        ),
        "latency": Subject(Kind.DURATION, "From the start to the banner.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ('protocol == "2.0"',)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        yield from address_problems(self.address)

    def target(self) -> str:
        """The address."""
        return self.address

    def probe(self, ask: Ask) -> Observation:
        """Read the banner, and the key where one is expected, within `ask.timeout` seconds in all."""
        started, deadline = time.monotonic(), within(ask.timeout)
        address = parse_address(self.address)
        try:
            connection = connect(address, "any", deadline)
        except ConnectError as error:
            return Observation(failure=error.failure)
        received = b""
        with connection.socket as peer:
            try:
                while not (found := _BANNER.search(received)) and len(received) < _MOST:
                    peer.settimeout(deadline.left())
                    piece = peer.recv(1024)
                    if not piece:
                        break
                    received += piece
            except OSError as error:
                # Other lines may come first, but who then says nothing more waits for something else.
                if not (b"\n" in received and isinstance(error, TimeoutError)):
                    return Observation(failure=failure_of(error, deadline.seconds, "no banner"))
        if not found:
            return Observation(failure=Failure(Cause.PROTOCOL, "it does not say that it speaks SSH"))
        values: dict[str, Value] = {
            "banner": found[0].decode("utf-8", "replace").strip(),
            "protocol": found[1].decode(),
            "software": found[2].decode("utf-8", "replace"),
            "latency": time.monotonic() - started,
        }
        if "fingerprint" in ask.wanted:
            return _with_key(values, address, deadline, ask)
        return Observation(values)


def _with_key(values: dict[str, Value], address: Address, deadline: Deadline, ask: Ask) -> Observation:
    import base64
    import hashlib

    from opsctl.processes import run

    argv = ["ssh-keyscan", "-p", str(address.port), "-t", "ed25519", "-T", "30", "--", address.host]
    try:
        path = {"PATH": ask.environ.get("PATH", "/usr/bin:/bin")}
        ran = run(argv, timeout=deadline.left(), directory=ask.root, environment=path)
    except FileNotFoundError:
        return Observation(
            values, Failure(Cause.UNSUPPORTED, "ssh-keyscan is not there; install OpenSSH's client")
        )
    except OSError as error:
        return Observation(values, failure_of(error, deadline.seconds, "no key"))
    found = re.search(r"ssh-ed25519 (\S+)", ran.stdout.text)
    if found is None and ran.timed_out:
        return Observation(values, Failure(Cause.TIMEOUT, f"no key within {deadline.seconds:g} s"))
    if found is None:
        return Observation(values, Failure(Cause.TLS, "it has no ed25519 key"))
    digest = hashlib.sha256(base64.b64decode(found[1])).digest()
    return Observation({**values, "fingerprint": "SHA256:" + base64.b64encode(digest).decode().rstrip("=")})
