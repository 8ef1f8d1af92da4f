"""The `memory` check on this machine's figures and on those of containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from checks.probe import probe

from opsctl.checks.memory import MemoryCheck, look
from opsctl.outcome import Cause, Failure, Observation

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1024**3
MEMINFO = """\
MemTotal:       16777216 kB
MemFree:         1048576 kB
MemAvailable:    4194304 kB
HugePages_Total:       0
SwapTotal:       2097152 kB
SwapFree:        1572864 kB
"""
MACHINE = {
    "total": 16 * GIB,
    "available": 4 * GIB,
    "used_percent": 75.0,
    "swap_used_percent": 25.0,
}


@pytest.fixture
def meminfo(tmp_path) -> Path:
    path = tmp_path / "meminfo"
    path.write_text(MEMINFO, encoding="ascii")
    return path


def group(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    return folder


def version_2(limit: object, used: object, inactive: object) -> dict[str, str]:
    return {
        "memory.max": f"{limit}\n",
        "memory.current": f"{used}\n",
        "memory.stat": f"anon 12\nfile 34\ninactive_file {inactive}\nactive_file 1\n",
    }


def version_1(limit: object, used: object, inactive: object) -> dict[str, str]:
    return {
        "memory/memory.limit_in_bytes": f"{limit}\n",
        "memory/memory.usage_in_bytes": f"{used}\n",
        "memory/memory.stat": f"cache 12\ninactive_file 99\ntotal_inactive_file {inactive}\n",
    }


def test_this_machine_s_memory():
    values = probe(MemoryCheck(), wanted=frozenset()).values
    assert 0 < values["available"] < values["total"]
    assert values["used_percent"] == 100 * (values["total"] - values["available"]) / values["total"]


def test_a_machine_without_control_groups(meminfo, tmp_path):
    assert look(meminfo, tmp_path / "none") == Observation(MACHINE)


@pytest.mark.parametrize("version", [version_1, version_2])
def test_a_container_s_limit_is_what_there_is_and_its_caches_can_be_dropped(meminfo, tmp_path, version):
    groups = group(tmp_path / "groups", version(2 * GIB, GIB, GIB // 2))
    assert look(meminfo, groups).values == {
        "total": 2 * GIB,
        "available": GIB + GIB // 2,
        "used_percent": 25.0,
        "swap_used_percent": 25.0,
    }


def test_a_container_has_no_more_available_than_the_machine(meminfo, tmp_path):
    groups = group(tmp_path / "groups", version_2(8 * GIB, GIB, 0))
    values = look(meminfo, groups).values
    assert (values["total"], values["available"], values["used_percent"]) == (8 * GIB, 4 * GIB, 50.0)


def test_a_container_over_its_limit_has_nothing_left(meminfo, tmp_path):
    groups = group(tmp_path / "groups", version_2(GIB, GIB + 4096, 0))
    values = look(meminfo, groups).values
    assert (values["available"], values["used_percent"]) == (0, 100.0)


@pytest.mark.parametrize(
    "files",
    [
        version_2("max", GIB, 0),
        version_2(64 * GIB, GIB, 0),
        version_2(GIB, "?", 0),
        version_1(9223372036854771712, GIB, 0),
        {"memory.max": f"{GIB}\n"},
    ],
)
def test_what_is_no_limit_changes_nothing(meminfo, tmp_path, files):
    assert look(meminfo, group(tmp_path / "groups", files)) == Observation(MACHINE)


def test_without_swap_its_use_is_absent(meminfo, tmp_path):
    meminfo.write_text(MEMINFO.replace("2097152", "0").replace("1572864", "0"), encoding="ascii")
    assert look(meminfo, tmp_path).values == {"total": 16 * GIB, "available": 4 * GIB, "used_percent": 75.0}


@pytest.mark.parametrize("text", ["", "MemTotal: 5 kB\n", "MemTotal: x kB\nMemAvailable: 1 kB\n", "\u00e4"])
def test_a_system_that_does_not_say_it_is_not_judged(tmp_path, text):
    path = tmp_path / "meminfo"
    path.write_text(text, encoding="utf-8")
    words = f"this system does not say in {path} how much memory is available; Linux 3.14 and later do"
    assert look(path, tmp_path) == Observation({}, Failure(Cause.UNSUPPORTED, words))


def test_a_system_without_the_file_is_not_judged(tmp_path):
    observation = look(tmp_path / "none", tmp_path)
    assert (observation.values, observation.failure.cause) == ({}, Cause.UNSUPPORTED)


def test_the_target_is_a_word():
    assert MemoryCheck().target() == "memory"
