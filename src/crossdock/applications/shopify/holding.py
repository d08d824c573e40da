"""What the shop holds: its ids of our items, and its available numbers, asked for in bulk."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from crossdock.applications.shopify import documents
from crossdock.applications.shopify.admin import AdminApi
from crossdock.applications.shopify.pages import available_of
from crossdock.applications.shopify.reading import Record

NODES_MAX = 250
SKUS_MAX = 25
"""How many SKUs one search names: the search text is bounded, and a SKU may be long."""

READING_REQUESTS = NODES_MAX // SKUS_MAX + 1
"""Levels of as many items as one query names, each by its SKU: the searches, then the query."""

ITEM_PREFIX = "gid://shopify/InventoryItem/"


class Holding:
    def __init__(self, api: AdminApi) -> None:
        self._api = api
        self._id_by_sku: dict[str, str] = {}

    async def item_ids(self, items: Sequence[str]) -> Mapping[str, str]:
        """Find the inventory item of each id or SKU; none or several of one SKU is no answer."""
        known = {item: item for item in items if item.startswith(ITEM_PREFIX)}
        skus = {item for item in items if item and item not in known}
        for part in _parts(sorted(skus - self._id_by_sku.keys()), SKUS_MAX):
            self._id_by_sku |= await self._searched(part)
        return known | {sku: self._id_by_sku[sku] for sku in skus if sku in self._id_by_sku}

    async def held(self, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Decimal]:
        """Read the available number of each (item id, location); one that is absent is missing."""
        items_by_location: defaultdict[str, list[str]] = defaultdict(list)
        for item, location in dict.fromkeys(pairs):
            items_by_location[location].append(item)
        found: dict[tuple[str, str], Decimal] = {}
        for location, items in items_by_location.items():
            for part in _parts(items, NODES_MAX):
                found |= await self._read(part, location)
        return found

    async def _read(
        self, items: Sequence[str], location: str
    ) -> Mapping[tuple[str, str], Decimal]:
        variables = {"items": list(items), "location": location}
        data = (await self._api.ask(documents.HELD, variables)).data
        found: dict[tuple[str, str], Decimal] = {}
        for item, node in zip(items, data.entries("nodes"), strict=False):
            level = Record.of_value(node or {}).record_if_any("inventoryLevel")
            available = available_of(level) if level.fields else None
            if available is not None:
                found[item, location] = Decimal(available)
        return found

    async def _searched(self, skus: Sequence[str]) -> Mapping[str, str]:
        query = " OR ".join(f"sku:'{_escaped(sku)}'" for sku in skus)
        data = (await self._api.ask(documents.ITEM_OF_SKU, {"query": query})).data
        ids: defaultdict[str, list[str]] = defaultdict(list)
        for node in data.record("inventoryItems").records("nodes"):
            ids[node.text("sku")].append(node.text("id"))
        return {sku: ids[sku][0] for sku in skus if len(ids[sku]) == 1}


def _escaped(sku: str) -> str:
    return sku.replace("\\", "\\\\").replace("'", "\\'")


def _parts(entries: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(entries), size):
        yield entries[start : start + size]
