"""The statements of allocation's rules: every version that was ever said of each."""

from crossdock.foundation.database import WorkersSql

# Rules are numbered without a gap: who changes them waits for whoever does so just now.
LOCK_RULES = "select pg_advisory_xact_lock(hashtext('allocation_rule ' || $1))"
VERSION = "select coalesce(max(version), 0) from allocation_rule where tenant = $1"
ADD_RULE = """
insert into allocation_rule (tenant, version, kind, subject, item, location, content, set_by,
    set_at)
values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9)
"""
RULE_NOW = """
select version, kind, subject, item, location, content, set_by, set_at from allocation_rule
where tenant = $1 and kind = $2 and location = $3 and item = $4 and subject = $5
order by version desc limit 1
"""
RULES_NOW = """
select distinct on (kind, location, item, subject)
    version, kind, subject, item, location, content, set_by, set_at
from allocation_rule where tenant = $1 and kind = any($2::text[])
order by kind, location, item, subject, version desc
"""
# The newest of each (kind, subject).
RULES_FOR = """
select k.kind, k.subject, r.content from unnest($2::text[], $3::text[]) k(kind, subject)
cross join lateral (select content from allocation_rule
    where tenant = $1 and kind = k.kind and location = '' and item = '' and subject = k.subject
    order by version desc limit 1) r
"""
PROTECTIONS_FOR = """
select distinct on (p.location, p.item, p.subject) p.item, p.location, p.subject, p.content,
    p.version, p.set_by, p.set_at
from unnest($2::text[], $3::text[]) k(item, location)
join allocation_rule p on p.tenant = $1 and p.kind = 'PROTECTION' and p.location = k.location
    and p.item = k.item
order by p.location, p.item, p.subject, p.version desc
"""
# What is kept for these channels and groups (null: for all), whenever it holds.
PROTECTIONS_OF = """
select distinct on (location, item, subject) item, location, subject, content, version, set_by,
    set_at
from allocation_rule where tenant = $1 and kind = 'PROTECTION'
    and ($2::text[] is null or subject = any($2))
order by location, item, subject, version desc
"""
# Those that begin anew each week or month, and have not ended.
RECURRING = WorkersSql("""
select tenant, version, subject, item, location, content, set_by, set_at
from (select distinct on (tenant, location, item, subject) tenant, version, subject, item,
        location, content, set_by, set_at
    from allocation_rule where kind = 'PROTECTION'
    order by tenant, location, item, subject, version desc) newest
where content ->> 'every' is not null and (content ->> 'ends_at')::timestamptz > $1
order by tenant, item, location
""")
