"""`opsctl practice`: the scores, what may be asked, and the formats of its answers."""

from __future__ import annotations

import json
import re

import pytest
from commands.practice.shop import FRIDAY, README, SATURDAY, WORKSPACE, prove, states


def test_the_score_of_emptiness_is_unknown(opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: Empty\n")
    assert opsctl("practice") == (3, "score unknown: nothing is claimed\n", "")
    assert opsctl("practice", "--min", "0%", "--quiet").code == 3
    found = json.loads(opsctl("practice", "-o", "json").out)
    assert (found["score"], found["exit_code"], found["claims"]) == (
        {"share": None, "proven": 0, "total": 0, "states": dict.fromkeys(("proven", "excused", "stale", "never", "failed"), 0)},
        3,
        [],
    )  # fmt: skip


def test_a_selector_that_means_nothing_leaves_the_score_unknown(shop):
    prove(shop)
    ran = shop("practice", "api", "tag:prd", "restrat")
    assert (ran.code, ran.out.splitlines()[-3:]) == (
        3,
        [
            "nothing is meant by `tag:prd`; did you mean `tag:prod`?",
            "nothing is meant by `restrat`; did you mean `restart`?",
            "score unknown: 100%, 2 of 2 claims proven",
        ],
    )
    assert json.loads(shop("practice", "api", "nothing", "-o", "json").out)["unmatched"] == ["nothing"]


def test_scores_by_owner_tag_service_and_kind(shop):
    shop("check")
    shop("docs", "review", "README.md")
    assert shop("practice", "--by", "owner").out == (
        "docs\t100%\t1 of 1\n"
        "platform\t50%\t1 of 2: 1 never\n"
        "desk\t0%\t0 of 2: 2 never\n"
        "releases\t0%\t0 of 1: 1 never\n"
        "33.3%, 2 of 6 claims proven; 4 never\n"
    )
    assert shop("practice", "--by", "tag").out.splitlines()[:3] == [
        "prod\t100%\t1 of 1", "–\t25%\t1 of 4: 3 never", "daily\t0%\t0 of 1: 1 never",
    ]  # fmt: skip
    assert shop("practice", "--by", "service").out.splitlines()[:2] == [
        "api\t50%\t1 of 2: 1 never",
        "–\t25%\t1 of 4: 3 never",
    ]
    assert shop("practice", "--by", "kind", "api").out == (
        "check\t100%\t1 of 1\nrunbook\t0%\t0 of 1: 1 never\n50%, 1 of 2 claims proven; 1 never\n"
    )


@pytest.mark.parametrize(("least", "code"), [("33%", 0), ("33.3%", 0), ("33.34%", 1), ("0%", 0), ("100%", 1)])
def test_enough_is_said_by_min(shop, least, code):
    shop("check")
    shop("docs", "review", "README.md")
    assert shop("practice", "--min", least).code == code
    # What is not shown counts all the same.
    assert shop("practice", "--min", least, "--only", "proven").code == code


def test_what_is_not_all_is_never_100_percent(shop):
    items = "".join(f"          i{number}: {{text: X, file: run/there}}\n" for number in range(2001))
    text = WORKSPACE.replace("          tried:", f"{items}          tried:")
    shop.write("opsctl.yaml", text)
    prove(shop)
    assert shop("practice", "go").out.splitlines()[-1] == "100%, 2003 of 2003 claims proven"
    ran = shop("practice", "go", "--quiet", now="2026-11-21T12:00:01Z")
    assert (ran.code, ran.out.splitlines()[-1]) == (1, "99.9%, 2002 of 2003 claims proven; 1 stale")


def test_only_shows_some_states_and_scores_all(shop):
    shop("check")
    ran = shop("practice", "api", "--only", "stale, never")
    assert ran == (
        1,
        "never\trunbook\trestart\tplatform\t–\tnever run to its end\n50%, 1 of 2 claims proven; 1 never\n",
        "",
    )


def test_the_past_is_told_by_the_records_of_then(shop):
    shop("check", now="2026-11-01T12:00:00Z")
    shop("docs", "review", "README.md", now="2026-11-01T12:00:00Z")
    (shop.path / "run" / "ready").unlink()
    shop("check", now="2026-11-08T12:00:00Z")
    shop.write("run/ready", "")
    prove(shop)
    assert set(states(shop, at="2026-10-31").values()) == {"never"}
    then = states(shop, at="2026-11-01T12:00:00Z")
    assert (then["api/ready"], then["README.md"], then["go/there"]) == ("proven", "proven", "never")
    assert states(shop, at="2026-11-03T12:00:00Z")["api/ready"] == "stale"
    assert states(shop, at="2026-11-08T13:00:00Z")["api/ready"] == "failed"
    assert states(shop, at=FRIDAY) == states(shop)
    # How its text was then no record tells; what was undone never counted.
    shop.write("README.md", README + "More.\n")
    assert states(shop)["README.md"] == "stale"
    assert states(shop, at="2026-11-02T12:00:00Z")["README.md"] == "proven"
    assert [shop("undo", number, "--yes").code for number in ("10", "1")] == [0, 0]
    assert states(shop, at="2026-11-02T12:00:00Z")["README.md"] == "never"
    text = WORKSPACE.replace("It is there", "It is really there").replace("id: look", "id: see")
    shop.write("opsctl.yaml", text)
    now, past = states(shop, now=SATURDAY), states(shop, now=SATURDAY, at="2026-11-20T13:00:00Z")
    assert [(now[name], past[name]) for name in ("go/there", "restart")] == [("stale", "proven")] * 2
    # And what is to come is told by those of now.
    assert states(shop, at="in 40d")["restart"] == "stale"


def test_the_trend_is_the_score_of_each_week(shop):
    shop("docs", "review", "README.md", now="2026-11-10T12:00:00Z")
    prove(shop)
    ran = shop("practice", "--trend", "3w", "--by", "kind", "kind:document", "kind:check")
    assert ran.out == (
        "check\t100%\t1 of 1\n"
        "document\t100%\t1 of 1\n"
        "2026-11-06\t0%\t0 of 2: 2 never\n"
        "2026-11-13\t50%\t1 of 2: 1 never\n"
        "2026-11-20\t100%\t2 of 2\n"
        "100%, 2 of 2 claims proven\n"
    )
    found = json.loads(shop("practice", "--trend", "12w", "-o", "json").out)
    assert [(one["at"][:10], one["share"]) for one in found["trend"]][-2:] == [
        ("2026-11-13", 1 / 6), ("2026-11-20", 1.0),
    ]  # fmt: skip
    assert len(found["trend"]) == 12
    for week in found["trend"]:
        ran = shop("practice", "--at", week["at"], "-o", "json")
        assert json.loads(ran.out)["score"] == {
            name: week[name] for name in ("share", "proven", "total", "states")
        }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--by", "team"), "--by `team` is not one of `service`, `owner`, `tag` or `kind`"),
        (("--only", "prooven"), "--only `prooven` is not one of `proven`, `excused`, `stale`, `never` or `failed`; did you mean `proven`?"),
        (("--trend", "10d"), "--trend `10d` is no number of weeks from 1 to 260; write it as 12w"),
        (("--trend", "12"), "--trend `12`: `12` has no unit; write a duration as `10s`"),
        (("--min", "80"), "--min `80`: `80` has no unit; write a percent as `90%`"),
        (("--min", "101%"), "--min `101%` is not from 0% to 100%"),
        (("-o", "csv"), "`--output csv` is not one of `text`, `markdown`, `html` or `json`"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(shop, arguments, words):
    ran = shop("practice", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_json_says_all_that_is_known_of_a_claim(shop):
    shop("check")
    found = json.loads(shop("practice", "api/ready", "-o", "json", now="2026-11-20T13:00:00Z").out)
    assert found == {
        "format_version": "1.0",
        "workspace": "Shop",
        "at": "2026-11-20T13:00:00.000Z",
        "score": {
            "share": 1.0,
            "proven": 1,
            "total": 1,
            "states": {"proven": 1, "excused": 0, "stale": 0, "never": 0, "failed": 0},
        },
        "least": 1.0,
        "exit_code": 0,
        "unmatched": [],
        "by": None,
        "groups": [],
        "trend": [],
        "claims": [
            {
                "kind": "check",
                "name": "api/ready",
                "state": "proven",
                "owner": "platform",
                "services": ["api"],
                "tags": ["prod"],
                "tier": "critical",
                "proof": "up",
                "record": "result 1",
                "at": "2026-11-20T12:00:00.000Z",
                "age": 3600.0,
                "until": "2026-11-21T12:00:00.000Z",
            }
        ],
    }


def test_markdown_and_html_show_the_same(shop):
    shop("check")
    text = shop("practice", "api", "--by", "owner", "--trend", "2w", "-o", "markdown").out
    assert text == (
        "# Shop: proof of practice\n\n"
        "50%, 1 of 2 claims proven; 1 never, as of 2026-11-20 12:00 UTC\n\n"
        "## By owner\n\n"
        "| owner | score | claims | proven | excused | stale | never | failed |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| platform | 50% | 2 | 1 | 0 | 0 | 1 | 0 |\n\n"
        "## Week by week\n\n"
        "| as of | score | claims | proven | excused | stale | never | failed |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| 2026-11-13 | 0% | 2 | 0 | 0 | 0 | 2 | 0 |\n"
        "| 2026-11-20 | 50% | 2 | 1 | 0 | 0 | 1 | 0 |\n\n"
        "By the records up to each day, for what is claimed today.\n\n"
        "## Claims and their proof\n\n"
        "| state | kind | claim | owner | age | proof | record |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| never | runbook | restart | platform | – | never run to its end | – |\n"
        "| proven | check | api/ready | platform | 0s | up | result 1 |\n\n"
        "Proven is only what a record shows; what is excused is claimed all the same.\n"
    )
    assert shop("practice", "api", "-o", "html", "--trend", "2w", "--out", "practice.html") == (1, "", "")
    page = (shop.path / "practice.html").read_text()
    assert '<td class="unsure">never</td>' in page
    assert '<td class="good">proven</td>' in page
    assert '<svg class="chart"' in page


HOSTILE = "<script>x</script>\x1b[31m\u202e|`*_[a](javascript:b) @all ::error::"


def test_hostile_text_shows_as_itself_in_every_format(shop):
    said = json.dumps(HOSTILE)
    text = WORKSPACE.replace("owner: platform", f"owner: {said}").replace("owner: desk", f"owner: {said}")
    shop.write("opsctl.yaml", text.replace("\\u001b", "\\x1b"))
    shop.write("README.md", f"---\nowner: {said}\nreview_every: 90d\n---\n".replace("\\u001b", "\\x1b"))
    shop("checklist", "waive", "go", "there", "--reason", HOSTILE, "--owner", HOSTILE, "--expires", "7d")
    shop("docs", "review", "README.md", "--reviewed-by", HOSTILE)
    for output in ("text", "markdown", "html", "json"):
        for more in ((), ("--by", "owner"), (HOSTILE,)):
            ran = shop("practice", "--trend", "2w", "-o", output, *more)
            assert ran.code in {1, 3}
            assert ran.out
            assert not {"\x1b", "\u202e"} & set(ran.out)
            if output == "html":
                assert "<script" not in ran.out
                assert not re.search(r"""(?:src|href)\s*=|url\(|@import""", ran.out)
            if output == "markdown":
                assert "[a](" not in ran.out
                assert not re.search(r"(?<!\\)<script", ran.out)
