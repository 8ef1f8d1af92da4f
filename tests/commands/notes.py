"""Steps of runbooks and routines that note in a file that they were done."""

from __future__ import annotations


def noted(opsctl):
    path = opsctl.path / "log"
    return path.read_text().split() if path.exists() else []


def note(word, extra=""):
    return f"{{id: {word}, run: [sh, -c, 'echo {word} >>log']{extra}}}"
