"""The `domain` check against answers as registries give them by RDAP."""

from __future__ import annotations

import json

import pytest
from checks.probe import NOW, probe
from hypothesis import given
from hypothesis import strategies as st
from web import Answer

from opsctl.checks.domain import DomainCheck, _dates, _facts
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

HOUR = 3600.0
DAY = 24 * HOUR
# 1_800_000_000 is 2027-01-15T08:00:00Z.
DOMAIN = {
    "objectClassName": "domain",
    "ldhName": "EXAMPLE.COM",
    "status": ["client transfer prohibited", "active"],
    "events": [
        {"eventAction": "registration", "eventDate": "2027-01-05T08:00:00Z"},
        {"eventAction": "expiration", "eventDate": "2027-02-14T10:00:00+02:00"},
        {"eventAction": "last changed", "eventDate": "2027-01-14T08:00:00.000"},
        {"eventAction": "last update of RDAP database", "eventDate": "never"},
    ],
    "secureDNS": {"delegationSigned": True},
    "nameservers": [
        {"objectClassName": "nameserver", "ldhName": "NS2.EXAMPLE.COM."},
        {"ldhName": "a.iana.net"},
    ],
    "entities": [
        {"roles": ["abuse"], "vcardArray": ["vcard", [["fn", {}, "text", "Abuse"]]]},
        {
            "objectClassName": "entity",
            "roles": ["registrar"],
            "vcardArray": [
                "vcard",
                [["version", {}, "text", "4.0"], ["fn", {}, "text", "Example Registrar"]],
            ],
        },
    ],
}

ENDING = {**DOMAIN, "events": [{"eventAction": "expiration", "eventDate": "2027-01-15T18:00:00Z"}]}


def look(web, answer=DOMAIN, name="example.com", *, at="example.com", timeout=10.0):
    if not isinstance(answer, Answer):
        answer = Answer(body=json.dumps(answer).encode())
    web.answer(f"/domain/{at}", answer)
    return probe(DomainCheck(name=name, server=Template(f"{web.url}/")), timeout=timeout)


def test_all_that_a_registry_tells(web):
    observation = look(web)
    values = dict(observation.values)
    assert values.pop("latency") > 0
    assert (observation.failure, values) == (None, {
        "expires_in": 30 * DAY,
        "age": 10 * DAY,
        "changed": DAY,
        "status": ["active", "client transfer prohibited"],
        "locked": True,
        "signed": True,
        "nameservers": ["a.iana.net", "ns2.example.com"],
        "registrar": "Example Registrar",
        "cached": 0.0,
    })  # fmt: skip
    (asked,) = web.requests
    assert (asked.path, asked.headers["accept"]) == ("/domain/example.com", "application/rdap+json")


def test_what_is_not_told_is_not_made_up(web):
    values = look(web, {"objectClassName": "domain", "ldhName": "example.com"}).values
    assert set(values) == {"cached", "latency"}


def test_whoever_is_asked_may_send_on_to_the_registry(web):
    web.redirect("/start/domain/example.com", web.url + "/domain/example.com")
    look(web)
    check = DomainCheck(name="example.com", server=Template(web.url + "/start"))
    assert probe(check, timeout=10.0).values["expires_in"] == 30 * DAY


def test_a_name_of_other_letters_is_asked_for_as_dns_has_it(web):
    told = {**DOMAIN, "ldhName": "xn--bcher-kva.example"}
    assert look(web, told, "Bücher.example.", at="xn--bcher-kva.example").failure is None


def test_a_letter_that_would_become_another_name_is_not_guessed_at():
    """Old rules make two `s` of it, which is somebody else's domain."""
    words = "`straße.example` is `strasse.example` to old software; write `xn--strae-oqa.example`"
    assert [*DomainCheck(name="straße.example").problems()] == [("name", words)]
    assert [field for field, _ in DomainCheck(name="STRAẞE.example").problems()] == ["name"]


def test_of_two_ends_the_first_counts(web):
    ends = [{"eventAction": "expiration", "eventDate": f"2027-0{month}-15T08:00:00Z"} for month in (3, 2, 4)]
    assert look(web, {**DOMAIN, "events": ends}).values["expires_in"] == 31 * DAY


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (Answer(404), Failure(Cause.MISSING, "it is not registered, or its registry does not speak RDAP")),
        (Answer(429), Failure(Cause.STATUS, "it answers with status 429")),
        (Answer(200, b"<html>"), Failure(Cause.BODY, "the answer is no JSON")),
        (Answer(200, b'{"ldhName": "a.com", "ldhName": "example.com"}'), Failure(Cause.BODY, "the answer is JSON in which `ldhName` stands twice in one object")),
        ([], Failure(Cause.BODY, "the answer is not RDAP's of a domain")),
        ({"objectClassName": "entity"}, Failure(Cause.BODY, "the answer is not RDAP's of a domain")),
        ({**DOMAIN, "ldhName": "other.com"}, Failure(Cause.BODY, "the answer is about other.com, and not about example.com")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(web, answer, failure):
    observation = look(web, answer)
    assert (observation.values, observation.failure) == ({}, failure)


def test_what_stands_twice_and_is_not_read_is_the_registry_s_business(web):
    told = json.dumps({**DOMAIN, "notices": []}).replace('"notices": []', '"lang": "en", "lang": "no"')
    assert look(web, Answer(body=told.encode())).values["expires_in"] > 0


def test_a_registry_that_drips_does_not_outlast_the_deadline(web):
    observation = look(web, Answer(body=json.dumps(DOMAIN).encode(), drip=0.02), timeout=0.3)
    assert (observation.values, observation.failure.cause) == ({}, Cause.TIMEOUT)


@pytest.fixture
def cached(web, tmp_path):
    """What is seen at `now`, with the answers that were kept since."""

    def look_again(now=NOW, answer=None, **fields):
        if answer is not None:
            web.answer("/domain/example.com", answer)
        check = DomainCheck(name="example.com", server=Template(web.url), **fields)
        return probe(check, timeout=10.0, now=now, answers=tmp_path / "shop.cache")

    web.answer("/domain/example.com", Answer(body=json.dumps(DOMAIN).encode()))
    return look_again


REFUSALS = [Answer(429), Answer(403), Answer(503), Answer(raw=b"")]


def test_an_answer_is_used_for_half_a_day_by_the_date_of_then(web, cached):
    first, later = cached(), cached(NOW + 12 * HOUR - 1)
    assert len(web.requests) == 1
    assert later.values == {
        **first.values,
        "expires_in": 30 * DAY - 12 * HOUR + 1,
        "age": 10 * DAY + 12 * HOUR - 1,
        "changed": DAY + 12 * HOUR - 1,
        "cached": 12 * HOUR - 1,
    }
    assert (later.failure, later.evidence) == (None, {"asked": "2027-01-15T08:00:00+00:00"})
    assert cached(NOW + 12 * HOUR).values["cached"] == 0.0
    assert len(web.requests) == 2


def test_a_cached_answer_ends_when_the_registration_does(cached):
    cached()
    assert cached(NOW + 31 * DAY, Answer(429)).values == {}
    cached(NOW, Answer(body=json.dumps(ENDING).encode()), cache=0.0)
    cached(NOW + 13 * HOUR)
    assert cached(NOW + 20 * HOUR).values["expires_in"] == -10 * HOUR


@pytest.mark.parametrize("refusal", REFUSALS)
def test_where_nobody_can_be_asked_the_last_answer_does_for_a_week(cached, refusal):
    cached()
    old = cached(NOW + 7 * DAY, refusal)
    assert (old.failure, old.values["cached"], old.values["expires_in"]) == (None, 7 * DAY, 23 * DAY)
    assert (old.evidence["asked"], old.evidence["stale"] != "") == ("2027-01-15T08:00:00+00:00", True)
    beyond = cached(NOW + 7 * DAY + 1, refusal)
    assert (beyond.values, beyond.failure is None) == ({}, False)


def test_where_nobody_listens_the_last_answer_does_too(web, cached):
    cached()
    web.close()
    assert cached(NOW + DAY).evidence["stale"] == "connection refused"


@pytest.mark.parametrize(
    "said",
    [
        Answer(404),
        Answer(200, b"<html>"),
        Answer(200, json.dumps({**DOMAIN, "ldhName": "other.com"}).encode()),
    ],
)
def test_what_the_registry_says_otherwise_is_believed_for_good(cached, said):
    cached()
    assert cached(NOW + DAY, said).failure is not None
    assert cached(NOW + DAY + 60, Answer(429)).values == {}


def test_an_answer_of_the_future_is_none(web, cached):
    cached(NOW + DAY)
    assert cached(NOW).values["cached"] == 0.0
    assert len(web.requests) == 2
    cached(NOW + DAY)
    assert cached(NOW, Answer(429)).failure == Failure(Cause.STATUS, "it answers with status 429")


def test_nothing_is_kept_where_that_is_not_wished(web, cached, tmp_path):
    cached(cache=0.0)
    assert cached(NOW + 1, Answer(429), cache=0.0).values == {}
    assert (len(web.requests), [*tmp_path.iterdir()]) == (2, [])


def test_an_answer_that_was_kept_before_is_not_used_where_that_is_not_wished(cached):
    cached()
    assert cached(NOW + 1, Answer(429), cache=0.0).values == {}


def test_where_nothing_can_be_kept_the_registry_is_asked(web, cached, tmp_path):
    (tmp_path / "shop.cache").write_text("in the way")
    assert cached().failure is cached().failure is None
    assert len(web.requests) == 2


def test_each_domain_and_each_registry_has_its_own_answer(web, cached, tmp_path):
    cached()
    other = DomainCheck(name="example.org", server=Template(web.url))
    assert probe(other, now=NOW, answers=tmp_path / "shop.cache").failure.cause is Cause.MISSING
    elsewhere = DomainCheck(name="example.com", server=Template(web.url + "/other"))
    assert probe(elsewhere, now=NOW, answers=tmp_path / "shop.cache").failure.cause is Cause.MISSING


def test_a_check_of_every_minute_asks_once_and_keeps_the_answer_beside_the_store(opsctl, web):
    look(web, DOMAIN)
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services: {{site: {{checks: {{name: {{domain: {{name: example.com, server: "{web.url}"}}}}}}}}}}
    """)  # fmt: skip
    asked = len(web.requests)
    for minute in range(3):
        ran = opsctl("check", now=f"2026-11-21T12:0{minute}:00Z")
        assert (ran.code, ran.out.split("\t")[:2]) == (0, ["up", "site/name"])
    assert len(web.requests) == asked + 1
    web.answer("/domain/example.com", Answer(429))
    assert opsctl("check", now="2026-11-22T12:00:00Z").code == 0
    ran = opsctl("check", "--explain", "-o", "json", now="2026-11-22T12:01:00Z")
    (check,) = json.loads(ran.out)["checks"]
    told = {"asked": "2026-11-21T12:00:00+00:00", "stale": "it answers with status 429"}
    assert (ran.code, check["evidence"]) == (0, told)
    assert opsctl("check", now="2026-11-28T12:00:01Z").code == 1
    assert [path.name for path in (opsctl.path / ".opsctl").glob("*.cache")] == ["opsctl.cache"]


_KEYS = st.sampled_from(["roles", "vcardArray", "ldhName", "eventAction", "eventDate", "delegationSigned"])
_TEXTS = st.sampled_from(["registrar", "fn", "expiration", "2027-01-05", "x", "vcard"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
)


@given(
    told=st.dictionaries(st.sampled_from(["events", "status", "secureDNS", "nameservers", "entities"]), _JSON)
)
def test_no_answer_raises(told):
    values = {**_dates(told, 0.0), **_facts(told)}
    assert set(values) <= set(DomainCheck.SUBJECTS)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"name": "a" * 64 + ".com"}, "name"), ({"server": Template("rdap.org")}, "server")],
)
def test_what_cannot_work_is_said_before_anything_is_probed(fields, field):
    assert [name for name, _ in DomainCheck(**{"name": "example.com", **fields}).problems()] == [field]


@pytest.mark.parametrize(
    ("ends", "code", "state"), [("2027-01-14T00:00:00Z", 0, "up"), ("2026-11-30T00:00:00Z", 1, "down")]
)
def test_in_a_workspace(opsctl, web, ends, code, state):
    look(web, {**DOMAIN, "events": [{"eventAction": "expiration", "eventDate": ends}]})
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services:
          site:
            checks:
              name:
                domain: {{name: example.com, server: "{web.url}"}}
                expect: [expires_in > 30d, 'not status contains "client hold"', locked == true]
    """)  # fmt: skip
    ran = opsctl("check")
    assert (ran.code, ran.out.split("\t")[:2]) == (code, [state, "site/name"])


def test_a_web_address_is_no_domain(opsctl):
    for name in ("https://example.com", "example", "example.com/x", "example.com:443"):
        opsctl.write("opsctl.yaml", f"""
            version: 1
            name: Shop
            services: {{site: {{checks: {{name: {{domain: "{name}"}}}}}}}}
        """)  # fmt: skip
        assert opsctl("check").code == 5
