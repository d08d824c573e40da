"""What lies in which bucket, and what is kept of it from being promised, over HTTP."""

from typing import Any

import pytest

from tests.interfaces.api.conftest import Caller, House, amount, event, stock
from tests.interfaces.api.test_stock import asking

BOLT_AT_DC = "item=bolt&location=dc"


async def test_positions_are_told_by_owner_lot_and_serial(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", "NUT")
    pieces: list[dict[str, Any]] = [
        {"quantity": amount(5_000_000), "lot": "L1"},
        {"quantity": amount(9_000_000), "owner": "supplier", "status": "QC_HOLD"},
        {"quantity": amount(1_000_000), "lot": "L1", "serial": "S1"},
    ]
    lines = [{"item": "BOLT", **piece} for piece in pieces]
    snapshot = {"snapshot_id": "S1", "location": "DC", "lines": lines}
    said = event("inventory.snapshot_taken.v1", "snapshot:S1", snapshot)
    await call("POST", "/v1/events", {"source": "wms", "events": [said]})
    await house.catch_up()

    answer = await call("GET", f"/v1/positions?{BOLT_AT_DC}")

    assert answer.status == 200, answer.body
    found = sorted(answer.json["positions"], key=lambda one: str(one["quantity"]["value"]))
    serial, lot, theirs = found
    assert lot == {
        "item": "BOLT",
        "location": "DC",
        "status": "AVAILABLE",
        "owner": "",
        "lot": "L1",
        "serial": "",
        "quantity": {"value": "5", "unit": "EA"},
        "last_movement_at": None,
        "last_snapshot_at": "2026-05-04T12:00:00Z",
    }
    assert (serial["lot"], serial["serial"], serial["quantity"]["value"]) == ("L1", "S1", "1")
    assert (theirs["owner"], theirs["status"]) == ("supplier", "QC_HOLD")
    assert (await call("GET", "/v1/positions?item=NUT&location=DC")).json == {"positions": []}


async def test_safety_stock_is_set_shown_and_not_promised(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    await call("PUT", "/v1/items/BOLT", {"units": [{"unit": "CS", "numerator": 12}]})
    await house.catch_up()
    address = f"/v1/safety-stock?{BOLT_AT_DC}"
    none = {"item": "BOLT", "location": "DC", "safety": {"value": "0", "unit": "EA"}}
    assert (await call("GET", address)).json == none

    made = await call("PUT", address, {"quantity": {"value": "2", "unit": "CS"}})

    kept = none | {"safety": {"value": "24", "unit": "EA"}}
    assert (made.status, made.json) == (200, kept)
    assert (await call("GET", address)).json == kept
    free = (await call("GET", f"/v1/availability?{BOLT_AT_DC}")).json
    assert (free["available"], free["withheld"]) == (amount(6_000_000), amount(24_000_000))
    assert (await call("POST", "/v1/reservations", asking("cart-1", 7))).status == 409
    assert (await call("PUT", address, {"quantity": {"value": "0"}})).json == none


@pytest.mark.parametrize(
    ("query", "code", "where"),
    [
        ("item=NUT&location=DC", "MD-ITEM-XREF", "/item"),
        ("item=BOLT&location=DC9", "MD-LOC", "/location"),
        ("item=BOLT", "invalid", "/location"),
        ("item=%20&location=DC", "invalid", "/item"),
    ],
)
async def test_a_name_in_the_query_that_is_wrong_is_named(
    call: Caller, house: House, query: str, code: str, where: str
) -> None:
    await stock(call, house, "BOLT")
    said = {"quantity": {"value": "1"}}

    for method, path, body in (
        ("GET", "/v1/positions", None),
        ("GET", "/v1/safety-stock", None),
        ("PUT", "/v1/safety-stock", said),
    ):
        answer = await call(method, f"{path}?{query}", body)
        assert (answer.status, answer.json["code"], answer.json["where"]) == (422, code, where)


@pytest.mark.parametrize(
    ("quantity", "where"),
    [
        ({"value": "1", "unit": "PL"}, "/quantity/unit"),
        ({"value": "-1"}, "/quantity/value"),
        ({"value": "a few"}, "/quantity/value"),
        ({"value": "0.0000001"}, "/quantity/value"),
        ({"value": "9" * 13}, "/quantity/value"),
        ({"value": 1}, "/quantity/value"),
        ({"value": "1", "units": "EA"}, "/quantity/units"),
        (None, "/quantity"),
    ],
)
async def test_safety_stock_that_cannot_be_is_refused_with_its_place(
    call: Caller, house: House, quantity: Any, where: str
) -> None:
    await stock(call, house, "BOLT")

    answer = await call("PUT", f"/v1/safety-stock?{BOLT_AT_DC}", {"quantity": quantity})

    assert (answer.status, answer.json.get("where")) == (422, where), answer.body


async def test_who_may_reserve_may_not_change_what_is_kept(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    shop = await house.key("stock:write", "catalog:read")
    said = {"quantity": {"value": "0"}}

    refused = await call("PUT", f"/v1/safety-stock?{BOLT_AT_DC}", said, key=shop)

    assert (refused.status, refused.json["code"]) == (403, "verb_missing")
    assert (await call("GET", f"/v1/safety-stock?{BOLT_AT_DC}", key=shop)).status == 200


async def test_what_holds_an_item_is_told_line_by_line(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", "NUT", micros=30_000_000)
    asked = asking("order-1", 4, kind="HARD")
    asked["lines"][0]["demand_ref"] = "so1/1"
    made = (await call("POST", "/v1/reservations", asked)).json
    await call("POST", "/v1/reservations", asking("nuts", 1, item="NUT"))

    answer = await call("GET", f"/v1/reservations?{BOLT_AT_DC}")

    assert answer.status == 200, answer.body
    [hold] = answer.json["holds"]
    assert hold | {"client": ""} == {
        "hold_id": f"{made['reservation_id']}/1",
        "reservation_id": made["reservation_id"],
        "line_no": 1,
        "item": "BOLT",
        "location": "DC",
        "client": "",
        "request_id": "order-1",
        "kind": "HARD",
        "held": {"value": "4", "unit": "EA"},
        "demand_ref": "so1/1",
        "created_at": made["created_at"],
        "expires_at": None,
    }
    everywhere = await call("GET", f"/v1/reservations?item=bolt&after_hold={hold['hold_id']}")
    assert everywhere.json == {"holds": []}


async def test_what_holds_goods_that_nobody_knows_is_refused_by_name(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT")

    item = await call("GET", "/v1/reservations?item=NUT")
    place = await call("GET", "/v1/reservations?item=BOLT&location=MARS")

    assert [(one.status, one.json["code"]) for one in (item, place)] == [
        (404, "MD-ITEM-XREF"),
        (404, "MD-LOC"),
    ]
