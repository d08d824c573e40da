"""Promises of what is sold in packs over HTTP: what was rounded, and why (A31)."""

import pytest

from tests.interfaces.api.conftest import Caller, House, stock
from tests.interfaces.api.test_stock import asking


async def sold_in_twelves(call: Caller, house: House, *, up: bool = True) -> None:
    await stock(call, house, "BOLT", micros=100_000_000)
    rule = {"item": "BOLT", "location": "*", "pack": "12", "pack_up": up}
    put = await call("PUT", "/v1/atp/rules", rule)
    assert put.status == 200, put.body


@pytest.mark.parametrize(("up", "granted"), [(True, 36), (False, 24)])
async def test_a31_an_answer_says_what_was_asked_what_that_is_in_packs_and_why(
    call: Caller, house: House, granted: int, *, up: bool
) -> None:
    await sold_in_twelves(call, house, up=up)

    made = await call("POST", "/v1/reservations", asking("cart-1", 30))
    again = await call("POST", "/v1/reservations", asking("cart-1", 30))
    why = await call("GET", f"/v1/promises/{made.json['reservation_id']}")

    assert made.status == 201, made.body
    [line] = made.json["lines"]
    assert line["requested"] == {"value": "30", "unit": "EA"}
    assert line["granted"] == line["packs"]["quantity"] == {"value": str(granted), "unit": "EA"}
    assert line["packs"]["pack"] == {"value": "12", "unit": "EA"}
    assert line["packs"]["why"] == f"sold in packs of 12 EA: 30 became {granted}"
    assert (again.status, again.json) == (200, made.json | {"is_repeat": True})
    [proof] = why.json["lines"]
    assert proof["pack"] == {"value": "12", "unit": "EA"}
    assert proof["because"].startswith(f"30 in packs of 12 is {granted}; {granted} asked, 100 fr")


async def test_a_part_says_that_it_is_of_whole_packs(call: Caller, house: House) -> None:
    await sold_in_twelves(call, house)

    made = await call("POST", "/v1/reservations", asking("cart-1", 105, allow_partial=True))

    [line] = made.json["lines"]
    assert line["granted"]["value"] == "96"
    assert line["packs"]["why"] == (
        "sold in packs of 12 EA: 105 became 108; of what there is only whole ones, 96"
    )


async def test_what_is_denied_says_what_it_is_in_packs(call: Caller, house: House) -> None:
    await sold_in_twelves(call, house)

    denied = await call("POST", "/v1/reservations", asking("cart-1", 97))

    assert (denied.status, denied.json["code"]) == (409, "insufficient_stock")
    assert "asked 97 EA (sold in packs of 12 EA: 97 became 108)" in denied.json["detail"]


async def test_less_than_a_pack_is_denied_by_a_code_of_its_own(call: Caller, house: House) -> None:
    await sold_in_twelves(call, house, up=False)

    denied = await call("POST", "/v1/reservations", asking("cart-1", 5))

    assert (denied.status, denied.json["code"]) == (409, "less_than_pack")
    assert "5 EA is less than one pack of 12 EA, and is not rounded up" in denied.json["detail"]
    assert "ask for whole packs" in denied.json["hint"]
    [line] = denied.json["reservation"]["lines"]
    assert (line["requested"]["value"], line["packs"]["quantity"]["value"]) == ("5", "0")


async def test_cases_are_packs_of_the_base_unit(call: Caller, house: House) -> None:
    await sold_in_twelves(call, house)
    case = {"unit": "CS", "numerator": 12, "denominator": 1}
    put = await call("PUT", "/v1/items/BOLT", {"base_unit": "EA", "units": [case]})
    assert put.status == 202, put.body
    await house.catch_up()

    def in_cases(request_id: str, value: str) -> dict[str, object]:
        line = {"item": "BOLT", "location": "DC", "quantity": {"value": value, "unit": "CS"}}
        return {"request_id": request_id, "lines": [line]}

    whole = await call("POST", "/v1/reservations", in_cases("cart-1", "2"))
    half = await call("POST", "/v1/reservations", in_cases("cart-2", "2.5"))

    assert whole.json["lines"][0]["granted"] == {"value": "24", "unit": "EA"}
    assert whole.json["lines"][0]["packs"] is None
    assert half.json["lines"][0]["requested"] == {"value": "30", "unit": "EA"}
    assert half.json["lines"][0]["granted"] == {"value": "36", "unit": "EA"}


async def test_what_is_sold_by_the_piece_says_nothing_of_packs(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)

    made = await call("POST", "/v1/reservations", asking("cart-1", 5))

    assert made.json["lines"][0]["packs"] is None
