"""What is to be counted goes to the warehouse system, is counted there, and mends the ledger."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.applications.generic_wms.count_desk import CountHabits
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation import (
    CountReason,
    CountTask,
    Rules,
    TaskStatus,
    Tolerance,
)
from tests.processes.books import BY
from tests.processes.counted import found
from tests.processes.end_to_end.world import connected, on_hand
from tests.processes.floor import HEARD, TAKES, Site, site


@pytest.fixture
async def at(dsn: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with site(dsn, tmp_path) as opened:
        yield opened


async def opened(at: Site) -> None:
    """Have it at work, where no count is so far off that it is counted again."""
    rules = Rules(tolerance=Tolerance(absolute=10 * MICROS))
    await at.hub.reconciliation.put_rules(at.hub.scope, rules, by="test")
    await at.connects()
    await at.works()


async def sent_to(at: Site, status: TaskStatus = TaskStatus.PROPOSED) -> list[tuple[str, str]]:
    tasks: list[CountTask] = await at.hub.count_tasks.listed(at.hub.scope, status=status)
    return [(one.connection, one.answer) for task in tasks for one in task.sent_to]


async def test_a_task_is_counted_blind_and_the_count_mends_the_ledger_and_ends_the_task(
    at: Site,
) -> None:
    await opened(at)
    at.house.floor.misplaced["BOLT"] = -3
    [task] = await at.proposes("BOLT")

    assert await sent_to(at) == [("wms", "TAKEN")]
    assert at.desk.counted == [task.count_id]
    [body] = at.door.bodies
    assert {"quantity", "expected", "system_quantity"}.isdisjoint(json.loads(body))
    assert b"50" not in body.replace(task.count_id.encode(), b"")

    await at.works()

    assert await at.told() == [("BOLT", "PROPOSED"), ("BOLT", "DONE")]
    assert (await on_hand(at.hub, ["BOLT"], "DC1"))["BOLT"] == {"AVAILABLE": 47}
    assert len(at.door.bodies) == 1, "who counted it need not be told"
    assert await at.cases() == []


async def test_what_is_picked_between_count_and_posting_is_not_taken_for_a_difference(
    dsn: str, tmp_path: Path
) -> None:
    """R9: the count is compared with the books at the moment of the count."""
    late = CountHabits(late=1, late_by=timedelta(minutes=40), counted_within=timedelta(0))
    async with site(dsn, tmp_path, late) as at:
        await opened(at)
        at.house.floor.misplaced["BOLT"] = -3
        await at.proposes("BOLT")
        await at.works(0.1)
        at.house.receive("BOLT", 6)
        await at.works(1)
        counted_late = await at.told()
        await at.works(60)

        assert counted_late == [("BOLT", "PROPOSED")]
        assert await at.told() == [("BOLT", "PROPOSED"), ("BOLT", "DONE")]
        assert (await on_hand(at.hub, ["BOLT"], "DC1"))["BOLT"] == {"AVAILABLE": 53}


async def test_a_task_whose_answer_is_lost_is_told_again_and_counted_once(at: Site) -> None:
    await opened(at)
    at.door.lost = 2
    [task] = await at.proposes("BOLT")
    waiting = await sent_to(at)
    for _ in range(4):
        await at.clock.advance(timedelta(minutes=1))
        await at.hub.settle()

    assert waiting == [("wms", "WAITING")]
    assert await sent_to(at) == [("wms", "TAKEN")]
    assert at.desk.heard_count == 3
    assert len(set(at.door.bodies)) == 1
    assert at.desk.counted == [task.count_id]
    assert await at.cases() == []


async def test_a_warehouse_that_is_down_is_told_when_it_is_back(at: Site) -> None:
    await opened(at)
    at.door.status = 503
    await at.proposes("BOLT")
    waiting = await sent_to(at)
    at.door.status = 0
    for _ in range(3):
        await at.clock.advance(timedelta(minutes=1))
        await at.hub.settle()

    assert waiting == [("wms", "WAITING")]
    assert await sent_to(at) == [("wms", "TAKEN")]
    assert await at.cases() == []


async def test_a_warehouse_is_told_who_is_not_to_count_again(at: Site) -> None:
    await at.connects()
    await at.works()
    first = found("901", at.hub, "BOLT", "DC1", by="ann")
    await at.hub.record([first], source="wms")
    await at.hub.settle()

    [told] = [json.loads(body) for body in at.door.bodies]
    assert (told["reason"], told["not_by"]) == ("RECOUNT", "ann")


async def test_what_the_warehouse_refuses_is_refused_with_its_reason(
    dsn: str, tmp_path: Path
) -> None:
    async with site(dsn, tmp_path, CountHabits(refused=1)) as at:
        await opened(at)
        await at.proposes("BOLT")
        [task] = await at.hub.count_tasks.listed(at.hub.scope, status=TaskStatus.REFUSED)

        assert await at.told() == [("BOLT", "PROPOSED"), ("BOLT", "REFUSED")]
        assert (task.ended_by, task.because) == ("wms", "aisle of BOLT is blocked")
        assert await sent_to(at, TaskStatus.REFUSED) == [("wms", "REFUSED")]
        assert len(at.door.bodies) == 1, "it is not withdrawn from whoever refused it"
        assert await at.cases() == []


async def test_what_a_person_refuses_is_withdrawn_and_not_counted(at: Site) -> None:
    await opened(at)
    [task] = await at.proposes("BOLT")
    await at.hub.count_tasks.refuse(at.hub.scope, task.count_id, "aisle closed", by="a clerk")
    await at.hub.settle()
    await at.works()

    last = json.loads(at.door.bodies[-1])
    assert (last["status"], last["version"], last["because"]) == ("WITHDRAWN", 2, "aisle closed")
    assert at.desk.withdrawn == [task.count_id]
    assert await at.told() == [("BOLT", "PROPOSED"), ("BOLT", "REFUSED")]


async def test_a_withdrawal_that_comes_after_the_count_harms_nothing(at: Site) -> None:
    """The count is on its way while a person gives the task up."""
    await opened(at)
    at.house.floor.misplaced["BOLT"] = 2
    [task] = await at.proposes("BOLT")
    await at.clock.advance(timedelta(minutes=1))
    await at.house.work()
    await at.hub.count_tasks.refuse(at.hub.scope, task.count_id, "no longer", by="a clerk")
    await at.hub.settle()
    await at.works()

    assert at.desk.withdrawn == [task.count_id]
    assert (await on_hand(at.hub, ["BOLT"], "DC1"))["BOLT"] == {"AVAILABLE": 52}
    assert await at.cases() == []
    assert not await at.hub.outbox.find(at.hub.scope)


async def test_a_task_that_becomes_more_urgent_is_told_again_as_the_same(at: Site) -> None:
    await opened(at)
    [task] = await at.proposes("BOLT")
    await at.hub.count_tasks.ask(at.hub.scope, "BOLT", "DC1", CountReason.RECALL)
    await at.hub.settle()

    told = [json.loads(body) for body in at.door.bodies]
    assert [(one["count_id"], one["version"], one["reason"]) for one in told] == [
        (task.count_id, 1, "CLASS_DUE"),
        (task.count_id, 2, "RECALL"),
    ]
    assert at.desk.counted == [task.count_id]


@pytest.mark.parametrize("roles", [{}, {"TakesCountTasks": []}, {"TakesCountTasks": ["DC2"]}])
async def test_where_nobody_takes_tasks_a_task_stays_told_as_an_event(
    at: Site, roles: dict[str, list[str]]
) -> None:
    await at.connects(roles=roles)
    await at.works()
    [task] = await at.proposes("BOLT")

    assert task.status == "PROPOSED"
    assert task.sent_to == ()
    assert at.door.bodies == []
    assert await at.told() == [("BOLT", "PROPOSED")]


async def test_who_comes_to_take_tasks_is_told_those_that_are_open_each_once(at: Site) -> None:
    await at.connects(roles={})
    await at.works()
    await at.proposes("BOLT", "NUT")
    await at.hub.directory.change(at.hub.scope, "wms", roles=TAKES)
    await at.works(5)
    early = list(at.door.bodies)
    await at.works(6)
    await at.works(0)

    assert early == []
    assert len(at.door.bodies) == 2
    assert await sent_to(at) == [("wms", "TAKEN"), ("wms", "TAKEN")]


async def test_a_paused_warehouse_is_not_told_what_is_over_by_then(at: Site) -> None:
    await opened(at)
    await at.hub.directory.pause(at.hub.scope, "wms", "an upgrade")
    [first, second] = await at.proposes("BOLT", "NUT")
    await at.hub.count_tasks.refuse(at.hub.scope, first.count_id, "not today", by="a clerk")
    await at.hub.settle()
    silent = list(at.door.bodies)
    await at.hub.directory.resume(at.hub.scope, "wms")
    await at.hub.settle()

    told = [json.loads(body) for body in at.door.bodies]
    assert silent == []
    assert {(one["count_id"], one["status"]) for one in told} == {
        (first.count_id, "WITHDRAWN"),
        (second.count_id, "PROPOSED"),
    }
    assert at.desk.counted == [second.count_id]


async def test_a_removed_warehouse_leaves_the_task_open_and_no_letter_behind(at: Site) -> None:
    await opened(at)
    await at.hub.directory.pause(at.hub.scope, "wms", "it goes")
    [task] = await at.proposes("BOLT")
    await at.hub.connections.remove(at.hub.scope, "wms", BY, discard=True)
    await at.hub.settle()
    open_ones = await at.hub.count_tasks.listed(at.hub.scope)
    await at.hub.count_tasks.refuse(at.hub.scope, task.count_id, "nobody there", by="a clerk")
    await at.hub.settle()

    assert [one.count_id for one in open_ones] == [task.count_id]
    assert at.door.bodies == []
    assert await at.cases() == []
    assert not await at.hub.outbox.find(at.hub.scope)


async def test_what_the_warehouse_cannot_read_is_a_persons_case_until_the_task_is_over(
    at: Site,
) -> None:
    await opened(at)
    at.door.status = 400
    [task] = await at.proposes("BOLT")
    cases = await at.cases()
    answers = await sent_to(at)
    await at.hub.count_tasks.refuse(at.hub.scope, task.count_id, "by hand", by="a clerk")
    await at.hub.settle()

    assert cases == [("TGT-REJECT", "OPEN")]
    assert answers == [("wms", "REFUSED")]
    assert await at.cases() == [("TGT-REJECT", "CLOSED")]


async def test_an_item_that_the_warehouse_has_no_key_for_is_a_case_of_master_data(
    at: Site,
) -> None:
    await opened(at)
    await at.hub.put_stock("WASHER", "DC2", 5)
    await at.hub.directory.change(at.hub.scope, "wms", roles={"TakesCountTasks": ["DC2"]})
    await at.hub.count_tasks.ask(at.hub.scope, "WASHER", "DC2", CountReason.RECALL)
    await at.hub.settle()

    assert await at.cases() == [("MD-ITEM-XREF", "OPEN")]
    assert at.door.bodies == []


async def test_the_role_is_not_given_to_a_connection_that_says_no_address(at: Site) -> None:
    with pytest.raises(Invalid, match="plays TakesCountTasks only with the setting 'tasks_url'"):
        await connected(at.hub, "mute", "generic_wms", {"secrets": [HEARD]}, roles=TAKES)
    await at.connects()
    with pytest.raises(Invalid, match="'tasks_url'"):
        await at.hub.directory.change(at.hub.scope, "wms", {"tasks_url": ""})
