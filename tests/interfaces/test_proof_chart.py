"""The proof of a reservation is drawn figure by figure, to one scale, and said in words."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crossdock.interfaces.api.proof_chart import FROM, LINES_MAX, TO, drawn
from crossdock.interfaces.api.stock_shapes import AmountShown
from tests.docs.pictures import a_promise
from tests.interfaces.test_charts import SVG, parsed, said, words

AMOUNTS = st.decimals(-(10**9), 10**9, places=3).map(lambda value: AmountShown(f"{value:f}", "EA"))


def test_a_proof_is_drawn_with_what_was_taken_off_and_what_was_granted() -> None:
    picture = drawn(a_promise())
    found = words(picture)

    assert found[0] == "Why order-7 got what it got"
    assert found.count("lay there") == found.count("granted") == 2
    assert found.count("less safety stock") == 1  # of the line that has some
    assert {"4 of 4 EA", "6 of 8 EA"} <= set(found)
    assert said(picture).startswith(
        "BOLT at DC1: 4 asked, 10 free: granted (lay there 10 EA, free 10 EA); NUT at DC1:"
        " 8 asked, 6 free: 6 granted, as part was welcome (lay there 10 EA, less promised before"
    )


def test_lines_of_one_unit_are_drawn_to_one_scale_and_others_to_their_own() -> None:
    promise = a_promise()
    [first, _] = promise.lines
    ten, hundred = AmountShown("10", "EA"), AmountShown("100", "EA")
    kilos = replace(
        first,
        requested=AmountShown("1", "KG"),
        granted=AmountShown("1", "KG"),
        nettable=AmountShown("2", "KG"),
        free=AmountShown("2", "KG"),
    )
    lines = [replace(first, nettable=hundred), replace(first, nettable=ten), kilos]
    there = [
        Decimal(one.attrib["width"])
        for one in parsed(drawn(replace(promise, lines=lines))).iter(f"{SVG}rect")
        if one.attrib["class"] == "a1"
    ]

    assert there == [TO - FROM, (TO - FROM) / 10, TO - FROM]


def test_a_maximum_that_leaves_its_channel_nothing_is_drawn() -> None:
    promise = a_promise()
    [first, _] = promise.lines
    line = replace(first, channel="web", allowance=AmountShown("0", "EA"))

    found = words(drawn(replace(promise, lines=[line], is_reproduced=False)))

    assert {"its channel may have", "0 EA"} <= set(found)
    assert any("decided once more: not the same" in text for text in found)


def test_of_more_lines_than_are_drawn_the_rest_is_counted() -> None:
    promise = a_promise()
    found = words(drawn(replace(promise, lines=promise.lines[:1] * (LINES_MAX + 3))))

    assert "3 more lines are not drawn" in found


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.text(max_size=60))
def test_whatever_was_decided_is_drawn_between_the_words_and_the_figures(
    there: AmountShown, taken: AmountShown, asked: AmountShown, name: str
) -> None:
    promise = a_promise()
    [first, _] = promise.lines
    line = replace(
        first, item=name, because=name, nettable=there, claimed=taken, own=taken, requested=asked
    )
    bars = [
        one
        for one in parsed(drawn(replace(promise, lines=[line]))).iter(f"{SVG}rect")
        if one.attrib["class"] != "paper"
    ]

    assert all(Decimal(one.attrib["x"]) == FROM for one in bars)
    assert all(0 <= Decimal(one.attrib["width"]) <= TO - FROM + 1 for one in bars)
