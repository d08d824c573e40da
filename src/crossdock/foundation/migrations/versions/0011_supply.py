"""The dated side of stock: what is to come, the ship dates of order lines, rules by date."""

from crossdock.foundation.migrations.script import run

revision = "0011"
down_revision = "0010"

# The newest state of each commitment, by source: of two that tell of one the last to speak is
# believed. Closed ones stay, at zero, so that an old word that comes late changes nothing; the
# indexes that answers go by hold open ones alone.
COMMITMENTS = """
create table supply_commitment (
    tenant text not null,
    supply_id text collate "C" not null,
    source text collate "C" not null,
    kind text collate "C" not null,
    item text collate "C" not null,
    location text collate "C" not null,
    micros bigint not null check (micros >= 0),
    evidence text collate "C" not null,
    eta date,
    acknowledgment_due date,
    confidence text collate "C",
    parent_supply_id text collate "C" not null default '',
    document_ref text not null default '',
    pegs jsonb not null default '[]',
    supplier text collate "C" not null default '',
    acknowledged bigint,
    received bigint,
    received_base bigint, -- the same in the item's base unit
    cancelled bigint not null default 0, -- by the buyer, of what is acknowledged
    unlisted_micros bigint check (unlisted_micros > 0), -- was to come until it was left out
    rank bigint not null,
    us bigint not null,
    position bigint not null,
    heard_us bigint, -- of all its versions the first, the first that was sent, and shipped
    sent_us bigint,
    shipped_us bigint,
    announced bigint, -- of a ship notice, by its newest version that had goods to come,
    announced_unit text, -- counted as received is
    announced_by bigint[],
    primary key (tenant, supply_id, source)
) with (fillfactor = 70);
create index supply_commitment_open on supply_commitment (tenant, item, location)
    where micros > 0 or kind = 'VENDOR_STOCK'; -- a supplier's own zero is a word, too
create index supply_commitment_bought on supply_commitment (tenant, supply_id)
    where micros > 0 and kind = 'PO_SCHEDULE' and parent_supply_id = ''; -- purchases to come
create index supply_commitment_late on supply_commitment (tenant, eta)
    where micros > 0 and eta is not null;
create index supply_commitment_undated on supply_commitment (tenant)
    where micros > 0 and eta is null; -- late by when it was heard of
create index supply_commitment_unanswered on supply_commitment (tenant)
    where micros > 0 and evidence = 'SENT' and kind = 'PO_SCHEDULE';
create index supply_commitment_unlike on supply_commitment (tenant)
    where kind = 'ASN_LINE' and (received > announced or micros = 0 and received < announced);
create index supply_commitment_announced on supply_commitment (tenant, parent_supply_id)
    where parent_supply_id <> '' and micros > 0;
create index supply_commitment_filled on supply_commitment (tenant, supplier, us)
    where micros = 0 and acknowledged > 0 and received is not null and supplier <> ''
        and kind in ('PO_SCHEDULE', 'DROP_SHIP'); -- a ship notice is a part of one
select guard_table('supply_commitment');

-- What is late and a case, with a digest of all that is open of it.
create table supply_overdue (
    tenant text not null,
    fingerprint text collate "C" not null,
    digest text not null,
    primary key (tenant, fingerprint)
);
select guard_table('supply_overdue');
"""

# When order lines are to ship, for those that say so. What is open of them inventory knows.
DEMAND = """
create table supply_order (
    tenant text not null,
    source text collate "C" not null,
    order_id text collate "C" not null,
    rank bigint not null,
    us bigint not null,
    position bigint not null,
    primary key (tenant, source, order_id)
) with (fillfactor = 70);
select guard_table('supply_order');

create table supply_demand (
    tenant text not null,
    source text collate "C" not null,
    order_id text collate "C" not null,
    demand_ref text collate "C" not null,
    item text collate "C" not null,
    location text collate "C" not null,
    ship_date date not null,
    us bigint not null,
    primary key (tenant, source, order_id, demand_ref)
);
create index supply_demand_by_day on supply_demand (tenant, item, location, ship_date);
select guard_table('supply_demand');

-- The purchases that order lines are sent on by their supplier: none of it is ours.
create table supply_drop_ship (
    tenant text not null,
    source text collate "C" not null,
    order_id text collate "C" not null,
    supply_id text collate "C" not null,
    primary key (tenant, source, order_id, supply_id)
);
create index supply_drop_ship_by_supply on supply_drop_ship (tenant, supply_id);
select guard_table('supply_drop_ship');
"""

# "*" is all: an item at a location > an item > a location > all. Null is taken back.
RULES = """
create table supply_rule (
    tenant text not null,
    item text collate "C" not null,
    location text collate "C" not null,
    item_class text collate "C" not null,  -- of items that are not named; empty: of whatever class
    rule jsonb,
    version integer not null default 1,
    changed_at timestamptz not null,
    changed_by text not null,
    primary key (tenant, item, location, item_class)
);
create index supply_rule_lives on supply_rule (tenant) where rule -> 'lives' <> '[]'::jsonb;
select guard_table('supply_rule');
"""

# What kits are put together from, by source; of two the last to speak is believed.
KITS = """
create table supply_kit (
    tenant text not null,
    item text collate "C" not null,
    source text collate "C" not null,
    components jsonb not null,
    rank bigint not null,
    us bigint not null,
    position bigint not null,
    primary key (tenant, item, source)
);
select guard_table('supply_kit');
"""


def upgrade() -> None:
    run(COMMITMENTS + DEMAND + RULES + KITS)


def downgrade() -> None:
    run("drop table supply_kit, supply_rule, supply_drop_ship, supply_demand, supply_order")
    run("drop table supply_overdue, supply_commitment")
