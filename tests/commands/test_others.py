"""The other commands: init, validate, schema, status, history, heartbeat, db, help, version."""

from __future__ import annotations

import json

import pytest

from opsctl import validating

BEATS = """
    version: 1
    name: Test
    services:
      backup:
        checks:
          ran: {heartbeat: {name: nightly, every: 1d, grace: 1h}}
"""


def test_version(opsctl):
    from opsctl import __version__

    assert opsctl("--version") == (0, f"opsctl {__version__}\n", "")


def test_init_makes_a_workspace_that_is_valid_and_can_be_checked(opsctl):
    made = opsctl("init", "--name", "Shop")
    assert made.code == 0
    assert made.out.endswith("next: opsctl check\n")
    assert opsctl("validate") == (0, "valid: 1 service, 3 checks\n", "")
    assert opsctl("check", "machine/memory").code == 0


def test_init_never_overwrites(opsctl):
    opsctl.write("opsctl.yaml", "mine\n")
    ran = opsctl("init")
    assert ran.code == 2
    assert "nothing is overwritten" in ran.err
    assert (opsctl.path / "opsctl.yaml").read_text() == "mine\n"


def test_init_dry_run_writes_nothing(opsctl):
    assert opsctl("init", "--dry-run").code == 0
    assert list(opsctl.path.iterdir()) == []


def test_validate_shows_every_problem_of_every_file_with_a_caret(opsctl):
    opsctl.write(
        "opsctl.yaml",
        """
        version: 1
        name: Test
        services:
          web:
            depends_on: [dbb]
            checks: {a: {http: "http://x.test/", expect: [status = 200]}}
        """,
    ).write(
        "services/db.yaml", "services: {db: {checks: {p: {tcp: 'nowhere'}}}, web: {checks: {q: {file: /}}}}\n"
    )
    ran = opsctl("validate")
    assert ran.code == 5
    assert ran.err == ""
    assert ran.out == (
        "opsctl.yaml:5:18: no service is called `dbb`; did you mean `db`?\n"
        "    5 |     depends_on: [dbb]\n"
        "      |                  ^\n"
        "opsctl.yaml:6:58: `=` is not an operator; write `==`\n"
        '    6 |     checks: {a: {http: "http://x.test/", expect: [status = 200]}}\n'
        "      |                                                          ^\n"
        "services/db.yaml:1:35: `nowhere` is not an address; write `host:port`\n"
        "    1 | services: {db: {checks: {p: {tcp: 'nowhere'}}}, web: {checks: {q: {file: /}}}}\n"
        "      |                                   ^\n"
        "services/db.yaml:1:49: service `web` is defined twice; first at opsctl.yaml:4:3; rename or remove one\n"
        "    1 | services: {db: {checks: {p: {tcp: 'nowhere'}}}, web: {checks: {q: {file: /}}}}\n"
        "      |                                                 ^\n"
        "\n4 problems in 2 files\n"
    )


def test_validate_finds_dependency_cycles(opsctl):
    opsctl.write(
        "opsctl.yaml",
        """
        version: 1
        name: Test
        services:
          a: {depends_on: b, checks: {x: {file: /}}}
          b: {depends_on: a, checks: {x: {file: /}}}
        """,
    )
    ran = opsctl("validate", "-o", "json")
    assert [problem["message"] for problem in json.loads(ran.out)["problems"]] == [
        "dependency cycle: a → b → a; remove one of them"
    ]


def test_secrets_are_not_looked_for_in_every_line_of_every_place(opsctl, monkeypatch):
    steps = "".join(f"      - {{id: s{one}, run: [echo, hi]}}\n" for one in range(200))
    head = "version: 1\nname: Test\nservices: {a: {checks: {c: {file: /}}}}\n"
    opsctl.write("opsctl.yaml", f"{head}runbooks:\n  r:\n    title: R\n    steps:\n{steps}")
    looks, look = [], validating._templates
    monkeypatch.setattr(validating, "_templates", lambda value: (looks.append(1), look(value))[1])
    assert opsctl("validate").code == 0
    # Some dozen values for each step, and not two hundred lines for each of its places.
    assert len(looks) < 200 * 50


def test_validate_asks_for_secrets_unless_told_not_to(opsctl):
    opsctl.write(
        "opsctl.yaml",
        """
        version: 1
        name: Test
        services: {api: {checks: {a: {http: {url: "http://127.0.0.1/", bearer: "${env:TOKEN}"}}}}}
        """,
    )
    ran = opsctl("validate")
    assert ran.code == 5
    assert "the environment variable TOKEN is not set" in ran.out
    assert opsctl("validate", "--allow-unset").code == 0
    assert opsctl("validate", env={"TOKEN": "abcdef"}).code == 0


def test_validate_for_github_annotates_the_place(opsctl):
    opsctl.write("opsctl.yaml", "version: 2\nname: x\n")
    ran = opsctl("validate", "-o", "github")
    assert ran.code == 5
    assert ran.out.splitlines()[0] == "::error file=opsctl.yaml,line=1,col=10::`2` is not one of `1`"


def test_the_schema_accepts_what_init_writes(opsctl):
    import jsonschema
    import yaml

    opsctl("init")
    schema = json.loads(opsctl("schema").out)
    jsonschema.validate(yaml.safe_load((opsctl.path / "opsctl.yaml").read_text()), schema)
    assert json.loads((opsctl.path / ".opsctl" / "schema.json").read_text()) == schema


def test_status_before_any_check_is_unknown_and_not_green(opsctl):
    opsctl.write("opsctl.yaml", BEATS)
    ran = opsctl("status")
    assert ran.code == 3
    assert (
        ran.out == "unknown\tbackup/ran\tnever checked\n\n1 check: 1 unknown; 1 stale\nnext: opsctl check\n"
    )
    assert not (opsctl.path / ".opsctl").exists()


def test_a_stale_result_is_no_data_and_not_up(opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: T\nservices: {a: {checks: {b: {file: /, every: 5m}}}}\n")
    assert opsctl("check", now="2026-11-20T12:00:00Z").code == 0
    assert opsctl("status", now="2026-11-20T12:09:00Z").code == 0
    late = opsctl("status", now="2026-11-20T12:31:00Z")
    assert late.code == 3
    assert "no data: 6 runs missed; it was up" in late.out


def test_a_heartbeat_that_does_not_come_is_down(opsctl):
    opsctl.write("opsctl.yaml", BEATS)
    never = opsctl("check")
    assert never.code == 1
    assert "no signal yet" in never.out
    assert opsctl("heartbeat", "ok", "nightly", now="2026-11-20T03:00:00Z") == (0, "", "")
    assert opsctl("check", now="2026-11-20T12:00:00Z").code == 0
    assert opsctl("check", now="2026-11-21T05:00:00Z").code == 1


def test_a_mistyped_heartbeat_is_an_error(opsctl):
    ran = opsctl.write("opsctl.yaml", BEATS)("heartbeat", "ok", "nigthly")
    assert ran.code == 2
    assert ran.err == "opsctl: no check listens for the heartbeat `nigthly`; did you mean `nightly`?\n"


def test_history_keeps_time_without_data_apart(opsctl):
    opsctl.write(
        "opsctl.yaml", "version: 1\nname: T\nservices: {a: {checks: {b: {file: marker, every: 5m}}}}\n"
    )
    (opsctl.path / "marker").touch()
    for minute in (0, 5, 10):
        assert opsctl("check", now=f"2026-11-20T12:{minute:02d}:00Z").code == 0
    (opsctl.path / "marker").unlink()
    for minute in (15, 20):
        assert opsctl("check", now=f"2026-11-20T12:{minute:02d}:00Z").code == 1
    ran = opsctl("history", "--since", "1h", "-o", "json", now="2026-11-20T12:20:00Z")
    (check,) = json.loads(ran.out)["checks"]
    assert check["seconds"] == {
        "up": 900.0,
        "degraded": 0.0,
        "down": 300.0,
        "unknown": 0.0,
        "no_data": 2400.0,
    }
    assert check["availability"] == 0.75
    (outage,) = json.loads(ran.out)["outages"]
    assert (outage["started"], outage["ended"], outage["cause"]) == (
        "2026-11-20T12:15:00.000Z",
        None,
        "missing",
    )


@pytest.mark.parametrize("since", ["never", "7", "2026-13-01"])
def test_history_refuses_times_that_are_none(opsctl, since):
    ran = opsctl.write("opsctl.yaml", BEATS)("history", "--since", since)
    assert ran.code == 2
    assert "is not a time; write 10m, 14:54, 2026-11-21" in ran.err


def test_a_backup_restores_what_was_there(opsctl):
    opsctl.write("opsctl.yaml", BEATS)
    opsctl("heartbeat", "ok", "nightly")
    assert opsctl("db", "backup", "copy.db").code == 0
    assert opsctl("db", "backup", "copy.db").code == 6
    (opsctl.path / ".opsctl" / "opsctl.db").write_bytes(b"torn" * 1000)
    assert opsctl("db", "verify").code == 6
    assert opsctl("db", "restore", "copy.db").code == 0
    assert opsctl("db", "verify").code == 0
    assert opsctl("check").code == 0


def test_db_commands_say_what_they_did(opsctl):
    opsctl.write("opsctl.yaml", BEATS)("check")
    assert opsctl("db", "path").out == f"{opsctl.path / '.opsctl' / 'opsctl.db'}\n"
    assert json.loads(opsctl("db", "info", "-o", "json").out)["rows"]["results"] == 1
    assert opsctl("db", "prune", "--dry-run").out.startswith("would delete passes after 30d")
    assert opsctl("db", "prune").out.startswith("deleted nothing")
    assert json.loads(opsctl("db", "export").out)["check"] == "backup/ran"


@pytest.mark.parametrize("topic", ["exit-codes", "expectations", "selectors", "environment"])
def test_help_topics(opsctl, topic):
    ran = opsctl("help", topic)
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()) > 5


def test_a_mistyped_command_has_a_suggestion(opsctl):
    ran = opsctl("chek")
    assert ran.code == 2
    assert "Did you mean 'check'" in ran.err


@pytest.mark.parametrize(
    "command", [("check",), ("validate",), ("checklist", "lint"), ("routine", "due"), ("status",)]
)
def test_a_zone_that_there_is_not_is_told_by_every_command(opsctl, command):
    opsctl.write(
        "opsctl.yaml",
        "version: 1\nname: S\ntimezone: Mars/Olympus\nservices: {a: {checks: {c: {file: /}}}}\n",
    )
    ran = opsctl(*command)
    assert ran.code == 5
    assert "opsctl.yaml:3:11: `Mars/Olympus` is not a time zone" in ran.out + ran.err
