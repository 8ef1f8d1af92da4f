"""The `command` check on real programs and real monitoring plugins."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from checks.probe import probe

from opsctl.checks.command import CommandCheck
from opsctl.outcome import Cause, Failure, Observation
from opsctl.secrets import Template

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/home/somebody", "SECRET_TOKEN": "s3cret-value"}
PLUGINS = Path("/usr/lib/nagios/plugins")


def command(*words: str, **fields) -> CommandCheck:
    return CommandCheck(run=tuple(map(Template, words)), **fields)


def shell(script: str, **fields) -> CommandCheck:
    return command("sh", "-c", script, **fields)


def look(
    check: CommandCheck, *wanted: str, timeout: float = 30.0, environ=ENVIRON, root=Path("/")
) -> Observation:
    return probe(check, timeout=timeout, wanted=frozenset(wanted), environ=environ, root=root)


def plugin(output: str, exit_code: int) -> CommandCheck:
    return command("sh", "-c", f'printf %s "$1"; exit {exit_code}', "sh", output, format="nagios")


def seen(observation: Observation) -> dict:
    """What was observed, without how long it took."""
    return {name: value for name, value in observation.values.items() if name != "latency"}


def test_what_is_not_wanted_is_not_reported():
    observation = look(shell("echo out; echo err >&2; exit 3"))
    assert set(observation.values) == {"exit_code", "latency"}
    assert observation.values["exit_code"] == 3
    assert 0 < observation.values["latency"] < 30
    assert observation.failure is None


def test_outputs_are_told_apart():
    observation = look(shell("echo out; echo err >&2"), "stdout", "stderr")
    assert seen(observation) == {"exit_code": 0, "stdout": "out\n", "stderr": "err\n"}


def test_no_output_is_an_empty_text_that_was_seen():
    assert seen(look(command("true"), "stdout")) == {"exit_code": 0, "stdout": ""}


def test_the_evidence_is_the_command_and_what_came_of_it():
    assert look(shell("echo out; echo err >&2; exit 3")).evidence == {
        "command": "sh -c 'echo out; echo err >&2; exit 3'",
        "exit_code": 3,
        "stdout": "out\n",
        "stderr": "err\n",
    }


def test_a_signal_is_an_exit_code_and_evidence():
    observation = look(shell("kill -9 $$"))
    assert seen(observation) == {"exit_code": 137}
    assert observation.evidence == {"command": "sh -c 'kill -9 $$'", "exit_code": 137, "signal": "SIGKILL"}


def test_what_runs_too_long_shows_nothing_but_what_it_printed():
    observation = look(shell("echo began; sleep 1000"), "stdout", timeout=1.0)
    words = "it still ran after 1 s and was ended; raise `timeout` if it needs longer"
    assert observation == Observation(
        {}, Failure(Cause.TIMEOUT, words), {"command": "sh -c 'echo began; sleep 1000'", "stdout": "began\n"}
    )


def test_the_environment_is_small_and_what_is_added_comes_on_top():
    environment = {"HOME": Template("/elsewhere"), "TOKEN": Template("${env:SECRET_TOKEN}")}
    observation = look(command("env", environment=environment), "stdout")
    assert sorted(observation.values["stdout"].splitlines()) == sorted(
        [f"PATH={ENVIRON['PATH']}", "HOME=/elsewhere", "TOKEN=s3cret-value"]
    )


def test_arguments_and_input_may_hold_secrets_that_evidence_does_not():
    check = shell('echo "$1"; cat', stdin=Template("in ${env:SECRET_TOKEN}"))
    check = CommandCheck(
        run=(*check.run, Template("sh"), Template("arg ${env:SECRET_TOKEN}")), stdin=check.stdin
    )
    observation = look(check, "stdout")
    assert observation.values["stdout"] == "arg s3cret-value\nin s3cret-value"
    assert observation.evidence["command"] == "sh -c 'echo \"$1\"; cat' sh 'arg ${env:SECRET_TOKEN}'"


@pytest.mark.parametrize(
    "check",
    [
        command("echo", "${env:ABSENT}"),
        command("env", environment={"A": Template("${env:ABSENT}")}),
        command("cat", stdin=Template("${env:ABSENT}")),
    ],
)
def test_a_missing_secret_is_our_fault(check):
    words = "the environment variable ABSENT is not set; set it and run again"
    observation = look(check)
    assert (observation.values, observation.failure) == ({}, Failure(Cause.SECRET, words))


def test_it_runs_in_the_workspace_or_below(tmp_path):
    (tmp_path / "below").mkdir()
    assert look(command("pwd", "-P"), "stdout", root=tmp_path).values["stdout"] == f"{tmp_path.resolve()}\n"
    below = look(command("pwd", "-P", directory="below"), "stdout", root=tmp_path)
    assert below.values["stdout"] == f"{tmp_path.resolve()}/below\n"


def test_a_program_of_the_workspace_is_found_by_its_path(tmp_path):
    script = tmp_path / "look.sh"
    script.write_text("#!/bin/sh\nexit 4\n", encoding="ascii")
    script.chmod(0o755)
    assert seen(look(command("./look.sh"), root=tmp_path)) == {"exit_code": 4}


def test_a_program_that_is_not_there_says_nothing_about_the_target():
    words = (
        "there is no program `no-such-program`, or not the interpreter that its first line names; install it"
    )
    assert look(command("no-such-program", "-x")) == Observation(
        {}, Failure(Cause.UNSUPPORTED, words), {"command": "no-such-program -x"}
    )


def test_a_missing_folder_is_named(tmp_path):
    words = f"there is no folder {tmp_path}/missing to run `true` in"
    observation = look(command("true", directory="missing"), root=tmp_path)
    assert observation.failure == Failure(Cause.UNSUPPORTED, words)


def test_a_file_that_may_not_be_executed_is_a_matter_of_permission(tmp_path):
    (tmp_path / "script").write_text("#!/bin/sh\n", encoding="ascii")
    words = "`./script` may not be run here: Permission denied; look at the mode of the file and its folders"
    assert look(command("./script"), root=tmp_path).failure == Failure(Cause.PERMISSION, words)


def test_a_file_that_is_no_program_is_not_run(tmp_path):
    script = tmp_path / "script"
    script.write_text("exit 0\n", encoding="ascii")
    script.chmod(0o755)
    failure = look(command("./script"), root=tmp_path).failure
    assert failure == Failure(Cause.UNSUPPORTED, "`./script` cannot be run: Exec format error")


def test_an_argument_with_a_nul_is_not_run():
    failure = look(command("echo", "a\0b")).failure
    assert failure == Failure(Cause.UNSUPPORTED, "`echo` cannot be run: embedded null byte")


def test_json_keeps_its_types():
    observation = look(shell("""echo '{"ok": true, "n": 1, "f": 1.5, "none": null, "l": ["1"]}'"""), "json")
    assert seen(observation) == {
        "exit_code": 0,
        "json": {"ok": True, "n": 1, "f": 1.5, "none": None, "l": ["1"]},
    }


def test_json_is_parsed_where_the_format_says_so():
    assert seen(look(shell("echo 1", format="json"))) == {"exit_code": 0, "json": 1}


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("error", "Expecting value: line 1 column 1 (char 0)"),
        ('{"a": 1} x', "Extra data: line 1 column 10 (char 9)"),
        ('{"a": NaN}', "NaN is not a JSON value"),
        ("[-Infinity]", "-Infinity is not a JSON value"),
        ("1e999", "1e999 is too large a number"),
    ],
)
def test_what_is_not_json_is_absent_and_said(printed, reason):
    observation = look(command("sh", "-c", 'printf %s "$1"; exit 2', "sh", printed), "json")
    assert seen(observation) == {"exit_code": 2}
    assert observation.failure == Failure(Cause.OUTPUT, f"stdout is not JSON (the exit code is 2): {reason}")


def test_a_key_that_stands_twice_is_not_believed(opsctl):
    run = {"run": ["echo", '{"state": "down", "state": "ok", "n": 1}']}
    checks = {
        "state": {"command": run, "expect": ['json.state == "ok"'], "retries": 0},
        "n": {"command": run, "expect": ["json.n == 1"]},
    }
    document = {"version": 1, "name": "Shop", "services": {"shop": {"checks": checks}}}
    opsctl.write("opsctl.yaml", json.dumps(document))
    ran = opsctl("check")
    assert (ran.code, ran.out.splitlines()[:2]) == (
        1,
        [
            "up\tshop/n\tjson.n == 1 (found 1)",
            "down\tshop/state\tstdout is JSON in which `state` stands twice in one object (the exit code is 0)",
        ],
    )


def test_json_nested_too_deeply_is_absent():
    observation = look(shell("head -c 100000 /dev/zero | tr '\\0' '['"), "json")
    assert seen(observation) == {"exit_code": 0}
    assert observation.failure.cause is Cause.OUTPUT


@pytest.mark.parametrize("wanted", ["stdout", "json"])
def test_an_output_too_long_to_judge_is_absent(wanted):
    observation = look(shell("head -c 2000000 /dev/zero"), wanted)
    assert seen(observation) == {"exit_code": 0}
    words = "stdout is 2000000 bytes long; only 1048576 can be judged, so print less"
    assert observation.failure == Failure(Cause.TOO_LARGE, words)


def test_an_output_too_long_to_judge_harms_nothing_that_is_judged():
    observation = look(shell("head -c 2000000 /dev/zero; echo err >&2"), "stderr")
    assert (seen(observation), observation.failure) == ({"exit_code": 0, "stderr": "err\n"}, None)


def test_evidence_of_a_long_output_is_its_start_and_its_end_in_whole_words():
    shown = look(shell("seq 10000")).evidence["stdout"]
    start, middle, end = shown.split("\n...")[0], shown.split("...")[1], shown.split("...")[-1]
    assert start.split()[:3] == ["1", "2", "3"]
    assert end.split()[-2:] == ["9999", "10000"]
    numbers = [int(word) for word in (start + end).split()]
    assert numbers == [*range(1, len(start.split()) + 1), *range(10001 - len(end.split()), 10001)]
    assert middle == f" {48894 - len(start) - len(end) + 1} characters left out "


def test_a_plugin_that_is_well():
    observation = look(plugin("PING OK - 0.80 ms|Rta=0.80ms;3000;5000;0 pl=5%\nmore", 0))
    assert seen(observation) == {
        "exit_code": 0,
        "plugin_state": "OK",
        "message": "PING OK - 0.80 ms",
        "perfdata.rta": 0.0008,
        "perfdata.pl": 5.0,
    }
    assert observation.failure is None
    assert observation.values["latency"] > 0


@pytest.mark.parametrize(("exit_code", "state"), [(0, "OK"), (1, "WARNING"), (2, "CRITICAL")])
def test_a_plugin_s_exit_code_decides_whatever_it_prints(exit_code, state):
    observation = look(plugin("OK - all is well", exit_code))
    assert seen(observation) == {"exit_code": exit_code, "plugin_state": state, "message": "OK - all is well"}
    assert observation.failure is None


@pytest.mark.parametrize("exit_code", [3, 4, 126, 127, 255])
def test_a_plugin_that_could_not_tell_shows_nothing_of_the_target(exit_code):
    observation = look(plugin("OK - well|a=1", exit_code), "stdout", "message", "perfdata", "latency")
    assert observation.values == {"exit_code": exit_code, "plugin_state": "UNKNOWN"}
    words = f"the plugin could not tell (exit code {exit_code}): OK - well"
    assert observation.failure == Failure(Cause.PLUGIN, words)
    assert observation.failure.cause.ours


def test_a_plugin_that_prints_too_much_is_not_judged():
    observation = look(shell("head -c 2000000 /dev/zero", format="nagios"))
    assert observation.values == {"exit_code": 0}
    words = "stdout is 2000000 bytes long; only 1048576 can be judged, so print less"
    assert observation.failure == Failure(Cause.TOO_LARGE, words)


def test_a_plugin_that_was_killed_could_not_tell():
    failure = look(shell(f"kill -{signal.SIGSEGV} $$", format="nagios")).failure
    assert failure == Failure(Cause.PLUGIN, "the plugin could not tell (exit code 139): SIGSEGV")


def test_a_plugin_that_prints_nothing_has_no_message():
    assert seen(look(plugin("", 0))) == {"exit_code": 0, "plugin_state": "OK"}
    failure = look(plugin("", 3)).failure
    assert failure == Failure(Cause.PLUGIN, "the plugin could not tell (exit code 3): it printed nothing")


def test_what_is_expected_by_default_follows_from_the_format():
    assert command("true").expectations() == (("exit_code == 0",), ())
    assert command("true", format="json").expectations() == (("exit_code == 0",), ())
    assert command("true", format="nagios").expectations() == (
        ('plugin_state in ["OK", "WARNING"]',),
        ('plugin_state == "OK"',),
    )


def test_problems_name_their_field():
    assert list(command("true", environment={"A": Template("b")}).problems()) == []
    check = command("", environment={"A=B": Template("")})
    assert list(check.problems()) == [
        ("environment", "`A=B` cannot be the name of a variable; use letters, digits and `_`"),
        ("run", "the program's name is empty; write it first in the list"),
    ]


def test_the_target_is_the_command_as_it_is_written():
    assert command("curl", "-H", "A: ${env:T}", "x y").target() == "curl -H 'A: ${env:T}' 'x y'"


@pytest.fixture
def dummy() -> str:
    path = PLUGINS / "check_dummy"
    if not path.exists():
        words = "needs the package monitoring-plugins-basic"
        if os.environ.get("OPSCTL_REQUIRE_SERVERS") == "1":
            pytest.fail(words)
        pytest.skip(words)
    return str(path)


@pytest.mark.parametrize(("code", "state"), [("0", "OK"), ("1", "WARNING"), ("2", "CRITICAL")])
def test_a_real_plugin_s_state(dummy, code, state):
    assert seen(look(command(dummy, code, "hello", format="nagios"))) == {
        "exit_code": int(code),
        "plugin_state": state,
        "message": f"{state}: hello",
    }


def test_a_real_plugin_that_cannot_tell(dummy):
    failure = look(command(dummy, "3", "hello", format="nagios")).failure
    assert failure == Failure(Cause.PLUGIN, "the plugin could not tell (exit code 3): UNKNOWN: hello")


def test_a_real_plugin_called_wrongly_cannot_tell(dummy):
    observation = look(command(dummy, format="nagios"))
    assert observation.values == {"exit_code": 3, "plugin_state": "UNKNOWN"}


def test_real_performance_data(dummy):
    load = str(Path(dummy).with_name("check_load"))
    check = command(load, "-w", "999,999,999", "-c", "999,999,999", format="nagios")
    observation = look(check, environ={**ENVIRON, "LC_ALL": "C"})
    assert observation.values["plugin_state"] == "OK"
    loads = [observation.values[f"perfdata.load{minutes}"] for minutes in (1, 5, 15)]
    assert all(0 <= load < 999 for load in loads)
