"""Tryton's sales and purchases that are open now, line by line, without a Tryton."""

from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any, cast

import pytest
from pydantic import SecretStr

from crossdock.applications.tryton import samples
from crossdock.applications.tryton.client import TrytonConnection
from crossdock.applications.tryton.open_lines import MODELS, page_of
from crossdock.applications.tryton.samples import SAMPLE_OPTIONS
from crossdock.applications.tryton.session import Answer, Session
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.applications.tryton.wire import decoded
from crossdock.canonical.errors import Rejected
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.supply import SupplyCommitmentChanged
from crossdock.connectivity.sdk import ListsOpenLines, OpenKind, OpenPage, Ports
from crossdock.foundation.clock import VirtualClock
from tests.conftest import NOON

PAGE: dict[str, Any] = decoded(samples.ORDERS.delivery.body)
[SALE] = PAGE["answer"]["result"]
UNITS = PAGE["related"]


def told(*sales: dict[str, Any], after: str = "") -> OpenPage:
    return page_of(OpenKind.ORDERS, list(sales), UNITS, SAMPLE_OPTIONS, after)


def sale(shipped: str | None = None, ignored: str | None = None, **more: Any) -> dict[str, Any]:
    """Give the recorded sale of 6, with so much of it shipped or given up."""
    found = deepcopy(SALE)
    [line] = found["lines."]
    unheld = {"unit": 1, "shipment": None}
    moves = [{"state": "done", "quantity": Decimal(shipped), **unheld}] if shipped else []
    line["moves."] = [{"state": "draft", "quantity": Decimal(9), **unheld}, *moves]
    line["moves_ignored."] = [{"quantity": Decimal(ignored), "unit": 1}] if ignored else []
    return {**found, **more}


def open_of(page: OpenPage) -> list[str]:
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


def test_a_sale_that_cannot_be_read_is_named() -> None:
    page = told(sale(id=2), sale(id=3, warehouse=None), after="2")

    assert (len(page.lines), page.unread, page.after) == (1, ("sale:3",), "2")
    assert told(sale()).unread == ()


BOUGHT: dict[str, Any] = decoded(samples.PURCHASES.delivery.body)
[PURCHASE] = BOUGHT["answer"]["result"]


def bought(*purchases: dict[str, Any], after: str = "") -> OpenPage:
    return page_of(OpenKind.PURCHASES, list(purchases), BOUGHT["related"], SAMPLE_OPTIONS, after)


def test_a_purchase_line_is_named_and_open_as_its_supply_facts_say() -> None:
    [fact] = samples.PURCHASES.translation.facts
    assert isinstance(fact.payload, SupplyCommitmentChanged)

    [line] = bought(PURCHASE).lines

    assert f"{line.document}/{line.line}" == fact.payload.supply_id
    assert (line.item, line.location) == (fact.payload.item, fact.payload.location)
    assert (line.quantity, line.changed_at) == (fact.payload.open_quantity, fact.recorded_at)


def test_a_purchase_that_cannot_be_read_is_named_and_a_service_is_no_line() -> None:
    service = deepcopy(PURCHASE)
    service["lines."][0]["product."]["type"] = "service"
    emptied = {**PURCHASE, "id": 9, "warehouse": None}

    page = bought(service, PURCHASE, emptied, after="9")

    assert (len(page.lines), page.after) == (1, "9")
    assert page.unread == (f"{SAMPLE_OPTIONS.installation}:purchase:9",)


class Books:
    """Stands in for a session with a company whose sales, or purchases, these are, by number."""

    def __init__(self, *sales: dict[str, Any], kind: OpenKind = OpenKind.ORDERS) -> None:
        self.kind = kind
        self.sales = {one["id"]: one for one in sales}
        self.domains: list[Any] = []

    async def ask(self, method: str, *said: Any, context: Any = None) -> Answer:
        assert context == {"active_test": False}
        if method == "model.product.uom.search_read":
            return Answer([*UNITS["units"], *BOUGHT["related"]["units"]], b"")
        assert method == f"model.{MODELS[self.kind]}.search_read"
        domain, _, most = said[:3]
        self.domains.append(domain)
        after = domain[0][2]
        found = [one for number, one in sorted(self.sales.items()) if number > after]
        return Answer(found[:most], b"")


def connection_to(books: Books, *, purchases: bool = True) -> TrytonConnection:
    settings = TrytonSettings(
        base_url="http://tryton",
        database="shop",
        user="hub",
        password=SecretStr("p"),
        page_rows=2,
        purchases=purchases,
    )
    ports = Ports(clock=VirtualClock(NOON), random=Random(1))
    return TrytonConnection(cast("Session", books), settings, ports)


async def test_open_purchases_are_read_page_by_page_to_the_last() -> None:
    rows = [{**PURCHASE, "id": number} for number in (3, 4, 9)]
    books = Books(*rows, kind=OpenKind.PURCHASES)
    connection = connection_to(books)

    first = await connection.open_lines(OpenKind.PURCHASES, "")
    second = await connection.open_lines(OpenKind.PURCHASES, first.after)

    names = [line.document for line in (*first.lines, *second.lines)]
    assert names == ["shop:purchase:3", "shop:purchase:4", "shop:purchase:9"]
    assert (first.after, second.after) == ("4", "")
    assert books.domains[1] == [["id", ">", 4], ["state", "not in", ["cancelled", "done"]]]


async def test_whose_settings_say_that_purchases_are_not_read_lists_none() -> None:
    books = Books(PURCHASE, kind=OpenKind.PURCHASES)
    with pytest.raises(Rejected, match="not read, as its settings say") as refused:
        await connection_to(books, purchases=False).open_lines(OpenKind.PURCHASES, "")
    assert (refused.value.code, books.domains) == ("not_listed", [])


async def test_open_sales_are_read_page_by_page_to_the_last() -> None:
    books = Books(*(sale(id=number) for number in (3, 4, 9)))
    connection = connection_to(books)
    assert isinstance(connection, ListsOpenLines)

    first = await connection.open_lines(OpenKind.ORDERS, "")
    second = await connection.open_lines(OpenKind.ORDERS, first.after)

    assert [line.document for line in first.lines] == ["sale:3", "sale:4"]
    assert [line.document for line in second.lines] == ["sale:9"]
    assert (first.after, second.after) == ("4", "")
    assert books.domains[1] == [["id", ">", 4], ["state", "in", ["confirmed", "processing"]]]
