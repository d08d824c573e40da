"""The simulated Admin API: executes the real GraphQL against a shop, with Shopify's refusals."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    build_schema,
    execute,  # pyright: ignore[reportUnknownVariableType]  # untyped in the library
    get_directive_values,
    parse,
    validate,
)

from crossdock.applications.shopify.mapping import gid
from crossdock.applications.shopify.simulated_cost import (
    PointsBucket,
    actual_cost,
    requested_cost,
)
from crossdock.applications.shopify.simulated_nodes import (
    PAGE_MAX,
    Info,
    Key,
    Node,
    changed_since,
    graph,
    hiding_customers,
    inventory_node,
    page,
    place_node,
    skus,
    subscription_node,
    variant_node,
    whole_order,
)
from crossdock.applications.shopify.simulated_quantities import QuantitySetting
from crossdock.applications.shopify.simulated_schema import SDL
from crossdock.applications.shopify.simulated_shop import Shop
from crossdock.applications.shopify.simulated_things import (
    ShopOrder,
)
from crossdock.applications.shopify.simulated_webhooks import Webhooks

COST_MAX = 1000
LIMITS = "https://shopify.dev/api/usage/rate-limits"


class SimulatedAdmin:
    """One shop's Admin API, as one app sees it: its own bucket, keys and subscriptions.

    While it `hides_customers` the app lacks `read_customers`: who ordered is refused.
    """

    def __init__(self, shop: Shop, webhooks: Webhooks, bucket: PointsBucket) -> None:
        self.hides_customers = False
        self._shop = shop
        self._webhooks = webhooks
        self._bucket = bucket
        self._setting = QuantitySetting(shop)
        self._schema = _schema()
        self._root: dict[str, Callable[..., Any]] = {
            "shop": self._shop_node,
            "locations": self._locations,
            "location": self._location,
            "productVariants": self._variants,
            "inventoryItems": self._items,
            "inventoryItem": self._item,
            "orders": self._orders,
            "order": self._order,
            "nodes": self._nodes,
            "webhookSubscriptions": self._subscriptions,
            "inventorySetQuantities": self._set_quantities,
            "webhookSubscriptionCreate": self._subscribe,
        }

    def execute(self, text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request's JSON: data or errors, and what it cost."""
        document = _checked(self._schema, text)
        if not isinstance(document, DocumentNode):
            return {"errors": [error.formatted for error in document]}
        requested = requested_cost(self._schema, document, variables)
        if requested > COST_MAX:
            return {"errors": [_max_cost_exceeded(requested)]}
        if not self._bucket.take(requested):
            return {"errors": [_THROTTLED], "extensions": self._cost(requested, None)}
        result = execute(self._schema, document, self._root, variable_values=dict(variables))
        assert isinstance(result, ExecutionResult)  # noqa: S101 - no resolver of ours waits
        actual = actual_cost(requested, result.data)
        self._bucket.take(actual - requested)
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        return {**answer, "extensions": self._cost(requested, actual)}

    def _cost(self, requested: int, actual: int | None) -> dict[str, Any]:
        return {
            "cost": {
                "requestedQueryCost": requested,
                "actualQueryCost": actual,
                "throttleStatus": self._bucket.status(),
            }
        }

    # ---- queries --------------------------------------------------------------------------------

    def _shop_node(self, _info: Info) -> Node:
        return {
            "id": gid("Shop", "1"),
            "name": self._shop.name,
            "myshopifyDomain": self._shop.domain,
        }

    def _locations(self, _info: Info, **arguments: Any) -> Node:
        everyone = arguments.get("includeInactive", False)
        places = [x for x in self._shop.places.values() if x.is_active or everyone]
        return page([((x.number,), x) for x in places], partial(place_node, self._shop), arguments)

    def _location(self, _info: Info, id: str | None = None) -> Node | None:  # noqa: A002 - the schema's own name
        place = self._shop.places.get(id or "")
        return place_node(self._shop, place) if place else None

    def _variants(self, _info: Info, **arguments: Any) -> Node:
        found = changed_since(self._shop.variants.values(), arguments.get("query"))
        return page(
            [((x.number,), x) for x in found], partial(variant_node, self._shop), arguments
        )

    def _items(self, _info: Info, **arguments: Any) -> Node:
        asked = skus(arguments.get("query"))
        found = [
            variant
            for variant in self._shop.variants.values()
            if not asked or variant.sku in asked
        ]
        return page(
            [((x.number,), x) for x in found], partial(inventory_node, self._shop), arguments
        )

    def _item(self, _info: Info, id: str) -> Node | None:  # noqa: A002 - Shopify's word
        return self._item_node(id)

    def _item_node(self, item: str) -> Node | None:
        variant = self._shop.variants.get(item)
        return inventory_node(self._shop, variant) if variant else None

    def _orders(self, _info: Info, **arguments: Any) -> Node:
        found = changed_since(self._shop.orders.values(), arguments.get("query"))
        if arguments.get("sortKey") == "UPDATED_AT":
            keyed: list[tuple[Key, ShopOrder]] = [
                ((graph(x.updated_at), x.number), x) for x in found
            ]
        else:
            keyed = [((x.number,), x) for x in found]
        return page(keyed, self._order_node, arguments)

    def _order(self, _info: Info, id: str) -> Node | None:  # noqa: A002 - Shopify's word
        found = self._shop.orders.get(id)
        return self._order_node(found) if found else None

    def _order_node(self, order: ShopOrder) -> Node:
        node = whole_order(order)
        return hiding_customers(node) if self.hides_customers else node

    def _nodes(self, _info: Info, ids: Sequence[str]) -> list[Node | None]:
        if len(ids) > PAGE_MAX:
            raise GraphQLError(
                f"The input array size of {len(ids)} is greater than the maximum allowed of 250.",
                extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"},
            )
        return [self._item_node(item) for item in ids]

    def _subscriptions(self, _info: Info, **arguments: Any) -> Node:
        topics = arguments.get("topics")
        found = [x for x in self._webhooks.subscriptions if not topics or x.topic in topics]
        return page([((x.number,), x) for x in found], subscription_node, arguments)

    # ---- mutations ------------------------------------------------------------------------------

    def _set_quantities(self, info: Info, input: Mapping[str, Any]) -> Node:  # noqa: A002 - the schema's own name
        directive = self._schema.get_directive("idempotent")
        given = directive and get_directive_values(
            directive, info.field_nodes[0], info.variable_values
        )
        if not given:
            raise GraphQLError(
                "The @idempotent directive is required for this mutation but was not provided.",
                extensions={"code": "BAD_REQUEST"},
            )
        return self._setting.answered(str(given["key"]), input)

    def _subscribe(
        self,
        _info: Info,
        topic: str,
        webhookSubscription: Mapping[str, Any],  # noqa: N803 - the schema's own name
    ) -> Node:
        uri = str(webhookSubscription.get("uri") or "")
        problem = ""
        if not re.match(r"https?://.+", uri):
            problem = "Address is not a valid URI"
        elif any((x.topic, x.uri) == (topic, uri) for x in self._webhooks.subscriptions):
            problem = "Address for this topic has already been taken"
        if problem:
            field = ["webhookSubscription", "uri"]
            errors = [{"field": field, "message": problem}]
            return {"webhookSubscription": None, "userErrors": errors}
        made = self._webhooks.subscribe(topic, uri)
        return {"webhookSubscription": subscription_node(made), "userErrors": []}


_THROTTLED = {
    "message": "Throttled",
    "extensions": {"code": "THROTTLED", "documentation": LIMITS},
}


def _max_cost_exceeded(cost: int) -> dict[str, Any]:
    return {
        "message": f"Query cost is {cost}, which exceeds the single query max cost limit "
        f"({COST_MAX}).",
        "extensions": {
            "code": "MAX_COST_EXCEEDED",
            "cost": cost,
            "maxCost": COST_MAX,
            "documentation": LIMITS,
        },
    }


@lru_cache(maxsize=1)
def _schema() -> GraphQLSchema:
    return build_schema(SDL)


@lru_cache(maxsize=256)
def _checked(schema: GraphQLSchema, text: str) -> DocumentNode | tuple[GraphQLError, ...]:
    try:
        document = parse(text)
    except GraphQLError as problem:
        return (problem,)
    return tuple(validate(schema, document)) or document
