"""Incidents that checks open: when, by whom, and what is one with another."""

from __future__ import annotations

import pytest
from watching.shop import SHOP, START, WELL, Shop

from opsctl.store.ledger import events
from opsctl.store.opening import open_store
from opsctl.watching import ALL_UP

pytestmark = pytest.mark.usefixtures("no_power_cut")


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
