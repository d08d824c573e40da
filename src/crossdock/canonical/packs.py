"""What is sold in packs: amounts move to whole ones, and no grant breaks one (A12, A31). Pure."""

from typing import NamedTuple


class Pack(NamedTuple):
    """Sold in multiples of `micros` of the base unit; what is asked moves `up` or down to one."""

    micros: int
    up: bool = True

    def moved(self, asked: int, beside: int = 0) -> int:
        """Give what is asked in whole packs, with what has left `beside` of the same order line.

        0 is that so much is less than a pack, and it is not moved up.
        """
        beside %= self.micros
        packs, rest = divmod(asked + beside, self.micros)
        return max(0, (packs + (1 if self.up and rest else 0)) * self.micros - beside)


def whole(micros: int, pack: int, of: int) -> int:
    """Give the most of `micros` that leaves whole packs of an amount `of`, moved to packs before.

    `of` itself is whole, whatever has left beside it. 0 is no pack.
    """
    if not pack:
        return micros
    return of if micros >= of else max(0, micros - (micros - of) % pack)
