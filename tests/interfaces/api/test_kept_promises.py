"""Promises by date over HTTP: made once, listed, shown with their proof, given back."""

from tests.interfaces.api.conftest import Caller, House, stock

BY_DATE = "/v1/promises/by-date"


async def test_a_promise_by_date_is_made_once_and_shown_as_it_was(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    line = {"item": "BOLT", "location": "DC", "quantity": {"value": "4"}, "demand_ref": "so1/1"}
    said = {"request_id": "r1", "lines": [line]}
    made = (await call("POST", BY_DATE, said)).json
    assert made["is_granted"]
    assert [(one["quantity"]["value"], one["held"]["value"]) for one in made["lines"]] == [
        ("4", "4")
    ]
    assert (await call("POST", BY_DATE, said)).json == made
    other = said | {"lines": [line | {"quantity": {"value": "5"}}]}
    assert (await call("POST", BY_DATE, other)).status == 409

    await call("PUT", "/v1/atp/rules", {"weekdays": "1", "daily_buckets": 3})
    shown = f"{BY_DATE}/{made['promise_id']}"
    assert (await call("GET", shown)).json == made
    assert (await call("GET", f"/v1/promises/{made['promise_id']}")).json == made
    assert (await call("GET", "/v1/promises?order=so1/1")).json["by_date"] == [made]
    assert (await call("GET", BY_DATE)).json == {"promises": [made]}
    assert (await call("GET", f"{BY_DATE}?of_order=so1")).json == {"promises": [made]}
    covered = {"at_risk": [], "looked_at_to": made["promise_id"]}
    assert (await call("GET", f"{BY_DATE}/at-risk")).json == covered
    over = (await call("POST", f"{shown}/release", {})).json
    assert over["released_at"] is not None
    assert (await call("GET", BY_DATE)).json == {"promises": []}
