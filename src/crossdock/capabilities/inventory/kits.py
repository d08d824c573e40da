"""Kits in promises: what one is put together from, and what becomes of a kit line's parts. Pure.

A line of a kit takes what lies assembled first, and holds the parts of the rest at the same
place, on every level (§1.2). Kits that share a part take it once each (A30). Micros of base units.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crossdock.canonical.errors import Rejected
from crossdock.canonical.inventory import ReservationStatus
from crossdock.canonical.kits import Into, limited, most, needed, whole
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import model
from crossdock.capabilities.inventory.drawing import Pool
from crossdock.capabilities.inventory.model import COUNTING, PromisedLine

__all__ = [
    "ENOUGH",
    "Exploded",
    "Into",
    "Part",
    "Picked",
    "Recipe",
    "along",
    "consumed",
    "ended",
    "gone",
    "keeping",
    "kept",
    "limited",
    "most",
    "part_ref",
    "settled",
    "share",
    "shown",
    "whole",
]

Exploded = Mapping[str, Sequence[tuple[str, Into]]]
"""All that goes into each kit, on every level, each item behind all the kits that take it."""


BY_ORDER = "kits of orders"
"""Who holds the parts of kits that orders name and nobody reserved: the hub itself."""

ENOUGH = 10**12 * MICROS
"""More kits than can be asked for."""


class Part(NamedTuple):
    """An item that goes into a kit, its counter where the kit is asked for, and what takes it.

    `own` is what an order claims there for the kit by a line of its own; None: it does not.
    `pool` is all that its order claims there, which no promises of it draw more than once.
    """

    item: str
    counter: int
    into: Into
    own: int | None = None
    pool: Pool | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a kit is put together from. `buildings` are counters by item of a group's members."""

    kit: str
    parts: tuple[Part, ...]
    buildings: tuple[Mapping[str, int], ...] = ()

    def drawn(self, kits: int, has: Callable[[Part], int]) -> dict[str, int] | None:
        """Say what so many take of what there is of each item; None if that is not enough.

        Of a part that is a kit itself what lies there goes first; the rest is put together whole.
        """
        each = {part.item: part for part in self.parts}
        parts = [(part.item, part.into) for part in self.parts]
        found: dict[str, int] = {}
        for one in needed(self.kit, parts, kits, lambda item: has(each[item])):
            if not one.is_there:
                return None
            found[one.item] = one.micros
        return found

    def needs(self) -> dict[str, int]:
        """Say how much of each item goes into one kit of which no part lies there assembled."""
        found = {self.kit: MICROS}
        for part in self.parts:
            need = sum(-(-found[of] * micros // MICROS) for of, micros in part.into)
            found[part.item] = max(1, need)
        return found

    def most(self, limit: int, has: Callable[[Part], int]) -> int:
        """Say how many whole kits can be put together, at most `limit`."""
        return most(limit, lambda kits: self.drawn(kits, has) is not None)


def part_ref(ref: str, item: str) -> str:
    """Name what is held of an item for a kit of an order line; nothing for none."""
    return f"{ref}/{item}" if ref else ""


class Picked(NamedTuple):
    """What parts of a kit line gave out, as they stand: in all, and into kits of the hub's."""

    part: PromisedLine
    assembled: int = 0


def gone(parts: Sequence[PromisedLine]) -> int:
    """Say of how many kits every part has left what was held for it."""
    return min((_kits(part, part.used) for part in parts), default=0)


def kept(parts: Sequence[PromisedLine]) -> int:
    """Say for how many kits every part is held, or has left."""
    return min((_kits(part, part.granted) for part in parts), default=0)


def share(part: PromisedLine, kits: int) -> int:
    """Say how much of a part goes into so many of the kits that it was granted for.

    In whole base units where it was granted in whole ones, so that what one kit needs of parts
    that are kits themselves is always among it. What has left stays out.
    """
    micros = -(-part.requested * min(kits, part.made) // part.made)
    if part.requested % MICROS == 0:
        micros = whole(micros)
    return min(part.requested, max(micros, part.consumed, part.picked))


def along(line: PromisedLine, parts: Sequence[PromisedLine]) -> int:
    """Say how many kits are put together of what was held, or were picked whole beyond that."""
    return kept(parts) - line.made + max(0, line.picked - line.granted)


def keeping(
    line: PromisedLine, parts: Sequence[PromisedLine], kits: int
) -> tuple[PromisedLine, list[PromisedLine]]:
    """Hold parts for so many kits in all, those that have left among them, and no more."""
    done = kept(parts) - line.made
    after: list[PromisedLine] = []
    for part in parts:
        micros = share(part, kits)
        after.append(part if micros == part.granted else part.changed(granted=micros))
    made = kept(after) - done
    return (line if made == line.made else line.changed(made=made)), after


def shown(line: PromisedLine, parts: Sequence[PromisedLine]) -> PromisedLine:
    """Show a kit's line as what it promises: those that lie assembled, and those to be made."""
    if not parts:
        return line
    assembled = kept(parts) - line.made
    used = line.used + max(0, gone(parts) - assembled)
    found = line._replace(
        granted=line.granted + line.made, consumed=used, picked=0, made=line.made
    )
    if line.status in COUNTING and used:
        is_over = used == found.granted
        status = ReservationStatus.CONSUMED if is_over else ReservationStatus.PARTIALLY_CONSUMED
        return found._replace(status=status)
    return found


def consumed(
    line: PromisedLine, parts: Sequence[PromisedLine], kits: int
) -> tuple[PromisedLine, list[PromisedLine]]:
    """Note how many of a kit have gone out in all so far, whole or in parts."""
    there = line.granted + line.made
    if not 0 <= kits <= there:
        raise Rejected(
            f"line {line.line_no} was granted {there} micros: {kits} cannot have gone out of it",
            code="consumed_too_much",
            hint="say how much has gone out in all so far",
        )
    assembled = kept(parts) - line.made
    in_parts = max(0, gone(parts) - assembled)
    told = min(line.granted, max(0, kits - in_parts))
    after = model.consumed(line, told)
    return settled(after, [Picked(part) for part in parts], kits, assembled)


def settled(
    line: PromisedLine, parts: Sequence[Picked], told: int = 0, assembled: int | None = None
) -> tuple[PromisedLine, list[PromisedLine]]:
    """Let a kit's line and its parts agree on what has left; `told` is how many kits are said to.

    Kits that were put together of all their parts are held as kits (so many are `assembled`).
    Kits that left beyond those that lay assembled took their parts along.
    """
    if not parts or line.status not in COUNTING:
        return line, [one.part for one in parts]
    first, held = parts[0].part.made, kept([one.part for one in parts])
    done = assembled
    if done is None:
        done = min(_kits(one.part, min(one.assembled, one.part.used)) for one in parts)
    if done != held - line.made:
        line = line.changed(granted=line.granted + line.made - held + done, made=held - done)
    beyond = done + max(0, max(line.picked, told) - line.granted)
    after: list[PromisedLine] = []
    for part, _ in parts:
        taken = min(part.granted, -(-part.requested * min(beyond, first) // first))
        is_more = taken > part.used and part.status in COUNTING
        after.append(part.changed(consumed=taken) if is_more else part)
    return ended(line, after), after


def ended(line: PromisedLine, parts: Sequence[PromisedLine]) -> PromisedLine:
    """Let a kit's line be over once it and all its parts have gone out."""
    is_over = line.used == line.granted and all(part.used == part.granted for part in parts)
    is_over = is_over and any(one.granted for one in (line, *parts))
    if is_over and line.status is not ReservationStatus.CONSUMED:
        return line._replace(status=ReservationStatus.CONSUMED, version=line.version + 1)
    return line


def _kits(part: PromisedLine, micros: int) -> int:
    """Say for how many whole kits so much of a part is enough."""
    if micros >= part.requested:
        return part.made
    return part.made * micros // part.requested // MICROS * MICROS
