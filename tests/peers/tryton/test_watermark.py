"""Tryton stamps rows with the transaction's start: what a late commit does to a reader."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from crossdock.applications.tryton.client import TrytonConnection
from crossdock.applications.tryton.session import Session
from crossdock.foundation.clock import SystemClock
from tests.peers.tryton.conftest import Connect, Read, round_of
from tests.peers.tryton.server import TrytonServer
from tests.peers.tryton.trading import Trading

pytestmark = pytest.mark.peer

SLOW_ROWS = 40


@asynccontextmanager
async def slow_transaction(tryton: TrytonServer, moves: list[int]) -> AsyncIterator[Any]:
    """Do moves in one transaction that stays open, stamped by its start as Tryton stamps."""
    database = await asyncpg.connect(tryton.dsn)
    transaction = database.transaction()
    await transaction.start()
    await database.execute(
        """update stock_move set state = 'done', effective_date = current_date,
           write_uid = 1, write_date = current_timestamp at time zone 'UTC'
           where id = any($1::int[])""",
        moves,
    )
    yield transaction
    await database.close()


@asynccontextmanager
async def older_transaction(tryton: TrytonServer) -> AsyncIterator[Any]:
    """Begin now and commit last: what is written in it is stamped with its beginning."""
    database = await asyncpg.connect(tryton.dsn)
    try:
        async with database.transaction():
            yield database
    finally:
        await database.close()


async def draft_moves(clerk: Trading, code: str, count: int) -> list[int]:
    (product,) = await clerk.products(code)
    lost = await clerk.one("stock.location", "type", "=", "lost_found")
    shelf = await clerk.one("stock.location", "code", "=", "STO")
    return await clerk.moves([(product, "1")] * count, lost, shelf)


async def naive_poll(session: Session, since: datetime | None) -> tuple[set[int], datetime | None]:
    """Poll the way everybody does: all that is newer than the newest stamp seen so far."""
    domain: list[object] = [["state", "=", "done"]]
    if since:
        domain.append(["write_date", ">", since])
    answer = await session.ask(
        *("model.stock.move.search_read", domain, 0, None, None, ["write_date"])
    )
    stamps = [row["write_date"] for row in answer.result if row["write_date"]]
    return {row["id"] for row in answer.result}, max(stamps, default=since)


def told(facts: list[Any], moves: list[int]) -> set[str]:
    return {fact.identity for fact in facts} & {f"move:{move}" for move in moves}


async def test_a_high_water_mark_loses_a_late_commit_for_ever_and_ours_does_not(
    tryton: TrytonServer, connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    *slow, quick = await draft_moves(clerk, code, SLOW_ROWS + 1)
    _, since = await naive_poll(clerk.session, None)
    _, cursor = await round_of(connection)

    async with slow_transaction(tryton, slow) as transaction:
        await clerk.do("stock.move", "do", [quick])
        naive, since = await naive_poll(clerk.session, since)
        ours, cursor = await round_of(connection, cursor)
        await transaction.commit()
    for _ in range(3):
        more, since = await naive_poll(clerk.session, since)
        naive |= more
        again, cursor = await round_of(connection, cursor)
        ours += again

    assert naive & {*slow, quick} == {quick}, "1 of 41, for ever"
    assert len(told(ours, [*slow, quick])) == SLOW_ROWS + 1


async def test_a_line_that_commits_behind_its_order_is_heard(
    tryton: TrytonServer, read: Read, clerk: Trading, code: str
) -> None:
    """Tryton shows the order with a younger stamp before the older transaction has ended."""
    (product,) = await clerk.products(code)
    async with read() as erp:
        sale = await clerk.sell(product, "6", reference=code)
        async with older_transaction(tryton) as database:
            await clerk.session.change("model.sale.sale.write", [sale], {"reference": f"{code}!"})
            await erp.round()
            await erp.claims(code, "6")
            await database.execute(
                """update sale_line set quantity = 13, write_uid = 1,
                   write_date = current_timestamp at time zone 'UTC' where sale = $1""",
                sale,
            )
        await erp.round()
        await erp.claims(code, "13")
        assert await erp.hub.quarantine.count_open(erp.hub.scope) == 0


async def test_an_overlap_shorter_than_the_transaction_is_not_enough(
    tryton: TrytonServer, connect: Connect, clerk: Trading, code: str
) -> None:
    *slow, quick = await draft_moves(clerk, code, 4)
    async with connect(overlap=timedelta(0)) as without_overlap:
        _, cursor = await round_of(without_overlap)

        async with slow_transaction(tryton, slow) as transaction:
            await clerk.do("stock.move", "do", [quick])
            first, cursor = await round_of(without_overlap, cursor)
            await transaction.commit()
        second, _ = await round_of(without_overlap, cursor)

    assert told(first + second, [*slow, quick]) == {f"move:{quick}"}


async def test_what_an_overlap_too_short_loses_a_count_heals_and_a_rewind_finds(
    tryton: TrytonServer, read: Read, clerk: Trading, code: str
) -> None:
    *slow, quick = await draft_moves(clerk, code, 4)
    begun = SystemClock().now()
    async with read(overlap=timedelta(0), count_every=timedelta(0)) as erp:
        await erp.round()
        async with slow_transaction(tryton, slow) as transaction:
            await clerk.do("stock.move", "do", [quick])
            await erp.round()
            await erp.holds(code, "1")
            await transaction.commit()

        await erp.round()  # nothing was stamped since: this count is of the same moment
        await erp.holds(code, "4")
        counted = told(await erp.facts(), [*slow, quick])
        await erp.rewind(begun)
        await erp.round()
        await erp.holds(code, "4")
        rewound = told(await erp.facts(), [*slow, quick])

    assert counted == {f"move:{quick}"}, "the stock is right, but what moved is not known"
    assert len(rewound) == len(slow) + 1


async def test_what_is_read_again_is_the_same_fact(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    await clerk.stock((product, "3"))

    first, cursor = await round_of(connection)
    second, _ = await round_of(connection, cursor)

    again = {fact.identity: fact for fact in second}
    assert again
    assert again.items() <= {fact.identity: fact for fact in first}.items()


async def test_pages_cut_through_equal_stamps_and_lose_nothing(
    connect: Connect, clerk: Trading, code: str
) -> None:
    moves = await draft_moves(clerk, code, 25)
    await clerk.do("stock.move", "do", moves)  # one transaction, one stamp

    async with connect(page_rows=7) as in_small_pages:
        facts, _ = await round_of(in_small_pages)

    counted = Counter(fact.identity for fact in facts)
    assert {counted[f"move:{move}"] for move in moves} == {1}


async def test_a_new_row_is_seen_though_it_was_never_written_again(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    _, cursor = await round_of(connection)

    sale = await clerk.enter_sale(product, "2", reference=code)

    rows = await clerk.rows("sale.sale", [["id", "=", sale]], "write_date")
    facts, _ = await round_of(connection, cursor)
    assert rows[0]["write_date"] is None
    assert f"sale:{sale}" in {fact.payload.key for fact in facts}
