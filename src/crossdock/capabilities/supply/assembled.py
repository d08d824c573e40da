"""Promised kits that have been put together by now: they are claimed as kits. Pure values.

What of a promised kit is still to be put together stands on its parts, and is not claimed of the
kit. Parts that went into kits are parts no more: as many kits lie there, and are its own (I9).
Parts that were picked left as parts, and change nothing here.
"""

from collections.abc import Mapping, Sequence

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import kept
from crossdock.capabilities.supply.answer import Atp
from crossdock.capabilities.supply.kept import DatedLine


def still_made(
    answer: Atp, lines: Sequence[DatedLine], gone: Mapping[str, int]
) -> list[DatedLine]:
    """Give those lines of a kit of which less is to be put together than they say, anew.

    `lines` are all of one number: the kit's, and those of its parts, open or over. `gone` is what
    went into kits for each order line, ever; what had before the promise is no part of it. Kits
    count once every part has gone into them, those that leave first before the others.
    """
    kits = [line for line in lines if line.item == answer.item]
    parts = kept.by_ref(line for line in lines if line.item != answer.item)
    if not kits or not parts:
        return []
    [was, *_] = kept.lines_of(answer, kits[0].line_no, kits[0].demand_ref, {})
    whole = sum(line.made for line in was)
    done = whole
    for ref, each in parts.items():
        had = max(0, gone.get(ref, 0) - each[0].used)
        done = min(done, had * whole // sum(line.micros for line in each))
    done -= done % MICROS
    found: list[DatedLine] = []
    at_first = {line.ship_date: line.made for line in was}
    for line in sorted(kits, key=lambda line: line.ship_date):
        made = at_first.get(line.ship_date, 0)
        taken = min(made, done)
        done -= taken
        if made - taken < line.made:
            found.append(line._replace(made=made - taken))
    return found
