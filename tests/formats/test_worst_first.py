"""In which order and words the formats for pagers and reviewers show what is not up."""

from opsctl.formats import Output, load
from opsctl.formats.summary import said, worst_first
from opsctl.outcome import Cause, State
from opsctl.records import Checked, CheckRun, Result, Standing

AT = 1_800_000_000.0


def checked(name, state=State.UP, *, cause=None, message="", runbook=None, procedure=None, explained_by=None):
    result = Result(name, AT, state, cause, message, None, 1, (), {}, {})
    standing = Standing(state, AT - 600, state, AT, 1, cause, message)
    service = name.partition("/")[0]
    known = (service, service, None, "normal", (), runbook, "target", 1, 1, explained_by, procedure)
    return Checked(result, standing, *known)


def run(*of):
    return CheckRun("Shop", AT, AT + 0.5, of, recorded=True)


RUN = run(
    checked("db/port", State.DOWN, cause=Cause.REFUSED),
    checked("web/slow", State.DEGRADED, cause=Cause.SLOW),
    checked("api/page", State.DOWN, cause=Cause.STATUS, explained_by="db/port"),
    checked("api/health"),
    checked("api/token", State.UNKNOWN, cause=Cause.SECRET),
    checked("mail/port", State.DOWN, cause=Cause.REFUSED),
)


def shown(name, of=RUN):
    return load(name).write(of, Output(exit_code=1)).splitlines()


def test_root_causes_come_before_what_they_explain_and_what_is_degraded_last():
    assert [one.result.check for one in worst_first(RUN)] == [
        "db/port", "mail/port", "api/token", "api/page", "web/slow",
    ]  # fmt: skip


def test_nagios_names_what_is_not_up_as_such_and_the_root_cause_first():
    assert shown("nagios")[0].startswith(
        "OPSCTL CRITICAL - 1 of 6 up; not up: db/port, mail/port, api/token, "
    )


def test_nagios_cuts_no_name_in_two():
    many = run(*(checked(f"service-{number}/check", State.DOWN) for number in range(9)))
    first = shown("nagios", many)[0].partition(" | ")[0]
    assert first.endswith("not up: service-0/check, service-1/check, service-2/check and 6 more")


def test_markdown_and_annotations_begin_with_the_root_cause():
    rows = [one.split(" | ")[1] for one in shown("markdown") if one.startswith("| ")][2:]
    assert rows == ["db/port", "mail/port", "api/token", "api/page", "web/slow", "api/health"]
    titles = [one.partition("title=")[2].partition(" is ")[0] for one in shown("github")[:-1]]
    assert titles == ["db/port", "mail/port", "api/token", "api/page", "web/slow"]


def test_times_are_those_of_the_workspaces_zone():
    berlin = RUN._replace(timezone="Europe/Berlin")
    assert "✗ db/port is down since 2027-01-15 08:50:00 CET" in shown("text", berlin)
    assert "**db/port** is down since 2027-01-15 08:50:00 CET" in shown("markdown", berlin)
    assert "✗ db/port is down since 2027-01-15 07:50:00 UTC" in shown("text")


def test_what_a_job_said_of_its_failure_stands_with_it():
    one = checked("job/nightly", State.DOWN, cause=Cause.STATUS, message="failed == false (found true)")
    told = one._replace(result=one.result._replace(evidence={"message": "\ndisk \x1bfull\nmore"}))
    assert said(told) == "disk \\x1bfull"
    assert "    said: disk \\x1bfull" in shown("text", run(told))
    again = told._replace(result=told.result._replace(message="the plugin said: disk \x1bfull"))
    assert said(again) == ""


def test_a_runbook_without_a_page_is_the_command_that_runs_it():
    one = checked("db/port", State.DOWN, runbook="restart", procedure="opsctl runbook run restart")
    assert "    runbook: opsctl runbook run restart" in shown("text", run(one))
