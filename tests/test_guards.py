"""The guards of the tests guard."""

from __future__ import annotations

import os
import socket

import pytest


def test_a_test_cannot_connect_beyond_this_machine():
    with socket.socket() as probe, pytest.raises(pytest.fail.Exception, match="tried to connect"):
        probe.connect(("192.0.2.1", 80))


def test_a_test_has_no_real_home():
    assert "pytest" in os.environ["HOME"]
