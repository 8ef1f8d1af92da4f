"""What leads where in Markdown, as GitHub reads it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.headings import heading_of
from opsctl.markdown_links import Link, marks_of, slug


def marks(text):
    return marks_of(text.split("\n"))


def targets(text):
    return [one.target for one in marks(text).links]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a](b.md)", ["b.md"]),
        ("![a](b.png)", ["b.png"]),
        ("[![a](b.png)](c.md)", ["b.png", "c.md"]),
        ("[a](<b c.md>)", ["b c.md"]),
        ('[a](b.md "a title") [a](c.md (t)) [a](d.md \'t\')', ["b.md", "c.md", "d.md"]),
        ("[a](b(c)d.md)", ["b(c)d.md"]),
        ("[a](b\\)c.md)", ["b)c.md"]),
        ("[a](b&amp;c.md)", ["b&c.md"]),
        ("[a](\n  b.md\n)", ["b.md"]),
        ("[a\nb](c.md)", ["c.md"]),
        ("[`a]`](b.md)", ["b.md"]),
        ("[a]()", [""]),
        ("[a]( b c )", []),
        ("[a](b", []),
        ("[a] (b)", []),
        ("\\[a](b)", []),
        ("[a\\](b)", []),
        ("`[a](b)`", []),
        ("``[a](b)` [c](d)``", []),
        ("`[a](b)", ["b"]),
        ("\\`[a](b)`", ["b"]),
        ("` [a](b)\n\n`", ["b"]),
        ("- ` [a](b)\n- `", ["b"]),
        ("| ` [a](b) |\n| - |\n| ` |", ["b"]),
        ("| ` [a](b) |\n| ` |", []),
        ("<!-- [a](b) -->", []),
        ("<!--\n[a](b)\n\n-->\n[c](d)", ["d"]),
        ("a <!-- [a](b) --> [c](d)", ["d"]),
        ("a <!-- [a](b)", ["b"]),
        ("`<!--` [a](b) `-->`", ["b"]),
        ("```\n[a](b)\n```\n[c](d)", ["d"]),
        ("~~~ md\n[a](b)\n```\n~~~~\n[c](d)", ["d"]),
        ("````\n```\n[a](b)\n````\n[c](d)", ["d"]),
        ("```\n[a](b)", []),
        ("``` a ` b\n[a](b)", ["b"]),
        ("> ```\n> [a](b)\n[c](d)", ["d"]),
        ("```\n> ```\n[a](b)\n```\n[c](d)", ["d"]),
        ("    [a](b)", []),
        ("\t[a](b)\n\n    [c](d)\n[e](f)", ["f"]),
        ("text\n    [a](b)", ["b"]),
        ("- item\n\n    [a](b)", ["b"]),
        ("1. item\n\n    ```\n    [a](b)\n    ```\n\n    [c](d)", ["d"]),
        ("- ```\n  [a](b)\n  ```\n- [c](d)", ["d"]),
        ("- item\n\ntext\n\n    [a](b)", []),
        ("<pre>\n[a](b)\n</pre>\n[c](d)", ["d"]),
        ("# [a](b)", ["b"]),
        ("[a](b)\n======", ["b"]),
        ("[a]: b.md", ["b.md"]),
        ("[a]: <b c.md> 'title'\n[d]: e.md", ["b c.md", "e.md"]),
        ("[^1]: not a link", []),
        ("[^1]: note", []),
        ("[a](b c)\n\n[a]: d", ["d"]),
        ('<a class="x" href="b.md">x</a> <img src=c.png> <img src=\'d.png\'/>', ["b.md", "c.png", "d.png"]),
        ('<a data-href="b.md">x</a> a < b href="c"', []),
        ("[a](" + "(" * 33 + ")" * 34, []),
        ("[a](<b>c)", []),
        ("[a](<>)", [""]),
        ("![a [b](c)](d)", ["d"]),
        ('[a <b c="](d)">', []),
        ("</a href='b'>", []),
        ("<!-- <a href='b'> -->", []),
        ("<div>\n[a](b)\n`<a href='c'>\n</div>", ["c"]),
        ("<script>\n'<a href=\"b\">'\n</script>", []),
        ("[a]:\n  b.md\n'title'", ["b.md"]),
        ("[a\\]]: b.md", ["b.md"]),
        ("text\n[a]: b.md", []),
        ("[a]: b.md\n[a]: c.md", ["b.md", "c.md"]),
        ("[a](javascript:b)", ["javascript:b"]),
    ],
)  # fmt: skip
def test_targets(text, found):
    assert targets(text) == found


def test_places_in_tables_headings_and_lists():
    text = "- # # [a](b) #\n\n  | [a](b) | x \\| [a](b) \\| [c](d) | [a](b) |\n  | - | - | - |\n  | | <a href=b> |\n\n>\t[a](b)\n[a](b)\n"
    lines = text.split("\n")
    found = [(one.line, lines[one.line - 1][one.column - 1 :].split(" ")[0]) for one in marks(text).links]
    assert found == [(1, "b)"), *[(3, f"{one})") for one in "bbdb"], (5, "href=b>"), (7, "b)"), (8, "b)")]


def test_places_behind_characters_that_are_no_ends_of_lines():
    assert marks("\f\n[a](b)\n\v\n\0 c\r[d](e)\n> [f]:\n> g").links == (
        Link(2, 5, "b"),
        Link(4, 9, "e"),
        Link(6, 3, "g"),
    )


def test_places_are_those_of_the_targets():
    text = "a\n\n> b [c](d.md)\n> [e](\n>   f.md)\n\n[g]: h.md\n<a\n  href='i.md'>x</a>\n"
    assert marks(text).links == (
        Link(3, 9, "d.md"),
        Link(5, 5, "f.md"),
        Link(7, 6, "h.md"),
        Link(9, 3, "i.md"),
    )


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("[a][b]", ["b"]),
        ("[a][]", ["a"]),
        ("[a][ B\nc ]\n\n[b C]: d.md", []),
        ("[a]", []),
        ("row[a][b] x)[a][b] [0][1] [^1][^2]", []),
        ("![a][1]", ["1"]),
        ("[a][ ] [ ][b]", []),
        ("[![a](b)][c] [[a][b]][c]", ["c", "b"]),
    ],
)
def test_references_that_nothing_defines(text, labels):
    assert [one.label for one in marks(text).links if one.label] == labels


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Hello World", "hello-world"),
        ("What's new in 2.0?", "whats-new-in-20"),
        ("a - b", "a---b"),
        ("C++ & C#", "c--c"),
        ("`opsctl docs` lists", "opsctl-docs-lists"),
        ("`a_b` _c_ __d__ e_f_g", "a_b-c-d-e_f_g"),
        ("**bold** *it* ~~no~~", "bold-it-no"),
        ("[link](a.md) and ![image](b.png)", "link-and-"),
        ("[`a`](b) [c][d] [e]", "a-c-e"),
        ("Überblick: Größe", "überblick-größe"),
        ("日本語 テスト", "日本語-テスト"),
        ("e\u0301t\u00e9", "e\u0301té"),
        ("🚀 Start", "-start"),
        ("a &amp; b &lt;c&gt;", "a--b-c"),
        ("a<br>b<a id='x'></a>", "ab"),
        ("a \\* \\_b\\_", "a--_b_"),
        ("½ Ⅳ ٣", "--٣"),
        ("<!-- no -->yes", "yes"),
        ("``a ` b``", "a--b"),
    ],
)
def test_slugs(heading, anchor):
    assert slug(heading) == anchor


def test_anchors():
    text = """\
# Title
## Title ##
Under
lined
-----
- # In a list
> # Quoted
text
---

---
- item
---
#no
####### seven
    # code
```sh
# comment
```
<h2 align="center">In <b>HTML</b></h2>

<a name="named"></a> <div id='by-id'> `<a id="code">`
# Title
#
"""
    assert marks(text).anchors == {
        "title", "title-1", "underlined", "in-a-list", "quoted", "text", "in-html", "named", "by-id", "title-2", "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("# a", (1, "a")),
        ("   ###### a b ###  ", (6, "a b")),
        ("# a#", (1, "a#")),
        ("##", (2, "")),
        ("# ##", (1, "")),
        ("#\ta", (1, "a")),
        ("    # a", None),
        ("#a", None),
        ("####### a", None),
        ("a", None),
        ("", None),
    ],
)
def test_headings(line, found):
    assert heading_of(line) == found


PIECES = [*"[]()`<>!\\\"' \n\t#-_*~:|&a/.=0^", "<!--", "-->", "```", "![", "]("]
HOSTILE = st.lists(st.sampled_from(PIECES)).map("".join)


@given(HOSTILE)
def test_no_text_is_too_strange(text):
    lines = text.split("\n")
    found = marks_of(lines)
    assert list(found.links) == sorted(found.links)
    for one in found.links:
        assert 1 <= one.line <= len(lines)
        rest = lines[one.line - 1][one.column - 1 :]
        assert one.column > 0
        assert rest.startswith((one.label or one.target)[:1]) or rest[:1] in "<\\&"


@given(HOSTILE)
def test_code_leads_nowhere(text):
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 3)
    assert marks(f"{fence}\n{text}\n{fence}\n") == ((), frozenset())


WORDS = st.text(
    st.characters(categories=["L", "Nd", "Zs", "Po", "Sm"], exclude_characters="<>&\\"), min_size=1
)


@given(st.lists(WORDS, min_size=1, max_size=5))
def test_every_heading_has_an_anchor_of_its_own(headings):
    titles = [one for one in headings if heading_of(f"## {one}")]
    found = marks("\n\n".join(f"## `x{number}` {one}" for number, one in enumerate(titles)))
    assert len(found.anchors) == len(titles)
    assert all(re.fullmatch(r"[^\s#A-Z]+", one) for one in found.anchors)


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=12))
def test_headings_that_come_again_are_numbered(names):
    expected = {
        name if not names[:at].count(name) else f"{name}-{names[:at].count(name)}"
        for at, name in enumerate(names)
    }
    assert marks("\n".join(f"# {name}" for name in names)).anchors == expected


@pytest.mark.parametrize(
    "part",
    ["[", "[a](", '[a](b "', "[a](<", "[a][", "][", "` `` ", "a <!--", "<a href=", "# _a ", "- ", "> ", "# " + " " * 99],
)  # fmt: skip
def test_much_of_what_does_not_end_ends(part):
    # Where this were quadratic it would take many minutes.
    assert marks(part * 10_000 + "x").links == ()
