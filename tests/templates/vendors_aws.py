"""What the template `aws-platform` talks to: programs that answer as the real ones do, and servers for the rest.

`main(NAME, STATE, ARGUMENTS)` is the program `NAME`; `STATE` is a file with the world that all of them share. What they
print was seen of aws-cli 1.46.2 (against an endpoint of ours, whose answers botocore's model allows), Terraform 1.11.4,
CDK 2, ansible-core 2.19 and Docker 28.2; what AWS answers is tested against botocore's model where that is installed.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

HOUR, DAY = 3600, 86400
KEY, SECRET_KEY = "AKIAIOSFODNN7EXAMPLE", "secret-of-the-read-only-key"
GITHUB_TOKEN, ROUTING_KEY = "github-token-of-the-tests", "R0123456789ABCDEF0123456789ABCDE"
REGION, RECOVERY, PROFILE, ACCOUNT = "eu-west-1", "eu-central-1", "people", "123456789012"
BALANCER, REPOSITORY = "app/shop/50dc6c495c0c9188", "example/shop"
CONDITIONS = ("up", "degraded", "down", "throttled", "unauthorised")
PROGRAMS = ("aws", "docker", "terraform", "cdk", "ansible-playbook", "psql")
ALARMS = (
    "database-cpu", "database-storage", "database-connections", "cpu", "memory", "api-5xx", "api-latency", "log-errors",
)  # fmt: skip
# What each metric says where all is well, where it is worse than wished, and where it is bad; None is no data.
FIGURES = {
    ("AWS/ApplicationELB", "RequestCount", "Sum"): (12000, 12000, 12000),
    ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "Sum"): (None, 200, 3000),
    ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum"): (None, None, 60),
    ("AWS/ApplicationELB", "HTTPCode_Target_4XX_Count", "Sum"): (50, 50, 50),
    ("AWS/ApplicationELB", "TargetResponseTime", "p95"): (0.12, 0.7, 6.5),
    ("AWS/RDS", "FreeStorageSpace", "Minimum"): (50e9, 5e9, 1e9),
    ("AWS/RDS", "ReadLatency", "Average"): (0.0004, 0.0004, 0.0004),
    ("AWS/ECS", "CPUUtilization", "Average"): (35.5, 85, 97),
    ("AWS/ECS", "MemoryUtilization", "Average"): (40, 85, 97),
    ("AWS/Logs", "IncomingLogEvents", "Sum"): (5000, 5000, 0),
    ("shop", "ActiveUsers", "Maximum"): (120, 120, 0),
    ("shop", "EntriesCreated", "Sum"): (14, 14, 0),
    ("shop", "Searches", "Sum"): (900, 900, 0),
    ("shop", "AdminActions", "Sum"): (7, 2000, 2000),
    ("shop", "Revenue", "Sum"): (1999.5, 1999.5, 0),
    ("shop", "SecurityEvents", "Sum"): (0, 3, 40),
    ("shop", "Logins", "Sum"): (340, 340, 0),
    ("shop", "FailedLogins", "Sum"): (12, 900, 9000),
    ("shop", "AccessDenied", "Sum"): (4, 300, 3000),
}
DIMENSIONS = {
    "AWS/ApplicationELB": {"LoadBalancer": BALANCER},
    "AWS/RDS": {"DBInstanceIdentifier": "shop"},
    "AWS/ECS": {"ClusterName": "shop-production"},
    "AWS/Logs": {"LogGroupName": "/shop/production"},
    "shop": {},
}
DUMP = b"-- PostgreSQL database dump\n" * 100


class ToolError(Exception):
    """How a program ends that does not do what it was asked: an exit code and what it says."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


# ---- the world, for tests


class World:
    """Programs in `folder`, to be put on PATH, and the world that they share; each kind of thing has a condition."""

    def __init__(self, folder: Path) -> None:
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
                f'#!/bin/sh\nexec "{sys.executable}" -S -E -c "import sys; from pathlib import Path; '
                f"sys.path.insert(0, '{Path(__file__).parent}'); from vendors_aws import main; "
                f'sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))" {name} "{self._state}" "$@"\n'
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


def main(name: str, state: Path, argv: list[str]) -> int:
    with (state.parent / "journal").open("a") as journal:
        journal.write(json.dumps([name, *argv]) + "\n")
    world = json.loads(state.read_text())
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
        state.write_text(json.dumps(world))
    return code


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def stamp(seconds_ago: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - seconds_ago)) + ".123000+00:00"


def aws(world: dict, condition: str, argv: list[str]) -> int:
    options, rest = options_of(argv)
    if len(rest) < 2:
        raise ToolError(2, "aws: error: too few arguments")
    service, operation, *more = rest
    known = OPERATIONS.get((service, operation))
    if known is None:
        raise ToolError(2, f"aws: error: argument operation: Invalid choice: {service} {operation}")
    speak, called, allowed = known
    signed_by(options)
    if service not in {"s3", "s3api", "iam"} and not (
        options.get("region") or os.environ.get("AWS_DEFAULT_REGION")
    ):
        raise ToolError(
            255, 'You must specify a region. You can also configure your region by running "aws configure".'
        )
    said = {name: value for name, value in options.items() if name not in {"profile", "region", "output"}}
    if unknown := sorted(set(said) - set(allowed)):
        raise ToolError(2, f"aws: error: Unknown options: {unknown}")
    if condition == "throttled":
        raise failed("ThrottlingException", f"{called} operation (reached max retries: 4)", "Rate exceeded")
    if condition == "unauthorised":
        raise failed(
            "InvalidClientTokenId",
            f"{called} operation",
            "The security token included in the request is invalid.",
        )
    region = options.get("region", [os.environ.get("AWS_DEFAULT_REGION", "")])[0]
    answer = speak(Told(world, condition, said, more, region))
    if answer is not None:
        say(json.dumps(answer, indent=4))
    return 0


def options_of(argv: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The options with their values, and what stands between them."""
    options: dict[str, list[str]] = {}
    rest: list[str] = []
    name = ""
    for word in argv:
        if word.startswith("--") and len(word) > 2:
            name = word[2:]
            options[name] = []
        elif name and (len(options[name]) == 0 or name in MANY) and name not in FLAGS:
            options[name].append(word)
        else:
            rest.append(word)
    return options, rest


MANY = {
    "alarm-names",
    "alarm-types",
    "services",
    "filters",
    "volume-ids",
    "snapshot-ids",
    "parameter-filters",
}
FLAGS = {
    "force-new-deployment",
    "no-publicly-accessible",
    "skip-final-snapshot",
    "overwrite",
    "only-show-errors",
}


def signed_by(options: dict[str, list[str]]) -> None:
    """Either a profile that is there, or the key that may only read."""
    if "profile" in options:
        if options["profile"] != [PROFILE]:
            raise ToolError(255, f"\nThe config profile ({options['profile'][0]}) could not be found")
    elif (os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")) != (KEY, SECRET_KEY):
        raise ToolError(
            255, 'Unable to locate credentials. You can configure credentials by running "aws configure".'
        )


def failed(code: str, called: str, words: str) -> ToolError:
    return ToolError(255, f"\nAn error occurred ({code}) when calling the {called}: {words}")


class Told:
    """One call: the world, the condition, the options by name, the words that are no options, and the region."""

    def __init__(
        self, world: dict, condition: str, options: dict[str, list[str]], words: list[str], region: str
    ) -> None:
        self.world, self.condition, self.options, self.words, self.region = (
            world,
            condition,
            options,
            words,
            region,
        )

    def one(self, name: str) -> str:
        if not self.options.get(name):
            raise ToolError(2, f"aws: error: the following arguments are required: --{name}")
        return self.options[name][0]

    def pick(self, up: object, degraded: object, down: object) -> object:
        return {"degraded": degraded, "down": down}.get(self.condition, up)


def describe_alarms(told: Told) -> dict:
    if told.options.get("alarm-types") != ["MetricAlarm", "CompositeAlarm"]:
        raise ToolError(2, "without the types, composite alarms are left out")
    there = {f"shop-{name}" for name in ALARMS} - {
        name for name, state in told.world["alarms"].items() if state == "deleted"
    }
    found = []
    for name in told.options["alarm-names"]:
        state = told.world["alarms"].get(name, told.pick("OK", "OK", "ALARM"))
        if name in there:
            found.append(alarm(name, state, partial=told.condition == "degraded"))
    return {"MetricAlarms": found, "CompositeAlarms": []}


def alarm(name: str, state: str, *, partial: bool) -> dict:
    said = {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}",
        "ActionsEnabled": True,
        "AlarmActions": [],
        "StateValue": state,
        "StateReason": "Threshold Crossed: 1 datapoint was greater than the threshold.",
        "StateUpdatedTimestamp": stamp(HOUR),
        "MetricName": "Anything",
        "Namespace": "AWS/ECS",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 5,
        "Threshold": 80.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    return {**said, "EvaluationState": "PARTIAL_DATA"} if partial else said


def get_metric_data(told: Told) -> dict:
    start, end = int(told.one("start-time")), int(told.one("end-time"))
    results = []
    for query in json.loads(told.one("metric-data-queries")):
        asked, period = query["MetricStat"], query["MetricStat"]["Period"]
        if (
            not re.fullmatch(r"[a-z][A-Za-z0-9_]*", query["Id"])
            or period % 60
            or not 0 < end - start <= 455 * DAY
        ):
            raise failed(
                "ValidationError", "GetMetricData operation", "The parameter MetricDataQueries is not valid"
            )
        value = figure(told, asked["Metric"], asked["Stat"])
        results.append({
            "Id": query["Id"],
            "Label": asked["Metric"]["MetricName"],
            "Timestamps": [] if value is None else [stamp(end - start)],
            "Values": [] if value is None else [float(value)],
            "StatusCode": "Complete",
        })  # fmt: skip
    return {"MetricDataResults": results, "Messages": []}


def figure(told: Told, metric: dict, statistic: str) -> float | None:
    """What CloudWatch has of a metric; of one that it does not know, nothing."""
    dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
    if told.condition == "quiet" or DIMENSIONS.get(metric["Namespace"]) != dimensions:
        return None
    return told.pick(*FIGURES.get((metric["Namespace"], metric["MetricName"], statistic), (None, None, None)))


def describe_db_snapshots(told: Told) -> dict:
    if told.one("db-instance-identifier") != "shop" or told.condition == "empty":
        return {"DBSnapshots": []}
    first = told.pick(2 * HOUR, 2 * HOUR, 40 * HOUR)
    count = told.pick(9, 9, 40)
    ages = [first + number * DAY for number in range(count)]
    plain = told.condition == "degraded"
    found = [snapshot(age, "available", encrypted=not (plain and age == first)) for age in ages]
    return {"DBSnapshots": [*found, {**snapshot(60, "creating", encrypted=True), "PercentProgress": 10}]}


def snapshot(age: float, status: str, *, encrypted: bool) -> dict:
    name = f"rds:shop-{stamp(age)[:16].replace('T', '-').replace(':', '-')}"
    return {
        "DBSnapshotIdentifier": name,
        "DBInstanceIdentifier": "shop",
        "SnapshotCreateTime": stamp(age),
        "Engine": "postgres",
        "AllocatedStorage": 100,
        "Status": status,
        "Port": 5432,
        "SnapshotType": "automated",
        "PercentProgress": 100,
        "Encrypted": encrypted,
        "DBSnapshotArn": f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:{name}",
    }


def list_objects(told: Told) -> dict:
    if (told.one("bucket"), told.one("prefix")) != ("shop-backups", "database/"):
        raise failed("NoSuchBucket", "ListObjectsV2 operation", "The specified bucket does not exist")
    age = told.pick(3 * HOUR, 3 * HOUR, 70 * HOUR)
    names = [
        ("database/0001.dump", age + DAY),
        ("database/0002.dump", age),
        ("database/0002.dump.sha256", age - 60),
    ]
    return {
        "Contents": [
            {
                "Key": key,
                "LastModified": stamp(old),
                "ETag": '"d41d8cd98f00b204e9800998ecf8427e"',
                "Size": len(DUMP),
                "StorageClass": "STANDARD",
            }
            for key, old in names
        ],
        "RequestCharged": None,
        "Prefix": "database/",
    }


def head_object(told: Told) -> dict:
    if told.condition == "down" or (told.one("bucket"), told.one("key")) != (
        "shop-uploads",
        "images/sample.jpg",
    ):
        raise failed("404", "HeadObject operation", "Not Found")
    return {
        "AcceptRanges": "bytes", "LastModified": stamp(90 * DAY), "ContentLength": 48213,
        "ETag": '"9b2cf535f27731c974343645a3985328"', "ContentType": "image/jpeg", "ServerSideEncryption": "AES256", "Metadata": {},
    }  # fmt: skip


def copy_object(told: Told) -> None:
    from hashlib import sha256

    source, target = told.words
    text = DUMP if source.endswith(".dump") else f"{sha256(DUMP).hexdigest()}  0002.dump\n".encode()
    if told.world.get("damaged"):
        text = text[:-5]
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_bytes(text)


def list_findings(told: Told) -> dict:
    if json.loads(told.one("filter-criteria")) != {
        "findingStatus": [{"comparison": "EQUALS", "value": "ACTIVE"}]
    }:
        raise failed("ValidationException", "ListFindings operation", "1 validation error detected")
    found = [("HIGH", 5), ("MEDIUM", 200)]
    found += told.pick([], [("CRITICAL", 2)], [("CRITICAL", 45)])
    return {"findings": [finding(severity, days) for severity, days in found]}


def finding(severity: str, days: float) -> dict:
    return {
        "findingArn": f"arn:aws:inspector2:{REGION}:{ACCOUNT}:finding/{severity.lower()}",
        "awsAccountId": ACCOUNT, "type": "PACKAGE_VULNERABILITY", "description": "A package with a hole.",
        "title": "CVE-2026-0001 - openssl", "remediation": {"recommendation": {"text": "None Provided"}}, "severity": severity,
        "firstObservedAt": stamp(days * DAY), "lastObservedAt": stamp(HOUR), "updatedAt": stamp(HOUR), "status": "ACTIVE",
        "resources": [{"type": "AWS_ECR_CONTAINER_IMAGE", "id": "shop"}], "fixAvailable": "YES",
    }  # fmt: skip


def account_summary(told: Told) -> dict:
    return {
        "SummaryMap": {
            "AccountMFAEnabled": told.pick(1, 1, 0),
            "AccountAccessKeysPresent": told.pick(0, 0, 1),
            "Users": 6,
        }
    }


def describe_parameters(told: Told) -> dict:
    said = dict(part.split("=", 1) for part in told.one("parameter-filters").split(","))
    names = {"staging": ["DATABASE_URL", "MAIL_FROM"], "production": ["DATABASE_URL", "MAIL_FROM"]}
    if told.condition in {"degraded", "down"}:
        names["staging"] = [*names["staging"], "NEW_FEATURE"]
    prefix, _, environment = said.get("Values", "").rpartition("/")
    if (said.get("Key"), said.get("Option"), prefix) != ("Path", "Recursive", "/shop"):
        return {"Parameters": []}
    return {"Parameters": [
        {"Name": f"/shop/{environment}/{name}", "Type": "SecureString", "LastModifiedDate": stamp(DAY), "Version": 1, "Tier": "Standard"}
        for name in names[environment]
    ]}  # fmt: skip


def describe_services(told: Told) -> dict:
    cluster, service = told.one("cluster"), told.one("services")
    if service != "shop-api" or not cluster.startswith("shop-"):
        return {"services": [], "failures": [{"arn": service, "reason": "MISSING"}]}
    revision = told.world["images"].get(cluster, {}).get("revision", 11)
    definition = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/shop-api:{revision}"
    rolled = {
        "id": "ecs-svc/1",
        "status": "PRIMARY",
        "taskDefinition": definition,
        "desiredCount": 2,
        "runningCount": 2,
        "rolloutState": "COMPLETED",
    }
    return {"services": [{
        "serviceName": service, "status": "ACTIVE", "desiredCount": 2, "runningCount": 2, "pendingCount": 0,
        "taskDefinition": definition, "deployments": [rolled],
    }], "failures": []}  # fmt: skip


def describe_task_definition(told: Told) -> dict:
    asked = told.one("task-definition")
    revision = int(asked.rpartition(":")[2])
    image = next(
        (one["image"] for one in told.world["images"].values() if one["revision"] == revision), "v1.4.1"
    )
    container = {
        "name": "api",
        "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop-api:{image}",
        "essential": True,
    }
    return {
        "taskDefinition": {
            "taskDefinitionArn": asked,
            "containerDefinitions": [container],
            "family": "shop-api",
            "revision": revision,
            "status": "ACTIVE",
        }
    }


def update_service(told: Told) -> dict:
    cluster = told.one("cluster")
    if "task-definition" in told.options:
        revision = int(told.one("task-definition").rpartition(":")[2])
        told.world["images"][cluster] = {"revision": revision, "image": f"v1.4.{revision - 10}"}
    return {
        "service": {
            "serviceName": told.one("service"),
            "status": "ACTIVE",
            "desiredCount": 2,
            "runningCount": 2,
        }
    }


def restore_instance(told: Told) -> dict:
    name = told.options.get("db-instance-identifier") or told.options["target-db-instance-identifier"]
    if told.region not in {REGION, RECOVERY}:
        raise ToolError(
            255, f'Could not connect to the endpoint URL: "https://rds.{told.region}.amazonaws.com/"'
        )
    told.world.setdefault("instances", {})[name[0]] = told.options.get(
        "db-snapshot-identifier", ["a moment"]
    )[0]
    return {
        "DBInstance": {
            "DBInstanceIdentifier": name[0],
            "DBInstanceStatus": "creating",
            "PubliclyAccessible": False,
        }
    }


def delete_instance(told: Told) -> dict:
    name = told.one("db-instance-identifier")
    if told.world.get("instances", {}).pop(name, None) is None:
        raise failed("DBInstanceNotFound", "DeleteDBInstance operation", f"DBInstance {name} not found.")
    return {"DBInstance": {"DBInstanceIdentifier": name, "DBInstanceStatus": "deleting"}}


def wait_instance(told: Told) -> None:
    there = told.one("db-instance-identifier") in told.world.get("instances", {})
    if there != (told.words[0] == "db-instance-available"):
        raise ToolError(255, "\nWaiter DBInstanceAvailable failed: Max attempts exceeded")


def rds_wait(told: Told) -> None:
    if told.words[0].startswith("db-instance"):
        wait_instance(told)


def create_snapshot(told: Told) -> dict:
    return {
        "DBSnapshot": {
            "DBSnapshotIdentifier": told.one("db-snapshot-identifier"),
            "Status": "creating",
            "Encrypted": True,
        }
    }


def send_command(told: Told) -> dict:
    target = told.one("targets").rpartition("=")[2]
    return {
        "Command": {
            "CommandId": f"00000000-0000-4000-8000-{'0' * 11}{1 if target == 'staging' else 2}",
            "DocumentName": told.one("document-name"),
            "Status": "Pending",
        }
    }


def list_commands(told: Told) -> dict:
    name = told.one("command-id")
    if not re.fullmatch(r"[0-9a-f-]{36}", name):
        raise failed("InvalidCommandId", "ListCommands operation", "")
    return {
        "Commands": [
            {
                "CommandId": name,
                "DocumentName": "AWS-RunPatchBaseline",
                "Status": "Success",
                "StatusDetails": "Success",
            }
        ]
    }


def describe_volumes(told: Told) -> dict:
    asked = told.options.get("volume-ids", told.world["volumes"])
    if missing := [one for one in asked if one not in told.world["volumes"]]:
        raise failed(
            "InvalidVolume.NotFound",
            "DescribeVolumes operation",
            f"The volume '{missing[0]}' does not exist.",
        )
    return {"Volumes": [
        {"VolumeId": one, "Size": 100, "AvailabilityZone": f"{REGION}a", "State": "available", "VolumeType": "gp3", "Encrypted": True}
        for one in asked
    ]}  # fmt: skip


def volume_snapshot(told: Told) -> dict:
    return {
        "SnapshotId": "snap-0f0e0d0c0b0a",
        "VolumeId": told.one("volume-id"),
        "State": "pending",
        "VolumeSize": 100,
        "Encrypted": True,
    }


def describe_snapshots(_told: Told) -> dict:
    return {"Snapshots": [{"SnapshotId": "snap-0f0e0d0c0b0a", "State": "completed", "VolumeSize": 100}]}


def delete_volume(told: Told) -> None:
    told.world["volumes"].remove(told.one("volume-id"))


def ec2_wait(told: Told) -> None:
    if told.words[0] == "snapshot-completed" and not told.one("snapshot-ids").startswith("snap-"):
        raise failed(
            "InvalidSnapshotID.Malformed", "DescribeSnapshots operation", "The snapshot is malformed"
        )


def publish(told: Told) -> dict:
    if told.one("message") != "file:///dev/stdin":
        raise ToolError(2, "the message is read, so that no process list shows it")
    told.world.setdefault("mails", []).append([told.one("subject"), sys.stdin.read()])
    return {"MessageId": "567910cd-659e-55d4-8ccb-5aaf14679dc0"}


def put_parameter(told: Told) -> dict:
    told.world.setdefault("parameters", {})[told.one("name")] = told.one("value")
    return {"Version": 2, "Tier": "Standard"}


def nothing(_told: Told) -> None:
    """A waiter that has what it waits for says nothing."""


# By service and operation: what answers, what the API calls it, and the options that it knows.
OPERATIONS = {
    ("cloudwatch", "describe-alarms"): (describe_alarms, "DescribeAlarms", {"alarm-types", "alarm-names"}),
    ("cloudwatch", "get-metric-data"): (get_metric_data, "GetMetricData", {"metric-data-queries", "start-time", "end-time"}),
    ("rds", "describe-db-snapshots"): (describe_db_snapshots, "DescribeDBSnapshots", {"db-instance-identifier"}),
    ("rds", "create-db-snapshot"): (create_snapshot, "CreateDBSnapshot", {"db-instance-identifier", "db-snapshot-identifier"}),
    ("rds", "restore-db-instance-from-db-snapshot"): (restore_instance, "RestoreDBInstanceFromDBSnapshot", {"db-instance-identifier", "db-snapshot-identifier", "no-publicly-accessible"}),
    ("rds", "restore-db-instance-to-point-in-time"): (restore_instance, "RestoreDBInstanceToPointInTime", {"source-db-instance-identifier", "target-db-instance-identifier", "restore-time"}),
    ("rds", "delete-db-instance"): (delete_instance, "DeleteDBInstance", {"db-instance-identifier", "skip-final-snapshot"}),
    ("rds", "wait"): (rds_wait, "DescribeDBInstances", {"db-instance-identifier", "db-snapshot-identifier"}),
    ("s3api", "list-objects-v2"): (list_objects, "ListObjectsV2", {"bucket", "prefix"}),
    ("s3api", "head-object"): (head_object, "HeadObject", {"bucket", "key"}),
    ("s3", "cp"): (copy_object, "GetObject", {"only-show-errors"}),
    ("inspector2", "list-findings"): (list_findings, "ListFindings", {"filter-criteria"}),
    ("iam", "get-account-summary"): (account_summary, "GetAccountSummary", set()),
    ("ssm", "describe-parameters"): (describe_parameters, "DescribeParameters", {"parameter-filters"}),
    ("ssm", "put-parameter"): (put_parameter, "PutParameter", {"name", "value", "overwrite"}),
    ("ssm", "send-command"): (send_command, "SendCommand", {"document-name", "parameters", "targets", "max-concurrency", "max-errors"}),
    ("ssm", "list-commands"): (list_commands, "ListCommands", {"command-id"}),
    ("ecs", "describe-services"): (describe_services, "DescribeServices", {"cluster", "services"}),
    ("ecs", "describe-task-definition"): (describe_task_definition, "DescribeTaskDefinition", {"task-definition"}),
    ("ecs", "update-service"): (update_service, "UpdateService", {"cluster", "service", "task-definition", "force-new-deployment"}),
    ("ecs", "wait"): (nothing, "DescribeServices", {"cluster", "services"}),
    ("ec2", "describe-volumes"): (describe_volumes, "DescribeVolumes", {"filters", "volume-ids"}),
    ("ec2", "create-snapshot"): (volume_snapshot, "CreateSnapshot", {"volume-id", "description"}),
    ("ec2", "describe-snapshots"): (describe_snapshots, "DescribeSnapshots", {"filters"}),
    ("ec2", "delete-volume"): (delete_volume, "DeleteVolume", {"volume-id"}),
    ("ec2", "wait"): (ec2_wait, "DescribeSnapshots", {"snapshot-ids", "volume-ids"}),
    ("sns", "publish"): (publish, "Publish", {"topic-arn", "subject", "message"}),
}  # fmt: skip


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
        or Path.cwd().name != "terraform"
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
    if argv != ["diff", "--fail"] or os.environ.get("CI") != "true" or Path.cwd().name != "cdk":
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


# ---- the servers


def server(speak, tls=None):
    """A server that answers each request as `speak` says; `requests` is what it was asked."""
    from web import Web

    class Speaking(Web):
        def next(self, request):
            self.requests.append(request)
            return speak(request)

    return Speaking(tls)


def answer(status, said=None, **headers):
    from web import Answer

    body = b"" if said is None else json.dumps(said).encode()
    return Answer(status, body, {"Content-Type": "application/json; charset=utf-8", **headers})


def github(request, condition, dispatched):
    """GitHub's REST API: runs of workflows, and their dispatch, whose reference and inputs go into `dispatched`."""
    if not request.headers.get("user-agent"):
        return answer(403, {"message": "Request forbidden by administrative rules."})
    if condition == "unauthorised" or request.headers.get("authorization") != f"Bearer {GITHUB_TOKEN}":
        return answer(
            401,
            {
                "message": "Bad credentials",
                "documentation_url": "https://docs.github.com/rest",
                "status": "401",
            },
        )
    limits = {
        "X-RateLimit-Limit": "5000",
        "X-RateLimit-Resource": "core",
        "X-RateLimit-Reset": str(int(time.time()) + 600),
    }
    if condition == "throttled":
        words = {
            "message": "API rate limit exceeded for user ID 1.",
            "documentation_url": "https://docs.github.com/rest",
        }
        return answer(403, words, **limits, **{"X-RateLimit-Remaining": "0"})
    if condition == "slowed":
        return answer(429, {"message": "You have exceeded a secondary rate limit."}, **{"Retry-After": "60"})
    if request.headers.get("x-github-api-version") != "2022-11-28":
        return answer(400, {"message": "The version is not supported", "status": "400"})
    path, _, query = request.path.partition("?")
    found = re.fullmatch(rf"/repos/{REPOSITORY}/actions/workflows/(ci|deploy)\.yml/(runs|dispatches)", path)
    if found is None:
        return answer(
            404,
            {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"},
        )
    if found[2] == "dispatches":
        dispatched(json.loads(request.body))
        return answer(204)
    if "status=completed" not in query.split("&") or "per_page=1" not in query.split("&"):
        return answer(422, {"message": "Validation Failed"})
    conclusion = {"degraded": "cancelled", "down": "failure"}.get(condition, "success")
    runs = [] if condition == "empty" else [workflow_run(found[1], conclusion)]
    return answer(
        200, {"total_count": len(runs), "workflow_runs": runs}, **limits, **{"X-RateLimit-Remaining": "4999"}
    )


def workflow_run(name, conclusion):
    return {
        "id": 30433642, "name": name, "node_id": "MDEyOldvcmtmbG93IFJ1bjI2OTI4OQ==", "head_branch": "main",
        "head_sha": "acb5820ced9479c074f688cc328bf03f341a511d", "run_number": 562, "run_attempt": 1, "event": "push",
        "status": "completed", "conclusion": conclusion, "workflow_id": 159038, "created_at": "2026-11-20T09:00:00Z",
        "run_started_at": "2026-11-20T09:00:00Z", "updated_at": "2026-11-20T09:05:00Z",
        "html_url": f"https://github.com/{REPOSITORY}/actions/runs/30433642",
    }  # fmt: skip


def site(request, condition, outside):
    """The application in every environment, and the status page of what watches it from outside."""
    path = request.path.partition("?")[0]
    if path == "/api/v2/status.json":
        return status_page(outside)
    if condition == "down":
        return answer(503, {"error": "unavailable"})
    pages = {
        "/": {"title": "Shop"},
        "/api/health": {"status": "degraded" if condition == "degraded" else "ok"},
        "/api/search": {"results": [{"id": 1001}] if request.path == "/api/search?q=chair" else []},
        "/api/entries/1001": {"id": 1001, "title": "A chair"},
        "/admin/login": {"title": "Sign in"},
    }
    if path == "/admin/":
        return (
            answer(302, None, Location="/admin/login") if condition != "open" else answer(200, {"users": []})
        )
    return answer(200, pages[path]) if path in pages else answer(404, {"error": "not found"})


def status_page(condition):
    """The summary of a status page, in the format of Statuspage."""
    if condition == "throttled":
        return answer(429, {"errors": ["too many requests"]})
    if condition == "unauthorised":
        return answer(401, {"error": "Could not authenticate"})
    indicator, words = {
        "degraded": ("minor", "Minor Service Outage"), "down": ("critical", "Major System Outage"),
    }.get(condition, ("none", "All Systems Operational"))  # fmt: skip
    page = {
        "id": "y2j98763l56x",
        "name": "Shop",
        "url": "https://status.example.net",
        "updated_at": "2026-11-20T09:00:00Z",
    }
    return answer(200, {"page": page, "status": {"indicator": indicator, "description": words}})


def pagerduty(request, condition):
    """PagerDuty's Events API v2."""
    said = json.loads(request.body)
    payload = said.get("payload", {})
    wrong = [name for name in ("summary", "source", "severity") if not payload.get(name)]
    if condition == "throttled":
        return answer(
            429,
            {"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly."},
        )
    if said.get("routing_key") != ROUTING_KEY or said.get("event_action") != "trigger" or wrong:
        return answer(
            400,
            {
                "status": "invalid event",
                "message": "Event object is invalid",
                "errors": wrong or ["routing_key"],
            },
        )
    if payload["severity"] not in {"critical", "error", "warning", "info"}:
        return answer(
            400, {"status": "invalid event", "message": "Event object is invalid", "errors": ["severity"]}
        )
    return answer(202, {"status": "success", "message": "Event processed", "dedup_key": said["dedup_key"]})


def slack(request, condition):
    """An incoming webhook of Slack, which answers with a word."""
    from web import Answer

    if condition == "throttled":
        return Answer(429, b"rate_limited", {"Retry-After": "30"})
    if not json.loads(request.body).get("text"):
        return Answer(400, b"no_text")
    return Answer(200, b"ok")
