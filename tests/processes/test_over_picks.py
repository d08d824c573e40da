"""More picked than ordered is somebody's, beyond a tolerance, until it is not (I7, ORD-LEDGER)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.cases import OpenCase
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.inventory import MovementType, Place, StockMoved, StockStatus
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory.over_picks import OverPicks
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Transaction
from crossdock.foundation.settings import Settings
from crossdock.orchestration.case_desk import CaseDesk
from crossdock.orchestration.cases import Case

JOB = "watch over-picks"
HALF, FIVE = timedelta(minutes=30), timedelta(minutes=5)
SHELF = Place(location="DC1")
STAGED = Place(location="DC1", status=StockStatus.STAGED_OUT)
TOLERANCE = 10


class Picking:
    """A hub that lets a tenth more be picked than ordered."""

    def __init__(self, hub: Hub, clock: VirtualClock) -> None:
        self.hub, self.clock = hub, clock
        self._told = 0

    def order(self, name: str, pieces: int, cancelled: int = 0, item: str = "BOLT") -> Payload:
        line = DemandLine(
            demand_ref=f"{name}/1",
            item=item,
            location="DC1",
            ordered=Quantity.of(pieces),
            cancelled=Quantity.of(cancelled),
        )
        return OrderChanged(order_id=name, lines=(line,))

    def pick(self, name: str, pieces: int, item: str = "BOLT") -> Payload:
        """Pick for an order's line; less than zero puts back."""
        self._told += 1
        is_pick = pieces > 0
        return StockMoved(
            movement_id=f"M{self._told}",
            item=item,
            quantity=Quantity.of(abs(pieces)),
            type=MovementType.PICK if is_pick else MovementType.UNPICK,
            source_place=SHELF if is_pick else STAGED,
            target_place=STAGED if is_pick else SHELF,
            demand_ref=f"{name}/1",
        )

    async def hear(self, *said: Payload, replay: bool = False) -> None:
        facts: list[Fact] = []
        for one in said:
            self._told += 1
            fact = Fact(
                identity=f"f{self._told}",
                payload=one,
                occurred_at=self.clock.now(),
                version=self._told,
                replay=replay,
            )
            facts.append(fact)
        for verdict in await self.hub.record(facts, source="erp"):
            assert not verdict.reason

    async def after(self, step: timedelta) -> list[Case]:
        await self.clock.advance(step)
        assert JOB in await self.hub.jobs.run_due()
        found = await self.hub.cases.find(self.hub.scope)
        return [one for one in found if one.code == "ORD-LEDGER"]


@pytest.fixture
async def picking(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Picking]:
    settings = Settings(data_dir=tmp_path, dsn=SecretStr(dsn), over_pick_percent=TOLERANCE)
    async with Hub.open(settings, Outside(clock=clock)) as hub:
        house = Picking(hub, clock)
        items = [ItemChanged(sku=sku) for sku in ("BOLT", "KIT")]
        await house.hear(*items, LocationChanged(code="DC1"))
        yield house


async def test_an_over_pick_that_lasts_is_a_case_until_goods_go_back(picking: Picking) -> None:
    await picking.hear(picking.order("SO-1", 10), picking.pick("SO-1", 12))
    assert await picking.after(HALF - FIVE) == []

    [case] = await picking.after(FIVE)
    assert (case.severity, case.owner_role, case.entity) == ("S1", "Integration", "SO-1")
    assert case.title == "SO-1/1: 12 of BOLT picked, 10 ordered"
    assert case.due_at == picking.clock.now() + timedelta(hours=1)
    [again] = await picking.after(HALF)
    assert again.count == 1

    await picking.hear(picking.pick("SO-1", -1))
    assert await picking.after(FIVE) == []


async def test_an_over_pick_within_the_tolerance_is_none_until_it_is_beyond(
    picking: Picking,
) -> None:
    await picking.hear(picking.order("SO-1", 10), picking.pick("SO-1", 11))
    assert await picking.after(HALF) == []

    await picking.hear(picking.pick("SO-1", 1))
    assert await picking.after(FIVE) == []
    assert len(await picking.after(HALF)) == 1


async def test_an_over_pick_ends_when_the_order_says_more(picking: Picking) -> None:
    await picking.hear(picking.order("SO-1", 10), picking.pick("SO-1", 12))
    assert len(await picking.after(HALF)) == 1

    await picking.hear(picking.order("SO-1", 12))
    assert await picking.after(FIVE) == []


@pytest.mark.parametrize("seed", range(4))
async def test_an_over_pick_is_a_case_for_just_the_lines_that_end_beyond_the_tolerance(
    picking: Picking, seed: int
) -> None:
    random = Random(seed)
    picked: dict[str, int] = {}
    said: dict[str, int] = {}
    for _ in range(40):
        name = f"SO-{random.randrange(8)}"
        if random.random() < 0.3:
            said[name] = random.randrange(1, 30)
            await picking.hear(picking.order(name, said[name]))
        else:
            pieces = random.choice([-2, -1, 1, 2, 5, 9])
            picked[name] = picked.get(name, 0) + pieces
            await picking.hear(picking.pick(name, pieces))
        if random.random() < 0.3:
            await picking.after(random.choice([FIVE, HALF]))

    await picking.after(HALF)
    found = await picking.after(HALF)
    beyond = {
        name
        for name, pieces in said.items()
        if picked.get(name, 0) * 100 > pieces * (100 + TOLERANCE)
    }
    assert {case.entity for case in found} == beyond


class BusyDesk(CaseDesk):
    """A desk at which goods are put back while a case is opened."""

    def __init__(self, picking: Picking, pieces: int) -> None:
        self._picking, self._pieces = picking, pieces
        self.folds: list[asyncio.Task[None]] = []

    async def opened(self, tx: Transaction, wanted: Sequence[OpenCase], now: datetime) -> None:
        await self._meanwhile()
        await super().opened(tx, wanted, now)

    async def closed(
        self, tx: Transaction, fingerprints: Sequence[str], resolution: str, now: datetime
    ) -> None:
        await self._meanwhile()
        await super().closed(tx, fingerprints, resolution, now)

    async def _meanwhile(self) -> None:
        said = self._picking.pick("SO-1", self._pieces)
        self.folds.append(asyncio.create_task(self._picking.hear(said)))
        await asyncio.wait(self.folds, timeout=0.5)


async def looked(picking: Picking, desk: BusyDesk) -> None:
    hub = picking.hub
    await OverPicks(hub.database, picking.clock, desk, percent=TOLERANCE).watch()
    await asyncio.gather(*desk.folds)


async def test_what_is_put_back_while_a_case_is_opened_closes_it_at_the_next_look(
    picking: Picking,
) -> None:
    await picking.hear(picking.order("SO-1", 10), picking.pick("SO-1", 12))
    await picking.clock.advance(HALF)

    await looked(picking, BusyDesk(picking, -5))

    assert await picking.after(FIVE) == []


async def test_what_is_picked_while_a_case_is_closed_opens_another(picking: Picking) -> None:
    await picking.hear(picking.order("SO-1", 10), picking.pick("SO-1", 12))
    assert len(await picking.after(HALF)) == 1
    await picking.hear(picking.pick("SO-1", -5))

    await looked(picking, BusyDesk(picking, 9))

    await picking.after(HALF)
    [case] = await picking.after(HALF)
    assert case.title == "SO-1/1: 16 of BOLT picked, 10 ordered"


async def test_components_that_are_picked_for_a_kits_line_are_no_over_pick_of_the_kit(
    picking: Picking,
) -> None:
    await picking.hear(picking.pick("SO-1", 8), picking.order("SO-1", 1, item="KIT"))
    await picking.hear(picking.order("SO-2", 1, item="KIT"), picking.pick("SO-2", 4))
    await picking.after(HALF)
    assert await picking.after(HALF) == []

    await picking.hear(picking.pick("SO-2", 3, item="KIT"))
    await picking.after(FIVE)
    [case] = await picking.after(HALF)
    assert case.title == "SO-2/1: 3 of KIT picked, 1 ordered"


async def test_history_that_is_filled_in_opens_no_case_and_closes_one(picking: Picking) -> None:
    await picking.hear(picking.order("SO-1", 10), picking.pick("SO-1", 40), replay=True)
    await picking.hear(picking.order("SO-2", 10), picking.pick("SO-2", 12))
    await picking.after(HALF)
    [case] = await picking.after(HALF)
    assert case.entity == "SO-2"

    await picking.hear(picking.pick("SO-2", -5), replay=True)
    assert await picking.after(FIVE) == []

    await picking.hear(picking.pick("SO-1", 1))
    await picking.after(FIVE)
    [now_wrong] = await picking.after(HALF)
    assert now_wrong.title == "SO-1/1: 41 of BOLT picked, 10 ordered"
