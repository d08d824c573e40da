"""What a real Tryton has handed to its warehouse of an order line, as its shipments go on."""

from collections.abc import Sequence

import pytest

from crossdock.applications.tryton.client import TrytonConnection
from crossdock.canonical.envelope import Fact
from crossdock.canonical.orders import OrderChanged
from tests.peers.tryton.conftest import round_of
from tests.peers.tryton.trading import Trading

pytestmark = pytest.mark.peer


def released_of(facts: Sequence[Fact], sale: int) -> tuple[int, int]:
    """Give the newest version of an order, and what is released of its one line."""
    found = [
        (fact.version or 0, line.released)
        for fact in facts
        if isinstance(fact.payload, OrderChanged) and fact.payload.order_id == f"sale:{sale}"
        for line in fact.payload.lines
    ]
    version, released = max(found, key=lambda one: one[0])
    assert released is not None
    return version, int(released.value)


async def test_a_line_is_released_while_its_shipment_is_assigned_picked_packed_and_done(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    await clerk.stock((product, "10"))
    sale = await clerk.sell(product, "6", reference=code)
    shipment = await clerk.shipment_of(sale)

    facts, cursor = await round_of(connection)
    told = [released_of(facts, sale)]
    for button in ("assign_try", "wait", "assign_try", "pick", "pack", "do"):
        await clerk.ship(shipment, button)
        facts, cursor = await round_of(connection, cursor)
        told.append(released_of(facts, sale))

    assert [released for _, released in told] == [0, 6, 0, 6, 6, 6, 6]
    versions = [version for version, _ in told]
    assert versions == sorted(versions)
    assert len(set(versions)) == len(versions)
