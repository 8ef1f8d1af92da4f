"""Runs of runbooks under random failures and kills: every change takes effect once, or is reported."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from opsctl import journal, performing

if TYPE_CHECKING:
    from conftest import Opsctl

EXAMPLES = 1_000 if __import__("os").environ.get("OPSCTL_LONG") else 25
ALICE = {"OPSCTL_ACTOR": "alice"}
TITLE = "version: 1\nname: Shop\nservices: {a: {checks: {c: {file: /}}}}\n"


class Killed(BaseException):
    """Nothing runs after this, as after `kill -9`."""


class Killer:
    """Kills at the n-th chance that it gets."""

    def __init__(self) -> None:
        self.left = -1

    def chance(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


@pytest.fixture
def killer(monkeypatch: pytest.MonkeyPatch) -> Killer:
    """Chances before and after each transaction and each deed."""
    killer = Killer()

    def around(module: Any, owner: Any, name: str) -> None:
        whole = getattr(owner, name)

        def deed(*arguments: Any, **named: Any) -> Any:
            killer.chance()
            done = whole(*arguments, **named)
            killer.chance()
            return done

        monkeypatch.setattr(owner, name, deed)

    around(journal, journal.Journal, "_write")
    around(performing, performing.Performer, "_call")
    return killer


# A step fails this many times before it works; it may have something that undoes it, and a proof that it worked.
steps = st.lists(
    st.fixed_dictionaries(
        {
            "fails": st.sampled_from([0, 0, 0, 1, 2]),
            "retries": st.sampled_from([0, 1]),
            "verify": st.booleans(),
            "undo": st.booleans(),
            "on_failure": st.sampled_from(["stop", "stop", "rollback"]),
        }
    ),
    min_size=1,
    max_size=4,
)


def written(number: int, step: dict[str, Any]) -> dict[str, Any]:
    fails = f"echo x >>tries-{number}; test $(wc -l <tries-{number}) -gt {step['fails']} || exit 1; "
    made = {"id": f"s{number}", "run": ["sh", "-c", f"{fails}echo s{number} >>log"],
            "retries": step["retries"], "retry_delay": "0s", "on_failure": step["on_failure"]}  # fmt: skip
    if step["verify"]:
        made["verify"] = {"run": ["grep", "-qx", f"s{number}", "log"]}
    if step["undo"]:
        made["undo"] = {"run": ["sh", "-c", f"echo u{number} >>log"]}
    return made


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(made=steps, kills=st.lists(st.integers(1, 30), max_size=4))
def test_a_change_takes_effect_once_or_is_reported(
    opsctl: Opsctl, killer: Killer, made: list[dict[str, Any]], kills: list[int]
) -> None:
    for path in opsctl.path.glob("*"):
        if path.is_file():
            path.unlink()
    for path in (opsctl.path / ".opsctl").glob("*"):
        path.unlink()
    runbook = {"title": "It", "steps": [written(number, step) for number, step in enumerate(made)]}
    opsctl.write("opsctl.yaml", TITLE + f"runbooks: {json.dumps({'it': runbook})}\n")
    opsctl.write("log", "")
    words = ["run", "it"]
    for turn in range(40):
        killer.left = kills[turn] if turn < len(kills) else -1
        try:
            opsctl("runbook", *words, env=ALICE)
        except Killed:
            event("killed")
        killer.left = -1
        runs = json.loads(opsctl("runbook", "runs", "--all", "-o", "json", env=ALICE).out)["runs"]
        if not runs:
            continue
        (run,) = runs
        words = ["resume", "1"]
        log = Counter((opsctl.path / "log").read_text().split())
        assert all(times == 1 for times in log.values()), log
        if run["state"] in {"done", "recovered"}:
            break
        if run["state"] == "unknown":
            event("unknown")
            settle(opsctl, run, log)
    else:
        assert run["state"] == "failed", run
    event(run["state"])
    log = (opsctl.path / "log").read_text().split()
    changes = [word for word in log if word.startswith("s")]
    undone = [word for word in log if word.startswith("u")]
    kept = {step["step"]: step["outcome"] for step in run["steps"]}
    assert {name for name, outcome in kept.items() if outcome == "ok"} == set(changes)
    assert changes == sorted(changes)
    if run["state"] == "done":
        assert changes == [f"s{number}" for number in range(len(made))]
        assert not undone
    elif run["state"] == "recovered":
        assert undone == [f"u{change[1:]}" for change in reversed(changes)]
    assert opsctl("db", "verify").code == 0


def settle(opsctl: Opsctl, run: dict[str, Any], log: Counter[str]) -> None:
    """A person looks at what nobody knows, and says what is so."""
    for step in run["steps"]:
        number = step["step"][1:]
        if step["outcome"] in {None, "unknown"}:
            outcome = "done" if log[f"s{number}"] else "not-done"
        elif step["undone"] == "begun":
            outcome = "done" if log[f"u{number}"] else "not-done"
        else:
            continue
        said = opsctl("runbook", "settle", "1", step["step"], outcome, env=ALICE)
        assert not said.err, said
