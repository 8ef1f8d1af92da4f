"""Who acts, by which words, and what they may say."""

from __future__ import annotations

import os
import sys

import pytest

from opsctl.acting import LARGEST_TEXT, acting, actor_of, text_of
from opsctl.errors import StoreError, UsageError
from opsctl.store.ledger import events
from opsctl.store.opening import open_store
from opsctl.world import World


def world(*words, **environ):
    return World(environ, 1000.0, sys.stdin, sys.stdout, sys.stderr, words)


def test_the_actor_is_who_opsctl_actor_says_on_this_machine_by_these_words():
    actor = actor_of(world("incident", "note", "7", "it's back", OPSCTL_ACTOR="alice"))
    assert actor == ("alice", os.uname().nodename, "opsctl incident note 7 'it'\"'\"'s back'")


@pytest.mark.parametrize("unset", [{}, {"OPSCTL_ACTOR": ""}, {"OPSCTL_ACTOR": " \n"}])
def test_without_it_the_actor_is_the_user_of_the_machine(unset):
    import pwd

    assert actor_of(world(**unset)).name in {
        pwd.getpwuid(os.getuid()).pw_name,
        *(os.environ.get(name) for name in ("LOGNAME", "USER", "LNAME", "USERNAME")),
    }


def test_an_actor_is_one_line_without_control_characters():
    assert actor_of(world(OPSCTL_ACTOR="al\nice\x1b[31m")).name == "al ice\\x1b[31m"


def test_an_actor_as_long_as_a_novel_is_refused():
    assert actor_of(world(OPSCTL_ACTOR="a" * 100)).name == "a" * 100
    with pytest.raises(UsageError, match="OPSCTL_ACTOR is longer than 100 characters; write a name"):
        actor_of(world(OPSCTL_ACTOR="a" * 101))


def test_the_words_of_a_command_are_bounded():
    assert len(actor_of(world("x" * 2_000_000, OPSCTL_ACTOR="a")).words) == LARGEST_TEXT


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_a_text_that_says_nothing_is_refused(text):
    with pytest.raises(UsageError, match=r"^the note is empty; say something$"):
        text_of(text, "the note")


def test_a_text_is_kept_up_to_its_limit():
    assert text_of("  x\n", "the note") == "x"
    assert text_of("x" * LARGEST_TEXT, "the note") == "x" * LARGEST_TEXT
    with pytest.raises(UsageError, match="has 1000001 characters; at most 1000000 are kept, so link a file"):
        text_of("x" * (LARGEST_TEXT + 1), "the note")


def workspace(opsctl):
    from opsctl.workspace import load_workspace

    opsctl.write("opsctl.yaml", "version: 1\nname: T\nservices: {a: {checks: {d: {disk: /}}}}\n")
    return load_workspace(opsctl.path, {})


def test_a_command_is_kept_whole_or_not_at_all(opsctl):
    here = workspace(opsctl)
    with acting(here, world("one", OPSCTL_ACTOR="alice")) as ledger:
        ledger.append("item.added", ledger.name("OPS"), {"title": "kept"})
        ledger.append("item.noted", "OPS-1", {"text": "with it"})
    with pytest.raises(ZeroDivisionError), acting(here, world("two", OPSCTL_ACTOR="bob")) as ledger:
        ledger.append("item.added", ledger.name("OPS"), {"title": "lost"})
        raise ZeroDivisionError
    with acting(here, world("three", OPSCTL_ACTOR="bob")) as ledger:
        assert ledger.name("OPS") == "OPS-2"
        assert ledger.get("OPS-2") is None
    with open_store(here.store, write=False) as store:
        found = [(event.command, event.kind, event.actor, event.words) for event in events(store.db)]
    assert found == [
        (1, "item.added", "alice", "opsctl one"),
        (1, "item.noted", "alice", "opsctl one"),
    ]


def test_where_the_store_cannot_be_written_nobody_acts(opsctl):
    here = workspace(opsctl)
    (opsctl.path / ".opsctl").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be used"), acting(here, world(OPSCTL_ACTOR="alice")):
        pytest.fail("it acted")
