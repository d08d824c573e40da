"""Commands leave once, in turn, and end where everyone can see it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from crossdock.canonical.commands import Lane
from crossdock.canonical.errors import Ambiguous, Forbidden, Rejected, Throttled, Unavailable
from crossdock.connectivity.courier import Courier, Step
from crossdock.connectivity.deliveries import Deliveries
from crossdock.connectivity.outbox import By
from crossdock.connectivity.sdk import RepeatSafety, SetAvailability
from crossdock.foundation.clock import SystemClock, VirtualClock
from crossdock.foundation.database import Database
from tests.unit.connectivity.standins import MAIN, World, command, with_shop, world


@pytest.fixture
async def hub(database: Database, clock: VirtualClock) -> World:
    return await with_shop(world(database, clock))


async def drained(courier: Courier) -> None:
    while (await courier.step()).step is not Step.NOTHING:
        pass
    await courier.close()


async def step_after(hub: World, courier: Courier, seconds: float) -> Step:
    assert isinstance(hub.clock, VirtualClock)
    await hub.clock.advance(timedelta(seconds=seconds))
    return (await courier.step()).step


def raises(error: Exception) -> object:
    async def fail(_commands: Sequence[SetAvailability]) -> None:
        raise error

    return fail


async def test_a_command_is_delivered_and_its_end_is_told(hub: World) -> None:
    await hub.enqueue(command("c1", quantity="5"))

    await drained(await hub.courier())

    assert hub.shop.levels == {("SKU-1", "DC1"): Decimal(5)}
    assert await hub.state("c1") == "DONE"
    assert await hub.settlements() == [("c1", "DONE")]


async def test_the_same_command_twice_is_delivered_once(hub: World) -> None:
    await hub.enqueue(command("c1"), command("c1"))
    await hub.enqueue(command("c1"))
    await drained(await hub.courier())
    await hub.enqueue(command("c1"))
    await drained(await hub.courier())

    assert hub.shop.effects == ["c1"]


async def test_a_newer_command_replaces_one_that_has_not_left(hub: World) -> None:
    await hub.enqueue(command("old", quantity="5", version=1))
    await hub.enqueue(command("new", quantity="7", version=2))

    await drained(await hub.courier())

    assert hub.shop.effects == ["new"]
    assert await hub.settlements() == [("old", "SUPERSEDED"), ("new", "DONE")]


async def test_an_older_command_that_comes_late_never_leaves(hub: World) -> None:
    await hub.enqueue(command("new", quantity="7", version=2))
    await drained(await hub.courier())
    await hub.enqueue(command("old", quantity="5", version=1))

    await drained(await hub.courier())

    assert hub.shop.levels["SKU-1", "DC1"] == Decimal(7)
    assert await hub.state("old") == "SUPERSEDED"


async def test_a_command_on_its_way_is_not_replaced_and_the_next_one_waits_for_it(
    hub: World,
) -> None:
    async def enqueue_another(_commands: Sequence[SetAvailability]) -> None:
        hub.shop.before = None
        await hub.enqueue(command("second", quantity="7", expected="5", version=2))
        other = await hub.courier(worker="w2")
        assert (await other.step()).step is Step.NOTHING
        await other.close()

    hub.shop.before = enqueue_another
    await hub.enqueue(command("first", quantity="5"))

    await drained(await hub.courier())

    assert hub.shop.effects == ["first", "second"]


async def test_two_workers_deliver_a_command_once(hub: World) -> None:
    await hub.enqueue(*(command(f"c{number}", item=f"sku-{number}") for number in range(200)))
    couriers = [await hub.courier(worker=f"w{number}") for number in range(4)]

    async def work(courier: Courier) -> None:
        for _ in range(10):
            await courier.step()
        await courier.close()

    await asyncio.gather(*(work(courier) for courier in couriers))

    assert sorted(hub.shop.effects) == sorted(f"c{number}" for number in range(200))


async def test_a_stale_write_is_told_with_what_the_shop_holds(hub: World) -> None:
    hub.shop.levels["SKU-1", "DC1"] = Decimal(9)
    await hub.enqueue(command("c1", quantity="5", expected="10"))

    await drained(await hub.courier())

    letter = await hub.outbox.show(MAIN, "c1")
    assert (letter.command.state, letter.command.observed) == ("STALE", Decimal(9))
    assert hub.shop.levels["SKU-1", "DC1"] == Decimal(9)


async def test_a_refused_command_is_a_dead_letter_with_its_reason(hub: World) -> None:
    hub.shop.refuses.add("SKU-1")
    await hub.enqueue(command("c1"), command("c2", item="sku-2"))

    await drained(await hub.courier())

    assert await hub.state("c2") == "DONE"
    [letter] = await hub.outbox.find(MAIN)
    assert (letter.command_id, letter.state, letter.code) == ("c1", "DEAD", "no_item")
    assert ("c1", "REFUSED") in await hub.settlements()


async def test_an_item_the_target_has_no_key_for_is_refused_and_the_rest_leaves(
    hub: World,
) -> None:
    hub.catalogue.nameless.add("sku-1")
    await hub.enqueue(command("c1"), command("c2", item="sku-2"))

    await drained(await hub.courier())

    assert hub.shop.effects == ["c2"]
    assert (await hub.outbox.show(MAIN, "c1")).command.code == "MD-ITEM-XREF"


async def test_words_the_role_does_not_have_are_refused_at_once(hub: World) -> None:
    await hub.enqueue(command("c1", quantity="many"), command("c2", item="s2", connection="gone"))

    codes = {letter.command_id: letter.code for letter in await hub.outbox.find(MAIN)}
    assert codes == {"c1": "invalid", "c2": "no_connection"}


async def test_a_target_that_is_away_is_tried_again_without_counting_against_the_command(
    hub: World,
) -> None:
    hub.shop.is_down = Unavailable("the dock is closed")
    await hub.enqueue(command("c1"))
    courier = await hub.courier()
    await courier.step()
    assert (await hub.outbox.show(MAIN, "c1")).command.attempts == 0

    hub.shop.is_down = None
    await step_after(hub, courier, 31)
    await courier.close()

    assert hub.shop.effects == ["c1"]


async def test_a_throttling_target_is_left_alone_as_long_as_it_asks(hub: World) -> None:
    hub.shop.is_down = Throttled("slow down", retry_after=timedelta(seconds=90))
    await hub.enqueue(command("c1"))
    courier = await hub.courier()
    await courier.step()
    hub.shop.is_down = None

    await hub.enqueue(command("c2", item="sku-2"))
    assert await step_after(hub, courier, 89) is Step.NOTHING
    assert await step_after(hub, courier, 2) is Step.CALLED
    await courier.close()

    assert sorted(hub.shop.effects) == ["c1", "c2"]


async def test_an_answer_lost_after_the_effect_is_read_back_and_not_repeated(hub: World) -> None:
    hub.shop.after = raises(Ambiguous("the line went dead"))  # type: ignore[assignment]  # it never comes to an answer
    await hub.enqueue(command("c1", quantity="5"))
    courier = await hub.courier()
    await courier.step()
    hub.shop.after = None

    await step_after(hub, courier, 10)
    await courier.close()

    assert hub.shop.effects == ["c1"]
    assert await hub.settlements() == [("c1", "DONE")]
    assert hub.shop.reads == 1


async def test_a_call_lost_before_the_effect_is_made_again(hub: World) -> None:
    hub.shop.before = raises(Ambiguous("the line went dead"))  # type: ignore[assignment]  # it never comes to an answer
    await hub.enqueue(command("c1", quantity="5"))
    courier = await hub.courier()
    await courier.step()
    hub.shop.before = None

    await step_after(hub, courier, 10)
    await courier.close()

    assert hub.shop.effects == ["c1"]


async def test_without_a_safe_repeat_an_unknown_outcome_is_parked_and_asked_about(
    database: Database, clock: VirtualClock
) -> None:
    hub = await with_shop(world(database, clock, safety=RepeatSafety.NONE))
    hub.shop.after = raises(Ambiguous("the line went dead"))  # type: ignore[assignment]  # it never comes to an answer
    await hub.enqueue(command("c1", quantity="5"))
    courier = await hub.courier()
    await courier.step()
    hub.shop.after = None
    await step_after(hub, courier, 3600)

    assert hub.shop.effects == ["c1"]
    assert await hub.settlements() == [("c1", "PARKED")]
    await hub.outbox.resolve(MAIN, "c1", By("ann", "seen in the shop"), happened=True)
    assert await hub.settlements() == [("c1", "PARKED"), ("c1", "DONE")]
    await courier.close()


async def test_with_a_native_key_a_repeat_carries_the_same_key(
    database: Database, clock: VirtualClock
) -> None:
    hub = await with_shop(world(database, clock, safety=RepeatSafety.NATIVE_KEY))
    hub.shop.before = raises(Ambiguous("the line went dead"))  # type: ignore[assignment]  # it never comes to an answer
    await hub.enqueue(command("c1"))
    courier = await hub.courier()
    await courier.step()
    hub.shop.before = None
    await step_after(hub, courier, 10)
    await courier.close()

    assert hub.shop.keys == ["c1"]
    assert hub.shop.reads == 0


async def test_a_fault_in_the_application_is_contained(hub: World) -> None:
    hub.shop.before = raises(KeyError("oops"))  # type: ignore[assignment]  # it never comes to an answer
    await hub.enqueue(command("c1"))
    courier = await hub.courier()
    for _ in range(6):
        await step_after(hub, courier, 600)
    await courier.close()

    letter = await hub.outbox.show(MAIN, "c1")
    assert (letter.command.state, letter.attempts[0].outcome) == ("PARKED", "BROKEN")


async def test_one_bad_command_does_not_take_its_batch_with_it(hub: World) -> None:
    async def reject(commands: Sequence[SetAvailability]) -> None:
        if any(each.item == "SKU-3" for each in commands):
            raise Rejected("not like this")

    hub.shop.before = reject
    await hub.enqueue(*(command(f"c{number}", item=f"sku-{number}") for number in range(6)))

    await drained(await hub.courier())

    assert sorted(hub.shop.effects) == ["c0", "c1", "c2", "c4", "c5"]
    assert await hub.state("c3") == "DEAD"


async def test_refused_credentials_pause_the_connection_until_a_person_resumes_it(
    hub: World,
) -> None:
    hub.shop.is_down = Forbidden("token revoked")
    await hub.enqueue(command("c1"))
    courier = await hub.courier()
    await courier.step()

    entry = await hub.directory.get(MAIN, "shop")
    assert (entry.is_paused, entry.pause_reason) == (True, "credentials refused: token revoked")
    assert await step_after(hub, courier, 3600) is Step.NOTHING

    hub.shop.is_down = None
    await hub.directory.resume(MAIN, "shop")
    await drained(courier)
    assert hub.shop.effects == ["c1"]


async def test_the_circuit_opens_probes_ever_less_often_and_closes_again(hub: World) -> None:
    hub.shop.is_down = Unavailable("the dock is closed")
    courier = await hub.courier()
    await hub.enqueue(*(command(f"c{number}", item=f"sku-{number}") for number in range(50)))
    for _ in range(360):
        await step_after(hub, courier, 10)
    calls, checks = len(hub.shop.calls), hub.shop.checks
    assert calls <= 10
    assert 25 <= checks <= 60
    assert (await hub.directory.get(MAIN, "shop")).circuit == "OPEN"

    hub.shop.is_down = None
    for _ in range(20):
        await step_after(hub, courier, 10)
    await courier.close()

    assert sorted(hub.shop.effects) == sorted(f"c{number}" for number in range(50))
    assert len(hub.shop.calls[calls][1]) == 1
    assert (await hub.directory.get(MAIN, "shop")).circuit == "CLOSED"


async def test_what_a_dead_process_had_on_its_way_is_taken_up_after_its_lease(hub: World) -> None:
    async def hang(_commands: Sequence[SetAvailability]) -> None:
        await asyncio.sleep(60)

    hub.shop.after = hang
    await hub.enqueue(command("c1", quantity="5"))
    dead = await hub.courier(worker="dead")
    stepping = asyncio.create_task(dead.step())
    while not hub.shop.effects:
        await asyncio.sleep(0.01)
    hub.shop.after = None

    other = await hub.courier(worker="other")
    assert (await other.step()).step is Step.NOTHING
    # Time passes in one leap, so the dead one's renewal never gets its turn.
    assert isinstance(hub.clock, VirtualClock)
    hub.clock._turn_to(hub.clock.ticks() + 16)
    await other.step()
    await step_after(hub, other, 10)
    assert await hub.state("c1") == "DONE"
    assert hub.shop.effects == ["c1"]
    assert hub.shop.reads == 1
    stepping.cancel()
    await other.close()
    for task in dead._calls:
        task.cancel()
    await dead.close()


async def test_an_outcome_that_comes_after_its_lease_counts_for_nothing(hub: World) -> None:
    gate = asyncio.Event()

    async def wait(_commands: Sequence[SetAvailability]) -> None:
        await gate.wait()

    hub.shop.after = wait
    await hub.enqueue(command("c1", quantity="5"))
    slow = await hub.courier(worker="slow")
    stepping = asyncio.create_task(slow.step())
    while not hub.shop.effects:
        await asyncio.sleep(0.01)
    hub.shop.after = None
    assert isinstance(hub.clock, VirtualClock)
    hub.clock._turn_to(hub.clock.ticks() + 16)
    other = await hub.courier(worker="other")
    await other.step()
    await step_after(hub, other, 10)
    gate.set()
    await stepping

    assert await hub.settlements() == [("c1", "DONE")]
    assert [attempt.outcome for attempt in (await hub.outbox.show(MAIN, "c1")).attempts] == [
        "DONE",
        "DONE",
    ]
    await slow.close()
    await other.close()


async def test_bulk_is_never_starved_and_urgent_goes_first(
    database: Database, clock: VirtualClock
) -> None:
    hub = await with_shop(world(database, clock, batch_max=1, concurrency=1))
    await hub.enqueue(*(command(f"b{n}", item=f"b{n}", lane=Lane.BULK) for n in range(5)))
    await hub.enqueue(*(command(f"u{n}", item=f"u{n}", lane=Lane.IMMEDIATE) for n in range(100)))
    courier = await hub.courier()

    for _ in range(20):
        await step_after(hub, courier, 1)
    await courier.close()

    assert hub.shop.effects[0].startswith("u")
    assert 2 <= sum(each.startswith("b") for each in hub.shop.effects) <= 3


async def test_calls_keep_to_the_rate(database: Database, clock: VirtualClock) -> None:
    hub = await with_shop(world(database, clock, batch_max=1, concurrency=4), rate_per_second=2)
    await hub.enqueue(*(command(f"c{n}", item=f"i{n}") for n in range(100)))
    courier = await hub.courier()

    for _ in range(40):
        for _ in range(3):
            await courier.step()
        await clock.advance(timedelta(milliseconds=250))
    await courier.close()

    assert 20 <= len(hub.shop.calls) <= 23


async def test_calls_at_once_keep_to_the_connections_limit_over_all_processes(
    database: Database, dsn: str
) -> None:
    """Three processes, each with a pool and a courier of its own, and room for two calls."""
    hub = await with_shop(world(database, SystemClock(), batch_max=1, concurrency=2))
    flying: list[int] = [0]
    seen: list[int] = []

    async def answer_slowly(_commands: Sequence[SetAvailability]) -> None:
        flying[0] += 1
        seen.append(flying[0])
        await asyncio.sleep(0.02)
        flying[0] -= 1

    hub.shop.before = answer_slowly
    others = [await Database.open(dsn) for _ in range(3)]
    around = [replace(hub.around(f"w{n}"), database=other) for n, other in enumerate(others)]
    working = [asyncio.create_task(Deliveries(each).run()) for each in around]
    made = 0
    async with asyncio.timeout(30):
        while await workers_that_tried(database) < 2:  # whoever is awake may take many in a row
            numbers = range(made, made := made + 40)
            await hub.enqueue(*(command(f"c{one}", item=f"sku-{one}") for one in numbers))
            while len(hub.shop.effects) < made:
                await asyncio.sleep(0.01)
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    for other in others:
        await other.close()

    assert max(seen) == 2  # all the room there is, and never more
    assert len(seen) == made


async def workers_that_tried(database: Database) -> int:
    async with database.transaction(MAIN) as tx:
        workers: int = await tx.fetchval("select count(distinct worker) from outbox_attempt")
    return workers


async def test_a_courier_at_work_delivers_at_once_and_stops_cleanly(database: Database) -> None:
    hub = await with_shop(world(database, SystemClock()))
    working = asyncio.create_task(Deliveries(hub.around()).run())
    await asyncio.sleep(0.3)

    await hub.enqueue(command("c1"))
    async with asyncio.timeout(2):  # far below the idle look of five seconds
        while not hub.shop.effects:
            await asyncio.sleep(0.005)
    await with_shop(hub, "second")
    await hub.enqueue(command("c2", connection="second"))
    async with asyncio.timeout(2):
        while not hub.shops["second"].effects:
            await asyncio.sleep(0.005)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert await hub.state("c1") == "DONE"
    assert await hub.state("c2") == "DONE"


async def test_enqueueing_claiming_and_settling_never_wait_in_a_circle(hub: World) -> None:
    items = [f"sku-{number}" for number in range(20)]
    hub.catalogue.nameless |= set(items[::2])

    async def enqueue(start: int) -> None:
        for version in range(start, 60, 3):
            await hub.enqueue(
                *(command(f"{item}v{version}", item=item, version=version) for item in items)
            )

    async def work(courier: Courier) -> None:
        for _ in range(25):
            await courier.step()
        await drained(courier)

    couriers = [await hub.courier(worker=f"w{number}") for number in range(2)]
    await asyncio.gather(*(enqueue(start) for start in range(3)), *map(work, couriers))
    await drained(await hub.courier())

    ended = Counter(name for name, _ in await hub.settlements())
    assert len(ended) == 20 * 60
    assert set(ended.values()) == {1}
