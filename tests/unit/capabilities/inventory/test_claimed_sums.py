"""What orders claim is kept as sums by who ordered, and they are the sums of the order lines."""

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.claimed_sums import CLAIMED_BY
from tests.conftest import execute
from tests.unit.capabilities.inventory.house import (
    MAIN,
    House,
    count,
    counted,
    demand,
    moved,
    ordered,
    place,
)

STORED = """
select s.item, s.location, c.customer, c.channel, c.micros
from inventory_claimed c join inventory_stock s using (tenant, stock_id)
where c.tenant = $1
"""
BY_HAND = """
select s.item, s.location, w.customer, d.channel, sum(d.ordered - d.cancelled - d.picked)::bigint
from inventory_demand d join inventory_stock s using (tenant, stock_id)
cross join lateral (select distinct * from unnest(array['', d.customer])) w(customer)
where d.tenant = $1 and d.order_id <> '' and d.ordered > d.cancelled + d.picked
group by 1, 2, 3, 4
"""
CUSTOMERS = ("", "metro", "EDEKA ")
CHANNELS = ("", "web", "WEB", "desk")
MANY = """
insert into inventory_stock (tenant, stock_id, item, location)
overriding system value select 'main', g, 'I' || g, 'DC1' from generate_series(1000, 1199) g;
insert into inventory_claimed (tenant, stock_id, customer, channel, micros)
select 'main', 1000 + g % 200, case when g < 200 then '' else 'C' || g end, 'WEB', g + 1
from generate_series(0, 19999) g;
analyze inventory_claimed;
"""


def bought(order: str, version: int, customer: str, channel: str, *lines: DemandLine) -> Fact:
    said = ordered(order, version, *lines)
    assert isinstance(said.payload, OrderChanged)
    return replace(said, payload=replace(said.payload, customer=customer, channel=channel))


async def sums(house: House, statement: str) -> set[tuple[Any, ...]]:
    async with house.database.transaction(MAIN) as tx:
        return {tuple(row) for row in await tx.fetch(statement, MAIN.tenant)}


@pytest.mark.parametrize("seed", range(6))
async def test_the_sums_are_those_of_the_lines_whatever_becomes_of_them(
    house: House, seed: int
) -> None:
    random, versions = Random(seed), dict[str, int]()
    await house.hear(counted(0, count(900), count(900, item="Y")))
    for number in range(1, 25):
        order = f"o{random.randrange(4)}"
        versions[order] = versions.get(order, 0) + random.choice([1, 1, 1, 0, -1])
        who = random.choice(CUSTOMERS), random.choice(CHANNELS)
        lines = [
            demand(
                f"{order}/{line}", random.randrange(9), random.randrange(3),
                item=random.choice("XY"), location=random.choice(["DC1", "DC2"]),
            )
            for line in range(random.randrange(4))
        ]  # fmt: skip
        facts = [bought(order, versions[order], *who, *lines)]
        if random.random() < 0.4:
            ref = f"o{random.randrange(4)}/{random.randrange(3)}"
            taken = random.randrange(1, 5)
            facts.append(moved(number, taken, place(), None, demand_ref=ref))
        source = random.choice(["erp", "shop"])
        await house.hear(*facts, source=source)

        assert await sums(house, STORED) == await sums(house, BY_HAND)


async def test_a_sum_of_nothing_is_not_kept(house: House) -> None:
    await house.hear(bought("o1", 1, "METRO", "web", demand("o1/1", 5)))
    assert await sums(house, STORED) == {
        ("X", "DC1", "", "WEB", 5 * MICROS),
        ("X", "DC1", "METRO", "WEB", 5 * MICROS),
    }

    await house.hear(bought("o1", 2, "METRO", "web", demand("o1/1", 5, 5)))
    assert await sums(house, STORED) == set()


async def test_an_order_of_no_channel_is_its_sources(house: House) -> None:
    await house.hear(bought("o1", 1, "", "", demand("o1/1", 5)), source="erp")

    assert await sums(house, STORED) == {("X", "DC1", "", "ERP", 5 * MICROS)}


async def test_no_sums_of_other_items_or_customers_are_read(house: House, dsn: str) -> None:
    await execute(dsn, MANY)
    explained = f"explain (analyze, buffers, format json) {CLAIMED_BY}"
    async with house.database.transaction(MAIN) as tx:
        await tx.execute("set local enable_seqscan = off")
        [row] = await tx.fetch(explained, "main", ["I1001"], ["DC1"], ["", "C1201"])

    plan = json.loads(row[0])[0]["Plan"]
    assert plan["Actual Rows"] == 2
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= 20
