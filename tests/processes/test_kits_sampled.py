"""What only several keys tell stays told when one of them is asked for alone (§4.3, §4.4)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.canonical.catalog import KitChanged, KitComponent
from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.catalog import OWN_SOURCE
from crossdock.capabilities.reconciliation import Wanted
from tests.conftest import NOON
from tests.processes.shelf import TICK, Warehouse, asked_warehouse, connect_items, wms_dump

KIT = ("KIT_EXPLOSION", "MASTER_DATA")


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path) as warehouse:
        yield warehouse


async def dumped(wms: Warehouse, number: int, **levels: int) -> None:
    await wms.at.clock.advance(TICK)
    await wms.moves(number)
    await wms_dump(wms, **levels)


async def told(wms: Warehouse) -> list[tuple[str, str, str]]:
    wanted = Wanted(states=["CONFIRMED"])
    found = await wms.at.hub.reconciliation.findings(wms.at.hub.scope, wanted)
    return [(one.item, one.cause, one.remedy) for one in found]


async def asked_alone(wms: Warehouse, number: int, level: int) -> None:
    wms.shelf.levels["K"] = level
    await wms.at.clock.advance(TICK)
    await wms.moves(number)
    await wms.at.hub.stock_sampler.ask(wms.at.hub.scope, "wms", "DC1", ["K"], by="ann")


async def test_a_wrong_bill_stays_master_data_when_its_kit_is_asked_for_alone(
    wms: Warehouse,
) -> None:
    """K is one too many there and A two too few, which is within tolerance: a bill of two A."""
    await connect_items(wms, ["K"])
    await connect_items(wms, ["A"], 1_000)
    part = KitComponent(item="A", quantity=Quantity.of(2))
    bill = KitChanged(item="K", quantity=Quantity.of(1), components=(part,))
    await wms.at.hub.record(
        [Fact(identity="kit:K", payload=bill, occurred_at=NOON)], source=OWN_SOURCE
    )
    await wms.at.hub.settle()
    wms.shelf.levels |= {"K": 101, "A": 998}
    for number in (700, 701):
        await dumped(wms, number, K=101, A=998)
    assert await told(wms) == [("K", *KIT)]

    await asked_alone(wms, 702, 101)
    assert await told(wms) == [("K", *KIT)]
    for number in (703, 704):
        await asked_alone(wms, number, 102)
    [(_, _, remedy)] = await told(wms)
    assert remedy == "MASTER_DATA"

    await wms.ticks(2, 710)
    await wms.at.hub.settle()
    assert await wms.on_hand("K") == 100
