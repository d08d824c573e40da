"""Sourcing, in the words of allocation: what other places have for lines that stay short (§3.5).

Each line is asked for by itself, of what lies there, less what was offered to those before it: of
one unit nobody is offered a second time. What is offered is a recorded decision with its reasons.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

import structlog

from crossdock.canonical.errors import Missing, Rejected
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.allocation import Found, Lack, Offer
from crossdock.capabilities.catalog import Catalog, PartyNames, normalised
from crossdock.capabilities.inventory import Inventory
from crossdock.capabilities.sourcing import Decided, Occasion, Sourcing, backorders_may_ask
from crossdock.capabilities.supply import UNLIMITED, Supply
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.ids import Ids
from crossdock.foundation.scope import Scope
from crossdock.orchestration.allocating import Allocating
from crossdock.orchestration.order_sourcing import OrderSourcing
from crossdock.orchestration.source_orders import SourceLine, SourceOrder

log = structlog.get_logger(__name__)

CLIENT = "back-order run"
QUESTIONS_MAX = 50
"""So many lines are asked for in one look at the most; the next look goes on behind them."""

Key = tuple[str, str]
Terms = tuple[str, str, str, str, tuple[Key, ...]]


@dataclass(frozen=True, slots=True)
class BackorderSourcing:
    database: Database
    inventory: Inventory
    sourcing: Sourcing
    order_sourcing: OrderSourcing
    in_vain: dict[str, frozenset[Terms]] = field(default_factory=dict[str, frozenset[Terms]])
    """By tenant, what the looks before asked for in vain: it comes last, until all had a turn."""

    async def knows_any(self, scope: Scope) -> bool:
        return bool(await self.sourcing.stored_nodes(scope))

    async def offers(
        self, scope: Scope, lacks: Sequence[Lack], taken: Mapping[Key, int], now: datetime
    ) -> Found:
        """Offer what lies free elsewhere, where the rules for the customer or channel let it.

        Who lacks the same on the same terms as one that was offered nothing is not asked for.
        """
        lets = await self._may_ask(scope, lacks, now)
        lacks = [one for one in lacks if (one.customer, one.channel) in lets]
        taken = dict(taken)
        found: dict[str, Sequence[Offer]] = {}
        in_vain: set[Terms] = set()
        left: list[Lack] = []
        questions = 0
        before = self.in_vain.get(scope.tenant, frozenset())
        for lack in sorted(lacks, key=lambda one: _terms(one) in before):
            if _terms(lack) in in_vain:
                continue
            if questions == QUESTIONS_MAX:
                left.append(lack)
                continue
            questions += 1
            if offers := await self._offers(scope, lack, taken):
                found[lack.demand_ref] = offers
            else:
                in_vain.add(_terms(lack))
            for one in offers:
                key = (one.item, one.location)
                taken[key] = taken.get(key, 0) + one.micros
        left = [one for one in left if _terms(one) not in in_vain | before]
        self.in_vain[scope.tenant] = before | in_vain if left else frozenset()
        return Found(found, frozenset((one.item, one.location) for one in left))

    async def _may_ask(
        self, scope: Scope, lacks: Sequence[Lack], now: datetime
    ) -> frozenset[tuple[str, str]]:
        """Say for which customers and channels the rules let runs ask; all at once."""
        asked = {(one.customer, one.channel) for one in lacks}
        customers = sorted({normalised(customer) for customer, _ in asked} - {""})
        async with self.database.transaction(scope) as tx:
            names = await PartyNames().known_as(tx, tx.tenant, customers)
            named = {terms: names.get(normalised(terms[0]), ()) for terms in asked}
            return await backorders_may_ask(tx, named, now)

    async def _offers(
        self, scope: Scope, lack: Lack, taken: Mapping[Key, int]
    ) -> tuple[Offer, ...]:
        """Ask what there is, and once more on record if that is something.

        A line that cannot be asked for, of a place that no catalogue knows, is offered nothing.
        """
        wanted, taken = _order(lack), {**taken, **dict.fromkeys(lack.denied, UNLIMITED)}
        try:
            answer = await self.order_sourcing.plan_of_stock(scope, CLIENT, wanted, taken)
            seen = await self._elsewhere(scope, lack, answer.decided)
            if not seen:
                return ()
            named = replace(wanted, request_id=_name(lack, seen))
            answer = await self.order_sourcing.plan_of_stock(scope, CLIENT, named, taken)
            return _as_of_today(await self._elsewhere(scope, lack, answer.decided), seen)
        except (Rejected, Missing) as error:
            log.info("no alternative could be asked for", line=lack.demand_ref, why=str(error))
            return ()

    async def _elsewhere(self, scope: Scope, lack: Lack, decided: Decided) -> tuple[Offer, ...]:
        """Leave out members of the group that the line claims: what they have counts for it."""
        offers = [
            one for one in _offered(lack, decided) if (one.item, one.location) not in lack.denied
        ]
        places = sorted({(scope.tenant, one.location) for one in offers})
        if not places:
            return ()
        async with self.database.transaction(scope) as tx:
            groups = await self.inventory.groups_in(tx, places)
        members = {at for (_, at), group in groups.items() if group == lack.location}
        return tuple(one for one in offers if one.location not in members)


def sourced_allocating(
    database: Database,
    ids: Ids,
    knows: tuple[Clock, Catalog, Inventory, Sourcing, Supply],
    order_sourcing: OrderSourcing,
) -> Allocating:
    """Put allocation together with sourcing to ask in its runs."""
    clock, _, inventory, sourcing, supply = knows
    finder = BackorderSourcing(database, inventory, sourcing, order_sourcing)
    return Allocating(database, clock, ids, inventory, supply, finder=finder)


def _terms(lack: Lack) -> Terms:
    return (lack.customer, lack.channel, lack.item, lack.location, lack.denied)


def _order(lack: Lack) -> SourceOrder:
    line = SourceLine(item=lack.item, quantity=Quantity.from_micros(lack.micros, lack.unit))
    return SourceOrder(
        lines=[line],
        customer=lack.customer,
        channel=lack.channel,
        original=lack.location,
        occasion=Occasion.BACKORDER_RUN,
    )


def _offered(lack: Lack, decided: Decided) -> tuple[Offer, ...]:
    """Read from a decision what leaves another place, or is another item."""
    covers = {one.line_no: one.covers.micros for one in decided.substitutes}
    whole = _sums(decided, covers)
    why = {one.node: one.why for one in decided.reasons}
    return tuple(
        Offer(
            item=part.item,
            location=shipment.node,
            unit=part.quantity.unit,
            micros=part.quantity.micros,
            covers=covers[part.line_no] * part.quantity.micros // whole[part.line_no]
            if part.line_no in covers
            else part.quantity.micros,
            ships_on=shipment.ships_on,
            arrives_on=shipment.arrives_on,
            decision_id=decided.decision_id,
            why=why.get(shipment.node, ""),
        )
        for shipment in decided.shipments
        for part in shipment.parts
        if (part.item, shipment.node) != (lack.item, lack.location)
    )


def _sums(decided: Decided, lines: Collection[int]) -> dict[int, int]:
    """Sum what leaves of each of these lines, wherever."""
    found: dict[int, int] = {}
    for shipment in decided.shipments:
        for part in shipment.parts:
            if part.line_no in lines:
                found[part.line_no] = found.get(part.line_no, 0) + part.quantity.micros
    return found


def _name(lack: Lack, offers: Sequence[Offer]) -> str:
    """Name a question by what is asked and answered: while that is so it is one decision.

    On which day it would leave is not in it, or one that waits would be decided anew each day.
    """
    answered = [one._replace(ships_on=None, arrives_on=None) for one in offers]
    return f"backorder:{sha256(repr((lack, answered)).encode()).hexdigest()}"


def _as_of_today(recorded: Sequence[Offer], seen: Sequence[Offer]) -> tuple[Offer, ...]:
    """Give what was decided, perhaps on another day, with the days on which it would leave now."""
    days = {(one.item, one.location): (one.ships_on, one.arrives_on) for one in seen}
    return tuple(
        one._replace(ships_on=ships_on, arrives_on=arrives_on)
        for one in recorded
        for ships_on, arrives_on in [
            days.get((one.item, one.location), (one.ships_on, one.arrives_on))
        ]
    )
