"""Our documents and our simulator against Shopify's own schema."""

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_specified_scalar_type,
    parse,
    validate,
)

from crossdock.applications.shopify.client import TOPICS
from crossdock.applications.shopify.documents import ALL, Document
from crossdock.applications.shopify.publishing import STALE_CODES
from crossdock.applications.shopify.settings import API_VERSION
from crossdock.applications.shopify.simulated_schema import SDL
from tests.peers.shopify_schema import official_schema

pytestmark = pytest.mark.peer

Fielded = GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType


@pytest.fixture(scope="module")
def official() -> GraphQLSchema:
    return official_schema(API_VERSION)


OURS = build_schema(SDL)
OUR_TYPES = [
    name
    for name, of in sorted(OURS.type_map.items())
    if not name.startswith("__") and not is_specified_scalar_type(of)
]


@pytest.mark.parametrize("document", ALL, ids=lambda document: document.name)
def test_shopify_accepts_the_document(official: GraphQLSchema, document: Document) -> None:
    assert validate(official, parse(document.text)) == []


@pytest.mark.parametrize("document", ALL, ids=lambda document: document.name)
def test_the_simulator_accepts_the_document(document: Document) -> None:
    assert validate(OURS, parse(document.text)) == []


@pytest.mark.parametrize("name", OUR_TYPES)
def test_the_simulators_type_is_part_of_shopifys(official: GraphQLSchema, name: str) -> None:
    assert name in official.type_map, f"Shopify has no {name}"
    assert strangers(OURS.type_map[name], official.type_map[name]) == []


def test_a_type_that_shopify_does_not_have_would_be_noticed(official: GraphQLSchema) -> None:
    made_up = build_schema("type Query { shop: Shop! } type Shop { id: Int! colour: String }")

    found = strangers(made_up.type_map["Shop"], official.type_map["Shop"])

    assert found == ["Shop.id: Int! is ID! at Shopify", "Shop.colour"]


def test_the_root_types_are_shopifys(official: GraphQLSchema) -> None:
    assert str(OURS.query_type) == str(official.query_type)
    assert str(OURS.mutation_type) == str(official.mutation_type)


def test_the_idempotency_directive_is_shopifys(official: GraphQLSchema) -> None:
    ours, theirs = OURS.get_directive("idempotent"), official.get_directive("idempotent")

    assert ours is not None
    assert theirs is not None
    assert {name: str(x.type) for name, x in ours.args.items()} == {
        name: str(x.type) for name, x in theirs.args.items()
    }
    assert ours.locations == theirs.locations


def test_the_codes_and_topics_we_know_are_shopifys(official: GraphQLSchema) -> None:
    codes = official.type_map["InventorySetQuantitiesUserErrorCode"]
    topics = official.type_map["WebhookSubscriptionTopic"]

    assert isinstance(codes, GraphQLEnumType)
    assert isinstance(topics, GraphQLEnumType)
    assert {*STALE_CODES, "IDEMPOTENCY_CONCURRENT_REQUEST"} <= codes.values.keys()
    assert set(TOPICS) <= topics.values.keys()


def strangers(ours: GraphQLNamedType, theirs: GraphQLNamedType) -> list[str]:
    """Name what ours has and theirs has not, or has otherwise."""
    if type(ours) is not type(theirs):
        return [f"{ours.name} is another kind of type"]
    if isinstance(ours, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
        return [f"{ours.name}.{value}" for value in ours.values.keys() - theirs.values.keys()]
    if isinstance(ours, Fielded) and isinstance(theirs, Fielded):
        return [
            stranger for name in ours.fields for stranger in _field_strangers(ours, theirs, name)
        ]
    return []


def _field_strangers(ours: Fielded, theirs: Fielded, name: str) -> list[str]:
    path = f"{ours.name}.{name}"
    if name not in theirs.fields:
        return [path]
    mine, real = ours.fields[name], theirs.fields[name]
    found = (
        []
        if str(mine.type) == str(real.type)
        else [f"{path}: {mine.type} is {real.type} at Shopify"]
    )
    real_arguments = getattr(real, "args", {})
    for argument, given in getattr(mine, "args", {}).items():
        if str(given.type) != str(getattr(real_arguments.get(argument), "type", None)):
            found.append(f"{path}({argument}: {given.type})")
    return found
