"""`opsctl docs`: owners, links, and reviews that are bound to a text."""

import json
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsctl.front_matter import page_of

FRONT = "---\nowner: platform\nreview_every: 90d\n---\n"
ROOT = 'version: 1\nname: Shop\ndocs: ["docs/**/*.md", README.md]\n'


@pytest.fixture
def shop(opsctl):
    opsctl.write("opsctl.yaml", ROOT)
    opsctl.write("README.md", FRONT + "\n# The shop\n\n[restore](docs/restore.md#first-steps)\n")
    opsctl.write("docs/restore.md", FRONT + "# Restore\n\n## First steps\n\nRead.\n")
    return opsctl


def by(name):
    return {"OPSCTL_ACTOR": name}


def states(shop, now="2026-11-20T12:00:00Z"):
    ran = shop("docs", "list", "-o", "json", now=now)
    assert ran.code == 0
    return {one["path"]: one["state"] for one in json.loads(ran.out)["documents"]}


def test_a_document_goes_from_never_to_reviewed_changed_and_stale(shop):
    assert shop("docs", "list").out == (
        "never\tREADME.md\tplatform\tnever reviewed\tThe shop\n"
        "never\tdocs/restore.md\tplatform\tnever reviewed\tRestore\n"
    )
    ran = shop("docs", "review", "docs/restore.md", "README.md", "--note", "tried it", env=by("alice"))
    assert ran == (
        0,
        "DOC-1: docs/restore.md is reviewed by alice\nDOC-2: README.md is reviewed by alice\n",
        "",
    )
    assert shop("docs", "list", now="2026-11-22T12:00:00Z").out == (
        "reviewed\tREADME.md\tplatform\talice 2d ago, due 2027-02-18\tThe shop\n"
        "reviewed\tdocs/restore.md\tplatform\talice 2d ago, due 2027-02-18\tRestore\n"
    )
    assert states(shop, "2027-02-18T11:59:59Z") == {"README.md": "reviewed", "docs/restore.md": "reviewed"}
    assert states(shop, "2027-02-18T12:00:00Z") == {"README.md": "stale", "docs/restore.md": "stale"}
    shop.write("docs/restore.md", FRONT + "# Restore\n\n## First steps\n\nRead it.\n")
    assert states(shop) == {"README.md": "reviewed", "docs/restore.md": "changed"}
    assert states(shop, "2027-02-18T12:00:00Z") == {"README.md": "stale", "docs/restore.md": "changed"}
    assert shop("docs", "review", "docs/restore.md").code == 0
    assert states(shop) == {"README.md": "reviewed", "docs/restore.md": "reviewed"}


def test_a_document_is_shown_with_its_record(shop):
    body = "# Restore\n\n## First steps\n\nRead."
    shop("docs", "review", "docs/restore.md", "--reviewed-by", "bob", "--note", "fine", env=by("alice"))
    digest = sha256(body.encode()).hexdigest()
    assert shop("docs", "show", "docs/restore.md").out == (
        "docs/restore.md  reviewed  Restore\n"
        "  owner     platform\n"
        "  every     90d\n"
        "  due       2027-02-18\n"
        f"  sha256    {digest}\n"
        "  reviewed  by bob 0s ago (2026-11-20 12:00 UTC; DOC-1, 1 review)\n"
        "  note      fine\n"
    )
    assert json.loads(shop("docs", "show", "docs/restore.md", "-o", "json").out) == {
        "format_version": "1.0",
        "path": "docs/restore.md",
        "title": "Restore",
        "owner": "platform",
        "tags": [],
        "review_every": 7776000.0,
        "state": "reviewed",
        "age": 0.0,
        "due": "2027-02-18T12:00:00.000Z",
        "reviewed_by": "bob",
        "reviewed_at": "2026-11-20T12:00:00.000Z",
        "record": "DOC-1",
        "note": "fine",
        "sha256": digest,
        "problems": [],
    }
    log = shop("log", "DOC-1").out
    assert "alice\tDOC-1 reviewed: by bob; note fine; path docs/restore.md; sha256 " in log
    assert shop("db", "verify").code == 0


def test_a_dry_run_keeps_nothing_and_an_undo_takes_a_review_back(shop):
    ran = shop("docs", "review", "README.md", "--dry-run", env=by("alice"))
    assert ran == (0, "DOC-1: README.md would be reviewed by alice\n", "")
    assert states(shop)["README.md"] == "never"
    ran = shop("docs", "review", "README.md", "-o", "json", env=by("alice"))
    assert json.loads(ran.out)["reviews"][0]["reviews"] == 1
    ran = shop("docs", "review", "README.md", "-o", "json", env=by("alice"))
    assert [(one["record"], one["reviews"]) for one in json.loads(ran.out)["reviews"]] == [("DOC-1", 2)]
    assert shop("undo", "2", "--yes", env=by("alice")).code == 0
    assert json.loads(shop("docs", "show", "README.md", "-o", "json").out)["record"] == "DOC-1"
    assert shop("undo", "1", "--yes", env=by("alice")).code == 0
    assert states(shop)["README.md"] == "never"


def test_the_front_matter_is_no_part_of_what_was_reviewed(shop):
    shop("docs", "review", "README.md")
    shop.write(
        "README.md",
        "---\nowner: ops\nreview_every: 30d\ntitle: Shop\n---\n# The shop\n\n[restore](docs/restore.md#first-steps)",
    )
    assert states(shop)["README.md"] == "reviewed"
    assert states(shop, "2026-12-20T12:00:00Z")["README.md"] == "stale"
    text = (shop.path / "README.md").read_text()
    (shop.path / "README.md").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert states(shop)["README.md"] == "reviewed"
    # A date that somebody touches is no review.
    shop.write("docs/restore.md", FRONT.replace("owner", "reviewed: 2026-11-20\nowner") + "# Restore\n")
    assert states(shop)["docs/restore.md"] == "never"


BODIES = st.text(st.sampled_from(list("# ab\n-:é\x0c\u2028")), max_size=40)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(before=BODIES, after=BODIES)
def test_a_review_is_of_one_text_and_no_other(shop, before, after):
    def digest(body):
        (shop.path / "docs" / "restore.md").write_text(FRONT + body, encoding="utf-8", newline="")
        found = json.loads(shop("docs", "show", "docs/restore.md", "-o", "json").out)
        return found["sha256"]

    assert (digest(before) == digest(after)) is (before.strip("\n") == after.strip("\n"))


@given(st.text(st.sampled_from(list("-a:\n \r#")), max_size=40))
def test_a_page_is_its_front_matter_and_its_body(text):
    page = page_of(text)
    plain = text.replace("\r\n", "\n")
    if page.end:
        assert "\n".join([page.lines[0], *page.front, page.lines[page.end], *page.body]) == plain
    else:
        assert ("\n".join(page.body), page.front) == (plain, ())


def test_lint_names_every_dead_link(shop):
    (shop.path / "image.png").touch()
    shop.write(
        "docs/links.md",
        FRONT
        + """\
        # Links
        [a](restore.md) [b](../README.md#the-shop) [c](/docs/restore.md) ![d](../image.png) [e](#links) [f](../docs)
        [g](https://example.com/x) [h](mailto:a@b.c) [i](//example.com) [j]({{ site.url }}/x) [k](restore.md?plain=1)
        [l](gone.md) ![m](gone%20too.png) [n](restore.md#gone) [o](#Links) [p](../../secret) [q]()
        [r](a%00b.md) [s](restore.md/x) [t][undefined] [u](#) [v](#top) [w](../image.png#x)
        """.replace("        ", ""),
    )
    shop("docs", "review", "README.md", "docs/restore.md", "docs/links.md")
    ran = shop("docs", "lint")
    assert (ran.code, ran.err) == (1, "9 findings in 3 documents\n")
    assert ran.out == (
        "docs/links.md:8:5: link: `gone.md` is not there\n"
        "docs/links.md:8:19: link: `gone too.png` is not there\n"
        "docs/links.md:8:39: anchor: no heading of `docs/restore.md` has the anchor `#gone`\n"
        "docs/links.md:8:60: anchor: no heading of this document has the anchor `#Links`; did you mean `#links`?\n"
        "docs/links.md:8:72: link: `../../secret` leads out of the workspace\n"
        "docs/links.md:8:90: link: the link is empty; say where it leads\n"
        "docs/links.md:9:5: link: `a\\x00b.md` is not there\n"
        "docs/links.md:9:19: link: `restore.md/x` is not there\n"
        "docs/links.md:9:37: link: nothing defines the reference `undefined`; add `[...]: target`\n"
    )


def test_links_may_lead_through_the_repository_that_the_workspace_is_part_of(opsctl):
    (opsctl.path / ".git").mkdir()
    opsctl.write("LICENSE", "MIT")
    opsctl.write("ops/opsctl.yaml", "version: 1\nname: x\ndocs: a.md\n")
    opsctl.write("ops/a.md", FRONT + "[a](../LICENSE) [b](/LICENSE) [c](/a.md) [d](../../x)\n")
    ran = opsctl("docs", "lint", "-C", "ops")
    assert ran.out == (
        "a.md:1:1: review: never reviewed; read it, then `opsctl docs review a.md`\n"
        "a.md:5:46: link: `../../x` leads out of the workspace\n"
    )


def test_lint_shows_where_a_front_matter_is_wrong(opsctl):
    opsctl.write("opsctl.yaml", ROOT)
    opsctl.write("docs/a.md", "# No front matter\n")
    opsctl.write("docs/b.md", "---\nowners: platform\nreview_every: 90\ntags: [A B]\nlayout: page\n---\n")
    opsctl.write("docs/c.md", "---\n- owner\n---\n")
    opsctl.write("docs/d.md", "---\nowner: [a\n---\n")
    opsctl.write("docs/e.md", "---\n---\n")
    opsctl.write("docs/f.md", "---\nowner: a\nowner: b\nreview_every: 1h\n---\n")
    opsctl.write("docs/g.md", "---\nowner: a\nreview_every: 90d\n")
    ran = opsctl("docs", "lint", "-o", "json")
    assert ran.code == 1
    found = [one for one in json.loads(ran.out)["findings"] if one["rule"] == "front-matter"]
    assert [f"{one['file']}:{one['line']}:{one['column']}: {one['message']}" for one in found] == [
        "docs/a.md:1:1: no front matter; begin the file with `---`, `owner: NAME`, `review_every: 90d`, `---`",
        "docs/b.md:2:1: unknown key `owners`; did you mean `owner`?",
        "docs/b.md:3:15: `90` has no unit; write a duration as `10s`",
        "docs/b.md:4:8: `A B` is not allowed here; use lower-case letters, digits, `.`, `_` and `-`, at most 64",
        "docs/c.md:2:1: the front matter must be a mapping; write `owner: NAME`",
        "docs/d.md:2:8: not readable as YAML: did not find expected ',' or ']'; close the bracket",
        "docs/e.md:1:1: missing key `owner` in the front matter; add `owner: platform`",
        "docs/e.md:1:1: missing key `review_every` in the front matter; add `review_every: 90d`",
        "docs/f.md:3:1: duplicate key `owner`; first at line 2; keep one",
        "docs/g.md:1:1: no front matter; begin the file with `---`, `owner: NAME`, `review_every: 90d`, `---`",
    ]
    ran = opsctl("docs", "review", "docs/e.md")
    assert ran == (
        1,
        "",
        (
            "opsctl: docs/e.md:1:1: missing key `owner` in the front matter; add `owner: platform`; "
            "it can be reviewed then\n"
        ),
    )


def test_lint_asks_for_reviews_and_has_annotations(shop):
    shop("docs", "review", "README.md", env=by("alice"))
    shop.write("README.md", FRONT + "# The shop, new\n")
    ran = shop("docs", "lint", "-o", "github", now="2026-11-23T12:00:00Z")
    assert ran == (
        1,
        (
            "::error file=README.md,line=1,col=1,title=review::the text was changed since alice reviewed it 3d ago; "
            "read it, then `opsctl docs review README.md`\n"
            "::error file=docs/restore.md,line=1,col=1,title=review::never reviewed; "
            "read it, then `opsctl docs review docs/restore.md`\n"
        ),
        "2 findings in 2 documents\n",
    )
    shop("docs", "review", "README.md", "docs/restore.md", env=by("alice"))
    assert shop("docs", "lint") == (0, "", "0 findings in 2 documents\n")
    assert shop("docs", "lint", "--quiet") == (0, "", "")
    assert shop("docs", "lint", "README.md", "./README.md", now="2027-11-20T12:00:00Z").out == (
        "README.md:1:1: review: alice reviewed it 365d ago, and it is due every 90d; "
        "read it, then `opsctl docs review README.md`\n"
    )


def test_a_glob_that_matches_nothing_is_a_warning(shop):
    shop("docs", "review", "README.md", "docs/restore.md")
    shop.write("opsctl.yaml", ROOT.replace("README.md", '"more/*.md", "**/README.md", docs'))
    ran = shop("docs", "lint")
    assert ran == (
        0,
        (
            "opsctl.yaml:3:25: warning: glob: `more/*.md` matches no Markdown file; correct or remove it\n"
            "opsctl.yaml:3:53: warning: glob: `docs` matches no Markdown file; correct or remove it\n"
        ),
        "0 findings and 2 warnings in 2 documents\n",
    )
    assert shop("docs", "lint", "-o", "github").out.startswith(
        "::warning file=opsctl.yaml,line=3,col=25,title=glob::"
    )
    shop.write("opsctl.yaml", ROOT.replace('"docs/**/*.md", README.md', "no.md"))
    assert shop("docs", "lint").code == 3
    shop.write("opsctl.yaml", "version: 1\nname: x\n")
    for command in (("list",), ("lint",), ("due",), ("review", "a.md"), ("show", "a.md")):
        assert shop("docs", *command) == (
            2,
            "",
            'opsctl: the workspace names no documents; add `docs: ["docs/**/*.md"]` to opsctl.yaml\n',
        )


@pytest.mark.parametrize("glob", ["../a.md", "/a.md", "docs/**.md", "", "a/../b.md"])
def test_a_glob_stays_below_the_workspace(opsctl, glob):
    opsctl.write("opsctl.yaml", f'version: 1\nname: x\ndocs: ["{glob}"]\n')
    ran = opsctl("validate")
    assert ran.code == 5
    assert ran.out.startswith(
        f"opsctl.yaml:3:9: `{glob}` is not a glob below the workspace; write it as `docs/**/*.md`\n"
    )


def test_folders_that_tools_fill_are_meant_only_by_their_names(opsctl):
    opsctl.write("opsctl.yaml", 'version: 1\nname: x\ndocs: ["**/*.md", ".github/*.md"]\n')
    for name in ("a.md", "node_modules/x/a.md", ".git/a.md", ".github/pr.md", "runbooks/people.md", "t.txt"):
        opsctl.write(name, FRONT)
    opsctl.write("runbooks/page.md", "---\nrunbook: page\n---\n# Page\n\n```sh {id: look}\ntrue\n```\n")
    assert set(states(opsctl)) == {"a.md", ".github/pr.md", "runbooks/people.md"}


def test_what_is_due_is_listed_with_what_comes_soon(shop):
    shop("docs", "review", "README.md", env=by("alice"))
    ran = shop("docs", "due")
    assert ran == (1, "never\tdocs/restore.md\tplatform\tnever reviewed\tRestore\n", "")
    shop("docs", "review", "docs/restore.md", env=by("alice"), now="2026-11-21T12:00:00Z")
    later = "2027-02-10T12:00:00Z"
    assert shop("docs", "due", now=later) == (0, "", "")
    assert shop("docs", "due", "--within", "8d", "-q", now=later) == (
        0,
        "reviewed\tREADME.md\tplatform\talice 82d ago, due 2027-02-18\tThe shop\n",
        "",
    )
    ran = shop("docs", "due", now="2027-02-19T12:00:00Z")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "stale\tREADME.md\tplatform\talice 91d ago, OVERDUE since 2027-02-18\tThe shop",
        "stale\tdocs/restore.md\tplatform\talice 90d ago, OVERDUE since 2027-02-19\tRestore",
    ]
    assert shop("docs", "due", "--within", "8").err == (
        "opsctl: --within `8`: `8` has no unit; write a duration as `10s`\n"
    )


def test_names_are_paths_from_here_or_from_the_root(shop):
    assert shop("docs", "show", "docs/../README.md").out.startswith("README.md  never")
    (shop.path / "docs" / "deep").mkdir()
    shop.write("docs/deep/opsctl.txt", "")
    ran = shop("docs", "show", "READ.md")
    assert ran == (2, "", "opsctl: `READ.md` is no document of `docs:`; did you mean `README.md`?\n")
    assert shop("docs", "review", "opsctl.yaml").err == (
        "opsctl: `opsctl.yaml` is no document of `docs:`; `opsctl docs list` shows them all\n"
    )


def test_a_document_that_cannot_be_read_is_never_reviewed(shop):
    (shop.path / "docs" / "restore.md").write_bytes(b"---\nowner: a\nreview_every: 90d\n---\n\xff\n")
    (shop.path / "docs" / "large.md").write_bytes(b"x" * 2_000_001)
    ran = shop("docs", "lint", "docs/large.md")
    assert ran.out == (
        "docs/large.md:1:1: front-matter: larger than 2 MB; split it into several documents\n"
        "docs/large.md:1:1: review: never reviewed; read it, then `opsctl docs review docs/large.md`\n"
    )
    # Text that is not UTF-8 can be told from every other all the same.
    assert shop("docs", "review", "docs/restore.md").code == 0
    (shop.path / "docs" / "restore.md").write_bytes(b"---\nowner: a\nreview_every: 90d\n---\n\xfe\n")
    assert states(shop)["docs/restore.md"] == "changed"


def test_hostile_text_shows_as_itself(shop):
    hostile = "x\x1b[31m\u202e"
    (shop.path / "docs" / f"{hostile}.md").write_text(
        f'---\nowner: "a\\x1b[31m"\nreview_every: 90d\n---\n# {hostile}\n[a]({hostile}.png) [b](#{hostile})\n'
    )
    shop("docs", "review", f"docs/{hostile}.md", "--note", hostile, "--reviewed-by", hostile)
    for command in (
        ("list",), ("list", "-o", "json"), ("show", f"docs/{hostile}.md"), ("lint",), ("lint", "-o", "github"),
        ("lint", "-o", "json"), ("due", "--within", "365d"),
    ):  # fmt: skip
        ran = shop("docs", *command)
        assert ran.code in {0, 1}
        assert not {"\x1b", "\u202e"} & set(ran.out + ran.err)


def test_search_shows_who_answers_for_a_document_and_how_it_stands(shop):
    shop.write("notes.md", "# Restore notes\n")
    shop("docs", "review", "README.md", env=by("alice"))

    def found():
        rows = [row.split("\t") for row in shop("search", "restore", "--kind", "document").out.splitlines()]
        return sorted([row[0], *row[5:]] for row in rows)

    assert found() == [
        ["README.md:6", "platform, reviewed"],
        ["docs/restore.md:5", "platform, never"],
        ["notes.md:1"],
    ]
    # How it stands is told as of now, though the file is as it was.
    shop("docs", "review", "docs/restore.md", env=by("alice"))
    assert ["docs/restore.md:5", "platform, reviewed"] in found()
