"""`opsctl init --template`: what is written, what is asked, what is refused, and what is said next."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from terminal import typed

from opsctl import starting, templating

MANIFEST = """\
title: A shop
text: A shop with one page.
values:
  domain: {ask: The public host name, example: shop.example.com}
  vendor_api: {ask: The vendor's API, default: "https://api.example.com"}
"""
ROOT = """\
# A shop and who runs it.
version: 1
name: <<name>>
timezone: Europe/Berlin
"""
SERVICES = """\
services:
  web:
    title: <<name>>
    checks:
      # The page that <<domain>> shows.
      home: {http: "https://<<domain>>/", expect: [status == 200]}
      vendor: {http: {url: "<<vendor_api>>/v1", headers: {a: "${env:VENDOR_TOKEN}"}}, expect: [status == 200]}
"""


@pytest.fixture
def shop(tmp_path_factory, monkeypatch):
    """A folder of templates with `shop` and `extra`, in place of those that come with opsctl."""
    folder = tmp_path_factory.mktemp("templates")
    for path, text in {
        "shop/template.yaml": MANIFEST,
        "shop/opsctl.yaml": ROOT,
        "shop/services/web.yaml": SERVICES,
        "shop/bin/look": "#!/bin/sh\nexit 0\n",
        "shop/docs/web.md": "# <<name>>\n\nAt <<domain>>.\n",
        "extra/template.yaml": "title: More\nvalues: {domain: {ask: Which host}}\n",
        "extra/opsctl.yaml": "# More.\nversion: 1\nname: <<name>>\n\n# Quick.\nbacklog:\n  share: 30%\n",
        "extra/docs/web.md": "Another page.\n",
        "minimal/template.yaml": "title: First\n",
        "minimal/opsctl.yaml": "version: 1\nname: <<name>>\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    monkeypatch.setattr(templating, "_FOLDER", folder)
    return folder


def written(opsctl):
    """Every file of the workspace by its path, but those of `.opsctl`."""
    paths = (path for path in opsctl.path.rglob("*") if path.is_file() and ".opsctl" not in path.parts)
    return {path.relative_to(opsctl.path).as_posix(): path.read_text("utf-8") for path in paths}


def test_a_template_is_written_whole_with_what_was_given_and_says_what_comes_next(opsctl, shop):
    ran = opsctl("init", "--template", "shop", "--set", "domain=shop.example.com", "--name", 'The "Shop": #1')
    assert ran == (
        0,
        (
            "wrote opsctl.yaml\n"
            "wrote .opsctl/schema.json\n"
            "wrote .opsctl/.gitignore\n"
            "wrote bin/look\n"
            "wrote docs/web.md\n"
            "wrote services/web.yaml\n"
            "next: set in the environment: VENDOR_TOKEN\n"
            "next: opsctl validate\n"
            "next: opsctl check\n"
        ),
        "",
    )
    assert written(opsctl) == {
        "opsctl.yaml": "# yaml-language-server: $schema=.opsctl/schema.json\n"
        "# A shop and who runs it.\n"
        "version: 1\n"
        'name: "The \\"Shop\\": #1"\n'
        "timezone: Europe/Berlin\n",
        "services/web.yaml": "services:\n"
        "  web:\n"
        '    title: "The \\"Shop\\": #1"\n'
        "    checks:\n"
        "      # The page that shop.example.com shows.\n"
        '      home: {http: "https://shop.example.com/", expect: [status == 200]}\n'
        '      vendor: {http: {url: "https://api.example.com/v1", headers: {a: "${env:VENDOR_TOKEN}"}},'
        " expect: [status == 200]}\n",
        "bin/look": "#!/bin/sh\nexit 0\n",
        "docs/web.md": '# The "Shop": #1\n\nAt shop.example.com.\n',
    }
    assert (opsctl.path / "bin/look").stat().st_mode & 0o777 == 0o755
    assert (opsctl.path / "docs/web.md").stat().st_mode & 0o777 == 0o644
    assert opsctl("validate", env={"VENDOR_TOKEN": "secret"}) == (0, "valid: 1 service, 2 checks\n", "")


def test_a_value_that_nobody_gave_is_never_green_and_named_by_validate_with_its_place(opsctl, shop):
    ran = opsctl("init", "--template", "shop")
    assert "next: give domain a value (`opsctl validate` shows where `unset-` stands)\n" in ran.out
    ran = opsctl("validate", env={"VENDOR_TOKEN": "secret"})
    assert ran == (
        5,
        (
            "services/web.yaml:6:29: `unset-domain.invalid` stands for a value that nobody has given yet;"
            " write the real one\n"
            '    6 |       home: {http: "https://unset-domain.invalid/", expect: [status == 200]}\n'
            "      |                             ^\n"
            "\n"
            "1 problem in 1 file\n"
        ),
        "",
    )
    assert opsctl("validate", "--allow-unset").code == 0


def test_of_several_templates_each_section_and_each_file_is_the_later_ones(opsctl, shop):
    assert opsctl("init", "--template", "shop", "--template", "extra", "--name", "Both").code == 0
    files = written(opsctl)
    assert files["opsctl.yaml"] == (
        "# yaml-language-server: $schema=.opsctl/schema.json\n"
        "# More.\n"
        "version: 1\n"
        'name: "Both"\n'
        "\n"
        "timezone: Europe/Berlin\n"
        "# Quick.\n"
        "backlog:\n"
        "  share: 30%\n"
    )
    assert files["docs/web.md"] == "Another page.\n"
    assert "services/web.yaml" in files


def test_all_files_that_are_in_the_way_are_named_at_once_and_nothing_is_written(opsctl, shop):
    opsctl.write("opsctl.yaml", "mine\n").write("docs/web.md", "mine\n")
    ran = opsctl("init", "--template", "shop")
    assert ran == (
        2,
        "",
        (
            "opsctl: 2 files of the workspace exist already, and nothing is overwritten; "
            "move them away, or choose another folder:\n  opsctl.yaml\n  docs/web.md\n"
        ),
    )
    assert written(opsctl) == {"opsctl.yaml": "mine\n", "docs/web.md": "mine\n"}
    assert opsctl("init", "--template", "shop", "--dry-run").code == 2


def test_a_link_that_leads_to_itself_is_refused_in_words(opsctl):
    (opsctl.path / "ring").symlink_to("ring")
    ran = opsctl("init", "ring/ops")
    assert (ran.code, ran.out) == (3, "")
    assert "Too many levels of symbolic links" in ran.err


def test_a_link_that_leads_nowhere_is_in_the_way_too(opsctl, shop):
    (opsctl.path / "docs").mkdir()
    (opsctl.path / "docs/web.md").symlink_to("nowhere.md")
    ran = opsctl("init", "--template", "shop")
    assert (ran.code, ran.err.splitlines()[1:]) == (2, ["  docs/web.md"])


def test_where_a_file_cannot_be_written_those_before_it_are_taken_away_again(opsctl, shop):
    opsctl.write("services", "a file where a folder should be\n")
    ran = opsctl("init", "--template", "shop")
    assert ran.code == 3
    assert "services" in ran.err
    assert written(opsctl) == {"services": "a file where a folder should be\n"}


def test_what_an_installer_compiled_beside_a_template_is_no_part_of_it(opsctl, shop):
    (shop / "shop/bin/__pycache__").mkdir()
    (shop / "shop/bin/__pycache__/look.cpython-311.pyc").write_bytes(b"\xa7\r\r\n")
    assert opsctl("init", "--template", "shop").code == 0
    assert [path for path in written(opsctl) if "pycache" in path] == []


def test_a_dry_run_shows_the_files_and_writes_nothing(opsctl, shop):
    ran = opsctl("init", "ops", "--template", "shop", "--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "".join(
        f"would write ops/{path}\n"
        for path in (
            "opsctl.yaml",
            ".opsctl/schema.json",
            ".opsctl/.gitignore",
            "bin/look",
            "docs/web.md",
            "services/web.yaml",
        )
    )
    assert list(opsctl.path.iterdir()) == []


def test_another_folder_is_named_in_what_comes_next(opsctl, shop):
    ran = opsctl("init", "my ops", "--template", "extra", "--set", "domain=a.example.com")
    assert ran.out.splitlines()[4:] == ["next: cd 'my ops'", "next: opsctl validate", "next: opsctl check"]
    assert 'name: "my ops"\n' in (opsctl.path / "my ops/opsctl.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--template", "shpo"], "no template is called `shpo`; did you mean `shop`?"),
        (["--template", "zzz"], "no template is called `zzz`; there are `extra`, `minimal` and `shop`"),
        (["--template", "../shop"], "no template is called `../shop`; did you mean `shop`?"),
        (["--template", "shop", "--set", "domian=x"], "no value is called `domian`; did you mean `domain`?"),
        (
            ["--template", "shop", "--set", "zzz=x"],
            "no value is called `zzz`; the templates ask for `domain` and `vendor_api`",
        ),
        (["--set", "domain=x"], "no value is called `domain`; the templates ask for none"),
        (["--template", "shop", "--set", "domain"], "--set `domain` gives no value; write NAME=TEXT"),
        (
            ["--template", "shop", "--set", "domain="],
            "--set `domain` is empty; leave it out to fill it in later",
        ),
        (
            ["--template", "shop", "--set", "domain=a", "--set", "domain=b"],
            "--set gives `domain` twice; keep one",
        ),
        (
            ["--template", "shop", "--set", 'domain=x"'],
            '--set `domain` holds `"`, which means something else in YAML; leave it out and edit the files',
        ),
        (
            ["--template", "shop", "--set", "domain=a\x1b[2J"],
            "--set `domain` holds characters that cannot be seen; leave them out",
        ),
    ],
)
def test_what_is_not_there_or_would_break_a_file_is_refused(opsctl, shop, arguments, words):
    assert opsctl("init", *arguments) == (2, "", f"opsctl: {words}\n")
    assert list(opsctl.path.iterdir()) == []


def test_a_time_zone_that_is_none_is_refused_before_anything_is_written(opsctl):
    words = (
        "--set `timezone` cannot be used: `Mars/Phobos` is not a time zone; write one such as `Europe/Berlin`"
    )
    ran = opsctl("init", "--template", "common", "--set", "timezone=Mars/Phobos")
    assert ran == (2, "", f"opsctl: {words}\n")
    assert list(opsctl.path.iterdir()) == []


def test_the_list_has_one_value_a_line_for_programs(opsctl, shop):
    assert opsctl("init", "--list") == (
        0,
        (
            "extra\t\tMore\t\t\n"
            "extra\tdomain\tWhich host\t\t\n"
            "minimal\t\tFirst\t\t\n"
            "shop\t\tA shop\t\t\n"
            "shop\tdomain\tThe public host name\t\tshop.example.com\n"
            "shop\tvendor_api\tThe vendor's API\thttps://api.example.com\t\n"
        ),
        "",
    )


def test_the_list_is_laid_out_for_people_and_no_wider_than_their_terminal(opsctl):
    code, shown = typed(opsctl, {"COLUMNS": "60"}, "", "init", "--list")
    assert code == 0
    assert (
        "minimal: A first file\n"
        "  Checks the machine that it is run on, and shows how to add\n"
        "  a service of your own.\n"
    ) in shown
    assert "  --set timezone=\n      The time zone of schedules and reports (otherwise UTC)\n" in shown


def test_the_shell_proposes_templates(opsctl):
    env = {"_OPSCTL_COMPLETE": "complete_bash", "COMP_WORDS": "opsctl init --template m", "COMP_CWORD": "3"}
    assert opsctl.process(**env).out.split() == ["minimal"]


def test_without_a_template_the_workspace_is_the_one_of_minimal(opsctl):
    plain = opsctl("init", "a", "--name", "Same")
    named = opsctl("init", "b", "--name", "Same", "--template", "minimal")
    assert (plain.code, named.code) == (0, 0)
    assert plain.out == (
        "wrote a/opsctl.yaml\nwrote a/.opsctl/schema.json\nwrote a/.opsctl/.gitignore\nnext: opsctl check\n"
    )
    assert (opsctl.path / "a/opsctl.yaml").read_text() == (opsctl.path / "b/opsctl.yaml").read_text()


def answers_of(opsctl, shop, monkeypatch, answers, *arguments, **environment):
    """What a command writes to a person who answers, in this process so that the templates are `shop`'s."""
    import io
    import sys

    from opsctl.cli import main

    class Typing(io.StringIO):
        def isatty(self):
            return True

    with monkeypatch.context() as patch:
        patch.chdir(opsctl.path)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["opsctl", *arguments])
        patch.setattr(sys, "stdin", Typing(answers))
        patch.setattr(sys, "stderr", io.StringIO())
        patch.setattr(sys, "stdout", io.StringIO())
        return main(list(arguments)), sys.stderr.getvalue()


TWO = "2 values to give; Enter takes what stands after `otherwise`, or leaves it unset\n"
DOMAIN = "domain: The public host name (for example shop.example.com): "
VENDOR = "vendor_api: The vendor's API (otherwise https://api.example.com): "


def test_a_person_is_asked_for_what_is_missing_and_asked_again_where_the_answer_would_break_a_file(
    opsctl, shop, monkeypatch
):
    code, asked = answers_of(
        opsctl, shop, monkeypatch, "a{b\nb.example.com\n\n", "init", "--template", "shop"
    )
    assert code == 0
    assert asked == (
        f"{TWO}{DOMAIN}this holds `{{`, which means something else in YAML; leave it out and edit the files\n"
        f"{DOMAIN}{VENDOR}"
    )
    assert "https://b.example.com/" in written(opsctl)["services/web.yaml"]
    assert "https://api.example.com/v1" in written(opsctl)["services/web.yaml"]


@pytest.mark.parametrize("answers", ["\n\n", ""])
def test_enter_and_the_end_of_input_leave_a_value_unset(opsctl, shop, monkeypatch, answers):
    code, asked = answers_of(opsctl, shop, monkeypatch, answers, "init", "--template", "shop")
    assert (code, asked) == (0, TWO + DOMAIN + VENDOR)
    assert "https://unset-domain.invalid/" in written(opsctl)["services/web.yaml"]


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--set", "domain=a.example", "--set", "vendor_api=https://b.example"], {}),
        ([], {"CI": "1"}),
        (["--dry-run"], {}),
    ],
)
def test_nobody_is_asked_for_what_was_given_nor_in_ci_nor_for_a_dry_run(
    opsctl, shop, monkeypatch, arguments, environment
):
    code, asked = answers_of(
        opsctl, shop, monkeypatch, "", "init", "--template", "shop", *arguments, **environment
    )
    assert (code, asked) == (0, "")


def test_nobody_is_asked_for_a_value_of_what_a_later_template_has_replaced(opsctl, shop, monkeypatch):
    (shop / "shop/services/web.yaml").unlink()
    (shop / "shop/docs/web.md").write_text("At <<vendor_api>>.\n")
    chosen = ["init", "--template", "shop", "--template", "extra"]
    code, asked = answers_of(opsctl, shop, monkeypatch, "", *chosen)
    assert (code, asked) == (0, "")
    assert "value" not in opsctl("init", "other", *chosen[1:]).out


def test_nobody_is_asked_before_the_files_in_the_way_are_named(opsctl, shop, monkeypatch):
    opsctl.write("docs/web.md", "mine\n")
    code, asked = answers_of(opsctl, shop, monkeypatch, "", "init", "--template", "shop")
    assert code == 2
    assert asked.startswith("opsctl: 1 file of the workspace")


def test_a_placeholder_in_a_comment_is_no_problem(opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: T\n# http: https://unset-domain.invalid/\n")
    assert opsctl("validate").code == 0


KEYS = st.sampled_from(["version", "name", "services", "backlog", "incidents"])
BODIES = st.lists(st.sampled_from(["  a: 1\n", "\n", "  # inside\n", "  - b\n", "    c\n"]), max_size=4).map(
    "".join
)
SECTIONS = st.dictionaries(KEYS, st.tuples(st.sampled_from(["", "# above\n", "# two\n# lines\n"]), BODIES))


def as_text(sections):
    return "".join(f"{above}{key}: {key}\n{body}" for key, (above, body) in sections.items())


@given(st.sampled_from(["", "# head\n\n"]), SECTIONS, SECTIONS)
def test_merging_keeps_every_character_of_the_section_that_wins(head, first, second):
    merged = templating.merged([head + as_text(first), as_text(second)])
    assert merged == head + as_text({**first, **second})


@given(SECTIONS)
def test_merging_a_file_with_itself_or_with_nothing_changes_nothing(sections):
    text = as_text(sections)
    assert (
        templating.merged([text]) == templating.merged([text, text]) == templating.merged([text, ""]) == text
    )


@given(st.text(min_size=1, max_size=20) | st.text("ab0:#-/.~@!&*|%=+ \u00a0ü", min_size=1, max_size=8))
def test_a_value_that_is_allowed_reads_as_itself_wherever_it_stands_in_yaml(value):
    import yaml

    if templating.refused(value):
        return
    shapes = 'a: "https://<<v>>/x"\nb: {c: "<<v>>", d: [e, x<<v>>]}\nf: x <<v>> # end\ng: <<v>>x\n'
    read = yaml.load(templating.fill("a.yaml", shapes, {"name": "n", "v": value}), yaml.BaseLoader)
    assert read == {
        "a": f"https://{value}/x",
        "b": {"c": value, "d": ["e", f"x{value}"]},
        "f": f"x {value}",
        "g": f"{value}x",
    }


@given(st.text())
def test_a_workspaces_name_reads_as_itself(name):
    import yaml

    from opsctl.prose import line

    values = templating.filled(line(name) or "W", {}, {})
    read = yaml.safe_load(templating.fill("opsctl.yaml", "name: <<name>>\n", values))
    assert read == {"name": values["name"]}


@pytest.mark.parametrize("name", templating.names())
def test_every_template_says_all_it_asks_for_and_asks_for_nothing_else(name):
    template = templating.template_named(name)
    texts = dict(templating._texts(template))
    marks = {mark for text in texts.values() for mark in re.findall(r"<<([a-z][a-z0-9_]*)>>", text)}
    assert marks - {"name"} == set(template.manifest.values)
    for path, text in texts.items():
        if path.endswith(".yaml"):
            alone = len(re.findall(r": <<name>>$", text, re.MULTILINE))
            assert text.count("<<name>>") == alone, f"{path}: <<name>> is a whole value in YAML"
    for key, value in template.manifest.values.items():
        for text in (value.default, value.example):
            assert text is None or not templating.refused(text), f"{key}: {text} {templating.refused(text)}"


def test_whatever_is_written_is_on_the_disk_and_the_file_that_makes_a_workspace_comes_last(
    shop, tmp_path, monkeypatch
):
    synced = []
    opened = Path("/proc/self/fd")
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append((opened / str(handle)).readlink()))
    planned = starting.plan(tmp_path, "Shop", [templating.template_named("shop")])
    starting.start(planned)
    drafts = [path.relative_to(tmp_path) for path in synced if not path.is_dir()]
    names = [str(path.with_name(path.name[1:].rpartition(f".{os.getpid()}.")[0])) for path in drafts]
    assert {*planned.files} <= {*names}
    assert (names[-1], synced[-1]) == ("opsctl.yaml", tmp_path)
