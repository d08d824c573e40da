"""What a set of answers is made of, read set by set, and the answers out of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType

from crossdock.capabilities.supply import explosion, kept
from crossdock.capabilities.supply.answer import (
    Atp,
    Claim,
    Component,
    Heard,
    Kin,
    Lot,
    Node,
    Question,
    Standing,
    Through,
)
from crossdock.capabilities.supply.derivation import Seen, answer_of, kept_of
from crossdock.capabilities.supply.horizon import Horizon, horizon
from crossdock.capabilities.supply.inbound import Supply, with_dock
from crossdock.capabilities.supply.kept import Held
from crossdock.capabilities.supply.promise import nodes_of
from crossdock.capabilities.supply.ruled import Ruled
from crossdock.capabilities.supply.rules import DAYS_MAX, LifeTerms, PlacedRule
from crossdock.capabilities.supply.store import Key

NOTHING: Mapping[tuple[str, str, str], int] = MappingProxyType({})


class Read(Ruled):
    """All that a set of answers is made of; made, filled and used inside one call."""

    def __init__(self, now: datetime, local: Mapping[str, datetime]) -> None:
        """Begin at a moment; `local` is the same by the clock of each location asked about."""
        super().__init__(now)
        self._locals = dict(local)
        self._groups: dict[str, str] = {}
        self._horizons: dict[tuple[int, str], Horizon] = {}
        self._claims: dict[Key, dict[str, Claim]] = {}
        self._promised: dict[Key, list[Claim]] = {}
        self._told: Mapping[str, kept.Told] = {}
        self._more: dict[Key, int] = {}
        self._nodes: dict[str, tuple[str | None, list[str]]] = {}
        self._lots: dict[Key, list[Lot]] = {}
        self._first_days: dict[tuple[int, str], date] = {}
        self._ruled: dict[tuple[str, Key], LifeTerms] = {}
        self._by_life: dict[Key, dict[LifeTerms, int]] = {}
        self._lives: dict[tuple[Key, str, str], LifeTerms | None] = {}
        self._parties: Mapping[str, str] = {}
        self._throughs: dict[tuple[Key, str], list[Through]] = {}
        self.docked: dict[Key, int] = {}

    def group(self, groups: Mapping[str, str]) -> None:
        """Note who belongs to which group."""
        self._groups |= groups
        self._nodes = {}

    def members(self) -> set[str]:
        """Name the members of groups that were read, whose clocks may tell another time."""
        return self._groups.keys() - self._locals.keys()

    def hear_clocks(self, local: Mapping[str, datetime]) -> None:
        """Note the time by more clocks."""
        self._locals |= local

    def kin(self, key: Key) -> list[Key]:
        """Name an item where it was asked for, at the group of that place, and at its members."""
        item, location = key
        group, members = self._of(location)
        places = {location, *members, *([] if group is None else [group])}
        return [(item, place) for place in places]

    def is_group(self, location: str) -> bool:
        """Say whether a location is a group of others."""
        return location in self._groups.values()

    def parts(self, keys: Iterable[Key]) -> set[Key]:
        """Name the components of these kits, at the same places, which are not known yet."""
        kits = self.found.kits
        wanted = {(part.item, at) for item, at in keys for part in kits.get(item, ())}
        return wanted - self.standing.keys()

    @property
    def yesterday(self) -> date:
        """Give the day before the earliest today: what ships later may be due later."""
        return min(local.date() for local in self._locals.values()) - timedelta(days=1)

    def kits_of(self, keys: Iterable[Key]) -> set[Key]:
        """Name the kits that these items go into, at the same places, if not known yet."""
        used = self.found.used
        wanted = {(kit, key[1]) for key in keys for kit in used.get(key[0], ())}
        return wanted - self.standing.keys()

    def docked_since(self, keys: Iterable[Key]) -> dict[Key, datetime]:
        """Say since when what lies at the dock must have come, where any does and counts.

        Longer ago it is on the shelf by now, and nobody has told.
        """
        found: dict[Key, datetime] = {}
        for key in keys:
            terms = self.terms(key)
            if terms.counts_dock and self._standing(key).docked > 0:
                local = self._locals.get(key[1], self.now)
                today = local.replace(hour=0, minute=0, second=0, microsecond=0)
                found[key] = today - timedelta(days=terms.past_due_supply_days)
        return found

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
        promised = {line.demand_ref for each in self.found.promised.values() for line in each}
        own = {ref for one in questions for ref in self._own(one)}
        return dated | pegged | promised | own

    def cared_for(self, keys: Iterable[Key]) -> tuple[list[Key], set[str]]:
        """Name where goods have to keep for some customers or channels as for no others.

        And those customers; whoever is not among them is served as his channel is, or all are.
        """
        cared: list[Key] = []
        customers: set[str] = set()
        for key in keys:
            lives = self.terms(key).lives
            if any(one.customer or one.channel for one in lives):
                cared.append(key)
                customers |= {one.customer for one in lives}
        return cared, customers - {""}

    def hear_orders(
        self, claimed: Iterable[tuple[str, str, str, str, int]], parties: Mapping[str, str]
    ) -> None:
        """Note how much of what orders claim has to keep as no others do, by who ordered (I8).

        Item, location, customer, channel, micros; without a customer it is all of a channel, those
        that are named included. `parties` says whose the names of customers are.
        """
        self._parties = parties
        for item, location, customer, channel, micros in claimed:
            key = (item, location)
            self._claim(key, self._life_for(key, customer, channel), micros)
            if customer:
                self._claim(key, self._life_for(key, "", channel), -micros)

    def _claim(self, key: Key, life: LifeTerms | None, micros: int) -> None:
        if life is not None:
            sums = self._by_life.setdefault(key, {})
            sums[life] = sums.get(life, 0) + micros

    def _life_for(self, key: Key, customer: str, channel: str) -> LifeTerms | None:
        """Say how long goods have to keep for who ordered; None is as for all."""
        whose = key, self._parties.get(customer, customer), channel
        if whose not in self._lives:
            terms = self.terms(key)
            life = terms.life(*whose[1:])
            if life is not None and life != terms.life():
                life = LifeTerms(days=life.days, transit_days=life.transit_days)
            else:
                life = None
            self._lives[whose] = life
        return self._lives[whose]

    def hold(
        self, held: Iterable[Held], in_parts: Mapping[tuple[str, str, str], int] = NOTHING
    ) -> None:
        """Note what order lines hold; a claim and a hold of one line at one place are one.

        Of so many kits that orders claim the parts are held: `in_parts` by item, location, line.
        """
        ship_dates = self.found.ship_dates
        rows = list(held)
        for ref, item, location, claimed, soft, is_order, _, _, customer, channel in rows:
            key = (item, location)
            if is_order and (life := self._life_for(key, customer, channel)) is not None:
                self._ruled[ref, key] = life
                self._claim(key, life, -claimed)
            as_parts = min(claimed, in_parts.get((*key, ref), 0)) if is_order else 0
            if as_parts:
                self._more[key] = self._more.get(key, 0) - as_parts
            if (hard := claimed - as_parts) or soft:
                claims = self._claims.setdefault(key, {})
                known = claims.get(ref) or self._nothing_of(ref, key, ship_dates.get((ref, key)))
                claims[ref] = known._replace(hard=known.hard + hard, soft=known.soft + soft)
        self._claim_by_life()
        self._told = kept.told_of(rows)
        for key, lines in self.found.promised.items():
            self._promise(key, lines)

    def _claim_by_life(self) -> None:
        """Claim together what nothing but the life of its goods tells from others."""
        for key, sums in self._by_life.items():
            for life, micros in sums.items():
                if micros > 0:
                    name = f"{life.days} days after {life.transit_days}"
                    claim = Claim(name, micros, 0, None, 0, life.days, life.transit_days)
                    self._claims.setdefault(key, {})[name] = claim

    def _nothing_of(self, ref: str, key: Key, on: date | None) -> Claim:
        claim, ruled = Claim(ref, 0, 0, on), self._ruled.get((ref, key))
        if ruled is None:
            return claim
        return claim._replace(life_days=ruled.days, transit_days=ruled.transit_days)

    def told(self, ref: str) -> kept.Told:
        """Give what is known of an order line."""
        return self._told.get(ref, kept.Told())

    def _promise(self, key: Key, lines: Iterable[kept.DatedLine]) -> None:
        """Put what a promise by date and its order line claim together in place of the line's."""
        known = dict(self._claims.get(key, {}))
        found: list[Claim] = []
        for ref, own in kept.by_ref(lines).items():
            held = known.pop(ref, self._nothing_of(ref, key, None))
            claims = kept.claims(own, held, self.told(ref))
            self._more[key] = self._more.get(key, 0) + sum(one.hard for one in claims) - held.hard
            found += kept.marked(claims, own, self.told(ref))
        self._promised[key] = [*known.values(), *found]

    def lotted(self, keys: Iterable[Key], questions: Sequence[Question]) -> list[Key]:
        """Name where lots or owners have to be told apart: where an answer depends on them."""
        careful = {one.item for one in questions if one.life_days is not None}
        careful |= self.found.lotted
        said = self.found.rules.values()
        if not careful and not any(rule.lives or rule.owners for rule in said):
            return []
        within = self._careful_within(questions)
        found: list[Key] = []
        for key in keys:
            terms = self.terms(key)
            if key[0] in careful or key in within or terms.lives or terms.owners:
                found.append(key)
        return found

    def _careful_within(self, questions: Iterable[Question]) -> set[Key]:
        """Name where goods need the life that a rule says where they are asked for, or above."""
        found: set[Key] = set()
        for one in questions:
            key = (one.item, one.location)
            if self.terms(key).life(one.customer, one.channel) is not None:
                found.update(self.kin(key))
        return found

    def shelve(
        self,
        keys: Iterable[Key],
        held: Iterable[tuple[str, str, str, str, int]],
        expiries: Mapping[Key, date],
    ) -> None:
        """Note what lies at these keys, lot by lot: item, location, owner, lot, micros."""
        self._lots.update({key: [] for key in keys})
        for item, location, owner, lot, micros in held:
            said = Lot(lot, owner, micros, expiries.get((item, lot)))
            self._lots[item, location].append(said)

    def answers(self, questions: Sequence[Question]) -> list[Atp]:
        return [self._answer(self._for_its_own(question)) for question in questions]

    def _own(self, question: Question) -> frozenset[str]:
        """Name the lines it is for, and what these claim of the parts of a kit (A25)."""
        if not question.own or question.item not in self.found.kits:
            return question.own
        parts = [one.item for one in explosion.exploded(question.item, self.found.kits)]
        return question.own.union(
            kept.part_ref(ref, item) for ref in question.own for item in parts
        )

    def _for_its_own(self, question: Question) -> Question:
        """Ask for goods that keep as the customers of the lines need which it is for.

        Who names somebody has said it; lines of which one needs no such goods are told apart by
        nobody.
        """
        own, question = question.own, question._replace(own=self._own(question))
        if question.customer or question.channel or not own:
            return question
        key = (question.item, question.location)
        lives = [self._ruled.get((ref, key)) for ref in own]
        ruled = [life for life in lives if life is not None]
        if len(ruled) < len(lives):
            return question
        days, transit = max(one.days for one in ruled), max(one.transit_days for one in ruled)
        return question._replace(ruled=LifeTerms(days=days, transit_days=transit))

    def proven(self, question: Question) -> tuple[Atp, Sequence[PlacedRule], Seen]:
        """Answer a question, and give the rules that were said and what it was derived from."""
        seen = self._seen(self._for_its_own(question))
        return self._answer_of(seen), self.said(), kept_of(seen)

    def _answer(self, question: Question) -> Atp:
        return self._answer_of(self._seen(question))

    def _seen(self, question: Question) -> Seen:
        item, location = question.item, question.location
        components = [
            Component(*one[:3], self._kin(one.item, location, item), one.level, one.into)
            for one in explosion.exploded(item, self.found.kits)
        ]
        kin = self._kin(item, location)._replace(components=components)
        return Seen(question, kin, self._locals[location], self.found.weights.get(item))

    def _answer_of(self, seen: Seen) -> Atp:
        terms = seen.kin.own.terms
        known = (id(terms), seen.question.location)
        if known not in self._horizons:
            self._horizons[known] = horizon(terms, seen.local)
        return answer_of(seen, self._horizons[known], self.now)

    def _kin(self, item: str, location: str, of_kit: str = "") -> Kin:
        group, members = self._of(location)
        is_group = group == location
        return Kin(
            self._node((item, location), of_kit),
            self._node((item, group), of_kit) if group is not None and not is_group else None,
            [self._node((item, member), of_kit, is_member=is_group) for member in members],
            is_group,
        )

    def _of(self, location: str) -> tuple[str | None, list[str]]:
        if location not in self._nodes:
            self._nodes[location] = nodes_of(location, self._groups)
        return self._nodes[location]

    def _node(self, key: Key, of_kit: str = "", *, is_member: bool = False) -> Node:
        figures, terms, standing = self.standing.get(key), self.terms(key), self._standing(key)
        supplies: Sequence[Supply] = self.found.supplies.get(key, ())
        if lately := min(standing.docked, self.docked.get(key, 0)):
            today = self._locals.get(key[1], self.now).date()
            supplies = with_dock(supplies, lately, key[1], today)
        return Node(
            terms,
            standing,
            self._claims_at(key),
            supplies,
            key[1],
            self._lots.get(key),
            key[0] not in self.found.lotted,
            self._opens(key) if is_member else None,
            () if figures is None else [Heard(*source) for source in figures[6]],
            self._through(key, of_kit) if key[0] in self.found.used else (),
        )

    def _standing(self, key: Key) -> Standing:
        figures = self.standing.get(key)
        found = Standing() if figures is None else Standing(*figures[:5], *figures[7:])
        more = self._more.get(key)
        return found._replace(hard=found.hard + more) if more else found

    def _claims_at(self, key: Key) -> Sequence[Claim]:
        if key in self._promised:
            return tuple(self._promised[key])
        return tuple(self._claims[key].values()) if key in self._claims else ()

    def _through(self, key: Key, of_kit: str) -> list[Through]:
        """Give the kits whose orders take an item, but the one whose component it is here.

        And above each the kits that it goes into itself; where they go in a circle, once.
        """
        known = self._throughs.get((key, of_kit))
        if known is not None:
            return known
        found: list[Through] = []
        self._throughs[key, of_kit] = found
        for kit in sorted(self.found.used.get(key[0], set()) - {of_kit}):
            at = (kit, key[1])
            per = next(
                (one.micros for one in self.found.kits.get(kit, ()) if one.item == key[0]), 0
            )
            above, terms = self._through(at, of_kit) if per else [], self.terms(at)
            if per and (terms.takes_parts or above):
                standing, claims = self._standing(at), self._claims_at(at)
                lots, takes_parts = self._lots.get(at), terms.takes_parts
                found.append(
                    Through(per, standing, claims, lots, terms, tuple(above), takes_parts)
                )
        return found

    def _opens(self, key: Key) -> date:
        """Give the first day that a member of a group can ship on, by its own clock."""
        terms, local = self.terms(key), self._locals[key[1]]
        known = (id(terms), key[1])
        if known not in self._first_days:
            self._first_days[known] = terms.calendar.first_ship_day(local)
        return self._first_days[known]
