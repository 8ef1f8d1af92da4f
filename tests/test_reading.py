"""Strict YAML into dataclasses: what is read, and the place and words of everything that is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.composing import Problem, compose
from opsctl.limits import Between, Bytes, Matching, Name, NotEmpty, OneOrMore, Percent, Seconds
from opsctl.places import FAILED, Located, Reading, locate
from opsctl.reading import ReadWith, read
from opsctl.secrets import Template


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What is looked at."""

    url: Annotated[Template, NotEmpty()]
    method: Literal["GET", "POST"] = "GET"
    SHORTHAND: ClassVar[str] = "url"


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """Hosts to look at."""

    names: tuple[str, ...]
    port: Annotated[int, Between(1, 65535)] = 443
    SHORTHAND: ClassVar[str] = "names"


@dataclass(frozen=True, kw_only=True)
class Span:
    """From a number to another."""

    from_: int
    to: int

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot be."""
        if self.from_ > self.to:
            yield "from_", "`from` is above `to`; swap them"
        if self.to == 13:
            yield "step", "13 needs a step; add one"


def _shout(node: Any, reading: Reading) -> Any:
    return node.value.upper() if node.id == "scalar" else reading.fail(node, "expected a word; write one")


@dataclass(frozen=True, kw_only=True)
class Everything:
    """One field of each kind."""

    text: str
    whole: Annotated[int, Between(0, 10)] = 1
    number: float = 0.5
    flag: bool = False
    tier: Literal["high", "low"] = "low"
    version: Literal[1] = 1
    timeout: Annotated[Seconds | None, Between(0.001, 60)] = None
    size: Bytes = 1000
    used: Percent = 90
    pattern: re.Pattern[str] | None = None
    secret: Template | None = None
    place: Located | None = None
    tags: tuple[Name, ...] = ()
    expect: Annotated[tuple[Located, ...] | None, OneOrMore(), NotEmpty()] = None
    probes: Mapping[Name, Probe] = field(default_factory=dict)
    hosts: Hosts | None = None
    span: Span | None = None
    word: Annotated[str, ReadWith(_shout, lambda: {"type": "string"})] = ""


def loaded(type_: Any, text: str | bytes) -> tuple[Any, list[str]]:
    data = text.encode() if isinstance(text, str) else text
    node, source, problems = compose(data, "f.yaml")
    if node is None:
        return FAILED, [str(problem) for problem in problems]
    reading = Reading(source)
    value = read(type_, node, reading)
    return value, [str(problem).removeprefix("f.yaml:") for problem in sorted(problems + reading.problems)]


def refused(text: str | bytes) -> list[str]:
    return [
        str(problem).removeprefix("f.yaml:")
        for problem in compose(text.encode() if isinstance(text, str) else text, "f.yaml")[2]
    ]


def test_every_kind_of_field_is_read() -> None:
    value, problems = loaded(
        Everything,
        """\
text: "NO"
whole: 5
number: 2
flag: true
tier: high
version: 1
timeout: 1m
size: 1MiB
used: 80%
pattern: a+
secret: Bearer ${env:TOKEN}
place: here
tags: [prod, edge]
expect: status == 200
probes: {a: "http://a", b: {url: "http://b", method: POST}}
hosts: [x, z]
span: {from: 1, to: 2}
word: quiet
""",
    )
    assert problems == []
    assert value.place._replace(source=None) == Located("here", None, 11, 7, exact=True)  # type: ignore[arg-type]
    assert [one.text for one in value.expect] == ["status == 200"]
    assert (value.text, value.whole, value.number, value.flag) == ("NO", 5, 2.0, True)
    assert (value.timeout, value.size, value.used, value.version) == (60.0, 1048576, 80.0, 1)
    assert value.pattern == re.compile("a+")
    assert value.secret == Template("Bearer ${env:TOKEN}")
    assert value.tags == ("prod", "edge")
    assert value.probes == {
        "a": Probe(url=Template("http://a")),
        "b": Probe(url=Template("http://b"), method="POST"),
    }
    assert value.hosts == Hosts(names=("x", "z"))
    assert value.span == Span(from_=1, to=2)
    assert value.word == "QUIET"


BARE = {
    "NO": "true or false", "on": "true or false", "y": "true or false",
    "22:22": "a number", "10:30": "a number", "1.10": "a number", "0644": "a number", "08": "a number",
    "0o17": "a number", "0x1F": "a number", "1e3": "a number", "1_000": "a number", ".inf": "a number",
    "+1": "a number", "2026-01-02": "a date", "null": "nothing", "~": "nothing", "=": "a `=`",
}  # fmt: skip


@pytest.mark.parametrize(("text", "got"), BARE.items())
def test_a_bare_word_that_some_reader_takes_for_something_else_is_not_text(text: str, got: str) -> None:
    assert loaded(Everything, f"text: {text}\n") == (
        FAILED,
        [f'1:7: expected text, got {got}; write it in quotes: "{text}"'],
    )
    assert loaded(Everything, f'text: "{text}"\n')[0].text == text


@pytest.mark.parametrize(
    "text", ["none", "nope", "09:00", "1.2.3", "10.0.0.1", "-", ".", "a=b", "no way", "1s"]
)
def test_a_bare_word_that_every_reader_takes_for_text_is_text(text: str) -> None:
    assert loaded(tuple[str, ...], f"[{text}x, '{text}']\n") == ((f"{text}x", text), [])
    if text != "-":
        assert loaded(Everything, f"text: {text}\n")[0].text == text


MESSAGES = {
    "whole: 0644": "1:8: expected a whole number, got `0644`; write 644, or 420 where it was meant as octal",
    "whole: 1_000": "1:8: expected a whole number, got `1_000`; write 1000",
    "whole: 22:22": "1:8: expected a whole number, got `22:22`; write it with decimal digits only",
    "whole: 0x1f": "1:8: expected a whole number, got `0x1f`; write 31",
    "whole: '5'": "1:8: expected a whole number, got text; write it without quotes: 5",
    "whole: five": "1:8: expected a whole number, got text",
    "whole: 11": "1:8: must be from 0 to 10",
    "whole: 1000000000000000000000": "1:8: expected a whole number, got `1000000000000000000000`; "
    "write at most 18 digits",
    "number: 1e3": "1:9: expected a number, got `1e3`; write it as 1000 or 0.5",
    "number: [1]": "1:9: expected a number, got a list",
    "flag: yes": "1:7: `yes` reads differently from tool to tool; write true or false",
    "flag: 'true'": "1:7: expected true or false, got text; write it without quotes: true",
    "flag: 1": "1:7: expected true or false, got a number",
    "tier: hihg": "1:7: `hihg` is not one of `high` or `low`; did you mean `high`?",
    "version: 2": "1:10: `2` is not one of `1`",
    "timeout: 10": "1:10: `10` has no unit; write a duration as `10s`",
    "timeout: 2m": "1:10: must be from 1ms to 1m",
    "size: [1]": "1:7: expected a size such as `10MB`, got a list",
    "pattern: 'a('": "1:12: not a regular expression: missing ), unterminated subpattern; correct it",
    "pattern: a{99999999999}": "1:10: a regular expression too large to use; make it smaller",
    "secret: a ${no}": "1:11: `${no}` is not a reference; write `${env:NAME}` or `${file:PATH}`",
    "secret: a ${env:X": "1:11: a reference begins here and never ends; write `${env:NAME}` or `${file:PATH}`",
    "tags: prod": "1:7: expected a list, got text; write `[prod]`",
    "tags: [a, Prod]": "1:11: `Prod` is not allowed here; use lower-case letters, digits, `.`, `_` and `-`, "
    "at most 64",
    "expect: []": "1:9: must not be empty; write something, or leave it out",
    "expect: {}": "1:9: expected text, got a mapping",
    "probes: []": "1:9: expected a mapping, got a list; write `NAME: ...` in place of each `- ...`",
    "probes: {A: x}": "1:10: `A` is not allowed here; use lower-case letters, digits, `.`, `_` and `-`, at most 64",
    "probes: {a: {}}": "1:13: missing key `url`",
    "probes: {a: ''}": "1:13: must not be empty; write something, or leave it out",
    "probes: {a: {url: x, methid: GET}}": "1:22: unknown key `methid`; did you mean `method`?",
    "probes: {a: {url: x, zzz: 1}}": "1:22: unknown key `zzz`; the keys here are url and method",
    "hosts: {names: [a], port: 0}": "1:27: must be from 1 to 65535",
    "span: x": "1:7: expected a mapping, got text",
    "span: {}": "1:7: missing keys `from` and `to`",
    "span: {from: 3, to: 2}": "1:14: `from` is above `to`; swap them",
    "span: {from: 1, to: 13}": "1:7: 13 needs a step; add one",
    "word: []": "1:7: expected a word; write one",
    "text2: x": "1:1: unknown key `text2`; did you mean `text`?",
    "text:": "1:6: expected text, got nothing; write it, or leave it out",
    'place: "\\0"': "1:8: expected text, got a NUL character in it; remove it",
}


@pytest.mark.parametrize("text", MESSAGES)
def test_each_mistake_has_its_place_and_its_words(text: str) -> None:
    whole = text if text.startswith("text:") else f"{text}\ntext: x\n"
    assert loaded(Everything, whole) == (FAILED, [MESSAGES[text]])


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    assert loaded(Everything, "whole: x\nflag: on\ntags:\n  - NO\n  - [a]\nchekcs: 1\n")[1] == [
        "1:1: missing key `text`",
        "1:8: expected a whole number, got text",
        "2:7: `on` reads differently from tool to tool; write true or false",
        '4:5: expected text, got true or false; write it in quotes: "NO"',
        "5:5: expected text, got a list",
        "6:1: unknown key `chekcs`; the keys here are "
        + loaded(Everything, "chekcs: 1")[1][1].partition("are ")[2],
    ]


def test_a_limit_is_not_lost_where_another_marker_stood_on_the_same_type() -> None:
    assert loaded(Annotated[tuple[str, ...], OneOrMore()], "a") == (("a",), [])
    assert loaded(Annotated[tuple[str, ...], NotEmpty()], "[]") == (
        FAILED,
        ["1:1: must not be empty; write something, or leave it out"],
    )


def test_a_shorthand_that_leaves_a_required_key_out_says_which() -> None:
    assert loaded(Pair, "x") == (FAILED, ["1:1: expected a mapping; it needs `right` too"])


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two texts."""

    left: str
    right: str
    SHORTHAND: ClassVar[str] = "left"


def test_an_annotation_that_cannot_be_read_is_a_fault_of_the_program() -> None:
    with pytest.raises(TypeError, match="no way to read"):
        loaded(str | int, "a")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("a: word", 6),
        ("a: 'word'", 7),
        ('a: "word"', 7),
        ('a: "\\x77ord"', 4),
        ("a: |\n  word", 4),
        ("a: wo\n  rd", 4),
    ],
)
def test_a_located_text_gives_exact_columns_where_the_source_shows_the_text(text: str, column: int) -> None:
    node, source, _ = compose(text.encode(), "f.yaml")
    assert node is not None
    problem = locate(node.value[0][1], Reading(source)).problem("here", 2)
    assert (problem.line, problem.column, problem.message) == (1, column, "here")


SYNTAX = {
    "": ["1:1: the file is empty; write `version: 1` and what you operate"],
    "# nothing\n": ["1:1: the file is empty; write `version: 1` and what you operate"],
    "a: 1\nb: 2\na: 3\n": ["3:1: duplicate key `a`; first at line 1; keep one"],
    "alias: 1\nalias: 2\n": ["2:1: duplicate key `alias`; first at line 1; keep one"],
    "on: 1\n1: 2\n": [
        '1:1: a key must be text; write it in quotes: "on"',
        '2:1: a key must be text; write it in quotes: "1"',
    ],
    "a: 1\n---\nb: 1\n": ["2:1: a second document begins here; keep one document in a file"],
    b"a: \xff\n": ["1:4: not UTF-8 text; save the file as UTF-8"],
}


@pytest.mark.parametrize("text", SYNTAX)
def test_what_is_not_strict_yaml_is_refused_at_its_place(text: str | bytes) -> None:
    assert refused(text) == SYNTAX[text]


REFUSED = {
    "an anchor": ("a: &x 1\nb: 2\n", ["1:4"]),
    "an anchor and its alias": ("a: &x 1\nb: *x\n", ["1:4", "2:4"]),
    "tags": ("a: !!int 3\nb: !foo x\nc: !!str 5\nd: ! 5\n", ["1:4", "2:4", "3:4", "4:4"]),
    "a merge key": ("a: {<<: {b: 1}}\n", ["1:5"]),
    "a key that is a mapping": ("{a: 1}: 2\n", ["1:1"]),
    "a control character": ("a: \x01\n", ["1:4"]),
    "a NUL": ("a: \x00\n", ["1:4"]),
    "a line separator": ("a: 'x\u2028y'\nb: 1\nb: 2\n", ["1:6"]),
    "an empty document": ("---\n", ["1:1"]),
    "a tab": ("a:\n\tb: 1\n", ["2:1"]),
    "a quote that never ends": ("a: 'x\nb: 1\n", ["1:4"]),
    "a bracket that never ends": ("a: [1\nb: 1\n", ["1:4"]),
    "a glob": ("a: *.log\n", ["1:5"]),
    "a colon too many": ("a: b: c\n", ["1:5"]),
    "over 1 MiB": ("#" * (1024 * 1024 + 1), ["1:1"]),
}


@pytest.mark.parametrize(("text", "places"), REFUSED.values(), ids=REFUSED)
def test_everything_beyond_plain_yaml_is_refused(text: str, places: list[str]) -> None:
    assert [":".join(problem.split(":")[:2]) for problem in refused(text)] == places


BOMBS = {
    "brackets": "b'[' * 60_000",
    "brackets that quotes seem to close": "b'[\"]\",' * 100_000",
    "brackets that comments seem to close": "b'[ # ]]]\\n' * 60_000",
    "mappings": "b'{a: ' * 60_000",
    "dashes": "b'- ' * 100_000",
    "question marks": "b'? ' * 100_000",
    "aliases": "b'a: &a [x,x]\\n' + b''.join(b'%c: &%c [*%c,*%c]\\n' % (98+i,98+i,97+i,97+i) for i in range(20))",
    "merge keys": "b'a: &a {x: 1}\\n' + b''.join(b'%c: {<<: [*%c,*%c]}\\n' % (98+i,97+i,97+i) for i in range(20))",
    "itself": "b'&a [*a]'",
    "a tag that is not UTF-8": "b'a: !%C0%80 x'",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_and_leaves_the_process_alive(bomb: str) -> None:
    code = (
        "from opsctl.composing import compose\n"
        f"node, _, problems = compose({bomb}, 'f.yaml')\n"
        "print('refused' if node is None and problems else 'accepted')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "refused\n")


def test_a_large_file_is_read_whole() -> None:
    probe = "{url: 'http://127.0.0.1:8080/a/long/path/to/make/the/file/large', method: POST}"
    text = "text: x\nprobes:\n" + "".join(f"  probe-{number}: {probe}\n" for number in range(4_100))
    assert len(text) > 376_000
    value, problems = loaded(Everything, text)
    assert problems == []
    assert len(value.probes) == 4_100


def _inside(problem: Problem, data: bytes) -> bool:
    lines = data.decode("utf-8", "replace").split("\n")
    return 1 <= problem.line <= len(lines) and 1 <= problem.column <= len(lines[problem.line - 1]) + 1


def _never_raises(data: bytes) -> None:
    node, source, problems = compose(data, "f.yaml")
    assert node is not None or problems
    for type_ in (Everything, Mapping[str, str], tuple[str, ...], Probe, str):
        reading = Reading(source)
        value = node and read(type_, node, reading)
        assert (value is FAILED) <= bool(problems or reading.problems)
        assert all(_inside(problem, data) for problem in [*problems, *reading.problems])
        assert all(problem.render() for problem in [*problems, *reading.problems])


_PIECES = st.sampled_from(
    [
        "a",
        "text",
        "whole",
        ":",
        "-",
        "[",
        "]",
        "{",
        "}",
        "'",
        '"',
        "|",
        ">",
        "&",
        "*",
        "!",
        "!!int",
        "<<",
        "#",
        "%",
        "@",
        "`",
        ",",
        "?",
        "~",
        "NO",
        "1",
        "0644",
        "1e3",
        "22:22",
        "yes",
        "${env:",
        "}",
        "\n",
        "\r\n",
        "\t",
        "é",
        "😀",
        "\u2028",
        "\x00",
    ]
    + ["\n", " ", "\n  ", ": ", "- ", "text: ", "probes:\n  a: ", "expect: ", "secret: ${", "pattern: ("]
)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_places_inside_them(data: bytes) -> None:
    _never_raises(data)


@given(st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=40).map("".join)))
def test_any_text_is_read_or_refused_with_places_inside_it(text: str) -> None:
    _never_raises(text.encode("utf-8", "replace"))


@given(st.lists(_PIECES, max_size=6).map("".join), st.sampled_from([*Everything.__dataclass_fields__]))
def test_any_value_of_any_field_is_read_or_refused(value: str, name: str) -> None:
    _never_raises(f"text: x\n{name.rstrip('_')}: {value}\n".encode("utf-8", "replace"))


def test_matching_describes_what_it_wants_and_neutralises_what_it_got() -> None:
    kind = Annotated[str, Matching("a+", "the letter a")]
    assert loaded(kind, '"\\e[31m"') == (FAILED, ["1:1: `\\x1b[31m` is not allowed here; use the letter a"])


def test_a_rendered_problem_shows_its_line_and_a_caret() -> None:
    problem = Problem("f.yaml", 3, 5, "unknown key `chekcs`; did you mean `checks`?", "    chekcs: []")
    assert problem.render() == (
        "f.yaml:3:5: unknown key `chekcs`; did you mean `checks`?\n    3 |     chekcs: []\n      |     ^"
    )
