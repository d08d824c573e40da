"""Goods in lots in each mode: examples, and random cases beside a second implementation."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import lot_modes, model
from crossdock.capabilities.supply.answer import Atp, Basis, Claim, Component, Kin, Node, Standing
from crossdock.capabilities.supply.model import BESIDE_STOCK, AtpMode, Limits
from crossdock.capabilities.supply.rules import AtpRule, terms_of
from crossdock.capabilities.supply.sharing import FOREVER, Goods
from crossdock.capabilities.supply.shelf import Life, When, shelf
from tests.unit.capabilities.supply import naive
from tests.unit.capabilities.supply.test_ageing import laid, random_shelf
from tests.unit.capabilities.supply.test_model import CASES
from tests.unit.capabilities.supply.test_shelf import (
    A13,
    EVERY_DAY,
    NEEDS,
    TERMS,
    ask,
    coming,
    day,
    lot,
    node,
    picked,
    promisable,
)

EACH, UNTIL = AtpMode.DISCRETE, AtpMode.UNTIL_NEXT_SUPPLY
BOUNDS = [0, 1, 2, 9, 16]


def parts(answer: Atp) -> list[tuple[date, int]]:
    return [(one.day, one.micros // MICROS) for one in answer.schedule]


def test_out_of_one_lot_no_more_is_promised_than_one_has() -> None:
    answer = ask(node(*A13), 50, mode=EACH, **NEEDS)
    assert (answer.mode, answer.promised_on, answer.basis) == (EACH, day(0), Basis.SUPPLY)
    assert promisable(answer) == {0: 50}
    assert picked(answer) == [(0, "L3", 50)]
    more = ask(node(*A13), 51, mode=EACH, **NEEDS)
    assert (more.promised_on, more.basis) == (None, Basis.NONE)
    assert more.reason == "no supply has so much, and it is not replenished"


def test_out_of_one_lot_what_expires_first_goes_first_if_it_has_enough() -> None:
    assert picked(ask(node(*A13), 20, mode=EACH)) == [(0, "L1", 20)]
    assert picked(ask(node(*A13), 21, mode=EACH)) == [(0, "L2", 21)]
    # What others are owed may have the lot that does not keep as long as who asks needs.
    owed = node(lot("L1", 20, 3), lot("L3", 50, 120), hard=20)
    assert ask(owed, life_days=30, mode=EACH).now == 50 * MICROS


def test_safety_stock_is_kept_of_the_other_lots_first() -> None:
    assert ask(node(lot("L1", 20, 9), lot("L3", 50, 120), safety=20), mode=EACH).now == 50 * MICROS
    assert ask(node(lot("L1", 20, 9), lot("L3", 50, 120), safety=25), mode=EACH).now == 45 * MICROS


def test_out_of_one_supply_waits_for_one_that_keeps_long_enough() -> None:
    supplied = node(lot("L1", 5, 120), supplies=[coming(12, 2)])
    unknown = ask(supplied, 12, mode=EACH, **NEEDS)
    assert (unknown.promised_on, unknown.left_over) == (None, 7 * MICROS)
    told = supplied._replace(terms=terms_of([AtpRule(receipt_life_days=34), EVERY_DAY]))
    known = ask(told, 12, mode=EACH, limits=Limits(lines_max=1), **NEEDS)
    assert (known.promised_on, parts(known)) == (day(2), [(day(2), 12)])
    assert promisable(known) == {0: 5, 2: 12, 4: 5}
    # Both together are 17, and no one supply has them.
    assert ask(told, 13, mode=EACH, **NEEDS).promised_on is None


def test_parts_come_out_of_one_lot_each_and_a_day_has_one() -> None:
    answer = ask(node(lot("L1", 5, 9), lot("L2", 7, 90), supplies=[coming(30, 3)]), 20, mode=EACH)
    assert answer.promised_on == day(3)
    assert parts(answer) == [(day(0), 7), (day(1), 5), (day(3), 8)]
    assert picked(answer) == [(0, "L2", 7), (1, "L1", 5), (3, None, 8)]


def test_a_later_window_is_answered_by_what_keeps_until_then() -> None:
    aged = node(lot("L1", 20, 2), lot("L2", 8, 90))
    assert ask(aged, 8, mode=EACH, not_before=day(3)).promised_on == day(3)
    assert ask(aged, 9, mode=EACH, not_before=day(3)).promised_on is None
    assert ask(aged, 20, mode=EACH, by=day(1)).by_then == 20 * MICROS
    assert ask(aged, mode=EACH, by=day(1)).by_then == 20 * MICROS
    assert ask(aged, mode=EACH, by=day(-1)).by_then == 0


def a27(*, life: int, keeps: int) -> Node:
    """Start 100; 50 come on day 2 and keep so long; 20 are due on day 1, 60 on day 3 (A27)."""
    claims = [Claim("o/1", 20 * MICROS, on=day(1)), Claim("o/2", 60 * MICROS, on=day(3))]
    terms = terms_of([AtpRule(receipt_life_days=keeps), EVERY_DAY])
    supplies = [coming(50, 2)]
    return node(lot("L1", 100, life), hard=80, claims=claims, supplies=supplies, terms=terms)


def test_a27_until_the_next_surplus_of_goods_that_keep_long_enough() -> None:
    fresh = a27(life=90, keeps=60)
    assert promisable(ask(fresh, life_days=30)) == {0: 70, 1: 70, 2: 70, 3: 70}
    assert promisable(ask(fresh, life_days=30, mode=UNTIL)) == {0: 80, 1: 80, 2: 70, 3: 70}
    # What comes does not keep as long as is asked, so it ends nothing that is looked at.
    short = a27(life=90, keeps=20)
    assert promisable(ask(short, life_days=30, mode=UNTIL)) == promisable(ask(short, life_days=30))


def test_what_is_promised_until_the_next_surplus_is_picked_whole() -> None:
    answer = ask(a27(life=90, keeps=60), 80, mode=UNTIL, life_days=30)
    assert (answer.promised_on, parts(answer)) == (day(0), [(day(0), 80)])
    assert picked(answer) == [(0, "L1", 80)]
    over = ask(a27(life=90, keeps=60), 90, mode=UNTIL, life_days=30)
    assert (over.promised_on, over.left_over) == (None, 10 * MICROS)
    in_parts = ask(a27(life=2, keeps=60), 120, mode=UNTIL)
    assert sum(one.micros for one in in_parts.picks) == sum(
        one.micros for one in in_parts.schedule
    )
    assert ask(a27(life=90, keeps=60), 99, mode=UNTIL, by=day(5)).by_then == 80 * MICROS


def test_a_rule_says_the_mode_of_goods_in_lots() -> None:
    terms = terms_of([AtpRule(mode=EACH), EVERY_DAY])
    answer = ask(node(*A13, terms=terms), 100)
    assert (answer.mode, answer.now, answer.promised_on) == (EACH, 50 * MICROS, None)


@pytest.mark.parametrize("mode", [EACH, UNTIL])
def test_a_kit_or_group_of_lots_is_refused_in_a_mode_it_is_not_answered_in(mode: AtpMode) -> None:
    group = Kin(node(), members=[node(*A13)], is_group=True)
    kit = Kin(
        Node(TERMS, Standing(), location="DC1"),
        components=[Component("cream", "EA", MICROS, Kin(node(*A13)))],
    )
    for kin in (group, kit):
        answer = ask(kin, 10, mode=mode, by=day(3))
        assert (answer.mode, answer.promised_on, answer.by_then) == (
            AtpMode.CUMULATIVE,
            None,
            None,
        )
        assert answer.reason == (
            "a kit of kits, and a kit or group of goods in lots, are not promised"
            f" {mode}: leave out the mode, and it is CUMULATIVE"
        )
        ruled = kin._replace(own=kin.own._replace(terms=terms_of([AtpRule(mode=mode), EVERY_DAY])))
        assert ask(ruled, 10).promised_on == day(0)


# Random cases beside a second implementation, in pieces; day 0 is today.


def wanting(random: Random, *, is_careful: bool) -> Life:
    return Life(random.randint(0, 3) if is_careful else None, random.choice((0, 1)))


@pytest.mark.parametrize("is_careful", [False, True])
def test_out_of_one_supply_is_what_a_second_implementation_finds(is_careful: bool) -> None:  # noqa: FBT001 - a column of the table
    random = Random(f"one of {is_careful}")
    for _ in range(CASES // 10):
        one = random_shelf(random)
        life = wanting(random, is_careful=is_careful)
        found = lot_modes.promisable(EACH, laid(one, [day(number) for number in BOUNDS], life))
        assert found == [
            naive.out_of_one(one, number, life.offset, is_careful=is_careful) for number in BOUNDS
        ], one


@pytest.mark.parametrize("is_careful", [False, True])
def test_until_the_next_surplus_is_what_a_second_implementation_finds(is_careful: bool) -> None:  # noqa: FBT001 - a column of the table
    random = Random(f"until {is_careful}")
    for _ in range(CASES // 10):
        one = random_shelf(random)
        life = wanting(random, is_careful=is_careful)
        found = lot_modes.promisable(UNTIL, laid(one, [day(number) for number in BOUNDS], life))
        assert found == naive.until_net_surplus(one, BOUNDS, life.offset, is_careful=is_careful), (
            one
        )


@pytest.mark.parametrize("mode", [mode for mode in AtpMode if mode not in BESIDE_STOCK])
def test_what_is_promised_in_parts_is_picked_whole_and_fits(mode: AtpMode) -> None:
    random = Random(f"parts {mode}")
    for _ in range(CASES // 20):
        one = random_shelf(random)
        life = wanting(random, is_careful=random.random() < 0.5)
        of = laid(one, [day(number) for number in BOUNDS], life)
        limits = Limits(random.choice((0, 2)), random.choice((0, 0, 1, 2)))
        within = range(random.randint(0, 2), len(BOUNDS))
        lines, rest = lot_modes.split(mode, of, 6, limits, 0, within=within)
        taken = lot_modes.picks(mode, of, lines)
        assert sum(line.micros for line in lines) == 6 - rest == sum(one.micros for one in taken)
        assert [line.bucket for line in lines] == sorted({line.bucket for line in lines})
        assert not limits.lines_max or len(lines) <= limits.lines_max
        if mode is EACH:
            assert len(taken) == len(lines)
        has = lot_modes.promisable(mode, of)
        assert all(line.micros <= has[line.bucket] for line in lines)
        assert lot_modes.until(mode, of, within, 0) >= (max(has[within.start :]))


pieces = st.integers(0, 30)


@given(pieces, st.lists(pieces, min_size=4, max_size=4), st.lists(pieces, min_size=4, max_size=4))
def test_goods_that_keep_for_ever_are_promised_until_the_next_supply_as_without_lots(
    start: int, supply: list[int], demand: list[int]
) -> None:
    """In a bucket that both comes and is due the claims are served first either way."""
    days = [day(number) for number in range(4)]
    goods = [Goods(0, FOREVER, start)]
    goods += [
        Goods(on.toordinal(), FOREVER, micros) for on, micros in zip(days, supply, strict=True)
    ]
    when = When(days, days, lambda leaving: leaving)
    due = [(on, micros) for on, micros in zip(days, demand, strict=True)]
    of = shelf(goods, due, 0, when, (Life(), Life()))
    balances = model.projected(start, supply, demand)
    assert lot_modes.promisable(UNTIL, of) == model.until_next_supply(balances)


@given(
    st.lists(st.tuples(pieces, st.integers(-2, 60)), max_size=5),
    st.integers(0, 40),
    st.integers(0, 5),
    st.integers(1, 60),
)
def test_i8_out_of_one_lot_is_what_keeps_as_long_as_is_needed_at_delivery(
    lots: list[tuple[int, int]], life: int, transit: int, wanted: int
) -> None:
    shelved = [lot(f"L{number}", *one) for number, one in enumerate(lots)]
    answer = ask(node(*shelved), wanted, life_days=life, transit_days=transit, mode=EACH)
    largest = max((has for has, keeps in lots if keeps >= life + transit), default=0)
    assert answer.now == largest * MICROS
    assert (answer.promised_on == day(0)) == (wanted <= largest)
    by_name = {one.lot: one for one in shelved}
    for pick in answer.picks:
        expires_on = by_name[pick.lot or ""].expires_on
        assert expires_on is not None
        assert expires_on - (pick.day + timedelta(days=transit)) >= timedelta(days=life)
