"""`opsctl help TOPIC`: what is true of every command."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.console import emit

TOPICS = {
    "exit-codes": """\
Exit codes, the same for every command:

    0  yes: all is well
    1  no: a check is down, a gate is blocked, a run failed
    2  the command line is wrong, or it selected nothing
    3  could not tell: something is unknown
    4  waits for a person
    5  the configuration is invalid
    6  the store is locked, read-only, too new or damaged
  130  interrupted
  143  terminated

Where several apply: 5 before 6 before 1 before 3 before 4.
`opsctl check --exit-style nagios` answers 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
""",
    "expectations": """\
An expectation is `subject operator value`. It passes only where the value was seen and fits; a missing
value, another type or no answer at all is never a pass, and neither is its negation.

  status == 200                         numbers, texts in quotes, true, false
  status in 200..299                    a range, or a list: status in [200, 204]
  latency < 500ms                       durations: us ms s m h d w, as 1h30m
  size > 1MB                            sizes: B kB MB GB TB KiB MiB GiB TiB
  used_percent < 90%                    percentages
  json.status == "ok"                   a path into JSON: json.items[0].name, json["odd key"]
  all(json.items[*].state) == "ready"   any(...), all(...) and len(...) over lists
  header.content-type contains "json"   contains and matches: body matches /ok|ready/
  not json.error exists                 exists, and not before any of these

`opsctl schema` and docs/checks.md name the subjects of each check type.
""",
    "selectors": """\
Selectors say which checks are meant:

  api             all checks of the service `api`
  api/health      one check
  web-*, */disk   globs
  tag:prod        services with this tag
  tier:critical   services of this tier
  owner:platform  services of this owner
  all             everything, as without any selector

Several are joined; `--exclude` takes away. A selector that means nothing is an error (exit 2).
""",
    "environment": """\
Variables that opsctl reads:

  OPSCTL_WORKSPACE  the workspace's folder, as `-C` names it
  OPSCTL_DB         the store's file, in place of `store:` in opsctl.yaml
  OPSCTL_NOW        the time to use as now, as 2026-01-02T03:04:05Z
  OPSCTL_DEBUG      show the traceback of an internal error
  XDG_CACHE_HOME    in its folder `opsctl` workspaces are kept as they were read (~/.cache by default);
                    what is there may be deleted, and is never used when anything has changed
  NO_COLOR          no colours
  CI                ask nothing
  GITHUB_STEP_SUMMARY  where `-o github` appends its summary
""",
}


EPILOG = """Examples:

\b
  opsctl help
  opsctl help exit-codes
"""


def register(app: typer.Typer) -> None:
    """Add `help` to the application."""
    app.command("help", epilog=EPILOG)(topic)


def topic(
    name: Annotated[str, typer.Argument(help="One of: " + ", ".join(TOPICS) + ".", metavar="[TOPIC]")] = "",
) -> None:
    """Explain exit-codes, expectations, selectors or environment."""
    from opsctl.errors import UsageError
    from opsctl.prose import suggestion, ticked
    from opsctl.world import this_world

    if not name:
        emit(this_world(), "".join(f"opsctl help {each}\n" for each in TOPICS))
    elif name in TOPICS:
        emit(this_world(), TOPICS[name])
    else:
        raise UsageError(
            f"no topic is called `{name}`{suggestion(name, TOPICS)}; the topics are {ticked(TOPICS)}"
        )
