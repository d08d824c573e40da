"""A promise with a time is over when no order took it up in it: on a real hub (§3.4, A22)."""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import pytest

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.holding import Holding
from crossdock.capabilities.supply import KeptPromises, PromiseAsked, Question
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Transaction
from crossdock.foundation.scope import Scope
from tests.unit.capabilities.supply.test_kept_promises import AT_ONCE, lapses, lapsing, promise
from tests.unit.capabilities.supply.test_promises_together import together
from tests.unit.capabilities.supply.test_told import promises_told
from tests.unit.capabilities.supply.yard import Yard, fact, kit, line, moved, ordered, shelf

OTHER = Scope("another")
SOON, LATE = timedelta(seconds=599), timedelta(seconds=600)


class Contended(Holding):
    """Goods that somebody else always holds crosswise, of one tenant."""

    def __init__(self, inner: Holding, tenant: str) -> None:
        self.__dict__.update(inner.__dict__)
        self.tenant = tenant

    async def lock_in(self, tx: Transaction, keys: Sequence[tuple[str, str]]) -> None:
        if tx.tenant == self.tenant:
            raise asyncpg.DeadlockDetectedError
        await super().lock_in(tx, keys)


async def tell(yard: Yard, scope: Scope, *facts: Fact) -> None:
    """Record facts that no part hears yet."""
    await yard.hub.inbox.record(scope, "erp", facts, b"")


async def test_an_order_that_came_in_time_and_is_not_counted_yet_takes_it_up(
    yard: Yard, clock: VirtualClock
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 10)
    before = await lapsing(yard, "r0", 2)
    await clock.advance(timedelta(seconds=1))
    made = await lapsing(yard, "r1", 8, "so1/1")
    await clock.advance(SOON)
    await tell(yard, yard.hub.scope, ordered("so1", line("so1/1", 8)))
    await clock.advance(timedelta(seconds=1))
    # What was over before the order came is over; of the other nobody can say yet.
    assert await yard.hub.kept_promises.lapse_due() == 1
    assert not (await promise(yard, "r2", 8)).is_granted
    assert [one.promise_id for one in await lapses(yard)] == [before.promise_id]
    await yard.hub.settle()
    assert await yard.hub.kept_promises.lapse_due() == 0
    kept = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)
    assert (kept.released_at, kept.expires_at) == (None, None)
    assert await yard.promisable() == {0: 2}


async def test_that_it_stays_is_told_once(yard: Yard, clock: VirtualClock) -> None:
    await yard.hub.put_stock("X", "DC1", 10)
    made = await lapsing(yard, "r1", 8, "so1/1")
    await yard.hear(ordered("so1", line("so1/1", 8)))
    await clock.advance(LATE)
    for _ in range(2):
        assert await yard.hub.kept_promises.lapse_due() == 0
    first, stays = await promises_told(yard)
    assert (first.state, first.expires_at) == ("MADE", made.expires_at)
    assert (stays.state, stays.version, stays.changed_by) == ("TAKEN_UP", 2, "crossdock")
    assert (stays.promise_id, stays.expires_at) == (made.promise_id, None)
    await yard.hub.kept_promises.release(yard.hub.scope, made.promise_id, by="test")
    assert (await promises_told(yard))[-1].version == 3


@pytest.mark.parametrize("wanted", ["A", "K"])
async def test_whoever_promises_ends_what_has_lapsed_of_the_same_goods_alone(
    yard: Yard, clock: VirtualClock, wanted: str
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(kit("K", 1, A=2))
    for item in "XA":
        await yard.hub.put_stock(item, "DC1", 10)
    other = await lapsing(yard, "r1", 10)
    question = Question("A", "DC1", "EA", 10 * MICROS)
    asked = PromiseAsked("r2", (question,), ("",), ttl_seconds=600)
    same = await yard.hub.kept_promises.promise(yard.hub.scope, "shop", asked)
    await clock.advance(LATE)
    made = await together(yard, "r3", (wanted, "DC1", 5, ""))
    assert made.is_granted
    assert [one.promise_id for one in await lapses(yard)] == [same.promise_id]
    assert (await promise(yard, "r4", 10)).is_granted
    assert other.promise_id in [one.promise_id for one in await lapses(yard)]


async def test_goods_that_one_tenant_cannot_let_go_keep_no_other_waiting(
    yard: Yard, clock: VirtualClock
) -> None:
    names = (fact("X", ItemChanged(sku="X")), fact("DC1", LocationChanged(code="DC1")))
    await tell(yard, OTHER, *names)
    await yard.hub.settle()
    await tell(yard, OTHER, moved("m", 10, None, shelf()))
    await yard.hub.put_stock("X", "DC1", 10)
    asked = PromiseAsked("r1", (Question("X", "DC1", "EA", MICROS),), ("",), ttl_seconds=600)
    scopes = {OTHER.tenant: OTHER, "main": yard.hub.scope}
    made = {
        tenant: await yard.hub.kept_promises.promise(scope, "shop", asked)
        for tenant, scope in scopes.items()
    }
    assert all(one.is_granted for one in made.values())
    await clock.advance(LATE)
    hub = yard.hub
    first = min(scopes)
    stock = Contended(hub.inventory.holding, first)
    promises = KeptPromises(hub.database, clock, hub.ids, stock, hub.supply.answer_in)
    assert await promises.lapse_due() == 1
    over = {
        tenant: (await promises.get(scope, made[tenant].promise_id)).released_at is not None
        for tenant, scope in scopes.items()
    }
    assert over == {tenant: tenant != first for tenant in scopes}
    assert await hub.kept_promises.lapse_due() == 1
