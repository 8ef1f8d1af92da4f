"""A file is written as a whole, and what is no file stays what it is."""

from __future__ import annotations

import os
import stat
import threading

import pytest

from opsctl.errors import OutputError
from opsctl.writing import write_whole


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write_whole(pipe, "all of it\n")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    reader.join(10)
    assert read == ["all of it\n"]


def test_a_link_that_leads_to_itself_becomes_the_file(tmp_path):
    (tmp_path / "a").symlink_to("a")
    write_whole(tmp_path / "a", "text")
    assert (tmp_path / "a").read_text() == "text"


def test_a_link_is_followed_and_the_mode_kept(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(0o600)
    (tmp_path / "link").symlink_to("file")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert ((tmp_path / "file").read_text(), (tmp_path / "file").stat().st_mode & 0o777) == ("new", 0o600)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "link"]


@pytest.mark.parametrize("name", ["", "missing/file", "x" * 300, "/"])
def test_what_cannot_be_written_is_told(tmp_path, name):
    with pytest.raises(OutputError, match=r"cannot be written: .*; choose another place with `--out`"):
        write_whole(tmp_path / name, "text")
