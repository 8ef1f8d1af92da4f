"""The structure that CONTRIBUTING.md promises is the structure there is."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import fields, is_dataclass
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path

import pytest

from opsctl import checks
from opsctl.outcome import Subject

ROOT = Path(__file__).parents[1]
KINDS = ROOT / "opsctl" / "checks"
DEFINED = ast.ClassDef | ast.FunctionDef
EXPENSIVE = {
    "asyncio",
    "dns",
    "httpx",
    "jinja2",
    "markdown_it",
    "pycurl",
    "pydantic",
    "rich",
    "sqlite_utils",
    "ssl",
    "yaml",
}


def loaded(statement):
    """The expensive modules that are there after `statement`, in a Python of its own."""
    script = f"import sys; {statement}; print(*sorted({EXPENSIVE!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1].split()


def declared(name):
    return getattr(import_module(f"opsctl.checks.{name}"), checks.KINDS[name])


def test_imports_follow_the_layers():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_sql_about_opsctl_s_own_store_is_in_one_place():
    # What looks at databases of others, and the shop of the tour, have SQL of their own.
    own = {"store", "checks", "importers", "demo", "templates", "mysql_session.py"}
    package = ROOT / "opsctl"
    paths = [path.relative_to(package) for path in package.rglob("*.py") if ".execute(" in path.read_text()]
    assert [path for path in paths if path.parts[0] not in own] == []


def test_the_command_line_starts_without_anything_expensive():
    assert loaded("import opsctl.cli") == []


def test_all_commands_are_declared_without_anything_expensive():
    assert loaded("import opsctl.cli; opsctl.cli.build()") == []


def test_expensive_modules_would_be_noticed():
    assert loaded("import ssl, yaml") == ["ssl", "yaml"]


def test_every_kind_has_a_file_and_every_file_a_kind():
    assert {path.stem for path in KINDS.glob("*.py")} == {*checks.KINDS, "__init__"}


def test_no_kind_shadows_a_name_of_the_package():
    # Importing `checks/x.py` sets the attribute `x` of `checks`, whatever it was before.
    body = ast.parse((KINDS / "__init__.py").read_text()).body
    assert {*checks.KINDS}.isdisjoint({each.name for each in body if isinstance(each, DEFINED)})


@pytest.mark.parametrize("name", checks.KINDS)
def test_every_kind_has_tests(name):
    assert (ROOT / "tests" / "checks" / f"test_{name}.py").is_file()


@pytest.mark.parametrize("name", checks.KINDS)
def test_every_kind_is_a_frozen_dataclass_with_a_description(name):
    kind = declared(name)
    assert is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    # Without a docstring of its own, a dataclass gets its signature as one.
    assert not (kind.__doc__ or f"{kind.__name__}(").startswith(f"{kind.__name__}(")


@pytest.mark.parametrize("name", checks.KINDS)
def test_every_kind_declares_what_it_is_asked(name):
    kind = declared(name)
    names = {field.name for field in fields(kind)}
    assert kind.SHORTHAND == "" or kind.SHORTHAND in names
    assert {"SHORTHAND", "SUBJECTS", "EXPECT"}.isdisjoint(names)
    assert kind.SUBJECTS
    assert all(isinstance(subject, Subject) for subject in kind.SUBJECTS.values())
    assert isinstance(kind.EXPECT, tuple)


@pytest.mark.parametrize("name", checks.KINDS)
def test_every_kind_can_be_asked(name):
    kind = declared(name)
    assert positional(kind.target) == ["self"]
    assert positional(kind.probe) == ["self", "ask"]


def positional(function):
    return [
        name
        for name, parameter in signature(function).parameters.items()
        if parameter.default is Parameter.empty
    ]
