"""Every worked example of the law is written down once and played by a test."""

import re

from tests.vectors import test_behaviour, test_rules
from tests.vectors.law import LAW, given

ALL = [*(f"A{n}" for n in range(1, 33)), *(f"R{n}" for n in range(1, 10))]
PLAYED = re.compile(r"test_([ar]\d+)_")


def test_the_law_has_32_examples_of_promising_and_9_of_comparing() -> None:
    assert list(LAW) == ALL


def test_every_example_is_played_through_the_product() -> None:
    found = {
        match.group(1).upper()
        for module in (test_rules, test_behaviour)
        for name in vars(module)
        if (match := PLAYED.match(name))
    }

    assert found == set(ALL)


def test_numbers_are_told_from_names() -> None:
    assert given("A23") == [30, 100, 5, 2]
    assert given("A18") == [100, 50, 101, -5, 102, 20]
    assert given("R6") == [440, 500, 60]
