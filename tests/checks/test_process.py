"""The `process` check on real processes."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from checks.probe import probe

from opsctl.checks import process
from opsctl.checks.process import ProcessCheck
from opsctl.outcome import Cause, Failure, Observation

SLEEP = shutil.which("sleep") or "sleep"


def look(**fields) -> Observation:
    if isinstance(fields.get("pattern"), str):
        fields["pattern"] = re.compile(fields["pattern"])
    return probe(ProcessCheck(**fields), wanted=frozenset())


def shown(observation: Observation) -> list[int]:
    return [int(words.split()[0]) for words in observation.evidence.get("processes", [])]


@pytest.fixture
def public():
    """A folder that every user can enter, unlike those of pytest."""
    with TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture
def start(public):
    """Start a program under another name, and end it after the test."""
    children: list[subprocess.Popen[bytes]] = []

    def start_as(name: str, *arguments: str, argv0: str = "", user: int | None = None) -> int:
        program = public / name
        if not program.exists():
            shutil.copy(SLEEP, program)
        words = [argv0 or str(program), *(arguments or ("1000",))]
        children.append(subprocess.Popen(words, executable=program, user=user))
        return children[-1].pid

    yield start_as
    for child in children:
        child.kill()
        child.wait()


def test_processes_are_found_by_name(start):
    pids = [start("opsprobe-a"), start("opsprobe-a")]
    start("opsprobe-b")
    observation = look(name="opsprobe-a")
    assert observation.failure is None
    assert observation.values["count"] == 2
    assert sorted(shown(observation)) == sorted(pids)


def test_ages_and_memory_are_those_of_all_that_are_found(start):
    start("opsprobe-c")
    before = look(name="opsprobe-c").values
    assert set(before) == {"count", "youngest_age", "oldest_age", "memory"}
    assert before["youngest_age"] == before["oldest_age"] >= 0
    assert before["memory"] > 0
    everything = look(pattern=".").values
    assert everything["oldest_age"] > everything["youngest_age"]
    assert everything["memory"] > before["memory"]


def test_an_age_is_the_time_since_the_start(start):
    started = time.clock_gettime(time.CLOCK_BOOTTIME)
    start("opsprobe-d")
    age = look(name="opsprobe-d").values["youngest_age"]
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert 0 <= age <= time.clock_gettime(time.CLOCK_BOOTTIME) - started + tick


def test_a_name_longer_than_the_kernel_keeps_is_found_by_the_command_line(start):
    pid = start("opsprobe-with-a-long-name")
    assert shown(look(name="opsprobe-with-a-long-name")) == [pid]
    assert look(name="opsprobe-with-a").values["count"] == 1


def test_a_name_that_a_program_gave_itself_is_found(start):
    pid = start("opsprobe-e", argv0="/srv/somewhere/opsprobe-x")
    assert shown(look(name="opsprobe-x")) == [pid]
    assert shown(look(name="opsprobe-e")) == [pid]


def test_a_name_is_whole(start):
    start("opsprobe-f")
    assert look(name="opsprobe").values == {"count": 0}


def test_a_pattern_is_found_anywhere_in_the_command_line(start):
    pid = start("opsprobe-g", "12345.5")
    assert shown(look(pattern=r"opsprobe-g 1234\d\.5$")) == [pid]
    assert look(pattern=r"^opsprobe-g").values == {"count": 0}


def test_a_name_and_a_pattern_must_both_fit(start):
    pid = start("opsprobe-h", "1001")
    start("opsprobe-h", "1002")
    assert shown(look(name="opsprobe-h", pattern="1001")) == [pid]


@pytest.mark.parametrize("argv0", ["opsctl", "/usr/bin/opsctl", "sh -c opsctl", "python /v/bin/opsctl"])
def test_a_call_of_opsctl_does_not_find_itself(start, argv0):
    start("opsprobe-i", "1000", argv0=argv0)
    assert look(name="opsprobe-i").values["count"] == 1
    assert look(name="opsprobe-i", pattern="1000").values == {"count": 0}


def test_what_only_lives_in_a_folder_of_that_name_is_found(start):
    start("opsprobe-j", argv0="/srv/opsctl/worker")
    assert look(pattern="^/srv/opsctl/worker 1000$").values["count"] == 1


def test_this_process_never_counts_for_a_pattern():
    line = Path("/proc/self/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    assert os.getpid() not in shown(look(pattern=f"^{re.escape(line)}$"))


def test_a_zombie_does_not_run():
    pid = os.posix_spawn(SLEEP, ["opsprobe-zombie", "0"], {})
    try:
        while Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        assert pid not in shown(look(name="sleep"))
    finally:
        os.waitpid(pid, 0)


def test_the_user_must_be_the_one_named(start):
    start("opsprobe-k")
    me = pwd.getpwuid(os.getuid()).pw_name
    assert look(name="opsprobe-k", user=me).values["count"] == 1
    assert look(name="opsprobe-k", user=str(os.getuid())).values["count"] == 1
    assert look(name="opsprobe-k", user=str(os.getuid() + 1)).values == {"count": 0}


def test_a_process_of_another_user_is_found(start):
    if os.getuid():
        pytest.skip("only root can start a process for another user")
    pid = start("opsprobe-l", user=65534)
    assert shown(look(name="opsprobe-l", user="65534")) == [pid]


def test_a_user_that_is_not_known_says_nothing():
    words = "there is no user `no-such-user` on this machine; fix `user`"
    assert look(name="sh", user="no-such-user") == Observation({}, Failure(Cause.UNSUPPORTED, words))


def test_nothing_found_is_missing():
    assert look(name="no-such", pattern="a|b", user="0") == Observation(
        {"count": 0}, Failure(Cause.MISSING, "no process is no-such /a|b/ of 0")
    )


def test_where_processes_are_hidden_nothing_found_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "_PROC", tmp_path)
    words = "the processes of other users are hidden here (`hidepid`), so it may run; run opsctl as root"
    assert look(name="sh") == Observation({}, Failure(Cause.PERMISSION, words))


def test_processes_that_may_not_be_read_may_be_the_one(public, monkeypatch):
    (public / "1").mkdir()
    (public / "1/stat").touch()
    (public / "1/stat").chmod(0)
    monkeypatch.setattr(process, "_PROC", public)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)
        failure = look(name="sh").failure
    finally:
        os.seteuid(user)
    assert failure.cause is Cause.PERMISSION


def test_a_process_that_ends_while_we_look_is_no_fault(tmp_path, monkeypatch):
    (tmp_path / "1").mkdir()
    monkeypatch.setattr(process, "_PROC", tmp_path)
    assert look(name="sh").values == {"count": 0}


def test_a_system_without_a_list_of_processes_is_not_judged(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "_PROC", tmp_path / "none")
    words = f"this system lists no processes in {tmp_path}/none"
    assert look(name="sh") == Observation({}, Failure(Cause.UNSUPPORTED, words))


def test_something_must_say_which_processes_are_meant():
    assert list(ProcessCheck(name="a").problems()) == []
    assert list(ProcessCheck(pattern=re.compile("a")).problems()) == []
    words = "nothing says which processes are meant; add `name` or `pattern`"
    assert list(ProcessCheck(user="a").problems()) == [("name", words)]


def test_the_target_is_what_is_looked_for():
    assert ProcessCheck(name="nginx").target() == "nginx"
    assert ProcessCheck(pattern=re.compile("a.b"), user="www").target() == "/a.b/ of www"
