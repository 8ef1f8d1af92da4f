"""Expectations as Gatus' conditions: read back as they were, and met where they are met."""

from __future__ import annotations

import json
import re

from hypothesis import assume, given
from hypothesis import strategies as st

from opsctl.checks.dns import DnsCheck
from opsctl.checks.http import HttpCheck
from opsctl.checks.ping import PingCheck
from opsctl.checks.tcp import TcpCheck
from opsctl.checks.tls import TlsCheck
from opsctl.expectations import ExpectationError, parse, show
from opsctl.exporters.gatus_conditions import conditions
from opsctl.expression import show_subject
from opsctl.importers.gatus_conditions import Context
from opsctl.importers.gatus_conditions import expectation as read_back
from opsctl.judging import judge

CHECKS = {"http": HttpCheck, "tcp": TcpCheck, "tls": TlsCheck, "ping": PingCheck, "dns": DnsCheck}
words = st.sampled_from(
    [
        "UP",
        "a b",
        "x(y)",
        "$HOME",
        "a == b",
        "[STATUS]",
        "pat(*)",
        "1,2",
        "5",
        "true",
        "",
        " a",
        "é",
        'q"',
        "a*",
    ]
)
numbers = st.integers(-3, 700) | st.sampled_from([0.5, 1e30])
orders = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
spans = st.sampled_from(["0s", "1ms", "1.5ms", "500ms", "90m", "2h", "14d"])
paths = st.sampled_from(["json", "json.a", "json.a.b", "json[0].a", 'json["x y"]', "json.a[0]"])


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


literals = numbers.map(str) | words.map(quoted) | st.sampled_from(["true", "false", "null"])
lists = st.lists(literals, min_size=1, max_size=3).map(lambda some: f"[{', '.join(some)}]")
texts = (
    st.builds("{} {} {}".format, st.sampled_from(["status", "count", "len(json.a)", "len(body)"]), orders, numbers)
    | st.builds("status in {}00..{}99".format, st.integers(1, 5), st.integers(1, 5))
    | st.builds("{} {} {}".format, st.sampled_from(["latency", "expires_in"]), orders, spans)
    | st.builds("{} {} {}".format, paths, orders, literals)
    | st.builds("{} {} {}".format, st.sampled_from(["body", "rcode", "received"]), st.sampled_from(["==", "!=", "contains"]), words.map(quoted))
    | st.builds("{} in {}".format, paths | st.sampled_from(["status", "body"]), lists)
    | st.builds("{} contains {}".format, paths | st.just("answers"), words.map(quoted))
    | st.builds("{} exists".format, paths | st.sampled_from(["status", "body"]))
    | st.sampled_from(["connected == true", "valid == true", "loss < 100%", "count > 0", "status > 0"])
)  # fmt: skip


@st.composite
def expectations(draw, names=(*CHECKS, "http", "http")):
    """A kind of check and an expectation that it allows."""
    name = draw(st.sampled_from(names))
    text = draw(st.sampled_from(["", "not "])) + draw(texts)
    try:
        return name, parse(text, CHECKS[name].SUBJECTS)
    except ExpectationError:
        assume(False)


@given(expectations())
def test_what_gatus_can_say_is_read_back_as_it_was(sample):
    name, one = sample
    context, subjects = Context(name, tls=True), CHECKS[name].SUBJECTS
    said = conditions(one, context, subjects)
    assert bool(said.conditions) is not bool(said.why)
    again = [read_back(text, context, "") for text in said.conditions]
    assert all(written for written, _ in again)
    if not said.conditions:
        return
    *guards, last = [parse(written, subjects) for written, _ in again]
    # The same, or the same without `not`.
    opposite = {"==": "!=", "<": ">=", ">": "<="}
    opposite |= {other: word for word, other in opposite.items()}
    same = (
        one._replace(negated=False, operator=opposite.get(one.operator, one.operator)) if one.negated else one
    )
    assert show(last) in {show(one), show(same)}
    assert {show(guard) for guard in guards} <= {
        {"http": "status > 0", "tcp": "connected == true", "tls": "valid == true", "ping": "loss < 100%", "dns": "count > 0"}[name],
        f"{one.name}{''.join(f'[{step}]' if isinstance(step, int) else f'.{step}' for step in one.path)} exists",
    }  # fmt: skip


ABSENT = object()


def met(condition, answer):
    """Whether Gatus holds a condition to be met, by its documentation; `answer` is None where none came."""
    place, word, value = re.fullmatch(r"(\S+) (==|!=|<=|>=|<|>) (.*)", condition).groups()
    if place == "[CONNECTED]":
        return value == "true" and answer is not None
    has, length = place.startswith("has("), place.startswith("len(")
    found = resolve(re.sub(r"^(?:has|len)\((.*)\)$", r"\1", place), answer)
    if has:
        return (word == "==") is ((found is not ABSENT) is (value == "true"))
    if length:
        found = len(found) if isinstance(found, list | str) else ABSENT
    text = "(INVALID)" if found is ABSENT else str(found).lower() if isinstance(found, bool) else str(found)
    if word in {"==", "!="}:
        return equal(text, value) is (word == "==")
    left, right = (int(one) if re.fullmatch(r"-?[0-9]+", one) else 0 for one in (text, value))
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[word]


def resolve(place, answer):
    if place == "[STATUS]":
        return answer["status"] if answer else 0
    if place == "[RESPONSE_TIME]":
        return int(answer["latency"] * 1000) if answer else 0
    if place == "[BODY]":
        return answer["body"] if answer else ""
    value = answer.get("json", ABSENT) if answer else ABSENT
    for key, index in re.findall(r"\.([\w-]+)|\[([0-9]+)\]", place.removeprefix("[BODY]")):
        try:
            value = (
                {str(at): one for at, one in enumerate(value)}[index]
                if index and isinstance(value, list)
                else value[key]
            )
        except (TypeError, KeyError):
            return ABSENT
    return value


def equal(text, value):
    if value.startswith("any("):
        return any(equal(text, one.strip()) for one in value[4:-1].split(","))
    if value.startswith("pat("):
        return re.fullmatch(".*".join(map(re.escape, value[4:-1].split("*"))), text, re.DOTALL) is not None
    return text == value


values = st.sampled_from(["UP", "a b", "down", 0, 1, 5, 0.5, ["x"], [], {"b": 2}, {"b": "UP"}])
answers = st.none() | st.fixed_dictionaries(
    {
        "status": st.integers(100, 599),
        "latency": st.sampled_from([0.0, 0.001, 0.3, 0.5, 5400.0, 9000.0]),
        "body": st.sampled_from(["", "UP", "it is a b", "true"]),
    },
    optional={
        "json": st.dictionaries(st.sampled_from("ab"), values)
        | st.lists(st.builds(lambda a: {"a": a}, values))
    },
)
http = expectations(("http",)).filter(lambda one: one[1].name in {"status", "latency", "body", "json"})


@given(http, answers)
def test_no_condition_is_met_where_the_expectation_is_not(sample, answer):
    _, one = sample
    said = conditions(one, Context("http", tls=True), HttpCheck.SUBJECTS)
    if said.conditions and all(met(text, answer) for text in said.conditions):
        verdict = judge(one, answer or {}).verdict
        # Gatus does not tell 5 from "5", so that a value of another type is another value there.
        there = one.name == "json" and resolve(show_subject("", "[BODY]", one.path), answer) is not ABSENT
        assert verdict is True or (verdict is None and there)


@given(http, answers)
def test_a_condition_is_met_where_the_expectation_is(sample, answer):
    _, one = sample
    said = conditions(one, Context("http", tls=True), HttpCheck.SUBJECTS)
    if said.conditions and judge(one, answer or {}).verdict is True and isinstance(answer, dict):
        assert all(met(text, answer) for text in said.conditions)
