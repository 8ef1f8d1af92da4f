"""The end of an incident: what is noted, what is resolved by itself, and what begins anew."""

from __future__ import annotations

import pytest
from watching.shop import SHOP, START, WELL, Shop

from opsctl.watching import ALL_UP

pytestmark = pytest.mark.usefixtures("no_power_cut")


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
