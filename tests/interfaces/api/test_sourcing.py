"""Which warehouses an order leaves from, asked over HTTP, with rules and nodes put there too."""

import asyncio
from typing import Any

import pytest

from tests.interfaces.api.conftest import Caller, House, event

LANE = {"country": "DE", "transit_days": 2, "cost": "5.9", "distance_km": 40}
NODE = {
    "capabilities": ["SHIP", "PICKUP"],
    "hazmat": ["3"],
    "customers": [],
    "barred_customers": ["C9"],
    "lanes": [LANE],
    "load_percent": 40,
}
RULES = {
    "filters": ["ACTIVE", "CAPABILITY"],
    "preferences": ["FEWEST_SHIPMENTS", "COST"],
    "policy": "COMPLETE_LINE",
    "max_shipments": 3,
    "min_line_split_qty": "2",
    "alternatives": {
        "substitute": "LOCATION",
        "chooses": "MAX_ON_TIME",
        "keeps_rest": "LEADING",
        "when": "CREATION",
    },
}


def asked(**more: Any) -> dict[str, Any]:
    lines = [
        {"item": "X", "quantity": {"value": "8"}},
        {"item": "Y", "quantity": {"value": "6", "unit": "EA"}, "demand_ref": "order-7/2"},
    ]
    return {"lines": lines, "ship_to": {"country": "DE", "postal_code": "80331"}} | more


@pytest.fixture
async def a21(call: Caller, house: House) -> None:
    """DC1 4/9, DC2 10/10, DC3 6/0, and Z in cases of twelve at DC2."""
    for item in ("X", "Y"):
        assert (await call("PUT", f"/v1/items/{item}", {})).status == 202
    case = {"units": [{"unit": "CS", "numerator": 12}]}
    assert (await call("PUT", "/v1/items/Z", case)).status == 202
    for name, stock in {
        "DC1": {"X": 4, "Y": 9},
        "DC2": {"X": 10, "Y": 10, "Z": 30},
        "DC3": {"X": 6, "Y": 0, "Z": 13},
    }.items():
        assert (await call("PUT", f"/v1/locations/{name}", {})).status == 202
        await house.catch_up()
        lines = [
            {"item": item, "quantity": {"value": str(quantity), "unit": "EA"}}
            for item, quantity in stock.items()
        ]
        snapshot = {"snapshot_id": name, "location": name, "lines": lines}
        said = event("inventory.snapshot_taken.v1", f"snapshot:{name}", snapshot)
        answer = await call("POST", "/v1/events", {"source": "wms", "events": [said]})
        assert answer.json["counts"] == {"NEW": 1}, answer.body
        await house.catch_up()
        put = await call("PUT", f"/v1/sourcing/nodes/{name}", {})
        assert put.status == 200, put.body


def shipped(decision: Any) -> dict[str, dict[str, str]]:
    return {
        shipment["node"]: {part["item"]: part["quantity"]["value"] for part in shipment["parts"]}
        for shipment in decision["shipments"]
    }


async def available(call: Caller, item: str, location: str) -> str:
    answer = await call("GET", f"/v1/availability?item={item}&location={location}")
    value: str = answer.json["available"]["value"]
    return value


@pytest.mark.usefixtures("a21")
async def test_a21_is_answered_with_its_reasons_and_holds_nothing(call: Caller) -> None:
    answer = await call("POST", "/v1/sourcing/plan", asked())

    assert answer.status == 200, answer.body
    decision = answer.json["decision"]
    assert answer.json["reservation"] is None
    assert shipped(decision) == {"DC2": {"X": "8", "Y": "6"}}
    assert [(one["node"], one["verdict"], one["rule"]) for one in decision["reasons"]] == [
        ("DC1", "PASSED_OVER", "SINGLE_NODE"),
        ("DC2", "TAKEN", "SINGLE_NODE"),
        ("DC3", "PASSED_OVER", "SINGLE_NODE"),
    ]
    assert decision["candidates"][0]["available"]["X"] == {"value": "4", "unit": "EA"}
    assert decision["is_complete"]
    assert await available(call, "X", "DC2") == "10"


@pytest.mark.usefixtures("a21")
async def test_a_plan_is_reserved_once_however_often_it_is_asked(call: Caller) -> None:
    said = asked(request_id="order-7", reserve=True)

    first, second = [await call("POST", "/v1/sourcing/plan", said) for _ in range(2)]
    together = await asyncio.gather(*(call("POST", "/v1/sourcing/plan", said) for _ in range(4)))

    held = first.json["reservation"]
    assert (held["status"], held["kind"], held["is_repeat"]) == ("ACTIVE", "HARD", False)
    assert [(one["item"], one["location"], one["demand_ref"]) for one in held["lines"]] == [
        ("X", "DC2", ""),
        ("Y", "DC2", "order-7/2"),
    ]
    for again in (second, *together):
        assert again.json["decision"] == first.json["decision"]
        assert again.json["reservation"] == {**held, "is_repeat": True}
    assert await available(call, "X", "DC2") == "2"
    other = await call("POST", "/v1/sourcing/plan", said | {"channel": "WEB"})
    assert (other.status, other.json["code"]) == (409, "request_id_reused")


@pytest.mark.usefixtures("a21")
async def test_stock_that_went_between_plan_and_promise_is_told_as_denied(call: Caller) -> None:
    plan = asked(request_id="order-8")
    assert (await call("POST", "/v1/sourcing/plan", plan)).json["decision"]["is_complete"]
    line = {"item": "X", "location": "DC2", "quantity": {"value": "9"}}
    await call("POST", "/v1/reservations", {"request_id": "r", "lines": [line], "kind": "HARD"})

    answer = await call("POST", "/v1/sourcing/plan", plan | {"reserve": True})

    assert answer.status == 200
    assert answer.json["reservation"]["status"] == "DENIED"
    assert await available(call, "Y", "DC2") == "10"


@pytest.mark.usefixtures("a21")
async def test_nothing_to_ship_reserves_nothing(call: Caller) -> None:
    lines = [{"item": "X", "quantity": {"value": "99"}}]
    said = asked(lines=lines, request_id="o", reserve=True, policy="COMPLETE_ORDER")

    answer = await call("POST", "/v1/sourcing/plan", said)

    assert (answer.status, answer.json["reservation"]) == (200, None)
    [waiting] = answer.json["decision"]["waiting"]
    assert (waiting["quantity"]["value"], waiting["node"]) == ("99", "DC1")


@pytest.mark.usefixtures("a21")
async def test_cases_are_not_broken_by_a_split(call: Caller) -> None:
    lines = [{"item": "z", "quantity": {"value": "3", "unit": "cs"}}]

    whole = await call("POST", "/v1/sourcing/plan", asked(lines=lines))
    half = [{"item": "Z", "quantity": {"value": "2.5", "unit": "CS"}}]
    broken = await call("POST", "/v1/sourcing/plan", asked(lines=half))

    assert shipped(whole.json["decision"]) == {"DC2": {"Z": "24"}, "DC3": {"Z": "12"}}
    assert shipped(broken.json["decision"]) == {"DC2": {"Z": "30"}}


@pytest.mark.usefixtures("a21")
async def test_a_decision_is_shown_again_byte_for_byte_after_the_rules_changed(
    call: Caller,
) -> None:
    made = await call("POST", "/v1/sourcing/plan", asked(request_id="order-7"))
    path = f"/v1/sourcing/decisions/{made.json['decision']['decision_id']}"
    before = await call("GET", path)

    assert (await call("PUT", "/v1/sourcing/rules/all", RULES)).status == 200
    assert (await call("PUT", "/v1/sourcing/nodes/DC2", NODE)).status == 200
    after = await call("GET", path)

    assert after.body == before.body
    assert made.body == b'{"decision":' + before.body + b',"reservation":null}'
    missing = await call("GET", "/v1/sourcing/decisions/src_1")
    assert (missing.status, missing.json["code"]) == (404, "not_found")


@pytest.mark.usefixtures("a21")
async def test_rules_are_put_as_versions_and_the_newest_decides(call: Caller) -> None:
    put = await call("PUT", "/v1/sourcing/rules/channel:web", RULES)
    again = await call("PUT", "/v1/sourcing/rules/channel:WEB", RULES)

    assert (put.status, put.json["scope"], put.json["version"]) == (200, "channel:WEB", 1)
    assert put.json["rules"] == RULES
    assert put.json["put_by"].startswith("key ")
    assert again.json == put.json
    second = await call("PUT", "/v1/sourcing/rules/channel:WEB", {})
    listed = (await call("GET", "/v1/sourcing/rules?holds_for=channel:web")).json["rules"]
    assert listed == [put.json, second.json]
    rest = await call("GET", "/v1/sourcing/rules?after=channel:WEB/1&limit=1")
    assert rest.json["rules"] == [second.json]
    made = await call("POST", "/v1/sourcing/plan", asked(channel="web"))
    assert (made.json["decision"]["rules"]["scope"], made.json["decision"]["channel"]) == (
        "channel:WEB", "WEB",
    )  # fmt: skip
    assert made.json["decision"]["rules"]["version"] == 2


@pytest.mark.usefixtures("a21")
async def test_a_node_is_put_shown_and_replaced(call: Caller) -> None:
    put = await call("PUT", "/v1/sourcing/nodes/dc1", NODE)

    beside = {"put_at", "put_by", "version"}
    shown = {name: value for name, value in put.json.items() if name not in beside}
    lane = {"region": "", "postal_prefix": "", "runs_on": [1, 2, 3, 4, 5]} | LANE
    told = {**NODE, "node": "DC1", "capabilities": ["PICKUP", "SHIP"], "lanes": [lane]}
    assert (put.status, shown) == (200, told)
    listed = (await call("GET", "/v1/sourcing/nodes")).json["nodes"]
    assert [one["node"] for one in listed] == ["DC1", "DC2", "DC3"]
    assert listed[0] == put.json
    again = await call("PUT", "/v1/sourcing/nodes/dc1", NODE)
    assert (again.json, put.json["version"]) == (put.json, 2)
    [last] = (await call("GET", "/v1/sourcing/nodes?after=DC2&limit=9")).json["nodes"]
    assert last["node"] == "DC3"


@pytest.mark.usefixtures("a21")
async def test_a_node_is_withdrawn_and_takes_no_part_any_more(call: Caller) -> None:
    assert (await call("DELETE", "/v1/sourcing/nodes/dc2")).status == 204
    again = await call("DELETE", "/v1/sourcing/nodes/DC2")

    assert (again.status, again.json["code"]) == (404, "not_found")
    listed = (await call("GET", "/v1/sourcing/nodes")).json["nodes"]
    assert [one["node"] for one in listed] == ["DC1", "DC3"]
    made = (await call("POST", "/v1/sourcing/plan", asked())).json["decision"]
    assert set(shipped(made)) == {"DC1", "DC3"}
    assert made["decision_id"] == ""


@pytest.mark.usefixtures("a21")
async def test_a_decision_shows_of_customers_whether_this_one_is_served(call: Caller) -> None:
    await call("PUT", "/v1/sourcing/nodes/DC2", NODE)

    for customer, served in (("C1", True), ("c9", False)):
        answer = await call("POST", "/v1/sourcing/plan", asked(customer=customer))
        shown = answer.json["decision"]["candidates"][1]
        assert (shown["node"], shown["serves_customer"]) == ("DC2", served)
        assert not {"customers", "barred_customers"} & shown.keys()


@pytest.mark.usefixtures("a21")
async def test_a_location_that_is_not_at_work_is_barred(call: Caller, house: House) -> None:
    await call("PUT", "/v1/locations/DC2", {"is_active": False})
    await house.catch_up()

    made = (await call("POST", "/v1/sourcing/plan", asked())).json["decision"]

    assert "DC2" not in shipped(made)
    assert made["reasons"][1] == {
        "node": "DC2", "verdict": "BARRED", "rule": "ACTIVE", "why": "it is not at work",
    }  # fmt: skip


def one_line(item: str, value: str, **more: str) -> dict[str, Any]:
    return {"lines": [{"item": item, "quantity": {"value": value, **more}}]}


@pytest.mark.usefixtures("a21")
@pytest.mark.parametrize(
    ("change", "status", "code", "where"),
    [
        ({"lines": []}, 422, "invalid", "/lines"),
        (one_line("Q", "1"), 422, "MD-ITEM-XREF", "/lines/0/item"),
        (one_line("X", "0"), 422, "invalid", "/lines/0/quantity"),
        (one_line("X", "1", unit="CS"), 422, "MD-UOM", "/lines/0/quantity/unit"),
        (one_line("X", "-1"), 422, "invalid", "/lines/0/quantity/value"),
        ({"reserve": True}, 422, "invalid", "/request_id"),
        ({"original": "DC9"}, 404, "MD-LOC", ""),
        ({"policy": "SOME"}, 422, "invalid", "/policy"),
        ({"max_shipments": 0}, 422, "invalid", "/max_shipments"),
        ({"tenant": "other"}, 422, "invalid", "/tenant"),
    ],
)
async def test_a_question_that_is_wrong_is_refused_with_its_place(
    call: Caller, change: dict[str, Any], status: int, code: str, where: str
) -> None:
    answer = await call("POST", "/v1/sourcing/plan", asked() | change)

    assert (answer.status, answer.json["code"]) == (status, code), answer.body
    assert answer.json.get("where", "") == where


@pytest.mark.usefixtures("a21")
@pytest.mark.parametrize(
    ("path", "said", "answers"),
    [
        ("rules/web", {}, (422, "/holds_for")),
        ("rules/all", {"filters": ["ACTIVE", "ACTIVE"]}, (422, "/filters/1")),
        ("rules/all", {"preferences": []}, (422, "/preferences")),
        ("rules/all", {"valid_from": "2020-01-01T00:00:00Z"}, (422, "/valid_from")),
        ("rules/all", {"valid_from": "2099-01-01T00:00:00"}, (422, "/valid_from")),
        ("rules/all", {"filters": ["WEATHER"]}, (422, "/filters/0")),
        ("nodes/DC9", {}, (404, "")),
        ("nodes/GROUP", {}, (422, "/node")),
        ("nodes/NOWHERE", {}, (422, "/timezone")),
        ("nodes/DC1", {"lanes": [{"country": "DE"}, {"country": "de"}]}, (422, "/lanes/1")),
        ("nodes/DC1", {"timezone": "UTC"}, (422, "/timezone")),
    ],
)
async def test_rules_and_nodes_that_cannot_be_meant_are_refused(
    call: Caller, house: House, path: str, said: dict[str, Any], answers: tuple[int, str]
) -> None:
    await call("PUT", "/v1/locations/GROUP", {"kind": "GROUP", "members": ["DC1"]})
    await call("PUT", "/v1/locations/NOWHERE", {"timezone": "Nowhere/Land"})
    await house.catch_up()

    answer = await call("PUT", f"/v1/sourcing/{path}", said)

    assert (answer.status, answer.json.get("where", "")) == answers, answer.body


@pytest.mark.usefixtures("a21")
async def test_who_may_ask_may_not_promise_nor_put_rules(call: Caller, house: House) -> None:
    reader = await house.key("stock:read", "catalog:read")

    assert (await call("POST", "/v1/sourcing/plan", asked(), key=reader)).status == 200
    for method, path, body in (
        ("POST", "/v1/sourcing/plan", asked(request_id="r", reserve=True)),
        ("PUT", "/v1/sourcing/rules/all", {}),
        ("PUT", "/v1/sourcing/nodes/DC1", {}),
        ("DELETE", "/v1/sourcing/nodes/DC1", None),
    ):
        answer = await call(method, path, body, key=reader)
        assert (answer.status, answer.json["code"]) == (403, "verb_missing"), path


@pytest.mark.usefixtures("a21")
async def test_a_kit_is_planned_with_what_can_be_put_together_and_held_with_its_parts(
    call: Caller, house: House
) -> None:
    parts = [
        {"item": "X", "quantity": {"value": "2", "unit": "EA"}},
        {"item": "Y", "quantity": {"value": "1", "unit": "EA"}},
    ]
    kit = {"item": "SET", "quantity": {"value": "1", "unit": "EA"}, "components": parts}
    assert (await call("PUT", "/v1/items/SET", {})).status == 202
    await house.catch_up()
    said = event("catalog.kit_changed.v1", "kit:SET", kit)
    await call("POST", "/v1/events", {"source": "erp", "events": [said]})
    await house.catch_up()
    line = {"item": "SET", "quantity": {"value": "5"}}
    order = {"lines": [line], "request_id": "order-7", "reserve": True}

    answer = await call("POST", "/v1/sourcing/plan", order)

    decision, held = answer.json["decision"], answer.json["reservation"]
    assert shipped(decision) == {"DC2": {"SET": "5"}}
    [part] = decision["shipments"][0]["parts"]
    takes = {item: quantity["value"] for item, quantity in part["takes"].items()}
    assert takes == {"X": "10", "Y": "5"}
    nodes = {one["node"]: one["kits"]["1"] for one in decision["candidates"]}
    assert [nodes[name]["made"]["value"] for name in ("DC1", "DC2", "DC3")] == ["2", "5", "0"]
    assert [nodes[name]["lacking"] for name in ("DC1", "DC2", "DC3")] == [["X"], [], ["Y"]]
    why = {one["node"]: one["why"] for one in decision["reasons"]}
    assert why["DC2"] == "it fills everything alone: 5 of SET (line 1, put together)"
    assert why["DC1"].endswith("it could give 2 of 5 SET; too little X for more SET")
    assert held["status"] == "ACTIVE"
    assert await available(call, "X", "DC2") == "0"
