"""Checks and incidents: one for one root cause, a whole timeline, and nobody told of what was settled."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.errors import StoreError
from opsctl.ledger.events import Actor
from opsctl.ledger.incident import ACTIVE
from opsctl.outages import Rules, settle
from opsctl.outcome import Cause, State
from opsctl.records import Result
from opsctl.store import watched
from opsctl.store.latest import standings
from opsctl.store.ledger import deciding, events, records
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record
from opsctl.store.verifying import verify
from opsctl.watching import ALL_UP, healthy, watch
from opsctl.workspace import load_workspace
from opsctl.world import World

START = 1_795_176_000  # 2026-11-20 12:00 UTC
SHORT = {
    "u": (State.UP, None),
    "g": (State.DEGRADED, Cause.SLOW),
    "d": (State.DOWN, Cause.REFUSED),
    "?": (State.UNKNOWN, Cause.VALUE),
    "o": (State.UNKNOWN, Cause.SECRET),
    "m": (State.UNKNOWN, Cause.MEMBERS),
}
SHOP = """
version: 1
name: Shop
timezone: UTC
incidents: {healthy_for: 5m}
services:
  database:
    tier: critical
    incidents: {open_after: 2}
    checks: {port: {file: /x, every: 1m, fail_after: 2}, disk: {file: /x, every: 1m}}
  api:
    tier: high
    depends_on: [database]
    incidents: {open_after: 2, severity: sev3, resolve: true}
    checks: {health: {file: /x, every: 1m, fail_after: 1, ok_after: 2}}
  web:
    tier: critical
    depends_on: [api]
    checks: {page: {file: /x, every: 1m}}
  mail:
    tier: low
    incidents: {open_after: 3, resolve: true}
    checks: {queue: {file: /x, every: 1m, fail_after: 1, ok_after: 1}}
"""
ALL = ("database/port", "database/disk", "api/health", "web/page", "mail/queue")
WELL = dict.fromkeys(ALL, "u")


class Shop:
    """A workspace with a store, in which runs find what a test says."""

    def __init__(self, folder: Path, yaml: str = SHOP) -> None:
        (folder / "opsctl.yaml").write_text(yaml, encoding="utf-8")
        self.workspace = load_workspace(folder, {})
        self.path = self.workspace.store
        self.rules = {
            name: Rules(check.fail_after, check.ok_after, check.lapse)
            for name, (_, check) in self.workspace.checks().items()
        }
        self.minute = 0

    @property
    def now(self):
        return float(START + 60 * self.minute)

    @property
    def world(self):
        return World({}, self.now, io.StringIO(), io.StringIO(), io.StringIO(), ("check",))

    def run(self, later=1, /, **found):
        """What comes of a run, `later` minutes after the last, that found this (`api_health="d"`)."""
        return self.saw({name.replace("_", "/"): letter for name, letter in found.items()}, later)

    def saw(self, found, later=1):
        self.minute += later
        results = [
            Result(name, self.now, *SHORT[letter], f"{name}:{letter}", 0.1, 1, (), {}, {})
            for name, letter in found.items()
        ]
        told = []
        with open_store(self.path, write=True) as store:
            record(
                store,
                Run(self.now, self.now, "host", "all"),
                results,
                self.rules,
                lambda _: 0,
                lambda *seen: told.extend(watch(seen[0], self.workspace, self.world, *seen[1:])),
            )
        return [f"{one.action} {one.incident} {one.severity}: {one.text}" for one in told]

    def act(self, kind, subject, **body):
        with (
            open_store(self.path, write=True) as store,
            deciding(store, Actor("ada", "desk", "opsctl incident"), self.now) as ledger,
        ):
            name = subject or ledger.name("INC")
            ledger.append(kind, name, body)
        return name

    def open(self, *services, severity="sev2"):
        return self.act("incident.opened", None, title="slow", severity=severity, services=services)

    def incidents(self, *states):
        with open_store(self.path, write=False) as store:
            return records(store.db, "INC", states)

    def incident(self, subject):
        (found,) = (one for one in self.incidents() if one.subject == subject)
        return found

    def told(self, subject):
        """The events of an incident, as kind and words."""
        with open_store(self.path, write=False) as store:
            return [
                (one.kind.removeprefix("incident."), one.body.get("text", one.body.get("reason", "")))
                for one in events(store.db, [subject])
            ]

    def ails(self, subject):
        with open_store(self.path, write=False) as store, store.reading() as db:
            return healthy(db, self.workspace, self.incident(subject), self.now)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_an_incident_opens_when_a_check_has_failed_often_enough(shop):
    assert shop.run(mail_queue="u") == []
    assert shop.run(mail_queue="d") == []
    assert shop.run(mail_queue="d") == []
    assert shop.run(mail_queue="d") == ["opened INC-1 sev4: mail/queue is down"]
    (incident,) = shop.incidents()
    assert incident.key == "mail"
    assert incident.services == ("mail",)
    assert (incident.impact_started, incident.detected) == (START + 120, START + 240)
    assert incident.opened == START + 240
    assert shop.told("INC-1") == [
        ("opened", ""),
        ("observed", "mail/queue is down since 12:02 UTC: mail/queue:d"),
    ]


def test_who_opened_it_is_the_check(shop):
    for _ in range(3):
        shop.run(mail_queue="d")
    with open_store(shop.path, write=False) as store:
        opened = events(store.db, ["INC-1"])[0]
    assert (opened.actor, opened.words) == ("opsctl check", "opsctl check")


def test_nothing_more_opens_while_it_goes_on(shop):
    for _ in range(3):
        shop.run(mail_queue="d")
    assert shop.run(mail_queue="d") == []
    assert len(shop.incidents()) == 1


def test_a_pass_between_begins_the_count_anew(shop):
    for letter in "dduddudd":
        assert shop.run(mail_queue=letter) == []


@pytest.mark.parametrize("letter", ["o", "m"])
def test_what_opsctl_could_not_see_opens_nothing(shop, letter):
    for _ in range(5):
        assert shop.run(mail_queue=letter) == []


@pytest.mark.parametrize("letters", ["oood", "ddod", "ood?", "?o??"])
def test_what_opsctl_could_not_see_breaks_the_row(shop, letters):
    for letter in letters:
        assert shop.run(mail_queue=letter) == []


@pytest.mark.parametrize("letters", ["?d?", "o???", "oddd", "uddd", "dd?"])
def test_an_answer_that_could_not_be_judged_is_a_failure(shop, letters):
    told = [shop.run(mail_queue=letter) for letter in letters]
    state = "down" if letters[-1] == "d" else "unknown"
    assert told[:-1] == [[]] * (len(letters) - 1)
    assert told[-1] == [f"opened INC-1 sev4: mail/queue is {state}"]


def test_the_impact_begins_with_the_first_failure_and_not_with_what_opsctl_could_not_see(shop):
    for letter in "ooddd":
        shop.run(mail_queue=letter)
    assert shop.incident("INC-1").impact_started == START + 3 * 60


def test_failures_before_they_count_as_an_outage_are_failures(shop):
    yaml = SHOP.replace("{open_after: 2}", "{open_after: 1}")
    shop = Shop(shop.workspace.root, yaml)
    shop.saw(WELL)
    assert shop.run(database_port="d") == ["opened INC-1 sev1: database/port is down"]
    assert shop.told("INC-1")[1:] == [
        ("observed", "database/port is degraded (down does not count yet): database/port:d")
    ]


def test_a_root_cause_has_one_incident_that_lists_what_it_explains(shop):
    shop.saw(WELL)
    down = {"database/port": "d", "api/health": "d", "web/page": "d"}
    assert shop.saw(down) == []
    assert shop.saw(down) == ["opened INC-1 sev1: database/port is down (explains api and web)"]
    (incident,) = shop.incidents()
    assert (incident.key, incident.services) == ("database", ("database", "api", "web"))
    assert shop.told("INC-1")[1:] == [
        ("observed", "database/port is down: database/port:d"),
        ("observed", "api/health is down since 12:02 UTC: api/health:d (explained by database/port)"),
        ("observed", "web/page is down since 12:02 UTC: web/page:d (explained by database/port)"),
    ]


def test_the_root_has_the_incident_also_where_only_what_it_explains_asks_for_one(shop):
    shop.saw(WELL)
    for letter in "ud":
        shop.run(api_health="d", database_disk=letter)
    (incident,) = shop.incidents()
    assert incident.title == "database/disk is down"
    assert (incident.key, incident.services) == ("database", ("database", "api"))


@pytest.mark.parametrize("found", ["o", "u", "g"])
def test_a_dependency_that_is_not_shown_to_fail_explains_nothing(shop, found):
    shop.saw(WELL)
    for _ in range(2):
        shop.run(api_health="d", database_port=found)
    assert shop.incident("INC-1").key == "api"


def test_a_dependency_that_was_down_long_ago_explains_nothing(shop):
    shop.run(database_port="d")
    shop.run(10, api_health="d")
    shop.run(api_health="d")
    assert shop.incident("INC-1").key == "api"


def test_what_is_explained_later_is_added(shop):
    shop.saw(WELL)
    for _ in range(2):
        shop.run(api_health="d")
    assert shop.incident("INC-1").severity == "sev3"
    assert shop.run(web_page="d") == ["extended INC-1 sev1: web is explained by api/health"]
    assert shop.run(api_health="d", web_page="d") == []
    assert shop.incident("INC-1").services == ("api", "web")
    assert shop.told("INC-1")[2:] == [
        ("changed", "web is explained by api/health"),
        ("observed", "web/page is down: web/page:d (explained by api/health)"),
    ]


def test_a_root_cause_that_is_found_later_takes_the_incident_over(shop):
    shop.saw(WELL)
    for _ in range(2):
        shop.run(api_health="d")
    shop.run(api_health="d", database_disk="d")
    told = shop.incident("INC-1")
    assert (told.key, told.services, told.severity) == ("database", ("api", "database"), "sev1")
    assert [one.subject for one in shop.incidents()] == ["INC-1"]
    assert shop.run(api_health="d", database_disk="d") == []


def test_what_fails_on_after_its_root_is_well_stays_in_the_incident(shop):
    shop.saw(WELL)
    for _ in range(2):
        shop.run(database_disk="d", api_health="d")
    shop.run(database_disk="u", api_health="d")
    shop.run(database_disk="u", api_health="d")
    assert [one.subject for one in shop.incidents()] == ["INC-1"]


def test_an_outage_of_a_service_in_an_incident_of_people_opens_no_second_one(shop):
    shop.saw(WELL)
    shop.open("api")
    shop.run(api_health="d")
    shop.run(api_health="d")
    assert [one.subject for one in shop.incidents()] == ["INC-1"]
    assert shop.incident("INC-1").severity == "sev2"
    assert shop.told("INC-1")[1:] == [("observed", "api/health is down: api/health:d")]


def test_the_timeline_of_an_incident_of_people_has_what_its_checks_do(shop):
    yaml = SHOP.replace("incidents: {open_after", "# {open_after")
    shop = Shop(shop.workspace.root, yaml)
    shop.saw(WELL)
    shop.open("database", "web")
    shop.run(database_port="d")
    shop.run(database_port="d", mail_queue="d")
    told = shop.run(database_port="u", mail_queue="d", database_disk="g")
    assert told == ["updated INC-1 sev2: 2 checks changed"]
    assert shop.run(database_port="u", web_page="u", database_disk="u") == [
        "recovered INC-1 sev2: all checks are up again; resolve it: opsctl incident resolve 1"
    ]
    assert shop.told("INC-1")[1:] == [
        ("observed", "database/port is degraded (down does not count yet): database/port:d"),
        ("observed", "database/port is down: database/port:d"),
        ("observed", "database/port is up again"),
        ("observed", "database/disk is degraded: database/disk:g"),
        ("observed", "database/disk is up again"),
        ("observed", ALL_UP),
    ]
    assert shop.incident("INC-1").services == ("database", "web")


def test_that_all_is_well_again_is_noted_once_and_again_after_the_next_failure(shop):
    shop.saw(WELL)
    shop.open("mail")
    told = [shop.run(mail_queue=letter) for letter in "uduudu"]
    assert [len(one) for one in told] == [0, 1, 1, 0, 1, 1]
    assert [words for _, words in shop.told("INC-1")].count(ALL_UP) == 2


def test_what_is_checked_for_the_first_time_is_not_well_again(shop):
    shop.open("web")
    assert shop.run(web_page="u") == ["updated INC-1 sev2: web/page is up"]
    assert shop.run(web_page="u") == []


def test_a_service_that_is_no_more_is_not_well_again(shop):
    shop.run(mail_queue="u")
    shop.open("mail")
    shop.run(mail_queue="d")
    without = Shop(shop.workspace.root, SHOP.partition("  mail:")[0])
    without.minute = shop.minute
    assert without.run(web_page="u") == []


def test_a_check_that_went_silent_is_not_well_again(shop):
    shop.saw(WELL)
    shop.open("database")
    shop.run(database_disk="d")
    shop.run(database_disk="d")
    assert shop.run(database_disk="u") == ["updated INC-1 sev2: database/disk is up again"]
    assert ALL_UP not in [words for _, words in shop.told("INC-1")]


def test_it_is_resolved_by_itself_when_asked_and_up_for_long_enough(shop):
    for _ in range(3):
        shop.run(mail_queue="d")
    for _ in range(5):
        assert all("resolved" not in one for one in shop.run(mail_queue="u"))
    assert shop.run(mail_queue="u") == ["resolved INC-1 sev4: all checks have been up since 12:04 UTC"]
    incident = shop.incident("INC-1")
    assert (incident.state, incident.impact_ended, incident.resolved) == (
        "resolved",
        START + 4 * 60,
        START + 9 * 60,
    )
    assert shop.told("INC-1")[-1] == ("resolved", "all checks have been up since 12:04 UTC")
    assert shop.run(mail_queue="u") == []


def test_what_people_said_of_the_end_of_the_impact_stays(shop):
    for _ in range(3):
        shop.run(mail_queue="d")
    shop.act("incident.changed", "INC-1", changes={"impact_ended": START + 200})
    for _ in range(6):
        shop.run(mail_queue="u")
    assert (shop.incident("INC-1").state, shop.incident("INC-1").impact_ended) == ("resolved", START + 200)


def test_the_impact_never_ends_before_it_began(shop):
    for _ in range(3):
        shop.run(mail_queue="d")
    shop.act("incident.changed", "INC-1", changes={"impact_started": START + 400})
    for _ in range(6):
        shop.run(mail_queue="u")
    assert (shop.incident("INC-1").state, shop.incident("INC-1").impact_ended) == ("resolved", START + 400)


def test_it_is_not_resolved_by_itself_unless_asked(shop):
    shop.saw(WELL)
    for _ in range(2):
        shop.run(database_disk="d")
    for _ in range(10):
        shop.saw(WELL)
    assert shop.incident("INC-1").state == "open"
    assert shop.told("INC-1")[-1] == ("observed", ALL_UP)


def test_it_is_not_resolved_by_itself_where_one_of_its_services_does_not_ask(shop):
    shop.saw(WELL)
    for _ in range(2):
        shop.saw({**WELL, "database/disk": "d", "api/health": "d"})
    for _ in range(10):
        shop.saw(WELL)
    assert shop.incident("INC-1").services == ("database", "api")
    assert shop.incident("INC-1").state == "open"


def test_an_incident_of_people_is_never_resolved_by_itself(shop):
    shop.open("mail")
    for letter in "dddd" + 10 * "u":
        shop.run(mail_queue=letter)
    assert shop.incident("INC-1").state == "open"


def test_one_that_people_opened_again_waits_for_something_new(shop):
    for letter in "ddd" + 6 * "u":
        shop.run(mail_queue=letter)
    shop.act("incident.reopened", "INC-1")
    for _ in range(8):
        shop.run(mail_queue="u")
    assert shop.incident("INC-1").state == "open"
    for letter in "d" + 6 * "u":
        shop.run(mail_queue=letter)
    assert shop.incident("INC-1").state == "resolved"


def test_a_new_failure_after_the_end_opens_a_new_one_that_links_to_the_old(shop):
    for letter in "ddd" + 6 * "u":
        shop.run(mail_queue=letter)
    told = [shop.run(mail_queue="d") for _ in range(3)]
    assert told[-1] == ["opened INC-2 sev4: mail/queue is down (recurrence of INC-1)"]
    assert shop.incident("INC-2").links == (("recurrence of", "INC-1"),)
    assert shop.incident("INC-1").state == "resolved"


def test_a_failure_that_people_have_settled_opens_none_until_it_begins_anew(shop):
    for _ in range(3):
        shop.run(mail_queue="d")
    shop.minute += 1
    shop.act("incident.closed", "INC-1", false_alarm=True)
    for _ in range(5):
        assert shop.run(mail_queue="d") == []
    told = [shop.run(mail_queue=letter) for letter in "uddd"]
    assert told[-1] == ["opened INC-2 sev4: mail/queue is down (recurrence of INC-1)"]


def test_one_that_was_merged_goes_on_in_the_other(shop):
    for _ in range(3):
        shop.run(mail_queue="d")
    shop.open("database")
    shop.act("incident.merged", "INC-1", into="INC-2")
    shop.act("incident.absorbed", "INC-2", other="INC-1", services=["mail"])
    shop.run(mail_queue="u")
    for _ in range(4):
        shop.run(mail_queue="d")
    assert [one.state for one in shop.incidents()] == ["merged", "open"]
    shop.minute += 1
    shop.act("incident.resolved", "INC-2")
    for letter in "uddd":
        shop.run(mail_queue=letter)
    assert shop.incident("INC-3").links == (("recurrence of", "INC-2"),)


def test_a_check_that_was_never_up_for_long_enough_says_why(shop):
    shop.saw({**WELL, "database/port": "d"})
    shop.open("database", "api", "gone")
    assert shop.ails("INC-1") == [
        "database/port is down since 12:01 UTC",
        "database/disk is up only since 12:01 UTC, 0s of 5m",
        "api/health is up only since 12:01 UTC, 0s of 5m",
    ]
    for _ in range(5):
        shop.saw({**WELL, "api/health": "g"})
    assert shop.ails("INC-1") == [
        "database/port is up only since 12:02 UTC, 4m of 5m",
        "api/health is degraded since 12:02 UTC",
    ]
    shop.minute += 2
    assert shop.ails("INC-1") == ["api/health is degraded since 12:02 UTC"]
    shop.minute += 1
    assert shop.ails("INC-1") == [
        "database/port is unknown: it was checked last at 12:06 UTC",
        "database/disk is unknown: it was checked last at 12:06 UTC",
        "api/health is unknown: it was checked last at 12:06 UTC",
    ]


def test_checks_that_were_never_run_are_not_well(shop):
    shop.run(mail_queue="u")
    shop.open("web")
    assert shop.ails("INC-1") == ["web/page was never checked"]


def test_services_without_checks_have_nothing_against_the_end(shop):
    shop.open("gone")
    assert shop.ails("INC-1") == []
    assert shop.saw(WELL) == []


def test_times_are_those_of_the_workspace(tmp_path):
    shop = Shop(tmp_path, SHOP.replace("timezone: UTC", "timezone: Asia/Tokyo"))
    shop.run(web_page="d")
    shop.open("web")
    shop.minute = 60 * 4
    shop.run(web_page="d")
    assert shop.ails("INC-1") == ["web/page is down since 2026-11-20 21:01 JST"]


def test_a_fault_leaves_the_results_and_nothing_of_the_incidents(shop):
    for _ in range(3):
        shop.run(mail_queue="d")
    with open_store(shop.path, write=True) as store:
        store.db.execute("""UPDATE incidents SET document = '{"state":"open","number":1}'""")
    faults = []

    def follow(*seen):
        with pytest.raises(StoreError) as raised:
            watch(seen[0], shop.workspace, shop.world, *seen[1:])
        faults.append(str(raised.value))

    found = Result("mail/queue", shop.now + 60, State.UP, None, "", None, 1, (), {}, {})
    with open_store(shop.path, write=True) as store:
        before = store.db.execute("SELECT count(*) FROM events").fetchone()
        record(store, Run(shop.now, shop.now, "h", "all"), [found], shop.rules, lambda _: 0, follow)
        assert store.db.execute("SELECT count(*) FROM events").fetchone() == before
        assert standings(store)["mail/queue"].state is State.UP
    assert "the incidents do not show what this run found" in faults[0]
    assert "run `opsctl db verify`" in faults[0]


def test_a_fault_in_the_middle_takes_all_of_it_back(shop):
    for _ in range(2):
        shop.run(mail_queue="d")
    with open_store(shop.path, write=True) as store:
        store.db.execute(
            "CREATE TRIGGER no BEFORE INSERT ON events WHEN NEW.kind = 'incident.observed'"
            " BEGIN SELECT RAISE(ABORT, 'not today'); END"
        )
        with pytest.raises(StoreError, match="not today"), store.writing() as db:
            stands = {"mail/queue": standings(store)["mail/queue"]._replace(streak=3)}
            db.execute("UPDATE spans SET results = 3")
            try:
                watch(db, shop.workspace, shop.world, stands, stands)
            finally:
                left = [
                    db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                    for table in ("events", "incidents", "numbers")
                ]
    assert left == [0, 0, 0]


def asked(path, workspace, world, before, after):
    """The statements that watching runs."""
    statements = []
    with open_store(path, write=True) as store:
        store.db.set_trace_callback(statements.append)
        with store.writing() as db:
            statements.clear()
            watch(db, workspace, world, before, after)
        store.db.set_trace_callback(None)
    return [one for one in statements if one.lstrip().startswith(("SELECT", "INSERT", "UPDATE"))]


def test_where_nothing_opens_and_none_is_active_the_store_is_asked_once_and_only_for_a_change(tmp_path):
    shop = Shop(tmp_path, SHOP.replace("incidents: {open_after", "# {open_after"))
    shop.saw(WELL)
    with open_store(shop.path, write=False) as store:
        stands = standings(store)
    down = {**stands, "api/health": stands["api/health"]._replace(state=State.DOWN)}
    assert asked(shop.path, shop.workspace, shop.world, stands, stands) == []
    assert len(asked(shop.path, shop.workspace, shop.world, stands, down)) == 1


def test_the_question_for_active_incidents_uses_an_index(shop):
    shop.saw(WELL)
    with open_store(shop.path, write=False) as store:
        plan = store.db.execute(f"EXPLAIN QUERY PLAN {watched._ACTIVE}").fetchall()
    assert any("USING INDEX incidents_by_state" in row[3] for row in plan)
    assert tuple(watched._ACTIVE.split("(")[-1].rstrip(")").replace("'", "").split(", ")) == ACTIVE


def test_a_check_loads_no_ledger_where_nothing_opens_and_none_is_active(opsctl):
    opsctl.write(
        "opsctl.yaml", "version: 1\nname: X\nservices: {a: {checks: {root: {file: /}, no: {file: /no}}}}\n"
    )
    script = (
        "import sys; from opsctl.cli import main; main(['check', '-q']); "
        "print(sorted(m for m in sys.modules if 'ledger' in m or m.endswith(('attributing', 'troubles'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=opsctl.path, env=opsctl.environment(PYTHONPATH=str(ROOT)),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


ROOT = Path(__file__).parents[1]


class Step(NamedTuple):
    """What happens next: people act, then a run some minutes later finds something."""

    later: int
    found: dict[str, str]
    people: str
    services: tuple[str, ...]


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from((1, 1, 1, 1, 2, 3, 7)),
        st.dictionaries(st.sampled_from(ALL), st.sampled_from("uuudddg?om"), min_size=1),
        st.sampled_from(("", "", "", "", "open", "ack", "resolve", "close", "reopen")),
        st.lists(st.sampled_from(("database", "api", "web", "mail")), min_size=1, unique=True).map(tuple),
    ),
    max_size=14,
)


def people_act(shop, step):
    """What people do to the first incident with which they can."""
    states = {"ack": ("open",), "resolve": ACTIVE, "close": ("open", "resolved"), "reopen": ("resolved",)}
    kinds = {"ack": "acknowledged", "resolve": "resolved", "close": "closed", "reopen": "reopened"}
    if step.people == "open":
        shop.open(*step.services)
    elif step.people and (found := shop.incidents(*states[step.people])):
        keys = {one.key for one in shop.incidents(*ACTIVE)}
        if step.people != "reopen" or found[0].key is None or found[0].key not in keys:
            shop.act(f"incident.{kinds[step.people]}", found[0].subject)


def failures(history):
    """How many of the latest in a row were the target's."""
    counted = 0
    for letter in reversed(history):
        if letter not in "d?":
            break
        counted += 1
    return counted


@settings(max_examples=500 if os.environ.get("OPSCTL_LONG") else 30, deadline=None)
@given(STEPS)
def test_no_key_twice_no_transition_lost_or_told_twice_and_no_failure_without_an_incident(steps):
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        stood, history = {}, dict.fromkeys(ALL, "")
        expected = Counter()
        for step in steps:
            people_act(shop, step)
            before = {one.subject for one in shop.incidents(*ACTIVE)}
            known = {one.subject for one in shop.incidents()}
            shop.saw(step.found, step.later)
            incidents = shop.incidents()
            changes = []
            for name, letter in step.found.items():
                was, rules = stood.get(name), shop.rules[name]
                result = Result(name, shop.now, *SHORT[letter], f"{name}:{letter}", 0.1, 1, (), {}, {})
                stood[name] = settle(
                    was, result, fail_after=rules.fail_after, ok_after=rules.ok_after, lapse=rules.lapse
                )
                history[name] += letter
                if was is None or was.state is not stood[name].state:
                    changes.append((name, was and was.state, stood[name].state))
            for one in incidents:
                if one.subject in before or one.subject not in known:
                    expected.update(
                        (one.subject, *change)
                        for change in changes
                        if change[0].partition("/")[0] in one.services
                    )
            active = [one for one in incidents if one.active]
            keys = [one.key for one in active if one.key]
            assert len(keys) == len(set(keys))
            assert transitions(shop) == expected
            for name in step.found:
                service = name.partition("/")[0]
                opening = shop.workspace.services[service].incidents
                if opening and failures(history[name]) >= opening.open_after:
                    settled = any(
                        (one.resolved or one.closed) > stood[name].since
                        for one in incidents
                        if one.key and not one.active
                    )
                    assert settled or any(service in one.services for one in active)
            if shop.path.exists():
                assert verify(shop.path) == []


def transitions(shop):
    with open_store(shop.path, write=False) as store:
        found = [one for one in events(store.db) if one.kind == "incident.observed" and one.body["check"]]
    return Counter(
        (one.subject, one.body["check"], one.body["from"], one.body["to"])
        for one in found
        if one.body["from"] != one.body["to"]
    )
