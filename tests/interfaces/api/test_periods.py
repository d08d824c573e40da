"""The close of a period over HTTP: both figures kept, signed off by a named person."""

from datetime import timedelta
from typing import Any

import pytest

from tests.interfaces.api.conftest import Caller, House, stock

PERIODS = "/v1/reconciliations/periods"
ONE = f"{PERIODS}/2026-02"


def books(house: House, quantity: str, **more: Any) -> Any:
    line = {"item": "bolt", "location": "dc", "quantity": quantity, "unit_cost": "2"}
    ends_at = (house.clock.now()).isoformat()
    return {
        "period": "2026-02", "against": "erp", "ends_at": ends_at, "lines": [line], **more
    }  # fmt: skip


async def test_a_period_from_its_close_to_its_sign_off(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    closed = await call("POST", PERIODS, books(house, "28", by="Ann"))
    assert (closed.status, closed.json["state"], closed.json["closed_by"]) == (
        200, "CLOSED", "Ann (key test)"
    ), closed.body  # fmt: skip

    shown = (await call("GET", f"{ONE}?against=erp&differing=true")).json

    [figure] = shown["figures"]
    assert (figure["ours"], figure["theirs"], figure["difference"], figure["value"]) == (
        "30", "28", "-2", "-4"
    )  # fmt: skip
    behind = await call("GET", f"{ONE}?against=erp&after=DC&after_item=BOLT")
    assert behind.json["figures"] == []
    signing = {
        "against": "erp", "closed_at": closed.json["closed_at"],
        "because": "two are on their way", "by": "Bob",
    }  # fmt: skip
    clerk = await house.key("cases:write")
    assert (await call("POST", f"{ONE}/sign", signing, key=clerk)).status == 403
    signed = await call("POST", f"{ONE}/sign", signing)
    assert (signed.json["state"], signed.json["signed_by"]) == ("SIGNED", "Bob (key test)")
    again = await call("POST", PERIODS, books(house, "30"))
    assert (again.status, again.json["code"]) == (409, "period_signed")
    [listed] = (await call("GET", f"{PERIODS}?against=erp")).json["periods"]
    assert listed == signed.json


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"period": " "}, "period"),
        ({"period": "x" * 41}, "period"),
        ({"lines": []}, "lines"),
        ({"ends_at": "2999-01-01T00:00:00Z"}, "/ends_at"),
        ({"ends_at": "2026-01-01T00:00:00"}, "ends_at"),
        ({"against": "crossdock"}, "/against"),
        ({"by": 7}, "by"),
        ({"extra": 1}, "extra"),
    ],
)
async def test_what_is_no_close_is_refused(
    call: Caller, house: House, change: dict[str, Any], where: str
) -> None:
    answer = await call("POST", PERIODS, books(house, "1") | change)
    assert answer.status == 422, answer.body
    assert where in answer.body.decode()


async def test_a_period_that_nobody_closed_is_not_there(call: Caller, house: House) -> None:
    del house
    assert (await call("GET", f"{ONE}?against=erp")).status == 404
    signing = {"against": "erp", "because": "x", "closed_at": "2026-03-01T00:00:00Z"}
    assert (await call("POST", f"{ONE}/sign", signing)).status == 404


async def test_only_the_close_that_was_looked_at_is_signed_off(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    seen = (await call("POST", PERIODS, books(house, "30", by="Ann"))).json["closed_at"]
    anew = (await call("POST", PERIODS, books(house, "1", by="Ann"))).json["closed_at"]
    signing = {"against": "erp", "because": "agreed", "by": "Bob"}
    assert (await call("POST", f"{ONE}/sign", signing)).status == 422
    refused = await call("POST", f"{ONE}/sign", {**signing, "closed_at": seen})
    assert (refused.status, refused.json["code"]) == (409, "period_closed_anew")
    assert (await call("POST", f"{ONE}/sign", {**signing, "closed_at": anew})).status == 200


async def test_books_as_of_another_moment_are_refused(call: Caller, house: House) -> None:
    said = books(house, "28")
    said["lines"][0]["as_of"] = (house.clock.now() - timedelta(hours=1)).isoformat()
    answer = await call("POST", PERIODS, said)
    assert (answer.status, answer.json["where"]) == (422, "as_of")
