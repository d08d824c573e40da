"""Stock is compared, and differences are looked after, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from tests.interfaces.api.conftest import Caller, House, stock

RUNS = "/v1/reconciliations"
FINDINGS = f"{RUNS}/findings"


def comparison(house: House, quantity: str, *, minutes_ago: int = 0, **more: Any) -> Any:
    as_of = house.clock.now() - timedelta(minutes=minutes_ago)
    line = {"item": "bolt", "location": "dc", "quantity": quantity, "unit_cost": "2.5"}
    return {"against": "erp", "lines": [line], "as_of": as_of.isoformat(), **more}


async def test_a_difference_from_the_first_comparison_to_its_root_cause(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    first = await call("POST", RUNS, comparison(house, "40", minutes_ago=40))
    assert (first.status, first.json["suspected"]) == (200, 1), first.body

    second = await call("POST", RUNS, comparison(house, "40"))

    assert (second.json["confirmed"], second.json["value_at_risk"]) == (1, "25")
    run_id = second.json["run_id"]
    newest, _ = (await call("GET", RUNS)).json["runs"]
    assert newest["run_id"] == run_id
    behind = await call("GET", f"{RUNS}?after={run_id}")
    assert [run["run_id"] for run in behind.json["runs"]] == [first.json["run_id"]]
    assert (await call("GET", f"{RUNS}/{run_id}")).json == second.json
    [found] = (await call("GET", f"{FINDINGS}?state=CONFIRMED&cause=UNKNOWN")).json["findings"]
    assert (found["ours"], found["theirs"], found["safe"]) == ("30", "40", "30")
    address = f"{FINDINGS}/{found['finding_id']}"
    assert (await call("GET", address)).json["evidence"]["buckets"] == [
        {"ours": "30", "theirs": "40"}
    ]
    await says_doubt(call, found["finding_id"])
    [count] = (await call("GET", f"{RUNS}/cycle-counts?location=DC")).json["cycle_counts"]
    assert (count["item"], count["reason"]) == ("BOLT", "DIFFERENCE")
    healing = await call("POST", f"{RUNS}/heal", {"against": "erp", "dry_run": True})
    assert healing.json == {
        "against": "erp", "findings": [], "sent": 0, "unlisted": 0, "stopped": "", "asked": [],
    }  # fmt: skip
    assert (await call("POST", f"{address}/close", {"root_cause": "UNKNOWN"})).status == 422
    closed = await call("POST", f"{address}/close", {"root_cause": "COUNT", "note": "counted"})
    assert (closed.status, closed.json["state"]) == (200, "CLOSED")
    assert (await call("POST", f"{address}/close", {"root_cause": "COUNT"})).status == 422
    assert (await call("GET", FINDINGS)).json == {"findings": []}
    trusted = (await call("GET", "/v1/availability?item=BOLT&location=DC")).json
    assert (trusted["is_suspect"], trusted["doubts"]) == (False, [])
    backlog = (await call("GET", f"{RUNS}/backlog?days=7")).json
    assert (backlog["confirmed"], backlog["closed"], backlog["burned_percent"]) == (1, 1, 100)
    assert backlog["causes"] == [{"root_cause": "COUNT", "findings": 1, "percent": 100}]


async def says_doubt(call: Caller, finding_id: str) -> None:
    """Ask for the number in each of the ways there are: beside it stands the doubt."""
    key = {"item": "bolt", "location": "dc"}
    alone = (await call("GET", "/v1/availability?item=bolt&location=dc")).json
    [one] = (await call("POST", "/v1/availability", {"keys": [key]})).json["availability"]
    [dated] = (await call("POST", "/v1/atp", {"keys": [key]})).json["answers"]
    for answer in (alone, one, dated):
        assert answer["is_suspect"]
        assert answer["doubts"] == [
            {
                "finding_id": finding_id,
                "against": "erp",
                "state": "CONFIRMED",
                "difference": {"value": "10", "unit": "EA"},
                "is_in_flight": False,
            }
        ]
    assert alone["available"] == {"value": "30", "unit": "EA"}


async def test_lots_logs_and_words_for_statuses_are_taken(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    said = comparison(house, "30", is_full=True, statuses={"FREE": ["AVAILABLE"]})
    said["lines"][0]["status"] = "free"
    said["log"] = [
        {
            "reference": "S-1",
            "item": "BOLT",
            "location": "DC",
            "quantity": "-5",
            "recorded_at": said["as_of"],
        }
    ]

    answer = await call("POST", RUNS, said)

    assert (answer.status, answer.json["alike"]) == (200, 1), answer.body


@pytest.mark.parametrize(
    ("change", "status", "where"),
    [
        ({"lag_minutes": -1}, 422, "/lag_minutes"),
        ({"as_of": None}, 422, "/lines/0/as_of"),
        ({"lines": []}, 404, ""),
        ({"lines": [], "is_full": True}, 422, "/lines"),
        ({"against": " "}, 422, "/against"),
        ({"statuses": {"BAD": ["X"]}}, 422, "statuses"),
        ({"as_of": "2026-05-04T12:00:00"}, 422, "/as_of"),
    ],
)
async def test_what_is_said_wrongly_is_named(
    call: Caller, house: House, change: dict[str, Any], status: int, where: str
) -> None:
    answer = await call("POST", RUNS, comparison(house, "40") | change)

    assert answer.status == status, answer.body
    assert where in str(answer.json)


async def test_what_nobody_knows_is_not_found_and_a_reader_changes_nothing(
    call: Caller, house: House
) -> None:
    for address in (f"{RUNS}/rcn_x", f"{FINDINGS}/fnd_x"):
        assert (await call("GET", address)).status == 404
    close = f"{FINDINGS}/fnd_x/close"
    assert (await call("POST", close, {"root_cause": "COUNT"})).status == 404
    reader = await house.key("cases:read")
    refused = await call("POST", RUNS, comparison(house, "40"), key=reader)
    assert refused.status == 403


async def test_who_gives_a_dump_is_named_by_the_body_beside_the_key(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    line = {"document": "SO-1", "item": "bolt", "location": "dc", "quantity": "1"}
    orders = {"kind": "orders", "against": "erp", "lines": [line]}
    orders["as_of"] = house.clock.now().isoformat()

    plain = await call("POST", RUNS, comparison(house, "40"))
    said = await call("POST", RUNS, comparison(house, "40", by=" Ann  Lee "))
    open_lines = await call("POST", f"{RUNS}/open-lines", orders | {"by": "Ann Lee"})

    assert plain.json["asked_by"] == "key test"
    assert said.json["asked_by"] == "Ann Lee (key test)"
    assert open_lines.json["asked_by"] == "Ann Lee (key test)"
    for strange in (7, None, "x" * 201, ["ann"]):
        assert (await call("POST", RUNS, comparison(house, "40", by=strange))).status == 422


async def test_two_other_systems_are_compared_with_each_other(call: Caller, house: House) -> None:
    """R2: the ERP says 100 at five to midnight, the warehouse 97 at five past; 3 left between."""
    await stock(call, house, "BOLT", micros=1_000_000)
    cut = house.clock.now() - timedelta(hours=1)

    def said(system: str, quantity: str, seconds: int, **more: Any) -> Any:
        line = {"item": "bolt", "location": "dc", "quantity": quantity}
        as_of = (cut + timedelta(seconds=seconds)).isoformat()
        return {"system": system, "lines": [line], "as_of": as_of, **more}

    shipment = {
        "reference": "S-1", "item": "bolt", "location": "dc", "quantity": "-3",
        "recorded_at": (cut + timedelta(seconds=3)).isoformat(),
    }  # fmt: skip
    both = {"first": said("wms", "97", 10, log=[shipment]), "second": said("erp", "100", 0)}

    run = await call("POST", f"{RUNS}/between", both)

    assert (run.status, run.json["alike"]) == (200, 1), run.body
    assert (run.json["system"], run.json["against"]) == ("wms", "erp")
    assert run.json["latest_cut"] == cut.isoformat().replace("+00:00", "Z")
    both["second"]["system"] = "wms"
    assert (await call("POST", f"{RUNS}/between", both)).status == 422
    both["second"] = said("erp", "100", 0)
    both["second"]["lines"][0]["status"] = "WHEREVER"
    strange = await call("POST", f"{RUNS}/between", both)
    assert (strange.status, strange.json["where"]) == (422, "/lines/0/status")


async def test_what_is_shown_in_doubt_and_who_believes_is_decided(call: Caller) -> None:
    assert (await call("GET", f"{RUNS}/policy")).json == {"four_eyes": False, "as_booked": []}
    wanted = {"four_eyes": True, "as_booked": ["C", "B"]}

    decided = await call("PUT", f"{RUNS}/policy", wanted)

    assert decided.json == {"four_eyes": True, "as_booked": ["B", "C"]}
    assert (await call("GET", f"{RUNS}/policy")).json == decided.json
    assert (await call("PUT", f"{RUNS}/policy", {"as_booked": ["D"]})).status == 422


async def test_a_plan_says_what_reading_channels_back_takes_and_one_is_read_now(
    call: Caller,
) -> None:
    [plan] = (await call("GET", f"{RUNS}/plan")).json["plans"]
    assert (plan["keys_a_day"], plan["calls_a_day"], plan["days_a_round"]) == (10_000, 100, 7)
    assert (plan["quota_calls_a_day"], plan["share_ppm"]) == (864_000, 116)

    read = await call("POST", f"{RUNS}/sample", {"connection": "shop", "location": "web"})

    assert (read.json["run"]["compared"], read.json["run"]["alike"]) == (1, 1), read.body
    nobody = await call("POST", f"{RUNS}/sample", {"connection": "x", "location": "web"})
    assert nobody.status == 404


async def test_who_may_only_work_cases_lets_nothing_heal_by_itself(
    call: Caller, house: House
) -> None:
    writer = await house.key("cases:write")
    refused = await call("PUT", f"{RUNS}/rules", {"heals": ["REDRIVE"]}, key=writer)

    assert refused.status == 403
    assert (await call("GET", f"{RUNS}/rules", key=writer)).status == 200


async def test_rules_are_put_version_by_version_and_say_who_put_them(call: Caller) -> None:
    [built_in] = (await call("GET", f"{RUNS}/rules")).json["rules"]
    assert (built_in["version"], built_in["put_by"]) == (0, "")
    assert built_in["tolerance_percent"] == {"A": "0.5", "B": "1", "C": "5"}

    wanted = {
        "tolerance_percent": {"A": "2.5"},
        "tolerance_documents_percent": "1.5",
        "tolerance_price_percent": {"B": "0.5"},
        "tolerance_price_value": "20",
        "heals": ["REPUBLISH"],
        "most_percent": "0.5",
    }
    put = await call("PUT", f"{RUNS}/rules", wanted)
    again = await call("PUT", f"{RUNS}/rules", wanted)

    assert (put.status, put.json["version"]) == (200, 1), put.body
    assert put.json["put_by"].startswith("key ")
    assert again.json == put.json
    assert (put.json["heals"], put.json["most_percent"]) == (["REPUBLISH"], "0.5")
    assert put.json["tolerance_documents_percent"] == "1.5"
    assert put.json["tolerance_percent"] == {"A": "2.5", "B": "1", "C": "5"}
    assert put.json["tolerance_price_percent"] == {"A": "2", "B": "0.5", "C": "2"}
    assert put.json["tolerance_price_value"] == "20"
    kept = await call("PUT", f"{RUNS}/rules", {"attempts": 3})
    assert (kept.json["version"], kept.json["attempts"]) == (2, 3)
    assert {**kept.json, **{one: put.json[one] for one in ("version", "attempts", "put_at")}} == (
        put.json
    )
    listed = (await call("GET", f"{RUNS}/rules")).json["rules"]
    assert [one["version"] for one in listed] == [2, 1, 0]
    for strange in ({"heals": ["COUNT"]}, {"attempts": 0}, {"tolerance_percent": {"A": "101"}}):
        assert (await call("PUT", f"{RUNS}/rules", strange)).status == 422


async def test_amounts_in_another_currency_are_told_apart(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    earlier, said = comparison(house, "40", minutes_ago=40), comparison(house, "40")
    for one in (earlier, said):
        one["lines"][0]["currency"] = "USD"
    await call("POST", RUNS, earlier)
    run = (await call("POST", RUNS, said)).json

    assert (run["value_at_risk"], run["other_values"], run["unpriced"]) == (None, {"USD": "25"}, 0)
    [found] = (await call("GET", FINDINGS)).json["findings"]
    assert (found["value_at_risk"], found["currency"]) == ("25", "USD")
    said["lines"][0]["currency"] = "XXX"
    refused = await call("POST", RUNS, said)
    assert (refused.status, refused.json["where"]) == (422, "/lines/0/currency"), refused.body
    put = await call("PUT", f"{RUNS}/rules", {"currency": "USD", "most_unpriced": 7})
    assert put.json["count_when"] == ["RECALL", "SHORT_PICK", "ZERO_BALANCE"], put.body
    put = await call("PUT", f"{RUNS}/rules", {"counts_a_day": 9, "count_when": ["RECALL"]})
    assert (put.json["counts_a_day"], put.json["count_when"]) == (9, ["RECALL"]), put.body
    assert (put.json["currency"], put.json["most_unpriced"]) == ("USD", 7), put.body
