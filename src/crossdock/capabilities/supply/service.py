"""What others may ask of supply: what can be promised by when, and the rules it goes by."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from crossdock.canonical.errors import Invalid, NotFound
from crossdock.capabilities.supply import rules, store
from crossdock.capabilities.supply.calendar import local_time
from crossdock.capabilities.supply.inbound import Supply as Inbound
from crossdock.capabilities.supply.promise import (
    Atp,
    Claim,
    Horizon,
    Kin,
    Node,
    Question,
    Standing,
    answered,
    horizon,
    nodes_of,
)
from crossdock.capabilities.supply.rules import DAYS_MAX, AtpRule, AtpTerms, PlacedRule
from crossdock.capabilities.supply.store import DatedLine, Key
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

QUESTIONS_MAX = 10_000

# Every statement of an answer then sees one moment: goods that arrive while it is made are counted
# as stock or as supply, never as both.
ONE_MOMENT = "set transaction isolation level repeatable read, read only"


class KnowsStock(Protocol):
    """Whoever keeps what lies where; inventory, usually. All in the caller's transaction."""

    async def groups(
        self, tx: Transaction, tenant: str, locations: Sequence[str]
    ) -> Mapping[str, str]:
        """Name the group of each location that has one, and of all its fellow members."""
        ...

    async def standing(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> Mapping[Key, tuple[int, int, int, int, int, bool]]:
        """Give of each: nettable, hard, soft, safety, version, and whether it is known (§3.1)."""
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

    async def promise_dates(self, scope: Scope, questions: Sequence[Question]) -> list[Atp]:
        """Answer up to 10,000 questions, all of one moment, in their order (§3.3)."""
        if not 1 <= len(questions) <= QUESTIONS_MAX:
            raise Invalid(
                f"one call answers 1 to {QUESTIONS_MAX} questions, not {len(questions)}",
                where="/keys",
                hint="ask for the rest in another call",
            )
        async with self._database.transaction(scope) as tx:
            await tx.execute(ONE_MOMENT)
            read = await self._read(tx, scope.tenant, questions)
        return read.answers(questions)

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

    async def _read(self, tx: Transaction, tenant: str, questions: Sequence[Question]) -> "_Read":
        """Read all that the answers are made of, set by set."""
        now = self._clock.now()
        asked = sorted({one.location for one in questions})
        groups = await self._stock.groups(tx, tenant, asked)
        keys = sorted({key for one in questions for key in _kin(one, groups)})
        zones = await self._places.time_zones(tx, [(tenant, at) for at in asked])
        said = await store.rules_for(tx, tenant, (at for key in keys for at in rules.places(*key)))
        read = _Read(now, groups, {at: zones.get((tenant, at), "UTC") for at in asked}, said)
        read.supplies = await store.supplies(tx, tenant, keys)
        after, before = read.days(keys)
        dated = await store.dated(tx, tenant, keys, after=after, before=before)
        read.tell_apart(dated)
        refs = {line.demand_ref for line in dated} | read.pegged()
        refs |= {ref for one in questions for ref in one.own}
        if refs:
            read.hold(await self._stock.held(tx, tenant, sorted(refs)))
        read.standing = await self._stock.standing(tx, tenant, keys)
        return read


class _Read:
    """All that a set of answers is made of; made, filled and used inside one call."""

    def __init__(
        self,
        now: datetime,
        groups: Mapping[str, str],
        zones: Mapping[str, str],
        said: Mapping[Key, AtpRule],
    ) -> None:
        self._now = now
        self._groups = groups
        self._locals = {at: local_time(now, zone) for at, zone in zones.items()}
        self._said = said
        self._terms: dict[tuple[Key, ...], AtpTerms] = {}
        self._horizons: dict[tuple[int, str], Horizon] = {}
        self._ship_dates: dict[tuple[str, Key], date] = {}
        self._claims: dict[Key, dict[str, Claim]] = {}
        self._nodes: dict[str, tuple[str | None, list[str]]] = {}
        self.supplies: Mapping[Key, Sequence[Inbound]] = {}
        self.standing: Mapping[Key, tuple[int, int, int, int, int, bool]] = {}

    def terms(self, key: Key) -> AtpTerms:
        """Give what holds for a key; keys under the same rules share it."""
        rules_of = tuple(at for at in rules.places(*key) if at in self._said)
        if rules_of not in self._terms:
            self._terms[rules_of] = rules.terms_of(self._said[at] for at in rules_of)
        return self._terms[rules_of]

    def days(self, keys: Iterable[Key]) -> tuple[date, date | None]:
        """Say behind which day lines are dated, and before which they may be too late to count.

        What ships today or was to ship is due now, so it need not be told apart.
        """
        today = [local.date() for local in self._locals.values()]
        least = min(self.terms(key).past_due_demand_days for key in keys)
        before = None if least >= DAYS_MAX else max(today) - timedelta(days=least)
        return min(today), before

    def tell_apart(self, lines: Iterable[DatedLine]) -> None:
        """Note the ship date of each line; of orders that share one, the last to speak."""
        for line in lines:
            self._ship_dates[line.demand_ref, (line.item, line.location)] = line.ship_date

    def pegged(self) -> set[str]:
        """Name the order lines that supplies are pegged to."""
        return {ref for found in self.supplies.values() for one in found for ref, _ in one.pegs}

    def hold(self, held: Iterable[tuple[str, str, str, int, int]]) -> None:
        """Note what order lines hold; a claim and a hold of one line at one place are one."""
        for ref, item, location, hard, soft in held:
            if hard or soft:
                key = (item, location)
                claims = self._claims.setdefault(key, {})
                known = claims.get(ref, Claim(ref, 0, 0, self._ship_dates.get((ref, key))))
                claims[ref] = Claim(ref, known.hard + hard, known.soft + soft, known.on)

    def answers(self, questions: Sequence[Question]) -> list[Atp]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Atp:
        item, location = question.item, question.location
        if location not in self._nodes:
            self._nodes[location] = nodes_of(location, self._groups)
        group, members = self._nodes[location]
        is_group = group == location
        kin = Kin(
            self._node((item, location)),
            self._node((item, group)) if group is not None and not is_group else None,
            [self._node((item, member)) for member in members],
            is_group,
        )
        local = self._locals[location]
        known = (id(kin.own.terms), location)
        if known not in self._horizons:
            self._horizons[known] = horizon(kin.own.terms, local)
        return answered(question, kin, self._horizons[known], self._now)

    def _node(self, key: Key) -> Node:
        return Node(
            self.terms(key),
            Standing(*self.standing[key]) if key in self.standing else Standing(),
            tuple(self._claims[key].values()) if key in self._claims else (),
            self.supplies.get(key, ()),
        )


def _kin(question: Question, groups: Mapping[str, str]) -> list[Key]:
    group, members = nodes_of(question.location, groups)
    places = {question.location, *members, *([] if group is None else [group])}
    return [(question.item, place) for place in places]
