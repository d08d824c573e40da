"""A reading counts as all the requests that it takes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from crossdock.applications.shopify import APPLICATION, documents
from crossdock.applications.shopify.holding import ITEM_PREFIX, Holding
from crossdock.applications.shopify.reading import Record
from crossdock.connectivity.reading_back import requests_of


@pytest.mark.parametrize(("keys", "requests"), [(0, 1), (1, 2), (25, 2), (26, 3), (250, 11)])
def test_a_reading_by_sku_is_its_searches_and_the_query(keys: int, requests: int) -> None:
    assert requests_of(APPLICATION, keys) == requests


def test_who_answers_in_one_request_is_asked_in_one() -> None:
    simple = replace(APPLICATION, requests_a_reading=1)

    assert [requests_of(simple, keys) for keys in (0, 1, 250)] == [1, 1, 1]


class Asked(NamedTuple):
    data: Record


class Shop:
    """Knows every SKU; counts what it is asked."""

    def __init__(self) -> None:
        self.requests = 0

    async def ask(self, document: documents.Document, variables: Mapping[str, Any]) -> Asked:
        self.requests += 1
        if document != documents.ITEM_OF_SKU:
            return Asked(Record.of_value({"nodes": []}))
        skus = re.findall("sku:'([^']*)'", variables["query"])
        nodes = [{"sku": sku, "id": f"{ITEM_PREFIX}{sku}"} for sku in skus]
        return Asked(Record.of_value({"inventoryItems": {"nodes": nodes}}))


@pytest.mark.parametrize("keys", [1, 25, 26, 249, 250])
async def test_shopify_takes_no_more_requests_than_it_says(keys: int) -> None:
    shop = Shop()
    holding = Holding(shop)  # type: ignore[arg-type]  # a stand-in that has what is asked of it
    ids = await holding.item_ids([f"SKU-{number}" for number in range(keys)])
    await holding.held([(one, "L1") for one in ids.values()])

    assert len(ids) == keys
    assert shop.requests == requests_of(APPLICATION, keys)
