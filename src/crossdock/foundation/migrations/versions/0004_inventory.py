"""Movements, positions, promises."""

from crossdock.foundation.migrations.script import run

revision = "0004"
down_revision = "0003"

# One row per physical bucket. `micros` is the opening of the governing snapshot plus every
# movement recorded above its watermark; the governing snapshot's own place is kept beside it.
# The checks hold what no source may say (domain.md §1.3, §1.0). What a source may say and nothing
# real can be, goods below zero or a serial that lies there twice, is kept as it was said and told
# as `INV-NEG` and its like: a check would lose the fact.
POSITIONS = """
create table inventory_position (
    position_id bigint generated always as identity primary key,
    tenant text not null,
    item text collate "C" not null,
    location text collate "C" not null,
    status text collate "C" not null,
    owner text collate "C" not null default '',
    lot text collate "C" not null default '',
    serial text collate "C" not null default '',
    micros bigint not null default 0,
    unit text not null default 'EA',
    opening_micros bigint not null default 0,
    opening_stream bigint,
    opening_seq bigint,
    opening_us bigint,
    last_movement_at timestamptz,
    last_snapshot_at timestamptz,
    -- Changes with the bucket being emptied or filled alone, so that other updates stay in place.
    holds_goods boolean not null generated always as (micros > 0) stored,
    is_negative boolean not null generated always as (micros < 0) stored,
    constraint inventory_position_status check (status in ('AVAILABLE', 'QC_HOLD', 'DAMAGED',
        'BLOCKED', 'EXPIRED', 'RETURN_PENDING', 'RECEIVING', 'STAGED_OUT', 'IN_TRANSIT')),
    constraint inventory_position_named check (item <> '' and location <> '' and unit <> ''),
    -- Decimal(18,6), in millionths.
    constraint inventory_position_bounds check (
        micros > -1000000000000000000 and micros < 1000000000000000000
        and opening_micros > -1000000000000000000 and opening_micros < 1000000000000000000),
    -- One that was never counted has opened with nothing.
    constraint inventory_position_opening check (case when opening_stream is null
        then opening_seq is null and opening_us is null and opening_micros = 0
        else opening_seq is not null and opening_us is not null end),
    -- Location first: the same index serves a bucket, an item at a location, and a whole location.
    unique (tenant, location, item, status, owner, lot, serial)
) with (fillfactor = 70);
-- What lies there now: the lots that are gone are many, and do not come back.
create index inventory_position_lying on inventory_position (tenant, location, item)
    where holds_goods;
-- What is below zero now: hardly anything, whatever was below it before.
create index inventory_position_negative on inventory_position (tenant, location, item)
    where is_negative;
select guard_table('inventory_position');

-- An item at a location seen below zero, since when, and the case that tells of it, with the
-- digest of what it tells. `is_shelf`: a count of the shelf can mend some of it.
create table inventory_negative (
    tenant text not null,
    location text collate "C" not null,
    item text collate "C" not null,
    since timestamptz not null,
    told_as text collate "C" not null default '',
    digest text collate "C" not null default '',
    is_shelf boolean not null default false,
    primary key (tenant, location, item)
);
select guard_table('inventory_negative');

-- The newest opening of each stream that counted the bucket.
create table inventory_opening (
    tenant text not null,
    position_id bigint not null,
    stream bigint not null,
    seq bigint not null,
    us bigint not null,
    counted_by uuid not null,
    micros bigint not null,
    primary key (position_id, stream)
) with (fillfactor = 70);
select guard_table('inventory_opening');

-- The newest full snapshot of a location in each stream: what it did not name was empty.
create table inventory_full_snapshot (
    tenant text not null,
    location text collate "C" not null,
    stream bigint not null,
    seq bigint not null,
    us bigint not null,
    counted_by uuid not null,
    taken_at timestamptz not null,
    primary key (tenant, location, stream)
);
select guard_table('inventory_full_snapshot');
"""

# The ledger, kept for ever. A null end is outside the house. The log position is the identity:
# the log already holds each movement once, and replaying it gives the same positions.
MOVEMENTS = """
create table inventory_movement (
    event_position bigint primary key,
    tenant text not null,
    source text collate "C" not null,
    movement_id text not null,
    type text not null,
    from_position bigint,
    to_position bigint,
    micros bigint not null check (micros >= 0),
    stream bigint not null,
    seq bigint not null,
    us bigint not null,
    occurred_at timestamptz not null,
    demand_ref text collate "C" not null default '',
    reverses_id text not null default '',
    document_ref text not null default '',
    reason text not null default ''
);
create index inventory_movement_out on inventory_movement (from_position, stream, seq)
    where from_position is not null;
create index inventory_movement_in on inventory_movement (to_position, stream, seq)
    where to_position is not null;
-- What came to the dock lately, where a pick or a put-away never goes, and what went from it.
create index inventory_movement_came on inventory_movement (to_position, occurred_at)
    where to_position is not null and type not in ('PICK', 'UNPICK', 'PUTAWAY');
create index inventory_movement_went on inventory_movement (from_position, occurred_at)
    where from_position is not null and type not in ('PICK', 'UNPICK', 'SHIP', 'SHIP_VOID');
create index inventory_movement_assembled on inventory_movement (tenant, demand_ref)
    where demand_ref <> '' and type in ('ASSEMBLE', 'DISASSEMBLE');
-- What came in or left for an order line: most picks do neither.
create index inventory_movement_left on inventory_movement (tenant, demand_ref, us)
    where demand_ref <> '' and (from_position is null or to_position is null);
select guard_table('inventory_movement');
revoke update, delete on inventory_movement from crossdock_hub;
"""

# The one hot row of an item at a location, which every promise locks. `is_known` is false as long
# as nobody has said what lies there. A physical loss may push hard + soft above nettable: that is
# shortage, and visible; nothing else may, and the guarded update sees to it. `docked` is what was
# booked in and is not put away, for answers by date alone: below zero is a put-away that was told
# before its receipt.
STOCK = """
create table inventory_stock (
    stock_id bigint generated always as identity primary key,
    tenant text not null,
    item text collate "C" not null,
    location text collate "C" not null,
    unit text not null default 'EA',
    nettable bigint not null default 0,
    hard bigint not null default 0,
    soft bigint not null default 0,
    safety bigint not null default 0,
    docked bigint not null default 0,
    is_known boolean not null default false,
    is_grouped boolean not null default false,
    version bigint not null default 0,
    sources text[] not null default '{}',
    unique (tenant, item, location),
    check (least(nettable, hard, soft, safety) >= 0)
) with (fillfactor = 50);
select guard_table('inventory_stock');

-- Streams heard of. A movement of another stream than the governing snapshot's is placed by the
-- clock, so those few have to be known by name.
create table inventory_stream (
    tenant text not null,
    stream bigint not null,
    source text not null,
    name text not null,
    primary key (tenant, stream)
);
select guard_table('inventory_stream');

create table inventory_source (
    tenant text not null,
    source text collate "C" not null,
    heard_at timestamptz,
    freshness_seconds integer not null default 900 check (freshness_seconds > 0),
    primary key (tenant, source)
);
select guard_table('inventory_source');

create table inventory_group (
    tenant text not null,
    member text collate "C" not null,
    location text collate "C" not null,
    primary key (tenant, member)
);
create index inventory_group_by_location on inventory_group (tenant, location);
select guard_table('inventory_group');

create table inventory_group_version (
    tenant text not null,
    location text collate "C" not null,
    rank bigint not null,
    us bigint not null,
    position bigint not null,
    primary key (tenant, location)
);
select guard_table('inventory_group_version');
"""

DEMAND = """
create table inventory_order (
    tenant text not null,
    source text collate "C" not null,
    order_id text collate "C" not null,
    rank bigint not null,
    us bigint not null,
    position bigint not null,
    primary key (tenant, source, order_id)
) with (fillfactor = 70);
select guard_table('inventory_order');

-- What one order line still claims: max(0, ordered - cancelled - picked). A pick may come before
-- its order; the row then waits without a stock row. `own_picked` is what of it was picked of the
-- line's own item, or of the first that was picked while no order is known: a kit's line has picks
-- of its components, too. `customer` and `channel` are who ordered, as names compare.
create table inventory_demand (
    tenant text not null,
    demand_ref text collate "C" not null,
    source text collate "C" not null default '',
    order_id text collate "C" not null default '',
    stock_id bigint,
    ordered bigint not null default 0,
    cancelled bigint not null default 0,
    picked bigint not null default 0,
    own_item text collate "C" not null default '',
    own_picked bigint not null default 0,
    claimed_us bigint not null default 0,
    customer text collate "C" not null default '',
    channel text collate "C" not null default '',
    primary key (tenant, demand_ref)
) with (fillfactor = 70);
create index inventory_demand_by_order on inventory_demand (tenant, order_id, source)
    where order_id <> '';
select guard_table('inventory_demand');

-- Ordered kits that found no room for all their parts, and the stock rows of these: hardly any.
create table inventory_kit_wait (
    tenant text not null,
    demand_ref text collate "C" not null,
    stock_id bigint not null,
    primary key (tenant, stock_id, demand_ref)
);
create index inventory_kit_wait_by_ref on inventory_kit_wait (tenant, demand_ref);
select guard_table('inventory_kit_wait');

-- Sums of inventory_demand by who ordered; without a customer, all that a channel ordered.
create table inventory_claimed (
    tenant text not null,
    stock_id bigint not null,
    customer text collate "C" not null,
    channel text collate "C" not null,
    micros bigint not null,
    primary key (tenant, stock_id, customer, channel)
) with (fillfactor = 70);
select guard_table('inventory_claimed');

-- Order lines of which more was picked than ordered, since when; those that are settled wait for
-- nothing, and are looked at again when they change.
create table inventory_over_pick (
    tenant text not null,
    demand_ref text collate "C" not null,
    since timestamptz not null,
    is_settled boolean not null default false,
    is_told boolean not null default false,
    primary key (tenant, demand_ref)
);
create index inventory_over_pick_unsettled on inventory_over_pick (tenant, demand_ref)
    where not is_settled;
select guard_table('inventory_over_pick');
"""

# The id is derived from tenant, client and request id, so the primary key makes requests
# idempotent. `is_linked`: an order that counts as demand already holds these units. A kit's line
# has what was granted of those that lie assembled; `made` more are to be put together of the parts
# that lines behind it hold (`into_line`), each of which says in `made` for how many that was.
# `is_unlimited`: no stock limits the item there, so the line holds none. `given_back` is left out
# of `granted`: nobody claims it any more.
RESERVATIONS = """
create table inventory_reservation (
    reservation_id uuid not null,
    line_no smallint not null,
    tenant text not null,
    client text not null,
    request_id text not null,
    request_hash bytea not null,
    stock_id bigint not null,
    is_hard boolean not null,
    is_linked boolean not null default false,
    status text collate "C" not null,
    requested bigint not null,
    granted bigint not null,
    consumed bigint not null default 0,
    picked bigint not null default 0,
    demand_ref text collate "C" not null default '',
    created_at timestamptz not null,
    expires_at timestamptz,
    version integer not null default 1,
    made bigint not null default 0 check (made >= 0),
    into_line smallint not null default 0,
    is_unlimited boolean not null default false,
    given_back bigint not null default 0,
    asked bigint,
    pack bigint,
    primary key (reservation_id, line_no),
    check (requested > 0 and 0 <= consumed and consumed <= granted and granted <= requested)
) with (fillfactor = 90);
create index inventory_reservation_to_expire on inventory_reservation (expires_at)
    where not is_hard and status in ('ACTIVE', 'PARTIALLY_CONSUMED');
-- What holds an item's stock: soft ones do not pay for it, nor those whose order counts by itself.
create index inventory_reservation_hard on inventory_reservation (tenant, stock_id)
    where is_hard and not is_linked and status in ('ACTIVE', 'PARTIALLY_CONSUMED');
create index inventory_reservation_by_demand on inventory_reservation (tenant, demand_ref)
    where demand_ref <> '' and status in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED');
-- Kits that are ordered and stand on their parts: hardly any, and no others are in it.
create index inventory_reservation_of_kits on inventory_reservation (tenant, stock_id)
    where made > 0 and into_line = 0 and is_linked;
-- Those that are over are many, and looked for by people alone: they are kept out of the index
-- that every order is heard by.
create index inventory_reservation_over_by_demand on inventory_reservation (tenant, demand_ref)
    where demand_ref <> '' and status not in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED');
select guard_table('inventory_reservation');

-- What a batch of promises changed, one row a batch; told to the log soon after (D3). What decided
-- it stands beside: the sources of each stock row (joined by \\x1f), the stock row and the own
-- order's open demand of each line, rows that were looked at and stayed as they were (`seen`: id,
-- version, nettable, hard, soft, safety, the group's row or 0), and when each source last spoke.
create table inventory_announcement (
    announcement_id bigint generated always as identity primary key,
    tenant text not null,
    at timestamptz not null,
    stock_ids bigint[] not null,
    versions bigint[] not null,
    nettable bigint[] not null,
    hard bigint[] not null,
    soft bigint[] not null,
    safety bigint[] not null,
    reservation_ids uuid[] not null,
    line_nos smallint[] not null,
    line_versions integer[] not null,
    sources text[] not null default '{}',
    line_stock_ids bigint[] not null default '{}',
    line_owns bigint[] not null default '{}',
    seen bigint[] not null default '{}',
    seen_sources text[] not null default '{}',
    source_ages json
);
-- It is read once, soon, and gone: compressing it took longer than writing it.
alter table inventory_announcement alter stock_ids set storage external,
    alter versions set storage external, alter nettable set storage external,
    alter hard set storage external, alter soft set storage external,
    alter safety set storage external, alter reservation_ids set storage external,
    alter line_stock_ids set storage external;
select guard_table('inventory_announcement');

-- What decided each promise, kept for ever: the announcement as it was made. A line of a new
-- promise has version 1; a promise is found by the moment at which it was made.
create table inventory_decision (like inventory_announcement);
create index inventory_decision_by_moment on inventory_decision (tenant, at);
select guard_table('inventory_decision');
revoke update, delete on inventory_decision from crossdock_hub;
"""

# Soft holds whose time is over, the longest over first, by indexes alone: a plan made while the
# table was small would read all of it.
LAPSED = """
create function inventory_lapsed(at timestamptz, most integer)
returns table (
    tenant text, reservation_id uuid, line_no smallint, stock_id bigint, micros bigint)
language plpgsql stable set enable_seqscan = off set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan as $function$
#variable_conflict use_column
begin
return query
select r.tenant, r.reservation_id, r.line_no, r.stock_id,
    r.granted - least(r.granted, greatest(r.consumed, r.picked))
from inventory_reservation r
where not r.is_hard and r.status in ('ACTIVE', 'PARTIALLY_CONSUMED') and r.expires_at <= at
order by r.expires_at limit most;
end $function$;
grant execute on function inventory_lapsed to crossdock_hub;
"""


def upgrade() -> None:
    run(POSITIONS + MOVEMENTS + STOCK + DEMAND + RESERVATIONS + LAPSED)


def downgrade() -> None:
    run(
        """
        drop function inventory_lapsed;
        drop table inventory_decision, inventory_announcement, inventory_reservation,
            inventory_kit_wait, inventory_over_pick, inventory_claimed, inventory_demand,
            inventory_order, inventory_group_version, inventory_group, inventory_source,
            inventory_stream, inventory_stock, inventory_movement, inventory_full_snapshot,
            inventory_opening, inventory_negative, inventory_position;
        """
    )
