"""Tells where channels are in safe mode, because a source of what they sell is silent (§7.2).

Each listing goes into safe mode by its own clock, the moment its source has been silent for too
long (`availability_publishing`). This tells people of it: one case and one event for each source
and channel, however many items there are; and closes the case when the source speaks again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.channels import ChannelSafeModeChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.identifiers import joined
from crossdock.canonical.quantities import MICROS, plain
from crossdock.capabilities.inventory import SourceAge
from crossdock.capabilities.inventory.answering import DEFAULT_FRESHNESS_SECONDS
from crossdock.capabilities.inventory.publishing import WhenStale
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.event_log import Entry
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.orchestration import cases
from crossdock.orchestration.cases import Said
from crossdock.orchestration.decision import CloseCase
from crossdock.orchestration.processes.channel_terms_told import HUB

EVERY = timedelta(seconds=30)
"""So late, at most, a person hears of a channel that is in safe mode."""

LONG = 2
"""A silence of so many times what is allowed wants another policy than waiting (§7.2)."""

TENANTS = WorkersSql("select distinct tenant from publishing_channel")

FORGET = timedelta(days=2)
"""A source that none of a channel's listings had on these days and today feeds it no more."""

ALONE = "select pg_advisory_xact_lock(hashtextextended('safe mode ' || $1, 0))"

# What channels that sell are fed by, as far as it is known. $2 and $3: of one channel, or "".
# What no listing was fed by since $4 feeds the channel no more: each is looked at daily.
FED = """
select distinct c.connection, c.location, c.when_stale, c.stale_buffer, f.source
from publishing_channel c
join publishing_feed f on f.tenant = $1 and f.connection = c.connection
    and f.location = c.location and f.place = any(c.source_locations) and f.seen_on >= $4
where c.tenant = $1 and c.is_active
    and ($2 = '' or (c.connection = $2 and c.location = $3))
order by c.connection, c.location, f.source
"""

TOLD = """
select s.connection, s.location, s.source, s.heard_at, s.since, s.is_long,
    coalesce(c.when_stale, 'KEEP') as when_stale
from publishing_silence s
left join publishing_channel c on c.tenant = $1 and c.connection = s.connection
    and c.location = s.location
where s.tenant = $1
"""

BEGIN = """
insert into publishing_silence (tenant, connection, location, source, heard_at, since)
select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[],
    $6::timestamptz[])
"""

END = """
delete from publishing_silence s
using unnest($2::text[], $3::text[], $4::text[]) w(connection, location, source)
where s.tenant = $1 and s.connection = w.connection and s.location = w.location
    and s.source = w.source
"""

LASTS = """
update publishing_silence s set is_long = true
from unnest($2::text[], $3::text[], $4::text[]) w(connection, location, source)
where s.tenant = $1 and s.connection = w.connection and s.location = w.location
    and s.source = w.source
"""

Place = tuple[str, str, str]
"""A channel's connection and location, and the source."""


class KnowsSources(Protocol):
    """Whoever knows when each source spoke, and how long it may be silent."""

    async def ages(self, tx: Transaction, /) -> Mapping[str, SourceAge]: ...

    async def gone(self, tx: Transaction, /) -> frozenset[str]:
        """Name the sources that were removed: nobody waits for them any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A source that a channel sells from and that has been silent for too long.

    It was heard last at `heard_at` (None: never), may be silent for `freshness_seconds`, and
    counts as stale `since` then.
    """

    source: str
    since: datetime
    heard_at: datetime | None
    freshness_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """The sources of what a channel sells, as far as any told of it, and which are silent."""

    sources: tuple[str, ...] = ()
    silent: tuple[Silence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A channel in safe mode for one source, and what was agreed for that."""

    place: Place
    silence: Silence
    overdue_at: datetime
    when_stale: str
    stale_buffer: int | None

    def is_long(self, now: datetime) -> bool:
        allowed = timedelta(seconds=self.silence.freshness_seconds)
        return now - self.silence.since > (LONG - 1) * allowed


class SafeMode:
    def __init__(self, database: Database, clock: Clock, sources: KnowsSources) -> None:
        self._database = database
        self._clock = clock
        self._sources = sources

    @property
    def job(self) -> Job:
        return Job(name="watch silent sources", every=EVERY, work=self.watch, limit=EVERY)

    async def watch(self) -> int:
        """Tell what has changed since it was told last; say how many went in or out. A job."""
        async with self._database.transaction(Scope.of_workers()) as tx:
            tenants = [row["tenant"] for row in await tx.fetch(TENANTS)]
        changed = 0
        for tenant in sorted(tenants):
            async with self._database.transaction(Scope(tenant)) as tx:
                changed += await self._watch(tx)
        return changed

    async def feeds(self, tx: Transaction, connection: str, location: str) -> Feeds:
        """Name what feeds a channel that is on, and which of that is silent, for how short ever.

        A case is opened, and what is shown lowered, only when it is no longer a little late.
        """
        rows = await self._fed(tx, connection, location)
        found = await self._silent(tx, rows)
        return Feeds(
            sources=tuple(row["source"] for row in rows),
            silent=tuple(one.silence for one in found.values()),
        )

    async def _watch(self, tx: Transaction) -> int:
        await tx.execute(ALONE, tx.tenant)
        now = self._clock.now()
        silent = await self._silent(tx, await self._fed(tx))
        found = {place: one for place, one in silent.items() if one.overdue_at <= now}
        told = {_place(row): row for row in await tx.fetch(TOLD, tx.tenant)}
        begun = [one for place, one in found.items() if place not in told]
        over = [place for place in told if place not in found]
        lasting = [
            one
            for place, one in found.items()
            if one.is_long(now) and not (place in told and told[place]["is_long"])
        ]
        if begun:
            heard = [one.silence.heard_at for one in begun]
            since = [one.silence.since for one in begun]
            await tx.execute(BEGIN, tx.tenant, *_columns([o.place for o in begun]), heard, since)
        if lasting:
            await tx.execute(LASTS, tx.tenant, *_columns([one.place for one in lasting]))
        if over:
            await tx.execute(END, tx.tenant, *_columns(over))
        said = [_opened(one, now) for one in begun]
        said += [_opened(one, now) for one in lasting if one not in begun]
        closed = [_closed(place) for place in over]
        words: list[OpenCase | CloseCase] = [*said, *closed]
        await cases.record(tx, [Said(tx.tenant, "", one) for one in words], now)
        payloads = [_began(one) for one in begun] + [_ended(told[place]) for place in over]
        await event_log.append(tx, [_entry(tx.tenant, payload, now) for payload in payloads])
        return len(payloads)

    async def _fed(
        self, tx: Transaction, connection: str = "", location: str = ""
    ) -> Sequence[Any]:
        """Find what feeds one channel, or all of them; what was removed feeds none."""
        gone = await self._sources.gone(tx)
        since = self._clock.now().date() - FORGET
        rows = await tx.fetch(FED, tx.tenant, connection, location, since)
        return [row for row in rows if row["source"] not in gone]

    async def _silent(self, tx: Transaction, rows: Sequence[Any]) -> dict[Place, _Found]:
        now = self._clock.now()
        ages = await self._sources.ages(tx) if rows else {}
        found: dict[Place, _Found] = {}
        for row in rows:
            if row["source"] == HUB:
                continue  # what the hub keeps itself waits for nobody's word
            unheard = SourceAge(row["source"], None, DEFAULT_FRESHNESS_SECONDS)
            age = ages.get(row["source"], unheard)
            if age.fresh_until <= now:
                silence = Silence(
                    source=row["source"],
                    since=now if age.heard_at is None else age.fresh_until,
                    heard_at=age.heard_at,
                    freshness_seconds=age.freshness_seconds,
                )
                found[_place(row)] = _Found(
                    place=_place(row),
                    silence=silence,
                    overdue_at=age.overdue_at,
                    when_stale=row["when_stale"],
                    stale_buffer=row["stale_buffer"],
                )
        return found


def policy(when_stale: str, stale_buffer: Decimal | None) -> str:
    """Say in words what a channel shows while it is in safe mode."""
    if when_stale == WhenStale.ZERO:
        return "it shows nothing"
    if when_stale == WhenStale.KEEP:
        return "it shows no more than it does"
    wider = "its buffer once more" if stale_buffer is None else plain(stale_buffer)
    return f"it shows no more than it does, and {wider} is held back besides"


def _place(row: Any) -> Place:
    return row["connection"], row["location"], row["source"]


def _columns(places: Sequence[Place]) -> list[list[str]]:
    return [[place[column] for place in places] for column in range(3)]


def _fingerprint(place: Place) -> str:
    return joined("EVT-STALE-SRC", *place)


def _opened(one: _Found, now: datetime) -> OpenCase:
    connection, location, source = one.place
    heard_at, buffer = one.silence.heard_at, one.stale_buffer
    said = policy(one.when_stale, None if buffer is None else Decimal(buffer) / MICROS)
    since = "never spoke" if heard_at is None else f"is silent since {heard_at:%Y-%m-%d %H:%M}"
    title = f"{source} {since} UTC; {connection} at {location} is in safe mode: {said}"
    is_long = one.is_long(now)
    return OpenCase(
        code="EVT-STALE-SRC",
        fingerprint=_fingerprint(one.place),
        severity="S2",
        owner_role="Integration",
        within=timedelta(hours=1),
        entity=f"{connection}/{location}",
        title=f"{title}; for twice as long as it may" if is_long else title,
        evidence={
            "source": source,
            "heard_at": heard_at,
            "freshness_seconds": one.silence.freshness_seconds,
            "when_stale": one.when_stale,
            "is_long": is_long,
            "suggested": f"crossdock connection check {source}",
        },
    )


def _closed(place: Place) -> CloseCase:
    resolution = f"{place[2]} speaks again, may be silent for longer, or feeds it no more"
    return CloseCase(fingerprint=_fingerprint(place), resolution=resolution)


def _began(one: _Found) -> ChannelSafeModeChanged:
    connection, location, source = one.place
    return ChannelSafeModeChanged(
        connection=connection,
        location=location,
        source=source,
        is_safe=True,
        when_stale=one.when_stale,
        since=one.silence.since,
        heard_at=one.silence.heard_at,
    )


def _ended(row: Any) -> ChannelSafeModeChanged:
    connection, location, source = _place(row)
    return ChannelSafeModeChanged(
        connection=connection,
        location=location,
        source=source,
        is_safe=False,
        when_stale=row["when_stale"],
        since=row["since"],
        heard_at=row["heard_at"],
    )


def _entry(tenant: str, changed: ChannelSafeModeChanged, now: datetime) -> Entry:
    place = changed.connection, changed.location, changed.source
    which = "begins" if changed.is_safe else "ends"
    fact = Fact(
        identity=joined("safe_mode", *place, which, now.isoformat()),
        payload=changed,
        occurred_at=now,
        recorded_at=now,
    )
    return Entry(tenant=tenant, source=HUB, received_at=now, fact=fact)
