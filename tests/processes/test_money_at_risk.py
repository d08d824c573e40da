"""Money of differences: per currency, of what drifted on channels too, and what has no price."""

from decimal import Decimal

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.canonical.reconciliation import DifferenceConfirmed, ReconciliationRulesChanged
from crossdock.capabilities.reconciliation import Brake, Rules
from crossdock.capabilities.reconciliation.asked_store import costs_of, put_classes
from crossdock.capabilities.reconciliation.drift import Price, price_of
from crossdock.capabilities.reconciliation.dumps import NO_COST, Worth
from crossdock.capabilities.reconciliation.rulebook import put as put_rules
from crossdock.capabilities.reconciliation.sampling import Sampled
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.processes.test_channels_sampled import A_DAY, Channels, Level, Shop, Stage, stage
from tests.processes.test_reconciliation import HEADER, HOUR, House
from tests.processes.test_reconciliation import house as house  # noqa: PLC0414 - the fixture

MAIN = Scope("main")
PRICED = f"{HEADER},unit_cost,currency,class"


async def three_differ(house: House) -> None:
    """Let the ERP say twice that ten of each are missing: in EUR, in USD, and of no price."""
    await house.counted(SKU_1=40, SKU_2=40, SKU_3=40)
    for _ in range(2):
        await house.clock.advance(HOUR)
        at = house.at.isoformat()
        await house.dumped(
            f"SKU-1,DC1,AVAILABLE,30,{at},5,EUR,C",
            f"SKU-2,DC1,AVAILABLE,30,{at},70,usd,C",
            f"SKU-3,DC1,AVAILABLE,30,{at},,,C",
            header=PRICED,
        )


async def test_each_currency_is_ranked_and_shown_by_itself(house: House) -> None:
    euro = Rules(brake=Brake(currency="EUR"))
    await house.hub.reconciliation.put_rules(house.hub.scope, euro, by="ann")
    await three_differ(house)

    [run, _] = await house.hub.reconciliation.runs(house.hub.scope)
    assert (run.value_at_risk, run.other_values) == (Decimal(50), {"USD": Decimal(700)})
    assert (run.confirmed, run.unpriced) == (3, 1)
    found = await house.findings("CONFIRMED")
    assert [(one.item, one.value_at_risk, one.currency) for one in found] == [
        ("SKU-1", Decimal(50), ""),
        ("SKU-2", Decimal(700), "USD"),
        ("SKU-3", None, ""),
    ]
    backlog = await house.hub.reconciliation.backlog(house.hub.scope)
    young = backlog.open[0]
    assert (young.findings, young.value_at_risk, young.unpriced) == (3, Decimal(50), 1)
    assert young.other_values == {"USD": Decimal(700)}
    told = [one for one in await house.told() if isinstance(one, DifferenceConfirmed)]
    assert {one.item: one.currency for one in told} == {
        "SKU-1": "EUR",
        "SKU-2": "USD",
        "SKU-3": "",
    }


async def test_a_cap_in_another_currency_escalates_instead_of_passing(house: House) -> None:
    euro = Rules(brake=Brake(currency="EUR"))
    await house.hub.reconciliation.put_rules(house.hub.scope, euro, by="ann")
    await three_differ(house)

    cases = {one.entity: one for one in await house.hub.cases.find(house.hub.scope)}
    assert {entity: one.severity for entity, one in cases.items()} == {
        "SKU-1 at DC1": "S3",
        "SKU-2 at DC1": "S2",
        "SKU-3 at DC1": "S3",
    }
    evidence = cases["SKU-2 at DC1"].evidence
    assert (evidence["value_at_risk"], evidence["currency"]) == ("700", "USD")


async def test_a_cap_that_is_put_in_another_currency_escalates_what_is_open(
    house: House,
) -> None:
    dollar = Rules(brake=Brake(currency="USD"))
    await house.hub.reconciliation.put_rules(house.hub.scope, dollar, by="ann")
    await three_differ(house)
    before = {one.entity: one.severity for one in await house.hub.cases.find(house.hub.scope)}
    assert before == {"SKU-1 at DC1": "S2", "SKU-2 at DC1": "S3", "SKU-3 at DC1": "S3"}

    pound = Rules(brake=Brake(currency="GBP"))
    await house.hub.reconciliation.put_rules(house.hub.scope, pound, by="ann")

    after = {one.entity: one.severity for one in await house.hub.cases.find(house.hub.scope)}
    assert after == {"SKU-1 at DC1": "S2", "SKU-2 at DC1": "S2", "SKU-3 at DC1": "S3"}
    changed = [one for one in await house.told() if isinstance(one, ReconciliationRulesChanged)]
    assert [(one.currency, one.most_unpriced) for one in changed] == [("USD", 100), ("GBP", 100)]


async def test_an_amount_keeps_the_currency_it_was_said_in_when_the_house_names_another(
    house: House,
) -> None:
    """700 USD were in the functional currency: once that is EUR they are in another."""
    reconciliation, scope = house.hub.reconciliation, house.hub.scope
    await reconciliation.put_rules(scope, Rules(brake=Brake(currency="USD")), by="ann")
    await three_differ(house)

    await reconciliation.put_rules(scope, Rules(brake=Brake(currency="EUR")), by="ann")

    young = (await reconciliation.backlog(scope)).open[0]
    assert (young.value_at_risk, young.other_values) == (Decimal(50), {"USD": Decimal(700)})
    found = await house.findings("CONFIRMED")
    assert [(one.item, one.currency) for one in found] == [
        ("SKU-1", ""),
        ("SKU-2", "USD"),
        ("SKU-3", ""),
    ]


async def test_the_tolerance_by_value_holds_of_the_currency_that_the_house_uses(
    house: House,
) -> None:
    """499 of 10,000 are within C's share; at 100 EUR each they are 49,900 (§4.2)."""
    await house.counted(SKU_1=10_000, SKU_2=10_000)
    await house.clock.advance(HOUR)
    at = house.at.isoformat()
    run = await house.dumped(
        f"SKU-1,DC1,AVAILABLE,9501,{at},100,EUR,C",
        f"SKU-2,DC1,AVAILABLE,9998,{at},100,EUR,C",
        header=PRICED,
    )

    assert (run.suspected, run.tolerated) == (1, 1)
    [found] = await house.findings("SUSPECTED")
    assert (found.item, found.value_at_risk) == ("SKU-1", Decimal(49_900))


async def test_what_cannot_be_held_against_the_tolerance_by_value_does_not_pass(
    house: House,
) -> None:
    """One of a thousand is within C's share; of 1 USD nobody knows whether it is below 250 EUR."""
    euro = Rules(brake=Brake(currency="EUR"))
    await house.hub.reconciliation.put_rules(house.hub.scope, euro, by="ann")
    await house.counted(SKU_1=1000, SKU_2=1000, SKU_3=1000)
    await house.clock.advance(HOUR)
    at = house.at.isoformat()
    run = await house.dumped(
        f"SKU-1,DC1,AVAILABLE,999,{at},1,EUR,C",
        f"SKU-2,DC1,AVAILABLE,999,{at},1,USD,C",
        f"SKU-3,DC1,AVAILABLE,999,{at},0,USD,C",
        header=PRICED,
    )

    assert (run.suspected, run.tolerated) == (1, 2)
    [found] = await house.findings("SUSPECTED")
    assert found.item == "SKU-2"


async def test_an_item_costs_what_it_costs_most_in_the_functional_currency(
    database: Database,
) -> None:
    def costs(**said: int) -> dict[tuple[str, str], Worth]:
        named = {"none": "", "eur": "EUR", "chf": "CHF"}
        return {
            (place, "BOLT"): Worth("C", cost * MICROS, named[place])
            for place, cost in said.items()
        }

    async with database.transaction(MAIN) as tx:
        await put_classes(tx, costs(eur=5, chf=6))
        assert await costs_of(tx, ["BOLT"], "EUR") == {"BOLT": (5 * MICROS, "EUR")}
        assert await costs_of(tx, ["BOLT"], "CHF") == {"BOLT": (6 * MICROS, "CHF")}
        await put_classes(tx, costs(none=1, eur=9))
        assert await costs_of(tx, ["BOLT"], "EUR") == {"BOLT": (9 * MICROS, "EUR")}
        assert await costs_of(tx, ["BOLT"], "USD") == {"BOLT": (1 * MICROS, "")}
        assert await costs_of(tx, ["BOLT"], "") == {"BOLT": (9 * MICROS, "EUR")}


@pytest.mark.parametrize(
    ("one", "cost", "price"),
    [
        (Level("B", 40, 55, False), (2 * MICROS, ""), Price(30 * MICROS, "", "unit_cost")),
        (Level("B", 40, 55, False), (2 * MICROS, "USD"), Price(30 * MICROS, "USD", "unit_cost")),
        (Level("B", 40, 55, False), (2 * MICROS, "EUR"), Price(30 * MICROS, "EUR", "unit_cost")),
        # Sold by the case of 12: five cases less are sixty base units.
        (
            Level("B", 40, 35, False, numerator=12),
            (2 * MICROS, ""),
            Price(120 * MICROS, "", "unit_cost"),
        ),
        (
            Level("B", 1, 0, False, denominator=3),
            (3, ""),
            Price(1, "", "unit_cost"),
        ),
        (
            Level("B", 40, 35, False, numerator=12, unit_margin=9 * MICROS, currency="EUR"),
            None,
            Price(45 * MICROS, "EUR", "unit_margin"),
        ),
        (Level("B", 40, 35, False), None, Price(None, "", "")),
    ],
)
def test_a_drift_is_worth_what_it_costs_or_else_what_it_earns(
    one: Level, cost: tuple[int, str] | None, price: Price
) -> None:
    level = one._replace(
        told=None if one.told is None else one.told * (1 if one.denominator > 1 else MICROS),
        held=None if one.held is None else one.held * (1 if one.denominator > 1 else MICROS),
    )

    assert price_of(level, cost) == price


async def classed(database: Database, **costs: int) -> None:
    """Let a dump have said what these items cost, in whole money; less than zero: nothing."""
    async with database.transaction(MAIN) as tx:
        await put_classes(
            tx,
            {
                ("DC1", item): Worth("C", NO_COST if cost < 0 else cost * MICROS)
                for item, cost in costs.items()
            },
        )


async def test_what_drifted_has_a_value_and_the_cap_by_value_stops_what_is_too_dear(
    database: Database, clock: VirtualClock
) -> None:
    """Fifteen more than told, in millionths: at 700 million each that is above 10,000."""
    channels = Channels(
        Shop("shop", "web", 1000, 100, 10 * A_DAY), held={"I00000": 55, "I00001": 55}
    )
    at = stage(database, clock, channels)
    await classed(database, I00000=1, I00001=700_000_000)
    items = ["I00000", "I00001"]
    await at.sampler.sample(MAIN, "shop", "web", items, by="ann")
    await clock.advance(HOUR)

    done = await at.sampler.sample(MAIN, "shop", "web", items, by="ann", republish=True)

    assert done.stopped == "more money would move than the cap allows"
    assert (done.republished, channels.written) == (0, [])
    assert done.run.value_at_risk == Decimal("10500.000015")
    [case] = at.cases.open.values()
    assert case.code == "PUB-STALE"
    assert "more money" in case.title


async def test_so_many_without_a_price_are_written_again_as_the_rules_say(
    database: Database, clock: VirtualClock
) -> None:
    channels = Channels(
        Shop("shop", "web", 1000, 100, 10 * A_DAY), held=dict.fromkeys(["I00000", "I00001"], 55)
    )
    at = stage(database, clock, channels)
    items = ["I00000", "I00001"]
    async with database.transaction(MAIN) as tx:
        await put_rules(tx, Rules(brake=Brake(unpriced=1)), "ann", clock.now())
    await at.sampler.sample(MAIN, "shop", "web", items, by="ann")
    await clock.advance(HOUR)
    stopped = await at.sampler.sample(MAIN, "shop", "web", items, by="ann", republish=True)
    assert stopped.stopped == "2 keys without a price would change, 1 may"
    assert (stopped.run.value_at_risk, stopped.run.unpriced) == (None, 2)

    await classed(database, I00000=1, I00001=-1)
    await clock.advance(HOUR)
    done = await at.sampler.sample(MAIN, "shop", "web", items, by="ann", republish=True)

    assert (done.stopped, done.republished) == ("", 2)
    assert (done.run.value_at_risk, done.run.unpriced) == (Decimal("0.000015"), 1)


async def written_again(at: Stage, items: list[str]) -> Sampled:
    """Read these back twice, and have written again what may be."""
    for _ in range(2):
        await at.clock.advance(HOUR)
        await at.sampler.sample(MAIN, "shop", "web", items, by="ann")
    return await at.sampler.sample(MAIN, "shop", "web", items, by="ann", republish=True)


async def test_a_drift_in_another_currency_keeps_no_other_from_being_written(
    database: Database, clock: VirtualClock
) -> None:
    channels = Channels(
        Shop("shop", "web", 1000, 100, 10 * A_DAY), held={"I00000": 55, "I00001": 55}
    )
    at = stage(database, clock, channels)
    async with database.transaction(MAIN) as tx:
        await put_rules(tx, Rules(brake=Brake(currency="EUR")), "ann", clock.now())
        costs = {"I00000": Worth("C", MICROS, "EUR"), "I00001": Worth("C", MICROS // 2, "USD")}
        await put_classes(tx, {("DC1", item): worth for item, worth in costs.items()})
    done = await written_again(at, [*costs])

    assert (done.stopped, done.republished, channels.written) == ("", 1, ["I00000"])
    [case] = at.cases.open.values()
    assert (case.code, case.entity) == ("PUB-STALE", "I00001 in shop/web")
    assert "money in USD" in case.title


async def test_a_house_that_names_no_currency_has_written_again_what_is_priced_in_one(
    database: Database, clock: VirtualClock
) -> None:
    """The margin of a channel has a currency, and it is the house's own."""
    channels = Channels(Shop("shop", "web", 1000, 100, 10 * A_DAY), held={"I00000": 55})
    at = stage(database, clock, channels)
    async with database.transaction(MAIN) as tx:
        await put_classes(tx, {("DC1", "I00000"): Worth("C", 3 * MICROS, "EUR")})
    done = await written_again(at, ["I00000"])

    assert (done.stopped, done.republished) == ("", 1)
