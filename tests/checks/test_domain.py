"""The `domain` check against answers as registries give them by RDAP."""

from __future__ import annotations

import json

import pytest
from checks.probe import probe
from hypothesis import given
from hypothesis import strategies as st
from web import Answer

from opsctl.checks.domain import DomainCheck, _dates, _facts
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

DAY = 86400.0
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
    })  # fmt: skip
    (asked,) = web.requests
    assert (asked.path, asked.headers["accept"]) == ("/domain/example.com", "application/rdap+json")


def test_what_is_not_told_is_not_made_up(web):
    values = look(web, {"objectClassName": "domain", "ldhName": "example.com"}).values
    assert set(values) == {"latency"}


def test_whoever_is_asked_may_send_on_to_the_registry(web):
    web.redirect("/start/domain/example.com", web.url + "/domain/example.com")
    look(web)
    check = DomainCheck(name="example.com", server=Template(web.url + "/start"))
    assert probe(check, timeout=10.0).values["expires_in"] == 30 * DAY


def test_a_name_of_other_letters_is_asked_for_as_dns_has_it(web):
    told = {**DOMAIN, "ldhName": "xn--bcher-kva.example"}
    assert look(web, told, "Bücher.example.", at="xn--bcher-kva.example").failure is None


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (Answer(404), Failure(Cause.MISSING, "it is not registered, or its registry does not speak RDAP")),
        (Answer(429), Failure(Cause.STATUS, "it answers with status 429")),
        (Answer(200, b"<html>"), Failure(Cause.BODY, "the answer is no JSON")),
        ([], Failure(Cause.BODY, "the answer is not RDAP's of a domain")),
        ({"objectClassName": "entity"}, Failure(Cause.BODY, "the answer is not RDAP's of a domain")),
        ({**DOMAIN, "ldhName": "other.com"}, Failure(Cause.BODY, "the answer is about other.com, and not about example.com")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(web, answer, failure):
    observation = look(web, answer)
    assert (observation.values, observation.failure) == ({}, failure)


def test_a_registry_that_drips_does_not_outlast_the_deadline(web):
    observation = look(web, Answer(body=json.dumps(DOMAIN).encode(), drip=0.02), timeout=0.3)
    assert (observation.values, observation.failure.cause) == ({}, Cause.TIMEOUT)


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
