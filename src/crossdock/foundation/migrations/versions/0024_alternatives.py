"""What back-order runs have found elsewhere for order lines that stay short."""

from crossdock.foundation.migrations.script import run

revision = "0024"
down_revision = "0023"

# A line that claims `line_item` at `line_location` gets `micros` of an item at another place, or
# of another item, for `covers` of its own. `net` is what was ordered of it, less cancelled, by
# then: as soon as its order says otherwise, what is held is given back. `moved_at`: the moment of
# its last state.
ALTERNATIVES = """
create table allocation_alternative (
    tenant text not null,
    run_id text collate "C" not null,
    place integer not null,
    demand_ref text collate "C" not null,
    line_item text collate "C" not null,
    line_location text collate "C" not null,
    channel text not null,
    customer text not null,
    net bigint not null,
    item text collate "C" not null,
    location text collate "C" not null,
    unit text not null,
    micros bigint not null check (micros > 0),
    covers bigint not null check (covers > 0),
    ships_on date,
    arrives_on date,
    decision_id text not null,
    why text not null,
    state text not null default 'PROPOSED' check (state in
        ('PROPOSED', 'WANTED', 'HELD', 'DENIED', 'ENDING', 'ENDED')),
    reservation_id text not null default '',
    moved_at timestamptz,
    primary key (tenant, run_id, place)
) with (fillfactor = 80);
create index allocation_alternative_standing on allocation_alternative
    (tenant, line_location, line_item) where state in ('WANTED', 'HELD');
create index allocation_alternative_to_do on allocation_alternative (tenant, run_id, place)
    where state in ('WANTED', 'ENDING');
create index allocation_alternative_denied on allocation_alternative (tenant, demand_ref)
    where state = 'DENIED';
select guard_table('allocation_alternative');
revoke delete on allocation_alternative from crossdock_hub;
"""


def upgrade() -> None:
    run(ALTERNATIVES)


def downgrade() -> None:
    run("drop table allocation_alternative;")
