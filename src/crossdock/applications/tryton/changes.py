"""Which page of which table comes next, so that no change is ever skipped; pure.

Tryton stamps a row with the start of the transaction that wrote it (`write_date`, or `create_date`
until it is first changed; together `last_modified_at`). A transaction that runs for long commits
stamps that lie behind those already read: a reader that goes on from the highest stamp it has seen
never sees them. So every round begins `overlap` before the highest stamp of the round before it,
and reads what it has read already: the facts keep their identities, so that costs time and nothing
else. `overlap` must be longer than the longest transaction of that Tryton.

Inside a round rows come in the order of (stamp, id) and each page begins after the last row of the
one before, so equal stamps on both sides of a page's edge are no problem. A row that changes
meanwhile moves ahead of the reader, never behind it. A row that is deleted is never seen: absence
of change proves nothing, which is why Tryton refuses to delete moves that were done and sales that
were confirmed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from crossdock.canonical.errors import Invalid

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
STOCK = "stock"
CREEP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One table to watch. `model` is what changed, `owner` how its row leads to what is told.

    `owner` is (field of the changed row, model to read, field of that model); without it the
    changed rows are themselves what is told. That field may be a reference like `sale.line,7`.
    """

    name: str
    model: str
    topic: str
    domain: tuple[object, ...] = ()
    owner: tuple[str, str, str] | None = None


FEEDS = (
    Feed(name="locations", model="stock.location", topic="locations"),
    Feed(
        name="templates",
        model="product.template",
        topic="items",
        owner=("id", "product.product", "template"),
    ),
    Feed(name="products", model="product.product", topic="items"),
    Feed(name="sales", model="sale.sale", topic="orders"),
    Feed(name="sale lines", model="sale.line", topic="orders", owner=("sale", "sale.sale", "id")),
    # To assign a shipment or to pick it stamps neither the sale nor its lines.
    Feed(
        name="customer shipments",
        model="stock.shipment.out",
        topic="orders",
        owner=("id", "sale.sale", "shipments"),
    ),
    # What moves serve of purchases is read and told with them, so that nothing is still to come
    # that they bring in. These feeds tell of all else that happens to a purchase.
    Feed(name="purchases", model="purchase.purchase", topic="purchases"),
    Feed(
        name="purchase lines",
        model="purchase.line",
        topic="purchases",
        owner=("purchase", "purchase.purchase", "id"),
    ),
    # A receipt stamps its moves alone, not the line that they serve.
    Feed(
        name="purchase moves",
        model="stock.move",
        topic="purchases",
        domain=(["origin", "like", "purchase.line,%"],),
        owner=("origin", "purchase.purchase", "lines"),
    ),
    Feed(
        name="moves",
        model="stock.move",
        topic="moves",
        domain=(["state", "in", ["done", "cancelled"]],),
    ),
)
FEED_BY_NAME = {feed.name: feed for feed in FEEDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The last row of a page: the next one begins behind it."""

    stamp: datetime
    row: int = 0

    def domain(self) -> list[object]:
        same = [["last_modified_at", "=", self.stamp], ["id", ">", self.row]]
        return ["OR", [["last_modified_at", ">", self.stamp]], same]


ORDER = [["last_modified_at", "ASC"], ["id", "ASC"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How far a count of the stock has come: which node, behind which product, as of when."""

    watermark: datetime
    begun_at: datetime = BEGINNING
    node: int = 0
    product: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where the reader is. `highs` are the highest stamps of finished rounds, by feed."""

    feed: str = FEEDS[0].name
    after: Mark | None = None
    highs: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    counted_at: datetime = BEGINNING
    count: Count | None = None

    def has_read(self, topic: str) -> bool:
        """Say whether anything was read of a topic, now or in a round before."""
        names = {feed.name for feed in FEEDS if feed.topic == topic}
        is_inside = self.after is not None and self.feed in names
        return is_inside or any(self.highs.get(name, BEGINNING) > BEGINNING for name in names)

    def start(self, overlap: timedelta) -> Mark:
        """Say behind which row the next page begins."""
        if self.after:
            return self.after
        high = self.highs.get(self.feed, BEGINNING)
        return Mark(stamp=max(BEGINNING, high - overlap))

    def read(self, rows: Sequence[Mapping[str, Any]], page_rows: int) -> "Cursor":
        """Move on by a page; a short page ends the feed's turn in this round."""
        last = rows[-1] if rows else None
        after = Mark(stamp=last["last_modified_at"], row=last["id"]) if last else self.after
        if len(rows) >= page_rows:
            return replace(self, after=after)
        high = max(self.highs.get(self.feed, BEGINNING), after.stamp if after else BEGINNING)
        return replace(
            self, feed=_following(self.feed), after=None, highs={**self.highs, self.feed: high}
        )

    def counting(self, overlap: timedelta, now: datetime) -> "Cursor":
        """Begin a count, as of a moment whose transactions have all ended.

        While Tryton rests the newest stamp stands still, but the count after it must win over the
        one before: a slow transaction may have ended between them. So the moment follows the clock
        by a ten-thousandth, slowly enough that it does not matter whose clock it is.
        """
        newest = max(self.highs.values(), default=BEGINNING)
        watermark = newest - overlap + (now - newest) // CREEP
        return replace(self, feed=STOCK, count=Count(watermark=watermark, begun_at=now))

    def counted(self, products: Sequence[int], page_rows: int, nodes: int) -> "Cursor":
        """Move on by a page of products, then to the next node, then to the next round."""
        count = self.count or Count(watermark=BEGINNING)
        if len(products) >= page_rows:
            return replace(self, count=replace(count, product=products[-1]))
        if count.node + 1 < nodes:
            return replace(self, count=replace(count, node=count.node + 1, product=0))
        return replace(self, feed=FEEDS[0].name, count=None)

    def written(self) -> str:
        return json.dumps(
            {
                "feed": self.feed,
                "after": self.after and [_micros(self.after.stamp), self.after.row],
                "highs": {name: _micros(high) for name, high in self.highs.items()},
                "counted_at": _micros(self.counted_at),
                "count": self.count
                and [
                    *(_micros(self.count.watermark), self.count.node, self.count.product),
                    _micros(self.count.begun_at),
                ],
            }
        )


def cursor_of(text: str) -> Cursor:
    """Read a stored cursor; "" is the beginning."""
    if not text:
        return Cursor()
    try:
        said = json.loads(text)
        if said["feed"] not in {*FEED_BY_NAME, STOCK}:
            raise Invalid(f"the cursor is at {said['feed']!r}, which is not read")
        after, count = said["after"], said["count"]
        return Cursor(
            feed=said["feed"],
            after=Mark(stamp=_instant(after[0]), row=int(after[1])) if after else None,
            highs={name: _instant(high) for name, high in said["highs"].items()},
            counted_at=_instant(said["counted_at"]),
            count=count
            and Count(
                watermark=_instant(count[0]),
                node=int(count[1]),
                product=int(count[2]),
                begun_at=_instant(count[3]),
            ),
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError) as bad:
        raise Invalid(f"the cursor is not one of Tryton's: {bad}") from bad


def cursor_at(moment: datetime) -> str:
    """Begin a round that reads what changed since a moment, and a count after it."""
    return Cursor(highs=dict.fromkeys(FEED_BY_NAME, moment)).written()


def _following(feed: str) -> str:
    names = list(FEED_BY_NAME)
    return names[(names.index(feed) + 1) % len(names)]


def _micros(instant: datetime) -> int:
    return (instant - BEGINNING) // timedelta(microseconds=1)


def _instant(micros: int) -> datetime:
    return BEGINNING + timedelta(microseconds=micros)
