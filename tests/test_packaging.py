"""The wheel holds what it should, and works where there is nothing but itself and what it requires."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
import typer

import opsctl
from opsctl.cli import build

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def must(*argv, cwd=ROOT):
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def pip(programs, *words):
    """Our pip on another environment, as giving each one of its own takes seconds."""
    return must(sys.executable, "-m", "pip", "--python", programs / "python", *words)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    must(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of the programs of an environment with the wheel and what it requires, nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder)
    pip(folder / "bin", "install", "-q", "-c", ROOT / "requirements.lock", wheel)
    return folder / "bin"


def paths(command, name=""):
    """Every command below `command`, as the words that name it; the group itself first."""
    yield name.split()
    for word, below in getattr(command, "commands", {}).items():
        yield from paths(below, f"{name} {word}")


def test_the_wheel_holds_the_package_whole_and_nothing_else(wheel):
    files = {path.relative_to(ROOT) for path in (ROOT / "opsctl").rglob("*") if path.is_file()}
    expected = {path.as_posix() for path in files if "__pycache__" not in path.parts}
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert "opsctl/py.typed" in found
    manual = f"opsctl-{opsctl.__version__}.data/data/share/man/man1/opsctl.1"
    assert found == expected | {manual}


def test_the_metadata_says_what_people_look_for(wheel):
    with zipfile.ZipFile(wheel) as archive:
        name = f"opsctl-{opsctl.__version__}.dist-info/"
        metadata = HeaderParser().parsestr(archive.read(f"{name}METADATA").decode())
        entry_points = archive.read(f"{name}entry_points.txt").decode()
        assert f"{name}licenses/LICENSE" in archive.namelist()
    assert (metadata["Version"], metadata["Requires-Python"]) == (opsctl.__version__, ">=3.11")
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "opsctl = opsctl.cli:run" in entry_points


@pytest.mark.parametrize("words", [["--version"], ["-h"]], ids=" ".join)
def test_the_installed_program_starts(installed, words):
    assert "opsctl" in must(installed / "opsctl", *words)


# One process for all of them, as starting a hundred takes ten seconds.
HELP = """
import sys
from opsctl.cli import main
for line in sys.argv[1:]:
    code = main([*line.split(), "--help"])
    print("ended with", code)
"""


def test_every_installed_command_has_help(installed, tmp_path):
    commands = [" ".join(words) for words in paths(typer.main.get_command(build()))]
    helps = must(installed / "python", "-c", HELP, *commands, cwd=tmp_path).split("ended with 0\n")
    assert len(commands) > 100
    assert helps.pop() == ""
    for words, out in zip(commands, helps, strict=True):
        assert out.lstrip().startswith(f"Usage: opsctl {words}".rstrip()), out


def test_a_new_workspace_is_made_and_valid_without_development_packages(installed, tmp_path):
    must(installed / "opsctl", "init", cwd=tmp_path)
    must(installed / "opsctl", "validate", cwd=tmp_path)


def test_what_is_installed_fits_together_and_brings_no_development_packages(installed):
    pip(installed, "check")
    names = {line.partition("==")[0].lower() for line in pip(installed, "freeze").splitlines()}
    assert names.isdisjoint(
        {"pytest", "hypothesis", "mypy", "ruff", "import-linter", "inline-snapshot", "coverage"}
    )
