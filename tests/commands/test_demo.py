"""`opsctl demo` as a newcomer meets it: the whole story, what it leaves behind, and that nothing goes on running."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from opsctl.demo import goods
from opsctl.demo.platform import HOST, Worker, free_port, running
from opsctl.demo.story import FAREWELL, STORY, WIDTH
from opsctl.touring import _FILES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tour.md"
COMMANDS = [command for chapter in STORY for step in chapter.steps for command in step.commands]


def environment(home, **more):
    """Variables that would lead astray are set on purpose: the demo has a workspace and a time of its own."""
    left = {name: value for name, value in os.environ.items() if name not in {"CI", "TERM"}}
    return {
        **left,
        "HOME": str(home),
        "NO_COLOR": "1",
        "OPSCTL_ACTOR": "alice",
        "OPSCTL_NOW": "2001-01-01T00:00:00Z",
        "OPSCTL_DB": str(home / "nowhere.db"),
        **more,
    }


def argv(*arguments):
    return [sys.executable, "-m", "opsctl", *arguments]


def processes_of(folder):
    """The command lines of all processes that work in a folder or name it."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            line = (one / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            near = str(folder) in line or str((one / "cwd").readlink()).startswith(str(folder))
        except OSError:
            continue
        if near and int(one.name) != os.getpid():
            found.append(line)
    return found


def ended(folder):
    """Whether all processes of a folder end within a time that is long enough for any machine."""
    until = time.monotonic() + 30
    while processes_of(folder) and time.monotonic() < until:
        time.sleep(0.05)
    return processes_of(folder) == []


def segments(transcript):
    """Every command that the tour ran, with what stands between it and the next text of the tour's own."""
    found = []
    for block in re.split(r"^\$ ", transcript, flags=re.MULTILINE)[1:]:
        shown, _, output = block.partition("\n")
        found.append((shown.partition("   #")[0], output))
    return found


class Told:
    """A tour that ran to its end."""

    def __init__(self, folder):
        self.folder = folder
        self.home = folder.parent
        self.done = subprocess.run(
            argv("demo", "shop", "--auto"),
            cwd=folder.parent,
            env=environment(self.home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.left = processes_of(folder)

    def opsctl(self, *arguments):
        env = environment(self.home)
        del env["OPSCTL_NOW"], env["OPSCTL_DB"]
        return subprocess.run(
            argv(*arguments), cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )

    def json(self, *arguments):
        return json.loads(self.opsctl(*arguments, "-o", "json").stdout)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return Told(tmp_path_factory.mktemp("told") / "shop")


def test_the_story_is_told_to_its_end(told):
    assert (told.done.returncode, told.done.stderr) == (0, "")
    out = told.done.stdout
    titles = re.findall(r"^── (\d/\d .*?) ─+$", out, re.MULTILINE)
    assert titles == [f"{number}/7 {chapter.title}" for number, chapter in enumerate(STORY, 1)]
    assert [line for line, _ in segments(out)] == [command.line for command in COMMANDS]
    assert out.endswith("\n" + FAREWELL.format(folder="shop"))


def test_what_breaks_is_explained_by_its_cause(told):
    outputs = [output for line, output in segments(told.done.stdout) if line.startswith("opsctl check")]
    assert "4 checks: 4 up\n" in outputs[0]
    assert "4 checks: 4 down (1 root cause, 3 explained)\n(exit code 1: no)\n" in outputs[1]
    assert "opened INC-1 sev1: database/orders is down (explains web and worker)\n" in outputs[2]
    assert "recovered INC-1 sev1: all checks are up again" in outputs[3]


def test_nothing_goes_on_running_when_it_is_over(told):
    assert told.left == []


def test_the_record_is_whole(told):
    ran = told.opsctl("db", "verify")
    assert (ran.returncode, ran.stdout) == (0, f"sound: {told.folder}/.opsctl/opsctl.db\n")
    assert told.opsctl("validate").returncode == 0
    assert not (told.home / "nowhere.db").exists()


def test_the_incident_is_closed_and_its_review_is_submitted(told):
    incident = told.json("incident", "show", "INC-1")
    assert (incident["state"], incident["severity"]) == ("closed", "sev1")
    assert incident["services"] == ["database", "web", "worker"]
    assert incident["roles"] == {"commander": "alice"}
    (review,) = told.json("review", "list", "--all")["reviews"]
    assert (review["review"], review["state"]) == ("PIR-1", "submitted")


def test_the_improvement_is_measured(told):
    item = told.json("backlog", "show", "OPS-1")
    assert (item["state"], item["proven"]) == ("done", True)
    assert (item["measure"], item["source"]) == ("p50 web/orders 20s", "PIR-1")
    assert item["verdict"]["outcome"] == "improved"
    assert told.json("backlog", "show", "OPS-2")["state"] == "open"


def test_the_gate_was_red_while_the_incident_was_on_and_is_green_after(told):
    decided = told.json("log", "--kind", "gate.decided")["events"]
    assert [one["body"]["verdict"] for one in decided] == ["fail", "pass"]


def test_the_runbook_is_proven_by_the_run(told):
    ran = told.opsctl("runbook", "freshness")
    assert ran.returncode == 0


def test_the_reports_are_there(told):
    report = (told.folder / "report.md").read_text()
    assert "| INC-1 | sev1 | closed | database/orders is down |" in report
    assert "1 item open; 0 done and unproven; of 1 verified, 1 improved." in report
    assert (told.folder / "report.html").read_text().startswith("<!doctype html>")


def test_a_second_tour_overwrites_nothing(told):
    before = {path: path.stat().st_mtime_ns for path in told.folder.rglob("*")}
    ran = subprocess.run(
        argv("demo", "shop", "--auto"),
        cwd=told.home,
        env=environment(told.home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    words = "shop exists already, and nothing is overwritten; name another one: opsctl demo FOLDER"
    assert ran.stderr == f"opsctl: {words}\n"
    assert {path: path.stat().st_mtime_ns for path in told.folder.rglob("*")} == before


def test_the_workspace_can_be_played_with(told):
    shop = subprocess.Popen(
        ["./shop"], cwd=told.folder, env=environment(told.home), stdout=subprocess.PIPE, text=True
    )
    try:
        assert shop.stdout.readline().startswith("The shop is open: http://127.0.0.1:")
        assert told.opsctl("check").returncode == 0
        again = subprocess.run(["./shop"], cwd=told.folder, capture_output=True, text=True, check=False)
        assert again.returncode == 1
        assert "cannot be used: Address already in use; is it open already?\n" in again.stderr
        subprocess.run(["./shop", "break"], cwd=told.folder, check=True)
        for _ in range(2):
            broken = told.opsctl("check")
            assert (broken.returncode, "4 down (1 root cause, 3 explained)" in broken.stdout) == (1, True)
        assert "opened INC-2 sev1" in broken.stdout
        assert told.opsctl("runbook", "run", "restore-orders").returncode == 0
        assert told.opsctl("check").returncode == 0
    finally:
        shop.send_signal(signal.SIGINT)
        code = shop.wait(30)
        shop.stdout.close()
    assert code == 0
    assert ended(told.folder)


def normal(text):
    """A text without what is another in each tour: times, ports, how long something took."""
    text = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?|\b\d\d:\d\d\b", "TIME", text)
    text = re.sub(r"\b[\d.]+(ms|s|m|h|d)\b( [\d.]+(ms|s|m|h)\b)?", "LONG", text)
    return re.sub(r"127\.0\.0\.1:\d+", "HERE", text).rstrip()


def test_the_page_tells_what_really_happens(told):
    """Each command of docs/tour.md is one of the tour's, in its order, with the output it really has."""
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    shown = [block.partition("\n")[::2] for block in blocks]
    happened = iter(segments(told.done.stdout))
    assert len(shown) > 12
    for line, output in shown:
        real = next((found for command, found in happened if command == line), None)
        assert real is not None, f"{line} is not run, or not after what stands before it"
        assert normal(real).startswith(normal(output)), line


def with_programs(folder, **scripts):
    """The PATH on which programs of these names are scripts."""
    (folder / "bin").mkdir()
    for name, script in scripts.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / "bin" / name).chmod(0o755)
    return {"PATH": f"{folder}/bin:{os.environ['PATH']}"}


def begun(folder, **more):
    return subprocess.Popen(
        argv("demo", "--auto"),
        cwd=folder,
        env=environment(folder, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_to(tour, line):
    assert line in iter(tour.stdout.readline, ""), tour.stderr.read()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_tour_that_is_ended_midway_leaves_nothing_running(tmp_path, number, code):
    with begun(tmp_path) as tour:
        read_to(tour, "4 checks: 4 up\n")
        there = " ".join(processes_of(tmp_path / "opsctl-demo"))
        tour.send_signal(number)
        assert tour.wait(60) == code
    assert "opsctl.demo.shop" in there
    assert "opsctl.demo.worker" in there
    assert ended(tmp_path)


def test_a_command_that_is_running_is_ended_too(tmp_path):
    path = with_programs(tmp_path, cat="echo begun\nexec sleep 600")
    with begun(tmp_path, **path) as tour:
        read_to(tour, "begun\n")
        tour.send_signal(signal.SIGINT)
        assert tour.wait(60) == 130
        assert tour.stderr.read() == ""
    assert ended(tmp_path)


class Terminal:
    """A tour on a terminal of its own, which Ctrl-C reaches as it does for a person."""

    def __init__(self, folder, **more):
        self.leader, follower = pty.openpty()
        self.shown = ""
        # The first terminal that the leader of a session opens is its own.
        opened = ["sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(follower)]
        self.child = subprocess.Popen(
            [*opened, *argv("demo")],
            cwd=folder,
            env=environment(folder, TERM="xterm", **more),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Held open until the child has it, for a terminal that nobody has is gone.
        self._follower = follower

    def until(self, words):
        """Read on until the words are there; what was read since the last time."""
        seen = ""
        while words not in seen:
            ready, _, _ = select.select([self.leader], [], [], 60)
            assert ready, f"{words!r} did not come: {seen}"
            try:
                seen += os.read(self.leader, 65536).decode().replace("\r\n", "\n")
            except OSError:
                break
        self.shown += seen
        assert words in seen, seen
        if self._follower is not None:
            os.close(self._follower)
            self._follower = None
        return seen

    def types(self, keys):
        os.write(self.leader, keys.encode())

    def ends(self):
        """The exit code, once the rest was read."""
        try:
            while chunk := os.read(self.leader, 65536):
                self.shown += chunk.decode().replace("\r\n", "\n")
        except OSError:
            pass
        os.close(self.leader)
        return self.child.wait(60)


def test_enter_leads_on_and_q_quits(tmp_path):
    terminal = Terminal(tmp_path)
    first = terminal.until("[Enter runs it, q quits] ")
    assert first.endswith("\n$ cat services/database.yaml   [Enter runs it, q quits] ")
    terminal.types("\n")
    assert "title: The shop's database" in terminal.until("$ opsctl check   [Enter] ")
    terminal.types("\n")
    assert "4 checks: 4 up" in terminal.until("$ ./shop break   [Enter] ")
    terminal.types("q\n")
    assert terminal.ends() == 0
    assert terminal.shown.endswith(FAREWELL.format(folder="opsctl-demo"))
    assert "dropped the table" not in terminal.shown
    assert ended(tmp_path)


@pytest.mark.parametrize(("keys", "code"), [("\x04", 0), ("\x03", 130)], ids=["Ctrl-D", "Ctrl-C"])
def test_a_prompt_can_be_left(tmp_path, keys, code):
    terminal = Terminal(tmp_path)
    terminal.until("[Enter runs it, q quits] ")
    terminal.types(keys)
    assert terminal.ends() == code
    assert ended(tmp_path)


def test_what_is_typed_before_a_prompt_is_no_answer_to_it(tmp_path):
    terminal = Terminal(tmp_path)
    terminal.types("q\n")
    terminal.until("[Enter runs it, q quits] ")
    terminal.types("\n")
    terminal.until("$ opsctl check   [Enter] ")
    terminal.types("q\n")
    assert terminal.ends() == 0


def test_nobody_is_asked_in_ci_though_it_has_a_terminal(tmp_path):
    terminal = Terminal(tmp_path, CI="1")
    terminal.until("4 checks: 4 up")
    terminal.types("\x03")
    assert terminal.ends() == 130
    assert "[Enter" not in terminal.shown


def test_nobody_is_asked_where_nobody_can_read_the_question(tmp_path):
    leader, follower = pty.openpty()
    with subprocess.Popen(
        argv("demo"),
        cwd=tmp_path,
        env=environment(tmp_path),
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as tour:
        impatient = threading.Timer(60, tour.kill)
        impatient.start()
        shown = [tour.stdout.readline() for _ in range(20)]
        impatient.cancel()
        tour.send_signal(signal.SIGINT)
        assert tour.wait(60) == 130
    assert "[Enter" not in "".join(shown)
    os.close(leader)
    os.close(follower)
    assert ended(tmp_path)


def test_a_command_that_ends_otherwise_ends_the_tour(tmp_path):
    path = with_programs(tmp_path, cat="exit 7")
    ran = subprocess.run(
        argv("demo", "new", "--auto"),
        cwd=tmp_path,
        env=environment(tmp_path, **path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr == (
        "opsctl: `cat services/database.yaml` ended with 7, and the story needs 0; "
        f"{tmp_path}/new is left as it is\n"
    )
    assert ended(tmp_path)


def test_what_the_tour_says_fits_in_eighty_columns():
    for chapter in STORY:
        for step in chapter.steps:
            assert len(textwrap.wrap(step.words, WIDTH)) <= 3
            for command in step.commands:
                assert len(f"$ {command.line}   # 12 times   [Enter] ") <= 80
    assert all(len(line) <= 80 for line in FAREWELL.splitlines())
    for command in COMMANDS:
        if command.line.startswith("cat "):
            shown = (_FILES / command.line.removeprefix("cat ")).read_text()
            assert all(len(line) <= 80 for line in shown.splitlines())


@pytest.fixture
def shop(tmp_path):
    goods.make(tmp_path)
    return tmp_path


def indexed(folder):
    with closing(sqlite3.connect(folder / goods.DATABASE)) as db, db:
        found = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'orders_of_customers'").fetchall()
    db.close()
    return bool(found)


def test_a_restore_brings_the_rows_and_what_the_backup_has_besides(shop):
    assert indexed(shop)
    best = goods.best_customers(shop)
    goods.lose(shop)
    for look in (goods.orders, goods.best_customers, goods.add_up, goods.lose):
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            look(shop)
    assert goods.restore(shop) == goods.ORDERS == goods.orders(shop)
    assert goods.best_customers(shop) == best
    assert not indexed(shop)
    goods.hasten(shop)
    assert indexed(shop)
    assert goods.restore(shop) == goods.ORDERS
    goods.lose(shop)
    goods.restore(shop)
    assert indexed(shop)


def ask(port, method, path):
    connection = HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


def test_the_shop_answers_for_its_database_and_its_worker(shop, opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\n")
    web = free_port()
    control = free_port(web)
    with running(shop, web, control):
        assert ask(web, "GET", "/healthz") == (200, {"status": "ok", "orders": goods.ORDERS})
        assert len(ask(web, "GET", "/orders")[1]["best_customers"]) == 5
        assert ask(web, "GET", "/elsewhere") == (404, {"status": "there is nothing here"})
        assert ask(control, "GET", "/worker") == (200, {"running": True})
        goods.lose(shop)
        failing = (503, {"status": "failing", "reason": "no such table: orders"})
        assert ask(web, "GET", "/healthz") == ask(web, "GET", "/orders") == failing
        assert ask(control, "POST", "/worker/restart") == (503, {"worker": "gave up"})
        goods.restore(shop)
        assert ask(control, "POST", "/worker/restart") == (200, {"worker": "ok"})
    with pytest.raises(OSError, match="refused"):
        ask(web, "GET", "/healthz")
    assert ended(shop)


def test_the_worker_ends_when_the_shop_is_killed(shop, opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\n")
    web = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "opsctl.demo.shop", str(shop), str(web), str(free_port(web))],
        stdout=subprocess.PIPE,
    ) as killed:
        assert killed.stdout.readline()
        assert any("opsctl.demo.worker" in one for one in processes_of(shop))
        killed.kill()
    assert ended(shop)


def test_a_worker_that_was_never_started_can_be_stopped(tmp_path):
    worker = Worker(tmp_path)
    assert not worker.running
    worker.stop()


def test_a_free_port_is_one_that_nobody_has():
    port = free_port()
    assert port != free_port(port)
    assert port not in range(*map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()))
