"""The ground: the hub's role, row-level security, the event log, its readers, jobs."""

from crossdock.foundation.migrations.role import JOIN, MAKE
from crossdock.foundation.migrations.script import run

revision = "0001"
down_revision = None

# The second layer of D13. `*` is the scope of workers, who serve every tenant; a transaction
# without a scope sees nothing at all. `select` makes the setting a constant of the statement.
GUARD = """
create function guard_table(guarded regclass) returns void language plpgsql as $$
begin
    execute format('alter table %s enable row level security', guarded);
    execute format('alter table %s force row level security', guarded);
    execute format(
        'create policy tenant_scope on %s using (
            tenant = (select current_setting(''crossdock.tenant'', true))
            or (select current_setting(''crossdock.tenant'', true)) = ''*'')', guarded);
    if exists (select from pg_attribute where attrelid = guarded and attname = 'partner') then
        execute format(
            'create policy partner_scope on %s as restrictive using (
                coalesce((select current_setting(''crossdock.partner'', true)), '''') = ''''
                or partner = (select current_setting(''crossdock.partner'', true)))', guarded);
    end if;
    execute format('grant select, insert, update, delete on %s to crossdock_hub', guarded);
    perform few_values(guarded, 'tenant');
end $$;

-- Say at once what PostgreSQL learns by itself after a minute: the column has few values, so an
-- index that begins with it finds nothing by it alone. Without that, a table that has just begun
-- to fill is read whole for each of its rows. Before version 18 it holds from an analyze on.
create function few_values(counted regclass, attribute text) returns void language plpgsql as $$
begin
    execute format('alter table %s alter column %I set (n_distinct = 1)', counted, attribute);
    if current_setting('server_version_num')::integer >= 180000 then
        perform pg_restore_attribute_stats('schemaname', c.relnamespace::regnamespace::text,
            'relname', c.relname::text, 'attname', attribute, 'inherited', false,
            'null_frac', 0::real, 'avg_width', 8, 'n_distinct', 1::real)
        from pg_class c where c.oid = counted;
    end if;
end $$;
"""

EVENT_LOG = """
-- The transaction that writes, and the oldest that is open, as the log counts them: by the cluster
-- that it began in. In another, where counting began anew, both are ahead of what is counted there
-- (`foundation/rebase.py`).
create function event_log_tx() returns xid8 language sql stable as $$
select pg_current_xact_id()
$$;
create function event_log_below() returns xid8 language sql stable as $$
select pg_snapshot_xmin(pg_current_snapshot())
$$;

create table event_log (
    position bigint generated always as identity,
    tx xid8 not null default event_log_tx(),
    tenant text not null,
    source text not null,
    type text not null,
    key text not null,
    shard smallint not null,
    event_id uuid not null,
    identity text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz,
    received_at timestamptz not null,
    stream text not null default '',
    sequence bigint,
    version bigint,
    correlation_id text not null default '',
    causation_id text not null default '',
    native_ref text not null default '',
    actor text not null default '',
    replay boolean not null default false,
    raw_ref bigint,
    payload json not null,
    primary key (position)
) partition by range (position);
create index event_log_by_commit on event_log (tx, position);
create table event_log_rest partition of event_log default;
select guard_table('event_log');
revoke update, delete on event_log from crossdock_hub;

create table event_identity (
    tenant text not null,
    event_id uuid primary key,
    content_hash bytea not null
);
select guard_table('event_identity');
revoke update, delete on event_identity from crossdock_hub;

-- The names that `event_log.shard_of` and `event_log.event_uuid` give: here for facts that the
-- database writes itself.
create function event_shard(tenant text, key text) returns smallint language sql stable as $$
select (get_byte(sha256(convert_to(tenant, 'UTF8') || '\\x00'::bytea
    || convert_to(key, 'UTF8')), 0) % 64)::smallint
$$;
create function event_uuid(tenant text, source text, identity text) returns uuid
language sql stable as $$
select encode(substr(sha256('event\\000'::bytea || convert_to(tenant, 'UTF8') || '\\x00'::bytea
    || convert_to(source, 'UTF8') || '\\x00'::bytea || convert_to(identity, 'UTF8')), 1, 16),
    'hex')::uuid
$$;
grant execute on function event_shard, event_uuid to crossdock_hub;

-- Of what was committed after a place and below every transaction still open, at most one page of
-- the rows that are wanted, in commit order, and the row at which the search has ended if that is
-- not one of them, so that the reader passes the others too. It ends at the last row there is, or
-- with the transaction that wrote ten pages on: who looks hides meanwhile what others commit.
-- A plan made while the table was small would sort all that is behind the place to give one page
-- of it, so only the indexes that are in this order are allowed.
create function read_event_log(whose text, after_tx xid8, after_position bigint, most integer,
    wanted text[], shards integer, of_shard integer)
returns setof event_log language plpgsql stable set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $function$
declare
    below xid8 := event_log_below();
    end_tx xid8;
    end_position bigint;
    far xid8;
    given integer;
begin
select tx, position into end_tx, end_position from event_log
where (tx, position) > (after_tx, after_position) and tx < below
    and (whose = '*' or tenant = whose)
order by tx desc, position desc limit 1;
if end_position - after_position > 10 * most then
    select tx into far from event_log
    where position >= after_position + 10 * most and (whose = '*' or tenant = whose)
    order by position limit 1;
    if far >= after_tx and far < end_tx then
        select tx, position into end_tx, end_position from event_log
        where tx = far and (whose = '*' or tenant = whose)
        order by tx desc, position desc limit 1;
    end if;
end if;
return query select * from event_log
where (tx, position) > (after_tx, after_position) and (tx, position) <= (end_tx, end_position)
    and (whose = '*' or tenant = whose)
    and (wanted is null or type = any(wanted)) and shard % shards = of_shard
order by tx, position limit most;
get diagnostics given = row_count;
if given < most then
    return query select * from event_log
    where tx = end_tx and position = end_position
        and not ((wanted is null or type = any(wanted)) and shard % shards = of_shard);
end if;
end $function$;
grant execute on function read_event_log to crossdock_hub;

-- Whether something committed has to wait for an older transaction; asked often, so by index.
create function event_log_hides() returns boolean language sql stable
set enable_seqscan = off set enable_bitmapscan = off as $function$
select exists (select from event_log where tx >= event_log_below())
$function$;
grant execute on function event_log_hides to crossdock_hub;

-- Partitions hold ten million events each; made ahead of need by a job, as the owner.
create function extend_event_log(partition_size bigint default 10000000) returns integer
language plpgsql security definer set search_path = public as $$
declare
    newest bigint := coalesce((select max(position) from event_log), 0);
    start bigint := newest / partition_size * partition_size;
    made integer := 0;
begin
    perform pg_advisory_xact_lock(hashtext('extend_event_log'));
    for step in 0..1 loop
        continue when exists (select from pg_class
            where relname = 'event_log_from_' || (start + step * partition_size));
        continue when exists (
            select from event_log_rest where position >= start + step * partition_size
                and position < start + (step + 1) * partition_size);
        execute format('create table event_log_from_%s partition of event_log
            for values from (%s) to (%s)',
            start + step * partition_size, start + step * partition_size,
            start + (step + 1) * partition_size);
        made := made + 1;
    end loop;
    return made;
end $$;
select extend_event_log();
grant execute on function extend_event_log(bigint) to crossdock_hub;
"""

READERS = """
create table log_reader (
    name text not null,
    shard smallint not null,
    tx xid8 not null default '0',
    position bigint not null default 0,
    moved_at timestamptz,
    primary key (name, shard)
);
grant select, insert, update, delete on log_reader to crossdock_hub;

-- One that was given up stays, with the reason why.
create table log_refusal (
    tenant text not null,
    reader text not null,
    position bigint not null,
    refused_at timestamptz not null,
    reason text not null,
    discarded_at timestamptz,
    discarded_reason text not null default '',
    primary key (reader, position)
);
select guard_table('log_refusal');

create table job (
    name text primary key,
    due_at timestamptz not null,
    ran_at timestamptz,
    failure text not null default ''
);
grant select, insert, update, delete on job to crossdock_hub;

create table worker_sign (
    worker text primary key,
    kind text not null,
    seen_at timestamptz not null,
    figures text not null default ''
);
grant select, insert, update, delete on worker_sign to crossdock_hub;
"""


def upgrade() -> None:
    run(MAKE + JOIN + GUARD + EVENT_LOG + READERS)


def downgrade() -> None:
    run(
        """
        drop function event_log_hides;
        drop function read_event_log;
        drop function event_uuid;
        drop function event_shard;
        drop table worker_sign, job, log_refusal, log_reader, event_identity, event_log;
        drop function extend_event_log;
        drop function event_log_below;
        drop function event_log_tx;
        drop function guard_table;
        drop function few_values;
        """
    )
