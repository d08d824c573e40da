"""Where the ledger is in doubt just now, for whoever answers from it (§4.3). Read side only."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from crossdock.canonical.quantities import Quantity
from crossdock.foundation.database import Transaction

# By the partial index on the items that are in doubt, which are few.
DOUBTFUL = """
select item, location, finding_id, against, state, unit, is_in_flight,
    evidence ->> 'doubted' as doubted
from reconciliation_finding
where tenant = $1 and item = any($2) and system = 'crossdock'
    and state in ('SUSPECTED', 'CONFIRMED') and not is_gone
order by item, location, state, found_at, finding_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A finding that is open on the hub's own number.

    `difference` is how much more the other side says can be sold, but for what is on its way, in
    the base unit; below zero it says less, and zero is that what differs cannot be sold.
    `state` is SUSPECTED or CONFIRMED.
    """

    finding_id: str
    against: str
    state: str
    difference: Quantity
    is_in_flight: bool


async def doubts_in(
    tx: Transaction, items: Collection[str]
) -> Mapping[tuple[str, str], list[Doubt]]:
    """Tell what is in doubt of these items, by item and location; the confirmed ones first."""
    found: dict[tuple[str, str], list[Doubt]] = defaultdict(list)
    for row in await tx.fetch(DOUBTFUL, tx.tenant, sorted(items)):
        found[row["item"], row["location"]].append(
            Doubt(
                finding_id=row["finding_id"],
                against=row["against"],
                state=row["state"],
                difference=Quantity.of(row["doubted"], row["unit"]),
                is_in_flight=row["is_in_flight"],
            )
        )
    return found
