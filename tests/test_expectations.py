from __future__ import annotations

import math
import pickle
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl import checks
from opsctl.expectations import ExpectationError, parse, root, show, subject_of
from opsctl.judging import judge
from opsctl.outcome import Cause, Kind, Subject

SUBJECTS = {
    "status": Subject(Kind.NUMBER, "", Cause.STATUS),
    "latency": Subject(Kind.DURATION, "", Cause.SLOW),
    "latency.dns": Subject(Kind.DURATION, "", Cause.SLOW),
    "header.*": Subject(Kind.TEXT, "", Cause.HEADER),
    "body": Subject(Kind.TEXT, "", Cause.BODY),
    "json": Subject(Kind.JSON, "", Cause.BODY),
    "size": Subject(Kind.SIZE, ""),
    "used": Subject(Kind.PERCENT, ""),
    "late": Subject(Kind.BOOLEAN, ""),
    "names": Subject(Kind.LIST, ""),
}
KNOWN = (
    "the subjects are `status`, `latency`, `latency.dns`, `header.NAME`, `body`, `json`, `size`, `used`, "
    "`late` and `names`"
)
OPERATORS = "`==`, `!=`, `<`, `<=`, `>`, `>=`, `contains`, `matches`, `in` and `exists`"
ONE = "one comparison per expectation; write a second list entry"


def verdict(text, values):
    return judge(parse(text, SUBJECTS), values).verdict


# The conditions of health-checks.md 2.2 that stay green in another tool.
@pytest.mark.parametrize(
    "text",
    [
        "status < 500",
        "status != 500",
        "latency < 300ms",
        "not json.errors exists",
        "json.queue < 100",
        'json.status != "DOWN"',
        'header.x != "y"',
    ],
)
def test_nothing_passes_where_the_connection_was_refused(text):
    judged = judge(parse(text, SUBJECTS), {}, why_absent="connection refused")
    assert (judged.verdict, judged.found) == (None, "connection refused")


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("json.queue < 100", {"status": 200, "body": "<html>"}, None),
        ("json.load <= 0", {"json": {"load": 0.97}}, False),
        ("json.v > 1.2", {"json": {"v": 1.9}}, True),
        ("json.v == 1.50", {"json": {"v": 1.5}}, True),
        ("latency > 14d", {"latency": 7200.0}, False),
        ("json.ok == true", {"json": {"ok": "true"}}, None),
        ("json.err == null", {"json": {"err": None}}, True),
        ('json.x in ["a,b"]', {"json": {"x": "a,b"}}, True),
    ],
)
def test_what_another_tool_judges_wrongly_is_judged_rightly(text, values, expected):
    assert verdict(text, values) is expected


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("statuss < 300", f"unknown subject `statuss`; did you mean `status`? {KNOWN}", 0),
        ("zzz != 500", f"unknown subject `zzz`; {KNOWN}", 0),
        (
            "status > 3OO",
            "`status` is a number; `3OO` is not one; write it as `10`, without a unit or quotes",
            9,
        ),
        ("body == a == b", 'body` is text; write "a" in quotes', 8),
        ('body == "a" == "b"', f"`==` is too much; {ONE}", 12),
        ("status == 200 and latency < 1s", f"`and` is too much; {ONE}", 14),
        ("status == 1 or status == 2", "there is no `or`; write `in [...]` or `matches /a|b/`", 12),
        ("latency < 500", "`latency` is a duration; write `500ms` or `500s`", 10),
        ("size > 5", "`size` is a size; write `5kB` or `5MB`", 7),
        ("used < 90", "`used` is a percentage; write `90%`", 7),
        ("late == 1", "`late` is true or false; write `true` or `false`", 8),
        (
            "late < true",
            "`late` is true or false, and `<` does not go with it; use `==`, `!=` or `exists`",
            5,
        ),
        ("body < 5", "`body` is text, and `<` does not go with it", 5),
        ("body == ok", '`body` is text; write "ok" in quotes', 8),
        ("json.a == 5s", '`json.a` is JSON; write "5s" in quotes, or a number without a unit', 10),
        ('json.a > "x"', "`>` needs a number, written without quotes", 9),
        ("status = 200", "`=` is not an operator; write `==`", 7),
        ("status is 200", "`is` is not an operator; write `==`", 7),
        ("body =~ /x/", "`=~` is not an operator; write `matches`", 5),
        ("status && 1", f"`&&` is not an operator; {ONE}", 7),
        ("status not in [1]", "`not` is not an operator; write `not` before the subject", 7),
        ("status ? 1", f"`?` is not an operator; the operators are {OPERATORS}", 7),
        ("", "the expectation is empty; write `subject operator value`", 0),
        ("status ", "an operator is missing", 6),
        ("status ==", "a value is missing", 9),
        ("200 == status", f"`200` is not a subject; {KNOWN}", 0),
        ("header exists", "`header` needs a plain name; write `header.NAME`", 0),
        ("json.a[*] == 1", "`[*]` stands for many values; wrap it in `any(...)`", 0),
        ("any(status) == 1", "`status` is a number, not a list; leave `any(...)` out", 4),
        ("any(json == 1", "`any(` is not closed; add `)`", 9),
        ('names == "a"', '`names` is a list; write a list, as `["a", "b"]`', 9),
        ("status in 299..200", "the range is empty; write the smaller number first", 10),
        ("status in []", "nothing is in an empty list", 10),
        ("status in [200 204]", "`,` or `]` is missing in the list", 15),
        ('status in [200, "x"]', '`status` is a number; `"x"` is not one', 16),
        ("latency in 1..2", "a range is of plain numbers, and `latency` is a duration; write a list", 11),
        ("body matches x", "write a regular expression, as `/pattern/`", 13),
        ("body matches /a(b/", "not a regular expression: missing ), unterminated subpattern", 15),
        (r"body matches /\/a(b/", "not a regular expression: missing ), unterminated subpattern", 17),
        (r'body matches "\\d(b"', "not a regular expression: missing ), unterminated subpattern", 17),
        (r'body matches "\d+"', r"`\d` is not an escape; write a backslash as `\\`", 14),
        ("body matches /[[a]/", "not a regular expression: Possible nested set", 14),
        (f"body matches /{'a' * 1001}/", "a regular expression of over 1,000 characters; shorten it", 13),
        ("body matches //", "the empty pattern matches every text; write what to look for", 13),
        ('body contains ""', "the empty text is in every text; write what to look for", 14),
        ("status == 1e999", "the number is too large; write a smaller one", 10),
        ("status in 1.." + "9" * 5000, "write a list or a range", 10),
        ("status == 1" + " " * 10_000, "longer than 10,000 characters; shorten it", 0),
    ],
)
def test_a_mistake_is_refused_with_its_column_and_a_way_out(text, message, column):
    with pytest.raises(ExpectationError) as refused:
        parse(text, SUBJECTS)
    assert message in str(refused.value)
    assert refused.value.column == column


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("  status==200 ", "status == 200"),
        ("latency<0.5s", "latency < 500ms"),
        ("latency > -1d", "latency > -1d"),
        ("body == 'it\\'s \"ok\"'", 'body == "it\'s \\"ok\\""'),
        ("header.Content-Type  contains 'json'", 'header.content-type contains "json"'),
        ("status in[200,204]", "status in [200, 204]"),
        ("status in 200 .. 299", "status in 200..299"),
        ("status == 1e3", "status == 1000.0"),
        ("any ( json.items[*].state ) == 'x'", 'any(json.items[*].state) == "x"'),
        ("json['odd key'].x exists", 'json["odd key"].x exists'),
        ("not json.a[0] == null", "not json.a[0] == null"),
        ("body matches '^a/b'", 'body matches "^a/b"'),
        (r"body matches /\d+\/x/", r'body matches "\\d+/x"'),
        ("size >= 1500kB", "size >= 1.5MB"),
        ("used < 90.0%", "used < 90%"),
        ("names == []", "names == []"),
    ],
)
def test_an_expectation_has_one_spelling(text, canonical):
    assert show(parse(text, SUBJECTS)) == canonical
    assert show(parse(canonical, SUBJECTS)) == canonical


ITEMS = {"items": [{"s": "ok", "n": 1}, {"s": "bad", "n": 2}], "gaps": [{"s": "ok"}, {}], "none": None}


@pytest.mark.parametrize(
    ("text", "values", "expected", "found"),
    [
        ("status == 200", {"status": 502}, False, "502"),
        ("status == 200", {"status": 200.0}, True, "200.0"),
        ("status == 1", {"status": True}, None, "true, not a number"),
        ("status == 200", {"status": "200"}, None, "text, not a number"),
        ("status == 200", {}, None, "no answer"),
        ("status == 200", {"body": ""}, None, "nothing"),
        ("status != 200", {"status": math.nan}, None, "NaN, not a number"),
        ("status < 200", {"status": -math.inf}, None, "-Infinity, not a number"),
        ("status in 200..299", {"status": 299}, True, "299"),
        ("status in 200..299", {"status": 300}, False, "300"),
        ("latency < 500ms", {"latency": 0.34}, True, "340ms"),
        ("latency < 500ms", {"latency": 0.5002}, False, "500ms200us"),
        ("size > 1MB", {"size": 1_234_567}, True, "1.23MB"),
        ("size > 1MB", {"size": 10**400}, True, "a number too large to show"),
        ("latency > -1d", {"latency": -259200.0}, False, "-3d"),
        ("late == false", {"late": 0}, None, "0, not true or false"),
        ('body contains "ok"', {"body": "all ok"}, True, '"all ok"'),
        ("body matches /^b$/", {"body": "a"}, False, '"a"'),
        ("body matches /end/", {"body": "x" * 1024 * 1024 + "end"}, False, '"' + "x" * 78 + "…"),
        ("len(body) > 3", {"body": "abcd"}, True, "4"),
        ("len(body) > 3", {"body": [1, 2, 3, 4]}, None, "a list, not text"),
        ("len(json) > 0", {"json": {"error": "x"}}, None, "an object, not a list or text"),
        ("json.a == 1", {"json": {"a": True}}, None, "true, not a number"),
        ('json.a != "x"', {"json": {"a": None}}, None, "null, not text"),
        ("json.a exists", {"json": {"a": None}}, False, "null"),
        ("json.a exists", {"json": {"a": math.nan}}, None, "NaN"),
        ("json.a exists", {"json": {}}, False, "nothing"),
        ("json.a exists", {}, None, "no answer"),
        ("not json.a exists", {"json": {}}, True, "nothing"),
        (
            "not json.a exists",
            {"json": "oops"},
            None,
            "nothing, as what should hold it is of another type",
        ),
        ("header.server exists", {"header": True}, False, "nothing"),
        ("not header.server exists", {"status": 200}, None, "nothing"),
        ("latency.dns exists", {"latency": 1.0}, None, "nothing"),
        ('any(json.items[*].s) == "bad"', {"json": ITEMS}, True, '["ok", "bad"]'),
        ('all(json.items[*].s) == "ok"', {"json": ITEMS}, False, '["ok", "bad"]'),
        ("all(json.items[*].n) > 0", {"json": ITEMS}, True, "[1, 2]"),
        ('any(json.gaps[*].s) == "ok"', {"json": ITEMS}, True, '["ok", "nothing"]'),
        ('all(json.gaps[*].s) == "ok"', {"json": ITEMS}, None, '["ok", "nothing"]'),
        ("all(json.gaps[*].t) == null", {"json": ITEMS}, None, '["nothing", "nothing"]'),
        ("len(json.gaps[*].s) == 2", {"json": ITEMS}, None, '["ok", "nothing"]'),
        ("any(json) == 1", {"json": []}, False, "an empty list, not a list with members"),
        ("all(json) == 1", {"json": []}, None, "an empty list, not a list with members"),
        ("any(json.a[*].b[*]) == 2", {"json": {"a": [{"b": [1]}, {"b": [2]}]}}, True, "[1, 2]"),
        ("json contains 1", {"json": [True]}, None, "[true]"),
        ('names contains "a"', {"names": ["b", "a"]}, True, '["b", "a"]'),
        ('not names contains "a"', {"names": [1, 2]}, None, "[1, 2]"),
        ('names == ["a", "b"]', {"names": ["a", "b"]}, True, '["a", "b"]'),
        ('body == "x"', {"body": "\x1b[31m\n"}, False, '"\\u001b[31m\\n"'),
    ],
)
def test_an_expectation_is_judged_three_valued(text, values, expected, found):
    judged = judge(parse(text, SUBJECTS), values, warn=True)
    assert judged == (show(parse(text, SUBJECTS)), expected, found, True)


def test_an_expectation_names_its_root_and_its_subject():
    for text, word, entry in [
        ('header.X-a == "b"', "header", "header.*"),
        ("json.a.b exists", "json", "json"),
        ("latency.dns < 1s", "latency", "latency.dns"),
    ]:
        expectation = parse(text, SUBJECTS)
        assert (root(expectation), subject_of(expectation, SUBJECTS)) == (word, SUBJECTS[entry])
        assert expectation.cause is SUBJECTS[entry].cause


def test_a_number_and_a_truth_are_different_expectations():
    assert parse("json.a == 1", SUBJECTS) != parse("json.a == true", SUBJECTS)


def test_the_same_text_about_other_subjects_is_parsed_anew():
    with pytest.raises(ExpectationError):
        parse("status == 200", {"body": SUBJECTS["body"]})
    assert parse("status == 200", SUBJECTS) is parse("status == 200", SUBJECTS)


@pytest.mark.parametrize("name", checks.KINDS)
def test_the_default_expectations_of_every_kind_are_valid(name):
    kind = getattr(import_module(f"opsctl.checks.{name}"), checks.KINDS[name])
    for text in kind.EXPECT:
        assert show(parse(text, kind.SUBJECTS)) == text


NUMBERS = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


LITERALS = {
    "number": NUMBERS.map(repr),
    "text": TEXTS.map(quoted),
    "boolean": st.sampled_from(["true", "false"]),
    "duration": st.sampled_from(["-1d", "1h30m", "250us", "0.5s", "2w"]),
    "size": st.sampled_from(["1.5MB", "10KiB", "512B", "0B"]),
    "percent": st.integers(0, 100).map(lambda number: f"{number}.5%"),
}
EQUALITY = ["==", "!="]
ORDER = [*EQUALITY, "<", "<=", ">", ">="]
# Subject, operators, kind of literal, and the types that are right for it.
FORMS = [
    ("status", ORDER, "number", (int, float)),
    ("json.a", ORDER, "number", (int, float)),
    ("latency", ORDER, "duration", (int, float)),
    ("size", ORDER, "size", (int, float)),
    ("used", ORDER, "percent", (int, float)),
    ("late", EQUALITY, "boolean", (bool,)),
    ("json.a", EQUALITY, "boolean", (bool,)),
    ("body", EQUALITY, "text", (str,)),
    ("header.x-a", EQUALITY, "text", (str,)),
    ("json.a", EQUALITY, "text", (str,)),
    ("len(names)", ORDER, "number", (list,)),
    ("len(body)", ORDER, "number", (str,)),
]
NAME = {"json.a": "json", "len(names)": "names", "len(body)": "body"}
EXTRA = [
    (text, types)
    for text, types in [
        ("status exists", (int, float)),
        ("body exists", (str,)),
        ("late exists", (bool,)),
        ("status in 200..299", (int, float)),
        ("json.a in 1..5", (int, float)),
        ('body in ["a", "b"]', (str,)),
        ('body contains "a"', (str,)),
        ('json.a contains "a"', (str, list)),
        ("body matches /a|b/", (str,)),
        (r"json.a matches /^\d+\/x/", (str,)),
        ('names contains "a"', (list,)),
        ('names == ["a"]', (list,)),
        ("any(json.a) == 1", (list,)),
        ('all(json.a) != "x"', (list,)),
        ('any(names) matches "x/y"', (list,)),
    ]
]


@st.composite
def expectations(draw):
    """A text, the value's name, and the types that are right for it."""
    negated = draw(st.sampled_from(["", "not "]))
    if draw(st.booleans()):
        text, types = draw(st.sampled_from(EXTRA))
        name = next(
            name for name in ("status", "body", "late", "json", "names") if name in text.split("==")[0]
        )
        return negated + text, name, types
    subject, operators, kind, types = draw(st.sampled_from(FORMS))
    text = f"{negated}{subject} {draw(st.sampled_from(operators))} {draw(LITERALS[kind])}"
    return text, NAME.get(subject, subject), types


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    st.sampled_from([math.nan, math.inf, -math.inf]),
    TEXTS,
    st.lists(st.integers(), max_size=3),
    st.dictionaries(TEXTS, st.integers(), max_size=3),
)


def is_right(value, types):
    if isinstance(value, bool):
        return bool in types
    return isinstance(value, types) and not (isinstance(value, float) and not math.isfinite(value))


@given(expectations())
def test_nothing_is_true_of_no_answer(drawn):
    assert judge(parse(drawn[0], SUBJECTS), {}).verdict is None


@given(expectations(), VALUES)
def test_nothing_is_true_of_a_value_of_another_type(drawn, value):
    text, name, types = drawn
    if is_right(value, types):
        return
    # That null does not exist is known, so its absence may be expected.
    if "exists" in text and value is None:
        return
    judged = judge(parse(text, SUBJECTS), {name: {"a": value} if name == "json" else value})
    assert judged.verdict is None
    assert 0 < len(judged.found) <= 80


@given(expectations())
def test_parsing_what_is_shown_gives_the_same_expectation(drawn):
    expectation = parse(drawn[0], SUBJECTS)
    assert parse(show(expectation), SUBJECTS) == expectation
    assert show(parse(show(expectation), SUBJECTS)) == show(expectation)
    assert hash(pickle.loads(pickle.dumps(expectation))) == hash(expectation)
    assert pickle.loads(pickle.dumps(expectation)) == expectation


PIECES = st.sampled_from(
    [
        "not",
        "any(",
        "all(",
        "len(",
        ")",
        "status",
        "latency",
        "header.A",
        "json",
        ".a",
        "[*]",
        "[0]",
        '["k"]',
        "['k']",
        "==",
        "<",
        "in",
        "contains",
        "matches",
        "exists",
        "200",
        "500ms",
        "1..2",
        "/a(/",
        "/[/",
        '"x"',
        "'y'",
        '"\\q"',
        "[",
        ",",
        "]",
        "null",
        "true",
        "-1",
        "9e999",
        "\\",
        '"',
        "'",
        "/",
        "İ",
        "²",
        "\x00",
    ]
)


@given(
    st.text(max_size=60)
    | st.lists(PIECES, max_size=10).flatmap(
        lambda some: st.sampled_from([" ", ""]).map(lambda sign: sign.join(some))
    )
)
def test_any_text_is_an_expectation_or_an_expectation_error(text):
    try:
        parse(text, SUBJECTS)
    except ExpectationError as error:
        column = error.column
    else:
        column = None
    if column is not None:
        assert 0 <= column <= len(text)
        return
    expectation = parse(text, SUBJECTS)
    assert parse(show(expectation), SUBJECTS) == expectation
    assert judge(expectation, {}).verdict is None
