"""Shares of one pool that add up to no more than the pool: asked when terms are agreed (I3)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS, plain
from crossdock.capabilities.inventory.publishing import ShareMode
from crossdock.foundation.database import Transaction
from crossdock.orchestration.processes.availability_pools import KnowsPools

WHOLE = 100

# Of two who agree on shares at the same time, the second sees what the first has got.
IN_TURNS = "select pg_advisory_xact_lock(hashtext('shares of ' || $1))"

# Who else has a share of the same kind of anything that is sold from these places.
RIVALS = """
select connection, location, covers, share_percent from publishing_channel
where tenant = $1 and is_active and share_mode = $2 and covers && $3::text[]
    and (connection, location) <> ($4, $5)
order by connection, location
"""

# The parts of others, in millionths of the base unit, rounded up.
PARTS = """
select w.item, p.connection, p.location,
    ceil(coalesce(i.share_fixed, p.share_fixed)::numeric * coalesce(i.unit_numerator, 1)
        / coalesce(i.unit_denominator, 1))::bigint as micros
from unnest($5::text[]) w(item)
join publishing_channel p on p.tenant = $1 and p.is_active and p.share_mode = 'PARTITION'
    and p.covers && $2::text[] and (p.connection, p.location) <> ($3, $4)
left join publishing_item i on i.tenant = $1 and i.connection = p.connection
    and i.location = p.location and i.item = w.item
where not coalesce(i.is_excluded, false)
order by p.connection, p.location
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The shares that somebody asks for a channel.

    It `covers` what it sells from, and the members of groups among that. `parts` are those of
    items that its terms name, in millionths of the base unit, each with its place in the terms.
    """

    connection: str
    location: str
    source_locations: tuple[str, ...]
    covers: tuple[str, ...]
    share_mode: ShareMode
    share_percent: Decimal
    parts: Mapping[str, tuple[int, str]]


async def check_shares(tx: Transaction, said: Said, stock: KnowsPools | None) -> None:
    """Refuse shares that with those of other channels are more than there is, naming them."""
    if said.share_mode in {ShareMode.PERCENT, ShareMode.PARTITION}:
        await tx.execute(IN_TURNS, tx.tenant)
    if said.share_mode is ShareMode.PERCENT:
        await _check_percents(tx, said)
    if said.share_mode is ShareMode.PARTITION and said.parts and stock is not None:
        await _check_parts(tx, said, stock)


async def _check_percents(tx: Transaction, said: Said) -> None:
    places = [*said.source_locations, *sorted({*said.covers} - {*said.source_locations})]
    rivals = await tx.fetch(
        RIVALS, tx.tenant, said.share_mode, places, said.connection, said.location
    )
    for place in places:
        there = [row for row in rivals if place in row["covers"]]
        total = said.share_percent + sum(row["share_percent"] for row in there)
        if total > WHOLE:
            others = _named((row, f"{plain(row['share_percent'])} %") for row in there)
            raise Invalid(
                f"{plain(said.share_percent)} % of what is at {place}, and {others},"
                f" are {plain(total)} %",
                where="/share_percent",
                hint="lower one of them first",
            )


async def _check_parts(tx: Transaction, said: Said, stock: KnowsPools) -> None:
    places, items = list(said.source_locations), sorted(said.parts)
    keys = [(tx.tenant, item, place) for item in items for place in places]
    pools = await stock.pools(tx, keys)
    rows = await tx.fetch(PARTS, tx.tenant, said.covers, said.connection, said.location, items)
    for item in items:
        known = [pools[tx.tenant, item, p] for p in places if (tx.tenant, item, p) in pools]
        there_is = sum((pool.for_shares or pool).free for pool in known)
        own, where = said.parts[item]
        others = [row for row in rows if row["item"] == item]
        total = own + sum(row["micros"] for row in others)
        if known and total > there_is:
            named = _named((row, _amount(row["micros"])) for row in others)
            raise Invalid(
                f"{item}: {_amount(own)} here{' and ' + named if named else ''} are"
                f" {_amount(total)}, and there are {_amount(there_is)} at {', '.join(places)}",
                where=where,
                hint="make a part smaller, or bring in stock first",
            )


def _named(parts: Iterable[tuple[Any, str]]) -> str:
    return " and ".join(f"{said} of {row['connection']}/{row['location']}" for row, said in parts)


def _amount(micros: int) -> str:
    return plain(Decimal(micros) / MICROS)
