"""A Tryton that takes a request and never answers: the hub gives up in time and looks again."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import asyncpg
import pytest

from crossdock.applications.tryton.client import TrytonConnection
from crossdock.canonical.errors import Unavailable
from crossdock.connectivity.sdk import Verdict
from tests.peers.tryton.conftest import Connect, Read, booking, round_of
from tests.peers.tryton.proxy import Fate, Rule, proxy
from tests.peers.tryton.server import TrytonServer
from tests.peers.tryton.test_booking import done_moves
from tests.peers.tryton.test_trouble import shipments_named, warehouse
from tests.peers.tryton.trading import Trading

pytestmark = pytest.mark.peer

TIMEOUT_SECONDS = 3.0
AT_ONCE = timedelta(0)
"""The patience of a connection that asks no second time: its poller hears of the first hang."""

LOGIN = "common.db.login"
MOVES = "model.stock.move.search_read"
SEARCH = "model.stock.shipment.internal.search_read"
CREATE = "model.stock.shipment.internal.create"

COPY_SHIPMENT = """
insert into stock_shipment_internal
select (jsonb_populate_record(s, jsonb_build_object('id', $1::int, 'state', 'draft'))).*
from stock_shipment_internal s where reference = $2
"""
COPY_MOVE = """
insert into stock_move
select (jsonb_populate_record(m, jsonb_build_object('id', nextval('stock_move_id_seq'),
    'state', 'draft', 'shipment', 'stock.shipment.internal,' || $1::int,
    'effective_date', null))).*
from stock_move m where product = $2
"""


class Hanging:
    """Lets requests hang that name a method: the first `times` of them, while it is armed."""

    def __init__(self, method: str, fate: Fate = Fate.HANG, *, times: int = 1) -> None:
        self.method = method
        self.fate = fate
        self.times = times
        self.asked: list[bytes] = []
        self.hung = 0

    @property
    def rule(self) -> Rule:
        return self._decide

    async def _decide(self, body: bytes) -> Fate:
        self.asked.append(body)
        if f'"{self.method}"'.encode() not in body or self.hung >= self.times:
            return Fate.PASS
        self.hung += 1
        return self.fate

    def calls(self, *methods: str) -> list[str]:
        """Name those of these methods that were called, in order."""
        return [
            method for body in self.asked for method in methods if f'"{method}"'.encode() in body
        ]


@pytest.mark.parametrize("fate", [Fate.HANG, Fate.ANSWER_HANGS])
async def test_a_poll_that_hangs_fails_for_now_and_the_next_one_gets_everything_once(
    fate: Fate, tryton: TrytonServer, read: Read, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    await clerk.stock((product, "3"))
    hanging = Hanging(MOVES, fate, times=0)

    async with (
        proxy(tryton.port, hanging.rule) as url,
        read(base_url=url, timeout_seconds=TIMEOUT_SECONDS, patience=AT_ONCE) as erp,
    ):
        await erp.round()
        await erp.holds(code, "3")
        await clerk.stock((product, "4"))
        await clerk.stock((product, "5"))
        hanging.times = 1
        await erp.round()
        failed = await erp.state()
        await erp.holds(code, "3")
        for _ in range(2):
            await erp.round()
            await erp.holds(code, "12")
        healed, is_paused = await erp.state(), (await erp.entry()).is_paused

    assert hanging.hung == 1
    assert (failed["failures"], healed["failures"], healed["last_error"]) == (1, 0, "")
    assert "gave no whole answer" in failed["last_error"]
    assert not is_paused


async def test_a_question_that_hangs_is_asked_again_while_patience_lasts(
    tryton: TrytonServer, connect: Connect, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    moves = await clerk.stock((product, "3"))
    hanging = Hanging(MOVES)

    async with (
        proxy(tryton.port, hanging.rule) as url,
        connect(base_url=url, timeout_seconds=TIMEOUT_SECONDS) as opened,
    ):
        facts, _ = await round_of(opened)

    assert hanging.hung == 1
    assert {f"move:{move}" for move in moves} <= {fact.identity for fact in facts}


@pytest.mark.parametrize("fate", [Fate.HANG, Fate.ANSWER_HANGS])
async def test_a_create_that_hangs_is_searched_for_and_booked_once(
    fate: Fate, tryton: TrytonServer, connect: Connect, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    command = booking(code, product, "7", target=await warehouse(clerk))
    hanging = Hanging(CREATE, fate)

    async with (
        proxy(tryton.port, hanging.rule) as url,
        connect(base_url=url, timeout_seconds=TIMEOUT_SECONDS) as opened,
    ):
        (outcome,) = await opened.post_movements([command])

    creates = 1 if fate is Fate.ANSWER_HANGS else 2
    calls = hanging.calls(SEARCH, CREATE)
    assert hanging.hung == 1
    assert calls.count(CREATE) == creates
    assert calls[: 2 * creates + 1] == [*[SEARCH, CREATE] * creates, SEARCH]
    assert outcome.verdict is Verdict.DONE
    assert await shipments_named(clerk, code) == ["done"]
    assert await done_moves(clerk, product) == [("done", "7.0")]


async def test_a_create_that_tryton_ends_after_its_successor_was_booked_is_left_alone(
    tryton: TrytonServer, connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    """Tryton numbered it first, and committed it when the hub had long created another."""
    (product,) = await clerk.products(code)
    command = booking(code, product, "7", target=await warehouse(clerk))
    database = await asyncpg.connect(tryton.dsn)
    try:
        slow = await database.fetchval("select nextval('stock_shipment_internal_id_seq')")
        await connection.post_movements([command])
        await database.execute(COPY_SHIPMENT, slow, code)
        await database.execute(COPY_MOVE, slow, product)
    finally:
        await database.close()

    (outcome,) = await connection.post_movements([command])

    assert outcome.verdict is Verdict.DONE
    assert sorted(await shipments_named(clerk, code)) == ["done", "draft"]
    assert sorted(await done_moves(clerk, product)) == [("done", "7.0"), ("draft", "7.0")]


@pytest.mark.parametrize("step", ["wait", "assign_force", "do"])
async def test_a_step_whose_answer_hangs_is_not_taken_twice(
    step: str, tryton: TrytonServer, connect: Connect, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    command = booking(code, product, "7", target=await warehouse(clerk))
    hanging = Hanging(f"model.stock.shipment.internal.{step}", Fate.ANSWER_HANGS)

    async with (
        proxy(tryton.port, hanging.rule) as url,
        connect(base_url=url, timeout_seconds=TIMEOUT_SECONDS) as opened,
    ):
        (outcome,) = await opened.post_movements([command])

    assert len(hanging.calls(hanging.method)) == 1
    assert outcome.verdict is Verdict.DONE
    assert await done_moves(clerk, product) == [("done", "7.0")]


async def test_a_login_that_hangs_fails_for_now_and_pauses_nothing(
    tryton: TrytonServer, read: Read, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    await clerk.stock((product, "3"))
    hanging = Hanging(LOGIN)

    async with (
        proxy(tryton.port, hanging.rule) as url,
        read(base_url=url, timeout_seconds=TIMEOUT_SECONDS, patience=AT_ONCE) as erp,
    ):
        await erp.round()
        failed, is_paused = await erp.state(), (await erp.entry()).is_paused
        await erp.round()
        healed = await erp.state()
        await erp.holds(code, "3")

    assert hanging.hung == 1
    assert (failed["failures"], healed["failures"]) == (1, 0)
    assert "Login got no answer" in failed["last_error"]
    assert not is_paused


async def test_a_booking_whose_login_hangs_is_tried_again_and_booked_once(
    tryton: TrytonServer, connect: Connect, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    command = booking(code, product, "7", target=await warehouse(clerk))
    hanging = Hanging(LOGIN, Fate.ANSWER_HANGS)

    async with (
        proxy(tryton.port, hanging.rule) as url,
        connect(base_url=url, timeout_seconds=TIMEOUT_SECONDS, patience=AT_ONCE) as opened,
    ):
        with pytest.raises(Unavailable, match="Login got no answer"):
            await opened.post_movements([command])
        (outcome,) = await opened.post_movements([command])

    assert outcome.verdict is Verdict.DONE
    assert await shipments_named(clerk, code) == ["done"]


async def test_a_request_that_hangs_ends_with_the_proxy(
    tryton: TrytonServer, connect: Connect
) -> None:
    hanging = Hanging(LOGIN)

    async with asyncio.timeout(30), AsyncExitStack() as stack:
        async with proxy(tryton.port, hanging.rule) as url:
            opened = await stack.enter_async_context(connect(base_url=url, patience=AT_ONCE))
            checking = asyncio.create_task(opened.check())
            while not hanging.hung:
                await asyncio.sleep(0.01)
        with pytest.raises(Unavailable):
            await checking
