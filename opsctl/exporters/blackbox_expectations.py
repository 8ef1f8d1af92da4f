"""Expectations as what a module of the blackbox exporter demands of an answer."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.expression import Literal, Pattern
from opsctl.judging import judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.definitions import CheckDefinition
    from opsctl.expectations import Expectation
    from opsctl.outcome import Value

_STATUSES = range(100, 600)
_GOOD = range(200, 300)
_RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
# What is accepted where nothing is: an empty list would mean the usual codes there.
_NONE: Mapping[str, Value] = {"status": -1, "rcode": "NXRRSET"}
_ALERT = "no module can; alert on probe_ssl_earliest_cert_expiry - time()"
# What a module demands by being asked at all.
_MET = {
    ("tcp", "connected == true"),
    ("tcp", "matched == true"),
    ("ping", "loss < 100%"),
    ("ping", "loss == 0%"),
    ("grpc", "serving == true"),
    ("tls", "version exists"),
}
# What Go's expressions read as Python's do: no groups with a question mark, no counts, no classes by letter.
_SHARED = re.compile(
    r"\^?(?:[A-Za-z0-9 _<>\"'=:;,@%&~!/-]|\.|\\[.*+?|()\[\]/^$-]|[*+?](?![*+?])|\||\((?!\?)|\))*"
)


class Demands(NamedTuple):
    """What a module says of an answer: its terms, the seconds it may take, and what was lost and why."""

    terms: Mapping[str, Any]
    within: float
    lost: tuple[tuple[str, str], ...]


def demands(check: CheckDefinition) -> Demands:
    """What is demanded so that an answer is as good there as here, but for what was lost."""
    terms, within, lost = _of_codes(check), math.inf, list[tuple[str, str]]()
    for one in check.expect:
        if one.name == "latency" and one.operator in {"<", "<="} and not one.negated:
            within = min(within, _seconds(one))
        elif why := _demand(one, check, terms):
            lost.append((str(one), why))
    lost += ((f"warn: {one}", "a probe there succeeds or fails") for one in check.warn)
    return Demands(terms, within, tuple(lost))


def _of_codes(check: CheckDefinition) -> dict[str, Any]:
    """The codes that meet all expectations of them, as a list is all that a module can say."""
    if check.type == "http":
        statuses = _meeting(check.expect, "status", _STATUSES)
        return {} if statuses == list(_GOOD) else {"valid_status_codes": statuses}
    if check.type == "dns":
        return {"valid_rcodes": _meeting(check.expect, "rcode", _RCODES)}
    return {}


def _meeting(expect: Sequence[Expectation], name: str, values: Sequence[Value]) -> list[Value]:
    about = [one for one in expect if one.name == name]
    met = [value for value in values if all(judge(one, {name: value}).verdict for one in about)]
    return met or [_NONE[name]]


def _demand(one: Expectation, check: CheckDefinition, terms: dict[str, Any]) -> str:
    """Add a demand to the terms; the answer is why it cannot be said, or nothing."""
    said = (check.type, str(one))
    if said[0] == "tls" and said[1] == "valid == true":
        return "" if getattr(check.kind, "verify", True) else "`verify: false` keeps it from being seen there"
    if one.name in {"status", "rcode"} or said in _MET:
        return ""
    if said[0] == "dns" and said[1] in {"count > 0", "count >= 1"}:
        pattern = f"\tIN\t{getattr(check.kind, 'type', '')}\t"
        terms["validate_answer_rrs"] = {"fail_if_none_matches_regexp": [pattern]}
        return ""
    if one.name == "expires_in":
        return _ALERT
    if said[0] == "http" and (one.name == "body" or one.entry == "header.*") and not one.wrapper:
        return _matching(one, terms)
    return "no module can"


def _matching(one: Expectation, terms: dict[str, Any]) -> str:
    negated = one.negated is not (one.operator == "!=")
    pattern = _pattern(one)
    if pattern is None or (one.operator == "exists" and (negated or one.name == "body")):
        otherwise = "Go's regular expressions may read it otherwise"
        return otherwise if one.operator == "matches" else "no module can"
    if one.name == "body":
        key = "fail_if_body_matches_regexp" if negated else "fail_if_body_not_matches_regexp"
        terms.setdefault(key, []).append(pattern)
    else:
        key = "fail_if_header_matches" if negated else "fail_if_header_not_matches"
        terms.setdefault(key, []).append({"header": one.name.partition(".")[2], "regexp": pattern})
    return ""


def shared(plain: str) -> bool:
    """Whether Go reads a regular expression as Python does."""
    return plain.isascii() and _SHARED.fullmatch(plain) is not None


def _ended(pattern: str) -> tuple[str, str]:
    """A pattern without its end, and that as Go writes it, where `$` is never before a last line break."""
    if pattern.endswith(r"\Z"):
        return pattern[:-2], "$"
    if pattern.endswith("$") and not shared(pattern):
        return pattern[:-1], r"\n?$"
    return pattern, ""


def _pattern(one: Expectation) -> str | None:
    """A regular expression that Go reads alike, or None."""
    operand = one.operand
    if one.operator == "exists":
        return ".*"
    if isinstance(operand, Pattern):
        plain, end = _ended(operand.compiled.pattern)
        return plain + end if shared(plain) else None
    if not isinstance(operand, Literal) or not isinstance(operand.value, str):
        return None
    escaped = re.escape(operand.value)
    return escaped if one.operator == "contains" else f"^{escaped}$"


def _seconds(one: Expectation) -> float:
    value = one.operand.value if isinstance(one.operand, Literal) else None
    return float(value) if isinstance(value, int | float) else math.inf
