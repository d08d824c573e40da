"""Tryton's sales that are open now, line by line, without a Tryton."""

from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any, cast

from pydantic import SecretStr

from crossdock.applications.tryton import samples
from crossdock.applications.tryton.client import TrytonConnection
from crossdock.applications.tryton.open_orders import page_of
from crossdock.applications.tryton.samples import SAMPLE_OPTIONS
from crossdock.applications.tryton.session import Answer, Session
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.applications.tryton.wire import decoded
from crossdock.canonical.orders import OrderChanged
from crossdock.connectivity.sdk import ListsOpenOrders, OpenOrders, Ports
from crossdock.foundation.clock import VirtualClock
from tests.conftest import NOON

PAGE: dict[str, Any] = decoded(samples.ORDERS.delivery.body)
[SALE] = PAGE["answer"]["result"]
UNITS = PAGE["related"]


def told(*sales: dict[str, Any], after: str = "") -> OpenOrders:
    return page_of(list(sales), UNITS, SAMPLE_OPTIONS, after)


def sale(shipped: str | None = None, ignored: str | None = None, **more: Any) -> dict[str, Any]:
    """Give the recorded sale of 6, with so much of it shipped or given up."""
    found = deepcopy(SALE)
    [line] = found["lines."]
    unheld = {"unit": 1, "shipment": None}
    moves = [{"state": "done", "quantity": Decimal(shipped), **unheld}] if shipped else []
    line["moves."] = [{"state": "draft", "quantity": Decimal(9), **unheld}, *moves]
    line["moves_ignored."] = [{"quantity": Decimal(ignored), "unit": 1}] if ignored else []
    return {**found, **more}


def open_of(page: OpenOrders) -> list[str]:
    return [str(line.quantity) for line in page.lines]


def test_a_line_is_named_as_its_order_facts_name_it() -> None:
    [fact] = samples.ORDERS.translation.facts
    assert isinstance(fact.payload, OrderChanged)
    [demand] = fact.payload.lines

    [line] = told(sale()).lines

    assert (line.document, line.line) == (fact.payload.order_id, demand.demand_ref)
    assert (line.item, line.location) == (demand.item, demand.location)
    assert line.changed_at == fact.recorded_at


def test_open_is_what_is_neither_cancelled_nor_shipped() -> None:
    assert open_of(told(sale())) == ["6 EA"]
    assert open_of(told(sale(shipped="2"))) == ["4 EA"]
    assert open_of(told(sale(shipped="2", ignored="1"))) == ["3 EA"]
    assert open_of(told(sale(shipped="7"))) == ["0 EA"]


def test_two_shipments_of_a_line_are_added_up() -> None:
    twice = sale(shipped="2")
    [line] = twice["lines."]
    line["moves."].append({"state": "done", "quantity": Decimal("1.5"), "unit": 1})

    assert open_of(told(twice)) == ["2.5 EA"]


def test_comments_among_the_lines_are_passed_over() -> None:
    with_comment = sale(shipped="1")
    stamp: datetime = with_comment["last_modified_at"]
    comment = {"type": "comment", "id": 99, "last_modified_at": stamp, "moves.": []}
    with_comment["lines."].append(comment)

    assert open_of(told(with_comment)) == ["5 EA"]


def test_a_sale_that_cannot_be_read_makes_the_page_not_whole() -> None:
    page = told(sale(), sale(warehouse=None), after="2")

    assert (len(page.lines), page.is_whole, page.after) == (1, False, "2")
    assert told(sale()).is_whole


class Books:
    """Stands in for a session with a company whose sales these are, by number."""

    def __init__(self, *sales: dict[str, Any]) -> None:
        self.sales = {one["id"]: one for one in sales}
        self.domains: list[Any] = []

    async def ask(self, method: str, *said: Any, context: Any = None) -> Answer:
        assert context == {"active_test": False}
        if method == "model.product.uom.search_read":
            return Answer(UNITS["units"], b"")
        assert method == "model.sale.sale.search_read"
        domain, _, most = said[:3]
        self.domains.append(domain)
        after = domain[0][2]
        found = [one for number, one in sorted(self.sales.items()) if number > after]
        return Answer(found[:most], b"")


async def test_open_sales_are_read_page_by_page_to_the_last() -> None:
    books = Books(*(sale(id=number) for number in (3, 4, 9)))
    settings = TrytonSettings(
        base_url="http://tryton",
        database="shop",
        user="hub",
        password=SecretStr("p"),
        page_rows=2,
    )
    ports = Ports(clock=VirtualClock(NOON), random=Random(1))
    connection = TrytonConnection(cast("Session", books), settings, ports)
    assert isinstance(connection, ListsOpenOrders)

    first = await connection.open_orders("")
    second = await connection.open_orders(first.after)

    assert [line.document for line in first.lines] == ["sale:3", "sale:4"]
    assert [line.document for line in second.lines] == ["sale:9"]
    assert (first.after, second.after) == ("4", "")
    assert books.domains[1] == [["id", ">", 4], ["state", "in", ["confirmed", "processing"]]]
