"""What is owed within a week of the horizon, in a whole hub: answered and kept as by day."""

import pytest

from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.orders import DemandLine
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.supply import SupplyEvidence, SupplyKind
from crossdock.capabilities.supply import AtpRule, PromiseAsked, Question
from tests.unit.capabilities.supply.yard import Yard, committed, day, fact, kit, line, ordered

TRANSFER, SHIPPED = SupplyKind.TRANSFER, SupplyEvidence.SHIPPED
DAYS = AtpRule(weekdays="1234567", daily_buckets=35, weekly_buckets=0)
WEEKS = AtpRule(weekdays="1234567", daily_buckets=7, weekly_buckets=4)


async def told_of_a_group(yard: Yard, rule: AtpRule, at: str) -> None:
    """Twenty lie at DC1, twenty more come on day 12, and twenty are to leave on day 8."""
    await yard.rule(rule)
    await yard.hub.put_stock("X", "DC1", 20)
    group = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1", "DC2"))
    await yard.hear(fact("EAST", group))
    await yard.hear(
        committed("s", 20, eta=day(12), kind=TRANSFER, evidence=SHIPPED),
        ordered("o", line("o/1", 20, day(8), location=at)),
    )


@pytest.mark.parametrize("rule", [DAYS, WEEKS], ids=["days", "weeks"])
@pytest.mark.parametrize(
    ("claimed_at", "asked_at"),
    [("DC1", "DC1"), ("DC1", "EAST"), ("EAST", "EAST"), ("EAST", "DC1")],
)
async def test_what_is_owed_before_supply_comes_within_its_week_is_promised_to_nobody(
    yard: Yard, rule: AtpRule, claimed_at: str, asked_at: str
) -> None:
    await told_of_a_group(yard, rule, claimed_at)
    assert (await yard.ask(location=asked_at)).now == 0
    asked = Question("X", asked_at, "EA", 20 * MICROS, day(1))
    promise = PromiseAsked("p", (asked,), ("q/1",))
    made = await yard.hub.kept_promises.promise(yard.hub.scope, "shop", promise)
    assert not made.is_granted


@pytest.mark.parametrize("rule", [DAYS, WEEKS], ids=["days", "weeks"])
async def test_a_kit_owed_before_its_parts_come_within_a_week_is_promised_to_nobody(
    yard: Yard, rule: AtpRule
) -> None:
    """Twenty K lie there assembled, twenty are to leave on day 8, twenty A come on day 12."""
    await yard.rule(rule)
    await yard.hear(kit("K", 1, A=1))
    await yard.hub.put_stock("K", "DC1", 20)
    claimed = DemandLine(
        demand_ref="o/1",
        item="K",
        location="DC1",
        ordered=Quantity.of(20),
        cancelled=Quantity.of(0),
        requested_ship_date=day(8),
    )
    supply = committed("s", 20, item="A", eta=day(12), kind=TRANSFER, evidence=SHIPPED)
    await yard.hear(ordered("o", claimed), supply)
    assert (await yard.of("K")).now == 0
    asked = PromiseAsked("p", (Question("K", "DC1", "EA", 20 * MICROS, day(1)),), ("q/1",))
    made = await yard.hub.kept_promises.promise(yard.hub.scope, "shop", asked)
    assert not made.is_granted
