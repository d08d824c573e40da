"""Choosing warehouses for an order: the catalogue's places, inventory's stock, sourcing's rules.

It crosses three capabilities, which know nothing of each other. Asking changes no stock; only with
`reserve` the plan is promised, as one hard reservation of several lines under the request's id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from crossdock.canonical.catalog import LocationKind
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import ItemInUnit, Reference, ReferenceKind
from crossdock.canonical.units import step_micros
from crossdock.capabilities.catalog import OWN_SOURCE, Catalog, normalised
from crossdock.capabilities.inventory import (
    Availability,
    Inventory,
    Reservation,
    ReservationLine,
    ReservationRequest,
)
from crossdock.capabilities.sourcing import (
    LINES_MAX,
    NODES_MAX,
    SHIP,
    Answer,
    Asked,
    Line,
    NodeFacts,
    NodeRecord,
    Occasion,
    Order,
    Place,
    Policy,
    ShipTo,
    Sourcing,
    Stock,
    candidate_of,
    comparable,
    zone_of,
)
from crossdock.foundation.clock import Clock
from crossdock.foundation.scope import Scope

KEYS_MAX = 20_000
"""So many (item, node) pairs are asked for in one question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A line as a caller writes it; `quantity.unit` "" is the item's base unit.

    `needed_by` is the local date of arrival at the ship-to.
    """

    item: str
    quantity: Quantity
    needed_by: date | None = None
    hazmat: str = ""
    is_dropship: bool = False
    demand_ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOrder:
    """An order as a caller writes it. What is None stands as the rules in force say.

    `original` is the order's own node. `min_line_split` is in the base unit of each item.
    """

    lines: Sequence[SourceLine]
    ship_to: ShipTo = field(default_factory=ShipTo)
    customer: str = ""
    channel: str = ""
    needs: Sequence[str] = (SHIP,)
    policy: Policy | None = None
    max_shipments: int | None = None
    min_line_split: int | None = None
    original: str = ""
    occasion: Occasion = Occasion.CREATION
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Sourced:
    """A decision, and the promise made of it if that was asked for and there was anything."""

    answer: Answer
    reservation: Reservation | None = None


class OrderSourcing:
    def __init__(
        self, clock: Clock, catalog: Catalog, inventory: Inventory, sourcing: Sourcing
    ) -> None:
        self._clock = clock
        self._catalog = catalog
        self._inventory = inventory
        self._sourcing = sourcing

    async def plan(
        self, scope: Scope, client: str, wanted: SourceOrder, *, reserve: bool = False
    ) -> Sourced:
        """Decide which nodes serve an order out of what they have now; promise it if asked.

        The same request id and content get the same plan and the same promise for ever. A
        reservation that comes out DENIED means that stock went between the two: ask again with
        another id. Raises `Invalid` with the place of what nobody knows.
        """
        if reserve and not wanted.request_id:
            raise Invalid(
                "a plan that is reserved needs a request id",
                where="/request_id",
                hint="the same id asked twice is promised once",
            )
        asked = await self._asked(scope, wanted)
        answer = await self._sourcing.known(scope, client, asked)
        if answer is None:
            answer = await self._decided(scope, client, asked)
        if not reserve:
            return Sourced(answer)
        return Sourced(answer, await self._reserved(scope, client, answer))

    async def put_node(self, scope: Scope, facts: NodeFacts, *, by: str) -> NodeRecord:
        """Put the facts of a location that the catalogue knows, and whose time zone is one."""
        place = await self._catalog.location(scope, normalised(facts.node))
        if place.kind == LocationKind.GROUP:
            raise Invalid(
                f"{place.location} is a group of locations, and goods leave one of them",
                where="/node",
                hint="put the facts of its members",
            )
        zone_of(place.timezone)
        return await self._sourcing.put_node(scope, replace(facts, node=place.location), by=by)

    async def _asked(self, scope: Scope, wanted: SourceOrder) -> Asked:
        if not 1 <= len(wanted.lines) <= LINES_MAX:
            raise Invalid(f"an order has 1 to {LINES_MAX} lines here", where="/lines")
        found = await self._items(scope, wanted.lines)
        lines = tuple(
            _line(number, line, item)
            for number, (line, item) in enumerate(zip(wanted.lines, found, strict=True))
        )
        order = Order(
            lines=lines,
            customer=comparable(wanted.customer),
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
                raise _unknown(
                    f"no item is called {line.item!r}", f"{number}/item", "MD-ITEM-XREF"
                )
            unit = line.quantity.unit or bases[name]
            references.append(Reference(ReferenceKind.ITEM, name, unit))
        resolution, _ = await self._catalog.resolve_in(scope, OWN_SOURCE, references)
        found: list[ItemInUnit] = []
        for number, one in enumerate(references):
            item = resolution.items.get((one.native_id, one.unit))
            if item is None:
                reason = f"item {one.native_id} has no conversion from {one.unit!r}"
                raise _unknown(reason, f"{number}/quantity/unit", "MD-UOM")
            found.append(item)
        return found

    async def _original(self, scope: Scope, name: str) -> str:
        if not name:
            return ""
        return (await self._catalog.location(scope, normalised(name))).location

    async def _decided(self, scope: Scope, client: str, asked: Asked) -> Answer:
        nodes = await self._sourcing.nodes(scope, limit=NODES_MAX + 1)
        if len(nodes) > NODES_MAX:
            raise Invalid(f"more than {NODES_MAX} nodes take part in sourcing")
        names = [node.facts.node for node in nodes]
        items = sorted({line.item for line in asked.order.lines if not line.is_dropship})
        places = await self._places(scope, names)
        stock = await self._stock(scope, items, names)
        now = self._clock.now()
        candidates = [
            candidate_of(
                node.facts,
                places.get(node.facts.node, Place(is_active=False, timezone="")),
                _stock_of(items, node.facts.node, stock),
                asked.ship_to,
                now,
            )
            for node in nodes
        ]
        return await self._sourcing.decide(scope, client, asked, candidates)

    async def _places(self, scope: Scope, names: Sequence[str]) -> Mapping[str, Place]:
        found = await self._catalog.locations(scope, only=names, limit=max(1, len(names)))
        return {one.location: Place(one.is_active, one.timezone) for one in found}

    async def _stock(
        self, scope: Scope, items: Sequence[str], nodes: Sequence[str]
    ) -> Mapping[tuple[str, str], Availability]:
        """Ask what can be fulfilled now, of one moment; what nobody knows is left out."""
        keys = [(item, node) for node in nodes for item in items]
        if len(keys) > KEYS_MAX:
            raise Invalid(
                f"{len(items)} items at {len(nodes)} nodes are more than {KEYS_MAX} stocks",
                where="/lines",
                hint="ask with fewer lines",
            )
        answers = await self._inventory.availability(scope, keys) if keys else []
        return {(one.item, one.location): one for one in answers if one.is_known}

    async def _reserved(self, scope: Scope, client: str, answer: Answer) -> Reservation | None:
        lines = tuple(
            ReservationLine(part.item, shipment.node, part.quantity.micros, part.demand_ref)
            for shipment in answer.decided.shipments
            for part in shipment.parts
        )
        if not lines:
            return None
        request = ReservationRequest(answer.decided.request_id, lines, ReservationKind.HARD)
        return await self._inventory.reserve(scope, client, request)


def _stock_of(
    items: Sequence[str], node: str, known: Mapping[tuple[str, str], Availability]
) -> Stock:
    answers = {item: known.get((item, node)) for item in items}
    return Stock(
        {item: None if one is None else one.available.micros for item, one in answers.items()},
        is_stale=any(one.is_stale for one in answers.values() if one),
    )


def _line(number: int, line: SourceLine, item: ItemInUnit) -> Line:
    quantity = Quantity(line.quantity.value, line.quantity.unit or item.base_unit)
    micros, rest = divmod(quantity.micros * item.numerator, item.denominator)
    where = f"{number}/quantity"
    if rest:
        reason = f"{quantity} is no whole number of millionths of {item.base_unit}"
        raise _unknown(reason, where, "MD-UOM")
    if micros <= 0:
        raise Invalid("a line asks for more than zero", where=f"/lines/{where}")
    step, rest = divmod(step_micros(quantity.unit) * item.numerator, item.denominator)
    # What is no whole number of its own unit (half a case) leaves as it is, or not at all.
    is_whole = not rest and step > 0 and not micros % step
    return Line(
        line_no=number + 1,
        item=item.item,
        micros=micros,
        step=step if is_whole else micros,
        needed_by=line.needed_by,
        hazmat=comparable(line.hazmat),
        is_dropship=line.is_dropship,
    )


def _unknown(reason: str, where: str, code: str) -> Invalid:
    return Invalid(
        reason,
        where=f"/lines/{where}",
        code=code,
        hint="GET /v1/items, or `crossdock catalog items`, list what is known",
    )
