"""What there is to give of stock that is asked for, and what was given of it so far (§3.4, §3.6).

Pure; amounts are micros.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import lcm
from types import MappingProxyType
from typing import NamedTuple

from crossdock.canonical.packs import whole
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import protection
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
    all where each line is asked for. `packs` are what each is sold in, 0 is none: it asks for
    whole ones, so a part of it is whole, too; but for those that are `too_few` for one.
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
    packs: tuple[int, ...] = ()
    too_few: frozenset[int] = frozenset()

    def whole(self, number: int, micros: int) -> int:
        """Give the most of an amount that breaks no pack."""
        if number in self.too_few:
            return 0
        return whole(micros, self.packs[number], self.lines[number][1]) if self.packs else micros

    def whole_kits(self, number: int, micros: int) -> int:
        """Give the most of an amount of a kit that breaks no pack, and no kit where some lack."""
        found = self.whole(number, micros)
        if found == micros or found % MICROS == 0:
            return found
        return micros - micros % lcm(self.packs[number], MICROS)

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
class Room:
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

    def short(self, counter_id: int) -> int:
        """Say how much is promised of one counter, or to be kept there, that is not there."""
        counter = self.counters[counter_id]
        if counter.members:
            return max(0, counter.figures.safety - self._coverage(counter_id))
        taken = self.taken.get(counter_id, 0)
        return max(0, taken + counter.figures.safety - counter.figures.net)

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
