"""Lines that no stock limits, beside those that it does: what each is granted (§3.3, §3.6)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.inventory import Figures
from crossdock.capabilities.inventory.granting import (
    UNLIMITED,
    Ask,
    Counter,
    Given,
    Limit,
    decided,
    free_for,
    grants,
)
from crossdock.capabilities.inventory.kits import limited
from crossdock.capabilities.inventory.protection import Claim

COUNTERS = st.fixed_dictionaries(
    {at: st.builds(Counter, st.builds(Figures, nettable=st.integers(-3, 20))) for at in range(3)}
)
LINES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 12), st.booleans()), min_size=1, max_size=4
)
ASKS = st.lists(st.tuples(LINES, st.booleans()), max_size=4)


@given(ASKS, COUNTERS)
def test_they_are_granted_whole_and_change_nothing_for_what_stock_limits(
    asked: list[tuple[list[tuple[int, int, bool]], bool]], counters: dict[int, Counter]
) -> None:
    """I2: of stock there is granted what would be without them."""
    asks = [
        Ask(
            tuple(line[:2] for line in lines),
            partial,
            unlimited=frozenset(at for at, line in enumerate(lines) if line[2]),
        )
        for lines, partial in asked
    ]
    without = [
        Ask(tuple(line[:2] for line in lines if not line[2]), partial) for lines, partial in asked
    ]

    found = grants(asks, counters)

    alone = grants(without, counters)
    for (lines, partial), got, rest in zip(asked, found, alone, strict=True):
        assert tuple(one for one, line in zip(got, lines, strict=True) if not line[2]) == rest
        is_granted = partial or all(
            one == line[1]
            for one, line in zip(rest, [line for line in lines if not line[2]], strict=True)
        )
        for one, line in zip(got, lines, strict=True):
            assert not line[2] or one == (line[1] if is_granted else 0)


@pytest.mark.parametrize(
    ("channel", "own", "had", "got", "limit"),
    [
        ("WEB", None, 0, 20, Limit.MAXIMUM),
        ("WEB", 30, 5, 25, Limit.MAXIMUM),
        ("WEB", 8, 0, 8, Limit.NONE),
        ("counter", None, 0, 50, Limit.NONE),
        ("counter", 40, 0, 40, Limit.NONE),
    ],
)
def test_a_channel_is_granted_no_more_of_it_than_its_own_maximum(
    channel: str, own: int | None, had: int, got: int, limit: Limit
) -> None:
    counter = Counter(
        Figures(nettable=0), guards={"WEB": Claim(most=30, used=10), "KEY": Claim(least=40)}
    )
    ask = Ask(((0, 50),), True, (own,), channel, had=(had,), unlimited=frozenset({0}))

    assert decided([ask], {0: counter}) == [(Given(got, limit),)]
    there_is = free_for(0, {0: counter}, own, channel, had, is_unlimited=True).micros
    assert min(50, there_is) == got


def test_what_one_request_got_of_it_counts_for_the_channel_in_the_next() -> None:
    counter = Counter(Figures(nettable=0), guards={"WEB": Claim(most=30)})
    ask = Ask(((0, 20),), True, channel="WEB", unlimited=frozenset({0}))

    assert grants([ask, replace(ask)], {0: counter}) == [(20,), (10,)]


def test_there_is_no_end_of_it_where_nobody_keeps_anything() -> None:
    found = free_for(0, {0: Counter(Figures(nettable=-4))}, is_unlimited=True)
    assert found.micros == UNLIMITED


def _told(said: dict[str, set[str]]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Give what goes into kit A, each item behind all that take it."""
    told: list[tuple[str, list[tuple[str, int]]]] = []
    for item, into in sorted(said.items()):
        taking = [(of, 2) for of in sorted(into & {"A", *(one for one, _ in told)})]
        if taking:
            told.append((item, taking))
    return told


PARTS = st.dictionaries(
    st.sampled_from("BCDEF"), st.sets(st.sampled_from("ABCDE"), min_size=1, max_size=3)
).map(_told)


@given(PARTS, st.sets(st.sampled_from("BCDEF")))
def test_of_a_kit_is_left_what_goes_into_it_by_a_way_that_stock_limits(
    parts: list[tuple[str, list[tuple[str, int]]]], gone: set[str]
) -> None:
    """The naive way: walk down from each item to the kit, past nothing that is unlimited."""
    into = dict(parts)

    def is_endless(item: str) -> bool:
        taken = [part for part, those in parts if item in {of for of, _ in those}]
        return item in gone or (bool(taken) and all(is_endless(part) for part in taken))

    def is_needed(item: str) -> bool:
        if item == "A":
            return True
        if item not in into or is_endless(item):
            return False
        return any(is_needed(of) for of, _ in into[item])

    found = limited(parts, gone)

    assert [item for item, _ in found] == [item for item, _ in parts if is_needed(item)]
    for item, taking in found:
        assert [of for of, _ in taking] == [of for of, _ in into[item] if is_needed(of)]


def test_a_part_that_is_put_together_from_what_no_stock_limits_limits_no_kit() -> None:
    parts = [("SET", [("KIT", 1)]), ("BOX", [("KIT", 1)]), ("FILM", [("SET", 3)])]

    assert limited(parts, {"FILM"}) == [("BOX", [("KIT", 1)])]
    assert limited(parts, {"BOX"}) == [("SET", [("KIT", 1)]), ("FILM", [("SET", 3)])]
    assert limited(parts, {"FILM", "BOX"}) == []
