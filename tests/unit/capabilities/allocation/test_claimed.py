"""A minimum is kept once: what its channel's orders claim is out of the pool already (§3.6)."""

import json
from random import Random

import msgspec
import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import (
    Explanation,
    Reservation,
    ReservationLine,
    ReservationRequest,
)
from crossdock.capabilities.inventory.announcement import basis_heard
from crossdock.capabilities.inventory.protection import Claim
from crossdock.interfaces.api.promise_shapes import promise_shown
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_kept_promises import got, keep, promise
from tests.unit.capabilities.allocation.test_runs import of
from tests.unit.capabilities.inventory.house import MAIN, count, counted, demand, moved, place


def written(explained: Explanation) -> bytes:
    return msgspec.json.encode(promise_shown(explained, {"X": "EA"}))


# 20 there, a minimum of 10 for key, and an order of key's of 10 that nothing has confirmed yet.
@pytest.mark.parametrize(("least", "expected"), [(0, 10), (10, 10), (15, 5), (20, 0), (30, 0)])
async def test_a_minimum_keeps_only_what_its_orders_do_not_claim(
    floor: Floor, least: int, expected: int
) -> None:
    await floor.hear(counted(1, count(20)), of("key", "K", 1, demand("K/1", 10)))
    if least:
        await keep(floor, "key", least=least)

    made = await promise(floor, "web", 20, partly=True)
    assert got(made) == expected
    assert got(await promise(floor, "key", 10, ref="K/1")) == 10
    await floor.inventory.upkeep.tell()
    explained = await floor.inventory.explain(MAIN, made.reservation_id)
    assert explained.is_reproduced
    assert [line.kept_for_channels for line in explained.lines] == [
        max(0, least - 10) * MICROS
    ]  # fmt: skip


async def test_what_is_confirmed_of_an_order_is_claimed_no_longer(floor: Floor) -> None:
    await floor.hear(counted(1, count(30)), of("key", "K", 1, demand("K/1", 10)))
    await keep(floor, "key", least=15)
    asked = [
        ReservationRequest(
            f"R{number}", (ReservationLine("X", "DC1", micros * MICROS, ref),),
            allow_partial=True, channel=channel,
        )
        for number, (channel, micros, ref) in enumerate((("key", 10, "K/1"), ("web", 20, "")))
    ]  # fmt: skip
    made = [
        one
        for one in await floor.inventory.reserve_many(MAIN, "shop", asked)
        if isinstance(one, Reservation)
    ]

    assert [got(one) for one in made] == [10, 15]
    await floor.inventory.upkeep.tell()
    for one in made:
        assert (await floor.inventory.explain(MAIN, one.reservation_id)).is_reproduced
    assert got(await promise(floor, "key", 9, partly=True)) == 5


async def test_what_was_picked_or_cancelled_is_claimed_no_longer(floor: Floor) -> None:
    await floor.hear(counted(1, count(30)), of("key", "K", 1, demand("K/1", 10)))
    await keep(floor, "key", least=15)
    await floor.hear(moved(2, 4, place(), None, demand_ref="K/1"))
    assert got(await promise(floor, "web", 30, partly=True, name="picked")) == 15
    await floor.hear(of("key", "K", 2))

    assert got(await promise(floor, "web", 30, partly=True, name="dropped")) == 0


async def test_a_promise_of_before_is_explained_by_what_was_kept_of_it_then(floor: Floor) -> None:
    await floor.hear(counted(1, count(20)))
    await keep(floor, "key", least=6)
    await floor.inventory.upkeep.tell()
    made = await promise(floor, "web", 15, partly=True)
    told = written(await floor.inventory.explain(MAIN, made.reservation_id))
    async with floor.database.transaction(MAIN) as tx:  # the log has not heard of it yet
        basis = await tx.fetchval("select basis from inventory_announcement where tenant = 'main'")
        said = json.loads(basis)
        assert [row[1:] for row in said["guards"]] == [["key", None, 6 * MICROS, 0, 0]]
        said["guards"] = [row[:5] for row in said["guards"]]
        await tx.execute(
            "update inventory_announcement set basis = $1 where tenant = 'main'", json.dumps(said)
        )
    await floor.inventory.upkeep.tell()

    explained = await floor.inventory.explain(MAIN, made.reservation_id)
    assert (got(made), explained.is_reproduced) == (14, True)
    assert written(explained) == told


async def test_a_promise_is_explained_byte_for_byte_after_its_orders_are_gone(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(20)), of("key", "K", 1, demand("K/1", 8)))
    await keep(floor, "key", least=10)
    made = await promise(floor, "web", 20, partly=True)
    await floor.inventory.upkeep.tell()
    told = written(await floor.inventory.explain(MAIN, made.reservation_id))
    await floor.hear(of("key", "K", 2), moved(3, 2, place(), None))
    await floor.allocation.rulebook.unprotect(MAIN, "X", "DC1", "key", by="planner")

    assert got(made) == 10
    assert written(await floor.inventory.explain(MAIN, made.reservation_id)) == told


def test_a_basis_without_claims_keeps_minima_in_full_as_it_did() -> None:
    rest = '"channels": [], "regrants": [], "had": []}'
    old = basis_heard('{"guards": [[7, "key", null, 10, 3]], ' + rest)
    new = basis_heard('{"guards": [[7, "key", null, 10, 3, 5]], ' + rest)

    assert old.guards == {7: {"key": Claim(least=10, used=3)}}
    assert new.guards == {7: {"key": Claim(least=10, used=3, claimed=5)}}
    assert (old.guards[7]["key"].protected, new.guards[7]["key"].protected) == (7, 2)


@pytest.mark.parametrize("seed", range(6))
async def test_what_each_channel_may_have_is_a_plain_sum_over_orders_and_holds(
    floor: Floor, seed: int
) -> None:
    chance = Random(seed)
    there = chance.randint(20, 90)
    least = {"key": chance.randint(1, 30), "web": chance.randint(1, 30)}
    await floor.hear(counted(1, count(there)))
    for channel, micros in least.items():
        await keep(floor, channel, least=micros)
    set_aside = dict.fromkeys((*least, "other"), 0)  # for a channel, by orders and by holds
    left = there
    for step in range(2, 8):
        channel, ref = chance.choice(sorted(set_aside)), f"O{step}/1"
        ordered, picked = chance.randint(1, 6), chance.choice((0, 0, 1, 2))
        kind = chance.choice(("claims", "promised", "hold"))
        if kind == "hold":
            amount = got(await promise(floor, channel, ordered, partly=True))
        else:
            await floor.hear(of(channel, f"O{step}", 1, demand(ref, ordered)))
            if picked:
                await floor.hear(moved(step, picked, place(), None, demand_ref=ref))
            if kind == "promised":
                await promise(floor, channel, ordered, ref=ref, partly=True)
            amount = max(ordered, picked)
        set_aside[channel] += amount
        left -= amount

    for channel in set_aside:
        kept = sum(max(0, least[h] - set_aside[h]) for h in least if h != channel)
        made = await promise(floor, channel, 99, partly=True)
        assert got(made) == max(0, max(0, left) - kept)
        if got(made):
            await floor.inventory.release(MAIN, made.reservation_id)
