"""Secrets that were fetched are masked, in whichever form they come back."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path

import pytest
from checks.probe import ask_for
from hypothesis import given
from hypothesis import strategies as st
from named_pipes import pipe

from opsctl.checks.http import HttpCheck
from opsctl.outcome import Cause
from opsctl.prose import shorten
from opsctl.secrets import SecretMissingError, Secrets, Template
from opsctl.transfers import Loop


def secrets(value):
    found = Secrets({"P": value}, Path())
    found.resolve(Template("${env:P}"))
    return found


@pytest.mark.parametrize(
    ("pair", "shown"),
    [
        ("hunter2", "***=="),
        ("a:hunter2", "YTp***"),
        ("ab:hunter2", "YWI6***=="),
        ("abc:hunter2", "YWJjOm***I="),
        ("\0ab\0hunter2", "AGFiAG***I="),
    ],
)
def test_a_password_is_masked_as_basic_authentication_sends_it(pair, shown):
    assert secrets("hunter2").mask(b64encode(pair.encode()).decode()) == shown


@given(
    before=st.binary(max_size=9),
    value=st.from_regex(r"[a-z0-9]{8,40}", fullmatch=True),
    after=st.binary(max_size=4),
)
def test_no_more_of_a_secret_is_left_than_shares_a_letter_with_its_neighbours(before, value, after):
    encoded = b64encode(before + value.encode() + after).decode()
    masked = secrets(value).mask(encoded)
    left = len(encoded) - len(masked.replace("***", ""))
    assert left >= len(value) * 8 // 6 - 2


@given(length=st.integers(min_value=0, max_value=40), words=st.text("to-", max_size=9))
def test_no_beginning_of_a_secret_is_left_where_a_text_was_cut(length, words):
    token = "to-token-to-" + "x" * 20
    shown = shorten(f"{words} {token}", len(words) + 2 + length)
    masked = secrets(token).mask(f"{shown} and more")
    assert masked == f"{shown} and more" if length < 4 else f"{words} ***" in masked
    assert "to-t" not in masked.removeprefix(words)


INSTEAD = "put the secret in a variable, as `${env:NAME}`, or in a regular file"


def fetched(name, folder=Path()):
    return Secrets({}, folder).resolve(Template(f"${{file:{name}}}"))


def refused(name, folder=Path()):
    with pytest.raises(SecretMissingError) as found:
        fetched(name, folder)
    return str(found.value)


def test_a_pipe_is_refused_at_once_with_what_to_do(tmp_path):
    pipe(tmp_path / "pipe")
    words = f"the secret file pipe is a pipe, which may wait for ever to be written to; {INSTEAD}"
    assert refused("pipe", tmp_path) == words


def test_what_a_shell_substitutes_is_refused_too():
    reader, writer = os.pipe()
    os.write(writer, b"hunter2")
    os.close(writer)
    words = f"the secret file /dev/fd/{reader} is a pipe, which may wait for ever to be written to; {INSTEAD}"
    assert refused(f"/dev/fd/{reader}") == words
    # What was in it is still there for others.
    assert os.read(reader, 9) == b"hunter2"
    os.close(reader)


@pytest.mark.parametrize(
    ("name", "what"), [("/dev/zero", "device"), ("/dev/null", "device"), (".", "folder")]
)
def test_what_is_no_file_is_refused(tmp_path, name, what):
    assert refused(name, tmp_path) == f"the secret file {name} is a {what}; {INSTEAD}"


def test_links_and_descriptors_that_lead_to_files_are_read(tmp_path):
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "token").write_text("hunter2\n")
    (tmp_path / "token").symlink_to("..data/token")
    assert fetched("token", tmp_path) == "hunter2"
    with (tmp_path / "token").open() as file:
        assert fetched(f"/dev/fd/{file.fileno()}") == "hunter2"


@pytest.mark.parametrize("size", [0, 64 * 1024 + 1, 100_000_000_000])
def test_a_file_that_is_empty_or_too_large_is_refused_whatever_its_size(tmp_path, size):
    (tmp_path / "token").touch()
    os.truncate(tmp_path / "token", size)
    assert refused("token", tmp_path) == "the secret file token is empty or larger than 64 KiB"


def test_the_largest_secret_and_its_lines_are_read_whole(tmp_path):
    (tmp_path / "key").write_bytes(b"a\r\nb\nc\r\n" + b"x" * (64 * 1024 - 10) + b"\n")
    assert fetched("key", tmp_path) == "a\nb\nc\n" + "x" * (64 * 1024 - 10)


@pytest.mark.parametrize(
    ("data", "why"), [(None, "No such file or directory"), (b"\xff", "it is not UTF-8 text")]
)
def test_what_cannot_be_read_is_said(tmp_path, data, why):
    if data:
        (tmp_path / "token").write_bytes(data)
    assert refused("token", tmp_path) == f"the secret file token cannot be read: {why}"


def test_a_pipe_for_a_secret_is_unknown_and_stops_no_other_request(web, tmp_path):
    pipe(tmp_path / "pipe")
    seen, loop = {}, Loop()
    for name, token in (("pipe", Template("${file:pipe}")), ("other", None)):
        check = HttpCheck(url=Template(web.url + "/echo"), bearer=token)
        check.start(ask_for(check, root=tmp_path), loop, lambda found, name=name: seen.update({name: found}))
    loop.run()
    assert (seen["pipe"].failure.cause, seen["other"].values["status"]) == (Cause.SECRET, 200)
