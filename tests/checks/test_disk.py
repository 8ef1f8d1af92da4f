"""The `disk` check on this machine's file systems."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from checks.probe import probe

from opsctl.checks.disk import DiskCheck
from opsctl.outcome import Cause, Failure, Observation


def look(path: object, root: Path = Path("/")) -> Observation:
    return probe(DiskCheck(path=str(path)), wanted=frozenset(), root=root)


def statistics(**fields: int) -> os.statvfs_result:
    names = ("bsize", "frsize", "blocks", "bfree", "bavail", "files", "ffree", "favail", "flag", "namemax")
    given = {"bsize": 4096, "frsize": 1024, **fields}
    return os.statvfs_result([given.get(name, 0) for name in names])


@pytest.fixture
def figures(monkeypatch):
    """Figures of a file system that no test machine can be asked to have."""

    def give(**fields: int) -> Observation:
        monkeypatch.setattr(os, "statvfs", lambda _path: statistics(**fields))
        return look("/")

    return give


def test_the_figures_are_those_of_df(tmp_path):
    values = look(tmp_path).values
    figures = os.statvfs(tmp_path)
    assert values["total"] == figures.f_blocks * figures.f_frsize
    assert values["used"] + figures.f_bfree * figures.f_frsize == pytest.approx(values["total"], rel=0.01)
    assert 0 < values["used_percent"] < 100
    assert values["read_only"] is False


def test_what_is_kept_for_root_counts_as_neither_free_nor_used(figures):
    values = figures(blocks=1000, bfree=300, bavail=250, files=100, ffree=60, favail=60).values
    assert values == {
        "used_percent": 100 * 700 / 950,
        "used": 700 * 1024,
        "free": 250 * 1024,
        "total": 1000 * 1024,
        "inodes_used_percent": 40.0,
        "read_only": False,
        "mounted": True,
    }


def test_where_inodes_are_not_counted_their_share_is_absent(figures):
    observation = figures(blocks=1000, bfree=300, bavail=250)
    assert "inodes_used_percent" not in observation.values
    assert observation.failure is None


def test_a_full_disk_is_used_whole(figures):
    values = figures(blocks=1000, bfree=50, bavail=0, files=10).values
    assert (values["used_percent"], values["free"], values["inodes_used_percent"]) == (100.0, 0, 100.0)


def test_a_disk_that_cannot_be_written_says_so(figures):
    assert figures(blocks=1000, bfree=300, bavail=250, flag=os.ST_RDONLY).values["read_only"] is True


def test_a_file_system_without_a_size_says_nothing():
    assert look("/proc") == Observation(
        {"read_only": False, "mounted": True},
        Failure(Cause.UNSUPPORTED, "/proc is on a file system without a size"),
    )


def test_a_folder_that_nothing_is_mounted_on_is_told_apart(tmp_path):
    assert look("/").values["mounted"] is True
    assert look(tmp_path).values["mounted"] is False


def test_a_path_is_looked_for_from_the_workspace(tmp_path):
    (tmp_path / "below").mkdir()
    assert look("below", tmp_path).values["total"] > 0


def test_a_missing_path_has_no_figures(tmp_path):
    words = f"{tmp_path}/missing does not exist"
    assert look("missing", tmp_path) == Observation({}, Failure(Cause.MISSING, words))


def test_a_path_through_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    words = f"{tmp_path}/file/below: Not a directory"
    assert look("file/below", tmp_path) == Observation({}, Failure(Cause.UNREACHABLE, words))


def test_a_folder_that_may_not_be_entered_says_nothing():
    user = os.geteuid()
    with TemporaryDirectory() as name:
        folder = Path(name, "folder")
        folder.mkdir()
        Path(name).chmod(0)
        try:
            if user == 0:
                os.seteuid(65534)
            observation = look(folder)
        finally:
            os.seteuid(user)
            Path(name).chmod(0o700)
    words = f"{folder} cannot be reached; let the user that runs opsctl enter its folders"
    assert observation == Observation({}, Failure(Cause.PERMISSION, words))


def test_a_path_cannot_hold_a_nul():
    assert list(DiskCheck(path="/").problems()) == []
    assert list(DiskCheck(path="/\0").problems()) == [("path", "a path cannot hold a NUL character")]


def test_the_target_is_the_path_as_it_is_written():
    assert DiskCheck(path="var/lib").target() == "var/lib"
