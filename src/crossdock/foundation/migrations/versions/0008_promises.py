"""Promises, made by the database itself: a batch in one round trip."""

from crossdock.foundation.migrations.script import run

revision = "0008"
down_revision = "0007"

# Decide a batch of single-line requests, with one lock per stock row and exact sums.
# Writing promises takes most of the time and nobody's lock, so they are written first, as granted:
# two batches that want the same item wait for each other only while they are decided. A repeat
# (its id is known) is only reported; looking for repeats costs every request a search, so that
# is done only once the primary key has said that there is one. Soft holds that have lapsed on the
# touched rows are ended first, by the rows that the update really ended: a statement of its own,
# because most of the time there are none. Most of the time, too, each stock row has room for all
# that is asked of it, and one guarded update of the rows, in their order, is all. What does not
# fit so is UNDECIDED and asked again in a transaction of its own, `is_exact`: within one stock row
# the requests that fit from the front are granted; the first that does not fit is denied, and so
# is any larger than the whole room. Others behind it are UNDECIDED again: exact first-fit.
RESERVE = """
-- When each of these sources (rows of them, joined by \\x1f) last spoke, and how long its silence
-- may last: part of the proof. Nothing where none is named.
create function inventory_source_ages(of_tenant text, named text[]) returns json
language sql stable as $$
select json_object_agg(source, json_build_array(heard_at, freshness_seconds) order by source)
from inventory_source where tenant = of_tenant
    and source = any(string_to_array(array_to_string(named, E'\\x1f'), E'\\x1f'))
$$;
grant execute on function inventory_source_ages to crossdock_hub;

create function inventory_reserve(
    of_tenant text, at timestamptz, reservation_ids uuid[], request_ids text[],
    request_hashes bytea[], stock_ids bigint[], amounts bigint[], clients text[], hard boolean[],
    ends timestamptz[], demand_refs text[], any_client text, is_any_hard boolean,
    any_end timestamptz, distinct_stock_ids bigint[], has_repeats boolean, is_exact boolean,
    of_partner text
) returns table (ord integer, verdict text)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $function$
#variable_conflict use_column
declare
    repeated integer[] := '{}';
    granted_ids bigint[];
    refused integer[];
    verdicts text[];
begin
perform set_config('crossdock.tenant', of_tenant, true),
    set_config('crossdock.partner', of_partner, true);
if has_repeats then
    select coalesce(array_agg(r.ord::integer), '{}') into repeated
    from unnest(reservation_ids) with ordinality r(reservation_id, ord)
    join inventory_reservation k using (reservation_id) where k.line_no = 1;
end if;

insert into inventory_reservation (reservation_id, line_no, tenant, client, request_id,
    request_hash, stock_id, is_hard, status, requested, granted, demand_ref, created_at,
    expires_at)
select r.reservation_id, 1, of_tenant, coalesce(r.client, any_client), r.request_id,
    r.request_hash, r.stock_id, coalesce(r.is_hard, is_any_hard), 'ACTIVE', r.micros, r.micros,
    coalesce(r.demand_ref, ''), at, coalesce(r.expires_at, any_end)
from unnest(reservation_ids, request_ids, request_hashes, stock_ids, amounts, clients, hard,
    ends, demand_refs) with ordinality r(reservation_id, request_id, request_hash, stock_id,
    micros, client, is_hard, expires_at, demand_ref, ord)
where r.ord <> all(repeated);

if exists (select from inventory_reservation where not is_hard
    and status in ('ACTIVE', 'PARTIALLY_CONSUMED') and expires_at <= at)
then
    with locked as materialized (
        select stock_id from inventory_stock where stock_id = any(distinct_stock_ids)
        order by stock_id for update
    ), lapsed as materialized (
        select reservation_id, line_no, stock_id from inventory_lapsed(at, 500)
    ), ended as (
        update inventory_reservation v set status = 'EXPIRED', version = version + 1
        from lapsed join locked using (stock_id)
        where v.reservation_id = lapsed.reservation_id and v.line_no = lapsed.line_no
            and not v.is_hard and v.status in ('ACTIVE', 'PARTIALLY_CONSUMED')
            and v.expires_at <= at
        returning v.reservation_id, v.line_no, v.version, v.stock_id,
            v.granted - least(v.granted, greatest(v.consumed, v.picked)) as micros
    ), counted as (
        update inventory_stock s set soft = s.soft - b.micros, version = s.version + 1
        from (select stock_id, sum(micros)::bigint micros from ended group by stock_id) b
        where s.stock_id = b.stock_id
        returning s.stock_id, s.version, s.nettable, s.hard, s.soft, s.safety
    )
    insert into inventory_announcement (tenant, at, stock_ids, versions, nettable, hard, soft,
        safety, reservation_ids, line_nos, line_versions)
    select of_tenant, at, c.stock_ids, c.versions, c.nettable, c.hard, c.soft, c.safety,
        e.ids, e.line_nos, e.versions
    from (select array_agg(reservation_id) ids, array_agg(line_no) line_nos,
            array_agg(version) versions from ended having count(*) > 0) e,
        (select array_agg(stock_id) stock_ids, array_agg(version) versions,
            array_agg(nettable) nettable, array_agg(hard) hard, array_agg(soft) soft,
            array_agg(safety) safety from counted) c;
end if;

if not is_exact then
    with counted as (
        update inventory_stock s
        set hard = s.hard + w.hard::bigint, soft = s.soft + w.soft::bigint,
            version = s.version + 1
        from (select stock_id,
                sum(case when coalesce(is_hard, is_any_hard) then micros else 0 end) hard,
                sum(case when coalesce(is_hard, is_any_hard) then 0 else micros end) soft
            from unnest(stock_ids, amounts, hard) a(stock_id, micros, is_hard)
            group by stock_id order by stock_id) w
        where s.stock_id = w.stock_id and not s.is_grouped
            and s.nettable - s.hard - s.soft - s.safety >= w.hard + w.soft
        returning s.stock_id, s.version, s.nettable, s.hard, s.soft, s.safety,
            array_to_string(s.sources, E'\\x1f') sources
    ), told as (
        insert into inventory_announcement (tenant, at, stock_ids, versions, nettable, hard, soft,
            safety, sources, reservation_ids, line_stock_ids, line_nos, line_versions, source_ages)
        select of_tenant, at, c.row_ids, c.versions, c.nettable, c.hard, c.soft, c.safety,
            c.sources, l.ids, l.row_ids, '{}', '{}', inventory_source_ages(of_tenant, c.sources)
        from (select array_agg(stock_id) row_ids, array_agg(version) versions,
                array_agg(nettable) nettable, array_agg(hard) hard, array_agg(soft) soft,
                array_agg(safety) safety, array_agg(sources) sources
            from counted having count(*) > 0) c
        cross join lateral (select reservation_ids ids, stock_ids row_ids
            where cardinality(c.row_ids) = cardinality(distinct_stock_ids)
            union all select array_agg(r.reservation_id), array_agg(r.stock_id)
            from unnest(reservation_ids, stock_ids) r(reservation_id, stock_id)
            where r.stock_id = any(c.row_ids)
            having cardinality(c.row_ids) < cardinality(distinct_stock_ids)) l
    )
    select coalesce(array_agg(stock_id), '{}') into granted_ids from counted;
    if cardinality(granted_ids) < cardinality(distinct_stock_ids) then
        delete from inventory_reservation v
        using unnest(reservation_ids, stock_ids) r(reservation_id, stock_id)
        where r.stock_id <> all(granted_ids) and v.reservation_id = r.reservation_id
            and v.line_no = 1;
        return query select r.ord::integer, 'UNDECIDED'
            from unnest(stock_ids) with ordinality r(stock_id, ord)
            where r.stock_id <> all(granted_ids);
    end if;
    return;
end if;

with locked as materialized (
    select *, nettable - hard - soft - safety as room
    from inventory_stock where stock_id = any(distinct_stock_ids)
    order by stock_id for update
), decided as materialized (
    select ord::integer, stock_id, micros, is_hard, case
        when is_grouped then 'GROUPED'
        when running <= room then 'GRANTED'
        when running - micros <= room or micros > room then 'DENIED'
        else 'UNDECIDED' end verdict
    from (select a.ord, a.stock_id, a.micros, coalesce(a.is_hard, is_any_hard) is_hard,
            l.is_grouped, greatest(0, l.room) room,
            sum(a.micros) over (partition by a.stock_id order by a.ord
                rows unbounded preceding) as running
        from unnest(stock_ids, amounts, hard) with ordinality a(stock_id, micros, is_hard, ord)
        join locked l using (stock_id)
        where a.ord <> all(repeated)) s
), counted as (
    update inventory_stock s
    set hard = s.hard + t.hard, soft = s.soft + t.soft, version = s.version + 1
    from (select stock_id, sum(case when is_hard then micros else 0 end)::bigint hard,
            sum(case when is_hard then 0 else micros end)::bigint soft
        from decided where verdict = 'GRANTED' group by stock_id) t
    where s.stock_id = t.stock_id
    returning s.stock_id, s.version, s.nettable, s.hard, s.soft, s.safety,
        array_to_string(s.sources, E'\\x1f') sources
), told as (
    insert into inventory_announcement (tenant, at, stock_ids, versions, nettable, hard, soft,
        safety, sources, reservation_ids, line_stock_ids, line_nos, line_versions, seen,
        seen_sources, source_ages)
    select of_tenant, at, c.stock_ids, c.versions, c.nettable, c.hard, c.soft, c.safety, c.sources,
        d.ids, d.row_ids, '{}', '{}', n.seen, n.sources,
        inventory_source_ages(of_tenant, c.sources || n.sources)
    from (select array_agg(reservation_ids[ord] order by ord) ids,
            array_agg(stock_id order by ord) row_ids from decided
            where verdict in ('GRANTED', 'DENIED') having count(*) > 0) d,
        (select coalesce(array_agg(stock_id), '{}') stock_ids,
        coalesce(array_agg(version), '{}') versions, coalesce(array_agg(nettable), '{}') nettable,
        coalesce(array_agg(hard), '{}') hard, coalesce(array_agg(soft), '{}') soft,
        coalesce(array_agg(safety), '{}') safety, coalesce(array_agg(sources), '{}') sources
        from counted) c,
        (select coalesce(array_agg(array[stock_id, version, nettable, hard, soft, safety, 0]),
            '{}') seen, coalesce(array_agg(array_to_string(sources, E'\\x1f')), '{}') sources
        from locked where stock_id in (select stock_id from decided where verdict = 'DENIED')
            and stock_id not in (select stock_id from counted)) n
)
select array_agg(d.ord), array_agg(d.verdict) into refused, verdicts
from decided d where d.verdict <> 'GRANTED';

if refused is not null then
    update inventory_reservation v set status = 'DENIED', granted = 0
    from unnest(refused, verdicts) d(ord, verdict)
    where d.verdict = 'DENIED' and v.reservation_id = reservation_ids[d.ord] and v.line_no = 1;
    delete from inventory_reservation v using unnest(refused, verdicts) d(ord, verdict)
    where d.verdict <> 'DENIED' and v.reservation_id = reservation_ids[d.ord] and v.line_no = 1;
end if;
return query select * from unnest(refused, verdicts)
    union all select r, 'REPEAT' from unnest(repeated) r;
end $function$;
grant execute on function inventory_reserve to crossdock_hub;
"""


def upgrade() -> None:
    run(RESERVE)


def downgrade() -> None:
    run("drop function inventory_reserve; drop function inventory_source_ages")
