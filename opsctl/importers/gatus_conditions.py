"""Gatus' conditions as expectations, and how each of them passed when it must not."""

from __future__ import annotations

import re
from typing import NamedTuple

from opsctl.importers import Note, quoted

_CONDITION = re.compile(
    r"\s*(?P<wrapper>len|has)?\(?\s*\[(?P<place>[A-Z_]+)\](?P<path>[^)\s]*)\s*\)?\s*"
    r"(?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>.*?)\s*"
)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+")
_SUBJECTS = {
    "http": {
        "STATUS": "status",
        "RESPONSE_TIME": "latency",
        "BODY": "body",
        "CERTIFICATE_EXPIRATION": "expires_in",
    },
    "tcp": {"RESPONSE_TIME": "latency", "BODY": "received"},
    "tls": {"RESPONSE_TIME": "latency", "CERTIFICATE_EXPIRATION": "expires_in"},
    "ping": {"RESPONSE_TIME": "latency"},
    "dns": {"DNS_RCODE": "rcode", "BODY": "answers", "RESPONSE_TIME": "latency"},
    "ssh": {"RESPONSE_TIME": "latency"},
    "grpc": {"RESPONSE_TIME": "latency", "BODY": "state"},
    "websocket": {"RESPONSE_TIME": "latency", "BODY": "received"},
}
_CONNECTED = {
    "http": "status > 0",
    "tcp": "connected == true",
    "tls": "valid == true",
    "ping": "loss < 100%",
    "dns": "count > 0",
    "ssh": 'protocol == "2.0"',
    "websocket": "status == 101",
    "grpc": "serving == true",
}
_ANYTHING = "it is met by anything there, also by nothing: expect what must be in it"
_GONE = "without an answer, or where it is no JSON, nothing is in it there, which passes"
_SERVES = "a server that says that it does not serve passes there"


class Context(NamedTuple):
    """The type of the check that a condition belongs to."""

    type: str
    tls: bool = False


def expectation(text: str, context: Context, where: str) -> tuple[str, Note]:
    """The expectation, or nothing, and what is to be said of the condition."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        open_ = "a word that it does not know stands for 0 or for itself there, so that it may always pass"
        return "", Note(where, f"`{text}` is no condition", lost=True, open=open_)
    wrapper, place, path, operator, value = found.group("wrapper", "place", "path", "operator", "value")
    if place == "CONNECTED":
        return _connected(text, context, value, where)
    subject = _SUBJECTS.get(context.type, {}).get(place)
    if subject is None:
        return "", Note(where, f"`{text}`: opsctl's {context.type} check has no such subject", lost=True)
    if place == "CERTIFICATE_EXPIRATION" and context.type == "http" and not context.tls:
        return "", Note(where, f"`{text}`: the address has no certificate", lost=True)
    if place == "BODY" and operator == "==" and re.fullmatch(r"pat\(\*+\)", value):
        return "", Note(where, f"`{text}` says nothing", lost=True, open=_ANYTHING)
    if path and subject in {"received", "state"} and (subject, path) != ("state", ".status"):
        return "", Note(where, f"`{text}` cannot be said in opsctl", lost=True)
    if path and subject == "body":
        subject = "json" + (path if path.startswith(("[", ".")) else f".{path}")
    written = _written(wrapper or "", subject, operator, value)
    if not written:
        return "", Note(where, f"`{text}` cannot be said in opsctl", lost=True)
    open_ = _opening(wrapper or "", place, path, operator, value)
    return written, Note(where, f"`{text}` became `{written}`", open=open_)


def _connected(text: str, context: Context, value: str, where: str) -> tuple[str, Note]:
    written = _CONNECTED.get(context.type, "") if value == "true" else ""
    if not written:
        return "", Note(where, f"`{text}` cannot be said in opsctl", lost=True)
    open_ = _SERVES if context.type == "grpc" else ""
    return written, Note(where, f"`{text}` became `{written}`", open=open_)


def _written(wrapper: str, subject: str, operator: str, value: str) -> str:
    if wrapper == "has":
        wanted = {"==": value, "!=": {"true": "false", "false": "true"}.get(value)}.get(operator)
        return {"true": f"{subject} exists", "false": f"not {subject} exists"}.get(wanted or "", "")
    if wrapper == "len":
        return f"len({subject}) {operator} {value}" if _NUMBER.fullmatch(value) else ""
    if function := re.fullmatch(r"(pat|any)\((.*)\)", value):
        return _function(subject, operator, function[1], function[2])
    if subject == "answers":
        return (
            f"{'not ' if operator == '!=' else ''}answers contains {quoted(value)}"
            if operator in {"==", "!="}
            else ""
        )
    literal = _literal(subject, value)
    return f"{subject} {operator} {literal}" if literal else ""


def _literal(subject: str, value: str) -> str:
    plain = value.strip('"')
    if subject in {"latency", "expires_in"}:
        if _NUMBER.fullmatch(value):
            return f"{value}ms"
        return value if _DURATION.fullmatch(value) else ""
    if subject == "status":
        return value if _NUMBER.fullmatch(value) else ""
    if subject.startswith("json") and (_NUMBER.fullmatch(value) or value in {"true", "false", "null"}):
        return value
    return quoted(plain)


def _function(subject: str, operator: str, name: str, inner: str) -> str:
    negated = "not " if operator == "!=" else ""
    if operator not in {"==", "!="}:
        return ""
    if name == "any":
        literals = [_literal(subject, one.strip()) for one in inner.split(",")]
        return f"{negated}{subject} in [{', '.join(literals)}]" if all(literals) else ""
    if subject == "status" and re.fullmatch(r"[1-5]\*", inner):
        return f"{negated}status in {inner[0]}00..{inner[0]}99"
    if subject in {"status", "latency", "expires_in"}:
        return ""
    word = inner.strip("*")
    if inner == f"*{word}*" and not re.search(r"[*?\[\]\\]", word) and word and subject != "answers":
        return f"{negated}{subject} contains {quoted(word)}"
    if re.search(r"[\[\]\\]", inner) or not word:
        return ""
    if subject == "answers":
        return f"{negated}any(answers) matches /{_pattern(inner, trimmed=False)}/"
    # A star stands for the ends of lines too.
    dots = "(?s)" if re.search("[*?]", inner) else ""
    return f"{negated}{subject} matches /{dots}{_pattern(inner, trimmed=subject in {'body', 'received'})}/"


def _pattern(inner: str, *, trimmed: bool) -> str:
    """All of a text; where it is trimmed there, without the white space around it."""
    signs = [{"*": ".*", "?": "."}.get(sign) or re.escape(sign).replace("/", r"\/") for sign in inner]
    if not trimmed:
        return f"^{''.join(signs)}\\Z"
    for end in (0, -1):
        signs[end] = r"\S" if signs[end] == "." else signs[end]
    begin, end_ = ("" if sign == ".*" else r"\s*" for sign in (signs[0], signs[-1]))
    return f"^{begin}{''.join(signs)}{end_}\\Z"


def _opening(wrapper: str, place: str, path: str, operator: str, value: str) -> str:
    """How a condition was met there without an answer, or by a wrong one."""
    if wrapper == "has":
        return _GONE if (operator == "==") is (value == "false") else ""
    if place == "STATUS" and operator in {"<", "<=", "!="}:
        return "without an answer the status is 0 there, which passes"
    if place == "RESPONSE_TIME" and operator in {"<", "<=", "!="}:
        return "without an answer it took no time there, which passes"
    if place in {"BODY", "DNS_RCODE"} and operator == "!=":
        return "without an answer, or without the field, it is something else there, which passes"
    if place == "BODY" and not path and operator == "==" and value in {"", '""', "0"}:
        return "without an answer the body is empty there, which passes"
    if place == "BODY" and (path or wrapper) and operator in {"<", "<="}:
        return "what is no number is 0 there, which passes"
    if place == "CERTIFICATE_EXPIRATION" and operator in {"<", "<=", "!="}:
        return "without a certificate no time is left there, which passes"
    if place == "CERTIFICATE_EXPIRATION" and not _DURATION.fullmatch(value) and not _NUMBER.fullmatch(value):
        return "a unit that it does not know makes 0 of the limit there, which always passes"
    return ""
