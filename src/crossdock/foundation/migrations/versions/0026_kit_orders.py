"""Order lines of kits, whose parts the hub holds by itself."""

from crossdock.foundation.migrations.script import run

revision = "0026"
down_revision = "0025"

# Order lines of kits that claim any, by the stock rows on which it depends what is held for them:
# the kit's own, and those of parts of which there was not enough. `is_due`: something was said of
# it that the figures do not show.
KIT_ORDERS = """
create table inventory_kit_order (
    tenant text not null,
    stock_id bigint not null,
    demand_ref text collate "C" not null,
    is_due boolean not null,
    primary key (tenant, stock_id, demand_ref)
);
create index inventory_kit_order_by_ref on inventory_kit_order (tenant, demand_ref);
select guard_table('inventory_kit_order');
"""


def upgrade() -> None:
    run(KIT_ORDERS)


def downgrade() -> None:
    run("drop table inventory_kit_order;")
