"""What `bin/ask` of the template `aws-platform` makes of the answers of AWS."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from templates.aws_platform import known

import opsctl.templating

# What `bin/ask` is asked, and the words that its answers may hold.
READERS = {
    "alarms": ("a",), "metric": ("a", "b", "Sum", "1"), "errors": ("a", "1"), "snapshots": ("a",), "dump": ("a", "b"),
    "stored": ("a", "b"), "findings": (), "settings": ("/a", "/b"), "account": (), "deployed": ("a", "b", "c"), "patched": ("a",),
    "containers": ("a",),
}  # fmt: skip
WORDS = (
    "MetricAlarms", "CompositeAlarms", "AlarmName", "StateValue", "MetricDataResults", "Id", "StatusCode", "Timestamps",
    "Values", "DBSnapshots", "Status", "SnapshotCreateTime", "DBSnapshotIdentifier", "Contents", "Key", "LastModified",
    "Size", "ContentLength", "findings", "severity", "firstObservedAt", "Parameters", "Name", "SummaryMap", "services",
    "deployments", "taskDefinition", "Commands", "State", "Health",
)  # fmt: skip
ASK = runpy.run_path(
    str(Path(opsctl.templating.__file__).parent / "templates/aws-platform/bin/ask"), run_name="ask"
)
STATES = st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA", "missing"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


def asked(answer, *argv):
    """The exit code and the line of `bin/ask` where AWS answers so."""
    out = io.StringIO()
    ran = subprocess.CompletedProcess((), 0, json.dumps(answer), "")
    with (
        mock.patch.dict(ASK["main"].__globals__, {"tool": lambda *_, **__: ran}),
        contextlib.redirect_stdout(out),
    ):
        code = ASK["main"](list(argv))
    return code, out.getvalue()


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), STATES, min_size=1))
def test_the_worst_of_alarms_counts_and_what_is_not_shown_is_never_well(states):
    there = [{"AlarmName": name, "StateValue": state} for name, state in states.items() if state != "missing"]
    code, line = asked({"MetricAlarms": there[:2], "CompositeAlarms": there[2:]}, "alarms", *states)
    wanted = 2 if "ALARM" in states.values() else 0 if set(states.values()) == {"OK"} else 3
    assert code == wanted, line


@given(st.integers(0, 2_000_000_000))
def test_a_time_is_the_same_as_a_number_and_as_a_text(seconds):
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert {ASK["moment"](one) for one in (seconds, f"{text}Z", f"{text}.123Z", f"{text}+00:00")} == {
        float(seconds)
    }


@given(st.floats(0, 1e12), st.floats(0, 1e12), st.floats(0, 1e12))
def test_the_share_that_failed_is_of_all_requests(requests, target, balancer):
    values = [[requests], [target], [balancer], []]
    found = [
        {"Id": f"m{number}", "StatusCode": "Complete", "Timestamps": [0] * len(one), "Values": one}
        for number, one in enumerate(values)
    ]
    code, line = asked({"MetricDataResults": found}, "errors", "a", "1")
    percent = float(line.rsplit("percent=", 1)[1])
    assert code == 0
    total = requests + balancer
    assert percent == pytest.approx(100 * (target + balancer) / total if total else 100 * (target + balancer))


@given(JSON, st.sampled_from(sorted(READERS)))
def test_whatever_aws_answers_there_is_one_line_and_a_state(answer, name):
    code, line = asked(answer, name, *READERS[name])
    assert code in {0, 1, 2, 3}
    assert line.startswith(("OK: ", "WARNING: ", "CRITICAL: ", "UNKNOWN: ")[code])
    assert line.count("\n") == 1
    if not isinstance(answer, dict) or not answer:
        assert code in {2, 3}, line


@pytest.mark.parametrize(("version", "code"), [("v1.4.1", 0), ("v1.4.2", 1)])
def test_a_version_is_deployed_once_its_image_runs(shop, version, code):
    words = ["python3", "bin/ask", "--profile", known.PROFILE, "--region", known.REGION, "deployed"]
    ran = subprocess.run(
        [*words, "shop-staging", "shop-api", version],
        cwd=shop.path,
        env=shop.env,
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (code, b"")


@pytest.mark.parametrize(
    ("status", "code"),
    [("Success", 0), ("Pending", 1), ("InProgress", 1), ("Failed", 2), ("TimedOut", 2), ("Cancelled", 2)],
)
def test_patches_are_in_once_the_command_has_ended_well(status, code):
    assert asked({"Commands": [{"CommandId": "a", "Status": status}]}, "patched", "a")[0] == code
