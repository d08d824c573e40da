"""Why something was promised, over HTTP."""

from tests.interfaces.api.conftest import Caller, House, amount, stock


async def test_a_promise_is_explained_and_stays_explained(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    line = {"item": "BOLT", "location": "DC", "quantity": amount(4_000_000)}
    said = {"request_id": "cart-1", "lines": [line | {"demand_ref": "shop:7/1"}]}
    made = await call("POST", "/v1/reservations", said)
    path = f"/v1/promises/{made.json['reservation_id']}"

    first = await call("GET", path)
    await call("POST", f"/v1/reservations/{made.json['reservation_id']}/consume")
    kept = {"quantity": {"value": "5"}}
    await call("PUT", "/v1/safety-stock?item=BOLT&location=DC", kept)
    again = await call("GET", path)
    of_order = await call("GET", "/v1/promises?order=shop:7")

    assert first.status == 200, first.body
    assert again.body == first.body
    assert of_order.json == {
        "promises": [first.json],
        "by_date": [],
        "confirmed_by": [],
        "runs": [],
        "sourced_by": [],
        "held_for_kits": [],
    }
    [proof] = first.json["lines"]
    assert proof["because"] == "4 asked, 10 free: granted"
    assert proof["nettable"] == proof["free"] == {"value": "10", "unit": "EA"}
    assert [source["source"] for source in proof["sources"]] == ["wms"]
    assert (first.json["is_reproduced"], first.json["decided_together"]) == (True, 1)


async def test_an_orders_id_in_the_path_tells_all_its_promises(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    line = {"item": "BOLT", "location": "DC", "quantity": amount(4_000_000)}
    said = {"request_id": "cart-1", "lines": [line | {"demand_ref": "so_5/1"}]}
    await call("POST", "/v1/reservations", said)

    told = await call("GET", "/v1/promises/so_5")

    assert told.status == 200, told.body
    assert told.body == (await call("GET", "/v1/promises?order=so_5")).body
    assert told.json["promises"][0]["is_reproduced"] is True


async def test_a_refusal_over_http_is_explained(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=3_000_000)
    line = {"item": "BOLT", "location": "DC", "quantity": amount(4_000_000)}
    denied = await call("POST", "/v1/reservations", {"request_id": "c", "lines": [line]})

    told = await call("GET", f"/v1/promises/{denied.json['reservation']['reservation_id']}")

    assert told.json["lines"][0]["because"] == "4 asked, 3 free: nothing granted"


async def test_a_promise_that_was_never_made_is_a_404(call: Caller) -> None:
    for path in ("rsv_" + "0" * 32, "nothing", "?order=shop:7"):
        told = await call("GET", f"/v1/promises{'' if '?' in path else '/'}{path}")
        assert (told.status, told.json["code"]) == (404, "not_found")
