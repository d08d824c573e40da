"""Promises by date over HTTP: made once, listed, shown with their proof, given back."""

from crossdock.capabilities.supply import PromiseAsked, Question
from crossdock.foundation.scope import Scope
from tests.interfaces.api.conftest import Caller, House, stock

BY_DATE = "/v1/promises/by-date"


async def test_a_promise_by_date_is_made_once_and_shown_as_it_was(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    line: dict[str, object] = {"item": "BOLT", "location": "DC", "quantity": {"value": "4"}}
    line |= {"demand_ref": "so1/1", "transit_days": 5}
    said = {"request_id": "r1", "lines": [line]}
    made = (await call("POST", BY_DATE, said)).json
    assert made["is_granted"]
    assert [(one["quantity"]["value"], one["held"]["value"]) for one in made["lines"]] == [
        ("4", "4")
    ]
    assert [(one["life_days"], one["transit_days"]) for one in made["lines"]] == [(None, 5)]
    assert (await call("POST", BY_DATE, said)).json == made
    other = said | {"lines": [line | {"quantity": {"value": "5"}}]}
    assert (await call("POST", BY_DATE, other)).status == 409

    await call("PUT", "/v1/atp/rules", {"weekdays": "1", "daily_buckets": 3})
    shown = f"{BY_DATE}/{made['promise_id']}"
    assert (await call("GET", shown)).json == made
    assert (await call("GET", f"/v1/promises/{made['promise_id']}")).json == made
    assert (await call("GET", "/v1/promises?order=so1/1")).json["by_date"] == [made]
    assert made["is_reproduced"] is True
    listed = made | {"is_reproduced": None}
    assert (await call("GET", BY_DATE)).json == {"promises": [listed]}
    assert (await call("GET", f"{BY_DATE}?of_order=so1")).json == {"promises": [listed]}
    covered = {"at_risk": [], "looked_at_to": made["promise_id"]}
    assert (await call("GET", f"{BY_DATE}/at-risk")).json == covered
    over = (await call("POST", f"{shown}/release", {})).json
    assert over["released_at"] is not None
    assert (await call("GET", BY_DATE)).json == {"promises": []}


async def test_a_promise_by_date_is_drawn_line_by_line(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    line = {"item": "BOLT", "location": "DC", "quantity": {"value": "4"}}
    said = {"request_id": "r1", "lines": [line, line | {"quantity": {"value": "3"}}]}
    made = (await call("POST", BY_DATE, said)).json
    path = f"{BY_DATE}/{made['promise_id']}/chart"
    drawn = await call("GET", path)
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert b"4 EA of BOLT at DC: promised, by day" in drawn.body
    assert b"3 EA of BOLT at DC" in (await call("GET", f"{path}?line=2")).body
    assert (await call("GET", f"{path}?line=3")).status == 404
    assert (await call("GET", path, key=await house.key("cases:read"))).status == 403


async def test_a_request_says_how_it_may_be_split_and_out_of_what(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    line = {"item": "BOLT", "location": "DC", "quantity": {"value": "4"}}
    once = line | {"mode": "DISCRETE", "split_lines_max": 1, "split_min": "2"}
    made = (await call("POST", BY_DATE, {"request_id": "r1", "lines": [once]})).json
    assert made["is_granted"]
    assert made["answers"][0]["mode"] == "DISCRETE"
    loose = {"request_id": "r2", "lines": [line | {"mode": "UNTIL_NEXT_SUPPLY"}]}
    refused = await call("POST", BY_DATE, loose)
    assert (refused.status, b"/lines/0/mode" in refused.body) == (422, True)


async def test_another_clients_promise_is_not_replaced(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    asked = PromiseAsked("r1", (Question("BOLT", "DC", "EA", 4_000_000),), ("",))
    made = await house.kept_promises.promise(Scope(house.settings.tenant), "shop", asked)
    line = {"item": "BOLT", "location": "DC", "quantity": {"value": "4"}}
    said = {"request_id": "r2", "lines": [line], "replaces": made.promise_id}
    refused = await call("POST", BY_DATE, said)
    assert (refused.status, refused.json["code"]) == (403, "not_yours")
