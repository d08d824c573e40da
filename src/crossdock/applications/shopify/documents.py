"""The GraphQL that we send: every document, checked in tests against Shopify's own schema."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """`changes` tells a mutation: its lost answer is ambiguous, a query's is not."""

    name: str
    text: str
    changes: bool = False


SHOP = Document(
    "ShopCheck",
    """
query ShopCheck {
  shop { name myshopifyDomain }
  locations(first: 50) { nodes { id } pageInfo { hasNextPage endCursor } }
}
""",
)

LOCATIONS = Document(
    "Locations",
    """
query Locations($after: String) {
  locations(first: 100, after: $after, includeInactive: true) {
    nodes { id name isActive updatedAt }
    pageInfo { hasNextPage endCursor }
  }
}
""",
)

VARIANTS = Document(
    "Variants",
    """
query Variants($after: String, $query: String) {
  productVariants(first: 100, after: $after, query: $query, sortKey: ID) {
    nodes { id sku barcode displayName updatedAt inventoryItem { id tracked } }
    pageInfo { hasNextPage endCursor }
  }
}
""",
)

LEVELS = Document(
    "Levels",
    """
query Levels($location: ID!, $after: String, $query: String) {
  location(id: $location) {
    inventoryLevels(first: 100, after: $after, query: $query) {
      nodes {
        item { id sku }
        quantities(names: ["available"]) { name quantity }
        updatedAt
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
""",
)

ORDERS = Document(
    "Orders",
    """
query Orders($after: String, $query: String, $customers: Boolean!) {
  orders(first: 10, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes {
      id
      name
      poNumber
      customer @include(if: $customers) { id }
      purchasingEntity @include(if: $customers) { ... on PurchasingCompany { company { id } } }
      createdAt
      updatedAt
      cancelledAt
      lineItems(first: 50) {
        nodes { id sku quantity currentQuantity isGiftCard }
        pageInfo { hasNextPage endCursor }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
""",
)

ORDER_LINES = Document(
    "OrderLines",
    """
query OrderLines($order: ID!, $after: String) {
  order(id: $order) {
    lineItems(first: 250, after: $after) {
      nodes { id sku quantity currentQuantity isGiftCard }
      pageInfo { hasNextPage endCursor }
    }
  }
}
""",
)

HELD = Document(
    "Held",
    """
query Held($items: [ID!]!, $location: ID!) {
  nodes(ids: $items) {
    ... on InventoryItem {
      id
      inventoryLevel(locationId: $location) {
        quantities(names: ["available"]) { name quantity }
      }
    }
  }
}
""",
)

ITEM_OF_SKU = Document(
    "ItemOfSku",
    """
query ItemOfSku($query: String!) {
  inventoryItems(first: 100, query: $query) { nodes { id sku } }
}
""",
)

SET_QUANTITIES = Document(
    "SetQuantities",
    """
mutation SetQuantities($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { code field message }
  }
}
""",
    changes=True,
)

WEBHOOKS = Document(
    "Webhooks",
    """
query Webhooks($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    nodes { id topic uri }
    pageInfo { hasNextPage endCursor }
  }
}
""",
)

CREATE_WEBHOOK = Document(
    "CreateWebhook",
    """
mutation CreateWebhook($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(
    topic: $topic
    webhookSubscription: { uri: $uri, format: JSON }
  ) {
    webhookSubscription { id }
    userErrors { field message }
  }
}
""",
    changes=True,
)

ALL = (
    SHOP,
    LOCATIONS,
    VARIANTS,
    LEVELS,
    ORDERS,
    ORDER_LINES,
    HELD,
    ITEM_OF_SKU,
    SET_QUANTITIES,
    WEBHOOKS,
    CREATE_WEBHOOK,
)
