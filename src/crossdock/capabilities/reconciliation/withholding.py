"""While a difference is open, channels are shown the lower of the two numbers (§4.3)."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.reconciliation import WithholdingChanged
from crossdock.capabilities.reconciliation import count_doubts
from crossdock.capabilities.reconciliation.evidence import instant
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.ports import Key, ReadsLedger
from crossdock.capabilities.reconciliation.store import FindingRow
from crossdock.foundation.database import Transaction

# By the partial index on the items that are in doubt, which are few. A class that is shown as
# booked withholds nothing.
WITHHELD = """
select f.item, f.location, f.withheld, f.last_cut, f.seen
from reconciliation_finding f
where f.tenant = $1 and f.item = any($2) and f.state in ('SUSPECTED', 'CONFIRMED')
    and not f.is_gone and f.withheld > 0
    and not exists (select from reconciliation_policy p
        where p.tenant = $1 and f.class = any(p.as_booked))
"""
OF_CLASSES = """
select item, location, against, system, unit, withheld, class from reconciliation_finding
where tenant = $1 and state in ('SUSPECTED', 'CONFIRMED') and not is_gone and withheld > 0
    and class = any($2)
order by location, item
"""
POLICY = "select four_eyes, as_booked from reconciliation_policy where tenant = $1"
PUT_POLICY = """
insert into reconciliation_policy (tenant, four_eyes, as_booked, changed_at, changed_by)
values ($1, $2, $3, $4, $5)
on conflict (tenant) do update set four_eyes = excluded.four_eyes,
    as_booked = excluded.as_booked, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by, version = reconciliation_policy.version + 1
where (reconciliation_policy.four_eyes, reconciliation_policy.as_booked)
    is distinct from (excluded.four_eyes, excluded.as_booked)
returning version
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HousePolicy:
    """What a tenant has decided.

    `four_eyes`: a dump that was rejected is believed by another than who gave it. `as_booked` are
    the item classes (A, B, C) of which channels are shown what the ledger says also while it is in
    doubt: a lost sale is held to cost more there than a broken promise.
    """

    four_eyes: bool = False
    as_booked: tuple[str, ...] = ()


async def policy_in(tx: Transaction) -> HousePolicy:
    row = await tx.fetchrow(POLICY, tx.tenant)
    if row is None:
        return HousePolicy()
    return HousePolicy(four_eyes=row["four_eyes"], as_booked=tuple(row["as_booked"]))


async def put_policy(
    tx: Transaction, wanted: HousePolicy, by: str, now: datetime
) -> tuple[list[WithholdingChanged], int]:
    """Keep it; answer what is shown otherwise from now on, and its version; 0 is nothing new."""
    if strange := [of for of in wanted.as_booked if of not in ItemClass.__members__]:
        raise Invalid(f"{strange[0][:40]!r} is no class", where="/as_booked", hint="A, B or C")
    before = await policy_in(tx)
    classes = sorted(set(wanted.as_booked))
    changed = sorted(set(before.as_booked) ^ set(classes))
    items = await count_doubts.items_of(tx, changed) if changed else set[str]()
    shown = await count_doubts.withheld_in(tx, tx.tenant, items)
    put = (tx.tenant, wanted.four_eyes, classes, now, by)
    version: int = await tx.fetchval(PUT_POLICY, *put) or 0
    rows = await tx.fetch(OF_CLASSES, tx.tenant, changed) if changed else []
    counted = await count_doubts.withheld_in(tx, tx.tenant, items)
    return [
        *count_doubts.changes(shown, counted, shown.keys() | counted.keys()),
        *(
            WithholdingChanged(
                against=row["against"],
                item=row["item"],
                location=row["location"],
                withheld=Quantity.from_micros(
                    0 if row["class"] in classes else row["withheld"], row["unit"]
                ),
            )
            for row in rows
        ),
    ], version


async def withheld_in(
    tx: Transaction, tenant: str, items: Collection[str], ledger: ReadsLedger
) -> dict[str, dict[str, int]]:
    """Say by how many micros less than the ledger may be shown: item, location, amount.

    What was withheld holds for the ledger as the comparison saw it. A message that came in since,
    and was recorded before the cut, has changed the ledger and the difference alike. Two systems
    that both say less are one doubt: the lowest number counts.
    A count that waits is one more.
    """
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for (place, item), held in (await count_doubts.withheld_in(tx, tenant, items)).items():
        found[item][place] = held.micros
    rows = await tx.fetch(WITHHELD, tenant, sorted(items))
    if not rows:
        return found
    late = await ledger.late(
        tx,
        [
            (
                row["item"],
                row["location"],
                (row["last_cut"] - instant(0)) // timedelta(microseconds=1),
                row["seen"],
            )
            for row in rows
        ],
    )
    for row, gained in zip(rows, late, strict=True):
        left = max(0, row["withheld"] + gained)
        places = found[row["item"]]
        places[row["location"]] = max(left, places.get(row["location"], 0))
    return found


def changes(
    befores: Mapping[Key, FindingRow], rows: Sequence[FindingRow], gone: Sequence[FindingRow]
) -> list[WithholdingChanged]:
    """Tell of which keys more or less is withheld than before."""
    told: list[WithholdingChanged] = []
    for row in rows:
        before = befores.get((row.location, row.item))
        if held(row) != (held(before) if before else 0):
            told.append(changed(row, held(row)))
    return [*told, *(changed(row, 0) for row in gone if held(row))]


def held(row: FindingRow) -> int:
    is_open = row.state in {"SUSPECTED", "CONFIRMED"} and not row.is_gone
    return row.withheld if is_open else 0


def changed(row: FindingRow, micros: int) -> WithholdingChanged:
    return WithholdingChanged(
        against=row.against,
        item=row.item,
        location=row.location,
        withheld=Quantity.from_micros(micros, row.unit),
    )
