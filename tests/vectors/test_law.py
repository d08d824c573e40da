"""Every worked example of the law is written down once and played by a test."""

import re
from inspect import getsource

import pytest

from tests.vectors import test_behaviour, test_rules
from tests.vectors.law import LAW, given

ALL = [*(f"A{n}" for n in range(1, 33)), *(f"R{n}" for n in range(1, 10))]
PLAYED = re.compile(r"test_([ar]\d+)_")
PUT_THERE = {"A4": "balances_of_a4()", "A25": "own_order("}
"""What else reads the numbers of an example, where two tests need them."""


def test_the_law_has_32_examples_of_promising_and_9_of_comparing() -> None:
    assert list(LAW) == ALL


def named_after() -> dict[str, list[str]]:
    """Give the sources of the tests that are named after each example."""
    found: dict[str, list[str]] = {}
    for module in (test_rules, test_behaviour):
        for name, one in vars(module).items():
            if match := PLAYED.match(name):
                found.setdefault(match.group(1).upper(), []).append(getsource(one))
    return found


def test_every_example_is_played_through_the_product() -> None:
    assert set(named_after()) == set(ALL)


@pytest.mark.parametrize("number", ALL)
def test_whatever_is_named_after_an_example_is_compared_with_what_it_says(number: str) -> None:
    for source in named_after()[number]:
        assert f'assert expected("{number}") == ' in source
        assert f'given("{number}")' in source or PUT_THERE[number] in source


def test_numbers_are_told_from_names() -> None:
    assert given("A23") == [30, 100, 5, 2]
    assert given("A18") == [100, 50, 101, -5, 102, 20]
    assert given("R6") == [440, 500, 60]
