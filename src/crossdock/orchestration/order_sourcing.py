"""Choosing warehouses for an order: the catalogue's places, inventory's stock, sourcing's rules.

It crosses three capabilities, which know nothing of each other. Asking changes no stock; only with
`reserve` the plan is promised, as one hard reservation of several lines under the request's id.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from types import MappingProxyType

from crossdock.canonical.calendars import Calendar
from crossdock.canonical.catalog import LocationKind
from crossdock.canonical.errors import Conflict, Invalid
from crossdock.canonical.references import ItemInUnit, Reference, ReferenceKind
from crossdock.capabilities.catalog import OWN_SOURCE, Catalog, normalised
from crossdock.capabilities.inventory import (
    Availability,
    Inventory,
    Reservation,
    ReservationLine,
)
from crossdock.capabilities.sourcing import (
    DROPSHIP,
    LINES_MAX,
    Answer,
    Asked,
    Candidate,
    Destination,
    NodeFacts,
    NodeRecord,
    Order,
    Place,
    Sourcing,
    candidate_of,
    comparable,
    leaves_on,
    zone_of,
)
from crossdock.foundation.clock import Clock
from crossdock.foundation.scope import Scope
from crossdock.orchestration.channel_stocks import ChannelStocks, less
from crossdock.orchestration.order_kits import KnowsKits, check_count, in_parts, parts_of
from crossdock.orchestration.order_outlook import (
    AnswersByDate,
    advised,
    by_date,
    is_asked,
)
from crossdock.orchestration.order_packs import in_packs
from crossdock.orchestration.order_substitutes import with_substitutes
from crossdock.orchestration.source_orders import (
    SourceLine,
    SourceOrder,
    check_refs,
    line_of,
    said_hash,
    unknown,
)

Key = tuple[str, str]
OWN_KINDS = (
    LocationKind.DC,
    LocationKind.BRANCH,
    LocationKind.STORE,
    LocationKind.THIRD_PARTY,
    LocationKind.OTHER,
)
"""Places whose stock is ours to send: no group of them, bin in them or goods on their way."""


@dataclass(frozen=True, slots=True)
class Sourced:
    """A decision, and the promise made of it if that was asked for and there was anything."""

    answer: Answer
    reservation: Reservation | None = None


class OrderSourcing:
    def __init__(
        self,
        clock: Clock,
        catalog: Catalog,
        inventory: Inventory,
        sourcing: Sourcing,
        supply: AnswersByDate,
        *,
        kits: KnowsKits,
    ) -> None:
        self._clock = clock
        self._catalog = catalog
        self._inventory = inventory
        self._sourcing = sourcing
        self._supply = supply
        self._kits = kits

    async def plan_of_stock(
        self, scope: Scope, client: str, wanted: SourceOrder, taken: Mapping[Key, int]
    ) -> Answer:
        """Decide of what can be held: what lies there, less what is `taken`, in micros.

        What no stock limits at once (`INFINITE`) is some of it, what its lead time limits is not.
        """
        now, said = self._clock.now(), said_hash(wanted, client)
        if known := await self._sourcing.known(scope, client, wanted.request_id, said):
            return known
        return await self._decided(scope, client, wanted, now, is_of_stock=True, taken=taken)

    async def plan(
        self, scope: Scope, client: str, wanted: SourceOrder, *, reserve: bool = False
    ) -> Sourced:
        """Decide which nodes serve an order out of what they have in time; promise it if asked.

        A reservation holds what lies there, so a plan to be promised is made of stock alone.
        The same request id and content get the same plan and the same promise for ever, whatever
        becomes of the catalogue. A reservation that comes out DENIED means that stock went between
        the two: ask again with another id. Raises `Invalid` with the place of what nobody knows,
        and `Conflict` if a plan is to be promised whose shipments could not leave as it says.
        """
        if reserve and not wanted.request_id:
            raise Invalid(
                "a plan that is reserved needs a request id",
                where="/request_id",
                hint="the same id asked twice is promised once",
            )
        now, said = self._clock.now(), said_hash(wanted, client)
        answer = await self._sourcing.known(scope, client, wanted.request_id, said)
        if answer is None:
            answer = await self._decided(scope, client, wanted, now, is_of_stock=reserve)
        if not reserve:
            return Sourced(answer)
        return Sourced(answer, await self._reserved(scope, client, answer, wanted, now))

    async def put_node(self, scope: Scope, facts: NodeFacts, *, by: str) -> NodeRecord:
        """Put the facts of a location that the catalogue knows, and whose time zone is one."""
        place = await self._catalog.location(scope, normalised(facts.node))
        if place.kind not in OWN_KINDS and place.kind != LocationKind.SUPPLIER:
            raise Invalid(
                f"{place.location} is {place.kind}: goods leave a place of our own, or a supplier",
                where="/node",
                hint="put the facts of the places that goods leave",
            )
        can = {comparable(one) for one in facts.capabilities}
        if place.kind == LocationKind.SUPPLIER and can - {"", DROPSHIP}:
            raise Invalid(
                f"{place.location} is a supplier, whose goods are not ours to promise",
                where="/capabilities",
                hint=f"a supplier can {DROPSHIP} and nothing else",
            )
        zone_of(place.timezone)
        return await self._sourcing.put_node(scope, replace(facts, node=place.location), by=by)

    async def _asked(self, scope: Scope, wanted: SourceOrder) -> Asked:
        if not 1 <= len(wanted.lines) <= LINES_MAX:
            raise Invalid(f"an order has 1 to {LINES_MAX} lines here", where="/lines")
        found = await self._items(scope, wanted.lines)
        lines = tuple(
            line_of(number, line, item)
            for number, (line, item) in enumerate(zip(wanted.lines, found, strict=True))
        )
        check_refs(wanted.lines)
        customer, *known_as = await self._catalog.known_as(scope, wanted.customer)
        order = Order(
            lines=lines,
            customer=customer,
            needs=tuple(sorted({comparable(need) for need in wanted.needs})),
            policy=wanted.policy,
            max_shipments=wanted.max_shipments,
            min_line_split=wanted.min_line_split,
            original=await self._original(scope, wanted.original),
            occasion=wanted.occasion,
        )
        return Asked(
            order=order,
            ship_to=wanted.ship_to,
            channel=comparable(wanted.channel),
            known_as=tuple(known_as),
            request_id=wanted.request_id,
            units={item.item: item.base_unit for item in found},
            demand_refs={
                number + 1: line.demand_ref
                for number, line in enumerate(wanted.lines)
                if line.demand_ref
            },
        )

    async def _items(self, scope: Scope, lines: Sequence[SourceLine]) -> list[ItemInUnit]:
        """Look up every item with its unit; without one it is the base unit."""
        names = [normalised(line.item) for line in lines]
        bases, _ = await self._catalog.names(scope, names, [])
        references: list[Reference] = []
        for number, (name, line) in enumerate(zip(names, lines, strict=True)):
            if name not in bases:
                raise unknown(f"no item is called {line.item!r}", f"{number}/item", "MD-ITEM-XREF")
            unit = line.quantity.unit or bases[name]
            references.append(Reference(ReferenceKind.ITEM, name, unit))
        resolution, _ = await self._catalog.resolve_in(scope, OWN_SOURCE, references)
        found: list[ItemInUnit] = []
        for number, one in enumerate(references):
            item = resolution.items.get((one.native_id, one.unit))
            if item is None:
                reason = f"item {one.native_id} has no conversion from {one.unit!r}"
                raise unknown(reason, f"{number}/quantity/unit", "MD-UOM")
            found.append(item)
        return found

    async def _original(self, scope: Scope, name: str) -> str:
        if not name:
            return ""
        return (await self._catalog.location(scope, normalised(name))).location

    async def _decided(
        self,
        scope: Scope,
        client: str,
        wanted: SourceOrder,
        now: datetime,
        *,
        is_of_stock: bool,
        taken: Mapping[Key, int] = MappingProxyType({}),
    ) -> Answer:
        """Decide by what nodes have for the order's channel; `is_of_stock`: by what lies there."""
        asked = replace(await self._asked(scope, wanted), said=said_hash(wanted, client))
        nodes = await self._sourcing.stored_nodes(scope)
        names = [node.name for node in nodes]
        if await self._sourcing.takes_substitutes(scope, asked, now):
            asked = await with_substitutes(
                partial(self._supply.substitutes, scope), asked, wanted, nodes=len(names)
            )
        asked, limits = await self._limits(scope, asked, names, wanted.whose(client), taken)
        demand, stocks = limits.demand, {name: limits.at(name) for name in names}
        places = await self._places(scope, names)
        to = Destination(asked.ship_to, asked.order.customer, asked.known_as)
        facts = await asyncio.to_thread(lambda: {node.name: node.facts() for node in nodes})

        def candidates() -> list[Candidate]:
            nowhere = Place(is_active=False, timezone="", calendar=Calendar())
            return [
                candidate_of(facts[name], places.get(name, nowhere), stocks[name], to, now)
                for name in names
            ]

        everyone = await asyncio.to_thread(candidates)
        stocks |= await advised(
            partial(self._supply.promise_dates, scope), asked, everyone, stocks
        )
        able = [one for one in everyone if is_asked(one, asked)]
        coming = await by_date(
            partial(self._supply.promise_dates, scope), asked, able, stocks, demand
        )
        if is_of_stock:  # how long it keeps counts, what is to come does not
            coming = {name: replace(stock, supply={}, coming={}) for name, stock in coming.items()}
        late = {
            one.node: {
                each.line_no for each in asked.substitutes if not each.may_leave(one.ships_on)
            }
            for one in able
        }
        stocks |= {name: limits.limited(name, stock, late[name]) for name, stock in coming.items()}
        return await self._sourcing.decide(scope, client, asked, candidates, now)

    async def _limits(
        self,
        scope: Scope,
        asked: Asked,
        names: Sequence[str],
        whose: tuple[str, str],
        taken: Mapping[Key, int],
    ) -> tuple[Asked, ChannelStocks]:
        """Tell what nodes have for an order now, and its channel may promise; move it to packs."""
        demand = await self._own_demand(scope, asked)
        asked = await in_packs(self._inventory, scope, asked, names, demand)
        own = [line for line in asked.all_lines if not line.is_dropship]
        items = sorted({line.item for line in own})
        check_count(len(items), len(names))
        kits = await self._kits.of(scope, [(item, name) for item in items for name in names])
        parts = parts_of(kits)
        if taken:
            taken = in_parts(taken, await self._kits.of(scope, list(taken)))
        asked = replace(asked, units={**parts, **asked.units})
        known = less(await self._stock(scope, sorted({*items, *parts}), names), taken)
        refs = {asked.demand_refs[number]: key for number, (key, _) in demand.items()}
        shares = await self._inventory.channel_shares(scope, whose, list(known), refs)
        return asked, ChannelStocks(own, known, demand, asked.demand_refs, shares, kits, taken)

    async def _places(self, scope: Scope, names: Sequence[str]) -> Mapping[str, Place]:
        """Tell what is known of each node; what became no place of ours is left out."""
        calendars = await self._supply.calendars.calendars(scope, names)
        found = await self._catalog.locations(scope, only=names, limit=max(1, len(names)))
        return {
            one.location: Place(
                one.is_active,
                one.timezone,
                calendars[one.location],
                is_supplier=one.kind == LocationKind.SUPPLIER,
            )
            for one in found
            if one.kind in OWN_KINDS or one.kind == LocationKind.SUPPLIER
        }

    async def _own_demand(self, scope: Scope, asked: Asked) -> dict[int, tuple[Key, int]]:
        """Tell by line what its order counts against stock already, and where (A25)."""
        if not asked.demand_refs:
            return {}
        found = await self._inventory.open_demand(scope, list(asked.demand_refs.values()))
        return {number: found[ref] for number, ref in asked.demand_refs.items() if ref in found}

    async def _stock(
        self, scope: Scope, items: Sequence[str], nodes: Sequence[str]
    ) -> Mapping[tuple[str, str], Availability]:
        """Ask what can be fulfilled now, of one moment; what nobody knows is left out."""
        check_count(len(items), len(nodes))
        keys = [(item, node) for node in nodes for item in items]
        answers = await self._inventory.availability(scope, keys) if keys else []
        return {(one.item, one.location): one for one in answers if one.is_known}

    async def _reserved(
        self, scope: Scope, client: str, answer: Answer, wanted: SourceOrder, now: datetime
    ) -> Reservation | None:
        """Promise a plan for the channel as its caller spells it, but what no stock limits."""
        decided = answer.decided
        if any(part.supply_on for one in decided.shipments for part in one.parts):
            raise Conflict(
                "part of this plan is still to come, and a reservation holds what lies there",
                code="plan_needs_supply",
                hint="promise it by date (POST /v1/promises/by-date), or plan it to be reserved"
                " under a new request id: then it is made of stock alone",
            )
        unlimited = {(item, one.node) for one in decided.candidates for item in one.unlimited}
        lines = tuple(
            ReservationLine(part.item, shipment.node, part.quantity.micros, part.demand_ref)
            for shipment in decided.shipments
            for part in shipment.parts
            if (part.item, shipment.node) not in unlimited
        )
        if not lines:
            return None
        request_id = decided.request_id
        if answer.is_repeat and not await self._inventory.is_made(scope, client, request_id):
            await self._check_leaves(scope, answer, now)
        return await self._inventory.reserve(scope, client, wanted.reserving(client, lines))

    async def _check_leaves(self, scope: Scope, answer: Answer, now: datetime) -> None:
        """Refuse to promise a plan of before whose goods would not leave as it says any more."""
        planned = {one.node: one.ships_on for one in answer.decided.shipments}
        places = await self._places(scope, list(planned))
        stored = {one.name for one in await self._sourcing.stored_nodes(scope)}
        for node, day in planned.items():
            place = places.get(node)
            is_ours = place and place.is_active and not place.is_supplier
            if not (place and is_ours and node in stored) or leaves_on(place, now) != day:
                raise Conflict(
                    f"what this plan sends from {node} would not leave as it says any more",
                    code="plan_out_of_date",
                    hint="ask with a new request id: it is planned as things are now",
                )
