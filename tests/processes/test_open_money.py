"""What differs in open lines is weighed: by what their dump says, or what is known of the item."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.canonical.catalog import ItemChanged
from crossdock.canonical.envelope import Fact
from crossdock.capabilities.reconciliation import Rules, asked_store
from crossdock.capabilities.reconciliation.dumps import Worth
from crossdock.capabilities.reconciliation.guards import Brake
from tests.processes.test_open_lines import House
from tests.processes.test_open_purchases import Buying, buying, confirmed, healed, runs, to_come
from tests.processes.test_open_rounds import HOURS, Company

Bought = tuple[Company, Buying]
MICRO = 1_000_000


@pytest.fixture
async def bought(dsn: str, tmp_path: Path) -> AsyncIterator[Bought]:
    async with buying(dsn, tmp_path) as opened:
        yield opened


async def known(house: House, cost: int, currency: str = "", *, at: str = "DC1") -> None:
    """Have a dump of stock say that BOLT is of class C and what a piece costs."""
    hub = house.hub
    async with hub.database.transaction(hub.scope) as tx:
        worth = Worth("C", cost * MICRO, currency)
        await asked_store.put_classes(tx, {(at, "BOLT"): worth})


async def test_a_purchase_that_differs_is_ranked_by_the_money_that_dumps_of_stock_told(
    bought: Bought,
) -> None:
    company, erp = bought
    await known(company.house, 2)
    del erp.bought["PO-1"]

    found = await confirmed(company)

    assert (found.item_class, found.value_at_risk) == ("C", Decimal(200))
    last = await runs(company, HOURS)
    assert (last.value_at_risk, last.unpriced) == (Decimal(200), 0)


async def test_a_cost_of_another_location_and_the_class_of_the_catalogue_hold(
    bought: Bought,
) -> None:
    company, erp = bought
    now = company.house.now
    item = ItemChanged(sku="BOLT", base_unit="EA", item_class="B")
    fact = Fact(identity="b", payload=item, occurred_at=now, native_ref="BOLT", version=2)
    await company.house.hub.record([fact], source="sales")
    await known(company.house, 3, at="DC9")
    del erp.bought["PO-1"]

    found = await confirmed(company)

    assert (found.item_class, found.value_at_risk) == ("B", Decimal(300))


async def test_a_purchase_worth_more_than_the_cap_is_not_taken_off_by_itself(
    bought: Bought,
) -> None:
    company, erp = bought
    await known(company.house, 1_000_000)
    del erp.bought["PO-1"]
    await confirmed(company)

    await healed(company.house)

    assert await to_come(company.house) == {"PO-1/L1": 100, "PO-2/L1": 40}


async def test_a_purchase_worth_money_in_another_currency_is_left_to_a_person(
    bought: Bought,
) -> None:
    company, erp = bought
    hub = company.house.hub
    await hub.reconciliation.put_rules(hub.scope, Rules(brake=Brake(currency="EUR")), by="ann")
    await known(company.house, 1, "USD")
    del erp.bought["PO-1"]
    found = await confirmed(company)
    assert (found.value_at_risk, found.currency) == (Decimal(100), "USD")

    await healed(company.house)

    assert await to_come(company.house) == {"PO-1/L1": 100, "PO-2/L1": 40}


async def test_a_purchase_of_which_nobody_told_a_cost_has_no_price_and_is_taken_off(
    bought: Bought,
) -> None:
    company, erp = bought
    del erp.bought["PO-1"]
    found = await confirmed(company)
    assert (found.item_class, found.value_at_risk) == ("A", None)

    await healed(company.house)

    assert await to_come(company.house) == {"PO-2/L1": 40}
