"""The program `aws`: what it is asked, by whom, and how it refuses."""

from __future__ import annotations

import json
import os

from templates.aws_platform.answers import OPERATIONS, Told, failed
from templates.aws_platform.known import KEY, PROFILE, SECRET_KEY, ToolError, say


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
