"""What ages by real days: from its arrival on, and within the weeks behind the days."""

from datetime import date
from random import Random

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import SupplyEvidence
from crossdock.capabilities.supply import shelf
from crossdock.capabilities.supply.answer import Claim
from crossdock.capabilities.supply.rules import AtpRule, AtpTerms, terms_of
from crossdock.capabilities.supply.sharing import FOREVER, Goods
from crossdock.capabilities.supply.shelf import Life
from tests.unit.capabilities.supply import naive
from tests.unit.capabilities.supply.test_model import CASES
from tests.unit.capabilities.supply.test_shelf import (
    EVERY_DAY,
    NEEDS,
    ask,
    coming,
    day,
    lot,
    node,
    promisable,
)

SLOW = terms_of([AtpRule(receipt_life_days=34, dock_to_stock_days=5), EVERY_DAY])


def test_goods_to_come_age_from_their_arrival_and_not_from_when_they_are_put_away() -> None:
    bare = node(supplies=[coming(6, 1)], terms=SLOW)
    # In on day 1 they expire on day 35; on day 6 they have 26 days left at delivery.
    assert promisable(ask(bare, **NEEDS)) == {0: 0, 6: 0}
    assert promisable(ask(bare, life_days=26, transit_days=3)) == {0: 0, 6: 6, 7: 0}


@pytest.mark.parametrize(
    ("evidence", "eta", "life", "has"),
    [
        # Overdue and not in yet: it cannot come before today.
        (SupplyEvidence.SHIPPED, -3, 29, 6),
        (SupplyEvidence.SHIPPED, -3, 30, 0),
        # At the dock since its day, or, where that is still to come, since today.
        (SupplyEvidence.ARRIVED, -3, 26, 6),
        (SupplyEvidence.ARRIVED, -3, 27, 0),
        (SupplyEvidence.ARRIVED, 3, 29, 6),
        (SupplyEvidence.ARRIVED, 3, 30, 0),
        (SupplyEvidence.ARRIVED, None, 29, 6),
    ],
)
def test_what_is_late_or_at_the_dock_ages_from_today_or_its_day(
    evidence: SupplyEvidence, eta: int | None, life: int, has: int
) -> None:
    on = None if eta is None else day(eta)
    supply = coming(6, 0)._replace(evidence=evidence, eta=on)
    answer = ask(node(supplies=[supply], terms=SLOW), life_days=life)
    assert max(one.atp for one in answer.buckets) == has * MICROS


# Weeks behind the days.

DAILY = terms_of([AtpRule(weekdays="1234567", daily_buckets=21, weekly_buckets=0)])
WEEKLY = terms_of([AtpRule(weekdays="1234567", daily_buckets=7, weekly_buckets=2)])


@pytest.mark.parametrize("terms", [DAILY, WEEKLY])
def test_a_lot_that_is_claimed_within_a_week_is_not_sold_again(terms: AtpTerms) -> None:
    claims = [Claim("o/1", 20 * MICROS, on=day(7))]
    aged = node(lot("L1", 20, 9), hard=20, claims=claims, terms=terms)
    assert promisable(ask(aged)) == {0: 0} | ({7: 0} if terms is DAILY else {13: 0})
    # Nor where goods come in the same week, but behind the claim.
    late = node(lot("L1", 20, 120), hard=20, claims=claims, terms=terms, supplies=[coming(20, 12)])
    assert ask(late).now == 0
    assert ask(late, 20).promised_on == day(12 if terms is DAILY else 13)


@pytest.mark.parametrize("terms", [DAILY, WEEKLY])
def test_what_comes_before_its_claim_within_a_week_serves_it(terms: AtpTerms) -> None:
    claims = [Claim("o/1", 20 * MICROS, on=day(12))]
    early = node(lot("L1", 20, 120), hard=20, claims=claims, terms=terms, supplies=[coming(20, 7)])
    answer = ask(early, 20)
    assert (answer.now, answer.promised_on, answer.shortage) == (20 * MICROS, day(0), 0)
    assert [one.lot for one in answer.picks] == ["L1"]


def random_shelf(random: Random) -> naive.Shelf:
    goods = [
        (random.choice((0, 0, 1, 4, 8, 15)), random.choice((None, random.randint(0, 24))), pieces)
        for pieces in (random.randint(1, 4) for _ in range(random.randint(1, 4)))
    ]
    claims = {random.randint(0, 16): random.randint(1, 4) for _ in range(random.randint(0, 3))}
    return naive.Shelf(goods, claims)


def laid(one: naive.Shelf, ends: list[date], life: Life) -> shelf.Shelf:
    goods = [
        Goods(day(begin).toordinal(), FOREVER if last is None else day(last).toordinal(), has)
        for begin, last, has in one.goods
    ]
    when = shelf.When(ends, ends, lambda leaving: leaving)
    due = [(day(number), claimed) for number, claimed in one.claims.items()]
    return shelf.shelf(goods, due, 0, when, (Life(), life))


@pytest.mark.parametrize("is_careful", [False, True])
def test_days_and_weeks_have_what_a_second_implementation_finds(is_careful: bool) -> None:  # noqa: FBT001 - a column of the table
    random = Random(f"weeks {is_careful}")
    weeks = [0, 1, 2, 9, 16]
    for _ in range(CASES // 10):
        one = random_shelf(random)
        life = Life(random.randint(0, 3) if is_careful else None, random.choice((0, 1)))
        second = [
            naive.can_leave(one, number, life.offset, is_careful=is_careful) for number in weeks
        ]
        found = shelf.promisable(laid(one, [day(number) for number in weeks], life))
        by_days = shelf.promisable(laid(one, [day(number) for number in range(17)], life))
        assert found == [by_days[number] for number in weeks], one
        assert found == second, one
