"""The blackbox exporter's prober `tcp`: what its dialogues are, as checks of the protocol that they speak."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.importers import literal, pattern
from opsctl.importers.blackbox_module import Module, address_of, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.importers.blackbox_module import Job

    Step = Mapping[str, Any]

_SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16/"
_MORE = "what else is said is not looked at; checks of type `smtp`, `imap` and `pop3` look at what is offered"
_NEVER = "opsctl says nothing of its own by TLS, so only the certificate is looked at"
_ONCE = "opsctl sends once and waits once, without TLS, so only the connection is looked at"


class _Protocol(NamedTuple):
    """How a protocol is told: what is sent to begin TLS, and the expectations that all its servers meet."""

    sends: str
    meets: str


# By TLS from the first byte, only the greeting tells which it is. `^+OK` is meant as it looks.
_GREETINGS = {
    "pop3": r"\^?\\?\+OK ?",
    "imap": r"\^?\\?\* OK ?|\^\[\*\] OK",
    "smtp": r"\^?220.*SMTP.*",
}
_READY = {"smtp": "status == 220", "imap": "ready == true", "pop3": "ready == true"}
_PROTOCOLS = {
    "smtp": _Protocol(
        r"((EHLO|HELO) \S+\n)?STARTTLS\n", r"\^?(220|250)[ -]?|\^?250[- ]STARTTLS|\^250\[ -\]STARTTLS"
    ),
    "imap": _Protocol(r"\S+ STARTTLS\n", r"(\^?(\\\*|\S+) )?\^?OK ?|(\^?\\\* )?OK\.\*STARTTLS"),
    "pop3": _Protocol(r"STLS\n", _GREETINGS["pop3"]),
}


def take_tcp(module: Module, job: Job) -> dict[str, Any]:
    """The check of a port, of its certificate, or of what speaks there."""
    said = module.terms.get("query_response")
    steps = [mapping(one) for one in said] if isinstance(said, list) else []
    module.rest({"tls", "tls_config", "query_response", "preferred_ip_protocol", "ip_protocol_fallback"})
    for number, one in enumerate(steps):
        if one.get("labels"):
            module.lost(f"query_response[{number}].labels", "opsctl makes no labels of what it reads")
    if module.terms.get("tls") is True:
        return _greeted(module, job, steps) or _certificate(module, job, {}, steps)
    if protocol := _starttls(steps):
        return _certificate(module, job, {"starttls": protocol}, _unmet(steps, protocol))
    return _ssh(module, job, steps) or _plain(module, job, steps)


def _certificate(module: Module, job: Job, made: dict[str, Any], unsaid: Sequence[Step]) -> dict[str, Any]:
    ports = {"smtp": 25, "imap": 143, "pop3": 110, "postgres": 5432}
    port = ports.get(made.get("starttls", ""), 443)
    files = module.tls({"ca", "certificate", "key", "server_name"})
    module.expect.append("version exists" if files.get("verify") is False else "valid == true")
    if made:
        module.say("query_response", f"became `starttls: {made['starttls']}`")
    if unsaid:
        module.lost("query_response", _MORE if made else _NEVER)
    return {"tls": {"address": address_of(job, port), **files, **module.family(), **made}}


def _greeted(module: Module, job: Job, steps: Sequence[Step]) -> dict[str, Any] | None:
    """A mail server that greets by TLS, where that is all that is expected."""
    if len(steps) != 1 or _keys(steps[0]) != ["expect"]:
        return None
    expected = str(steps[0]["expect"])
    kind = next((name for name, text in _GREETINGS.items() if re.fullmatch(text, expected)), None)
    config = mapping(module.terms.get("tls_config"))
    if kind is None or module.family() or config.get("cert_file") or config.get("key_file"):
        return None
    port = {"smtp": 465, "imap": 993, "pop3": 995}[kind]
    module.expects("query_response[0]", _READY[kind])
    files = module.tls({"ca", "server_name"})
    return {kind: {"address": address_of(job, port), "tls": "direct", **files}}


def _starttls(steps: Sequence[Step]) -> str | None:
    """The protocol in which TLS is asked for."""
    at = next((number for number, one in enumerate(steps) if one.get("starttls") is True), None)
    if at is None:
        return None
    before = steps[:at]
    sent = [one["send"] for one in before if one.get("send")]
    if [one if isinstance(one, bytes) else str(one).encode() for one in sent] == [_SSL_REQUEST]:
        agreed = [one.get("expect_bytes") for one in before if one.get("expect_bytes")]
        return "postgres" if agreed in (["S"], [b"S"]) else None
    lines = "".join(str(one).rstrip("\r\n") + "\n" for one in sent)
    found = (name for name, one in _PROTOCOLS.items() if re.fullmatch(one.sends, lines, re.IGNORECASE))
    return next(found, None)


def _unmet(steps: Sequence[Step], protocol: str) -> list[Step]:
    """What is said there besides the words that begin TLS."""
    at = next(number for number, one in enumerate(steps) if one.get("starttls") is True)
    meets = _PROTOCOLS[protocol].meets if protocol in _PROTOCOLS else ""
    expected = [one for one in steps[:at] if one.get("expect")]
    after = [one for one in steps[at + 1 :] if str(one.get("send")).strip().upper() != "QUIT"]
    return [*(one for one in expected if not re.fullmatch(meets, str(one["expect"]))), *after]


def _ssh(module: Module, job: Job, steps: Sequence[Step]) -> dict[str, Any] | None:
    if [_keys(one) for one in steps] not in ([["expect"]], [["expect"], ["send"]]) or module.family():
        return None
    expected, sent = str(steps[0]["expect"]), str(steps[-1].get("send") or "SSH-2.0-")
    if not expected.startswith("^SSH-2") or not sent.startswith("SSH-2.0-"):
        return None
    address = {"ssh": address_of(job, 22)}
    if re.fullmatch(r"\^SSH-2\\?\.0-?", expected):
        module.expects("query_response[0]", 'protocol == "2.0"')
    else:
        module.expects("query_response[0]", f"banner matches {pattern(expected)}")
    return address


def _plain(module: Module, job: Job, steps: Sequence[Step]) -> dict[str, Any]:
    dialogue = _dialogue(steps)
    if steps and dialogue is None:
        module.lost("query_response", _ONCE)
    made = {"address": address_of(job, 80), **(dialogue or {}), **module.family()}
    module.expect.append("matched == true" if "until" in made else "connected == true")
    return {"tcp": made if len(made) > 1 else made["address"]}


def _keys(one: Step) -> list[str]:
    return sorted(key for key in ("send", "expect", "expect_bytes", "starttls") if one.get(key))


def _dialogue(steps: Sequence[Step]) -> dict[str, Any] | None:
    """What is sent once and awaited once; nothing where more is said."""
    keys = [_keys(one) for one in steps]
    if keys not in ([["expect"]], [["send"]], [["send"], ["expect"]]):
        return None
    if not all(isinstance(one.get(key), str) for one, (key,) in zip(steps, keys, strict=True)):
        return None
    made: dict[str, Any] = {}
    for one in steps:
        if one.get("send"):
            # A line's end is added there.
            made["send"] = literal(one["send"]) + "\n"
        else:
            pattern(one["expect"])
            if "$" in one["expect"]:
                return None
            # Each line is looked at there.
            made["until"] = f"(?m){one['expect']}" if "^" in one["expect"] else one["expect"]
    return made
