"""A dump of the ERP against the ledger of the warehouse: found, explained, confirmed, closed."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, ItemUnit, LocationChanged, Tracking
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    Place,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.reconciliation import (
    DifferenceClosed,
    DifferenceConfirmed,
    SnapshotRejected,
)
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.reconciliation import (
    Asked,
    Dump,
    Finding,
    Line,
    LogDump,
    Parts,
    Policy,
    Reading,
    Reconciliation,
    Run,
    Said,
    Spelled,
    Wanted,
    instant_of,
)
from crossdock.capabilities.reconciliation.ports import Goods, KnowsNames
from crossdock.connectivity.proposals import Teller
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Position
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from tests.conftest import NOON

HOUR = timedelta(hours=1)
HEADER = "item,location,status,quantity,as_of"
SAID = f"{HEADER},remark"
"""The same for rows that say themselves as of when."""


class House:
    """A hub whose warehouse keeps DC1, and an ERP that dumps its own idea of it."""

    def __init__(self, hub: Hub, clock: VirtualClock, folder: Path) -> None:
        self.hub = hub
        self.clock = clock
        self.folder = folder
        self.number = 0

    async def counted(self, **levels: int) -> None:
        """Let the warehouse count, fully, a moment ago."""
        lines = tuple(
            CountedStock(item=item.replace("_", "-"), quantity=Quantity.of(level))
            for item, level in levels.items()
        )
        self.number += 1
        taken = StockSnapshotTaken(
            snapshot_id=f"S-{self.number}", location="DC1", lines=lines, is_full=True
        )
        await self.tell(Fact(identity=f"s{self.number}", payload=taken, occurred_at=self.at))

    async def moved(
        self,
        item: str,
        quantity: int,
        kind: MovementType,
        *,
        reference: str = "",
        occurred_at: datetime | None = None,
    ) -> None:
        self.number += 1
        shelf = Place(location="DC1")
        moved = StockMoved(
            movement_id=f"M-{self.number}",
            item=item,
            quantity=Quantity.of(abs(quantity)),
            type=kind,
            source_place=shelf if quantity < 0 else None,
            target_place=shelf if quantity > 0 else None,
            document_ref=reference,
        )
        fact = Fact(
            identity=f"movement:M-{self.number}",
            payload=moved,
            occurred_at=occurred_at or self.at,
            recorded_at=self.at,
        )
        await self.tell(fact)

    async def tell(self, fact: Fact) -> None:
        for verdict in await self.hub.record([fact], source="wms"):
            assert not verdict.reason

    @property
    def at(self) -> datetime:
        return self.clock.now()

    async def dumped(
        self, *rows: str, header: str = HEADER, full: bool = False, lag: int | None = None
    ) -> Run:
        """Compare with what the ERP says now."""
        stock = self.folder / "stock.csv"
        said = [f"{row},{self.at.isoformat()}" if header == HEADER else row for row in rows]
        stock.write_text("\n".join([header, *said]) + "\n")

        def read(spelled: Spelled) -> Said:
            dump = Dump(stock, Reading(), spelled)
            return Said(lines=dump.lines(), parts=dump.parts, is_full=full)

        return await self.hub.reconciliation.compare(
            self.hub.scope, Asked(against="erp", by="test", said=read, lag_minutes=lag)
        )

    async def twice(self, *rows: str, full: bool = False) -> Run:
        await self.dumped(*rows, full=full)
        await self.clock.advance(HOUR)
        return await self.dumped(*rows, full=full)

    async def findings(self, *states: str) -> list[Finding]:
        wanted = Wanted(states=states or None)
        return await self.hub.reconciliation.findings(self.hub.scope, wanted)

    async def told(self) -> list[object]:
        async with self.hub.database.transaction(Scope("main")) as tx:
            events, _ = await event_log.read(tx, Position(), limit=1000)
        return [event.payload for event in events]


@pytest.fixture
async def house(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[House]:
    settings = Settings(dsn=SecretStr(dsn), data_dir=tmp_path, log_level="ERROR")
    async with Hub.open(settings, Outside(clock=clock, applications={})) as hub:
        case = (ItemUnit(unit="CS", numerator=12),)
        facts = [own_fact(ItemChanged(sku=f"SKU-{n}", units=case), NOON) for n in range(1, 6)]
        facts.append(own_fact(ItemChanged(sku="PUMP", tracking=Tracking.SERIAL), NOON))
        facts.append(own_fact(LocationChanged(code="DC1"), NOON))
        await hub.record(facts, source=OWN_SOURCE)
        yield House(hub, clock, tmp_path)


async def test_what_is_alike_is_no_finding(house: House) -> None:
    await house.counted(SKU_1=40, SKU_2=0)

    run = await house.dumped("sku-1,dc1,AVAILABLE,40", "SKU-2,DC1,available,0")

    assert (run.verdict, run.compared, run.alike) == ("DONE", 2, 2)
    assert await house.findings() == []


async def test_a_difference_is_suspected_then_confirmed_with_case_event_and_money(
    house: House,
) -> None:
    await house.counted(SKU_1=40)
    await house.clock.advance(HOUR)
    header = f"{HEADER},unit_cost,class"

    for _ in range(2):
        row = f"SKU-1,DC1,AVAILABLE,45,{house.at.isoformat()},2.5,B"
        await house.dumped(row, header=header)
        await house.clock.advance(HOUR)

    [run, _] = await house.hub.reconciliation.runs(house.hub.scope)
    assert (run.suspected, run.confirmed, run.value_at_risk) == (0, 1, Decimal("12.5"))
    [found] = await house.findings("CONFIRMED")
    assert [str(n) for n in (found.ours, found.theirs, found.unexplained)] == ["40", "45", "5"]
    assert (found.cause, found.remedy, found.item_class) == ("UNKNOWN", "COUNT", "B")
    assert found.times == 2
    [case] = await house.hub.cases.find(house.hub.scope)
    assert (case.code, case.owner_role) == ("INV-SUSPECT", "Inventory control")
    assert (case.severity, case.evidence["value_at_risk"]) == ("S3", "12.5")
    [told] = [event for event in await house.told() if isinstance(event, DifferenceConfirmed)]
    assert (told.finding_id, told.value_at_risk) == (found.finding_id, Decimal("12.5"))


@pytest.mark.parametrize(
    ("cost", "value", "severity"),
    [("2000", "10000", "S3"), ("2000.2", "10001", "S2"), ("", None, "S3")],
)
async def test_a_difference_of_more_money_than_the_cap_is_urgent_for_inventory_control(
    house: House, cost: str, value: str | None, severity: str
) -> None:
    """Of what has no price nobody knows, and the case says so (§4.3)."""
    await house.counted(SKU_1=40)
    await house.clock.advance(HOUR)
    for _ in range(2):
        row = f"SKU-1,DC1,AVAILABLE,45,{house.at.isoformat()},{cost},C"
        await house.dumped(row, header=f"{HEADER},unit_cost,class")
        await house.clock.advance(HOUR)

    [case] = await house.hub.cases.find(house.hub.scope)

    assert (case.severity, case.owner_role) == (severity, "Inventory control")
    assert (case.evidence["value_at_risk"], case.evidence["is_above_cap"]) == (
        value,
        severity == "S2",
    )


async def test_the_same_dump_again_confirms_nothing(house: House) -> None:
    await house.counted(SKU_1=40)
    await house.clock.advance(HOUR)
    row = f"SKU-1,DC1,AVAILABLE,45,{house.at.isoformat()}"

    for _ in range(3):
        await house.dumped(row, header=SAID)
        await house.clock.advance(HOUR)

    assert [(one.state, one.times) for one in await house.findings()] == [("SUSPECTED", 1)]


async def test_what_moved_after_the_dump_is_taken_off_again(house: House) -> None:
    await house.counted(SKU_1=40)
    as_of = house.at
    await house.clock.advance(HOUR)
    await house.moved("SKU-1", -7, MovementType.SHIP)
    await house.moved("SKU-2", 3, MovementType.RECEIPT, occurred_at=NOON - 3 * HOUR)

    told = ("SKU-1,DC1,AVAILABLE,40", "SKU-2,DC1,AVAILABLE,0")
    run = await house.dumped(*(f"{row},{as_of.isoformat()}" for row in told), header=SAID)

    assert (run.alike, run.latest_cut) == (2, as_of)


async def test_a_suspicion_that_is_gone_was_timing(house: House) -> None:
    await house.counted(SKU_1=40)
    await house.clock.advance(HOUR)
    await house.dumped("SKU-1,DC1,AVAILABLE,45")
    await house.clock.advance(HOUR)

    run = await house.dumped("SKU-1,DC1,AVAILABLE,40")

    assert run.gone == 1
    [closed] = await house.findings()
    assert (closed.state, closed.root_cause) == ("CLOSED", "TIMING")


async def test_a_confirmed_difference_that_is_gone_waits_for_its_root_cause(house: House) -> None:
    await house.counted(SKU_1=40)
    await house.clock.advance(HOUR)
    await house.twice("SKU-1,DC1,AVAILABLE,45")
    await house.clock.advance(HOUR)
    await house.dumped("SKU-1,DC1,AVAILABLE,40")
    [found] = await house.findings("CONFIRMED")
    assert (found.is_gone, found.priority) == (True, 0)
    assert await house.hub.cases.find(house.hub.scope) == []
    left = await house.hub.reconciliation.backlog(house.hub.scope)
    assert ([one.findings for one in left.open], left.unnamed) == ([0] * 5, 1)
    reconciliation, scope = house.hub.reconciliation, house.hub.scope

    for nonsense in ("", "WHATEVER", "UNKNOWN"):
        with pytest.raises(Invalid, match="no root cause"):
            await reconciliation.close(scope, found.finding_id, nonsense, "", by="test")
    closed = await reconciliation.close(scope, found.finding_id, "COUNT", "counted 40", by="ann")

    assert (closed.state, closed.root_cause, closed.closed_by) == ("CLOSED", "COUNT", "ann")
    assert await house.hub.cases.find(scope) == []
    assert any(isinstance(event, DifferenceClosed) for event in await house.told())
    with pytest.raises(Invalid, match="nothing to close"):
        await reconciliation.close(scope, found.finding_id, "COUNT", "", by="ann")
    with pytest.raises(NotFound):
        await reconciliation.close(scope, "fnd_nobody", "COUNT", "", by="ann")


async def test_what_a_full_dump_leaves_out_is_zero_there_and_else_nothing(house: House) -> None:
    await house.counted(SKU_1=40, SKU_2=5)
    await house.clock.advance(HOUR)

    partial = await house.dumped("SKU-1,DC1,AVAILABLE,40")
    full = await house.dumped("SKU-1,DC1,AVAILABLE,40", "SKU-3,DC1,AVAILABLE,0", full=True)
    fewer = await house.dumped("SKU-1,DC1,AVAILABLE,40", full=True)

    assert (partial.compared, partial.suspected) == (1, 0)
    assert (full.compared, full.suspected) == (3, 1)
    assert (fewer.verdict, fewer.reason) == ("REJECTED", "it has 1 rows, usually 2")
    [found] = await house.findings()
    assert (found.item, str(found.theirs)) == ("SKU-2", "0")


async def test_movements_in_flight_keep_a_difference_suspected(house: House) -> None:
    await house.counted(SKU_1=40)
    await house.clock.advance(HOUR)
    await house.dumped("SKU-1,DC1,AVAILABLE,45")
    await house.clock.advance(HOUR)
    await house.moved("SKU-1", -3, MovementType.SHIP)
    await house.clock.advance(timedelta(minutes=1))

    run = await house.dumped("SKU-1,DC1,AVAILABLE,45")

    assert (run.suspected, run.confirmed) == (1, 0)
    [found] = await house.findings()
    assert found.is_in_flight


async def test_a_slow_system_is_given_its_time(house: House) -> None:
    await house.counted(SKU_1=40)
    await house.clock.advance(HOUR)
    await house.moved("SKU-1", 5, MovementType.RECEIPT)

    for _ in range(3):
        await house.clock.advance(HOUR)
        run = await house.dumped("SKU-1,DC1,AVAILABLE,40", lag=240)
        assert (run.suspected, run.confirmed) == (1, 0)
    await house.clock.advance(2 * HOUR)
    assert (await house.dumped("SKU-1,DC1,AVAILABLE,40", lag=240)).confirmed == 1


async def test_the_backlog_tells_ages_money_and_root_causes(house: House) -> None:
    reconciliation, scope = house.hub.reconciliation, house.hub.scope
    assert (await reconciliation.backlog(scope)).burned_percent is None
    await house.counted(SKU_1=40, SKU_2=40, SKU_3=40)
    await house.clock.advance(HOUR)
    for hours in (2, 30):
        rows = [f"SKU-{n},DC1,AVAILABLE,{40 + 7 * n * n},{house.at.isoformat()},2" for n in (1, 2)]
        await house.dumped(*rows, header=f"{HEADER},unit_cost")
        await house.clock.advance(hours * HOUR)
    found = await house.findings("CONFIRMED")
    await reconciliation.close(scope, found[0].finding_id, "SHRINK", "", by="ann")

    told = await reconciliation.backlog(scope)

    assert [(one.age, one.findings) for one in told.open] == [
        *(("0-4 h", 0), ("4-24 h", 0), ("1-3 d", 1), ("3-7 d", 0), ("> 7 d", 0))
    ]
    assert told.open[2].value_at_risk == Decimal(14)
    assert [(one.root_cause, one.percent) for one in told.causes] == [("SHRINK", 100)]
    assert (told.confirmed, told.closed, told.burned_percent) == (2, 1, 50)


@pytest.mark.parametrize(
    ("theirs", "cause"),
    [
        ("SKU-1,DC1,AVAILABLE,300", "UOM"),  # 25 of 12
        ("SKU-1,DC1,AVAILABLE,20", "MSG_DUP"),  # the shipment of 5 twice
        ("SKU-1,DC1,AVAILABLE,30", "MSG_LOST"),  # ... or never
        ("SKU-1,DC1,AVAILABLE,24", "MANUAL_ADJ"),  # the adjustment of 1 is missing
        ("SKU-1,DC1,AVAILABLE,21", "CUTOFF"),  # so is the receipt of 4 of the day before
        ("SKU-1,DC1,AVAILABLE,24.5", "ROUNDING"),
        ("SKU-1,DC1,DAMAGED,25", "STATUS_MAP"),
        ("SKU-1,DC1,AVAILABLE,7", "UNKNOWN"),
    ],
)
async def test_the_cause_follows_from_the_evidence(house: House, theirs: str, cause: str) -> None:
    await house.counted(SKU_1=25)
    await house.moved("SKU-1", -5, MovementType.SHIP, reference="D-1")
    await house.moved("SKU-1", 1, MovementType.ADJUST)
    await house.moved("SKU-1", 4, MovementType.RECEIPT, occurred_at=NOON - 20 * HOUR)
    await house.clock.advance(HOUR)

    await house.twice(theirs, full=True)

    [found] = await house.findings("CONFIRMED")
    assert (found.cause, str(found.ours)) == (cause, "25"), found.because


async def test_a_swapped_pair_of_items_is_a_mistaken_name(house: House) -> None:
    await house.counted(SKU_1=40, SKU_2=60)
    await house.clock.advance(HOUR)

    await house.twice("SKU-1,DC1,AVAILABLE,57", "SKU-2,DC1,AVAILABLE,43")

    found = await house.findings("CONFIRMED")
    assert [(one.cause, one.remedy) for one in found] == [("XREF", "MASTER_DATA")] * 2


async def test_negative_stock_here_against_zero_there(house: House) -> None:
    await house.moved("SKU-1", -4, MovementType.SHIP)
    await house.clock.advance(HOUR)

    await house.twice("SKU-1,DC1,AVAILABLE,0")

    [found] = await house.findings("CONFIRMED")
    assert (found.cause, str(found.ours)) == ("NEG_STOCK", "-4")
    [count] = await house.hub.reconciliation.cycle_counts(house.hub.scope)
    assert (count.item, count.reason) == ("SKU-1", "NEGATIVE")


async def test_their_log_explains_what_is_late_and_proves_what_is_lost_or_doubled(
    house: House,
) -> None:
    await house.counted(SKU_1=100, SKU_2=100, SKU_3=100)
    await house.clock.advance(timedelta(minutes=1))
    for item in ("SKU-1", "SKU-2"):
        await house.moved(item, -60, MovementType.SHIP, reference=f"D-{item}")
    await house.clock.advance(5 * HOUR)
    await house.moved("SKU-3", -2, MovementType.SHIP, reference="D-SKU-3")
    log = house.folder / "log.csv"
    log.write_text(
        "reference,item,location,quantity,recorded_at\n"
        f"D-0,SKU-1,DC1,1,{NOON.isoformat()}\n"
        f"D-1,SKU-1,DC1,-1,{NOON.isoformat()}\n"
        + f"D-SKU-1,SKU-1,DC1,-60,{(NOON + HOUR).isoformat()}\n"
        * 2
    )
    stock = house.folder / "stock.csv"

    def read(spelled: Spelled) -> Said:
        stock.write_text(
            f"{HEADER}\nSKU-1,DC1,AVAILABLE,-20,{house.at.isoformat()}\n"
            f"SKU-2,DC1,AVAILABLE,100,{house.at.isoformat()}\n"
            f"SKU-3,DC1,AVAILABLE,100,{house.at.isoformat()}\n"
        )
        dump = Dump(stock, Reading(), spelled)
        return Said(lines=dump.lines(), parts=dump.parts, log=LogDump(log, spelled).lines())

    asked = Asked(against="erp", by="test", said=read)
    run = await house.hub.reconciliation.compare(house.hub.scope, asked)
    assert (run.explained, run.suspected) == (1, 2)  # SKU-3 is only late
    await house.clock.advance(HOUR)
    await house.hub.reconciliation.compare(house.hub.scope, asked)

    found = {one.item: one for one in await house.findings("CONFIRMED")}
    assert (found["SKU-1"].cause, found["SKU-1"].remedy) == ("MSG_DUP", "FINANCE_TASK")
    assert (found["SKU-2"].cause, found["SKU-2"].remedy) == ("MSG_LOST", "REDRIVE")
    assert {one.unexplained for one in found.values()} == {0}


async def test_what_a_system_told_of_stock_that_another_keeps_is_the_other_side(
    house: House,
) -> None:
    await house.counted(SKU_1=40)
    known = [own_fact(LocationChanged(code="DC1"), NOON)]
    for source in ("wms", "erp"):
        await house.hub.inbox.record(house.hub.scope, source, known, b"")
    await house.hub.authority.set_keeper(house.hub.scope, "DC1", "wms", by="test")
    reconciliation, scope = house.hub.reconciliation, house.hub.scope
    asked = Asked(against="erp", by="test")
    with pytest.raises(NotFound, match="told of no stock"):
        await reconciliation.compare(scope, asked)

    for hour in range(2):
        await house.clock.advance(HOUR)
        await house.moved("SKU-3", 1, MovementType.RECEIPT)
        taken = StockSnapshotTaken(
            snapshot_id=f"E-{hour}",
            location="DC1",
            lines=(CountedStock(item="SKU-1", quantity=Quantity.of(3, "CS")),),
        )
        fact = Fact(identity=f"e{hour}", payload=taken, occurred_at=house.at)
        await house.hub.record([fact], source="erp")
        await reconciliation.compare(scope, asked)

    [run, _] = await reconciliation.runs(scope)
    assert (run.confirmed, run.compared) == (1, 1)
    [found] = await house.findings("CONFIRMED")
    assert (str(found.ours), str(found.theirs)) == ("40", "36")


async def test_what_is_told_anew_is_compared_by_itself_and_once(house: House) -> None:
    reconciliation, scope = house.hub.reconciliation, house.hub.scope
    await reconciliation.follow()
    await house.counted(SKU_1=40)
    known = [own_fact(LocationChanged(code="DC1"), NOON)]
    for source in ("wms", "erp"):
        await house.hub.inbox.record(scope, source, known, b"")
    await house.hub.authority.set_keeper(scope, "DC1", "wms", by="test")

    for hour in range(2):
        await house.clock.advance(HOUR)
        await house.counted(SKU_1=40)
        line = CountedStock(item="SKU-1", quantity=Quantity.of(45))
        taken = StockSnapshotTaken(snapshot_id=f"E-{hour}", location="DC1", lines=(line,))
        fact = Fact(identity=f"e{hour}", payload=taken, occurred_at=house.at)
        await house.hub.record([fact], source="erp")
        for _ in range(2):
            await house.clock.advance(timedelta(minutes=1))
            await reconciliation.follow()

    assert [run.confirmed for run in await reconciliation.runs(scope)] == [1, 0]
    assert {run.asked_by for run in await reconciliation.runs(scope)} == {"crossdock"}


async def test_one_system_that_cannot_be_compared_keeps_no_other_waiting(house: House) -> None:
    scope = house.hub.scope

    class Tellers:
        async def tellers(self) -> list[Teller]:
            return [Teller("main", name, house.at) for name in ("gone", "erp")]

        async def snapshots(self, scope: Scope, source: str) -> list[Fact]:
            del scope
            line = CountedStock(item="SKU-1", quantity=Quantity.of(0))
            taken = StockSnapshotTaken(snapshot_id="E", location="DC1", lines=(line,))
            fact = Fact(identity="e", payload=taken, occurred_at=house.at)
            return [fact] if source == "erp" else []

    told = replace(house.hub.reconciliation._informants, proposals=Tellers())
    asked = Reconciliation(house.hub.database, house.clock, house.hub.ids, told)

    with pytest.raises(NotFound, match="'gone' has told of no stock"):
        await asked.follow()
    assert [run.against for run in await asked.runs(scope)] == ["erp"]


async def test_a_keeper_that_fell_silent_confirms_nothing(house: House) -> None:
    await house.counted(SKU_1=40)
    await house.hub.inbox.record(
        house.hub.scope, "wms", [own_fact(LocationChanged(code="DC1"), NOON)], b""
    )
    await house.hub.authority.set_keeper(house.hub.scope, "DC1", "wms", by="test")
    await house.clock.advance(HOUR)

    run = await house.twice("SKU-1,DC1,AVAILABLE,45")

    assert (run.suspected, run.confirmed) == (1, 0)


async def test_units_and_statuses_of_the_other_side_are_read_in_ours(house: House) -> None:
    await house.counted(SKU_1=288)
    await house.clock.advance(HOUR)

    run = await house.dumped(
        f"SKU-1,DC1,24,CS,{house.at.isoformat()}", header="item,location,quantity,unit,as_of"
    )

    assert (run.alike, run.compared) == (1, 1)


async def test_nobody_outside_may_say_what_the_hub_concludes(house: House) -> None:
    told = SnapshotRejected(run_id="rcn_1", against="erp", reason="because I say so")
    fact = Fact(identity="x", payload=told, occurred_at=NOON)

    [verdict] = await house.hub.inbox.record(house.hub.scope, "erp", [fact], b"")

    assert "only the hub itself says" in verdict.reason


async def test_a_name_that_nobody_knows_is_told_and_is_no_difference(house: House) -> None:
    await house.counted(SKU_1=40)
    await house.clock.advance(HOUR)

    run = await house.dumped("NOBODY,DC1,AVAILABLE,5", "SKU-4,DC1,AVAILABLE,5")

    assert run.unknown_names == ("NOBODY",)
    assert [one.item for one in await house.findings()] == ["SKU-4"]


async def test_a_snapshot_that_cannot_be_is_rejected_and_what_was_found_stays(
    house: House,
) -> None:
    await house.counted(SKU_1=40, SKU_2=5, SKU_3=5, SKU_4=5, SKU_5=5)
    await house.clock.advance(HOUR)
    good = [f"SKU-{n},DC1,AVAILABLE,5" for n in range(1, 6)]
    await house.dumped(*good, full=True)
    await house.clock.advance(HOUR)

    zeros = [f"SKU-{n},DC1,AVAILABLE,{5 * (n > 2)}" for n in range(1, 6)]
    run = await house.dumped(*zeros, full=True)

    assert (run.verdict, run.reason) == ("REJECTED", "40% of its rows are zero, usually 0%")
    assert [one.state for one in await house.findings()] == ["SUSPECTED"]
    [case] = await house.hub.cases.find(house.hub.scope)
    assert case.code == "RCN-SNAPSHOT"
    await house.dumped(*good, full=True)
    open_now = {one.code for one in await house.hub.cases.find(house.hub.scope)}
    assert "RCN-SNAPSHOT" not in open_now


async def test_small_differences_are_counted_and_a_trend_is_to_be_counted(house: House) -> None:
    await house.counted(SKU_1=1000)

    for _ in range(5):
        await house.dumped("SKU-1,DC1,AVAILABLE,1001")
        await house.clock.advance(HOUR)
        await house.dumped("SKU-1,DC1,AVAILABLE,1001")
        await house.clock.advance(23 * HOUR)

    [run, *_] = await house.hub.reconciliation.runs(house.hub.scope)
    assert (run.tolerated, run.suspected) == (1, 0)
    [found] = await house.findings("TOLERATED")
    assert (found.times, found.remedy) == (5, "LOG")
    [count] = await house.hub.reconciliation.cycle_counts(house.hub.scope)
    assert count.reason == "TREND"


async def test_serials_have_no_tolerance(house: House) -> None:
    serials = tuple(
        CountedStock(item="PUMP", quantity=Quantity.of(1), serial=f"P-{n}") for n in range(300)
    )
    taken = StockSnapshotTaken(snapshot_id="P", location="DC1", lines=serials)
    await house.tell(Fact(identity="pumps", payload=taken, occurred_at=house.at))
    await house.clock.advance(HOUR)

    run = await house.dumped("PUMP,DC1,AVAILABLE,299")

    assert run.suspected == 1


async def test_regulated_items_have_no_tolerance(house: House) -> None:
    for sku, is_regulated in (("PILL", True), ("SWEET", False)):
        known = ItemChanged(sku=sku, is_regulated=is_regulated)
        await house.tell(Fact(identity=sku, payload=known, occurred_at=house.at, version=9))
    lines = tuple(CountedStock(item=sku, quantity=Quantity.of(900)) for sku in ("PILL", "SWEET"))
    taken = StockSnapshotTaken(snapshot_id="P", location="DC1", lines=lines)
    await house.tell(Fact(identity="pills", payload=taken, occurred_at=house.at))
    await house.clock.advance(HOUR)

    run = await house.dumped("PILL,DC1,AVAILABLE,899", "SWEET,DC1,AVAILABLE,899")

    assert (run.suspected, run.tolerated) == (1, 1)
    [found] = await house.findings("SUSPECTED")
    assert found.item == "PILL"


async def test_an_item_stays_regulated_until_somebody_says_that_it_is_not(house: House) -> None:
    said: list[tuple[str, bool | None]] = [
        ("erp", None), ("wms", True), ("erp", None), ("erp", False), ("wms", None),
    ]  # fmt: skip
    found: list[bool] = []
    for number, (source, is_regulated) in enumerate(said, 20):
        known = ItemChanged(sku="PILL", is_regulated=is_regulated)
        fact = Fact(identity=f"P{number}", payload=known, occurred_at=house.at, version=number)
        await house.hub.record([fact], source=source)
        item = await house.hub.catalog.item(house.hub.scope, "PILL")
        found.append(item.is_regulated)

    assert found == [False, True, True, False, False]


async def test_of_two_words_in_a_row_about_an_item_the_one_that_says_nothing_hides_none(
    house: House,
) -> None:
    facts = [
        Fact(
            identity=f"PILL-{number}",
            payload=ItemChanged(sku="PILL", is_regulated=is_regulated),
            occurred_at=house.at,
            version=number,
        )
        for number, is_regulated in ((20, True), (21, None))
    ]
    await house.hub.record(facts, source="wms")

    assert (await house.hub.catalog.item(house.hub.scope, "PILL")).is_regulated


async def test_statuses_are_not_told_apart_by_who_does_not_name_them(house: House) -> None:
    await house.counted(SKU_1=30)
    moved = StockMoved(
        movement_id="D-1",
        item="SKU-1",
        quantity=Quantity.of(4),
        type=MovementType.DAMAGE,
        source_place=Place(location="DC1"),
        target_place=Place(location="DC1", status=StockStatus.DAMAGED),
    )
    await house.tell(Fact(identity="d1", payload=moved, occurred_at=house.at))
    await house.clock.advance(HOUR)

    run = await house.dumped(
        f"SKU-1,DC1,30,{house.at.isoformat()}", header="item,location,quantity,as_of"
    )

    assert run.alike == 1


async def test_a_system_that_is_connected_may_use_its_own_names(house: House) -> None:
    await house.counted(SKU_1=40, SKU_2=7)
    known = [
        Fact(identity=f"i{n}", payload=ItemChanged(sku=f"SKU-{n}"), occurred_at=NOON,
             native_ref=f"4711{n}", version=1)
        for n in (1, 2)
    ]  # fmt: skip
    place = LocationChanged(code="DC1")
    known.append(Fact(identity="dc1", payload=place, occurred_at=NOON, native_ref="77", version=1))
    await house.hub.record(known, source="erp")
    await house.clock.advance(HOUR)

    run = await house.dumped("47111,77,AVAILABLE,40", "SKU-2,dc1,AVAILABLE,7")

    assert (run.compared, run.alike) == (2, 2)
    assert run.unknown_names == ()


async def test_two_comparisons_at_once_leave_one_finding(house: House) -> None:
    await house.counted(SKU_1=40)
    await house.clock.advance(HOUR)
    row = "SKU-1,DC1,AVAILABLE,45"

    await asyncio.gather(*(house.dumped(row) for _ in range(3)))
    await house.clock.advance(HOUR)
    await asyncio.gather(*(house.dumped(row) for _ in range(3)))

    [found] = await house.findings()
    assert found.state == "CONFIRMED"
    told = [event for event in await house.told() if isinstance(event, DifferenceConfirmed)]
    assert [event.finding_id for event in told] == [found.finding_id]
    assert len(await house.hub.cases.find(house.hub.scope)) == 1


async def test_when_nearly_everything_differs_it_is_the_dump(house: House) -> None:
    taken = StockSnapshotTaken(
        snapshot_id="many",
        location="DC1",
        lines=tuple(
            CountedStock(item="SKU-1", quantity=Quantity.of(1), lot=f"L{n}") for n in range(3)
        ),
    )
    await house.tell(Fact(identity="many", payload=taken, occurred_at=house.at))
    await house.clock.advance(HOUR)
    rows = [f"I{n},DC1,AVAILABLE,1" for n in range(3)]
    facts = [own_fact(ItemChanged(sku=f"I{n}"), NOON) for n in range(3)]
    await house.hub.record(facts, source=OWN_SOURCE)
    patient = house.hub.reconciliation
    few = Reconciliation(
        house.hub.database, house.clock, house.hub.ids, patient._informants,
        Policy(findings_max=2),
    )  # fmt: skip
    lines = [
        Line("DC1", row.partition(",")[0], "AVAILABLE", "", "", "", MICROS, "",
             instant_of(house.at.isoformat()))
        for row in rows
    ]  # fmt: skip
    said = Said(lines=lines, parts=Parts())
    asked = Asked(against="erp", by="test", said=lambda _: said)

    run = await few.compare(house.hub.scope, asked)

    assert (run.verdict, run.reason) == ("REJECTED", "more than 2 keys differ")
    assert await house.findings() == []


async def test_a_count_taken_after_the_dump_confirms_nothing(house: House) -> None:
    """A warehouse that only counts does not say what lay there before the count."""
    level = 1000
    for _ in range(3):
        as_of, dumped = house.at, level
        level -= 100
        await house.counted(SKU_1=dumped)
        await house.clock.advance(20 * timedelta(minutes=1))
        await house.counted(SKU_1=level)
        await house.clock.advance(5 * timedelta(minutes=1))
        run = await house.dumped(f"SKU-1,DC1,AVAILABLE,{dumped},{as_of.isoformat()},", header=SAID)
        assert (run.suspected, run.confirmed) == (1, 0)
        await house.clock.advance(HOUR)

    await house.counted(SKU_1=level)
    run = await house.dumped(f"SKU-1,DC1,AVAILABLE,{level + 100}")
    assert run.confirmed == 1


async def test_what_moved_since_the_cut_hides_nothing_that_was_on_its_way_then(
    house: House,
) -> None:
    """Sixty shipments before the cut are not booked there yet; sixty more came after it."""
    await house.counted(SKU_1=100_000)
    await house.clock.advance(HOUR)
    level = 100_000
    for _ in range(2):
        before = level
        for _ in range(60):
            await house.moved("SKU-1", -1, MovementType.SHIP)
        await house.clock.advance(5 * timedelta(minutes=1))
        as_of = house.at
        await house.clock.advance(timedelta(minutes=1))
        for _ in range(60):
            await house.moved("SKU-1", -1, MovementType.SHIP)
        level -= 120
        row = f"SKU-1,DC1,AVAILABLE,{before},{as_of.isoformat()},100"
        run = await house.dumped(row, header=f"{HEADER},unit_cost")
        assert (run.suspected, run.confirmed) == (1, 0)
        await house.clock.advance(HOUR)


async def test_an_older_dump_neither_closes_nor_changes_what_a_newer_one_showed(
    house: House,
) -> None:
    await house.counted(SKU_1=10, SKU_2=10)
    await house.clock.advance(HOUR)
    older = house.at
    await house.clock.advance(HOUR)
    await house.dumped("SKU-1,DC1,AVAILABLE,7", "SKU-2,DC1,AVAILABLE,7")

    said = f"SKU-1,DC1,AVAILABLE,10,{older.isoformat()},"
    other = f"SKU-2,DC1,AVAILABLE,4,{older.isoformat()},"
    run = await house.dumped(said, other, header=SAID)

    assert run.gone == 0
    found = await house.findings()
    assert [(one.state, str(one.theirs)) for one in found] == [("SUSPECTED", "7")] * 2


async def test_a_finding_that_is_closed_while_it_is_met_again_is_another_one(
    house: House,
) -> None:
    await house.counted(SKU_1=10)
    await house.twice("SKU-1,DC1,AVAILABLE,7")
    [before] = await house.findings("CONFIRMED")
    await house.clock.advance(HOUR)
    reconciliation, scope = house.hub.reconciliation, house.hub.scope
    catalogue = reconciliation._informants.names

    class ClosingMeanwhile:
        def __getattr__(self, name: str) -> object:
            return getattr(catalogue, name)

        async def goods(self, tx: Transaction, items: Collection[str]) -> Mapping[str, Goods]:
            await reconciliation.close(scope, before.finding_id, "COUNT", "", by="ann")
            return await catalogue.goods(tx, items)

    told = replace(reconciliation._informants, names=cast("KnowsNames", ClosingMeanwhile()))
    racing = Reconciliation(house.hub.database, house.clock, house.hub.ids, told)
    line = Line("DC1", "SKU-1", "AVAILABLE", "", "", "", 7 * MICROS, "",
                instant_of(house.at.isoformat()))  # fmt: skip
    said = Said(lines=[line], parts=Parts(owner=False, lot=False, serial=False))
    run = await racing.compare(scope, Asked(against="erp", by="test", said=lambda _: said))

    assert run.verdict == "DONE"
    states = {one.finding_id: one.state for one in await house.findings()}
    assert states.pop(before.finding_id) == "CLOSED"
    assert list(states.values()) == ["SUSPECTED"]
    assert await house.hub.cases.find(scope) == []


@pytest.mark.parametrize(
    ("row", "because"),
    [
        ("SKU-1,DC1,AVAILABLE,7,{now},A\0B,1", "control character"),
        ("SKU\0,DC1,AVAILABLE,7,{now},,1", "control character"),
        ("SKU-1,DC1,AVAILABLE,5,{now},,-1", "costs nothing or more"),
        ("SKU-1,DC1,AVAILABLE,5,9,{now},,1", "8 fields, the header 7"),
    ],
)
async def test_what_no_dump_can_mean_is_refused_in_plain_words(
    house: House, row: str, because: str
) -> None:
    said = row.format(now=house.at.isoformat())
    with pytest.raises(Invalid, match=because):
        await house.dumped(said, header=f"{HEADER},lot,unit_cost")


async def test_quantities_and_money_beyond_all_bounds_are_refused_or_said_as_the_most(
    house: House,
) -> None:
    await house.counted(SKU_1=10)
    huge = f"SKU-1,DC1,AVAILABLE,999999999999,{house.at.isoformat()},999999999999"
    header = f"{HEADER},unit_cost"

    assert (await house.dumped(huge, header=header)).suspected == 1
    [found] = await house.findings()
    assert found.value_at_risk == Decimal(10**11)
    with pytest.raises(Invalid, match="beyond what can be"):
        await house.dumped(*[huge] * 12, header=header)


@pytest.mark.parametrize(
    ("as_of", "because"),
    [
        ("0001-01-01T00:00:00+00:00", "its oldest row is of more than 31 days ago"),
        ((NOON - timedelta(hours=25)).isoformat(), "rows of a location are more than 24 hours"),
    ],
)
async def test_one_row_of_long_ago_rolls_no_location_back(
    house: House, as_of: str, because: str
) -> None:
    await house.counted(SKU_1=10, SKU_2=10)
    rows = (f"SKU-1,DC1,AVAILABLE,10,{house.at.isoformat()},", f"SKU-2,DC1,AVAILABLE,10,{as_of},")

    run = await house.dumped(*rows, header=SAID)

    assert run.verdict == "REJECTED"
    assert because in run.reason


async def test_whatever_goes_wrong_with_one_system_the_others_are_compared(house: House) -> None:
    class Tellers:
        async def tellers(self) -> list[Teller]:
            return [Teller("main", name, house.at) for name in ("broken", "erp")]

        async def snapshots(self, scope: Scope, source: str) -> list[Fact]:
            del scope
            if source == "broken":
                raise ZeroDivisionError
            line = CountedStock(item="SKU-1", quantity=Quantity.of(0))
            taken = StockSnapshotTaken(snapshot_id="E", location="DC1", lines=(line,))
            return [Fact(identity="e", payload=taken, occurred_at=house.at)]

    told = replace(house.hub.reconciliation._informants, proposals=Tellers())
    asked = Reconciliation(house.hub.database, house.clock, house.hub.ids, told)

    with pytest.raises(ZeroDivisionError):
        await asked.follow()
    assert [run.against for run in await asked.runs(house.hub.scope)] == ["erp"]


async def test_numbers_that_are_alike_in_a_unit_nobody_knows_are_not_alike(house: House) -> None:
    await house.counted(SKU_1=40)
    row = f"SKU-1,DC1,AVAILABLE,40,{house.at.isoformat()},PALLET"

    run = await house.dumped(row, header=f"{HEADER},unit")

    assert (run.alike, run.unknown_names) == (0, ("SKU-1 in PALLET",))


async def test_a_short_list_has_the_most_urgent_not_the_dearest(house: House) -> None:
    """Two days old, 45 at risk count for more than 100 of this hour (§4.5)."""
    await house.counted(SKU_1=40, SKU_2=40, SKU_3=40)
    await house.clock.advance(HOUR)
    header = f"{HEADER},unit_cost"
    await house.dumped(f"SKU-1,DC1,AVAILABLE,31,{house.at.isoformat()},5", header=header)
    await house.clock.advance(48 * HOUR)
    at = house.at.isoformat()
    await house.dumped(
        f"SKU-2,DC1,AVAILABLE,20,{at},5",
        f"SKU-3,DC1,DAMAGED,60,{at},5",
        f"SKU-3,DC1,AVAILABLE,40,{at},5",
        header=header,
    )

    reconciliation, scope = house.hub.reconciliation, house.hub.scope
    whole = await reconciliation.findings(scope)

    assert [(one.item, one.priority) for one in whole] == [
        ("SKU-1", 135),
        ("SKU-2", 100),
        ("SKU-3", 30),
    ]
    for most in (1, 2):
        assert await reconciliation.findings(scope, limit=most) == whole[:most]


@pytest.mark.parametrize(
    ("catalogued", "told", "item_class"),
    [("C", "", "C"), ("B", "A", "A"), ("SERVICE", "", "A"), ("", "", "A")],
)
async def test_an_item_that_no_dump_classed_is_held_to_its_class_in_the_catalogue(
    house: House, catalogued: str, told: str, item_class: str
) -> None:
    await house.clock.advance(HOUR)
    changed = ItemChanged(sku="SKU-1", item_class=catalogued)
    await house.hub.record([own_fact(changed, house.at)], source=OWN_SOURCE)
    await house.counted(SKU_1=40)
    await house.clock.advance(HOUR)

    row = f"SKU-1,DC1,AVAILABLE,80,{house.at.isoformat()},{told}"
    await house.dumped(row, header=f"{HEADER},class")

    [found] = await house.findings()
    assert found.item_class == item_class
