"""Whoever takes count tasks keeps the role's promises, over the wire or by file."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from crossdock.applications.generic_wms import APPLICATION, FILES
from crossdock.applications.generic_wms.client import listening, reading_folder
from crossdock.applications.generic_wms.count_desk import CountDesk, CountHabits
from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings, GenericWmsSettings
from crossdock.applications.generic_wms.simulator import Warehouse
from crossdock.canonical.errors import Forbidden, Unavailable
from crossdock.connectivity.sdk import (
    COUNT_REFUSED,
    Delivery,
    Ports,
    RepeatSafety,
    SetCountTask,
    TakesCountTasks,
    Verdict,
)
from crossdock.foundation.clock import VirtualClock
from crossdock.interfaces.cli.http_server import serving
from tests.processes.floor import HEARD, STILL, TOLD, Door
from tests.unit.applications.generic_wms.test_count_tasks import task

Taking = Callable[[CountDesk, Path, Ports], AbstractAsyncContextManager[TakesCountTasks]]


class Reading:
    """Files that the warehouse fetches after each telling."""

    def __init__(self, inner: TakesCountTasks, desk: CountDesk, folder: Path) -> None:
        self._inner, self._desk, self._folder = inner, desk, folder

    async def set_count_tasks(self, commands: list[SetCountTask]) -> object:
        outcomes = await self._inner.set_count_tasks(commands)
        await self._desk.read(self._folder)
        return outcomes


@asynccontextmanager
async def by_webhook(
    desk: CountDesk, folder: Path, ports: Ports
) -> AsyncIterator[TakesCountTasks]:
    del folder
    async with serving(Door(desk)) as address:
        said = {"secrets": [HEARD], "tasks_url": address, "tasks_secrets": [TOLD]}
        async with listening(GenericWmsSettings.model_validate(said), ports) as wms:
            yield wms


@asynccontextmanager
async def by_file(desk: CountDesk, folder: Path, ports: Ports) -> AsyncIterator[TakesCountTasks]:
    (folder / "drop").mkdir()
    said = {"folder": folder / "drop", "tasks_folder": folder / "tasks"}
    async with reading_folder(GenericWmsFilesSettings.model_validate(said), ports) as wms:
        yield Reading(wms, desk, folder / "tasks")  # type: ignore[misc]  # it answers the same


@pytest.fixture
def ports(clock: VirtualClock) -> Ports:
    return Ports(clock=clock, random=Random(1), allow_private_addresses=True)


def desk_of(ports: Ports, habits: CountHabits | None = None) -> CountDesk:
    async def nowhere(delivery: Delivery) -> None:
        del delivery

    house = Warehouse("DC1", stock={"BOLT": 5}, ports=ports, send=nowhere, pace=STILL)
    return CountDesk(house, ports=ports, secrets=[TOLD], habits=habits)


def test_the_role_is_declared_with_what_makes_a_repeat_harmless() -> None:
    for application in (APPLICATION, FILES):
        assert application.roles[TakesCountTasks] is RepeatSafety.UPSERT
        assert application.role_settings[TakesCountTasks] in application.settings.model_fields


@pytest.mark.parametrize("taking", [by_webhook, by_file])
async def test_a_task_told_often_late_and_out_of_order_is_one_task(
    taking: Taking, tmp_path: Path, ports: Ports
) -> None:
    desk = desk_of(ports)
    first, urgent = task(), task(version=2, reason="RECALL")
    over = task(version=3, is_withdrawn=True, because="agrees again")
    async with taking(desk, tmp_path, ports) as wms:
        outcomes = [
            outcome
            for batch in ([first], [first], [urgent, task(count_id="cnt_2")], [over], [first])
            for outcome in await wms.set_count_tasks(batch)
        ]

    assert {one.verdict for one in outcomes} == {Verdict.DONE}
    assert desk.counted == ["cnt_1", "cnt_2"]
    assert desk.withdrawn == ["cnt_1"]


@pytest.mark.parametrize("taking", [by_webhook, by_file])
async def test_a_withdrawal_of_what_was_never_heard_of_is_done_and_final(
    taking: Taking, tmp_path: Path, ports: Ports
) -> None:
    desk = desk_of(ports)
    async with taking(desk, tmp_path, ports) as wms:
        [over] = await wms.set_count_tasks([task(version=2, is_withdrawn=True)])
        await wms.set_count_tasks([task()])

    assert over.verdict is Verdict.DONE
    assert desk.counted == []


async def test_a_refusal_is_the_warehouses_own_and_harms_no_other_task(
    tmp_path: Path, ports: Ports
) -> None:
    desk = desk_of(ports, CountHabits(refused=1))
    async with by_webhook(desk, tmp_path, ports) as wms:
        taken, refused = await wms.set_count_tasks(
            [task(version=1, is_withdrawn=True), task(count_id="cnt_2")]
        )

    assert taken.verdict is Verdict.DONE
    assert (refused.verdict, refused.code) == (Verdict.REFUSED, COUNT_REFUSED)
    assert refused.detail == "aisle of BOLT is blocked"


async def test_a_task_that_is_signed_by_another_is_not_taken(ports: Ports) -> None:
    desk = desk_of(ports)
    async with serving(Door(desk)) as address:
        other = "whsec_" + "QUJD" * 8
        said = {"secrets": [HEARD], "tasks_url": address, "tasks_secrets": [other]}
        async with listening(GenericWmsSettings.model_validate(said), ports) as wms:
            with pytest.raises(Forbidden):
                await wms.set_count_tasks([task()])
    assert desk.counted == []


async def test_what_gets_nowhere_is_tried_again_and_nothing_before_it_is_told_twice(
    ports: Ports,
) -> None:
    desk = desk_of(ports)
    door = Door(desk)
    async with serving(door) as address:
        said = {"secrets": [HEARD], "tasks_url": address, "tasks_secrets": [TOLD]}
        async with listening(GenericWmsSettings.model_validate(said), ports) as wms:
            door.status = 503
            with pytest.raises(Unavailable):
                await wms.set_count_tasks([task()])
            with pytest.raises(Unavailable):
                await wms.check()
            door.status, door.shuts_after = 0, 1
            told = await wms.set_count_tasks([task(), task(count_id="cnt_2"), task(count_id="c3")])

    assert [one.verdict for one in told] == [Verdict.DONE, Verdict.RETRY, Verdict.RETRY]
    assert desk.counted == ["cnt_1"]


@pytest.mark.parametrize(
    "said",
    [
        {"tasks_url": "https://wms.example.com/t"},
        {"tasks_url": "https://wms.example.com/t", "tasks_secrets": [HEARD]},
        {"tasks_url": "ftp://wms.example.com/t", "tasks_secrets": [TOLD]},
        {"tasks_url": "https://wms.example.com/a b", "tasks_secrets": [TOLD]},
        {"tasks_secrets": ["whsec_short"]},
    ],
)
def test_settings_that_would_send_tasks_unsigned_or_nowhere_are_refused(
    said: dict[str, object],
) -> None:
    with pytest.raises(ValueError, match="tasks_"):
        GenericWmsSettings.model_validate({"secrets": [HEARD], **said})
