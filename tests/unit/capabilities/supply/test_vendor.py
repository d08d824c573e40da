"""What a supplier could send himself: advice of class V, never supply of ours (§3.3, §3.5)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import SupplyKind
from crossdock.capabilities.supply.answer import Atp, Basis, Node, Question
from crossdock.capabilities.supply.horizon import horizon
from crossdock.capabilities.supply.inbound import Supply
from crossdock.capabilities.supply.rules import AtpRule, AtpTerms, terms_of
from crossdock.capabilities.supply.vendor import PERCENT_BY_AGE, advised
from tests.unit.capabilities.supply.test_shelf import EVERY_DAY, NOW, day

DAYS = terms_of([AtpRule(daily_buckets=14), EVERY_DAY])
HOUR = timedelta(hours=1)


def has(pieces: int, age: timedelta | None = HOUR, **more: Any) -> Supply:
    told = None if age is None else NOW - age
    made = Supply("846/1", "acme", SupplyKind.VENDOR_STOCK, "ACME", pieces * MICROS, told_at=told)
    return made._replace(**more)


def ask(
    *supplies: Supply, pieces: int | None = None, by: date | None = None, terms: AtpTerms = DAYS
) -> Atp:
    question = Question("X", "ACME", "EA", None if pieces is None else pieces * MICROS, by)
    node = Node(terms, supplies=supplies, location="ACME")
    return advised(question, node, horizon(terms, NOW), NOW, MICROS)


@pytest.mark.parametrize(
    ("age", "counts"),
    [
        (HOUR, 90),
        (timedelta(days=1), 90),
        (timedelta(days=2), 80),
        (timedelta(days=3), 80),
        (timedelta(days=7), 70),
        (timedelta(days=7, microseconds=1), 0),
        (timedelta(hours=-2), 90),  # his clock is ahead of ours
        (None, 0),
    ],
)
def test_a_buffer_of_10_to_30_percent_goes_by_the_age_of_the_feed(
    age: timedelta | None, counts: int
) -> None:
    assert ask(has(100, age)).now == counts * MICROS


def test_it_is_advice_with_its_reason_whatever_lies_at_the_place() -> None:
    made = ask(has(100), has(50, kind=SupplyKind.PO_SCHEDULE, supply_id="po"), pieces=60)

    assert (made.is_advice, made.basis, made.promised_on) == (True, Basis.VENDOR_STOCK, day(0))
    assert made.reason == "its supplier says that he has it"
    [one] = made.inbound
    assert one.reason == "a supplier's own stock, 90 % of it; he does not keep it for us"
    assert [(part.day, part.micros) for part in made.schedule] == [(day(0), 60 * MICROS)]


def test_what_he_will_have_counts_from_its_day() -> None:
    later = has(20, supply_id="846/2", eta=day(3))
    made = ask(has(10), later, has(9, supply_id="846/3", eta=day(40)), pieces=20, by=day(2))

    assert (made.promised_on, made.by_then) == (day(3), 9 * MICROS)
    assert [(part.day, part.micros // MICROS) for part in made.schedule] == [
        (day(0), 9),
        (day(3), 11),
    ]
    assert made.inbound[2].reason == "it comes after the horizon"
    assert ask(has(10), by=day(2)).by_then == 9 * MICROS
    assert ask(has(10), by=day(-1)).by_then == 0


@pytest.mark.parametrize(
    ("rule", "pieces", "answer"),
    [
        ({}, 50, (None, Basis.NONE, "its supplier has less, and no lead time is known")),
        (
            {"is_replenishable": True, "lead_time_days": 5},
            50,
            (day(5), Basis.LEAD_TIME, "its supplier has less; he delivers in 5 days"),
        ),
        (
            {"is_replenishable": True},
            50,
            (None, Basis.NONE, "its supplier has less, and no lead time is known"),
        ),
        (
            {"pack": Decimal(12), "pack_up": False},
            5,
            (None, Basis.NONE, "it is less than one pack"),
        ),
        ({}, None, (None, Basis.NONE, "no quantity was asked for")),
    ],
)
def test_what_he_has_not_comes_after_his_lead_time(
    rule: dict[str, Any], pieces: int | None, answer: tuple[date | None, Basis, str]
) -> None:
    terms = terms_of([AtpRule(daily_buckets=14, **rule), EVERY_DAY])

    made = ask(has(10), pieces=pieces, terms=terms)

    assert (made.promised_on, made.basis, made.reason) == answer


def test_whole_packs_are_advised() -> None:
    terms = terms_of([AtpRule(daily_buckets=14, pack=Decimal(12)), EVERY_DAY])

    made = ask(has(30), pieces=20, terms=terms)

    assert (made.now, made.quantity) == (24 * MICROS, 24 * MICROS)


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 10), st.integers(0, 20)), max_size=5),
    st.integers(1, 3000),
)
def test_never_more_than_nine_tenths_of_what_he_says_and_less_with_age(
    said: list[tuple[int, int, int]], pieces: int
) -> None:
    supplies = [
        has(amount, timedelta(days=age), supply_id=f"846/{number}", eta=day(eta))
        for number, (amount, age, eta) in enumerate(said)
    ]
    older = [replace_age(one) for one in supplies]

    made, later = ask(*supplies, pieces=pieces), ask(*older, pieces=pieces)

    assert sum(one.micros for one in made.inbound) * 10 <= 9 * sum(a * MICROS for a, _, _ in said)
    assert later.buckets[-1].atp <= made.buckets[-1].atp
    assert sum(part.micros for part in made.schedule) + made.left_over == pieces * MICROS
    assert (made.basis is Basis.VENDOR_STOCK) == (made.left_over == 0)
    assert all(90 >= percent >= 70 for _, percent in PERCENT_BY_AGE)


def replace_age(one: Supply) -> Supply:
    assert one.told_at
    return one._replace(told_at=one.told_at - timedelta(days=1))


def test_nothing_said_is_nothing_known() -> None:
    made = ask(pieces=5)

    assert (made.is_known, made.now) == (False, 0)
    assert replace(made, is_advice=False) != made


def test_what_comes_on_the_last_day_of_all_comes_after_the_horizon() -> None:
    closed_then = terms_of([AtpRule(weekdays="1234", daily_buckets=14)])  # it is a Friday

    made = ask(has(5, eta=date.max), pieces=5, terms=closed_then)

    assert (made.promised_on, made.inbound[0].reason) == (None, "it comes after the horizon")
