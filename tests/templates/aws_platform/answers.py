"""What each operation of AWS answers, as botocore's model allows it."""

from __future__ import annotations

import json
import re
import sys

from templates.aws_platform.known import ACCOUNT, BALANCER, DAY, HOUR, RECOVERY, REGION, ToolError, stamp

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
    from pathlib import Path

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
