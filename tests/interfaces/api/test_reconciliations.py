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
    [count] = (await call("GET", f"{RUNS}/cycle-counts?location=DC")).json["cycle_counts"]
    assert (count["item"], count["reason"]) == ("BOLT", "DIFFERENCE")
    healing = await call("POST", f"{RUNS}/heal", {"against": "erp", "dry_run": True})
    assert healing.json == {"against": "erp", "findings": [], "sent": 0, "stopped": ""}
    assert (await call("POST", f"{address}/close", {"root_cause": "UNKNOWN"})).status == 422
    closed = await call("POST", f"{address}/close", {"root_cause": "COUNT", "note": "counted"})
    assert (closed.status, closed.json["state"]) == (200, "CLOSED")
    assert (await call("POST", f"{address}/close", {"root_cause": "COUNT"})).status == 422
    assert (await call("GET", FINDINGS)).json == {"findings": []}
    backlog = (await call("GET", f"{RUNS}/backlog?days=7")).json
    assert (backlog["confirmed"], backlog["closed"], backlog["burned_percent"]) == (1, 1, 100)
    assert backlog["causes"] == [{"root_cause": "COUNT", "findings": 1, "percent": 100}]


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
