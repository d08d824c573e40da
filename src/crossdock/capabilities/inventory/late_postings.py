"""What happened before a moment and was written down after it: late postings (R8). Read only."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from crossdock.foundation.database import Transaction

# Of what came in behind a place in the log; goods in transit are at no shelf.
LATE = """
select p.location, p.item, sum(m.signed)::bigint as micros,
    count(distinct m.event_position) as postings
from (
    select event_position, from_position as position_id, -micros as signed
    from inventory_movement
    where tenant = $1 and event_position > $2 and us > $3 and occurred_at < $4
        and from_position is not null
    union all
    select event_position, to_position, micros
    from inventory_movement
    where tenant = $1 and event_position > $2 and us > $3 and occurred_at < $4
        and to_position is not null) m
join inventory_position p on p.tenant = $1 and p.position_id = m.position_id
where p.status <> 'IN_TRANSIT' and p.location = any($5)
group by p.location, p.item order by p.location, p.item
"""


class LatePosting(NamedTuple):
    """What an item at a location gained by so many movements."""

    location: str
    item: str
    micros: int
    postings: int


class LatePostings:
    async def late(
        self, tx: Transaction, since: int, cut: tuple[int, datetime], places: Sequence[str]
    ) -> list[LatePosting]:
        """Give what was recorded after the cut, microseconds and moment, and happened before.

        `since` is a place in the log before which nothing was recorded after it.
        """
        rows = await tx.fetch(LATE, tx.tenant, since, *cut, places)
        return [
            LatePosting(row["location"], row["item"], row["micros"], row["postings"])
            for row in rows
        ]
