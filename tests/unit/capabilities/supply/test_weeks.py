"""A horizon in weeks promises on the last day of each what one in days would (§3.3)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from random import Random

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import AtpRule
from crossdock.capabilities.supply.answer import (
    Atp,
    Claim,
    Component,
    Kin,
    Lot,
    Node,
    Through,
)
from crossdock.capabilities.supply.horizon import Horizon, horizon
from crossdock.capabilities.supply.inbound import Supply
from crossdock.capabilities.supply.model import AtpMode
from crossdock.capabilities.supply.promise import answered
from crossdock.capabilities.supply.rules import LifeTerms, terms_of
from tests.unit.capabilities.supply.test_model import CASES, OF_STOCK
from tests.unit.capabilities.supply.test_promise import NOW, TERMS, X, day, shipped, standing

DAILY, WEEKLY, DEEP = 3, 3, 3
LAST = DAILY - 1 + 7 * WEEKLY


def random_node(random: Random, *, has_lots: bool, is_member: bool = False) -> Node:
    """Make an item-location with its own calendar, of which something is due in any week."""
    days = random.choice(("1234567", "1234567", "12345", "24"))
    lives = (LifeTerms(days=2),) if has_lots and not random.randint(0, 3) else None
    terms = terms_of([AtpRule(weekdays=days, dock_to_stock_days=random.choice((0, 0, 2)))])
    terms = terms if lives is None else terms_of([AtpRule(weekdays=days, lives=lives)])
    has = random.randint(0, 12)
    claims = [
        Claim(f"o/{random.random()}", random.randint(1, 6) * MICROS, on=random_day(random))
        for _ in range(random.choice((0, 1, 2, 3)))
    ]
    hard = sum(claim.hard for claim in claims) // MICROS
    return Node(
        terms,
        standing(has, hard, safety=random.choice((0, 0, 2))),
        claims,
        [random_supply(random) for _ in range(random.choice((0, 1, 2)))],
        f"DC{random.random()}",
        lots=random_lots(random, has) if has_lots else None,
        keeps=not has_lots,
        opens=day(random.choice((0, 0, 1, 8))) if is_member else None,
        through=[] if random.randint(0, 4) else [random_order_for_a_kit(random)],
    )


def random_day(random: Random) -> date:
    return day(random.randint(0, LAST + 2))


def random_supply(random: Random) -> Supply:
    made = shipped(random.randint(1, 12), random.randint(0, LAST + 2))
    return made._replace(supply_id=f"s/{random.random()}")


def random_lots(random: Random, has: int) -> list[Lot]:
    some = random.randint(0, has)
    last = random.choice((None, day(random.randint(0, LAST + 4))))
    return [Lot("L1", "", some * MICROS, last), Lot("L2", "", (has - some) * MICROS, None)]


def random_order_for_a_kit(random: Random) -> Through:
    some = random.randint(1, 4)
    claim = Claim(f"k/{random.random()}", some * MICROS, on=random_day(random))
    return Through(MICROS, standing(random.randint(0, 3), some), [claim])


def random_kin(random: Random, shape: str, *, has_lots: bool) -> Kin:
    """Make one item at a place, at a group of two, or at a member of it."""
    own = random_node(random, has_lots=has_lots)
    if shape == "place":
        return Kin(own)
    first, second = (
        random_node(random, has_lots=has_lots, is_member=shape == "group") for _ in range(2)
    )
    if shape == "group":
        return Kin(own, members=[first, second], is_group=True)
    return Kin(first, own, [first, second])


def random_case(random: Random, shape: str) -> Kin:
    """Make a kit of two out of some, or of three where one is made of the other two."""
    has_lots = not random.randint(0, 3)
    kin = random_kin(random, shape, has_lots=has_lots)
    if not random.randint(0, 1):
        return kin
    some, more = random.randint(1, 3) * MICROS, random.randint(1, 2) * MICROS
    screw, plate, frame = (random_kin(random, shape, has_lots=has_lots) for _ in range(3))
    if random.randint(0, 1):
        of = [Component("S", "EA", some, screw, 1, (("X", some),))]
        return kin._replace(components=[*of, Component("P", "EA", more, plate, 1, (("X", more),))])
    return kin._replace(
        components=[
            Component("F", "EA", MICROS, frame, 1, (("X", MICROS),)),
            Component("S", "EA", 2 * some, screw, 2, (("F", some), ("X", some))),
            Component("P", "EA", more, plate, 2, (("F", more),)),
        ]
    )


def seen(kin: Kin, *, weekly: bool, fence: int = 0) -> Horizon:
    daily, weeks = (DAILY, WEEKLY) if weekly else (LAST + 1, 0)
    terms = replace(kin.own.terms, daily_buckets=daily, weekly_buckets=weeks, fence_days=fence)
    return horizon(terms, NOW)


def on_days(answer: Atp, days: Sequence[date]) -> list[int]:
    """Give what can be promised on each of these days."""
    return [[one for one in answer.buckets if one.day <= on][-1].atp for on in days]


@pytest.mark.parametrize("mode", OF_STOCK)
@pytest.mark.parametrize("shape", ["place", "group", "member"])
def test_weeks_promise_on_their_last_day_what_days_would(shape: str, mode: AtpMode) -> None:
    random = Random(f"weeks {shape} {mode}")
    for _ in range(CASES // 17):
        kin = random_case(random, shape)
        fence = random.choice((0, 0, random.randint(1, LAST + 4)))
        by_days, by_weeks = (seen(kin, weekly=each, fence=fence) for each in (False, True))
        # Until the next supply there may be more on a day than behind it.
        is_falling = mode is AtpMode.UNTIL_NEXT_SUPPLY
        by = random.choice(by_weeks.ends) if is_falling else random_day(random)
        question = X._replace(micros=random.randint(1, 20) * MICROS, by=by, mode=mode)
        days, weeks = (answered(question, kin, ahead, NOW) for ahead in (by_days, by_weeks))
        case = kin, question, fence
        if weeks.mode is not AtpMode.DISCRETE:
            assert on_days(weeks, by_weeks.ends) == on_days(days, by_weeks.ends), case
        assert weeks.now == days.now, case
        assert (weeks.by_then or 0) <= (days.by_then or 0), case
        if len(kin.components) < DEEP:  # of a kit of kits an early part may leave less in all
            assert weeks.left_over >= days.left_over, case
        if weeks.promised_on is not None:
            assert days.promised_on is not None, case
            assert weeks.promised_on >= days.promised_on, case


WEEKS = AtpRule(weekdays="1234567", daily_buckets=7, weekly_buckets=4)


@pytest.mark.parametrize(("fence", "due", "now"), [(0, 5, 2), (5, 4, 2), (5, 5, 10), (9, 8, 2)])
def test_what_is_due_in_a_week_before_the_fence_holds_back(fence: int, due: int, now: int) -> None:
    kin = Kin(Node(TERMS, standing(10, 8), [Claim("o/1", 8 * MICROS, on=day(due))]))
    ahead = seen(kin, weekly=True, fence=fence)
    assert answered(X, kin, ahead, NOW).now == now * MICROS
    assert answered(X, kin, seen(kin, weekly=False, fence=fence), NOW).now == now * MICROS


def test_what_comes_in_a_week_before_the_fence_is_promised_on_the_day_before_it() -> None:
    kin = Kin(Node(TERMS, standing(0), (), [shipped(5, 4)]))
    question = X._replace(micros=5 * MICROS)
    found = [
        answered(question, kin, seen(kin, weekly=True, fence=fence), NOW).promised_on
        for fence in (0, 7, 5, 4)
    ]
    assert found == [day(9), day(6), day(4), None]


def test_a_promise_out_of_one_supply_is_not_made_of_two_of_a_week() -> None:
    supplies = [shipped(5, 4), shipped(6, 7)._replace(supply_id="t")]
    kin = Kin(Node(terms_of([WEEKS]), standing(0), (), supplies))
    question = X._replace(micros=11 * MICROS, mode=AtpMode.DISCRETE)
    assert answered(question, kin, seen(kin, weekly=True), NOW).promised_on is None
    six = question._replace(micros=6 * MICROS)
    assert answered(six, kin, seen(kin, weekly=True), NOW).promised_on == day(9)


def test_a_kit_of_kits_is_promised_at_the_end_of_the_week_in_which_its_parts_come() -> None:
    """A frame lies there and is owed on day 8; a screw comes on day 4, another on day 10."""
    terms = terms_of([WEEKS])
    frame = Node(terms, standing(1, 1), [Claim("o/1", MICROS, on=day(8))])
    screws = [shipped(1, 4), shipped(1, 10)._replace(supply_id="t")]
    kin = Kin(
        Node(terms),
        components=[
            Component("F", "EA", MICROS, Kin(frame), 1, (("X", MICROS),)),
            Component("S", "EA", MICROS, Kin(Node(terms, supplies=screws)), 2, (("F", MICROS),)),
        ],
    )
    question = X._replace(micros=2 * MICROS, draws=True)
    answer = answered(question, kin, seen(kin, weekly=True), NOW)
    parts = [(one.day, one.micros // MICROS) for one in answer.schedule]
    assert (parts, answer.left_over) == ([(day(0), 1), (day(16), 1)], 0)
    # The frame goes at once, and the screw of day 4 becomes another for the order of day 8.
    drawn = [(one.item, one.day, one.micros // MICROS) for one in answer.draws]
    assert drawn == [("F", day(0), 1), ("S", day(10), 1)]
