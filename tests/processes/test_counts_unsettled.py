"""A count that nothing settles is asked for again and is a case: it never waits in silence."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from crossdock.canonical.reconciliation import CountDecided
from crossdock.capabilities.reconciliation import (
    CountReason,
    TaskStatus,
    count_store,
    counted_store,
    settling,
)
from crossdock.foundation import event_log
from crossdock.foundation.event_log import Position
from tests.processes.shelf import Warehouse, asked_warehouse
from tests.processes.shelf_counts import (
    costs,
    counts,
    heard_of,
    listed,
    matters,
    open_cases,
    told,
    withheld,
)

DAY = timedelta(days=1)
CONTROLS = ("INV-SUSPECT", "Inventory control")
FINANCE = ("INV-SUSPECT", "Finance")


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path) as warehouse:
        yield warehouse


async def looks(wms: Warehouse, *, after: timedelta = timedelta()) -> None:
    """Let the jobs that follow counts run, so much later."""
    await wms.at.clock.advance(after)
    await wms.at.hub.count_tasks.follow()
    await wms.at.hub.counts.follow()


async def refuses_the_task(wms: Warehouse) -> None:
    hub = wms.at.hub
    [task] = await hub.count_tasks.listed(hub.scope)
    await hub.count_tasks.refuse(hub.scope, task.count_id, "the aisle is closed", by="wms")


async def closes_the_cases(wms: Warehouse) -> None:
    hub = wms.at.hub
    for one in await wms.open_cases():
        await hub.cases.close(hub.scope, one.case_id, "seen")


async def decisions(wms: Warehouse) -> list[str]:
    hub = wms.at.hub
    async with hub.database.transaction(hub.scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=5_000)
    return [one.payload.decision for one in events if isinstance(one.payload, CountDecided)]


async def test_a_second_count_that_was_refused_is_asked_for_again_after_a_day(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    await counts(wms, 901, 20, by="ann")
    await refuses_the_task(wms)
    await looks(wms, after=DAY - timedelta(hours=1))
    assert (await hub.count_tasks.listed(hub.scope), await open_cases(wms)) == ([], [])

    await looks(wms, after=timedelta(hours=1))
    await looks(wms)

    [task] = await hub.count_tasks.listed(hub.scope)
    assert (task.reason, task.not_by, await withheld(wms)) == ("RECOUNT", "ann", 20)
    assert await told(wms) == [
        ("RECOUNT", "PROPOSED", "ann"),
        ("RECOUNT", "REFUSED", "ann"),
        ("RECOUNT", "PROPOSED", "ann"),
    ]
    await counts(wms, 902, 0, by="bob")
    assert (await matters(wms), await withheld(wms)) == (["AGREED", "AGREED"], 0)
    assert await open_cases(wms) == []


async def test_a_second_count_that_does_not_come_is_a_case_of_inventory_control_after_a_day(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    await counts(wms, 901, 20, by="ann")
    [task] = await hub.count_tasks.listed(hub.scope)
    await looks(wms, after=DAY)
    await looks(wms)

    assert await open_cases(wms) == [CONTROLS]
    [case] = await wms.open_cases()
    assert case.title == "counts of BOLT at DC1 are not settled: a second count is waited for"
    assert (case.count, case.due_at - case.opened_at) == (1, timedelta(hours=8))
    assert await hub.count_tasks.listed(hub.scope) == [task]
    assert case.evidence["task"] == {"count_id": task.count_id, "status": "PROPOSED"}
    await counts(wms, 902, 0, by="bob")
    assert await open_cases(wms) == []


async def test_a_case_that_is_closed_while_nothing_is_settled_comes_back(wms: Warehouse) -> None:
    await counts(wms, 901, -20, by="ann")
    await counts(wms, 902, 15, by="bob")
    await closes_the_cases(wms)
    await looks(wms)
    assert (await open_cases(wms), await withheld(wms)) == ([], 15)

    await looks(wms, after=DAY)

    assert await open_cases(wms) == [CONTROLS]
    [case] = await wms.open_cases()
    assert case.title == "counts of BOLT at DC1 are not settled: they do not agree"


async def test_counts_that_differ_are_counted_a_third_time_after_a_day(wms: Warehouse) -> None:
    hub = wms.at.hub
    await counts(wms, 901, -20, by="ann")
    await counts(wms, 902, 15, by="bob")
    assert await hub.count_tasks.listed(hub.scope) == []
    await looks(wms, after=DAY)
    [task] = await hub.count_tasks.listed(hub.scope)
    assert (task.reason, task.not_by) == ("RECOUNT", "bob")

    await counts(wms, 903, 0, by="carl")
    await looks(wms, after=DAY)

    assert await matters(wms) == ["DIFFERED", "DIFFERED", "RIGHT"]
    assert (await listed(wms))[-1].count_id == task.count_id
    assert await hub.count_tasks.listed(hub.scope) == []
    assert (await open_cases(wms), await withheld(wms)) == ([], 0)


async def test_what_finance_refused_and_a_second_count_found_again_is_finances_anew(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    await costs(wms, "A", 1_000)
    await counts(wms, 901, 20, by="ann")
    [waiting] = await listed(wms, approval="WAITING")
    await hub.counts.refuse(hub.scope, waiting.counted_id, "nobody found 20", by="carl")
    assert await open_cases(wms) == []

    await counts(wms, 902, 0, by="bob")

    [again] = await listed(wms, approval="WAITING")
    assert (again.counted_id, again.matter) == (waiting.counted_id, "AGREED")
    assert (await open_cases(wms), await withheld(wms)) == ([FINANCE], 20)
    [case] = await wms.open_cases()
    assert [one["counted_by"] for one in case.evidence["counts"]] == ["ann", "bob"]
    assert case.evidence["refused"] == "by carl: nobody found 20"
    await hub.counts.refuse(hub.scope, waiting.counted_id, "count it once more", by="carl")
    await counts(wms, 903, 0, by="dora")
    await hub.counts.approve(hub.scope, waiting.counted_id, "three have seen it", by="carl")
    assert await decisions(wms) == ["REFUSED", "REFUSED", "APPROVED"]
    assert (await open_cases(wms), await withheld(wms)) == ([], 0)
    assert await heard_of(wms) == [20, 0]


async def test_a_refused_count_whose_second_count_is_refused_too_is_asked_for_again(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    await costs(wms, "A", 1_000)
    await counts(wms, 901, 20, by="ann")
    await counts(wms, 902, 0, by="bob")
    [waiting] = await listed(wms, approval="WAITING")
    await looks(wms, after=3 * DAY)
    await hub.counts.refuse(hub.scope, waiting.counted_id, "nobody found 20", by="carl")
    await refuses_the_task(wms)
    await looks(wms)
    assert (await hub.count_tasks.listed(hub.scope), await open_cases(wms)) == ([], [])

    await looks(wms, after=DAY)

    [task] = await hub.count_tasks.listed(hub.scope)
    assert (task.reason, await withheld(wms)) == ("RECOUNT", 20)
    assert await open_cases(wms) == [CONTROLS]


async def test_a_case_of_finance_that_is_closed_undecided_comes_back(wms: Warehouse) -> None:
    await costs(wms, "A", 1_000)
    await counts(wms, 901, 20, by="ann")
    await counts(wms, 902, 0, by="bob")
    await closes_the_cases(wms)

    await looks(wms)
    await looks(wms)

    assert await open_cases(wms) == [FINANCE]
    [case] = await wms.open_cases()
    assert (case.count, await withheld(wms)) == (1, 20)


async def test_a_task_of_a_lesser_reason_becomes_that_of_the_second_count(wms: Warehouse) -> None:
    hub = wms.at.hub
    await counts(wms, 901, 20, by="ann")
    await refuses_the_task(wms)
    await wms.at.clock.advance(timedelta(hours=1))
    asked = await hub.count_tasks.ask(hub.scope, "BOLT", "DC1", CountReason.RECALL)

    await looks(wms)

    [task] = await hub.count_tasks.listed(hub.scope)
    assert (task.count_id, task.reason, task.not_by) == (asked.count_id, "RECOUNT", "ann")


async def test_one_second_count_of_a_place_covers_all_its_lots(wms: Warehouse) -> None:
    hub = wms.at.hub
    await counts(wms, 901, 20, by="ann", lot="L1")
    await counts(wms, 902, 30, by="ann", lot="L2")
    [task] = await hub.count_tasks.listed(hub.scope)

    await counts(wms, 903, 0, by="bob", lot="L1")
    await looks(wms)
    assert (await hub.count_tasks.listed(hub.scope), await withheld(wms)) == ([], 30)
    await counts(wms, 904, 0, by="bob", lot="L2")

    assert await matters(wms) == ["AGREED"] * 4
    assert [one.count_id for one in await listed(wms)][2:] == [task.count_id] * 2
    assert await told(wms) == [("RECOUNT", "PROPOSED", "ann"), ("RECOUNT", "DONE", "ann")]
    assert (await withheld(wms), await open_cases(wms)) == (0, [])


async def test_a_lot_that_a_second_count_left_out_is_asked_for_again_after_a_day(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    await counts(wms, 901, 20, by="ann", lot="L1")
    await counts(wms, 902, 30, by="ann", lot="L2")
    await counts(wms, 903, 0, by="bob", lot="L1")
    await looks(wms, after=DAY - timedelta(hours=2))
    assert await hub.count_tasks.listed(hub.scope) == []

    await looks(wms, after=timedelta(hours=2))

    [task] = await hub.count_tasks.listed(hub.scope)
    assert (task.reason, task.not_by) == ("RECOUNT", "ann")
    assert (await open_cases(wms), await withheld(wms)) == ([CONTROLS], 30)
    await counts(wms, 904, 0, by="bob", lot="L2")
    assert (await open_cases(wms), await withheld(wms)) == ([], 0)


async def test_a_lot_that_is_right_closes_no_case_of_another(wms: Warehouse) -> None:
    await counts(wms, 901, 20, by="ann", lot="L1")
    await counts(wms, 902, 9, by="bob", lot="L1")
    await counts(wms, 903, 0, by="ann", lot="L2")
    assert await open_cases(wms) == [CONTROLS]

    await counts(wms, 904, 0, by="carl", lot="L1")
    assert await open_cases(wms) == []


async def test_who_has_counted_both_lots_counts_them_again_and_one_other_is_asked(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    await counts(wms, 901, 20, by="ann", lot="L1")
    await counts(wms, 902, 30, by="ann", lot="L2")
    await counts(wms, 903, 0, by="ann", lot="L1")
    await counts(wms, 904, 0, by="ann", lot="L2", ago=61)

    assert await matters(wms) == ["RECOUNT", "RECOUNT", "SAME_PERSON", "SAME_PERSON"]
    assert [status for _, status, _ in await told(wms)] == ["PROPOSED", "DONE", "PROPOSED"]
    [task] = await hub.count_tasks.listed(hub.scope)
    assert (task.reason, task.not_by) == ("RECOUNT", "ann")


async def something_happens(wms: Warehouse, number: int, chance: Random) -> None:
    hub = wms.at.hub
    tasks = await hub.count_tasks.listed(hub.scope)
    waiting = await listed(wms, approval="WAITING")
    match chance.choice(["count", "count", "refuse", "close", "decide"]):
        case "refuse" if tasks:
            await refuses_the_task(wms)
        case "close":
            await closes_the_cases(wms)
        case "decide" if waiting:
            decide = chance.choice([hub.counts.approve, hub.counts.refuse])
            await decide(hub.scope, waiting[0].counted_id, "seen", by="carl")
        case _:
            net, by = chance.choice([-20, 0, 0, 5, 20]), chance.choice(["ann", "bob", ""])
            await counts(wms, number, net, by=by, lot=chance.choice(["L1", "L2"]))


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_nothing_waits_without_a_task_and_after_a_day_without_a_case(
    wms: Warehouse, seed: int
) -> None:
    hub, chance = wms.at.hub, Random(seed)
    await costs(wms, "A", 1_000)
    for number in range(901, 919):
        await something_happens(wms, number, chance)
        await looks(wms, after=timedelta(hours=chance.choice([1, 9, 30])))
        now = wms.at.clock.now()
        async with hub.database.transaction(hub.scope) as tx:
            rows = await counted_store.waiting(tx)
            task = await count_store.at(tx, ("DC1", "BOLT"))
        waits = [row for row in rows if settling.is_unsettled(row)]
        known = await open_cases(wms)

        is_open = task is not None and task.status == TaskStatus.PROPOSED
        rests = task is not None and task.ended_at is not None and now - task.ended_at < DAY
        assert (is_open or rests) if waits else not is_open
        assert CONTROLS in known or not settling.has_waited(waits, now)
        assert (FINANCE in known) == any(row.approval == "WAITING" for row in rows)
        assert rows or (await withheld(wms), known) == (0, [])
