"""Items, their units and numbers, locations, and what every system calls them."""

from crossdock.foundation.migrations.script import run

revision = "0003"
down_revision = "0002"

ITEMS = """
create table item (
    tenant text not null,
    item text not null,
    sku text not null,
    description text not null,
    base_unit text not null,
    status text not null,
    tracking text not null,
    is_regulated boolean,  -- null: nobody has said
    item_class text,  -- null: nobody has said; empty: it has none
    source text not null,
    changed_at timestamptz not null,
    primary key (tenant, item)
);
select guard_table('item');

-- `numerator / denominator` base units make one `unit`; a change is a new row with its date, so
-- that what was counted before keeps the factor it was counted with.
create table item_unit (
    tenant text not null,
    item text not null,
    unit text not null,
    effective_from timestamptz not null,
    numerator bigint not null check (numerator > 0),
    denominator bigint not null check (denominator > 0),
    primary key (tenant, item, unit, effective_from),
    foreign key (tenant, item) references item
);
select guard_table('item_unit');

-- One number is one packaging level of one item.
create table item_identifier (
    tenant text not null,
    type text not null,
    value text not null,
    item text not null,
    unit text not null,
    source text not null,
    valid_from timestamptz not null,
    primary key (tenant, type, value),
    foreign key (tenant, item) references item
);
create index item_identifier_by_item on item_identifier (tenant, item);
select guard_table('item_identifier');
"""

LOCATIONS = """
create table location (
    tenant text not null,
    location text not null,
    code text not null,
    name text not null,
    kind text not null,
    timezone text not null,
    is_active boolean not null,
    source text not null,
    changed_at timestamptz not null,
    primary key (tenant, location)
);
select guard_table('location');

-- A member may be named before it is known itself.
create table location_member (
    tenant text not null,
    location_group text not null,
    member text not null,
    primary key (tenant, location_group, member),
    foreign key (tenant, location_group) references location
);
create index location_member_by_member on location_member (tenant, member);
select guard_table('location_member');
"""

XREF = """
-- What a system calls a thing. `qualifier` says which of its names: `id` is the system's own key,
-- `code` the SKU or location code that people read. Of a code `record` is the key of the record
-- that was told by it last, or the code itself where its source tells no keys.
create table xref (
    tenant text not null,
    system text not null,
    entity_type text not null,
    native_id text not null,
    name text not null,
    qualifier text not null,
    hub_id text not null,
    record text not null default '',
    confidence text not null check (confidence in ('ASSERTED', 'MATCHED', 'PROVISIONAL')),
    asserted_by text not null,
    valid_from timestamptz not null,
    valid_to timestamptz check (valid_to >= valid_from)
);
-- At any instant one native key points to exactly one hub id.
create unique index xref_now on xref (tenant, system, entity_type, native_id, qualifier)
    where valid_to is null;
-- `name` is the native key made comparable: people spell a customer in any case.
create index xref_party_name on xref (tenant, name)
    where entity_type = 'party' and valid_to is null;
create index xref_party_names on xref (tenant, hub_id)
    where entity_type = 'party' and valid_to is null;
create index xref_party_record on xref (tenant, system, record)
    where entity_type = 'party' and qualifier = 'code' and valid_to is null;
create index xref_back on xref (tenant, system, entity_type, hub_id) where valid_to is null;
select guard_table('xref');
select few_values('xref', 'system'), few_values('xref', 'entity_type');

-- The newest version heard of a source's record, so that an older one that comes late is dropped.
create table catalog_version (
    tenant text not null,
    source text not null,
    entity_type text not null,
    hub_id text not null,
    version bigint not null,
    primary key (tenant, source, entity_type, hub_id)
);
select guard_table('catalog_version');

-- What was refused of a fact whose rest was taken: a bad check digit, another base unit.
create table catalog_finding (
    tenant text not null,
    code text not null,
    source text not null,
    hub_id text not null,
    value text not null,
    reason text not null,
    found_at timestamptz not null,
    primary key (tenant, code, source, hub_id, value)
);
select guard_table('catalog_finding');
"""


def upgrade() -> None:
    run(ITEMS + LOCATIONS + XREF)


def downgrade() -> None:
    run(
        """
        drop table catalog_finding, catalog_version, xref;
        drop table location_member, location;
        drop table item_identifier, item_unit, item;
        """
    )
