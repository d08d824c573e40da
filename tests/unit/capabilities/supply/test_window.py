"""An alternative leaves from the day it follows on, and before the day it ends, or not at all."""

from datetime import date

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply.answer import Basis, Kin, Node, Offer, Question, Standing
from crossdock.capabilities.supply.horizon import horizon
from crossdock.capabilities.supply.model import BESIDE_STOCK, AtpMode
from crossdock.capabilities.supply.offering import asking, lacking, offer, proposed
from crossdock.capabilities.supply.promise import answered
from crossdock.capabilities.supply.rules import AtpRule, terms_of
from crossdock.capabilities.supply.substitution import options
from tests.unit.capabilities.supply.test_shelf import EVERY_DAY, NOW, coming, day, lot, node
from tests.unit.capabilities.supply.test_substitution import ENDS, option, other, version

OF_STOCK = [mode for mode in AtpMode if mode not in BESIDE_STOCK]

DAYS = terms_of([AtpRule(daily_buckets=14), EVERY_DAY])


def stocked(pieces: int, *, terms: object = DAYS, **more: object) -> Node:
    made = Node(DAYS, Standing(pieces * MICROS, is_known=True), location="DC1")
    return made._replace(terms=terms, **more)  # type: ignore[arg-type]  # fields by name, as the case has them


def offered(of: Node, wanted: int, by: date | None = None, **window: object) -> Offer:
    """Ask for an A that is not there, and offer a B in its place."""
    question = Question("A", "DC1", "EA", wanted * MICROS, by)
    short = answered(question, Kin(stocked(0)), horizon(DAYS, NOW), NOW)
    assert lacking(short) == wanted * MICROS
    other_one = option("B")._replace(**window)  # type: ignore[arg-type]  # fields by name, as the case has them
    asked = asking(question, short, other_one)
    found = answered(asked, Kin(of), horizon(of.terms, NOW), NOW)
    made = offer(short, other_one, found)
    shares = proposed(short, [made], None)
    days = [share.on for share in shares if share.item == "B"]
    assert all(on is not None for on in days)
    assert bool(days) == bool(made.covers)
    return made


def test_what_has_expired_before_it_may_follow_is_not_offered() -> None:
    aged = node(lot("L1", 20, 5), terms=DAYS)
    assert offered(aged, 20).covers == 20 * MICROS
    made = offered(aged, 20, not_before=day(8))
    assert (made.covers, made.promised_on) == (0, None)
    keeps = node(lot("L1", 20, 5), lot("L2", 12, 8), terms=DAYS)
    made = offered(keeps, 20, not_before=day(8))
    assert [(part.day, part.micros) for part in made.answer.schedule] == [(day(8), 12 * MICROS)]
    assert offered(keeps, 20, day(9), not_before=day(8)).covers == 12 * MICROS
    assert offered(keeps, 20, day(7), not_before=day(8)).covers == 0


def test_one_supply_leaves_nothing_where_no_day_may_be_left_in() -> None:
    every = terms_of([AtpRule(mode=AtpMode.DISCRETE, daily_buckets=14), EVERY_DAY])
    made = offered(stocked(20, terms=every), 20, not_before=day(30))
    assert (made.covers, made.promised_on) == (0, None)


def test_what_follows_leaves_on_a_day_that_is_open() -> None:
    closed = terms_of([AtpRule(weekdays="12345", daily_buckets=14), EVERY_DAY])
    made = offered(stocked(20, terms=closed), 20, not_before=day(5))
    assert (made.promised_on, made.reason) == (day(7), "it may not leave before 2026-05-09")


def test_what_comes_when_an_alternative_has_ended_is_not_offered() -> None:
    supplied = stocked(5, supplies=[coming(40, 7)])
    assert offered(supplied, 40).covers == 40 * MICROS
    made = offered(supplied, 40, before=day(2))
    assert (made.covers, made.promised_on) == (5 * MICROS, None)
    assert made.reason.startswith("too little can leave before 2026-05-06")
    assert offered(supplied, 40, day(9), before=day(2)).covers == 5 * MICROS
    assert offered(node(lot("L1", 5, 90), terms=DAYS), 40, before=day(2)).covers == 5 * MICROS
    assert offered(supplied, 40, before=day(0)).covers == 0
    assert offered(supplied, 40, not_before=day(40)).covers == 0


@pytest.mark.parametrize("mode", OF_STOCK)
def test_what_is_there_earlier_may_leave_when_it_may(mode: AtpMode) -> None:
    terms = terms_of([AtpRule(daily_buckets=14, mode=mode), EVERY_DAY])
    supplied = stocked(10, terms=terms, supplies=[coming(6, 3)])
    made = offered(supplied, 10, not_before=day(5))
    assert (made.covers, made.promised_on) == (10 * MICROS, day(5))
    assert [part.day for part in made.answer.schedule] == [day(5)]


def test_what_can_be_had_anew_leaves_in_its_time_too() -> None:
    anew = AtpRule(daily_buckets=14, is_replenishable=True, lead_time_days=6, weekdays="12345")
    terms = terms_of([anew, EVERY_DAY])

    def on(**window: object) -> tuple[date | None, Basis]:
        made = offered(stocked(0, terms=terms), 20, **window)  # type: ignore[arg-type]  # fields by name, as the case has them
        return made.promised_on, made.answer.basis

    assert on() == (day(7), Basis.LEAD_TIME)
    assert on(not_before=day(12)) == (day(14), Basis.LEAD_TIME)
    assert on(before=day(8)) == (day(7), Basis.LEAD_TIME)
    assert on(before=day(7)) == (None, Basis.NONE)


def test_an_option_ends_with_the_first_rule_on_its_way_that_ends() -> None:
    rules = [
        version("A", other("S", valid_to=day(3)), other("B", kind=ENDS, valid_to=day(9))),
        version("B", other("C", kind=ENDS, valid_to=day(5))),
        version("C", other("D", kind=ENDS)),
    ]
    found = {one.item: one.before for one in options("A", rules, day(0), "", "")}
    assert found == {"S": day(3), "B": day(9), "C": day(5), "D": day(5)}
    back = [version("A", other("S", valid_to=day(3), is_two_way=True))]
    assert [one.before for one in options("S", back, day(0), "", "")] == [day(3)]
