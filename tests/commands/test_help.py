"""What `--help` promises."""

import typer

from opsctl import cli


def _leaves(command, path=()):
    below = getattr(command, "commands", None)
    if not below:
        yield path, command
    for name, one in (below or {}).items():
        yield from _leaves(one, (*path, name))


def test_every_command_has_examples():
    leaves = dict(_leaves(typer.main.get_command(cli.build())))
    assert len(leaves) > 100
    assert [" ".join(path) for path, one in leaves.items() if "opsctl " not in (one.epilog or "")] == []


def test_a_command_of_a_group_shows_the_examples_that_are_its_own(opsctl):
    told = opsctl("incident", "ack", "--help").out
    assert told.endswith("  Examples:\n\n    opsctl incident ack 7\n")
    assert "opsctl incident resolve" not in told


def test_lengths_and_numbers_have_names_that_people_read(opsctl):
    for words in (("check",), ("log",), ("search",), ("heartbeat", "fail")):
        assert "<" not in opsctl(*words, "--help").out.replace("<=", "")
