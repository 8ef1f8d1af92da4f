"""Runbooks that are pages of Markdown, and what is shown of runbooks."""

from __future__ import annotations

from commands.notes import note, noted
from commands.runbook.steps import undo

from opsctl import markdown_runbooks


def test_lists_and_pages_are_shown(shop):
    run = shop(note("one", undo("one")), parameters="{host: {text: Which}}")
    assert run("runbook", "list").out == "it  1 step     It\n"
    assert run("runbook", "show", "it").out.splitlines()[:2] == ["it  It", "  --set host=...  Which"]
    page = run("runbook", "render", "it").out
    assert page.startswith("# It\n\n- run: opsctl runbook run it\n")
    assert "       sh -c 'echo one >>log'\n" in page
    assert run("runbook", "show", "itt").err == "opsctl: no runbook is called `itt`; did you mean `it`?\n"


PAGE = """
    ---
    runbook: page
    owner: ops
    parameters: {host: {pattern: "[a-z]+"}}
    ---

    # Restart the API

    ```sh {id: look, effect: read}
    echo looking at $host
    ```

    An example that is no step:

    ```sh
    echo never >>log
    ```

    1. Then

       ```sh {id: restart, undo: {shell: "echo undone >>log"}}
       echo $host >>log
       ```

    ```check {id: green}
    api
    ```
"""


def test_a_page_with_annotated_code_is_a_runbook_too(shop, opsctl):
    run = shop(note("one"))
    opsctl.write("runbooks/page.md", PAGE)
    opsctl.write("runbooks/plain.md", "# For people only\n\n```sh {id: x}\nfalse\n```\n")
    assert run("runbook", "list").out == "it    1 step     It\npage  3 steps    Restart the API\n"
    ran = run("runbook", "run", "page", "--set", "host=web")
    assert (ran.code, noted(opsctl)) == (0, ["web"])
    assert "  | looking at web\n" in ran.err


def test_what_the_readers_of_a_page_do_not_see_as_its_code_is_no_step(shop, opsctl):
    opsctl.write("runbooks/page.md", """
        ---
        # No title
        runbook: page
        ---

        ```sh
        # No title either
        ```

        <!--
        ```sh {id: hidden}
        echo hidden >>log
        ```
        -->

        ````markdown
        ```sh {id: sample}
        echo sample >>log
        ```
        ````

        The page
        ========

        ```sh {id: whole}
        cat >>log <<'END'
        ```no end
            ```
        END
        ```

        1. Then

            > ```sh {id: quoted}
            > echo quoted >>log
            > ```
        """)  # fmt: skip
    run = shop(note("one"))
    assert run("runbook", "list").out == "it    1 step     It\npage  2 steps    The page\n"
    assert run("runbook", "run", "page").code == 0
    assert (opsctl.path / "log").read_text() == "```no end\n    ```\nquoted\n"


def test_a_mistake_in_a_page_is_told_where_it_stands(shop, opsctl):
    run = shop(note("one"))
    opsctl.write("runbooks/page.md", PAGE.replace("id: green", "idd: green").replace("pattern:", "patern:"))
    assert [row for row in run("validate").out.splitlines() if row.startswith("runbooks/")] == [
        "runbooks/page.md:4:21: unknown key `patern`; did you mean `pattern`?",
        "runbooks/page.md:25:11: unknown key `idd`; did you mean `id`?",
    ]


def test_braces_that_are_no_yaml_are_told_where_they_stand(shop, opsctl):
    run = shop(note("one"))
    opsctl.write("runbooks/page.md", PAGE.replace("{id: green}", "{id: [}"))
    assert run("validate").out.splitlines() == [
        "runbooks/page.md:25:16: not readable as YAML: did not find expected node content; correct it",
        "   25 |          {id: [}",
        "      |                ^",
        "",
        "1 problem in 1 file",
    ]


def test_of_a_page_with_many_steps_each_is_read_once(monkeypatch):
    read = []
    real = markdown_runbooks.compose
    monkeypatch.setattr(
        markdown_runbooks, "compose", lambda data, name: (read.append(len(data)), real(data, name))[1]
    )
    steps = "".join(f"\n```sh {{id: s{number}}}\ntrue\n```\n" for number in range(500))
    page = f"---\nrunbook: page\n---\n{steps}".encode()
    node, _, problems = markdown_runbooks.compose_page(page, "page.md")
    assert (node is not None, problems, len(read), sum(read) < len(page)) == (True, [], 500, True)


def test_a_page_shows_where_values_are_filled_in_and_a_dry_run_does_not_wait(shop):
    run = shop("{id: one, run: [echo, '{{ host }}']}", "{id: pause, wait: 1h}", parameters="{host: {}}")
    assert "changes  echo '{{ host }}'" in run("runbook", "show", "it").out
    assert "echo '{{ host }}'" in run("runbook", "render", "it").out
    ran = run("runbook", "run", "it", "--set", "host=web", "--dry-run")
    assert ran.code == 0
    assert "pause" in ran.out
