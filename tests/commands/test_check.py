"""`opsctl check` as its users meet it: exit codes, output, recording, signals."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys

import pytest
from servers import free_port

from opsctl import checking, probing, processes
from opsctl.formats.progress import Progress
from opsctl.store import results

DISK = """
    version: 1
    name: Test
    services:
      machine:
        tags: [host]
        checks:
          root: {file: /, expect: [exists == true]}
"""


def two(tmp: str) -> str:
    return f"""
    version: 1
    name: Test
    services:
      base:
        owner: platform
        checks:
          there: {{file: {tmp}/there}}
      web:
        depends_on: base
        checks:
          page: {{file: {tmp}/page}}
          fine: {{file: /}}
"""


def test_what_is_up_answers_0_and_one_line_each(opsctl):
    ran = opsctl.write("opsctl.yaml", DISK)("check")
    assert ran == (0, "up\tmachine/root\texists == true (found true)\n1 check: 1 up\n", "")


def test_quiet_writes_nothing_when_all_is_well(opsctl):
    assert opsctl.write("opsctl.yaml", DISK)("check", "--quiet") == (0, "", "")


def test_one_root_cause_explains_what_depends_on_it_and_comes_last(opsctl):
    ran = opsctl.write("opsctl.yaml", two(str(opsctl.path)))("check")
    nothing = "nothing is there"
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert lines[0] == "up\tweb/fine\texists == true (found true)"
    assert lines[1].startswith("down\tbase/there\t")
    assert lines[2].startswith("down\tweb/page\t")
    assert lines[2].endswith("[explained by base/there]")
    assert "    look: opsctl check base/there --explain" in lines
    assert "    owner: platform" in lines
    assert lines[-1] == "3 checks: 1 up, 2 down (1 root cause, 1 explained)"
    assert nothing


def test_a_check_that_could_not_look_is_unknown_and_answers_3(opsctl):
    yaml = """
        version: 1
        name: Test
        services:
          api:
            checks:
              job: {command: [definitely-not-a-program]}
    """
    ran = opsctl.write("opsctl.yaml", yaml)("check", "-o", "json")
    assert ran.code == 3
    assert json.loads(ran.out)["checks"][0]["state"] == "unknown"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "nope"), "no check matches `nope`"),
        (("check", "machin"), "no check matches `machin`; did you mean `machine`?"),
        (("check", "tag:prod"), "no check has the tag `prod`"),
        (("check", "all", "-x", "machine"), "everything selected is excluded too"),
        (("check", "-o", "jsn"), "`--output jsn` is not one of"),
        (("check", "--timeout", "5"), "--timeout: `5` has no unit"),
    ],
)
def test_a_wrong_command_line_answers_2_and_says_what_to_do(opsctl, arguments, words):
    ran = opsctl.write("opsctl.yaml", DISK)(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_no_workspace_answers_5_and_names_init(opsctl):
    ran = opsctl("check")
    assert ran.code == 5
    assert "opsctl init" in ran.err


def test_an_invalid_workspace_answers_5_with_every_problem(opsctl):
    ran = opsctl.write("opsctl.yaml", "version: 1\nname: NO\nservices: {a: {checks: {b: {fiel: x}}}}\n")(
        "check"
    )
    assert (ran.code, ran.out) == (5, "")
    assert ran.err == (
        'opsctl: opsctl.yaml:2:7: expected text, got true or false; write it in quotes: "NO"\n'
        "opsctl.yaml:3:29: unknown key `fiel`; did you mean `file`?\n"
    )


def test_fail_after_counts_across_runs(opsctl):
    marker = opsctl.path / "marker"
    marker.touch()
    yaml = f"""
        version: 1
        name: Test
        services:
          job:
            checks:
              marker: {{file: {marker}, fail_after: 2, ok_after: 2}}
    """
    opsctl.write("opsctl.yaml", yaml)
    assert opsctl("check", now="2026-11-20T12:00:00Z").code == 0
    marker.unlink()
    first = opsctl("check", now="2026-11-20T12:01:00Z")
    assert first.code == 0
    assert first.out.startswith("degraded\tjob/marker\t")
    assert "[down, 1 of 2 before it counts" in first.out
    assert opsctl("check", now="2026-11-20T12:02:00Z").code == 1
    marker.touch()
    assert opsctl("check", now="2026-11-20T12:03:00Z").code == 1
    assert opsctl("check", now="2026-11-20T12:04:00Z").code == 0


def test_a_first_failure_counts_at_once_where_nothing_fresh_speaks_against_it(opsctl):
    yaml = f"""
        version: 1
        name: Test
        services: {{job: {{checks: {{marker: {{file: {opsctl.path}/none, fail_after: 3}}}}}}}}
    """
    assert opsctl.write("opsctl.yaml", yaml)("check").code == 1


def test_failed_selects_what_was_not_up(opsctl):
    opsctl.write("opsctl.yaml", two(str(opsctl.path)))
    assert len(opsctl("check", "--failed", "--list").out.splitlines()) == 3
    opsctl("check")
    listed = opsctl("check", "--failed", "--list")
    assert [line.split("\t")[0] for line in listed.out.splitlines()] == ["base/there", "web/page"]


def test_where_nothing_failed_programs_get_an_empty_run_and_people_words(opsctl):
    opsctl.write("opsctl.yaml", DISK)("check")
    ran = opsctl("check", "--failed")
    assert (ran.code, ran.out) == (0, "nothing was down, degraded or unknown last time\n")
    ran = opsctl("check", "--failed", "-o", "json")
    found = json.loads(ran.out)
    assert (ran.code, found["checks"], found["summary"]["total"]) == (0, [], 0)
    assert found["summary"]["exit_code"] == 0


def test_a_store_that_cannot_be_used_shows_the_results_and_answers_6(opsctl):
    opsctl.write("opsctl.yaml", DISK).write(
        ".opsctl/opsctl.db", "this is not a database, and long enough " * 50
    )
    ran = opsctl("check")
    assert ran.code == 6
    assert ran.out == "up\tmachine/root\texists == true (found true)\n1 check: 1 up; not recorded\n"
    assert ran.err.startswith("opsctl: not recorded: ")


def test_no_record_leaves_no_store(opsctl):
    assert opsctl.write("opsctl.yaml", DISK)("check", "--no-record").code == 0
    assert not (opsctl.path / ".opsctl").exists()


def test_nagios_style_exit_codes(opsctl):
    opsctl.write("opsctl.yaml", two(str(opsctl.path)))
    assert opsctl("check", "--exit-style", "nagios").code == 2
    assert opsctl("check", "web/fine", "--exit-style", "nagios").code == 0


def test_a_secret_is_in_no_output_and_not_in_the_store(opsctl):
    yaml = """
        version: 1
        name: Test
        services:
          api:
            checks:
              leak: {command: [sh, -c, "echo $0; echo $0 >&2; exit 1", "${env:TOKEN}"]}
    """
    opsctl.write("opsctl.yaml", yaml)
    secret = "s3cr3t-t0ken-value"
    outputs = [
        opsctl("check", "-o", name, "--explain", env={"TOKEN": secret})
        for name in ("text", "json", "ndjson", "csv", "junit", "github", "nagios", "prometheus", "markdown")
    ]
    assert all(ran.code == 1 for ran in outputs)
    assert not any(secret in ran.out + ran.err for ran in outputs)
    assert secret.encode() not in (opsctl.path / ".opsctl" / "opsctl.db").read_bytes()


def test_every_service_has_its_group_judged_with_members_outside_the_selection(opsctl):
    yaml = """
        version: 1
        name: Test
        services:
          a: {checks: {one: {file: /}, two: {file: /nope}}}
          b: {checks: {some: {group: {members: [a], at_least: 1}}}}
    """
    ran = opsctl.write("opsctl.yaml", yaml)("check", "b", "-o", "json")
    states = {check["check"]: check["state"] for check in json.loads(ran.out)["checks"]}
    assert states == {"a/one": "up", "a/two": "down", "b/some": "up"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_with_partial_results_recorded(opsctl, number, code):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yaml = f"""
            version: 1
            name: Test
            services:
              a: {{checks: {{fine: {{file: /}}}}}}
              b: {{checks: {{slow: {{tcp: {{address: "127.0.0.1:{silent.getsockname()[1]}", until: x}}, expect: 'received == "x"', timeout: 30s, retries: 0}}}}}}
        """
        opsctl.write("opsctl.yaml", yaml)
        child = subprocess.Popen(
            opsctl.argv("check", "--jobs", "1"),
            cwd=opsctl.path,
            env=opsctl.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        silent.settimeout(20)
        connection, _ = silent.accept()
        with connection:
            child.send_signal(number)
            out, err = child.communicate(timeout=20)
    assert child.returncode == code
    assert "up\ta/fine" in out
    assert "ended early by a signal" in err
    assert opsctl("check", "--failed", "--list").code == 0


def test_a_signal_while_the_checks_are_being_started_ends_the_run_at_once(opsctl, monkeypatch):
    start = probing._work

    def told_to_stop_meanwhile(*arguments):
        signal.raise_signal(signal.SIGINT)
        start(*arguments)

    monkeypatch.setattr(probing, "_work", told_to_stop_meanwhile)
    slow = DISK.replace("{file: /, expect: [exists == true]}", '{command: [sleep, "60"], timeout: 50s}')
    ran = opsctl.write("opsctl.yaml", slow)("check")
    assert (ran.code, ran.err) == (
        130,
        "opsctl: ended early by a signal; what was not checked is not shown\n",
    )


def test_a_signal_while_results_are_recorded_loses_none(opsctl, monkeypatch):
    kept = results.record

    def told_to_stop_meanwhile(*arguments, **more):
        signal.raise_signal(signal.SIGINT)
        return kept(*arguments, **more)

    monkeypatch.setattr(results, "record", told_to_stop_meanwhile)
    ran = opsctl.write("opsctl.yaml", DISK)("check")
    assert (ran.code, ran.out.splitlines()[0]) == (130, "up\tmachine/root\texists == true (found true)")
    assert opsctl("check", "--failed").out == "nothing was down, degraded or unknown last time\n"


def test_who_is_told_to_stop_twice_records_what_was_found(opsctl, monkeypatch):
    def told_to_stop(*arguments):
        yield from probing.probe_all(*arguments)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(checking, "probe_all", told_to_stop)
    monkeypatch.setattr(processes, "stop_all", lambda: signal.raise_signal(signal.SIGINT))
    ran = opsctl.write("opsctl.yaml", DISK)("check")
    assert (ran.code, ran.out.splitlines()[0]) == (130, "up\tmachine/root\texists == true (found true)")
    assert opsctl("check", "--failed").out == "nothing was down, degraded or unknown last time\n"


def test_a_signal_between_the_last_answer_and_recording_loses_none(opsctl, monkeypatch):
    monkeypatch.setattr(Progress, "close", lambda _self: signal.raise_signal(signal.SIGINT))
    ran = opsctl.write("opsctl.yaml", DISK)("check")
    assert (ran.code, ran.out.splitlines()[0]) == (130, "up\tmachine/root\texists == true (found true)")
    assert opsctl("check", "--failed").out == "nothing was down, degraded or unknown last time\n"


def test_a_closed_reader_is_no_traceback(opsctl):
    opsctl.write("opsctl.yaml", DISK)
    command = " ".join(opsctl.argv("check")) + " | true"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=opsctl.path,
        env=opsctl.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr


def test_a_refused_port_is_down_with_its_cause(opsctl):
    yaml = f"""
        version: 1
        name: Test
        defaults: {{check: {{retries: 0}}}}
        services: {{api: {{checks: {{port: {{tcp: "127.0.0.1:{free_port()}"}}}}}}}}
    """
    ran = opsctl.write("opsctl.yaml", yaml)("check", "-o", "json")
    (check,) = json.loads(ran.out)["checks"]
    assert (ran.code, check["cause"], check["attempts"]) == (1, "refused", 1)


def test_the_process_answers_like_the_function(opsctl):
    ran = opsctl.write("opsctl.yaml", DISK).process("check")
    assert ran == (0, "up\tmachine/root\texists == true (found true)\n1 check: 1 up\n", "")
    assert sys.executable


def test_a_quiet_run_gives_way_to_one_that_has_not_ended(opsctl):
    from opsctl.store.locks import run_lock

    opsctl.write("opsctl.yaml", DISK)
    assert opsctl("check", "--quiet").code == 0
    with run_lock(opsctl.path / ".opsctl" / "opsctl.db", "check") as held:
        assert held
        ran = opsctl("check", "--quiet")
        assert opsctl("check").code == 0
    assert ran.code == 3
    assert "the last run has not ended yet" in ran.err
    assert opsctl("check", "--quiet").code == 0


def test_for_nagios_an_invalid_workspace_is_unknown(opsctl):
    ran = opsctl.write("opsctl.yaml", "version: 1\n")("check", "--exit-style", "nagios")
    assert (ran.code, ran.err) == (3, "")
    assert ran.out == "OPSCTL UNKNOWN - opsctl.yaml:1:1: missing key `name`\n"


def test_a_secret_across_a_cut_does_not_show_its_beginning(opsctl):
    secret = "abcdefghijklmnopqrstuvwxyz0123456789"
    yaml = """
        version: 1
        name: Test
        services:
          api:
            checks:
              leak:
                command: [sh, -c, 'printf "%s%s" "$1" "$0"', "${env:TOKEN}", PADDING]
                expect: ['stdout == "x"']
    """
    for padding in (40, 60, 70, 140, 150, 2020, 2040):
        opsctl.write("opsctl.yaml", yaml.replace("PADDING", "x" * padding))
        ran = opsctl("check", "--explain", "-o", "json", env={"TOKEN": secret})
        assert ran.code == 1
        assert secret[:6] not in ran.out
