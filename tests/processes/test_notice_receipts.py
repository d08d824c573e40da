"""What came of a ship notice unlike it was announced is receiving's, until it is put right."""

from collections.abc import AsyncIterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyEvidence, SupplyKind
from crossdock.capabilities.supply import AtpRule, PlacedRule
from crossdock.capabilities.supply.notices import is_beyond
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.settings import Settings
from crossdock.orchestration.cases import Case
from tests.conftest import NOON


class Dock:
    """A hub that hears of ship notices, and looks once an hour what came of them."""

    def __init__(self, hub: Hub, clock: VirtualClock) -> None:
        self.hub = hub
        self.clock = clock

    async def hear(
        self,
        to_come: int,
        received: int | None,
        version: int,
        *,
        name: str = "asn:1/1",
        kind: SupplyKind = SupplyKind.ASN_LINE,
    ) -> None:
        said = SupplyCommitmentChanged(
            supply_id=name,
            kind=kind,
            item="BOLT",
            location="DC1",
            open_quantity=Quantity.of(to_come),
            evidence=SupplyEvidence.SHIPPED,
            eta=NOON.date() + timedelta(days=30),
            received=None if received is None else Quantity.of(received),
        )
        fact = Fact(
            identity=f"{name}@{version}",
            payload=said,
            occurred_at=self.clock.now(),
            version=version,
        )
        await self.hub.record([fact], source="erp")

    async def look(self) -> list[Case]:
        await self.clock.advance(timedelta(hours=1))
        assert "watch ship notices" in await self.hub.jobs.run_due()
        return await self.hub.cases.find(self.hub.scope)


@pytest.fixture
async def dock(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Dock]:
    settings = Settings(data_dir=tmp_path, dsn=SecretStr(dsn))
    async with Hub.open(settings, Outside(clock=clock)) as hub:
        await hub.record(
            [
                Fact(identity="item", payload=ItemChanged(sku="BOLT"), occurred_at=clock.now()),
                Fact(identity="dc", payload=LocationChanged(code="DC1"), occurred_at=clock.now()),
            ],
            source="erp",
        )
        yield Dock(hub, clock)


async def test_a_notice_that_ends_short_is_receivings_until_it_is_put_right(dock: Dock) -> None:
    await dock.hear(50, None, 1)
    await dock.hear(20, 30, 2)
    assert await dock.look() == []
    await dock.hear(0, 30, 3)
    [case] = await dock.look()
    assert (case.code, case.owner_role, case.severity, case.entity) == (
        *("RCV-SHORT", "Receiving", "S3"),
        "asn:1",
    )
    [shown] = case.evidence["differences"]
    assert (shown["announced"], shown["received"], shown["difference"]) == ("50", "30", "-20")
    await dock.hear(0, 50, 4)
    assert await dock.look() == []


async def test_more_received_than_announced_is_told_at_once(dock: Dock) -> None:
    await dock.hear(50, 0, 1)
    await dock.hear(0, 60, 2)
    [case] = await dock.look()
    assert (case.code, case.evidence["differences"][0]["difference"]) == ("RCV-OVER", "10")


async def test_a_notice_that_was_corrected_before_it_came_is_measured_by_the_correction(
    dock: Dock,
) -> None:
    await dock.hear(40, 0, 2)
    await dock.hear(50, 0, 1)
    await dock.hear(0, 40, 3)
    assert await dock.look() == []


async def test_a_notice_of_which_nobody_says_what_came_and_a_purchase_are_no_case(
    dock: Dock,
) -> None:
    await dock.hear(50, None, 1)
    await dock.hear(0, None, 2)
    await dock.hear(50, 0, 1, name="po:1/1", kind=SupplyKind.PO_SCHEDULE)
    await dock.hear(0, 30, 2, name="po:1/1", kind=SupplyKind.PO_SCHEDULE)
    assert await dock.look() == []


async def test_a_rule_says_how_much_less_or_more_is_as_good_as_announced(dock: Dock) -> None:
    rule = PlacedRule(item="BOLT", rule=AtpRule(receipt_percent=10))
    await dock.hub.supply.put_rule(dock.hub.scope, rule, by="jo")
    await dock.hear(50, 0, 1)
    await dock.hear(0, 45, 2)
    assert await dock.look() == []
    await dock.hear(0, 44, 3)
    assert [one.code for one in await dock.look()] == ["RCV-SHORT"]


@given(st.integers(1, 10**6), st.integers(0, 2 * 10**6), st.integers(0, 100))
def test_a_difference_counts_beyond_its_percent_either_way(
    announced: int, received: int, percent: int
) -> None:
    within = Fraction(announced * percent, 100)
    assert is_beyond(announced, received, percent) is (abs(received - announced) > within)
