"""A module of the blackbox exporter as it is read: what it says, and what is to be said of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.connecting import parse_address
from opsctl.importers import Note, literal, of_go, pattern, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOTHING = "opsctl has nothing like it"
_FAMILIES = {"ip4": "ipv4", "ip6": "ipv6"}
_TLS = {"ca_file": "ca", "cert_file": "certificate", "key_file": "key"}
_WORDS = {
    "fail_if_body_json_matches_cel": 'write what must not be there as `expect`, as `json.status != "bad"`',
    "fail_if_body_json_not_matches_cel": 'write what must be there as `expect`, as `json.status == "ok"`',
    "oauth2": "opsctl gets no tokens by itself; give it one as `bearer`",
}
_INSECURE = "any certificate passes there, and here too: take `verify: false` away where you can"


class Job(NamedTuple):
    """What is asked: a target, or nothing where nobody says it, and how often."""

    module: str
    target: str
    service: str
    where: str
    every: str = ""


class Module:
    """A module as it is read: what it says, what is expected for it, and what is to be said of it."""

    def __init__(self, terms: Mapping[str, Any], where: str) -> None:
        self.terms, self.where, self.notes = terms, where, list[Note]()
        self.expect: list[str] = []

    def lost(self, key: str, words: str = NOTHING, open_: str = "") -> None:
        """Note that nothing became of a key."""
        self.notes.append(Note(f"{self.where}.{key}", words, lost=True, open=open_))

    def say(self, key: str, words: str, open_: str = "") -> None:
        """Note what became of a key."""
        self.notes.append(Note(f"{self.where}.{key}", words, open=open_))

    def expects(self, key: str, written: str, open_: str = "") -> None:
        """Expect it, and note so."""
        self.expect += [] if written in self.expect else [written]
        self.say(key, f"became `{written}`", open_)

    def patterns(self, key: str, subject: str) -> Iterator[tuple[str, str]]:
        """Where each stands, and the expectation for it."""
        said = self.terms.get(key)
        for number, text in enumerate(said if isinstance(said, list) else []):
            try:
                yield f"{key}[{number}]", matching(subject, str(text))
            except ValueError as error:
                self.lost(f"{key}[{number}]", str(error))
        if said and not isinstance(said, list):
            self.lost(key, "it is no list")

    def rest(self, known: set[str]) -> None:
        """What else it says is lost."""
        for key in sorted(str(key) for key in set(self.terms) - known):
            if self.terms.get(key):
                self.lost(key, _WORDS.get(key, NOTHING))

    def family(self) -> dict[str, Any]:
        """The address family, where only one will do."""
        wanted = _FAMILIES.get(str(self.terms.get("preferred_ip_protocol", "ip6")))
        if self.terms.get("ip_protocol_fallback") is not False or not wanted:
            return {}
        return {"family": wanted}

    def tls(self, allowed: set[str]) -> dict[str, Any]:
        """What is said of certificates, as far as the check has a key for it."""
        config = mapping(self.terms.get("tls_config"))
        made: dict[str, Any] = {
            ours: literal(str(config[key]))
            for key, ours in _TLS.items()
            if config.get(key) and ours in allowed
        }
        if config.get("insecure_skip_verify") is True:
            made["verify"] = False
            self.say("tls_config.insecure_skip_verify", "became `verify: false`", _INSECURE)
        if config.get("server_name") and "server_name" in allowed:
            made["server_name"] = str(config["server_name"])
        done = {"insecure_skip_verify", *(key for key, ours in {**_TLS, "server_name": "server_name"}.items()
                                          if ours in allowed)}  # fmt: skip
        for key in sorted(str(key) for key in set(config) - done):
            self.lost(f"tls_config.{key}")
        return made


def matching(subject: str, text: str) -> str:
    """An expectation for a regular expression, in plain words where it is a plain text.

    ValueError where opsctl has no such expression.
    """
    whole = text.startswith("^") and text.endswith("$")
    inner = text[1:-1] if whole else text
    if not re.fullmatch(r"([^\\.^$*+?()\[\]{}|]|\\[^A-Za-z0-9])+", inner):
        return f"{subject} matches {pattern(of_go(text))}"
    said = quoted(re.sub(r"\\(.)", r"\1", inner))
    return f"{subject} {'==' if whole else 'contains'} {said}"


def mapping(value: Any) -> dict[str, Any]:
    """The value where it is a mapping, and else an empty one."""
    return value if isinstance(value, dict) else {}


def unset(job: Job) -> str:
    """A host that stands for a target that nobody has said."""
    plain = re.sub(r"[^a-z0-9]+", "-", job.module.lower()).strip("-")[:50].strip("-")
    return f"unset-{plain or 'target'}.invalid"


def address_of(job: Job, port: int) -> str:
    """As `host:port`; ValueError where the target is none, as it fails there too."""
    if not job.target:
        return f"{unset(job)}:{port}"
    parse_address(job.target)
    return job.target
