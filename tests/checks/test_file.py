"""The `file` check on real files, folders, links and pipes."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from checks.probe import probe

from opsctl.checks import file
from opsctl.checks.file import FileCheck
from opsctl.outcome import Cause, Failure, Observation

NOW = 1_767_323_045.0
ALL = frozenset(FileCheck.SUBJECTS)
NOBODY = 65534


def look(path: object, root: Path, *wanted: str, timeout: float = 30.0, which: str = "newest") -> Observation:
    check = FileCheck(path=str(path), which=which)
    return probe(check, timeout=timeout, wanted=frozenset(wanted), root=root, now=NOW)


def write(path: Path, content: bytes = b"content", *, age: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (NOW - age, NOW - age))
    return path


@contextmanager
def nobody():
    """Files as an ordinary user meets them, also where the tests run as root."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public():
    """A folder that every user can enter, unlike those of pytest."""
    with TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def test_everything_about_a_file(tmp_path):
    path = write(tmp_path / "api.dump", b"x" * 1500, age=3600)
    path.chmod(0o640)
    assert look("api.dump", tmp_path, *ALL) == Observation(
        {
            "exists": True,
            "count": 1,
            "age": 3600.0,
            "size": 1500,
            "total_size": 1500,
            "mode": "0640",
            "owner": pwd.getpwuid(os.getuid()).pw_name,
            "group": grp.getgrgid(os.getgid()).gr_name,
            "type": "file",
            "sha256": sha256(b"x" * 1500).hexdigest(),
            "content": "x" * 1500,
        },
        None,
        {"path": str(path), "modified": "2026-01-02T02:04:05Z"},
    )


def test_what_costs_something_is_looked_at_only_where_it_is_wanted(tmp_path):
    write(tmp_path / "a")
    assert set(look("a", tmp_path).values) == {"exists", "count", "age", "size", "total_size", "mode", "type"}


def test_an_absolute_path_is_taken_as_it_is(tmp_path):
    path = write(tmp_path / "a", b"12")
    assert look(path, Path("/nowhere")).values["size"] == 2


def test_an_empty_file_has_a_size_and_a_content(tmp_path):
    write(tmp_path / "a", b"")
    values = look("a", tmp_path, "content", "sha256").values
    assert (values["size"], values["content"], values["sha256"]) == (0, "", sha256(b"").hexdigest())


def test_an_owner_without_a_name_is_a_number(tmp_path):
    if os.geteuid():
        pytest.skip("only root can give a file away")
    os.chown(write(tmp_path / "a"), 54321, 54322)
    values = look("a", tmp_path, "owner", "group").values
    assert (values["owner"], values["group"]) == ("54321", "54322")


@pytest.mark.parametrize("path", ["missing", "missing/deeper", "file/deeper"])
def test_what_is_not_there_has_neither_age_nor_size(tmp_path, path):
    write(tmp_path / "file")
    words = f"{tmp_path}/{path} does not exist"
    assert look(path, tmp_path, *ALL) == Observation(
        {"exists": False, "count": 0}, Failure(Cause.MISSING, words)
    )


def test_a_link_is_followed(tmp_path):
    write(tmp_path / "target", b"four", age=60)
    (tmp_path / "latest").symlink_to("target")
    values = look("latest", tmp_path, "content").values
    assert (values["type"], values["age"], values["size"], values["content"]) == ("link", 60.0, 4, "four")


def test_a_link_to_nothing_does_not_exist(tmp_path):
    (tmp_path / "latest").symlink_to("gone")
    words = f"{tmp_path}/latest is a link to gone, which does not exist"
    assert look("latest", tmp_path, *ALL) == Observation(
        {"exists": False, "count": 0}, Failure(Cause.MISSING, words)
    )


def test_a_link_to_itself_is_no_answer(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    words = f"{tmp_path}/loop: Too many levels of symbolic links"
    assert look("loop", tmp_path) == Observation({}, Failure(Cause.UNREACHABLE, words))


def test_the_newest_of_several_files_counts(tmp_path):
    write(tmp_path / "backups/1.dump", b"1", age=300)
    write(tmp_path / "backups/2.dump", b"22", age=100)
    write(tmp_path / "backups/3.dump", b"333", age=200)
    write(tmp_path / "backups/4.other", b"4444", age=1)
    observation = look("backups/*.dump", tmp_path, "content")
    assert observation.values == {
        "exists": True,
        "count": 3,
        "age": 100.0,
        "size": 2,
        "total_size": 6,
        "mode": "0644",
        "type": "file",
        "content": "22",
    }
    assert observation.evidence["path"] == f"{tmp_path}/backups/2.dump"


def test_the_oldest_of_several_files_counts_where_that_is_asked(tmp_path):
    for age in (300, 100, 200):
        write(tmp_path / f"queue/{age}", age=age)
    observation = look("queue/*", tmp_path, which="oldest")
    assert (observation.values["age"], observation.values["count"]) == (300.0, 3)


@pytest.mark.parametrize(
    ("pattern", "count"), [("*", 2), ("?", 1), ("[ab]", 1), ("**/*.log", 2), ("bb*", 1), ("*/c.log", 1)]
)
def test_patterns_are_those_of_a_shell(tmp_path, pattern, count):
    write(tmp_path / "a")
    write(tmp_path / "bb/c.log")
    write(tmp_path / "bb/d/e.log")
    write(tmp_path / ".hidden")
    assert look(pattern, tmp_path).values["count"] == count


def test_a_pattern_may_be_absolute(tmp_path):
    write(tmp_path / "a.log", b"123")
    assert look(f"{tmp_path}/*.log", Path("/")).values["size"] == 3


def test_marks_in_the_workspace_s_own_path_are_plain(tmp_path):
    root = tmp_path / "[x]*"
    write(root / "a.log", b"123")
    assert look("*.log", root).values["size"] == 3


@pytest.mark.parametrize("pattern", ["*.dump", "none/*.dump", "none*/x"])
def test_a_pattern_that_matches_nothing(tmp_path, pattern):
    assert look(pattern, tmp_path, *ALL) == Observation(
        {"exists": False, "count": 0}, Failure(Cause.MISSING, f"no file matches {pattern}")
    )


def test_a_folder_has_entries_and_no_size(tmp_path):
    folder = tmp_path / "folder"
    for name in ("a", "b", ".c"):
        write(folder / name)
    folder.chmod(0o1777)
    os.utime(folder, (NOW - 5, NOW - 5))
    assert look("folder", tmp_path, "count").values == {
        "exists": True,
        "count": 3,
        "age": 5.0,
        "mode": "1777",
        "type": "directory",
    }


def test_a_folder_is_not_counted_where_that_is_not_wanted(tmp_path):
    os.utime(tmp_path, (NOW, NOW))
    assert set(look(".", tmp_path).values) == {"exists", "age", "mode", "type"}


def test_folders_that_a_pattern_matches_add_no_size(tmp_path):
    write(tmp_path / "a/inside")
    write(tmp_path / "b", b"12")
    values = look("?", tmp_path).values
    assert (values["count"], values["total_size"]) == (2, 2)


def test_a_file_from_the_future_has_no_age(tmp_path):
    write(tmp_path / "a", age=-61)
    observation = look("a", tmp_path)
    assert "age" not in observation.values
    assert observation.evidence == {
        "path": f"{tmp_path}/a",
        "modified": "2026-01-02T03:05:06Z",
        "age": "not known: the file is from the future by this machine's clock",
    }


def test_a_file_written_while_the_checks_run_is_new(tmp_path):
    write(tmp_path / "a", age=-60)
    assert look("a", tmp_path).values["age"] == 0.0


def test_a_time_beyond_all_calendars_is_survived(tmp_path):
    os.utime(write(tmp_path / "a"), (0, -(2**40)))
    assert look("a", tmp_path).values["exists"] is True


def test_a_pipe_is_looked_at_and_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    observation = look("pipe", tmp_path, *ALL)
    assert observation.values["type"] == "fifo"
    assert not {"content", "sha256", "size"} & set(observation.values)
    words = f"{tmp_path}/pipe is not a plain file (fifo), so it is not read"
    assert observation.failure == Failure(Cause.UNSUPPORTED, words)


def test_sockets_and_devices_are_told_apart(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert look("s", tmp_path).values["type"] == "socket"
    assert look("/dev/null", tmp_path).values["type"] == "device"


def test_a_content_that_just_fits_is_judged(tmp_path):
    write(tmp_path / "a", b"x" * 1024 * 1024)
    assert look("a", tmp_path, "content").values["content"] == "x" * 1024 * 1024


def test_a_content_too_long_to_judge_is_absent(tmp_path):
    data = b"x" * (3 * 1024 * 1024)
    write(tmp_path / "a", data)
    words = f"{tmp_path}/a has 3145728 bytes, more than the 1048576 that are judged"
    for wanted in ({"content"}, {"content", "sha256"}):
        observation = look("a", tmp_path, *wanted)
        assert "content" not in observation.values
        assert observation.failure == Failure(Cause.TOO_LARGE, words)
    assert observation.values["sha256"] == sha256(data).hexdigest()


def test_a_file_that_becomes_a_pipe_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is not a plain file any more"):
        file._content(tmp_path / "pipe", time.monotonic() + 30, hashed=True)


def test_a_content_that_is_not_utf8_is_still_text(tmp_path):
    write(tmp_path / "a", b"\xffok")
    assert look("a", tmp_path, "content").values["content"] == "\ufffdok"


@pytest.mark.parametrize(("path", "wanted"), [("a", "sha256"), ("*", "count"), (".", "count")])
def test_nothing_outlasts_the_timeout(tmp_path, path, wanted):
    write(tmp_path / "a")
    assert look(path, tmp_path, wanted, timeout=-1.0) == Observation(
        {}, Failure(Cause.TIMEOUT, "not done within -1 s")
    )


@pytest.mark.parametrize(
    ("path", "wanted"), [("locked/file", "exists"), ("locked/*", "count"), ("locked", "count")]
)
def test_what_may_not_be_looked_at_is_not_missing(public, path, wanted):
    write(public / "locked/file")
    (public / "locked").chmod(0)
    with nobody():
        observation = look(path, public, wanted)
    (public / "locked").chmod(0o700)
    shown = public / path.removesuffix("/*")
    words = f"{shown}: Permission denied; let the user that runs opsctl read it"
    assert observation == Observation({}, Failure(Cause.PERMISSION, words))


def test_a_file_that_may_not_be_read_may_still_be_looked_at(public):
    write(public / "a").chmod(0)
    with nobody():
        assert look("a", public).values["mode"] == "0000"
        failure = look("a", public, "content").failure
    words = f"{public}/a: Permission denied; let the user that runs opsctl read it"
    assert failure == Failure(Cause.PERMISSION, words)


def test_no_descriptor_is_left_open(tmp_path):
    write(tmp_path / "a")
    before = sorted(Path("/proc/self/fd").iterdir())
    for path in ("a", "*", "."):
        look(path, tmp_path, "content", "sha256", "count")
    assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_a_path_cannot_hold_a_nul():
    assert list(FileCheck(path="a").problems()) == []
    assert list(FileCheck(path="a\0b").problems()) == [("path", "a path cannot hold a NUL character")]


def test_the_target_is_the_path_as_it_is_written():
    assert FileCheck(path="backups/*.dump").target() == "backups/*.dump"
