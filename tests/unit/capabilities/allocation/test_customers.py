"""A customer's rule holds before his channel's, and behind that of one of his orders."""

from datetime import timedelta
from itertools import product

import pytest

from crossdock.canonical.allocation import AllocationRuleChanged, Strategy
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.orders import OrderChanged
from crossdock.capabilities.allocation import AllocationRule
from crossdock.capabilities.allocation.model import DEFAULT_RULE, Rule
from crossdock.capabilities.allocation.standing import RulesNow
from tests.conftest import NOON
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.inventory.house import MAIN, count, counted, demand

PLACES = (("ORDER", "1"), ("CUSTOMER", "METRO"), ("CHANNEL", "web"), ("DEFAULT", ""))


@pytest.mark.parametrize("said", list(product((False, True), repeat=4)))
def test_the_narrowest_rule_that_is_said_holds(said: tuple[bool, ...]) -> None:
    rules = {
        place: Rule(Strategy.WIN, priority)
        for priority, (place, is_said) in enumerate(zip(PLACES, said, strict=True), 1)
        if is_said
    }
    narrowest = next((rules[place] for place in PLACES if place in rules), DEFAULT_RULE)

    assert RulesNow(rules, 1).of("1", " Metro", "web") == narrowest


def test_an_order_without_a_customer_stands_as_its_channel_does() -> None:
    rules = {PLACES[1]: Rule(Strategy.WIN), PLACES[2]: Rule(Strategy.LOSE)}

    assert RulesNow(rules, 1).of("1", "", "web").strategy is Strategy.LOSE
    assert RulesNow(rules, 1).of("1", "EDEKA", "web").strategy is Strategy.LOSE


def bought(order: str, customer: str, minute: int, version: int = 1) -> Fact:
    lines = (demand(f"{order}/1", 8),)
    payload = OrderChanged(order_id=order, lines=lines, channel="web", customer=customer)
    return Fact(
        identity=f"order:{order}:{version}",
        payload=payload,
        occurred_at=NOON + timedelta(minutes=minute),
        version=version,
    )


async def test_a_key_account_is_served_before_who_came_first(floor: Floor) -> None:
    await floor.hear(counted(1, count(10)), bought("1", "", 0), bought("2", "Metro", 5))
    metro = AllocationRule(customer="metro ", strategy=Strategy.WIN, priority=1)
    said = await floor.allocation.rulebook.set_rule(MAIN, metro, by="planner")

    assert (said.customer, said.version, said.strategy) == ("METRO", 1, Strategy.WIN)
    run = await floor.applied()

    assert await floor.confirmed() == {"1/1": 2, "2/1": 8}
    assert [(line.customer, line.strategy) for line in run.lines] == [
        ("METRO", Strategy.WIN),
        ("", Strategy.IMPROVE),
    ]
    [told] = await floor.told(AllocationRuleChanged)
    assert isinstance(told.payload, AllocationRuleChanged)
    assert (told.payload.kind, told.payload.subject) == ("CUSTOMER", "METRO")


async def test_a_customers_rule_is_taken_back_however_he_is_spelled(floor: Floor) -> None:
    book = floor.allocation.rulebook
    rule = AllocationRule(customer="METRO", strategy=Strategy.WIN)
    await book.set_rule(MAIN, rule, by="planner")

    await book.clear_rule(MAIN, AllocationRule(customer="metro"), by="planner")

    assert [one.customer for one in await book.rules(MAIN)] == [""]


async def test_a_blank_customer_takes_back_nobodys_rule(floor: Floor) -> None:
    book = floor.allocation.rulebook
    await book.set_rule(MAIN, AllocationRule(strategy=Strategy.GAIN), by="planner")

    with pytest.raises(Invalid, match="names nobody"):
        await book.clear_rule(MAIN, AllocationRule(customer=" "), by="planner")

    assert [one.strategy for one in await book.rules(MAIN)] == [Strategy.GAIN]


async def test_an_order_of_another_customer_now_stands_as_that_one(floor: Floor) -> None:
    rule = AllocationRule(customer="METRO", strategy=Strategy.WIN)
    await floor.allocation.rulebook.set_rule(MAIN, rule, by="planner")
    await floor.hear(counted(1, count(10)), bought("1", "METRO", 0, version=2))
    await floor.hear(bought("1", "EDEKA", 0, version=1))
    [line] = await floor.allocation.lines(MAIN, "X", "DC1")
    assert (line.customer, line.strategy) == ("METRO", Strategy.WIN)

    await floor.hear(bought("1", "EDEKA", 0, version=3))
    [line] = await floor.allocation.lines(MAIN, "X", "DC1")
    assert (line.customer, line.strategy) == ("EDEKA", Strategy.IMPROVE)
