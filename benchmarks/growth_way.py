"""Growth on the whole way: a movement through the inbox to the write that a channel is owed.

One listing is sold as the product does it: its item is told, counted, linked, shown, picked once
and shown again. All that this left behind is then laid down for as many others as are asked for,
in every table that the way reads or writes. What is measured begins with the webhook and ends with
the write that was decided; taking it from the outbox and hearing its outcome is measured apart.
Only the call to the channel is missing. Each listing has one sale behind it: what grows with the
past of one listing is not measured here.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Self

import asyncpg
from pydantic import SecretStr

from benchmarks.propagation_ends import SHOP_SETTINGS, SITE, WMS_SECRET
from benchmarks.report import Figures, Stopwatch
from crossdock.applications.generic_wms.signature import secret_key, signed_headers
from crossdock.assembly import Hub
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity import claiming
from crossdock.connectivity.aftermath import Next
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.sdk.facts import Delivery
from crossdock.connectivity.settling import OutboxCommand
from crossdock.foundation import readers
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.settings import SettingsAlone
from crossdock.orchestration.processes.channel_terms import Channel

SHOP, WMS = "shop", "wms"
FIRST = "SKU-1"
OPENING = 1_000_000
PAGE = 250
MOVEMENTS = 1_000
"""Of a round, each of another item: as many as there are on the small side."""

OUT = ", outcomes"
WARM_ROUNDS = 4  # plans are made, caches are warm
CHUNK = 250_000
DAY_SECONDS = 86_400
ANY_NUMBER = claiming.Limits(rate_per_second=1e6, concurrency=1, batch_max=PAGE)

# What a row of the first listing has otherwise where it is row `g` of another, and which rows of a
# table those are. Places of goods have numbers that movements name: each listing has a range.
OTHER = "'SKU-' || g"
PLACE = "t.{} + g * 1000"
SUBJECT = "replace(t.subject, 'SKU-1', 'SKU-' || g)"
INSTANCE = "replace(t.instance, 'SKU-1', 'SKU-' || g)"
EVENT = "md5('way' || g)::uuid"
MOVED = "t.type = 'inventory.stock_moved.v1'"
COMMAND = "md5('command' || g)"
NEWEST = "t.command_id = (select command_id from outbox_command order by seq desc limit 1)"
ROWS: dict[str, tuple[str, dict[str, str]]] = {
    "item": ("true", {"item": OTHER, "sku": OTHER}),
    "xref": ("t.entity_type = 'item'", {"native_id": OTHER, "hub_id": OTHER}),
    "catalog_version": ("t.entity_type = 'item'", {"hub_id": OTHER}),
    "raw_message": ("t.via = 'DELIVERY'", {"content_hash": "sha256(('way' || g)::bytea)"}),
    "event_identity": (
        f"t.event_id = (select event_id from event_log t where {MOVED})",
        {"event_id": EVENT},
    ),
    "event_log": (MOVED, {"event_id": EVENT, "key": OTHER, "identity": "'way' || g"}),
    "inventory_stock": ("true", {"item": OTHER}),
    "inventory_position": ("true", {"item": OTHER, "position_id": PLACE.format("position_id")}),
    "inventory_opening": ("true", {"position_id": PLACE.format("position_id")}),
    "inventory_movement": (
        "true",
        {
            "event_position": "-g",
            "movement_id": "'way' || g",
            "from_position": PLACE.format("from_position"),
            "to_position": PLACE.format("to_position"),
        },
    ),
    "process_instance": ("t.instance like '%SKU-1'", {"instance": INSTANCE}),
    "process_journal": ("t.step = 3", {"instance": INSTANCE}),
    "publishing_level": ("true", {"instance": INSTANCE}),
    "outbox_subject": ("true", {"subject": SUBJECT}),
    "outbox_attempt": (NEWEST, {"command_id": COMMAND}),
    "outbox_command": (
        NEWEST,
        {"command_id": COMMAND, "subject": SUBJECT, "instance": INSTANCE},
    ),
}
COLUMNS = """
select array_agg(attname::text order by attnum) from pg_attribute
where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''
    and (attidentity = '' or attname = 'position_id')
"""
TO_THE_END = """
update log_reader set tx = l.tx, position = l.position
from (select tx, position from event_log order by tx desc, position desc limit 1) l
"""


class Way:
    """A hub of so many listings, each with a past, in a database of its own.

    `outcomes` are the figures of what follows the decided writes of each round: they are taken
    from the outbox, their calls are left out, and their outcome is written, told and heard.
    """

    def __init__(self, hub: Hub, postmaster: int, listings: int, movements: int) -> None:
        self._hub = hub
        self._postmaster = postmaster
        self._listings = listings
        self._movements = movements
        self._random = Random(3)
        self._keys = [secret_key(WMS_SECRET)]
        self._number = 0
        self.name = f"{listings:,} listings"
        self.outcomes: list[Figures] = []

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, server: EmbeddedPostgres, postmaster: int, listings: int, movements: int = MOVEMENTS
    ) -> AsyncIterator[Self]:
        """Sell so many listings until the block ends; a round is so many movements."""
        name = f"way_{listings}"
        await _execute(server.dsn, f"create database {name}")
        key = SecretStr("a benchmark's key opens nothing")
        settings = SettingsAlone(dsn=SecretStr(server.dsn_of(name)), secret_key=key)
        try:
            async with Hub.open(settings) as hub:
                way = cls(hub, postmaster, listings, movements)
                await way._sell_the_first()
                await way._lay_down_the_others()
                for _ in range(WARM_ROUNDS):
                    await way.movements()
                way.outcomes.clear()
                yield way
        finally:
            await _execute(server.dsn, f"drop database {name} with (force)")

    async def movements(self) -> Figures:
        """Report a pick of each of so many listings, up to the writes that are owed for them."""
        items = self._random.sample(range(1, self._listings + 1), self._movements)
        deliveries = [self._pick(f"SKU-{item}") for item in items]
        watch = Stopwatch(self._postmaster)
        for first in range(0, len(deliveries), PAGE):
            page = deliveries[first : first + PAGE]
            await asyncio.gather(
                *(self._hub.inbox.receive(self._hub.scope, WMS, each) for each in page)
            )
            await self._hear()
        figures = watch.figures(len(items))
        watch = Stopwatch(self._postmaster)
        made = await self._make_calls()
        side: dict[str, int | str] = {"round": len(self.outcomes) + 1, "side": self.name + OUT}
        self.outcomes.append({**side, **watch.figures(made)})
        if made != len(items):
            raise AssertionError(f"{len(items)} movements led to {made} writes")
        return figures

    async def _sell_the_first(self) -> None:
        hub, tenant = self._hub, self._hub.settings.tenant
        shop = Entry(tenant=tenant, name=SHOP, application="shopify", settings=SHOP_SETTINGS)
        wms = {"secrets": [WMS_SECRET]}
        for entry in (
            shop,
            Entry(tenant=tenant, name=WMS, application="generic_wms", settings=wms),
        ):
            await hub.connections.add(hub.scope, entry, freshness_seconds=DAY_SECONDS)
        counted = CountedStock(item=FIRST, quantity=Quantity.of(OPENING))
        taken = StockSnapshotTaken(snapshot_id="S", location=SITE, lines=(counted,))
        await self._record("erp", LocationChanged(code=SITE), ItemChanged(sku=FIRST))
        terms = Channel(connection=SHOP, location=SITE, source_locations=(SITE,))
        await hub.channels.put(hub.scope, terms, by="benchmark")
        await self._record(WMS, taken)
        await self._make_calls()
        await hub.inbox.receive(hub.scope, WMS, self._pick(FIRST))
        await self._hear()
        await self._make_calls()

    async def _record(self, source: str, *payloads: Payload) -> None:
        now = self._hub.clock.now()
        facts = [
            Fact(identity=payload.TYPE, payload=payload, occurred_at=now, stream=SITE, sequence=0)
            for payload in payloads
        ]
        await self._hub.inbox.record(self._hub.scope, source, facts, b"")
        await self._hear()

    async def _lay_down_the_others(self) -> None:
        """Lay down what the first listing left behind for all others, and let it settle."""
        setup: Any = await asyncpg.connect(self._hub.dsn, command_timeout=3600)
        for table, (which, otherwise) in ROWS.items():
            columns: list[str] = await setup.fetchval(COLUMNS, table)
            values = ", ".join(otherwise.get(name, f"t.{name}") for name in columns)
            await setup.execute(
                f"create temp table first as select * from {table} t where {which}"
            )
            copied = (
                f"insert into {table} ({', '.join(columns)}) overriding system value"
                f" select {values} from first t, generate_series($1::bigint, $2::bigint) g"
            )
            for first in range(2, self._listings + 1, CHUNK):
                await setup.execute(copied, first, min(first + CHUNK - 1, self._listings))
            await setup.execute("drop table first")
        await setup.execute(TO_THE_END)
        await setup.execute("vacuum analyze")
        await setup.execute("checkpoint")
        await setup.close()

    async def _hear(self) -> None:
        """Let everyone hear what was said, and decide what is due, until all are still."""
        hub = self._hub
        while True:
            for reader in hub.readers:
                await readers.catch_up(hub.database, reader, hub.clock)
            if not await hub.engine.run_due():
                return

    async def _make_calls(self) -> int:
        """Take what is to be written, as if the shop had taken it at once; say how much."""
        hub, made = self._hub, 0
        while taken := await self._take():
            now = hub.clock.now()
            done = Next("DONE", now, 1)
            endings = [claiming.Ending(command, "DONE", done) for command in taken]
            async with hub.database.transaction(hub.scope) as tx:
                await claiming.settle(tx, SHOP, endings, now)
            made += len(taken)
        await self._hear()
        return made

    async def _take(self) -> Sequence[OutboxCommand]:
        hub = self._hub
        async with hub.database.transaction(hub.scope) as tx:
            held = await claiming.hold(tx, tx.tenant, SHOP, ANY_NUMBER)
            assert held  # noqa: S101  # nobody else is here
            claim = await claiming.claim(
                tx, SHOP, held, ANY_NUMBER, call_id=hub.ids.new(), worker="me", now=hub.clock.now()
            )
        return claim.commands

    def _pick(self, item: str) -> Delivery:
        self._number += 1
        now, name = self._hub.clock.now(), f"{SITE}-{self._number}"
        movement = {
            "type": "movement",
            "movement_id": name,
            "reason": "PICK",
            "location": SITE,
            "stream": SITE,
            "sequence": self._number,
            "occurred_at": now.isoformat(),
            "item": item,
            "quantity": "1",
            "document": f"SO-{self._number // 4}",
        }
        body = json.dumps(movement).encode()
        return Delivery(body=body, headers=signed_headers(self._keys, name, now, body))


async def _execute(dsn: str, statement: str) -> None:
    connection: Any = await asyncpg.connect(dsn, command_timeout=600)
    await connection.execute(statement)
    await connection.close()
