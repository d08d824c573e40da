"""What a document costs in the simulator, and the bucket that pays for it.

Shopify's exact weights are not public. These follow what it documents: nothing for scalars, one
for an object, two and its size for a connection, ten for a mutation.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

from crossdock.applications.shopify.reading import is_list, is_object
from crossdock.connectivity.sdk import Ports

MUTATION_COST = 10
CONNECTION_COST = 2


class PointsBucket:
    """Leaks back `rate` points a second up to `maximum`, by the clock given."""

    def __init__(self, ports: Ports, *, maximum: float = 2000.0, rate: float = 100.0) -> None:
        self.maximum, self.rate = maximum, rate
        self._clock = ports.clock
        self._level, self._as_of = maximum, ports.clock.ticks()

    @property
    def available(self) -> float:
        now = self._clock.ticks()
        self._level = min(self.maximum, self._level + (now - self._as_of) * self.rate)
        self._as_of = now
        return self._level

    def take(self, points: float) -> bool:
        """Take the points if they are there; negative ones are given back."""
        if self.available < points:
            return False
        self._level = min(self.maximum, self._level - points)
        return True

    def status(self) -> dict[str, float]:
        return {
            "maximumAvailable": self.maximum,
            "currentlyAvailable": int(self.available),
            "restoreRate": self.rate,
        }


def requested_cost(
    schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]
) -> int:
    total = 0
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            root = schema.get_root_type(definition.operation)
            is_mutation = definition.operation.value == "mutation"
            cost = _selected(schema, root, definition.selection_set, variables)
            total += MUTATION_COST if is_mutation else cost
        elif isinstance(definition, FragmentDefinitionNode):
            total += 1
    return total


def actual_cost(requested: int, data: object) -> int:
    """Count the objects that were answered; never more than was asked for."""
    return min(requested, max(0, _objects(data) - 1))


def _selected(
    schema: GraphQLSchema,
    parent: GraphQLNamedType | None,
    selection: SelectionSetNode | None,
    variables: Mapping[str, Any],
) -> int:
    total = 0
    for node in selection.selections if selection else ():
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            of = schema.get_type(condition.name.value) if condition else parent
            total += _selected(schema, of, node.selection_set, variables)
        elif isinstance(node, FieldNode) and isinstance(parent, GraphQLObjectType):
            total += _field(schema, parent, node, variables)
    return total


def _field(
    schema: GraphQLSchema,
    parent: GraphQLObjectType,
    node: FieldNode,
    variables: Mapping[str, Any],
) -> int:
    field = parent.fields.get(node.name.value)
    if field is None:
        return 0
    of = _named(field)
    if is_leaf_type(of) or of.name == "PageInfo":
        return 0
    inside = _selected(schema, of, node.selection_set, variables)
    if of.name.endswith("Connection"):
        return CONNECTION_COST + _size(node, "first", variables) * max(1, inside)
    return _size(node, "ids", variables) * (1 + inside)


def _named(field: GraphQLField) -> GraphQLNamedType:
    # The library types a field by the kind of type it has, which nobody here knows.
    of: GraphQLNamedType = get_named_type(field.type)  # pyright: ignore[reportUnknownArgumentType]  # untyped in the library
    return of


def _size(node: FieldNode, argument: str, variables: Mapping[str, Any]) -> int:
    """How many objects an argument asks for: a number, the length of a list, else one."""
    for given in node.arguments or ():
        if given.name.value != argument:
            continue
        value = given.value
        if isinstance(value, IntValueNode):
            return int(value.value)
        if isinstance(value, ListValueNode):
            return len(value.values)
        if isinstance(value, VariableNode):
            return _asked_for(variables.get(value.name.value))
    return 1


def _asked_for(bound: object) -> int:
    if is_list(bound):
        return len(bound)
    return bound if isinstance(bound, int) else 1


def _objects(data: object) -> int:
    if is_object(data):
        return 1 + sum(_objects(value) for value in data.values())
    return sum(_objects(value) for value in data) if is_list(data) else 0
