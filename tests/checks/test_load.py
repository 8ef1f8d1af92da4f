"""The `load` check on this machine."""

from __future__ import annotations

import os

from checks.probe import probe

from opsctl.checks.load import LoadCheck
from opsctl.outcome import Cause, Failure, Observation


def test_the_averages_are_the_kernel_s_and_shared_by_the_cpus(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (3.0, 2.0, 1.0))
    assert probe(LoadCheck(), wanted=frozenset()) == Observation(
        {"load1": 3.0, "load5": 2.0, "load15": 1.0, "per_cpu": 2.0 / len(os.sched_getaffinity(0))}
    )


def test_this_machine_has_a_load():
    values = probe(LoadCheck(), wanted=frozenset()).values
    assert set(values) == {"load1", "load5", "load15", "per_cpu"}
    assert all(value >= 0 for value in values.values())


def test_only_the_cpus_that_may_be_used_count(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (3.0, 6.0, 1.0))
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert probe(LoadCheck(), wanted=frozenset()).values["per_cpu"] == 6.0
    finally:
        os.sched_setaffinity(0, allowed)


def test_where_nobody_says_which_cpus_may_be_used_all_count(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (3.0, 6.0, 1.0))
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert probe(LoadCheck(), wanted=frozenset()).values["per_cpu"] == 2.0


def test_a_system_without_averages_is_not_judged(monkeypatch):
    def fail():
        raise OSError

    monkeypatch.setattr(os, "getloadavg", fail)
    words = "this system does not know its load averages"
    assert probe(LoadCheck(), wanted=frozenset()) == Observation({}, Failure(Cause.UNSUPPORTED, words))


def test_the_target_is_a_word():
    assert LoadCheck().target() == "load"
