"""A key that is bound to channels reserves, promises and plans for them, and for no others."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from crossdock.canonical.errors import Forbidden
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import AllocationGroup, AllocationProtection
from crossdock.capabilities.catalog import KnownGoods
from crossdock.interfaces.api.hot import HotRequest, hot_routes
from tests.interfaces.api.conftest import Answer, Caller, House, event, main_scope, stock
from tests.interfaces.api.test_connections_of_callers import line_to, request
from tests.interfaces.api.test_stock import asking

PLACE = {"item": "BOLT", "location": "DC"}


async def bound(call: Caller, *channels: str, name: str = "shop", **more: Any) -> Caller:
    """Make a key that is bound to these channels, and a caller who has it."""
    said = {"name": name, "role": "owner", "channels": list(channels), **more}
    made = await call("POST", "/v1/keys", said)
    assert made.status == 201, made.body
    return Caller(call.port, made.json["key"])


@pytest.fixture
async def kept(call: Caller, house: House) -> Caller:
    """Put 20 bolts there, of which the channel `web` may have 5 at the most."""
    await stock(call, house, "BOLT", micros=20 * MICROS)
    now = house.clock.now()
    said = AllocationProtection(
        item="BOLT", location="DC", channel="web", maximum=5 * MICROS, minimum=0,
        starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1),
    )  # fmt: skip
    await house.allocation.rulebook.protect(main_scope(), said, by="planner")
    return call


async def reserve(call: Caller, name: str, quantity: int, channel: str = "") -> Answer:
    said = asking(name, quantity) | ({"channel": channel} if channel else {})
    return await call("POST", "/v1/reservations", said)


async def test_a_key_with_one_channel_speaks_for_it(kept: Caller) -> None:
    web = await bound(kept, "web")

    assert (await reserve(web, "r1", 5)).status == 201
    refused = await reserve(web, "r2", 1)
    assert (refused.status, refused.json["code"]) == (409, "channel_maximum")
    named = await reserve(web, "r1", 5, "web")
    assert (named.status, named.json["is_repeat"]) == (200, True)
    assert (await reserve(kept, "r3", 9)).status == 201


@pytest.mark.parametrize("channel", ["key", "WEB"])
async def test_a_key_may_not_reserve_for_a_channel_that_is_not_its_own(
    kept: Caller, channel: str
) -> None:
    web = await bound(kept, "web", "app")

    refused = await reserve(web, "r1", 1, channel)
    assert (refused.status, refused.json["code"]) == (403, "channel_scope")
    assert "app, web" in refused.json["hint"]
    unsaid = await reserve(web, "r1", 1)
    assert (unsaid.status, unsaid.json["code"]) == (403, "channel_scope")
    assert "none is named" in unsaid.json["detail"]
    assert (await reserve(web, "r1", 1, "app")).status == 201


async def test_a_key_that_is_bound_to_channels_names_no_customer(
    kept: Caller, house: House
) -> None:
    """Or it would have what is kept for his group."""
    group = AllocationGroup(name="key", customers=("METRO",))
    await house.allocation.groups.put(main_scope(), group, by="planner")
    web = await bound(kept, "web")

    said = asking("r1", 9) | {"customer": "METRO"}
    refused = await web("POST", "/v1/reservations", said)
    assert (refused.status, refused.json["code"]) == (403, "channel_scope")
    assert "METRO" in refused.json["detail"]
    assert (await kept("POST", "/v1/reservations", said | {"channel": "web"})).status == 201


async def test_what_the_shortcut_takes_is_bound_as_well(kept: Caller) -> None:
    web = await bound(kept, "web")
    assert (await reserve(web, "first", 1)).status == 201
    async with line_to(web) as line:
        line.send(b"".join(request(web, name) for name in ("a", "b", "c", "d", "e")))
        answers = [await line.answer() for _ in range(5)]

    assert [status for status, _, _ in answers] == [201, 201, 201, 201, 409]
    assert answers[-1][2]["code"] == "channel_maximum"


async def test_the_shortcut_leaves_to_the_gate_what_a_key_may_not(
    kept: Caller, house: House
) -> None:
    known = KnownGoods(house.catalog)
    reserving = hot_routes(house, known)[0]
    web = await bound(kept, "web")
    principal = await house.access.authenticate(f"Bearer {web.key}")
    body = b'{"request_id":"r","channel":"key","lines":[]}'
    wanted = body.replace(
        b"[]", b'[{"item":"BOLT","location":"DC","quantity":{"value":"1","unit":"EA"}}]'
    )
    assert reserving.soon is not None
    with pytest.raises(Forbidden):
        reserving.soon(HotRequest(principal, wanted, b""))

    refused = await web("POST", "/v1/reservations", wanted)
    assert (refused.status, refused.json["code"]) == (403, "channel_scope")


async def test_keys_of_all_kinds_are_decided_together_each_for_its_own(kept: Caller) -> None:
    web, other = await bound(kept, "web"), await bound(kept, "app", name="app")
    asked = [reserve((web, other, kept)[n % 3], f"r{n}", 1) for n in range(18)]
    answers = await asyncio.gather(*asked)

    got = [sum(one.status == 201 for one in answers[who::3]) for who in range(3)]
    assert got == [5, 6, 6]


async def ordered(call: Caller, house: House, *channels: str) -> None:
    """Tell an order of two bolts of each of these channels; its line is named after it."""
    none, two = {"value": "0", "unit": "EA"}, {"value": "2", "unit": "EA"}
    told = [
        event("orders.order_changed.v1", f"order:{one}", {
            "order_id": one, "channel": one,
            "lines": [{**PLACE, "demand_ref": f"{one}/1", "ordered": two, "cancelled": none}],
        })
        for one in channels
    ]  # fmt: skip
    answer = await call("POST", "/v1/events", {"source": "erp", "events": told})
    assert answer.json["counts"] == {"NEW": len(channels)}, answer.body
    await house.catch_up()


async def test_a_key_promises_to_orders_of_its_own_channels_alone(
    kept: Caller, house: House
) -> None:
    await ordered(kept, house, "web", "key")
    web = await bound(kept, "web")
    wanted = asking("r", 1)
    [line] = wanted["lines"]
    for name, ref, status in (
        ("r1", "key/1", 403), ("r2", "web/1", 201), ("r3", "new/1", 201), ("r4", "", 201),
    ):  # fmt: skip
        said = {"request_id": name, "lines": [line | {"demand_ref": ref}]}
        for _ in range(2):
            answer = await web("POST", "/v1/reservations", said)
            assert answer.status in {status, 200 if status == 201 else 403}, answer.body
    said = {"request_id": "r1", "lines": [line | {"demand_ref": "key/1"}]}
    assert (await kept("POST", "/v1/reservations", said)).status == 201
    dated = {"request_id": "p", "lines": [{**PLACE, "quantity": {"value": "1"},
                                           "demand_ref": "key/1"}]}  # fmt: skip
    planned = {"lines": [{"item": "BOLT", "quantity": {"value": "1"}, "demand_ref": "key/1"}]}
    for path, body in (("promises/by-date", dated), ("sourcing/plan", planned)):
        refused = await web("POST", f"/v1/{path}", body)
        assert (refused.status, refused.json["code"]) == (403, "channel_scope"), refused.body


def by_date(name: str, *channels: str) -> dict[str, Any]:
    lines = [
        {**PLACE, "quantity": {"value": "1"}, **({"channel": one} if one else {})}
        for one in channels
    ]
    return {"request_id": name, "lines": lines}


async def test_a_key_promises_by_date_for_its_own_channels_alone(kept: Caller) -> None:
    web = await bound(kept, "web")
    for name, channels, status in (
        ("p1", ("",), 200), ("p2", ("web",), 200), ("p3", ("web", "key"), 403),
    ):  # fmt: skip
        answer = await web("POST", "/v1/promises/by-date", by_date(name, *channels))
        assert answer.status == status, answer.body
    assert (await reserve(web, "r1", 3)).status == 201
    refused = await reserve(web, "r2", 1)
    assert (refused.status, refused.json["code"]) == (409, "channel_maximum")


async def test_a_key_replaces_no_promise_of_another_channel(kept: Caller) -> None:
    free, web = await bound(kept), await bound(kept, "web")
    path = "/v1/promises/by-date"
    for channel, status, code in (("key", 403, "channel_scope"), ("web", 200, None)):
        theirs = (await free("POST", path, by_date(f"for {channel}", channel))).json["promise_id"]

        said = by_date(f"instead of {channel}", "web") | {"replaces": theirs}
        answer = await web("POST", path, said)

        assert (answer.status, answer.json.get("code")) == (status, code), answer.body
        over = (await web("GET", f"{path}/{theirs}")).json["released_at"]
        assert (over is None) == (status == 403)


async def test_a_key_asks_again_what_the_free_key_of_its_name_asked(kept: Caller) -> None:
    node = await kept("PUT", "/v1/sourcing/nodes/DC", {})
    assert node.status == 200, node.body
    free, web = await bound(kept, name="web"), await bound(kept, "web", name="web")
    line = {"item": "BOLT", "quantity": {"value": "1"}}
    plan: dict[str, Any] = {"request_id": "o1", "lines": [line]}
    for path, said in (
        ("promises/by-date", by_date("p1", "")),
        ("sourcing/plan", plan),
        ("reservations", asking("r1", 1)),
    ):
        first = await free("POST", f"/v1/{path}", said)
        again = await web("POST", f"/v1/{path}", said)

        assert (first.status in {200, 201}, again.status) == (True, 200), again.body
        assert again.json | {"is_repeat": None} == first.json | {"is_repeat": None}


async def test_a_key_plans_for_its_own_channels_alone(kept: Caller) -> None:
    node = await kept("PUT", "/v1/sourcing/nodes/DC", {})
    assert node.status == 200, node.body
    web = await bound(kept, "web")
    wanted: dict[str, Any] = {"lines": [{"item": "BOLT", "quantity": {"value": "9"}}]}

    planned = await web("POST", "/v1/sourcing/plan", wanted)
    assert planned.status == 200, planned.body
    [part] = planned.json["decision"]["shipments"][0]["parts"]
    assert part["quantity"]["value"] == "5"
    for reserve_too in (False, True):
        said = wanted | {"channel": "key", "request_id": "o1", "reserve": reserve_too}
        refused = await web("POST", "/v1/sourcing/plan", said)
        assert (refused.status, refused.json["code"]) == (403, "channel_scope")


async def test_what_else_its_verbs_allow_a_bound_key_does_as_before(kept: Caller) -> None:
    web = await bound(kept, "web")
    theirs = (await reserve(kept, "theirs", 2)).json["reservation_id"]
    assert (await web("GET", f"/v1/reservations/{theirs}")).status == 200
    assert (await web("GET", "/v1/availability?item=BOLT&location=DC")).status == 200
    assert (await web("POST", f"/v1/reservations/{theirs}/release")).status == 200
    said = {"keys": [{**PLACE, "channel": "key"}]}
    assert (await web("POST", "/v1/atp", said)).status == 200
    heard = event("inventory.source_heard.v1", "h1", {"source": "wms"})
    told = await web("POST", "/v1/events", {"source": "wms", "events": [heard]})
    assert told.json["counts"] == {"NEW": 1}, told.body


async def test_a_key_shows_what_it_is_bound_to(kept: Caller) -> None:
    web = await bound(kept, "web", "app")

    assert (await web("GET", "/v1/keys/self")).json["channels"] == ["app", "web"]
    assert (await kept("GET", "/v1/keys/self")).json["channels"] == []
    listed = {key["name"]: key["channels"] for key in (await web("GET", "/v1/keys")).json["keys"]}
    assert (listed["shop"], listed["test"]) == (["app", "web"], [])


@pytest.mark.parametrize(
    ("channels", "status"), [(["web"], 201), (["web", "app"], 201), ([], 403), (["key"], 403)]
)
async def test_a_bound_key_hands_out_no_more_than_it_has(
    call: Caller, channels: list[str], status: int
) -> None:
    web = await bound(call, "web", "app")
    made = await web("POST", "/v1/keys", {"name": "n", "role": "channel", "channels": channels})

    assert made.status == status, made.body
    if status == 403:
        assert made.json["code"] == "channel_scope"


async def test_what_is_no_channel_is_refused_where_it_stands(call: Caller) -> None:
    made = await call("POST", "/v1/keys", {"name": "n", "role": "channel", "channels": [" web"]})

    assert (made.status, made.json["where"]) == (422, "/channels")
