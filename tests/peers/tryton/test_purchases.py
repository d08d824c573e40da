"""A real Tryton buys: what it still expects is promised from, from its day on."""

from datetime import date, timedelta

import pytest

from crossdock.applications.tryton.changes import cursor_of
from crossdock.applications.tryton.client import TrytonConnection
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import StockMoved
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyEvidence
from crossdock.capabilities.supply import CalendarSaid, Question
from crossdock.foundation.clock import SystemClock
from tests.peers.tryton.conftest import Connect, Read, round_of
from tests.peers.tryton.reading import Reading
from tests.peers.tryton.server import TrytonServer
from tests.peers.tryton.test_watermark import older_transaction
from tests.peers.tryton.trading import Trading
from tests.processes.end_to_end.town import eventually

pytestmark = pytest.mark.peer


def in_days(number: int) -> date:
    return SystemClock().now().date() + timedelta(days=number)


async def bought(clerk: Trading, code: str, dozens: str, *buttons: str) -> tuple[int, int]:
    """Buy an item that is stocked by the piece in units of 12, to come in ten days."""
    (product,) = await clerk.products(code)
    dozen = await clerk.unit("dz", 12)
    purchase = await clerk.buy(product, dozens, unit=dozen, on=in_days(10), reference=code)
    for button in buttons:
        await clerk.do("purchase.purchase", button, [purchase])
    return product, purchase


async def promised(erp: Reading, code: str) -> tuple[int, int, int]:
    """Say how many pieces could be promised now, on the ninth day, and in five weeks."""
    await erp.hub.settle()
    days = [in_days(0), in_days(9), in_days(35)]
    asked = [Question(code, "WH", "EA", by=day) for day in days]
    answers = await erp.hub.promise_dates(asked)
    first, second, third = ((one.by_then or 0) // 1_000_000 for one in answers)
    return first, second, third


async def test_a_purchase_is_promised_from_its_day_on_until_it_is_there(
    read: Read, clerk: Trading, code: str
) -> None:
    """Of 4 dozen 90 % count: 43. Two dozen that arrived are stock, of the others 21 count."""

    async def can_be_promised(*pieces: int) -> None:
        await erp.round()
        await eventually(lambda: promised(erp, code), lambda found: found == pieces)

    async with read() as erp:
        # On a weekend nothing would leave today.
        every_day = CalendarSaid(weekdays="1234567")
        await erp.hub.supply.calendars.put(erp.hub.scope, "WH", every_day, by="test")
        product, purchase = await bought(clerk, code, "4")
        await can_be_promised(0, 0, 0)
        for button in ("quote", "confirm", "process"):
            await clerk.do("purchase.purchase", button, [purchase])
        await can_be_promised(0, 0, 43)

        await clerk.receive(purchase, "2")
        await can_be_promised(24, 24, 45)
        assert await clerk.on_hand(product, await clerk.one("stock.location", "code", "=", "STO"))

        await clerk.receive(purchase, "2")
        await can_be_promised(48, 48, 48)
        assert await erp.hub.quarantine.count_open(erp.hub.scope) == 0


def told_of(facts: list[Fact], product: int) -> list[SupplyCommitmentChanged]:
    said = [fact.payload for fact in facts if isinstance(fact.payload, SupplyCommitmentChanged)]
    return [one for one in said if one.item == str(product)]


async def test_a_purchase_tells_how_far_it_has_come(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    product, purchase = await bought(clerk, code, "4")
    cursor = ""
    found: list[tuple[str, SupplyEvidence, str]] = []
    for button in ("quote", "confirm", "process", ""):
        facts, cursor = await round_of(connection, cursor)
        said = told_of(facts, product)[-1]
        assert (said.eta, said.location) == (
            in_days(10),
            str(await clerk.one("stock.location", "code", "=", "WH")),
        )
        found.append((said.supply_id, said.evidence, str(said.open_quantity)))
        if button:
            await clerk.do("purchase.purchase", button, [purchase])

    [line] = await clerk.rows("purchase.line", [["purchase", "=", purchase]], "id")
    name = f"{connection.settings.database}:purchase:{purchase}/{line['id']}"
    assert found == [
        (name, SupplyEvidence.ON_HOLD, "48 EA"),
        (name, SupplyEvidence.SENT, "48 EA"),
        (name, SupplyEvidence.ACKNOWLEDGED, "48 EA"),
        (name, SupplyEvidence.ACKNOWLEDGED, "48 EA"),
    ]


async def test_a_cancelled_purchase_has_nothing_to_come(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    product, _ = await bought(clerk, code, "4", "quote", "cancel")

    facts, _ = await round_of(connection)

    assert str(told_of(facts, product)[-1].open_quantity) == "0 EA"


async def test_what_arrives_after_purchases_were_read_is_off_before_it_is_stock(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    product, purchase = await bought(clerk, code, "4", "quote", "confirm", "process")
    cursor = ""
    while not cursor or cursor_of(cursor).feed != "moves":
        cursor = (await connection.poll(cursor)).cursor
    await clerk.receive(purchase, "2")

    facts, _ = await round_of(connection, cursor)

    told = [fact.payload for fact in facts]
    off = [
        isinstance(one, SupplyCommitmentChanged) and str(one.open_quantity) == "24 EA"
        for one in told
    ]
    on = [isinstance(one, StockMoved) and one.item == str(product) for one in told]
    assert sum(on) == 2
    assert off.index(True) < on.index(True)


async def test_a_cancelled_delivery_is_to_come_once_it_is_made_again(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    product, purchase = await bought(clerk, code, "4", "quote", "confirm", "process")
    domain = [["origin.purchase.id", "=", purchase, "purchase.line"]]
    [move] = await clerk.rows("stock.move", domain, "id")
    await clerk.do("stock.move", "cancel", [move["id"]])
    undecided, cursor = await round_of(connection)

    [line] = await clerk.rows("purchase.line", [["purchase", "=", purchase]], "id")
    again = {"moves_recreated": [["add", [move["id"]]]]}
    await clerk.session.change("model.purchase.line.write", [line["id"]], again)
    await clerk.do("purchase.purchase", "process", [purchase])
    decided, _ = await round_of(connection, cursor)

    assert str(told_of(undecided, product)[-1].open_quantity) == "0 EA"
    assert str(told_of(decided, product)[-1].open_quantity) == "48 EA"


async def test_another_day_is_heard_though_it_touches_a_move_alone(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    product, purchase = await bought(clerk, code, "4", "quote", "confirm", "process")
    _, cursor = await round_of(connection)
    domain = [["origin.purchase.id", "=", purchase, "purchase.line"]]
    [move] = await clerk.rows("stock.move", domain, "id")

    later = {"planned_date": in_days(20)}
    await clerk.session.change("model.stock.move.write", [move["id"]], later)

    facts, _ = await round_of(connection, cursor)
    assert told_of(facts, product)[-1].eta == in_days(20)


async def test_a_purchase_that_commits_behind_another_is_heard(
    tryton: TrytonServer, connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    """Tryton stamps with the start of the transaction: this one began before a younger one."""
    product, purchase = await bought(clerk, code, "4", "quote", "confirm", "process")
    async with older_transaction(tryton) as database:
        await bought(clerk, f"{code}-B", "1")
        _, cursor = await round_of(connection)
        await database.execute(
            """update purchase_line set quantity = 3, write_uid = 1,
               write_date = current_timestamp at time zone 'UTC' where purchase = $1""",
            purchase,
        )

    facts, _ = await round_of(connection, cursor)

    assert str(told_of(facts, product)[-1].open_quantity) == "36 EA"


async def test_where_purchases_are_not_to_be_read_nothing_is_told_of_them(
    connect: Connect, clerk: Trading, code: str
) -> None:
    product, _ = await bought(clerk, code, "4", "quote", "confirm", "process")

    async with connect(purchases=False) as opened:
        facts, _ = await round_of(opened)

    assert told_of(facts, product) == []


async def test_a_sale_is_to_leave_on_its_shipping_date(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    sale = await clerk.enter_sale(product, "6", reference=code)
    await clerk.session.change("model.sale.sale.write", [sale], {"shipping_date": in_days(30)})

    facts, _ = await round_of(connection)

    orders = [fact.payload for fact in facts if isinstance(fact.payload, OrderChanged)]
    [line] = next(order for order in orders if order.order_id == f"sale:{sale}").lines
    assert line.requested_ship_date == in_days(30)
