"""Asking the shop what is new, page by page: locations, items, levels, then orders.

Webhooks are faster, but come late or not at all. A round reads what changed since the last one and
reaches back a little further, because the search index lags behind the shop. What is read twice
has the same identity twice, and the inbox keeps one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from crossdock.applications.shopify import documents, pages
from crossdock.applications.shopify.admin import AdminApi
from crossdock.applications.shopify.documents import Document
from crossdock.applications.shopify.mapping import Naming
from crossdock.applications.shopify.reading import Record, instant_of
from crossdock.applications.shopify.settings import ShopifySettings
from crossdock.canonical.errors import Forbidden, Invalid
from crossdock.connectivity.sdk import Poll, Ports, Translation

NO_CUSTOMERS = (
    "orders come without their customer: the shop does not let this app read customers; give the "
    "app the scope read_customers, and approve it for protected customer data"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a round stands. `since` marks are proven by the last round, `marks` by this one.

    Items and levels cannot be sorted by their change, so a change during the reading may be missed
    by it: their mark is when the reading began. Orders are: theirs is the newest that was seen.
    """

    stage: str = "locations"
    after: str = ""
    locations: tuple[str, ...] = ()
    since: Mapping[str, str] = field(default_factory=dict[str, str])
    marks: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def parsed(cls, text: str) -> "Cursor":
        if not text:
            return cls()
        try:
            fields: dict[str, Any] = json.loads(text)
            fields["locations"] = tuple(fields["locations"])
            return cls(**fields)
        except (ValueError, TypeError, KeyError):
            raise Invalid(f"{text[:80]!r} is not a cursor of this shop", where="cursor") from None

    def __str__(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    def marked(self, stage: str, mark: str) -> "Cursor":
        return replace(self, marks={**self.marks, stage: mark})


@dataclass(frozen=True, slots=True)
class Page:
    """One page as read: its connection, and every byte it took to read it."""

    connection: Record
    raw: bytes

    @property
    def next_after(self) -> str:
        """Where the next page begins; empty at the end."""
        info = self.connection.record("pageInfo")
        return info.text("endCursor") if info.is_true("hasNextPage") else ""


def cursor_at(moment: datetime) -> str:
    """Begin a round that reads what changed since a moment; locations are always read whole."""
    return str(Cursor(since=dict.fromkeys(("variants", "levels", "orders"), moment.isoformat())))


class Polling:
    def __init__(self, api: AdminApi, settings: ShopifySettings, ports: Ports) -> None:
        self._api = api
        self._clock = ports.clock
        self._overlap = timedelta(seconds=settings.overlap_seconds)
        self._naming = Naming(settings.demand_location, settings.channel)
        self._sees_customers = True

    async def poll(self, cursor: str) -> Poll:
        at = Cursor.parsed(cursor)
        stages = {
            "locations": self._locations,
            "variants": self._variants,
            "levels": self._levels,
            "orders": self._orders,
        }
        if at.stage not in stages:
            raise Invalid(f"{at.stage!r} is not a stage of a round", where="cursor")
        return await stages[at.stage](at)

    async def _locations(self, at: Cursor) -> Poll:
        page = await self._page(documents.LOCATIONS, "locations", {"after": at.after or None})
        active = (
            node.text("id")
            for node in page.connection.records("nodes")
            if node.is_true("isActive")
        )
        at = replace(at, locations=(*at.locations, *active))
        return _read(page, pages.locations(page.connection), _next(at, page, "variants"))

    async def _variants(self, at: Cursor) -> Poll:
        at = self._begun(at)
        page = await self._page(documents.VARIANTS, "productVariants", self._variables(at))
        translation = pages.variants(page.connection)
        stage = "levels" if at.locations else "orders"
        return _read(page, translation, _next(at, page, stage))

    async def _levels(self, at: Cursor) -> Poll:
        """Read the first location of those left, then the next."""
        at = self._begun(at)
        location = at.locations[0]
        variables = {**self._variables(at), "location": location}
        answer = await self._api.ask(documents.LEVELS, variables)
        if not answer.data.is_set("location"):  # removed since the round began
            return _read(Page(EMPTY, answer.body), Translation(), _without_first(at))
        page = Page(answer.data.record("location").record("inventoryLevels"), answer.body)
        at = replace(at, after=page.next_after) if page.next_after else _without_first(at)
        return _read(page, pages.levels(page.connection, location), at)

    async def _orders(self, at: Cursor) -> Poll:
        page = await self._page_of_orders(at)
        page = await self._with_all_lines(page)
        seen = [node.text("updatedAt") for node in page.connection.records("nodes")]
        marks = [*seen, *filter(None, [at.marks.get("orders"), at.since.get("orders")])]
        at = at.marked("orders", max(marks, key=_instant, default=""))
        translation = pages.orders(page.connection, self._naming)
        if page.next_after:
            return _read(page, translation, replace(at, after=page.next_after))
        round_ended = Cursor(since={**at.since, **at.marks})
        caught_up = _read(page, translation, round_ended, is_caught_up=True)
        return caught_up if self._sees_customers else replace(caught_up, warning=NO_CUSTOMERS)

    async def _page_of_orders(self, at: Cursor) -> Page:
        """Read orders with who ordered, or without where the shop does not show that to the app.

        Each round asks anew: what is granted meanwhile is read from then on.
        """
        self._sees_customers = self._sees_customers or not at.after
        variables = self._variables(at)
        if self._sees_customers:
            try:
                return await self._page(documents.ORDERS, "orders", variables, customers=True)
            except Forbidden as problem:
                if problem.code != "access_denied":
                    raise
        page = await self._page(documents.ORDERS, "orders", variables, customers=False)
        self._sees_customers = False
        return page

    async def _with_all_lines(self, page: Page) -> Page:
        """Fetch the lines that did not fit beside their order."""
        raws = [page.raw]
        nodes: list[Mapping[str, Any]] = []
        for node in page.connection.records("nodes"):
            lines = Page(node.record("lineItems"), b"")
            found = list(lines.connection.entries("nodes"))
            while lines.next_after:
                variables = {"order": node.text("id"), "after": lines.next_after}
                answer = await self._api.ask(documents.ORDER_LINES, variables)
                lines = Page(answer.data.record("order").record("lineItems"), answer.body)
                raws.append(answer.body)
                found += lines.connection.entries("nodes")
            nodes.append({**node.fields, "lineItems": {"nodes": found}})
        whole = Record({**page.connection.fields, "nodes": nodes}, page.connection.where)
        return Page(whole, b"\n".join(raws))

    async def _page(
        self, document: Document, name: str, variables: Mapping[str, str | None], **more: bool
    ) -> Page:
        answer = await self._api.ask(document, {**variables, **more})
        return Page(answer.data.record(name), answer.body)

    def _variables(self, at: Cursor) -> dict[str, str | None]:
        since = at.since.get(at.stage, "")
        if not since:
            return {"after": at.after or None, "query": None}
        from_when = instant_of(since, where="cursor") - self._overlap
        query = f"updated_at:>='{from_when.strftime('%Y-%m-%dT%H:%M:%SZ')}'"
        return {"after": at.after or None, "query": query}

    def _begun(self, at: Cursor) -> Cursor:
        """Mark when a stage's reading began, at its first page."""
        return at if at.stage in at.marks else at.marked(at.stage, self._clock.now().isoformat())


EMPTY = Record({"nodes": [], "pageInfo": {"hasNextPage": False}})


def _next(at: Cursor, page: Page, stage: str) -> Cursor:
    if page.next_after:
        return replace(at, after=page.next_after)
    return replace(at, after="", stage=stage)


def _without_first(at: Cursor) -> Cursor:
    left = at.locations[1:]
    return replace(at, after="", locations=left, stage="levels" if left else "orders")


def _read(
    page: Page, translation: Translation, cursor: Cursor, *, is_caught_up: bool = False
) -> Poll:
    return Poll(
        translation=translation, cursor=str(cursor), raw=page.raw, is_caught_up=is_caught_up
    )


def _instant(text: str) -> datetime:
    return instant_of(text, where="updatedAt")
