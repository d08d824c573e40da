"""What is bought is read with the moves that bring it in, and holds up nothing."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any, cast

import pytest
from pydantic import SecretStr

from crossdock.applications.tryton import samples
from crossdock.applications.tryton.changes import FEEDS, STOCK, Cursor, cursor_of
from crossdock.applications.tryton.client import ReadingPages, TrytonConnection
from crossdock.applications.tryton.session import Answer, Session
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.applications.tryton.wire import decoded, encoded
from crossdock.canonical.errors import Rejected
from crossdock.canonical.inventory import StockMoved
from crossdock.canonical.supply import SupplyCommitmentChanged
from crossdock.connectivity.sdk import Delivery, Poll, Ports
from crossdock.foundation.clock import VirtualClock

NOON = datetime(2027, 1, 4, 12, tzinfo=UTC)
BOUGHT = "purchase.purchase"


def rows_of(body: bytes, *path: str) -> list[dict[str, Any]]:
    found = decoded(body)
    for name in path:
        found = found[name]
    return cast("list[dict[str, Any]]", deepcopy(found))


class Books:
    """Stands in for a session: 4 dozen are bought, and one has arrived; see `receive`."""

    def __init__(self, *, is_readable: bool = True) -> None:
        self.asked: list[str] = []
        self.is_readable = is_readable
        bought, moved = samples.PURCHASES.delivery.body, samples.MOVES.delivery.body
        [self.purchase] = rows_of(bought, "answer", "result")
        [self.move, *_] = rows_of(moved, "answer", "result")
        self.units = rows_of(bought, "related", "units")
        self.locations = rows_of(samples.LOCATIONS.delivery.body, "answer", "result")
        self.origins: list[dict[str, Any]] = []
        self.moves: list[dict[str, Any]] = []

    def receive(self, origin: str) -> None:
        """Let the three dozen that wait arrive, in one transaction."""
        [line] = self.purchase["lines."]
        for move in line["moves."]:
            move |= {"state": "done", "last_modified_at": NOON}
        arrived = {"id": 7, "origin": origin, "unit": 36, "quantity": Decimal(3)}
        self.moves.append({**self.move, **arrived, "last_modified_at": NOON})

    async def ask(
        self, method: str, *parameters: Any, context: Mapping[str, Any] | None = None
    ) -> Answer:
        del context
        model = method.removeprefix("model.").rpartition(".")[0]
        self.asked.append(model)
        if model == BOUGHT and not self.is_readable:
            raise Rejected("You are not allowed to access purchases")
        told = {"product.uom": self.units, "stock.location": self.locations}
        told |= {BOUGHT: [self.purchase]}
        if model == "stock.move":
            told["stock.move"] = self.origins if parameters[4] == ["origin"] else self.moves
        rows = deepcopy(told.get(model, []))
        if model == "ir.module":
            rows = [{"name": "stock", "version": "8.2.1"}]
        return Answer(rows, encoded({"id": 0, "result": rows}))

    async def preferences(self) -> Mapping[str, Any]:
        return {"company.rec_name": "Dock & Sons"}


def connection_to(books: Books, **changes: Any) -> TrytonConnection:
    settings = TrytonSettings(
        base_url="http://erp",
        database="company",
        user="hub",
        password=SecretStr("secret"),
        count_every=None,
        **changes,
    )
    ports = Ports(clock=VirtualClock(NOON), random=Random(1))
    return TrytonConnection(cast("Session", books), settings, ports)


def at_moves(*, is_known: bool = True) -> str:
    """Give the cursor of a round that has come to the moves, with or without purchases."""
    highs = {"purchases": NOON} if is_known else {}
    return Cursor(feed="moves", highs=highs).written()


def told(poll: Poll) -> list[str]:
    assert poll.translation.refused == ()
    found: list[str] = []
    for fact in poll.translation.facts:
        if isinstance(fact.payload, SupplyCommitmentChanged):
            found.append(f"{fact.payload.open_quantity} to come")
        if isinstance(fact.payload, StockMoved):
            found.append(f"{fact.payload.quantity} moved")
    return found


@pytest.mark.parametrize("origin", ["purchase.line,1", "stock.move,70"])
async def test_what_arrives_after_purchases_were_read_is_off_before_it_is_stock(
    origin: str,
) -> None:
    """The receipt commits between the feeds; a put-away leads to its receipt, and that on."""
    books = Books()
    books.origins = [{"id": 70, "origin": "purchase.line,1"}]
    connection = connection_to(books)
    before = await connection.poll(Cursor(feed="purchases").written())
    books.receive(origin)

    after = await connection.poll(at_moves())

    assert told(before) == ["36 EA to come"]
    assert told(after) == ["0 EA to come", "3 dz moved"]
    again = ReadingPages(connection.settings).translate(Delivery(body=after.raw))
    assert again == after.translation


async def test_purchases_are_read_later_than_the_moves_that_they_are_told_with() -> None:
    books = Books()
    books.receive("purchase.line,1")

    await connection_to(books).poll(at_moves())

    assert books.asked.count(BOUGHT) == 1
    assert books.asked.index("stock.move") < books.asked.index(BOUGHT)


@pytest.mark.parametrize(
    ("is_known", "purchases", "origin"),
    [
        (False, True, "purchase.line,1"),
        (True, False, "purchase.line,1"),
        (True, True, "sale.line,1"),
    ],
    ids=["none was ever told", "they are not to be read", "moves of sales"],
)
async def test_moves_that_bring_in_nothing_that_was_told_ask_for_no_purchase(
    *, is_known: bool, purchases: bool, origin: str
) -> None:
    books = Books()
    books.receive(origin)
    connection = connection_to(books, purchases=purchases)

    poll = await connection.poll(at_moves(is_known=is_known))

    assert told(poll) == ["3 dz moved"]
    assert BOUGHT not in books.asked


async def test_a_user_without_a_right_to_purchases_still_hears_of_moves() -> None:
    books = Books(is_readable=False)
    books.receive("purchase.line,1")
    connection = connection_to(books)
    cursor = ""
    refused: set[str] = set()
    moved = 0
    is_caught_up = False
    for _ in FEEDS:
        poll = await connection.poll(cursor)
        cursor, is_caught_up = poll.cursor, poll.is_caught_up
        refused |= {one.reason for one in poll.translation.refused}
        moved += sum(isinstance(fact.payload, StockMoved) for fact in poll.translation.facts)

    assert is_caught_up
    assert cursor_of(cursor).feed not in {STOCK, "moves"}
    assert moved == 1
    [reason] = refused
    assert 'say "purchases": false' in reason
    assert "not allowed" in reason
    assert "purchases cannot be read" in await connection.check()


async def test_purchases_that_can_be_read_no_longer_stop_the_round() -> None:
    """What was told of them is promised from, and nobody would take off it what arrives."""
    connection = connection_to(Books(is_readable=False))
    cursor = Cursor(feed="purchases", highs={"purchases": NOON}).written()

    with pytest.raises(Rejected, match="not allowed"):
        await connection.poll(cursor)


async def test_a_check_says_nothing_of_purchases_that_can_be_read_or_are_not_to_be() -> None:
    for books, purchases in ((Books(), True), (Books(is_readable=False), False)):
        said = await connection_to(books, purchases=purchases).check()

        assert said == "Tryton 8.2.1, Dock & Sons, 3 nodes"
