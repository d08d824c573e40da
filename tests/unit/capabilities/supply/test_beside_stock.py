"""Items that no stock limits: whole answers, kits and groups of them, and the naive calendar."""

import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import SupplyEvidence, SupplyKind
from crossdock.capabilities.supply.answer import (
    Atp,
    Basis,
    Bucket,
    Claim,
    Component,
    Dated,
    Kin,
    Node,
    Question,
    Standing,
)
from crossdock.capabilities.supply.beside import answered as beside_answered
from crossdock.capabilities.supply.horizon import horizon
from crossdock.capabilities.supply.inbound import Supply
from crossdock.capabilities.supply.kept import Told, risk
from crossdock.capabilities.supply.model import UNLIMITED, AtpMode
from crossdock.capabilities.supply.promise import answered
from crossdock.capabilities.supply.refusals import refusal
from crossdock.capabilities.supply.rules import AtpRule, AtpTerms, terms_of
from tests.unit.capabilities.supply import naive

CASES = int(os.environ.get("CROSSDOCK_CASES", "2000"))  # noqa: TID251 - how much to test
TODAY = date(2026, 5, 4)
NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
EVERY_DAY = AtpRule(weekdays="1234567", daily_buckets=10, weekly_buckets=0)
SHORT = Standing(3 * MICROS, 9 * MICROS, 0, 5 * MICROS, version=7, is_known=True)
COMING = Supply("s", "erp", SupplyKind.TRANSFER, "DC1", 4 * MICROS, SupplyEvidence.SHIPPED, TODAY)
OTHERS = Claim("other", 9 * MICROS)


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


def terms(mode: AtpMode, lead: int = 0, **more: object) -> AtpTerms:
    said = AtpRule(mode=mode, lead_time_days=lead, **more)  # type: ignore[arg-type]  # fields by name, as the case has them
    return terms_of([said, EVERY_DAY])


def node(of: AtpTerms, location: str = "DC1") -> Node:
    return Node(of, SHORT, [OTHERS], [COMING], location)


def ask(of: AtpTerms, micros: int | None = None, **more: object) -> Atp:
    question = Question("X", "DC1", "EA", micros, **more)  # type: ignore[arg-type]  # fields by name, as the case has them
    return answered(question, Kin(node(of)), horizon(of, NOW), NOW)


ENDLESS = terms(AtpMode.INFINITE)
ANEW = terms(AtpMode.LEAD_TIME, 4)


@pytest.mark.parametrize("pieces", [1, 10**9])
def test_what_no_stock_limits_leaves_at_once_in_any_amount(pieces: int) -> None:
    answer = ask(ENDLESS, pieces * MICROS, by=day(0))

    assert (answer.promised_on, answer.basis) == (day(0), Basis.UNLIMITED)
    assert answer.reason == "a rule says that no stock limits it"
    assert answer.schedule == (Dated(day(0), pieces * MICROS),)
    assert (answer.by_then, answer.left_over, answer.shortage) == (pieces * MICROS, 0, 0)
    assert (answer.inbound, answer.parts, answer.is_stale) == ((), (), False)
    assert answer.is_unlimited
    assert answer.beside_stock == {"X"}
    assert answer.standing == SHORT


def test_by_lead_time_alone_nothing_that_lies_there_counts() -> None:
    rich = Node(ANEW, Standing(90 * MICROS, is_known=True))
    question = Question("X", "DC1", "EA", 2 * MICROS, day(3))
    answer = answered(question, Kin(rich), horizon(ANEW, NOW), NOW)

    assert (answer.promised_on, answer.basis) == (day(4), Basis.LEAD_TIME)
    assert answer.reason == "it is had in 4 days, whatever lies there"
    assert (answer.now, answer.by_then, answer.is_unlimited) == (0, 0, False)
    assert answer.buckets == (
        Bucket(day(0), 0, 0, 0, 0),
        Bucket(day(4), 0, 0, UNLIMITED, UNLIMITED),
    )


def test_without_a_lead_time_there_is_no_date() -> None:
    answer = ask(terms(AtpMode.LEAD_TIME), 2 * MICROS, by=day(9))

    assert (answer.promised_on, answer.basis, answer.by_then) == (None, Basis.NONE, 0)
    assert answer.reason == "it is promised by its lead time alone, and no rule says one"
    assert (answer.schedule, answer.left_over) == ((), 2 * MICROS)
    assert answer.buckets == (Bucket(day(0), 0, 0, 0, 0),)


def test_the_outlook_alone_says_how_much_there_is() -> None:
    answer = ask(ENDLESS, by=day(2))

    assert (answer.quantity, answer.by_then, answer.now) == (None, UNLIMITED, UNLIMITED)
    assert answer.reason == "no quantity was asked for"


def test_it_leaves_within_the_days_asked_for_and_in_whole_packs() -> None:
    dozens = terms(AtpMode.INFINITE, pack=Decimal(12), pack_up=False)

    later = ask(dozens, 30 * MICROS, not_before=day(3))
    never = ask(dozens, 30 * MICROS, not_before=day(3), before=day(3))
    less = ask(dozens, 11 * MICROS)

    assert (later.promised_on, later.quantity, later.remainder) == (
        day(3),
        24 * MICROS,
        6 * MICROS,
    )
    assert (never.promised_on, never.reason) == (None, f"it cannot leave before {day(3)}")
    assert less.reason == "it is less than one pack"


@pytest.mark.parametrize("of", [ENDLESS, ANEW])
@pytest.mark.parametrize("mode", [None, *AtpMode])
def test_a_promise_of_it_is_kept_and_never_at_risk(of: AtpTerms, mode: AtpMode | None) -> None:
    answer = ask(of, 50 * MICROS, mode=mode)

    assert answer.mode is of.mode
    assert refusal(answer, Told(), mode) == ""
    claimed = [Claim("own", 50 * MICROS, on=answer.promised_on, life_days=90)]
    assert risk(claimed, answer.buckets) is None


@pytest.mark.parametrize("mode", [AtpMode.INFINITE, AtpMode.LEAD_TIME])
def test_a_question_alone_makes_nothing_endless(mode: AtpMode) -> None:
    answer = ask(terms_of([EVERY_DAY]), 50 * MICROS, mode=mode)

    assert (answer.promised_on, answer.basis) == (None, Basis.NONE)


def kit(of_part: AtpTerms, pieces: int) -> Atp:
    """Ask for kits of one X and two of a part that no stock limits; of X there are so many."""
    limits = terms_of([EVERY_DAY])
    there = Standing(pieces * MICROS, is_known=True)
    parts = [
        Component("X", "EA", MICROS, Kin(Node(limits, there)), into=(("K", MICROS),)),
        Component("S", "EA", 2 * MICROS, Kin(node(of_part)), into=(("K", 2 * MICROS),)),
    ]
    kin = Kin(Node(limits, Standing()), components=parts)
    question = Question("K", "DC1", "EA", 5 * MICROS, draws=True)
    return answered(question, kin, horizon(limits, NOW), NOW)


def test_a_component_that_no_stock_limits_does_not_limit_the_kit() -> None:
    answer = kit(ENDLESS, 7)

    assert (answer.now, answer.promised_on) == (7 * MICROS, day(0))
    assert answer.beside_stock == {"S"}


def test_a_component_by_lead_time_is_there_from_then_on() -> None:
    answer = kit(ANEW, 7)

    assert (answer.now, answer.promised_on) == (0, day(4))
    assert [draw.day for draw in answer.draws if draw.item == "S"] == [day(4)]


def test_an_endless_member_makes_its_group_endless() -> None:
    limits = terms_of([EVERY_DAY])
    owed = Node(limits, Standing(hard=9 * MICROS), [OTHERS], location="EAST")
    ahead = horizon(limits, NOW)
    members = [node(limits), node(ENDLESS, "DC2")._replace(opens=TODAY)]
    question = Question("X", "EAST", "EA", 10**6 * MICROS)

    answer = answered(question, Kin(owed, members=members, is_group=True), ahead, NOW)

    assert answer.promised_on == day(0)


def test_dates_are_those_of_a_calendar_that_is_walked_day_by_day() -> None:
    random = Random(22)
    for _ in range(CASES):
        case = naive.random_walk(random, TODAY)
        rule = AtpRule(
            mode=AtpMode.LEAD_TIME if case.lead_days else AtpMode.INFINITE,
            lead_time_days=case.lead_days,
            weekdays="".join(map(str, sorted(case.weekdays))),
            holidays=tuple(case.holidays),
            daily_buckets=random.randint(1, 20),
            weekly_buckets=random.randint(0, 4),
        )
        of = terms_of([rule])
        micros = random.randint(1, 10**15)
        question = Question(
            "X", "DC1", "EA", micros, case.by, not_before=case.not_before, before=case.before
        )

        answer = beside_answered(question, node(of), horizon(of, NOW), NOW)

        assert answer.promised_on == naive.first_day(case), case
        assert sum(part.micros for part in answer.schedule) + answer.left_over == micros
        in_time = answer.promised_on is not None and (
            case.by is None or answer.promised_on <= case.by
        )
        assert answer.by_then == (None if case.by is None else micros if in_time else 0)
        balances = [bucket.atp for bucket in answer.buckets]
        assert balances == sorted(balances)
