"""Who and where everything is in the AWS of the tests, how it may be, and how its programs speak."""

from __future__ import annotations

import sys
import time

HOUR, DAY = 3600, 86400
KEY, SECRET_KEY = "AKIAIOSFODNN7EXAMPLE", "secret-of-the-read-only-key"
GITHUB_TOKEN, ROUTING_KEY = "github-token-of-the-tests", "R0123456789ABCDEF0123456789ABCDE"
REGION, RECOVERY, PROFILE, ACCOUNT = "eu-west-1", "eu-central-1", "people", "123456789012"
BALANCER, REPOSITORY = "app/shop/50dc6c495c0c9188", "example/shop"
CONDITIONS = ("up", "degraded", "down", "throttled", "unauthorised")


class ToolError(Exception):
    """How a program ends that does not do what it was asked: an exit code and what it says."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def stamp(seconds_ago: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - seconds_ago)) + ".123000+00:00"
