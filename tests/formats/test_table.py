from opsctl.formats import Output
from opsctl.formats.table import table

ROWS = [("RUN-1", "restart", "it waits for an answer that nobody has given yet"), ("RUN-12", "it", "")]


def output(width):
    return Output(colour=False, width=width, ascii=False, quiet=False, explain=False, environ={})


def test_a_pipe_has_one_uncut_record_a_line():
    assert table(ROWS, output(None)) == (
        "RUN-1\trestart\tit waits for an answer that nobody has given yet\nRUN-12\tit\n"
    )


def test_a_wide_terminal_has_columns():
    assert table(ROWS, output(80)) == (
        "RUN-1   restart  it waits for an answer that nobody has given yet\nRUN-12  it\n"
    )


def test_the_last_column_is_wrapped_between_words():
    assert table(ROWS, output(51)) == (
        "RUN-1   restart  it waits for an answer that nobody\n                 has given yet\nRUN-12  it\n"
    )


def test_where_no_room_is_left_it_stands_below():
    assert table(ROWS, output(40)) == (
        "RUN-1   restart\n    it waits for an answer that nobody\n    has given yet\nRUN-12  it\n"
    )


def test_no_row_breaks_the_width():
    words = "a longer reason " * 9
    for width in (40, 60, 80, 200):
        lines = table([("RUN-1", "restart-api", "2026-11-21 18:05 CET", words)], output(width)).splitlines()
        assert max(map(len, lines)) <= width
        assert " ".join(" ".join(lines).split()).endswith(words.strip())


def test_no_rows_are_nothing():
    assert table([], output(80)) == ""
