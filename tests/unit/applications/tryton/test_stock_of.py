"""Single products of a node are counted as of one overlap ago; what Tryton lacks is left out."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, cast

import pytest
from pydantic import SecretStr

from crossdock.applications.tryton import APPLICATION
from crossdock.applications.tryton.client import ReadingPages, TrytonConnection
from crossdock.applications.tryton.session import Answer, Session
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.canonical.errors import Unavailable
from crossdock.canonical.inventory import StockSnapshotTaken, StockStatus
from crossdock.connectivity.sdk import Delivery, Ports
from crossdock.foundation.clock import VirtualClock

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
EARLY = datetime(2026, 5, 1, tzinfo=UTC)


def location(number: int, kind: str = "storage", **more: Any) -> dict[str, Any]:
    stamps = {"create_date": EARLY, "last_modified_at": EARLY}
    return {"id": number, "type": kind, "code": None, "parent": None, **stamps, **more}


LOCATIONS = [
    location(1, "warehouse", input_location=2, output_location=3, storage_location=4),
    *(location(zone, parent=1) for zone in (2, 3, 4)),
]
UNITS = [{"id": 1, "symbol": "u", "category": 1, "factor": Decimal(1), "rate": Decimal(1)}]
LEVELS = {7: 40, 8: 0}
STATUSES = [one for one in StockStatus if one is not StockStatus.IN_TRANSIT]
"""Whatever lies in a warehouse has one of these: so many figures of a node at most."""
LOGIN_AND_PREFERENCES = 2


class Books:
    """Stands in for a session: product 7 has 40 on the shelf, 8 nothing; 9 is not known."""

    def __init__(self, *, moves: bool = False) -> None:
        self.asked: list[str] = []
        self.locations = LOCATIONS
        self._moves = moves

    async def ask(
        self, method: str, *parameters: Any, context: Mapping[str, Any] | None = None
    ) -> Answer:
        self.asked.append(method)
        model, _, action = method.removeprefix("model.").rpartition(".")
        return Answer(self.result(model, action, parameters, context or {}), b"")

    def result(
        self, model: str, action: str, parameters: Any, context: Mapping[str, Any]
    ) -> object:
        found: object = []
        match model, action:
            case "stock.location", "search_read":
                found = self.locations
            case "product.uom", "search_read":
                found = UNITS
            case "product.product", "search_read":
                known = [one for one in parameters[0][0][2] if one in LEVELS]
                found = [{"id": one, "default_uom": 1} for one in known]
            case "product.product", "read":
                held = LEVELS if 4 in context["locations"] else dict.fromkeys(LEVELS, 0)
                found = [{"id": one, "quantity": Decimal(held[one])} for one in parameters[0]]
            case "stock.move", "search_read" if self._moves:
                found = [{"id": len(self.asked)}]
            case "ir.date", "today":
                found = date(2026, 5, 4)
            case _:
                pass
        return found


async def test_what_lies_there_is_told_by_status_and_nothing_as_zero() -> None:
    settings = TrytonSettings(
        base_url="http://erp", database="books", user="hub", password=SecretStr("secret")
    )
    ports = Ports(clock=VirtualClock(NOON), random=Random(1))
    connection = TrytonConnection(cast("Session", Books()), settings, ports)

    answer = await connection.stock_of("1", ["7", "8", "9", "A"])

    [fact] = answer.translation.facts
    taken = fact.payload
    assert isinstance(taken, StockSnapshotTaken)
    assert (taken.location, taken.is_full) == ("1", False)
    assert fact.recorded_at == NOON - timedelta(minutes=15)
    held = {(line.item, str(line.status)): str(line.quantity) for line in taken.lines}
    assert held["7", "AVAILABLE"] == "40 EA"
    assert held["8", "AVAILABLE"] == "0 EA"
    assert {item for item, _ in held} == {"7", "8"}
    again = ReadingPages(settings).translate(Delivery(body=answer.raw))
    assert again == answer.translation


async def test_an_answer_takes_no_more_requests_than_declared_whatever_the_statuses() -> None:
    """A real Tryton is asked through a proxy in tests/peers/tryton/test_stock_asked.py."""
    books = Books()
    books.locations = [
        *LOCATIONS,
        *(
            location(10 + number, parent=4, code=str(status))
            for number, status in enumerate(STATUSES)
        ),
    ]
    settings = TrytonSettings(
        base_url="http://erp",
        database="books",
        user="hub",
        password=SecretStr("secret"),
        location_statuses={str(status): status for status in STATUSES},
    )
    ports = Ports(clock=VirtualClock(NOON), random=Random(1))
    connection = TrytonConnection(cast("Session", books), settings, ports)

    answer = await connection.stock_of("1", ["7", "8"])

    [fact] = answer.translation.facts
    taken = fact.payload
    assert isinstance(taken, StockSnapshotTaken)
    assert {line.status for line in taken.lines} == set(STATUSES)
    assert APPLICATION.stock_question is not None
    assert LOGIN_AND_PREFERENCES + len(books.asked) <= APPLICATION.stock_question.requests


async def test_what_moves_while_it_is_counted_is_not_told_and_not_counted_again() -> None:
    settings = TrytonSettings(
        base_url="http://erp", database="books", user="hub", password=SecretStr("secret")
    )
    ports = Ports(clock=VirtualClock(NOON), random=Random(1))
    books = Books(moves=True)
    connection = TrytonConnection(cast("Session", books), settings, ports)

    with pytest.raises(Unavailable, match="moves faster"):
        await connection.stock_of("1", ["7"])

    assert books.asked.count("model.stock.move.search_read") == 2


async def test_of_a_node_or_a_product_that_is_none_nothing_is_told() -> None:
    settings = TrytonSettings(
        base_url="http://erp", database="books", user="hub", password=SecretStr("secret")
    )
    ports = Ports(clock=VirtualClock(NOON), random=Random(1))
    connection = TrytonConnection(cast("Session", Books()), settings, ports)

    for location, items in (("77", ["7"]), ("1", ["9"]), ("1", ["A"])):
        answer = await connection.stock_of(location, items)
        assert answer.translation.facts == ()
