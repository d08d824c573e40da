"""What systems answered when they were asked for single keys, and what is known of keys."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from crossdock.capabilities.reconciliation.dumps import Line, Worth
from crossdock.capabilities.reconciliation.ports import Key
from crossdock.capabilities.reconciliation.store import Pair
from crossdock.foundation.database import Transaction

# What was answered is compared when the ledger has heard what had moved by then.
PUT_ANSWER = """
insert into reconciliation_answer (tenant, answer_id, connection, answered_at, lines)
values ($1, $2, $3, $4, $5)
"""
ANSWERS = """
select answer_id, connection, answered_at, lines::text as lines from reconciliation_answer
where tenant = $1 and answered_at < $2 order by connection, answered_at, answer_id
"""
DROP_ANSWERS = "delete from reconciliation_answer where tenant = $1 and answer_id = any($2)"

# Of each key what the last dump that told a class said; what did not change is not written.
PUT_CLASSES = """
insert into reconciliation_class as c (tenant, location, item, class, unit_cost, currency)
select $1, s.* from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
    s(location, item, class, unit_cost, currency)
order by s.location, s.item
on conflict (tenant, location, item) do update
set class = excluded.class, unit_cost = excluded.unit_cost, currency = excluded.currency
where (c.class, c.unit_cost, c.currency)
    is distinct from (excluded.class, excluded.unit_cost, excluded.currency)
"""
# What one costs, wherever a dump said so: in the functional currency, if it has a cost in that
# and the house has named it, and the dearest, so that no risk is made small.
COSTS = """
select w.item, c.unit_cost, c.currency from unnest($2::text[]) w(item)
cross join lateral (select unit_cost, currency from reconciliation_class
    where tenant = $1 and item = w.item and unit_cost >= 0
    order by $3 <> '' and currency not in ('', $3), unit_cost desc, currency limit 1) c
"""
CLASSES = """
select k.location, k.item, c.class, c.unit_cost, c.currency
from unnest($2::text[], $3::text[]) k(location, item)
cross join lateral (select class, unit_cost, currency from reconciliation_class
    where tenant = $1 and location = k.location and item = k.item limit 1) c
"""
COUNTS = """
select location, class, count(*) as keys from reconciliation_class where tenant = $1
group by location, class
"""
SAMPLED = """
select run_id, began_at, compared from reconciliation_run
where tenant = $1 and against = $2 and system = $3 and is_sample and began_at >= $4
    and verdict = 'DONE'
"""
# The next behind one, and then from the first on: no more are read than are asked for.
DOUBTED = """
(select distinct item from reconciliation_finding
    where tenant = $1 and location = $2 and system = 'crossdock'
        and state in ('SUSPECTED', 'CONFIRMED') and not is_gone and item > $3
    order by item limit $4)
union all
(select distinct item from reconciliation_finding
    where tenant = $1 and location = $2 and system = 'crossdock'
        and state in ('SUSPECTED', 'CONFIRMED') and not is_gone and item <= $3
    order by item limit $4)
limit $4
"""


class Sampling(NamedTuple):
    """A comparison of single keys that were asked for."""

    run_id: str
    began_at: datetime
    compared: int


class Answer(NamedTuple):
    """What a connection answered, once."""

    answer_id: str
    connection: str
    at: datetime
    lines: Sequence[Line]


async def put_answer(
    tx: Transaction, answer_id: str, connection: str, at: datetime, lines: Sequence[Line]
) -> None:
    text = msgspec.json.encode(lines).decode()
    await tx.execute(PUT_ANSWER, tx.tenant, answer_id, connection, at, text)


async def answers(tx: Transaction, before: datetime) -> dict[str, list[Answer]]:
    """Give what was answered before a moment by connection, the oldest first."""
    found: dict[str, list[Answer]] = {}
    for row in await tx.fetch(ANSWERS, tx.tenant, before):
        lines = msgspec.json.decode(row["lines"], type=list[Line])
        one = Answer(row["answer_id"], row["connection"], row["answered_at"], lines)
        found.setdefault(one.connection, []).append(one)
    return found


def newest_lines(answered: Iterable[Answer]) -> list[Line]:
    """Give the lines of each key from the newest answer that tells of it."""
    newest: dict[Key, list[Line]] = {}
    for one in answered:
        here: dict[Key, list[Line]] = {}
        for line in one.lines:
            here.setdefault((line.location, line.item), []).append(line)
        newest |= here
    return [line for lines in newest.values() for line in lines]


async def drop_answers(tx: Transaction, ids: Sequence[str]) -> None:
    await tx.execute(DROP_ANSWERS, tx.tenant, list(ids))


async def put_classes(tx: Transaction, known: Mapping[Key, Worth]) -> None:
    await tx.execute(
        PUT_CLASSES,
        tx.tenant,
        [location for location, _ in known],
        [item for _, item in known],
        [one.of for one in known.values()],
        [one.cost for one in known.values()],
        [one.currency for one in known.values()],
    )


async def costs_of(
    tx: Transaction, items: Collection[str], house: str
) -> dict[str, tuple[int, str]]:
    """Tell what a base unit of these items costs, in micros, and in which currency.

    `house` names the functional currency, or is "".
    """
    rows = await tx.fetch(COSTS, tx.tenant, sorted(items), house)
    return {row["item"]: (row["unit_cost"], row["currency"]) for row in rows}


async def classes_of(tx: Transaction, keys: Collection[Key]) -> dict[Key, Worth]:
    """Tell what dumps said of these keys; what nobody has classed is left out."""
    ordered = sorted(keys)
    rows = await tx.fetch(
        CLASSES, tx.tenant, [place for place, _ in ordered], [item for _, item in ordered]
    )
    return {
        (row["location"], row["item"]): Worth(row["class"], row["unit_cost"], row["currency"])
        for row in rows
    }


async def class_counts(tx: Transaction) -> dict[str, dict[str, int]]:
    """Count the keys of each class, by location."""
    found: dict[str, dict[str, int]] = {}
    for row in await tx.fetch(COUNTS, tx.tenant):
        found.setdefault(row["location"], {})[row["class"]] = row["keys"]
    return found


async def doubted(tx: Transaction, location: str, after: str, limit: int) -> list[str]:
    """Name the next items at a location, behind one, of which the ledger's number is in doubt."""
    rows = await tx.fetch(DOUBTED, tx.tenant, location, after, limit)
    return [row["item"] for row in rows]


async def sampled(tx: Transaction, pair: Pair, since: datetime) -> list[Sampling]:
    """List the samples of a pair of systems that were compared since a moment."""
    rows = await tx.fetch(SAMPLED, tx.tenant, pair.against, pair.system, since)
    return [Sampling(row["run_id"], row["began_at"], row["compared"]) for row in rows]
