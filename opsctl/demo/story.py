"""The tour's story as data: what happens and why, the command, and the exit code that the story needs."""

from __future__ import annotations

from typing import NamedTuple

# Columns; every terminal has them.
WIDTH = 78


class Command(NamedTuple):
    """A command line, run `times` times, and how it ends in this story."""

    line: str
    code: int = 0
    times: int = 1


class Step(NamedTuple):
    """What happens and why, in a sentence or two, and the commands that do it."""

    words: str
    commands: tuple[Command, ...]


class Chapter(NamedTuple):
    """A part of the story."""

    title: str
    steps: tuple[Step, ...]


def _step(words: str, line: str, code: int = 0) -> Step:
    return Step(words, (Command(line, code),))


STORY = (
    Chapter(
        "All is well",
        (
            _step(
                "A small shop runs on this machine now: a database, a web server and a worker. Files say "
                "what is expected of each; this one of the database:",
                "cat services/database.yaml",
            ),
            _step("opsctl looks at all of them, and keeps what it finds.", "opsctl check"),
        ),
    ),
    Chapter(
        "Something breaks",
        (
            _step("A clean-up script drops a table that it takes for a leftover.", "./shop break"),
            _step(
                "Now all of it fails. opsctl names the cause, which is the database; what depends on it is "
                "explained by it.",
                "opsctl check",
                1,
            ),
            _step(
                "One failure may be chance. The second in a row opens an incident by itself.",
                "opsctl check database",
                1,
            ),
            _step(
                "Could version v2 be released now? A gate knows: it asks nobody, and its exit code decides.",
                "opsctl gate release --subject v2",
                1,
            ),
        ),
    ),
    Chapter(
        "The incident",
        (
            _step(
                "You take it on. For a sev1, the next update is due in 30 minutes.",
                "opsctl incident ack INC-1 --as commander",
            ),
            _step("This is known so far; the timeline writes itself.", "opsctl incident show INC-1"),
        ),
    ),
    Chapter(
        "The runbook",
        (
            _step(
                "The service names its runbook: a page that people read, and opsctl runs.",
                "cat runbooks/restore-orders.md",
            ),
            _step(
                "Each change is followed by a check that shows that it worked. A run that is interrupted "
                "could be resumed exactly where it stopped.",
                "opsctl runbook run restore-orders --incident INC-1",
            ),
            _step(
                "All is up again. But look at web/orders: it took a few milliseconds before.",
                "opsctl check",
            ),
            _step(
                "Resolving is refused as long as a check of its services is down.",
                "opsctl incident resolve INC-1 the orders are back",
            ),
            _step(
                "The gate opens: all is calm, and the way back has just been shown to work.",
                "opsctl gate release --subject v2",
            ),
        ),
    ),
    Chapter(
        "The review",
        (
            _step(
                "What is there to learn? opsctl drafts the review from its data; people write the rest.",
                "opsctl review start INC-1",
            ),
            _step("Lint says what is still missing.", "opsctl review lint", 1),
            Step(
                "Writing takes an hour, so here is one that is ready, with two times five whys. Another "
                "start puts the data in; lint looks for blame, and for whys that end too early.",
                (
                    Command("cp tour/review.md reviews/INC-1.md"),
                    Command("opsctl review start INC-1"),
                    Command("opsctl review lint"),
                ),
            ),
            _step(
                "Submitting makes its actions backlog items, and closes the incident.",
                "opsctl review submit INC-1",
            ),
        ),
    ),
    Chapter(
        "The improvement",
        (
            _step(
                "The review found why the page of orders is slow since: its index was not in the backup. "
                "The first item is to mend that, and names a measure to show that it helped.",
                "opsctl backlog list",
            ),
            Step(
                "Twelve looks at the page give something to compare with; quiet ones print nothing where "
                "all is well. The start of the work keeps what the measure says now.",
                (
                    Command("opsctl check web/orders --quiet", times=12),
                    Command("opsctl backlog start OPS-1"),
                ),
            ),
            Step(
                "The index is made, also in the backup. The work is done; but done is not proven:",
                (
                    Command("./shop index"),
                    Command("opsctl backlog done OPS-1 --spent 1h"),
                    Command("opsctl backlog verify OPS-1", 3),
                ),
            ),
            Step(
                "Nothing is claimed while the 20 seconds that are measured reach back to before. So they "
                "have to pass, for real; where it is no tour, a measure takes days or weeks.",
                (
                    Command("sleep 20"),
                    Command("opsctl check web/orders --quiet", times=12),
                    Command("opsctl backlog verify OPS-1"),
                    Command("opsctl backlog show OPS-1"),
                ),
            ),
        ),
    ),
    Chapter(
        "The report and the record",
        (
            Step(
                "The day for others to read: what was down and how long, the incident, what was improved; "
                "as Markdown, and with charts for a browser.",
                (
                    Command("opsctl report daily --out report.md"),
                    Command("opsctl report daily -o html --out report.html"),
                ),
            ),
            _step(
                "What was decided is kept as sealed events, with who and when.",
                "opsctl log OPS-1",
            ),
            _step("And the record can show that nobody has altered it.", "opsctl db verify"),
        ),
    ),
)

FAREWELL = """\
The shop is closed, and all the rest is kept. To go on playing:

  cd {folder}
  ./shop                          opens the shop; then, in another terminal:
  opsctl check                    looks at it
  ./shop break                    breaks it, and two more looks open INC-2
  opsctl status                   shows what stands, and what is due
  opsctl incident list --all      shows what there was

README.md says more, and report.html is for your browser.
"""
