"""What today's expectations would have said of what was recorded: certain, or named as not to be told."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from opsctl.checks.http import HttpCheck
from opsctl.definitions import CheckDefinition
from opsctl.expectations import ExpectationError, parse
from opsctl.outcome import Cause, Failure, Observation
from opsctl.records import Judged
from opsctl.rejudging import would_pass
from opsctl.secrets import Template
from opsctl.verdicts import conclude

KIND = HttpCheck(url=Template("http://x/"))
SUBJECTS = HttpCheck.SUBJECTS


def check(*expect, warn=()):
    parsed = [tuple(parse(text, SUBJECTS) for text in texts) for texts in (expect, warn)]
    return CheckDefinition(
        "web/page", "http", KIND, *parsed, frozenset(), 10.0, 0, 0.0, "transport", 1, 1, 300.0, "", None
    )


def seen(definition, values, failure=None, mask=None):
    """The result as the store gives it back."""
    evidence = {"status": values["status"]} if "status" in values else {}
    found = conclude(
        definition, Observation(values, failure, evidence), at=0.0, attempts=1, mask=mask, explain=True
    )
    kept = json.loads(json.dumps([found.judged, dict(found.evidence)]))
    latency = None if found.latency is None else round(found.latency * 1e6) / 1e6
    return found._replace(judged=tuple(Judged(*one) for one in kept[0]), evidence=kept[1], latency=latency)


@pytest.mark.parametrize(
    ("then", "now", "values", "passes"),
    [
        # The same, and another limit for what was found.
        ("status == 200", "status == 200", {"status": 502}, False),
        ("status == 200", "status in 200..399", {"status": 302}, True),
        ("json.queue < 100", "json.queue < 200", {"json": {"queue": 150}}, True),
        ("json.queue < 100", "json.queue < 150", {"json": {"queue": 150}}, False),
        ('json.state == "UP"', 'json.state in ["UP", "WARM"]', {"json": {"state": "WARM"}}, True),
        ('body contains "ok"', "body matches /k\\no/", {"body": "k\no"}, True),
        ("len(json.all) > 3", "len(json.all) > 1", {"json": {"all": [1, 2]}}, True),
        # What was not there is not there for any comparison, but may be for `exists`.
        ("json.queue < 100", "json.queue < 200", {"json": {}}, False),
        ("json.queue < 100", "json.queue exists", {"json": {}}, None),
        ("json.queue.a < 100", "json.queue.a exists", {"json": {"queue": 1}}, False),
        # What was of another type may be right now, and what was found elsewhere says nothing of it.
        ("json.a < 5", 'json.a == "UP"', {"json": {"a": "UP"}}, None),
        ("json.a < 5", "json.b < 5", {"json": {"a": 9, "b": 1}}, None),
        ("len(body) == 1", "len(body) > 3", {"status": 200, "body": "y" * 9}, True),
        # The status and the latency are always kept.
        ("json.queue < 100", "status == 200", {"status": 200, "json": {}}, True),
        ("json.queue < 100", "latency < 500ms", {"latency": 0.4, "json": {}}, True),
        ("json.queue < 100", "latency < 400ms", {"latency": 0.4, "json": {}}, None),
        # A quantity was rounded when it was shown.
        ("expires_in > 14d", "expires_in > 7d", {"expires_in": 864_000.0}, True),
        ("expires_in > 14d", "expires_in > 12d", {"expires_in": 864_000.0}, False),
        ("expires_in > 14d", "expires_in > 10d", {"expires_in": 864_000.0}, None),
        ("expires_in > 14d", "expires_in == 10d", {"expires_in": 864_000.0}, None),
        # Nobody looked, it was cut, or only a part of it is known.
        ("status == 200", 'body contains "x"', {"status": 200, "body": "x"}, None),
        ('body == "x"', 'body contains "y"', {"body": "y" * 99}, None),
        ("any(json.a[*]) == 1", "any(json.a[*]) == 2", {"json": {"a": [2]}}, None),
        ("len(body) == 1", 'body contains "y"', {"body": "y" * 9}, None),
    ],
)  # fmt: skip
def test_what_was_found_is_judged_again(then, now, values, passes):
    assert would_pass(check(now), seen(check(then), values)) is passes


def test_without_an_answer_nothing_about_the_same_would_pass():
    refused = Failure(Cause.REFUSED, "connection refused")
    assert would_pass(check("status in 200..399"), seen(check("status == 200"), {}, refused)) is False
    assert would_pass(check('body contains "x"'), seen(check("status == 200"), {}, refused)) is None


def test_what_was_masked_is_not_guessed():
    result = seen(check('body == "x"'), {"body": "a secret"}, mask=lambda text: text.replace("secret", "***"))
    assert would_pass(check('body contains "secret"'), result) is None


def test_one_that_cannot_be_told_does_not_hide_one_that_fails():
    result = seen(check("status == 200"), {"status": 500})
    assert would_pass(check('body contains "x"', "status == 200"), result) is False
    assert would_pass(check('body contains "x"', "status == 500"), result) is None
    assert would_pass(check("status == 500", warn=["latency < 1s"]), result) is True


values = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from([200, 204, 302, 404, 500]),
        "latency": st.floats(0, 3) | st.sampled_from([0.3, 0.5, 1.0]),
        "body": st.sampled_from(["", "ok", "a\nb", "x" * 200, '"q"', "\x85", "\u202eok", "***"]),
        "size": st.integers(0, 3000),
        "expires_in": st.floats(-1e5, 2e6) | st.sampled_from([864_000.0, 1_209_600.0]),
        "json": st.recursive(
            st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.sampled_from(["UP", "nothing", "5"]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            max_leaves=5,
        ),
        "header": st.just(""),
        "header.x": st.sampled_from(["", "a", "nothing"]),
    },
)  # fmt: skip
orders = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
paths = st.sampled_from(["json", "json.a", "json.a.b", "json[0]", "json.b"])
literals = st.sampled_from(['"UP"', '"nothing"', "5", "0", "true", "null", '"5"'])
texts = (
    st.builds("status {} {}".format, orders, st.sampled_from([200, 302, 500]))
    | st.builds("latency {} {}".format, orders, st.sampled_from(["300ms", "500ms", "1s", "2s"]))
    | st.builds("expires_in {} {}".format, orders, st.sampled_from(["7d", "10d", "14d", "1h"]))
    | st.builds("size {} {}".format, orders, st.sampled_from(["1kB", "1500B", "0B"]))
    | st.builds("{} {} {}".format, paths, orders, literals)
    | st.builds("{} {} {}".format, st.sampled_from(["body", "header.x"]), st.sampled_from(["==", "!=", "contains"]), st.sampled_from(['"ok"', '""', '"nothing"', '"x"']))
    | st.builds("len({}) {} {}".format, paths | st.just("body"), orders, st.integers(0, 3))
    | st.builds("{} exists".format, paths | st.sampled_from(["status", "body", "header.x", "size"]))
    | st.builds("{} contains {}".format, paths, literals)
    | st.builds("{}({}) == {}".format, st.sampled_from(["any", "all"]), st.sampled_from(["json.a[*]", "json[*]"]), literals)
)  # fmt: skip


@st.composite
def checks(draw):
    some = draw(
        st.lists(st.builds("{}{}".format, st.sampled_from(["", "not "]), texts), min_size=1, max_size=3)
    )
    try:
        return check(*some)
    except ExpectationError:
        assume(False)


failures = st.sampled_from(
    [None, None, Failure(Cause.TIMEOUT, "no whole answer within 10 s"), Failure(Cause.TLS, "nothing")]
)


@given(checks(), checks(), values, failures)
def test_what_is_told_is_what_would_have_been(then, now, found, failure):
    told = would_pass(now, seen(then, found, failure))
    truth = conclude(
        now, Observation(found, failure), at=0.0, attempts=1, mask=None, explain=False
    ).state.good
    assert told in {None, truth}


@given(checks(), values, failures)
def test_expectations_that_did_not_change_say_the_same(then, found, failure):
    result = seen(then, found, failure)
    assert would_pass(then, result) is result.state.good


SHOP = """
    version: 1
    name: Shop
    services:
      web: {tier: high, checks: {size: {file: page, expect: [size > 10B]}, same: {file: page}}}
"""


def test_a_changed_expectation_is_held_against_what_was_recorded(opsctl):
    opsctl.write("opsctl.yaml", SHOP).write("page", "small")
    day = "2026-11-20T12:0{}:00Z"
    assert opsctl("check", now=day.format(0)).code == 1
    assert opsctl("incident", "open", "Small", "-s", "web", now=day.format(1)).code == 0
    assert opsctl("check", now=day.format(2)).code == 1
    opsctl.write("page", "large enough")
    assert opsctl("check", now=day.format(3)).code == 0
    assert opsctl("check", now=day.format(4)).code == 0
    ran = opsctl("check", "--replay", now=day.format(5))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "web/size\trecorded 1 up, 2 not up; now 1 up, 2 not up; 1 pass without evidence\n"
        "web/same\t4 passes without evidence\n"
        "0 results would change since 2026-10-21 12:05:00 UTC; 0 cannot be told\n"
    )
    opsctl.write("opsctl.yaml", SHOP.replace("size > 10B", "size > 3B"))
    ran = opsctl("check", "--replay", "--since", "1h", now=day.format(5))
    assert (ran.code, ran.err) == (1, "")
    assert ran.out == (
        "web/same\t4 passes without evidence\n"
        "web/size\trecorded 1 up, 2 not up; now 3 up, 0 not up; 2 would be up (1 of them in an incident); INC-1; 1 pass without evidence\n"
        "2 results would change since 2026-11-20 11:05:00 UTC; 0 cannot be told\n"
    )
    opsctl.write("opsctl.yaml", SHOP.replace("size > 10B", "size > 1kB, 'age < 1d'"))
    ran = opsctl("check", "web/size", "--replay", "-o", "json", now=day.format(5))
    assert ran.code == 0
    assert json.loads(ran.out)["checks"] == [
        {
            "check": "web/size", "good": 1, "bad": 2, "up": 0, "not_up": 3, "unclear": 0, "mended": 0, "broken": 1,
            "within": 1, "incidents": ["INC-1"], "others": 1,
        }
    ]  # fmt: skip
    opsctl.write("opsctl.yaml", SHOP.replace("size > 10B", "size > 1B, 'age < 1d'"))
    ran = opsctl("check", "web/size", "--replay", now=day.format(5))
    assert (ran.code, ran.err) == (3, "")
    assert "now 0 up, 0 not up, 3 cannot be told" in ran.out
    assert opsctl("check", "--replay", "--since", "soon").code == 2
    assert opsctl("check", "--replay", "-o", "csv").code == 2
