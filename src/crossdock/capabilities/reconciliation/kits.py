"""Kits that one side moved whole and the other by their components (§4.4). Pure.

A kit that left as a kit here and as its components there differs by as much one way as its
components do the other way, in the ratio of its bill. Where one side alone holds the document of
the kit and of all components, it was put together or taken apart there, and nothing is exploded.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from crossdock.canonical.quantities import MICROS

Bill = Mapping[str, int]
"""How many micros of each component one base unit of a kit takes."""


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
        for group in _sharing(sorted(items.keys() & bills.keys()), bills):
            for kits, members in _told(group, items, bills):
                for member in members:
                    found.setdefault(member.number, ", ".join(kits))
    return found


def _told(
    group: Sequence[str], items: Mapping[str, Differing], bills: Mapping[str, Bill]
) -> list[tuple[Sequence[str], list[Differing]]]:
    """Give the kits of a group that are exploded together, or else those that are alone."""
    if (members := _fitting(group, items, bills)) is not None:
        return [(group, members)]
    alone = [([kit], _fitting([kit], items, bills)) for kit in group if len(group) > 1]
    return [(kit, members) for kit, members in alone if members is not None]


def _sharing(kits: Sequence[str], bills: Mapping[str, Bill]) -> list[list[str]]:
    """Group kits that have components in common, directly or by others between them."""
    groups: list[tuple[list[str], set[str]]] = []
    for kit in kits:
        names, parts = [kit], {kit, *bills[kit]}
        apart: list[tuple[list[str], set[str]]] = []
        for other, theirs in groups:
            if theirs.isdisjoint(parts):
                apart.append((other, theirs))
            else:
                names, parts = [*other, *names], parts | theirs
        groups = [*apart, (names, parts)]
    return [names for names, _ in groups]


def _fitting(
    kits: Sequence[str], items: Mapping[str, Differing], bills: Mapping[str, Bill]
) -> list[Differing] | None:
    """Give the kits and components if they differ in the ratio of the bills; None: they do not."""
    wanted: dict[str, int] = defaultdict(int)
    for kit in kits:
        for part, per in bills[kit].items():
            takes, rest = divmod(items[kit].micros * per, MICROS)
            if rest or part in kits:
                return None
            wanted[part] -= takes
    differs = {name: one.micros for name, one in items.items()}
    if any(micros != differs.get(part, 0) for part, micros in wanted.items()):
        return None
    members = [items[name] for name in (*kits, *wanted) if name in items]
    holders = {member.held_by for member in members}
    is_assembled = len(holders) == 1 and holders != {""}
    return None if is_assembled else members
