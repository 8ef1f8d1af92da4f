"""What a shell is told to propose, as it asks for it."""

import pytest

WORKSPACE = """
    version: 1
    name: Shop
    services:
      api: {title: The API, owner: platform, tags: [edge], checks: {ready: {file: opsctl.yaml}}}
    checklists: {go: {title: Go, items: {x: {text: It holds, sign: anyone}}}}
    runbooks: {fix: {title: Fix it, steps: [{id: one, note: Hello}]}}
"""


@pytest.fixture
def proposed(opsctl):
    """The words that bash proposes after these; an empty last one is what is not typed yet."""
    opsctl.write("opsctl.yaml", WORKSPACE)

    def ask(*words):
        line = " ".join(("opsctl", *words))
        env = {"_OPSCTL_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
        return opsctl.process(**env).out.split()

    return ask


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["check", ""], ["all", "api", "api/ready", "tag:edge", "tier:normal", "owner:platform"]),
        (["check", "api/"], ["api/ready"]),
        (["runbook", "run", ""], ["fix"]),
        (["checklist", "sign", "go", ""], ["x"]),
        (["checklist", "sign", "nothing", ""], []),
        (["incident", "show", ""], []),
        (["rou"], ["routine"]),
    ],
)
def test_names_are_proposed_where_they_can_stand(proposed, words, found):
    assert proposed(*words) == found


def test_records_are_proposed_the_newest_first(proposed, opsctl):
    for title in ("One", "Two"):
        opsctl("incident", "open", title, "--severity", "sev3")
    assert proposed("incident", "show", "I") == ["INC-2", "INC-1"]


def test_a_workspace_that_cannot_be_read_proposes_nothing(proposed, opsctl):
    opsctl.write("opsctl.yaml", "version: [")
    assert proposed("check", "") == []
