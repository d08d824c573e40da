"""What is left of what keeps so long: as much as any way of sharing out leaves, and no more."""

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.inventory.publishing import ShareMode, Terms, available_to_sell
from crossdock.capabilities.supply.lasting import UNTOLD, Lying, changes_in, left, strictest
from crossdock.capabilities.supply.rules import LifeTerms
from crossdock.capabilities.supply.sharing import FOREVER, Goods, Need, Shares

TODAY = 700_000
DAYS = st.integers(UNTOLD, 12)
AMOUNTS = st.dictionaries(DAYS, st.integers(0, 40), max_size=6)
LYING = st.builds(
    lambda keeping, needed, held, safety: Lying(Counter(keeping), Counter(needed), held, safety),
    AMOUNTS,
    AMOUNTS,
    st.integers(0, 20),
    st.integers(0, 20),
)
ASKED = st.integers(0, 12)
EMPTY = Lying(Counter(), Counter())


def naive(keeping: Mapping[int, int], days: int) -> int:
    """Sum what keeps so long, as anybody would by hand."""
    return sum(micros for keeps, micros in keeping.items() if keeps >= days)


def shared_out(keeping: Mapping[int, int], needed: Mapping[int, int], days: int) -> int:
    """Share out as answers by date do, who asks last; say how much he has."""
    goods = [
        Goods(0, FOREVER if keeps == UNTOLD else TODAY + keeps, micros)
        for keeps, micros in sorted(keeping.items())
    ]
    shares = Shares(goods)
    for need, micros in sorted(needed.items(), reverse=True):
        shares.serve(shares.add(need_of(need)), micros)
    return shares.serve(shares.add(need_of(days)), sum(keeping.values()))


def need_of(days: int) -> Need:
    return Need(TODAY, TODAY + max(0, days), days != UNTOLD, 0)


@given(AMOUNTS, AMOUNTS, ASKED)
def test_as_much_is_left_as_any_way_of_sharing_out_leaves(
    keeping: dict[int, int], needed: dict[int, int], days: int
) -> None:
    assert left(keeping, needed, days) == shared_out(keeping, needed, days)


@given(LYING, ASKED)
def test_never_more_is_left_than_keeps_so_long_nor_than_nobody_claims(
    lying: Lying, days: int
) -> None:
    found = lying.left(days)

    assert 0 <= found <= naive(lying.keeping, days)
    assert found <= max(0, naive(lying.keeping, days) - lying.held - lying.safety)


@given(LYING, LYING, ASKED)
def test_two_places_leave_together_what_each_of_them_leaves(
    one: Lying, other: Lying, days: int
) -> None:
    both = EMPTY.over([one, other], days).left(days)

    assert both == one.left(days) + other.left(days)
    assert both <= naive(one.keeping, days) + naive(other.keeping, days)


@given(st.lists(LYING, max_size=3), LYING, ASKED)
def test_a_group_leaves_no_more_than_its_members_have_beside_what_it_promised(
    members: list[Lying], group: Lying, days: int
) -> None:
    own = group._replace(keeping=Counter[int]())
    each = sum(one.left(days) for one in members)

    found = own.over(members, days).left(days)

    assert 0 <= found <= max(0, each - own.needed[days] - own.held - own.safety)
    assert found <= sum(naive(one.keeping, days) for one in members)


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 4), max_size=4), st.integers(0, 40), ASKED)
def test_of_goods_that_all_keep_a_group_has_what_its_members_may_promise_less_what_it_did(
    members: list[tuple[int, int, int, int]], owed: int, days: int
) -> None:
    lying = [
        Lying(Counter({days: there}), Counter({UNTOLD: sold}), held, safety)
        for there, sold, held, safety in members
    ]
    free = sum(max(0, there - sold - held - safety) for there, sold, held, safety in members)

    group = EMPTY._replace(needed=Counter({UNTOLD: owed}))

    assert group.over(lying, days).left(days) == max(0, free - owed)


@given(LYING, ASKED)
def test_who_asks_for_more_days_has_no_more(lying: Lying, days: int) -> None:
    assert lying.left(days + 1) <= lying.left(days) or lying.held


@given(LYING, ASKED, st.integers(0, 12))
def test_nothing_changes_before_the_day_on_which_something_is_too_old(
    lying: Lying, days: int, later: int
) -> None:
    asked = {days, 0, *lying.needed}
    on = changes_in(lying.keeping, asked)

    if on is None or later < on:
        aged = Counter(
            {
                keeps if keeps == UNTOLD else keeps - later: micros
                for keeps, micros in lying.keeping.items()
            }
        )
        assert lying._replace(keeping=aged).left(days) == lying.left(days)


@given(LYING, ASKED, st.integers(1, 100), st.integers(0, 30), st.sampled_from(ShareMode))
def test_no_terms_show_more_than_keeps_so_long(
    lying: Lying, days: int, percent: int, fixed: int, mode: ShareMode
) -> None:
    terms = Terms(share_mode=mode, share_percent=percent, share_fixed=fixed, pack=1)  # type: ignore[arg-type]  # an integer divides as a decimal does

    assert available_to_sell(lying.left(days), terms) <= naive(lying.keeping, days)


@pytest.mark.parametrize(
    ("keeping", "asked", "on"),
    [
        ({25: 20, 33: 30, 120: 50}, {33}, 1),
        ({25: 20, 40: 30}, {33}, 8),
        ({25: 20}, {33}, None),
        ({UNTOLD: 20}, {0}, None),
        ({25: 20, 40: 30}, {UNTOLD}, None),
        ({25: 20, 40: 30}, {33, 5}, 8),
        ({25: 20, 40: 30}, {33, 24}, 2),
    ],
)
def test_something_is_too_old_on_the_day_behind_the_last_that_leaves_it_enough(
    keeping: dict[int, int], asked: set[int], on: int | None
) -> None:
    assert changes_in(keeping, asked) == on


def test_the_strictest_of_several_rules_asks_for_the_most_of_each() -> None:
    one, other = LifeTerms(days=30, transit_days=1), LifeTerms(days=7, transit_days=3)

    assert strictest([None, one, other]) == LifeTerms(days=30, transit_days=3)
    assert strictest([None, None]) is None
