"""What runs have found elsewhere for order lines, and what became of it: the statements.

Locks are taken in the order: order lines, alternatives, stock rows, what is due.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from crossdock.capabilities.allocation.alternatives import Alternative, AlternativeState, Offer
from crossdock.foundation.database import Transaction, WorkersSql

Key = tuple[str, str]

ADD = """
insert into allocation_alternative (tenant, run_id, place, demand_ref, line_item, line_location,
    channel, net, item, location, unit, micros, covers, ships_on, arrives_on, decision_id, why,
    customer)
select $1, * from unnest($2::text[], $3::integer[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[],
    $14::date[], $15::date[], $16::text[], $17::text[], $18::text[])
"""
OF_RUN = """
select * from allocation_alternative where tenant = $1 and run_id = $2 order by place
"""
# Those that count for lines that claim, or claimed, an item at a location.
STANDING = """
select a.* from unnest($2::text[], $3::text[]) k(item, location)
join allocation_alternative a on a.tenant = $1 and a.line_location = k.location
    and a.line_item = k.item and a.state in ('WANTED', 'HELD')
order by a.run_id, a.place
"""
# What applied runs want and nothing holds yet.
WANTED = """
select item, location, sum(micros)::bigint as micros from allocation_alternative
where tenant = $1 and state = 'WANTED' group by item, location
"""
WANT = """
update allocation_alternative set state = 'WANTED'
where tenant = $1 and run_id = any($2::text[]) and state = 'PROPOSED'
"""
END = """
update allocation_alternative a set state = 'ENDING'
from unnest($2::text[], $3::integer[]) k(run_id, place)
where a.tenant = $1 and a.run_id = k.run_id and a.place = k.place
    and a.state in ('WANTED', 'HELD')
"""
# What is to be held or let go; `position` is the newest event that said where its line claims.
TO_DO = WorkersSql("""
select a.tenant, a.run_id, a.place, coalesce(l.position, 0) as position
from allocation_alternative a
left join allocation_line l on l.tenant = a.tenant and l.demand_ref = a.demand_ref
where a.state in ('WANTED', 'ENDING') and (a.tenant, a.run_id, a.place) > ($1, $2, $3)
order by a.tenant, a.run_id, a.place limit $4
""")
LOCK = """
select * from allocation_alternative
where tenant = $1 and run_id = $2 and place = $3 and state in ('WANTED', 'ENDING')
for update skip locked
"""
# How often a line, as it is ordered now, was denied what; and when it last was.
DENIALS = """
select a.demand_ref, a.net, a.item, a.location, count(*) as times, max(a.moved_at) as last_at
from unnest($2::text[]) k(demand_ref)
join allocation_alternative a on a.tenant = $1 and a.demand_ref = k.demand_ref
    and a.state = 'DENIED'
group by a.demand_ref, a.net, a.item, a.location
"""
MOVE_ON = """
update allocation_alternative set state = $4, reservation_id = $5, moved_at = $6
where tenant = $1 and run_id = $2 and place = $3
"""


async def add(
    tx: Transaction,
    places: Sequence[Key],
    whose: Mapping[str, tuple[str, str]],
    made: Sequence[Alternative],
) -> None:
    """Keep what runs propose for lines that claim at these places, of a channel and customer."""
    offers = [one.offer for one in made]
    await tx.execute(
        ADD,
        tx.tenant,
        [one.run_id for one in made],
        [one.place for one in made],
        [one.demand_ref for one in made],
        [item for item, _ in places],
        [location for _, location in places],
        [whose[one.demand_ref][0] for one in made],
        [one.net for one in made],
        [one.item for one in offers],
        [one.location for one in offers],
        [one.unit for one in offers],
        [one.micros for one in offers],
        [one.covers for one in offers],
        [one.ships_on for one in offers],
        [one.arrives_on for one in offers],
        [one.decision_id for one in offers],
        [one.why for one in offers],
        [whose[one.demand_ref][1] for one in made],
    )


def alternative_of(row: Any) -> Alternative:
    return Alternative(
        demand_ref=row["demand_ref"],
        net=row["net"],
        offer=Offer(*(row[name] for name in Offer._fields)),
        run_id=row["run_id"],
        place=row["place"],
        state=AlternativeState(row["state"]),
        reservation_id=row["reservation_id"],
    )
