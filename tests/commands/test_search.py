import json

import pytest

WORKSPACE = """
    version: 1
    name: Shop
    services:
      api:
        checks:
          ready: {file: run/api.ready}
"""


@pytest.fixture
def shop(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE)
    return opsctl


def test_a_search_shows_where_what_stands(shop):
    shop("incident", "open", "Connection pool exhausted", "-s", "api")
    shop.write("docs/pool.md", "# Database\n\n## Pools\n\nTwice the cores.\n")
    ran = shop("search", "pool")
    assert ran.code == 0
    rows = [row.split("\t") for row in ran.out.splitlines()]
    assert [row[:2] for row in rows] == [["docs/pool.md:3", "document"], ["INC-1", "incident"]]
    assert rows[0][3:] == ["Database > Pools", "Twice the cores."]
    assert rows[1][3:] == ["Connection pool exhausted", "sev3 api", "open, sev3"]
    found = json.loads(shop("search", "connection pools", "-o", "json").out)
    assert (found["total"], found["hits"][0]["source"], found["hits"][0]["line"]) == (1, "INC-1", None)


def test_more_than_the_best_is_told_with_how_to_see_it(shop):
    for number in range(3):
        shop("backlog", "add", f"widen the pool {number}")
    ran = shop("search", "pool", "--limit", "2")
    assert (len(ran.out.splitlines()), ran.err) == (2, "the best 2 of 3 hits; `--limit 3` shows all\n")
    ran = shop("search", "pool", "leak", "--limit", "3")
    assert ran.err == "nothing holds all of the words; this holds some\n"
    assert shop("search", "pool", "--limit", "2", "-o", "json").err == ""


def test_bytes_that_are_no_text_are_no_service(shop):
    shop("incident", "open", "Connection pool exhausted", "-s", "api")
    ran = shop("search", "pool", "-s", "a\udcff")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "opsctl: no service is called `a\\udcff`; there are `api`\n"


def test_nothing_found_is_told_and_exits_1(shop):
    assert shop("search", "nothing") == (1, "", "nothing was found\n")
    assert shop("search", "nothing", "-o", "json").code == 1
    assert shop("search").code == 2
    assert shop("search", "x", "--kind", "incidnt").err == (
        "opsctl: `--kind incidnt` is not one of `incident`, `note`, `review`, `item` or `document`; "
        "did you mean `incident`?\n"
    )


def test_opening_an_incident_names_similar_ones_of_the_past(shop):
    shop("incident", "open", "Connection pool exhausted")
    shop("incident", "resolve", "1", "raised", "the", "limit")
    ran = shop("incident", "open", "Connection pool exhausted again")
    assert ran.out.splitlines()[-1] == (
        "similar: INC-1, 2026-11-20, Connection pool exhausted: resolved: raised the limit"
    )


def test_hostile_text_shows_as_itself(shop):
    hostile = "pool \x1b[31m\u202e\x02\x03 <b>x</b>\r\n\t="
    shop("incident", "open", hostile)
    shop("incident", "note", "1", hostile)
    (shop.path / "a.md").write_bytes(hostile.encode() + b"\xff\x00")
    for output in ("text", "json"):
        ran = shop("search", "pool", "-o", output)
        assert ran.code == 0
        assert not {"\x1b", "\x00", "\u202e", "\x02", "\x03"} & set(ran.out)
    assert len(shop("search", "pool").out.splitlines()) == 3
