"""What today's expectations would have said of what was recorded: certain, or named as not to be told."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from opsctl.checks.http import HttpCheck
from opsctl.definitions import CheckDefinition
from opsctl.expectations import ExpectationError, parse
from opsctl.outcome import Cause, Failure, Observation, State
from opsctl.records import Judged
from opsctl.rejudging import would_pass
from opsctl.secrets import Secrets, Template
from opsctl.seen import typed
from opsctl.verdicts import conclude

KIND = HttpCheck(url=Template("http://x/"))
SUBJECTS = HttpCheck.SUBJECTS


def check(*expect, warn=()):
    parsed = [tuple(parse(text, SUBJECTS) for text in texts) for texts in (expect, warn)]
    return CheckDefinition(
        "web/page", "http", KIND, *parsed, frozenset(), 10.0, 0, 0.0, "transport", 1, 1, 300.0, "", None
    )


def seen(definition, values, failure=None, mask=None, *, typed=True):
    """The result as the store gives it back; without `typed` as an older opsctl recorded it."""
    evidence = {"status": values["status"]} if "status" in values else {}
    found = conclude(
        definition, Observation(values, failure, evidence), at=0.0, attempts=1, mask=mask, explain=True
    )
    kept = json.loads(json.dumps([found.judged, dict(found.evidence), dict(found.seen)]))
    latency = None if found.latency is None else round(found.latency * 1e6) / 1e6
    whole = kept[2] if latency is None else {**kept[2], "latency": latency}
    return found._replace(
        judged=tuple(Judged(*one) for one in kept[0]),
        evidence=kept[1],
        latency=latency,
        seen=whole if typed else None,
    )


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
def test_of_an_older_opsctl_what_was_found_is_judged_again(then, now, values, passes):
    assert would_pass(check(now), seen(check(then), values, typed=False)) is passes


@pytest.mark.parametrize(
    ("then", "now", "values", "passes"),
    [
        # A limit next to what was seen, of a pass too.
        ("latency < 300ms", "latency < 200ms", {"latency": 0.2}, False),
        ("latency < 300ms", "latency <= 200ms", {"latency": 0.2000004}, True),
        ("expires_in > 14d", "expires_in > 10d", {"expires_in": 864_000.0}, False),
        ("expires_in > 14d", "expires_in == 10d", {"expires_in": 864_000.0}, True),
        ("json.queue < 100", "json.queue < 50", {"json": {"queue": 49.999999999}}, True),
        # Every number and truth value, whatever was asked for.
        ("status == 200", "size < 1kB", {"status": 200, "size": 1000}, False),
        ("status == 200", "redirects == 0", {"status": 200, "redirects": 0}, True),
        # What an expectation named, of whatever type, and what of a list it asked for.
        ("json.a < 5", 'json.a == "UP"', {"json": {"a": "UP"}}, True),
        ("json.a exists", "json.a == null", {"json": {"a": None}}, True),
        ('body contains "y"', "len(body) == 9", {"body": "y" * 9}, True),
        ('body == "x"', 'body contains "y"', {"body": "y" * 99}, True),
        ("any(json.a[*].b) == 1", "all(json.a[*].b) < 3", {"json": {"a": [{"b": 1}, {"b": 2}]}}, True),
        ("json.a exists", "json.a contains 2", {"json": {"a": [1, 2]}}, True),
        # Long, only in part there, no number in any file, or nobody asked.
        ('body contains "y"', "len(body) == 201", {"body": "y" * 201}, None),
        ("json.a exists", "json.a contains 2", {"json": {"a": [2] * 99}}, None),
        ("any(json.a[*].b) == 1", "any(json.a[*].b) == 2", {"json": {"a": [{"b": 1}, {}]}}, None),
        ("json.a exists", "json.a > 1", {"json": {"a": float("inf")}}, None),
        ("json.a exists", "json.b exists", {"json": {"a": 1, "b": 1}}, None),
        ("status == 200", 'version == "2"', {"status": 200, "version": "2"}, None),
    ],
)  # fmt: skip
def test_what_was_seen_is_judged_exactly(then, now, values, passes):
    assert would_pass(check(now), seen(check(then), values)) is passes


def test_a_latency_is_judged_as_it_is_recorded():
    found = Observation({"latency": 0.2000004})
    result = conclude(check("latency <= 200ms"), found, at=0.0, attempts=1, mask=None, explain=False)
    assert (result.state, result.latency) == (State.UP, 0.2)


def test_a_plugin_that_prints_very_many_figures_has_only_some_of_them_kept():
    printed = {"perfdata." + "x" * 192: 1, **{f"perfdata.{at}": at for at in range(99)}, "status": 200}
    found = typed(check("status == 200"), printed, None)
    assert list(found) == [*(f"perfdata.{at}" for at in range(32)), "status"]


def test_what_has_a_secret_in_it_is_not_kept():
    values = {
        "status": 200,
        "perfdata.hunter2": 1,
        "size": 4321,
        "body": "say hunter2",
        "json": {"a": ["4321"]},
    }
    one = check('body contains "s"', "json.a exists")
    mask = lambda text: text.replace("hunter2", "***").replace("4321", "***")  # noqa: E731
    assert list(typed(one, values, None)) == ["status", "perfdata.hunter2", "size", "body", "json.a"]
    assert typed(one, values, mask) == {"status": 200}


def test_without_an_answer_nothing_about_the_same_would_pass():
    refused = Failure(Cause.REFUSED, "connection refused")
    assert would_pass(check("status in 200..399"), seen(check("status == 200"), {}, refused)) is False
    assert would_pass(check('body contains "x"'), seen(check("status == 200"), {}, refused)) is None


def test_a_secret_is_not_kept_however_json_writes_it():
    secrets = Secrets({"KEY": 'pä"ss\\word'}, Path())
    secrets.resolve(Template("${env:KEY}"))
    one = check('json.a contains "x"', "json.b exists")
    assert typed(one, {"json": {"a": ['pä"ss\\word'], "b": {'pä"ss\\word': 1}}}, secrets.mask) == {}


@pytest.mark.parametrize(
    "statement",
    ["UPDATE results SET seen = '[1'", "UPDATE results SET seen = 5", "UPDATE shapes SET subjects = 'x'"],
)
def test_what_cannot_be_read_of_a_result_is_told(opsctl, statement):
    opsctl.write("opsctl.yaml", SHOP).write("page", "large enough")
    assert opsctl("check").code == 0
    with closing(sqlite3.connect(opsctl.path / ".opsctl/opsctl.db")) as db:
        db.execute(statement)
        db.commit()
    words = "opsctl: what was seen of a result cannot be read; run `opsctl db verify`\n"
    for command in (("check", "--replay"), ("db", "export")):
        ran = opsctl(*command)
        assert (ran.code, ran.err) == (6, words)


def test_where_nothing_could_be_judged_nothing_is_said_to_be_well(opsctl):
    opsctl.write("opsctl.yaml", SHOP).write("page", "large enough")
    assert opsctl("check", now="2026-11-20T12:00:00Z").code == 0
    with closing(sqlite3.connect(opsctl.path / ".opsctl/opsctl.db")) as db:
        db.execute("UPDATE results SET shape_id = NULL, seen = NULL")
        db.commit()
    ran = opsctl("check", "--replay", now="2026-11-20T12:01:00Z")
    assert "1 pass without evidence" in ran.out
    assert ran.code == 3


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


@given(checks(), checks(), values, failures, st.booleans())
def test_what_is_told_is_what_would_have_been(then, now, found, failure, older):
    told = would_pass(now, seen(then, found, failure, typed=not older))
    truth = conclude(
        now, Observation(found, failure), at=0.0, attempts=1, mask=None, explain=False
    ).state.good
    assert told in {None, truth}


@given(checks(), values, failures, st.booleans())
def test_expectations_that_did_not_change_say_the_same(then, found, failure, older):
    result = seen(then, found, failure, typed=not older)
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
        "web/size\twould have alarmed 1 time, 1 of them in an incident (it did 1 time); recorded 2 up, 2 not up; "
        "now 2 up, 2 not up\n"
        "web/same\trecorded 4 up, 0 not up; now 4 up, 0 not up\n"
        "0 results would change since 2026-10-21 12:05:00 UTC; 0 cannot be told\n"
        "would have alarmed 1 time, 1 of them in an incident (it did 1 time)\n"
    )
    opsctl.write("opsctl.yaml", SHOP.replace("size > 10B", "size > 3B"))
    ran = opsctl("check", "--replay", "--since", "1h", now=day.format(5))
    assert (ran.code, ran.err) == (1, "")
    assert ran.out == (
        "web/same\trecorded 4 up, 0 not up; now 4 up, 0 not up\n"
        "web/size\twould have alarmed 0 times (it did 1 time); recorded 2 up, 2 not up; now 4 up, 0 not up; "
        "2 would be up (1 of them in an incident); INC-1\n"
        "2 results would change since 2026-11-20 11:05:00 UTC; 0 cannot be told\n"
        "would have alarmed 0 times (it did 1 time)\n"
    )
    opsctl.write("opsctl.yaml", SHOP.replace("size > 10B", "size > 1kB, 'content == \"x\"'"))
    ran = opsctl("check", "web/size", "--replay", "-o", "json", now=day.format(5))
    assert ran.code == 0
    assert json.loads(ran.out)["checks"] == [
        {
            "check": "web/size", "good": 2, "bad": 2, "up": 0, "not_up": 4, "unclear": 0, "mended": 0, "broken": 2,
            "within": 2, "incidents": ["INC-1"], "others": 0, "untold": [],
            "alarmed": {"number": 1, "within": 1}, "alarms": {"number": 1, "within": 1},
        }
    ]  # fmt: skip
    opsctl.write("opsctl.yaml", SHOP.replace("size > 10B", "size > 1B, 'content == \"x\"'"))
    ran = opsctl("check", "web/size", "--replay", now=day.format(5))
    assert (ran.code, ran.err) == (3, "")
    assert ran.out == (
        "web/size\twould have alarmed 1 time, 1 of them in an incident (it did 1 time); recorded 2 up, 2 not up; "
        'now 0 up, 0 not up, 4 cannot be told; no record for `content == "x"`\n'
        "0 results would change since 2026-10-21 12:05:00 UTC; 4 cannot be told\n"
        "would have alarmed 1 time, 1 of them in an incident (it did 1 time), if what cannot be told stays as it was\n"
    )
    assert opsctl("check", "--replay", "--since", "soon").code == 2
    assert opsctl("check", "--replay", "-o", "csv").code == 2
