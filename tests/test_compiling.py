"""A workspace that is kept between runs: the same as its files say, and never when anything has changed."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_proving import FIRST

from opsctl import compiling, starting, templating, workspace
from opsctl.checks import KINDS
from opsctl.errors import WorkspaceInvalidError

ROOT = """
version: 1
name: Shop
timezone: Europe/Berlin
maintenance: {night: {select: web, days: sunday, between: "03:00-04:00", reason: Backups}}
services: {web: {checks: {root: {file: /, expect: [exists == true], title: Größe}}}}
"""

PAGE = """\
---
owner: platform
---

# Restart

1. Start it again. `opsctl: note`
"""


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "opsctl.yaml").write_text(ROOT)
    (folder / "services").mkdir()
    (folder / "services/db.yaml").write_text("services: {db: {checks: {root: {file: /}}}}\n")
    return folder


@pytest.fixture
def environ(tmp_path):
    return {"HOME": str(tmp_path)}


@pytest.fixture
def reads(monkeypatch):
    """Each time that YAML is read."""
    seen = []
    real = workspace.load_workspace
    monkeypatch.setattr(
        workspace, "load_workspace", lambda *given, **more: (seen.append(1), real(*given, **more))[1]
    )
    monkeypatch.setattr(compiling, "_CODE_IS_OF", sys.maxsize)
    return seen


def kept(environ):
    (path,) = (Path(environ["HOME"]) / ".cache/opsctl").iterdir()
    return path


def test_it_is_read_once_and_taken_again_as_it_was(shop, environ, reads):
    first, second = (compiling.load_compiled(shop, environ, light=True) for _ in range(2))
    assert (len(reads), second) == (1, first)
    assert second == workspace.load_workspace(shop, environ, light=True)
    assert (kept(environ).stat().st_mode & 0o777, kept(environ).parent.stat().st_mode & 0o777) == (
        0o600,
        0o700,
    )


@pytest.mark.parametrize("type_", KINDS)
def test_every_type_comes_back_as_it_was(tmp_path, environ, reads, type_):
    check = "".join(f"        {line}\n" for line in FIRST[type_][0].splitlines())
    (tmp_path / "opsctl.yaml").write_text(
        f"version: 1\nname: A\nservices:\n  a:\n    checks:\n      x: {{file: /}}\n      c:\n{check}"
    )
    first, second = (compiling.load_compiled(tmp_path, environ) for _ in range(2))
    assert (len(reads), second) == (1, first)


def test_every_form_of_an_expectation_comes_back_as_it_was(tmp_path, environ, reads):
    forms = [
        "status in 200..299",
        "status in [200, 204]",
        "body matches /ok|ready/",
        'not json["odd key"] exists',
        'any(json.items[*].state) == "up"',
        "len(json.items) > 2",
        "json.items[0] == null",
        "latency < 1m30s",
    ]
    check = {"http": "https://example.com/${env:PATH}", "expect": forms, "warn": forms}
    text = json.dumps({"version": 1, "name": "A", "services": {"a": {"checks": {"b": check}}}})
    (tmp_path / "opsctl.yaml").write_text(text)
    first, second = (compiling.load_compiled(tmp_path, environ) for _ in range(2))
    assert (len(reads), second) == (1, first)


@pytest.mark.parametrize("light", [True, False])
@pytest.mark.parametrize("name", templating.names())
def test_every_template_comes_back_as_it_was(tmp_path, environ, reads, name, light):
    starting.start(starting.plan(tmp_path / "new", templates=[templating.template_named(name)]))
    first, second = (compiling.load_compiled(tmp_path / "new", environ, light=light) for _ in range(2))
    assert (len(reads), second) == (1, first)


def test_what_checks_need_and_the_whole_are_kept_apart(shop, environ, reads):
    (shop / "runbooks").mkdir()
    (shop / "runbooks/restart.md").write_text(PAGE)
    for light in (True, False, True, False):
        compiling.load_compiled(shop, environ, light=light)
    (shop / "runbooks/restart.md").write_text(PAGE.replace("again", "anew"))
    compiling.load_compiled(shop, environ, light=True)
    assert len(reads) == 2
    whole = compiling.load_compiled(shop, environ)
    assert (len(reads), whole) == (3, workspace.load_workspace(shop, environ))


def test_a_page_that_is_named_and_not_included_must_still_be_there(shop, environ, reads):
    (shop / "runbooks").mkdir()
    (shop / "runbooks/restart.md").write_text(PAGE)
    (shop / "opsctl.yaml").write_text(
        "include: [services/*.yaml]\n" + ROOT.replace("{checks", "{runbook: restart, checks")
    )
    compiling.load_compiled(shop, environ)
    (shop / "runbooks/restart.md").unlink()
    with pytest.raises(WorkspaceInvalidError, match="no runbook is called `restart`"):
        compiling.load_compiled(shop, environ)


def changed_bytes(shop, _environ):
    """As many as before, at the same time."""
    path = shop / "opsctl.yaml"
    before = path.stat()
    path.write_text(ROOT.replace("Größe", "Grösse"[:5]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def another_file(shop, _environ):
    (shop / "services/mail.yaml").write_text("services: {mail: {checks: {root: {file: /}}}}\n")


def a_file_less(shop, _environ):
    (shop / "services/db.yaml").unlink()


def another_store(_shop, environ):
    environ["OPSCTL_DB"] = "other.db"


def other_zones(_shop, environ):
    environ["PYTHONTZPATH"] = "/nowhere"


def open_to_others(_shop, environ):
    kept(environ).chmod(0o640)


def torn(_shop, environ):
    path = kept(environ)
    path.write_bytes(path.read_bytes()[:-1])


def empty(_shop, environ):
    kept(environ).write_bytes(b"")


def of_nothing(_shop, environ):
    kept(environ).unlink()


@pytest.mark.parametrize(
    "change",
    [
        changed_bytes,
        another_file,
        a_file_less,
        another_store,
        other_zones,
        open_to_others,
        torn,
        empty,
        of_nothing,
    ],
)
def test_what_has_changed_is_read_anew(shop, environ, reads, change):
    compiling.load_compiled(shop, environ, light=True)
    change(shop, environ)
    found = compiling.load_compiled(shop, environ, light=True)
    assert (len(reads), found) == (2, workspace.load_workspace(shop, environ, light=True))


@pytest.mark.parametrize("include", ["", "include: [services/*.yaml]"])
@pytest.mark.parametrize("name", ["services/mail.yaml", "services/db.yaml", "runbooks/zz.md"])
def test_what_changes_while_it_is_read_is_read_anew(shop, environ, reads, monkeypatch, name, include):
    (shop / "opsctl.yaml").write_text(include + ROOT)
    (shop / "runbooks").mkdir()
    real = workspace.load_workspace

    def load(*given, **more):
        found = real(*given, **more)
        (shop / name).write_text(
            PAGE if name.endswith("md") else "services: {mail: {checks: {root: {file: /x}}}}"
        )
        return found

    with monkeypatch.context() as patch:
        patch.setattr(workspace, "load_workspace", load)
        compiling.load_compiled(shop, environ)
    reads.clear()
    found = compiling.load_compiled(shop, environ)
    assert (len(reads), found) == (1, workspace.load_workspace(shop, environ))


def a_library_came(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path / "libraries")


def python_was_upgraded(monkeypatch, _tmp_path):
    monkeypatch.setattr(sys, "version", "3.99.0")


def the_code_changed(monkeypatch, _tmp_path):
    real = compiling._stamps
    monkeypatch.setattr(
        compiling, "_stamps", lambda paths: tuple((path, at + 1, size) for path, at, size in real(paths))
    )


@pytest.mark.parametrize("change", [a_library_came, python_was_upgraded, the_code_changed])
def test_what_reads_it_has_changed(shop, environ, reads, monkeypatch, tmp_path, change):
    compiling.load_compiled(shop, environ, light=True)
    change(monkeypatch, tmp_path)
    compiling.load_compiled(shop, environ, light=True)
    assert len(reads) == 2


def test_a_library_that_came_into_a_folder_that_is_known_counts(shop, environ, reads, monkeypatch, tmp_path):
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    os.utime(libraries, ns=(0, 0))
    monkeypatch.syspath_prepend(libraries)
    compiling.load_compiled(shop, environ, light=True)
    (libraries / "psycopg.py").touch()
    compiling.load_compiled(shop, environ, light=True)
    assert len(reads) == 2


def test_code_that_is_newer_than_this_process_is_not_what_read_it(shop, environ, reads, monkeypatch):
    monkeypatch.setattr(compiling, "_CODE_IS_OF", 0)
    for _ in range(2):
        compiling.load_compiled(shop, environ, light=True)
    assert len(reads) == 2


def test_code_of_the_same_time_and_size_is_other_code(tmp_path):
    code = tmp_path / "code.py"
    code.write_text("LIMIT = 10")
    os.utime(code, ns=(0, 0))
    stamps, before = compiling._stamps([str(code)]), code.stat()
    # A clock of files may stand for some milliseconds.
    while code.stat().st_ctime_ns == before.st_ctime_ns:
        code.write_text("LIMIT = 20")
        os.utime(code, ns=(0, 0))
    now = code.stat()
    assert (now.st_mtime_ns, now.st_size) == (before.st_mtime_ns, before.st_size)
    assert compiling._stamps([str(code)]) != stamps


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_somebody_else_is_not_even_looked_at(shop, environ, reads):
    compiling.load_compiled(shop, environ, light=True)
    os.chown(kept(environ), 65534, 65534)
    compiling.load_compiled(shop, environ, light=True)
    assert len(reads) == 2


def test_a_checkout_can_bring_none_along(shop, environ, reads):
    compiling.load_compiled(shop, environ, light=True)
    assert sorted(path.name for path in shop.rglob("*")) == ["db.yaml", "opsctl.yaml", "services"]


def test_what_is_wrong_is_told_every_time(shop, environ, reads):
    compiling.load_compiled(shop, environ, light=True)
    (shop / "opsctl.yaml").write_text(ROOT.replace("version: 1", "version: 2"))
    for _ in range(2):
        with pytest.raises(WorkspaceInvalidError):
            compiling.load_compiled(shop, environ, light=True)
    assert len(reads) == 3


@pytest.mark.parametrize("home", ["", "relative", "/dev/null/none", "/proc"])
def test_without_a_home_it_is_read_each_time(shop, reads, monkeypatch, home):
    monkeypatch.chdir(shop)
    for _ in range(2):
        compiling.load_compiled(shop, {"XDG_CACHE_HOME": home})
    assert (len(reads), sorted(path.name for path in shop.iterdir())) == (2, ["opsctl.yaml", "services"])


def test_what_nobody_wanted_for_long_is_swept_away(shop, environ, reads):
    compiling.load_compiled(shop, environ, light=True)
    first, draft = kept(environ), kept(environ).with_name("0000abcd.light.7.tmp")
    draft.touch()
    for path in (first, draft):
        os.utime(path, (0, 0))
    compiling.load_compiled(shop, {**environ, "OPSCTL_DB": "other.db"})
    assert kept(environ) not in {first, draft}


def test_what_is_not_ours_is_not_swept_away(shop, environ, reads):
    others = Path(environ["HOME"]) / ".cache/opsctl/cli.py"
    others.parent.mkdir(parents=True, mode=0o700)
    others.touch()
    os.utime(others, (0, 0))
    compiling.load_compiled(shop, environ)
    assert sorted(path.suffix for path in others.parent.iterdir()) == [".py", ".workspace"]


def test_no_more_is_kept_than_of_the_latest(shop, environ, reads, monkeypatch):
    monkeypatch.setattr(compiling, "_MOST", 2)
    compiling.load_compiled(shop, environ)
    first = kept(environ)
    now = first.stat().st_mtime
    os.utime(first, (now, now - 100))
    # Of later than now, as a clock leaves them that was put back.
    for name, later in (("00000001", 2_000), ("00000002", 86400 * 365)):
        first.with_name(f"{name}.workspace").touch()
        os.utime(first.with_name(f"{name}.workspace"), (now, now + later))
    compiling.load_compiled(shop, environ, light=True)
    assert {*first.parent.iterdir()} == {first, first.with_suffix(".light.workspace")}


@pytest.fixture
def impatient():
    """Whoever waits for seconds on end is woken by a failure."""

    def wake(_number, _frame):
        pytest.fail("it waits")

    before = signal.signal(signal.SIGALRM, wake)
    signal.alarm(5)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("impatient")
def test_a_pipe_in_its_place_is_not_waited_for(shop, environ, reads):
    compiling.load_compiled(shop, environ, light=True)
    place = kept(environ)
    place.unlink()
    os.mkfifo(place, 0o600)
    compiling.load_compiled(shop, environ, light=True)
    assert (len(reads), kept(environ).is_file()) == (2, True)


def test_what_is_far_too_large_is_not_looked_at(shop, environ, reads):
    compiling.load_compiled(shop, environ, light=True)
    os.truncate(kept(environ), 2**42)
    compiling.load_compiled(shop, environ, light=True)
    assert (len(reads), kept(environ).stat().st_size < 2**20) == (2, True)


def test_what_would_be_far_too_large_is_not_kept(shop, environ, reads, monkeypatch):
    monkeypatch.setattr(compiling, "_LARGEST", 100)
    compiling.load_compiled(shop, environ, light=True)
    assert not (Path(environ["HOME"]) / ".cache").exists()


def test_a_link_leads_nowhere_else(shop, environ, reads, tmp_path):
    compiling.load_compiled(shop, environ, light=True)
    place, victim = kept(environ), tmp_path / "victim"
    place.rename(victim)
    was = victim.read_bytes()
    place.symlink_to(victim)
    place.with_suffix(f".{os.getpid()}.tmp").symlink_to(victim)
    compiling.load_compiled(shop, environ, light=True)
    assert (len(reads), victim.read_bytes(), kept(environ).is_symlink()) == (2, was, False)


def test_what_a_killed_process_left_is_in_nobodys_way(shop, environ, reads):
    compiling.load_compiled(shop, environ, light=True)
    place = kept(environ)
    place.rename(place.with_suffix(f".{os.getpid()}.tmp"))
    compiling.load_compiled(shop, environ, light=True)
    assert kept(environ) == place


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_nothing_is_kept_where_others_write(shop, environ, reads, mode):
    compiling.load_compiled(shop, environ, light=True)
    kept(environ).parent.chmod(mode)
    for _ in range(2):
        compiling.load_compiled(shop, environ, light=True)
    assert len(reads) == 3


def test_nothing_is_kept_where_a_link_leads(shop, environ, reads, tmp_path):
    (tmp_path / "other").mkdir(mode=0o700)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache/opsctl").symlink_to(tmp_path / "other")
    compiling.load_compiled(shop, environ, light=True)
    assert [*(tmp_path / "other").iterdir()] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("made", [".", ".cache", ".cache/opsctl"])
def test_root_leaves_nothing_in_the_home_of_another(shop, tmp_path, reads, made):
    home = tmp_path / "home"
    (home / made).mkdir(parents=True)
    for path in (home, *home.rglob("*")):
        os.chown(path, 65534, 65534)
    before = sorted(home.rglob("*"))
    compiling.load_compiled(shop, {"HOME": str(home)}, light=True)
    assert sorted(home.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_home_that_cannot_be_entered_is_none(shop, reads, tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    os.setegid(65534)
    os.seteuid(65534)
    try:
        place = compiling._place(shop, {"HOME": str(home)}, light=True)
    finally:
        os.seteuid(0)
        os.setegid(0)
    assert place is None


@pytest.mark.parametrize("cache", ["cache", "link"])
def test_nothing_is_taken_from_the_checkout_that_the_workspace_is_in(shop, reads, tmp_path, cache):
    (tmp_path / ".git").mkdir()
    (tmp_path / "cache").mkdir()
    elsewhere = tmp_path.with_name(f"{tmp_path.name}-link")
    elsewhere.symlink_to(tmp_path / "cache")
    for _ in range(2):
        where = elsewhere if cache == "link" else tmp_path / "cache"
        compiling.load_compiled(shop, {"XDG_CACHE_HOME": str(where)}, light=True)
    assert (len(reads), [*(tmp_path / "cache").iterdir()]) == (2, [])


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("before", [True, False])
def test_a_pipe_in_place_of_a_file_is_told_and_not_waited_for(shop, environ, reads, before):
    if before:
        compiling.load_compiled(shop, environ, light=True)
    (shop / "services/db.yaml").unlink()
    os.mkfifo(shop / "services/db.yaml")
    with pytest.raises(WorkspaceInvalidError, match=r"services/db\.yaml:1:1: cannot be read: it is a pipe"):
        compiling.load_compiled(shop, environ, light=True)


@pytest.mark.usefixtures("impatient")
def test_a_page_that_is_not_included_is_not_opened(shop, environ, reads):
    (shop / "opsctl.yaml").write_text("include: [services/*.yaml]\n" + ROOT)
    (shop / "runbooks").mkdir()
    os.mkfifo(shop / "runbooks/restart.md")
    first, second = (compiling.load_compiled(shop, environ) for _ in range(2))
    assert (len(reads), second) == (1, first)


@given(place=st.integers(0, 2**20), flipped=st.integers(1, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_disk_makes_of_it(shop, environ, reads, place, flipped):
    expected = compiling.load_compiled(shop, environ, light=True)
    path = kept(environ)
    whole = bytearray(path.read_bytes())
    whole[place % len(whole)] ^= flipped
    path.write_bytes(whole)
    reads.clear()
    assert (compiling.load_compiled(shop, environ, light=True), len(reads)) == (expected, 1)


def test_a_file_that_is_whole_but_no_workspace_is_read_anew(shop, environ, reads):
    compiling.load_compiled(shop, environ, light=True)
    for content in (b"", b"\0\0\0\1.", (4).to_bytes(4, "big") + pickle.dumps(())):
        kept(environ).write_bytes(compiling._sum(content) + content)
        reads.clear()
        compiling.load_compiled(shop, environ, light=True)
        assert len(reads) == 1


def test_what_cannot_be_kept_is_read_again(shop, environ, reads, monkeypatch):
    def refuse(_value):
        raise TypeError("no such thing can be pickled")

    monkeypatch.setattr(pickle, "dumps", refuse)
    for _ in range(2):
        compiling.load_compiled(shop, environ, light=True)
    assert len(reads) == 2
