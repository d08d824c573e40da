"""Who was sold what is not there: accepted beyond supply by a channel that is shown it (§7.2).

Of such a channel every order line is owed what was accepted, whatever its strategy. What comes
before a line is to leave is had; the rest is a person's to tell the customer of, once it has
lacked for a while: a count or a receipt may come late.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from crossdock.capabilities.allocation.asks import Around, Key, Outlook
from crossdock.capabilities.allocation.model import Line, RunException, Why
from crossdock.capabilities.allocation.shapes import Run, RunLine, Short
from crossdock.capabilities.allocation.standing import rules_for
from crossdock.foundation.database import Transaction

PATIENCE = timedelta(minutes=30)
"""So long a line lacks before a person is told of it, and it counts as oversold."""


SLACK = timedelta(minutes=5)
"""As late as this allocation may come to a line that has lacked for so long."""


class Oversold(NamedTuple):
    """Who of an item at a location is short, and what is to be told of the rest."""

    short: tuple[Short, ...]
    outlook: Outlook


NOBODY = Oversold((), Outlook((), None))


@dataclass(frozen=True, slots=True)
class SoldOn:
    """What became of a channel's stock on a day, by UTC.

    Of so many item-locations its orders took the last there was, of so many of these more; each
    order line counts once, when it is first seen whole or has lacked for so long that it is told.
    `orders` were accepted beyond supply.
    """

    day: date
    sold_out: int
    oversold: int
    orders: int


NOTE = """
update allocation_line l set beyond = k.beyond, is_last = k.is_last
from unnest($2::text[], $3::bigint[], $4::boolean[]) k(demand_ref, beyond, is_last)
where l.tenant = $1 and l.demand_ref = k.demand_ref and l.beyond is null
"""
SINCE = """
select demand_ref, short_since from allocation_line
where tenant = $1 and demand_ref = any($2::text[]) and short_since is not null
"""
LACKS = """
update allocation_line l set short_since = k.short_since
from unnest($2::text[], $3::timestamptz[]) k(demand_ref, short_since)
where l.tenant = $1 and l.demand_ref = k.demand_ref
"""
STILL_EARLY = """
select l.demand_ref from unnest($2::text[], $3::text[]) k(item, location)
join allocation_line l on l.tenant = $1 and l.location = k.location and l.item = k.item
    and l.closed_at is null and l.short_since > $4
"""
# What is marked already is looked at sooner, or not in order now, and is marked again then.
LOOK_LATER = """
insert into allocation_due (tenant, item, location, reason, due_at)
select $1, k.item, k.location, 'SCHEDULE', k.due_at
from unnest($2::text[], $3::text[], $4::timestamptz[]) k(item, location, due_at)
order by k.item, k.location on conflict do nothing
"""
BY_DAY = """
select (since at time zone 'UTC')::date as day, count(distinct (item, location)) as sold_out,
    count(distinct (item, location)) filter (where beyond > 0) as oversold,
    count(distinct (source, order_id)) filter (where beyond > 0) as orders
from allocation_line
where tenant = $1 and channel = any($2::text[]) and location = any($3::text[]) and since >= $4
    and (is_last or beyond > 0)
group by 1 order by 1 desc
"""


async def sold_by_day(
    tx: Transaction, channels: Sequence[str], places: Sequence[str], since: datetime
) -> list[SoldOn]:
    """Count the sell-outs and the oversells of a channel, by these names, the newest day first."""
    rows = await tx.fetch(BY_DAY, tx.tenant, list(channels), list(places), since)
    return [SoldOn(*row) for row in rows]


async def oversold(
    tx: Transaction, around: Around, runs: Sequence[Run], now: datetime
) -> Mapping[Key, Oversold]:
    """Say who is short by these runs of channels that tell it; who has all is left out.

    Supply is asked once, of all that is lacking of an item at a location together. Who has just
    come to lack is told when he still does a while later. What channels that are shown stock sold
    beyond it is noted once it is sure.
    """
    shown, telling = await _concerned(tx, around, runs)
    if not shown and not telling:
        return {}
    by_key = {(run.item, run.location): run for run in runs}
    refs: list[str] = []
    waiting: dict[Key, list[RunLine]] = {}
    for key, run in by_key.items():
        for line in run.lines:
            if line.demand_ref in telling or line.channel in shown:
                refs.append(line.demand_ref)
                if _lacks(line, run):
                    waiting.setdefault(key, []).append(line)
    asked = {
        key: (
            by_key[key].unit,
            sum(line.requested for line in some),
            frozenset(line.demand_ref for line in some),
        )
        for key, some in waiting.items()
    }
    outlooks = await around.supply.outlook(tx, asked, now) if asked else {}
    found = {
        key: Oversold(_short(by_key[key], some, outlooks[key].parts), outlooks[key])
        for key, some in waiting.items()
    }
    lasting = await _lasting(tx, refs, found, now)
    await _note(tx, runs, shown, (found, lasting))
    ripe = telling & lasting
    told = {
        key: one._replace(short=tuple(each for each in one.short if each.demand_ref in ripe))
        for key, one in found.items()
    }
    return {key: one for key, one in told.items() if one.short}


async def _concerned(
    tx: Transaction, around: Around, runs: Sequence[Run]
) -> tuple[frozenset[str], frozenset[str]]:
    """Name the channels that are shown stock, and the order lines whose shortage is told."""
    lines = [line for run in runs for line in run.lines]
    channels = {line.channel for line in lines}
    if not channels:
        return frozenset(), frozenset()
    shown = await around.channels.shown_stock(tx, sorted(channels))
    orders = {line.order_id for line in lines}
    customers = {line.customer for line in lines}
    rules = await rules_for(tx, around.parties, orders, customers, channels)
    telling: set[str] = set()
    for line in lines:
        tells = rules.tells_shortage(line.order_id, line.customer, line.channel)
        if line.channel in shown if tells is None else tells:
            telling.add(line.demand_ref)
    return shown, frozenset(telling)


async def _lasting(
    tx: Transaction, refs: Sequence[str], found: Mapping[Key, Oversold], now: datetime
) -> frozenset[str]:
    """Name those that have lacked for long enough; have the others looked at when they have."""
    rows = await tx.fetch(SINCE, tx.tenant, list(refs))
    before: dict[str, datetime] = {row["demand_ref"]: row["short_since"] for row in rows}
    short = {one.demand_ref: key for key, these in found.items() for one in these.short}
    since = {ref: before.get(ref, now) for ref in short}
    if changed := sorted(before.keys() ^ since.keys()):
        await tx.execute(LACKS, tx.tenant, changed, [since.get(ref) for ref in changed])
    lasting = frozenset(ref for ref, at in since.items() if now - at >= PATIENCE)
    later: dict[Key, datetime] = {}
    for ref in since.keys() - lasting:
        key = short[ref]
        later[key] = min(later.get(key, datetime.max.replace(tzinfo=now.tzinfo)), since[ref])
    await look_later(tx, {key: at + PATIENCE for key, at in later.items()})
    return lasting


async def still_early(tx: Transaction, keys: Sequence[Key], now: datetime) -> frozenset[str]:
    """Name order lines that have not lacked for so long that it is told, or only just have."""
    columns = [item for item, _ in keys], [location for _, location in keys]
    rows = await tx.fetch(STILL_EARLY, tx.tenant, *columns, now - PATIENCE - SLACK)
    return frozenset(row["demand_ref"] for row in rows)


async def look_later(tx: Transaction, keys: Mapping[Key, datetime]) -> None:
    """Have item-locations looked at again at a time."""
    if keys:
        items, locations = zip(*keys, strict=True)
        await tx.execute(LOOK_LATER, tx.tenant, list(items), list(locations), list(keys.values()))


async def _note(
    tx: Transaction,
    runs: Sequence[Run],
    shown: frozenset[str],
    lacking: tuple[Mapping[Key, Oversold], Collection[str]],
) -> None:
    """Note how much of lines is beyond supply; what lacks and may still be mended is not, yet."""
    found, lasting = lacking
    rows: list[tuple[str, int, bool]] = []
    for run in runs:
        short = {one.demand_ref: one for one in found.get((run.item, run.location), NOBODY).short}
        is_gone = 0 < run.supply <= sum(max(line.before, line.after) for line in run.lines)
        for line in run.lines:
            if line.channel in shown:
                one = short.get(line.demand_ref)
                # What a run that waits would confirm lies there: it is not beyond supply.
                gets = line.requested if one is None else max(one.gets, line.after)
                beyond = line.requested - gets
                is_last = beyond > 0 or (is_gone and max(line.before, line.after) > 0)
                if not beyond or line.demand_ref in lasting:
                    rows.append((line.demand_ref, beyond, is_last))
    if rows:
        await tx.execute(NOTE, tx.tenant, *map(list, zip(*rows, strict=True)))


def gets_in_time(
    lines: Sequence[RunLine | Line], has: Mapping[str, int], parts: Sequence[tuple[date, int]]
) -> Mapping[str, int]:
    """Say what each of these lines gets by the day it leaves on: what it has, and what comes.

    `parts` are what they could all leave in, beside everybody else. Who leaves first has what
    comes first, also what is too late for him; who names no day cannot wait.
    """
    found: dict[str, int] = {}
    taken = sum(has[line.demand_ref] for line in lines)
    for line in sorted(lines, key=_leaves):
        ref, lacks = line.demand_ref, line.requested - has[line.demand_ref]
        by_then = sum(micros for day, micros in parts if line.ships_on and day <= line.ships_on)
        found[ref] = has[ref] + max(0, min(lacks, by_then - taken))
        taken += lacks
    return found


def _leaves(line: RunLine | Line) -> tuple[date, datetime, str]:
    return (line.ships_on or date.min, line.since, line.demand_ref)


def _lacks(line: RunLine, run: Run) -> int:
    return max(0, line.requested - _has(line, run) - line.coming)


def _has(line: RunLine, run: Run) -> int:
    return run.has(line, is_applied=run.is_applied)


def _short(
    run: Run, lines: Sequence[RunLine], parts: Sequence[tuple[date, int]]
) -> tuple[Short, ...]:
    has = {line.demand_ref: _has(line, run) for line in lines}
    gets = gets_in_time(lines, has, parts)
    return tuple(
        Short(
            line.demand_ref,
            RunException.OVERSOLD,
            gets[line.demand_ref],
            line.requested,
            line.why if run.is_applied else Why.NOT_TOUCHED,
            line.picked,
        )
        for line in lines
        if gets[line.demand_ref] < line.requested
    )
