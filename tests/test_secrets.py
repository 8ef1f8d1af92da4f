"""Secrets that were fetched are masked, in whichever form they come back."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.prose import shorten
from opsctl.secrets import Secrets, Template


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
