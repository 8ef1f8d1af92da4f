"""Answers that are kept: whole or absent, whoever writes and whatever befalls their files."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.answer_cache import Remembered, forget, keep, recall

ANSWER = Remembered({"events": [{"eventAction": "expiration"}]}, 0.25, 1000.0)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shop.cache"


def only_file(folder):
    (path,) = folder.iterdir()
    return path


def test_what_is_kept_is_recalled_until_it_is_forgotten(folder):
    assert recall(folder, "a") is None
    keep(folder, "a", ANSWER)
    keep(folder, "b", ANSWER._replace(took=1.0))
    assert (recall(folder, "a"), recall(folder, "b").took) == (ANSWER, 1.0)
    keep(folder, "a", ANSWER._replace(at=2000.0))
    assert recall(folder, "a").at == 2000.0
    forget(folder, "a")
    forget(folder, "a")
    assert (recall(folder, "a"), len([*folder.iterdir()])) == (None, 1)


def test_only_its_owner_may_read_it(folder):
    keep(folder, "a", ANSWER)
    assert (folder.stat().st_mode & 0o777, only_file(folder).stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_file_that_is_cut_anywhere_is_as_if_absent(folder):
    keep(folder, "a", ANSWER)
    whole = only_file(folder).read_bytes()
    for end in range(len(whole)):
        only_file(folder).write_bytes(whole[:end])
        assert recall(folder, "a") is None


@pytest.mark.parametrize(
    "change",
    [
        {"at": "1000"}, {"at": None}, {"at": True}, {"at": -1.0}, {"at": float("nan")}, {"at": float("inf")},
        {"took": None}, {"took": [0.25]}, {"told": None}, {"told": []}, {"told": "x"}, {"question": "b"},
    ],
)  # fmt: skip
def test_a_file_with_anything_of_a_wrong_kind_is_as_if_absent(folder, change):
    keep(folder, "a", ANSWER)
    path = only_file(folder)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert recall(folder, "a") is None


@given(junk=st.binary(max_size=60) | st.sampled_from([b"[" * 100_000, b"null", b"{}", b"\xff"]))
def test_no_junk_raises_or_is_an_answer(tmp_path_factory, junk):
    folder = tmp_path_factory.mktemp("junk")
    keep(folder, "a", ANSWER)
    only_file(folder).write_bytes(junk)
    assert recall(folder, "a") is None


def test_where_nothing_can_be_written_the_answer_before_stays(folder, tmp_path):
    keep(folder, "a", ANSWER)
    keep(folder, "a", Remembered(_nested(100_000), 0.25, 2000.0))
    assert (recall(folder, "a"), len([*folder.iterdir()])) == (ANSWER, 1)
    (tmp_path / "file").write_text("in the way")
    keep(tmp_path / "file" / "x.cache", "a", ANSWER)
    assert recall(tmp_path / "file" / "x.cache", "a") is None


def test_no_draft_is_left_where_an_answer_cannot_be_put(folder):
    keep(folder, "a", ANSWER)
    path = only_file(folder)
    path.unlink()
    path.mkdir()
    keep(folder, "a", ANSWER)
    assert (recall(folder, "a"), [*folder.iterdir()]) == (None, [path])


def killed_in_the_middle(folder, question):
    """A process that is killed when its draft is written, and before that is in place."""
    context = multiprocessing.get_context("spawn")
    writer = context.Process(target=_killed, args=(folder, question))
    writer.start()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL


def _killed(folder, question):
    Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    keep(folder, question, ANSWER)


def test_drafts_of_writers_that_were_killed_are_swept_after_a_day(folder):
    killed_in_the_middle(folder, "a")
    old = only_file(folder)
    (folder / "notes.tmp").write_text("nobody's draft")
    (folder / ".a.tmp").mkdir()
    for path in (old, folder / "notes.tmp", folder / ".a.tmp"):
        os.utime(path, (1000.0, time.time() - 86_500))
    killed_in_the_middle(folder, "b")
    (young,) = {*folder.glob(".*.tmp")} - {old, folder / ".a.tmp"}
    os.utime(young, (1000.0, time.time() - 86_300))
    keep(folder, "c", ANSWER)
    assert recall(folder, "c") == ANSWER
    left = {path.name for path in folder.iterdir() if path.suffix == ".tmp"}
    assert left == {young.name, "notes.tmp", ".a.tmp"}


def test_a_writer_in_the_middle_of_another_one_spoils_neither(folder, monkeypatch):
    long, begin = Remembered({"events": ["x"] * 100}, 0.0, 2.0), os.fdopen

    def interrupted(*arguments, **options):
        monkeypatch.undo()
        keep(folder, "a", long)
        assert recall(folder, "a") == long
        return begin(*arguments, **options)

    monkeypatch.setattr(os, "fdopen", interrupted)
    keep(folder, "a", ANSWER)
    assert recall(folder, "a") == ANSWER


def _nested(depth):
    told: dict = {}
    for _ in range(depth):
        told = {"events": told}
    return told


def _write(folder, at, rounds):
    for _ in range(rounds):
        keep(folder, "a", Remembered({"events": [at] * 5000}, 0.0, at))


def test_whoever_reads_sees_one_whole_answer_however_many_write(folder):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(folder, float(at), 20)) for at in (1, 2)]
    writers += [threading.Thread(target=_write, args=(folder, float(at), 20)) for at in (3, 4, 5)]
    keep(folder, "a", Remembered({"events": [9.0] * 5000}, 0.0, 9.0))
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        kept = recall(folder, "a")
        assert kept.told["events"] == [kept.at] * 5000
        seen.add(kept.at)
    for writer in writers:
        writer.join()
    assert len(seen) > 1
    assert [path.suffix for path in folder.iterdir()] == [".json"]
