"""Which warehouse systems were told of a count task, and what each answered."""

from crossdock.foundation.migrations.script import run

revision = "0023"
down_revision = "0022"

# One count task with one connection that takes such tasks at its location. `heard` is the place in
# the log of the last word on what was sent, `settled_version` which telling that word is about.
SENT = """
create table count_sending (
    tenant text not null,
    count_id text collate "C" not null,
    connection text collate "C" not null,
    task jsonb not null,
    status text not null,
    because text not null default '',
    is_told boolean not null default true,
    heard bigint not null default 0,
    settled_version bigint not null default 0,
    settlement text,
    code text not null default '',
    detail text not null default '',
    primary key (tenant, count_id, connection)
) with (fillfactor = 80);
select guard_table('count_sending');
"""


def upgrade() -> None:
    run(SENT)


def downgrade() -> None:
    run("drop table count_sending")
