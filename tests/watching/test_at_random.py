"""Whatever happens and whatever people do: no transition is lost or told twice."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watching.shop import ALL, SHORT, Shop

from opsctl.ledger.incident import ACTIVE
from opsctl.outages import settle
from opsctl.records import Result
from opsctl.store.ledger import events
from opsctl.store.opening import open_store
from opsctl.store.verifying import verify

pytestmark = pytest.mark.usefixtures("no_power_cut")


class Step(NamedTuple):
    """What happens next: people act, then a run some minutes later finds something."""

    later: int
    found: dict[str, str]
    people: str
    services: tuple[str, ...]


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from((1, 1, 1, 1, 2, 3, 7)),
        st.dictionaries(st.sampled_from(ALL), st.sampled_from("uuudddg?om"), min_size=1),
        st.sampled_from(("", "", "", "", "open", "ack", "resolve", "close", "reopen")),
        st.lists(st.sampled_from(("database", "api", "web", "mail")), min_size=1, unique=True).map(tuple),
    ),
    max_size=14,
)


def people_act(shop, step):
    """What people do to the first incident with which they can."""
    states = {"ack": ("open",), "resolve": ACTIVE, "close": ("open", "resolved"), "reopen": ("resolved",)}
    kinds = {"ack": "acknowledged", "resolve": "resolved", "close": "closed", "reopen": "reopened"}
    if step.people == "open":
        shop.open(*step.services)
    elif step.people and (found := shop.incidents(*states[step.people])):
        keys = {one.key for one in shop.incidents(*ACTIVE)}
        if step.people != "reopen" or found[0].key is None or found[0].key not in keys:
            shop.act(f"incident.{kinds[step.people]}", found[0].subject)


def failures(history):
    """How many of the latest in a row were the target's."""
    counted = 0
    for letter in reversed(history):
        if letter not in "d?":
            break
        counted += 1
    return counted


@settings(max_examples=500 if os.environ.get("OPSCTL_LONG") else 30, deadline=None)
@given(STEPS)
def test_no_key_twice_no_transition_lost_or_told_twice_and_no_failure_without_an_incident(steps):
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        stood, history = {}, dict.fromkeys(ALL, "")
        expected = Counter()
        for step in steps:
            people_act(shop, step)
            before = {one.subject for one in shop.incidents(*ACTIVE)}
            known = {one.subject for one in shop.incidents()}
            shop.saw(step.found, step.later)
            incidents = shop.incidents()
            changes = []
            for name, letter in step.found.items():
                was, rules = stood.get(name), shop.rules[name]
                result = Result(name, shop.now, *SHORT[letter], f"{name}:{letter}", 0.1, 1, (), {}, {})
                stood[name] = settle(
                    was, result, fail_after=rules.fail_after, ok_after=rules.ok_after, lapse=rules.lapse
                )
                history[name] += letter
                if was is None or was.state is not stood[name].state:
                    changes.append((name, was and was.state, stood[name].state))
            for one in incidents:
                if one.subject in before or one.subject not in known:
                    expected.update(
                        (one.subject, *change)
                        for change in changes
                        if change[0].partition("/")[0] in one.services
                    )
            active = [one for one in incidents if one.active]
            keys = [one.key for one in active if one.key]
            assert len(keys) == len(set(keys))
            assert transitions(shop) == expected
            for name in step.found:
                service = name.partition("/")[0]
                opening = shop.workspace.services[service].incidents
                if opening and failures(history[name]) >= opening.open_after:
                    settled = any(
                        (one.resolved or one.closed) > stood[name].since
                        for one in incidents
                        if one.key and not one.active
                    )
                    assert settled or any(service in one.services for one in active)
            if shop.path.exists():
                assert verify(shop.path) == []


def transitions(shop):
    with open_store(shop.path, write=False) as store:
        found = [one for one in events(store.db) if one.kind == "incident.observed" and one.body["check"]]
    return Counter(
        (one.subject, one.body["check"], one.body["from"], one.body["to"])
        for one in found
        if one.body["from"] != one.body["to"]
    )
