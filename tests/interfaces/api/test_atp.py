"""Answers by date over HTTP: many at once, each with its derivation, and the rules they go by."""

from typing import Any

from tests.interfaces.api.conftest import Caller, House, event, stock

EVERY_DAY = {"weekdays": "1234567", "daily_buckets": 5, "weekly_buckets": 0}
KEY = {"item": "BOLT", "location": "DC"}


def amount(value: str) -> dict[str, str]:
    return {"value": value, "unit": "EA"}


def coming(identity: str, **more: Any) -> dict[str, Any]:
    payload = {
        "supply_id": identity,
        "kind": "ASN_LINE",
        "item": "BOLT",
        "location": "DC",
        "open_quantity": amount("50"),
        "evidence": "ARRIVED",
    }
    return event("supply.commitment_changed.v1", identity, payload | more, version=1)


async def test_an_answer_says_when_and_what_it_was_made_from(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    await call("PUT", "/v1/atp/rules", EVERY_DAY)
    said = [coming("po:1", eta="2026-05-01"), coming("po:2", evidence="SENT")]
    told = await call("POST", "/v1/events", {"source": "erp", "events": said})
    assert told.json["counts"] == {"NEW": 2}
    await house.catch_up()

    asked = {"keys": [KEY | {"quantity": {"value": "60"}}]}
    [answer] = (await call("POST", "/v1/atp", asked)).json["answers"]

    assert (answer["now"], answer["basis"]) == (amount("60"), "SUPPLY")
    assert answer["promised_on"] == answer["today"]
    assert answer["schedule"] == [{"on": answer["today"], "quantity": amount("60")}]
    derivation = answer["derivation"]
    assert derivation["nettable"] == amount("10")
    assert [(one["supply_id"], one["confidence"]) for one in derivation["supplies"]] == [
        ("po:1", "A"),
        ("po:2", "D"),
    ]
    assert derivation["supplies"][1]["reason"] == "it is sent and not acknowledged"
    assert derivation["supplies"][1]["on"] is None
    [bucket] = derivation["buckets"]
    assert (bucket["supply"], bucket["promisable"]) == (amount("50"), amount("60"))


async def test_many_are_answered_in_their_order_without_derivations(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    asked = {"keys": [KEY, KEY | {"quantity": {"value": "11"}}] * 50, "derivation": False}
    answers = (await call("POST", "/v1/atp", asked)).json["answers"]

    assert len(answers) == 100
    assert {answer["derivation"] is None for answer in answers} == {True}
    assert answers[0]["quantity"] is None
    assert (answers[1]["basis"], answers[1]["left_over"]) == ("NONE", amount("1"))


async def test_what_cannot_be_asked_is_refused_with_its_place(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    for key, where in (
        ({"item": "NOBODY", "location": "DC"}, "/keys/0/item"),
        (KEY | {"quantity": {"value": "0"}}, "/keys/0/quantity/value"),
        (KEY | {"quantity": {"value": "1", "unit": "CS"}}, "/keys/0/quantity/unit"),
        (KEY | {"by": "tomorrow"}, "/keys/0/by"),
    ):
        answer = await call("POST", "/v1/atp", {"keys": [key]})
        assert answer.status == 422, key
        assert where in str(answer.json), answer.json
    assert (await call("POST", "/v1/atp", {"keys": []})).status == 422


async def test_a_rule_is_said_listed_and_taken_back(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    rule = {"item": "bolt", "location": "*", "pack": "12", "pack_up": False}
    put = await call("PUT", "/v1/atp/rules", rule)
    assert (put.status, put.json["item"], put.json["rule"]["pack"]) == (200, "BOLT", "12")

    asked = {"keys": [KEY | {"quantity": {"value": "30"}}]}
    [answer] = (await call("POST", "/v1/atp", asked)).json["answers"]
    assert answer["quantity"] == amount("24")
    listed = (await call("GET", "/v1/atp/rules")).json["rules"]
    assert [one["item"] for one in listed] == ["BOLT"]
    assert (await call("GET", "/v1/atp/rules?after_item=BOLT&after_location=*")).json == {
        "rules": []
    }

    drop = "/v1/atp/rules?item=BOLT&location=*"
    assert (await call("DELETE", drop)).status == 204
    assert (await call("DELETE", drop)).status == 404


async def test_a_rule_that_nobody_could_keep_is_refused_with_its_place(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    for rule, where in (
        ({"item": "NOBODY"}, "/item"),
        ({"location": "NOWHERE"}, "/location"),
        ({"daily_buckets": 0}, "/daily_buckets"),
        ({"weekdays": "18"}, "/weekdays"),
        ({"weekdays": ""}, "/weekdays"),
        ({"cutoff": "25:00"}, "/cutoff"),
        (
            {"classes": [{"confidence": "D", "percent": 50, "buffer_days": 0}]},
            "/classes/0/confidence",
        ),
    ):
        answer = await call("PUT", "/v1/atp/rules", rule)
        assert answer.status == 422, rule
        assert where in str(answer.json), answer.json
