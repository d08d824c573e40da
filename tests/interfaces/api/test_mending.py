"""What stopped by itself is seen over HTTP, and mended."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from crossdock.canonical.cases import OpenCase
from crossdock.orchestration import cases
from crossdock.orchestration.cases import Said
from tests.interfaces.api.conftest import Caller, House, main_scope

PARK = """
insert into process_instance (process, tenant, instance, parked_at, parked_reason)
values ('loading', 'main', $1, now(), 'ValueError()')
"""


async def test_a_refused_event_is_listed_and_applied_again(call: Caller, house: House) -> None:
    async with house.database.transaction(main_scope()) as tx:
        await tx.execute(
            "insert into log_refusal select 'main', 'catalog', 1, now(), 'ValueError()'"
        )
    await call("PUT", "/v1/items/BOLT", {})
    await house.catch_up()

    listed = await call("GET", "/v1/refused-events?reader=catalog")
    again = await call("POST", "/v1/refused-events/1/reapply", {"reader": "catalog"})
    gone = await call("POST", "/v1/refused-events/1/reapply")

    assert [one["type"] for one in listed.json["events"]] == ["catalog.item_changed.v1"]
    assert again.json["results"] == [
        {"reader": "catalog", "position": 1, "is_applied": True, "reason": ""}
    ]
    assert (gone.status, gone.json["code"]) == (404, "not_found")
    assert "crossdock msg refused" in gone.json["hint"]


async def test_a_refused_event_is_given_up_with_a_reason(call: Caller, house: House) -> None:
    async with house.database.transaction(main_scope()) as tx:
        await tx.execute(
            "insert into log_refusal select 'main', 'catalog', 1, now(), 'ValueError()'"
        )
    await call("PUT", "/v1/items/BOLT", {})

    silent = await call("POST", "/v1/refused-events/1/discard", {"reason": " "})
    done = await call("POST", "/v1/refused-events/1/discard", {"reason": "a typing error"})
    again = await call("POST", "/v1/refused-events/1/discard", {"reason": "a typing error"})

    assert (silent.status, done.json, again.status) == (422, {"count": 1}, 404)
    assert (await call("GET", "/v1/refused-events")).json["events"] == []
    async with house.database.transaction(main_scope()) as tx:
        kept = await tx.fetchval("select discarded_reason from log_refusal")
    assert kept.startswith("a typing error (key ")


async def test_parked_instances_are_listed_shown_and_resumed(call: Caller, house: House) -> None:
    async with house.database.transaction(main_scope()) as tx:
        await tx.execute(PARK, "shop/web/a")
        await tx.execute(PARK, "shop/web/b")

    listed = await call("GET", "/v1/processes/instances?process=loading")
    shown = await call("GET", "/v1/processes/loading/instances/shop/web/a")
    one = await call("POST", "/v1/processes/loading/resume", {"instance": "shop/web/a"})
    rest = await call("POST", "/v1/processes/loading/resume")
    every = await call("GET", "/v1/processes/instances?parked=false")

    assert [each["instance"] for each in listed.json["instances"]] == ["shop/web/a", "shop/web/b"]
    assert shown.json["standing"]["parked_reason"] == "ValueError()"
    assert shown.json["journal"] == []
    assert one.json == {"count": 1, "first": ["shop/web/a"]}
    assert rest.json == {"count": 1, "first": ["shop/web/b"]}
    assert [each["parked_at"] for each in every.json["instances"]] == [None, None]
    unknown = await call("POST", "/v1/processes/lauding/resume")
    assert (unknown.status, unknown.json["hint"]) == (404, "one of loading")


async def test_instances_are_paged_across_processes(call: Caller, house: House) -> None:
    async with house.database.transaction(main_scope()) as tx:
        for name in ("shop/web/a", "shop/web/b", "shop/web/c"):
            await tx.execute(PARK, name)
    address = "/v1/processes/instances?limit=2"

    first = (await call("GET", address)).json["instances"]
    last = first[-1]
    rest = await call("GET", f"{address}&after={last['process']}/{last['instance']}")
    wrong = await call("GET", f"{address}&after=loading")

    assert [one["instance"] for one in first] == ["shop/web/a", "shop/web/b"]
    assert [one["instance"] for one in rest.json["instances"]] == ["shop/web/c"]
    assert (wrong.status, wrong.json["where"]) == (422, "after")


async def test_an_instance_of_long_names_is_shown_and_resumed(call: Caller, house: House) -> None:
    name = f"shop/web/{quote('Schraube für Außenwände ' * 20)}"
    assert len(name) > 500
    async with house.database.transaction(main_scope()) as tx:
        await tx.execute(PARK, name)

    shown = await call("GET", f"/v1/processes/loading/instances/{quote(name)}")
    page = await call("GET", f"/v1/processes/instances?after=loading/{quote(name)}")
    done = await call("POST", "/v1/processes/loading/resume", {"instance": name})

    assert (shown.status, shown.json["standing"]["instance"]) == (200, name)
    assert (page.status, page.json["instances"]) == (200, [])
    assert (done.status, done.json) == (200, {"count": 1, "first": [name]})


async def test_cases_are_paged_by_urgency_though_the_last_one_shown_was_closed(
    call: Caller, house: House
) -> None:
    await open_case(house, "shop/web/a", "shop/web/b", "shop/web/c")
    address = "/v1/cases?limit=2"

    first = (await call("GET", address)).json["cases"]
    last = first[-1]["case_id"]
    await call("POST", f"/v1/cases/{last}/close", {"reason": "listed it"})
    rest = (await call("GET", f"{address}&after={last}")).json["cases"]

    every = {one["entity"] for one in first + rest}
    assert (len(first), len(rest)) == (2, 1)
    assert every == {"shop/web/a", "shop/web/b", "shop/web/c"}
    assert (await call("GET", f"{address}&after=case_0")).status == 404


async def open_case(house: House, *entities: str) -> None:
    said = [
        OpenCase(
            code="PUB-FAIL",
            fingerprint=f"PUB-FAIL:{entity}",
            severity="S2",
            owner_role="eCommerce",
            within=timedelta(hours=1),
            entity=entity,
            title="the shop refuses",
        )
        for entity in entities
    ]
    async with house.database.transaction(main_scope()) as tx:
        await cases.record(tx, [Said("main", "", case) for case in said], house.clock.now())


@pytest.mark.parametrize("reason", ["", " ", " \t\n "])
async def test_a_case_is_not_closed_without_a_word(
    call: Caller, house: House, reason: str
) -> None:
    await open_case(house, "shop/web/a")
    [case] = (await call("GET", "/v1/cases")).json["cases"]

    answer = await call("POST", f"/v1/cases/{case['case_id']}/close", {"reason": reason})
    given_up = await call("POST", "/v1/quarantine/discard", {"ids": [1], "reason": reason})

    assert (answer.status, answer.json["where"]) == (422, "/reason")
    assert (given_up.status, given_up.json["where"]) == (422, "/reason")
    assert len((await call("GET", "/v1/cases")).json["cases"]) == 1


@pytest.mark.parametrize(
    ("path", "word"),
    [("cases", "open"), ("cases", "SOLVED"), ("quarantine", "open"), ("quarantine", "CLOSED")],
)
async def test_a_state_that_is_none_is_answered_with_those_that_are(
    call: Caller, path: str, word: str
) -> None:
    answer = await call("GET", f"/v1/{path}?state={word}")

    assert (answer.status, answer.json["where"]) == (422, "/state")
    assert "'OPEN'" in answer.json["detail"]


async def test_a_case_is_listed_and_closed_with_who_and_why(call: Caller, house: House) -> None:
    await open_case(house, "shop/web/a")

    [listed] = (await call("GET", "/v1/cases?owner=eCommerce")).json["cases"]
    closed = await call("POST", f"/v1/cases/{listed['case_id']}/close", {"reason": "listed it"})
    again = await call("POST", f"/v1/cases/{listed['case_id']}/close", {"reason": "listed it"})

    assert (listed["code"], listed["state"], listed["count"]) == ("PUB-FAIL", "OPEN", 1)
    assert closed.json["resolution"].startswith("listed it (key ")
    assert (again.status, again.json["code"]) == (404, "not_found")
    assert (await call("GET", "/v1/cases")).json["cases"] == []
