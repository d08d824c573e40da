"""Open orders and purchases of the hub against an ERP's: found, confirmed, read again, closed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel

from crossdock.assembly import Hub
from crossdock.canonical.catalog import ItemChanged, ItemUnit, LocationChanged
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.errors import Forbidden, Invalid, NotFound, Rejected, Unavailable
from crossdock.canonical.inventory import MovementType, Place, StockMoved, StockStatus
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.reconciliation import (
    DifferenceClosed,
    DifferenceConfirmed,
    SnapshotBelieved,
    SnapshotRejected,
)
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyKind
from crossdock.capabilities.reconciliation import (
    Asked,
    Finding,
    HousePolicy,
    Kind,
    OpenAsked,
    OpenDump,
    OpenSaid,
    Rules,
    Run,
    Spelled,
    Wanted,
)
from crossdock.connectivity.poller import Poller, Polling
from crossdock.connectivity.sdk import (
    Application,
    OpenKind,
    OpenLine,
    OpenPage,
    Poll,
    Ports,
    Translation,
)
from crossdock.connectivity.sdk import Kind as ApplicationKind
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.event_log import Position
from crossdock.foundation.scope import Scope
from tests.conftest import NOON
from tests.processes.books import Office, office
from tests.processes.end_to_end.world import connected, ports_of

HOUR = timedelta(hours=1)
HEADER = "document,line,item,location,quantity"


def micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@dataclass
class Sales:
    """An ERP that tells what changed since a moment, and lists what is open when it is asked.

    What is `late` was written by a transaction that ended behind the reader: no later page has it.
    """

    clock: VirtualClock
    sales: dict[str, tuple[datetime, dict[str, int]]] = field(
        default_factory=dict[str, tuple[datetime, dict[str, int]]]
    )
    late: set[str] = field(default_factory=set[str])
    garbled: tuple[str, ...] = ()

    def sell(self, order: str, **lines: int) -> None:
        self.sales[order] = (self.clock.now(), lines)

    async def check(self) -> str:
        return "open"

    async def poll(self, cursor: str) -> Poll:
        since = datetime.fromisoformat(cursor) if cursor else NOON - 24 * HOUR
        facts = [
            ordered(order, changed, lines)
            for order, (changed, lines) in self.sales.items()
            if changed >= since and order not in self.late
        ]
        following = self.clock.now().isoformat()
        translation = Translation(facts=tuple(facts))
        return Poll(translation=translation, cursor=following, raw=b"{}", is_caught_up=True)

    async def open_lines(self, kind: OpenKind, after: str) -> OpenPage:
        """Tell them an order a page."""
        assert kind is OpenKind.ORDERS
        orders = sorted(order for order in self.sales if order > after)
        if not orders:
            return OpenPage(lines=())
        changed, lines = self.sales[orders[0]]
        told = tuple(
            OpenLine(
                document=orders[0],
                line=line,
                item=item_of(line),
                location="DC1",
                quantity=Quantity.of(pieces),
                changed_at=changed,
            )
            for line, pieces in lines.items()
        )
        unread = self.garbled if len(orders) == 1 else ()
        return OpenPage(lines=told, after=orders[0], unread=unread)


def item_of(line: str) -> str:
    return "BOLT" if line.endswith("1") else "NUT"


def ordered(order: str, at: datetime, lines: dict[str, int]) -> Fact:
    payload = OrderChanged(
        order_id=order,
        lines=tuple(
            DemandLine(
                demand_ref=f"{order}/{line}",
                item=item_of(line),
                location="DC1",
                ordered=Quantity.of(pieces),
                cancelled=Quantity.of(0),
            )
            for line, pieces in lines.items()
        ),
    )
    version = micros(at)
    identity = f"{order}@{version}:{sorted(lines.items())}"
    return Fact(
        identity=identity, payload=payload, occurred_at=at, recorded_at=at, version=version
    )


class SalesSettings(BaseModel):
    company: str


@dataclass
class House:
    """A hub that hears orders and purchases from an ERP, and the ERP's files."""

    at: Office
    folder: Path
    number: int = 0

    @property
    def hub(self) -> Hub:
        return self.at.hub

    @property
    def now(self) -> datetime:
        return self.at.clock.now()

    async def hear(self, fact: Fact, source: str = "erp") -> None:
        for verdict in await self.hub.record([fact], source=source):
            assert not verdict.reason

    async def order(self, order: str, source: str = "erp", **lines: int) -> None:
        await self.hear(ordered(order, self.now, lines), source)

    async def purchase(
        self,
        supply_id: str,
        pieces: int,
        *,
        item: str = "BOLT",
        kind: SupplyKind = SupplyKind.PO_SCHEDULE,
        parent: str = "",
        source: str = "erp",
    ) -> None:
        self.number += 1
        payload = SupplyCommitmentChanged(
            supply_id=supply_id,
            kind=kind,
            item=item,
            location="DC1",
            open_quantity=Quantity.of(pieces),
            parent_supply_id=parent,
        )
        at, identity = self.now, f"supply:{self.number}"
        fact = Fact(identity=identity, payload=payload, occurred_at=at, recorded_at=at)
        await self.hear(fact, source)

    async def pick(self, reference: str, pieces: int, at: datetime | None = None) -> None:
        self.number += 1
        shelf, staged = (
            Place(location="DC1"),
            Place(location="DC1", status=StockStatus.STAGED_OUT),
        )
        moved = StockMoved(
            movement_id=f"M-{self.number}",
            item=item_of(reference),
            quantity=Quantity.of(pieces),
            type=MovementType.PICK,
            source_place=shelf,
            target_place=staged,
            demand_ref=reference,
        )
        moment = at or self.now
        fact = Fact(
            identity=f"pick:{self.number}", payload=moved, occurred_at=moment, recorded_at=moment
        )
        await self.hear(fact, "wms")

    async def said(  # noqa: PLR0913 - a dump has that many sides
        self,
        *rows: str,
        kind: Kind = Kind.ORDERS,
        header: str = HEADER,
        full: bool = False,
        at: datetime | None = None,
        by: str = "test",
        believe: str = "",
        heard_from: str = "",
        lag: int | None = None,
    ) -> Run:
        """Compare with what the ERP's file says, as of now."""
        file = self.folder / "open.csv"
        file.write_text("\n".join([header, *rows]) + "\n")
        as_of = micros(at or self.now)

        def read(spelled: Spelled) -> OpenSaid:
            return OpenSaid(rows=OpenDump(file, as_of, spelled).rows(), is_full=full)

        asked = OpenAsked(
            kind=kind, against="erp", by=by, said=read, believe=believe, heard_from=heard_from,
            lag_minutes=lag,
        )  # fmt: skip
        return await self.hub.open_lines.compare(self.hub.scope, asked)

    async def findings(self, *states: str, kind: Kind = Kind.ORDERS) -> list[Finding]:
        wanted = Wanted(states=states or None, kind=kind)
        return await self.hub.reconciliation.findings(self.hub.scope, wanted)

    async def last(self) -> Run:
        """Give the newest comparison."""
        runs = await self.hub.reconciliation.runs(self.hub.scope)
        return max(runs, key=lambda one: one.began_at)

    async def told(self) -> list[Payload]:
        async with self.hub.database.transaction(Scope("main")) as tx:
            events, _ = await event_log.read(tx, Position(), limit=1000)
        return [event.payload for event in events]

    async def later(self, step: timedelta = HOUR) -> None:
        """Let time pass; the ERP is heard with an order that is no matter here."""
        await self.at.clock.advance(step)
        await self.order("SO-HEARD", L1=1)


@asynccontextmanager
async def house_at(
    dsn: str,
    folder: Path,
    erp: type[Sales] = Sales,
    *,
    requests_a_listing: int = 1,
    lists_open: tuple[OpenKind, ...] = (OpenKind.ORDERS,),
) -> AsyncIterator[tuple[House, Sales]]:
    sales = erp(VirtualClock(NOON))

    @asynccontextmanager
    async def connect(settings: SalesSettings, ports: Ports) -> AsyncIterator[Sales]:
        del settings, ports
        yield sales

    application = Application(
        name="sales",
        title="Sales",
        kind=ApplicationKind.ERP,
        settings=SalesSettings,
        connect=connect,
        events=(OrderChanged, ItemChanged, LocationChanged, SupplyCommitmentChanged),
        poll_every=timedelta(seconds=10),
        cursor_at=lambda moment: moment.isoformat(),
        rate_per_second=1000.0,
        lists_open=lists_open,
        requests_a_listing=requests_a_listing,
    )
    async with office(dsn, folder, application) as at:
        sales.clock = at.clock
        known: list[ItemChanged | LocationChanged] = [
            ItemChanged(sku=sku, units=(ItemUnit(unit="CS", numerator=12),))
            for sku in ("BOLT", "NUT")
        ]
        known += [LocationChanged(code=code) for code in ("DC1", "DC2")]
        for source in ("erp", "shop", "wms", "sales"):
            named = [(one, one.key) for one in known]
            facts = [
                Fact(identity=key, payload=one, occurred_at=NOON, native_ref=key, version=1)
                for one, key in named
            ]
            await at.hub.record(facts, source=source)
        yield House(at, folder), sales


@pytest.fixture
async def house(dsn: str, tmp_path: Path) -> AsyncIterator[House]:
    async with house_at(dsn, tmp_path) as (opened, _):
        yield opened


@pytest.fixture
async def shop(dsn: str, tmp_path: Path) -> AsyncIterator[tuple[House, Sales]]:
    async with house_at(dsn, tmp_path) as opened:
        yield opened


async def test_a_dump_that_says_what_was_heard_finds_nothing(house: House) -> None:
    await house.order("SO-1", L1=10, L2=5)
    await house.later()

    run = await house.said("SO-1,L2,nut,dc1,5", "SO-1,L1,bolt,dc1,10", "SO-HEARD,L1,BOLT,DC1,1",
                           full=True)  # fmt: skip

    assert (run.verdict, run.kind, run.compared, run.alike) == ("DONE", Kind.ORDERS, 3, 3)
    assert await house.findings() == []


async def test_a_line_that_differs_is_suspected_then_confirmed_with_case_event_and_money(
    house: House,
) -> None:
    await house.order("SO-1", L1=10, L2=5)
    await house.later()
    header = f"{HEADER},unit_cost,class"
    rows = ("SO-1,L1,BOLT,DC1,8,2.5,B", "SO-1,L2,NUT,DC1,5,1,B")

    first = await house.said(*rows, header=header)
    assert (first.suspected, first.confirmed, first.alike) == (1, 0, 1)
    await house.later()
    second = await house.said(*rows, header=header)

    assert (second.suspected, second.confirmed, second.value_at_risk) == (0, 1, Decimal(5))
    [found] = await house.findings("CONFIRMED")
    assert (found.kind, found.document, found.line) == (Kind.ORDERS, "SO-1", "L1")
    assert (found.item, found.location, found.times) == ("BOLT", "DC1", 2)
    assert [str(n) for n in (found.ours, found.theirs, found.unexplained)] == ["10", "8", "-2"]
    assert (found.cause, found.remedy, found.item_class) == ("UNKNOWN", "REFETCH", "B")
    [case] = await house.hub.cases.find(house.hub.scope)
    assert (case.code, case.owner_role) == ("INV-SUSPECT", "Order desk")
    [told] = [one for one in await house.told() if isinstance(one, DifferenceConfirmed)]
    assert (told.system, told.document, told.line) == ("orders", "SO-1", "L1")
    with pytest.raises(Invalid, match="no root cause"):
        await house.hub.reconciliation.close(
            house.hub.scope, found.finding_id, "UNKNOWN", "", by="ann"
        )
    closed = await house.hub.reconciliation.close(
        house.hub.scope, found.finding_id, "MSG_LOST", "read again", by="ann"
    )
    assert (closed.state, closed.root_cause) == ("CLOSED", "MSG_LOST")
    assert await house.hub.cases.find(house.hub.scope) == []
    [gone] = [one for one in await house.told() if isinstance(one, DifferenceClosed)]
    assert (gone.document, gone.line, gone.root_cause) == ("SO-1", "L1", "MSG_LOST")


async def test_the_same_dump_again_confirms_nothing(house: House) -> None:
    await house.order("SO-1", L1=10)
    await house.later()
    as_of = house.now
    runs: list[Run] = []
    for _ in range(3):
        runs.append(await house.said("SO-1,L1,BOLT,DC1,8", at=as_of))
        await house.later()

    assert [(run.suspected, run.confirmed) for run in runs] == [(1, 0)] * 3
    [found] = await house.findings()
    assert found.times == 1


async def test_a_suspicion_that_is_gone_was_on_its_way(house: House) -> None:
    await house.order("SO-1", L1=10)
    await house.later()
    await house.said("SO-1,L1,BOLT,DC1,8")
    await house.later()

    run = await house.said("SO-1,L1,BOLT,DC1,10")

    assert run.gone == 1
    [found] = await house.findings()
    assert (found.state, found.root_cause) == ("CLOSED", "TIMING")


async def test_what_was_picked_since_the_cut_is_put_back(house: House) -> None:
    await house.order("SO-1", L1=10)
    await house.later()
    cut = house.now
    await house.at.clock.advance(timedelta(minutes=2))
    await house.pick("SO-1/L1", 4)

    run = await house.said("SO-1,L1,BOLT,DC1,10", at=cut)

    assert (run.compared, run.alike) == (1, 1)


async def test_what_is_picked_and_not_shipped_there_is_explained(house: House) -> None:
    await house.order("SO-1", L1=10)
    await house.pick("SO-1/L1", 4)
    await house.later()

    run = await house.said("SO-1,L1,BOLT,DC1,10")

    assert (run.explained, run.suspected) == (1, 0)


async def test_nothing_is_confirmed_while_the_document_is_picked_or_changed(house: House) -> None:
    await house.order("SO-1", L1=10, L2=5)
    await house.later()
    await house.said("SO-1,L1,BOLT,DC1,8")
    await house.later()
    await house.pick("SO-1/L2", 1)
    picked = await house.said("SO-1,L1,BOLT,DC1,8")
    await house.later()
    await house.order("SO-1", L1=10, L2=6)
    changed = await house.said("SO-1,L1,BOLT,DC1,8")

    assert [(run.suspected, run.confirmed) for run in (picked, changed)] == [(1, 0), (1, 0)]
    [found] = await house.findings()
    assert (found.is_in_flight, found.cause) == (True, "TIMING")
    await house.later()
    assert (await house.said("SO-1,L1,BOLT,DC1,8")).confirmed == 1


async def test_nothing_is_confirmed_while_its_source_was_not_heard_since(house: House) -> None:
    await house.order("SO-1", L1=10)
    runs: list[Run] = []
    for _ in range(2):
        await house.at.clock.advance(HOUR)
        runs.append(await house.said("SO-1,L1,BOLT,DC1,8"))

    assert [(run.suspected, run.confirmed) for run in runs] == [(1, 0)] * 2


async def test_a_full_dump_says_of_what_it_leaves_out_that_it_is_closed(house: House) -> None:
    await house.order("SO-1", L1=10)
    await house.order("SO-2", L1=3)
    await house.later()
    await house.order("SO-3", L1=7)
    cut = house.now - timedelta(minutes=20)
    rows = ("SO-1,L1,BOLT,DC1,10", "SO-HEARD,L1,BOLT,DC1,1")

    part = await house.said(*rows, at=cut)
    assert (part.suspected, part.compared) == (0, 2)
    full = await house.said(*rows, full=True, at=cut)

    [found] = await house.findings()
    assert (full.suspected, found.document) == (1, "SO-2")  # SO-3 was placed after the cut
    assert (found.cause, str(found.theirs)) == ("MSG_LOST", "0")


async def test_a_full_dump_says_nothing_of_places_that_it_does_not_name(house: House) -> None:
    await house.order("SO-1", L1=10)
    await house.later()

    run = await house.said("SO-9,L1,BOLT,DC2,0", full=True)

    assert (run.suspected, run.compared) == (0, 1)


async def test_what_was_missing_is_gone_when_it_is_open_on_neither_side(house: House) -> None:
    await house.order("SO-1", L1=10)
    await house.order("SO-2", L1=3)
    rows = ("SO-1,L1,BOLT,DC1,10", "SO-HEARD,L1,BOLT,DC1,1")
    for _ in range(2):
        await house.later()
        await house.said(*rows, full=True)
    await house.pick("SO-2/L1", 3)
    await house.later()

    run = await house.said(*rows, full=True)

    assert run.gone == 1
    [found] = await house.findings("CONFIRMED")
    assert (found.document, found.is_gone) == ("SO-2", True)


async def test_units_and_names_that_nobody_knows_are_told_and_are_no_findings(
    house: House,
) -> None:
    await house.order("SO-1", L1=24, L2=5)
    await house.later()
    header = f"{HEADER},unit"
    rows = ("SO-1,L1,BOLT,DC1,2,CS", "SO-1,L2,NUT,DC1,5,PAL", "SO-4,L1,NOBODY,DC1,1,")

    run = await house.said(*rows, header=header, full=True)

    assert (run.alike, run.suspected) == (1, 1)
    assert run.unknown_names == ("NUT in PAL", "NOBODY")
    [found] = await house.findings()
    assert found.document == "SO-HEARD"


async def test_only_what_one_source_told_is_compared_where_that_is_asked(house: House) -> None:
    await house.order("SO-1", L1=10)
    await house.order("W-1", "shop", L1=4)
    await house.later()
    rows = ("SO-1,L1,BOLT,DC1,10", "SO-HEARD,L1,BOLT,DC1,1")

    assert (await house.said(*rows, full=True, heard_from="erp")).suspected == 0
    assert (await house.said(*rows, full=True)).suspected == 1
    [found] = await house.findings()
    assert found.document == "W-1"


# Purchases.


async def test_open_purchases_are_compared_like_orders(house: House) -> None:
    await house.purchase("po:1/1", 100)
    await house.purchase("po:1/2", 50, item="NUT")
    await house.purchase("po:2/1", 24)
    await house.purchase("po:3/1", 30)
    await house.purchase("po:10/1", 9)
    rows = (
        "po:1,1,BOLT,DC1,100",
        "po:1,2,NUT,DC2,50",
        "po:2,1,BOLT,DC1,2",
        "po:3,1,BOLT,DC1,30",
        "po:3,1,BOLT,DC1,30",
        "po:4,1,BOLT,DC1,6",
        "po:10/1,,BOLT,DC1,9",
    )
    for _ in range(2):
        await house.at.clock.advance(HOUR)
        await house.purchase("po:99/1", 0)
        await house.said(*rows, kind=Kind.PURCHASES, full=True)

    run = await house.last()
    assert (run.alike, run.confirmed, run.suspected) == (2, 4, 0)
    found = await house.findings(kind=Kind.PURCHASES)
    causes = {f"{one.document}/{one.line}": (one.cause, one.remedy) for one in found}
    assert causes == {
        "po:1/2": ("XREF", "MASTER_DATA"),
        "po:2/1": ("UOM", "MASTER_DATA"),
        "po:3/1": ("MSG_DUP", "FINANCE_TASK"),
        "po:4/1": ("MSG_LOST", "REFETCH"),
    }
    cases = {(one.code, one.owner_role) for one in await house.hub.cases.find(house.hub.scope)}
    assert cases == {
        ("MD-ITEM-XREF", "Master data"),
        ("MD-UOM", "Master data"),
        ("PO-DUP", "Buyer"),
        ("INV-SUSPECT", "Buyer"),
    }
    assert await house.findings() == []
    assert await house.hub.reconciliation.cycle_counts(house.hub.scope) == []


async def test_what_a_ship_notice_announces_is_open_of_its_purchase_alone(house: House) -> None:
    await house.purchase("po:1/1", 100)
    await house.purchase("asn:7/1", 40, kind=SupplyKind.ASN_LINE, parent="po:1/1")
    await house.at.clock.advance(HOUR)

    run = await house.said("po:1,1,BOLT,DC1,100", kind=Kind.PURCHASES, full=True)
    named = await house.said("asn:7,1,BOLT,DC1,40", kind=Kind.PURCHASES)

    assert (run.compared, run.alike, named.alike) == (1, 1, 1)


async def test_what_another_source_says_later_hides_nothing_of_the_one_compared(
    house: House,
) -> None:
    await house.purchase("po:1/1", 100)
    await house.purchase("po:9", 7)
    await house.later()
    await house.purchase("po:1/1", 90, source="edi")
    await house.later()
    rows = ("po:1,1,BOLT,DC1,100", "po:9,,BOLT,DC1,7")

    run = await house.said(*rows, kind=Kind.PURCHASES, full=True, heard_from="erp")

    assert (run.compared, run.alike, run.suspected) == (2, 2, 0)


async def test_a_purchase_that_was_received_here_is_still_open_there(house: House) -> None:
    await house.purchase("po:1/1", 100)
    await house.purchase("po:1/1", 0)
    await house.at.clock.advance(HOUR)
    await house.purchase("po:99/1", 0)

    await house.said("po:1,1,BOLT,DC1,100", kind=Kind.PURCHASES)

    [found] = await house.findings(kind=Kind.PURCHASES)
    assert found.cause == "STATUS_MAP"


# Dumps that cannot be.


def many(count: int, pieces: int) -> list[str]:
    return [f"SO-1,L{number},BOLT,DC1,{pieces}" for number in range(count)]


async def test_a_dump_that_cannot_be_is_rejected_and_believed_by_another(house: House) -> None:
    scope = house.hub.scope
    await house.order("SO-1", L1=10)
    await house.later()
    assert (await house.said(*many(200, 1))).verdict == "DONE"
    before = await house.findings()

    zeros = await house.said(*many(200, 0))

    assert (zeros.verdict, "are zero" in zeros.reason) == ("REJECTED", True)
    assert await house.findings() == before
    [case] = await house.hub.cases.find(scope)
    assert case.code == "RCN-SNAPSHOT"
    [told] = [one for one in await house.told() if isinstance(one, SnapshotRejected)]
    assert told.run_id == zeros.run_id
    with pytest.raises(Invalid, match="did not reject this dump"):
        await house.said(*many(199, 0), believe=zeros.run_id)
    with pytest.raises(NotFound):
        await house.said(*many(200, 0), believe="rcn_none")
    await house.hub.reconciliation.set_policy(scope, HousePolicy(four_eyes=True), by="ann")
    with pytest.raises(Forbidden, match="another one has to believe it"):
        await house.said(*many(200, 0), believe=zeros.run_id)
    done = await house.said(*many(200, 0), believe=zeros.run_id, by="ann")
    assert done.verdict == "DONE"
    [believed] = [one for one in await house.told() if isinstance(one, SnapshotBelieved)]
    assert (believed.run_id, believed.believed_by) == (zeros.run_id, "ann")
    assert [one.code for one in await house.hub.cases.find(scope)] == []


@pytest.mark.parametrize(
    ("ahead", "rows", "reason"),
    [
        (HOUR, ["SO-1,L1,BOLT,DC1,1"], "dated in the future"),
        (-32 * 24 * HOUR, ["SO-1,L1,BOLT,DC1,1"], "more than 31 days ago"),
        (0 * HOUR, [], "it has no rows"),
    ],
)
async def test_what_cannot_be_nobody_can_believe(
    house: House, ahead: timedelta, rows: Sequence[str], reason: str
) -> None:
    first = await house.said(*rows, at=house.now + ahead)
    again = await house.said(*rows, at=house.now + ahead, believe=first.run_id)

    for run in (first, again):
        assert run.verdict == "REJECTED"
        assert reason in run.reason


async def test_more_differences_than_can_be_are_no_differences(house: House) -> None:
    run = await house.said(*many(10_001, 1))

    assert (run.verdict, run.reason) == ("REJECTED", "more than 10000 lines differ")
    assert await house.findings() == []


async def test_control_characters_are_refused(house: House) -> None:
    with pytest.raises(Invalid, match="control character"):
        await house.said("SO-1\x07,L1,BOLT,DC1,1")


async def test_a_book_of_the_hub_is_no_system(house: House) -> None:
    scope = house.hub.scope
    with pytest.raises(Invalid, match="is a book of the hub"):
        await house.hub.reconciliation.compare(
            scope, Asked(against="erp", by="x", system="orders")
        )
    with pytest.raises(Invalid, match="say whose lines they are"):
        await house.hub.open_lines.compare(scope, OpenAsked(kind=Kind.ORDERS, against=" ", by="x"))
    with pytest.raises(Invalid, match="stock has no lines"):
        await house.hub.open_lines.compare(
            scope, OpenAsked(kind=Kind.STOCK, against="erp", by="x")
        )
    with pytest.raises(Invalid, match="a lag is 0"):
        await house.said("SO-1,L1,BOLT,DC1,1", lag=-1)


async def test_a_rule_may_let_a_share_of_what_is_open_pass(house: House) -> None:
    await house.order("SO-1", L1=100)
    await house.hub.reconciliation.put_rules(house.hub.scope, Rules(document_ppm=20_000), by="ann")
    await house.later()

    assert (await house.said("SO-1,L1,BOLT,DC1,98")).tolerated == 1
    assert (await house.said("SO-1,L1,BOLT,DC1,97")).suspected == 1


# Read from the application itself, and read again where the hub lacks something.


async def polled(house: House) -> None:
    """Let the hub ask the ERP what is new."""
    hub = house.hub
    entry = await hub.directory.get(hub.scope, "sales")
    polling = Polling(
        database=hub.database, directory=hub.directory, inbox=hub.inbox,
        ports=ports_of(house.at.clock, 1), worker="test",
    )  # fmt: skip
    poller = Poller(polling, entry)
    assert await poller.round()
    await poller.close()
    await hub.settle()


ASKED = OpenAsked(kind=Kind.ORDERS, against="sales", by="test")


async def test_an_order_that_the_poll_missed_is_found_read_again_and_gone(
    shop: tuple[House, Sales],
) -> None:
    house, sales = shop
    hub, scope = house.hub, house.hub.scope
    await connected(hub, "sales", "sales", {"company": "one"})
    sales.sell("SO-1", L1=10)
    await polled(house)
    sales.sell("SO-2", L1=3, L2=4)
    sales.late = {"SO-2"}
    for _ in range(2):
        await house.at.clock.advance(HOUR)
        await polled(house)
        await hub.open_lines.compare(scope, ASKED)
    run = await house.last()
    assert (run.is_full, run.compared, run.alike, run.confirmed) == (True, 3, 1, 2)
    found = await house.findings("CONFIRMED")
    assert {(one.document, one.cause, one.remedy) for one in found} == {
        ("SO-2", "MSG_LOST", "REFETCH")
    }
    sales.late = set()

    would = await hub.reconciliation.heal(
        scope, "sales", by="test", dry_run=True, kind=Kind.ORDERS
    )
    assert (len(would.findings), would.asked) == (2, ())
    await hub.reconciliation.put_rules(scope, Rules(), by="ann")
    stopped = await hub.reconciliation.heal(scope, "sales", by="test", kind=Kind.ORDERS)
    assert stopped.stopped == "2 of 50 keys would change"
    await heal_by_rules(house)
    await house.at.clock.advance(HOUR)
    await polled(house)

    again = await hub.open_lines.compare(scope, ASKED)
    assert (again.alike, again.gone, again.confirmed) == (3, 2, 0)
    assert {(one.is_gone, one.attempts) for one in await house.findings("CLOSED")} == {(True, 1)}


async def heal_by_rules(house: House) -> None:
    """Let a house heal that lets two lines of fifty be mended by themselves."""
    [now] = await house.hub.reconciliation.rules(house.hub.scope, limit=1)
    wider = replace(now.rules, brake=replace(now.rules.brake, keys_mille=100))
    await house.hub.reconciliation.put_rules(house.hub.scope, wider, by="ann")
    await house.hub.reconciliation.heal_by_rules()


async def test_of_an_order_that_cannot_be_read_nothing_is_said_to_be_closed(
    shop: tuple[House, Sales],
) -> None:
    house, sales = shop
    await connected(house.hub, "sales", "sales", {"company": "one"})
    sales.sell("SO-1", L1=10)
    sales.sell("SO-2", L1=10)
    await polled(house)
    await house.at.clock.advance(HOUR)
    del sales.sales["SO-2"]
    sales.garbled = ("SO-2",)

    run = await house.hub.open_lines.compare(house.hub.scope, ASKED)

    assert (run.is_full, run.alike, run.suspected) == (True, 1, 0)
    sales.garbled = ()
    run = await house.hub.open_lines.compare(house.hub.scope, ASKED)
    assert (run.alike, run.suspected) == (1, 1)


async def test_who_cannot_be_asked_is_told_so(shop: tuple[House, Sales]) -> None:
    house, sales = shop
    hub, scope = house.hub, house.hub.scope
    with pytest.raises(NotFound):
        await hub.open_lines.compare(scope, ASKED)
    await connected(hub, "sales", "sales", {"company": "one"})
    await house.at.keeps("books")
    with pytest.raises(Rejected, match="cannot be asked for its open orders"):
        await hub.open_lines.compare(scope, OpenAsked(kind=Kind.ORDERS, against="books", by="x"))
    with pytest.raises(Rejected, match="sales cannot be asked for its open purchases"):
        await hub.open_lines.compare(
            scope, OpenAsked(kind=Kind.PURCHASES, against="sales", by="x")
        )
    await hub.directory.pause(scope, "sales", "moving")
    with pytest.raises(Unavailable, match="paused"):
        await hub.open_lines.compare(scope, ASKED)
    assert sales.sales == {}
