"""Charts: well-formed, with a title, words for who does not see them, and nothing that runs."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.formats.charts import Share, availability, incidents, latency

LABELS = ("mon", "tue", "wed")
SVG = "{http://www.w3.org/2000/svg}"


def drawn(text):
    return ET.fromstring(text)


def classes(text):
    return [one.get("class") for one in drawn(text).iter() if one.get("class")]


def test_availability_shows_what_missed_its_target_and_what_is_not_known():
    chart = availability("api", LABELS, [Share(1.0, 1.0, 1.0), Share(0.95, 0.9, 0.99), Share(None)], 0.99)
    found = classes(chart)
    assert (found.count("c-met"), found.count("c-missed"), found.count("c-band"), found.count("c-none")) == (
        1,
        1,
        1,
        1,
    )
    assert drawn(chart).findtext(f"{SVG}title") == "api"
    assert drawn(chart).findtext(f"{SVG}desc") == "mon to wed; target 99%; lowest 95% on tue; 1 without data"


def test_a_latency_breaks_where_nothing_was_measured():
    chart = latency("api", ("a", "b", "c", "d", "e"), [0.1, 0.2, None, 0.3, 0.1], 0.25)
    found = classes(chart)
    assert (found.count("c-line"), found.count("c-missed"), found.count("c-met"), found.count("c-none")) == (
        2,
        1,
        3,
        1,
    )


def test_incidents_are_stacked_by_severity():
    chart = incidents("Incidents", LABELS, [{"sev1": 1, "sev3": 2}, {}, {"sev3": 1}])
    marks = [one for one in drawn(chart).iter(f"{SVG}rect") if one.find(f"{SVG}title") is not None]
    assert [(one.get("class"), one.findtext(f"{SVG}title")) for one in marks] == [
        ("c-sev1", "mon: 1 sev1"), ("c-sev3", "mon: 2 sev3"), ("c-sev3", "wed: 1 sev3"),
    ]  # fmt: skip
    assert drawn(chart).findtext(f"{SVG}desc") == "4 incidents from mon to wed; most on mon: 3"


RATIO = st.one_of(st.none(), st.floats(0, 1))


@given(st.lists(st.tuples(st.text(max_size=9), RATIO), min_size=1, max_size=40), RATIO, st.text(max_size=20))
def test_any_figures_and_texts_give_a_drawing_within_its_frame(figures, target, title):
    labels = [label for label, _ in figures]
    shares = [Share(value, value, value) for _, value in figures]
    for chart in (
        availability(title, labels, shares, target),
        latency(title, labels, [value for _, value in figures], target),
        incidents(title, labels, [{"sev1": int(9 * (value or 0))} for _, value in figures]),
    ):
        for one in drawn(chart).iter():
            assert one.tag.removeprefix(SVG) in {
                "svg", "title", "desc", "line", "text", "rect", "circle", "path", "polyline",
            }  # fmt: skip
            for name in ("x", "y", "x1", "y1", "cx", "cy", "width", "height"):
                if one.get(name) is not None:
                    assert -20 <= float(one.get(name)) <= 400


@pytest.mark.parametrize("count", [0, 1])
def test_few_parts_can_be_drawn(count):
    labels = LABELS[:count]
    drawn(availability("x", labels, [Share(1.0, 1.0, 1.0)] * count, None))
    drawn(latency("x", labels, [0.1] * count, None))
    drawn(incidents("x", labels, [{}] * count))
