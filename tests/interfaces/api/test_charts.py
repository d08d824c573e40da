"""Pictures over HTTP: each of its route, for whoever may read what it shows."""

import pytest

from tests.interfaces.api.conftest import Caller, House, stock

PROMISE_DATES = "/v1/atp/chart?item=bolt&location=dc"
DIFFERENCES = "/v1/reconciliations/chart"


async def test_what_can_be_promised_by_when_is_drawn(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    drawn = await call("GET", PROMISE_DATES)

    assert drawn.status == 200, drawn.body
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert b"BOLT at DC: what can be promised by when" in drawn.body
    assert b"10 EA can be promised" in drawn.body


async def test_an_item_that_nobody_knows_is_not_drawn(call: Caller) -> None:
    answer = await call("GET", PROMISE_DATES)

    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_open_differences_are_drawn_and_no_run_of_that_name_is_looked_for(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    line = {"item": "bolt", "location": "dc", "quantity": "40", "unit_cost": "2.5"}
    said = {"against": "erp", "lines": [line], "as_of": house.clock.now().isoformat()}
    assert (await call("POST", "/v1/reconciliations", said)).json["suspected"] == 1

    drawn = await call("GET", DIFFERENCES)
    others = await call("GET", f"{DIFFERENCES}?against=wms")

    assert drawn.status == 200, drawn.body
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert b"1 open, 25 at risk" in drawn.body
    assert b"no difference is open" in others.body

    [found] = (await call("GET", "/v1/reconciliations/findings")).json["findings"]
    one = await call("GET", f"/v1/reconciliations/findings/{found['finding_id']}/chart")
    assert (one.status, b"the hub says: 30 EA; not explained: +10" in one.body) == (200, True)
    right = await call("GET", "/v1/reconciliations/accuracy/chart?since=2026-01-01T00:00:00Z")
    assert (right.status, b"How right the books were, 2026-01-01" in right.body) == (200, True)


@pytest.mark.parametrize(
    ("path", "verb", "other"),
    [(PROMISE_DATES, "stock:read", "cases:read"), (DIFFERENCES, "cases:read", "stock:read")],
)
async def test_a_key_without_the_verb_is_shown_no_picture(
    call: Caller, house: House, path: str, verb: str, other: str
) -> None:
    await stock(call, house, "BOLT")
    assert (await call("GET", path, key="")).status == 401
    assert (await call("GET", path, key=await house.key(other))).status == 403
    assert (await call("GET", path, key=await house.key(verb))).status == 200


async def test_a_run_and_a_decision_are_drawn_of_their_own_address(
    call: Caller, house: House
) -> None:
    for path, verb in (
        ("/v1/allocation/runs/run_0/chart", "allocation:read"),
        ("/v1/sourcing/decisions/src_0/chart", "stock:read"),
    ):
        assert (await call("GET", path, key="")).status == 401
        assert (await call("GET", path, key=await house.key("cases:read"))).status == 403
        assert (await call("GET", path, key=await house.key(verb))).status == 404


async def test_the_proof_of_a_reservation_is_drawn_and_of_nothing_else(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    line = {"item": "bolt", "location": "dc", "quantity": {"value": "4"}}
    asked = {"request_id": "order-7", "lines": [line]}
    made = (await call("POST", "/v1/reservations", asked)).json["reservation_id"]

    drawn = await call("GET", f"/v1/promises/{made}/chart")

    assert (drawn.status, b"Why order-7 got what it got" in drawn.body) == (200, True)
    for other in ("order-7", "rsv_" + "0" * 32):
        answer = await call("GET", f"/v1/promises/{other}/chart")
        assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
