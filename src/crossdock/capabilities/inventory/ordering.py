"""What is held for kits that orders claim and nobody reserved. Pure.

Of a kit's claims those that lie assembled serve the first order lines; the last ones stand on
parts. An order's own lines for a part cover it first, and each unit of them once (A19, I9).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from crossdock.capabilities.inventory import granting, kits
from crossdock.capabilities.inventory.kits import Part, Recipe
from crossdock.capabilities.inventory.room import Room


class Lacking(NamedTuple):
    """So many kits are to be put together for an order line, for a channel.

    `gone` is how much of each item has left for them already.
    """

    kits: int
    recipe: Recipe
    channel: str
    gone: Mapping[str, int]


class Standing(NamedTuple):
    """The parts of so many kits: what is to be held of each, and what the order claims itself."""

    kits: int
    held: tuple[tuple[Part, int], ...]
    claimed: tuple[tuple[Part, int], ...]


def shared(short: int, claims: Sequence[int]) -> list[int]:
    """Say of which claims so many kits are to be put together: of the last, the first lie there.

    In whole kits, of each claim no more than it is worth rounded up.
    """
    found: list[int] = []
    for claim in reversed(claims):
        some = min(kits.whole(claim), kits.whole(max(0, short)))
        short -= some
        found.append(some)
    return found[::-1]


def standing(room: Room, lacking: Lacking) -> Standing:
    """Find parts for as many of these kits as there is room for, and take them."""
    recipe = lacking.recipe
    own = {part.item: _claimed(room, part) for part in recipe.parts}
    has = {
        part.item: own[part.item]
        + lacking.gone.get(part.item, 0)
        + room.free(part.counter, lacking.channel).micros
        for part in recipe.parts
    }

    def drawn(some: int) -> dict[str, int] | None:
        return recipe.drawn(some, lambda part: has[part.item])

    most = lacking.kits
    if recipe.buildings:
        most = min(most, max(0, granting.in_buildings(room, recipe)))
    made = kits.most(most, lambda some: drawn(some) is not None)
    taken = drawn(made) or {}
    held: list[tuple[Part, int]] = []
    claimed: list[tuple[Part, int]] = []
    for part in recipe.parts:
        rest = max(0, taken.get(part.item, 0) - lacking.gone.get(part.item, 0))
        mine = min(own[part.item], rest)
        if mine and part.pool is not None:
            room.draws.draw(part.pool, mine)
            claimed.append((part, mine))
        if rest > mine:
            room.take(part.counter, rest - mine, lacking.channel)
            held.append((part, rest - mine))
    return Standing(made, tuple(held), tuple(claimed))


def _claimed(room: Room, part: Part) -> int:
    """Say how much of a part its order claims itself, whether it lies there or not."""
    if part.own is None or part.pool is None:
        return 0
    return min(part.own, room.draws.left(part.pool))
