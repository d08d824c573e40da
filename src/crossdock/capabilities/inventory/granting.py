"""Who gets what of stock that is asked for: exact first-fit, in the order asked (§3.4, §3.6).

Pure functions on frozen values; amounts are micros.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import kits, protection
from crossdock.capabilities.inventory.drawing import Drawn, Draws, Pool
from crossdock.capabilities.inventory.kits import Part, Recipe
from crossdock.capabilities.inventory.model import Figures
from crossdock.capabilities.inventory.protection import Claim, More

Guards = Mapping[str, Claim]
"""Maxima and minima of channels at one item-location, and what each has had in its period."""

UNGUARDED: Guards = MappingProxyType({})


UNLIMITED = (10**12 - 1) * MICROS
"""More than anybody can ask for: what there is of an item that no stock limits."""

NO_RECIPES: Mapping[int, Recipe] = MappingProxyType({})
NOTHING_DRAWN = Drawn()


@dataclass(frozen=True, slots=True)
class Counter:
    """One item-location that promises are made from, as the locked rows show it.

    `group` is the group's counter that its holds must stay covered by; `members` are a group's
    nodes. A node belongs to at most one group. `guards` are of this very place: those of a group
    say nothing of its members.
    """

    figures: Figures
    group: int | None = None
    members: tuple[int, ...] = ()
    guards: Guards = field(default_factory=lambda: UNGUARDED)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request's lines against counters, for a channel.

    `own` is demand of the same order line that `hard` counts already: checking an order against
    itself would find it short (A25). `channels` is whose each line is, where its order says so;
    `had` is what is counted of `own` for that channel: promised to the line, or confirmed.
    `recipes` are of those lines that are kits, by their number; `unlimited` are the numbers of
    those that no stock limits. `refs` are the order lines, and `pools` what their orders claim in
    all where each line is asked for.
    """

    lines: tuple[tuple[int, int], ...]
    allow_partial: bool = False
    own: tuple[int | None, ...] = ()
    channel: str = ""
    channels: tuple[str, ...] = ()
    had: tuple[int, ...] = ()
    recipes: Mapping[int, Recipe] = field(default_factory=lambda: NO_RECIPES)
    unlimited: frozenset[int] = frozenset()
    refs: tuple[str, ...] = ()
    pools: tuple[Pool | None, ...] = ()

    def ref_of(self, number: int) -> str:
        """Name the order line that a line is for."""
        return self.refs[number] if self.refs else ""

    def pool_of(self, number: int) -> Pool | None:
        """Give what the line's order claims in all where it is asked for."""
        return self.pools[number] if self.pools else None

    def had_of(self, number: int) -> int:
        """Say what its channel has had of a line's own order already."""
        return self.had[number] if self.had else 0

    def channel_of(self, number: int) -> str:
        """Say whose a line is."""
        return self.channels[number] if self.channels else self.channel


class Limit(StrEnum):
    """What kept a channel from goods that are there ("": nothing but stock)."""

    NONE = ""
    MAXIMUM = "MAXIMUM"
    MINIMUM = "MINIMUM"


class Given(NamedTuple):
    """What a line gets, and what cut it beside stock.

    Of a kit `micros` are those that lie assembled; `made` more take `parts` of each item. `own` is
    what there was for it of its order's claim; None: its order claims nothing there.
    """

    micros: int
    limit: Limit = Limit.NONE
    made: int = 0
    parts: tuple[tuple[Part, int], ...] = ()
    own: int | None = None


@dataclass(frozen=True, slots=True)
class Free:
    """What there is for one line at its turn, of which the channel may have `micros`.

    `kept` is what is kept of it for other channels, `allowance` what the channel's own maximum
    leaves it (None: no limit).
    """

    pool: int
    kept: int
    allowance: int | None
    micros: int

    def limit(self, asked: int) -> Limit:
        """Say what cut a line that asked for so much: its maximum, or the minima of others."""
        if asked <= self.micros or self.micros == max(0, self.pool):
            return Limit.NONE
        is_maximum = self.allowance is not None and self.micros == max(0, self.allowance)
        return Limit.MAXIMUM if is_maximum else Limit.MINIMUM


@dataclass(slots=True)
class _Room:
    """What is left while one batch is decided; made, used and dropped inside `grants`."""

    counters: Mapping[int, Counter]
    taken: dict[int, int] = field(default_factory=dict[int, int])
    by_channel: dict[tuple[int, str], More] = field(default_factory=dict[tuple[int, str], More])
    draws: Draws = field(default_factory=lambda: Draws(NOTHING_DRAWN))

    def own(self, ask: Ask, number: int) -> int | None:
        """Say what there is for a line of its order's claim, beside what else draws of that."""
        own = ask.own[number] if ask.own else None
        pool = ask.pool_of(number)
        if own is None or pool is None:
            return own
        return min(own, self.draws.left(pool, ask.ref_of(number)))

    def draw(self, ask: Ask, number: int, micros: int, made: int = 0) -> None:
        """Note what a line draws of its order's claim."""
        if pool := ask.pool_of(number):
            self.draws.draw(pool, micros, ask.ref_of(number))
            self.draws.make(ask.ref_of(number), made)

    def free(self, counter_id: int, channel: str) -> Free:
        counter = self.counters[counter_id]
        if counter.members:
            pool = max(0, self._coverage(counter_id) - counter.figures.safety)
        elif counter.group is None:
            pool = self._atf(counter_id)
        else:
            pool = max(0, min(self._atf(counter_id), self._coverage(counter.group)))
        return self._within(counter_id, channel, pool, 0)

    def left_for(self, counter_id: int, own: int, channel: str, had: int) -> Free:
        """Say what there is for a claim of `own`, which the counter's `hard` counts already.

        What the channel has had counts `had` of it.
        """
        counter = self.counters[counter_id]
        if counter.members:
            pool = max(0, self._coverage(counter_id) + own - counter.figures.safety)
        else:
            back = replace(counter.figures, hard=max(0, counter.figures.hard - own))
            pool = max(0, back.available - self.taken.get(counter_id, 0))
        return self._within(counter_id, channel, pool, had)

    def unlimited(self, counter_id: int, channel: str, had: int) -> Free:
        """Say what there is of what no stock limits: within a channel's own maximum."""
        return self._within(counter_id, channel, UNLIMITED, had)

    def _within(self, counter_id: int, channel: str, pool: int, had: int) -> Free:
        """avail(g) = max(0, min(PAL_g - used_g, pool - Σ_{h≠g} max(0, SUP_h - consumed_h))).

        What orders of h claim is out of the pool already, so a minimum keeps only the rest (§3.6).
        """
        guards = self.counters[counter_id].guards
        if not guards:
            return Free(pool, 0, None, pool)
        kept = sum(
            self._claim(counter_id, name, claim).protected
            for name, claim in guards.items()
            if name != channel
        )
        mine = self._claim(counter_id, channel, guards.get(channel, Claim()))
        mine = replace(mine, used=max(0, mine.used - had))
        return Free(pool, kept, mine.allowance, protection.within(pool, kept, mine.allowance))

    def _claim(self, counter_id: int, channel: str, claim: Claim) -> Claim:
        more = self.by_channel.get((counter_id, channel))
        return claim.having(more) if more else claim

    def there_is(self, counter_id: int) -> int:
        """Say what one node has, whatever its group's promises need of it."""
        return self._atf(counter_id)

    def promised(self, counter_id: int) -> int:
        """Say what is promised of one counter by now."""
        figures = self.counters[counter_id].figures
        return figures.hard + figures.soft + self.taken.get(counter_id, 0)

    def _atf(self, counter_id: int) -> int:
        return max(0, self.counters[counter_id].figures.available - self.taken.get(counter_id, 0))

    def _coverage(self, group_id: int) -> int:
        """Count the members' stock beyond what the group has promised already (may be < 0)."""
        group = self.counters[group_id]
        return sum(self._atf(member) for member in group.members) - self.promised(group_id)

    def take(self, counter_id: int, micros: int, channel: str) -> None:
        self.taken[counter_id] = self.taken.get(counter_id, 0) + micros
        self.note(counter_id, micros, channel)

    def note(self, counter_id: int, micros: int, channel: str, claimed: int = 0) -> None:
        """Count for a channel what it has now, and had not; its order claimed `claimed` of it."""
        if self.counters[counter_id].guards:
            key = (counter_id, channel)
            self.by_channel[key] = self.by_channel.get(key, More()).plus(micros, claimed)


def free_for(
    counter_id: int,
    counters: Mapping[int, Counter],
    own: int | None = None,
    channel: str = "",
    had: int = 0,
    *,
    is_unlimited: bool = False,
) -> Free:
    """Say what one counter can promise to a channel, its group's holds left covered.

    To an order line of which `own` is open and counted in `hard`, up to that (A25), beside `had`
    of it, which the channel has had. Of what no stock limits there is no end.
    """
    room = _Room(counters)
    if is_unlimited:
        found = room.unlimited(counter_id, channel, had)
        return found if own is None else replace(found, micros=min(own, found.micros))
    if own is None:
        return room.free(counter_id, channel)
    found = room.left_for(counter_id, own, channel, had)
    return replace(found, micros=min(own, found.micros))


def free_now(counter_id: int, counters: Mapping[int, Counter], own: int | None = None) -> int:
    """Say what one counter can promise to a channel of which nothing is said."""
    return free_for(counter_id, counters, own).micros


def grants(asks: Sequence[Ask], counters: Mapping[int, Counter]) -> list[tuple[int, ...]]:
    """Decide each request in turn: how much each of its lines gets."""
    return [tuple(got.micros for got in given) for given in decided(asks, counters)]


def decided(
    asks: Sequence[Ask], counters: Mapping[int, Counter], drawn: Drawn = NOTHING_DRAWN
) -> list[tuple[Given, ...]]:
    """Decide each request in turn: how much each of its lines gets, and what cut it beside stock.

    All or nothing, unless the request allows part. Lines on one counter share it, so the same
    item twice in one request is summed before it is checked. `drawn` is what promises draw of
    the claims of orders before.
    """
    room = _Room(counters, draws=Draws(drawn))
    all_given: list[tuple[Given, ...]] = []
    for ask in asks:
        before = dict(room.taken), dict(room.by_channel), room.draws.copy()
        given = tuple(_given(room, ask, number) for number in range(len(ask.lines)))
        each = zip(given, ask.lines, strict=True)
        is_whole = all(got.micros + got.made == asked for got, (_, asked) in each)
        if not is_whole and not ask.allow_partial:
            room.taken, room.by_channel, room.draws = before
            given = tuple(Given(0, got.limit, own=got.own) for got in given)
        all_given.append(given)
    return all_given


def _given(room: _Room, ask: Ask, number: int) -> Given:
    if number in ask.unlimited:
        return _given_unlimited(room, ask, number)
    if recipe := ask.recipes.get(number):
        return _given_kits(room, ask, number, recipe)
    counter_id, asked = ask.lines[number]
    own, channel = room.own(ask, number), ask.channel_of(number)
    if own is not None:
        # The order's demand is in `hard`: what it may have is what stock leaves for it, and
        # giving it that takes nothing more from anybody.
        had = ask.had_of(number)
        free = room.left_for(counter_id, own, channel, had)
        wanted = min(asked, own)
        got = min(wanted, free.micros)
        more = max(0, got - had)
        room.note(counter_id, more, channel, more)
        room.draw(ask, number, got)
        return Given(got, free.limit(wanted), own=own)
    free = room.free(counter_id, channel)
    got = min(asked, free.micros)
    room.take(counter_id, got, channel)
    return Given(got, free.limit(asked))


def _given_unlimited(room: _Room, ask: Ask, number: int) -> Given:
    """Give what no stock limits: it takes nothing from anybody, and counts for its channel."""
    (counter_id, asked), channel = ask.lines[number], ask.channel_of(number)
    own, had = ask.own[number] if ask.own else None, ask.had_of(number)
    wanted = asked if own is None else min(asked, own)
    free = room.unlimited(counter_id, channel, had)
    got = min(wanted, free.micros)
    more = max(0, got - had)
    room.note(counter_id, more, channel, 0 if own is None else more)
    return Given(got, free.limit(wanted))


def _given_kits(room: _Room, ask: Ask, number: int, recipe: Recipe) -> Given:
    """Give those that lie assembled first, and of the rest all parts, or whole kits fewer."""
    (counter_id, asked), channel = ask.lines[number], ask.channel_of(number)
    own, had = room.own(ask, number), ask.had_of(number)
    if own is None:
        free = room.free(counter_id, channel)
    else:
        free = room.left_for(counter_id, own, channel, had)
        free = replace(free, micros=min(own, free.micros))
        # A line of which promises hold kits in parts already has only the rest to be made.
        rest = max(0, (ask.own[number] or 0) - room.draws.made(ask.ref_of(number)))
        asked = min(asked, max(free.micros, rest))
    has = {part.counter: _of_part(room, part, channel) for part in recipe.parts}

    def drawn(wanted: int) -> dict[str, int] | None:
        lacking = kits.whole(max(0, wanted - free.micros))
        if lacking and recipe.buildings and lacking > _in_buildings(room, recipe):
            return None
        return recipe.drawn(lacking, lambda part: has[part.counter].micros)

    wanted = asked
    taken = drawn(wanted)
    if taken is None:
        wanted = kits.most(asked, lambda some: drawn(some) is not None)
        taken = drawn(wanted) or {}
    got = min(wanted, free.micros)
    _take(room, counter_id, got, channel, own=own, had=had)
    if own is not None:
        room.draw(ask, number, got, wanted - got)
    parts = tuple(
        (_taken_part(room, part, taken[part.item], channel), taken[part.item])
        for part in recipe.parts
        if taken.get(part.item)
    )
    limits = [free.limit(asked), *(one.limit(one.pool) for one in has.values())]
    limit = next((one for one in limits if one), Limit.NONE) if wanted < asked else Limit.NONE
    return Given(got, limit, wanted - got, parts, own)


def _of_part(room: _Room, part: Part, channel: str) -> Free:
    """Say what there is of a part: of its order's own claim, or beside it if that is more."""
    free = room.free(part.counter, channel)
    mine = _claimed_part(room, part, channel)
    return mine if mine is not None and mine.micros > free.micros else free


def _claimed_part(room: _Room, part: Part, channel: str) -> Free | None:
    """Say what there is of what the kit's order claims of a part itself, and nothing draws yet."""
    if part.own is None or part.pool is None:
        return None
    own = min(part.own, room.draws.left(part.pool))
    found = room.left_for(part.counter, own, channel, 0)
    return replace(found, micros=min(own, found.micros))


def _taken_part(room: _Room, part: Part, micros: int, channel: str) -> Part:
    """Take a part: all of it of its order's own claim if that is enough, else all beside it."""
    mine = _claimed_part(room, part, channel)
    if mine is None or part.pool is None or part.own is None or micros > mine.micros:
        _take(room, part.counter, micros, channel, own=None)
        return part._replace(own=None)
    own = min(part.own, room.draws.left(part.pool))
    _take(room, part.counter, micros, channel, own=own)
    room.draws.draw(part.pool, micros)
    return part._replace(own=own)


def _take(
    room: _Room, counter_id: int, micros: int, channel: str, *, own: int | None, had: int = 0
) -> None:
    """Take so much; what an order claims already takes nothing more from anybody."""
    if own is None:
        room.take(counter_id, micros, channel)
    else:
        more = max(0, micros - had)
        room.note(counter_id, more, channel, more)


def _looked_up(has: Mapping[int, int], part: Part) -> int:
    return has[part.counter]


def _in_buildings(room: _Room, recipe: Recipe) -> int:
    """Say how many kits a group's members can put together, each of what lies there itself.

    Less as many as the group's promises may need: which building has those is not chosen yet.
    """
    needs = recipe.needs()
    there = owed = 0
    for at in recipe.buildings:
        has = {part.counter: room.there_is(at[part.item]) for part in recipe.parts}
        there += recipe.most(kits.ENOUGH, partial(_looked_up, has))
    for part in recipe.parts:
        owed = max(owed, -(-room.promised(part.counter) // needs[part.item]) * MICROS)
    return there - owed
