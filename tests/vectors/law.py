"""Reads the worked examples from `law.md`, which is written for people."""

import re
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

ROW = re.compile(r"^\| ([AR]\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
NUMBER = re.compile(r"(?<![A-Z\d])-?\d+")
"""A number, not the one in a name: `DC2`, `L1`, `S1`, `B2B`. Of `2.33` it is 2, then 33."""

UNSAID = re.compile(r"\*+| \((?:IBM|[^()]*\[S\d+\])\)")
"""Emphasis, and the source that a row is taken from."""


class Example(NamedTuple):
    given: str
    expected: str


LAW = MappingProxyType(
    {
        number: Example(said, expected)
        for number, said, expected in ROW.findall(Path(__file__).with_name("law.md").read_text())
    }
)


def given(number: str) -> list[int]:
    """Give the numbers that go in, in the order in which they are said."""
    return [int(found) for found in NUMBER.findall(LAW[number].given)]


def expected(number: str) -> str:
    """Give what has to come out, without emphasis and without where it is taken from."""
    return UNSAID.sub("", LAW[number].expected)


def listed(numbers: object, by: str = ",") -> str:
    """Write numbers as the law does: 25,25,45."""
    assert isinstance(numbers, list | tuple)
    return by.join(str(number) for number in numbers)
