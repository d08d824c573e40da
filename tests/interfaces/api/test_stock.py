"""Promises and availability over HTTP."""

import asyncio
from typing import Any

import pytest

from tests.interfaces.api.conftest import Caller, House, amount, stock


def asking(request_id: str, pieces: int, item: str = "BOLT", **more: Any) -> dict[str, Any]:
    line = {"item": item, "location": "DC", "quantity": amount(pieces * 1_000_000)}
    return {"request_id": request_id, "lines": [line], **more}


async def test_a_promise_is_made_and_shown(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)

    made = await call("POST", "/v1/reservations", asking("cart-1", 4))

    assert made.status == 201, made.body
    assert made.json["status"] == "ACTIVE"
    assert made.json["lines"][0]["granted"] == {"value": "4", "unit": "EA"}
    shown = await call("GET", f"/v1/reservations/{made.json['reservation_id']}")
    assert shown.status == 200
    assert shown.json == made.json
    free = await call("GET", "/v1/availability?item=bolt&location=dc")
    assert free.json["available"] == {"value": "6", "unit": "EA"}
    assert free.json["proof"]["soft"] == {"value": "4", "unit": "EA"}


async def test_the_same_request_again_gets_the_same_answer(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    first = await call("POST", "/v1/reservations", asking("cart-1", 4))

    again = await call("POST", "/v1/reservations", asking("cart-1", 4))
    other = await call("POST", "/v1/reservations", asking("cart-1", 5))

    assert again.status == 200
    assert again.json == first.json | {"is_repeat": True}
    assert other.status == 409
    assert other.headers["content-type"] == "application/problem+json"


async def test_more_than_there_is_is_denied_and_nothing_is_held(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)

    denied = await call("POST", "/v1/reservations", asking("cart-1", 11))

    assert denied.status == 409
    assert denied.json["code"] == "insufficient_stock"
    assert denied.json["reservation"]["status"] == "DENIED"
    free = await call("GET", "/v1/availability?item=BOLT&location=DC")
    assert free.json["available"]["value"] == "10"


async def test_a_hundred_callers_at_once_do_not_oversell(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=40_000_000)

    answers = await asyncio.gather(
        *(call("POST", "/v1/reservations", asking(f"cart-{n}", 1)) for n in range(100))
    )

    assert sorted(answer.status for answer in answers) == [201] * 40 + [409] * 60


async def test_cases_are_promised_as_cases_and_held_in_pieces(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    await call("PUT", "/v1/items/BOLT", {"units": [{"unit": "CS", "numerator": 12}]})
    await house.catch_up()
    line = {"item": "BOLT", "location": "DC", "quantity": {"value": "2", "unit": "CS"}}

    made = await call("POST", "/v1/reservations", {"request_id": "c", "lines": [line]})

    assert made.json["lines"][0]["granted"] == {"value": "24", "unit": "EA"}


async def test_unknown_is_not_zero(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT")

    answer = await call("GET", "/v1/availability?item=BOLT&location=DC")

    assert answer.status == 200
    assert answer.json["available"] is None
    assert answer.json["is_known"] is False


async def test_a_group_says_whose_stock_its_figure_leaves_out(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=5_000_000)
    await call("PUT", "/v1/locations/DC2", {})
    await call("PUT", "/v1/locations/WEST", {"kind": "GROUP", "members": ["DC", "DC2"]})
    await house.catch_up()

    group = await call("GET", "/v1/availability?item=BOLT&location=WEST")
    member = await call("GET", "/v1/availability?item=BOLT&location=DC")

    assert group.json["available"] == {"value": "5", "unit": "EA"}
    assert group.json["proof"]["unknown_members"] == ["DC2"]
    assert member.json["proof"]["unknown_members"] == []


async def test_many_are_answered_in_the_order_asked(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", "NUT", micros=5_000_000)
    keys = [{"item": item, "location": "DC"} for item in ("NUT", "BOLT", "NUT")]

    answer = await call("POST", "/v1/availability", {"keys": keys})

    assert [one["item"] for one in answer.json["availability"]] == ["NUT", "BOLT", "NUT"]


async def test_a_promise_goes_through_its_life(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    await call("PUT", "/v1/locations/DC2", {})
    await house.catch_up()
    made = await call("POST", "/v1/reservations", asking("cart-1", 4))
    address = f"/v1/reservations/{made.json['reservation_id']}"

    extended = await call("POST", f"{address}/extend", {"ttl_seconds": 3600})
    confirmed = await call("POST", f"{address}/confirm")
    moved = await call("POST", f"{address}/transfer", {"location": "DC2"})
    one = {"lines": [{"line_no": made.json["lines"][0]["line_no"], "consumed": {"value": "1"}}]}
    consumed = await call("POST", f"{address}/consume", one)
    released = await call("POST", f"{address}/release")

    assert extended.json["expires_at"] > made.json["expires_at"]
    assert (confirmed.json["kind"], confirmed.json["expires_at"]) == ("HARD", None)
    assert (moved.status, moved.json["code"]) == (422, "insufficient_stock")
    assert consumed.json["status"] == "PARTIALLY_CONSUMED"
    assert consumed.json["lines"][0]["remaining"] == {"value": "3", "unit": "EA"}
    assert released.json["status"] == "RELEASED"


async def test_a_consumption_that_is_told_again_counts_once(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    made = await call("POST", "/v1/reservations", asking("cart-1", 4))
    address = f"/v1/reservations/{made.json['reservation_id']}/consume"
    line_no = made.json["lines"][0]["line_no"]

    for total, left in (("3", "1"), ("3", "1"), ("2", "1"), ("4", "0"), ("4", "0")):
        said = {"lines": [{"line_no": line_no, "consumed": {"value": total}}]}
        answer = await call("POST", address, said)
        assert (answer.status, answer.json["lines"][0]["remaining"]["value"]) == (200, left)
    said = {"lines": [{"line_no": line_no, "consumed": {"value": "5"}}]}
    more = await call("POST", address, said)
    assert (more.status, more.json["code"]) == (422, "consumed_too_much")


async def test_what_is_over_cannot_be_changed_any_more(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    made = await call("POST", "/v1/reservations", asking("cart-1", 4))
    address = f"/v1/reservations/{made.json['reservation_id']}"
    await call("POST", f"{address}/release")
    verbs = {"extend": {"ttl_seconds": 60}, "transfer": {"location": "DC"}, "consume": {}}

    for verb, body in {**verbs, "confirm": None}.items():
        answer = await call("POST", f"{address}/{verb}", body)
        assert (answer.status, answer.json["code"]) == (409, "reservation_closed"), verb
        assert "RELEASED" in answer.json["detail"]
    assert (await call("POST", f"{address}/release")).status == 200


@pytest.mark.parametrize(
    ("item", "location", "where"),
    [
        ("NUT", "DC", "/query/item"),
        ("BOLT", "DC9", "/query/location"),
    ],
)
async def test_an_unknown_name_in_a_query_is_named_by_its_parameter(
    call: Caller, house: House, item: str, location: str, where: str
) -> None:
    await stock(call, house, "BOLT")

    answer = await call("GET", f"/v1/availability?item={item}&location={location}")

    assert (answer.status, answer.json["where"]) == (422, where)


async def test_what_is_not_known_is_named_with_its_place(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT")
    line: dict[str, Any] = {"item": "BOLT", "location": "DC", "quantity": {"value": "1"}}
    changes: list[tuple[dict[str, Any], str, str]] = [
        ({"item": "NUT"}, "MD-ITEM-XREF", "/lines/0/item"),
        ({"location": "DC9"}, "MD-LOC", "/lines/0/location"),
        ({"quantity": {"value": "1", "unit": "PL"}}, "MD-UOM", "/lines/0/quantity/unit"),
    ]

    for change, code, where in changes:
        answer = await call(
            "POST", "/v1/reservations", {"request_id": "r", "lines": [line | change]}
        )
        assert (answer.status, answer.json["code"], answer.json["where"]) == (422, code, where)


async def test_keys_of_one_name_are_one_client(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    first = await call("POST", "/v1/reservations", asking("cart-1", 4), key=await house.key())

    again = await call("POST", "/v1/reservations", asking("cart-1", 4), key=await house.key())

    assert again.json["reservation_id"] == first.json["reservation_id"]
    assert again.json["is_repeat"] is True
