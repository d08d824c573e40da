"""A kit of kits that left whole here and was taken apart to the bottom in other books (§4.4)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.canonical.catalog import KitChanged, KitComponent
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import MovementType, Place
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.catalog import OWN_SOURCE
from crossdock.capabilities.reconciliation import Cause, Wanted
from tests.conftest import NOON
from tests.processes.books import movement
from tests.processes.shelf import Warehouse, asked_warehouse, connect_items, erp_confirms

BILLS = {
    "BED": {"FRAME": 1, "DRAWER": 2},
    "FRAME": {"BOARD": 6},
    "DRAWER": {"BOARD": 4, "KNOB": 1},
}

SHELF = Place(location="DC1")


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path) as warehouse:
        yield warehouse


async def test_a_kit_of_kits_is_told_from_a_lost_message_down_to_its_last_component(
    wms: Warehouse,
) -> None:
    await connect_items(wms, ["BED", "FRAME", "DRAWER", "BOARD", "KNOB"])
    for kit, parts in reversed(BILLS.items()):
        components = tuple(
            KitComponent(item=part, quantity=Quantity.of(per)) for part, per in parts.items()
        )
        bill = KitChanged(item=kit, quantity=Quantity.of(1), components=components)
        told = Fact(identity=f"kit:{kit}", payload=bill, occurred_at=NOON)
        [verdict] = await wms.at.hub.record([told], source=OWN_SOURCE)
        assert not verdict.reason
    await wms.at.hub.settle()
    await wms.at.clock.advance(timedelta(hours=1))
    now = wms.at.clock.now()
    left = movement(
        800, MovementType.SHIP, "1 EA", item="BED", ends=(SHELF, None), at=now, recorded_at=now
    )
    await wms.at.hub.record([left], source="wms")
    await wms.at.clock.advance(timedelta(hours=5))

    run = await erp_confirms(wms, 900, BED=100, FRAME=100, DRAWER=100, BOARD=86, KNOB=98)

    found = await wms.at.hub.reconciliation.findings(
        wms.at.hub.scope, Wanted(states=["CONFIRMED"])
    )
    assert run.confirmed == 3
    assert {one.item: one.cause for one in found} == dict.fromkeys(
        ("BED", "BOARD", "KNOB"), Cause.KIT_EXPLOSION
    )
