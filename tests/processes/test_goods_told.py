"""What an ERP's tables and a warehouse's files say is to come, and what goods are, is promised."""

from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from crossdock.applications.generic_wms import mapping as wms
from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings
from crossdock.applications.sql_stock import APPLICATION as ERP
from crossdock.applications.sql_stock.client import PollingErp
from crossdock.applications.sql_stock.settings import SqlStockSettings
from crossdock.applications.tryton import samples
from crossdock.applications.tryton.mapping import translated as of_tryton
from crossdock.applications.tryton.wire import decoded
from crossdock.assembly import Hub, Outside
from crossdock.canonical.envelope import Fact
from crossdock.capabilities.supply import Question
from crossdock.connectivity.recording import Verdict
from crossdock.connectivity.sdk import Delivery, Ports
from crossdock.foundation.clock import VirtualClock
from tests.conftest import NOON
from tests.processes.end_to_end.world import settings_of

TODAY = NOON.date()
IN_A_WEEK, IN_A_MONTH = TODAY + timedelta(days=7), TODAY + timedelta(days=28)
TABLES = """
create table purchases (no text, line int, sku text, qty numeric, due date, confirmed bool,
    changed_at timestamptz default clock_timestamp());
create table orders (id int, ship_on timestamp, sku text, qty int,
    changed_at timestamptz default clock_timestamp());
create table bills (kit text, parts json, changed_at timestamptz default clock_timestamp());
insert into purchases values ('7', 1, 'BOLT', 60, $day, true), ('7', 2, 'NUT', 60, $day, false);
insert into orders values (1, $day, 'BOLT', 35);
insert into bills values ('SET', '[{"item": "BOLT", "quantity": 2}]');
"""
QUERIES = {
    "supply": {
        "sql": "select no || line as id, 'po:' || no || '/' || line as supply_id, sku as item,"
        " qty as quantity, due as eta, case when confirmed then 'ACKNOWLEDGED' end as evidence,"
        " changed_at from purchases"
    },
    "demand": {
        "sql": "select id, id as order_id, ship_on, changed_at, json_build_array("
        "json_build_object('line', 1, 'item', sku, 'ordered', qty)) as lines from orders",
        "columns": {"requested_ship_date": "ship_on"},
    },
    "kits": {
        "sql": "select kit as id, kit, parts, changed_at from bills",
        "columns": {"item": "kit", "components": "parts"},
    },
}


@pytest.fixture
async def hub(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Hub]:
    outside = Outside(clock=clock, applications={})
    async with Hub.open(settings_of(dsn, tmp_path), outside) as opened:
        for item in ("BOLT", "NUT", "SET"):
            await opened.put_stock(item, "DC1", 40 if item == "BOLT" else 0)
        yield opened


@pytest.fixture
async def tables(dsn: str) -> AsyncIterator[Any]:
    connection: Any = await asyncpg.connect(dsn)
    day = f"date '{IN_A_WEEK}'"
    await connection.execute(TABLES.replace("$day", day))
    yield connection
    await connection.close()


async def a_round(dsn: str, clock: VirtualClock) -> list[Fact]:
    said = {"dsn": dsn, "location": "DC1", **QUERIES}
    assert ERP.connect
    facts: list[Fact] = []
    settings = SqlStockSettings.model_validate(said)
    async with ERP.connect(
        settings, Ports(clock=clock, random=Random(1), allow_local_databases=True)
    ) as opened:
        assert isinstance(opened, PollingErp)
        assert "kits, supply, demand" in await opened.check()
        cursor, is_over = "", False
        while not is_over:
            page = await opened.poll(cursor)
            assert page.translation.refused == ()
            facts += page.translation.facts
            cursor, is_over = page.cursor, page.is_caught_up
    return facts


async def by(hub: Hub, item: str, day: date) -> int:
    [atp] = await hub.promise_dates([Question(item, "DC1", "EA", by=day)])
    return (atp.by_then or 0) // 1_000_000


async def test_an_erps_purchases_ship_dates_and_kits_are_promised_by_date(
    hub: Hub, tables: Any, dsn: str, clock: VirtualClock
) -> None:
    """Of the 60 confirmed 54 count; the order takes 35 on its day; nobody confirmed the nuts."""
    verdicts = await hub.record(await a_round(dsn, clock), source="erp")
    assert {verdict.verdict for verdict in verdicts} == {Verdict.NEW}

    assert [await by(hub, "BOLT", day) for day in (TODAY, IN_A_MONTH)] == [5, 59]
    assert [await by(hub, "SET", day) for day in (TODAY, IN_A_MONTH)] == [2, 29]
    assert await by(hub, "NUT", IN_A_MONTH) == 0

    await tables.execute("update purchases set qty = 0, changed_at = clock_timestamp()")
    await tables.execute("update orders set qty = 0, changed_at = clock_timestamp()")
    await hub.record(await a_round(dsn, clock), source="erp")

    assert [await by(hub, "BOLT", day) for day in (TODAY, IN_A_MONTH)] == [40, 40]


def told_in(name: str, *lines: str) -> tuple[Fact, ...]:
    settings = GenericWmsFilesSettings.model_validate({"folder": "drop", "location": "DC1"})
    delivery = Delivery(body="\n".join(lines).encode(), headers={":file": name})
    translation = wms.translated(delivery, settings)
    assert translation.refused == ()
    return translation.facts


async def test_a_warehouses_notices_take_from_the_purchase_and_its_lots_keep_so_long(
    hub: Hub,
) -> None:
    at = NOON.isoformat()
    columns = "supply_id,kind,parent_supply_id,item,quantity,evidence,eta,occurred_at"
    facts = [
        *told_in(
            "supplies-1.csv",
            columns,
            f"po:7/1,,,NUT,60,acknowledged,{IN_A_MONTH},{at}",
            f"asn:1/1,ASN_LINE,po:7/1,NUT,20,shipped,{IN_A_WEEK},{at}",
        ),
        *told_in("lots-1.csv", "item,lot,expires_on,occurred_at", f"NUT,L1,{IN_A_MONTH},{at}"),
        *told_in("catch_weights-1.csv", "item,quantity,unit,occurred_at", f"NUT,0.25,KGM,{at}"),
    ]

    verdicts = await hub.record(facts, source="wms")

    assert {verdict.verdict for verdict in verdicts} == {Verdict.NEW}
    assert await by(hub, "NUT", IN_A_WEEK + timedelta(days=4)) == 20
    assert await by(hub, "NUT", IN_A_MONTH + timedelta(days=7)) == 20 + 36
    [atp] = await hub.promise_dates([Question("NUT", "DC1", "EA")])
    assert atp.weight is not None
    assert atp.weight.micros == 250_000


async def test_what_a_warehouse_books_in_is_promised_before_it_is_put_away(hub: Hub) -> None:
    at = (NOON + timedelta(minutes=1)).isoformat()
    columns = "movement_id,reason,item,quantity,occurred_at"
    bought = "supply_id,item,quantity,evidence,eta,occurred_at,version"
    purchase = told_in("supplies-1.csv", bought, f"po:9/1,NUT,60,shipped,{TODAY},{at},1")
    await hub.record(purchase, source="wms")
    assert await by(hub, "NUT", IN_A_WEEK) == 60

    booked = told_in("movements-1.csv", columns, f"M1,RECEIPT,NUT,60,{at}")
    over = told_in("supplies-2.csv", bought, f"po:9/1,NUT,0,shipped,{TODAY},{at},2")
    await hub.record([*booked, *over], source="wms")
    assert (await hub.availability("NUT", "DC1")).available.micros == 0
    assert await by(hub, "NUT", IN_A_WEEK) == 60
    [atp] = await hub.promise_dates([Question("NUT", "DC1", "EA")])
    assert [(one.supply.kind, one.confidence) for one in atp.inbound] == [("DOCK", "A")]

    put = told_in("movements-2.csv", columns, f"M2,PUTAWAY,NUT,45,{at}")
    await hub.record(put, source="wms")
    assert (await hub.availability("NUT", "DC1")).available.micros == 45_000_000
    assert await by(hub, "NUT", IN_A_WEEK) == 60


def bought_in_tryton(*states: str) -> tuple[Fact, ...]:
    """Tell the recorded purchase of 4 dozen, one move for each of these states."""
    page: dict[str, Any] = decoded(samples.PURCHASES.delivery.body)
    [row] = page["answer"]["result"]
    [line] = row["lines."]
    [move, *_] = line["moves."]
    line["moves."] = [{**move, "state": state, "quantity": 4 // len(states)} for state in states]
    at = row["last_modified_at"] + timedelta(minutes=len(states))
    line["last_modified_at"] = row["last_modified_at"] = at
    return of_tryton(page, samples.SAMPLE_OPTIONS).facts


def moved_in_tryton(number: int, pieces: int, zones: tuple[int, int]) -> tuple[Fact, ...]:
    """Tell a move between two locations: 6 is suppliers, 1 the input zone, 3 the storage."""
    page: dict[str, Any] = decoded(samples.MOVES.delivery.body)
    [at] = [one for one in page["related"]["locations"] if one["id"] == 3]
    told = page["related"]["locations"]
    told += [{**at, "id": 1, "name": "Input Zone", "code": "IN"}]
    told += [
        {**at, "id": 6, "name": "Supplier", "code": "SUP", "type": "supplier", "parent": None}
    ]
    row = deepcopy(page["answer"]["result"][0])
    source, target = zones
    row |= {"id": number, "quantity": pieces, "from_location": source, "to_location": target}
    page["answer"]["result"] = [row]
    return of_tryton(page, samples.SAMPLE_OPTIONS).facts


async def test_what_tryton_has_at_its_input_zone_is_promised_before_it_is_put_away(
    hub: Hub,
) -> None:
    """Its purchase shrinks with the receipt: 36 of the 48 are open, and 12 lie at the input."""
    known = [*samples.LOCATIONS.translation.facts, *samples.ITEMS.translation.facts]
    await hub.record([*known, *bought_in_tryton("draft")], source="tryton")
    await hub.record(
        [*bought_in_tryton("done", *["draft"] * 3), *moved_in_tryton(11, 12, (6, 1))],
        source="tryton",
    )
    [atp] = await hub.promise_dates([Question("WIDGET", "WH", "EA")])
    assert (atp.standing.nettable, atp.standing.docked) == (0, 12_000_000)
    assert [one.supply.remaining // 1_000_000 for one in atp.inbound] == [36, 12]
    assert atp.buckets[-1].atp == 12_000_000

    await hub.record(moved_in_tryton(12, 12, (1, 3)), source="tryton")
    [atp] = await hub.promise_dates([Question("WIDGET", "WH", "EA")])
    assert (atp.standing.nettable, atp.standing.docked) == (12_000_000, 0)
    assert atp.buckets[-1].atp == 12_000_000
