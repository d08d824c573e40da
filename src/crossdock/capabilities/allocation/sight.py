"""A look at item-locations: what is there, who claims it, how he stands, and what a run would do.

The order lines are locked, in one order, so two looks at one item-location come one after the
other; stock is only read, for promises never wait for a run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from crossdock.canonical.allocation import Strategy
from crossdock.capabilities.allocation import (
    alternative_store,
    alternatives,
    figures,
    model,
    rulebook,
    store,
)
from crossdock.capabilities.allocation.alternatives import Alternative, Lack, Offer
from crossdock.capabilities.allocation.asks import Around, Claim, Key, KnowsStock, Share, Stock
from crossdock.capabilities.allocation.figures import Figures
from crossdock.capabilities.allocation.group_reads import groups_in
from crossdock.capabilities.allocation.model import Expected, Line, Protection
from crossdock.capabilities.allocation.protection import AllocationProtection
from crossdock.capabilities.allocation.runs import digest_of
from crossdock.capabilities.allocation.shapes import Run, RunLine, RunState
from crossdock.capabilities.allocation.standing import RulesNow, rules_for
from crossdock.foundation.database import Transaction

Offered = Mapping[str, Sequence[Offer]]
"""What is offered elsewhere, by order line."""
NO_OFFERS: Offered = MappingProxyType({})
UNKNOWN = Stock(unit="EA", version=0, nettable=0, hard=0, soft=0, safety=0, claims={})


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order line that is open, beside what stock knows of it."""

    demand_ref: str
    order_id: str
    channel: str
    customer: str
    position: int
    claim: Claim
    line: Line


@dataclass(frozen=True, slots=True)
class Sight:
    """One item at one location as of one moment; `unclaimed` lines are not open there any more."""

    item: str
    location: str
    stock: Stock
    waiting: tuple[Waiting, ...]
    unclaimed: Mapping[str, int]
    protections: tuple[Protection, ...]
    rules_version: int
    expected: tuple[Expected, ...] = ()
    """What there will be by each day; asked for where a line may wait for it."""
    alternatives: tuple[Alternative, ...] = ()
    """What runs have found elsewhere for lines that claim or claimed here, with what is left."""

    @property
    def lines(self) -> list[Line]:
        return [one.line for one in self.waiting]

    @property
    def figures(self) -> Figures:
        stock = self.stock
        return Figures(stock.nettable, stock.hard, stock.soft, stock.safety)

    @property
    def supply(self) -> int:
        return figures.supply(self.figures, self.lines)

    @property
    def known(self) -> frozenset[str]:
        """Name every order line that was known here, open or not any more."""
        return frozenset({one.demand_ref for one in self.waiting} | self.unclaimed.keys())

    @property
    def digest(self) -> str:
        reach = model.reaches(self.lines, self.supply, self.expected)
        return digest_of(self.supply, self.lines, self.protections, reach)

    def picked(self, demand_ref: str) -> int:
        return self.stock.claims[demand_ref].picked

    @property
    def lacks(self) -> tuple[Lack, ...]:
        """Say what lines that may gain would not get of what lies there, by their turn."""
        outcome = model.run(
            self.supply, self.lines, self.protections, self.expected, refuses=False
        )
        micros = alternatives.lacks(outcome.grants)
        turns = sorted(self.waiting, key=lambda one: one.line.turn)
        return tuple(
            Lack(
                one.demand_ref,
                one.customer,
                one.channel,
                self.item,
                self.location,
                self.stock.unit,
                micros[one.demand_ref],
                one.line.multiple,
            )
            for one in turns
            if one.demand_ref in micros
        )

    def offered(self, run_id: str, offers: Offered) -> tuple[Alternative, ...]:
        """Take of what was offered for these very lacks what their lines have use for."""
        nets = {one.demand_ref: one.claim.net for one in self.waiting}
        fit = [
            (lack.demand_ref, one)
            for lack in (self.lacks if offers else ())
            for one in alternatives.fitting(lack, offers.get(lack.demand_ref, ()))
        ]
        return tuple(
            Alternative(demand_ref=ref, net=nets[ref], offer=one, run_id=run_id, place=place)
            for place, (ref, one) in enumerate(fit, start=1)
        )

    def over(self) -> tuple[Alternative, ...]:
        """Name those of which the order has said what became, or that are held no more."""
        nets = {one.demand_ref: one.claim.net for one in self.waiting}
        return tuple(
            one
            for one in self.alternatives
            if nets.get(one.demand_ref) != one.net or not one.offer.covers
        )

    def run(
        self, run_id: str, reason: str, by: str, now: datetime, offers: Offered = NO_OFFERS
    ) -> Run:
        """Simulate: what would be confirmed of whom, and why; and what is offered to the rest."""
        found = self.offered(run_id, offers)
        covered: dict[str, int] = {}
        for one in found:
            covered[one.demand_ref] = covered.get(one.demand_ref, 0) + one.offer.covers
        outcome = alternatives.decided(
            self.supply, self.lines, self.protections, self.expected, covered
        )
        found = () if outcome.is_refused else found
        by_ref = {one.demand_ref: one for one in self.waiting}
        return Run(
            run_id=run_id,
            item=self.item,
            location=self.location,
            unit=self.stock.unit,
            state=RunState.REFUSED if outcome.is_refused else RunState.SIMULATED,
            reason=reason,
            supply=self.supply,
            owed=outcome.owed,
            gained=outcome.gained,
            lost=outcome.lost,
            stock_version=self.stock.version,
            rules_version=self.rules_version,
            protections=self.protections,
            figures=self.figures,
            expected=self.expected,
            digest=alternatives.digest_with(self.digest, found),
            made_by=by,
            made_at=now,
            lines=tuple(
                RunLine(
                    demand_ref=grant.line.demand_ref,
                    order_id=by_ref[grant.line.demand_ref].order_id,
                    channel=by_ref[grant.line.demand_ref].channel,
                    counts_for=grant.line.group,
                    customer=by_ref[grant.line.demand_ref].customer,
                    requested=grant.line.requested,
                    picked=by_ref[grant.line.demand_ref].claim.picked,
                    before=grant.line.confirmed,
                    after=grant.after,
                    strategy=grant.line.strategy,
                    priority=grant.line.priority,
                    since=grant.line.since,
                    why=grant.why,
                    exception=grant.exception,
                    multiple=grant.line.multiple,
                    released=grant.line.released,
                    coming=grant.coming,
                    ships_on=grant.line.ships_on,
                    elsewhere=grant.line.elsewhere,
                )
                for grant in outcome.grants
            ),
            alternatives=found,
        )


async def doubtful(tx: Transaction, stock: KnowsStock, sights: Sequence[Sight]) -> frozenset[Key]:
    """Name those where stock counts an order that allocation has not heard of yet.

    Its demand looks like a promise to nobody, and a run would take it from who is confirmed.
    Orders of the same item elsewhere count, too: what a group has depends on its members. Asked
    after the look: whoever came to be known since then was not in it.
    """
    asked = [sight for sight in sights if figures.others(sight.figures, sight.lines)]
    keys = sorted({(sight.item, sight.location) for sight in asked})
    if not keys:
        return frozenset()
    unheard = await stock.unheard(tx, tx.tenant, sorted({item for item, _ in keys}))
    columns = [key[0] for key in keys], [key[1] for key in keys]
    known: dict[Key, set[str]] = {}
    for row in await tx.fetch(store.OPEN_LINES, tx.tenant, *columns):
        known.setdefault((row["item"], row["location"]), set()).add(row["demand_ref"])
    return frozenset(
        key
        for sight in asked
        for key in [(sight.item, sight.location)]
        if sight.item in unheard or not known.get(key, set()) <= sight.known
    )


async def look(
    tx: Transaction, around: Around, keys: Sequence[Key], now: datetime, *, lock: bool = True
) -> list[Sight]:
    """Look at each (item, location), in the order given."""
    columns = [key[0] for key in keys], [key[1] for key in keys]
    rows = await tx.fetch(store.LOCK_LINES if lock else store.OPEN_LINES, tx.tenant, *columns)
    found = await around.stock.stock(tx, tx.tenant, keys, [row["demand_ref"] for row in rows])
    whose = [{row[name] for row in rows} for name in ("order_id", "customer", "channel")]
    rules = await rules_for(tx, around.parties, *whose)
    protections = await rulebook.protections_for(tx, keys, now)
    rules = replace(rules, groups=await groups_in(tx, around.parties))
    shares = [
        Share(one.item, one.location, one.counts_for, one.starts_at, one.ends_at)
        for one in protections
    ]
    # Asked after stock was: what is promised in between is taken from a maximum, never beside it.
    had = await around.stock.had(tx, shares, now) if shares else ()
    by_key: dict[Key, list[Any]] = {key: [] for key in keys}
    for row in rows:
        by_key[row["item"], row["location"]].append(row)
    held = await _held(tx, around, keys)
    asked = {
        key: (
            stock.unit,
            {row["demand_ref"]: _aside(row, stock, rules, held.get(key, ())) for row in here},
        )
        for key, here in by_key.items()
        if any(_may_wait(row, rules) for row in here)
        for stock in [found.get(key, UNKNOWN)]
    }
    ahead = await around.supply.expected(tx, asked, now) if asked else {}
    return [
        _sight(
            (
                key,
                found.get(key, UNKNOWN),
                tuple(Expected(day, micros) for day, micros in ahead.get(key, ())),
                tuple(held.get(key, ())),
            ),
            by_key[key],
            rules,
            [
                (one, micros)
                for one, micros in zip(protections, had, strict=True)
                if (one.item, one.location) == key
            ],
        )
        for key in keys
    ]


def _may_wait(row: Any, rules: RulesNow) -> bool:
    """Say whether supply that is still to come can be in time for a line that must be served."""
    strategy = rules.of(row["order_id"], row["customer"], row["channel"]).strategy
    return strategy is Strategy.WIN and row["ships_on"] is not None


async def _held(
    tx: Transaction, around: Around, keys: Sequence[Key]
) -> dict[Key, list[Alternative]]:
    """Read what is held elsewhere for lines of these, or is to be, with what is left of it.

    Asked after the lines were locked: whoever applied a run held the same locks.
    """
    columns = [key[0] for key in keys], [key[1] for key in keys]
    rows = await tx.fetch(alternative_store.STANDING, tx.tenant, *columns)
    named = sorted({row["reservation_id"] for row in rows} - {""})
    left = await around.holder.left_in(tx, named) if named else {}
    found: dict[Key, list[Alternative]] = {}
    for row in rows:
        one = alternative_store.alternative_of(row)
        if one.reservation_id:
            one = one.held(left.get(one.reservation_id, 0))
        found.setdefault((row["line_item"], row["line_location"]), []).append(one)
    return found


def _aside(row: Any, stock: Stock, rules: RulesNow, held: Sequence[Alternative]) -> int | None:
    """Give what every run sets aside for a line of what lies there; None: all that it asks for."""
    claim = stock.claims.get(row["demand_ref"])
    if claim is None or not claim.open:
        return 0
    line = _waiting(row, claim, rules, held).line
    if line.strategy is Strategy.WIN:
        return None
    is_kept = line.strategy in {Strategy.SKIP, Strategy.GAIN}
    return line.confirmed if is_kept else line.released


def _sight(
    there: tuple[Key, Stock, tuple[Expected, ...], tuple[Alternative, ...]],
    rows: Sequence[Any],
    rules: RulesNow,
    protections: Sequence[tuple[AllocationProtection, int]],
) -> Sight:
    key, stock, expected, held = there
    waiting = [
        _waiting(row, stock.claims[row["demand_ref"]], rules, held)
        for row in rows
        if row["demand_ref"] in stock.claims and stock.claims[row["demand_ref"]].open
    ]
    claimed = {one.demand_ref for one in waiting}
    return Sight(
        *key,
        stock=stock,
        waiting=tuple(waiting),
        unclaimed={
            row["demand_ref"]: row["position"] for row in rows if row["demand_ref"] not in claimed
        },
        protections=tuple(rulebook.in_run(one, had) for one, had in protections),
        rules_version=rules.version,
        expected=expected,
        alternatives=held,
    )


def _waiting(row: Any, claim: Claim, rules: RulesNow, held: Sequence[Alternative] = ()) -> Waiting:
    """Until a run has decided, what was promised to the line counts as its confirmation.

    What is released to the warehouse and not picked does in any case: it is picked next. What is
    held for the line elsewhere, or as parts of a kit, it does not request here.
    """
    total = row["confirmed"] if row["run_id"] else claim.promised
    released = figures.unpicked(row["released"], claim.picked, claim.open)
    mine = (one for one in held if one.demand_ref == row["demand_ref"])
    beside = min(claim.in_parts, claim.open - released)
    elsewhere = beside + alternatives.away(mine, claim.net, claim.open - released - beside)
    requested = claim.open - elsewhere
    strategy, priority, _ = rules.of(row["order_id"], row["customer"], row["channel"])
    line = Line(
        demand_ref=row["demand_ref"],
        group=rules.groups.of(row["channel"], row["customer"]),
        requested=requested,
        confirmed=max(released, figures.unpicked(total, claim.picked, requested)),
        strategy=strategy,
        priority=priority,
        since=row["since"],
        multiple=row["multiple"],
        picked=claim.picked,
        released=released,
        ships_on=row["ships_on"],
        elsewhere=elsewhere,
    )
    return Waiting(
        row["demand_ref"],
        row["order_id"],
        row["channel"],
        row["customer"],
        row["position"],
        claim,
        line,
    )
