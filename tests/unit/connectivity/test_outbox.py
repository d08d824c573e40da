"""What is stuck in the outbox can be seen, mended, sent again or given up."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Ambiguous, Conflict, Invalid, NotFound
from crossdock.connectivity.courier import Step
from crossdock.connectivity.outbox import By, Replayed, Wanted
from crossdock.connectivity.sdk import RepeatSafety, SetAvailability
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.unit.connectivity.standins import MAIN, World, command, with_shop, world

ANN = By("ann", "mended")


@pytest.fixture
async def hub(database: Database, clock: VirtualClock) -> World:
    return await with_shop(world(database, clock))


async def deliver(hub: World) -> None:
    courier = await hub.courier()
    while (await courier.step()).step is not Step.NOTHING:
        pass
    await courier.close()


async def refused(hub: World, *names: str) -> None:
    hub.shop.refuses |= {f"SKU-{name.upper()}" for name in names}
    await hub.enqueue(*(command(name, item=f"sku-{name}") for name in names))
    await deliver(hub)
    hub.shop.refuses.clear()


async def test_dead_letters_are_replayed_in_bulk_after_a_dry_run(hub: World) -> None:
    await refused(hub, "a", "b")
    await hub.enqueue(command("newer", item="sku-b", version=2))

    trial = await hub.outbox.replay(MAIN, Wanted(code="no_item"), ANN, dry_run=True)
    assert [each.result for each in trial] == [Replayed.SENT, Replayed.OVERTAKEN]
    assert {letter.state for letter in await hub.outbox.find(MAIN)} == {"DEAD"}

    assert await hub.outbox.replay(MAIN, Wanted(code="no_item"), ANN) == trial
    await deliver(hub)

    assert sorted(hub.shop.effects) == ["a", "newer"]
    assert hub.shop.keys[-1] != "b"


async def test_what_is_refused_again_and_again_is_one_letter(hub: World) -> None:
    await refused(hub, "a", "b")
    hub.shop.refuses |= {"SKU-A"}
    await hub.enqueue(command("a2", item="sku-a", version=2))
    await deliver(hub)
    await hub.enqueue(command("a3", item="sku-a", version=3))
    await deliver(hub)

    assert {letter.command_id for letter in await hub.outbox.find(MAIN)} == {"a3", "b"}
    first = (await hub.outbox.show(MAIN, "a")).command
    assert (first.state, first.detail) == (
        "SUPERSEDED",
        "a newer command of its subject was refused too",
    )


async def test_what_can_never_leave_is_one_letter_too(hub: World) -> None:
    for version in (1, 2, 3):
        await hub.enqueue(command(f"a{version}", version=version, connection="nosuch"))

    assert [letter.command_id for letter in await hub.outbox.find(MAIN)] == ["a3"]


async def test_what_was_refused_goes_again_under_a_key_of_its_own(hub: World) -> None:
    await refused(hub, "a")
    await hub.outbox.replay(MAIN, Wanted(), ANN)
    await deliver(hub)

    assert hub.shop.keys == ["a", "a.r1"]


async def test_who_asks_for_what_is_in_doubt_alone_sends_nothing_that_was_refused(
    hub: World,
) -> None:
    await refused(hub, "a")
    with pytest.raises(Invalid, match="by its id alone"):
        await hub.outbox.replay(MAIN, Wanted(states=("PARKED",)), ANN)

    assert [letter.state for letter in await hub.outbox.find(MAIN)] == ["DEAD"]


@given(
    st.lists(st.sampled_from(["DEAD", "PARKED", "DONE"]), unique=True).map(tuple),
    st.none() | st.just(("a",)),
)
def test_no_state_is_sent_again_that_was_not_asked_for(
    states: tuple[str, ...], ids: tuple[str, ...] | None
) -> None:
    wanted = Wanted(states=states, ids=ids)
    try:
        sent = wanted.to_replay()
    except Invalid:
        assert ids is None
        assert "DEAD" not in states
        return

    assert set(sent.states) <= set(states)
    assert ids or sent.states == ("DEAD",)


async def test_an_edited_command_keeps_its_original(hub: World) -> None:
    await refused(hub, "a")

    replay = await hub.outbox.edit(MAIN, "a", {"quantity": "3"}, ANN)
    await deliver(hub)

    letter = await hub.outbox.show(MAIN, "a")
    assert (letter.command.state, letter.command.revision) == ("DONE", 1)
    assert letter.revisions[0].arguments["quantity"] == "5"
    assert (letter.revisions[0].reason, letter.revisions[0].actor) == ("mended", "ann")
    assert replay.idempotency_key == "a.r1"
    assert str(hub.shop.levels["SKU-A", "DC1"]) == "3"


async def test_an_edit_must_fit_the_role_and_a_dry_run_changes_nothing(hub: World) -> None:
    await refused(hub, "a")

    with pytest.raises(Invalid):
        await hub.outbox.edit(MAIN, "a", {"quantity": "many"}, ANN)
    with pytest.raises(Invalid):
        await hub.outbox.edit(MAIN, "a", {"colour": "red"}, ANN)
    trial = await hub.outbox.edit(MAIN, "a", {"quantity": "3"}, ANN, dry_run=True)

    assert trial.result is Replayed.SENT
    assert await hub.state("a") == "DEAD"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"quantity": "-3"}, "quantity"),
        ({"quantity": "1e30"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": "0.0000001"}, "quantity"),
        ({"expected": "1e30"}, "expected"),
        ({"item": ""}, "item"),
        ({"item": "sku-b"}, "item"),
        ({"location": "dc2", "quantity": "3"}, "location"),
        ({"version": 9}, "version"),
        ({"idempotency_key": "k"}, "idempotency_key"),
        ({"reference": "mine"}, "reference"),
        ({"quantity": "5"}, "changes"),
        ({}, "changes"),
    ],
)
async def test_an_edit_that_cannot_be_right_is_refused(
    hub: World, changes: dict[str, Any], where: str
) -> None:
    await refused(hub, "a")

    with pytest.raises(Invalid) as error:
        await hub.outbox.edit(MAIN, "a", changes, ANN, dry_run=True)

    assert error.value.where == where


async def parked(hub: World) -> None:
    async def lose(_commands: Sequence[SetAvailability]) -> None:
        raise Ambiguous("the line went dead")

    hub.shop.after = lose
    await hub.enqueue(command("a"))
    await deliver(hub)
    hub.shop.after = None


async def test_a_parked_command_cannot_be_edited_before_its_question_is_answered(
    database: Database, clock: VirtualClock
) -> None:
    hub = await with_shop(world(database, clock, safety=RepeatSafety.NONE))
    await parked(hub)
    with pytest.raises(Conflict):
        await hub.outbox.edit(MAIN, "a", {"quantity": "3"}, ANN)

    hub.shop.levels.clear()
    await hub.outbox.resolve(MAIN, "a", ANN, happened=False)
    await deliver(hub)

    assert await hub.settlements() == [("a", "PARKED"), ("a", "DONE")]
    with pytest.raises(Conflict):
        await hub.outbox.resolve(MAIN, "a", ANN, happened=True)


async def test_a_replayed_command_of_unknown_outcome_keeps_its_key(
    database: Database, clock: VirtualClock
) -> None:
    hub = await with_shop(world(database, clock, safety=RepeatSafety.NONE))
    await parked(hub)

    [replay] = await hub.outbox.replay(MAIN, Wanted(ids=("a",)), ANN)

    assert (replay.result, replay.idempotency_key) == (Replayed.SENT, "a")


async def test_a_discarded_command_stays_on_record_and_needs_a_reason(hub: World) -> None:
    await refused(hub, "a")

    with pytest.raises(Invalid):
        By("ann", " ")
    with pytest.raises(NotFound, match="'unknown'"):
        await hub.outbox.discard(MAIN, ["a", "unknown"], By("ann", "sold out"))
    assert await hub.state("a") == "DEAD"
    assert await hub.outbox.discard(MAIN, ["a"], By("ann", "sold out")) == 1
    assert await hub.outbox.discard(MAIN, ["a"], By("ann", "sold out")) == 0

    letter = await hub.outbox.show(MAIN, "a")
    assert (letter.command.state, letter.command.detail) == ("DISCARDED", "sold out (ann)")
    assert await hub.outbox.find(MAIN) == []


async def test_two_people_who_replay_at_once_send_it_once(hub: World) -> None:
    await refused(hub, "a")

    results = await asyncio.gather(
        *(hub.outbox.replay(MAIN, Wanted(ids=("a",)), ANN) for _ in range(4))
    )

    sent = [each.result for replays in results for each in replays].count(Replayed.SENT)
    assert sent == 1


async def test_another_tenant_sees_none_of_it(hub: World) -> None:
    await refused(hub, "a")
    other = Scope("other")

    assert await hub.outbox.find(other) == []
    with pytest.raises(NotFound):
        await hub.outbox.show(other, "a")
    with pytest.raises(NotFound):
        await hub.outbox.discard(other, ["a"], By("eve", "mine"))


async def test_depths_tell_what_waits_and_what_is_stuck(hub: World) -> None:
    await refused(hub, "a")
    await hub.enqueue(command("b", item="sku-b"))

    depths = [
        (each["connection"], each["state"], each["commands"])
        for each in await hub.outbox.depths(MAIN)
    ]

    assert depths == [("shop", "DEAD", 1), ("shop", "PENDING", 1)]
