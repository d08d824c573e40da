"""`/v1/atp/substitutions`: which item may stand in for which, as versions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from crossdock.canonical.alternatives import Chooses, KeepsRest
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.catalog import Catalog, normalised
from crossdock.capabilities.supply import (
    Alternative,
    SubstitutionKind,
    SubstitutionRule,
    SubstitutionVersion,
)
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.atp import Day, Flag
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import Code, Limit, Text

Whole = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
Who = Annotated[list[Code], Field(max_length=100)]
AfterVersion = Annotated[Text, Query(description="`ITEM/VERSION` of the last one before.")]
OfItem = Annotated[Text, Query(description="The hub's item id; all where left out.")]


class AlternativeSaid(BaseModel):
    """`numerator / denominator` base units of `item` replace one; rank 1 is the first.

    `only_for` and `not_for` hold "customer:NAME" and "channel:NAME"; none is everybody. A
    supersession follows from `valid_from` on. What `requires_approval` is offered and never taken
    by itself.
    """

    model_config = ConfigDict(extra="forbid")

    item: Code
    kind: SubstitutionKind = SubstitutionKind.SUBSTITUTE
    rank: Annotated[int, Field(ge=1, le=1000, strict=True)] = 1
    numerator: Whole = 1
    denominator: Whole = 1
    is_two_way: Flag = False
    only_for: Who = Field(default_factory=list)
    not_for: Who = Field(default_factory=list)
    valid_from: Day | None = None
    valid_to: Day | None = None
    requires_approval: Flag = False


class SubstitutionSaid(BaseModel):
    """The whole rule of an item: without alternatives nothing stands in for it any more."""

    model_config = ConfigDict(extra="forbid")

    item: Code
    alternatives: list[AlternativeSaid] = Field(max_length=20)
    chooses: Chooses = Chooses.RANK
    keeps_rest: KeepsRest = KeepsRest.ORIGINAL

    def rule(self) -> SubstitutionRule:
        said: dict[str, Any] = self.model_dump(mode="json")
        return msgspec.convert(said, SubstitutionRule)


@dataclass(slots=True)
class AlternativeShown:
    """`numerator / denominator` of `item`, in its base unit, replace one of the rule's item."""

    item: str
    kind: SubstitutionKind
    rank: int
    numerator: int
    denominator: int
    is_two_way: bool
    only_for: list[str]
    not_for: list[str]
    valid_from: date | None
    valid_to: date | None
    unit: str
    requires_approval: bool


@dataclass(slots=True)
class SubstitutionShown:
    item: str
    version: int
    put_at: datetime
    put_by: str
    chooses: Chooses
    keeps_rest: KeepsRest
    unit: str
    alternatives: list[AlternativeShown]


@dataclass(slots=True)
class SubstitutionsShown:
    """By item and version; the newest of an item holds."""

    substitutions: list[SubstitutionShown]


def substitution_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/atp/substitutions", tags=["stock"])

    @routes.get("", **needs("stock:read"))
    async def list_substitutions(
        caller: Caller, item: OfItem = "", after: AfterVersion = "", limit: Limit = 100
    ) -> SubstitutionsShown:
        """List every version that was ever put, by item."""
        found = await hub.supply.substitutions(
            caller.scope, item=normalised(item), after=after_version(after), limit=limit
        )
        return SubstitutionsShown([substitution_shown(one) for one in found])

    @routes.put("", **needs("catalog:write"))
    async def put_substitution(said: SubstitutionSaid, caller: Caller) -> SubstitutionShown:
        """Put the next version of what may stand in for an item; it replaces the last."""
        rule = await known_rule(hub.catalog, caller.scope, said.rule())
        by = f"key {caller.key_id}"
        return substitution_shown(await hub.supply.put_substitution(caller.scope, rule, by=by))

    return routes


def after_version(text: str) -> tuple[str, int]:
    """Read `ITEM/VERSION`; "" is before the first."""
    item, _, version = text.rpartition("/")
    if not text:
        return ("", 0)
    if not item or not version.isascii() or not version.isdigit() or len(version) > 9:  # noqa: PLR2004 - nine digits fit the column
        raise Invalid(f"{text!r} is not ITEM/VERSION", where="after", hint="BOLT/2")
    return (item, int(version))


async def known_rule(catalog: Catalog, scope: Scope, rule: SubstitutionRule) -> SubstitutionRule:
    """Give the rule with the hub's names and units; one nobody knows is told with its place."""
    named = {normalised(one) for one in (rule.item, *(each.item for each in rule.alternatives))}
    units, _ = await catalog.names(scope, sorted(named), [])
    return replace(
        rule,
        item=_known(units, rule.item, "/item"),
        unit=units[normalised(rule.item)],
        alternatives=tuple(
            _with_unit(units, one, f"/alternatives/{number}/item")
            for number, one in enumerate(rule.alternatives)
        ),
    )


def _with_unit(units: Mapping[str, str], one: Alternative, where: str) -> Alternative:
    item = _known(units, one.item, where)
    return replace(one, item=item, unit=units[item])


def _known(units: Mapping[str, str], item: str, where: str) -> str:
    name = normalised(item)
    if name not in units:
        raise Invalid(
            f"no item is called {item!r}",
            where=where,
            code="MD-ITEM-XREF",
            hint="GET /v1/items, or `crossdock catalog items`, lists what is known",
        )
    return name


def substitution_shown(version: SubstitutionVersion) -> SubstitutionShown:
    rule = version.rule
    return SubstitutionShown(
        item=rule.item,
        version=version.version,
        put_at=version.put_at,
        put_by=version.put_by,
        chooses=rule.chooses,
        keeps_rest=rule.keeps_rest,
        unit=rule.unit,
        alternatives=[
            AlternativeShown(
                item=one.item,
                kind=one.kind,
                rank=one.rank,
                numerator=one.numerator,
                denominator=one.denominator,
                is_two_way=one.is_two_way,
                only_for=list(one.only_for),
                not_for=list(one.not_for),
                valid_from=one.valid_from,
                valid_to=one.valid_to,
                unit=one.unit,
                requires_approval=one.requires_approval,
            )
            for one in rule.alternatives
        ],
    )
