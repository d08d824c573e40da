"""Promised kits that their order claims no more: their parts are given back. Pure values.

Kits that lie assembled are kept for an order first, then those that are to be put together of the
parts that are held for them. What left of parts, left, and an order that is raised again claims
its parts again, as far as they were promised.
"""

from collections.abc import Sequence

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import kept
from crossdock.capabilities.supply.answer import Atp
from crossdock.capabilities.supply.kept import DatedLine, Told


def recut(answer: Atp, lines: Sequence[DatedLine], told: Told) -> list[DatedLine]:
    """Give those lines of which their order claims more or less than they say, anew.

    `lines` are all of one number, open or over: the kit's, and those of its parts. `told` is what
    is known of the kit's order line.
    """
    kits = [line for line in lines if line.item == answer.item]
    parts = kept.by_ref(line for line in lines if line.item != answer.item)
    if not kits or not parts:
        return []
    [was, *_] = kept.lines_of(answer, kits[0].line_no, kits[0].demand_ref, {})
    whole = sum(line.made for line in was)
    fewer = unclaimed(kits, told)
    found = _spread(kits, [line.made for line in kits], fewer)
    for each in parts.values():
        promised = sum(line.micros for line in each)
        over = promised - share(promised, whole - fewer, whole)
        found += _spread(each, [line.micros for line in each], over)
    return [line for line in found if line not in lines]


def unclaimed(kits: Sequence[DatedLine], told: Told) -> int:
    """Say how many of the kits that are to be put together their order claims no more."""
    made = sum(line.made for line in kits)
    if not kept.is_overruled(kits, told):
        return 0
    lying = sum(line.micros for line in kits) - made - max(0, told.used - kits[0].used)
    return made - max(0, min(made, told.open - max(0, lying)))


def share(promised: int, kits: int, whole: int) -> int:
    """Say how much of a part goes into so many of the kits that it was promised for.

    In whole base units where it was promised in whole ones, so that what is left of a kit of kits
    can be put together.
    """
    micros = -(-promised * kits // whole)
    if promised % MICROS == 0:
        micros = -(-micros // MICROS) * MICROS
    return min(promised, micros)


def _spread(lines: Sequence[DatedLine], most: Sequence[int], cut: int) -> list[DatedLine]:
    """Take off so much of what leaves last; what leaves first is kept."""
    found: list[DatedLine] = []
    ordered = sorted(zip(lines, most, strict=True), key=lambda one: one[0].ship_date, reverse=True)
    for line, limit in ordered:
        taken = min(limit, cut)
        cut -= taken
        found.append(line._replace(cut=taken))
    return found
