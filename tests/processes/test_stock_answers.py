"""What becomes of an answer of single keys: believed as it is, kept until compared, taken."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.canonical.errors import Busy, Rejected
from crossdock.capabilities.inventory import LedgerAtCut
from crossdock.capabilities.reconciliation import (
    Asked,
    Reconciliation,
    Run,
    State,
    StockSampler,
    Wanted,
)
from crossdock.capabilities.reconciliation.key_counts import LASTS, KeyCounts
from crossdock.connectivity.stock_asking import Heard, Place
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from crossdock.orchestration.case_desk import CaseDesk
from tests.processes.shelf import (
    TICK,
    Warehouse,
    asked_warehouse,
    connect_items,
    wms_dump,
)

LIMIT = "from the ledger that its word is not recorded by itself"
APART = timedelta(minutes=31)
GOING = [f"ITEM-{number:03}" for number in range(100)]
GONE = [f"OLD-{number:03}" for number in range(100)]


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path) as warehouse:
        yield warehouse


async def ask(wms: Warehouse, items: Sequence[str]) -> Run:
    hub = wms.at.hub
    return (await hub.stock_sampler.ask(hub.scope, "wms", "DC1", items, by="ann")).run


async def test_a_page_of_discontinued_items_is_believed_and_is_no_measure_of_a_dump(
    wms: Warehouse,
) -> None:
    await connect_items(wms, GOING)
    await connect_items(wms, GONE, level=0)
    wms.shelf.levels |= dict.fromkeys(GOING, 100) | dict.fromkeys(GONE, 0)

    going, gone = await ask(wms, GOING), await ask(wms, GONE)
    dumped = await wms_dump(wms, **dict.fromkeys(GOING, 100))

    assert [one.verdict for one in (going, gone, dumped)] == ["DONE"] * 3
    assert (gone.compared, gone.alike) == (100, 100)


async def test_a_dump_of_zeros_is_still_refused_and_a_sample_does_not_end_its_case(
    wms: Warehouse,
) -> None:
    await connect_items(wms, GOING)
    wms.shelf.levels |= dict.fromkeys(GOING, 100)
    await wms_dump(wms, **dict.fromkeys(GOING, 100))

    refused = await wms_dump(wms, **dict.fromkeys(GOING, 0))
    sampled = await ask(wms, GOING)

    assert (refused.verdict, sampled.verdict) == ("REJECTED", "DONE")
    assert await wms.at.cases() == [("RCN-SNAPSHOT", "OPEN")]
    await wms_dump(wms, **dict.fromkeys(GOING, 100))
    assert await wms.at.cases() == [("RCN-SNAPSHOT", "a later snapshot was believed")]


class CannotCompareError(Exception):
    """What a hub raises that cannot compare just now."""


@dataclass
class Comparing:
    """Compares as the hub does, unless it is told to fail, at once or for an item."""

    real: Reconciliation
    fails: int = 0
    never: str = ""
    tried: list[list[str]] = field(default_factory=list[list[str]])

    async def compare(self, scope: Scope, asked: Asked) -> Run:
        assert asked.said is not None
        said = asked.said(str)
        items = sorted({line.item for line in said.lines or ()})
        self.tried.append(items)
        if self.fails > 0 or self.never in items:
            self.fails -= 1
            raise CannotCompareError
        return await self.real.compare(scope, asked)


@dataclass
class Systems:
    """Stands in for the connections: one warehouse that answers, or refuses to be taken from."""

    wms: Warehouse
    refuses: Exception | None = None
    rejects: str = ""
    taken: list[list[str]] = field(default_factory=list[list[str]])

    async def tenants(self) -> list[str]:
        return ["main"]

    async def places(self, _scope: Scope, _locations: Sequence[str]) -> list[Place]:
        return [Place("wms", "DC1", 100, 10_000_000)]

    async def ask(
        self, _scope: Scope, _connection: str, location: str, items: Sequence[str]
    ) -> Heard:
        facts = (await self.wms.shelf.stock_of(location, items)).translation.facts

        async def record() -> int:
            self.taken.append(list(items))
            if self.refuses is not None:
                raise self.refuses
            if self.rejects in items:
                raise Rejected(f"{self.rejects} is none of ours", code="unknown")
            await self.wms.at.hub.record(facts, source="wms")
            return len(facts)

        return Heard(facts, record)


@dataclass
class Bench:
    wms: Warehouse
    comparing: Comparing
    systems: Systems
    sampler: StockSampler
    number: int = 500

    async def tick(self) -> None:
        await self.wms.at.clock.advance(TICK)
        self.number += 1
        await self.wms.moves(self.number)
        await self.sampler.follow()

    async def suspected(self) -> list[str]:
        hub = self.wms.at.hub
        found = await hub.reconciliation.findings(hub.scope, Wanted(states=[State.SUSPECTED]))
        return sorted(one.item for one in found)

    async def answers_kept(self) -> int:
        hub = self.wms.at.hub
        async with hub.database.transaction(hub.scope) as tx:
            return int(
                await tx.fetchval(
                    "select count(*) from reconciliation_answer where tenant = 'main'"
                )
            )


@pytest.fixture
def bench(wms: Warehouse) -> Bench:
    hub = wms.at.hub
    comparing, systems = Comparing(hub.reconciliation), Systems(wms)
    around = (LedgerAtCut(), systems, comparing, CaseDesk())
    return Bench(wms, comparing, systems, StockSampler(hub.database, hub.clock, hub.ids, around))


async def test_an_answer_that_could_not_be_compared_is_compared_in_the_next_tick(
    bench: Bench,
) -> None:
    bench.wms.shelf.levels["BOLT"] = 93
    await bench.tick()
    bench.comparing.fails = 2

    with pytest.raises(CannotCompareError):
        await bench.tick()
    assert (await bench.suspected(), await bench.answers_kept()) == ([], 2)
    await bench.tick()

    assert bench.comparing.tried[-1] == ["BOLT", "NUT"]
    assert (await bench.suspected(), await bench.answers_kept()) == (["BOLT"], 1)


async def test_an_answer_that_never_can_be_compared_keeps_no_other_and_ends_after_a_day(
    bench: Bench,
) -> None:
    await connect_items(bench.wms, ["BAD"])
    bench.comparing.never = "BAD"
    bench.wms.shelf.levels |= {"BOLT": 93, "BAD": 1}
    [plan] = await bench.sampler.plans(Scope("main"))
    for items in (["BAD"], ["BOLT"]):
        await bench.sampler.read(Scope("main"), plan, items)
    del bench.wms.shelf.levels["BAD"]

    with pytest.raises(CannotCompareError):
        await bench.tick()

    assert bench.comparing.tried == [["BAD", "BOLT"], ["BAD"], ["BOLT"]]
    assert await bench.suspected() == ["BOLT"]
    for _ in range(24):
        with pytest.raises(CannotCompareError):
            await bench.tick()
    await bench.tick()
    assert await bench.answers_kept() <= 1


async def confirmed_by_dumps(wms: Warehouse, **levels: int) -> None:
    wms.shelf.levels |= levels
    for number in range(2):
        await wms.at.clock.advance(APART)
        await wms.moves(900 + number)
        await wms_dump(wms, **levels)


async def test_what_dumps_have_confirmed_is_taken_too(wms: Warehouse) -> None:
    await confirmed_by_dumps(wms, BOLT=93)

    await wms.ticks(1)
    await wms.at.hub.settle()

    assert await wms.on_hand() == 93


async def test_what_was_too_busy_to_be_taken_is_taken_later_and_the_plan_says_why(
    bench: Bench,
) -> None:
    await confirmed_by_dumps(bench.wms, BOLT=93)
    bench.systems.refuses = Busy("asked too often", retry_after=timedelta(minutes=5))
    await bench.tick()
    [plan] = await bench.sampler.plans(Scope("main"))
    bench.systems.refuses = None

    await bench.tick()
    await bench.tick()

    assert plan.refusal == "asked too often"
    assert bench.systems.taken == [["BOLT"], ["BOLT"]]
    assert await bench.wms.on_hand() == 93


async def test_one_item_that_a_keeper_will_not_tell_keeps_no_other_from_being_taken(
    bench: Bench,
) -> None:
    names = [f"ITEM-{number:03}" for number in range(100)]
    await connect_items(bench.wms, names)
    bench.wms.shelf.levels |= dict.fromkeys(names, 100)
    await confirmed_by_dumps(bench.wms, **{"ITEM-001": 90, "ITEM-002": 80})
    bench.systems.rejects = "ITEM-001"

    for _ in range(12):
        await bench.tick()

    assert ["ITEM-002"] in bench.systems.taken
    assert await bench.wms.on_hand("ITEM-002") == 80
    assert await bench.wms.on_hand("ITEM-001") == 100


async def test_where_a_keeper_differs_in_much_none_is_taken_and_a_person_hears_of_it(
    wms: Warehouse,
) -> None:
    await connect_items(wms, GOING[:40])
    wms.shelf.levels |= dict.fromkeys(GOING[:40], 100)
    await confirmed_by_dumps(wms, **{"ITEM-001": 90, "ITEM-002": 80})

    await wms.ticks(1)

    titles = [one.title for one in await wms.open_cases() if one.entity == "wms"]
    assert titles == [
        f"wms keeps so much that differs {LIMIT}: 2 of 50 keys would change",
    ]
    assert [await wms.on_hand(one) for one in ("ITEM-001", "ITEM-002")] == [100, 100]
    wms.shelf.levels["ITEM-002"] = 100
    await wms.ticks(6, 300)
    assert [await wms.on_hand(one) for one in ("ITEM-001", "ITEM-002")] == [90, 100]
    assert [one for one in await wms.open_cases() if one.entity == "wms"] == []


async def test_to_take_a_keepers_word_is_within_the_share_of_its_samples(
    wms: Warehouse,
) -> None:
    [plan] = await wms.at.hub.stock_sampler.plans(wms.at.hub.scope)
    await confirmed_by_dumps(wms, BOLT=93)

    await wms.ticks(plan.calls_a_day, 1_000)

    assert await wms.on_hand() == 93
    assert len(wms.shelf.asked) <= plan.calls_a_day


class Counted(LedgerAtCut):
    """Counts how often it is asked how many keys there are."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    async def places(self, tx: Transaction) -> dict[str, int]:
        self.times += 1
        return await super().places(tx)


@pytest.mark.parametrize(("remembered_from", "expected"), [(0, 2), (1, 7)])
async def test_many_keys_are_counted_once_an_hour_and_few_each_time(
    database: Database, clock: VirtualClock, remembered_from: int, expected: int
) -> None:
    counts = KeyCounts(clock, ledger := Counted(), remembered_from)
    for _ in range(7):
        async with database.transaction(Scope("main")) as tx:
            await counts.of(tx)
        await clock.advance(LASTS / 6)

    assert ledger.times == expected
