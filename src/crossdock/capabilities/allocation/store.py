"""Allocation's tables: the statements. Each takes a set and goes by index.

Locks are taken in one order: order lines by reference, then runs, then what is due.
"""

from crossdock.foundation.database import WorkersSql

RUN_COLUMNS = (
    *("run_id", "item", "location", "unit", "state", "reason", "supply", "owed", "gained", "lost"),
    *("stock_version", "rules_version", "protections", "figures", "expected", "digest"),
    *("made_by", "made_at"),
    *("decided_by", "decided_at", "remark"),
)
RUN_LINE_COLUMNS = (
    *("demand_ref", "order_id", "channel", "requested", "picked", "before", "after", "strategy"),
    *("priority", "since", "why", "exception", "multiple", "released", "coming", "ships_on"),
    *("customer", "elsewhere", "counts_for", "pack"),
)

# The newest version of an order says where its line claims; what was closed is open again. What
# was confirmed of other goods, or elsewhere, is not of these.
PUT_LINES = """
insert into allocation_line as l (tenant, demand_ref, source, order_id, channel, item, location,
    since, rank, us, position, multiple, released, said, elsewhere, ships_on, customer)
select k.tenant, k.demand_ref, k.source, k.order_id, k.channel, k.item, k.location, k.since,
    k.rank, k.us, k.position, k.multiple, k.released, k.said::bigint[], k.elsewhere::bigint[],
    k.ships_on, k.customer
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::timestamptz[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
    $13::bigint[], $14::text[], $15::text[], $16::date[], $17::text[]) k(tenant, demand_ref,
    source, order_id, channel, item, location, since, rank, us, position, multiple, released, said,
    elsewhere, ships_on, customer)
on conflict (tenant, demand_ref) do update set
    source = excluded.source, order_id = excluded.order_id, channel = excluded.channel,
    item = excluded.item, location = excluded.location, rank = excluded.rank, us = excluded.us,
    position = excluded.position, multiple = excluded.multiple, closed_at = null,
    ships_on = excluded.ships_on, customer = excluded.customer,
    confirmed = case when (l.item, l.location) = (excluded.item, excluded.location)
        then l.confirmed else 0 end,
    run_id = case when (l.item, l.location) = (excluded.item, excluded.location)
        then l.run_id else '' end,
    short_since = case when (l.item, l.location) = (excluded.item, excluded.location)
        then l.short_since end
where (excluded.rank, excluded.us, excluded.position) > (l.rank, l.us, l.position)
"""

# Said before PUT_LINES, of lines that are known: the newest version that says what is released
# holds, late or not, unless a newer one has named another place. Versions are arrays of what they
# are ordered by; where nothing is said and nothing moves, nothing is written.
PUT_RELEASED = """
with told as (
    select k.tenant, k.demand_ref, k.said::bigint[] as said, k.released, l.said as was_said,
        l.released as was, case
            when (l.item, l.location) = (k.item, k.location)
            then greatest(l.elsewhere, k.elsewhere::bigint[])
            when k.version::bigint[] > array[l.rank, l.us, l.position]
            then greatest(k.elsewhere::bigint[], array[l.rank, l.us, l.position])
            else greatest(l.elsewhere, k.version::bigint[]) end as elsewhere
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
        $7::text[], $8::bigint[])
        k(tenant, demand_ref, item, location, version, said, elsewhere, released)
    join allocation_line l on l.tenant = k.tenant and l.demand_ref = k.demand_ref)
update allocation_line l set elsewhere = k.elsewhere,
    said = case when greatest(k.said, k.was_said) > k.elsewhere
        then greatest(k.said, k.was_said) else '{}' end,
    released = case when greatest(k.said, k.was_said) <= k.elsewhere then null
        when k.said > k.was_said then k.released else k.was end
from told k
where l.tenant = k.tenant and l.demand_ref = k.demand_ref
    and (k.elsewhere > l.elsewhere or k.said > l.said)
"""

# The first version, whenever it is heard, says since when a line waits.
PUT_SINCE = """
update allocation_line l set since = k.since
from unnest($1::text[], $2::text[], $3::timestamptz[]) k(tenant, demand_ref, since)
where l.tenant = k.tenant and l.demand_ref = k.demand_ref and k.since < l.since
"""

# A pick may be taken back: its line is looked at again.
REOPEN = """
update allocation_line l set closed_at = null
from unnest($1::text[], $2::text[]) k(tenant, demand_ref)
where l.tenant = k.tenant and l.demand_ref = k.demand_ref and l.closed_at is not null
"""

# While nobody waits for goods, no movement of them is worth reading.
IS_ANY_KNOWN = WorkersSql("select exists (select from allocation_line)")

# Beside the newest event that marked it the oldest that was not worked on: what is marked again
# and again is worked on as soon as that one was heard of.
_AGAIN = """
on conflict (tenant, item, location) do update set
    position = greatest(d.position, excluded.position),
    oldest = least(d.oldest, excluded.oldest),
    due_at = least(d.due_at, excluded.due_at), reason = excluded.reason
"""

# Mark where order lines wait; what nobody ordered is nobody's business here.
MARK = f"""
insert into allocation_due as d (tenant, item, location, position, oldest, reason, due_at)
select distinct on (k.tenant, k.item, k.location)
    k.tenant, k.item, k.location, k.position,
    min(k.position) over (partition by k.tenant, k.item, k.location), k.reason, $6::timestamptz
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])
    k(tenant, item, location, position, reason)
where exists (select from allocation_line l where l.tenant = k.tenant
    and l.location = k.location and l.item = k.item and l.closed_at is null)
order by k.tenant, k.item, k.location, k.position desc
{_AGAIN}"""  # noqa: S608  # the words above

# A full snapshot speaks of every item of its location, named or not; so does who joins a group.
MARK_LOCATIONS = f"""
insert into allocation_due as d (tenant, item, location, position, oldest, reason, due_at)
select distinct on (l.tenant, l.item, l.location)
    l.tenant, l.item, l.location, k.position,
    min(k.position) over (partition by l.tenant, l.item, l.location), k.reason, $5::timestamptz
from unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
    k(tenant, location, position, reason)
join allocation_line l on l.tenant = k.tenant and l.location = k.location
    and l.closed_at is null
order by l.tenant, l.item, l.location, k.position desc
{_AGAIN}"""  # noqa: S608  # the words above

# Where the lines of orders claimed before: one that moves on frees what it had there.
CLAIMED = """
select distinct l.tenant, l.item, l.location, k.position
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
    k(tenant, source, order_id, position)
join allocation_line l on l.tenant = k.tenant and l.source = k.source
    and l.order_id = k.order_id and l.closed_at is null
"""

# Where lines that moved on were the last to wait: a case that speaks of them is to close.
MARK_LEFT = f"""
insert into allocation_due as d (tenant, item, location, position, oldest, reason, due_at)
select k.tenant, k.item, k.location, k.position, k.position, 'ORDER', $5::timestamptz
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
    k(tenant, item, location, position)
where not exists (select from allocation_line l where l.tenant = k.tenant
    and l.location = k.location and l.item = k.item and l.closed_at is null)
order by k.tenant, k.item, k.location
{_AGAIN}"""  # noqa: S608  # the words above

# Every line of an order, for one that its newest version drops frees what it had.
MARK_ORDERS = f"""
insert into allocation_due as d (tenant, item, location, position, oldest, reason, due_at)
select distinct on (l.tenant, l.item, l.location)
    l.tenant, l.item, l.location, k.position,
    min(k.position) over (partition by l.tenant, l.item, l.location), 'ORDER', $5::timestamptz
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
    k(tenant, source, order_id, position)
join allocation_line l on l.tenant = k.tenant and l.source = k.source
    and l.order_id = k.order_id and l.closed_at is null
order by l.tenant, l.item, l.location, k.position desc
{_AGAIN}"""  # noqa: S608  # the words above

# Where maxima or minima were ever set of these.
KEPT_AT = """
select k.tenant, k.item, k.location
from unnest($1::text[], $2::text[], $3::text[]) k(tenant, item, location)
where exists (select from allocation_rule r where r.tenant = k.tenant and r.kind = 'PROTECTION'
    and r.location = k.location and r.item = k.item)
"""

# After a change of rules: of a channel, an order, of an item at a location; "" is any.
MARK_CONCERNED = f"""
insert into allocation_due as d (tenant, item, location, reason, due_at)
select distinct l.tenant, l.item, l.location, 'RULES', $2::timestamptz from allocation_line l
where l.tenant = $1 and l.closed_at is null and ($3 = '' or l.channel = $3)
    and ($4 = '' or l.order_id = $4)
    and ($5 = '' or l.item = $5) and ($6 = '' or l.location = $6)
order by l.tenant, l.item, l.location
{_AGAIN}"""  # noqa: S608  # the words above

# The same for customers, by index: their keys are linked by the thousand.
MARK_CUSTOMERS = f"""
insert into allocation_due as d (tenant, item, location, reason, due_at)
select distinct l.tenant, l.item, l.location, 'RULES', $2::timestamptz from allocation_line l
where l.tenant = $1 and l.closed_at is null and l.customer = any($3::text[]) and l.customer <> ''
order by l.tenant, l.item, l.location
{_AGAIN}"""  # noqa: S608  # the words above

MARK_ALL = WorkersSql(f"""
insert into allocation_due as d (tenant, item, location, reason, due_at)
select distinct l.tenant, l.item, l.location, 'SCHEDULE', $1::timestamptz from allocation_line l
where l.closed_at is null order by l.tenant, l.item, l.location
{_AGAIN}""")  # noqa: S608  # the words above

DUE = WorkersSql("""
select tenant, item, location, position, oldest, reason, due_at from allocation_due
where due_at <= $1 order by due_at, tenant, item, location limit $2
""")

# What was worked on before its newest event was heard of stays due, and waits for that one.
WORKED = """
update allocation_due d set oldest = k.position
from unnest($2::text[], $3::text[], $4::bigint[]) k(item, location, position)
where d.tenant = $1 and d.item = k.item and d.location = k.location and d.oldest < k.position
"""

# What was marked again while it was worked on stays.
DONE = """
delete from allocation_due d
using unnest($2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
    k(item, location, position, due_at)
where d.tenant = $1 and d.item = k.item and d.location = k.location
    and d.position = k.position and d.due_at = k.due_at
"""

POSTPONE = """
update allocation_due set due_at = $4 where tenant = $1 and item = $2 and location = $3
"""

OPEN_LINES = """
select l.demand_ref, l.order_id, l.channel, l.item, l.location, l.since, l.position, l.confirmed,
    l.run_id, l.multiple, coalesce(l.released, 0) as released, l.ships_on, l.customer
from unnest($2::text[], $3::text[]) k(item, location)
join allocation_line l on l.tenant = $1 and l.location = k.location and l.item = k.item
    and l.closed_at is null
order by l.demand_ref
"""

LOCK_LINES = """
select l.demand_ref, l.order_id, l.channel, l.item, l.location, l.since, l.position, l.confirmed,
    l.run_id, l.multiple, coalesce(l.released, 0) as released, l.ships_on, l.customer
from unnest($2::text[], $3::text[]) k(item, location)
join allocation_line l on l.tenant = $1 and l.location = k.location and l.item = k.item
    and l.closed_at is null
order by l.demand_ref for update of l
"""

CONFIRM = """
update allocation_line l set confirmed = k.confirmed, run_id = k.run_id
from unnest($2::text[], $3::text[], $4::bigint[]) k(run_id, demand_ref, confirmed)
where l.tenant = $1 and l.demand_ref = k.demand_ref
"""

# What was confirmed and not picked of a line that claims nothing any more is others' to have: if
# its order comes back, it waits like anybody. `run_id` says that this was decided. What was
# released and not picked of it is in nobody's hands either.
CLOSE = """
update allocation_line l set closed_at = $2, picked = k.picked, short_since = null,
    released = case when l.released > k.picked then k.picked else l.released end,
    confirmed = least(case when l.run_id = '' then k.picked else l.confirmed end, k.picked),
    run_id = case when l.run_id = '' then 'closed' else l.run_id end
from unnest($3::text[], $4::bigint[]) k(demand_ref, picked)
where l.tenant = $1 and l.demand_ref = k.demand_ref and l.closed_at is null
"""

# What a line had that claims nothing any more was there for those who are confirmed now. What is
# released stays until the line is closed: its newest version may not have been heard of there.
RELINQUISH = """
update allocation_line l set confirmed = least(l.confirmed, k.picked)
from unnest($2::text[], $3::bigint[]) k(demand_ref, picked)
where l.tenant = $1 and l.demand_ref = k.demand_ref and l.run_id <> ''
"""

FORGET = WorkersSql("""
delete from allocation_line where (tenant, demand_ref) in (
    select tenant, demand_ref from allocation_line where closed_at < $1
    order by closed_at limit $2)
""")

# What the closed lines of each channel or group took in its period (no reference), and its open
# ones, with what a run confirmed of each; then (ord 0) whose those lines are that are asked about.
# A line is of its customer's group, else its channel's, else its channel; a thousand customers are
# looked up in an object, for a join would read them all for each line. All of one moment.
HAD = """
with kept as (select * from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[],
    $6::timestamptz[]) with ordinality k(item, location, channel, starts_at, ends_at, ord))
select k.ord::integer as ord, '' as demand_ref, k.channel, '' as customer, '' as item,
    '' as location, sum(l.picked)::bigint as micros, false as is_decided, true as is_of_period
from kept k join allocation_line l on l.tenant = $1 and l.location = k.location
    and l.item = k.item and l.closed_at is not null
    and coalesce($11::jsonb ->> l.customer, $10::jsonb ->> l.channel, l.channel) = k.channel
    and l.since >= k.starts_at and l.since < k.ends_at
group by k.ord, k.channel
union all
select k.ord::integer, l.demand_ref, l.channel, l.customer, l.item, l.location, l.confirmed,
    l.run_id <> '', l.since >= k.starts_at and l.since < k.ends_at
from kept k join allocation_line l on l.tenant = $1 and l.location = k.location
    and l.item = k.item and l.closed_at is null
    and coalesce($11::jsonb ->> l.customer, $10::jsonb ->> l.channel, l.channel) = k.channel
union all
select 0, l.demand_ref, l.channel, l.customer, l.item, l.location, 0, false, false
from unnest($7::text[], $8::text[], $9::text[]) r(demand_ref, item, location)
join allocation_line l on l.tenant = $1 and l.demand_ref = r.demand_ref and l.item = r.item
    and l.location = r.location
"""

CHANNELS_OF = """
select demand_ref, channel from allocation_line
where tenant = $1 and demand_ref = any($2::text[])
"""

# Where a period has ended lately, whether or not another holds, or has begun since the last look;
# `is_new`: since that look.
TURNED_LATELY = WorkersSql("""
select tenant, item, location, bool_or(starts_at > $3 and starts_at <= $2
    or ends_at > $3 and ends_at <= $2) as is_new
from (select tenant, item, location, (content ->> 'starts_at')::timestamptz as starts_at,
        (content ->> 'ends_at')::timestamptz as ends_at
    from (select distinct on (tenant, location, item, subject) tenant, item, location, content
        from allocation_rule where kind = 'PROTECTION'
        order by tenant, location, item, subject, version desc) newest) said
where ends_at > $1 and ends_at <= $2 or starts_at > $3 and starts_at <= $2
group by tenant, item, location order by tenant, item, location
""")

ADD_RUNS = """
insert into allocation_run (tenant, run_id, item, location, unit, state, reason, supply, owed,
    gained, lost, stock_version, rules_version, protections, figures, expected, digest, made_by,
    made_at)
select $1, r.run_id, r.item, r.location, r.unit, r.state, r.reason, r.supply, r.owed, r.gained,
    r.lost, r.stock_version, r.rules_version, r.protections::jsonb, r.figures::jsonb,
    r.expected::jsonb, r.digest, r.made_by, r.made_at
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[],
    $15::text[], $16::text[], $17::text[], $18::text[], $19::timestamptz[]) with ordinality
    r(run_id, item, location, unit, state, reason, supply, owed, gained, lost, stock_version,
    rules_version, protections, figures, expected, digest, made_by, made_at, ord)
order by r.ord
"""
ADD_RUN_LINES = """
insert into allocation_run_line (tenant, run_id, place, demand_ref, order_id, channel, requested,
    picked, before, after, strategy, priority, since, why, exception, multiple, released, coming,
    ships_on, customer, elsewhere, counts_for, pack)
select $1, * from unnest($2::text[], $3::integer[], $4::text[], $5::text[], $6::text[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::integer[],
    $13::timestamptz[], $14::text[], $15::text[], $16::bigint[], $17::bigint[], $18::bigint[],
    $19::date[], $20::text[], $21::bigint[], $22::text[], $23::bigint[])
"""
WAITING = """
select r.run_id, r.item, r.location, r.digest
from unnest($2::text[], $3::text[]) k(item, location)
join allocation_run r on r.tenant = $1 and r.item = k.item and r.location = k.location
    and r.state = 'SIMULATED'
"""
LATEST = """
select r.run_id, r.state, r.digest, k.item, k.location
from unnest($2::text[], $3::text[]) k(item, location)
cross join lateral (select run_id, state, digest from allocation_run where tenant = $1
    and item = k.item and location = k.location order by number desc limit 1) r
"""
SUPERSEDE = """
update allocation_run r set state = 'SUPERSEDED', decided_at = $4
from unnest($2::text[], $3::text[]) k(item, location)
where r.tenant = $1 and r.item = k.item and r.location = k.location and r.state = 'SIMULATED'
returning r.*
"""
# What was owed fits again: if it does not once more, that is another run, and another case.
END_REFUSED = """
update allocation_run r set state = 'SUPERSEDED', decided_at = $3
where r.tenant = $1 and r.run_id = any($2::text[]) and r.state = 'REFUSED'
returning r.*
"""
DECIDE_RUNS = """
update allocation_run set state = $3, decided_by = $4, decided_at = $5, remark = $6
where tenant = $1 and run_id = any($2::text[]) and state = 'SIMULATED' returning run_id
"""
RUN = "select * from allocation_run where tenant = $1 and run_id = $2"
RUN_LINES = """
select * from allocation_run_line where tenant = $1 and run_id = $2 order by place
"""
RUNS = """
select * from allocation_run r where tenant = $1 and ($2 = '' or state = $2)
    and ($3 = '' or item = $3) and ($4 = '' or location = $4)
    and ($5 = '' or number < (select number from allocation_run
        where tenant = $1 and run_id = $5))
order by number desc limit $6
"""
# The run that last changed each of these order lines, by the index of its lines.
CONFIRMED_BY = """
select distinct on (l.demand_ref) l.demand_ref, r.item, r.location, r.unit, l.requested, l.before,
    l.after, l.why, r.run_id, coalesce(r.decided_at, r.made_at) as decided_at
from unnest($2::text[]) k(demand_ref)
join allocation_run_line l on l.tenant = $1 and l.demand_ref = k.demand_ref
    and l.before <> l.after
join allocation_run r on r.tenant = $1 and r.run_id = l.run_id and r.state = 'APPLIED'
order by l.demand_ref, r.number desc
"""
