"""Whatever is taken into the log, every reader of the hub can apply."""

from collections import Counter
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.canonical.catalog import (
    CatchWeightChanged,
    ItemChanged,
    ItemUnit,
    KitChanged,
    KitComponent,
    LocationChanged,
    LotChanged,
)
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    Place,
    SourceHeard,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyPeg
from crossdock.connectivity import recording
from crossdock.connectivity.recording import Origin
from tests.conftest import NOON
from tests.interfaces.api.conftest import Caller, House, event, main_scope, stock

PAYLOADS_COUNT = 600
LARGEST = Decimal(10) ** 12 - Decimal("0.000001")
UNITS = (
    ItemUnit(unit="CS", numerator=12),
    ItemUnit(unit="PF", numerator=10**9),
    ItemUnit(unit="LBR", numerator=1, denominator=10**9),
)

values = st.sampled_from(
    [Decimal(text) for text in ("0", "1", "-1", "0.000001", "-0.000001", "7.5", "999999999999")]
) | st.decimals(-LARGEST, LARGEST, places=6)
amounts = st.builds(Quantity, values, st.sampled_from(["EA", "CS", "PF", "LBR"]))
texts = st.sampled_from(["", " ", "A", "ß€", "x" * 500])
days = st.none() | st.dates()
numbers = st.sampled_from([-1, 0, 1, 100, 101, 2**31, 2**63 - 1, 2**63, -(2**63)])
things = st.just("THING")
places = st.builds(
    Place,
    location=st.just("DC1"),
    status=st.sampled_from(StockStatus),
    owner=texts,
    lot=texts,
    serial=texts,
)
payloads: st.SearchStrategy[Payload] = st.one_of(
    st.builds(
        StockMoved,
        movement_id=texts,
        item=things,
        quantity=amounts,
        type=st.sampled_from(MovementType),
        source_place=st.none() | places,
        target_place=st.none() | places,
        reason=texts,
        document_ref=texts,
        demand_ref=texts,
        reverses_id=texts,
    ),
    st.builds(
        StockSnapshotTaken,
        snapshot_id=texts,
        location=st.just("DC1"),
        lines=st.lists(
            st.builds(
                CountedStock,
                item=things,
                quantity=amounts,
                status=st.sampled_from(StockStatus),
                owner=texts,
                lot=texts,
                serial=texts,
            ),
            max_size=3,
        ).map(tuple),
    ),
    st.builds(
        OrderChanged,
        order_id=texts,
        customer=texts,
        customer_po=texts,
        channel=texts,
        placed_at=st.none() | st.just(NOON),
        lines=st.lists(
            st.builds(
                DemandLine,
                demand_ref=texts,
                item=things,
                location=st.just("DC1"),
                ordered=amounts,
                cancelled=amounts,
                released=st.none() | amounts,
                requested_ship_date=days,
                is_dropship=st.booleans(),
                drop_ship_po_line=texts,
            ),
            max_size=3,
        ).map(tuple),
    ),
    st.builds(
        SupplyCommitmentChanged,
        supply_id=texts,
        item=things,
        location=st.just("DC1"),
        open_quantity=amounts,
        eta=days,
        acknowledgment_due=days,
        parent_supply_id=texts,
        pegs=st.lists(st.builds(SupplyPeg, demand_ref=texts, quantity=amounts), max_size=3).map(
            tuple
        ),
    ),
    st.builds(
        KitChanged,
        item=things,
        quantity=amounts,
        components=st.lists(
            st.builds(KitComponent, item=st.just("PART"), quantity=amounts), max_size=2
        ).map(tuple),
    ),
    st.builds(LotChanged, item=things, lot=texts, expires_on=days),
    st.builds(
        CatchWeightChanged,
        item=things,
        nominal=st.none() | amounts,
        low_percent=numbers,
        high_percent=numbers,
    ),
    st.builds(ChannelLevelHeard, item=things, location=st.just("DC1"), quantity=amounts),
    st.builds(
        ItemChanged,
        sku=texts,
        description=texts,
        base_unit=texts,
        gtin=texts,
        units=st.lists(
            st.builds(ItemUnit, unit=texts, numerator=numbers, denominator=numbers, gtin=texts),
            max_size=3,
        ).map(tuple),
    ),
    st.builds(
        LocationChanged,
        code=texts,
        name=texts,
        timezone=texts,
        members=st.lists(texts, max_size=3).map(tuple),
    ),
    st.builds(PartyChanged, code=texts, legal_name=texts, parent=texts, duns=texts),
    st.builds(SourceHeard, source=texts),
)


def drawn() -> list[Payload]:
    found: list[Payload] = []

    @settings(max_examples=PAYLOADS_COUNT, database=None, derandomize=True)
    @given(payloads)
    def draw(payload: Payload) -> None:
        found.append(payload)

    draw()
    return found


async def say(house: House, *payloads: Payload) -> Counter[str]:
    """Record payloads, and let everyone hear them; say how many of each type were taken."""
    origin = Origin(tenant="main", source="erp", received_at=NOON)
    facts = [
        Fact(identity=f"{number}:{payload.key}"[:500], payload=payload, occurred_at=NOON)
        for number, payload in enumerate(payloads)
    ]
    async with house.database.transaction(main_scope()) as tx:
        verdicts = await recording.record(tx, origin, facts, house.catalog)
    await house.catch_up()
    pairs = zip(verdicts, payloads, strict=True)
    return Counter(payload.TYPE for verdict, payload in pairs if verdict.verdict == "NEW")


def of_its_own_item(payload: Payload, number: int) -> Payload:
    """Give a payload an item that no other names, so that no sums of several are judged."""
    named = msgspec.json.encode(payload).replace(b'"THING"', b'"THING%d"' % number)
    return msgspec.json.decode(named, type=type(payload))


async def test_no_reader_refuses_what_was_taken_into_the_log(house: House) -> None:
    said = [of_its_own_item(payload, number) for number, payload in enumerate(drawn())]
    items = ["PART", *(f"THING{number}" for number in range(len(said)))]
    known: list[Payload] = [ItemChanged(sku=item, units=UNITS) for item in items]
    await say(house, *known, LocationChanged(code="DC1"))

    taken = await say(house, *said)

    assert taken.keys() == {payload.TYPE for payload in said}
    refused = await house.refusals.find(main_scope(), limit=PAYLOADS_COUNT)
    assert sorted({(one.reader, one.type, one.reason) for one in refused}) == []


async def test_a_movement_of_less_than_something_is_set_aside_before_the_log(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    said = [
        event(
            StockMoved.TYPE,
            f"movement:{number}",
            {
                "movement_id": str(number),
                "item": "BOLT",
                "quantity": {"value": value, "unit": "EA"},
                "type": "PICK",
                "source_place": {"location": "DC"},
            },
            occurred_at="2026-05-04T13:00:00Z",
        )
        for number, value in enumerate(("-4", "0", "4"))
    ]

    answer = await call("POST", "/v1/events", {"source": "wms", "events": said})
    await house.catch_up()

    found = [(one["verdict"], one["code"], one["reason"]) for one in answer.json["verdicts"]]
    assert found == [
        ("QUARANTINED", "EVT-SCHEMA", "A PICK of -4: send its reversal instead"),
        ("NEW", "", ""),
        ("NEW", "", ""),
    ]
    assert await house.refusals.count(main_scope()) == 0
    shown = await call("GET", "/v1/availability?item=BOLT&location=DC")
    assert shown.json["available"]["value"] == "6"
