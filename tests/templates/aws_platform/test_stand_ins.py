"""What the stand-ins of AWS take and answer, against botocore's model of the real services."""

from __future__ import annotations

import io
import json
import sys

import botocore.session
from templates.aws_platform import answers, known


def test_the_stand_in_of_aws_takes_and_answers_what_botocore_models(monkeypatch):
    session = botocore.session.get_session()
    for (service, operation), (speak, called, allowed) in answers.OPERATIONS.items():
        if operation in {"wait", "cp"}:
            continue
        model = session.get_service_model(service.replace("s3api", "s3")).operation_model(called)
        options = {
            botocore.xform_name(name, "-")
            for name in (model.input_shape.members if model.input_shape else ())
        }
        assert {name.removeprefix("no-") for name in allowed} <= options, operation
        for condition in known.CONDITIONS[:3]:
            if (operation, condition) == ("head-object", "down"):
                continue
            monkeypatch.setattr(sys, "stdin", io.StringIO("a message"))
            world = {
                "alarms": {},
                "images": {},
                "volumes": ["vol-0a1b2c3d4e5f"],
                "instances": {"shop-drill": "a"},
            }
            said = dict(ASKED.get((service, operation), {}))
            told = answers.Told(world, condition, said, [], known.REGION)
            fits(speak(told), model.output_shape, f"{service} {operation}")


ASKED = {
    ("cloudwatch", "describe-alarms"): {"alarm-types": ["MetricAlarm", "CompositeAlarm"], "alarm-names": ["shop-cpu"]},
    ("cloudwatch", "get-metric-data"): {
        "start-time": ["0"],
        "end-time": ["3600"],
        "metric-data-queries": [json.dumps([{"Id": "m0", "MetricStat": {"Metric": {"Namespace": "shop", "MetricName": "Revenue", "Dimensions": []}, "Period": 3600, "Stat": "Sum"}}])],
    },
    ("rds", "describe-db-snapshots"): {"db-instance-identifier": ["shop"]},
    ("rds", "create-db-snapshot"): {"db-snapshot-identifier": ["shop-a"]},
    ("rds", "restore-db-instance-from-db-snapshot"): {"db-instance-identifier": ["shop-drill"]},
    ("rds", "restore-db-instance-to-point-in-time"): {"target-db-instance-identifier": ["shop-restored"]},
    ("rds", "delete-db-instance"): {"db-instance-identifier": ["shop-drill"]},
    ("s3api", "list-objects-v2"): {"bucket": ["shop-backups"], "prefix": ["database/"]},
    ("s3api", "head-object"): {"bucket": ["shop-uploads"], "key": ["images/sample.jpg"]},
    ("inspector2", "list-findings"): {"filter-criteria": ['{"findingStatus": [{"comparison": "EQUALS", "value": "ACTIVE"}]}']},
    ("ssm", "describe-parameters"): {"parameter-filters": ["Key=Path,Option=Recursive,Values=/shop/staging"]},
    ("ssm", "put-parameter"): {"name": ["/shop/a"], "value": ["b"]},
    ("ssm", "send-command"): {"targets": ["Key=tag:Environment,Values=staging"], "document-name": ["AWS-RunPatchBaseline"]},
    ("ssm", "list-commands"): {"command-id": ["00000000-0000-4000-8000-000000000001"]},
    ("ecs", "describe-services"): {"cluster": ["shop-staging"], "services": ["shop-api"]},
    ("ecs", "describe-task-definition"): {"task-definition": ["shop-api:11"]},
    ("ecs", "update-service"): {"cluster": ["shop-staging"], "service": ["shop-api"]},
    ("sns", "publish"): {"subject": ["a"], "message": ["file:///dev/stdin"]},
    ("ec2", "create-snapshot"): {"volume-id": ["vol-0a1b2c3d4e5f"]},
    ("ec2", "delete-volume"): {"volume-id": ["vol-0a1b2c3d4e5f"]},
}  # fmt: skip


def fits(value, shape, path):
    """Whether an answer has only members that the model has, of its types and enumerations."""
    if value is None:
        return
    if shape.type_name == "structure":
        assert set(value) <= set(shape.members), f"{path}: {set(value) - set(shape.members)}"
        for name, one in value.items():
            fits(one, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for one in value:
            fits(one, shape.member, path)
    elif shape.type_name == "map":
        for one in value.values():
            fits(one, shape.value, path)
    else:
        types = {
            "string": str,
            "timestamp": str,
            "boolean": bool,
            "integer": int,
            "long": int,
            "double": (int, float),
        }
        assert isinstance(value, types[shape.type_name]), f"{path}: {value!r} is no {shape.type_name}"
        assert (
            value in getattr(shape, "enum", None) or not shape.enum if shape.type_name == "string" else True
        ), path
