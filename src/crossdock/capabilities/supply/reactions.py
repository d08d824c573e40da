"""What moves the dated side of stock: commitments, ship dates, kits, lots, catch weights.

Each carries a whole state, and the newest version wins, so late, repeated and reordered words end
in one state. What is open of an order line is not kept here: inventory knows it, picks and all.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import NamedTuple, Protocol, TypeVar

from crossdock.canonical.catalog import CatchWeightChanged, KitChanged, LotChanged
from crossdock.canonical.envelope import Event
from crossdock.canonical.identifiers import KeyRule
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyKind, SupplyListing
from crossdock.canonical.units import canonical_unit
from crossdock.capabilities.supply import goods_store, kit_store, rule_store, store
from crossdock.capabilities.supply.goods_store import LotSaid, WeightSaid
from crossdock.capabilities.supply.kit_store import Kit
from crossdock.capabilities.supply.listing import Mark, mark
from crossdock.capabilities.supply.notice_store import Announced, keep_announced
from crossdock.capabilities.supply.ruling import HearsShown
from crossdock.capabilities.supply.sent_store import Sent
from crossdock.capabilities.supply.since_store import keep_since
from crossdock.capabilities.supply.store import DatedLine, Heard, Order
from crossdock.foundation.database import Transaction
from crossdock.foundation.readers import Reader

_NAMES = KeyRule()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Versioned = TypeVar("Versioned", Heard, Kit, LotSaid, Order, WeightSaid)


class HearsWhatLeft(Protocol):
    """Whoever waits for supply that is expected somewhere else now."""

    async def left(self, tx: Transaction, keys: Sequence[tuple[str, str, str]]) -> None:
        """Hear that supply is expected no more at these (tenant, item, location)."""
        ...


class Changed(NamedTuple):
    """What a page changed: (tenant, item, location) that supply left, (tenant, item) of kits.

    And of which (tenant, item) it tells how long lots keep.
    """

    left: list[tuple[str, str, str]]
    kits: list[tuple[str, str]]
    lots: list[tuple[str, str]]


def supply_reader(hearer: HearsWhatLeft | None = None, shows: HearsShown | None = None) -> Reader:
    """Make the log reader that keeps supply and ship dates."""

    async def apply_and_tell(tx: Transaction, events: Sequence[Event]) -> None:
        changed = await apply(tx, events)
        if changed.left and hearer is not None:
            await hearer.left(tx, changed.left)
        if changed.kits and shows is not None:
            await shows.recipes_changed(tx, changed.kits)
        if changed.lots and shows is not None:
            await shows.lives_changed(tx, await rule_store.with_lives(tx, changed.lots))

    facts = (SupplyCommitmentChanged, OrderChanged, KitChanged, LotChanged, CatchWeightChanged)
    return Reader(
        name="supply", apply=apply_and_tell, types=frozenset(fact.TYPE for fact in facts)
    )


async def apply(tx: Transaction, events: Sequence[Event]) -> Changed:
    """Take in one page: of each commitment and order its newest version.

    Gives where supply was expected and is no more, and which kits have another recipe.
    """
    heard: list[Heard] = []
    kits: list[Kit] = []
    lots: list[LotSaid] = []
    weights: list[WeightSaid] = []
    orders: list[tuple[Order, OrderChanged]] = []
    for event in events:
        payload = event.payload
        match payload:
            case SupplyCommitmentChanged() if payload.listing is SupplyListing.TOLD:
                heard.append(_heard(event, payload))
            case KitChanged():
                kits.append(_kit(event, payload))
            case LotChanged():
                lots.append(_lot(event, payload))
            case CatchWeightChanged():
                weights.append(_weight(event, payload))
            case OrderChanged():
                key = (event.tenant, event.source, payload.order_id)
                orders.append((Order(*key, *_version(event)), payload))
            case _:
                pass
    left = await _keep_supply(tx, heard, events)
    await mark(tx, _marks(events))
    changed = await kit_store.keep_kits(tx, _newest(kits))
    await goods_store.keep_lots(tx, _newest(lots, 4))
    await goods_store.keep_weights(tx, _newest(weights))
    newest = {order: order for order in _newest(order for order, _ in orders)}
    lines = [
        (order, DatedLine(line.demand_ref, line.item, line.location, line.requested_ship_date))
        for order, payload in orders
        if order in newest
        for line in reversed(payload.claiming)
        if line.requested_ship_date is not None
    ]
    sent = [
        Sent(*order[:3], line.drop_ship_po_line)
        for order, payload in orders
        if order in newest
        for line in payload.lines
        if line.drop_ship_po_line
    ]
    left += await store.keep_orders(tx, list(newest), lines, sent)
    return Changed(left, changed, sorted({(lot.tenant, lot.item) for lot in lots}))


async def _keep_supply(
    tx: Transaction, heard: Sequence[Heard], events: Sequence[Event]
) -> list[tuple[str, str, str]]:
    left = await store.keep(tx, _newest(heard))
    await keep_since(tx, heard)
    await keep_announced(tx, chain.from_iterable(map(_announced, events)))
    return left


def _newest(versions: Iterable[Versioned], width: int = 3) -> list[Versioned]:
    """Keep the newest version of each, in one order for all who write; the key comes first."""
    found: dict[tuple[object, ...], Versioned] = {}
    for one in versions:
        key = one[:width]
        if key not in found or one[-3:] > found[key][-3:]:
            found[key] = one
    return [found[key] for key in sorted(found, key=str)]


def _heard(event: Event, payload: SupplyCommitmentChanged) -> Heard:
    pegs = [(peg.demand_ref, (peg.base or peg.quantity).micros) for peg in payload.pegs]
    return Heard(
        event.tenant,
        payload.supply_id,
        event.source,
        payload.kind,
        payload.item,
        payload.location,
        (payload.base_open or payload.open_quantity).micros,
        payload.evidence,
        payload.eta,
        payload.acknowledgment_due,
        payload.confidence,
        payload.parent_supply_id,
        payload.document_ref,
        json.dumps(pegs),
        _NAMES.comparable(payload.supplier),
        None if payload.acknowledged is None else payload.acknowledged.micros,
        None if payload.received is None else payload.received.micros,
        None if payload.base_received is None else payload.base_received.micros,
        0 if payload.cancelled is None else payload.cancelled.micros,
        *_version(event),
    )


def _announced(event: Event) -> Iterator[Announced]:
    """Give what a version of a notice announces, in the unit that it is received in."""
    said = event.payload
    if not isinstance(said, SupplyCommitmentChanged) or said.kind is not SupplyKind.ASN_LINE:
        return
    if said.listing is not SupplyListing.TOLD:
        return
    received = 0 if said.received is None else said.received.micros
    if coming := said.open_quantity.micros:
        unit = canonical_unit(said.open_quantity.unit)
        key = (event.tenant, said.supply_id, event.source)
        yield Announced(*key, coming + received, unit, *_version(event))


def _marks(events: Iterable[Event]) -> Iterator[Mark]:
    for event in events:
        match event.payload:
            case SupplyCommitmentChanged(listing=listing) as payload:
                if listing is not SupplyListing.TOLD:
                    yield _mark(event, payload)
            case _:
                pass


def _mark(event: Event, payload: SupplyCommitmentChanged) -> Mark:
    _, us, position = _version(event)
    is_listed = payload.listing is SupplyListing.RELISTED
    key = (event.tenant, payload.supply_id, event.source)
    micros = (payload.base_open or payload.open_quantity).micros
    return Mark(*key, micros, us, position, is_listed)


def _kit(event: Event, payload: KitChanged) -> Kit:
    parts = [(item, micros, unit) for item, (micros, unit) in payload.parts().items()]
    return Kit(event.tenant, payload.item, event.source, json.dumps(parts), *_version(event))


def _lot(event: Event, payload: LotChanged) -> LotSaid:
    key = (event.tenant, payload.item, payload.lot, event.source)
    return LotSaid(*key, payload.expires_on, *_version(event))


def _weight(event: Event, payload: CatchWeightChanged) -> WeightSaid:
    nominal = payload.nominal
    return WeightSaid(
        event.tenant,
        payload.item,
        event.source,
        None if nominal is None else nominal.micros,
        "" if nominal is None else canonical_unit(nominal.unit),
        payload.low_percent,
        payload.high_percent,
        *_version(event),
    )


def _version(event: Event) -> tuple[int, int, int]:
    """Place a state among the versions of its source: its number, its clock, its receipt."""
    us = (event.ordered_at - _EPOCH) // timedelta(microseconds=1)
    fact = event.fact
    numbers = (number for number in (fact.version, fact.sequence, us) if number is not None)
    return next(numbers), us, event.position
