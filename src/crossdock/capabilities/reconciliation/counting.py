"""The plan of a day as stored: what is to be counted by its class (§4.2)."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from crossdock.foundation.database import Transaction

# What is to be counted by its class, by the dumps of a day; an older day's plan is over.
PUT_COUNTS = """
insert into reconciliation_count (tenant, location, item, class, due_on)
select $1, s.location, s.item, s.class, $2
from unnest($3::text[], $4::text[], $5::text[]) s(location, item, class)
on conflict (tenant, location, item) do update set class = excluded.class,
    due_on = excluded.due_on
"""
DROP_COUNTS = "delete from reconciliation_count where tenant = $1 and due_on < $2"
COUNTS_DUE = """
select location, item, class from reconciliation_count
where tenant = $1 and due_on = $2 and ($3 = '' or location = $3) order by class, location, item
"""


class CountRow(NamedTuple):
    location: str
    item: str
    of: str


async def put_counts(tx: Transaction, counts: Sequence[CountRow], due_on: date) -> None:
    await tx.execute(DROP_COUNTS, tx.tenant, due_on)
    await tx.execute(
        PUT_COUNTS,
        tx.tenant,
        due_on,
        [one.location for one in counts],
        [one.item for one in counts],
        [one.of for one in counts],
    )


async def counts_due(tx: Transaction, due_on: date, location: str) -> list[CountRow]:
    rows = await tx.fetch(COUNTS_DUE, tx.tenant, due_on, location)
    return [CountRow(row["location"], row["item"], row["class"]) for row in rows]
