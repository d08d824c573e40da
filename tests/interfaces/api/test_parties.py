"""Customers and suppliers are said, listed, shown and linked over HTTP."""

import pytest

from tests.interfaces.api.conftest import Caller, House


async def test_a_party_is_said_and_shown(call: Caller, house: House) -> None:
    said = {"legal_name": "METRO AG", "roles": ["CUSTOMER"], "tax_ids": ["DE1"]}
    answer = await call("PUT", "/v1/parties/metro", said)
    assert (answer.status, answer.json["verdict"]) == (202, "NEW")
    await house.catch_up()

    shown = await call("GET", "/v1/parties/Metro")

    assert (shown.status, shown.json["party"], shown.json["code"]) == (200, "METRO", "metro")
    assert {name: shown.json[name] for name in said} == said
    assert (shown.json["source"], shown.json["status"]) == ("crossdock", "ACTIVE")


async def test_parties_are_paged_by_their_ids(call: Caller, house: House) -> None:
    for code in ("C3", "C1", "C2"):
        await call("PUT", f"/v1/parties/{code}", {})
    await house.catch_up()

    first = (await call("GET", "/v1/parties?limit=2")).json["parties"]
    rest = (await call("GET", "/v1/parties?after=C2")).json["parties"]

    assert [one["party"] for one in (*first, *rest)] == ["C1", "C2", "C3"]
    assert (await call("GET", "/v1/parties?limit=0")).status == 422


async def test_a_party_nobody_knows_is_not_found_and_not_linked(call: Caller) -> None:
    shown = await call("GET", "/v1/parties/METRO")
    assert (shown.status, shown.json["code"]) == (404, "MD-PARTY")
    link = {"system": "crossdock", "native_id": "17"}
    assert (await call("POST", "/v1/parties/METRO/links", link)).status == 404


async def test_a_link_to_a_system_that_never_was_is_refused(call: Caller, house: House) -> None:
    await call("PUT", "/v1/parties/METRO", {})
    await house.catch_up()

    link = {"system": "nope", "native_id": "17"}
    answer = await call("POST", "/v1/parties/METRO/links", link)

    assert (answer.status, "no connection is called 'nope'" in answer.json["detail"]) == (
        404,
        True,
    )
    new = await call("POST", "/v1/parties/METRO/links", link | {"is_new_system": True})
    assert new.status == 204, new.body


@pytest.mark.parametrize(
    ("code", "members"),
    [
        ("EAST", ["NOPE"]),
        ("EAST", ["DC", "east"]),
        ("EAST", ["ALL"]),
        ("DC", ["DC2"]),
    ],
    ids=["unknown", "itself", "a group", "a member already"],
)
async def test_a_group_holds_locations_alone(call: Caller, code: str, members: list[str]) -> None:
    for place in ("DC", "DC2"):
        await call("PUT", f"/v1/locations/{place}", {})
    made = await call("PUT", "/v1/locations/ALL", {"kind": "GROUP", "members": ["DC"]})

    said = {"kind": "GROUP", "members": members}
    answer = await call("PUT", f"/v1/locations/{code}", said)

    assert made.status == 202
    assert (answer.status, answer.json["where"]) == (422, "members")


async def test_a_gln_that_does_not_prove_itself_is_refused(call: Caller, house: House) -> None:
    answer = await call("PUT", "/v1/parties/METRO", {"gln": "4006381333932"})
    await house.catch_up()

    assert (answer.json["verdict"], answer.json["code"]) == ("QUARANTINED", "MD-GTIN")
    assert (await call("GET", "/v1/parties")).json == {"parties": []}


async def test_a_party_is_found_by_what_is_linked_to_it(call: Caller, house: House) -> None:
    await call("PUT", "/v1/parties/METRO", {})
    await house.catch_up()
    link = {"system": "crossdock", "native_id": "17"}
    assert (await call("POST", "/v1/parties/METRO/links", link)).status == 204

    await call("PUT", "/v1/parties/METRO-7", {"parent": "17"})
    await house.catch_up()

    assert (await call("GET", "/v1/parties/METRO-7")).json["parent"] == "METRO"


async def test_a_party_is_reached_by_the_name_that_orders_give_it(
    call: Caller, house: House
) -> None:
    path = "/v1/parties/gid:%2F%2Fshopify%2FCompany%2F9"
    assert (await call("PUT", path, {"legal_name": "Nine"})).status == 202
    await house.catch_up()

    shown = await call("GET", path)
    assert (shown.status, shown.json["party"]) == (200, "GID://SHOPIFY/COMPANY/9")

    said = {"system": "crm", "native_id": "9", "is_new_system": True}
    assert (await call("POST", f"{path}/links", said)).status == 204
