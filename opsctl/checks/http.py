"""The `http` check: one request, judged by its status, headers, body, timings and certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from opsctl.limits import Between, Bytes, Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject
from opsctl.prose import ticked
from opsctl.secrets import SecretMissingError, Template

if TYPE_CHECKING:
    import pycurl

    from opsctl.checks import Ask
    from opsctl.transfers import Loop, Transfer

_MEGABYTE = 1_000_000
ANSWER = 2 * _MEGABYTE
"""More than any API says of one thing, for the checks that ask one."""


@dataclass(frozen=True, kw_only=True)
class Basic:
    """User name and password for HTTP basic authentication."""

    username: Annotated[Template, Doc("The user's name.")]
    password: Annotated[Template, Doc("The password, best as `${env:NAME}` or `${file:PATH}`.")]


@dataclass(frozen=True, kw_only=True)
class HttpCheck:
    """Send one HTTP request and look at the answer."""

    url: Annotated[Template, NotEmpty(), Doc("Where to send the request: `http://` or `https://`.")]
    method: Annotated[
        Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], Doc("The request's method.")
    ] = "GET"
    headers: Annotated[Mapping[str, Template], Doc("Headers of the request, by name.")] = field(
        default_factory=dict
    )
    body: Annotated[Template | None, Doc("The body of the request, sent as it stands.")] = None
    body_file: Annotated[
        str | None, NotEmpty(), Doc("A file in the workspace whose bytes are the body of the request.")
    ] = None
    form: Annotated[
        Mapping[str, Template], Doc("Fields of a form, sent as the body; the method is POST then by default.")
    ] = field(default_factory=dict)
    basic: Annotated[Basic | None, Doc("Basic authentication.")] = None
    bearer: Annotated[Template | None, Doc("A bearer token.")] = None
    ca: Annotated[str | None, Doc("A file of trusted certificates (PEM) in place of the system's.")] = None
    certificate: Annotated[str | None, Doc("A client certificate (PEM).")] = None
    key: Annotated[str | None, Doc("The client certificate's private key (PEM).")] = None
    verify: Annotated[bool, Doc("Whether the server's certificate must be valid.")] = True
    proxy: Annotated[
        Template | None, NotEmpty(), Doc("As `http://proxy.example.com:3128` or `socks5h://host:1080`.")
    ] = None
    unix_socket: Annotated[
        str | None, NotEmpty(), Doc("The path of a socket to connect to, in place of the address' host.")
    ] = None
    redirects: Annotated[int, Between(0, 20), Doc("How many redirects to follow.")] = 0
    version: Annotated[
        Literal["any", "1.1", "2", "3"], Doc("The HTTP version to ask for; 3 goes over QUIC.")
    ] = "any"
    family: Annotated[Literal["any", "ipv4", "ipv6"], Doc("The address family to connect by.")] = "any"
    max_body: Annotated[Bytes, Between(1, 100 * _MEGABYTE), Doc("The longest body that is accepted.")] = (
        10 * _MEGABYTE
    )

    SHORTHAND: ClassVar[str] = "url"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "status": Subject(Kind.NUMBER, "The answer's status code.", Cause.STATUS),
        "latency": Subject(Kind.DURATION, "From the start to the last byte of the answer.", Cause.SLOW),
        "latency.dns": Subject(Kind.DURATION, "Resolving the name.", Cause.SLOW),
        "latency.connect": Subject(Kind.DURATION, "Connecting, once the name is resolved.", Cause.SLOW),
        "latency.tls": Subject(Kind.DURATION, "The TLS handshake.", Cause.SLOW),
        "latency.first_byte": Subject(
            Kind.DURATION, "From the start to the answer's first byte.", Cause.SLOW
        ),
        "header.*": Subject(
            Kind.TEXT, "A header of the answer, by name; several are joined by `, `.", Cause.HEADER
        ),
        "body": Subject(Kind.TEXT, "The body as text.", Cause.BODY),
        "json": Subject(Kind.JSON, "The body as JSON, or a value in it.", Cause.BODY),
        "size": Subject(Kind.SIZE, "The body's length.", Cause.BODY),
        "version": Subject(Kind.TEXT, 'The HTTP version of the answer: "1.1", "2" or "3".', Cause.PROTOCOL),
        "expires_in": Subject(Kind.DURATION, "Until the server's certificate expires.", Cause.EXPIRY),
        "redirects": Subject(Kind.NUMBER, "How many redirects were followed.", Cause.REDIRECT),
        "url": Subject(Kind.TEXT, "Where the answer came from, after redirects.", Cause.REDIRECT),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("status in 200..299",)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        if "${" not in self.url.text:
            try:
                parts = urlsplit(self.url.text)
            except ValueError:
                parts = None
            if not parts or parts.scheme not in {"http", "https"} or not parts.netloc:
                yield "url", f"`{self.url}` is not a web address; write `https://host/path`"
            elif parts.username is not None:
                yield "url", "a password in an address ends up in logs; use `basic: {username, password}`"
        if self.basic and self.bearer:
            yield "bearer", "`basic` and `bearer` exclude each other; keep one"
        bodies = {"body": self.body, "body_file": self.body_file, "form": self.form}
        given = [name for name, body in bodies.items() if body]
        if len(given) > 1:
            yield given[-1], f"{ticked(given, 'and')} exclude each other; keep one"
        if self.proxy and not self.proxy.text.startswith(("http://", "https://", "socks5", "${")):
            yield "proxy", "write it as `http://proxy.example.com:3128` or `socks5h://host:1080`"
        if self.version == "3" and (self.proxy or self.unix_socket or self.url.text.startswith("http:")):
            yield "version", "version 3 goes by UDP and TLS; write `https://`, and no `proxy` or socket"
        if self.unix_socket and (self.proxy or self.redirects):
            other = "proxy" if self.proxy else "redirects"
            yield other, f"`unix_socket` leads to one place, and `{other}` to others; keep one"
        if self.key and not self.certificate:
            yield "key", "`key` needs its `certificate`; name both"

    def target(self) -> str:
        """The method, unless it is GET, and the address."""
        return self.url.text if self.method == "GET" else f"{self.method} {self.url}"

    def probe(self, ask: Ask) -> Observation:
        """Send the request and wait for the whole answer."""
        from opsctl.transfers import Loop

        seen: list[Observation] = []
        loop = Loop(1)
        self.start(ask, loop, seen.append)
        loop.run()
        return seen[0]

    def start(self, ask: Ask, loop: Loop, done: Callable[[Observation], None], *, after: float = 0.0) -> None:
        """Queue the request on a loop that moves many at once; `done` is told what was seen."""
        from opsctl.http_exchange import Exchange

        def prepare(handle: pycurl.Curl) -> Transfer | None:
            # Only now, as what waits for its turn should not hold a file's bytes.
            try:
                exchange = Exchange(self, ask, loop, done)
            except Exception as error:  # noqa: BLE001 - one request must not stop the loop for the others
                done(Observation(failure=_unmade(self, error)))
                return None
            return exchange.prepare(handle)

        loop.add(prepare, after=after)


def _unmade(check: HttpCheck, error: Exception) -> Failure:
    """Why there is nothing to send."""
    if isinstance(error, SecretMissingError):
        return Failure(Cause.SECRET, str(error))
    if isinstance(error, OSError):
        words = f"`{check.body_file}` cannot be sent: {error.strerror}; name a file that is there"
        return Failure(Cause.PERMISSION, words)
    if isinstance(error, ValueError):
        return Failure(Cause.UNSUPPORTED, f"the request cannot be made: {error}")
    return Failure(Cause.INTERNAL, f"the request failed here: {error!r}; please report this")


def ask_plainly(check: HttpCheck, ask: Ask) -> Observation:
    """What a request sees that a check of another type makes; a failure says nothing of settings it lacks."""
    seen = check.probe(ask)
    if seen.failure and seen.failure.cause in {Cause.TOO_LARGE, Cause.REDIRECT}:
        words = seen.failure.message.partition(";")[0]
        return seen._replace(failure=seen.failure._replace(message=words))
    return seen


def ask_for_json(
    check: HttpCheck, ask: Ask, missing: str = "", keys: frozenset[str] | None = None
) -> Observation:
    """The values `json` and `latency` of an answer; a failure where it is no success, or not to be believed.

    `missing` are the words for what the server does not know (404), where that is no fault of the address.
    `keys` are those that must not stand twice in an object of it; None for all.
    """
    seen = ask_plainly(check, ask._replace(wanted=frozenset({"json"}), keys=keys))
    status = seen.values.get("status")
    if seen.failure:
        return seen._replace(values={})
    if status == 404 and missing:
        return seen._replace(values={}, failure=Failure(Cause.MISSING, missing))
    if status != 200:
        return seen._replace(values={}, failure=Failure(Cause.STATUS, f"it answers with status {status}"))
    if "json" not in seen.values:
        words = f"the answer is {seen.untold.get('json', 'no JSON')}"
        return seen._replace(values={}, untold={}, failure=Failure(Cause.BODY, words))
    return seen._replace(values={name: seen.values[name] for name in ("json", "latency")})
