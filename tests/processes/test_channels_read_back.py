"""A shop whose number drifts is read back, found out twice, and told again."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.canonical.errors import NotFound, Rejected
from crossdock.capabilities.reconciliation import Finding, Sampled, Wanted
from crossdock.capabilities.reconciliation.asked_store import put_classes
from crossdock.capabilities.reconciliation.dumps import Worth
from tests.processes.test_backfill import Street, count, open_street


@pytest.fixture
async def street(dsn: str, tmp_path: Path) -> AsyncIterator[Street]:
    async with open_street(dsn, tmp_path) as opened:
        await opened.say(count(1, 40))
        yield opened


def drift(street: Street, to: int) -> None:
    """Let the number change there, and nobody tell it."""
    for level in street.shop.simulator.shop.levels.values():
        level.available = to


async def read(street: Street, *, republish: bool = False) -> Sampled:
    hub = street.at.hub
    await street.at.clock.advance(timedelta(minutes=31))
    return await hub.sampler.sample(
        hub.scope, "shop", street.shop.location, by="test", republish=republish
    )


async def found(street: Street, *states: str) -> list[Finding]:
    return await street.at.hub.reconciliation.findings(
        street.at.hub.scope, Wanted(states=states or None, against="shop")
    )


async def settled(street: Street) -> None:
    for _ in range(5):
        await street.at.clock.advance(timedelta(minutes=1))
        await street.at.hub.settle()


async def test_what_a_shop_holds_as_told_is_no_finding(street: Street) -> None:
    done = await read(street)

    assert (done.run.system, done.run.against) == ("published", "shop")
    assert (done.run.compared, done.run.alike, done.republished) == (1, 1, 0)
    assert await found(street) == []


async def test_a_number_that_drifted_is_found_twice_then_told_again_and_agrees(
    street: Street,
) -> None:
    drift(street, 55)
    first = await read(street, republish=True)
    assert (first.run.suspected, first.republished, street.shown) == (1, 0, [40])

    second = await read(street, republish=True)

    assert (second.run.confirmed, second.republished) == (1, 1)
    [one] = await found(street, "CONFIRMED")
    assert (one.remedy, str(one.ours), str(one.theirs)) == ("REPUBLISH", "40", "55")
    assert (one.attempts, str(one.withheld)) == (1, "0")
    await settled(street)
    assert street.shop.levels() == {"BOLT": 40}
    assert (await read(street)).run.gone == 1
    [closed] = await found(street)
    assert (closed.state, closed.root_cause) == ("CLOSED", "MANUAL_ADJ")


async def test_what_three_writes_did_not_mend_is_for_a_person(street: Street) -> None:
    drift(street, 55)
    await read(street)
    for _ in range(4):
        await read(street, republish=True)

    codes = {one.code for one in await street.at.hub.cases.find(street.at.hub.scope)}
    assert "PUB-STALE" in codes
    [one] = await found(street, "CONFIRMED")
    assert one.attempts == 3


async def test_a_hub_at_work_reads_back_what_is_due_and_no_more(street: Street) -> None:
    hub = street.at.hub
    [plan] = await hub.sampler.plans(hub.scope)
    assert (plan.listings, plan.keys_a_day, plan.calls_a_day) == (1, 1, 1)
    # Eight requests a second, eleven to a reading of 250 items by SKU.
    assert plan.quota_calls_a_day == 8 * 86_400 // 11

    for _ in range(3):
        await hub.sampler.follow()
    assert len(await hub.reconciliation.runs(hub.scope, against="shop")) == 1
    await street.at.clock.advance(timedelta(days=1))
    await hub.sampler.follow()

    assert len(await hub.reconciliation.runs(hub.scope, against="shop")) == 2


async def test_who_cannot_be_read_back_is_named(street: Street) -> None:
    hub = street.at.hub

    with pytest.raises(NotFound, match="no channel that can be read back"):
        await hub.sampler.sample(hub.scope, "erp", "DC1", by="test")
    with pytest.raises((NotFound, Rejected)):
        await hub.sampler._channels.read_back(hub.scope, "erp", "DC1", ["BOLT"])


async def test_what_drifted_is_worth_what_it_costs_or_else_what_it_earns(street: Street) -> None:
    """Fifteen more: at a margin of 3 they are worth 45, at a cost of 2 the piece 30."""
    hub = street.at.hub
    drift(street, 55)
    await read(street)
    [unpriced] = await found(street)
    async with hub.database.transaction(hub.scope) as tx:
        await tx.execute(
            "update publishing_channel set unit_margin = 3000000, currency = 'EUR'"
            " where tenant = $1",
            tx.tenant,
        )
    await read(street)
    [earns] = await found(street)
    async with hub.database.transaction(hub.scope) as tx:
        await put_classes(tx, {("DC1", "BOLT"): Worth("C", 2_000_000)})
    await read(street)
    [costs] = await found(street)

    assert (unpriced.value_at_risk, unpriced.evidence["priced_by"]) == (None, "")
    said = (earns.value_at_risk, earns.currency, earns.evidence["priced_by"])
    assert said == (Decimal(45), "EUR", "unit_margin")
    said = (costs.value_at_risk, costs.currency, costs.evidence["priced_by"])
    assert said == (Decimal(30), "", "unit_cost")
