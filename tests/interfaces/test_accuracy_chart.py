"""How right the books were is drawn by class and location, in figures that replace no other."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation.accuracy import CountSums, report
from crossdock.interfaces.api.accuracy_chart import FROM, PLACES_MAX, TO, drawn
from tests.docs.pictures import MONDAY, counted_accuracy
from tests.interfaces.test_charts import SVG, parsed, said, words

AMOUNTS = st.integers(-(10**12), 10**12)


def test_five_counts_are_drawn_in_three_figures() -> None:
    picture = drawn(counted_accuracy())
    found = words(picture)

    assert {"3 of 5", "net +0.71 %", "98.82 %"} <= set(found)
    assert [text for text in found if text.startswith("class")] == [
        "class A",
        "class B",
        "class C",
    ]
    assert said(picture).startswith(
        "all: 3 of 5 keys within tolerance, 98.82 % of units right, net +0.71 %; class A:"
    )


def test_where_nothing_was_counted_nothing_is_known_and_no_class_is_drawn() -> None:
    found = words(drawn(report([], MONDAY - timedelta(days=1), MONDAY)))

    assert {"all", "0 of 0", "unknown", "net unknown"} <= set(found)
    assert not any(text.startswith("class") for text in found)


def test_of_more_locations_than_are_drawn_those_with_most_counts_are() -> None:
    one = counted_accuracy()
    few = replace(one.total, counted=1)
    places = {"BUSY": one.total} | {f"S{number}": few for number in range(PLACES_MAX + 1)}

    found = words(drawn(replace(one, locations=places)))

    assert "BUSY" in found
    assert any(text.endswith("; 2 more locations are not drawn") for text in found)


@given(st.integers(0, 99), AMOUNTS, AMOUNTS, st.text(max_size=60))
def test_whatever_was_counted_is_drawn_between_the_words_and_the_figures(
    within: int, booked: int, found: int, name: str
) -> None:
    sums = [CountSums(name, "A", "EA", 99, within, booked, found, abs(found - booked) + MICROS)]
    bars = [
        one
        for one in parsed(drawn(report(sums, MONDAY - timedelta(days=1), MONDAY))).iter(
            f"{SVG}rect"
        )
        if one.attrib["class"] != "paper" and one.attrib["width"] != "12"
    ]

    assert all(Decimal(one.attrib["x"]) == FROM for one in bars)
    assert all(0 <= Decimal(one.attrib["width"]) <= TO - FROM for one in bars)
