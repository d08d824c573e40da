"""What names a party that nobody knows is heard all the same: by its code, until it is known."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.references import Reference
from crossdock.connectivity.recording import Verdict
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


async def test_a_branch_is_known_before_the_party_it_belongs_to(hub: Hub) -> None:
    for fact in (BRANCH, METRO):
        [verdict] = await hub.record([fact], source="erp")
        assert verdict.verdict is Verdict.NEW
        await hub.settle()

    told = await hub.catalog.parties(hub.scope)
    assert [(one.party, one.parent) for one in told] == [("METRO", ""), ("METRO-7", "METRO")]


@pytest.mark.parametrize("parent", ["METRO", " metro"])
async def test_a_party_that_belongs_to_itself_is_the_top_of_a_tree(hub: Hub, parent: str) -> None:
    itself = replace(METRO, payload=PartyChanged(code="Metro", parent=parent))
    [verdict] = await hub.record([itself], source="erp")
    await hub.settle()

    [only] = await hub.catalog.parties(hub.scope)
    assert (verdict.verdict, only.parent) == (Verdict.NEW, "")


async def test_two_parties_that_belong_to_each_other_are_both_known(hub: Hub) -> None:
    pair = [
        replace(METRO, identity=code, payload=PartyChanged(code=code, parent=parent))
        for code, parent in (("A", "B"), ("B", "A"))
    ]
    await hub.record(pair, source="erp")
    await hub.settle()

    told = await hub.catalog.parties(hub.scope)
    assert [(one.party, one.parent) for one in told] == [("A", "B"), ("B", "A")]


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
