"""`opsctl check` again and again: until all is up, for ever, and against a baseline."""

import json
import os
import signal
import subprocess

import pytest

WORKSPACE = """
    version: 1
    name: Shop
    services:
      api: {checks: {ready: {file: run/api}}}
      web: {checks: {ready: {file: run/web}}}
"""


@pytest.fixture
def shop(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE).write("run/web", "")
    return opsctl


def test_a_deploy_waits_until_all_are_up(shop):
    child = subprocess.Popen(shop.argv("check", "--wait", "60s", "--every", "100ms"), cwd=shop.path,
                             env=shop.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)  # fmt: skip
    while not (shop.path / ".opsctl/opsctl.db").exists():
        pass
    shop.write("run/api", "")
    out, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (0, b"")
    assert out.endswith(b"2 checks: 2 up\n")


def test_what_is_not_up_in_time_is_told(shop):
    ran = shop("check", "--wait", "300ms", "--every", "100ms")
    assert ran.code == 1
    assert ran.out.endswith("2 checks: 1 up, 1 down\n")
    assert shop("check", "--wait", "1s", "--watch").err == (
        "opsctl: `--wait` ends when all are up, and `--watch` never does; use one of them\n"
    )
    assert shop("check", "--wait", "soon").code == 2


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--prove", "--replay"), "`--prove` and `--replay`"),
        (("--prove", "--wait", "5m"), "`--prove` and `--wait`"),
        (("--replay", "--watch"), "`--replay` and `--watch`"),
    ],
)
def test_what_asks_nobody_waits_for_nothing(shop, flags, words):
    ran = shop("check", *flags)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"opsctl: {words} exclude each other; use one of them\n"


PATIENT = """
    version: 1
    name: Shop
    services:
      api:
        checks:
          ready: {file: run/api, fail_after: 3}
          key: {command: [sh, -c, "exit ${env:KEY}"], fail_after: 5}
"""


def test_what_does_not_count_as_down_yet_was_not_up_in_time_either(opsctl):
    opsctl.write("opsctl.yaml", PATIENT).write("run/api", "")
    assert opsctl("check", env={"KEY": "0"}).code == 0
    wait = ("check", "--wait", "100ms", "--every", "1s")
    assert opsctl("check").code == 0
    assert opsctl(*wait).code == 3
    (opsctl.path / "run/api").unlink()
    late = opsctl(*wait, "api/ready")
    assert (late.code, late.out.splitlines()[-1]) == (1, "1 check: 1 down")
    opsctl.write("run/api", "")
    opsctl("check", "api/ready")
    (opsctl.path / "run/api").unlink()
    # Who reads the file and not the exit code is told so too.
    assert 'failures="1"' in opsctl(*wait, "api/ready", "-o", "junit").out
    opsctl.write("run/api", "")
    opsctl("check", "api/ready")
    (opsctl.path / "run/api").unlink()
    assert opsctl("check", "api/ready", "--exit-style", "nagios").code == 1
    assert opsctl(*wait[:2], "1ms", "api/ready", "--exit-style", "nagios").code == 2


def test_watch_goes_on_until_it_is_interrupted(shop):
    child = subprocess.Popen(shop.argv("check", "--watch", "--every", "50ms"), cwd=shop.path,
                             env={**os.environ, "PYTHONUNBUFFERED": "1"}, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    shown = b""
    while shown.count(b"2 checks:") < 3:
        shown += os.read(child.stdout.fileno(), 65536)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    assert child.returncode == 130


def test_only_what_is_newly_broken_fails_against_a_baseline(shop):
    kept = shop("check", "--save-baseline", "monday")
    assert (kept.code, kept.err) == (1, "kept as baseline monday\n")
    same = shop("check", "--since-baseline", "monday")
    assert (same.code, same.err) == (
        0,
        "since baseline monday of 2026-11-20 12:00:00 UTC:\n  fixed: none\n  still: api/ready\n  new: none\n",
    )
    shop.write("run/api", "")
    (shop.path / "run/web").unlink()
    other = shop("check", "--since-baseline", "monday")
    assert other.code == 1
    assert other.err.endswith("  fixed: api/ready\n  still: none\n  new: web/ready\n")
    shop.write("opsctl.yaml", WORKSPACE + "      db: {checks: {ready: {file: run/db}}}\n")
    assert shop("check", "db", "--since-baseline", "monday").code == 1


def test_a_baseline_that_is_not_there_is_told_before_anything_is_checked(shop):
    shop("check", "--save-baseline", "monday")
    ran = shop("check", "--since-baseline", "munday")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "opsctl: no baseline is called `munday`; did you mean `monday`?\n"


def test_a_baseline_of_this_very_run_excuses_nothing(shop):
    shop.write("run/api", "")
    assert shop("check", "--save-baseline", "monday").code == 0
    (shop.path / "run/api").unlink()
    both = ("check", "--since-baseline", "monday", "--save-baseline", "monday")
    first = shop(*both)
    assert first.code == 1
    assert first.err.endswith("  still: none\n  new: api/ready\nkept as baseline monday\n")
    second = shop(*both)
    assert (second.code, "  still: api/ready\n  new: none\n" in second.err) == (0, True)


def test_what_a_baseline_could_not_tell_was_not_shown_to_be_broken(opsctl):
    opsctl.write("opsctl.yaml", PATIENT)
    assert opsctl("check", "api/key", "--save-baseline", "monday").code == 3
    same = opsctl("check", "api/key", "--since-baseline", "monday")
    assert (same.code, "  still: api/key\n  new: none\n" in same.err) == (0, True)
    down = opsctl("check", "api/key", "--since-baseline", "monday", env={"KEY": "1"})
    assert (down.code, "  still: none\n  new: api/key\n" in down.err) == (1, True)


def test_a_run_that_is_not_kept_is_told_against_a_baseline_too(shop, monkeypatch):
    from opsctl.errors import StoreError

    shop("check", "--save-baseline", "monday")

    def locked(*_):
        raise StoreError("the store is locked by another process")

    monkeypatch.setattr("opsctl.store.results.record", locked)
    ran = shop("check", "--since-baseline", "monday")
    assert (ran.code, "not recorded: the store is locked" in ran.err) == (6, True)


def test_a_monitoring_system_reads_what_is_new_since_a_baseline(shop):
    nagios = ("check", "--since-baseline", "monday", "--exit-style", "nagios")
    shop("check", "--save-baseline", "monday")
    assert shop(*nagios).code == 0
    (shop.path / "run/web").unlink()
    assert shop(*nagios).code == 2
    shop("maintenance", "start", "all", "--for", "2h", "--reason", "new disks")
    assert shop(*nagios).code == 3
    assert shop(*nagios[:3]).code == 3


def test_what_is_newly_degraded_fails_where_that_is_wished(shop):
    shop.write("opsctl.yaml", WORKSPACE.replace("{file: run/web}", "{file: run/web, warn: [size > 0B]}"))
    shop.write("run/web", "x").write("run/api", "")
    assert shop("check", "--save-baseline", "monday").code == 0
    shop.write("run/web", "")
    since = ("check", "--since-baseline", "monday")
    assert shop(*since).code == 0
    degraded = shop(*since, "--fail-on", "degraded")
    assert (degraded.code, "  still: none\n  new: web/ready\n" in degraded.err) == (1, True)
    assert shop(*since, "--exit-style", "nagios").code == 1
    shop("check", "--save-baseline", "monday")
    assert shop(*since, "--fail-on", "degraded").code == 0


def test_what_was_not_up_in_time_is_new_since_a_baseline(shop):
    shop.write("opsctl.yaml", WORKSPACE.replace("{file: run/web}", "{file: run/web, fail_after: 9}"))
    shop("check", "--save-baseline", "monday")
    (shop.path / "run/web").unlink()
    ran = shop("check", "--since-baseline", "monday", "--wait", "10ms")
    assert (ran.code, "  still: api/ready\n  new: web/ready\n" in ran.err) == (1, True)


def first_line(ran):
    """The first line for a monitoring system, which says the word of the exit code."""
    line = ran.out.splitlines()[0].partition(" | ")[0]
    assert line.split()[1] == ("OK", "WARNING", "CRITICAL", "UNKNOWN")[ran.code]
    return line


def test_for_nagios_the_first_line_says_what_the_exit_code_does(shop):
    nagios = ("check", "-o", "nagios", "--exit-style", "nagios")
    assert first_line(shop(*nagios)) == "OPSCTL CRITICAL - 1 of 2 up; not up: api/ready"
    shop("check", "--save-baseline", "monday")
    since = (*nagios, "--since-baseline", "monday")
    assert first_line(shop(*since)) == "OPSCTL OK - 1 of 2 up, 0 newly broken; not up: api/ready"
    shop.write("opsctl.yaml", WORKSPACE.replace("{file: run/web}", "{file: run/web, warn: [size > 0B]}"))
    shop.write("run/api", "")
    assert first_line(shop(*since)) == "OPSCTL WARNING - 1 of 2 up, 1 newly broken; not up: web/ready"
    assert (
        first_line(shop(*nagios, "--fail-on", "degraded")) == "OPSCTL CRITICAL - 1 of 2 up; not up: web/ready"
    )
    shop("check", "--save-baseline", "monday")
    assert first_line(shop(*since)) == "OPSCTL OK - 1 of 2 up, 0 newly broken; not up: web/ready"
    shop.write("opsctl.yaml", WORKSPACE.replace("{file: run/web}", "{file: run/web, fail_after: 3}"))
    shop("check")
    (shop.path / "run/web").unlink()
    assert first_line(shop(*nagios)) == "OPSCTL WARNING - 1 of 2 up; not up: web/ready"
    assert first_line(shop(*nagios, "--wait", "1ms")) == "OPSCTL CRITICAL - 1 of 2 up; not up: web/ready"
    shop("maintenance", "start", "all", "--for", "2h", "--reason", "new disks")
    assert first_line(shop(*nagios)) == "OPSCTL UNKNOWN - 0 of 0 up"


def test_json_tells_the_exit_code_and_how_all_compares_with_a_baseline(shop):
    shop("check", "--save-baseline", "monday")
    assert "baseline" not in json.loads(shop("check", "-o", "json").out)
    (shop.path / "run/web").unlink()
    for output in ("json", "ndjson"):
        ran = shop("check", "--since-baseline", "monday", "-o", output)
        answer = json.loads(ran.out if output == "json" else ran.out.splitlines()[-1])
        assert answer["baseline"] == {
            "name": "monday",
            "at": "2026-11-20T12:00:00.000Z",
            "new": ["web/ready"],
            "still": ["api/ready"],
            "fixed": [],
        }
    shop.write("run/web", "")
    ran = shop("check", "--since-baseline", "monday", "-o", "json")
    assert (ran.code, json.loads(ran.out)["summary"]["exit_code"]) == (0, 0)
    ran = shop("check", "web", "--fail-on", "degraded", "-o", "json")
    assert (ran.code, json.loads(ran.out)["summary"]["exit_code"]) == (0, 0)


def test_for_cron_nothing_is_said_where_nothing_is_newly_broken(shop):
    shop("check", "--save-baseline", "monday")
    quiet = ("check", "-q", "--since-baseline", "monday")
    assert shop(*quiet) == (0, "", "")
    assert shop(*quiet, "-o", "markdown") == (0, "", "")
    assert json.loads(shop(*quiet, "-o", "json").out)["baseline"]["still"] == ["api/ready"]
    (shop.path / "run/web").unlink()
    ran = shop(*quiet)
    assert (ran.code, ran.out.splitlines()[-1]) == (1, "2 checks: 2 down")
    assert ran.err.endswith("  still: api/ready\n  new: web/ready\n")
