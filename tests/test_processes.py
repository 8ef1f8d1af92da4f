from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from opsctl.processes import Output, Ran, run, stop_all
from opsctl.signals import signals_held

LONG = 30.0
ENVIRONMENT = {"PATH": os.environ["PATH"]}


def start(
    *argv: str,
    timeout: float = LONG,
    directory: Path = Path("/"),
    environment: dict[str, str] = ENVIRONMENT,
    stdin: bytes | None = None,
    keep: int = 64 * 1024,
) -> Ran:
    return run(argv, timeout=timeout, directory=directory, environment=environment, stdin=stdin, keep=keep)


def shell(script: str, *, timeout: float = LONG, stdin: bytes | None = None, keep: int = 64 * 1024) -> Ran:
    return start("sh", "-c", script, timeout=timeout, stdin=stdin, keep=keep)


def alive(pid: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] not in {"Z", "X"}


def gone(pid: int) -> bool:
    """Whether the process ends soon; it never comes back, so waiting can only turn this true."""
    until = time.monotonic() + 10
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(pid)


def whole(data: bytes) -> Output:
    return Output(data, b"", 0)


def test_exit_code_and_both_outputs_are_known():
    ran = shell("echo out; echo err >&2; exit 3")
    assert ran == Ran(3, None, whole(b"out\n"), whole(b"err\n"), ran.duration, timed_out=False)
    assert 0 < ran.duration < LONG


def test_without_input_a_reader_finds_the_end_at_once():
    assert start("cat").stdout == whole(b"")


def test_input_reaches_the_child_whole():
    data = bytes(range(256)) * 4096
    assert start("cat", stdin=data, keep=2 * len(data)).stdout == whole(data)


def test_empty_input_is_the_end_at_once():
    assert start("cat", stdin=b"").exit_code == 0


def test_input_that_nobody_reads_blocks_nothing():
    assert start("true", stdin=b"x" * 1_000_000).exit_code == 0


def test_the_environment_is_exactly_the_one_given():
    ran = start("/usr/bin/env", environment={"A": "1", "B": "two words"})
    assert ran.stdout == whole(b"A=1\nB=two words\n")


def test_the_child_runs_in_the_directory(tmp_path):
    assert start("pwd", "-P", directory=tmp_path).stdout.text == f"{tmp_path.resolve()}\n"


def test_the_child_leads_its_own_session():
    ran = shell("ps -o sid= -p $$; echo $$")
    session, pid = ran.stdout.text.split()
    assert session == pid


@pytest.mark.parametrize(("number", "name"), [("KILL", "SIGKILL"), ("TERM", "SIGTERM"), ("SEGV", "SIGSEGV")])
def test_a_signal_gives_its_name_and_the_exit_code_a_shell_gives(number, name):
    ran = shell(f"kill -{number} $$")
    assert (ran.exit_code, ran.signal, ran.timed_out) == (128 + signal.Signals[name], name, False)


def test_a_real_time_signal_has_a_number_instead_of_a_name():
    ran = shell("kill -40 $$")
    assert (ran.exit_code, ran.signal) == (168, "signal 40")


def test_a_child_that_runs_too_long_is_ended_with_what_it_started():
    ran = shell("sleep 1000 & echo $!; echo $$; wait", timeout=1.0)
    assert (ran.exit_code, ran.signal, ran.timed_out) == (None, None, True)
    assert [gone(int(pid)) for pid in ran.stdout.text.split()] == [True, True]


def test_a_child_that_ignores_the_request_to_end_is_killed():
    ran = shell("trap '' TERM; echo $$; while :; do sleep 0.01; done", timeout=1.0)
    assert ran.timed_out
    assert gone(int(ran.stdout.text))


def test_a_child_that_is_asked_to_end_may_still_say_why():
    ran = shell("trap 'echo tidied; exit 0' TERM; echo began; sleep 1000 & wait", timeout=1.0)
    assert (ran.exit_code, ran.timed_out, ran.stdout.text) == (None, True, "began\ntidied\n")


def test_what_has_left_the_session_and_holds_the_output_does_not_hold_us():
    ran = shell("setsid sleep 1000 & echo $!; exit 5")
    pid = int(ran.stdout.text)
    try:
        assert (ran.exit_code, ran.timed_out, alive(pid)) == (5, False, True)
        # Not that it was the deadline that ended the wait.
        assert ran.duration < LONG / 2
    finally:
        os.kill(pid, signal.SIGKILL)


def test_what_has_left_the_session_does_not_hold_us_after_the_timeout_either():
    ran = shell("setsid sleep 1000 & echo $!; sleep 1000", timeout=1.0)
    pid = int(ran.stdout.text)
    try:
        assert (ran.exit_code, ran.timed_out, alive(pid)) == (None, True, True)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_what_a_child_leaves_running_is_left_alone():
    ran = shell("sleep 1000 >/dev/null 2>&1 & echo $!")
    pid = int(ran.stdout.text)
    try:
        assert (ran.exit_code, alive(pid)) == (0, True)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_child_that_closes_its_output_is_still_waited_for():
    ran = shell("exec >&- 2>&-; sleep 0.2; exit 7")
    assert (ran.exit_code, ran.timed_out) == (7, False)


def test_a_child_that_closes_its_output_and_stays_is_ended():
    ran = shell("echo $$; exec >&- 2>&-; sleep 1000", timeout=1.0)
    assert ran.timed_out
    assert gone(int(ran.stdout.text))


def test_of_a_long_output_the_start_and_the_end_are_kept():
    ran = shell("printf start; head -c 1000000 /dev/zero; printf end", keep=10)
    assert ran.stdout == Output(b"start" + bytes(5), bytes(7) + b"end", 1_000_008 - 20)
    assert ran.stdout.data == b"start%s\n... 999988 bytes left out ...\n%send" % (bytes(5), bytes(7))


def test_an_output_that_just_fits_is_whole():
    assert shell("printf 0123456789", keep=5).stdout == Output(b"01234", b"56789", 0)


def test_a_flood_is_read_in_bounded_memory_and_ended():
    tracemalloc.start()
    try:
        ran = start("yes", timeout=0.5, keep=1000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ran.timed_out
    assert peak < 1_000_000 < ran.stdout.left_out
    assert (len(ran.stdout.head), len(ran.stdout.tail)) == (1000, 1000)


def test_output_that_is_not_utf8_is_still_text():
    assert shell(r"printf '\377ok'").stdout.text == "\ufffdok"


def test_a_program_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        start("no-such-program")
    with pytest.raises(FileNotFoundError):
        start("true", directory=tmp_path / "missing")


def test_a_file_that_may_not_be_executed(tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    with pytest.raises(PermissionError):
        start(str(script))


def test_a_script_that_names_no_interpreter(tmp_path):
    script = tmp_path / "script"
    script.write_text("exit 0\n")
    script.chmod(0o755)
    with pytest.raises(OSError, match="Exec format error"):
        start(str(script))


def test_an_argument_with_a_nul_is_refused():
    with pytest.raises(ValueError, match="null"):
        start("echo", "a\0b")


def test_no_descriptor_is_left_open():
    before = sorted(Path("/proc/self/fd").iterdir())
    shell("echo out", stdin=b"in")
    shell("sleep 1000", timeout=0.1)
    assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_all_children_can_be_stopped_at_once(tmp_path):
    ready = tmp_path / "ready"
    seen: list[Ran] = []
    runner = threading.Thread(
        target=lambda: seen.append(shell(f"trap '' TERM; echo $$ >{ready}; while :; do sleep 0.01; done"))
    )
    runner.start()
    while not (ready.exists() and ready.read_text().endswith("\n")):
        time.sleep(0.01)
    stop_all()
    runner.join(LONG)
    assert [(ran.exit_code, ran.signal, ran.timed_out) for ran in seen] == [(137, "SIGKILL", False)]


def test_stopping_without_children_does_nothing():
    stop_all()


def test_an_interruption_ends_the_child():
    program = f"""
import os, signal, threading, time
from pathlib import Path
from opsctl import processes

def interrupt():
    while not processes._groups:
        time.sleep(0.01)
    print(*processes._groups, flush=True)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt).start()
processes.run(["sleep", "1000"], timeout=1000, directory=Path("/"), environment={ENVIRONMENT!r})
"""
    ran = start(sys.executable, "-c", program, directory=Path(__file__).parent.parent)
    assert ran.stderr.text.endswith("KeyboardInterrupt\n")
    assert gone(int(ran.stdout.text))


def test_where_exit_codes_are_discarded_nothing_runs():
    program = """
import signal
import subprocess
from pathlib import Path
from opsctl.processes import run
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
try:
    run(["false"], timeout=5, directory=Path("/"), environment={})
except ChildProcessError as error:
    print(error)
"""
    ran = start(sys.executable, "-c", program, directory=Path(__file__).parent.parent)
    assert ran.stdout.text == "the signal SIGCHLD is ignored, so no exit code can be known\n"


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_signal_while_a_child_is_being_started_leaves_no_child(monkeypatch, number, raised):
    """The signal comes when the child runs already, and nobody holds it yet."""
    begun = []

    class Popen(subprocess.Popen):
        def __init__(self, *arguments, **more):
            super().__init__(*arguments, **more)
            begun.append(self.pid)
            signal.raise_signal(number)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with pytest.raises(raised):
            start("sleep", "600")
    finally:
        signal.signal(signal.SIGTERM, before)
    (child,) = begun
    assert not alive(child)


def test_a_child_goes_on_to_ignore_what_this_process_ignores():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        ran = shell("kill -INT $$; echo on")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (ran.exit_code, ran.stdout.data) == (0, b"on\n")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_that_waits_for_the_end_of_a_block_is_seen_in_the_one_inside():
    told = []
    with signals_held() as outer:
        signal.raise_signal(signal.SIGINT)
        with signals_held(lambda: told.append("it came")) as inner:
            assert (outer, inner, told) == ([], [signal.SIGINT], ["it came"])
        # Nobody took it there, so it waits for the end of this one again.
        assert outer == [signal.SIGINT]
        outer.clear()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
