"""Tryton's rows in canonical words, without a Tryton."""

import json
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.tryton import APPLICATION, samples
from crossdock.applications.tryton.mapping import read_page, translated
from crossdock.applications.tryton.movements import movement_type
from crossdock.applications.tryton.places import Places
from crossdock.applications.tryton.samples import SAMPLE_OPTIONS
from crossdock.applications.tryton.units import Units
from crossdock.applications.tryton.wire import decoded
from crossdock.canonical.catalog import ItemStatus
from crossdock.canonical.errors import Missing
from crossdock.canonical.inventory import MovementType, Place, StockMoved, StockStatus
from crossdock.canonical.orders import OrderChanged
from crossdock.connectivity.sdk import Sample, Translation

OPTIONS = SAMPLE_OPTIONS


def page_of(sample: Sample) -> dict[str, Any]:
    page: dict[str, Any] = decoded(sample.delivery.body)
    return page


def with_row(sample: Sample, number: int, **changes: object) -> Translation:
    page = deepcopy(page_of(sample))
    page["answer"]["result"] = [{**page["answer"]["result"][number], **changes}]
    return translated(page, OPTIONS)


def only(translation: Translation) -> Any:
    assert translation.refused == ()
    (fact,) = translation.facts
    return fact.payload


@pytest.mark.parametrize("sample", APPLICATION.samples, ids=lambda sample: sample.title)
def test_what_was_recorded_means_what_was_told(sample: Sample) -> None:
    assert translated(page_of(sample), OPTIONS) == sample.translation


def test_a_line_that_commits_behind_its_order_makes_another_fact() -> None:
    """Its transaction began earlier, so the greatest stamp of the order stays what it was."""
    page = page_of(samples.ORDERS)
    (seen,) = page["answer"]["result"]
    seen["last_modified_at"] += timedelta(minutes=5)
    late = deepcopy(page)
    (line,) = late["answer"]["result"][0]["lines."]
    line["quantity"] += 7
    line["last_modified_at"] += timedelta(minutes=1)

    (before,) = translated(page, OPTIONS).facts
    (after,) = translated(late, OPTIONS).facts

    assert before.version == after.version
    assert before.identity != after.identity


def test_every_event_of_the_application_has_a_sample() -> None:
    told = {type(f.payload) for s in APPLICATION.samples for f in s.translation.facts}
    assert told == set(APPLICATION.events)


def test_a_row_that_cannot_be_read_does_not_hold_up_the_others() -> None:
    page = page_of(samples.ITEMS)
    page["answer"]["result"][0].pop("default_uom")
    page["answer"]["result"].append({})

    result = translated(page, OPTIONS)

    assert len(result.facts) == 1
    assert [(r.code, r.where) for r in result.refused] == [
        ("EVT-SCHEMA", "/answer/result/0"),
        ("EVT-SCHEMA", "/answer/result/2"),
    ]


@pytest.mark.parametrize(
    ("sample", "changes", "says"),
    [
        (samples.ITEMS, {"code": 7}, "code is no text: 7"),
        (samples.ITEMS, {"active": "no"}, "active is neither yes nor no: 'no'"),
        (samples.ITEMS, {"template.": {"name": ["Widget"]}}, "name is no text"),
        (samples.ITEMS, {"last_modified_at": "2026-05-04"}, "last_modified_at is no time"),
        (samples.ITEMS, {"identifiers.": [{"type": "ean", "code": 4}]}, "code is no text: 4"),
        (samples.LOCATIONS, {"name": {"en": "Main"}}, "name is no text"),
        (samples.LOCATIONS, {"active": 1}, "active is neither yes nor no: 1"),
        (samples.LOCATIONS, {"last_modified_at": None}, "last_modified_at is no time"),
        (samples.ORDERS, {"reference": 4711}, "reference is no text: 4711"),
        (samples.ORDERS, {"party.": {"code": 17}}, "code is no text: 17"),
        (samples.MOVES, {"shipment": 7}, "shipment is no text: 7"),
        (samples.MOVES, {"last_modified_at": 7}, "last_modified_at is no time: 7"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_and_never_handed_on(
    sample: Sample, changes: dict[str, object], says: str
) -> None:
    page = deepcopy(page_of(sample))
    rows = page["answer"]["result"]
    told = translated(page, OPTIONS).facts
    number = first_told(sample)
    of_it = {fact.native_ref for fact in with_row(sample, number).facts}
    rows[number] = {**rows[number], **changes}

    result = translated(page, OPTIONS)

    assert says in result.refused[0].reason
    assert result.refused[0].code == "EVT-SCHEMA"
    assert result.facts == tuple(fact for fact in told if fact.native_ref not in of_it)


def first_told(sample: Sample) -> int:
    """Find the first row that says something."""
    rows = range(len(page_of(sample)["answer"]["result"]))
    return next(number for number in rows if with_row(sample, number).facts)


def test_a_name_that_is_nothing_is_an_empty_text() -> None:
    number = first_told(samples.LOCATIONS)

    assert only(with_row(samples.LOCATIONS, number, name=None)).name == ""


def test_a_product_without_a_code_is_shown_to_a_person() -> None:
    (refused,) = with_row(samples.ITEMS, 0, code=None).refused

    assert refused.code == "MD-ITEM-XREF"
    assert b"Widget" in refused.record


def test_a_service_is_an_item_of_its_class_and_goods_say_no_class() -> None:
    service = only(with_row(samples.ITEMS, 0, type="service"))
    goods = only(with_row(samples.ITEMS, 0))

    assert (service.sku, service.item_class, goods.item_class) == ("WIDGET", "SERVICE", None)


def test_a_service_that_nobody_can_name_is_no_item() -> None:
    assert with_row(samples.ITEMS, 0, type="service", code=None) == Translation()


@pytest.mark.parametrize("active", [False, None])
def test_an_inactive_product_is_discontinued(active: object) -> None:
    """Nothing is a no: a row older than the column, say, which Tryton hides as well."""
    assert only(with_row(samples.ITEMS, 0, active=active)).status is ItemStatus.DISCONTINUED


@pytest.mark.parametrize("active", [False, None])
def test_an_inactive_location_is_told_as_inactive(active: object) -> None:
    number = first_told(samples.LOCATIONS)

    assert only(with_row(samples.LOCATIONS, number, active=active)).is_active is False


def test_the_trade_number_is_taken_from_the_identifiers() -> None:
    numbers = [{"type": "brand", "code": "X"}, {"type": "ean", "code": "4006381333931"}]

    assert only(with_row(samples.ITEMS, 0, **{"identifiers.": numbers})).gtin == "4006381333931"


@pytest.mark.parametrize("state", ["done", "cancelled"])
def test_a_move_that_the_hub_has_booked_says_nothing(state: str) -> None:
    page = deepcopy(page_of(samples.MOVES))
    (row,) = page["answer"]["result"][:1]
    page["answer"]["result"] = [
        {**row, "id": number, "state": state, "shipment": f"stock.shipment.{shipment}"}
        for number, shipment in enumerate(("internal,7", "internal,8", "internal,9", "out,7"), 1)
    ]
    page["related"]["shipments"] = [
        {"id": 7, "reference": "crossdock:wms:movement:EAST-5:1"},
        {"id": 8, "reference": "see crossdock: 5"},
        {"id": 9, "reference": None},
    ]

    told = translated(page, OPTIONS)

    assert told.refused == ()
    assert {fact.native_ref for fact in told.facts} == {
        "stock.move,2", "stock.move,3", "stock.move,4",
    }  # fmt: skip


@pytest.mark.parametrize("state", ["draft", "quotation", "cancelled"])
def test_an_order_that_is_not_accepted_asks_for_nothing(state: str) -> None:
    order = only(with_row(samples.ORDERS, 0, state=state))

    assert isinstance(order, OrderChanged)
    assert order.lines[0].cancelled == order.lines[0].ordered


def with_line(**changes: object) -> Any:
    (line,) = page_of(samples.ORDERS)["answer"]["result"][0]["lines."]
    return [{**line, **changes}]


def test_moves_given_up_are_cancelled_demand() -> None:
    ignored = [{"quantity": Decimal("2.0"), "unit": 1}]

    order = only(
        with_row(samples.ORDERS, 0, **{"lines.": with_line(**{"moves_ignored.": ignored})})
    )

    assert str(order.lines[0].cancelled) == "2 EA"


def test_what_a_finished_sale_never_shipped_is_cancelled() -> None:
    moves = [
        {"quantity": Decimal("4.0"), "unit": 1, "state": "done"},
        {"quantity": Decimal("2.0"), "unit": 1, "state": "cancelled"},
    ]

    order = only(
        with_row(samples.ORDERS, 0, state="done", **{"lines.": with_line(**{"moves.": moves})})
    )

    assert str(order.lines[0].cancelled) == "2 EA"


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "comment"},
        {"product.": None},
        {"product.": {"id": 1, "type": "service"}},
        {"quantity": Decimal("-1.0")},
    ],
)
def test_lines_that_need_no_stock_are_no_demand(changes: dict[str, object]) -> None:
    assert with_row(samples.ORDERS, 0, **{"lines.": with_line(**changes)}) == Translation()


@pytest.mark.parametrize(
    ("party", "customer"),
    [({"code": "METRO"}, "METRO"), ({"code": None}, ""), (None, "")],
)
def test_a_sale_says_its_customer_by_the_partys_code(
    party: dict[str, object] | None, customer: str
) -> None:
    assert only(with_row(samples.ORDERS, 0, **{"party.": party})).customer == customer
    assert only(with_row(samples.ORDERS, 0)).customer == ""


def test_a_sale_that_says_when_it_is_to_ship_claims_its_goods_on_that_day() -> None:
    day = date(2027, 1, 4)

    assert only(with_row(samples.ORDERS, 0)).lines[0].requested_ship_date is None
    order = only(with_row(samples.ORDERS, 0, shipping_date=day))
    assert order.lines[0].requested_ship_date == day


@pytest.mark.parametrize("odd", ["2027-01-04", 4, datetime(2027, 1, 4, tzinfo=UTC)])
def test_a_shipping_date_that_is_no_day_is_shown_to_a_person(odd: object) -> None:
    (refused,) = with_row(samples.ORDERS, 0, shipping_date=odd).refused

    assert refused.code == "EVT-SCHEMA"
    assert "shipping_date" in refused.reason


def test_demand_without_a_warehouse_is_shown_to_a_person() -> None:
    (refused,) = with_row(samples.ORDERS, 0, warehouse=None).refused

    assert refused.code == "MD-LOC"


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": Decimal("0.0")},
        {"from_location": 3},
        {"effective_date": None, "state": "cancelled"},
    ],
    ids=["nothing moved", "inside one node", "cancelled before it was done"],
)
def test_moves_that_change_no_stock_say_nothing(changes: dict[str, object]) -> None:
    assert with_row(samples.MOVES, 0, to_location=3, **changes) == Translation()


@given(steps=st.integers(0, 8))
def test_a_pick_serves_the_order_line_its_delivery_serves_within_three_steps(steps: int) -> None:
    page = deepcopy(page_of(samples.MOVES))
    chain = [f"stock.move,{10_001 + step}" for step in range(steps)]
    served = "sale.line,7"
    ends = [*chain[1:], served]
    page["related"]["origins"] = [
        {"id": 10_001 + step, "origin": end} for step, end in enumerate(ends[:steps])
    ]
    page["answer"]["result"] = [{**page["answer"]["result"][0], "origin": [*chain, served][0]}]

    assert only(translated(page, OPTIONS)).demand_ref == (served if steps <= 3 else "")


@pytest.mark.parametrize("sample", APPLICATION.samples[1:5], ids=lambda sample: sample.title)
def test_what_is_kept_beside_a_page_is_all_that_decides_about_it(sample: Sample) -> None:
    page = deepcopy(page_of(sample))
    related = page["related"]
    units = Units.of(related["units"], {})
    stranger = unit(99, "1", "1", category=99)
    all_units = Units.of([*related["units"], stranger], {})
    related["units"] = all_units.around([*units.rows, 98])
    if "locations" in related:
        places = Places.of([*related["locations"], location(99)], {})
        related["locations"] = places.around([*(row["id"] for row in related["locations"]), 98])

    assert stranger not in related["units"]
    assert translated(page, OPTIONS) == sample.translation


def test_a_cancelled_move_and_its_reversal_add_up_to_nothing() -> None:
    done, undone = (fact.payload for fact in with_row(samples.MOVES, 3, state="cancelled").facts)

    assert isinstance(done, StockMoved)
    assert isinstance(undone, StockMoved)
    assert (done.source_place, done.target_place) == (undone.target_place, undone.source_place)
    assert (done.quantity, undone.reverses_id) == (undone.quantity, done.movement_id)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "EVT-SCHEMA"),
        (b"[]", "EVT-SCHEMA"),
        (b'{"topic":"nothing"}', "EVT-SCHEMA"),
        (b'{"topic":"moves","related":{"units":[],"locations":[]}}', "EVT-SCHEMA"),
    ],
)
def test_a_page_that_cannot_be_read_is_refused_as_a_whole(body: bytes, code: str) -> None:
    (refused,) = read_page(body, OPTIONS).refused

    assert (refused.code, refused.where, refused.record) == (code, "", body)


@pytest.mark.parametrize("sample", APPLICATION.samples, ids=lambda sample: sample.title)
def test_a_page_read_from_its_bytes_means_the_same(sample: Sample) -> None:
    assert read_page(sample.delivery.body, OPTIONS) == sample.translation


def test_an_unknown_location_or_unit_is_shown_and_not_guessed() -> None:
    assert with_row(samples.MOVES, 0, to_location=77).refused[0].code == "MD-LOC"
    assert with_row(samples.MOVES, 0, unit=77).refused[0].code == "MD-UOM"


def test_a_quantity_with_too_many_decimals_is_refused() -> None:
    assert with_row(samples.MOVES, 0, quantity=Decimal("0.1234567")).refused


@pytest.mark.parametrize("sample", APPLICATION.samples[:5], ids=lambda sample: sample.title)
@given(data=st.data())
def test_hostile_rows_are_refused_one_by_one_and_never_thrown(
    sample: Sample, data: st.DataObject
) -> None:
    page = page_of(sample)
    row = data.draw(st.sampled_from(page["answer"]["result"]))
    field = data.draw(st.sampled_from(sorted(row)))
    row[field] = data.draw(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.decimals()
        | st.lists(st.integers(), max_size=2)
        | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)
    )

    result = translated(page, OPTIONS)

    assert len(result.refused) <= 1


PLACES = Places.of(page_of(samples.STOCK)["related"]["locations"], OPTIONS.location_statuses)


def location(number: int, kind: str = "storage", **more: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ["code", "parent", "input_location", "output_location", "storage_location"]
    )
    return {**nothing, "id": number, "type": kind, "name": "", "active": True, **more}


TREE = Places.of(
    [
        location(1, "warehouse", input_location=2, output_location=3, storage_location=4),
        *(location(zone, parent=1) for zone in (2, 3, 4)),
        location(5, parent=4, code="SHELF"),
        location(6, parent=5, code="QC"),
        location(7, "customer"),
        location(8),
        location(9, parent=10),
        location(10, parent=9),
        location(11, "lost_found"),
    ],
    {"QC": StockStatus.QC_HOLD},
)


def test_goods_between_two_warehouses_lie_in_the_storage_that_is_in_none() -> None:
    assert TREE.transit() == 8
    with pytest.raises(Missing, match="transit"):
        Places.of([location(8, parent=1), location(9, active=False)], {}).transit()


@pytest.mark.parametrize(
    ("number", "place"),
    [
        (2, Place(location="1", status=StockStatus.RECEIVING)),
        (3, Place(location="1", status=StockStatus.STAGED_OUT)),
        (5, Place(location="1", status=StockStatus.AVAILABLE)),
        (6, Place(location="1", status=StockStatus.QC_HOLD)),
        (7, None),
        (8, Place(location="8", status=StockStatus.IN_TRANSIT)),
        (9, Place(location="10", status=StockStatus.IN_TRANSIT)),
    ],
)
def test_a_location_counts_for_its_warehouse_by_zone(number: int, place: Place | None) -> None:
    assert TREE.place(number) == place


def test_stock_is_summed_by_node_and_status() -> None:
    assert TREE.buckets()["1"] == {
        StockStatus.RECEIVING: [2],
        StockStatus.STAGED_OUT: [3],
        StockStatus.AVAILABLE: [4, 5],
        StockStatus.QC_HOLD: [6],
    }


def test_booking_at_a_warehouse_is_booking_at_its_storage() -> None:
    assert (TREE.shelf("1"), TREE.shelf("5"), TREE.lost_and_found()) == (4, 5, 11)
    with pytest.raises(Missing):
        TREE.shelf("WH")
    with pytest.raises(Missing):
        Places.of([], {}).lost_and_found()


def unit(number: int, factor: str, rate: str, category: int = 1) -> dict[str, Any]:
    sizes = {"factor": Decimal(factor), "rate": Decimal(rate)}
    return {"id": number, "symbol": f"unit {number}", "category": category, **sizes}


UNITS = Units.of(
    [
        unit(1, "1", "1"),
        unit(2, "12.0", "0.083333333333"),
        unit(3, "0.333333333333", "3.0"),
        unit(4, "1", "1", category=2),
        unit(5, "0", "0"),
    ],
    {"unit 2": "DZN"},
)


def test_the_factor_that_a_person_entered_is_taken_exactly() -> None:
    assert UNITS.size(2, 1) == 12
    assert UNITS.size(3, 1) == Fraction(1, 3)
    assert UNITS.size(3, 2) == Fraction(1, 36)


def test_units_of_different_kinds_or_without_size_are_refused() -> None:
    with pytest.raises(Missing, match="different things"):
        UNITS.size(4, 1)
    with pytest.raises(Missing, match="no size"):
        UNITS.size(5, 1)


def test_a_unit_is_found_by_its_trade_code_in_its_category() -> None:
    assert UNITS.named("DZN", like=1) == 2
    with pytest.raises(Missing):
        UNITS.named("DZN", like=4)


@given(st.decimals(min_value=0, max_value=10**6, places=2))
def test_dozens_become_each_and_back_without_loss(dozens: Decimal) -> None:
    each = UNITS.converted(dozens, 2, into=1)

    assert each.value == dozens * 12
    assert UNITS.converted(each.value, 1, into=2).value == dozens


HERE = Place(location="1")
THERE = Place(location="2")


@pytest.mark.parametrize(
    ("kinds", "ends", "shipment", "expected"),
    [
        (("supplier", "storage"), (None, HERE), "in", MovementType.RECEIPT),
        (("customer", "storage"), (None, HERE), "", MovementType.RETURN_RECEIPT),
        (("storage", "supplier"), (HERE, None), "", MovementType.RTV),
        (("storage", "production"), (HERE, None), "", MovementType.DISASSEMBLE),
        (("lost_found", "storage"), (None, HERE), "", MovementType.COUNT_ADJUST),
        (("lost_found", "storage"), (None, HERE), "internal", MovementType.ADJUST),
        (("storage", "storage"), (HERE, THERE), "", MovementType.TRANSFER_SHIP),
        (("storage", "drop"), (HERE, None), "", MovementType.OTHER),
        (
            ("storage", "storage"),
            (Place(location="8", status=StockStatus.IN_TRANSIT), HERE),
            "",
            MovementType.TRANSFER_RECEIVE,
        ),
        (
            ("storage", "storage"),
            (Place(location="1", status=StockStatus.RECEIVING), HERE),
            "",
            MovementType.PUTAWAY,
        ),
        (
            ("storage", "storage"),
            (Place(location="1", status=StockStatus.EXPIRED), HERE),
            "",
            MovementType.OTHER,
        ),
    ],
)
def test_why_goods_moved(
    kinds: tuple[str, str],
    ends: tuple[Place | None, Place | None],
    shipment: str,
    expected: MovementType,
) -> None:
    assert movement_type(kinds, ends, shipment) is expected


def test_recorded_pages_hold_no_secret() -> None:
    for sample in APPLICATION.samples:
        assert "password" not in json.dumps(sample.delivery.body.decode())
