"""The part of the Admin API that the simulator speaks: a subset of Shopify's schema, tested so."""

SDL = """
schema { query: QueryRoot mutation: Mutation }

directive @idempotent(key: String!) on FIELD

scalar DateTime
scalar URL

interface Node { id: ID! }
interface DisplayableError { field: [String!] message: String! }

type PageInfo {
  hasNextPage: Boolean!
  hasPreviousPage: Boolean!
  startCursor: String
  endCursor: String
}

type QueryRoot {
  shop: Shop!
  locations(
    first: Int, after: String, query: String, includeInactive: Boolean
  ): LocationConnection!
  location(id: ID): Location
  productVariants(
    first: Int, after: String, query: String, sortKey: ProductVariantSortKeys
  ): ProductVariantConnection!
  inventoryItems(first: Int, after: String, query: String): InventoryItemConnection!
  inventoryItem(id: ID!): InventoryItem
  orders(
    first: Int, after: String, query: String, sortKey: OrderSortKeys
  ): OrderConnection!
  order(id: ID!): Order
  nodes(ids: [ID!]!): [Node]!
  webhookSubscriptions(
    first: Int, after: String, topics: [WebhookSubscriptionTopic!]
  ): WebhookSubscriptionConnection!
}

type Mutation {
  inventorySetQuantities(input: InventorySetQuantitiesInput!): InventorySetQuantitiesPayload
  webhookSubscriptionCreate(
    topic: WebhookSubscriptionTopic!, webhookSubscription: WebhookSubscriptionInput!
  ): WebhookSubscriptionCreatePayload
}

enum OrderSortKeys { ID CREATED_AT UPDATED_AT }
enum ProductVariantSortKeys { ID }
enum ProductVariantInventoryPolicy { CONTINUE DENY }

type Shop implements Node { id: ID! name: String! myshopifyDomain: String! }

type LocationConnection { nodes: [Location!]! pageInfo: PageInfo! }
type Location implements Node {
  id: ID!
  name: String!
  isActive: Boolean!
  updatedAt: DateTime!
  inventoryLevels(first: Int, after: String, query: String): InventoryLevelConnection!
}

type ProductVariantConnection { nodes: [ProductVariant!]! pageInfo: PageInfo! }
type ProductVariant implements Node {
  id: ID!
  sku: String
  barcode: String
  displayName: String!
  title: String!
  inventoryPolicy: ProductVariantInventoryPolicy!
  updatedAt: DateTime!
  inventoryItem: InventoryItem!
}

type InventoryItemConnection { nodes: [InventoryItem!]! pageInfo: PageInfo! }
type InventoryItem implements Node {
  id: ID!
  sku: String
  tracked: Boolean!
  updatedAt: DateTime!
  inventoryLevel(locationId: ID!): InventoryLevel
}

type InventoryLevelConnection { nodes: [InventoryLevel!]! pageInfo: PageInfo! }
type InventoryLevel implements Node {
  id: ID!
  item: InventoryItem!
  location: Location!
  updatedAt: DateTime!
  quantities(names: [String!]!): [InventoryQuantity!]!
}
type InventoryQuantity implements Node { id: ID! name: String! quantity: Int! }

type OrderConnection { nodes: [Order!]! pageInfo: PageInfo! }
type Order implements Node {
  id: ID!
  name: String!
  poNumber: String
  customer: Customer
  purchasingEntity: PurchasingEntity
  createdAt: DateTime!
  updatedAt: DateTime!
  cancelledAt: DateTime
  lineItems(first: Int, after: String): LineItemConnection!
}
type Customer { id: ID! }
type Company { id: ID! }
type PurchasingCompany { company: Company! }
union PurchasingEntity = Customer | PurchasingCompany
type LineItemConnection { nodes: [LineItem!]! pageInfo: PageInfo! }
type LineItem implements Node {
  id: ID!
  sku: String
  title: String!
  quantity: Int!
  currentQuantity: Int!
  isGiftCard: Boolean!
}

input InventorySetQuantitiesInput {
  name: String!
  reason: String!
  referenceDocumentUri: String
  quantities: [InventoryQuantityInput!]!
}
input InventoryQuantityInput {
  inventoryItemId: ID!
  locationId: ID!
  quantity: Int!
  changeFromQuantity: Int
}
type InventorySetQuantitiesPayload {
  inventoryAdjustmentGroup: InventoryAdjustmentGroup
  userErrors: [InventorySetQuantitiesUserError!]!
}
type InventoryAdjustmentGroup implements Node {
  id: ID!
  createdAt: DateTime!
  reason: String!
  referenceDocumentUri: String
}
type InventorySetQuantitiesUserError implements DisplayableError {
  code: InventorySetQuantitiesUserErrorCode
  field: [String!]
  message: String!
}
enum InventorySetQuantitiesUserErrorCode {
  CHANGE_FROM_QUANTITY_STALE
  COMPARE_QUANTITY_REQUIRED
  IDEMPOTENCY_KEY_PARAMETER_MISMATCH
  IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED
  INVALID_INVENTORY_ITEM
  INVALID_LOCATION
  INVALID_NAME
  INVALID_QUANTITY_NEGATIVE
  INVALID_QUANTITY_TOO_HIGH
  INVALID_QUANTITY_TOO_LOW
  INVALID_REASON
  INVALID_REFERENCE_DOCUMENT
  ITEM_NOT_STOCKED_AT_LOCATION
  NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR
}

type WebhookSubscriptionConnection { nodes: [WebhookSubscription!]! pageInfo: PageInfo! }
type WebhookSubscription implements Node {
  id: ID!
  topic: WebhookSubscriptionTopic!
  uri: String!
  format: WebhookSubscriptionFormat!
  createdAt: DateTime!
}
input WebhookSubscriptionInput { uri: String format: WebhookSubscriptionFormat }
type WebhookSubscriptionCreatePayload {
  webhookSubscription: WebhookSubscription
  userErrors: [UserError!]!
}
type UserError implements DisplayableError { field: [String!] message: String! }
enum WebhookSubscriptionFormat { JSON XML }
enum WebhookSubscriptionTopic {
  INVENTORY_LEVELS_UPDATE
  LOCATIONS_ACTIVATE
  LOCATIONS_CREATE
  LOCATIONS_DEACTIVATE
  LOCATIONS_UPDATE
  ORDERS_CANCELLED
  ORDERS_CREATE
  ORDERS_EDITED
  ORDERS_UPDATED
  PRODUCTS_CREATE
  PRODUCTS_UPDATE
}
"""
