"""What a listing's instance remembers, and what it looks at to decide what its channel shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from crossdock.canonical.commands import Settlement
from crossdock.capabilities.inventory.publishing import Terms, WhenStale
from crossdock.orchestration.processes.availability_kits import KitPool
from crossdock.orchestration.processes.availability_writes import Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """The newest write whose outcome is awaited; `waiting_since` is when the first was sent.

    `awaited` is by how much orders had risen, when it was sent, without a fall that we heard of.
    """

    version: int
    level: int
    expected: int | None
    sent_at: datetime
    waiting_since: datetime
    awaited: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What an instance remembers; amounts in millionths of the unit that the channel sells.

    `held` is what the channel last confirmed to hold, at some moment between `held_from` and
    `held_at`: by a write, or in its own words, of which the newest looked at were said at
    `heard_at`; the last that contradicted each other came at `disputed_at`, and the last that said
    the same of the same moment at `repeated_at`. `unexplained` is by how much the channel fell
    without an order that we count; below zero, by how much orders rose without a fall that we
    heard of. `doubtful` is a write that may have arrived after all; `is_doubted` says that `held`
    itself wants proof. The last time a person asked for a write is `asked_at`; `is_asked`: it is
    still to be sent.
    """

    version: int = 0
    held: int | None = None
    held_from: datetime | None = None
    held_at: datetime | None = None
    heard_at: datetime | None = None
    disputed_at: datetime | None = None
    repeated_at: datetime | None = None
    flight: Flight | None = None
    doubtful: int | None = None
    is_doubted: bool = False
    demand: int | None = None
    unexplained: int = 0
    unexplained_until: datetime | None = None
    flush_at: datetime | None = None
    asked_at: datetime | None = None
    is_asked: bool = False
    corrections: int = 0
    retry_at: datetime | None = None
    is_troubled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What the channel has said: its own level by its clock, and the newest outcome of ours.

    `disputed_at` is when words last came that differ and that its clock cannot put in order;
    `repeated_at` is when the newest word last came again, the same of the same moment. `asked_at`
    is when a person last asked for a write.
    """

    heard: int | None = None
    heard_at: datetime | None = None
    disputed_at: datetime | None = None
    repeated_at: datetime | None = None
    settled_version: int | None = None
    settlement: Settlement | None = None
    observed: int | None = None
    detail: str = ""
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The channel's terms for this item, how patient to be with it, and whether it sells now."""

    terms: Terms
    coalesce: timedelta = timedelta(seconds=60)
    wait_for_order: timedelta = timedelta(seconds=30)
    corrections_max: int = 8
    retry: timedelta = timedelta(seconds=60)
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How long goods of a place have to keep for a channel, by its rule (I8).

    `days` are left at delivery, which is `transit_days` after they leave.
    """

    location: str
    days: int
    transit_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a decision looks at. `pool` None is unknown, and never written as zero.

    `sources` tells until when each source of the pool counts as heard; one that is silent since
    `fresh_until` lowers what is shown at `lowers_at` (None: at once). Of the places `untold`
    nobody ever said what lies there. After `rights_until` a new period begins for what is kept
    for channels, this one or others. `short_dated` is there besides the pool, and too old for what
    the channel's rules ask (`lives`); at `ages_at` more of it will be. `kits` is what a kit is put
    together from, by place, for the `channel` as allocation names it.
    """

    listing: Listing
    agreement: Agreement
    pool: int | None
    demand: int = 0
    fresh_until: datetime | None = None
    lowers_at: datetime | None = None
    rights_until: datetime | None = None
    short_dated: int = 0
    lives: tuple[Life, ...] = ()
    ages_at: datetime | None = None
    sources: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    untold: tuple[str, ...] = ()
    level: Level = Level()
    kits: tuple[KitPool, ...] = ()
    channel: str = ""

    def is_stale(self, now: datetime) -> bool:
        return self.fresh_until is not None and self.fresh_until <= now

    def terms_when_stale(self, now: datetime) -> Terms:
        """Give what holds while a source is silent: before `lowers_at`, to keep what is shown."""
        terms = self.agreement.terms
        if self.lowers_at is not None and now < self.lowers_at:
            return replace(terms, when_stale=WhenStale.KEEP)
        return terms

    def silent(self, now: datetime) -> tuple[str, ...]:
        """Name the sources of the pool that have been silent for too long."""
        return tuple(sorted(name for name, until in self.sources.items() if until <= now))
