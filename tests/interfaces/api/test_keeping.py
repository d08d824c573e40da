"""Who keeps the stock of a location is said, shown and taken back over HTTP; so are proposals."""

from typing import Any

from tests.interfaces.api.conftest import Caller, House, amount, event, stock


def counted(number: int) -> dict[str, Any]:
    lines = [{"item": "BOLT", "quantity": amount(number * 1_000_000)}]
    payload = {"snapshot_id": f"S{number}", "location": "DC", "lines": lines}
    return event("inventory.snapshot_taken.v1", f"snapshot:{number}", payload)


async def say(call: Caller, source: str, number: int) -> Any:
    return await call("POST", "/v1/events", {"source": source, "events": [counted(number)]})


async def test_a_keeper_is_set_shown_and_cleared(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)

    made = await call("PUT", "/v1/locations/dc/keeper", {"source": "wms"})
    assert (made.status, made.json["location"], made.json["source"]) == (200, "DC", "wms")
    assert made.json["set_by"].startswith("key ")
    assert (await call("GET", "/v1/keepers")).json == {"keepers": [made.json]}
    assert (await call("GET", "/v1/locations/DC")).json["stock_kept_by"] == "wms"
    [listed] = (await call("GET", "/v1/locations")).json["locations"]
    assert listed["stock_kept_by"] == "wms"

    assert (await call("DELETE", "/v1/locations/DC/keeper")).status == 204
    assert (await call("GET", "/v1/locations/DC")).json["stock_kept_by"] == ""
    assert (await call("DELETE", "/v1/locations/DC/keeper")).status == 404


async def test_keepers_are_paged_by_location(call: Caller, house: House) -> None:
    for code in ("DC1", "DC2", "DC3"):
        await call("PUT", f"/v1/locations/{code}", {})
    await house.catch_up()
    for code in ("DC3", "DC1", "DC2"):
        await call("PUT", f"/v1/locations/{code}/keeper", {"source": "crossdock"})

    first = (await call("GET", "/v1/keepers?limit=2")).json["keepers"]
    rest = (await call("GET", "/v1/keepers?limit=2&after=DC2")).json["keepers"]

    assert [one["location"] for one in first] == ["DC1", "DC2"]
    assert [one["location"] for one in rest] == ["DC3"]
    assert (await call("GET", "/v1/keepers?limit=0")).status == 422


async def test_a_count_by_another_is_answered_as_a_proposal_and_shown(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    await call("PUT", "/v1/locations/DC/keeper", {"source": "wms"})

    answer = await say(call, "erp", 3)
    await house.catch_up()

    assert answer.json["counts"] == {"PROPOSAL": 1}
    [verdict] = answer.json["verdicts"]
    assert (verdict["code"], verdict["reason"]) == ("INV-KEEPER", "wms keeps the stock of DC")
    [proposal] = (await call("GET", "/v1/proposals?source=erp&location=dc")).json["proposals"]
    assert (proposal["keeper"], proposal["times"]) == ("wms", 1)
    assert proposal["fact"]["payload"]["lines"][0]["quantity"] == amount(3_000_000)
    found = (await call("GET", "/v1/availability?item=BOLT&location=DC")).json
    assert found["available"] == amount(10_000_000)


async def test_a_keeper_that_nobody_knows_and_a_group_are_refused(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    await call("PUT", "/v1/locations/ALL", {"kind": "GROUP", "members": ["DC"]})
    await house.catch_up()

    unknown = await call("PUT", "/v1/locations/DC/keeper", {"source": "wmz"})
    assert (unknown.status, unknown.json["code"]) == (404, "not_found")
    assert "no connection is called 'wmz'" in unknown.json["detail"]
    group = await call("PUT", "/v1/locations/ALL/keeper", {"source": "wms"})
    assert (group.status, group.json["where"]) == (422, "/location")
    nowhere = await call("PUT", "/v1/locations/NOWHERE/keeper", {"source": "wms"})
    assert (nowhere.status, nowhere.json["code"]) == (404, "MD-LOC")
