"""Where it is written what other schedulers run, and whether it is still so."""

from __future__ import annotations

import io
import sys

import pytest
import yaml
from commands.routine_export.shop import SHOP


def test_out_writes_a_file_or_for_systemd_a_folder(opsctl, shop):
    assert shop("crontab", "--program", "/o", "--out", "ops.cron") == (0, "", "")
    assert (opsctl.path / "ops.cron").read_text() == shop("crontab", "--program", "/o").out
    assert shop("systemd", "--out", "deep/units") == (0, "", "")
    names = ["opsctl-routines.service", "opsctl-routines.timer"]
    assert sorted(one.name for one in (opsctl.path / "deep/units").iterdir()) == names
    written = "\n".join(f"# {one}\n{(opsctl.path / 'deep/units' / one).read_text()}" for one in names)
    assert written == shop("systemd").out


def test_a_workspace_in_a_repository_is_named_from_its_top(opsctl):
    (opsctl.path / ".git").mkdir()
    opsctl.write("the ops/opsctl.yaml", SHOP + "    store: ../elsewhere.db\n")
    ran = opsctl("routine", "export", "github", "-C", "the ops")
    steps = yaml.safe_load(ran.out)["jobs"]["opsctl-routines"]["steps"]
    assert steps[3] == {"run": "opsctl routine run --due --quiet -C 'the ops'"}
    assert steps[2]["with"]["path"] == "the ops/.opsctl"
    opsctl.write("the ops/opsctl.yaml", SHOP + "    store: state/deep/ops.db\n")
    ran = opsctl("routine", "export", "gitlab", "--image", "x", "-C", "the ops")
    assert yaml.safe_load(ran.out)["opsctl-routines"]["cache"]["paths"] == ["the ops/state"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cronjob"], "`scheduler cronjob` is not one of `crontab`, `systemd`, `github`, `gitlab` or `kubernetes`; did you mean `crontab`?"),
        (["kubernetes"], "kubernetes runs containers; name an image that has opsctl with `--image`"),
        (["gitlab"], "gitlab runs containers; name an image that has opsctl with `--image`"),
        (["crontab", "--out", "a", "--check", "b"], "`--out` and `--check` exclude each other; leave one out"),
        (["crontab", "--check", "absent"], "absent is not there; write it with `--out`"),
        (["crontab", "--check", "."], ". cannot be read: Is a directory"),
        (["crontab", "--check", "latin.cron"], "latin.cron cannot be read: it is not UTF-8"),
        (["systemd", "--check", "opsctl.yaml"], "opsctl.yaml is no folder; name the one that has the units"),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_is_a_usage_error(opsctl, shop, arguments, message):
    (opsctl.path / "latin.cron").write_bytes(b"# caf\xe9\n")
    assert shop(*arguments) == (2, "", f"opsctl: {message}\n")


def test_without_routines_there_is_nothing_for_each(opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\n")
    assert opsctl("routine", "export", "crontab", "--each") == (
        2, "", "opsctl: the workspace has no routines; `--each` has nothing to write\n",
    )  # fmt: skip
    assert opsctl("routine", "export", "crontab").code == 0


def test_a_folder_that_cannot_be_made_is_an_error(shop):
    ran = shop("systemd", "--out", "opsctl.yaml/units")
    assert (ran.code, ran.err) == (
        3,
        "opsctl: opsctl.yaml/units cannot be made: Not a directory; name another folder\n",
    )


# Whether it is still so.


EVERY = {
    "crontab": ["crontab", "--program", "/o"],
    "systemd": ["systemd"],
    "github": ["github"],
    "gitlab": ["gitlab", "--image", "x"],
    "kubernetes": ["kubernetes", "--image", "x"],
}


@pytest.mark.parametrize("target", EVERY)
@pytest.mark.parametrize("each", [[], ["--each"]])
def test_what_was_written_has_not_drifted(shop, target, each):
    assert shop(*EVERY[target], *each, "--out", "there").code == 0
    assert shop(*EVERY[target], *each, "--check", "there") == (0, "", "")


def test_a_time_that_changed_is_drift(opsctl, shop):
    shop("crontab", "--each", "--program", "/o", "--folder", "/s", "--out", "ops.cron")
    opsctl.write("opsctl.yaml", SHOP.replace("daily at 02:30", "daily at 03:30"))
    assert shop("crontab", "--each", "--program", "/o", "--folder", "/s", "--check", "ops.cron") == (
        1,
        """\
--- ops.cron
+++ opsctl routine export crontab --each
-30 2 * * * /o routine run night --due --quiet -C /s
+30 3 * * * /o routine run night --due --quiet -C /s
""",
        "",
    )


def test_a_schedule_that_gitlab_should_have_otherwise_is_drift(opsctl, shop):
    shop("gitlab", "--image", "x", "--each", "--out", "ci.yml")
    opsctl.write("opsctl.yaml", SHOP.replace("daily at 02:30", "daily at 03:30"))
    made = "#   glab schedule create --ref main --description opsctl-night --cron '30 {} * * *' --cronTimeZone Europe/Berlin --variable OPSCTL_JOB:opsctl-night\n"
    assert shop("gitlab", "--image", "x", "--each", "--check", "ci.yml").out == (
        f"--- ci.yml\n+++ opsctl routine export gitlab --each\n-{made.format(2)}+{made.format(3)}"
    )


def test_lines_of_others_are_no_drift_but_entries_of_routines_that_are_gone_are(opsctl, shop):
    written = shop("crontab", "--program", "/o", "--folder", "/s").out
    opsctl.write(
        "now.cron", "MAILTO=ops@example.com\n\n# mine\n@daily backup\n" + written + "0 0 * * * other\n"
    )
    assert shop("crontab", "--program", "/o", "--folder", "/s", "--check", "now.cron") == (0, "", "")
    opsctl.write("now.cron", written + "0 0 * * * /o routine run gone --due --quiet\n")
    assert shop("crontab", "--program", "/o", "--folder", "/s", "--check", "now.cron").out == (
        "--- now.cron\n+++ opsctl routine export crontab\n-0 0 * * * /o routine run gone --due --quiet\n"
    )
    opsctl.write("now.cron", written.replace("*/5", "#*/5"))
    assert shop("crontab", "--program", "/o", "--folder", "/s", "--check", "now.cron").out == (
        "--- now.cron\n+++ opsctl routine export crontab\n+*/5 * * * * /o routine run --due --quiet -C /s\n"
    )


def test_a_crontab_may_come_from_standard_input(opsctl, shop, monkeypatch):
    from opsctl.cli import main

    written = shop("crontab", "--program", "/o", "--folder", "/s").out
    monkeypatch.chdir(opsctl.path)
    for text, code in ((written, 0), ("# nothing\n", 1)):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        assert (
            main(["routine", "export", "crontab", "--program", "/o", "--folder", "/s", "--check", "-"])
            == code
        )


def test_units_that_are_missing_or_left_over_are_drift(opsctl, shop):
    shop("systemd", "--each", "--out", "units")
    assert shop("systemd", "--check", "units").code == 1
    shop("systemd", "--out", "units")
    for one in (opsctl.path / "units").glob("opsctl-routine-*"):
        if "night" not in one.name:
            one.unlink()
    (opsctl.path / "units/other.timer").write_text("[Timer]\nOnCalendar=daily\n")
    (opsctl.path / "units/opsctl-routines.timer").unlink()
    assert shop("systemd", "--check", "units") == (
        1,
        """\
--- units/opsctl-routines.timer
+++ opsctl routine export systemd
+[Unit]
+Description=Routines of Shop: every five minutes
+[Timer]
+OnCalendar=*-*-* *:00/5:00 UTC
+Persistent=true
+[Install]
+WantedBy=timers.target
opsctl-routine-night.service is of no routine; remove it
opsctl-routine-night.timer is of no routine; remove it
""",
        "",
    )


def test_a_suspended_job_and_a_workflow_with_steps_of_its_own(opsctl, shop):
    written = shop("kubernetes", "--image", "x").out
    opsctl.write("job.yaml", written.replace("  concurrencyPolicy", "  suspend: true\n  concurrencyPolicy"))
    assert shop("kubernetes", "--image", "x", "--check", "job.yaml").out == (
        "--- job.yaml\n+++ opsctl routine export kubernetes\n-  suspend: true\n"
    )
    written = shop("github").out
    opsctl.write(
        "flow.yml", written.replace("      - run: pipx", "      - run: ./prepare\n      - run: pipx")
    )
    assert shop("github", "--check", "flow.yml") == (0, "", "")


def test_a_file_from_elsewhere_is_shown_without_its_control_characters(opsctl, shop):
    opsctl.write("ops.cron", "0 0 * * * routine run \x1b[31mred\n")
    out = shop("crontab", "--program", "/o", "--folder", "/s", "--check", "ops.cron").out
    assert "-0 0 * * * routine run \\x1b[31mred\n" in out
