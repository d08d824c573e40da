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
    assert [one["source"] for one in answer["sources"]] == ["wms"]
    assert answer["is_stale"] is any(one["is_stale"] for one in answer["sources"])
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


async def told_of_goods(call: Caller, house: House) -> None:
    """Let an ERP tell of two supplies, and a warehouse of one of them later, a kit and goods."""
    await stock(call, house, "BOLT", "NUT", micros=10_000_000)
    parts = [{"item": "NUT", "quantity": amount("2")}]
    said = [
        coming("po:1/1", eta="2026-05-01", document_ref="PO 1"),
        coming("po:2/1", evidence="SENT", pegs=[{"demand_ref": "o/1", "quantity": amount("3")}]),
        event(
            "catalog.kit_changed.v1",
            "k",
            {"item": "BOLT", "quantity": amount("1"), "components": parts},
        ),
        event(
            "catalog.lot_changed.v1", "l", {"item": "BOLT", "lot": "L", "expires_on": "2026-06-01"}
        ),
        event("catalog.lot_changed.v1", "m", {"item": "BOLT", "lot": "M"}),
        event("catalog.lot_changed.v1", "n", {"item": "NUT", "lot": "A"}),
        event(
            "catalog.catch_weight_changed.v1",
            "w",
            {"item": "NUT", "nominal": {"value": "2.5", "unit": "KGM"}, "low_percent": 10},
        ),
    ]
    told = await call("POST", "/v1/events", {"source": "erp", "events": said})
    assert told.json["counts"] == {"NEW": len(said)}
    gone = coming("po:1/1", open_quantity=amount("0")) | {"identity": "in"}
    gone["occurred_at"] = "2099-01-01T00:00:00Z"
    await call("POST", "/v1/events", {"source": "wms", "events": [gone]})
    await house.catch_up()


async def test_what_is_to_come_is_listed_as_the_last_to_speak_says(
    call: Caller, house: House
) -> None:
    await told_of_goods(call, house)

    [supply] = (await call("GET", "/v1/supply?item=bolt&location=dc")).json["supply"]
    assert (supply["supply_id"], supply["open"], supply["evidence"]) == (
        "po:2/1",
        amount("50"),
        "SENT",
    )
    assert supply["pegs"] == [{"demand_ref": "o/1", "quantity": amount("3")}]
    assert (supply["eta"], supply["confidence"], supply["source"]) == (None, None, "erp")
    both = (await call("GET", "/v1/supply?with_closed=true")).json["supply"]
    assert [(one["supply_id"], one["open"]["value"], one["source"]) for one in both] == [
        ("po:1/1", "0", "wms"),
        ("po:2/1", "50", "erp"),
    ]
    first = (await call("GET", "/v1/supply?with_closed=true&limit=1")).json["supply"]
    second = (await call("GET", "/v1/supply?with_closed=true&after=po:1/1")).json["supply"]
    assert first + second == both
    for nothing in ("item=NUT", "location=EAST", "item=NOBODY", "after=po:2/1"):
        assert (await call("GET", f"/v1/supply?{nothing}")).json == {"supply": []}


async def test_a_suppliers_fill_is_shown_with_the_lines_it_is_of(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=1)
    none = await call("GET", "/v1/supply/fills/ACME")
    assert none.json == {"supplier": "ACME", "percent": None, "is_enough": False, "lines": []}
    ended = coming("po:1/1", open_quantity=amount("0"), kind="PO_SCHEDULE")
    ended["occurred_at"] = "2099-01-01T00:00:00Z"
    ended["payload"] |= {
        "supplier": "Acme",
        "acknowledged": amount("60"),
        "received": amount("45.5"),
    }
    told = await call("POST", "/v1/events", {"source": "erp", "events": [ended]})
    assert told.json["counts"] == {"NEW": 1}
    await house.catch_up()

    shown = (await call("GET", "/v1/supply/fills/acme")).json
    assert (shown["supplier"], shown["percent"], shown["is_enough"]) == ("ACME", 75, False)
    [line] = shown["lines"]
    assert (line["supply_id"], line["acknowledged"], line["received"], line["percent"]) == (
        "po:1/1",
        "60",
        "45.5",
        75,
    )
    [supply] = (await call("GET", "/v1/supply?with_closed=true")).json["supply"]
    assert supply["supplier"] == "ACME"


async def test_kits_lots_and_weights_are_listed_page_by_page(call: Caller, house: House) -> None:
    await told_of_goods(call, house)

    [kit] = (await call("GET", "/v1/kits?item=bolt")).json["kits"]
    assert (kit["item"], kit["source"]) == ("BOLT", "erp")
    assert kit["components"] == [{"item": "NUT", "quantity": amount("2")}]
    assert (await call("GET", "/v1/kits?after=bolt")).json == {"kits": []}
    lots = (await call("GET", "/v1/lots")).json["lots"]
    assert [(one["item"], one["lot"], one["expires_on"]) for one in lots] == [
        ("BOLT", "L", "2026-06-01"),
        ("BOLT", "M", None),
        ("NUT", "A", None),
    ]
    assert (await call("GET", "/v1/lots?after=bolt&after_lot=L")).json["lots"] == lots[1:]
    assert (await call("GET", "/v1/lots?item=NUT&limit=1")).json["lots"] == lots[2:]
    [weight] = (await call("GET", "/v1/catch-weights")).json["catch_weights"]
    assert (weight["item"], weight["nominal"]) == ("NUT", {"value": "2.5", "unit": "KGM"})
    assert (weight["low_percent"], weight["high_percent"]) == (10, 0)
    assert (await call("GET", "/v1/catch-weights?item=BOLT")).json == {"catch_weights": []}


async def test_what_is_a_kit_or_weighed_no_longer_is_not_listed(
    call: Caller, house: House
) -> None:
    await told_of_goods(call, house)
    ended = [
        event(
            "catalog.kit_changed.v1",
            "k2",
            {"item": "BOLT", "quantity": amount("1"), "components": []},
        ),
        event("catalog.catch_weight_changed.v1", "w2", {"item": "NUT"}),
    ]
    for one in ended:
        one["occurred_at"] = "2099-01-01T00:00:00Z"
    await call("POST", "/v1/events", {"source": "wms", "events": ended})
    await house.catch_up()

    assert (await call("GET", "/v1/kits")).json == {"kits": []}
    assert (await call("GET", "/v1/catch-weights")).json == {"catch_weights": []}


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


async def test_ten_thousand_questions_in_full_are_answered_in_one_call(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    key = KEY | {"quantity": amount("7"), "customer": "C" * 40, "by": "2026-05-09"}

    answer = await call("POST", "/v1/atp", {"keys": [key] * 10_000, "derivation": False})

    assert answer.status == 200
    assert len(answer.json["answers"]) == 10_000


async def test_what_cannot_be_asked_is_refused_with_its_place(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    for key, where in (
        ({"item": "NOBODY", "location": "DC"}, "/keys/0/item"),
        (KEY | {"quantity": {"value": "0"}}, "/keys/0/quantity/value"),
        (KEY | {"quantity": {"value": "1", "unit": "CS"}}, "/keys/0/quantity/unit"),
        (KEY | {"by": "tomorrow"}, "/keys/0/by"),
        (KEY | {"by": 1782777600}, "/keys/0/by"),
        (KEY | {"quantity": {"value": 1}}, "/keys/0/quantity/value"),
        (KEY | {"life_days": "30"}, "/keys/0/life_days"),
        (KEY | {"transit_days": -1}, "/keys/0/transit_days"),
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
        ({"pack": 12}, "/pack"),
        ({"pack": "0.0000001"}, "/pack"),
        ({"holidays": [20261225]}, "/holidays/0"),
        ({"lives": [{"days": 1}, {"days": 2}]}, "/lives/1"),
        ({"owners": [{"owner": "A"}, {"owner": "A"}]}, "/owners/1/owner"),
        (
            {"classes": [{"confidence": "D", "percent": 50, "buffer_days": 0}]},
            "/classes/0/confidence",
        ),
    ):
        answer = await call("PUT", "/v1/atp/rules", rule)
        assert answer.status == 422, rule
        assert where in str(answer.json), answer.json


async def test_lots_owners_and_weights_are_told_in_the_answer(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    lines = [
        {"item": "BOLT", "quantity": amount("6"), "lot": "L1"},
        {"item": "BOLT", "quantity": amount("4"), "lot": "L2"},
        {"item": "BOLT", "quantity": amount("0")},
        {"item": "BOLT", "quantity": amount("5"), "owner": "ACME"},
    ]
    count = {"snapshot_id": "s9", "location": "DC", "lines": lines}
    weight = {"value": "2.5", "unit": "KG"}
    said = [
        event("inventory.snapshot_taken.v1", "s9", count),
        event(
            "catalog.lot_changed.v1",
            "l1",
            {"item": "BOLT", "lot": "L1", "expires_on": "2020-01-01"},
        ),
        event(
            "catalog.lot_changed.v1",
            "l2",
            {"item": "BOLT", "lot": "L2", "expires_on": "2999-01-01"},
        ),
        event(
            "catalog.catch_weight_changed.v1",
            "w",
            {"item": "BOLT", "nominal": weight, "low_percent": 10, "high_percent": 20},
        ),
    ]
    told = await call("POST", "/v1/events", {"source": "wms", "events": said})
    assert told.json["counts"] == {"NEW": 4}
    await house.catch_up()

    life = {"life_days": 30, "transit_days": 3, "quantity": {"value": "3"}}
    [answer] = (await call("POST", "/v1/atp", {"keys": [KEY | life]})).json["answers"]
    assert answer["picks"] == [
        {"on": answer["promised_on"], "lot": "L2", "owner": "", "quantity": amount("3")}
    ]
    assert (answer["life_days"], answer["transit_days"]) == (30, 3)
    lots = {one["lot"]: one for one in answer["derivation"]["lots"] if one["lot"]}
    assert (lots["L1"]["is_eligible"], lots["L2"]["is_eligible"]) == (False, True)
    assert lots["L1"]["reason"].startswith("it expires on 2020-01-01")
    assert answer["weight"]["quantity"] == {
        "pieces": amount("3"),
        "estimated": {"value": "7.5", "unit": "KGM"},
        "at_least": {"value": "6.75", "unit": "KGM"},
        "at_most": {"value": "9", "unit": "KGM"},
    }
    assert answer["weight"]["by_then"] is None


async def test_a_substitution_is_put_listed_and_offered(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", "NUT", micros=10_000_000)
    rule = {
        "item": "bolt",
        "alternatives": [{"item": "nut", "numerator": 2, "kind": "SUPERSESSION"}],
        "keeps_rest": "LEADING",
    }
    put = await call("PUT", "/v1/atp/substitutions", rule)
    assert (put.status, put.json["item"], put.json["version"]) == (200, "BOLT", 1)
    assert put.json["put_by"].startswith("key ")
    listed = (await call("GET", "/v1/atp/substitutions?item=bolt")).json["substitutions"]
    assert listed == [put.json]
    after = (await call("GET", "/v1/atp/substitutions?after=BOLT/1")).json
    assert after == {"substitutions": []}

    asked = {"keys": [KEY | {"quantity": {"value": "13"}}]}
    [answer] = (await call("POST", "/v1/atp", asked)).json["answers"]
    [offer] = answer["alternatives"]
    assert (offer["item"], offer["ruled"], offer["version"]) == ("NUT", "BOLT", 1)
    assert (offer["on_time"], offer["covers"]) == (amount("6"), amount("3"))
    assert (offer["numerator"], offer["answer"]["item"]) == (2, "NUT")
    shares = [(one["item"], one["quantity"]["value"]) for one in answer["proposal"]]
    assert shares == [("BOLT", "10"), ("NUT", "6")]


async def test_a_substitution_that_makes_no_sense_is_refused_with_its_place(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", "NUT", micros=10_000_000)
    ends = {"item": "BOLT", "kind": "SUPERSESSION"}
    await call(
        "PUT",
        "/v1/atp/substitutions",
        {"item": "BOLT", "alternatives": [ends | {"item": "NUT"}]},
    )
    for rule, where in (
        ({"item": "NOBODY", "alternatives": []}, "/item"),
        ({"item": "NUT", "alternatives": [{"item": "NOBODY"}]}, "/alternatives/0/item"),
        ({"item": "NUT", "alternatives": [{"item": "NUT"}]}, "/alternatives/0/item"),
        ({"item": "NUT", "alternatives": [ends]}, "NUT > BOLT > NUT"),
        (
            {"item": "NUT", "alternatives": [{"item": "BOLT", "numerator": 0}]},
            "/alternatives/0/numerator",
        ),
        (
            {"item": "NUT", "alternatives": [{"item": "BOLT", "valid_from": 7}]},
            "/alternatives/0/valid_from",
        ),
    ):
        answer = await call("PUT", "/v1/atp/substitutions", rule)
        assert answer.status == 422, rule
        assert where in str(answer.json), answer.json
    assert (await call("GET", "/v1/atp/substitutions?after=x")).status == 422


async def test_a_calendar_is_put_and_told_over_http(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=1)
    put = await call("PUT", "/v1/atp/calendars/dc", {"cutoff": "15:30"})
    said = {"holidays": ["2026-12-25"], "hours": "08:00-24:00"}
    more = await call("PUT", "/v1/atp/calendars/DC", said)

    assert (put.status, more.status) == (200, 200), more.body
    assert (await call("GET", "/v1/atp/calendars/DC")).json == more.json
    assert more.json["cutoff"] == "15:30"
    assert more.json["holidays"] == ["2026-12-25"]
    assert more.json["hours"] == "08:00-00:00"
    wrong = await call("PUT", "/v1/atp/calendars/DC", {"weekdays": "8"})
    assert wrong.status == 422
    assert "/weekdays" in str(wrong.json)
