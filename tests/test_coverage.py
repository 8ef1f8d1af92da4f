"""What the templates are said to cover of the practices is there: each reference is followed to its end."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import typer
import yaml

from docs.coverage import practices as coverage
from docs.coverage.page import page, rows
from opsctl.cli import build

ROOT = Path(__file__).resolve().parent.parent
STATEMENTS = coverage.practices()


def commands(command, words="opsctl"):
    """Every command below `command`, as it is typed."""
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{words} {name}")


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    return coverage.known(folder, commands(typer.main.get_command(build())), coverage.documents())


def of(document):
    return [one for one in STATEMENTS if one.id.startswith(f"{document}-")]


def test_the_statements_are_718_of_which_493_are_unique_and_merged_ones_name_a_unique_one():
    unique = {one.id for one in STATEMENTS if not one.merged_with}
    assert (len(STATEMENTS), len({one.id for one in STATEMENTS}), len(unique)) == (718, 718, 493)
    assert {one.merged_with for one in STATEMENTS if one.merged_with} <= unique
    assert Counter(one.id[:2] for one in STATEMENTS) == {"S0": 62, "S1": 276, "S2": 127, "S3": 215, "S4": 38}
    assert all(one.statement.strip() and one.kind.strip() for one in STATEMENTS)


def test_every_document_has_a_mapping():
    assert coverage.documents() == list(coverage.TEMPLATES)


@pytest.mark.parametrize("document", coverage.documents())
def test_every_statement_of_a_document_has_an_entry_and_nothing_else_has(document):
    assert sorted(coverage.entries(document)) == sorted(one.id for one in of(document))


@pytest.mark.parametrize("document", coverage.documents())
def test_no_statement_is_mapped_twice(document):
    text = (coverage.HERE / f"{document}.yaml").read_text("utf-8")
    names = re.findall(r"^(S\d-\d+):", text, re.MULTILINE)
    assert [name for name, number in Counter(names).items() if number > 1] == []


@pytest.mark.parametrize("document", coverage.documents())
def test_every_reference_of_a_document_leads_to_something_that_covers_the_statement(document, there):
    found = rows(of(document), coverage.entries(document), there)
    assert {one.way for one in found} <= set(coverage.WAYS)
    assert [one.practice.id for one in found if one.way == "missing" and not one.entry.missing] == []


def test_the_page_is_up_to_date(there):
    mapped = {name: entry for one in coverage.documents() for name, entry in coverage.entries(one).items()}
    assert (ROOT / "docs/practice-coverage.md").read_text("utf-8") == page(rows(STATEMENTS, mapped, there))


@pytest.mark.parametrize(
    ("reference", "way"),
    [
        ("services/record", "executable"),
        ("services/record/room", "executable"),
        ("checklists/pir-review", "executable"),
        ("checklists/pir-review/lint", "executable"),
        ("checklists/pir-review/whys", "signed"),
        ("checklists/annual-operational-audit", "signed"),
        ("runbooks/incident-response", "executable"),
        ("runbooks/incident-response/verify", "executable"),
        ("runbooks/incident-response/fix", "signed"),
        ("routines/daily-standup", "executable"),
        ("routines/daily-standup/checks", "executable"),
        ("routines/daily-standup/talk", "signed"),
        ("routines/weekly-ops-review/alerts", "signed"),
        ("docs/glossary.md", "signed"),
        ("policy:backlog", "executable"),
        ("command:opsctl review start", "executable"),
        ("metric:mttr", "measured"),
        ("report:weekly#Incidents", "measured"),
        ("common:routines/daily-standup/talk", "signed"),
    ],
)
def test_a_reference_says_how_it_covers_a_statement(there, reference, way):
    assert coverage.followed(reference, "S4", there) == way


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("services/web", "there is no service `web`"),
        ("services/record/home", "there is no check of record `home`"),
        ("checklists/none", "there is no checklist `none`"),
        ("checklists/pir-review/none", "there is no item of pir-review `none`"),
        ("runbooks/none", "there is no runbook `none`"),
        ("runbooks/incident-response/none", "there is no step of incident-response `none`"),
        ("routines/none", "there is no routine `none`"),
        ("routines/daily-standup/none", "there is no step of daily-standup `none`"),
        ("docs/none.md", "there is no document `docs/none.md`"),
        ("policy:freezes", "opsctl.yaml has no section `freezes` that says something"),
        ("policy:roles", "opsctl.yaml has no section `roles` that says something"),
        ("policy:name", "opsctl.yaml has no section `name` that says something"),
        ("command:opsctl fly", "there is no command `opsctl fly`"),
        ("command:opsctl review", "`opsctl review` does nothing by itself; name a command of it"),
        ("metric:joy", "there is no metric `joy`"),
        ("report:weekly#Joy", "`opsctl report weekly` prints no heading `Joy`"),
        ("report:hourly#Incidents", "`opsctl report hourly` prints no heading `Incidents`"),
        ("services/", "it is no reference"),
        ("wishes/all", "it is no reference"),
        ("", "it is no reference"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told(there, reference, words):
    with pytest.raises(LookupError) as told:
        coverage.followed(reference, "S4", there)
    assert told.value.args == (words,)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("[services/web]", "write `by`, or `missing`, and a `note` where one is needed"),
        ("{bye: [services/web]}", "write `by`, or `missing`, and a `note` where one is needed"),
        ("{by: services/web}", "`by` is a list of references, `missing` and `note` are texts"),
        ("{by: [services/web, 3]}", "`by` is a list of references, `missing` and `note` are texts"),
        ("{by: [a/b], missing: x}", "either `by` names what covers it, or `missing` says what it lacks"),
        ("{by: []}", "either `by` names what covers it, or `missing` says what it lacks"),
        ("{missing: ' '}", "either `by` names what covers it, or `missing` says what it lacks"),
    ],
)
def test_an_entry_that_claims_nothing_or_two_things_is_refused(said, words):
    with pytest.raises(ValueError, match="S0-001") as told:
        coverage._entry("S0-001", yaml.safe_load(said))
    assert str(told.value) == f"S0-001: {words}"


def test_all_references_that_lead_nowhere_are_told_at_once(there):
    mapped = {
        "S4-001": coverage.Entry(by=("services/web", "services/record", "metric:joy")),
        "S4-002": coverage.Entry(by=("docs/none.md",)),
    }
    with pytest.raises(ValueError, match="S4-001") as told:
        rows(of("S4"), mapped, there)
    assert str(told.value).splitlines() == [
        "S4-001: services/web: there is no service `web`; metric:joy: there is no metric `joy`",
        "S4-002: docs/none.md: there is no document `docs/none.md`",
    ]
