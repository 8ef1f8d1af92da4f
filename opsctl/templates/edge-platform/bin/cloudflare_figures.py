#!/usr/bin/env python3
"""Print figures of Cloudflare's analytics as one JSON object, for the checks that judge them.

    cloudflare_figures.py worker API ACCOUNT WORKER          the last hour of a Worker
    cloudflare_figures.py quota API ACCOUNT WORKER REQUESTS  its last 30 days, of so many paid requests
    cloudflare_figures.py threats API ZONE                   what the firewall stopped in the last hour

The token is in CLOUDFLARE_API_TOKEN. Where nothing can be told (limited, refused, no data), the figures are
left out and `unknown` says why: a check of a figure that is not there is unknown, never up.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HOUR = 3600
STOPPING = ("block", "challenge", "jschallenge", "managed_challenge")
WORKER = """query ($account: string!, $worker: string!, $from: string!, $to: string!) {
  viewer { accounts(filter: {accountTag: $account}) {
    workersInvocationsAdaptive(
      limit: 10000, filter: {scriptName: $worker, datetime_geq: $from, datetime_leq: $to}
    ) {
      sum { requests errors } quantiles { cpuTimeP99 } dimensions { status } } } } }"""
THREATS = """query ($zone: string!, $from: string!, $to: string!) {
  viewer { zones(filter: {zoneTag: $zone}) {
    firewallEventsAdaptive(limit: 10000, filter: {datetime_geq: $from, datetime_leq: $to}) { action } } } }"""


class UnknownError(Exception):
    """Nothing can be told; `str(error)` says why."""


def ask(api: str, query: str, variables: dict[str, str], seconds: int) -> Any:
    """The `viewer` of the answer, over the seconds before now."""
    now = time.time()
    span = {"from": stamp(now - seconds), "to": stamp(now)}
    body = json.dumps({"query": query, "variables": {**variables, **span}}).encode()
    headers = {
        "Authorization": f"Bearer {os.environ.get('CLOUDFLARE_API_TOKEN', '')}",
        "Content-Type": "application/json",
        "User-Agent": "opsctl-workspace/1",
    }
    request = urllib.request.Request(f"{api}/graphql", body, headers)  # noqa: S310 - the address is the workspace's
    try:
        with urllib.request.urlopen(request, timeout=8) as answer:  # noqa: S310 - as above
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        raise UnknownError(f"the API answered {error.code}") from error
    except (OSError, ValueError) as error:
        raise UnknownError(f"no answer: {error}") from error
    # Mistakes come with status 200.
    if not isinstance(found, dict) or found.get("errors") or not found.get("data"):
        raise UnknownError("the API answered with errors")
    return found["data"]["viewer"]


def stamp(seconds: float) -> str:
    """A time as the API wants it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def worker(api: str, account: str, name: str) -> dict[str, Any]:
    """Requests, failed share, CPU time and requests that ran out of resources, of the last hour."""
    groups = invocations(api, account, name, HOUR)
    requests, errors = (sum(group["sum"][field] for group in groups) for field in ("requests", "errors"))
    if not requests:
        return {"requests": 0, "requests_per_second": 0, "unknown": "there was no request"}
    exceeded = sum(
        group["sum"]["requests"] for group in groups if group["dimensions"]["status"] == "exceededResources"
    )
    return {
        "requests": requests,
        "requests_per_second": round(requests / HOUR, 4),
        "error_percent": round(100 * errors / requests, 4),
        "exceeded_resources": exceeded,
        # The API counts in microseconds.
        "cpu_p99_ms": max(group["quantiles"]["cpuTimeP99"] for group in groups) / 1000,
    }


def quota(api: str, account: str, name: str, paid: str) -> dict[str, Any]:
    """The requests of the last 30 days, as a share of those that are paid for."""
    requests = sum(group["sum"]["requests"] for group in invocations(api, account, name, 30 * 24 * HOUR))
    return {"requests": requests, "utilisation_percent": round(100 * requests / int(paid), 4)}


def invocations(api: str, account: str, name: str, seconds: int) -> list[Any]:
    """What the Worker did, by status."""
    viewer = ask(api, WORKER, {"account": account, "worker": name}, seconds)
    return [group for one in viewer["accounts"] for group in one["workersInvocationsAdaptive"]]


def threats(api: str, zone: str) -> dict[str, Any]:
    """How many requests the firewall blocked or challenged in the last hour."""
    viewer = ask(api, THREATS, {"zone": zone}, HOUR)
    events = [event for one in viewer["zones"] for event in one["firewallEventsAdaptive"]]
    return {"stopped": sum(event["action"] in STOPPING for event in events)}


def main(arguments: list[str]) -> None:
    """Print the figures that the first argument names."""
    figures: Mapping[str, Callable[..., dict[str, Any]]] = {
        "worker": worker,
        "quota": quota,
        "threats": threats,
    }
    try:
        found = figures[arguments[0]](*arguments[1:])
    except UnknownError as error:
        found = {"unknown": str(error)}
    except (KeyError, TypeError, ValueError) as error:
        found = {"unknown": f"the answer has another form: {error!r}"}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
