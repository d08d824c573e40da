"""Where rows of Tryton lead to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.tryton.related import UNITS_OF, ends_of, ids_of, number_of


@given(st.integers(1, 2**31), st.sampled_from(["purchase.line", "stock.move"]))
def test_a_link_is_a_number_or_a_model_and_a_number(number: int, model: str) -> None:
    assert number_of(number) == number_of(f"{model},{number}") == number


def test_of_references_the_numbers_of_one_model_are_taken_once_each_in_order() -> None:
    references = ["stock.move,7", None, "sale.line,3", "stock.move,2", "", "stock.move,7"]

    assert ids_of("stock.move", references) == [2, 7]


@pytest.mark.parametrize(
    ("topic", "row"),
    [
        ("items", {"default_uom": 4}),
        ("orders", {"lines.": [{"unit": 4}, {"unit": 4}]}),
        ("purchases", {"lines.": [{"unit": 4}]}),
        ("moves", {"unit": 4}),
    ],
)
def test_the_units_that_decide_about_rows_are_named(topic: str, row: dict[str, object]) -> None:
    assert UNITS_OF[topic]([row, row]) == {4}


def test_both_ends_of_moves_are_named() -> None:
    assert ends_of([{"from_location": 3, "to_location": 1}]) == [1, 3]
