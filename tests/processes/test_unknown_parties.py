"""What names a party that nobody knows waits for it, as what names an unknown item does."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.references import Reference
from crossdock.connectivity.recording import FIRST_RETRY, Verdict
from crossdock.foundation.clock import VirtualClock
from tests.conftest import NOON
from tests.processes.end_to_end.world import settings_of

BRANCH = Fact(
    identity="METRO-7",
    payload=PartyChanged(code="METRO-7", parent="METRO"),
    occurred_at=NOON,
)
METRO = Fact(identity="METRO", payload=PartyChanged(code="Metro"), occurred_at=NOON)


@pytest.fixture
async def hub(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Hub]:
    outside = Outside(clock=clock, applications={})
    async with Hub.open(settings_of(dsn, tmp_path), outside) as opened:
        yield opened


async def test_a_branch_waits_for_the_party_it_belongs_to(hub: Hub, clock: VirtualClock) -> None:
    [verdict] = await hub.record([BRANCH], source="erp")
    assert (verdict.verdict, verdict.code) == (Verdict.WAITING, "MD-PARTY")
    assert verdict.reason == "party 'METRO'"
    await hub.settle()
    assert await hub.catalog.parties(hub.scope) == []

    await hub.record([METRO], source="erp")
    await hub.settle()
    await clock.advance(FIRST_RETRY)
    await hub.settle()

    told = await hub.catalog.parties(hub.scope)
    assert [(one.party, one.parent) for one in told] == [("METRO", ""), ("METRO-7", "METRO")]


async def test_a_branch_of_nobody_is_set_aside_in_the_end(hub: Hub, clock: VirtualClock) -> None:
    await hub.record([BRANCH], source="erp")
    await clock.advance(timedelta(minutes=16))
    await hub.settle()

    [letter] = await hub.quarantine.find(hub.scope)
    assert (letter.code, letter.place) == ("EVT-ORPHAN", "MD-PARTY")


def ordered(version: int) -> Fact:
    line = DemandLine(
        demand_ref="1/1",
        item="BOLT",
        location="DC1",
        ordered=Quantity.of(4),
        cancelled=Quantity.of(0),
    )
    payload = OrderChanged(order_id="1", lines=(line,), customer=" gid/4")
    return Fact(identity=f"order:1@{version}", payload=payload, occurred_at=NOON, version=version)


async def test_an_order_claims_its_goods_whoever_its_customer_is(hub: Hub) -> None:
    goods = [
        Fact(identity=payload.key, payload=payload, occurred_at=NOON)
        for payload in (ItemChanged(sku="BOLT"), LocationChanged(code="DC1"))
    ]
    await hub.record([*goods, METRO], source="erp")
    await hub.settle()

    [verdict] = await hub.record([ordered(1)], source="shop")
    await hub.settle()
    [line] = await hub.allocation.lines(hub.scope, "BOLT", "DC1")
    assert verdict.verdict is Verdict.NEW
    assert (line.customer, line.requested) == ("GID/4", 4 * MICROS)

    await hub.catalog.link(hub.scope, "shop", Reference.party(" gid/4"), "METRO")
    await hub.record([ordered(2)], source="shop")
    await hub.settle()
    [line] = await hub.allocation.lines(hub.scope, "BOLT", "DC1")
    assert line.customer == "METRO"
