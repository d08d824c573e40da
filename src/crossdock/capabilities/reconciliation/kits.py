"""Kits that one side moved whole and the other by their components (§4.4). Pure.

A kit that left as a kit here and as its components there differs by as much one way as its
components do the other way, in the ratio of its bill. A component that is a kit itself may have
been moved as it is, or by its own components, or some of it by each. Where one side alone holds
the document of the kit and of all components, it was put together or taken apart there, and
nothing is exploded.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from crossdock.canonical.quantities import MICROS

NAMED_MAX = 5
"""Of more kits that share components the others are only counted."""
Bill = Mapping[str, int]
"""How many micros of each component one base unit of a kit takes."""


class Exploded(NamedTuple):
    """Kits that were taken apart on one side, and all that differs by it."""

    kits: Sequence[str]
    members: Sequence["Differing"]


class Differing(NamedTuple):
    """How much an item differs at a location: theirs - ours, in micros.

    `held_by` is the side that alone has the document of it, "" where none is known.
    """

    number: int
    location: str
    item: str
    micros: int
    held_by: str = ""


def explosions(differing: Iterable[Differing], bills: Mapping[str, Bill]) -> dict[int, str]:
    """Name, by the number of a difference, the kits that account for all of it.

    Kits that share a component are taken together, and alone where together they do not fit.
    """
    places: dict[str, dict[str, Differing]] = defaultdict(dict)
    for one in differing:
        if one.micros:
            places[one.location][one.item] = one
    found: dict[int, str] = {}
    for items in places.values():
        for group in sharing(sorted(items.keys() & bills.keys()), bills):
            for kits, members in _told(group, items, bills):
                names = _named(kits)
                for member in members:
                    found.setdefault(member.number, names)
    return found


def _told(
    group: Sequence[str], items: Mapping[str, Differing], bills: Mapping[str, Bill]
) -> list["Exploded"]:
    """Give the kits of a group that are exploded together, or else those that are alone."""
    if (together := _fitting(group, items, bills)) is not None:
        return [together]
    alone = [_fitting([kit], items, bills) for kit in group if len(group) > 1]
    return [one for one in alone if one is not None]


def _named(kits: Sequence[str]) -> str:
    """Name the first of them, and say how many more there are."""
    more = len(kits) - NAMED_MAX
    return ", ".join(kits[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def sharing(kits: Sequence[str], bills: Mapping[str, Bill]) -> list[list[str]]:
    """Group kits that have components in common, directly or by others between them."""
    leaders: dict[str, str] = {}

    def leader(name: str) -> str:
        while (above := leaders.setdefault(name, name)) != name:
            leaders[name] = leaders[above]
            name = above
        return name

    for kit in kits:
        for part in _below(kit, bills):
            first, second = leader(kit), leader(part)
            leaders[second] = first
    groups: dict[str, list[str]] = defaultdict(list)
    for kit in kits:
        groups[leader(kit)].append(kit)
    return list(groups.values())


def _below(kit: str, bills: Mapping[str, Bill]) -> list[str]:
    """Name all that goes into a kit, and into the kits in it."""
    found: dict[str, None] = {}
    ready = [kit]
    for one in ready:
        fresh = [part for part in bills.get(one, ()) if part not in found]
        found |= dict.fromkeys(fresh)
        ready += fresh
    return list(found)


def _in_order(kits: Sequence[str], bills: Mapping[str, Bill]) -> list[str] | None:
    """Give these kits and those in them, each behind all that take it; None: in a circle."""
    opened = {*kits, *(part for kit in kits for part in _below(kit, bills) if part in bills)}
    order: list[str] = []
    while left := opened.difference(order):
        taken = {part for kit in left for part in bills[kit]}
        if not (free := sorted(left - taken)):
            return None
        order += free
    return order


def _fitting(
    kits: Sequence[str], items: Mapping[str, Differing], bills: Mapping[str, Bill]
) -> Exploded | None:
    """Give the kits and components if they differ in the ratio of the bills; None: they do not.

    From the top down: of a kit as many were taken apart as it differs by, and as were needed, and
    not taken as they are, for the kits above it. What is no kit has to differ by just what that
    takes.
    """
    if (order := _in_order(kits, bills)) is None:
        return None

    def differs(name: str) -> int:
        return items[name].micros if name in items else 0

    wanted: dict[str, int] = defaultdict(int)
    apart: dict[str, int] = {}
    for kit in order:
        apart[kit] = differs(kit) - wanted.pop(kit, 0)
        for part, per in bills[kit].items():
            takes, rest = divmod(apart[kit] * per, MICROS)
            if rest:
                return None
            wanted[part] -= takes
    if any(micros != differs(part) for part, micros in wanted.items()):
        return None
    members = [items[name] for name in (*order, *wanted) if name in items]
    holders = {member.held_by for member in members}
    is_assembled = len(holders) == 1 and holders != {""}
    return None if is_assembled else Exploded([kit for kit in kits if apart[kit]], members)
