"""What inventory tells the log, written by the database itself."""

from collections.abc import Mapping

from crossdock.foundation.migrations.script import run

revision = "0007"
down_revision = "0006"

# The hub's own facts, written by the database out of what it holds: as values in Python they took
# more time than everything else about a promise. Amounts are written as `Quantity.from_micros`
# writes them; a thread is what a demand's reference names before its last slash.
AMOUNT = """
create function inventory_amount(micros bigint, unit text) returns text
language sql stable as $$
select '{"value":"' || case when micros % 1000000 = 0 then (micros / 1000000)::text
    else trim_scale(micros * 0.000001)::text end || '","unit":' || to_json(unit) || '}'
$$;

"""

# Said twice: of what promises changed, and of what an event changed, whose thread goes on. So
# promises, which are told by the thousand, carry no ids that nobody has for them.
AVAILABILITY = """
create function <name>(of_tenants text[], since timestamptz[],
    stock_ids bigint[], versions bigint[], nettable bigint[], hard bigint[], soft bigint[],
    safety bigint[]<arguments>) returns void
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
begin
insert into event_log (tenant, source, type, key, shard, event_id, identity, occurred_at,
    recorded_at, received_at, version, payload<columns>)
select t.tenant, 'crossdock', 'inventory.availability_changed.v1', s.item,
    event_shard(t.tenant, s.item), event_uuid(t.tenant, 'crossdock', n.identity), n.identity,
    t.at, t.at, t.at, t.version, format('{"item":%s,"location":%s,"version":%s,"nettable":%s,'
        '"hard":%s,"soft":%s,"safety":%s}', to_json(s.item), to_json(s.location), t.version,
        inventory_amount(t.nettable, s.unit), inventory_amount(t.hard, s.unit),
        inventory_amount(t.soft, s.unit), inventory_amount(t.safety, s.unit))::json<values>
from unnest(of_tenants, since, stock_ids, versions, nettable, hard, soft, safety<arrays>)
    t(tenant, at, stock_id, version, nettable, hard, soft, safety<columns>)
cross join lateral (select item, location, unit from inventory_stock s
    where s.tenant = t.tenant and s.stock_id = t.stock_id limit 1) s
cross join lateral (select 'availability:' || s.item || ':' || s.location || ':' || t.version
    identity) n;
end $$;

"""
PLAIN = {
    "<name>": "inventory_tell_availability",
    "<arguments>": "",
    "<columns>": "",
    "<values>": "",
    "<arrays>": "",
}
CAUSED = {
    "<name>": "inventory_tell_caused_availability",
    "<arguments>": ", correlations text[], causations text[]",
    "<columns>": ", correlation_id, causation_id",
    "<values>": ", t.correlation_id, t.causation_id",
    "<arrays>": ", correlations, causations",
}

RESERVATIONS = """
-- Each line as it stands, unless it has changed since: then that change tells of it.
create function inventory_tell_reservations(of_tenants text[], since timestamptz[],
    reservation_ids uuid[], line_nos smallint[], versions integer[]) returns void
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
begin
insert into event_log (tenant, source, type, key, shard, event_id, identity, occurred_at,
    recorded_at, received_at, version, correlation_id, payload)
select t.tenant, 'crossdock', 'inventory.reservation_changed.v1', s.item,
    event_shard(t.tenant, s.item), event_uuid(t.tenant, 'crossdock', n.identity), n.identity,
    t.at, t.at, t.at, t.version,
    case when strpos(v.demand_ref, '/') = 0 then '' else
        regexp_replace(v.demand_ref, '/[^/]*$', '') end,
    format('{"reservation_id":"rsv_%s","line_no":%s,"status":"%s","kind":"%s","item":%s,'
        '"location":%s,"requested":%s,"granted":%s,"consumed":%s,"demand_ref":%s,"expires_at":%s}',
        n.id, t.line_no, v.status, case when v.is_hard then 'HARD' else 'SOFT' end,
        to_json(s.item), to_json(s.location), inventory_amount(v.requested, s.unit),
        inventory_amount(v.granted, s.unit),
        inventory_amount(least(v.granted, greatest(v.consumed, v.picked)), s.unit),
        to_json(v.demand_ref), coalesce(to_json(v.expires_at)::text, 'null'))::json
from unnest(of_tenants, since, reservation_ids, line_nos, versions)
    t(tenant, at, reservation_id, line_no, version)
cross join lateral (select * from inventory_reservation v
    where v.tenant = t.tenant and v.reservation_id = t.reservation_id
        and v.line_no = t.line_no and v.version = t.version limit 1) v
cross join lateral (select item, location, unit from inventory_stock s
    where s.tenant = t.tenant and s.stock_id = v.stock_id limit 1) s
cross join lateral (select replace(t.reservation_id::text, '-', '') id) h
cross join lateral (select h.id, 'reservation:' || h.id || ':' || t.line_no || ':' || t.version
    identity) n;
end $$;
grant execute on function inventory_tell_availability, inventory_tell_caused_availability,
    inventory_tell_reservations, inventory_amount to crossdock_hub;
"""


def upgrade() -> None:
    run(AMOUNT + _availability(PLAIN) + _availability(CAUSED) + RESERVATIONS)


def downgrade() -> None:
    run(
        """
        drop function inventory_tell_reservations;
        drop function inventory_tell_caused_availability;
        drop function inventory_tell_availability;
        drop function inventory_amount;
        """
    )


def _availability(words: Mapping[str, str]) -> str:
    told = AVAILABILITY
    for mark, word in words.items():
        told = told.replace(mark, word)
    return told
