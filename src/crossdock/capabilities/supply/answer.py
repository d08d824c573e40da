"""A question by date, what it is answered from, and the answer with its derivation. Pure values.

Amounts are micros, millionths of the item's base unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from crossdock.capabilities.supply.inbound import Inbound, Supply
from crossdock.capabilities.supply.model import BESIDE_STOCK, UNLIMITED, AtpMode, Limits
from crossdock.capabilities.supply.rules import AtpTerms, LifeTerms
from crossdock.capabilities.supply.substitution import Option


class Standing(NamedTuple):
    """What stands at an item-location now, in micros (§3.1).

    `expired` lies there beside what is nettable, in lots whose last day is over; `docked` was
    booked in and is not put away: it is supply that has arrived.
    """

    nettable: int = 0
    hard: int = 0
    soft: int = 0
    safety: int = 0
    version: int = 0
    is_known: bool = False
    expired: int = 0
    docked: int = 0


class Claim(NamedTuple):
    """What an order line holds of a standing; `on` is the day it is to ship, None is at once.

    `promised` of it is what a promise by date still says is to leave then. Its goods keep
    `life_days` behind delivery, `transit_days` after they leave, which they do by `leaves` (None
    is by `on`); without a life they keep as the rule for all says.
    """

    demand_ref: str
    hard: int
    soft: int = 0
    on: date | None = None
    promised: int = 0
    life_days: int | None = None
    transit_days: int = 0
    leaves: date | None = None


class Weight(NamedTuple):
    """What one base unit weighs as a rule, in micros of `unit`; some percent less, or more."""

    micros: int
    unit: str
    low_percent: int
    high_percent: int


class Lot(NamedTuple):
    """What lies there of a lot and an owner ("" is none, and ours), and its last day of use."""

    lot: str
    owner: str
    micros: int
    expires_on: date | None = None


class Heard(NamedTuple):
    """When a source of stock last spoke, if ever, and how many seconds it may be silent."""

    source: str
    heard_at: datetime | None
    freshness_seconds: int

    def is_stale(self, now: datetime) -> bool:
        if self.heard_at is None:
            return True
        return now >= self.heard_at + timedelta(seconds=self.freshness_seconds)


class Through(NamedTuple):
    """A kit that takes so many micros of an item a piece, and what is claimed of it there.

    `lots` that lie there assembled, under the kit's `terms`, where they are told apart. `through`
    are kits whose orders take this one; without `takes_parts` its own orders name its components.
    """

    per: int
    standing: Standing
    claims: Sequence[Claim] = ()
    lots: Sequence[Lot] | None = None
    terms: AtpTerms | None = None
    through: Sequence["Through"] = ()
    takes_parts: bool = True


class Node(NamedTuple):
    """An item-location as it was read: its standing, the claims told apart of it, its supply.

    `lots` None: they are not told apart, because nothing that is asked depends on them. `keeps`
    is false for an item of which lots are known to expire. `opens` is the first day that a member
    of a group can ship on, by its own clock, calendar and cut-off; None is no limit. `through`
    are kits whose orders take it.
    """

    terms: AtpTerms
    standing: Standing = Standing()
    claims: Sequence[Claim] = ()
    supplies: Sequence[Supply] = ()
    location: str = ""
    lots: Sequence[Lot] | None = None
    keeps: bool = True
    opens: date | None = None
    sources: Sequence[Heard] = ()
    through: Sequence[Through] = ()


class Question(NamedTuple):
    """`micros` None asks for the outlook alone; `own` are order lines that count for nothing.

    An order that is asked about again must not stand in its own way (A25). Of those, who is in
    `keeping` keeps what is pegged to him, and what is promised to him by date beyond so much that
    whoever asks has set aside for him. `unit` is the base
    unit of the item, `by` a day to say how much there is by then. `life_days` have to be left at
    delivery, `transit_days` after it leaves; None asks the rules, by `customer` and `channel`.
    `ruled` is what the rules of a kit or a group said, asked on to its components and members.
    It may leave `not_before` a day, and `before` another; None is no limit. `draws` asks what of a
    kit's parts goes out by when. `mode` None is what the rules say; of its `limits` and those of
    the rules the stricter hold. `is_dropship` asks what its supplier could send himself, as
    advice: nothing of ours is in it (§3.5).
    """

    item: str
    location: str
    unit: str
    micros: int | None = None
    by: date | None = None
    own: frozenset[str] = frozenset()
    life_days: int | None = None
    transit_days: int | None = None
    customer: str = ""
    channel: str = ""
    ruled: LifeTerms | None = None
    not_before: date | None = None
    before: date | None = None
    draws: bool = False
    mode: AtpMode | None = None
    limits: Limits = Limits()
    keeping: tuple[tuple[str, int], ...] = ()
    is_dropship: bool = False


class Basis(StrEnum):
    """What an answer stands on: goods and dated supply, or the time a new order takes.

    VENDOR_STOCK: what a supplier says that he has, which is advice for a drop-shipped line.
    UNLIMITED: no stock, for a rule says that none limits it.
    """

    SUPPLY = "SUPPLY"
    VENDOR_STOCK = "VENDOR_STOCK"
    LEAD_TIME = "LEAD_TIME"
    UNLIMITED = "UNLIMITED"
    NONE = "NONE"


class Bucket(NamedTuple):
    """`pab` is the projected balance, `atp` what can be promised (of this supply if DISCRETE).

    Where lots are told apart, `owed` is what is claimed by then and no goods serve that keep.
    """

    day: date
    supply: int
    demand: int
    pab: int
    atp: int
    owed: int = 0


class Dated(NamedTuple):
    day: date
    micros: int


class Shelved(NamedTuple):
    """A lot that lies there, and whether it can be promised: `until` is the last day it can leave.

    In the order in which they go: what expires first, first (FEFO).
    """

    lot: str
    owner: str
    micros: int
    expires_on: date | None
    is_eligible: bool
    until: date | None
    reason: str


class Pick(NamedTuple):
    """So much of a part of a promise is best taken from a lot; `lot` None: it is still to come."""

    day: date
    lot: str | None
    owner: str
    micros: int


class Draw(NamedTuple):
    """So much of an item that lies there, or comes, goes into what is promised of a kit."""

    item: str
    day: date
    micros: int


class Part(NamedTuple):
    """What an answer is put together from: a component of a kit, or (`per` 0) a member's stock.

    One kit takes `per` of a component in all. `level` 1 goes straight into it, deeper ones into
    its components; `into` are the kits that take it, and how much one of them takes. Of a promise
    that goes deeper `needed` is how much of it it takes, and `made` what of that is put together.
    """

    item: str
    location: str
    unit: str
    per: int
    standing: Standing
    inbound: tuple[Inbound, ...]
    buckets: tuple[Bucket, ...]
    lots: tuple[Shelved, ...] = ()
    level: int = 0
    into: tuple[tuple[str, int], ...] = ()
    needed: int | None = None
    made: int = 0

    @property
    def is_beside_stock(self) -> bool:
        """Say whether no stock limits it: there is no end of it, at once or some day."""
        return any(bucket.atp >= UNLIMITED for bucket in self.buckets[-1:])


class Offer(NamedTuple):
    """What an alternative has: so much `on_time`, in its own unit, which `covers` of the asked.

    `answer` is its own by date, `promised_on` when all that is lacking can leave as this item.
    """

    option: Option
    answer: "Atp"
    on_time: int
    covers: int
    promised_on: date | None
    reason: str


class Share(NamedTuple):
    """A part of a proposal: so much of an item, for so much of what is asked; `on` None: no date.

    `micros` 0: so much is less than a pack, and nothing covers it (A12). `ruled` and `version`
    name the rule it stands in by; "" and 0 are the item itself.
    """

    item: str
    unit: str
    micros: int
    covers: int
    on: date | None
    ruled: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Atp:
    """An answer with its derivation. Amounts are micros of `unit`.

    `quantity` is what was asked, in whole packs. `promised_on` is the first day all of it can
    leave, or its last part where no day has all of what does not keep, `basis` what that stands
    on, and `reason` why not earlier, or never. `schedule` are the days and parts in which it could
    leave soonest, `left_over` what no day has. `by_then` is how much of it there is on the day
    asked for. `buckets` names those in which something changes, `parts` the components of a kit
    and the members of a group, with their own. Where lots or owners are told apart, `lots` are
    those that lie there and `picks` what goes out for the parts of the schedule; what can be
    promised in a bucket is then what can leave on its day. `weight` is what one unit weighs, of an
    item that is sold by piece and invoiced by weight. `offers` are items that may stand in where
    it does not reach what is asked, `proposal` how to share it out. `sources` told of the stock it
    is made from, and when they last spoke. It is sold in whole packs, 0 is none; what is asked
    becomes more packs or, without `pack_up`, fewer, and leaves a `remainder` that is not sold as
    one (A12). `draws` name what a promise of a kit takes, the kit itself as far as it lies there
    assembled, where that was asked for. What `is_advice` is told of a supplier's own stock, which
    he is free to sell to others: it can be promised by nobody.
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
    life_days: int | None = None
    transit_days: int | None = None
    lots: tuple[Shelved, ...] = ()
    picks: tuple[Pick, ...] = ()
    weight: Weight | None = None
    offers: tuple[Offer, ...] = ()
    proposal: tuple[Share, ...] = ()
    sources: tuple[Heard, ...] = ()
    pack: int = 0
    pack_up: bool = True
    remainder: int = 0
    draws: tuple[Draw, ...] = ()
    is_advice: bool = False

    @property
    def is_stale(self) -> bool:
        """Say whether a source of its stock has been silent for too long."""
        return any(one.is_stale(self.as_of) for one in self.sources)

    @property
    def is_unlimited(self) -> bool:
        """Say whether a rule says that no stock limits it; its figures are no amounts then."""
        return self.mode is AtpMode.INFINITE

    @property
    def beside_stock(self) -> frozenset[str]:
        """Name what goes into it, itself or as a component, that no stock limits."""
        own = {self.item} if self.mode in BESIDE_STOCK else set[str]()
        return frozenset(own | {one.item for one in self.parts if one.is_beside_stock})

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
    """An item of which so many micros go into one base unit of a kit, in all (`Level`)."""

    item: str
    unit: str
    micros: int
    kin: Kin
    level: int = 1
    into: tuple[tuple[str, int], ...] = ()
