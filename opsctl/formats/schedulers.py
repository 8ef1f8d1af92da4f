"""Entries as files of other schedulers: a crontab, units of systemd, YAML of GitHub, GitLab, Kubernetes."""

from __future__ import annotations

import json
import re
import shlex
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from opsctl.prose import line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opsctl.scheduler_exports import Entry, Target

# A CronJob's name has at most so many characters.
_LONGEST = 52


class Site(NamedTuple):
    """Where it is run: the program, the workspace's folder, its store's folder in it, and an image."""

    program: str
    folder: str
    store: str
    image: str | None


def write(target: Target, entries: Sequence[Entry], site: Site) -> dict[str, str]:
    """Files by name; all but systemd's are one, whose name is empty."""
    if target == "systemd":
        return _systemd(entries, site)
    writers: Mapping[str, Callable[[Sequence[Entry], Site], list[str]]] = {
        "crontab": _crontab, "github": _github, "gitlab": _gitlab, "kubernetes": _kubernetes,
    }  # fmt: skip
    return {"": "\n".join([_head(target, entries), *writers[target](entries, site), ""])}


def joined(files: Mapping[str, str]) -> str:
    """Files as one text, each under its name."""
    return "\n".join(f"# {name}\n{text}" if name else text for name, text in files.items())


def command(target: str, entries: Sequence[Entry]) -> str:
    """What wrote such entries."""
    return f"opsctl routine export {target}{' --each' if any(one.name for one in entries) else ''}"


def _head(target: str, entries: Sequence[Entry]) -> str:
    return f"# Written by `{command(target, entries)}`, which can compare it with `--check`."


def _said(entry: Entry) -> str:
    return f"{line(entry.title)}: {line(entry.when)}"


def _argv(entry: Entry, site: Site) -> list[str]:
    """The command where nothing else says which folder it is run in."""
    return [site.program, *entry.arguments, *(["-C", site.folder] if site.folder else [])]


def _jobs(texts: Sequence[str]) -> list[str]:
    """Labels of DNS for names, each its own; what is cut or changed has a digest."""
    found: list[str] = []
    for at, text in enumerate(texts):
        plain = re.sub("[^a-z0-9-]", "-", text).strip("-")
        if plain != text or len(plain) > _LONGEST or plain in found:
            digest = sha256(f"{text} {texts[:at].count(text)}".encode()).hexdigest()[:8]
            plain = f"{plain[: _LONGEST - 9].strip('-')}-{digest}"
        found.append(plain)
    return found


def _name(entry: Entry) -> str:
    return f"opsctl-{entry.name or 'routines'}"


def _crontab(entries: Sequence[Entry], site: Site) -> list[str]:
    lines: list[str] = []
    zone = ""
    for entry in entries:
        if entry.name and entry.zone != zone:
            zone = entry.zone
            lines.append(f"CRON_TZ={zone}")
        # Cron makes a line break of a percent sign.
        argv = shlex.join(_argv(entry, site)).replace("%", "\\%")
        lines += [f"# {_said(entry)}", *(f"{time} {argv}" for time in entry.times)]
    return lines


def _systemd(entries: Sequence[Entry], site: Site) -> dict[str, str]:
    found = {}
    for entry in entries:
        name = f"opsctl-routine-{entry.name}" if entry.name else "opsctl-routines"
        # The names of routines need no quotes; of programs, systemd takes none that has one.
        program = _unit_text(site.program)
        argv = " ".join([f'"{program}"' if " " in program else program, *entry.arguments])
        head = [_head("systemd", entries), "[Unit]", f"Description={_unit_text(_said(entry))}"]
        run = ["Type=oneshot", f"WorkingDirectory={_unit_text(site.folder)}", f"ExecStart={argv}"]
        online = ["Wants=network-online.target", "After=network-online.target"]
        times = [*(f"OnCalendar={time}" for time in entry.times), "Persistent=true"]
        install = ["", "[Install]", "WantedBy=timers.target"]
        found[f"{name}.service"] = "\n".join([*head, *online, "", "[Service]", *run, ""])
        found[f"{name}.timer"] = "\n".join([*head, "", "[Timer]", *times, *install, ""])
    return found


def _unit_text(text: str) -> str:
    return text.replace("%", "%%")


def _github(entries: Sequence[Entry], site: Site) -> list[str]:
    times = dict.fromkeys(time for entry in entries for time in entry.times)
    jobs = zip(entries, _jobs([*map(_name, entries)]), strict=True)
    return [
        "name: opsctl routines",
        "on:",
        "  workflow_dispatch: {}",
        "  schedule:",
        *(f"    - cron: {_text(time)}" for time in times),
        "permissions: {contents: read}",
        "concurrency: {group: opsctl-routines, cancel-in-progress: false}",
        "jobs:",
        *(part for entry, job in jobs for part in _github_job(entry, job, site)),
    ]


def _github_job(entry: Entry, job: str, site: Site) -> list[str]:
    mine = f"contains(fromJSON('{json.dumps(entry.times)}'), github.event.schedule)"
    when = f"github.event_name == 'workflow_dispatch' || {mine}"
    # Another job's name may begin as this one's does, but none has a slash.
    key = f"{job}/${{{{ github.run_id }}}}-${{{{ github.run_attempt }}}}"
    path = _text("/".join(filter(None, (site.folder, site.store))))
    image = [f"    container: {_text(site.image)}"] if site.image else []
    install = [] if site.image else ["      - run: pipx install opsctl"]
    return [
        f"  # {_said(entry)}",
        f"  {job}:",
        *([f"    if: {_text(when)}"] if entry.name else []),
        "    runs-on: ubuntu-latest",
        *image,
        "    steps:",
        "      - uses: actions/checkout@v4",
        *install,
        "      - uses: actions/cache/restore@v4",
        f"        with: {{path: {path}, key: {_text(key)}, restore-keys: {job}/}}",
        f"      - run: {_text(shlex.join(_argv(entry, site)))}",
        # What failed is on record, too.
        "      - if: always()",
        "        uses: actions/cache/save@v4",
        f"        with: {{path: {path}, key: {_text(key)}}}",
    ]


def _gitlab(entries: Sequence[Entry], site: Site) -> list[str]:
    jobs = zip(entries, _jobs([*map(_name, entries)]), strict=True)
    return [part for entry, job in jobs for part in _gitlab_job(entry, job, site)]


def _gitlab_job(entry: Entry, job: str, site: Site) -> list[str]:
    words = ["glab", "schedule", "create", "--ref", "main", "--description", job]
    more = ["--cronTimeZone", entry.zone, "--variable", f"OPSCTL_JOB:{job}"]
    rule = f'$CI_PIPELINE_SOURCE == "schedule" && $OPSCTL_JOB == "{job}"'
    path = "/".join(filter(None, (site.folder, site.store)))
    return [
        f"# {_said(entry)}",
        *(f"#   {shlex.join([*words, '--cron', time, *more])}" for time in entry.times),
        f"{job}:",
        f"  image: {_text(site.image or '')}",
        "  rules:",
        f"    - if: {_text(rule)}",
        "  resource_group: opsctl",
        f"  cache: {{key: opsctl, when: always, paths: [{_text(path)}]}}",
        "  script:",
        f"    - {_text(shlex.join(_argv(entry, site)))}",
    ]


def _kubernetes(entries: Sequence[Entry], site: Site) -> list[str]:
    """A CronJob has one time, so that an entry may be several."""
    times = [(entry, number, time) for entry in entries for number, time in enumerate(entry.times, 1)]
    names = _jobs([_name(entry) + (f"-{number}" if number > 1 else "") for entry, number, _ in times])
    jobs = zip(names, times, strict=True)
    return [part for name, (entry, _, time) in jobs for part in _cron_job(name, entry, time, site)]


def _cron_job(name: str, entry: Entry, time: str, site: Site) -> list[str]:
    argv = [site.program, *entry.arguments]
    return [
        "---",
        f"# {_said(entry)}",
        "apiVersion: batch/v1",
        "kind: CronJob",
        "metadata:",
        f"  name: {name}",
        "  labels: {app.kubernetes.io/name: opsctl}",
        "spec:",
        f"  schedule: {_text(time)}",
        f"  timeZone: {_text(entry.zone)}",
        "  concurrencyPolicy: Forbid",
        # Without it, a job that missed a hundred times is never begun again.
        "  startingDeadlineSeconds: 3600",
        "  jobTemplate:",
        "    spec:",
        "      backoffLimit: 0",
        "      template:",
        "        spec:",
        "          restartPolicy: Never",
        "          containers:",
        "            - name: opsctl",
        f"              image: {_text(site.image or '')}",
        f"              workingDir: {_text(site.folder)}",
        f"              command: [{', '.join(map(_text, argv))}]",
        f"              volumeMounts: [{{name: workspace, mountPath: {_text(site.folder)}}}]",
        "          volumes:",
        "            - {name: workspace, persistentVolumeClaim: {claimName: opsctl}}",
    ]


def _text(text: str) -> str:
    """A scalar of YAML in double quotes, which JSON's texts are."""
    return json.dumps(text)
