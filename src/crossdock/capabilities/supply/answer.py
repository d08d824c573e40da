"""A question by date, what it is answered from, and the answer with its derivation. Pure values.

Amounts are micros, millionths of the item's base unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from crossdock.capabilities.supply.inbound import Inbound, Supply
from crossdock.capabilities.supply.model import AtpMode
from crossdock.capabilities.supply.rules import AtpTerms


class Standing(NamedTuple):
    """What stands at an item-location now, in micros (§3.1)."""

    nettable: int = 0
    hard: int = 0
    soft: int = 0
    safety: int = 0
    version: int = 0
    is_known: bool = False


class Claim(NamedTuple):
    """What an order line holds of a standing; `on` is the day it is to ship, None is at once."""

    demand_ref: str
    hard: int
    soft: int = 0
    on: date | None = None


class Node(NamedTuple):
    """An item-location as it was read: its standing, the claims told apart of it, its supply."""

    terms: AtpTerms
    standing: Standing = Standing()
    claims: Sequence[Claim] = ()
    supplies: Sequence[Supply] = ()
    location: str = ""


class Question(NamedTuple):
    """`micros` None asks for the outlook alone; `own` are order lines that count for nothing.

    An order that is asked about again must not stand in its own way (A25). `unit` is the base
    unit of the item, `by` a day to say how much there is by then.
    """

    item: str
    location: str
    unit: str
    micros: int | None = None
    by: date | None = None
    own: frozenset[str] = frozenset()


class Basis(StrEnum):
    """What a promise stands on: goods and dated supply, or the time a new order takes."""

    SUPPLY = "SUPPLY"
    LEAD_TIME = "LEAD_TIME"
    NONE = "NONE"


class Bucket(NamedTuple):
    """`pab` is the projected balance, `atp` what can be promised (of this supply if DISCRETE)."""

    day: date
    supply: int
    demand: int
    pab: int
    atp: int


class Dated(NamedTuple):
    day: date
    micros: int


class Part(NamedTuple):
    """What an answer is put together from: a component of a kit, or (`per` 0) a member's stock."""

    item: str
    location: str
    unit: str
    per: int
    standing: Standing
    inbound: tuple[Inbound, ...]
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Atp:
    """An answer with its derivation. Amounts are micros of `unit`.

    `quantity` is what was asked, in whole packs. `promised_on` is the first day all of it can
    leave, `basis` what that stands on, and `reason` why not earlier, or never. `schedule` are the
    days and parts in which it could leave soonest, `left_over` what no day has. `by_then` is how
    much of it there is on the day asked for. `buckets` names those in which something changes,
    `parts` the components of a kit and the members of a group, with their own.
    """

    item: str
    location: str
    unit: str
    mode: AtpMode
    as_of: datetime
    today: date
    is_known: bool
    version: int
    standing: Standing
    quantity: int | None
    promised_on: date | None
    basis: Basis
    reason: str
    by: date | None
    by_then: int | None
    schedule: tuple[Dated, ...]
    left_over: int
    shortage: int
    buckets: tuple[Bucket, ...]
    evaluated: int
    inbound: tuple[Inbound, ...]
    parts: tuple[Part, ...]

    @property
    def now(self) -> int:
        """Say what the first bucket can promise, with what is due by then and not in yet."""
        return self.buckets[0].atp


class Kin(NamedTuple):
    """The item-locations that a question touches: its own, its group's, and the members'.

    A kit has its components beside, at the same location.
    """

    own: Node
    group: Node | None = None
    members: Sequence[Node] = ()
    is_group: bool = False
    components: Sequence["Component"] = ()


class Component(NamedTuple):
    """An item of which so many micros go into one base unit of a kit."""

    item: str
    unit: str
    micros: int
    kin: Kin
