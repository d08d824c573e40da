"""Who is confirmed when stock is short, over HTTP: rules, runs, approval, maxima and minima."""

from datetime import timedelta
from typing import Any

import pytest

from tests.interfaces.api.conftest import Caller, House, amount, event, main_scope, stock
from tests.interfaces.api.test_stock import asking

MICROS = 1_000_000
EA = amount


async def ordered(call: Caller, order: str, quantity: int, channel: str) -> None:
    line = {
        "demand_ref": f"{order}/1", "item": "BOLT", "location": "DC",
        "ordered": EA(quantity * MICROS), "cancelled": EA(0),
    }  # fmt: skip
    said = event(
        "orders.order_changed.v1", f"order:{order}:1",
        {"order_id": order, "channel": channel, "lines": [line]}, version=1,
    )  # fmt: skip
    answer = await call("POST", "/v1/events", {"source": "shop", "events": [said]})
    assert answer.json["counts"] == {"NEW": 1}, answer.body


@pytest.fixture
async def short(call: Caller, house: House) -> None:
    """Let two channels ask for 8 each where 10 are."""
    await stock(call, house, "BOLT", micros=10 * MICROS)
    await ordered(call, "W", 8, "web")
    await ordered(call, "K", 8, "key")
    await house.catch_up()


async def simulated(call: Caller) -> Any:
    answer = await call("POST", "/v1/allocation/runs", {"item": "bolt", "location": "dc"})
    assert answer.status == 201, answer.body
    return answer.json


@pytest.mark.usefixtures("short")
async def test_a_run_is_simulated_shown_approved_and_told(call: Caller) -> None:
    rule = {"channel": "key", "strategy": "WIN", "priority": 1}
    assert (await call("PUT", "/v1/allocation/rules", rule)).json["version"] == 1
    run = await simulated(call)
    assert [(one["demand_ref"], one["after"]["value"]) for one in run["lines"]] == [
        ("K/1", "8"), ("W/1", "2")
    ]  # fmt: skip
    assert (run["state"], run["supply"]) == ("SIMULATED", EA(10 * MICROS))
    address = f"/v1/allocation/runs/{run['run_id']}"
    assert (await call("GET", address)).json == run

    for _ in range(2):
        done = await call("POST", f"{address}/approve", {"remark": "as agreed"})
        assert (done.status, done.json["state"], done.json["remark"]) == (
            200, "APPLIED", "as agreed"
        ), done.body  # fmt: skip

    found = await call("GET", "/v1/allocation/lines?item=BOLT&location=DC")
    assert [(one["order_id"], one["backordered"]["value"]) for one in found.json["lines"]] == [
        ("K", "0"), ("W", "6")
    ]  # fmt: skip
    [listed] = (await call("GET", "/v1/allocation/runs?state=APPLIED")).json["runs"]
    assert (listed["run_id"], listed["lines"]) == (run["run_id"], [])


@pytest.mark.usefixtures("short")
async def test_a_stale_run_is_a_conflict_that_says_what_to_do(call: Caller, house: House) -> None:
    run = await simulated(call)
    await ordered(call, "V", 1, "web")
    await house.catch_up()

    answer = await call("POST", f"/v1/allocation/runs/{run['run_id']}/approve", {})
    assert (answer.status, answer.json["code"]) == (409, "stale")
    assert "simulate" in answer.json["hint"]


@pytest.mark.usefixtures("short")
async def test_a_run_is_rejected_with_a_reason(call: Caller) -> None:
    run = await simulated(call)
    address = f"/v1/allocation/runs/{run['run_id']}/reject"

    assert (await call("POST", address, {"remark": " "})).status == 422
    assert (await call("POST", address, {"remark": "ask sales"})).json["state"] == "REJECTED"
    assert (await call("POST", address.replace("reject", "approve"), {})).status == 409


@pytest.mark.usefixtures("short")
async def test_with_four_eyes_the_maker_of_a_run_may_not_approve_it(
    call: Caller, house: House
) -> None:
    policy = {"applies": "NOTHING", "four_eyes": True}
    assert (await call("PUT", "/v1/allocation/policy", policy)).json["version"] == 1
    assert (await call("GET", "/v1/allocation/policy")).json["four_eyes"] is True
    run = await simulated(call)

    answer = await call("POST", f"/v1/allocation/runs/{run['run_id']}/approve", {})
    assert (answer.status, answer.json["code"]) == (403, "four_eyes")
    done = await house.allocation.approve(main_scope(), run["run_id"], by="somebody else")
    assert done.state == "APPLIED"


async def test_who_may_set_rules_may_not_set_the_policy(call: Caller, house: House) -> None:
    writer = await house.key("allocation:write")
    reader = await house.key("allocation:read")
    policy, rule = {"applies": "EVERYTHING"}, {"strategy": "FILL"}

    assert (await call("PUT", "/v1/allocation/policy", policy, key=writer)).status == 403
    assert (await call("PUT", "/v1/allocation/rules", rule, key=writer)).status == 200
    assert (await call("PUT", "/v1/allocation/rules", rule, key=reader)).status == 403
    [default] = (await call("GET", "/v1/allocation/rules", key=reader)).json["rules"]
    assert (default["strategy"], default["priority"]) == ("FILL", 500)
    assert (await call("POST", "/v1/allocation/rules/clear", {}, key=writer)).status == 204
    [default] = (await call("GET", "/v1/allocation/rules", key=reader)).json["rules"]
    assert (default["strategy"], default["version"]) == ("IMPROVE", 0)


PERIOD = {"starts_at": "2099-05-01T00:00:00Z", "ends_at": "2099-06-01T00:00:00Z"}
PROTECTED = {"item": "bolt", "location": "dc", "channel": "key"}


async def test_a_minimum_is_kept_for_a_channel_and_taken_back(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT")
    said = PROTECTED | PERIOD | {"minimum": "40", "maximum": "70.5"}
    kept = await call("PUT", "/v1/allocation/protections", said)
    assert (kept.json["item"], kept.json["minimum"], kept.json["maximum"]) == (
        "BOLT", EA(40 * MICROS), {"value": "70.5", "unit": "EA"}
    ), kept.body  # fmt: skip

    listed = await call("GET", "/v1/allocation/protections")
    assert listed.json["protections"] == [kept.json]
    assert (await call("POST", "/v1/allocation/protections/clear", PROTECTED)).status == 204
    assert (await call("GET", "/v1/allocation/protections")).json["protections"] == []


DAY = timedelta(days=1)
GROUP = {"name": "online", "channels": ["web", "app"], "customers": ["Metro"]}


async def test_a_group_of_channels_and_customers_shares_a_maximum(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=20 * MICROS)
    made = await call("PUT", "/v1/allocation/groups", GROUP)
    assert (made.status, made.json["channels"], made.json["customers"]) == (
        200, ["app", "web"], ["METRO"]
    ), made.body  # fmt: skip
    assert (await call("GET", "/v1/allocation/groups")).json["groups"] == [made.json]
    now = house.clock.now()
    period = {"starts_at": (now - DAY).isoformat(), "ends_at": (now + DAY).isoformat()}
    of = {"item": "bolt", "location": "dc", "group": "online"}
    kept = await call("PUT", "/v1/allocation/protections", of | period | {"maximum": "5"})
    assert (kept.json["group"], kept.json["channel"]) == ("online", ""), kept.body

    for number, said in enumerate(({"channel": "web"}, {"channel": "x", "customer": " metro"})):
        got = await call("POST", "/v1/reservations", asking(f"r{number}", 2) | said)
        assert got.status == 201, got.body
    refused = await call("POST", "/v1/reservations", asking("r9", 2) | {"channel": "app"})
    assert (refused.status, refused.json["code"]) == (409, "channel_maximum")

    busy = await call("POST", "/v1/allocation/groups/clear", {"name": "online"})
    assert (busy.status, busy.json["code"]) == (409, "group_in_use")
    assert (await call("POST", "/v1/allocation/protections/clear", of)).status == 204
    assert (await call("POST", "/v1/allocation/groups/clear", {"name": "online"})).status == 204
    assert (await call("GET", "/v1/allocation/groups")).json["groups"] == []


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"name": "b", "channels": ["web"]}, "/channels"),
        ({"name": "b", "customers": ["METRO"]}, "/customers"),
        ({"name": "web", "channels": ["fax"]}, "/channels"),
        ({"name": "b"}, "/channels"),
        ({"name": "b", "channels": ["x"], "members": []}, "/members"),
    ],
)
async def test_a_group_that_would_count_demand_twice_is_refused_with_its_place(
    call: Caller, said: Any, where: str
) -> None:
    await call("PUT", "/v1/allocation/groups", GROUP)
    answer = await call("PUT", "/v1/allocation/groups", said)

    assert (answer.status, answer.json["where"]) == (422, where), answer.body


@pytest.mark.parametrize("whose", [{}, {"channel": "fax", "group": "online"}])
async def test_a_maximum_is_of_a_channel_or_of_a_group(
    call: Caller, house: House, whose: dict[str, str]
) -> None:
    await stock(call, house, "BOLT")
    of = {"item": "bolt", "location": "dc"} | whose
    said = await call("PUT", "/v1/allocation/protections", of | PERIOD | {"minimum": "1"})
    gone = await call("POST", "/v1/allocation/protections/clear", of)

    for answer in (said, gone):
        assert (answer.status, answer.json["where"]) == (422, "/channel"), answer.body


async def test_one_that_begins_anew_says_how_often_and_by_whose_calendar(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT")
    whole = {"starts_at": "2099-05-01T00:00:00Z", "ends_at": "2102-05-01T00:00:00Z"}
    said = PROTECTED | whole | {"maximum": "7", "every": "MONTH"}
    kept = await call("PUT", "/v1/allocation/protections", said)
    assert (kept.json["every"], kept.json["timezone"]) == ("MONTH", "UTC"), kept.body


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({}, "/maximum"),
        ({"minimum": "1", "every": "DAY"}, "/every"),
        ({"minimum": "1", "every": "WEEK", "ends_at": "2109-06-01T00:00:00Z"}, "/ends_at"),
        ({"minimum": "2", "maximum": "1"}, "/minimum"),
        ({"minimum": "1", "ends_at": PERIOD["starts_at"]}, "/ends_at"),
        ({"minimum": "1", "ends_at": "2099-11-01T00:00:00Z"}, "/ends_at"),
        ({"minimum": "1", "item": "NUT"}, "/item"),
        ({"minimum": "1", "starts_at": "2026-05-01T00:00:00"}, "/starts_at"),
        ({"minimum": "-1"}, "/minimum"),
        ({"minimum": 1}, "/minimum"),
    ],
)
async def test_a_protection_that_cannot_hold_is_refused_with_its_place(
    call: Caller, house: House, said: Any, where: str
) -> None:
    await stock(call, house, "BOLT")
    answer = await call("PUT", "/v1/allocation/protections", PROTECTED | PERIOD | said)

    assert (answer.status, answer.json["where"]) == (422, where), answer.body


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "rules", {"strategy": "WINS"}, 422),
        ("PUT", "rules", {"strategy": "WIN", "priority": 0}, 422),
        ("PUT", "rules", {"strategy": "WIN", "channel": "a", "order_id": "b"}, 422),
        ("PUT", "policy", {"applies": "SOMETIMES"}, 422),
        ("PUT", "policy", {"applies": "NOTHING", "four_eyes": "yes"}, 422),
        ("POST", "runs", {"item": "NUT", "location": "DC"}, 422),
        ("POST", "runs", {"item": "BOLT", "location": "DC"}, 404),
        ("GET", "runs/run_0", None, 404),
        ("GET", "runs?state=OPEN", None, 422),
        ("GET", "runs?limit=0", None, 422),
        ("GET", "lines?item=BOLT&location=XX", None, 422),
    ],
)
async def test_what_cannot_be_is_refused(  # noqa: PLR0917  # one row of the table
    call: Caller, house: House, method: str, path: str, body: Any, status: int
) -> None:
    await stock(call, house, "BOLT")
    answer = await call(method, f"/v1/allocation/{path}", body)

    assert (answer.status, answer.headers["content-type"]) == (
        status, "application/problem+json"
    ), answer.body  # fmt: skip


async def test_a_promise_is_held_to_its_channel_and_the_refusal_names_what_refused_it(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=10 * MICROS)
    now = house.clock.now()
    period = {
        "starts_at": (now - timedelta(days=1)).isoformat(),
        "ends_at": (now + timedelta(days=1)).isoformat(),
    }
    place = {"item": "BOLT", "location": "DC"}
    for said in ({"channel": "key", "minimum": "6"}, {"channel": "web", "maximum": "3"}):
        kept = await call("PUT", "/v1/allocation/protections", place | said | period)
        assert kept.status == 200, kept.body
    asked = {"lines": [place | {"quantity": EA(5 * MICROS)}]}

    for channel, code in (("web", "channel_maximum"), ("branch", "channel_minimum")):
        request = asked | {"request_id": f"cart of {channel}", "channel": channel}
        denied = await call("POST", "/v1/reservations", request)
        again = await call("POST", "/v1/reservations", request)
        for answer in (denied, again):
            assert (answer.status, answer.json["code"]) == (409, code), answer.body
        told = await call("GET", denied.json["hint"].split()[1])
        [line] = told.json["lines"]
        assert (line["channel"], line["kept_for_channels"]) == (channel, EA(6 * MICROS))
        assert line["allowance"] == (EA(3 * MICROS) if channel == "web" else None)

    made = await call(
        "POST", "/v1/reservations", asked | {"request_id": "cart of key", "channel": "key"}
    )
    assert made.status == 201, made.body
