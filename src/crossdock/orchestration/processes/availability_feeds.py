"""Who tells of what a channel shows: noted as its listings are looked at."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from crossdock.foundation.database import Transaction

Feed = tuple[str, str, str, str, str]
"""A tenant, its channel's connection and location, a place it sells from, and a source of that."""

# Each listing is looked at once a day at least, so a source that feeds none is no longer seen.
LEARN = """
insert into publishing_feed as known (tenant, connection, location, place, source, seen_on)
select *, $6::date from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
on conflict (tenant, connection, location, place, source) do update
    set seen_on = excluded.seen_on where known.seen_on < excluded.seen_on
"""


def feeds(rows: Sequence[Any], sources: Mapping[tuple[str, str, str], Iterable[str]]) -> set[Feed]:
    """Name who tells of what these listings show; one that shows nothing by agreement is out."""
    return {
        (row["tenant"], row["connection"], row["location"], place, source)
        for row in rows
        if not row["is_excluded"]
        for place in row["source_locations"]
        for source in sources.get((row["tenant"], row["item"], place), ())
    }


async def learn(tx: Transaction, told: set[Feed], learnt: dict[Feed, date], today: date) -> None:
    """Note who feeds which channel; what this process noted that day is not said again."""
    if new := sorted(one for one in told if learnt.get(one) != today):
        await tx.execute(LEARN, *([one[column] for one in new] for column in range(5)), today)
        tx.afterwards(lambda: learnt.update(dict.fromkeys(new, today)))
