"""Rules as data: the narrowest that says something holds, and nobody can say nonsense."""

from dataclasses import fields
from datetime import date, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.calendars import Calendar
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import ConfidenceClass
from crossdock.capabilities.supply.model import AtpMode, Limits
from crossdock.capabilities.supply.rule_checks import check_placed, check_rule
from crossdock.capabilities.supply.rules import (
    DEFAULTS,
    AtpRule,
    ClassTerms,
    LifeTerms,
    OwnerTerms,
    PlacedRule,
    places,
    terms_of,
)

A, B, C = ConfidenceClass.A, ConfidenceClass.B, ConfidenceClass.C
days = st.none() | st.integers(0, 60)
rules = st.lists(
    st.builds(
        AtpRule,
        mode=st.none() | st.sampled_from(AtpMode),
        fence_days=days,
        lead_time_days=days,
        dock_to_stock_days=days,
        is_replenishable=st.none() | st.booleans(),
    ),
    max_size=4,
)


def test_the_law_holds_where_nobody_says_anything() -> None:
    terms = terms_of([])
    assert (terms.mode, terms.daily_buckets, terms.past_due_supply_days) == (
        AtpMode.CUMULATIVE,
        90,
        7,
    )
    assert {one.confidence: (one.percent, one.buffer_days) for one in terms.classes.values()} == {
        A: (100, 0),
        B: (100, 1),
        C: (90, 2),
    }
    assert terms.calendar == Calendar(frozenset(range(1, 6)), frozenset(), None)
    assert (terms.pack, terms.limits, terms.is_replenishable) == (0, Limits(), False)
    check_rule(DEFAULTS)
    assert all(getattr(DEFAULTS, one.name) is not None for one in fields(DEFAULTS))


def test_rules_are_asked_from_the_narrowest_on() -> None:
    own, all_ = (("X", "", "DC1"), ("X", "", "*")), (("*", "", "DC1"), ("*", "", "*"))

    assert places("X", "DC1") == (*own, *all_)
    assert places("X", "DC1", "A") == (*own, ("*", "A", "DC1"), ("*", "A", "*"), *all_)


@given(rules)
def test_the_first_that_says_something_holds(said: list[AtpRule]) -> None:
    terms = terms_of(said)
    for name in ("mode", "fence_days", "lead_time_days", "dock_to_stock_days", "is_replenishable"):
        values = [getattr(rule, name) for rule in (*said, DEFAULTS)]
        assert getattr(terms, name) == next(value for value in values if value is not None)


def test_classes_are_taken_one_by_one_and_amounts_in_millionths() -> None:
    narrow = AtpRule(classes=(ClassTerms(confidence=C, percent=50, buffer_days=9),))
    wide = AtpRule(
        classes=(
            ClassTerms(confidence=C, percent=70, buffer_days=1),
            ClassTerms(confidence=B, percent=80, buffer_days=3),
        ),
        cutoff="15:30",
        holidays=(date(2026, 12, 25),),
        pack=Decimal(12),
        split_min=Decimal("0.5"),
        split_lines_max=3,
    )
    terms = terms_of([narrow, wide])
    assert {key: one.percent for key, one in terms.classes.items()} == {A: 100, B: 80, C: 50}
    assert terms.calendar.cutoff == time(15, 30)
    assert terms.calendar.holidays == {date(2026, 12, 25)}
    assert (terms.pack, terms.limits) == (12 * MICROS, Limits(MICROS // 2, 3))


def worth(confidence: ConfidenceClass, percent: int = 50, buffer_days: int = 0) -> AtpRule:
    terms = ClassTerms(confidence=confidence, percent=percent, buffer_days=buffer_days)
    return AtpRule(classes=(terms,))


def holidays(count: int, every: int = 1) -> tuple[date, ...]:
    """Give so many from a Monday on, every so many days."""
    monday = date(2026, 5, 4).toordinal()
    return tuple(date.fromordinal(monday + number * every) for number in range(count))


TWICE = AtpRule(classes=(*worth(A).classes, *worth(A).classes))


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        (AtpRule(daily_buckets=0), "/daily_buckets"),
        (AtpRule(daily_buckets=367), "/daily_buckets"),
        (AtpRule(weekly_buckets=-1), "/weekly_buckets"),
        (AtpRule(pack=Decimal(-1)), "/pack"),
        (AtpRule(pack=Decimal("NaN")), "/pack"),
        (AtpRule(split_min=Decimal("Infinity")), "/split_min"),
        (AtpRule(pack=Decimal("0.0000001")), "/pack"),
        (AtpRule(split_min=Decimal(10) ** 12), "/split_min"),
        (AtpRule(receipt_life_days=-1), "/receipt_life_days"),
        (AtpRule(lives=(LifeTerms(days=3651),)), "/lives/0/days"),
        (AtpRule(lives=(LifeTerms(transit_days=366),)), "/lives/0/transit_days"),
        (AtpRule(lives=(LifeTerms(days=1), LifeTerms(days=2))), "/lives/1"),
        (AtpRule(lives=(LifeTerms(channel="web"), LifeTerms(channel="WEB"))), "/lives/1"),
        (AtpRule(lives=(LifeTerms(),) * 1001), "/lives"),
        (AtpRule(owners=(OwnerTerms(owner=" "),)), "/owners/0/owner"),
        (AtpRule(owners=(OwnerTerms(owner="A"), OwnerTerms(owner="A"))), "/owners/1/owner"),
        (AtpRule(owners=(OwnerTerms(owner="A"),) * 101), "/owners"),
        (AtpRule(holidays=holidays(400)), "/holidays"),
        (AtpRule(holidays=holidays(360, 7), weekdays="1"), "/holidays"),
        (worth(ConfidenceClass.D), "/classes/0/confidence"),
        (worth(ConfidenceClass.V), "/classes/0/confidence"),
        (worth(A, percent=101), "/classes/0/percent"),
        (worth(A, buffer_days=61), "/classes/0/buffer_days"),
        (TWICE, "/classes"),
        (AtpRule(weekdays=""), "/weekdays"),
        (AtpRule(weekdays="08"), "/weekdays"),
        (AtpRule(weekdays="11"), "/weekdays"),
        (AtpRule(holidays=tuple(map(date.fromordinal, range(1, 1002)))), "/holidays"),
        (AtpRule(cutoff="half past three"), "/cutoff"),
        (AtpRule(cutoff="15:30+02:00"), "/cutoff"),
        (
            AtpRule(
                classes=(
                    ClassTerms(
                        confidence=ConfidenceClass.B, percent=90, buffer_days=0, by_supplier=True
                    ),
                )
            ),
            "/classes/0/by_supplier",
        ),
        (AtpRule(hours="8-17"), "/hours"),
        (AtpRule(hours="08:00"), "/hours"),
        (AtpRule(hours="08:00-24:01"), "/hours"),
        (AtpRule(hours="24:00-08:00"), "/hours"),
        (AtpRule(hours="\uff10\uff18:00-17:00"), "/hours"),
    ],
)
def test_a_rule_that_nobody_could_keep_is_refused_with_its_place(
    rule: AtpRule, where: str
) -> None:
    with pytest.raises(Invalid) as refused:
        check_rule(rule)
    assert refused.value.where == where


@pytest.mark.parametrize(
    "rule",
    [
        AtpRule(),
        AtpRule(cutoff=""),
        AtpRule(cutoff="15:30"),
        AtpRule(holidays=holidays(365)),
        AtpRule(holidays=(date.min, date.max, date(2026, 12, 25), date(2026, 12, 26))),
        AtpRule(lives=(LifeTerms(days=30, transit_days=3), LifeTerms(channel="web"))),
        AtpRule(owners=(OwnerTerms(owner="A", is_first=True),)),
    ],
)
def test_a_rule_may_say_little(rule: AtpRule) -> None:
    check_rule(rule)


def test_a_life_is_said_for_a_customer_in_a_channel_a_customer_a_channel_or_all() -> None:
    narrow = AtpRule(lives=(LifeTerms(customer="M", days=30), LifeTerms(days=5)))
    wide = AtpRule(lives=(LifeTerms(customer="M", days=1), LifeTerms(channel="web", days=9)))
    terms = terms_of([narrow, wide])
    said = [("M", "web"), ("M", ""), ("", "web"), ("N", "web"), ("N", "shop")]
    found = [life.days for who in said if (life := terms.life(*who)) is not None]
    assert found == [30, 30, 9, 9, 5]
    assert terms_of([]).life("M", "web") is None


def test_of_two_lives_for_one_name_in_another_case_the_stricter_holds() -> None:
    """Such a rule is refused now, and may have been stored before."""
    first = LifeTerms(channel="web", days=7, transit_days=3)
    second = LifeTerms(channel="WEB", days=30, transit_days=1)
    for lives in ((first, second), (second, first)):
        narrow, wide = AtpRule(lives=lives), AtpRule(lives=(LifeTerms(channel="web", days=99),))
        found = terms_of([narrow, wide]).life(channel="Web")
        assert found is not None
        assert (found.days, found.transit_days) == (30, 3)


def test_whose_goods_are_promised_is_said_by_the_narrowest_rule_that_says_it() -> None:
    wide = AtpRule(owners=(OwnerTerms(owner="A"), OwnerTerms(owner="B", is_first=True)))
    assert terms_of([AtpRule(), wide]).owners == {"A": False, "B": True}
    assert terms_of([AtpRule(owners=()), wide]).owners == {}


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (AtpRule(weekdays="1"), "/weekdays"),
        (AtpRule(holidays=()), "/holidays"),
        (AtpRule(cutoff=""), "/cutoff"),
        (AtpRule(hours=""), "/hours"),
    ],
)
def test_a_rule_of_an_item_says_no_calendar(said: AtpRule, where: str) -> None:
    check_placed(PlacedRule(location="DC1", rule=said))
    check_placed(PlacedRule(item="X", rule=AtpRule(lead_time_days=3)))

    with pytest.raises(Invalid) as refused:
        check_placed(PlacedRule(item="X", location="DC1", rule=said))
    assert refused.value.where == where
    of_class = PlacedRule(item_class="A", rule=said)
    with pytest.raises(Invalid) as refused:
        check_placed(of_class)
    assert refused.value.where == where


@pytest.mark.parametrize(
    ("placed", "where"),
    [
        (PlacedRule(item="X", item_class="A"), "/item_class"),
        (PlacedRule(item_class="A", rule=AtpRule(takes_parts=False)), "/takes_parts"),
    ],
)
def test_a_rule_of_a_class_names_no_item_and_opens_no_kits(placed: PlacedRule, where: str) -> None:
    check_placed(PlacedRule(item_class="A", location="DC1", rule=AtpRule(fence_days=9)))

    with pytest.raises(Invalid) as refused:
        check_placed(placed)
    assert refused.value.where == where


def test_a_rule_is_known_by_the_item_the_class_and_the_place_that_it_is_for() -> None:
    assert PlacedRule().key == ("*", "", "*")
    assert PlacedRule(item_class="SERVICE", location="DC1").key == ("*", "SERVICE", "DC1")
