"""Lint runbooks by what they say and by what their runs have shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.freshness import freshness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.definitions import Workspace
    from opsctl.freshness import Fresh
    from opsctl.runbooks import Runbook, Step

_SHELLS = frozenset({"sh", "bash", "/bin/sh", "/bin/bash"})


def findings(workspace: Workspace, now: float) -> list[tuple[str, str]]:
    """What is wrong, as the name of a runbook and words; StoreError where the store cannot be read."""
    proofs = {one.runbook: one for one in freshness(workspace, now)}
    return [
        (name, words)
        for name, runbook in workspace.runbooks.items()
        for words in (*_written(runbook), *_shown(runbook, proofs[name]))
    ]


def _written(runbook: Runbook) -> Iterator[str]:
    if runbook.procedure.owner is None:
        yield "nobody answers for it; add `owner:`"
    if runbook.procedure.drill_every is None:
        yield "nothing says how often it is to be drilled; add `drill_every: 90d`"
    for step in runbook.procedure.steps:
        yield from _step(runbook, step)


def _step(runbook: Runbook, step: Step) -> Iterator[str]:
    terms = step.terms
    if step.effect == "change" and step.type in {"run", "shell", "http"} and terms.verify is None:
        words = "nothing verifies it, so a person has to settle it when it is interrupted"
        yield f"{step.id}: {words}; add `verify:`"
    kind: Any = step.kind
    argv = [part.text for part in kind.argv] if step.type == "run" else []
    if argv[:1] and argv[0] in _SHELLS and "-c" in argv[:3]:
        yield f"{step.id}: a script in a list of arguments; write `shell:`, which has values as variables"
    if argv[:1] and argv[0].startswith("./") and argv[0][2:] not in runbook.procedure.scripts:
        yield f"{step.id}: {argv[0]} may change unseen; add it to `scripts:`"


def _shown(runbook: Runbook, proof: Fresh) -> Iterator[str]:
    if proof.state == "never":
        yield f"nobody ever ran it to its end: opsctl runbook drill {runbook.id}"
    elif proof.state != "proven":
        last = proof.last.subject if proof.last else "then"
        yield f"it is {proof.state} since {last}: opsctl runbook drill {runbook.id}"
    if len(proof.people) == 1:
        yield f"only {proof.people[0]} ever ran it; have somebody else drill it"
