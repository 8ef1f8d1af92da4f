"""Templates: strict, in a sandbox, and every value shows as the text that it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.errors import TemplateInvalidError
from opsctl.formats.rendering import render


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "templates").mkdir()
    return tmp_path / "templates"


def rendered(folder, template, name="page.md.j2", **data):
    (folder / name).write_text(template)
    return render(name, data, [folder], {})


def test_values_are_text_in_markdown_and_in_html(folder):
    hostile = "<b>x</b> | *y* \x1b[31m [a](http://b)\nnext"
    assert rendered(folder, "{{ value }}", value=hostile) == (
        "\\<b\\>x\\</b\\> \\| \\*y\\* \\\\x1b\\[31m \\[a\\](http:\u200b//b) next"
    )
    assert rendered(folder, "<p>{{ value }}</p>", "page.html.j2", value=hostile) == (
        "<p>&lt;b&gt;x&lt;/b&gt; | *y* \\x1b[31m [a](http://b)\nnext</p>"
    )


@given(st.text(max_size=80))
def test_no_text_becomes_markup(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("templates")
    html = rendered(folder, "<p>{{ value }}</p>", "page.html.j2", value=text)
    assert re.fullmatch(r"<p>[^<>]*</p>", html)
    markdown = rendered(folder, "| {{ value }} |", value=text)
    assert "\n" not in markdown
    assert not re.search(r"(?<!\\)(?:\\\\)*[|<>`*_\[\]]", markdown[2:-2])


def test_nothing_yes_and_no_are_words(folder):
    assert rendered(folder, "{{ a }} {{ b }} {{ c }}", a=None, b=True, c=False) == "– yes no"


@pytest.mark.parametrize(
    ("template", "line", "words"),
    [
        ("a\n{{ missing }}", 2, "'missing' is undefined"),
        ("a\n\n{% for x in %}", 3, "Expected an expression"),
        ("{{ value.__class__.__mro__ }}", 1, "unsafe"),
        ("{{ value | safe }}", 1, "No filter named 'safe'"),
        ("{% include 'other.j2' %}", 1, "there is no template `other.j2`"),
        ("{{ 1 / 0 }}", 1, "ZeroDivisionError"),
        ("{{ value.append(1) }}", 1, "unsafe"),
    ],
)
def test_a_template_that_cannot_be_used_is_told_with_its_line(folder, template, line, words):
    with pytest.raises(TemplateInvalidError) as caught:
        rendered(folder, template, value=[])
    assert (caught.value.file, caught.value.line) == ("templates/page.md.j2", line)
    assert words in str(caught.value)


def test_a_template_that_is_no_text_is_told(folder):
    (folder / "page.md.j2").write_bytes(b"\xff")
    with pytest.raises(TemplateInvalidError, match="not UTF-8"):
        render("page.md.j2", {}, [folder], {})


def test_the_first_folder_that_has_it_counts(folder, tmp_path):
    other = tmp_path / "built-in"
    other.mkdir()
    (other / "page.md.j2").write_text("built in{% block more %}{% endblock %}")
    assert render("page.md.j2", {}, [folder, other], {}) == "built in"
    (folder / "own.md.j2").write_text("{% extends 'page.md.j2' %}{% block more %}, and ours{% endblock %}")
    assert render("own.md.j2", {}, [folder, other], {}) == "built in, and ours"
