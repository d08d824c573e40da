"""`/v1/atp`: what can be promised by when, of many at once, and the rules it goes by."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import ConfidenceClass
from crossdock.capabilities.catalog import Found, KnownGoods, Named
from crossdock.capabilities.reconciliation import Doubt
from crossdock.capabilities.supply import (
    ALL,
    QUESTIONS_MAX,
    TURN,
    Atp,
    AtpMode,
    AtpRule,
    PlacedRule,
    Question,
)
from crossdock.interfaces.api.atp_shapes import AtpAnswers, atp_shown
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.rules_said import place_said
from crossdock.interfaces.api.shapes import AmountText, Code, ItemClass, Limit, Text
from crossdock.interfaces.api.stock_shapes import doubts_shown

Whole = Annotated[int, Field(ge=0, le=3650, strict=True)]
Flag = Annotated[bool, Field(strict=True)]
Days = Annotated[int, Field(ge=0, le=3650, strict=True)]
Transit = Annotated[int, Field(ge=0, le=365, strict=True)]


def _day_text(said: object) -> object:
    """Refuse a number, which the library would take for seconds since 1970."""
    if not isinstance(said, str | date):
        raise ValueError('a day is a string: "2026-06-30"')  # noqa: TRY004 (pydantic wants it)
    return said


Day = Annotated[date, BeforeValidator(_day_text)]


class WantedSaid(BaseModel):
    """More than zero; `unit` is left out for the item's base unit."""

    model_config = ConfigDict(extra="forbid")

    value: Annotated[AmountText, Field(pattern=r"[1-9]")]
    unit: Annotated[Text, Field(max_length=40)] = ""


class AtpKey(BaseModel):
    """`own` are order lines that count for nothing: an order that is asked about once more.

    Goods have to keep `life_days` from their delivery on, `transit_days` after they left. What is
    left out of these is said by the rules, by `customer` and `channel`. `is_dropship` asks what a
    supplier could send himself, by his own stock at `location` and his lead time: advice alone.
    """

    model_config = ConfigDict(extra="forbid")

    item: Code
    location: Code
    quantity: WantedSaid | None = None
    by: Day | None = None
    own: list[Code] = Field(default_factory=list, max_length=1000)
    life_days: Days | None = None
    transit_days: Transit | None = None
    customer: Annotated[Text, Field(max_length=200)] = ""
    channel: Annotated[Text, Field(max_length=200)] = ""
    is_dropship: Flag = False

    def named(self) -> Named:
        wanted = self.quantity
        quantity = None if wanted is None else Quantity.of(wanted.value, wanted.unit)
        return Named(self.item, self.location, quantity)

    def question(self, found: Found) -> Question:
        micros = None if self.quantity is None else found.micros
        return Question(
            found.item,
            found.location,
            found.base_unit,
            micros,
            self.by,
            frozenset(self.own),
            self.life_days,
            self.transit_days,
            self.customer,
            self.channel,
            is_dropship=self.is_dropship,
        )


class AtpAsked(BaseModel):
    """`derivation` false leaves out what each answer was made from."""

    model_config = ConfigDict(extra="forbid")

    keys: list[AtpKey] = Field(min_length=1, max_length=QUESTIONS_MAX)
    derivation: Flag = True


class ClassSaid(BaseModel):
    """So many percent of a class count, so many working days after its date.

    `by_supplier`, of class C alone: so much counts as the supplier's fill says (its tenth
    percentile, `GET /v1/supply/fills/{supplier}`), and `percent` where too few lines are known.
    """

    model_config = ConfigDict(extra="forbid")

    confidence: ConfidenceClass
    percent: Annotated[int, Field(ge=0, le=100, strict=True)]
    buffer_days: Annotated[int, Field(ge=0, le=60, strict=True)]
    by_supplier: Flag = False


class LifeSaid(BaseModel):
    """How long goods keep for a customer or a channel, at least; "" is whoever is not named."""

    model_config = ConfigDict(extra="forbid")

    customer: Annotated[Text, Field(max_length=200)] = ""
    channel: Annotated[Text, Field(max_length=200)] = ""
    days: Days
    transit_days: Transit = 0


class OwnerSaid(BaseModel):
    """Somebody else's goods that may be promised: before our own, or behind them."""

    model_config = ConfigDict(extra="forbid")

    owner: Code
    is_first: Flag = False


class AtpRuleSaid(BaseModel):
    """What is left out or null is said by the next wider rule; "*" is every item or location.

    `item_class` beside the item "*": the items of that class alone, as the catalogue has it.
    """

    model_config = ConfigDict(extra="forbid")

    item: Code = ALL
    item_class: ItemClass = ""
    location: Code = ALL
    mode: AtpMode | None = None
    daily_buckets: Whole | None = None
    weekly_buckets: Whole | None = None
    fence_days: Whole | None = None
    past_due_demand_days: Whole | None = None
    past_due_supply_days: Whole | None = None
    is_replenishable: Flag | None = None
    lead_time_days: Whole | None = None
    dock_to_stock_days: Whole | None = None
    acknowledge_days: Whole | None = None
    receipt_percent: Whole | None = None
    classes: list[ClassSaid] = Field(default_factory=list, max_length=10)
    weekdays: Annotated[Text, Field(max_length=7)] | None = None
    holidays: Annotated[list[Day], Field(max_length=1000)] | None = None
    cutoff: Annotated[Text, Field(max_length=15)] | None = None
    hours: Annotated[Text, Field(max_length=11)] | None = None
    pack: AmountText | None = None
    pack_up: Flag | None = None
    split_min: AmountText | None = None
    split_lines_max: Whole | None = None
    lives: list[LifeSaid] = Field(default_factory=list, max_length=1000)
    receipt_life_days: Whole | None = None
    owners: Annotated[list[OwnerSaid], Field(max_length=100)] | None = None
    takes_parts: Flag | None = None
    counts_dock: Flag | None = None

    def rule(self) -> AtpRule:
        said: dict[str, Any] = self.model_dump(
            mode="json", exclude={"item", "item_class", "location"}
        )
        return msgspec.convert(said, AtpRule)


class AtpRulesShown(BaseModel):
    """By item, location and class. Amounts are in the item's base unit."""

    rules: list[PlacedRule]


def answer_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["stock"])

    @routes.post("/atp", response_model=AtpAnswers, **needs("stock:read"))
    async def promise_dates(asked: AtpAsked, caller: Caller) -> Response:
        """Tell what can be promised by when, with the derivation; of many, all of one moment."""
        named = [key.named() for key in asked.keys]
        found = await known.find(caller.scope, named, where="/keys")
        questions = [key.question(one) for key, one in zip(asked.keys, found, strict=True)]
        answers = await hub.supply.promise_dates(caller.scope, questions)
        return Response(
            await _written(
                answers,
                await hub.doubts.of(caller.scope, [(one.item, one.location) for one in found]),
                with_derivation=asked.derivation,
            ),
            media_type="application/json",
        )

    return routes


def rule_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/atp/rules", tags=["stock"])
    after = Query(description="Of the last rule of the page before.")

    @routes.get("", **needs("stock:read"))
    async def list_rules(
        caller: Caller,
        after_item: Annotated[Text, after] = "",
        after_location: Annotated[Text, after] = "",
        after_class: Annotated[Text, after] = "",
        limit: Limit = 100,
    ) -> AtpRulesShown:
        """List the rules that were said.

        An item at a location > an item > a class at a location > a class > a location > all.
        """
        behind = (after_item, after_location)
        found = await hub.supply.rules(
            caller.scope, after=behind, after_class=after_class, limit=limit
        )
        return AtpRulesShown(rules=found)

    # A rule of the house, as safety stock is: a shop that may ask may not change it.
    @routes.put("", **needs("catalog:write"))
    async def put_rule(said: AtpRuleSaid, caller: Caller) -> PlacedRule:
        """Say a rule; it replaces what was said for the same."""
        placed = PlacedRule(
            item=said.item,
            item_class=said.item_class,
            location=said.location,
            rule=said.rule(),
        )
        placed = await place_said(hub.catalog, caller.scope, placed)
        return await hub.supply.put_rule(caller.scope, placed, by=caller.client)

    @routes.delete("", status_code=204, **needs("catalog:write"))
    async def drop_rule(
        caller: Caller,
        item: Annotated[Code, Query(description="The hub's item id, or * for all.")],
        location: Annotated[Code, Query(description="The hub's location, or * for all.")],
        item_class: Annotated[
            ItemClass, Query(description="Of the rule of a class; the item is * then.")
        ] = "",
    ) -> None:
        """Take a rule back: the next wider one holds again."""
        placed = PlacedRule(item=item, item_class=item_class, location=location)
        placed = await place_said(hub.catalog, caller.scope, placed)
        key, of_class, by = (placed.item, placed.location), placed.item_class, caller.client
        await hub.supply.drop_rule(caller.scope, *key, item_class=of_class, by=by)

    return routes


async def _written(
    answers: Sequence[Atp],
    doubts: Mapping[tuple[str, str], Sequence[Doubt]],
    *,
    with_derivation: bool,
) -> bytes:
    """Write `AtpAnswers` some at a time: ten thousand would keep everybody else waiting."""
    written: list[bytes] = []
    for begin in range(0, len(answers), TURN):
        some = answers[begin : begin + TURN]
        shown = [
            atp_shown(
                answer,
                doubts_shown(doubts.get((answer.item, answer.location), ())),
                with_derivation=with_derivation,
            )
            for answer in some
        ]
        written.append(msgspec.json.encode(shown)[1:-1])
        await asyncio.sleep(0)
    return b'{"answers":[' + b",".join(written) + b"]}"
