"""What is agreed with sales channels is said and shown over HTTP."""

from typing import Any

import pytest

from tests.interfaces.api.conftest import Caller, House, event, stock
from tests.interfaces.api.test_access import connect_bell

TERMS: dict[str, Any] = {
    "source_locations": ["DC"],
    "wakes_on": ["DC"],
    "share_mode": "PERCENT",
    "share_percent": "37.5",
    "share_fixed": "1",
    "share_min": "3",
    "share_max": "30",
    "period": "WEEK",
    "buffer": "2",
    "oversell_percent": "0.5",
    "unit_margin": "2.75",
    "currency": "EUR",
    "cap": "100",
    "low_threshold": "5",
    "levels": ["1", "10.5"],
    "coalesce_seconds": 10,
    "jump_percent": 20,
    "unexplained_seconds": 40,
    "corrections_max": 3,
    "retry_seconds": 90,
    "when_stale": "LOWER",
    "stale_buffer": "4",
    "is_active": False,
    "channel": "shopify",
    "items": [
        {
            "item": "BOLT",
            "is_excluded": True,
            "buffer": "1",
            "cap": None,
            "low_threshold": "3",
            "levels": ["2", "8.5"],
            "share_fixed": None,
            "share_min": "4",
            "share_max": None,
            "oversell_percent": "2",
            "unit_margin": "1",
            "pack": "6",
            "numerator": 12,
            "denominator": 1,
        }
    ],
}


async def test_terms_are_agreed_shown_and_replaced(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT")
    await connect_bell(house)

    made = await call("PUT", "/v1/channels/bell/DC", TERMS)

    agreed = {"connection": "bell", "location": "DC", **TERMS}
    assert (made.status, made.json) == (200, agreed)
    assert (await call("GET", "/v1/channels")).json == {"channels": [agreed]}

    plain = await call("PUT", "/v1/channels/bell/dc", {"source_locations": ["dc"]})
    assert (plain.status, plain.json["buffer"], plain.json["items"]) == (200, "0", [])
    [listed] = (await call("GET", "/v1/channels")).json["channels"]
    assert listed == plain.json
    assert listed["wakes_on"] == ["DC"]


async def test_a_share_that_would_be_kept_otherwise_than_it_was_said_is_refused(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT")
    await connect_bell(house)

    said = {"source_locations": ["DC"], "share_percent": "33.33333"}
    answer = await call("PUT", "/v1/channels/bell/DC", said)

    assert answer.status == 422, answer.body
    assert b"four decimals" in answer.body


async def test_a_location_whose_name_is_an_address_has_terms_too(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT")
    await connect_bell(house)
    name = "gid:%2F%2Fshop%2FLocation%2F1"
    location = {"code": "gid://shop/Location/1", "name": "web"}
    said = {
        "type": "catalog.location_changed.v1",
        "identity": "l1",
        "occurred_at": "2026-05-04T12:00:00Z",
        "payload": location,
    }
    await call("POST", "/v1/events", {"source": "shop", "events": [said]})
    await house.catch_up()

    made = await call("PUT", f"/v1/channels/bell/{name}", {"source_locations": ["DC"]})

    assert made.status == 200, made.body
    assert made.json["location"] == "GID://SHOP/LOCATION/1"


async def test_a_channel_of_nobody_or_nowhere_is_not_found(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT")
    await connect_bell(house)

    for path, code in (("gong/DC", "not_found"), ("bell/DC9", "MD-LOC")):
        answer = await call("PUT", f"/v1/channels/{path}", TERMS)
        assert (answer.status, answer.json["code"]) == (404, code), answer.body


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"source_locations": ["DC", "DC9"]}, "MD-LOC", "/source_locations/1"),
        ({"wakes_on": ["DC9"]}, "MD-LOC", "/wakes_on/0"),
        ({"items": [{"item": "BOLT"}, {"item": "NUT"}]}, "MD-ITEM-XREF", "/items/1/item"),
        ({"items": [{"item": "BOLT"}, {"item": "bolt"}]}, "invalid", "/items/1/item"),
        ({"items": [{"item": "BOLT", "pack": "0"}]}, "invalid", "/items/0/pack"),
        ({"items": [{"item": "BOLT", "numerator": 0}]}, "invalid", "/items/0/numerator"),
        ({"source_locations": []}, "invalid", "/source_locations"),
        ({"buffer": 2}, "invalid", "/buffer"),
        ({"buffer": "-2"}, "invalid", "/buffer"),
        ({"levels": ["1", "x"]}, "invalid", "/levels/1"),
        ({"share_mode": "ALL"}, "invalid", "/share_mode"),
        ({"share_percent": "100.5"}, "invalid", "/share_percent"),
        ({"jump_percent": 0}, "invalid", "/jump_percent"),
        ({"coalesce_seconds": 3601}, "invalid", "/coalesce_seconds"),
        ({"corrections_max": 101}, "invalid", "/corrections_max"),
        ({"tenant": "other"}, "invalid", "/tenant"),
    ],
)
async def test_terms_that_cannot_be_kept_are_refused_with_their_place(
    call: Caller, house: House, change: dict[str, Any], code: str, where: str
) -> None:
    await stock(call, house, "BOLT")
    await connect_bell(house)

    answer = await call("PUT", "/v1/channels/bell/DC", TERMS | change)

    assert (answer.status, answer.json["code"]) == (422, code), answer.body
    assert answer.json["where"] == where
    assert (await call("GET", "/v1/channels")).json == {"channels": []}


async def test_a_channels_budget_is_shown_with_what_it_was_measured_by(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", "NUT")
    await connect_bell(house)
    terms = {
        "source_locations": ["DC"],
        "oversell_percent": "1",
        "unit_margin": "2",
        "currency": "EUR",
        "items": [{"item": "NUT", "unit_margin": "0.333"}],
    }
    assert (await call("PUT", "/v1/channels/bell/DC", terms)).status == 200
    lines = [
        {"demand_ref": f"1/{item}", "item": item, "location": "DC",
         "ordered": {"value": "36", "unit": "EA"}, "cancelled": {"value": "0", "unit": "EA"}}
        for item in ("BOLT", "NUT")
    ]  # fmt: skip
    order = {"order_id": "1", "lines": lines, "channel": "bell"}
    said = event("orders.order_changed.v1", "order:1", order, version=1)
    said["occurred_at"] = house.clock.now().isoformat()
    await call("POST", "/v1/events", {"source": "desk", "events": [said]})
    await house.catch_up()

    whole = (await call("GET", "/v1/channels/bell/DC/budget")).json
    page = (await call("GET", "/v1/channels/bell/dc/budget?after=BOLT&limit=1")).json
    some = (await call("GET", "/v1/channels/bell/dc/budget?item=nut&item=hose")).json

    assert (whole["connection"], whole["location"], whole["currency"]) == ("bell", "DC", "EUR")
    assert (whole["publish_seconds"], whole["publish_samples"]) == ("61", 0)
    [bolt, nut] = whole["items"]
    assert (bolt["item"], nut["item"]) == ("BOLT", "NUT")
    # One order took all 36, so they come in lumps of 36, and one of them is held back.
    assert (bolt["lump"], bolt["buffer"], bolt["batch_buffer"]) == ("36", "36", "216")
    assert (bolt["held_money"], nut["held_money"]) == ("72.00", "11.99")
    assert page["items"] == [nut]
    assert [one["item"] for one in some["items"]] == ["HOSE", "NUT"]
    assert some["items"][0]["buffer"] == "0"
    gone = await call("GET", "/v1/channels/bell/DC9/budget")
    assert (gone.status, gone.json["code"]) == (404, "not_found")


async def test_percentages_of_one_place_add_up_to_no_more_than_all_of_it_i3(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT")
    await connect_bell(house)
    said = {"source_locations": ["DC"], "share_mode": "PERCENT", "share_percent": "60"}
    await call("PUT", "/v1/channels/bell/DC", said)
    await call("PUT", "/v1/locations/WEB", {})
    await house.catch_up()

    refused = await call("PUT", "/v1/channels/bell/WEB", said | {"share_percent": "40.5"})
    agreed = await call("PUT", "/v1/channels/bell/WEB", said | {"share_percent": "40"})

    assert (refused.status, refused.json["where"]) == (422, "/share_percent")
    assert "60 % of bell/DC" in refused.json["detail"]
    assert "100.5 %" in refused.json["detail"]
    assert agreed.status == 200, agreed.body


async def test_a_channel_is_ended_and_agreed_on_again(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT")
    await connect_bell(house)
    terms = {"source_locations": ["DC"], "buffer": "2"}
    await call("PUT", "/v1/channels/bell/DC", terms)

    ended = await call("DELETE", "/v1/channels/bell/dc")
    nobody = await call("DELETE", "/v1/channels/bell/DC9")
    agreed = await call("PUT", "/v1/channels/bell/DC", terms)

    assert (ended.status, ended.json["is_active"], ended.json["buffer"]) == (200, False, "2")
    assert (nobody.status, agreed.json["is_active"]) == (404, True)


async def test_an_item_that_nobody_knows_is_not_published(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT")
    await connect_bell(house)
    await call("PUT", "/v1/channels/bell/DC", {"source_locations": ["DC"]})

    answer = await call("POST", "/v1/channels/bell/DC/publish", {"items": ["NOPE"]})

    assert (answer.status, answer.json["code"]) == (422, "MD-ITEM-XREF")


async def test_a_channel_is_shown_published_and_drawn(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT")
    await connect_bell(house)
    await call("PUT", "/v1/channels/bell/DC", {"source_locations": ["DC"]})

    asked = await call("POST", "/v1/channels/bell/DC/publish", {"items": ["bolt", "bolt"]})
    every = await call("POST", "/v1/channels/bell/dc/publish", {})
    shown = await call("GET", "/v1/channels/bell/DC")
    drawn = await call("GET", "/v1/channels/bell/DC/budget/chart?item=BOLT")
    why = await call("GET", "/v1/channels/bell/dc/chart?item=bolt")

    assert (asked.status, asked.json, every.json) == (202, {"listings": 1}, {"listings": 1})
    assert (shown.json["share_mode"], shown.json["others"]) == ("POOL", {})
    [bolt] = shown.json["items"]
    assert (bolt["item"], bolt["pool"], bolt["shown"], bolt["together"]) == (
        "BOLT", None, None, "0"
    )  # fmt: skip
    assert bolt["untold"] == ["DC"]
    assert shown.json["feeds"] == {"sources": [], "silent": []}
    assert (shown.json["when_stale"], shown.json["stale_buffer"]) == ("LOWER", None)
    assert why.headers["content-type"].startswith("image/svg+xml")
    assert b"nobody ever told what there is at DC" in why.body
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert b"BOLT: units held back" in drawn.body
    for path in ("/v1/channels/bell/DC9", "/v1/channels/bell/DC9/chart?item=B"):
        assert (await call("GET", path)).status == 404
    assert (await call("POST", "/v1/channels/bell/DC9/publish", {})).status == 404
