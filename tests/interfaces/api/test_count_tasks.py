"""Count tasks over HTTP: read again, page by page, and refused where a shelf cannot be counted."""

from tests.interfaces.api.conftest import Caller, House, stock
from tests.processes.counted import told_to_count

TASKS = "/v1/reconciliations/count-tasks"


async def test_open_count_tasks_are_read_again_page_by_page(call: Caller, house: House) -> None:
    await told_to_count(house, "BOLT", "NUT", "PIN")

    first = (await call("GET", f"{TASKS}?limit=2")).json["count_tasks"]
    rest = (await call("GET", f"{TASKS}?after={first[-1]['count_id']}")).json["count_tasks"]

    assert {one["item"] for one in [*first, *rest]} == {"BOLT", "NUT", "PIN"}
    assert [len(first), len(rest)] == [2, 1]
    assert first[0] | {"count_id": "", "item": "", "proposed_at": ""} == {
        "count_id": "",
        "item": "",
        "location": "DC1",
        "item_class": "A",
        "reason": "CLASS_DUE",
        "status": "PROPOSED",
        "proposed_at": "",
        "ended_at": None,
        "ended_by": "",
        "because": "",
        "not_by": "",
        "sent_to": [],
    }
    elsewhere = await call("GET", f"{TASKS}?location=DC2")
    assert elsewhere.json == {"count_tasks": []}


async def test_a_task_that_cannot_be_done_is_refused_with_its_reason_and_once(
    call: Caller, house: House
) -> None:
    [task] = await told_to_count(house, "BOLT")
    address = f"{TASKS}/{task.count_id}/refuse"

    refused = await call("POST", address, {"because": "the aisle is closed"})
    again = await call("POST", address, {"because": "a second click"})

    assert (refused.status, refused.json["status"]) == (200, "REFUSED")
    assert refused.json["ended_by"].startswith("key ")
    assert again.json == refused.json
    assert (await call("GET", TASKS)).json == {"count_tasks": []}
    [listed] = (await call("GET", f"{TASKS}?status=REFUSED")).json["count_tasks"]
    assert listed["because"] == "the aisle is closed"


async def test_what_cannot_be_refused_says_why(call: Caller, house: House) -> None:
    [task] = await told_to_count(house, "BOLT")

    assert (await call("POST", f"{TASKS}/cnt_0/refuse", {"because": "x"})).status == 404
    assert (await call("POST", f"{TASKS}/{task.count_id}/refuse", {"because": ""})).status == 422
    assert (await call("POST", f"{TASKS}/{task.count_id}/refuse", {"because": " "})).status == 422
    assert (await call("GET", f"{TASKS}?status=WITHDRAWN")).status == 422


async def test_a_shelf_is_asked_to_be_counted_and_to_ask_twice_is_to_ask_once(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    said = {"item": "BOLT", "location": "DC", "reason": "EMPTY_SHELF"}

    asked = await call("POST", TASKS, said)
    again = await call("POST", TASKS, said)

    assert (asked.status, asked.json["reason"]) == (200, "EMPTY_SHELF"), asked.body
    assert again.json == asked.json
    assert (await call("GET", TASKS)).json["count_tasks"] == [asked.json]
    assert (await call("POST", TASKS, said | {"reason": "CLASS_DUE"})).status == 422
    assert (await call("POST", TASKS, said | {"reason": "BOREDOM"})).status == 422
    assert (await call("POST", TASKS, said | {"item": "NOBODY"})).status == 404
