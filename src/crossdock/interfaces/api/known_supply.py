"""`/v1/supply`, `/v1/kits`, `/v1/lots`, `/v1/catch-weights`: what answers by date stand on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from crossdock.canonical.quantities import Quantity, plain
from crossdock.capabilities.catalog import normalised
from crossdock.capabilities.supply import (
    Fill,
    FilledLine,
    KnownCommitment,
    KnownKit,
    KnownLot,
    KnownWeight,
)
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import After, Code, Limit, Text
from crossdock.interfaces.api.stock_shapes import AmountShown, amount

OfItem = Annotated[Text, Query(description="The hub's item id; all where left out.")]
AtLocation = Annotated[Text, Query(description="The hub's location; all where left out.")]
WithClosed = Annotated[bool, Query(description="Also what has nothing to come any more.")]
AfterItem = Annotated[Text, Query(description="The item of the last one before.")]
AfterLot = Annotated[Text, Query(description="The lot of the last one before.")]


@dataclass(slots=True)
class CrossDockPegShown:
    """So much of a supply goes across the dock to one order line."""

    demand_ref: str
    quantity: AmountShown


@dataclass(slots=True)
class CommitmentShown:
    """`open` is still to come, in the item's base unit, what notices announce of it included.

    `eta` is a day of the location's calendar, null is no date. `confidence` is what its source
    says itself; else the hub judges anew whenever it is asked. `told_at` is when its source last
    spoke of it.
    """

    supply_id: str
    kind: str
    item: str
    location: str
    open: AmountShown
    evidence: str
    eta: date | None
    acknowledgment_due: date | None
    confidence: str | None
    parent_supply_id: str
    document: str
    supplier: str
    pegs: list[CrossDockPegShown]
    source: str
    told_at: datetime


@dataclass(slots=True)
class CommitmentsShown:
    """By `supply_id`; the last one begins the next page (`after`)."""

    supply: list[CommitmentShown]


@dataclass(slots=True)
class FilledLineShown:
    """A purchase line that ended: `percent` of what was owed came, rounded down.

    Owed is what was acknowledged, less what the buyer `cancelled` or closed himself.
    """

    supply_id: str
    source: str
    item: str
    location: str
    acknowledged: str
    received: str
    cancelled: str
    percent: int
    ended_at: datetime


@dataclass(slots=True)
class FillShown:
    """Of nine in ten of a supplier's last lines `percent` or more came; null with no line at all.

    Rules that go by it do so where `is_enough`. Amounts are in the unit that the line's source
    counts in. The last line to end is the first.
    """

    supplier: str
    percent: int | None
    is_enough: bool
    lines: list[FilledLineShown]


@dataclass(slots=True)
class KitPartShown:
    """`quantity` goes into one base unit of the kit."""

    item: str
    quantity: AmountShown


@dataclass(slots=True)
class KitShown:
    item: str
    components: list[KitPartShown]
    source: str
    told_at: datetime


@dataclass(slots=True)
class KitsShown:
    """By item; the last one begins the next page (`after`)."""

    kits: list[KitShown]


@dataclass(slots=True)
class LotKnownShown:
    """`expires_on` is its last day of use; null is a day that nobody knows."""

    item: str
    lot: str
    expires_on: date | None
    source: str
    told_at: datetime


@dataclass(slots=True)
class LotsShown:
    """By item and lot; the last one begins the next page (`after`, `after_lot`)."""

    lots: list[LotKnownShown]


@dataclass(slots=True)
class CatchWeightShown:
    """`nominal` is what one base unit weighs, so many percent less or more."""

    item: str
    nominal: AmountShown
    low_percent: int
    high_percent: int
    source: str
    told_at: datetime


@dataclass(slots=True)
class CatchWeightsShown:
    """By item; the last one begins the next page (`after`)."""

    catch_weights: list[CatchWeightShown]


def known_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["stock"])
    known = hub.supply.known

    @routes.get("/supply", **needs("stock:read"))
    async def list_supply(  # noqa: PLR0917 (each is a query parameter)
        caller: Caller,
        item: OfItem = "",
        location: AtLocation = "",
        with_closed: WithClosed = False,  # noqa: FBT002 (a query parameter)
        after: After = "",
        limit: Limit = 100,
    ) -> CommitmentsShown:
        """List what is still to come; of several sources the one that spoke last."""
        found = await known.commitments(
            caller.scope,
            item=normalised(item),
            location=normalised(location),
            with_closed=with_closed,
            after=after,
            limit=limit,
        )
        return await commitments_shown(hub, caller.scope, found)

    @routes.get("/kits", **needs("stock:read"))
    async def list_kits(
        caller: Caller, item: OfItem = "", after: After = "", limit: Limit = 100
    ) -> KitsShown:
        """List what kits are put together from."""
        of = normalised(item)
        found = await known.kits(caller.scope, item=of, after=normalised(after), limit=limit)
        return KitsShown([kit_shown(one) for one in found])

    @routes.get("/lots", **needs("stock:read"))
    async def list_lots(
        caller: Caller,
        item: OfItem = "",
        after: AfterItem = "",
        after_lot: AfterLot = "",
        limit: Limit = 100,
    ) -> LotsShown:
        """List until when lots keep, as far as anybody said."""
        behind = (normalised(after), after_lot)
        found = await known.lots(caller.scope, item=normalised(item), after=behind, limit=limit)
        return LotsShown([lot_shown(one) for one in found])

    @routes.get("/catch-weights", **needs("stock:read"))
    async def list_catch_weights(
        caller: Caller, item: OfItem = "", after: After = "", limit: Limit = 100
    ) -> CatchWeightsShown:
        """List what pieces weigh of items that are sold by piece and invoiced by weight."""
        of = normalised(item)
        found = await known.weights(caller.scope, item=of, after=normalised(after), limit=limit)
        return CatchWeightsShown([weight_shown(one) for one in found])

    _add_fill(routes, hub)
    return routes


def _add_fill(routes: APIRouter, hub: Hub) -> None:
    @routes.get("/supply/fills/{supplier}", **needs("stock:read"))
    async def show_fill(supplier: Code, caller: Caller) -> FillShown:
        """Tell how much of what a supplier acknowledges comes: by his last lines."""
        return fill_shown(*await hub.supply.fills.of(caller.scope, supplier))


def fill_shown(fill: Fill, lines: Iterable[FilledLine]) -> FillShown:
    """Show a supplier's fill with the lines it is of."""
    shown = [
        FilledLineShown(
            supply_id=one.supply_id,
            source=one.source,
            item=one.item,
            location=one.location,
            acknowledged=plain(Quantity.from_micros(one.acknowledged).value),
            received=plain(Quantity.from_micros(one.received).value),
            cancelled=plain(Quantity.from_micros(one.cancelled).value),
            percent=one.percent,
            ended_at=one.ended_at,
        )
        for one in lines
    ]
    percent = fill.percent if fill.lines else None
    return FillShown(fill.supplier, percent, fill.is_enough, shown)


async def commitments_shown(
    hub: Hub, scope: Scope, found: Iterable[KnownCommitment]
) -> CommitmentsShown:
    """Show commitments in the base units of their items."""
    listed = list(found)
    units, _ = await hub.catalog.names(scope, sorted({one.item for one in listed}), [])
    return CommitmentsShown([_commitment_shown(one, units) for one in listed])


def _commitment_shown(one: KnownCommitment, units: Mapping[str, str]) -> CommitmentShown:
    unit = units.get(one.item, "")
    return CommitmentShown(
        supply_id=one.supply_id,
        kind=one.kind,
        item=one.item,
        location=one.location,
        open=amount(one.micros, unit),
        evidence=one.evidence,
        eta=one.eta,
        acknowledgment_due=one.acknowledgment_due,
        confidence=one.confidence,
        parent_supply_id=one.parent_supply_id,
        document=one.document_ref,
        supplier=one.supplier,
        pegs=[CrossDockPegShown(ref, amount(micros, unit)) for ref, micros in one.pegs],
        source=one.source,
        told_at=one.told_at,
    )


def kit_shown(one: KnownKit) -> KitShown:
    parts = [KitPartShown(part.item, amount(part.micros, part.unit)) for part in one.components]
    return KitShown(one.item, parts, one.source, one.told_at)


def lot_shown(one: KnownLot) -> LotKnownShown:
    return LotKnownShown(one.item, one.lot, one.expires_on, one.source, one.told_at)


def weight_shown(one: KnownWeight) -> CatchWeightShown:
    return CatchWeightShown(
        item=one.item,
        nominal=amount(one.micros, one.unit),
        low_percent=one.low_percent,
        high_percent=one.high_percent,
        source=one.source,
        told_at=one.told_at,
    )
