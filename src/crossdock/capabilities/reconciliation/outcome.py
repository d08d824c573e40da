"""What a comparison is about, where its two sides meet, and what its walk found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from crossdock.capabilities.reconciliation.books import Cuts
from crossdock.capabilities.reconciliation.comparing import Walk
from crossdock.capabilities.reconciliation.explaining import Found
from crossdock.capabilities.reconciliation.kinds import Kind, first_of, kind_of
from crossdock.capabilities.reconciliation.model import State
from crossdock.capabilities.reconciliation.ports import Key
from crossdock.capabilities.reconciliation.store import HUB, FindingRow, Pair


class About(NamedTuple):
    """`system` is whose number comes first: the hub's ledger, or another system's.

    `is_sample`: of single keys that were asked for; `rules_version` the rules that it goes by.
    """

    run_id: str
    against: str
    by: str
    system: str = HUB
    is_sample: bool = False
    rules_version: int = 0

    @property
    def kind(self) -> Kind:
        return kind_of(self.system)

    @property
    def first(self) -> str:
        """Name whose number comes first where that is not the hub's."""
        return first_of(self.system)

    @property
    def pair(self) -> Pair:
        return Pair(self.system, self.against)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a walk found; `befores` is what was open of this pair of systems.

    `differing` are beyond tolerance. Of those within it, `untold` are only counted: so many are no
    trend of a key but of the whole.
    """

    walk: Walk
    explained: int = 0
    found: list[Found] = field(default_factory=list[Found])
    differing: int = 0
    untold: int = 0
    unknown: tuple[str, ...] = ()
    befores: Mapping[Key, FindingRow] = field(default_factory=dict[Key, FindingRow])
    cuts: Cuts = field(default_factory=lambda: Cuts({}, frozenset()))

    def agreed(self) -> dict[Key, int]:
        """Say of what was open before, and agrees, as of when it does."""
        return {key: self.cuts.at[key[0]] for key in self.walk.watched_alike}

    def take(self, found: Sequence[Found], most: int) -> None:
        for one in found:
            if one.judged.state is not State.TOLERATED:
                self.differing += 1
            elif len(self.found) - self.differing >= most and (
                (one.location, one.item) not in self.befores
            ):
                self.untold += 1
                continue
            self.found.append(one)
