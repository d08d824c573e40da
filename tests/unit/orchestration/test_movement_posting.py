"""Which movements the books must learn of, and that each is sent once whatever happens."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.commands import Settlement
from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.inventory import MovementType, Place, StockMoved, StockStatus
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import ItemInUnit, Resolution
from crossdock.connectivity.sdk.stock_records import ENDS
from crossdock.orchestration.decision import CloseCase
from crossdock.orchestration.engine.harness import BareStage
from crossdock.orchestration.engine.process import Key, Process
from crossdock.orchestration.processes.movement_facts import load
from crossdock.orchestration.processes.movement_posting import (
    NAME,
    Booking,
    Books,
    End,
    Facts,
    Posted,
    bookings,
    decide,
)
from tests.conftest import NOON

BOOKS = Books(tenant="main", connection="erp", zones={"DC1": "UTC", "DC2": "America/New_York"})
SHELF, DOCK = Place(location="DC1"), Place(location="DC1", status=StockStatus.RECEIVING)
OUTSIDE = End()


def moved(
    source: Place | None, target: Place | None, *, quantity: str = "4", number: int = 1
) -> StockMoved:
    return StockMoved(
        movement_id=str(number),
        item="BOLT",
        quantity=Quantity.of(quantity),
        type=MovementType.ADJUST,
        source_place=source,
        target_place=target,
    )


def heard(
    payload: StockMoved,
    *,
    source: str = "wms",
    tenant: str = "main",
    at: datetime = NOON,
    replay: bool = False,
) -> Event:
    fact = Fact(
        identity=f"movement:{payload.movement_id}:1",
        payload=payload,
        occurred_at=at,
        replay=replay,
    )
    return Event(
        position=1,
        event_id="e",
        tenant=tenant,
        source=source,
        received_at=NOON,
        raw_ref=None,
        fact=fact,
    )


def booked(payload: StockMoved, *kept: Books, **envelope: Any) -> list[Booking]:
    return bookings(heard(payload, **envelope), payload, kept or (BOOKS,))


def ends(payload: StockMoved) -> list[tuple[End, End]]:
    return [(one.source_end, one.target_end) for one in booked(payload)]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (MovementType.RECEIPT, [(OUTSIDE, End("DC1"))]),
        (MovementType.RETURN_RECEIPT, [(OUTSIDE, End("DC1"))]),
        (MovementType.RTV, [(End("DC1"), OUTSIDE)]),
        (MovementType.SHIP, [(End("DC1"), OUTSIDE)]),
        (MovementType.SHIP_VOID, [(OUTSIDE, End("DC1"))]),
        (MovementType.TRANSFER_SHIP, [(End("DC1"), End("DC1", is_in_transit=True))]),
        (MovementType.TRANSFER_RECEIVE, [(End("DC1", is_in_transit=True), End("DC1"))]),
        *(
            (kind, [])
            for kind in (
                *(MovementType.PUTAWAY, MovementType.PICK, MovementType.UNPICK),
                *(MovementType.QC_HOLD, MovementType.QC_RELEASE, MovementType.BLOCK),
                *(MovementType.UNBLOCK, MovementType.DAMAGE, MovementType.EXPIRE),
                *(MovementType.RECALL, MovementType.DISPOSITION, MovementType.UOM_REPACK),
            )
        ),
    ],
)
def test_what_changes_how_much_lies_there_is_booked(
    kind: MovementType, told: list[tuple[End, End]]
) -> None:
    source, target = (
        Place(location="DC1", status=status) if status else None for status in ENDS[kind]
    )

    assert ends(moved(source, target)) == told


def test_a_location_outside_the_books_is_outside() -> None:
    assert ends(moved(SHELF, Place(location="DC9"))) == [(End("DC1"), OUTSIDE)]
    assert ends(moved(Place(location="DC8"), Place(location="DC9"))) == []


def test_a_transfer_stays_in_the_books_while_it_is_on_the_road() -> None:
    on_road = Place(location="DC2", status=StockStatus.IN_TRANSIT)

    assert ends(moved(SHELF, on_road)) == [(End("DC1"), End("DC2", is_in_transit=True))]
    assert ends(moved(on_road, Place(location="DC2", status=StockStatus.RECEIVING))) == [
        (End("DC2", is_in_transit=True), End("DC2"))
    ]


def test_others_goods_are_not_in_the_books_until_they_are_ours() -> None:
    theirs = replace(SHELF, owner="SUPPLIER")

    assert ends(moved(None, theirs)) == []
    assert ends(moved(theirs, SHELF)) == [(OUTSIDE, End("DC1"))]


def test_who_told_a_movement_is_not_told_of_it() -> None:
    receipt = moved(None, DOCK)
    other = replace(BOOKS, connection="other_erp")

    assert [b.connection for b in booked(receipt, BOOKS, other)] == ["erp", "other_erp"]
    assert [b.connection for b in booked(receipt, BOOKS, other, source="erp")] == ["other_erp"]


def test_a_tenants_movements_are_in_its_own_books_alone() -> None:
    assert booked(moved(None, DOCK), tenant="other") == []


def test_a_count_that_finds_what_was_booked_is_not_booked() -> None:
    assert booked(moved(None, DOCK, quantity="0")) == []
    assert booked(moved(None, DOCK)) != []


@given(st.integers(1, 3_000_000), st.integers(1, 1_000), st.integers(1, 10_000_000))
def test_what_rounds_to_nothing_in_the_base_unit_is_not_booked(
    micros: int, numerator: int, denominator: int
) -> None:
    told = replace(moved(None, DOCK), quantity=Quantity.from_micros(micros, "MG"))
    in_base = Resolution(
        items={("BOLT", "MG"): ItemInUnit("BOLT", "KG", numerator, denominator)},
        locations={"DC1": "DC1"},
    )
    found = booked(told.resolved(in_base))

    assert bool(found) is (2 * micros * numerator >= denominator)
    assert all(booking.quantity > 0 for booking in found)


def test_a_replayed_movement_is_not_booked() -> None:
    assert booked(moved(None, DOCK), replay=True) == []


def test_base_units_are_booked() -> None:
    cases = replace(moved(None, DOCK), quantity=Quantity.of(2, "CS"), base=Quantity.of(24))

    (booking,) = booked(cases)

    assert (booking.quantity, booking.unit) == (Decimal(24), "EA")


def test_a_movement_has_one_name_for_ever() -> None:
    (booking,) = booked(moved(None, DOCK))

    assert booking.reference == "crossdock:wms:movement:1:1"
    assert booking.instance == "erp/wms/movement%3A1%3A1"


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 5, 1, 3, 30, tzinfo=UTC), date(2026, 4, 30)),
        (datetime(2026, 5, 1, 4, 30, tzinfo=UTC), date(2026, 5, 1)),
        (NOON + timedelta(days=900), date(2026, 5, 4)),
    ],
)
def test_the_business_date_is_that_of_the_location(at: datetime, day: date) -> None:
    (booking,) = booked(moved(None, Place(location="DC2")), at=at)

    assert booking.occurred_on == day


def test_a_zone_that_nobody_knows_is_the_worlds() -> None:
    nowhere = replace(BOOKS, zones={"DC1": "Mars/Olympus"})

    (booking,) = booked(moved(None, DOCK), nowhere)

    assert booking.occurred_on == NOON.date()


places = st.none() | st.builds(
    Place,
    location=st.sampled_from(["DC1", "DC2", "DC9"]),
    status=st.sampled_from(StockStatus),
    owner=st.sampled_from(["", "SUPPLIER"]),
)


@given(st.lists(st.tuples(places, places, st.integers(1, 99)), max_size=30), st.randoms())
def test_the_books_hold_what_the_ledger_holds(
    movements: list[tuple[Place | None, Place | None, int]], chance: Random
) -> None:
    """In whatever order they come, and however often: a reference counts once."""
    ledger: Counter[End] = Counter()
    told: dict[str, Booking] = {}
    events = [
        moved(source, target, quantity=str(quantity), number=number)
        for number, (source, target, quantity) in enumerate(movements)
    ]
    for one in events:
        for place, sign in ((one.source_place, -1), (one.target_place, 1)):
            if place and place.location != "DC9" and not place.owner:
                end = End(place.location, place.status is StockStatus.IN_TRANSIT)
                ledger[end] += sign * int(one.quantity.value)
    heard_again = events * 2
    chance.shuffle(heard_again)
    for one in heard_again:
        told |= {booking.reference: booking for booking in booked(one)}

    books: Counter[End] = Counter()
    for booking in told.values():
        books[booking.source_end] -= int(booking.quantity)
        books[booking.target_end] += int(booking.quantity)
    books.pop(OUTSIDE, None)
    assert {end: count for end, count in books.items() if count} == {
        end: count for end, count in ledger.items() if count
    }


PROCESS = Process(name=NAME, ledger=Posted, subscriptions={}, load=load, decide=decide)
OUTCOMES = st.tuples(
    st.sampled_from(Settlement), st.sampled_from(["", "MD-ITEM-XREF", "discarded", "conflict"])
)


def play(facts: list[Facts]) -> BareStage[Posted, Facts]:
    return BareStage(PROCESS, lambda _: facts[-1], NOON)


def is_ended(settlement: Settlement, code: str) -> bool:
    return settlement is Settlement.DONE or code == "discarded"


@given(st.lists(st.none() | OUTCOMES, max_size=12))
async def test_a_booking_is_sent_once_and_a_case_is_open_while_it_is_not_made(
    happenings: list[tuple[Settlement, str] | None],
) -> None:
    (booking,) = booked(moved(None, DOCK))
    known = [Facts(booking=booking)]
    stage = play(known)
    await stage.touch(booking.instance)
    last: tuple[Settlement, str] | None = None
    for position, happening in enumerate(happenings, start=1):
        if happening:
            last = happening
            settlement, code = happening
            known.append(Facts(booking=booking, heard=position, settlement=settlement, code=code))
        await stage.touch(booking.instance)

    (command,) = stage.commands
    assert command.subject == command.arguments["external_ref"] == booking.reference
    open_cases: set[str] = set()
    for case in stage.cases:
        if isinstance(case, OpenCase):
            open_cases.add(case.fingerprint)
        else:
            open_cases.remove(case.fingerprint)
    assert bool(open_cases) == (last is not None and not is_ended(*last))


@pytest.mark.parametrize(
    ("settlement", "code", "case", "owner"),
    [
        (Settlement.REFUSED, "conflict", "TGT-REJECT", "Inventory control"),
        (Settlement.REFUSED, "MD-ITEM-XREF", "MD-ITEM-XREF", "Master data"),
        (Settlement.REFUSED, "MD-LOC", "MD-LOC", "Master data"),
        (Settlement.PARKED, "tries_used_up", "TGT-DOWN", "Integration"),
    ],
)
async def test_what_is_not_booked_is_somebodys_case(
    settlement: Settlement, code: str, case: str, owner: str
) -> None:
    (booking,) = booked(moved(None, DOCK))
    known = [Facts(booking=booking)]
    stage = play(known)
    await stage.touch(booking.instance)
    known.append(
        Facts(booking=booking, heard=1, settlement=settlement, code=code, detail="why not")
    )
    await stage.touch(booking.instance)

    (opened,) = stage.cases
    assert isinstance(opened, OpenCase)
    assert (opened.code, opened.owner_role, opened.entity) == (case, owner, "BOLT")
    assert "4 EA of BOLT from outside to DC1 in erp" in opened.title
    assert opened.title.endswith("why not")

    known.append(Facts(booking=booking, heard=2, settlement=Settlement.DONE, detail="shipment 12"))
    await stage.touch(booking.instance)
    assert stage.cases[1:] == [
        CloseCase(fingerprint=opened.fingerprint, resolution="booked: shipment 12")
    ]
    assert stage.notes[-1] == "booked: shipment 12"
    assert stage.ledger(Key("main", booking.instance).instance) == Posted(is_sent=True, heard=2)
