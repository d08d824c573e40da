"""What a node has for a line by the last day that counts, and what lines take of it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from crossdock.capabilities.sourcing.kits import NOTHING, Arrival, KitAt, Taken
from crossdock.capabilities.sourcing.model import MICROS_MAX, Candidate, Line


@dataclass(frozen=True, slots=True)
class Reach:
    """Until when goods count. `waits_until` is the day that a whole order waits for, if it does.

    `is_strict`: what is there behind the date that a line needs never counts. `keeps_life`: nor
    does what would not keep so long as is asked.
    """

    is_strict: bool = True
    keeps_life: bool = True
    waits_until: date | None = None

    def limit(self, line: Line) -> date | None:
        """Give the last day on which supply may be there; None: what lies there alone counts."""
        if self.waits_until is None:
            return line.needed_by
        if line.needed_by is None or not self.is_strict:
            return self.waits_until
        return min(line.needed_by, self.waits_until)

    def stock(self, line: Line, node: Candidate) -> int:
        """Tell what lies there for a line: what its order counts, else what is free (A25)."""
        is_after = self.waits_until is not None and node.day > self.waits_until
        if is_after or line.line_no in node.not_now:
            return 0
        has = self.free(line, node)
        keeps = node.keeps.get(line.line_no)
        return has if keeps is None or not self.keeps_life else min(has, keeps.micros)

    def free(self, line: Line, node: Candidate, taken: Taken = NOTHING) -> int:
        """Tell what lies there beside what is taken: of a kit, what is put together with it."""
        if kit := self._kit(line, node):
            return kit.room(MICROS_MAX, taken)
        own = node.own.get(line.line_no)
        if own is not None:
            return own
        return (node.available.get(line.item) or 0) - taken.items.get(line.item, 0)

    def _kit(self, line: Line, node: Candidate) -> KitAt | None:
        kit = node.kits.get(line.line_no)
        return kit.keeping() if kit and self.keeps_life else kit

    def reaches(self, line: Line, node: Candidate, one: Arrival) -> bool:
        """Say whether what is to come is there by the last day that counts.

        What is had by its lead time alone counts without a date, too.
        """
        limit = self.limit(line)
        if limit is None:
            return line.item in node.by_lead_time
        if self.waits_until is None:
            return one.arrives_on is not None and one.arrives_on <= limit
        return one.day <= limit

    def steps(self, line: Line, node: Candidate) -> Sequence[Arrival]:
        """Give what can be had of what is still to come, until the last day that counts."""
        supply = node.supply.get(line.line_no, ())
        return [one for one in supply if self.reaches(line, node, one)]

    def has(self, line: Line, node: Candidate) -> int:
        stock, steps = self.stock(line, node), self.steps(line, node)
        return max(stock, steps[-1].micros) if steps else stock

    def left(self, line: Line, node: Candidate, has: int, taken: Taken) -> int:
        """Tell what is left for a line, of what it has there alone, beside what is taken."""
        if kit := self._kit(line, node):
            if taken is NOTHING:
                return has
            return min(has, kit.room(line.micros, taken, partial(self.reaches, line, node)))
        return has if line.line_no in node.own else has - taken.items.get(line.item, 0)

    def takes(self, line: Line, node: Candidate, micros: int, taken: Taken) -> dict[str, int]:
        """Tell how much of each item there so much of a line takes, beside what is taken."""
        if kit := self._kit(line, node):
            return kit.drawn(micros, taken, partial(self.reaches, line, node))
        return {line.item: micros}

    def take(self, line: Line, node: Candidate, micros: int, taken: Taken) -> dict[str, int]:
        """Note what so much of a line takes; what its own order holds is taken from nobody."""
        takes = self.takes(line, node, micros, taken)
        is_own = line.line_no in node.own
        for item, some in takes.items():
            if not (is_own and item == line.item):
                taken.take(item, some)
        if line.line_no in node.kits and not is_own:
            taken.kits[line.item] = taken.kits.get(line.item, 0) + micros
        return takes

    def first(self, line: Line, node: Candidate, micros: int, taken: Taken) -> Arrival | None:
        """Tell when supply has come with which so much can leave; None: it lies there.

        What of a kit is to be put together waits for its parts, beside those that are taken.
        """
        kit, own = self._kit(line, node), line.line_no in node.own
        total = micros if own or kit else micros + taken.items.get(line.item, 0)
        steps = self.steps(line, node)
        if kit is None:
            if total <= self.stock(line, node):
                return None
            enough = (one for least in (total, micros) for one in steps if one.micros >= least)
            return next(enough, None)
        if micros <= min(self.stock(line, node), kit.room(micros, taken)):
            return None
        is_alone = not any(taken.items.get(item) for item in kit.items)
        enough = (
            one
            for one in steps
            if micros <= one.micros
            and (is_alone or micros <= kit.room(micros, taken, partial(_by, one)))
        )
        return next(enough, steps[-1] if steps else None)


AT_ONCE = Reach()
"""An order waits for no day."""


def _by(last: Arrival, one: Arrival) -> bool:
    return one.day <= last.day
