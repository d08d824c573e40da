"""What others may ask of supply: what can be promised by when, and the rules it goes by."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from crossdock.canonical.errors import Invalid, NotFound
from crossdock.capabilities.supply import rules, store
from crossdock.capabilities.supply.answer import (
    Atp,
    Claim,
    Component,
    Kin,
    Node,
    Question,
    Standing,
)
from crossdock.capabilities.supply.calendar import local_time
from crossdock.capabilities.supply.promise import Horizon, answered, horizon, nodes_of
from crossdock.capabilities.supply.rules import DAYS_MAX, AtpTerms, PlacedRule
from crossdock.capabilities.supply.store import Key
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

QUESTIONS_MAX = 10_000

TURN = 128
"""So many are answered at a time; then whoever else waits in this process has a turn."""

ZONE_SECONDS = 60.0
"""A location's time zone is remembered so long: it is asked of every answer, and never changes."""

Figures = tuple[int, int, int, int, int, bool, bool]
"""Nettable, hard, soft, safety, version, is_grouped, is_known (§3.1)."""


class KnowsStock(Protocol):
    """Whoever keeps what lies where; inventory, usually. All in the caller's transaction."""

    async def groups(
        self, tx: Transaction, tenant: str, locations: Sequence[str]
    ) -> Mapping[str, str]:
        """Name the group of each location that has one, and of all its fellow members."""
        ...

    async def standing(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> Mapping[Key, Figures]:
        """Give the figures of each; `is_grouped` where it may be a group, or in one."""
        ...

    async def held(
        self, tx: Transaction, tenant: str, demand_refs: Sequence[str]
    ) -> Sequence[tuple[str, str, str, int, int]]:
        """Give what order lines hold, picks taken off: line, item, location, hard, soft."""
        ...


class KnowsPlaces(Protocol):
    """Whoever knows the locations' own clocks; the catalogue, usually."""

    async def time_zones(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        """Answer the zone of each (tenant, location)."""
        ...


class Supply:
    """Answers by date. Amounts are micros of the item's base unit."""

    def __init__(
        self, database: Database, clock: Clock, stock: KnowsStock, places: KnowsPlaces
    ) -> None:
        self._database = database
        self._clock = clock
        self._stock = stock
        self._places = places
        self._zones: dict[tuple[str, str], tuple[str, float]] = {}

    async def promise_dates(self, scope: Scope, questions: Sequence[Question]) -> list[Atp]:
        """Answer up to 10,000 questions, all of one moment, in their order (§3.3)."""
        if not 1 <= len(questions) <= QUESTIONS_MAX:
            raise Invalid(
                f"one call answers 1 to {QUESTIONS_MAX} questions, not {len(questions)}",
                where="/keys",
                hint="ask for the rest in another call",
            )
        answers: list[Atp] = []
        now = self._clock.now()
        # One moment of both tables; facts of the same goods may still be taken in one by one.
        async with self._database.transaction(scope, is_one_moment=True) as tx:
            for begin in range(0, len(questions), TURN):
                some = questions[begin : begin + TURN]
                read = await self._read(tx, scope.tenant, some, now)
                answers += read.answers(some)
        return answers

    async def put_rule(self, scope: Scope, placed: PlacedRule) -> PlacedRule:
        """Say a rule; it replaces what was said for the same item and location."""
        rules.check_rule(placed.rule)
        async with self._database.transaction(scope) as tx:
            await store.put_rule(tx, placed, self._clock.now())
        return placed

    async def drop_rule(self, scope: Scope, item: str, location: str) -> None:
        """Take a rule back: the next wider one holds again."""
        async with self._database.transaction(scope) as tx:
            if not await store.drop_rule(tx, item, location):
                raise NotFound(f"there is no rule for {item!r} at {location!r}")

    async def rules(
        self, scope: Scope, *, after: Key = ("", ""), limit: int = 100
    ) -> list[PlacedRule]:
        """List what was said, by item and location."""
        async with self._database.transaction(scope) as tx:
            return await store.rules(tx, after, limit)

    async def _read(
        self, tx: Transaction, tenant: str, questions: Sequence[Question], now: datetime
    ) -> "_Read":
        """Read all that the answers are made of, set by set; components of kits behind them."""
        asked = sorted({one.location for one in questions})
        zones = await self._zones_of(tx, tenant, asked)
        read = _Read(now, {at: local_time(now, zone) for at, zone in zones.items()})
        await self._gather(tx, tenant, read, {(one.item, one.location) for one in questions})
        if parts := read.parts(questions):
            await self._gather(tx, tenant, read, parts)
        if refs := read.refs(questions):
            read.hold(await self._stock.held(tx, tenant, sorted(refs)))
        return read

    async def _gather(
        self, tx: Transaction, tenant: str, read: "_Read", wanted: Iterable[Key]
    ) -> None:
        """Read what is known of these keys, and of those that share a group with them."""
        keys = sorted(set(wanted))
        read.standing |= await self._stock.standing(tx, tenant, keys)
        grouped = sorted({key[1] for key in keys if read.standing[key][5]})
        if grouped and (groups := await self._stock.groups(tx, tenant, grouped)):
            read.group(groups)
            kin = sorted({one for key in keys for one in read.kin(key)})
            more = [key for key in kin if key not in read.standing]
            read.standing |= await self._stock.standing(tx, tenant, more)
            keys = kin
        rules_of = (at for key in keys for at in rules.places(*key))
        read.found.add(await store.read(tx, tenant, keys, rules_of, read.yesterday))
        if (before := read.long_due_before(keys)) is not None:
            read.found.ship_dates.update(await store.long_due(tx, tenant, keys, before))

    async def _zones_of(
        self, tx: Transaction, tenant: str, locations: Sequence[str]
    ) -> dict[str, str]:
        now = self._clock.ticks()
        known = self._zones
        missing = [at for at in locations if known.get((tenant, at), ("", 0.0))[1] <= now]
        if missing:
            found = await self._places.time_zones(tx, [(tenant, at) for at in missing])
            until = now + ZONE_SECONDS
            known |= {(tenant, at): (found.get((tenant, at), "UTC"), until) for at in missing}
        return {at: known[tenant, at][0] for at in locations}


class _Read:
    """All that a set of answers is made of; made, filled and used inside one call."""

    def __init__(self, now: datetime, local: Mapping[str, datetime]) -> None:
        """Begin at a moment; `local` is the same by the clock of each location asked about."""
        self._now = now
        self._locals = local
        self._groups: dict[str, str] = {}
        self._terms: dict[tuple[Key, ...], AtpTerms] = {}
        self._horizons: dict[tuple[int, str], Horizon] = {}
        self._claims: dict[Key, dict[str, Claim]] = {}
        self._nodes: dict[str, tuple[str | None, list[str]]] = {}
        self.standing: dict[Key, Figures] = {}
        self.found = store.Found({}, {}, {}, {})

    def group(self, groups: Mapping[str, str]) -> None:
        """Note who belongs to which group."""
        self._groups |= groups
        self._nodes = {}

    def kin(self, key: Key) -> list[Key]:
        """Name an item where it was asked for, at the group of that place, and at its members."""
        item, location = key
        group, members = self._of(location)
        places = {location, *members, *([] if group is None else [group])}
        return [(item, place) for place in places]

    def parts(self, questions: Iterable[Question]) -> set[Key]:
        """Name the components of the kits that are asked for, which are not known yet."""
        kits = self.found.kits
        wanted = {
            (part.item, one.location) for one in questions for part in kits.get(one.item, ())
        }
        return wanted - self.standing.keys()

    @property
    def yesterday(self) -> date:
        """Give the day before the earliest today: what ships later may be due later."""
        return min(local.date() for local in self._locals.values()) - timedelta(days=1)

    def terms(self, key: Key) -> AtpTerms:
        """Give what holds for a key; keys under the same rules share it."""
        said = self.found.rules
        rules_of = tuple(at for at in rules.places(*key) if at in said)
        if rules_of not in self._terms:
            self._terms[rules_of] = rules.terms_of(said[at] for at in rules_of)
        return self._terms[rules_of]

    def long_due_before(self, keys: Iterable[Key]) -> date | None:
        """Say before which day lines may be too late to count; None where none ever is.

        Others that are past due are due now, so they need not be told apart.
        """
        if not any(rule.past_due_demand_days is not None for rule in self.found.rules.values()):
            return None
        least = min(self.terms(key).past_due_demand_days for key in keys)
        latest = max(local.date() for local in self._locals.values())
        return None if least >= DAYS_MAX else latest - timedelta(days=least)

    def refs(self, questions: Iterable[Question]) -> set[str]:
        """Name the order lines that must be told apart: dated, pegged, or asked about again."""
        dated = {ref for ref, _ in self.found.ship_dates}
        supplies = self.found.supplies.values()
        pegged = {ref for each in supplies for one in each for ref, _ in one.pegs}
        return dated | pegged | {ref for one in questions for ref in one.own}

    def hold(self, held: Iterable[tuple[str, str, str, int, int]]) -> None:
        """Note what order lines hold; a claim and a hold of one line at one place are one."""
        ship_dates = self.found.ship_dates
        for ref, item, location, hard, soft in held:
            if hard or soft:
                key = (item, location)
                claims = self._claims.setdefault(key, {})
                known = claims.get(ref, Claim(ref, 0, 0, ship_dates.get((ref, key))))
                claims[ref] = Claim(ref, known.hard + hard, known.soft + soft, known.on)

    def answers(self, questions: Sequence[Question]) -> list[Atp]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Atp:
        item, location = question.item, question.location
        components = [
            Component(part.item, part.unit, part.micros, self._kin(part.item, location))
            for part in self.found.kits.get(item, ())
        ]
        kin = self._kin(item, location)._replace(components=components)
        known = (id(kin.own.terms), location)
        if known not in self._horizons:
            self._horizons[known] = horizon(kin.own.terms, self._locals[location])
        return answered(question, kin, self._horizons[known], self._now)

    def _kin(self, item: str, location: str) -> Kin:
        group, members = self._of(location)
        is_group = group == location
        return Kin(
            self._node((item, location)),
            self._node((item, group)) if group is not None and not is_group else None,
            [self._node((item, member)) for member in members],
            is_group,
        )

    def _of(self, location: str) -> tuple[str | None, list[str]]:
        if location not in self._nodes:
            self._nodes[location] = nodes_of(location, self._groups)
        return self._nodes[location]

    def _node(self, key: Key) -> Node:
        figures = self.standing.get(key)
        return Node(
            self.terms(key),
            Standing() if figures is None else Standing(*figures[:5], figures[6]),
            tuple(self._claims[key].values()) if key in self._claims else (),
            self.found.supplies.get(key, ()),
            key[1],
        )
