"""Flat records of stock mean what domain.md §1.3 says, whatever their columns are called."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.catalog import ItemChanged, ItemStatus, LocationChanged, Tracking
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import (
    MovementType,
    SourceHeard,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.connectivity.sdk.records import Record
from crossdock.connectivity.sdk.stock_records import (
    ENDS,
    SIGNED,
    Vocabulary,
    item_changed,
    location_changed,
    snapshots_taken,
    source_heard,
    stock_moved,
    version_of,
)

WORDS = Vocabulary(reasons={"PK": MovementType.PICK}, statuses={"Q": StockStatus.QC_HOLD})
AT = {"occurred_at": "2026-03-02T08:00Z"}
PICK = AT | {"movement_id": "M-1", "location": "DC1", "reason": "PICK", "item": "A",
             "quantity": "4"}  # fmt: skip
LEVEL = AT | {"snapshot_id": "S-1", "location": "DC1", "item": "A", "quantity": "4"}


def record(**fields: Any) -> Record:
    return Record(fields=fields)


def moved(**changes: Any) -> StockMoved:
    payload = stock_moved(record(**PICK | changes), WORDS).payload
    assert isinstance(payload, StockMoved)
    return payload


def item(**fields: Any) -> ItemChanged:
    payload = item_changed(record(**AT | {"item": "A"} | fields), WORDS).payload
    assert isinstance(payload, ItemChanged)
    return payload


def fault(call: Any) -> tuple[str, str]:
    with pytest.raises(Invalid) as problem:
        call()
    return problem.value.where, problem.value.code


# ---- movements ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(ENDS))
def test_a_reason_alone_says_from_where_to_where(kind: MovementType) -> None:
    other = {"to_location": "DC2"} if kind is MovementType.TRANSFER_SHIP else {}
    movement = moved(reason=kind.value.lower(), **other)

    ends = (movement.source_place, movement.target_place)
    assert tuple(place and place.status for place in ends) == ENDS[kind]


@pytest.mark.parametrize("kind", sorted(set(ENDS) - {MovementType.TRANSFER_SHIP}))
def test_a_reversal_goes_back_the_way_that_the_deed_went(kind: MovementType) -> None:
    deed, undone = moved(reason=kind), moved(reason=kind, reverses="M-0", reverses_line="2")
    is_undoing = kind in {MovementType.UNPICK, MovementType.SHIP_VOID}
    back = (deed.target_place, deed.source_place)

    went = (undone.source_place, undone.target_place)
    assert went == ((back[1], back[0]) if is_undoing else back)
    assert undone.reverses_id == "M-0:2"


def test_a_transfer_that_is_undone_names_where_it_was_sent_from() -> None:
    undone = {"reason": "TRANSFER_SHIP", "reverses": "M-0"}

    assert fault(lambda: moved(**undone)) == ("/from_location", "EVT-SCHEMA")
    back = moved(**undone, from_location="DC2")
    assert back.source_place
    assert (back.source_place.location, back.source_place.status) == ("DC2", "IN_TRANSIT")
    assert fault(lambda: moved(reason="TRANSFER_SHIP")) == ("/to_location", "EVT-SCHEMA")


@pytest.mark.parametrize("kind", sorted(SIGNED - {MovementType.OTHER}))
def test_a_sign_says_whether_goods_came_or_went_and_the_status_of_which(
    kind: MovementType,
) -> None:
    came = moved(reason=kind, quantity="2", status="Q")
    gone = moved(reason=kind, quantity="-2", status="Q")

    assert came.source_place is gone.target_place is None
    assert came.target_place == gone.source_place
    assert came.target_place
    assert came.target_place.status is StockStatus.QC_HOLD
    assert came.quantity.value == 2


def test_what_names_its_ends_needs_no_sign() -> None:
    named = moved(reason="ADJUST", from_status="Q", to_status="DAMAGED", lot="L", owner="ACME")

    assert named.source_place
    assert named.target_place
    assert (named.source_place.status, named.target_place.status) == ("QC_HOLD", "DAMAGED")
    assert (named.source_place.lot, named.target_place.owner) == ("L", "ACME")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"quantity": "-4"}, "/quantity"),
        ({"reason": "ADJUST", "quantity": "-4", "to_status": "DAMAGED"}, "/quantity"),
        ({"reason": "zz"}, "/reason"),
        ({"reason": None}, "/reason"),
        ({"movement_id": None}, "/movement_id"),
        ({"item": None}, "/item"),
        ({"location": None}, "/location"),
        ({"from_status": "SHINY"}, "/from_status"),
        ({"reason": "RECEIPT", "from_location": "SUP"}, "/from_status"),
    ],
)
def test_a_movement_that_says_too_little_is_refused_with_its_place(
    changes: dict[str, Any], where: str
) -> None:
    assert fault(lambda: moved(**changes)) == (where, "EVT-SCHEMA")


def test_a_reason_of_the_sources_own_is_read_and_kept_as_it_was_written() -> None:
    assert (moved(reason="PK").type, moved(reason="PK").reason) == (MovementType.PICK, "PK")
    other = moved(reason="zz", from_location="DC9", from_status="AVAILABLE")
    assert other.type is MovementType.OTHER
    assert other.source_place
    assert other.source_place.location == "DC9"


def test_a_movement_of_nothing_is_a_sign_of_life_with_its_number() -> None:
    fact = stock_moved(record(**PICK | {"quantity": "0", "sequence": "9", "line": "3"}), WORDS)

    assert fact.payload == SourceHeard(source="DC1")
    assert (fact.identity, fact.stream, fact.sequence) == ("heard:movement:M-1:3", "DC1", 9)


@given(
    st.decimals(min_value="-999999999999", max_value="999999999999", places=6).filter(bool),
    st.sampled_from(sorted(SIGNED - {MovementType.OTHER})),
)
def test_every_digit_arrives_and_the_quantity_is_above_zero(
    amount: Decimal, kind: MovementType
) -> None:
    movement = moved(reason=kind, quantity=str(amount))

    assert movement.quantity.value == abs(amount)
    assert (movement.target_place is not None) == (amount > 0)


# ---- signs of life, items, locations ------------------------------------------------------------


def test_a_heartbeat_is_named_by_its_number_or_by_its_time() -> None:
    beat = AT | {"location": "DC1"}
    plain, numbered = source_heard(record(**beat)), source_heard(record(**beat, sequence=4))

    assert plain.identity == "heard:DC1:2026-03-02T08:00:00+00:00"
    assert numbered.identity == "heard:DC1:4"
    named = source_heard(record(**beat, sequence=4, stream="line 7"))
    assert (named.identity, named.stream) == ("heard:line 7:4", "line 7")


def test_an_item_is_read_with_its_units_and_their_numbers() -> None:
    read = item(units=" CS =12@ 10614141000415 ;; LB=100/45", gtin="614141000418",
                status="inactive", tracking="lot", unit="PC", description="Hose")  # fmt: skip

    assert [(unit.unit, unit.numerator, unit.denominator, unit.gtin) for unit in read.units] == [
        ("CS", 12, 1, "10614141000415"), ("LB", 100, 45, ""),
    ]  # fmt: skip
    assert (read.status, read.tracking, read.base_unit) == (
        ItemStatus("INACTIVE"),
        Tracking.LOT,
        "PC",
    )


@pytest.mark.parametrize(
    "units", ["CS", "CS=", "=12", "CS=0", "CS=-1", "CS=1.5", "CS=1/0", "CS=x/2"]
)
def test_a_unit_that_is_no_ratio_is_refused(units: str) -> None:
    assert fault(lambda: item(units=units)) == ("/units", "MD-UOM")


def test_a_tracking_that_is_not_known_is_refused() -> None:
    assert item().tracking is Tracking.NONE
    assert fault(lambda: item(tracking="guessed")) == ("/tracking", "EVT-SCHEMA")


def test_a_state_is_named_by_its_revision_or_by_its_time_and_content() -> None:
    def named(**fields: Any) -> Fact:
        return item_changed(record(**AT | {"item": "A"} | fields), WORDS)

    assert (named(version=3).identity, named(version=3).version) == ("item:A@3", 3)
    first, second = named(), named(description="other")
    assert first.version == second.version
    assert first.identity != second.identity
    assert first.identity.startswith(f"item:A@{first.version}:")


def test_a_version_without_a_revision_is_when_it_was_written_down() -> None:
    plain = datetime(2026, 3, 2, 8, tzinfo=UTC)
    micros = int(plain.timestamp()) * 1_000_000

    assert version_of(record(**AT)) == micros
    assert version_of(record(**AT, recorded_at="2026-03-02T08:00:01Z")) == micros + 1_000_000
    assert version_of(record(occurred_at="1960-01-01T00:00Z")) == 0
    assert version_of(record(**AT, version="7")) == 7


def test_a_location_is_read_with_its_members() -> None:
    fields = AT | {"location": "WEST", "kind": "group", "members": "DC1; ;DC2", "is_active": "n"}
    payload = location_changed(record(**fields)).payload

    assert isinstance(payload, LocationChanged)
    assert (payload.members, payload.is_active, payload.kind) == (("DC1", "DC2"), False, "GROUP")


# ---- snapshots ----------------------------------------------------------------------------------


def taken(*rows: dict[str, Any], part: str = "") -> tuple[list[StockSnapshotTaken], list[str]]:
    facts, refused = snapshots_taken([record(**row) for row in rows], WORDS, part=part)
    payloads = [fact.payload for fact in facts if isinstance(fact.payload, StockSnapshotTaken)]
    return payloads, [one.where for one in refused]


def test_records_become_a_snapshot_for_each_name_and_place() -> None:
    found, refused = taken(
        LEVEL, LEVEL | {"item": "B", "status": "Q"}, LEVEL | {"location": "DC2"}
    )

    assert [(one.location, len(one.lines)) for one in found] == [("DC1", 2), ("DC2", 1)]
    assert (refused, found[0].lines[1].status) == ([], StockStatus.QC_HOLD)


def test_a_full_snapshot_is_full_only_if_it_came_whole() -> None:
    full = LEVEL | {"is_full": "y"}
    bad = full | {"item": "B", "quantity": "x"}

    assert [one.is_full for one in taken(full)[0]] == [True]
    assert [one.is_full for one in taken(full, bad)[0]] == [False]
    assert [one.is_full for one in taken(full, part="1-9")[0]] == [False]
    assert taken(full, bad)[1] == ["/quantity"]
    [empty] = taken(full | {"item": None, "quantity": None})[0]
    assert (empty.is_full, empty.lines) == (True, ())


def test_what_is_counted_twice_or_of_two_moments_is_refused() -> None:
    _, twice = taken(LEVEL, LEVEL)
    _, moments = taken(LEVEL, LEVEL | {"item": "B", "sequence": 7})
    facts, _ = snapshots_taken([record(**LEVEL)], WORDS, part="1-9")

    assert (twice, moments) == (["/item"], ["/snapshot_id"])
    assert [fact.identity for fact in facts] == ["snapshot:DC1:S-1:1-9"]


anything = st.none() | st.booleans() | st.integers() | st.text(max_size=12)


@given(
    st.dictionaries(st.sampled_from([*PICK, "line", "reverses", "from_status", "lot"]), anything)
)
def test_any_record_is_read_or_refused_with_its_place(changes: dict[str, Any]) -> None:
    read = told(record(**PICK | changes))

    assert read.where.startswith("/") if isinstance(read, Invalid) else read.identity


def told(one: Record) -> Fact | Invalid:
    try:
        return stock_moved(one, WORDS)
    except Invalid as problem:
        return problem


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("AB"), st.sampled_from(["", "L1"]), st.sampled_from(["1", "2"])),
        max_size=12,
    ),
    cut=st.integers(0, 12),
)
def test_a_bucket_that_an_earlier_piece_counted_is_refused_as_within_one(
    rows: list[tuple[str, str, str]], cut: int
) -> None:
    """However a count is cut, the same lines of it count and the same are refused."""
    records = [
        record(**LEVEL | {"item": item, "lot": lot, "snapshot_id": name})
        for item, lot, name in rows
    ]
    counted: set[bytes] = set()

    whole, refused = snapshots_taken(records, WORDS)
    first = snapshots_taken(records[:cut], WORDS, part="1", counted=counted)
    second = snapshots_taken(records[cut:], WORDS, part="2", counted=counted)

    assert (*first[1], *second[1]) == refused
    assert sorted(_lines(*first[0], *second[0])) == sorted(_lines(*whole))
    assert len(counted) == len(set(rows))


def _lines(*facts: Fact) -> list[tuple[str, str, str]]:
    return [
        (line.item, line.lot, fact.payload.snapshot_id)
        for fact in facts
        if isinstance(fact.payload, StockSnapshotTaken)
        for line in fact.payload.lines
    ]
