"""A connection to one Tryton: asks what is new, counts its stock, books movements into it."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from crossdock.applications.tryton import counts, open_lines, places, purchases, units
from crossdock.applications.tryton.booking import Bookings
from crossdock.applications.tryton.changes import (
    BEGINNING,
    FEED_BY_NAME,
    FEEDS,
    ORDER,
    STOCK,
    Count,
    Cursor,
    Feed,
    cursor_of,
)
from crossdock.applications.tryton.mapping import (
    CUSTOMER_SHIPMENT,
    ITEM_FIELDS,
    MOVE_FIELDS,
    SALE_FIELDS,
    SHIPMENT_FIELDS,
    read_page,
)
from crossdock.applications.tryton.movements import INTERNAL_SHIPMENT
from crossdock.applications.tryton.places import Places
from crossdock.applications.tryton.related import UNITS_OF, ends_of, ids_of, item_units, number_of
from crossdock.applications.tryton.session import Answer, Session
from crossdock.applications.tryton.settings import TrytonSettings, options_of
from crossdock.applications.tryton.units import Units
from crossdock.applications.tryton.wire import encoded
from crossdock.canonical.errors import Forbidden, Rejected, Unavailable
from crossdock.connectivity.sdk import (
    Delivery,
    OpenKind,
    OpenPage,
    Outcome,
    Poll,
    Ports,
    PostMovement,
    StockAnswer,
    Translation,
)
from crossdock.connectivity.transports.http import HttpClient

ROWS_MAX = 100_000
COUNT_ATTEMPTS_MAX = 3
UNREADABLE = 'purchases cannot be read (give the user a right to, or say "purchases": false)'
# Tryton hides inactive rows unless asked; an item that was put out of use is a change, too.
ALL = {"active_test": False}

FIELDS_BY_TOPIC = {
    "locations": places.FIELDS,
    "items": ITEM_FIELDS,
    "orders": SALE_FIELDS,
    "purchases": purchases.FIELDS,
    "moves": MOVE_FIELDS,
}


class ReadingPages:
    """Reads kept pages again; pure. Nothing comes in here by itself."""

    def __init__(self, settings: TrytonSettings) -> None:
        self._options = options_of(settings)

    def verify(self, delivery: Delivery, now: datetime) -> None:
        del delivery, now
        raise Forbidden("This connection is polled; nobody sends to it", code="not_received")

    def translate(self, delivery: Delivery) -> Translation:
        return read_page(delivery.body, self._options)


@dataclass
class TrytonConnection:
    """One conversation; answers `Polls`, `ListsOpenLines` and `PostsMovements`."""

    session: Session
    settings: TrytonSettings
    ports: Ports
    _directory: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    _units: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])

    async def check(self) -> str:
        version = (await self.session.ask("model.ir.module.search_read", *_MODULES)).result
        preferences = await self.session.preferences()
        buckets = (await self._places()).buckets()
        modules = {row["name"]: row["version"] for row in version}
        company = preferences.get("company.rec_name", "no company")
        found = f"Tryton {modules.get('stock', 'without stock')}, {company}, {len(buckets)} nodes"
        return found + await self._purchases_checked()

    async def _purchases_checked(self) -> str:
        if self.settings.purchases:
            try:
                await self._read("purchase.purchase", [], ["id"], 1)
            except Rejected as problem:
                return f"; {UNREADABLE}: {problem.message}"
        return ""

    async def poll(self, cursor: str) -> Poll:
        at = cursor_of(cursor)
        if at.feed == STOCK:
            return await self._counted(at)
        if at.feed == FEEDS[0].name and at.after is None:
            self._directory, self._units = [], []
        return await self._changed(at, FEED_BY_NAME[at.feed])

    async def post_movements(self, commands: Sequence[PostMovement]) -> Sequence[Outcome]:
        preferences = await self.session.preferences()
        bookings = Bookings(
            self.session, await self._places(), await self._known_units(), preferences["company"]
        )
        return [await bookings.post(command) for command in commands]

    async def open_lines(self, kind: OpenKind, after: str) -> OpenPage:
        """Read what is open now, a page of documents by their numbers."""
        if kind is OpenKind.PURCHASES and not self.settings.purchases:
            raise Rejected(open_lines.NOT_READ, code="not_listed")
        size = self.settings.page_rows
        domain = [["id", ">", int(after or 0)], open_lines.DOMAINS[kind]]
        fields = FIELDS_BY_TOPIC[kind]
        try:
            answer = await self._read(open_lines.MODELS[kind], domain, fields, size)
        except Rejected as problem:
            if kind is OpenKind.PURCHASES:
                raise Rejected(f"{UNREADABLE}: {problem.message}") from problem
            raise
        related = await self._related(kind, answer.result, Cursor())
        last = str(answer.result[-1]["id"]) if len(answer.result) >= size else ""
        options = options_of(self.settings)
        return open_lines.page_of(kind, answer.result, related, options, last)

    async def stock_of(self, location: str, items: Sequence[str]) -> StockAnswer:
        """Count these products as of one overlap ago, where every transaction has ended.

        Where they move meanwhile nothing is told: to count again would take more requests than a
        question may. Raises `Unavailable` then.
        """
        now = self.ports.clock.now()
        count = Count(watermark=now - self.settings.overlap, begun_at=now)
        ids = sorted({int(item) for item in items if item.isdecimal()})
        domain = [["id", "in", ids], ["type", "in", ["goods", "assets"]]]
        is_known = ids and location in (await self._places()).buckets()
        raw = _NOTHING
        if is_known:
            products = await self._read(
                "product.product", domain, list(counts.PRODUCT_FIELDS), ROWS_MAX
            )
            if products.result:
                at = Cursor(count=count)
                raw = await self._count(at, location, products.result, attempts=1)
        return StockAnswer(translation=read_page(raw, options_of(self.settings)), raw=raw)

    async def _changed(self, at: Cursor, feed: Feed) -> Poll:
        """Read a page; purchases that cannot be read, and never could be, hold up nothing."""
        if feed.topic != "purchases":
            return await self._page_of(at, feed)
        raw = _NOTHING
        if self.settings.purchases:
            try:
                return await self._page_of(at, feed)
            except Rejected as problem:
                if at.has_read("purchases"):
                    raise  # what was told is promised from: nobody would take arrivals off it
                reason = f"{UNREADABLE}: {problem.message}"
                raw = encoded({"topic": feed.topic, "unreadable": reason})
        return self._page(raw, at.read((), self.settings.page_rows), is_caught_up=False)

    async def _page_of(self, at: Cursor, feed: Feed) -> Poll:
        fields = ["id", "last_modified_at", feed.owner[0]] if feed.owner else _fields(feed)
        start = at.start(self.settings.overlap)
        domain = [*feed.domain, start.domain()]
        answer = await self._read(feed.model, domain, fields, self.settings.page_rows, ORDER)
        following = at.read(answer.result, self.settings.page_rows)
        if feed.owner:
            answer = await self._owners(feed, answer.result)
        related = await self._related(feed.topic, answer.result, at)
        raw = b'{"topic":%b,"answer":%b,"related":%b}' % (
            *(encoded(feed.topic), answer.body, encoded(related)),
        )
        ended = following.feed != at.feed and feed is FEEDS[-1]
        if ended and self._is_count_due(following):
            following = following.counting(self.settings.overlap, self.ports.clock.now())
            ended = False
        return self._page(raw, following, is_caught_up=ended)

    def _page(self, raw: bytes, following: Cursor, *, is_caught_up: bool) -> Poll:
        return Poll(
            translation=read_page(raw, options_of(self.settings)),
            cursor=following.written(),
            raw=raw,
            is_caught_up=is_caught_up,
        )

    async def _owners(self, feed: Feed, changed: Iterable[Mapping[str, Any]]) -> Answer:
        """Read what the changed rows belong to: items of a template, the sale of a line."""
        link, model, by = feed.owner or ("id", feed.model, "id")
        wanted = sorted({number_of(row[link]) for row in changed})
        return await self._read(model, [[by, "in", wanted]], _fields(feed), ROWS_MAX)

    async def _related(
        self, topic: str, rows: Sequence[Mapping[str, Any]], at: Cursor
    ) -> Mapping[str, Any]:
        """Gather what else decides about these rows, to be kept beside them."""
        if topic == "locations":
            return {}
        known = await self._known_units()
        if topic == "orders":
            return {
                "units": known.around(UNITS_OF[topic](rows)),
                "shipments": await self._customer_shipments(rows),
            }
        if topic != "moves":
            return {"units": known.around(UNITS_OF[topic](rows))}
        ends = ends_of(rows)
        origins = await self._origins(rows)
        bought = await self._bought([*rows, *origins], at)
        return {
            "units": known.around(UNITS_OF[topic](rows) | UNITS_OF["purchases"](bought)),
            "locations": (await self._places(including=ends)).around(ends),
            "origins": origins,
            "shipments": await self._shipments(rows),
            "purchases": bought,
        }

    async def _bought(
        self, moves: Iterable[Mapping[str, Any]], at: Cursor
    ) -> Sequence[Mapping[str, Any]]:
        """Read the purchases that moves serve, later than the moves: they have them off by now."""
        lines = ids_of("purchase.line", (move["origin"] for move in moves))
        if not lines or not self.settings.purchases or not at.has_read("purchases"):
            return ()
        domain = [["lines", "in", lines]]
        answer = await self._read("purchase.purchase", domain, purchases.FIELDS, ROWS_MAX)
        return list(answer.result)

    async def _origins(self, rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Read where moves come from: a pick from a delivery, and that from the order line."""
        moves = ids_of("stock.move", (row["origin"] for row in rows))
        if not moves:
            return []
        answer = await self._read("stock.move", [["id", "in", moves]], ["origin"], ROWS_MAX)
        return list(answer.result)

    async def _shipments(self, rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Read the references of internal shipments: those that the hub has booked say so."""
        shipments = ids_of(INTERNAL_SHIPMENT, (row["shipment"] for row in rows))
        if not shipments:
            return []
        domain = [["id", "in", shipments]]
        answer = await self._read(INTERNAL_SHIPMENT, domain, ["reference"], ROWS_MAX)
        return list(answer.result)

    async def _customer_shipments(
        self, sales: Iterable[Mapping[str, Any]]
    ) -> list[Mapping[str, Any]]:
        """Read how far the shipments of sales are: what they hold may be with the warehouse."""
        moves = [move for sale in sales for line in sale["lines."] for move in line["moves."]]
        shipments = ids_of(CUSTOMER_SHIPMENT, (move["shipment"] for move in moves))
        if not shipments:
            return []
        domain = [["id", "in", shipments]]
        answer = await self._read(CUSTOMER_SHIPMENT, domain, SHIPMENT_FIELDS, ROWS_MAX)
        return list(answer.result)

    async def _counted(self, at: Cursor) -> Poll:
        nodes = sorted((await self._places()).buckets())
        count = at.count
        if count is None or not nodes:
            return self._page(_NOTHING, replace(at, feed=FEEDS[0].name), is_caught_up=True)
        size = self.settings.page_rows
        domain = [["id", ">", count.product], ["type", "in", ["goods", "assets"]]]
        products = await self._read(
            "product.product", domain, list(counts.PRODUCT_FIELDS), size, [["id", "ASC"]]
        )
        ids = [row["id"] for row in products.result]
        following = at.counted(ids, size, len(nodes))
        is_over = following.feed != STOCK
        if is_over:
            following = replace(following, counted_at=self.ports.clock.now())
        raw = await self._count(at, nodes[count.node], products.result) if ids else _NOTHING
        return self._page(raw, following, is_caught_up=is_over)

    async def _count(
        self,
        at: Cursor,
        node: str,
        products: Sequence[Mapping[str, Any]],
        attempts: int = COUNT_ATTEMPTS_MAX,
    ) -> bytes:
        """Read the figures between two equal readings of the moves: then they are of one state."""
        today = (await self.session.ask("model.ir.date.today")).result
        count = at.count or Count(watermark=BEGINNING)
        watermark = count.watermark
        ids = [row["id"] for row in products]
        domain = counts.touched_domain(ids, watermark, today)
        for _ in range(attempts):
            before = await self._read("stock.move", domain, list(counts.TOUCHED_FIELDS), ROWS_MAX)
            quantities = {
                status: (await self._quantities(ids, locations, today)).result
                for status, locations in (await self._places()).buckets()[node].items()
            }
            after = await self._read("stock.move", domain, list(counts.TOUCHED_FIELDS), ROWS_MAX)
            if before.result == after.result:
                page = {"topic": STOCK, "node": node, "watermark": watermark, "today": today}
                page["begun_at"] = count.begun_at
                page |= {"products": products, "quantities": quantities, "touched": after.result}
                page["related"] = {
                    "units": (await self._known_units()).around(item_units(products)),
                    "locations": (await self._places()).around(ends_of(after.result)),
                }
                return encoded(page)
        raise Unavailable("stock moves faster than it can be counted; it is tried again later")

    async def _quantities(self, ids: list[int], locations: list[int], today: object) -> Answer:
        context = {**ALL, "locations": locations, "with_childs": False, "stock_date_end": today}
        return await self.session.ask(
            "model.product.product.read", ids, ["quantity"], context=context
        )

    def _is_count_due(self, at: Cursor) -> bool:
        every = self.settings.count_every
        return every is not None and self.ports.clock.now() - at.counted_at >= every

    async def _places(self, including: Iterable[int] = ()) -> Places:
        """Answer all locations; read them again when one is not among those known."""
        known = {row["id"] for row in self._directory}
        if not self._directory or not known.issuperset(including):
            answer = await self._read("stock.location", [], list(places.FIELDS), ROWS_MAX)
            self._directory = list(answer.result)
        return Places.of(self._directory, self.settings.location_statuses)

    async def _known_units(self) -> Units:
        if not self._units:
            answer = await self._read("product.uom", [], list(units.FIELDS), ROWS_MAX)
            self._units = list(answer.result)
        return Units.of(self._units, self.settings.unit_codes)

    async def _read(
        self,
        model: str,
        domain: Sequence[object],
        fields: Sequence[str],
        rows_max: int,
        order: Sequence[object] = (),
    ) -> Answer:
        return await self.session.ask(
            f"model.{model}.search_read",
            *(list(domain), 0, rows_max, list(order) or [["id", "ASC"]], list(fields)),
            context=ALL,
        )


_MODULES = ([["state", "=", "activated"]], 0, None, None, ["name", "version"])
_NOTHING = b'{"topic":"locations","answer":{"result":[]},"related":{}}'


def _fields(feed: Feed) -> list[str]:
    return list(FIELDS_BY_TOPIC[feed.topic])


@asynccontextmanager
async def connected(settings: TrytonSettings, ports: Ports) -> AsyncGenerator[TrytonConnection]:
    async with HttpClient(
        settings.base_url,
        clock=ports.clock,
        allow_private_addresses=ports.allow_private_addresses,
        timeout_seconds=settings.timeout_seconds,
    ) as http:
        session = Session(
            *(http, ports, settings.database, settings.user),
            *(settings.password.get_secret_value(), settings.patience),
        )
        yield TrytonConnection(session, settings, ports)
