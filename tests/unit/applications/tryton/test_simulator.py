"""The stand-in for Tryton's books, asked by our own client over real loopback HTTP."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from pydantic import SecretStr

from crossdock.applications.tryton.client import TrytonConnection, connected
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.applications.tryton.simulator import TrytonSimulator
from crossdock.connectivity.sdk import PostMovement, Verdict
from crossdock.foundation.clock import VirtualClock
from tests.conftest import NOON
from tests.unit.applications.shopify.shops import ports_at, served


@pytest.fixture
def simulator() -> TrytonSimulator:
    return TrytonSimulator("WEST", {"BOLT": 10, "NUT": 5}, ports_at(VirtualClock(NOON)))


@pytest.fixture
async def connection(simulator: TrytonSimulator) -> AsyncIterator[TrytonConnection]:
    async with served(simulator.app) as address:
        settings = TrytonSettings(
            base_url=address, database="demo", user="hub", password=SecretStr("demo")
        )
        async with connected(settings, ports_at(VirtualClock(NOON))) as opened:
            yield opened


def movement(
    quantity: int, ref: str = "m1", *, item: str = "1", out: bool = False
) -> PostMovement:
    return PostMovement(
        command_id=f"cmd:{ref}",
        external_ref=ref,
        item=item,
        quantity=Decimal(quantity),
        unit="EA",
        source_location="1" if out else "",
        target_location="" if out else "1",
        occurred_on="2026-05-04",
    )


async def test_what_is_booked_is_on_hand_and_booked_once(
    simulator: TrytonSimulator, connection: TrytonConnection
) -> None:
    for _ in range(2):
        outcomes = await connection.post_movements(
            [movement(7), movement(2, "m2", item="2", out=True)]
        )
        assert [one.verdict for one in outcomes] == [Verdict.DONE, Verdict.DONE]

    assert simulator.books.on_hand() == {"BOLT": 17, "NUT": 3}


async def test_nothing_new_is_entered_while_the_period_is_closed(
    simulator: TrytonSimulator, connection: TrytonConnection
) -> None:
    simulator.books.is_closed = True
    [refused] = await connection.post_movements([movement(7)])
    assert (refused.verdict, refused.detail) == (Verdict.REFUSED, "The period is closed")
    assert simulator.books.on_hand() == {"BOLT": 10, "NUT": 5}
    assert simulator.books.refused == 1

    simulator.books.is_closed = False
    [done] = await connection.post_movements([movement(7)])
    assert done.verdict is Verdict.DONE
    assert simulator.books.on_hand() == {"BOLT": 17, "NUT": 5}


async def test_a_product_that_it_does_not_have_and_a_call_it_does_not_know_are_refused(
    connection: TrytonConnection,
) -> None:
    [unknown] = await connection.post_movements([movement(7, item="99")])
    assert (unknown.verdict, unknown.code) == (Verdict.RETRY, "MD-ITEM-XREF")

    answer = await connection.session.ask("model.product.uom.search_read")
    assert answer.result[0]["symbol"] == "u"
    with pytest.raises(Exception, match=r"model\.nothing\.read"):
        await connection.session.ask("model.nothing.read")
