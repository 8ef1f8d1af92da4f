"""What other schedulers are told to run: one entry for everything, or an entry for each."""

from __future__ import annotations

import re

import pytest
import yaml

ALONE = (
    "note: run `opsctl routine run --due` once: a routine counts from when it was first seen\n"
    "note: what waits for people is looked at again when its routine is run again, and not before\n"
)
REVIEW = "first working day of the quarter at 10:00"


def here(opsctl):
    return str(opsctl.path)


# One entry for everything.


def test_a_crontab_has_one_line(opsctl, shop):
    assert shop("crontab", "--program", "/usr/local/bin/opsctl") == (
        0,
        f"""\
# Written by `opsctl routine export crontab`, which can compare it with `--check`.
# Routines of Shop: every five minutes
*/5 * * * * /usr/local/bin/opsctl routine run --due --quiet -C {here(opsctl)}
""",
        "",
    )


def test_a_program_that_cron_may_not_find_is_noted(shop):
    assert shop("crontab").err == (
        "note: cron looks for programs in /usr/bin and /bin only; name it in full with `--program`\n"
    )


def test_systemd_has_a_service_and_a_timer(opsctl, shop):
    assert shop("systemd") == (
        0,
        f"""\
# opsctl-routines.service
# Written by `opsctl routine export systemd`, which can compare it with `--check`.
[Unit]
Description=Routines of Shop: every five minutes
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={here(opsctl)}
ExecStart=opsctl routine run --due --quiet

# opsctl-routines.timer
# Written by `opsctl routine export systemd`, which can compare it with `--check`.
[Unit]
Description=Routines of Shop: every five minutes

[Timer]
OnCalendar=*-*-* *:00/5:00 UTC
Persistent=true

[Install]
WantedBy=timers.target
""",
        "",
    )


def test_github_has_a_workflow_that_keeps_the_store(shop):
    ran = shop("github")
    assert ran.err == (
        "note: GitHub begins late when it is busy, leaves times out, and stops after 60 days without activity\n"
        "note: each job keeps a store of its own in GitHub's cache, which drops what nobody read for 7 days\n"
    )
    key = "opsctl-routines/${{ github.run_id }}-${{ github.run_attempt }}"
    # YAML 1.1 reads `on` as true; GitHub does not.
    assert yaml.safe_load(ran.out) == {
        "name": "opsctl routines",
        True: {"workflow_dispatch": {}, "schedule": [{"cron": "*/5 * * * *"}]},
        "permissions": {"contents": "read"},
        "concurrency": {"group": "opsctl-routines", "cancel-in-progress": False},
        "jobs": {
            "opsctl-routines": {
                "runs-on": "ubuntu-latest",
                "steps": [
                    {"uses": "actions/checkout@v4"},
                    {"run": "pipx install opsctl"},
                    {
                        "uses": "actions/cache/restore@v4",
                        "with": {"path": ".opsctl", "key": key, "restore-keys": "opsctl-routines/"},
                    },
                    {"run": "opsctl routine run --due --quiet"},
                    {
                        "if": "always()",
                        "uses": "actions/cache/save@v4",
                        "with": {"path": ".opsctl", "key": key},
                    },
                ],
            }
        },
    }


def test_gitlab_has_a_job_and_the_command_that_makes_its_schedule(shop):
    ran = shop("gitlab", "--image", "registry.example.com/opsctl:1")
    assert (
        ran.out
        == """\
# Written by `opsctl routine export gitlab`, which can compare it with `--check`.
# Routines of Shop: every five minutes
#   glab schedule create --ref main --description opsctl-routines --cron '*/5 * * * *' --cronTimeZone UTC --variable OPSCTL_JOB:opsctl-routines
opsctl-routines:
  image: "registry.example.com/opsctl:1"
  rules:
    - if: "$CI_PIPELINE_SOURCE == \\"schedule\\" && $OPSCTL_JOB == \\"opsctl-routines\\""
  resource_group: opsctl
  cache: {key: opsctl, when: always, paths: [".opsctl"]}
  script:
    - "opsctl routine run --due --quiet"
"""
    )
    assert ran.err == (
        "note: GitLab keeps schedules outside of the file; make them with the commands in the comments\n"
        "note: GitLab begins when the instance looks for schedules, by default every ten minutes\n"
    )
    assert yaml.safe_load(ran.out)["opsctl-routines"]["rules"] == [
        {"if": '$CI_PIPELINE_SOURCE == "schedule" && $OPSCTL_JOB == "opsctl-routines"'}
    ]


def test_kubernetes_has_a_job_that_nothing_overlaps(shop):
    ran = shop("kubernetes", "--image", "registry.example.com/opsctl:1", "--folder", "/srv/ops")
    container = {
        "name": "opsctl",
        "image": "registry.example.com/opsctl:1",
        "workingDir": "/srv/ops",
        "command": ["opsctl", "routine", "run", "--due", "--quiet"],
        "volumeMounts": [{"name": "workspace", "mountPath": "/srv/ops"}],
    }
    volume = {"name": "workspace", "persistentVolumeClaim": {"claimName": "opsctl"}}
    pod = {"spec": {"restartPolicy": "Never", "containers": [container], "volumes": [volume]}}
    assert [one for one in yaml.safe_load_all(ran.out) if one] == [
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "opsctl-routines", "labels": {"app.kubernetes.io/name": "opsctl"}},
            "spec": {
                "schedule": "*/5 * * * *",
                "timeZone": "UTC",
                "concurrencyPolicy": "Forbid",
                "startingDeadlineSeconds": 3600,
                "jobTemplate": {"spec": {"backoffLimit": 0, "template": pod}},
            },
        }
    ]
    assert ran.err == "note: the workspace and its store are expected on the volume claim `opsctl`\n"


# An entry for each.


def test_a_crontab_has_lines_for_each_in_its_zone(opsctl, shop):
    ran = shop("crontab", "--each", "--program", "/bin/opsctl", "--folder", "/srv/my shop")
    assert (
        ran.out
        == """\
# Written by `opsctl routine export crontab --each`, which can compare it with `--check`.
CRON_TZ=Europe/Berlin
# Morning routine: daily at 09:00, weekdays at 14:30 Europe/Berlin
0 9 * * * /bin/opsctl routine run morning --due --quiet -C '/srv/my shop'
30 14 * * 1-5 /bin/opsctl routine run morning --due --quiet -C '/srv/my shop'
# Night work 100%: daily at 02:30 Europe/Berlin
30 2 * * * /bin/opsctl routine run night --due --quiet -C '/srv/my shop'
# Review: first working day of the quarter at 10:00 Europe/Berlin
0 10 * * * /bin/opsctl routine run access.review --due --quiet -C '/srv/my shop'
CRON_TZ=UTC
# After: 24h after runbook deploy UTC
*/5 * * * * /bin/opsctl routine run after --due --quiet -C '/srv/my shop'
"""
    )
    assert ran.err == ALONE + (
        f"note: access.review: `{REVIEW}` cannot be said there: cron takes dates or weekdays, and not both; it is run at `0 10 * * *`, and then only if due\n"
        "note: after: `1d after runbook deploy` follows what happens; it is looked for every five minutes\n"
        "note: the cron of Debian and Ubuntu does not read CRON_TZ, and goes by the machine's zone\n"
    )


def test_systemd_has_a_timer_for_each(shop):
    ran = shop("systemd", "--each")
    assert [
        one
        for one in ran.out.splitlines()
        if one.startswith(("# opsctl", "OnCalendar", "ExecStart", "Description"))
    ] == [
        "# opsctl-routine-morning.service",
        "Description=Morning routine: daily at 09:00, weekdays at 14:30 Europe/Berlin",
        "ExecStart=opsctl routine run morning --due --quiet",
        "# opsctl-routine-morning.timer",
        "Description=Morning routine: daily at 09:00, weekdays at 14:30 Europe/Berlin",
        "OnCalendar=*-*-* 09:00:00 Europe/Berlin",
        "OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 14:30:00 Europe/Berlin",
        "# opsctl-routine-night.service",
        "Description=Night work 100%%: daily at 02:30 Europe/Berlin",
        "ExecStart=opsctl routine run night --due --quiet",
        "# opsctl-routine-night.timer",
        "Description=Night work 100%%: daily at 02:30 Europe/Berlin",
        "OnCalendar=*-*-* 02:30:00 Europe/Berlin",
        "# opsctl-routine-access.review.service",
        f"Description=Review: {REVIEW} Europe/Berlin",
        "ExecStart=opsctl routine run access.review --due --quiet",
        "# opsctl-routine-access.review.timer",
        f"Description=Review: {REVIEW} Europe/Berlin",
        "OnCalendar=Mon *-01,04,07,10-01..03 10:00:00 Europe/Berlin",
        "OnCalendar=Tue,Wed,Thu,Fri *-01,04,07,10-01 10:00:00 Europe/Berlin",
        "# opsctl-routine-after.service",
        "Description=After: 24h after runbook deploy UTC",
        "ExecStart=opsctl routine run after --due --quiet",
        "# opsctl-routine-after.timer",
        "Description=After: 24h after runbook deploy UTC",
        "OnCalendar=*-*-* *:00/5:00 UTC",
    ]
    assert ran.err == ALONE + (
        "note: night: `daily at 02:30` comes late on 2027-03-28, when the clocks change at its time\n"
        "note: after: `1d after runbook deploy` follows what happens; it is looked for every five minutes\n"
    )


def test_github_runs_each_at_the_times_of_summer_and_winter(shop):
    ran = shop("github", "--each", "--image", "registry.example.com/opsctl:1")
    found = yaml.safe_load(ran.out)
    assert [one["cron"] for one in found[True]["schedule"]] == [
        "0 7,8 * * *", "30 12,13 * * 1-5", "30 0,1 * * *", "0 8,9 * * *", "*/5 * * * *",
    ]  # fmt: skip
    jobs = found["jobs"]
    # A name with a point is none of a job's.
    assert [re.sub("-[0-9a-f]{8}$", "-DIGEST", one) for one in jobs] == [
        "opsctl-morning", "opsctl-night", "opsctl-access-review-DIGEST", "opsctl-after",
    ]  # fmt: skip
    assert jobs["opsctl-morning"]["if"] == (
        "github.event_name == 'workflow_dispatch' || "
        """contains(fromJSON('["0 7,8 * * *", "30 12,13 * * 1-5"]'), github.event.schedule)"""
    )
    assert jobs["opsctl-night"]["container"] == "registry.example.com/opsctl:1"
    assert [one.get("run") for one in jobs["opsctl-night"]["steps"]] == [
        None, None, "opsctl routine run night --due --quiet", None,
    ]  # fmt: skip
    assert ran.err.splitlines()[-1] == (
        "note: GitHub knows UTC only: other zones have the times of summer and winter, and count only if due"
    )


def test_what_is_too_often_for_github_is_run_every_five_minutes(opsctl):
    opsctl.write("opsctl.yaml", """
        version: 1
        name: Shop
        routines:
          often: {title: Often, schedule: every 1m, steps: [{sign: anyone, text: x}]}
          near: {title: Near, schedule: daily at 09:58 and 10:01, steps: [{sign: anyone, text: x}]}
          far: {title: Far, schedule: daily at 09:00 and 09:05, steps: [{sign: anyone, text: x}]}
    """)  # fmt: skip
    ran = opsctl("routine", "export", "github", "--each")
    found = yaml.safe_load(ran.out)[True]["schedule"]
    assert [one["cron"] for one in found] == ["*/5 * * * *", "58 9 * * *", "1 10 * * *", "0,5 9 * * *"]
    assert ran.err.splitlines()[4:] == [
        "note: often: `every 1m` is more often than GitHub allows; it is run every five minutes"
    ]


def test_gitlab_makes_a_schedule_for_each_time(shop):
    ran = shop("gitlab", "--each", "--image", "x")
    made = [one.split("create ")[1] for one in ran.out.splitlines() if "glab" in one]
    assert made[:3] == [
        "--ref main --description opsctl-morning --cron '0 9 * * *' --cronTimeZone Europe/Berlin --variable OPSCTL_JOB:opsctl-morning",
        "--ref main --description opsctl-morning --cron '30 14 * * 1-5' --cronTimeZone Europe/Berlin --variable OPSCTL_JOB:opsctl-morning",
        "--ref main --description opsctl-night --cron '30 2 * * *' --cronTimeZone Europe/Berlin --variable OPSCTL_JOB:opsctl-night",
    ]
    jobs = yaml.safe_load(ran.out)
    assert jobs["opsctl-night"]["script"] == ["opsctl routine run night --due --quiet"]


def test_kubernetes_has_a_job_for_each_time_with_names_of_its_own(opsctl):
    opsctl.write("opsctl.yaml", """
        version: 1
        name: Shop
        routines:
          twice: {title: A, schedule: [daily at 09:00, daily at 10:30], steps: [{sign: anyone, text: x}]}
          twice-2: {title: B, schedule: daily at 11:00, steps: [{sign: anyone, text: x}]}
          a-name-that-goes-on-and-on-for-the-sixty-four-letters-it-may-hav: {title: C, schedule: daily, steps: [{sign: anyone, text: x}]}
          under_score.: {title: D, schedule: daily, steps: [{sign: anyone, text: x}]}
          under-score: {title: E, schedule: daily, steps: [{sign: anyone, text: x}]}
    """)  # fmt: skip
    ran = opsctl("routine", "export", "kubernetes", "--each", "--image", "x")
    found = [one for one in yaml.safe_load_all(ran.out) if one]
    names = [one["metadata"]["name"] for one in found]
    assert len(set(names)) == len(found) == 6
    assert all(re.fullmatch("[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?", one) for one in names)
    assert names[:2] == ["opsctl-twice", "opsctl-twice-2"]
    assert [one["spec"]["schedule"] for one in found] == [
        "0 9 * * *", "30 10 * * *", "0 11 * * *", "0 0 * * *", "0 0 * * *", "0 0 * * *",
    ]  # fmt: skip
    assert opsctl("routine", "export", "kubernetes", "--each", "--image", "x") == ran


def test_times_on_holidays_that_are_moved_are_run_daily(opsctl):
    opsctl.write("opsctl.yaml", """
        version: 1
        name: Shop
        routines:
          weekly: {title: A, schedule: every friday, holidays: days.ics, on_holiday: next, steps: [{sign: anyone, text: x}]}
          skipped: {title: B, schedule: every friday, holidays: days.ics, on_holiday: skip, steps: [{sign: anyone, text: x}]}
    """)  # fmt: skip
    ran = opsctl("routine", "export", "crontab", "--each", "--program", "/o", "--folder", "/s")
    assert [one for one in ran.out.splitlines() if one[0].isdigit()] == [
        "0 0 * * * /o routine run weekly --due --quiet -C /s",
        "0 0 * * 5 /o routine run skipped --due --quiet -C /s",
    ]
    assert ran.err == ALONE + (
        "note: weekly: `every friday at 00:00` cannot be said there: its times on holidays are moved; it is run at `0 0 * * *`, and then only if due\n"
    )


@pytest.mark.parametrize(
    ("target", "plan", "late"),
    [
        ("crontab", "schedule: daily at 02:30", None),
        ("crontab", "schedule: daily at 02:30, gap: skip", None),
        ("crontab", "schedule: daily at 02:30, overlap: second", "2027-10-31"),
        ("systemd", "schedule: daily at 02:30", "2027-03-28"),
        ("systemd", "schedule: daily at 02:30, gap: skip", None),
        ("systemd", "schedule: daily at 02:30, gap: skip, overlap: both", "2027-10-31"),
        ("systemd", "schedule: daily at 04:00", None),
        ("systemd", "schedule: hourly", None),
        ("systemd", "schedule: every saturday at 02:30", None),
    ],
)
def test_what_comes_late_when_the_clocks_change_is_noted(opsctl, target, plan, late):
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        timezone: Europe/Berlin
        routines: {{night: {{title: Night, {plan}, steps: [{{sign: anyone, text: x}}]}}}}
    """)  # fmt: skip
    ran = opsctl("routine", "export", target, "--each", "--program", "/o")
    assert re.findall("comes late on ([0-9-]+), when the clocks change at its time", ran.err) == (
        [late] if late else []
    )
