"""How many of a kit there are now: those that lie there, and what can be put together. Pure.

Answers by date look ahead (outlook.py); this is the same question of this moment, for whoever
shows stock. What goes into a kit, on every level, is decided by `explosion`. Parts have to lie in
one building (§1.2); kits that share a component are not additive (A30). Micros of base units.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from crossdock.canonical.owing import left_at
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import explosion, model
from crossdock.capabilities.supply.explosion import Level, Recipes, Stage

Key = tuple[str, str]
"""Item, location."""

Kept = Callable[[str, str], int]
"""How much of an item at a location whoever asks may not have."""


def nothing_kept(_item: str, _location: str) -> int:
    return 0


class Figures(NamedTuple):
    """What stands of an item at a location (§3.1); of a group `nettable` is its members' sum."""

    nettable: int = 0
    claimed: int = 0
    safety: int = 0
    is_known: bool = False


class Component(NamedTuple):
    """An item that goes into a kit: so many `micros` into one, and what there `is` for it.

    `level` 1 goes straight into the kit. Not `is_known`: nobody ever said what lies there.
    """

    item: str
    unit: str
    micros: int
    level: int
    there_is: int
    is_known: bool


class Count(NamedTuple):
    """How many kits a building has: `assembled` ones, and `made` more that can be put together.

    `limits` are the components of which there is not enough for one more.
    """

    location: str
    assembled: int
    made: int
    limits: tuple[str, ...]
    components: tuple[Component, ...]


class Building(NamedTuple):
    """What is left of each item in a building; below zero it is owed and not there."""

    location: str
    net: Mapping[str, int]
    known: AbstractSet[str]


@dataclass(frozen=True, slots=True)
class KitStock:
    """What there is of a kit at a location, and to put it together from.

    `buildings` is the location itself, or the members of a group. `owed` is what is claimed of
    each item at the group, before a building is chosen.
    """

    kit: str
    location: str
    levels: Sequence[Level]
    buildings: Sequence[Building]
    owed: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def is_known(self) -> bool:
        """Say whether some building is one where the kit was told of, or all that goes into it."""
        return any(self._is_told(one) for one in self.buildings)

    @property
    def items(self) -> tuple[str, ...]:
        return (self.kit, *(one.item for one in self.levels))

    def counts(self, kept: Kept = nothing_kept) -> list[Count]:
        """Count the kits of each building (A11), with what they are put together from."""
        return [self._count(one, kept) for one in self.buildings]

    def free(self, kept: Kept = nothing_kept) -> int:
        """Count the kits that can be promised here now, less what others keep of components."""
        return self.beside(self.claimed(kept), kept)

    def claimed(self, kept: Kept) -> dict[str, int]:
        """Name what a group owes of each item, and what of it others keep there."""
        return {item: micros + kept(item, self.location) for item, micros in self.owed.items()}

    def beside(self, owed: Mapping[str, int], kept: Kept) -> int:
        """Count the kits that are left if so much is `owed` wherever it lies; nothing: {}."""
        there = left = taken = 0
        total = dict.fromkeys(self.items, 0)
        for one in self.buildings:
            has = self._has(one, kept)
            own, made = one.net[self.kit], self._made(has)
            rest = max(0, own + made) - max(0, own)
            there, left, taken = there + max(0, own), left + rest, taken + made - rest
            for item, micros in has.items():
                total[item] += micros
        if owed:
            has = {one.item: max(0, total[one.item] - owed[one.item]) for one in self.levels}
            left = min(left, max(0, self._made(has) - taken))
        return max(0, there + left - owed.get(self.kit, 0))

    def at_most(self, micros: Mapping[Key, int]) -> "KitStock":
        """Leave no more of these (item, building) than so much."""
        buildings = [
            one._replace(
                net={
                    item: min(net, micros.get((item, one.location), net))
                    for item, net in one.net.items()
                }
            )
            for one in self.buildings
        ]
        return replace(self, buildings=buildings)

    def _is_told(self, building: Building) -> bool:
        """Say whether an item or all its components were told of, from the bottom up."""
        below: dict[str, list[str]] = {}
        for one in self.levels:
            for of, _ in one.into:
                below.setdefault(of, []).append(one.item)
        told = set(building.known)
        for item in reversed(self.items):
            if item in below and told.issuperset(below[item]):
                told.add(item)
        return self.kit in told

    def _has(self, building: Building, kept: Kept) -> dict[str, int]:
        return {
            one.item: max(0, building.net[one.item] - kept(one.item, building.location))
            for one in self.levels
        }

    def _count(self, building: Building, kept: Kept) -> Count:
        has, own = self._has(building, kept), building.net[self.kit]
        made = self._made(has)
        components = [
            Component(*one[:4], has[one.item], one.item in building.known) for one in self.levels
        ]
        return Count(
            building.location,
            max(0, own),
            max(0, own + made) - max(0, own),
            tuple(explosion.lacking(self._tree(has), made // MICROS + 1)),
            tuple(components),
        )

    def _made(self, has: Mapping[str, int]) -> int:
        if all(one.level == 1 for one in self.levels):
            balances = {item: [micros] for item, micros in has.items()}
            return model.kits_by_bucket(
                {one.item: one.micros for one in self.levels}, balances, [0]
            )[0]
        return explosion.made(self._tree(has), is_by_day=False)[0]

    def _tree(self, has: Mapping[str, int]) -> explosion.Tree:
        made = {of for one in self.levels for of, _ in one.into}
        stages = [
            Stage(one.item, one.into, [has[one.item]], one.item in made) for one in self.levels
        ]
        return explosion.tree(self.kit, [0], stages)


def together(stocks: Sequence[KitStock], kept: Kept, beside: Mapping[str, int]) -> int:
    """Count a kit at several locations, if so much of components is others' wherever it lies."""
    first = stocks[0]
    each = [one.claimed(kept) for one in stocks]
    owed = {
        item: sum(one.get(item, 0) for one in each) + beside.get(item, 0) for item in first.items
    }
    buildings = [building for one in stocks for building in one.buildings]
    return KitStock(first.kit, first.location, first.levels, buildings).beside(owed, kept)


class Book:
    """Recipes, and what stands of all the items in them, as read at one moment.

    `takes_parts` are kits, and where, whose orders name the kit alone: what they claim of it, and
    does not lie there assembled, is claimed of its components (`AtpRule.takes_parts`). `groups`
    names the group of each location that is in one. Made, filled and used inside one call.
    """

    def __init__(
        self,
        recipes: Recipes,
        figures: Mapping[Key, Figures],
        groups: Mapping[str, str],
        takes_parts: AbstractSet[Key] = frozenset(),
    ) -> None:
        self._recipes = recipes
        self._figures = figures
        self._groups = groups
        self._takes_parts = takes_parts
        self._used: dict[str, list[tuple[str, int]]] = {}
        for kit, parts in recipes.items():
            for item, micros, _ in parts:
                self._used.setdefault(item, []).append((kit, micros))
        self._lacking: dict[tuple[str, str, str], int] = {}

    def stock(self, kit: str, location: str, *, for_shares: bool = False) -> KitStock | None:
        """Give what there is of a kit, and to put it together from; None where it is no kit.

        `for_shares`: a member bears its part of what its group owes, and no other's.
        """
        levels = explosion.exploded(kit, self._recipes)
        if not levels:
            return None
        items = [kit, *(one.item for one in levels)]
        members = self._members(location)
        if not members:
            own = self._borne if for_shares else self._own
            nets = {item: own(item, location, kit) for item in items}
            return KitStock(kit, location, levels, [self._building(location, nets)])
        buildings = [
            self._building(at, {item: self._net(item, at, kit) for item in items})
            for at in members
        ]
        owed = {item: self._owed(item, location, kit) for item in items}
        return KitStock(kit, location, levels, buildings, owed)

    def drawn(self, item: str, location: str) -> bool:
        """Say whether orders for kits claim some of an item at a location, or in its group."""
        group = self._groups.get(location, location)
        places = {location, group, *self._members(group)}
        return any(self._through(item, at, "") for at in places)

    def free(self, item: str, location: str, *, for_shares: bool = False) -> int:
        """Say what is left of an item beside what orders for kits claim of it."""
        members = self._members(location)
        if not members:
            own = self._borne if for_shares else self._own
            return max(0, own(item, location, ""))
        total = sum(max(0, self._net(item, at, "")) for at in members)
        return max(0, total - self._owed(item, location, ""))

    def _building(self, location: str, nets: Mapping[str, int]) -> Building:
        known = {item for item in nets if self._at(item, location).is_known}
        return Building(location, nets, known)

    def _members(self, location: str) -> list[str]:
        return sorted(member for member, group in self._groups.items() if group == location)

    def _at(self, item: str, location: str) -> Figures:
        return self._figures.get((item, location), Figures())

    def _own(self, item: str, location: str, of_kit: str) -> int:
        """Give what a location has, with what its group's claims need of it kept."""
        net, group = self._net(item, location, of_kit), self._groups.get(location)
        if group is None:
            return net
        others = sum(
            max(0, self._net(item, at, of_kit)) for at in self._members(group) if at != location
        )
        return net - max(0, self._owed(item, group, of_kit) - others)

    def _borne(self, item: str, location: str, of_kit: str) -> int:
        """Give what a member has beside its part of what its group owes; no member lacks less.

        Nobody bears of what his own orders for kits claim; what is not covered, all bear.
        """
        own, group = self._own(item, location, of_kit), self._groups.get(location)
        if group is None:
            return own
        has = {at: max(0, self._net(item, at, "")) for at in self._members(group)}
        owed = self._owed(item, group, of_kit)
        borne = has[location] - left_at(has, owed)[location] + max(0, owed - sum(has.values()))
        return min(own, self._net(item, location, of_kit) - borne)

    def _net(self, item: str, location: str, of_kit: str) -> int:
        own = self._at(item, location)
        through = self._through(item, location, of_kit if item != of_kit else "")
        return own.nettable - own.claimed - own.safety - through

    def _owed(self, item: str, group: str, of_kit: str) -> int:
        own = self._at(item, group)
        through = self._through(item, group, of_kit if item != of_kit else "")
        return own.claimed + own.safety + through

    def _through(self, item: str, location: str, of_kit: str) -> int:
        """Sum what orders for kits claim of a component, but of the kit it is asked for here."""
        return sum(
            -(-self._kits_lacking(kit, location, of_kit) * micros // MICROS)
            for kit, micros in self._used.get(item, ())
            if kit != of_kit
        )

    def _kits_lacking(self, kit: str, location: str, of_kit: str) -> int:
        """Say how many of a kit are to be put together for orders: what lies there goes first.

        For its own orders, and for those of kits that it goes into; in a circle, once.
        """
        known = (kit, location, of_kit)
        if known not in self._lacking:
            self._lacking[known] = 0
            own = self._at(kit, location)
            assembled = max(0, own.nettable - own.safety)
            above = self._through(kit, location, of_kit)
            found = max(0, above - max(0, assembled - own.claimed))
            if (kit, location) in self._takes_parts:
                found += max(0, own.claimed - assembled)
            self._lacking[known] = found
        return self._lacking[known]
