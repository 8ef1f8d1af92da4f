"""The `grpc` check: what a server says of itself by the health service of gRPC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.checks.http import ANSWER, HttpCheck, ask_plainly
from opsctl.connecting import address_problems
from opsctl.limits import Doc, Matching, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.prose import line, shorten
from opsctl.secrets import Template

if TYPE_CHECKING:
    from opsctl.checks import Ask

# https://github.com/grpc/grpc/blob/master/doc/health-checking.md
_PATH = "/grpc.health.v1.Health/Check"
_STATES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
# https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
_FINE, _NOT_FOUND, _UNIMPLEMENTED = "0", "5", "12"


@dataclass(frozen=True, kw_only=True)
class GrpcCheck:
    """Ask a gRPC server, or one of its services, whether it serves (grpc.health.v1)."""

    address: Annotated[str, NotEmpty(), Doc("As `api.example.com:443`.")]
    service: Annotated[
        str,
        Matching(r"[A-Za-z0-9_./-]{0,100}", "a service's name, as `shop.v1.Orders`, at most 100 characters"),
        Doc("The service's name; without one, the server as a whole is asked."),
    ] = ""
    tls: Annotated[bool, Doc("Whether it is asked by TLS.")] = True
    headers: Annotated[Mapping[str, Template], Doc("Metadata of the call, by name.")] = field(
        default_factory=dict
    )
    verify: Annotated[bool, Doc("Whether the server's certificate must be valid.")] = True
    ca: Annotated[
        str | None, NotEmpty(), Doc("A file of trusted certificates (PEM) in place of the system's.")
    ] = None

    SHORTHAND: ClassVar[str] = "address"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "serving": Subject(Kind.BOOLEAN, "Whether it says that it serves.", Cause.STATUS),
        "state": Subject(Kind.TEXT, f"What it says: {', '.join(_STATES)}.", Cause.STATUS),
        "expires_in": Subject(Kind.DURATION, "Until the server's certificate expires.", Cause.EXPIRY),
        "latency": Subject(Kind.DURATION, "From the start to the last byte of the answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("serving == true",)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        yield from address_problems(self.address)
        if not self.tls and self.ca:
            yield "ca", "without TLS nobody shows a certificate; take `ca` or `tls: false` away"

    def target(self) -> str:
        """The address, and the service."""
        return self.address + (f" {self.service}" if self.service else "")

    def probe(self, ask: Ask) -> Observation:
        """Call once, within `ask.timeout` seconds in all."""
        wanted = frozenset({"body", "header", "version"}) | (ask.wanted & {"expires_in"})
        seen = ask_plainly(self._request(), ask._replace(wanted=wanted))
        failure = seen.failure or self._refusal(seen.values)
        if failure:
            return seen._replace(values={}, failure=failure)
        state = _state(str(seen.values.get("body", "")))
        if state is None:
            words = "its answer is none of the health service's"
            return seen._replace(values={}, failure=Failure(Cause.PROTOCOL, words))
        values: dict[str, Value] = {"serving": state == "SERVING", "state": state}
        kept = ("latency", "expires_in")
        return seen._replace(values={**values, **{n: v for n, v in seen.values.items() if n in kept}})

    def _request(self) -> HttpCheck:
        # As gRPC has it over HTTP/2: a byte for "not compressed", the length, then the message,
        # whose only field is a text. All of it is ASCII, as the name is short.
        message = f"\n{chr(len(self.service))}{self.service}" if self.service else ""
        return HttpCheck(
            url=Template(f"{'https' if self.tls else 'http'}://{self.address}{_PATH}"),
            method="POST",
            headers={
                **self.headers,
                "Content-Type": Template("application/grpc"),
                "TE": Template("trailers"),
            },
            body=Template(f"\0\0\0\0{chr(len(message))}{message}"),
            version="2",
            verify=self.verify,
            ca=self.ca,
            max_body=ANSWER,
        )

    def _refusal(self, values: Mapping[str, Value]) -> Failure | None:
        """Why there is no message to look at, if there is none."""
        if values.get("version") != "2":
            return Failure(Cause.PROTOCOL, "it does not speak HTTP/2, so no gRPC")
        code = values.get("header.grpc-status")
        if values.get("status") != 200:
            return Failure(Cause.STATUS, f"it answers with status {values.get('status')}")
        if code is None:
            return Failure(Cause.PROTOCOL, "it does not speak gRPC: there is no grpc-status")
        if code == _NOT_FOUND:
            return Failure(Cause.MISSING, f"it knows no service `{self.service}`")
        if code == _UNIMPLEMENTED:
            return Failure(Cause.MISSING, "it does not have gRPC's health service")
        if code != _FINE:
            words = f"it answers with gRPC's status {code}: {values.get('header.grpc-message', '')}"
            return Failure(Cause.STATUS, shorten(line(words).removesuffix(":"), 200))
        return None


def _state(text: str) -> str | None:
    """The state in an answer; None where it is none."""
    if len(text) < 5 or text[:4] != "\0\0\0\0" or len(text) != 5 + ord(text[4]):
        return None
    message = text[5:]
    # The only field is number 1, a varint; its default, UNKNOWN, is not sent.
    number = 0 if not message else ord(message[1]) if message[0] == "\b" and len(message) == 2 else -1
    return _STATES[number] if 0 <= number < len(_STATES) else None
