"""The simulator refuses what Shopify refuses."""

import json
from typing import Any

import pytest

from crossdock.applications.shopify.documents import ORDERS, SET_QUANTITIES, VARIANTS
from crossdock.applications.shopify.settings import API_VERSION
from crossdock.applications.shopify.simulator import ShopifySimulator
from crossdock.foundation.clock import VirtualClock
from tests.unit.applications.shopify.shops import NOON, ports_at, settings_for


@pytest.fixture
def simulator() -> ShopifySimulator:
    made = ShopifySimulator(settings_for(), ports_at(VirtualClock(NOON)))
    made.shop.list_item("BOLT", stock={made.shop.open_location("Main"): 40})
    return made


def quantity(simulator: ShopifySimulator, **changes: Any) -> dict[str, Any]:
    (item, location), _ = next(iter(simulator.shop.levels.items()))
    line = {
        "inventoryItemId": item,
        "locationId": location,
        "quantity": 35,
        "changeFromQuantity": 40,
    }
    return {name: value for name, value in {**line, **changes}.items() if value != "left out"}


def written(
    simulator: ShopifySimulator, *lines: dict[str, Any], key: str = "k", **changes: Any
) -> list[str]:
    given = {"name": "available", "reason": "correction", "quantities": list(lines), **changes}
    answer = simulator.admin.execute(SET_QUANTITIES.text, {"input": given, "key": key})
    if "errors" in answer:
        return [answer["errors"][0]["extensions"]["code"]]
    payload = answer["data"]["inventorySetQuantities"]
    return [error["code"] for error in payload["userErrors"]]


def held(simulator: ShopifySimulator) -> int:
    return simulator.shop.available("BOLT")


def test_a_write_without_a_key_is_an_error_and_does_nothing(simulator: ShopifySimulator) -> None:
    text = SET_QUANTITIES.text.replace("@idempotent(key: $key)", "").replace(", $key: String!", "")
    given = {"name": "available", "reason": "correction", "quantities": [quantity(simulator)]}

    answer = simulator.admin.execute(text, {"input": given})

    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert answer["data"] == {"inventorySetQuantities": None}
    assert held(simulator) == 40


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"changeFromQuantity": 41}, "CHANGE_FROM_QUANTITY_STALE"),
        ({"changeFromQuantity": "left out"}, "COMPARE_QUANTITY_REQUIRED"),
        ({"inventoryItemId": "gid://shopify/InventoryItem/1"}, "INVALID_INVENTORY_ITEM"),
        ({"locationId": "gid://shopify/Location/1"}, "INVALID_LOCATION"),
        ({"quantity": 1_000_000_001}, "INVALID_QUANTITY_TOO_HIGH"),
        ({"quantity": -1_000_000_001}, "INVALID_QUANTITY_TOO_LOW"),
    ],
)
def test_a_wrong_line_fails_the_whole_mutation(
    simulator: ShopifySimulator, changes: dict[str, Any], code: str
) -> None:
    second = simulator.shop.list_item("NUT", stock={next(iter(simulator.shop.places)): 5})
    good = quantity(simulator, inventoryItemId=second, quantity=1, changeFromQuantity=5)

    assert written(simulator, good, quantity(simulator, **changes)) == [code]

    assert held(simulator) == 40
    assert simulator.shop.available("NUT") == 5


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "incoming"}, "INVALID_NAME"),
        ({"reason": "because"}, "INVALID_REASON"),
        ({"referenceDocumentUri": "gid://x"}, "INVALID_REFERENCE_DOCUMENT"),
    ],
)
def test_a_wrong_header_fails_it_too(
    simulator: ShopifySimulator, changes: dict[str, Any], code: str
) -> None:
    assert written(simulator, quantity(simulator), **changes) == [code]


def test_an_item_must_be_stocked_where_it_is_set(simulator: ShopifySimulator) -> None:
    elsewhere = simulator.shop.open_location("Elsewhere")

    assert written(simulator, quantity(simulator, locationId=elsewhere)) == [
        "ITEM_NOT_STOCKED_AT_LOCATION"
    ]


def test_a_level_may_be_named_once_only(simulator: ShopifySimulator) -> None:
    line = quantity(simulator)

    assert written(simulator, line, line) == ["NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"]


def test_an_explicit_null_compares_with_nothing(simulator: ShopifySimulator) -> None:
    assert written(simulator, quantity(simulator, changeFromQuantity=None)) == []
    assert held(simulator) == 35


def test_setting_on_hand_leaves_what_is_committed(simulator: ShopifySimulator) -> None:
    simulator.shop.buy("BOLT", 10)

    assert written(simulator, quantity(simulator, quantity=50), name="on_hand") == []
    assert held(simulator) == 40
    negative = quantity(simulator, quantity=-1, changeFromQuantity=50)
    assert written(simulator, negative, name="on_hand", key="n") == ["INVALID_QUANTITY_NEGATIVE"]


def test_fractions_are_no_quantities(simulator: ShopifySimulator) -> None:
    answer = simulator.admin.execute(
        SET_QUANTITIES.text,
        {
            "key": "k",
            "input": {
                "name": "available",
                "reason": "correction",
                "quantities": [quantity(simulator, quantity=1.5)],
            },
        },
    )

    assert answer["errors"]
    assert held(simulator) == 40


def test_a_key_answers_again_without_effect(simulator: ShopifySimulator) -> None:
    assert written(simulator, quantity(simulator)) == []
    (pair,) = simulator.shop.levels
    simulator.shop.set_levels({pair: 40})

    assert written(simulator, quantity(simulator)) == []
    assert held(simulator) == 40
    assert written(simulator, quantity(simulator, quantity=1)) == [
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    ]


def test_a_key_that_failed_stays_failed(simulator: ShopifySimulator) -> None:
    line = quantity(simulator, changeFromQuantity=39)
    assert written(simulator, line) == ["CHANGE_FROM_QUANTITY_STALE"]

    assert written(simulator, line) == ["IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"]


def test_more_than_250_quantities_are_too_many(simulator: ShopifySimulator) -> None:
    assert written(simulator, *[quantity(simulator)] * 251) == ["MAX_INPUT_SIZE_EXCEEDED"]


def test_costs_are_told_and_taken_from_the_bucket(simulator: ShopifySimulator) -> None:
    variables = {"after": None, "query": None}

    cost = simulator.admin.execute(VARIANTS.text, variables)["extensions"]["cost"]

    assert cost["requestedQueryCost"] == 202
    assert 0 < cost["actualQueryCost"] < 10
    left = cost["throttleStatus"]["currentlyAvailable"]
    assert left == 2000 - cost["actualQueryCost"]


def test_an_empty_bucket_throttles(simulator: ShopifySimulator) -> None:
    simulator.admin._bucket.take(1990)

    answer = simulator.admin.execute(VARIANTS.text, {"after": None, "query": None})

    assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert answer["extensions"]["cost"]["actualQueryCost"] is None


def test_a_query_that_no_bucket_could_pay_is_refused(simulator: ShopifySimulator) -> None:
    text = ORDERS.text.replace("first: 10", "first: 250")

    answer = simulator.admin.execute(text, {"after": None, "query": None})

    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


@pytest.mark.parametrize(
    "text", ["{", "{ shop { colour } }", "{ locations { nodes { id } } }",
             "{ locations(first: 251) { nodes { id } } }",
             '{ locations(first: 1, after: "?") { nodes { id } } }']
)  # fmt: skip
def test_a_wrong_query_is_answered_with_errors(simulator: ShopifySimulator, text: str) -> None:
    assert simulator.admin.execute(text, {})["errors"]


def test_too_many_ids_are_refused(simulator: ShopifySimulator) -> None:
    text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"

    answer = simulator.admin.execute(text, {"ids": ["x"] * 251})

    assert answer["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"


def test_what_is_asked_by_one_id_is_answered_or_null(simulator: ShopifySimulator) -> None:
    order = simulator.shop.buy("BOLT", 2)
    assert order
    (item, location) = next(iter(simulator.shop.levels))
    text = """query ($order: ID!, $item: ID!, $location: ID!) {
      order(id: $order) { name lineItems(first: 5) { nodes { sku quantity } } }
      inventoryItem(id: $item) {
        sku
        inventoryLevel(locationId: $location) {
          item { id } location { name }
          quantities(names: ["available", "committed", "on_hand", "colour"]) { name quantity }
        }
      }
      missing: order(id: "none") { id }
      nowhere: inventoryItem(id: "none") { id }
    }"""

    answer = simulator.admin.execute(
        text, {"order": order.id, "item": item, "location": location}
    )["data"]

    assert answer["order"] == {
        "name": "#1001",
        "lineItems": {"nodes": [{"sku": "BOLT", "quantity": 2}]},
    }
    level = answer["inventoryItem"]["inventoryLevel"]
    assert [x["quantity"] for x in level["quantities"]] == [38, 2, 40]
    assert answer["missing"] is None
    assert answer["nowhere"] is None


@pytest.mark.parametrize("name", ["available", "on_hand"])
def test_nothing_is_set_at_a_location_that_was_deactivated(
    simulator: ShopifySimulator, name: str
) -> None:
    shop = simulator.shop
    closed = shop.open_location("Old")
    item = shop.list_item("NUT", stock={closed: 5, next(iter(shop.places)): 5})
    line = quantity(simulator, inventoryItemId=item, locationId=closed, changeFromQuantity=5)
    shop.close_location(closed)

    good = quantity(simulator)
    refused = written(simulator, good, line, name=name)

    assert refused == ["ITEM_NOT_STOCKED_AT_LOCATION"]
    assert (shop.levels[item, closed].available, held(simulator)) == (5, 40)
    assert written(simulator, good, name=name, key="again") == []


async def posted(simulator: ShopifySimulator, version: str, token: str) -> tuple[int, str, Any]:
    """Post a question to one version of the Admin API; give status, version served, answer."""
    sent: list[dict[str, Any]] = []
    body = json.dumps({"query": "{ shop { name } }"}).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": f"/admin/api/{version}/graphql.json",
        "query_string": b"", "headers": [(b"x-shopify-access-token", token.encode())],
    }  # fmt: skip
    await simulator.app(scope, receive, send)
    headers = dict(sent[0]["headers"])
    served = headers.get(b"x-shopify-api-version", b"").decode()
    return sent[0]["status"], served, json.loads(sent[1]["body"])


@pytest.mark.parametrize("asked", [API_VERSION, "2026-01", "2025-10", "2024-01"])
async def test_a_version_that_has_expired_is_answered_by_the_oldest_that_has_not(
    simulator: ShopifySimulator, asked: str
) -> None:
    status, served, answer = await posted(simulator, asked, "shpat_token")

    assert (status, served) == (200, API_VERSION)
    assert answer["data"]["shop"]["name"]


@pytest.mark.parametrize(
    "asked", ["2026-07", "2099-01", "2026-05", "2026-4", "26-04", "v1", "unstable", "2026-04-01"]
)
async def test_a_version_that_nobody_released_is_not_found(
    simulator: ShopifySimulator, asked: str
) -> None:
    assert await posted(simulator, asked, "shpat_token") == (404, "", {"errors": "Not Found"})


async def test_a_stranger_is_not_told_which_versions_there_are(
    simulator: ShopifySimulator,
) -> None:
    assert (await posted(simulator, "2099-01", "a guess"))[0] == 401
