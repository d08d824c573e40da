"""Which movements a connection was asked to book and has not booked: for comparing stock."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from crossdock.canonical.commands import Settlement
from crossdock.foundation.database import Transaction
from crossdock.orchestration.processes.movement_posting import GIVEN_UP

# An instance's name begins with its connection; what is settled as DONE is booked. What a person
# has given up is nothing to wait for: it was booked by hand, or never will be.
WAITING = """
select booking->>'item' as item, booking->>'source' as source, booking->>'identity' as identity,
    settlement
from movement_booking
where tenant = $1 and instance >= $2 and instance < $3
    and settlement is distinct from 'DONE' and booking->>'item' = any($4)
    and code <> all($5)
"""


class Waiting(NamedTuple):
    """`identity` is the movement's in its source; `is_rejected`: the books refused it."""

    source: str
    identity: str
    is_rejected: bool


class Bookings:
    async def waiting(
        self, tx: Transaction, connection: str, items: Collection[str]
    ) -> Mapping[str, Sequence[Waiting]]:
        """Name, item by item, the movements that the connection has not booked yet."""
        found: dict[str, list[Waiting]] = {}
        first = f"{quote(connection, safe='')}/"
        for row in await tx.fetch(
            WAITING, tx.tenant, first, f"{first[:-1]}0", sorted(items), sorted(GIVEN_UP)
        ):
            is_rejected = row["settlement"] == Settlement.REFUSED
            waiting = Waiting(row["source"], row["identity"], is_rejected)
            found.setdefault(row["item"], []).append(waiting)
        return found
