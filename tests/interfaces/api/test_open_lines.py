"""Open orders and purchases are compared over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from tests.interfaces.api.conftest import Caller, House, event, stock

OPEN = "/v1/reconciliations/open-lines"
FINDINGS = "/v1/reconciliations/findings"


def comparison(house: House, quantity: str, *, minutes_ago: int = 0, **more: Any) -> Any:
    as_of = house.clock.now() - timedelta(minutes=minutes_ago)
    line = {
        "document": "SO-1", "line": "1", "item": "bolt", "location": "dc", "quantity": quantity,
        "unit_cost": "2.5", "class": "C", "changed_at": (as_of - timedelta(days=1)).isoformat(),
    }  # fmt: skip
    said = {"kind": "orders", "against": "erp", "lines": [line], "as_of": as_of.isoformat()}
    return said | more


async def test_an_order_that_never_came_here_from_the_first_dump_to_its_root_cause(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    first = await call("POST", OPEN, comparison(house, "4", minutes_ago=40))
    assert (first.status, first.json["suspected"]) == (200, 1), first.body

    second = await call("POST", OPEN, comparison(house, "4", minutes_ago=5))

    assert (second.json["kind"], second.json["confirmed"]) == ("orders", 1)
    assert second.json["value_at_risk"] == "10"
    [found] = (await call("GET", f"{FINDINGS}?kind=orders&document=SO-1")).json["findings"]
    assert (found["document"], found["line"], found["cause"]) == ("SO-1", "1", "MSG_LOST")
    assert (await call("GET", f"{FINDINGS}?kind=stock")).json == {"findings": []}
    assert (await call("GET", f"{FINDINGS}?document=SO-2")).json == {"findings": []}
    [line] = found["evidence"]["lines"]
    assert (line["side"], line["open"]) == ("erp", "4 EA")
    availability = (await call("GET", "/v1/availability?item=BOLT&location=DC")).json
    assert (availability["is_suspect"], availability["doubts"]) == (False, [])
    healing = {"against": "erp", "dry_run": True, "kind": "orders"}
    assert (await call("POST", "/v1/reconciliations/heal", healing)).status == 200
    address = f"{FINDINGS}/{found['finding_id']}"
    closed = await call("POST", f"{address}/close", {"root_cause": "MSG_LOST"})
    assert (closed.status, closed.json["state"]) == (200, "CLOSED")


async def test_what_was_shipped_is_compared_with_what_was_invoiced_and_delivered(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    await shipped(call, "SO-1", 8)
    await house.catch_up()

    def said(kind: str, *amounts: str, **more: Any) -> Any:
        lines = [
            comparison(house, one)["lines"][0] | more | {"changed_at": None} for one in amounts
        ]
        return comparison(house, "0") | {"kind": kind, "lines": lines}

    for kind, amounts in (("invoices", ("9", "-1")), ("deliveries", ("3", "5"))):
        alike = await call("POST", OPEN, said(kind, *amounts))
        assert (alike.status, alike.json["alike"]) == (200, 1), alike.body
        late = await call("POST", OPEN, said(kind, "3"))
        assert (late.json["kind"], late.json["suspected"]) == (kind, 1), late.body
        [found] = (await call("GET", f"{FINDINGS}?kind={kind}")).json["findings"]
        assert (found["ours"], found["theirs"], found["value_at_risk"]) == ("8", "3", "12.5")
        assert found["evidence"]["lines"][0]["in_all"] == "8 EA"
    unproven = await call("POST", OPEN, said("deliveries", "8", proof=""))
    assert unproven.json["suspected"] == 1
    refused = await call("POST", OPEN, said("deliveries", "-1"))
    assert (refused.status, refused.json["where"]) == (422, "/lines/0/quantity")
    refused = await call("POST", OPEN, comparison(house, "-1"))
    assert refused.status == 422, "less than nothing is open"
    healing = {"against": "erp", "kind": "invoices"}
    assert (await call("POST", "/v1/reconciliations/heal", healing)).status == 422


async def shipped(call: Caller, order: str, pieces: int) -> None:
    """Let a shop tell of an order line, and a warehouse that all of it left."""
    amount = {"value": str(pieces), "unit": "EA"}
    line = {
        "demand_ref": f"{order}/1", "item": "BOLT", "location": "DC", "ordered": amount,
        "cancelled": {"value": "0", "unit": "EA"},
    }  # fmt: skip
    ordered = event("orders.order_changed.v1", order, {"order_id": order, "lines": [line]})
    moved = {
        "movement_id": "M-1", "item": "BOLT", "quantity": amount, "type": "SHIP",
        "source_place": {"location": "DC"}, "demand_ref": f"{order}/1",
    }  # fmt: skip
    left = event("inventory.stock_moved.v1", "M-1", moved)
    for source, told in (("shop", ordered), ("wms", left)):
        answer = await call("POST", "/v1/events", {"source": source, "events": [told]})
        assert answer.json["counts"] == {"NEW": 1}, answer.body


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"kind": "stock"}, "kind"),
        ({"kind": "bills"}, "kind"),
        ({"kind": "deliveries", "lines": []}, "/lines"),
        ({"lines": [], "is_full": True}, "/lines"),
        ({"as_of": None}, "/lines/0/as_of"),
        ({"lag_minutes": -1}, "/lag_minutes"),
        ({"against": ""}, "against"),
        ({"extra": 1}, "extra"),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    call: Caller, house: House, change: dict[str, Any], where: str
) -> None:
    answer = await call("POST", OPEN, comparison(house, "4") | change)

    assert answer.status == 422, answer.body
    assert where in answer.body.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("quantity", "-1"), ("quantity", "many"), ("document", ""), ("item", ""), ("class", "Z")],
)
async def test_a_line_that_cannot_be_is_refused(
    call: Caller, house: House, field: str, value: str
) -> None:
    said = comparison(house, "4")
    said["lines"][0][field] = value

    assert (await call("POST", OPEN, said)).status == 422


async def test_without_lines_the_connection_is_asked(call: Caller) -> None:
    said = {"kind": "orders", "against": "erp"}

    refused = await call("POST", OPEN, said)
    purchases = await call("POST", OPEN, said | {"kind": "purchases"})

    assert b"cannot be asked for its open orders" in refused.body
    assert b"cannot be asked for its open purchases" in purchases.body
    assert (refused.status >= 400, purchases.status) == (True, 422)


async def test_whoever_may_only_read_compares_nothing(call: Caller, house: House) -> None:
    reader = await house.key("cases:read")

    answer = await call("POST", OPEN, comparison(house, "4"), key=reader)

    assert answer.status == 403


async def test_open_orders_of_two_systems_are_compared_with_each_other(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)

    def side(system: str, quantity: str) -> Any:
        said = comparison(house, quantity)
        return {"system": system, "lines": said["lines"], "as_of": said["as_of"]}

    asked = {"kind": "orders", "first": side("wms", "4"), "second": side("erp", "6")}
    run = await call("POST", f"{OPEN}/between", asked)
    assert (run.status, run.json["suspected"]) == (200, 1), run.body
    assert (run.json["system"], run.json["against"]) == ("orders:wms", "erp")
    [found] = (await call("GET", f"{FINDINGS}?kind=orders&against=wms")).json["findings"]
    assert (found["ours"], found["theirs"], found["value_at_risk"]) == ("4", "6", "5")
    drawn = await call("GET", f"{FINDINGS}/{found['finding_id']}/chart")
    assert "wms" in drawn.body.decode()
    late = side("wms", "4") | {"as_of": None}
    refused = await call("POST", f"{OPEN}/between", asked | {"first": late})
    assert (refused.status, refused.json["where"]) == (422, "/first/lines/0/as_of")
    empty = {"system": "erp", "is_full": True}
    refused = await call("POST", f"{OPEN}/between", asked | {"second": empty})
    assert (refused.status, refused.json["where"]) == (422, "/second/lines")
    refused = await call("POST", f"{OPEN}/between", asked | {"kind": "invoices"})
    assert (refused.status, refused.json["where"]) == (422, "/kind")


async def test_invoiced_prices_are_compared_with_what_was_agreed(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)

    def said(**more: Any) -> Any:
        line = comparison(house, "10")["lines"][0] | more
        return comparison(house, "0") | {"kind": "supplier_prices", "lines": [line]}

    run = await call("POST", OPEN, said(unit_price="2.5", agreed_price="2", currency="EUR"))
    assert (run.status, run.json["suspected"]) == (200, 1), run.body
    assert run.json["other_values"] == {"EUR": "5"}
    [found] = (await call("GET", f"{FINDINGS}?kind=supplier_prices")).json["findings"]
    assert (found["ours"], found["theirs"], found["unit"]) == ("20", "25", "EUR")
    drawn = await call("GET", f"{FINDINGS}/{found['finding_id']}/chart")
    assert "what was agreed" in drawn.body.decode()
    alike = await call("POST", OPEN, said(agreed_price="2", amount="20", currency="EUR"))
    assert (alike.json["alike"], alike.json["gone"]) == (1, 1)
    refused = await call("POST", OPEN, said(unit_price="-1", agreed_price="2"))
    assert refused.status == 422
    healing = {"against": "erp", "kind": "supplier_prices"}
    assert (await call("POST", "/v1/reconciliations/heal", healing)).status == 422
