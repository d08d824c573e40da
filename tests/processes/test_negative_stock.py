"""Stock below zero is somebody's where no late fact heals it, and is counted (INV-NEG)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.inventory import MovementType, Place, StockMoved, StockStatus
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.inventory import negative
from crossdock.capabilities.inventory.negative import (
    APART_MAX,
    SHOWN,
    TOGETHER_MIN,
    Below,
    negative_cases,
)
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import WorkersSql
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from crossdock.orchestration.cases import Case

JOB = "watch negative stock"
EXPLAIN = "explain (analyze, format json) "
HALF = timedelta(minutes=30)
SHELF = Place(location="DC1")
DOCK = Place(location="DC1", status=StockStatus.RECEIVING)


class Warehouse:
    def __init__(self, hub: Hub, clock: VirtualClock) -> None:
        self.hub, self.clock = hub, clock
        self._told = 0

    async def hear(self, *said: Payload) -> None:
        facts: list[Fact] = []
        for one in said:
            self._told += 1
            at = self.clock.now()
            facts.append(
                Fact(identity=f"f{self._told}", payload=one, occurred_at=at, version=self._told)
            )
        await self.hub.record(facts, source="wms")

    async def move(
        self, pieces: int, source: Place | None, target: Place | None, item: str = "BOLT"
    ) -> None:
        moved = StockMoved(
            movement_id=f"M{self._told}",
            item=item,
            quantity=Quantity.of(pieces),
            type=MovementType.OTHER,
            source_place=source,
            target_place=target,
        )
        await self.hear(moved)

    async def after(self, step: timedelta) -> list[Case]:
        """Let so much time pass and the job run; give the open cases."""
        await self.clock.advance(step)
        assert JOB in await self.hub.jobs.run_due()
        return await self.hub.cases.find(self.hub.scope)

    async def close(self, case: Case) -> None:
        await self.hub.cases.close(self.hub.scope, case.case_id, reason="a bin is mended")

    async def to_count(self) -> list[tuple[str, str]]:
        await self.hub.count_tasks.follow()
        tasks = await self.hub.count_tasks.listed(self.hub.scope)
        return [(one.item, one.reason) for one in tasks]


@pytest.fixture
async def warehouse(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Warehouse]:
    settings = Settings(data_dir=tmp_path, dsn=SecretStr(dsn))
    async with Hub.open(settings, Outside(clock=clock)) as hub:
        house = Warehouse(hub, clock)
        items = [ItemChanged(sku=f"I{n}") for n in range(APART_MAX + 1)]
        await house.hear(ItemChanged(sku="BOLT"), LocationChanged(code="DC1"), *items)
        yield house


async def test_stock_below_zero_for_half_an_hour_is_a_case_and_is_counted_until_it_is_not(
    warehouse: Warehouse,
) -> None:
    await warehouse.move(4, SHELF, None)
    assert await warehouse.after(timedelta(minutes=5)) == []
    assert await warehouse.after(HALF - timedelta(minutes=5)) == []
    assert await warehouse.to_count() == []

    [case] = await warehouse.after(timedelta(minutes=5))
    assert (case.code, case.severity, case.owner_role) == ("INV-NEG", "S2", "Inventory control")
    assert (case.entity, case.title) == ("BOLT", "BOLT is below zero at DC1: -4 EA")
    assert case.due_at == warehouse.clock.now() + timedelta(hours=4)
    assert await warehouse.to_count() == [("BOLT", "NEGATIVE")]
    [again] = await warehouse.after(HALF)
    assert again.count == 1

    await warehouse.move(4, None, SHELF)
    assert await warehouse.after(timedelta(minutes=5)) == []
    assert await warehouse.to_count() == []


async def test_as_stock_falls_further_below_zero_its_case_says_how_much(
    warehouse: Warehouse,
) -> None:
    await warehouse.move(1, SHELF, None)
    await warehouse.after(timedelta(0))
    [before] = await warehouse.after(HALF)

    await warehouse.move(500, SHELF, None)
    [case] = await warehouse.after(timedelta(minutes=5))
    assert (case.case_id, case.due_at) == (before.case_id, before.due_at)
    assert case.title == "BOLT is below zero at DC1: -501 EA"
    assert case.evidence["below_zero"][0]["in_base_unit"] == "-501"


async def test_a_case_that_is_closed_by_hand_comes_back_while_stock_stays_below_zero(
    warehouse: Warehouse,
) -> None:
    await warehouse.move(1, SHELF, None)
    await warehouse.after(timedelta(0))
    [case] = await warehouse.after(HALF)
    await warehouse.close(case)

    [again] = await warehouse.after(timedelta(minutes=5))
    assert again.case_id != case.case_id

    await warehouse.close(again)
    await warehouse.move(1, None, SHELF)
    assert await warehouse.after(timedelta(minutes=5)) == []


async def test_a_locations_case_that_is_closed_by_hand_hides_no_item_later(
    warehouse: Warehouse,
) -> None:
    for n in range(APART_MAX + 1):
        await warehouse.move(1, SHELF, None, item=f"I{n}")
    await warehouse.after(timedelta(0))
    [case] = await warehouse.after(HALF)
    await warehouse.close(case)
    await warehouse.move(9_000, SHELF, None)
    await warehouse.after(timedelta(minutes=5))

    [again] = await warehouse.after(HALF)
    assert again.title == f"{APART_MAX + 2} items are below zero at DC1"
    assert again.evidence["below_zero"][0]["item"] == "BOLT"  # the worst first


async def test_what_no_count_of_the_shelf_can_mend_is_not_to_be_counted(
    warehouse: Warehouse,
) -> None:
    theirs = Place(location="DC1", owner="THEIRS")
    await warehouse.move(4, DOCK, SHELF)
    await warehouse.move(2, theirs, None, item="I0")
    await warehouse.after(timedelta(0))
    assert len(await warehouse.after(HALF)) == 2
    assert await warehouse.to_count() == []

    await warehouse.move(5, SHELF, None)
    await warehouse.after(timedelta(minutes=5))
    assert await warehouse.to_count() == [("BOLT", "NEGATIVE")]


async def test_what_a_late_fact_heals_within_half_an_hour_is_nobodys(warehouse: Warehouse) -> None:
    await warehouse.move(4, SHELF, None)
    await warehouse.after(timedelta(minutes=5))
    await warehouse.move(9, None, SHELF)
    await warehouse.after(timedelta(minutes=20))
    await warehouse.move(6, SHELF, None)

    assert await warehouse.after(timedelta(minutes=20)) == []
    assert len(await warehouse.after(HALF)) == 1


async def test_the_dock_is_below_zero_by_all_its_lots_together(warehouse: Warehouse) -> None:
    lot = Place(location="DC1", status=StockStatus.RECEIVING, lot="L1")
    await warehouse.move(10, None, DOCK)
    await warehouse.move(10, lot, SHELF)
    await warehouse.after(timedelta(minutes=5))
    assert await warehouse.after(HALF) == []

    await warehouse.move(1, lot, SHELF)
    await warehouse.after(timedelta(minutes=5))
    [case] = await warehouse.after(HALF)
    assert case.evidence["below_zero"][0]["lot"] == "L1"


async def test_a_location_of_which_much_is_below_zero_is_one_case(warehouse: Warehouse) -> None:
    for n in range(APART_MAX + 1):
        await warehouse.move(1, SHELF, None, item=f"I{n}")
    await warehouse.after(timedelta(minutes=5))
    [case] = await warehouse.after(HALF)
    assert case.title == f"{APART_MAX + 1} items are below zero at DC1"
    assert len(case.evidence["below_zero"]) == SHOWN

    for n in range(APART_MAX + 1 - TOGETHER_MIN):
        await warehouse.move(1, None, SHELF, item=f"I{n}")
    [same] = await warehouse.after(timedelta(minutes=5))
    assert same.case_id == case.case_id

    await warehouse.move(1, None, SHELF, item=f"I{APART_MAX}")
    assert len(await warehouse.after(timedelta(minutes=5))) == TOGETHER_MIN - 1


def rows_read(plan: dict[str, Any]) -> int:
    """Count the rows that a plan has read of the positions, those it passed over too."""
    read = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    count = sum(rows_read(one) for one in plan.get("Plans", ()))
    if plan.get("Relation Name") == "inventory_position":
        count += int(plan["Actual Loops"] * sum(plan.get(name, 0) for name in read))
    return count


async def test_what_is_below_zero_is_found_by_an_index_of_it_alone(warehouse: Warehouse) -> None:
    async with warehouse.hub.database.transaction(Scope("main")) as tx:
        await tx.execute(
            "insert into inventory_position (tenant, item, location, status, micros) "
            "select 'main', 'N' || n, 'DC1', 'AVAILABLE', n - 4 from generate_series(1, 9000) n"
        )
    async with warehouse.hub.database.transaction(Scope("main")) as tx:
        of_one = await tx.fetchval(EXPLAIN + negative.BELOW, "main", negative.PASSING)
    async with warehouse.hub.database.transaction(Scope.of_workers()) as tx:
        of_all = await tx.fetchval(WorkersSql(EXPLAIN + negative.TENANTS.text))
    for explained in (of_one, of_all):
        [plan] = msgspec.json.decode(explained)
        assert rows_read(plan["Plan"]) == 3


@given(st.dictionaries(st.tuples(st.sampled_from(["DC1", "DC2"]), st.integers(0, 99)),
                       st.integers(1, 10**9), max_size=150),
       st.sampled_from([frozenset[str](), frozenset({"DC1"})]))  # fmt: skip
def test_each_item_below_zero_is_told_by_one_case_and_a_location_by_fifty_at_most(
    known: dict[tuple[str, int], int], together: frozenset[str]
) -> None:
    below = {
        (at, f"I{n}"): [Below(at, f"I{n}", "AVAILABLE", "", "", "", -micros * MICROS, "EA")]
        for (at, n), micros in known.items()
    }
    cases = negative_cases(below, together)

    assert cases.keys() == below.keys()
    for at in ("DC1", "DC2"):
        names = {one.fingerprint for key, one in cases.items() if key[0] == at}
        count = sum(key[0] == at for key in below)
        most = TOGETHER_MIN - 1 if at in together else APART_MAX
        assert len(names) == (count if count <= most else 1)
