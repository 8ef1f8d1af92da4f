from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsctl import expectations
from opsctl.checks.command import CommandCheck
from opsctl.plugins import STATES, Printed, parse, state


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (0, "OK"),
        (1, "WARNING"),
        (2, "CRITICAL"),
        (3, "UNKNOWN"),
        (4, "UNKNOWN"),
        (127, "UNKNOWN"),
        (-1, "UNKNOWN"),
    ],
)
def test_the_exit_code_is_the_state(code, word):
    assert state(code) == word


def test_one_line_is_the_message_and_its_measurements():
    printed = parse("PING OK - Packet loss = 0%, RTA = 0.80 ms|rta=0.80ms;3000;5000;0 pl=0%;80;100;0\n")
    assert printed == Printed("PING OK - Packet loss = 0%, RTA = 0.80 ms", "", {"rta": 0.0008, "pl": 0.0})


def test_lines_below_are_details_and_more_measurements():
    printed = parse(
        "DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\n"
        "/ 15272 MB (77%);\n"
        "/boot 68 MB (69%); | /boot=68MB;88;93;0;98\n"
        "/home=69357MB;253404;253409;0;253414\n"
    )
    assert printed == Printed(
        "DISK OK - free space: / 3326 MB (56%);",
        "/ 15272 MB (77%);\n/boot 68 MB (69%);",
        {"_": 2.643e9, "_boot": 6.8e7, "_home": 6.9357e10},
    )


def test_a_message_alone_has_no_measurements():
    assert parse("OK") == Printed("OK", "", {})
    assert parse("") == Printed("", "", {})


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1.0),
        ("-1.5", -1.5),
        ("+2", 2.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e-05s", 1e-05),
        ("1E3", 1000.0),
        ("2s", 2.0),
        ("250ms", 0.25),
        ("5us", 5e-06),
        ("5µs", 5e-06),
        ("2ns", 2e-09),
        ("85%", 85.0),
        ("12c", 12.0),
        ("3B", 3.0),
        ("1KB", 1000.0),
        ("1kB", 1000.0),
        ("2MB", 2_000_000.0),
        ("1GB", 1e9),
        ("1TB", 1e12),
        ("1KiB", 1024.0),
        ("1MiB", 1048576.0),
        ("1GiB", 1073741824.0),
        ("900rpm", 900.0),
        ("7;;;;", 7.0),
        ("7;@1:2;~:3;0;10", 7.0),
    ],
)
def test_values_come_in_base_units(written, value):
    assert parse(f"OK | a={written} b=1").perfdata == {"a": value, "b": 1.0}


@pytest.mark.parametrize(
    "written", ["U", "", ";1;2", "nan", "inf", "1e999", "1,5", "0x10", "1.2.3", "1-2", "--1", "e5"]
)
def test_what_is_not_a_number_is_left_out(written):
    assert parse(f"OK | a={written} b=1").perfdata == {"b": 1.0}


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("Load1", "load1"),
        ("'two words'", "two_words"),
        ("'it''s'", "it_s"),
        ("'a=b'", "a_b"),
        ("'C:\\ Label'", "c___label"),
        ("/var/log", "_var_log"),
        ("..a.", "__a_"),
        ("if.eth0-rx", "if.eth0-rx"),
        ("\u00dcber", "_ber"),
        ("a'b", "a_b"),
    ],
)
def test_labels_become_names_that_expectations_can_hold(written, label):
    assert parse(f"OK | {written}=4").perfdata == {label: 4.0}


@pytest.mark.parametrize("written", ["''=4", "=4", "word", "'open=4"])
def test_what_has_no_label_is_left_out(written):
    assert parse(f"OK | {written} b=1").perfdata == {"b": 1.0}


def test_two_values_for_one_label_are_no_value():
    assert parse("OK | a=1 A=2 c/=1 c:=2 b=1 b=1").perfdata == {"b": 1.0}


@given(st.binary())
@example(b"OK | '")
@example(b"\xff|\xff=1")
def test_any_bytes_are_taken_apart(data):
    printed = parse(data.decode("utf-8", "replace"))
    assert all(label == label.lower() and math.isfinite(value) for label, value in printed.perfdata.items())


@given(st.text())
def test_the_message_is_the_first_line_up_to_the_bar(text):
    assert parse(text).message == text.split("\n")[0].split("|")[0].strip()


@given(
    st.dictionaries(
        st.from_regex(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", fullmatch=True),
        st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_what_is_written_in_the_format_is_read_back(measured):
    items = [f"'{label}'={value!r};1;2;0;9" for label, value in measured.items()]
    assert parse("OK | " + " ".join(items)).perfdata == measured


@given(st.text(min_size=1))
def test_every_measurement_can_be_expected(label):
    for name in parse(f"OK | '{label}'=1").perfdata:
        expectation = expectations.parse(f"perfdata.{name} == 1", CommandCheck.SUBJECTS)
        assert expectation.name == f"perfdata.{name}"


def test_the_states_are_in_the_order_of_their_codes():
    assert [state(code) for code in range(4)] == list(STATES)
