"""Tryton's own assignment, as the side-by-side benchmark calls it."""

from contextlib import AsyncExitStack

import pytest

from tests.peers.tryton.assign import assign_in_bulk, assign_one_by_one, waiting_shipments
from tests.peers.tryton.conftest import Connect

pytestmark = pytest.mark.peer


async def test_tryton_assigns_what_there_is_and_no_more(connect: Connect, code: str) -> None:
    async with AsyncExitStack() as stack:
        sessions = [(await stack.enter_async_context(connect())).session for _ in range(2)]
        singly = await waiting_shipments(
            sessions[0], products=2, shipments=6, stock=2, label=f"{code}-singly"
        )
        together = await waiting_shipments(
            sessions[0], products=2, shipments=6, stock=3, label=f"{code}-together"
        )

        one_by_one = await assign_one_by_one(sessions, singly)
        in_bulk = await assign_in_bulk(sessions[0], together, batch=3)

    assert (one_by_one.orders, one_by_one.assigned, len(one_by_one.seconds)) == (6, 4, 6)
    assert (in_bulk.assigned, len(in_bulk.seconds)) == (6, 2)
    assert one_by_one.orders_per_second > 0
