"""What a group of locations has promised before a node is chosen, and who bears it (I3). Pure.

One promise at a member is granted wherever the group's promises stay covered by what the others
have. What is shown at several members at once has to add up, so there each bears its part: what
the group owes is taken piece by piece of whoever has most left.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from crossdock.canonical.quantities import MICROS

NOTHING_WITHHELD: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Owing:
    """What a group owes of an item, and what each of its members has to give; micros."""

    owed: int
    has: Mapping[str, int]

    def left(self, withheld: Mapping[str, int] = NOTHING_WITHHELD) -> dict[str, int]:
        """Give what each member has left once it bears its part; together all that is not owed."""
        has = {at: max(0, micros - withheld.get(at, 0)) for at, micros in self.has.items()}
        return left_at(has, self.owed)


def left_at(has: Mapping[str, int], owed: int) -> dict[str, int]:
    """Take what is owed of whoever has most left, of several the first by name, again and again.

    So those who bear any of it end level. Where all amounts are whole units, no unit is parted.
    """
    whole = all(micros % MICROS == 0 for micros in (owed, *has.values()))
    unit = MICROS if whole else 1
    rest = max(0, sum(has.values()) - max(0, owed)) // unit
    left: dict[str, int] = {}
    bearing = sorted(has, key=lambda at: (has[at], at))
    while bearing and has[bearing[0]] // unit <= rest // len(bearing):
        left[bearing[0]] = has[bearing[0]] // unit
        rest -= left[bearing.pop(0)]
    for number, at in enumerate(sorted(bearing)):
        left[at] = rest // (len(bearing) - number)
        rest -= left[at]
    return {at: amount * unit for at, amount in left.items()}
