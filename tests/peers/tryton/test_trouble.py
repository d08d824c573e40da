"""A Tryton that is away, busy, suspicious, or changed under our hands."""

import asyncio
import signal
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from crossdock.applications.tryton.client import TrytonConnection
from crossdock.canonical.errors import Ambiguous, Conflict, Forbidden, Rejected, Unavailable
from crossdock.connectivity.sdk import Verdict
from tests.peers.tryton.conftest import Connect, booking, round_of
from tests.peers.tryton.proxy import Fate, proxy
from tests.peers.tryton.server import TrytonServer, execute
from tests.peers.tryton.trading import Trading

pytestmark = pytest.mark.peer


async def warehouse(clerk: Trading) -> str:
    return str(await clerk.one("stock.location", "code", "=", "WH"))


async def shipments_named(clerk: Trading, reference: str) -> list[str]:
    rows = await clerk.rows("stock.shipment.internal", [["reference", "=", reference]], "state")
    return [row["state"] for row in rows]


async def test_polling_goes_on_over_a_crash_of_tryton(
    tryton: TrytonServer, connect: Connect, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    moves = await clerk.stock((product, "3"), (product, "4"))

    async with connect(patience=timedelta(seconds=90)) as opened:
        page = await opened.poll("")
        await tryton.stop(by=signal.SIGKILL)
        restart = asyncio.create_task(tryton.start())
        facts, _ = await round_of(opened, page.cursor)
        await restart

    assert {f"move:{move}" for move in moves} <= {fact.identity for fact in facts}


async def test_a_session_that_ended_is_opened_again(
    tryton: TrytonServer, connection: TrytonConnection
) -> None:
    await connection.check()

    await execute(tryton.dsn, "delete from ir_session")

    assert "Dock & Sons" in await connection.check()


async def test_a_wrong_password_is_forbidden(connection: TrytonConnection) -> None:
    connection.session.password = "wrong"

    with pytest.raises(Forbidden):
        await connection.check()


async def test_busy_answers_are_waited_out(tryton: TrytonServer, connect: Connect) -> None:
    asked = 0

    async def busy_four_times(_body: bytes) -> Fate:
        nonlocal asked
        asked += 1
        return Fate.BUSY if asked <= 4 else Fate.PASS

    async with proxy(tryton.port, busy_four_times) as url, connect(base_url=url) as opened:
        assert "Dock & Sons" in await opened.check()
    assert asked > 4


async def test_tryton_says_503_while_others_hold_the_stock(
    tryton: TrytonServer, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    moves = await clerk.stock((product, "5"))
    shipment = await clerk.shipment_of(await clerk.sell(product, "2", reference=code))
    holder = await asyncpg.connect(tryton.dsn)
    try:
        async with holder.transaction():
            await holder.execute(
                "select id from stock_move where id = any($1::int[]) for update", moves
            )
            with pytest.raises(Unavailable):
                await clerk.ship(shipment, "assign_try")
    finally:
        await holder.close()

    await clerk.ship(shipment, "assign_try")
    (row,) = await clerk.rows("stock.shipment.out", [["id", "=", shipment]], "state")
    assert row["state"] == "assigned"


async def test_a_warning_is_answered_and_the_booking_done(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    today = booking(code, product, "3", target=await warehouse(clerk))
    ahead = replace(today, occurred_on="2199-01-01")

    (outcome,) = await connection.post_movements([ahead])

    assert outcome.verdict is Verdict.DONE
    assert await shipments_named(clerk, code) == ["done"]


async def test_a_stale_version_is_a_conflict(clerk: Trading, code: str) -> None:
    (product,) = await clerk.products(code)

    with pytest.raises(Conflict):
        await clerk.session.change(
            "model.product.product.write",
            *([product], {"active": False}),
            context={"_timestamp": {f"product.product,{product}": "1.0"}},
        )


async def test_a_person_who_changes_the_shipment_meanwhile_makes_us_look_again(
    tryton: TrytonServer, connect: Connect, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    touched: list[bytes] = []

    async def touch_before_the_last_step(body: bytes) -> Fate:
        if b"stock.shipment.internal.do" in body:
            if not touched:
                await execute(
                    tryton.dsn,
                    "update stock_shipment_internal set write_date = now() at time zone 'UTC' "
                    f"where reference = '{code}'",
                )
            touched.append(body)
        return Fate.PASS

    command = booking(code, product, "3", target=await warehouse(clerk))
    async with (
        proxy(tryton.port, touch_before_the_last_step) as url,
        connect(base_url=url) as opened,
    ):
        (outcome,) = await opened.post_movements([command])

    assert len(touched) == 2, "refused once, then with the new version"
    assert outcome.verdict is Verdict.DONE


async def test_what_tryton_refuses_is_refused_with_its_words(clerk: Trading, code: str) -> None:
    (product,) = await clerk.products(code)

    with pytest.raises(Rejected, match="must be positive"):
        await clerk.moves([(product, "-1")], 4, 3)


async def test_a_lost_answer_to_a_question_is_asked_again(
    tryton: TrytonServer, connect: Connect
) -> None:
    lost: list[bytes] = []

    async def lose_every_second(body: bytes) -> Fate:
        lost.append(body)
        return Fate.ANSWER_LOST if len(lost) % 2 else Fate.PASS

    async with proxy(tryton.port, lose_every_second) as url, connect(base_url=url) as opened:
        assert "Dock & Sons" in await opened.check()


async def test_a_lost_answer_to_a_create_is_ambiguous(
    tryton: TrytonServer, connect: Connect
) -> None:
    async def lose_creates(body: bytes) -> Fate:
        return Fate.ANSWER_LOST if b".create" in body else Fate.PASS

    async with proxy(tryton.port, lose_creates) as url, connect(base_url=url) as opened:
        with pytest.raises(Ambiguous):
            await opened.session.change("model.party.party.create", [{"name": "Once"}])
