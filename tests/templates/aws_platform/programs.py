"""Programs that the template `aws-platform` runs, in a folder for PATH: they answer as the real ones do.

`main(NAME, STATE, ARGUMENTS)` is the program `NAME`; `STATE` is a file with the world that all of them share. What they
print was seen of aws-cli 1.46.2 (against an endpoint of ours, whose answers botocore's model allows), Terraform 1.11.4,
CDK 2, ansible-core 2.19 and Docker 28.2; what AWS answers is tested against botocore's model where that is installed.
"""

# Without pathlib, which would take a fifth of the time of each of some thousand calls.
# ruff: noqa: PTH100, PTH109, PTH118, PTH119, PTH120, PTH123

from __future__ import annotations

import json
import os
import sys

from templates.aws_platform.aws import aws
from templates.aws_platform.known import KEY, PROFILE, ToolError, say

PROGRAMS = ("aws", "docker", "terraform", "cdk", "ansible-playbook", "psql")


# ---- the world, for tests


class World:
    """Programs in `folder`, to be put on PATH, and the world that they share; each kind of thing has a condition."""

    def __init__(self, folder) -> None:
        self.folder = folder / "programs"
        self._state = folder / "world.json"
        self._journal = folder / "journal"
        self.folder.mkdir(parents=True)
        self.write(
            {
                "conditions": dict.fromkeys(PROGRAMS, "up"),
                "alarms": {},
                "images": {},
                "volumes": ["vol-0a1b2c3d4e5f"],
            }
        )
        for name in PROGRAMS:
            script = self.folder / name
            # As a module it is compiled once, and not for each of some thousand calls.
            script.write_text(
                f'#!/bin/sh\nexec "{sys.executable}" -S -E -c "import sys; '
                f"sys.path.insert(0, '{os.path.abspath(__file__ + '/../../..')}'); from templates.aws_platform.programs import main; "
                f'sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))" {name} "{self._state}" "$@"\n'
            )
            script.chmod(0o755)

    def read(self) -> dict:
        return json.loads(self._state.read_text())

    def write(self, state: dict) -> None:
        self._state.write_text(json.dumps(state))

    def change(self, **more: object) -> None:
        self.write({**self.read(), **more})

    def all_are(self, condition: str) -> None:
        self.change(conditions=dict.fromkeys(PROGRAMS, condition))

    def is_(self, program: str, condition: str) -> None:
        self.change(conditions={**self.read()["conditions"], program: condition})

    def called(self, program: str) -> list[list[str]]:
        """The arguments of every call of a program, in their order."""
        lines = self._journal.read_text().splitlines() if self._journal.exists() else []
        return [argv for name, *argv in map(json.loads, lines) if name == program]

    def forget(self) -> None:
        self._journal.unlink(missing_ok=True)


# ---- the programs


def main(name: str, state: str, argv: list[str]) -> int:
    with open(os.path.join(os.path.dirname(state), "journal"), "a") as journal:
        journal.write(json.dumps([name, *argv]) + "\n")
    with open(state) as file:
        world = json.load(file)
    speak = {
        "aws": aws, "docker": docker, "terraform": terraform, "cdk": cdk, "ansible-playbook": ansible, "psql": psql,
    }[name]  # fmt: skip
    before = json.dumps(world)
    try:
        code = speak(world, world["conditions"][name], argv)
    except ToolError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    if json.dumps(world) != before:
        with open(state, "w") as file:
            json.dump(world, file)
    return code


def docker(_world: dict, condition: str, argv: list[str]) -> int:
    from hashlib import sha256

    if argv[:3] != ["inspect", "--type", "container"] or not argv[3:]:
        raise ToolError(1, "docker: 'docker inspect' requires at least 1 argument")
    if condition in {"throttled", "unauthorised"}:
        say("[]")
        raise ToolError(
            1,
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
        )
    health = {"degraded": "starting", "down": "unhealthy"}.get(condition, "healthy")
    names = argv[3:] if condition != "gone" else argv[3:4]
    say(json.dumps([
        {"Id": sha256(name.encode()).hexdigest(), "Name": f"/{name}", "RestartCount": 0, "State": {
            "Status": "running", "Running": True, "OOMKilled": False, "ExitCode": 0,
            "Health": {"Status": health, "FailingStreak": 0, "Log": []},
        }} for name in names
    ], indent=4))  # fmt: skip
    if names != argv[3:]:
        raise ToolError(1, f"error: no such container: {argv[-1]}")
    return 0


def terraform(_world: dict, condition: str, argv: list[str]) -> int:
    if (
        argv != ["plan", "-input=false", "-no-color", "-lock=false", "-detailed-exitcode"]
        or os.path.basename(os.getcwd()) != "terraform"
    ):
        raise ToolError(1, "\nError: No configuration files\n")
    if condition == "throttled":
        raise ToolError(
            1,
            "\nError: reading EC2 VPC: operation error EC2: DescribeVpcs, api error RequestLimitExceeded: Request limit exceeded.\n",
        )
    if condition == "unauthorised" or not {KEY, PROFILE} & {
        os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE")
    }:
        raise ToolError(1, "\nError: No valid credential sources found\n")
    if condition in {"degraded", "down"}:
        say(
            "Terraform will perform the following actions:\n\nPlan: 1 to add, 2 to change, 0 to destroy.\n\nNote: You didn't use the -out option."
        )
        return 2
    say(
        "No changes. Your infrastructure matches the configuration.\n\nTerraform has compared your real infrastructure."
    )
    return 0


def cdk(_world: dict, condition: str, argv: list[str]) -> int:
    if argv != ["diff", "--fail"] or os.environ.get("CI") != "true" or os.path.basename(os.getcwd()) != "cdk":
        raise ToolError(1, "--app is required either in command-line, in cdk.json or in ~/.cdk.json")
    if condition == "throttled":
        raise ToolError(1, "App: fail: Rate exceeded")
    if condition == "unauthorised" or not {KEY, PROFILE} & {
        os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE")
    }:
        raise ToolError(
            1,
            "Unable to resolve AWS account to use. It must be either configured when you define your CDK Stack",
        )
    if condition in {"degraded", "down"}:
        say(
            "Stack App\nResources\n[~] AWS::SNS::Topic Ops OpsA097D252\n\n\n\u2728  Number of stacks with differences: 1\n"
        )
        return 1
    say("Stack App\nThere were no differences\n\n\n\u2728  Number of stacks with differences: 0\n")
    return 0


def ansible(_world: dict, condition: str, argv: list[str]) -> int:
    if argv[-1] != "site.yml" or argv[:-1] not in (["--check", "--diff"], ["--diff"]):
        raise ToolError(2, "usage: ansible-playbook [-h] playbook [playbook ...]")
    if condition in {"throttled", "unauthorised"}:
        say(
            "PLAY RECAP ****\nweb1 : ok=0    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0   "
        )
        raise ToolError(4, "")
    changed = 1 if condition in {"degraded", "down"} and "--check" in argv else 0
    recap = "".join(
        f"web{number}                       : ok=4    changed={changed if number == 1 else 0}    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   \n"
        for number in (1, 2)
    )
    say(f"PLAY [all] ****\n\nTASK [settings] ****\nok: [web1]\n\nPLAY RECAP ****\n{recap}")
    return 0


def psql(_world: dict, condition: str, argv: list[str]) -> int:
    if condition != "up" or not argv[0].startswith("service=shop"):
        raise ToolError(2, 'psql: error: definition of service "shop" not found')
    say(
        {"select count(*) from users": "1204"}.get(
            argv[-1], "VACUUM" if argv[-1].startswith("vacuum") else " users 12"
        )
    )
    return 0
