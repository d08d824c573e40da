"""`/v1/promises/by-date`: promises by date that are kept, with the proof of each."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.catalog import Found, KnownGoods, Named
from crossdock.capabilities.supply import (
    AtpMode,
    KeptPromise,
    Limits,
    PlacedRule,
    PromiseAsked,
    Question,
    pegs,
)
from crossdock.foundation.scope import Scope
from crossdock.governance.roles import Principal
from crossdock.interfaces.api.atp import Day, Days, Transit, WantedSaid
from crossdock.interfaces.api.atp_shapes import AtpShown, atp_shown
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import AmountText, Code, Limit, Text
from crossdock.interfaces.api.speaking import check_orders
from crossdock.interfaces.api.stock_shapes import AmountShown, amount


class PromiseLineSaid(BaseModel):
    """All of it is to have left on day `by`, null is as soon as it can, in parts.

    `demand_ref` is the order line that it is for; what that claims already counts for nothing.
    `mode` is what the rules say unless it is said. Of `split_min`, the least part in the base
    unit, and `split_lines_max`, the most parts, the stricter of rules and request hold; 0 is none.
    """

    model_config = ConfigDict(extra="forbid")

    item: Code
    location: Code
    quantity: WantedSaid
    by: Day | None = None
    demand_ref: Annotated[Text, Field(max_length=200)] = ""
    life_days: Days | None = None
    transit_days: Transit | None = None
    customer: Annotated[Text, Field(max_length=200)] = ""
    channel: Annotated[Text, Field(max_length=200)] = ""
    mode: AtpMode | None = None
    split_min: AmountText = "0"
    split_lines_max: Annotated[int, Field(ge=0, le=1000, strict=True)] = 0

    def named(self) -> Named:
        quantity = Quantity.of(self.quantity.value, self.quantity.unit)
        return Named(self.item, self.location, quantity)

    def question(self, found: Found, caller: Principal) -> Question:
        """Ask it for the caller's channel, if he is bound to one."""
        return Question(
            found.item,
            found.location,
            found.base_unit,
            found.micros,
            self.by,
            life_days=self.life_days,
            transit_days=self.transit_days,
            customer=self.customer,
            channel=caller.speaks_for(self.channel),
            mode=self.mode,
            limits=Limits(Quantity.of(self.split_min).micros, self.split_lines_max),
        )


class PromiseSaid(BaseModel):
    """The same `request_id` gets the same answer; `replaces` names a promise that ends with it.

    Unless an order is known by then it lapses after `ttl_seconds`; null is never.
    """

    model_config = ConfigDict(extra="forbid")

    request_id: Code
    lines: list[PromiseLineSaid] = Field(min_length=1, max_length=20)
    replaces: Annotated[Text, Field(max_length=40)] = ""
    ttl_seconds: Annotated[int, Field(ge=1, le=31 * 24 * 3600, strict=True)] | None = None


@dataclass(slots=True)
class DatedLineShown:
    """So much leaves on a day; `held` of it is reserved out of what lies there.

    `made` of a kit is put together: what that takes stands in lines of the same number, less what
    was given back as the kit's order claims it no more. Its goods have `life_days` left
    `transit_days` after they leave; null asks for none.
    """

    line_no: int
    item: str
    location: str
    demand_ref: str
    ship_date: date
    quantity: AmountShown
    held: AmountShown
    made: AmountShown
    life_days: int | None
    transit_days: int | None


@dataclass(slots=True)
class PegShown:
    """So much of what leaves on a day is served from a supply that counts from `comes_on` on.

    `supply_id` "" and `comes_on` null is what lies there.
    """

    line_no: int
    on: date
    quantity: AmountShown
    supply_id: str
    comes_on: date | None


@dataclass(slots=True)
class KeptPromiseShown:
    """A promise by date. `reasons` say, line by line, why it was refused, "" why not.

    `answers` are the derivations, each line at its turn, and `rules` those that were said then:
    the same for ever, whatever has become of stock, supply and rules since. `is_reproduced` says
    that the rules, run once more on what was seen, give the same answers; null in lists. `pegs`
    are the supplies that each part is served from, where lots or several places do not say it.
    """

    promise_id: str
    request_id: str
    client: str
    made_at: datetime
    is_granted: bool
    released_at: datetime | None
    replaced_by: str
    lines: list[DatedLineShown]
    reasons: list[str]
    answers: list[AtpShown]
    rules: list[PlacedRule]
    expires_at: datetime | None
    is_reproduced: bool | None
    pegs: list[PegShown]


class KeptPromisesShown(BaseModel):
    """By promise."""

    promises: list[KeptPromiseShown]


@dataclass(slots=True)
class AtRiskShown:
    """A line of an open promise of which so much (`short`) is not covered from a day on.

    Supply is late, cut or cancelled: the balance that counts it is below zero on that day. What
    is short may be short for others who claim the same goods, too.
    """

    promise_id: str
    line_no: int
    item: str
    location: str
    demand_ref: str
    day: date
    short: AmountShown


class PromisesAtRisk(BaseModel):
    """Of the promises looked at, by id; `looked_at_to` is the last of them, "" is none."""

    at_risk: list[AtRiskShown]
    looked_at_to: str


async def risks_of(
    hub: Hub, known: KnownGoods, scope: Scope, after: str, limit: int
) -> PromisesAtRisk:
    """Show which of some open promises are not covered any more."""
    found, last = await hub.securing.at_risk(scope, after=after, limit=limit)
    units = await known.base_units(scope, {one.line.item for one in found})
    return PromisesAtRisk(
        at_risk=[
            AtRiskShown(
                one.promise_id,
                *one.line[:4],
                one.day,
                amount(one.micros, units[one.line.item]),
            )
            for one in found
        ],
        looked_at_to=last,
    )


def kept_shown(kept: KeptPromise, *, with_proof: bool = False) -> KeptPromiseShown:
    """Show a promise by date in the base units of its items, proven once more or not."""
    proof = kept.proof
    units = {answer.item: answer.unit for answer in proof.answers}
    units |= {part.item: part.unit for answer in proof.answers for part in answer.parts}
    return KeptPromiseShown(
        promise_id=kept.promise_id,
        request_id=kept.request_id,
        client=kept.client,
        made_at=kept.made_at,
        is_granted=kept.is_granted,
        released_at=kept.released_at,
        replaced_by=kept.replaced_by,
        lines=[
            DatedLineShown(
                line.line_no,
                line.item,
                line.location,
                line.demand_ref,
                line.ship_date,
                amount(line.claimed, units[line.item]),
                amount(line.held, units[line.item]),
                amount(line.to_make, units[line.item]),
                line.life_days,
                line.transit_days,
            )
            for line in kept.lines
        ],
        reasons=list(proof.reasons),
        answers=[atp_shown(answer, with_derivation=True) for answer in proof.answers],
        rules=list(proof.rules),
        expires_at=kept.expires_at,
        is_reproduced=proof.is_reproduced if with_proof else None,
        pegs=[
            PegShown(number, one.day, amount(one.micros, answer.unit), one.supply_id, one.on)
            for number, answer in enumerate(proof.answers, start=1)
            for one in pegs(answer)
        ],
    )


def kept_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1/promises/by-date", tags=["stock"])
    order = Query(description="Only those of an order, or of one of its lines (order/line).")
    after = Query(description="Of the last promise of the page before.")

    @routes.post("", **needs("stock:write"))
    async def promise_by_date(said: PromiseSaid, caller: Caller) -> KeptPromiseShown:
        """Promise all lines by date, and keep it, or none; a refusal is an answer, no error."""
        await check_orders(hub, caller, [line.demand_ref for line in said.lines])
        named = [line.named() for line in said.lines]
        found = await known.find(caller.scope, named, where="/lines")
        pairs = zip(said.lines, found, strict=True)
        asked = PromiseAsked(
            said.request_id,
            tuple(line.question(one, caller) for line, one in pairs),
            tuple(line.demand_ref for line in said.lines),
            said.replaces,
            said.ttl_seconds,
        )
        made = await hub.kept_promises.promise(
            caller.scope, caller.client, asked, channels=caller.channels
        )
        return kept_shown(made, with_proof=True)

    @routes.get("", **needs("stock:read"))
    async def list_promises_by_date(
        caller: Caller,
        of_order: Annotated[Text, order] = "",
        after_promise: Annotated[Text, after] = "",
        limit: Limit = 100,
    ) -> KeptPromisesShown:
        """List the open promises by date."""
        kept = hub.kept_promises
        if of_order:
            found = await kept.of_order(caller.scope, of_order)
        else:
            found = await kept.listed(caller.scope, after=after_promise, limit=limit)
        return KeptPromisesShown(promises=[kept_shown(one) for one in found])

    @routes.get("/at-risk", **needs("stock:read"))
    async def promises_at_risk(
        caller: Caller, after_promise: Annotated[Text, after] = "", limit: Limit = 100
    ) -> PromisesAtRisk:
        """Tell which open promises by date are not covered any more, by how much and from when."""
        return await risks_of(hub, known, caller.scope, after_promise, limit)

    @routes.get("/{promise_id}", **needs("stock:read"))
    async def explain_by_date(promise_id: Text, caller: Caller) -> KeptPromiseShown:
        """Show a promise by date with its proof, as it was derived when it was made."""
        found = await hub.kept_promises.get(caller.scope, promise_id)
        return kept_shown(found, with_proof=True)

    @routes.post("/{promise_id}/release", **needs("stock:write"))
    async def release_by_date(promise_id: Text, caller: Caller) -> KeptPromiseShown:
        """Give back what a promise by date keeps; one that is over stays as it is."""
        over = await hub.kept_promises.release(caller.scope, promise_id, by=caller.client)
        return kept_shown(over, with_proof=True)

    return routes
