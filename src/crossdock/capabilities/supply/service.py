"""What others may ask of supply: what can be promised by when, and the rules it goes by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from crossdock.canonical.errors import Invalid, NotFound
from crossdock.capabilities.supply import (
    explosion,
    goods_store,
    rule_checks,
    rule_store,
    rules,
    store,
    substitution,
    substitution_store,
    told,
)
from crossdock.capabilities.supply.answer import Atp, Offer, Question
from crossdock.capabilities.supply.calendar import local_time
from crossdock.capabilities.supply.channel_lives import ChannelLives, KnowsLying
from crossdock.capabilities.supply.customers import Customers, KnowsNames
from crossdock.capabilities.supply.derivation import Seen
from crossdock.capabilities.supply.fill_store import Fills
from crossdock.capabilities.supply.kept import Held
from crossdock.capabilities.supply.kits import Kits
from crossdock.capabilities.supply.known import KnownSupply
from crossdock.capabilities.supply.offering import asking, lacking, offer, proposed
from crossdock.capabilities.supply.place_calendars import PlaceCalendars
from crossdock.capabilities.supply.reading import Read
from crossdock.capabilities.supply.rule_store import Word
from crossdock.capabilities.supply.ruled import KnowsPlaces, learn
from crossdock.capabilities.supply.rules import PlacedRule
from crossdock.capabilities.supply.ruling import HearsShown, Ruling
from crossdock.capabilities.supply.store import Key
from crossdock.capabilities.supply.substitution import (
    Option,
    SubstitutionRule,
    SubstitutionVersion,
)
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

QUESTIONS_MAX = 10_000

TURN = 128
"""So many are answered at a time; then whoever else waits in this process has a turn."""

ZONE_SECONDS = 60.0
"""A location's time zone is remembered so long: it is asked of every answer, and never changes."""


class KnowsStock(KnowsLying, Protocol):
    """Whoever keeps what lies where; inventory, usually. All in the caller's transaction."""

    async def docked(
        self, tx: Transaction, tenant: str, since: Mapping[Key, datetime]
    ) -> Mapping[Key, int]:
        """Say what lies at the dock of what came there since a moment; without any: left out."""
        ...

    async def held(
        self, tx: Transaction, tenant: str, demand_refs: Sequence[str]
    ) -> Sequence[Held]:
        """Give what order lines hold, picks taken off, and what has left of them."""
        ...

    async def in_parts(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> Mapping[tuple[str, str, str], int]:
        """Say of how many kits reservations hold the parts: item, location, order line."""
        ...


class Supply:
    """Answers by date. Amounts are micros of the item's base unit.

    `known` lists what the answers are made from, as it stands; `kits` says what kits are put
    together from, for whoever shows what there is now.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        stock: KnowsStock,
        places: KnowsPlaces,
        shows: Callable[[], HearsShown] | None = None,
        *,
        names: KnowsNames | None = None,
    ) -> None:
        """Build it; `shows` gives whoever shows how many kits there are, once that is built."""
        self._database = database
        self._clock = clock
        self._stock = stock
        self._places = places
        self._customers = Customers(names)
        self.known = KnownSupply(database)
        self.fills = Fills(database, clock)
        self.calendars = PlaceCalendars(database, clock)
        self.kits = Kits(clock, stock)
        self._ruling = Ruling(self.kits, shows)
        self.lives = ChannelLives(clock, stock, places, self._customers)
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
            questions = await self._customers.asking(tx, scope.tenant, questions)
            for begin in range(0, len(questions), TURN):
                some = questions[begin : begin + TURN]
                read = await self._read(tx, scope.tenant, some, now)
                answers += await self._offered(tx, some, read.answers(some), now)
        return answers

    async def answer_in(
        self, tx: Transaction, question: Question, now: datetime
    ) -> tuple[Atp, Sequence[PlacedRule], Seen]:
        """Answer one question in the caller's transaction: with rules and all that was seen."""
        [question] = await self._customers.asking(tx, tx.tenant, [question])
        return (await self._read(tx, tx.tenant, [question], now)).proven(question)

    async def answers_in(
        self, tx: Transaction, questions: Sequence[Question], now: datetime
    ) -> list[Atp]:
        """Answer questions in the caller's transaction, without alternatives."""
        answers: list[Atp] = []
        questions = await self._customers.asking(tx, tx.tenant, questions)
        for begin in range(0, len(questions), TURN):
            some = questions[begin : begin + TURN]
            read = await self._read(tx, tx.tenant, some, now)
            answers += read.answers(some)
        return answers

    async def put_substitution(
        self, scope: Scope, rule: SubstitutionRule, *, by: str
    ) -> SubstitutionVersion:
        """Put the next version of what may stand in for an item; a circle is `Invalid` (§1.2).

        The same said twice in a row is said once.
        """
        substitution.check(rule)
        at = self._clock.now()
        async with self._database.transaction(scope) as tx:
            await substitution_store.alone(tx)
            before = await substitution_store.newest(tx, rule.item)
            if before is not None and before.rule == rule:
                return before
            await self._refuse_circle(tx, rule)
            version = await substitution_store.put(tx, rule, at, by)
            made = SubstitutionVersion(version=version, put_at=at, put_by=by, rule=rule)
            await event_log.append(tx, [told.substitution(tx.tenant, made)])
        return made

    async def substitutions(
        self, scope: Scope, *, item: str = "", after: tuple[str, int] = ("", 0), limit: int = 100
    ) -> list[SubstitutionVersion]:
        """List every version that was ever put, by item."""
        async with self._database.transaction(scope) as tx:
            return list(await substitution_store.listed(tx, item, after, limit))

    async def substitutes(
        self, scope: Scope, items: Sequence[str], *, customer: str, channel: str
    ) -> dict[str, list[Option]]:
        """Give what may stand in today for each of these items, for somebody, the first first."""
        async with self._database.transaction(scope) as tx:
            return await self.substitutes_in(tx, items, customer=customer, channel=channel)

    async def substitutes_in(
        self, tx: Transaction, items: Sequence[str], *, customer: str = "", channel: str = ""
    ) -> dict[str, list[Option]]:
        """Give what may stand in, in the caller's transaction; "" is for anybody."""
        today = self._clock.now().date()
        customer = await self._customers.named(tx, tx.tenant, customer)
        ruled = await self._substitutions(tx, items)
        return {
            item: substitution.options(item, ruled.values(), today, customer, channel)
            for item in items
        }

    async def _refuse_circle(self, tx: Transaction, rule: SubstitutionRule) -> None:
        successors = {rule.item: rule.successor}
        at = rule.successor
        while at is not None and at not in successors:
            found = await substitution_store.read(tx, tx.tenant, [at])
            after = [one.rule.successor for one in found if one.rule.item == at]
            successors[at] = after[0] if after else None
            at = successors[at]
        if way := substitution.circle(rule.item, successors):
            raise Invalid(
                f"items would supersede each other in a circle: {' > '.join(way)}",
                where="/alternatives",
                hint="take one of these rules back first: put it without alternatives",
            )

    async def _offered(
        self,
        tx: Transaction,
        questions: Sequence[Question],
        answers: list[Atp],
        now: datetime,
    ) -> list[Atp]:
        """Offer alternatives, with their own answers, where an item does not reach its day."""
        short = [
            number
            for number, answer in enumerate(answers)
            if lacking(answer) and not answer.is_advice
        ]
        if not short:
            return answers
        ruled = await self._substitutions(tx, {answers[number].item for number in short})
        if not ruled:
            return answers
        wanted: list[tuple[int, Option]] = []
        for number in short:
            asked, today = questions[number], answers[number].today
            who = (asked.customer, asked.channel)
            found = substitution.options(asked.item, ruled.values(), today, *who)
            wanted += [(number, option) for option in found]
        asks = [asking(questions[number], answers[number], one) for number, one in wanted]
        offers: dict[int, list[Offer]] = {}
        for begin in range(0, len(asks), TURN):
            some = asks[begin : begin + TURN]
            read = await self._read(tx, tx.tenant, some, now)
            pairs = zip(wanted[begin : begin + TURN], read.answers(some), strict=True)
            for (number, option), answer in pairs:
                offers.setdefault(number, []).append(offer(answers[number], option, answer))
        for number, found_offers in offers.items():
            answer = answers[number]
            version = ruled.get(answer.item)
            rule = None if version is None else version.rule
            shares = proposed(answer, found_offers, rule)
            answers[number] = replace(answer, offers=tuple(found_offers), proposal=shares)
        return answers

    async def _substitutions(
        self, tx: Transaction, items: Iterable[str]
    ) -> dict[str, SubstitutionVersion]:
        """Read the rules of items, and of what supersedes them, as far as it goes."""
        found: dict[str, SubstitutionVersion] = {}
        wanted = set(items)
        for _ in range(substitution.CHAIN_MAX):
            said = await substitution_store.read(tx, tx.tenant, wanted)
            versions = await self._customers.standing_in(tx, said)
            found |= {version.rule.item: version for version in versions}
            after = {version.rule.successor for version in versions} - found.keys()
            wanted = {item for item in after if item is not None}
            if not wanted:
                break
        return found

    async def put_rule(self, scope: Scope, placed: PlacedRule, *, by: str) -> PlacedRule:
        """Say a rule; it replaces what was said for the same.

        The log is told of each version; the same said twice in a row is said once.
        """
        rule_checks.check_placed(placed)
        word = Word(by, self._clock.now())
        async with self._database.transaction(scope) as tx, self._ruling(tx, placed):
            version = await rule_store.put_rule(tx, placed, word)
            if version is not None:
                await event_log.append(tx, [told.rule(tx.tenant, placed, version, word)])
        return placed

    async def drop_rule(
        self, scope: Scope, item: str, location: str, *, by: str, item_class: str = ""
    ) -> None:
        """Take a rule back: the next wider one holds again."""
        word = Word(by, self._clock.now())
        nothing = PlacedRule(item=item, item_class=item_class, location=location)
        async with self._database.transaction(scope) as tx, self._ruling(tx, nothing):
            version = await rule_store.drop_rule(tx, nothing.key, word)
            if version is None:
                whom = f"class {item_class!r}" if item_class else repr(item)
                raise NotFound(f"there is no rule for {whom} at {location!r}")
            gone = told.rule(tx.tenant, nothing, version, word, is_cleared=True)
            await event_log.append(tx, [gone])

    async def rules(
        self, scope: Scope, *, after: Key = ("", ""), after_class: str = "", limit: int = 100
    ) -> list[PlacedRule]:
        """List what was said, by item, location and class."""
        async with self._database.transaction(scope) as tx:
            return await rule_store.rules(tx, (*after, after_class), limit)

    async def _read(
        self, tx: Transaction, tenant: str, questions: Sequence[Question], now: datetime
    ) -> Read:
        """Read all that the answers are made of, set by set; components of kits behind them."""
        asked = sorted({one.location for one in questions})
        zones = await self._zones_of(tx, tenant, asked)
        read = Read(now, {at: local_time(now, zone) for at, zone in zones.items()})
        wanted = {(one.item, one.location) for one in questions}
        keys = await self._gather(tx, tenant, read, wanted)
        for _ in range(explosion.LEVELS_MAX):
            if not (wanted := read.parts(wanted)):
                break
            keys += await self._gather(tx, tenant, read, wanted)
        above = keys
        for _ in range(explosion.LEVELS_MAX):
            if not (kits := read.kits_of(above)):
                break
            above = await self._gather(tx, tenant, read, kits)
            keys = [*keys, *above]
        if members := read.members():
            zones = await self._zones_of(tx, tenant, sorted(members))
            read.hear_clocks({at: local_time(now, zone) for at, zone in zones.items()})
        if lotted := read.lotted(keys, questions):
            held = await self._stock.lots(tx, tenant, lotted)
            expiring = {(item, lot) for item, _, _, lot, _ in held if lot}
            expiries = await goods_store.expiries(tx, tenant, expiring)
            read.shelve(lotted, held, expiries)
        await self._hear_orders(tx, tenant, read, keys)
        told = [key for key in keys if key[0] in read.found.kits]
        in_parts = await self._stock.in_parts(tx, tenant, told) if told else {}
        refs = read.refs(questions) | {ref for *_, ref in in_parts}
        read.hold(await self._stock.held(tx, tenant, sorted(refs)) if refs else (), in_parts)
        return read

    async def _hear_orders(
        self, tx: Transaction, tenant: str, read: Read, keys: Sequence[Key]
    ) -> None:
        """Read what orders claim there, by who ordered, where that says how long goods keep."""
        cared, customers = read.cared_for(keys)
        if cared:
            parties = await self._customers.names_of(tx, tenant, customers)
            read.hear_orders(await self._stock.claimed_by(tx, tenant, cared, parties), parties)

    async def _gather(
        self, tx: Transaction, tenant: str, read: Read, wanted: Iterable[Key]
    ) -> list[Key]:
        """Read what is known of these keys and of their groups; give all that were read."""
        keys = sorted(set(wanted))
        read.standing |= await self._stock.standing(tx, tenant, keys)
        grouped = sorted({key[1] for key in keys if read.standing[key][5]})
        if grouped and (groups := await self._stock.groups(tx, tenant, grouped)):
            read.group(groups)
            keys = sorted({one for key in keys for one in read.kin(key)})
            more = [key for key in keys if key not in read.standing]
            read.standing |= await self._stock.standing(tx, tenant, more)
        rules_of = ((item, at) for key in keys for item, _, at in rules.places(*key))
        found = await store.read(tx, tenant, keys, rules_of, read.yesterday)
        ruled = await self._customers.ruled(tx, tenant, found.rules)
        read.found.add(found._replace(rules=ruled))
        await learn(tx, tenant, read, keys, self._places)
        if (before := read.long_due_before(keys)) is not None:
            read.found.ship_dates.update(await store.long_due(tx, tenant, keys, before))
        if since := read.docked_since(keys):
            read.docked |= await self._stock.docked(tx, tenant, since)
        return keys

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
