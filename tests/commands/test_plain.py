"""Plain command lines of `check`, which are read without Typer, mean what Typer would take them to mean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.main import get_command

from opsctl.commands import check, routine, routine_desk
from opsctl.commands.check_run import Asked
from opsctl.commands.plain import check_asked as read
from opsctl.commands.plain import plain

OPTIONS = (
    "-q", "--quiet", "--failed", "--explain", "--list", "--dry-run", "--record", "--no-record", "-x", "--exclude",
    "-o", "--output", "--out", "--timeout", "--fail-on", "--exit-style", "--wait", "--every", "--since-baseline",
    "--save-baseline", "-C", "--directory", "--jobs", "--watch", "--prove", "--replay", "--since",
)  # fmt: skip
WORDS = st.one_of(
    st.sampled_from(OPTIONS),
    st.sampled_from(
        ("api", "tag:prod", "json", "5s", "", "-", "--", "-qx", "-ojson", "--out=", "--no-such", "a b")
    ),
    st.builds("{}={}".format, st.sampled_from(OPTIONS), st.sampled_from(("json", "", "-q", "a=b"))),
    st.text(alphabet="-=qxo a", max_size=4),
)


@pytest.fixture(scope="module")
def by_typer():
    """What Typer hands to the command for some words; None where it refuses them."""
    app = typer.Typer(rich_markup_mode=None)
    check.register(app)
    command = get_command(app)
    taken = []

    def asked(words):
        taken.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(check, "answer", lambda one: taken.append(one) or 0)
            try:
                command(args=list(words), standalone_mode=False)
            except typer._click.exceptions.ClickException:
                return None
        return taken[0] if taken else None

    return asked


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], Asked()),
        (["-q"], Asked(quiet=True)),
        (
            ["api", "-x", "api/a", "tag:b", "--exclude=c"],
            Asked(selectors=("api", "tag:b"), exclude=("api/a", "c")),
        ),
        (["-o", "junit", "--out", "out.xml"], Asked(output="junit", out=Path("out.xml"))),
        (
            ["tier:critical", "--wait", "5m", "--no-record"],
            Asked(selectors=("tier:critical",), wait="5m", record=False),
        ),
        (["-C", "/srv", "--quiet", "--quiet"], Asked(quiet=True, where=Path("/srv"))),
    ],
)
def test_what_cron_and_people_type_is_plain(by_typer, words, asked):
    assert (read(words, {}), by_typer(words)) == (asked, asked)


@given(st.lists(WORDS, max_size=6))
@example(["-o", "--quiet"])
@example(["--", "-q"])
@example(["--record", "--no-record"])
@example(["-C", ""])
@example(["--out"])
def test_it_is_read_as_by_typer_or_left_to_it(by_typer, words):
    asked = read(words, {})
    assert asked is None or asked == by_typer(words)


@pytest.mark.parametrize("words", [[], ["-C", "here"]])
@pytest.mark.parametrize("folder", ["", "/srv"])
def test_the_workspace_may_stand_in_the_environment(by_typer, monkeypatch, words, folder):
    monkeypatch.setenv("OPSCTL_WORKSPACE", folder)
    assert read(words, {"OPSCTL_WORKSPACE": folder}) == by_typer(words)


@pytest.fixture(scope="module")
def routines():
    app = typer.Typer(rich_markup_mode=None)
    routine.register(app)
    return get_command(app)


ROUTINE = st.lists(
    st.sampled_from(["--due", "-q", "--quiet", "morning", "--dry-run", "-o", "json", "-C"]), max_size=4
)


@given(ROUTINE)
@example(["--due", "--quiet"])
@example(["--due"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_due_is_run_as_by_typer_or_left_to_it(opsctl, routines, words):
    opsctl.write("opsctl.yaml", "version: 1\nname: x\n")
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(opsctl.path)
        patch.setattr(
            routine_desk, "run", lambda desk, *given, **more: told.append((desk[1:], given, more)) or 0
        )
        command = plain(["routine", "run", *words], {})
        assert (command is not None) == ("--due" in words and {*words} <= {"--due", "-q", "--quiet"})
        if command is not None:
            assert command() == routines(args=["routine", "run", *words], standalone_mode=False)
            assert told[0] == told[1]


def test_a_plain_check_imports_neither_typer_nor_yaml(opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: x\nservices: {a: {checks: {b: {file: /}}}}\n")
    code = (
        "import sys; from opsctl import cli; cli.main(['check', '-q']);"
        "print(sorted({'typer', 'yaml'} & set(sys.modules)))"
    )
    # Without the current folder, where the store comes to be, among the places of libraries.
    argv = [sys.executable, "-P", "-c", code]
    told = [
        subprocess.run(
            argv, cwd=opsctl.path, env=opsctl.environment(), capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert told == ["['yaml']\n", "[]\n"]
