"""What goes wrong in a hub, made on purpose, for the commands that show and mend it."""

from datetime import timedelta

from crossdock.assembly import Hub
from crossdock.canonical.cases import OpenCase
from crossdock.canonical.catalog import ItemChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Ambiguous
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.as2.messages import ToSend
from crossdock.connectivity.as2.profiles import Profile
from crossdock.connectivity.as2.terms import Incoming, Outgoing, Payload, ReceiptKind
from crossdock.connectivity.courier import Step
from crossdock.connectivity.sdk import RepeatSafety
from crossdock.foundation import event_log
from crossdock.foundation.event_log import Entry
from crossdock.orchestration import cases
from crossdock.orchestration.cases import Said
from tests.unit.connectivity.standins import command, moved, with_shop, world

PROCESS = "availability_publishing"
PARK = """
insert into process_instance (process, tenant, instance, parked_at, parked_reason)
values ($1, 'main', $2, now(), 'KeyError(''pack'')')
"""
REFUSE = """
insert into log_refusal (tenant, reader, position, refused_at, reason)
select tenant, reader, position, now(), 'KeyError(''unit'')'
from (select tenant, position from event_log where type = 'catalog.item_changed.v1'
    order by position limit 1) e
cross join unnest($1::text[]) reader
"""


async def dead_letters(hub: Hub, *names: str) -> None:
    """Have a shop refuse commands of these names."""
    around = await with_shop(world(hub.database, hub.clock), "refusing")
    around.shops["refusing"].refuses |= {f"SKU-{name.upper()}" for name in names}
    await around.enqueue(
        *(command(name, item=f"sku-{name}", connection="refusing") for name in names)
    )
    courier = await around.courier("refusing")
    while (await courier.step()).step is not Step.NOTHING:
        pass
    await courier.close()


async def as2_message(hub: Hub) -> str:
    """Intend a message to a partner whom nobody can reach."""
    profile = Profile(
        house="we",
        partner="they",
        url="http://127.0.0.1:9/",
        outgoing=Outgoing(digest=None, cipher=None, receipt=ReceiptKind.NONE),
        incoming=Incoming(must_be_signed=False),
    )
    await hub.as2.partners.put(hub.scope, profile, by="test")
    wanted = ToSend(house="we", partner="they", payload=Payload(content=b"x"), request_id="r")
    return (await hub.as2.posting.intend(hub.scope, wanted)).message


async def parked_letter(hub: Hub, name: str) -> None:
    """Have a shop go dead in the middle of a command, so that nobody knows its outcome."""

    async def lose(_commands: object) -> None:
        raise Ambiguous("the line went dead")

    around = await with_shop(world(hub.database, hub.clock, safety=RepeatSafety.NONE), "mute")
    around.shops["mute"].after = lose
    await around.enqueue(command(name, connection="mute"))
    courier = await around.courier("mute")
    while (await courier.step()).step is not Step.NOTHING:
        pass
    await courier.close()


async def unknown_items(hub: Hub, *numbers: str) -> None:
    """Have a warehouse tell of an item that nobody knows, longer ago than it is waited for."""
    facts = [moved(number, item="GHOST") for number in numbers]
    await hub.inbox.record(hub.scope, "wms", facts, b"")
    await age_waiting(hub, timedelta(hours=1))


async def age_waiting(hub: Hub, age: timedelta) -> None:
    async with hub.database.transaction(hub.scope) as tx:
        await tx.execute(
            "update waiting_fact set received_at = received_at - $1::interval,"
            " expires_at = expires_at - $1::interval, try_at = now() - interval '1 second'",
            age,
        )


async def parked_instances(hub: Hub, *names: str) -> None:
    async with hub.database.transaction(hub.scope) as tx:
        for name in names:
            await tx.execute(PARK, PROCESS, name)


async def refused_event(hub: Hub, item: str, *by: str) -> int:
    """Have a reader, or several, refuse what it heard of an item; give the event's position."""
    await hub.put_stock(item, "DC1", 1)
    async with hub.database.transaction(hub.scope) as tx:
        await tx.execute(REFUSE, by or ("catalog",))
    return (await hub.refusals.find(hub.scope))[0].position


async def nameless_item(hub: Hub) -> int:
    """Put into the log what no reader of it can apply, as a hand might; give its position."""
    nameless = Fact(identity="item:", payload=ItemChanged(sku=" "), occurred_at=hub.clock.now())
    said = Entry(tenant="main", source="erp", received_at=hub.clock.now(), fact=nameless)
    async with hub.database.transaction(hub.scope) as tx:
        await event_log.append_once(tx, [said])
    await hub.settle()
    return (await hub.refusals.find(hub.scope))[0].position


async def open_case(hub: Hub, *, age: timedelta = timedelta()) -> str:
    """Open a case that is due an hour after it was opened."""
    case = OpenCase(
        code="PUB-FAIL",
        fingerprint="PUB-FAIL:shop/web/a",
        severity="S2",
        owner_role="eCommerce",
        within=timedelta(hours=1),
        entity="shop/web/a",
        title="the shop refuses",
    )
    async with hub.database.transaction(hub.scope) as tx:
        await cases.record(tx, [Said("main", "", case)], hub.clock.now() - age)
    return (await hub.cases.find(hub.scope))[0].case_id


async def waiting_runs(hub: Hub, *items: str) -> list[str]:
    """Have an order line wait for one of each of these items; give the run of each."""
    for item in items:
        await hub.put_stock(item, "DC1", 10)
    each = Quantity.of(1)
    lines = tuple(
        DemandLine(
            demand_ref=f"O/{item}", item=item, location="DC1", ordered=each, cancelled=each - each
        )
        for item in items
    )
    order = OrderChanged(order_id="O", lines=lines, channel="shop")
    await hub.record([Fact(identity="order:O:1", payload=order, occurred_at=hub.clock.now())])
    return [
        (await hub.allocation.simulate(hub.scope, item, "DC1", by="planner")).run_id
        for item in items
    ]
