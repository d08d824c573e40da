"""What goods are beside their number: how long they keep, their weight, what replaces them."""

from crossdock.foundation.migrations.script import run

revision = "0014"
down_revision = "0013"

# By source; of two that tell of one the last to speak is believed.
LOTS = """
create table supply_lot (
    tenant text not null,
    item text collate "C" not null,
    lot text collate "C" not null,
    source text collate "C" not null,
    expires_on date,
    rank bigint not null,
    us bigint not null,
    position bigint not null,
    primary key (tenant, item, lot, source)
);
create index supply_lot_expires on supply_lot (tenant, item) where expires_on is not null;
select guard_table('supply_lot');
"""

# What one base unit weighs, in micros of a unit of weight; none is no catch weight any more.
WEIGHTS = """
create table supply_weight (
    tenant text not null,
    item text collate "C" not null,
    source text collate "C" not null,
    micros bigint check (micros > 0),
    unit text not null,
    low_percent integer not null,
    high_percent integer not null,
    rank bigint not null,
    us bigint not null,
    position bigint not null,
    primary key (tenant, item, source)
);
select guard_table('supply_weight');
"""

# A rule of substitution is put as versions; the newest holds, and none is ever changed. Beside it
# stand the alternatives of the newest one that go both ways, to find the rule by them.
SUBSTITUTIONS = """
create table supply_substitution (
    tenant text not null,
    item text collate "C" not null,
    version integer not null check (version > 0),
    put_at timestamptz not null,
    put_by text not null,
    content json not null,
    primary key (tenant, item, version)
);
select guard_table('supply_substitution');
revoke update, delete on supply_substitution from crossdock_hub;

create table supply_alternative (
    tenant text not null,
    item text collate "C" not null,
    alternative text collate "C" not null,
    primary key (tenant, item, alternative)
);
create index supply_alternative_back on supply_alternative (tenant, alternative);
select guard_table('supply_alternative');
"""

# Which kits an item goes into, by source, to find them by it; those that are known already, too.
PARTS = """
create table supply_kit_part (
    tenant text not null,
    part text collate "C" not null,
    item text collate "C" not null,
    source text collate "C" not null,
    primary key (tenant, part, item, source)
);
create index supply_kit_part_by_kit on supply_kit_part (tenant, item, source);
select guard_table('supply_kit_part');
select set_config('crossdock.tenant', '*', true);
insert into supply_kit_part (tenant, part, item, source)
select distinct k.tenant, c.component ->> 0, k.item, k.source
from supply_kit k, jsonb_array_elements(k.components) c(component);
"""


def upgrade() -> None:
    run(LOTS + WEIGHTS + SUBSTITUTIONS + PARTS)


def downgrade() -> None:
    run(
        """
        drop table supply_kit_part, supply_alternative, supply_substitution, supply_weight,
            supply_lot;
        """
    )
