"""What was shipped against what was invoiced and delivered, what was received against invoices."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import MovementType, Place, StockMoved, StockStatus
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.reconciliation import (
    DifferenceClosed,
    DifferenceConfirmed,
    DifferenceGone,
)
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyKind
from crossdock.capabilities.reconciliation import (
    Finding,
    Kind,
    OpenAsked,
    OpenDump,
    OpenSaid,
    Run,
    Spelled,
    Wanted,
)
from tests.processes.books import office
from tests.processes.test_open_lines import HEADER, HOUR, House, micros

DAY = timedelta(days=1)
PRICED = f"{HEADER},unit_cost,class"


@dataclass
class Books(House):
    """The same hub, with what leaves and enters the house, and what followed of it."""

    async def moves(
        self,
        reference: str,
        pieces: int,
        kind: MovementType = MovementType.SHIP,
        *,
        item: str = "BOLT",
        at: datetime | None = None,
    ) -> None:
        self.number += 1
        staged = Place(location="DC1", status=StockStatus.STAGED_OUT)
        is_out = kind in {MovementType.SHIP, MovementType.PICK}
        moved = StockMoved(
            movement_id=f"M-{self.number}",
            item=item,
            quantity=Quantity.of(pieces),
            type=kind,
            source_place=staged if is_out else None,
            target_place=None if is_out else staged,
            demand_ref=reference,
        )
        moment = at or self.now
        identity = f"moved:{self.number}"
        await self.hear(
            Fact(identity=identity, payload=moved, occurred_at=moment, recorded_at=moment), "wms"
        )

    async def received(
        self, supply_id: str, pieces: int, *, unit: str = "EA", still: int = 0
    ) -> None:
        self.number += 1
        payload = SupplyCommitmentChanged(
            supply_id=supply_id,
            kind=SupplyKind.PO_SCHEDULE,
            item="BOLT",
            location="DC1",
            open_quantity=Quantity.of(still, unit),
            received=Quantity.of(pieces, unit),
        )
        at = self.now
        identity = f"bought:{self.number}"
        await self.hear(Fact(identity=identity, payload=payload, occurred_at=at, recorded_at=at))

    async def followed(
        self,
        kind: Kind,
        *rows: str,
        header: str = HEADER,
        full: bool = False,
        lag: int | None = None,
    ) -> Run:
        """Compare with what followed by now, by a file."""
        file = self.folder / "followed.csv"
        file.write_text("\n".join([header, *rows]) + "\n")
        as_of = micros(self.now)

        def read(spelled: Spelled) -> OpenSaid:
            return OpenSaid(rows=OpenDump(file, as_of, spelled, kind).rows(), is_full=full)

        asked = OpenAsked(kind=kind, against="books", by="ann", said=read, lag_minutes=lag)
        return await self.hub.open_lines.compare(self.hub.scope, asked)

    async def twice(self, kind: Kind, *rows: str, header: str = HEADER, full: bool = False) -> Run:
        await self.followed(kind, *rows, header=header, full=full)
        await self.later()
        return await self.followed(kind, *rows, header=header, full=full)

    async def later(self, step: timedelta = HOUR) -> None:
        """Let time pass; both the warehouse and the ERP are heard of what is no matter here."""
        await self.at.clock.advance(step)
        await self.order("SO-HEARD", L1=1)
        await self.pick("SO-HEARD/L1", 0)

    async def open(self, kind: Kind) -> list[Finding]:
        wanted = Wanted(states=["SUSPECTED", "CONFIRMED"], kind=kind)
        return await self.hub.reconciliation.findings(self.hub.scope, wanted)

    async def case_codes(self) -> list[tuple[str, str]]:
        found = await self.hub.cases.find(self.hub.scope)
        return sorted((one.code, one.owner_role) for one in found if one.code != "INV-NEG")


@pytest.fixture
async def house(dsn: str, tmp_path: Path) -> AsyncIterator[Books]:
    async with office(dsn, tmp_path) as opened:
        await opened.keeps("erp")
        await opened.keeps("wms")
        books = Books(opened, tmp_path)
        await books.order("SO-1", L1=10)
        yield books


def key(one: Finding) -> tuple[str, str, int, int]:
    return one.document, one.line, int(one.ours), int(one.theirs)


@pytest.mark.parametrize(
    ("kind", "code", "owner"),
    [
        (Kind.INVOICES, "SHP-NOINV", "Finance AR"),
        (Kind.DELIVERIES, "SHP-LATE", "Transport"),
    ],
)
async def test_what_was_shipped_and_is_not_followed_in_its_days_is_a_case_of_its_desk(
    house: Books, kind: Kind, code: str, owner: str
) -> None:
    await house.moves("SO-1/L1", 8)
    row = "SO-1,L1,BOLT,DC1,3"
    early = await house.twice(kind, row)
    assert (early.explained, early.suspected, early.confirmed) == (1, 0, 0), "it has its days"
    await house.later(6 * DAY)

    late = await house.twice(kind, f"{row},2,C", header=PRICED)

    assert (late.confirmed, late.asked_by) == (1, "ann")
    [found] = await house.open(kind)
    assert (key(found), found.cause, found.state) == (
        ("SO-1", "L1", 8, 3),
        "MSG_LOST",
        "CONFIRMED",
    )
    assert (found.value_at_risk, found.item_class) == (Decimal(10), "C")
    assert found.due_at - found.found_at == 3 * DAY
    assert await house.case_codes() == [(code, owner)]
    [told] = [one for one in await house.told() if isinstance(one, DifferenceConfirmed)]
    assert (told.system, told.document, told.cause) == (kind, "SO-1", "MSG_LOST")


async def test_what_comes_late_closes_itself_and_its_case(house: Books) -> None:
    await house.moves("SO-1/L1", 8)
    await house.later(2 * DAY)
    await house.twice(Kind.INVOICES, "SO-1,L1,BOLT,DC1,0")
    assert await house.case_codes() == [("SHP-NOINV", "Finance AR")]
    await house.later()

    done = await house.followed(Kind.INVOICES, "SO-1,L1,BOLT,DC1,5", "SO-1,L1,BOLT,DC1,3")

    assert (done.alike, done.gone) == (1, 1)
    assert await house.case_codes() == []
    assert await house.open(Kind.INVOICES) == []
    told = await house.told()
    [closed] = [one for one in told if isinstance(one, DifferenceClosed)]
    assert (closed.root_cause, closed.closed_by) == ("MSG_LOST", "crossdock")
    assert [one.document for one in told if isinstance(one, DifferenceGone)] == ["SO-1"]


async def test_a_line_that_is_invoiced_in_part_as_another_item_is_for_master_data(
    house: Books,
) -> None:
    await house.moves("SO-1/L1", 10)
    await house.later(2 * DAY)

    run = await house.twice(Kind.INVOICES, "SO-1,L1,BOLT,DC1,6", "SO-1,L1,NUT,DC1,4")

    assert (run.alike, run.confirmed) == (0, 1)
    [found] = await house.open(Kind.INVOICES)
    assert (key(found), found.cause) == (("SO-1", "L1", 10, 10), "XREF")


async def test_a_full_dump_finds_an_order_that_was_never_invoiced(house: Books) -> None:
    await house.order("SO-2", L1=5)
    await house.moves("SO-1/L1", 8)
    await house.moves("SO-2/L1", 5)
    await house.later(2 * DAY)
    row = "SO-1,L1,BOLT,DC1,8"

    assert (await house.twice(Kind.INVOICES, row)).confirmed == 0, "what is left out is not said"
    assert (await house.twice(Kind.INVOICES, row, full=True)).confirmed == 1

    [found] = await house.open(Kind.INVOICES)
    assert key(found) == ("SO-2", "L1", 5, 0)
    await house.later(timedelta(days=100))
    again = await house.followed(Kind.INVOICES, row, full=True)
    assert (again.confirmed, again.gone) == (1, 0), "it stays though it is long ago"


async def test_what_was_invoiced_stays_known_of_a_line_that_is_older_than_a_full_dump_goes_back(
    house: Books,
) -> None:
    """Invoiced twelve of ten: that the dump leaves it out by then says not that none is."""
    await house.order("SO-2", L1=5)
    await house.order("SO-3", L1=5)
    await house.moves("SO-1/L1", 10)
    await house.moves("SO-2/L1", 5)
    await house.moves("SO-3/L1", 5)
    await house.later(2 * DAY)
    rows = ("SO-1,L1,BOLT,DC1,12", "SO-2,L1,BOLT,DC1,5", "SO-3,L1,BOLT,DC1,2")
    assert (await house.twice(Kind.INVOICES, *rows, full=True)).confirmed == 2
    before = await house.open(Kind.INVOICES)
    codes = await house.case_codes()
    await house.later(timedelta(days=100))

    again = await house.twice(Kind.INVOICES, "SO-2,L1,BOLT,DC1,5", full=True)

    assert again.gone == 0
    found = await house.open(Kind.INVOICES)
    assert sorted(map(key, found)) == [("SO-1", "L1", 10, 12), ("SO-3", "L1", 5, 2)]
    assert {one.finding_id: one.cause for one in found} == {
        one.finding_id: one.cause for one in before
    }
    assert await house.case_codes() == codes


async def test_lines_that_a_full_dump_leaves_out_of_a_document_are_judged_as_far_as_it_goes_back(
    house: Books,
) -> None:
    await house.later()
    await house.order("SO-1", L1=10, L11=5, L21=4, L31=3)
    await house.moves("SO-1/L1", 10)
    await house.moves("SO-1/L11", 5)
    await house.later(2 * DAY)
    rows = ("SO-1,L1,BOLT,DC1,12", "SO-1,L11,BOLT,DC1,5")
    assert (await house.twice(Kind.INVOICES, *rows, full=True)).confirmed == 1
    codes = await house.case_codes()
    await house.later(timedelta(days=100))
    await house.moves("SO-1/L21", 4)
    await house.moves("SO-1/L31", 3)
    await house.later(2 * DAY)

    again = await house.twice(Kind.INVOICES, "SO-1,L21,BOLT,DC1,4", full=True)

    assert (again.gone, again.confirmed) == (0, 1), "the dump does not go back to L1 and L11"
    found = await house.open(Kind.INVOICES)
    assert sorted(map(key, found)) == [("SO-1", "L1", 10, 12), ("SO-1", "L31", 3, 0)]
    assert await house.case_codes() == sorted([*codes, ("SHP-NOINV", "Finance AR")])


async def test_more_invoiced_than_was_shipped_waits_for_the_warehouse_to_be_heard(
    house: Books,
) -> None:
    await house.moves("SO-1/L1", 4)
    await house.later(2 * DAY)
    await house.at.clock.advance(HOUR)  # nobody is heard since

    await house.followed(Kind.INVOICES, "SO-1,L1,BOLT,DC1,9")
    await house.at.clock.advance(HOUR)
    behind = await house.followed(Kind.INVOICES, "SO-1,L1,BOLT,DC1,9")
    assert (behind.suspected, behind.confirmed) == (1, 0)
    await house.later()
    heard = await house.twice(Kind.INVOICES, "SO-1,L1,BOLT,DC1,9")

    assert heard.confirmed == 1
    [found] = await house.open(Kind.INVOICES)
    assert (key(found), found.remedy) == (("SO-1", "L1", 4, 9), "FINANCE_TASK")
    assert await house.case_codes() == [("ORD-LEDGER", "Finance AR")]


async def test_what_is_voided_or_comes_back_is_not_to_be_invoiced(house: Books) -> None:
    await house.moves("SO-1/L1", 10)
    await house.moves("SO-1/L1", 2, MovementType.SHIP_VOID)
    await house.moves("SO-1/L1", 3, MovementType.RETURN_RECEIPT)
    await house.later(6 * DAY)

    net = await house.followed(Kind.INVOICES, "SO-1,L1,BOLT,DC1,8", "SO-1,L1,BOLT,DC1,-3")
    delivered = await house.followed(Kind.DELIVERIES, "SO-1,L1,BOLT,DC1,8")

    assert (net.alike, delivered.alike) == (1, 1), "what came back had been delivered"


async def test_what_came_back_lately_may_not_be_credited_yet(house: Books) -> None:
    await house.moves("SO-1/L1", 10)
    await house.later(6 * DAY)
    await house.moves("SO-1/L1", 3, MovementType.RETURN_RECEIPT)
    await house.later()

    run = await house.followed(Kind.INVOICES, "SO-1,L1,BOLT,DC1,10")

    assert (run.explained, run.suspected) == (1, 0)


async def test_what_came_back_is_not_set_off_against_what_left_the_same_day(
    house: Books,
) -> None:
    """Five came back and five left in their place: those are invoiced, the credit follows."""
    await house.moves("SO-1/L1", 10)
    await house.later(6 * DAY)
    await house.moves("SO-1/L1", 5, MovementType.RETURN_RECEIPT)
    await house.moves("SO-1/L1", 5)
    await house.later()

    found = [await house.followed(Kind.INVOICES, f"SO-1,L1,BOLT,DC1,{n}") for n in (15, 5, 16)]

    assert [(run.explained, run.suspected) for run in found] == [(1, 0), (1, 0), (0, 1)]


async def test_a_delivery_without_proof_is_none_once_its_days_are_over(house: Books) -> None:
    await house.moves("SO-1/L1", 8)
    await house.later(6 * DAY)
    header = f"{HEADER},proof"

    proven = await house.followed(Kind.DELIVERIES, "SO-1,L1,BOLT,DC1,8,J. Doe", header=header)
    lacking = await house.followed(Kind.DELIVERIES, "SO-1,L1,BOLT,DC1,8,", header=header)

    assert (proven.alike, lacking.suspected) == (1, 1)
    [found] = await house.open(Kind.DELIVERIES)
    assert key(found) == ("SO-1", "L1", 8, 0)


async def test_what_left_after_the_dump_was_taken_is_not_missed(house: Books) -> None:
    await house.moves("SO-1/L1", 6)
    await house.later(2 * DAY)
    await house.moves("SO-1/L1", 2, at=house.now + timedelta(seconds=1))

    run = await house.followed(Kind.INVOICES, "SO-1,L1,BOLT,DC1,6", lag=0)

    assert run.alike == 1


async def test_a_line_that_left_in_other_goods_is_not_judged(house: Books) -> None:
    """A kit that left in parts: how much of it that is nobody can say."""
    await house.order("SO-3", L1=2)
    await house.moves("SO-3/L1", 4, item="NUT")
    await house.order("SO-4", L1=2)
    await house.moves("SO-4/L1/NUT", 4, item="NUT")
    await house.later(2 * DAY)

    run = await house.followed(Kind.INVOICES, "SO-3,L1,BOLT,DC1,2", "SO-4,L1,BOLT,DC1,2")

    assert (run.suspected, run.unknown_names) == (0, ("SO-3/L1", "SO-4/L1"))


async def test_a_case_stays_when_nobody_can_say_any_more_how_much_was_shipped(
    house: Books,
) -> None:
    await house.moves("SO-1/L1", 8)
    await house.later(2 * DAY)
    row = "SO-1,L1,BOLT,DC1,0"
    await house.twice(Kind.INVOICES, row)
    await house.moves("SO-1/L1", 4, item="NUT")
    await house.later()

    run = await house.followed(Kind.INVOICES, row)

    assert (run.alike, run.gone, run.unknown_names) == (0, 0, ("SO-1/L1",))
    assert [key(one) for one in await house.open(Kind.INVOICES)] == [("SO-1", "L1", 8, 0)]
    assert await house.case_codes() == [("SHP-NOINV", "Finance AR")]


async def test_a_case_stays_when_a_purchase_does_not_say_any_more_what_was_received(
    house: Books,
) -> None:
    await house.received("po:1/1", 10)
    await house.later(8 * DAY)
    row = "po:1,1,BOLT,DC1,0"
    await house.twice(Kind.SUPPLIER_INVOICES, row)
    await house.purchase("po:1/1", 10)
    await house.later(8 * DAY)

    for full in (False, True):
        run = await house.followed(Kind.SUPPLIER_INVOICES, row, full=full)
        assert (run.gone, run.unknown_names) == (0, ("po:1/1",))
    assert await house.case_codes() == [("INVM-QTY", "AP")]


async def test_a_line_that_the_hub_never_heard_of_is_named_and_not_judged(house: Books) -> None:
    await house.later()
    run = await house.twice(Kind.INVOICES, "SO-9,L1,BOLT,DC1,2")
    assert (run.suspected, run.confirmed, run.unknown_names) == (0, 0, ("SO-9/L1",))


async def test_a_picked_line_has_not_left_before_it_is_shipped(house: Books) -> None:
    await house.pick("SO-1/L1", 8)
    await house.later(2 * DAY)
    run = await house.followed(Kind.INVOICES, "SO-1,L1,BOLT,DC1,0")
    assert run.alike == 1


async def test_what_was_received_and_is_not_invoiced_is_a_case_of_accounts_payable(
    house: Books,
) -> None:
    """Two cases of twelve were received, and one of them is invoiced (GR/IR)."""
    await house.received("po:1/1", 2, unit="CS")
    row = "po:1,1,BOLT,DC1,12"
    early = await house.followed(Kind.SUPPLIER_INVOICES, row)
    assert (early.explained, early.suspected) == (1, 0), "a supplier has a week"
    await house.later(8 * DAY)

    await house.twice(Kind.SUPPLIER_INVOICES, row)

    [found] = await house.open(Kind.SUPPLIER_INVOICES)
    assert (key(found), found.cause) == (("po:1", "1", 24, 12), "MSG_LOST")
    assert await house.case_codes() == [("INVM-QTY", "AP")]
    await house.later()
    done = await house.followed(Kind.SUPPLIER_INVOICES, row, "po:1,1,BOLT,DC1,12")
    assert (done.gone, await house.case_codes()) == (1, [])


async def test_what_is_invoiced_and_was_not_received_is_a_case_of_accounts_payable(
    house: Books,
) -> None:
    await house.received("po:1/1", 0, still=10)
    await house.received("po:2/1", 10)
    await house.later(8 * DAY)
    rows = ("po:1,1,BOLT,DC1,10", "po:2,1,BOLT,DC1,10")

    run = await house.twice(Kind.SUPPLIER_INVOICES, *rows, full=True)

    assert (run.confirmed, run.alike) == (1, 1)
    [found] = await house.open(Kind.SUPPLIER_INVOICES)
    assert key(found) == ("po:1", "1", 0, 10)
    assert await house.case_codes() == [("INVM-NORCPT", "AP")]


async def test_a_full_dump_finds_a_receipt_that_was_never_invoiced(house: Books) -> None:
    await house.received("po:1/1", 10)
    await house.received("po:2/1", 10)
    await house.later(8 * DAY)

    run = await house.twice(Kind.SUPPLIER_INVOICES, "po:2,1,BOLT,DC1,10", full=True)

    assert run.confirmed == 1
    [found] = await house.open(Kind.SUPPLIER_INVOICES)
    assert key(found) == ("po:1", "1", 10, 0)


async def test_a_purchase_line_of_which_nobody_says_what_was_received_is_not_judged(
    house: Books,
) -> None:
    await house.purchase("po:1/1", 10)
    await house.later(8 * DAY)
    run = await house.twice(Kind.SUPPLIER_INVOICES, "po:1,1,BOLT,DC1,10")
    assert (run.suspected, run.confirmed, run.unknown_names) == (0, 0, ("po:1/1",))


@pytest.mark.parametrize("amount", ["-1", "1e30", "nan", "", "٣", "1" * 30, "5,5"])
async def test_a_hostile_amount_of_a_delivery_is_refused_with_its_row(
    house: Books, amount: str
) -> None:
    with pytest.raises(Invalid, match=r".") as refused:
        await house.followed(Kind.DELIVERIES, f'SO-1,L1,BOLT,DC1,"{amount}"')
    assert "followed.csv:2" in refused.value.where


async def test_nobody_is_asked_for_invoices_and_none_is_sent_again(house: Books) -> None:
    asked = OpenAsked(kind=Kind.INVOICES, against="erp", by="ann")
    with pytest.raises(Invalid, match="nobody can be asked for invoices"):
        await house.hub.open_lines.compare(house.hub.scope, asked)
    with pytest.raises(Invalid, match="not sent or read again"):
        await house.hub.reconciliation.heal(
            house.hub.scope, "books", by="ann", kind=Kind.DELIVERIES
        )
