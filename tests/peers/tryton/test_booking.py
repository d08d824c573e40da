"""Movements booked into a real Tryton: once, whatever the network does."""

import signal
from decimal import Decimal

import pytest

from crossdock.applications.tryton import APPLICATION
from crossdock.applications.tryton.client import TrytonConnection
from crossdock.canonical.inventory import StockMoved
from crossdock.connectivity.sdk import BOOKED_BY_HUB, Connection, Polls, Verdict
from tests.peers.tryton.conftest import Connect, booking, round_of
from tests.peers.tryton.proxy import Fate, proxy
from tests.peers.tryton.server import TrytonServer
from tests.peers.tryton.test_trouble import shipments_named, warehouse
from tests.peers.tryton.trading import Trading

pytestmark = pytest.mark.peer


async def done_moves(clerk: Trading, product: int) -> list[tuple[str, str]]:
    rows = await clerk.rows("stock.move", [["product", "=", product]], "state", "quantity")
    return [(row["state"], str(row["quantity"])) for row in rows]


async def test_a_receipt_is_booked_and_done(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)

    (outcome,) = await connection.post_movements(
        [booking(code, product, "7", target=await warehouse(clerk))]
    )

    assert (outcome.verdict, outcome.observed) == (Verdict.DONE, Decimal(7))
    assert await done_moves(clerk, product) == [("done", "7.0")]


async def test_the_same_command_again_finds_what_is_there(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    command = booking(code, product, "7", target=await warehouse(clerk))

    first, second = await connection.post_movements([command, command])

    assert first == second
    assert await done_moves(clerk, product) == [("done", "7.0")]


async def test_the_same_reference_with_another_content_is_refused(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    target = await warehouse(clerk)

    first, second = await connection.post_movements(
        [booking(code, product, "7", target=target), booking(code, product, "8", target=target)]
    )

    assert (first.verdict, second.verdict) == (Verdict.DONE, Verdict.REFUSED)
    assert second.code == "conflict"


@pytest.mark.parametrize("step", ["create", "wait", "assign_force", "do"])
async def test_a_lost_answer_makes_no_second_movement(
    step: str, tryton: TrytonServer, connect: Connect, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    lost: list[bytes] = []

    async def lose_the_first(body: bytes) -> Fate:
        if f"stock.shipment.internal.{step}".encode() in body and not lost:
            lost.append(body)
            return Fate.ANSWER_LOST
        return Fate.PASS

    command = booking(code, product, "7", target=await warehouse(clerk))
    async with proxy(tryton.port, lose_the_first) as url, connect(base_url=url) as opened:
        (outcome,) = await opened.post_movements([command])

    assert lost
    assert outcome.verdict is Verdict.DONE
    assert await shipments_named(clerk, code) == ["done"]
    assert await done_moves(clerk, product) == [("done", "7.0")]


async def test_goods_pass_through_transit_between_warehouses(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    await clerk.stock((product, "9"))
    east = str(await clerk.one("stock.location", "code", "=", "EAST"))

    (outcome,) = await connection.post_movements(
        [booking(code, product, "4", source=await warehouse(clerk), target=east)]
    )

    assert outcome.verdict is Verdict.DONE
    assert sorted(await done_moves(clerk, product)) == [
        ("done", "4.0"),
        ("done", "4.0"),
        ("done", "9.0"),
    ]


async def test_what_is_in_transit_lies_at_neither_end(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    west, east = (
        await warehouse(clerk),
        str(await clerk.one("stock.location", "code", "=", "EAST")),
    )
    transit = await clerk.one("stock.location", "name", "=", "Transit")
    steps = [
        booking(f"{code}-1", product, "9", target=west),
        booking(f"{code}-2", product, "4", source=west, target=east, is_target_in_transit=True),
        booking(f"{code}-3", product, "3", source=east, target=east, is_source_in_transit=True),
    ]

    outcomes = [(await connection.post_movements([step]))[0].verdict for step in steps]

    assert outcomes == [Verdict.DONE] * 3
    held = {
        place: await clerk.on_hand(product, int(place)) for place in (west, east, str(transit))
    }
    assert held == {west: Decimal(5), east: Decimal(3), str(transit): Decimal(1)}


async def test_what_the_hub_has_booked_is_not_told_back(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    west, east = (
        await warehouse(clerk),
        str(await clerk.one("stock.location", "code", "=", "EAST")),
    )
    await clerk.stock((product, "20"))
    ours = [
        booking(f"{BOOKED_BY_HUB}wms:{code}-1", product, "7", target=west),
        booking(f"{BOOKED_BY_HUB}wms:{code}-2", product, "2", source=west),
        booking(f"{BOOKED_BY_HUB}wms:{code}-3", product, "3", source=west, target=east),
    ]
    theirs = booking(f"{code}-4", product, "1", source=west)

    outcomes = await connection.post_movements([*ours, theirs])

    assert {outcome.verdict for outcome in outcomes} == {Verdict.DONE}
    facts, _ = await round_of(connection)
    told = [fact.payload for fact in facts if isinstance(fact.payload, StockMoved)]
    mine = [moved.quantity.value for moved in told if moved.item == str(product)]
    assert sorted(mine) == [Decimal(1), Decimal(20)]


async def test_an_unknown_item_waits_for_its_predecessor(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (outcome,) = await connection.post_movements(
        [booking(code, 999_999, "1", target=await warehouse(clerk))]
    )

    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "MD-ITEM-XREF")


async def test_a_crash_of_tryton_in_the_middle_makes_no_second_movement(
    tryton: TrytonServer, connect: Connect, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    crashed: list[bytes] = []

    async def crash_before_assigning(body: bytes) -> Fate:
        if b"stock.shipment.internal.assign_force" in body and not crashed:
            crashed.append(body)
            await tryton.restart(by=signal.SIGKILL)
        return Fate.PASS

    command = booking(code, product, "7", target=await warehouse(clerk))
    async with (
        proxy(tryton.port, crash_before_assigning) as url,
        connect(base_url=url) as opened,
    ):
        (outcome,) = await opened.post_movements([command])

    assert crashed
    assert outcome.verdict is Verdict.DONE
    assert await done_moves(clerk, product) == [("done", "7.0")]


async def test_the_connection_plays_its_roles(connection: TrytonConnection) -> None:
    assert isinstance(connection, Connection)
    assert isinstance(connection, Polls)
    assert all(isinstance(connection, role) for role in APPLICATION.roles)
